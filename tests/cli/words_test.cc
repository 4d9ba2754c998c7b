// What people read: sizes, times, lengths, safe text, aligned columns.
#include "cli/words.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <memory>

#include "cli/table.h"

namespace holdfast::cli {
namespace {

// What `print` writes to a stream.
template <typename Print>
std::string printed(Print print) {
  char* text = nullptr;
  size_t length = 0;
  std::FILE* out = ::open_memstream(&text, &length);
  print(out);
  std::fclose(out);
  std::string result(text, length);
  std::free(text);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(words)

BOOST_AUTO_TEST_CASE(sizes) {
  BOOST_TEST(size_in_words(0) == "0 B");
  BOOST_TEST(size_in_words(1023) == "1023 B");
  BOOST_TEST(size_in_words(1024) == "1.0 KiB");
  BOOST_TEST(size_in_words(1536) == "1.5 KiB");
  BOOST_TEST(size_in_words(10 * 1024 * 1024) == "10 MiB");
  BOOST_TEST(size_in_words(int64_t{5} << 40) == "5.0 TiB");
}

BOOST_AUTO_TEST_CASE(times_and_lengths) {
  BOOST_TEST(time_in_words("2026-11-21T03:36:00.123Z") == "2026-11-21 03:36:00");
  BOOST_TEST(time_in_words("2026-11-21T03:36:00+01:00") == "2026-11-21 02:36:00");
  BOOST_TEST(time_in_words("soon\n") == "soon?");
  BOOST_TEST(length_in_words(0) == "0 s");
  BOOST_TEST(length_in_words(59.4) == "59 s");
  BOOST_TEST(length_in_words(60) == "1 min");
  BOOST_TEST(length_in_words(200) == "3 min 20 s");
  BOOST_TEST(length_in_words(7500) == "2 h 5 min");
  BOOST_TEST(length_in_words(90'000) == "1 d 1 h");
  BOOST_TEST(length_in_words(-3) == "0 s");
}

BOOST_AUTO_TEST_CASE(no_control_character_reaches_the_terminal) {
  BOOST_TEST(printable("a\x1b[31mb\nc\x7f") == "a?[31mb?c?");
  BOOST_TEST(printable("\xC2\x9B"
                       "31m") == "?31m");
  BOOST_TEST(printable("Grüße €") == "Grüße €");
}

BOOST_AUTO_TEST_CASE(members_of_any_kind_are_told) {
  const json::object item{{"text", "a"},           {"empty", ""},   {"null", nullptr},
                          {"yes", true},           {"number", 42},  {"list", {"a", "b"}},
                          {"none", json::array{}}, {"bytes", 2048}, {"ms", 0}};
  BOOST_TEST(text_of(item, "text") == "a");
  BOOST_TEST(text_of(item, "empty") == "-");
  BOOST_TEST(text_of(item, "null") == "-");
  BOOST_TEST(text_of(item, "absent") == "-");
  BOOST_TEST(text_of(item, "yes") == "yes");
  BOOST_TEST(text_of(item, "number") == "42");
  BOOST_TEST(list_of(item, "list") == "a, b");
  BOOST_TEST(list_of(item, "none") == "-");
  BOOST_TEST(size_of(item, "bytes") == "2.0 KiB");
  BOOST_TEST(size_of(item, "text") == "-");
  BOOST_TEST(time_of(item, "ms") == "1970-01-01 00:00:00");
  BOOST_TEST(objects_of(item, "list").empty());
}

BOOST_AUTO_TEST_CASE(columns_align_and_only_grow) {
  Table table({{"NAME"}, {"SIZE", Table::Align::kRight}});
  const std::string text = printed([&table](std::FILE* out) {
    table.add({"ä", "1 B"});
    table.flush(out);
    table.add({"longer name", "10 KiB"});
    table.add({"b", "2 B"});
    table.flush(out);
  });
  BOOST_TEST(text ==
             "NAME  SIZE\n"
             "ä      1 B\n"
             "longer name  10 KiB\n"
             "b               2 B\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::cli
