#include "daemon/stop_limit.h"

#include <boost/test/unit_test.hpp>
#include <future>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(stop_limit)

BOOST_AUTO_TEST_CASE(what_takes_too_long_is_given_up) {
  std::promise<void> given_up;
  StopLimit limit(Millis(1), [&] { given_up.set_value(); });
  given_up.get_future().wait();
}

BOOST_AUTO_TEST_CASE(what_ends_in_time_is_not) {
  bool given_up = false;
  {
    StopLimit limit(hours(24), [&] { given_up = true; });
  }
  BOOST_TEST(!given_up);
}

BOOST_AUTO_TEST_SUITE_END()
