// What is counted while the daemon works, for those who look at it (docs/monitoring.md). Adding
// costs one relaxed atomic operation; a reading is of roughly one moment, which is all a chart
// needs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast {

// Only ever grows. Any thread.
class Counter {
 public:
  void add(int64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// How many observations were at most each of the bounds, which ascend. Any thread.
template <size_t N>
class Histogram {
 public:
  struct Reading {
    std::array<double, N> bounds{};
    std::array<int64_t, N + 1> counts{};  // of each bucket alone; the last is above all bounds
    double sum = 0;
  };

  explicit constexpr Histogram(const std::array<double, N>& bounds) : bounds_(bounds) {}

  void observe(double value) {
    size_t bucket = 0;
    while (bucket < N && value > bounds_[bucket]) ++bucket;
    counts_[bucket].add();
    micros_.add(static_cast<int64_t>(value * 1e6));
  }

  Reading read() const {
    Reading reading;
    reading.bounds = bounds_;
    for (size_t i = 0; i <= N; ++i) reading.counts[i] = counts_[i].value();
    reading.sum = static_cast<double>(micros_.value()) / 1e6;
    return reading;
  }

 private:
  const std::array<double, N> bounds_;
  std::array<Counter, N + 1> counts_;
  Counter micros_;  // the sum; a double has no atomic addition everywhere
};

}  // namespace holdfast
