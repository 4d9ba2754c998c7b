// Random Range fields through plan_file, each against the oracle.
//
// HOLDFAST_RANGES says how many (default 20,000; 2,000 in a sanitizer build).
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <string>

#include "base/time_text.h"
#include "daemon/http/file_semantics.h"
#include "tests/hostile/range_oracle.h"
#include "tests/support/effort.h"
#include "tests/support/sanitized.h"
#include "tests/support/seeded_random.h"

namespace holdfast::hostile {
namespace {

using testing::Effort;

constexpr UnixMillis kModified{1'795'000'000'123};
constexpr char kEtag[] = "0123abcd";
// Of a file so small each byte is asked for; of a larger one, the edges of what was planned.
constexpr int64_t kSmall = 48;

struct Counts {
  int whole = 0;
  int part = 0;
  int unsatisfiable = 0;
  int several = 0;
  int foreign = 0;
};

class Generator {
 public:
  explicit Generator(SeededRandom& random) : random_(random) {}

  int64_t size() {
    switch (random_.below(8)) {
      case 0:
        return 0;
      case 1:
        return 1;
      case 2:
        return static_cast<int64_t>(random_.below(uint64_t{1} << 62));
      case 3:
        return INT64_MAX - static_cast<int64_t>(random_.below(3));
      default:
        return static_cast<int64_t>(random_.below(kSmall));
    }
  }

  // Near the edges of the file, of 2^31, 2^32, 2^63 and 2^64, and beyond all of them.
  std::string number(int64_t size) {
    static constexpr const char* kEdges[] = {"2147483647",
                                             "2147483648",
                                             "4294967295",
                                             "4294967296",
                                             "9223372036854775806",
                                             "9223372036854775807",
                                             "9223372036854775808",
                                             "18446744073709551615",
                                             "18446744073709551616",
                                             "18446744073709551621",
                                             "99999999999999999999999999999999"};
    std::string digits;
    if (random_.below(8) == 0) {
      digits = kEdges[random_.below(std::size(kEdges))];
    } else if (random_.below(3) == 0) {
      const auto around = static_cast<uint64_t>(size) + random_.below(5);
      digits = std::to_string(around < 2 ? around : around - 2);
    } else {
      digits = std::to_string(random_.below(kSmall + kSmall / 2));
    }
    if (random_.below(16) == 0) digits.insert(0, random_.below(30), '0');
    return digits;
  }

  std::string spec(int64_t size) {
    switch (random_.below(8)) {
      case 0:
      case 1:
        return "-" + number(size);
      case 2:
      case 3:
        return number(size) + "-";
      default: {
        std::string first = number(size);
        std::string last = number(size);
        if (is_less(last, first) && random_.below(4) > 0) std::swap(first, last);
        return first + "-" + last;
      }
    }
  }

  std::string space() {
    static constexpr const char* kSpaces[] = {"", "", "", "", "", " ", "\t", "  "};
    return kSpaces[random_.below(std::size(kSpaces))];
  }

  std::string field(int64_t size) {
    static constexpr const char* kUnits[] = {"Bytes", "BYTES",  "byte",   "bytess", "items",
                                             "",      "bytes ", " bytes", "none"};
    std::string text = random_.below(12) == 0 ? kUnits[random_.below(std::size(kUnits))] : "bytes";
    text += random_.below(40) == 0 ? " " : "=";
    text += space();
    const uint64_t elements = random_.below(3) == 0 ? 1 + random_.below(6) : 1;
    for (uint64_t i = 0; i < elements; ++i) {
      if (i > 0) text += space() + "," + space();
      if (random_.below(12) > 0) text += spec(size);
    }
    text += space();
    if (random_.below(6) == 0) mutate(text);
    return text;
  }

 private:
  void mutate(std::string& text) {
    static constexpr std::string_view kBytes = "0123456789-=, \tabxX+.*/\"\x01\x7f\xff";
    for (uint64_t edits = 1 + random_.below(3); edits > 0 && !text.empty(); --edits) {
      const size_t at = random_.below(text.size());
      const char c = kBytes[random_.below(kBytes.size())];
      switch (random_.below(3)) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text.erase(at, 1);
          break;
      }
    }
  }

