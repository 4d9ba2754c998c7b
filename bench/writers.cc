// How fast calls come in from many clients at once, beside a C program that makes the same files
// durable (bench/durable_writer.c), by turns in one run.
//
//   bench_writers PEER CALLS ROUNDS [BYTES...]     8,000, 1,000,000 and 5,000,000 when absent
//
// A call is an audio file of so many bytes, in memory, and a metadata.json; eight threads. CALLS
// are those of the smallest size; of larger ones there are as many as come to kBytesMax, and
// sixteen at least. Ours: the one way in (daemon/work/ingest.h), as an upload goes: digest, checks,
// data and directories synced, acknowledged by a row and a line in the ledger and its mirror,
// placed. The peer's: two files, each written, synced, renamed, its directory synced. Prints
// parameters, calls a second of both (medians of the rounds) and the ratio.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/archive_config.h"
#include "bench/scratch.h"
#include "bench/uploads.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/placing.h"
#include "index/commands/keys.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

constexpr int64_t kBytesMax = 800'000'000;
constexpr size_t kLargeBytes = 1'000'000;

// Calls a second.
Result<double> ours(const Archive& archive, const WorkspaceId& workspace, int from, int count,
                    size_t bytes) {
  const SystemClock clock;
  const Millis begun = clock.monotonic();
  HOLDFAST_ASSIGN(lane, PlacingLane::start(archive, IoOptions()));  // as in the daemon
  HOLDFAST_TRY(by_writers(from, from + count, [&](Io& io, int number) {
    thread_local std::string sound;
    if (sound.size() != bytes) sound.assign(bytes, 'a');
    std::memcpy(sound.data(), &number, sizeof number);
    return take_in(io, archive,
                   Upload{workspace, "CA" + std::to_string(number), archive.clock.now(), sound});
  }));
  lane.reset();  // places what still waits
  const int64_t taken_ms = std::max<int64_t>(clock.monotonic().count - begun.count, 1);
  return count * 1000.0 / static_cast<double>(taken_ms);
}

// The peer prints its calls a second.
Result<double> peer(const std::string& program, const std::string& directory, int count,
                    size_t bytes) {
  fs::create_directories(directory);
  const std::string command = "'" + program + "' '" + directory + "' " + std::to_string(kWriters) +
                              " " + std::to_string(count) + " " + std::to_string(bytes);
  std::FILE* output = ::popen(command.c_str(), "r");
  if (output == nullptr) return system_error(errno, "run " + command);
  double rate = 0;
  const bool told = std::fscanf(output, "%lf", &rate) == 1;
  if (::pclose(output) != 0 || !told) return Error{Code::kIo, "run " + command + ": it failed"};
  // Many small ones stay until the end: an ext4 without a journal passes over each inode that was
  // freed in the last minutes when it makes another, and that would be our next round's loss.
  if (bytes >= kLargeBytes) fs::remove_all(directory);
  return rate;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Status run(const std::string& root, const std::string& program, int calls, int rounds,
           const std::vector<size_t>& sizes) {
  const Config config = config_in(root);
  SystemClock clock;
  SystemRandom random;
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_TRY(init_archive(*io, config, clock, random));
  HOLDFAST_ASSIGN(opened, OpenedArchive::open(config, clock, random));
  const Archive& archive = opened->archive();
  const auto workspace = random.id<WorkspaceId>();
  HOLDFAST_TRY(archive.writer.call(add_workspace(workspace, "bench", "uid:0")));
  std::printf("# %d writers, %d rounds, ring %s\n", kWriters, rounds,
              std::string(io->ring_kind()).c_str());
  std::printf("%-10s %8s %14s %14s %8s\n", "bytes", "calls", "holdfast, /s", "durable, /s",
              "ratio");
  int from = 0;
  for (const size_t bytes : sizes) {
    const auto fitting = static_cast<int>(kBytesMax / static_cast<int64_t>(bytes));
    const int count = std::min(calls, std::max(fitting, 16));
    std::vector<double> own, theirs;
    for (int round = 0; round < rounds; ++round, from += count) {
      ::sync();
      HOLDFAST_ASSIGN(rate, ours(archive, workspace, from, count, bytes));
      own.push_back(rate);
      ::sync();
      const std::string directory = root + "/peer-" + std::to_string(from);
      HOLDFAST_ASSIGN(peer_rate, peer(program, directory, count, bytes));
      theirs.push_back(peer_rate);
    }
    const double a = median(own);
    const double b = median(theirs);
    std::printf("%-10zu %8d %14.1f %14.1f %8.2f\n", bytes, count, a, b, a / b);
    std::fflush(stdout);  // a large run takes minutes
  }
  return {};
}

}  // namespace

int main(int count, char** words) {
  const int calls = count > 3 ? std::atoi(words[2]) : 0;
  const int rounds = count > 3 ? std::atoi(words[3]) : 0;
  std::vector<size_t> sizes;
  for (int i = 4; i < count; ++i) sizes.push_back(static_cast<size_t>(std::atoi(words[i])));
  if (sizes.empty()) sizes = {8'000, 1'000'000, 5'000'000};
  if (calls < 1 || rounds < 1 || *std::min_element(sizes.begin(), sizes.end()) < sizeof(int)) {
    std::fputs("usage: bench_writers PEER CALLS ROUNDS [BYTES...]\n", stderr);
    return 2;
  }
  return in_scratch("writers", [&](const std::string& root) {
    return run(root, words[1], calls, rounds, sizes);
  });
}
