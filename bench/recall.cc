// How fast recordings come back out of warm packs, beside `tar --zstd -xf` of the same members.
//
//   bench_recall DIRECTORY [SCATTERED]       every directory below it that has files is a call
//   bench_recall --synthetic N [SCATTERED]   N calls of four seconds of seeded noise with pauses
//
// The calls are taken in, packed, and released from standard. Then, with nothing of packs, index
// or the peer's archive in the page cache: one recording, kRounds times by turns, each time
// another; and SCATTERED of them (1,000 when absent, at most half of all), asked for at once. Ours:
// the request, the restorer's lane, each file decoded, proven by its digest, synced and published,
// until the last is staged. The peer's: one archive of the same files (`tar c | zstd -3`), of which
// tar takes out the same files and syncs nothing. Prints parameters, seconds, the ratio, and
// whether both gave the same bytes.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "bench/archive_config.h"
#include "bench/recorded_calls.h"
#include "bench/scratch.h"
#include "daemon/work/file_reader.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/restorer.h"
#include "index/commands/keys.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "io/digest.h"
#include "tests/support/movers.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

constexpr uint32_t kSeed = 1;
constexpr int kRounds = 5;
constexpr int kSyntheticSeconds = 4;

// Until all lie in packs and nowhere else.
Status pack_all(Io& io, const Archive& archive, ManualClock& clock) {
  Movers movers(archive);
  for (int round = 0; round < 4; ++round) {
    clock.advance(minutes(5));
    for (bool worked = true; worked;) {
      HOLDFAST_ASSIGN(turn, movers.run_once(io));
      worked = turn;
    }
  }
  return {};
}

// Takes the bytes of every file below out of the page cache. What the kernel keeps of names and
// inodes stays, for both sides.
Status make_cold(const fs::path& root) {
  ::sync();
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const Fd fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return system_error(errno, "open " + entry.path().string());
    if (const int refused = ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED); refused != 0)
      return system_error(refused, "forget " + entry.path().string());
  }
  return {};
}

class Comparison {
 public:
  Comparison(const Archive& archive, const WorkspaceId& workspace, std::string root)
      : archive_(archive), workspace_(workspace), root_(std::move(root)) {}

  // Seconds until all of them are staged.
  Result<double> ours(Io& io, const std::vector<Call>& calls) {
    std::vector<RequestRestore> requests;
    for (const Call& call : calls) {
      HOLDFAST_ASSIGN(recording, find(call));
      RequestRestore request;
      request.recording = recording.recording_no;
      request.restore = archive_.random.id<RestoreId>();
      request.who = "key:bench";
      requests.push_back(std::move(request));
    }
    HOLDFAST_TRY(make_cold(root_));
    const auto begun = std::chrono::steady_clock::now();
    for (size_t from = 0; from < requests.size(); from += limits::kBulkRestoreChunk) {
      const auto first = requests.begin() + static_cast<ptrdiff_t>(from);
      const auto last = first + static_cast<ptrdiff_t>(std::min<size_t>(limits::kBulkRestoreChunk,
                                                                        requests.size() - from));
      HOLDFAST_ASSIGN(
          asked, archive_.writer.call(request_restores(std::vector<RequestRestore>(first, last))));
      for (const Result<RestoreOutcome>& one : asked) HOLDFAST_TRY(one);
    }
    Restorer restorer(archive_, Tier::kWarm, Restorer::readers_here());
    for (bool worked = true; worked;) {
      HOLDFAST_ASSIGN(turn, restorer.run_once(io));
      worked = turn;
    }
    return seconds_since(begun);
  }

  // Seconds until tar has taken all of them out.
  Result<double> peer(const std::vector<Call>& calls) {
    const fs::path target = fs::path(root_) / "peer";
    fs::create_directories(target);
    std::ofstream list(root_ + "/members");
    for (const Call& call : calls)
      for (const fs::directory_entry& file : fs::directory_iterator(call.directory))
        list << "./" << call.sid << "/" << file.path().filename().string() << "\n";
    list.close();
    HOLDFAST_TRY(make_cold(root_));
    const auto begun = std::chrono::steady_clock::now();
    HOLDFAST_TRY(run("tar -C '" + target.string() + "' --zstd -xf '" + root_ +
                     "/peer.tar.zst' -T '" + root_ + "/members'"));
    return seconds_since(begun);
  }

  static Status run(const std::string& command) {
    if (std::system(command.c_str()) == 0) return {};
    return Error{Code::kIo, "run the peer: " + command};
  }

