// How much a test does that could go on for ever: so many rounds, and no new one after so long.
#pragma once

#include <chrono>
#include <cstdlib>

namespace holdfast::testing {

// The number that an environment variable gives, or another.
inline int number_from(const char* variable, int otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::atoi(given) : otherwise;
}

// Whether HOLDFAST_SECONDS have passed since this was first asked; never without it.
inline bool time_is_up() {
  static const auto kBegan = std::chrono::steady_clock::now();
  static const std::chrono::seconds kMost(number_from("HOLDFAST_SECONDS", 0));
  return kMost.count() > 0 && std::chrono::steady_clock::now() - kBegan >= kMost;
}

// `variable` says how many rounds.
class Effort {
 public:
  Effort(const char* variable, int by_default) : rounds_(number_from(variable, by_default)) {}

  bool is_over() const { return done_ >= rounds_ || time_is_up(); }
  // False when there is to be no other; else it counts as done.
  bool another() {
    if (is_over()) return false;
    ++done_;
    return true;
  }
  int done() const { return done_; }

 private:
  const int rounds_;
  int done_ = 0;
};

}  // namespace holdfast::testing
