#include "tiers/pack/encoders.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "io/side_by_side.h"

namespace holdfast::pack {
namespace {

// What the threads share. Each result is written by the one thread that took its job, and read
// when all threads have ended.
struct Bench {
  Bench(const std::vector<Fd>& files, size_t count, const EncodeJob& job)
      : scratches(files), encode(job), results(count), scratch_of(count) {}

  void work(Io& io, size_t scratch) {
    FileEncoder encoder(io, scratches[scratch].get());
    while (!has_failed) {
      const size_t job = next++;
      if (job >= results.size()) return;
      results[job] = encode(job, io, encoder);
      scratch_of[job] = scratch;
      if (!results[job]->ok()) has_failed = true;
    }
  }

  const std::vector<Fd>& scratches;
  const EncodeJob& encode;
  std::atomic<size_t> next{0};
  std::atomic<bool> has_failed{false};
  std::vector<std::optional<Result<std::vector<EncodedPiece>>>> results;
  std::vector<size_t> scratch_of;
};

}  // namespace

Result<std::vector<EncodedFile>> encode_all(Io& io, const std::vector<Fd>& scratches, size_t jobs,
                                            const EncodeJob& encode) {
  Bench bench(scratches, jobs, encode);
  const auto threads = static_cast<int>(scratches.size());
  std::atomic<size_t> scratch{0};
  SideBySide(threads).run(io, static_cast<int>(std::min(scratches.size(), jobs)),
                          [&](Io& own) { bench.work(own, scratch++); });
  std::vector<EncodedFile> files(jobs);
  for (size_t job = 0; job < jobs; ++job) {
    auto& result = bench.results[job];
    if (!result) continue;  // nobody began it: a later one has the error
    if (!result->ok()) return std::move(*result).error();
    files[job] = EncodedFile{bench.scratch_of[job], std::move(**result)};
  }
  return files;
}

}  // namespace holdfast::pack
