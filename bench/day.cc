// What a day of calls costs, from a sample of them: processor time, bytes of the disks, and growth
// of the databases, by stage.
//
//   bench_day DIRECTORY [CALLS_A_DAY]   every directory below it that has files is a call
//   bench_day --synthetic N             N calls of four seconds of seeded noise with pauses
//
// The calls are taken in by eight writers, packed to warm and verified there, copied to cold and
// verified, and released from standard and warm, each stage on its own by a clock set by hand. Per
// stage: seconds by the clock, seconds of the processor (user and system, all threads), and what
// the kernel read from disks and wrote to them for this process (/proc/self/io; what stays in the
// page cache is not read). Then the same for CALLS_A_DAY (100,000 when absent), in proportion.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "bench/archive_config.h"
#include "bench/recorded_calls.h"
#include "bench/scratch.h"
#include "daemon/work/open_archive.h"
#include "index/commands/keys.h"
#include "tests/support/movers.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;

constexpr int kSyntheticSeconds = 4;
constexpr uint32_t kSeed = 1;
constexpr int kCallsADay = 100'000;

struct Cost {
  double seconds = 0;
  double processor = 0;
  double read = 0;  // bytes
  double written = 0;
};

Cost spent() {
  Cost cost;
  cost.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  cost.processor = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  std::ifstream io("/proc/self/io");
  std::string name;
  for (double value = 0; io >> name >> value;) {
    if (name == "read_bytes:") cost.read = value;
    if (name == "write_bytes:") cost.written = value;
  }
  return cost;
}

class Day {
 public:
  Day(size_t calls, int calls_a_day) : factor_(calls_a_day / static_cast<double>(calls)) {
    std::printf("%-22s %9s %9s %9s %9s   a day of %d: %9s %9s %9s\n", "stage", "seconds",
                "processor", "read,MB", "write,MB", calls_a_day, "proc.,min", "read,GB",
                "write,GB");
  }

  Status stage(const char* name, const std::function<Status()>& work) {
    const Cost before = spent();
    HOLDFAST_TRY(work());
    const Cost after = spent();
    const double processor = after.processor - before.processor;
    const double read = after.read - before.read;
    const double written = after.written - before.written;
    std::printf("%-22s %9.2f %9.2f %9.1f %9.1f %27.1f %9.1f %9.1f\n", name,
                after.seconds - before.seconds, processor, read / 1e6, written / 1e6,
                processor * factor_ / 60, read * factor_ / 1e9, written * factor_ / 1e9);
    std::fflush(stdout);
    return {};
  }

  void size(const char* name, int64_t bytes, size_t calls) const {
    const auto known = static_cast<double>(bytes);
    std::printf("%-22s %12.1f MB %12.0f bytes a call %12.2f GB a day\n", name, known / 1e6,
                known / static_cast<double>(calls), known * factor_ / 1e9);
  }

 private:
  const double factor_;
};

int64_t size_below(const fs::path& path) {
  int64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  return bytes;
}

// Each stage is due an hour after the one before.
Config config_of(const std::string& root) {
  Config config = config_in(root);
  config.cold.emplace();
  config.cold->path = root + "/cold";
  config.cold->linger = Millis(0);
  config.standard.copy_after = minutes(1);
  config.warm.pack_seal_after = minutes(1);
  config.warm.copy_after = hours(1);
  config.standard.release_after = hours(2);
  config.warm.release_after = hours(2);
  return config;
}

Status run(const std::string& root, const fs::path& directory, int calls_a_day) {
  const Config config = config_of(root);
  const std::vector<Call> calls = calls_below(directory);
  if (calls.empty()) return Error{Code::kInvalid, "no call lies below " + directory.string()};
  ManualClock clock(UnixMillis(1'795'000'000'000));
  SystemRandom random;
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_TRY(init_archive(*io, config, clock, random));
  HOLDFAST_ASSIGN(opened, OpenedArchive::open(config, clock, random));
  const Archive& archive = opened->archive();
  const auto workspace = random.id<WorkspaceId>();
  HOLDFAST_TRY(archive.writer.call(add_workspace(workspace, "bench", "uid:0")));
  const int64_t originals = bytes_of(calls);
  std::printf("# %zu calls, %.1f MB; ring %s\n", calls.size(), static_cast<double>(originals) / 1e6,
              std::string(io->ring_kind()).c_str());
  Movers movers(archive);
  const auto move_all = [&]() -> Status {
    for (int round = 0; round < 4; ++round) {
      clock.advance(minutes(5));
      for (bool worked = true; worked;) {
        HOLDFAST_ASSIGN(turn, movers.run_once(*io));
        worked = turn;
      }
    }
    return {};
  };
  Day day(calls.size(), calls_a_day);
  HOLDFAST_TRY(day.stage("ingest", [&] { return take_in_all(archive, workspace, calls); }));
  const int64_t on_standard = size_below(config.standard.path + "/standard");
  HOLDFAST_TRY(day.stage("to warm", move_all));
  const int64_t on_warm = size_below(config.warm.path);
  clock.advance(hours(1));
  HOLDFAST_TRY(day.stage("to cold", move_all));
  clock.advance(hours(1));
  HOLDFAST_TRY(day.stage("release", move_all));
  opened.reset();  // the logs of the databases go into them
  if (const int64_t left = size_below(config.standard.path + "/standard"); left != 0)
    return Error{Code::kCorrupt,
                 "not everything went: " + std::to_string(left) + " bytes are on standard"};
  day.size("originals", originals, calls.size());
  day.size("standard", on_standard, calls.size());
  day.size("warm", on_warm, calls.size());
  day.size("cold", size_below(root + "/cold"), calls.size());
  day.size("index.db", static_cast<int64_t>(fs::file_size(config.state_dir + "/index.db")),
           calls.size());
  day.size("ledger", size_below(config.state_dir + "/ledger"), calls.size());
  day.size("its mirror", size_below(root + "/mirror"), calls.size());
  return {};
}

}  // namespace

int main(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  const bool is_synthetic = first == "--synthetic";
  const int number = count > 2 ? std::atoi(words[2]) : kCallsADay;
  if (first.empty() || count > 3 || (is_synthetic && count < 3) || number < 1) {
    std::fputs("usage: bench_day DIRECTORY [CALLS_A_DAY] | --synthetic CALLS\n", stderr);
    return 2;
  }
  return in_scratch("day", [&](const std::string& root) {
    fs::path directory = first;
    if (is_synthetic) {
      directory = fs::path(root) / "calls";
      make_synthetic(directory, number, kSyntheticSeconds, kSeed);
    }
    return run(root, directory, is_synthetic ? kCallsADay : number);
  });
}
