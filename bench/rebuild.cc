// How long a rebuild takes for each million recordings, measured on tiny ones.
//
//   bench_rebuild RECORDINGS [IN_PACKS]    of them so many in packs (half when absent)
//
// The recordings are a metadata.json and two files of a few hundred bytes, so that what is measured
// is what grows with their number: directory entries, descriptions, lines, rows. There is no peer
// to run beside: other archives have no index that is made anew. Prints parameters, seconds for
// each step, and the rate; the time for a million is extrapolated, and says so.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/time_text.h"
#include "bench/archive_config.h"
#include "bench/scratch.h"
#include "daemon/work/ingest.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/rebuild.h"
#include "index/commands/keys.h"
#include "tests/support/movers.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

constexpr int kThreads = 8;  // ingests at once: they share the writer's syncs

Status write_file(Io& io, IngestDraft& draft, const std::string& name, const std::string& text) {
  HOLDFAST_ASSIGN(file, draft.writer().create(io, name, Bytes(limits::kFileBytesMax)));
  HOLDFAST_TRY(file->append(io, as_bytes(text)));
  HOLDFAST_ASSIGN(finished, file->finish(io));
  static_cast<void>(finished);
  return {};
}

Status take_in(Io& io, const Archive& archive, const WorkspaceId& workspace, int number) {
  const std::string call = "CA" + std::to_string(number);
  const UnixMillis end = archive.clock.now();
  Ingest ingest(archive);
  HOLDFAST_ASSIGN(draft, ingest.begin(io, IngestRequest{workspace, call, "key:bench"}));
  const json::object metadata{{"call_sid", call},
                              {"workspace_id", workspace.text()},
                              {"direction", "inbound"},
                              {"call_start_iso", to_iso(end - seconds(1))},
                              {"call_end_iso", to_iso(end)},
                              {"from", "+4930" + std::to_string(number)}};
  HOLDFAST_TRY(write_file(io, *draft, "inbound.ulaw", std::string(160, '\x7f')));
  HOLDFAST_TRY(write_file(io, *draft, "outbound.pcm", std::string(320, '\0')));
  HOLDFAST_TRY(write_file(io, *draft, "metadata.json", json::serialize(metadata)));
  HOLDFAST_ASSIGN(taken, ingest.accept(io, std::move(draft)));
  static_cast<void>(taken);
  return {};
}

Status take_in_all(const Archive& archive, const WorkspaceId& workspace, int from, int to) {
  std::atomic<int> next = from;
  std::vector<std::thread> threads;
  std::vector<Status> outcomes(kThreads);
  for (int n = 0; n < kThreads; ++n)
    threads.emplace_back([&, n] {
      Result<std::unique_ptr<Io>> io = Io::open();
      if (!io.ok()) return void(outcomes[static_cast<size_t>(n)] = io.error());
      for (int number = next++; number < to; number = next++)
        if (Status done = take_in(**io, archive, workspace, number); !done.ok())
          return void(outcomes[static_cast<size_t>(n)] = std::move(done));
    });
  for (std::thread& thread : threads) thread.join();
  for (Status& outcome : outcomes) HOLDFAST_TRY(std::move(outcome));
  return {};
}

Status live(const Config& config, ManualClock& clock, Random& random, int all, int packed) {
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_TRY(init_archive(*io, config, clock, random));
  HOLDFAST_ASSIGN(opened, OpenedArchive::open(config, clock, random));
  const auto workspace = random.id<WorkspaceId>();
  HOLDFAST_TRY(opened->archive().writer.call(add_workspace(workspace, "bench", "uid:0")));
  HOLDFAST_TRY(take_in_all(opened->archive(), workspace, 0, packed));
  Movers mover(opened->archive());
  for (int round = 0; round < 4; ++round) {
    clock.advance(minutes(5));
    for (bool worked = true; worked;) {
      HOLDFAST_ASSIGN(turn, mover.run_once(*io));
      worked = turn;
    }
  }
  return take_in_all(opened->archive(), workspace, packed, all);
}

double seconds_of(const Clock& clock, Millis since) {
  return static_cast<double>((clock.monotonic().count - since.count)) / 1000;
}

Status run(const std::string& root, int all, int packed) {
  const Config config = quick_config_in(root);
  ManualClock life(UnixMillis(1'795'000'000'000));
  SystemClock real;
  SystemRandom random;
  Millis begun = real.monotonic();
  HOLDFAST_TRY(live(config, life, random, all, packed));
  std::printf("# %d recordings, %d of them in packs, made in %.1f s\n", all, packed,
              seconds_of(real, begun));
  for (const char* name : {"/index.db", "/index.db-wal", "/index.db-shm"})
    fs::remove(config.state_dir + name);
  RebuildOptions options;
  std::string step;
  Millis step_begun = real.monotonic();
  options.progress = [&](const RebuildProgress& progress) {
    if (progress.step == step) return;
    if (!step.empty()) std::printf("%-16s %8.2f s\n", step.c_str(), seconds_of(real, step_begun));
    step = progress.step;
    step_begun = real.monotonic();
  };
  begun = real.monotonic();
  HOLDFAST_ASSIGN(report, rebuild_archive(config, life, random, options));
  const double taken = seconds_of(real, begun);
  std::printf("%-16s %8.2f s\n", step.c_str(), seconds_of(real, step_begun));
  if (report.recordings != all || report.unlocated != 0 || report.adopted != 0)
    return Error{Code::kCorrupt, "not all of them are there again"};
  std::printf("%-16s %8.2f s, %.0f recordings/s\n", "rebuilt", taken, all / taken);
  std::printf("a million        %8.0f s, extrapolated from these %d\n", taken / all * 1e6, all);
  return {};
}

}  // namespace

int main(int count, char** words) {
  const int all = count > 1 ? std::atoi(words[1]) : 0;
  const int packed = count > 2 ? std::atoi(words[2]) : all / 2;
  if (all < 1 || packed > all) {
    std::fputs("usage: bench_rebuild RECORDINGS [IN_PACKS]\n", stderr);
    return 2;
  }
  return in_scratch("rebuild", [&](const std::string& root) { return run(root, all, packed); });
}
