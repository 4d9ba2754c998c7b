// What bench_index asks an archive of a given size, and how long each answer takes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/index_life.h"
#include "index/read/database.h"

namespace holdfast::bench {

struct Question {
  std::string name;
  // Asks it the n-th time, of another recording each time; gives the numbers it found.
  std::function<Result<std::vector<RecordingNo>>(Database&, const Life&, int64_t n)> ask;
};
const std::vector<Question>& questions();

struct Answer {
  double median_us = 0;
  double p95_us = 0;
  size_t rows = 0;    // of the first
  uint64_t hash = 0;  // of what the first kHashed found
};
constexpr int kHashed = 5;

// Asks it kTimesMax times, fewer (kHashed at least) when that takes longer than kSecondsMax.
Result<Answer> measure(const Question& question, Database& index, const Life& life);
constexpr int kTimesMax = 300;
constexpr double kSecondsMax = 3;

}  // namespace holdfast::bench