  SeededRandom& random_;
};

// What If-Range says of our version of the file (13.1.5).
struct Condition {
  std::string field;
  bool holds = false;
};

Condition random_condition(SeededRandom& random) {
  const std::string tag = "\"" + std::string(kEtag) + "\"";
  const Condition all[] = {{tag, true},
                           {"W/" + tag, false},
                           {"\"other\"", false},
                           {"*", false},
                           {to_http_date(kModified), true},
                           {to_http_date(kModified + seconds(1)), false},
                           {to_http_date(kModified - seconds(1)), false},
                           {"yesterday", false}};
  return all[random.below(std::size(all))];
}

void expect_part(const http::FilePlan& plan, const RangeSpec& spec, int64_t size) {
  const std::string total = std::to_string(size);
  BOOST_REQUIRE(plan.offset >= 0);
  BOOST_REQUIRE(plan.length > 0);
  BOOST_REQUIRE(plan.offset <= size - plan.length);
  const int64_t last = plan.offset + plan.length - 1;
  BOOST_TEST(plan.headers.find("content-range").value_or("") ==
             "bytes " + std::to_string(plan.offset) + "-" + std::to_string(last) + "/" + total);
  const auto is_wanted = [&](int64_t at) { return wants(spec, total, std::to_string(at)); };
  if (size <= kSmall) {
    for (int64_t at = 0; at < size; ++at)
      BOOST_TEST(is_wanted(at) == (at >= plan.offset && at <= last));
    return;
  }
  // A range is contiguous: its ends and their neighbours say it all.
  BOOST_TEST(is_wanted(plan.offset));
  BOOST_TEST(is_wanted(last));
  BOOST_TEST((plan.offset == 0 || !is_wanted(plan.offset - 1)));
  BOOST_TEST((last == size - 1 || !is_wanted(last + 1)));
}

void expect_whole(const http::FilePlan& plan, int64_t size) {
  BOOST_TEST(plan.status == 200);
  BOOST_TEST(plan.offset == 0);
  BOOST_TEST(plan.length == size);
  BOOST_TEST(!plan.headers.find("content-range"));
}

// One field, as the only one of a GET whose conditions allow a range.
void expect_as_read(const http::FilePlan& plan, const ReadRange& read, int64_t size,
                    Counts& counts) {
  const bool is_one =
      read.reading == RangeReading::kSingle || read.reading == RangeReading::kWithSpace;
  if (!is_one) {
    ++(read.reading == RangeReading::kSeveral ? counts.several : counts.foreign);
    return expect_whole(plan, size);
  }
  const RangeSpec& spec = read.specs.front();
  if (!is_satisfiable(spec, std::to_string(size))) {
    ++counts.unsatisfiable;
    BOOST_TEST(plan.status == 416);
    BOOST_TEST(plan.length == 0);
    BOOST_TEST(plan.headers.find("content-range").value_or("") ==
               "bytes */" + std::to_string(size));
    return;
  }
  if (size == 0) {  // the last bytes of nothing: Content-Range has no words for them
    ++counts.whole;
    return expect_whole(plan, size);
  }
  ++counts.part;
  BOOST_TEST(plan.status == 206);
  if (plan.status == 206) expect_part(plan, spec, size);
}

BOOST_AUTO_TEST_CASE(random_range_sets_are_read_as_the_oracle_reads_them) {
  Effort ranges("HOLDFAST_RANGES", testing::kSanitized ? 2'000 : 20'000);
  SeededRandom random;
  Generator generator(random);
  Counts counts;
  while (ranges.another()) {
    http::FileFacts facts;
    facts.size = Bytes(generator.size());
    facts.etag = kEtag;
    facts.last_modified = kModified;
    const std::string field = generator.field(facts.size.count);
    BOOST_TEST_CONTEXT("range " << ranges.done() << ": " << field << " of " << facts.size.count) {
      http::Request request;
      bool is_whole = false;
      request.headers.add("range", http::trimmed(field));  // as the parser does
      if (random.below(16) == 0) {
        const Condition condition = random_condition(random);
        request.headers.add("if-range", condition.field);
        is_whole = !condition.holds;
      }
      if (random.below(32) == 0) {
        request.headers.add("range", "bytes=0-0");
        is_whole = true;
      }
      if (random.below(32) == 0) {
        request.method = http::Method::kHead;
        is_whole = true;
      }
      const http::FilePlan plan = http::plan_file(request, facts);
      if (is_whole) {
        ++counts.whole;
        expect_whole(plan, facts.size.count);
      } else {
        expect_as_read(plan, read_range_field(http::trimmed(field)), facts.size.count, counts);
      }
    }
  }
  std::cout << "ranges " << ranges.done() << ", parts " << counts.part << ", unsatisfiable "
            << counts.unsatisfiable << ", several " << counts.several << ", no range "
            << counts.foreign << ", whole by condition, method or size " << counts.whole << "\n";
  // A generator that made only one kind would show nothing.
  BOOST_TEST(counts.part > ranges.done() / 10);
  BOOST_TEST(counts.unsatisfiable > ranges.done() / 50);
  BOOST_TEST(counts.several > ranges.done() / 50);
  BOOST_TEST(counts.foreign > ranges.done() / 50);
}

// The suffix of an empty file is satisfiable (14.1.1: its length is not 0), and there is nothing
// that a 206 could name.
BOOST_AUTO_TEST_CASE(the_last_bytes_of_an_empty_file_are_the_empty_file) {
  http::FileFacts facts;
  for (const auto& [field, status] : {std::pair<const char*, int>{"bytes=-5", 200},
                                      {"bytes=-0", 416},
                                      {"bytes=0-", 416},
                                      {"bytes=0-4", 416}}) {
    http::Request request;
    request.headers.add("range", field);
    BOOST_TEST(http::plan_file(request, facts).status == status, field);
  }
}

}  // namespace
}  // namespace holdfast::hostile
