#include "base/nearest_word.h"

#include <boost/test/unit_test.hpp>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(nearest)

BOOST_AUTO_TEST_CASE(the_word_that_was_meant) {
  const std::vector<std::string> words = {"copy_after", "release_after", "path", "full_at"};
  const auto meant = [&](const char* word) { return nearest_word(word, words).value_or("none"); };
  BOOST_TEST(meant("copy_afer") == "copy_after");         // left out
  BOOST_TEST(meant("copyy_after") == "copy_after");       // inserted
  BOOST_TEST(meant("cupy_after") == "copy_after");        // replaced
  BOOST_TEST(meant("relaese_after") == "release_after");  // swapped
  BOOST_TEST(meant("paht") == "path");
  BOOST_TEST(meant("copy_after") == "copy_after");
  BOOST_TEST(meant("nonsense") == "none");
  BOOST_TEST(meant("") == "none");
  BOOST_TEST(meant(std::string(5000, 'x').c_str()) == "none");
  BOOST_TEST(!nearest_word("x", {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
