// The words of the rows. The numbers are on disk, so this test repeats them.
#include "base/rows.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(rows)

BOOST_AUTO_TEST_CASE(numbers_on_disk_keep_their_words) {
  BOOST_TEST(word(static_cast<Tier>(0)) == "standard");
  BOOST_TEST(word(static_cast<Tier>(2)) == "cold");
  BOOST_TEST(word(static_cast<RecordingState>(1)) == "live");
  BOOST_TEST(word(static_cast<RecordingState>(4)) == "unlocated");
  BOOST_TEST(word(static_cast<CopyState>(2)) == "verified");
  BOOST_TEST(word(static_cast<CopyState>(5)) == "quarantined");
  BOOST_TEST(word(static_cast<VerifyMode>(1)) == "direct");
  BOOST_TEST(word(static_cast<PackState>(1)) == "sealed");
  BOOST_TEST(word(static_cast<MoveState>(6)) == "failed");
  BOOST_TEST(word(static_cast<RestoreState>(2)) == "staged");
  BOOST_TEST(word(static_cast<RestorePriority>(2)) == "bulk");
  BOOST_TEST(word(static_cast<MediumState>(3)) == "lost");
  BOOST_TEST(word(static_cast<Direction>(1)) == "outbound");
  BOOST_TEST(word(static_cast<Channel>(3)) == "both");
}

BOOST_AUTO_TEST_CASE(a_number_without_a_word_is_told_as_unknown) {
  BOOST_TEST(word(static_cast<Tier>(3)) == "unknown");
  BOOST_TEST(word(static_cast<Tier>(-1)) == "unknown");
  BOOST_TEST(word(static_cast<Flag>(0)) == "unknown");
}

BOOST_AUTO_TEST_CASE(words_come_back_as_values_and_strangers_are_told_what_there_is) {
  BOOST_TEST((tier_from("warm").value() == Tier::kWarm));
  BOOST_TEST((priority_from("expedited").value() == RestorePriority::kExpedited));
  BOOST_TEST((direction_from("outbound") == Direction::kOutbound));
  BOOST_TEST(!direction_from("sideways").has_value());
  BOOST_TEST(tier_from("tepid").error().message ==
             "\"tepid\" is no tier; there are standard, warm, cold");
}

BOOST_AUTO_TEST_CASE(every_scope_has_its_bit) {
  int32_t all = 0;
  for (int32_t bit = 1; bit <= kAllScopes; bit <<= 1) {
    const auto scope = static_cast<Scope>(bit);
    BOOST_TEST((scope_from(word(scope)).value() == scope));
    all |= bit;
  }
  BOOST_TEST(all == kAllScopes);
  BOOST_TEST((scope_from("admin").value() == Scope::kAdmin));
  BOOST_TEST(!scope_from("root").ok());
}

BOOST_AUTO_TEST_CASE(flags_are_told_one_by_one) {
  std::vector<std::string> words;
  const int32_t mask =
      static_cast<int32_t>(Flag::kEmptyAudio) | static_cast<int32_t>(Flag::kUndecodableAudio);
  each_flag(mask, [&](std::string_view text) { words.emplace_back(text); });
  BOOST_TEST(words == (std::vector<std::string>{"empty-audio", "undecodable-audio"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
