// What a call gave, or a check that fails with its error.
#pragma once

#include <boost/test/unit_test.hpp>
#include <utility>

#include "base/result.h"

namespace holdfast {

// Thread rule: Boost.Test's checks are for the main thread alone.
template <typename T>
T must(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
  return std::move(result).value();
}
inline void must(const Status& status) {
  BOOST_REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().message));
}

// And the code of what must fail.
template <typename R>
Code code_of(const R& result) {
  BOOST_REQUIRE_MESSAGE(!result.ok(), "it succeeded");
  return result.error().code;
}

}  // namespace holdfast
