// The 256 codes of G.711 and their order.
#include "audio/g711.h"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(g711)

BOOST_AUTO_TEST_CASE(sorting_is_a_bijection) {
  for (SampleForm law : {SampleForm::kMulaw, SampleForm::kAlaw}) {
    std::set<int> ranks;
    for (size_t code = 0; code < 256; ++code) {
      uint8_t rank = g711_rank_of_code(law)[code];
      ranks.insert(rank);
      BOOST_TEST(g711_code_of_rank(law)[rank] == code);
    }
    BOOST_TEST(ranks.size() == 256u);
  }
}

BOOST_AUTO_TEST_CASE(ranks_rise_with_the_amplitude) {
  for (SampleForm law : {SampleForm::kMulaw, SampleForm::kAlaw}) {
    const G711Table& codes = g711_code_of_rank(law);
    for (size_t rank = 1; rank < 256; ++rank)
      BOOST_TEST(g711_amplitude(law, codes[rank - 1]) <= g711_amplitude(law, codes[rank]));
  }
}

BOOST_AUTO_TEST_CASE(known_codes_have_their_amplitudes) {
  BOOST_TEST(g711_amplitude(SampleForm::kMulaw, 0xFF) == 0);
  BOOST_TEST(g711_amplitude(SampleForm::kMulaw, 0x7F) == 0);
  BOOST_TEST(g711_amplitude(SampleForm::kMulaw, 0x80) == 32124);
  BOOST_TEST(g711_amplitude(SampleForm::kMulaw, 0x00) == -32124);
  BOOST_TEST(g711_amplitude(SampleForm::kAlaw, 0xD5) == 8);
  BOOST_TEST(g711_amplitude(SampleForm::kAlaw, 0x55) == -8);
  BOOST_TEST(g711_amplitude(SampleForm::kAlaw, 0xAA) == 32256);
  BOOST_TEST(g711_amplitude(SampleForm::kAlaw, 0x2A) == -32256);
  BOOST_TEST(g711_rank_of_code(SampleForm::kMulaw)[0x7F] == 127);
  BOOST_TEST(g711_rank_of_code(SampleForm::kMulaw)[0xFF] == 128);
}

BOOST_AUTO_TEST_SUITE_END()