  // Both gave the original bytes.
  Status same(Io& io, const std::vector<Call>& calls) {
    for (const Call& call : calls) {
      HOLDFAST_ASSIGN(recording, find(call));
      HOLDFAST_ASSIGN(target, open_root(root_ + "/peer/" + call.sid));
      for (const FileRow& file : recording.files) {
        if (file.name == kMetadata) continue;  // not the recorder's
        HOLDFAST_ASSIGN(mine, open_file(io, archive_, recording, file));
        HOLDFAST_ASSIGN(theirs, open_beneath(target.get(), file.name, O_RDONLY));
        for (const Fd* fd : {&mine, &theirs}) {
          HOLDFAST_ASSIGN(digest, digest_file(io, fd->get(), file.size));
          if (digest != file.sha256)
            return Error{Code::kCorrupt, call.sid + "/" + file.name + " came with other bytes"};
        }
      }
    }
    return {};
  }

 private:
  static double seconds_since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }

  Result<Recording> find(const Call& call) {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(row, find_workspace(*index, workspace_));
    if (!row) return Error{Code::kNotFound, "the workspace is gone"};
    HOLDFAST_ASSIGN(found, find_recording(*index, row->workspace_no, call.sid));
    if (!found) return Error{Code::kNotFound, call.sid + " is not in the index"};
    return *std::move(found);
  }

  const Archive archive_;
  const WorkspaceId workspace_;
  const std::string root_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void tell(const char* what, double ours, double peer) {
  std::printf("%-24s %10.4f %10.4f %8.1f\n", what, ours, peer, peer / ours);
  std::fflush(stdout);
}

Status run(const std::string& root, const fs::path& directory, int scattered) {
  const Config config = quick_config_in(root);
  std::vector<Call> calls = calls_below(directory);
  if (calls.size() < kRounds) return Error{Code::kInvalid, "there must be five calls or more"};
  ManualClock clock(UnixMillis(1'795'000'000'000));
  SystemRandom random;
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_TRY(init_archive(*io, config, clock, random));
  HOLDFAST_ASSIGN(opened, OpenedArchive::open(config, clock, random));
  const Archive& archive = opened->archive();
  const auto workspace = random.id<WorkspaceId>();
  HOLDFAST_TRY(archive.writer.call(add_workspace(workspace, "bench", "uid:0")));
  HOLDFAST_TRY(take_in_all(archive, workspace, calls));
  HOLDFAST_TRY(pack_all(*io, archive, clock));
  // The peer's members have the names of the calls, wherever the directories lie.
  HOLDFAST_TRY(Comparison::run("tar -C '" + calls.front().directory.parent_path().string() +
                               "' -cf - . | zstd -q -3 -T1 -o '" + root + "/peer.tar.zst'"));
  std::printf(
      "# %zu calls, %lld bytes; the peer's archive %lld bytes; seed %u; ring %s; cold: "
      "POSIX_FADV_DONTNEED of every file; readers %d\n",
      calls.size(), static_cast<long long>(bytes_of(calls)),
      static_cast<long long>(fs::file_size(root + "/peer.tar.zst")), kSeed,
      std::string(io->ring_kind()).c_str(), Restorer::readers_here());
  std::printf("%-24s %10s %10s %8s\n", "recordings", "holdfast,s", "tar,s", "ratio");

  std::shuffle(calls.begin(), calls.end(), std::mt19937(kSeed));
  Comparison comparison(archive, workspace, root);
  std::vector<double> ours, peer;
  std::vector<Call> taken;
  for (int round = 0; round < kRounds; ++round) {
    taken.assign(1, calls[static_cast<size_t>(round)]);
    HOLDFAST_ASSIGN(own, comparison.ours(*io, taken));
    HOLDFAST_ASSIGN(theirs, comparison.peer(taken));
    HOLDFAST_TRY(comparison.same(*io, taken));
    ours.push_back(own);
    peer.push_back(theirs);
  }
  tell("1, median of 5", median(ours), median(peer));
  const size_t many = std::min(static_cast<size_t>(scattered), calls.size() / 2);
  taken.assign(calls.end() - static_cast<ptrdiff_t>(many), calls.end());
  HOLDFAST_ASSIGN(own, comparison.ours(*io, taken));
  HOLDFAST_ASSIGN(theirs, comparison.peer(taken));
  HOLDFAST_TRY(comparison.same(*io, taken));
  tell((std::to_string(many) + " scattered").c_str(), own, theirs);
  return {};
}

}  // namespace

int main(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  const bool is_synthetic = first == "--synthetic";
  const int next = is_synthetic ? 3 : 2;
  const int scattered = count > next ? std::atoi(words[next]) : 1000;
  if (first.empty() || count < next || scattered < 1) {
    std::fputs("usage: bench_recall DIRECTORY | --synthetic CALLS  [SCATTERED]\n", stderr);
    return 2;
  }
  return in_scratch("recall", [&](const std::string& root) {
    fs::path directory = first;
    if (is_synthetic) {
      directory = fs::path(root) / "calls";
      make_synthetic(directory, std::atoi(words[2]), kSyntheticSeconds, kSeed);
    }
    return run(root, directory, scattered);
  });
}
