// Result, Error and the one table of codes.
#include "base/result.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <memory>
#include <set>
#include <string>

using namespace holdfast;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{Code::kInvalid, "halve " + std::to_string(number) + ": odd"};
  return number / 2;
}

Result<int> quarter(int number) {
  HOLDFAST_ASSIGN(once, half(number));
  HOLDFAST_ASSIGN(twice, half(once));
  return twice;
}

Status check_even(int number) {
  HOLDFAST_TRY(half(number));
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(result)

BOOST_AUTO_TEST_CASE(macros_hand_the_first_error_on) {
  BOOST_TEST(quarter(12).value() == 3);
  BOOST_TEST(quarter(6).error().message == "halve 3: odd");
  BOOST_TEST(check_even(4).ok());
  BOOST_TEST(check_even(5).error().message == "halve 5: odd");
}

BOOST_AUTO_TEST_CASE(holds_what_can_only_be_moved) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  BOOST_REQUIRE(made.ok());
  const std::unique_ptr<int> taken = std::move(made).value();
  BOOST_TEST(*taken == 7);
}

BOOST_AUTO_TEST_CASE(every_code_has_a_word_and_an_exit_code_of_its_own) {
  std::set<std::string_view> words;
  std::set<int> exits;
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i) {
    const CodeTraits& row = traits(static_cast<Code>(i));
    BOOST_TEST(words.insert(row.word).second);
    BOOST_TEST(exits.insert(row.exit_code).second);
    BOOST_TEST(row.exit_code > 2);
    BOOST_TEST(row.error_number != 0);
    BOOST_TEST(row.http_status >= 200);
  }
  BOOST_TEST(traits(Code::kIo).word == "io");
  BOOST_TEST(traits(Code::kArchived).error_number == EREMOTEIO);
}

BOOST_AUTO_TEST_CASE(errno_maps_once_and_is_kept) {
  BOOST_TEST((system_error(ENOSPC, "write a").code == Code::kNoSpace));
  BOOST_TEST((system_error(EDQUOT, "write a").code == Code::kNoSpace));
  BOOST_TEST((system_error(ENOENT, "open a").code == Code::kNotFound));
  const Error error = system_error(EIO, "read a");
  BOOST_TEST((error.code == Code::kIo));
  BOOST_TEST(error.system_errno == EIO);
  const Error outer = error.within("verify pack p");
  BOOST_TEST(outer.message == "verify pack p: read a: Input/output error");
  BOOST_TEST(outer.system_errno == EIO);
}

BOOST_AUTO_TEST_SUITE_END()
