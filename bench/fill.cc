// Fills an archive with calls, so that others measure what many of them cost (bench/mount.sh).
//
//   bench_fill COUNT [BYTES [CONFIG]]     8,000 bytes of audio when absent
//
// A call is an audio file of so many bytes, in memory, and a metadata.json. It goes through the one
// way in (daemon/work/ingest.h), which makes it durable and acknowledges it, with eight threads;
// none of them keeps more than one call. The calls lie in four workspaces and on 25 days of each,
// the same ones at every run, and their names say BYTES: a second run of another size adds to the
// archive, one of the same size finds its calls there and changes nothing.
//
// CONFIG is a configuration file, of an archive that no daemon has open; it is made if there is
// none, and kept. Without CONFIG the archive is one of its own, and is removed. Prints parameters
// and calls a second.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/archive_config.h"
#include "bench/uploads.h"
#include "daemon/work/open_archive.h"
#include "index/commands/keys.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

constexpr int kWorkspaces = 4;
constexpr int kDays = 25;
constexpr UnixMillis kFirstDay{1'767'225'600'000};  // 2026-01-01

struct Plan {
  int count = 0;
  size_t bytes = 0;
  std::vector<WorkspaceId> workspaces;
};

Result<WorkspaceId> workspace_of(int number) {
  return WorkspaceId::from_text(fmt::format("6f5a0000-0000-4000-8000-{:012}", number));
}

// Neighbours in number differ in workspace, then in day.
Status fill(const Archive& archive, const Plan& plan) {
  return by_writers(0, plan.count, [&](Io& io, int number) {
    const UnixMillis start =
        kFirstDay + days(number / kWorkspaces % kDays) + seconds(number % (12 * 3600));
    std::string sound(plan.bytes, 'a');
    std::memcpy(sound.data(), &number, sizeof number);
    return take_in(
        io, archive,
        Upload{plan.workspaces[static_cast<size_t>(number % kWorkspaces)],
               fmt::format("CA{:010}x{:012}", plan.bytes, number), start + seconds(60), sound});
  });
}

Status run(const Config& config, Plan plan) {
  SystemClock clock;
  SystemRandom random;
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_TRY(init_archive(*io, config, clock, random));
  HOLDFAST_ASSIGN(opened, OpenedArchive::open(config, clock, random));
  const Archive& archive = opened->archive();
  for (int i = 0; i < kWorkspaces; ++i) {
    HOLDFAST_ASSIGN(workspace, workspace_of(i));
    HOLDFAST_TRY(
        archive.writer.call(add_workspace(workspace, fmt::format("bench-{}", i), "uid:0")));
    plan.workspaces.push_back(workspace);
  }
  const Millis begun = clock.monotonic();
  HOLDFAST_TRY(fill(archive, plan));
  const int64_t taken_ms = std::max<int64_t>(clock.monotonic().count - begun.count, 1);
  std::printf("%d calls of %zu bytes in %d workspaces and %d days: %.0f/s (%d writers, ring %s)\n",
              plan.count, plan.bytes, kWorkspaces, kDays,
              plan.count * 1000.0 / static_cast<double>(taken_ms), kWriters,
              std::string(io->ring_kind()).c_str());
  return {};
}

Status run_in_own_archive(const Plan& plan) {
  const char* temporary = std::getenv("TMPDIR");
  std::string root =
      std::string(temporary != nullptr ? temporary : "/var/tmp") + "/holdfast-fill-XXXXXX";
  if (::mkdtemp(root.data()) == nullptr) return system_error(errno, "make a directory");
  Status done = run(config_in(root), plan);
  fs::remove_all(root);
  return done;
}

Status run_with(const std::string& config_path, const Plan& plan) {
  HOLDFAST_ASSIGN(config, load_config(config_path));
  return run(config, plan);
}

}  // namespace

int main(int count, char** words) {
  Plan plan;
  plan.count = count > 1 ? std::atoi(words[1]) : 0;
  plan.bytes = count > 2 ? static_cast<size_t>(std::atoll(words[2])) : 8'000;
  if (plan.count < 1 || plan.bytes < sizeof(int) || plan.bytes > limits::kFileBytesMax ||
      count > 4) {
    std::fputs("usage: bench_fill COUNT [BYTES [CONFIG]]\n", stderr);
    return 2;
  }
  ::umask(0027);  // as the daemon: the mount's group reads
  const Status done = count > 3 ? run_with(words[3], plan) : run_in_own_archive(plan);
  if (!done.ok()) std::fprintf(stderr, "bench_fill: %s\n", done.error().message.c_str());
  return done.ok() ? 0 : 1;
}
