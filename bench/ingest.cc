// How fast the spool is taken in, beside a plain loop that makes the same files durable.
//
//   bench_ingest ENTRIES [THREADS...]     entries of each measurement; 1 and 4 threads when absent
//
// An entry is one audio file (8 kB, then 500 kB) and a metadata.json of 400 bytes, laid where a
// recorder would lay it. Ours: SpoolEntries::take, as the daemon's workers call it: copy, digest,
// checks, sync, row and ledger line with its mirror, rename, sync, removal of the entry. The
// peer's: for each file read, write to a temporary name, fsync, rename, fsync of the directory;
// then the entry is removed. Prints parameters, entries per second and the ratio.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/time_text.h"
#include "bench/archive_config.h"
#include "bench/scratch.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/spool.h"
#include "index/commands/keys.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

// `count` entries below `directory`; the bytes differ from entry to entry.
void lay(const std::string& directory, const std::string& workspace, int from, int count,
         size_t bytes, UnixMillis end) {
  std::string sound(bytes, '\0');
  for (int n = from; n < from + count; ++n) {
    const std::string call = "CA" + std::to_string(n);
    const std::string entry = directory + "/" + call;
    fs::create_directories(entry);
    std::mt19937 noise(static_cast<uint32_t>(n));
    for (char& byte : sound) byte = static_cast<char>(noise());
    std::ofstream(entry + "/inbound.ulaw", std::ios::binary) << sound;
    const json::object metadata{{"call_sid", call},
                                {"workspace_id", workspace},
                                {"direction", "inbound"},
                                {"call_start_iso", to_iso(end - seconds(60))},
                                {"call_end_iso", to_iso(end)},
                                {"from", "+493012345678"},
                                {"note", std::string(180, 'n')}};
    std::ofstream(entry + "/metadata.json", std::ios::binary) << json::serialize(metadata);
  }
  ::sync();
}

// Calls `work(number)` for each of the entries from so many threads; entries per second.
Result<double> timed(int from, int count, int threads,
                     const std::function<Status(Io&, int)>& work) {
  std::atomic<int> next = from;
  std::vector<Status> outcomes(static_cast<size_t>(threads));
  const SystemClock clock;
  const Millis begun = clock.monotonic();
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      Status& outcome = outcomes[static_cast<size_t>(t)];
      Result<std::unique_ptr<Io>> io = Io::open();
      if (!io.ok()) return void(outcome = io.error());
      for (int n = next++; n < from + count && outcome.ok(); n = next++) outcome = work(**io, n);
    });
  for (std::thread& worker : workers) worker.join();
  for (Status& outcome : outcomes) HOLDFAST_TRY(std::move(outcome));
  const int64_t taken_ms = std::max<int64_t>(clock.monotonic().count - begun.count, 1);
  return count * 1000.0 / static_cast<double>(taken_ms);
}

// What anyone would write who knows how a file is made durable.
Status copy_plainly(const std::string& from, const std::string& directory, int directory_fd,
                    const std::string& name) {
  const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string temporary = directory + "/." + name;
  const Fd out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!in || !out) return system_error(errno, "open " + temporary);
  std::string block(256 * 1024, '\0');
  for (;;) {
    const ssize_t got = ::read(in.get(), block.data(), block.size());
    if (got < 0) return system_error(errno, "read " + from);
    if (got == 0) break;
    if (::write(out.get(), block.data(), static_cast<size_t>(got)) != got)
      return system_error(errno, "write " + temporary);
  }
  if (::fsync(out.get()) != 0 ||
      ::rename(temporary.c_str(), (directory + "/" + name).c_str()) != 0 ||
      ::fsync(directory_fd) != 0)
    return system_error(errno, "publish " + name);
  return Status();
}

Status take_plainly(const std::string& source, const std::string& target) {
  fs::create_directories(target);
  const Fd directory(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const char* name : {"inbound.ulaw", "metadata.json"})
    HOLDFAST_TRY(copy_plainly(source + "/" + name, target, directory.get(), name));
  fs::remove_all(source);
  return Status();
}

Status run(const std::string& root, int count, const std::vector<int>& thread_counts) {
  const Config config = config_in(root);
  SystemClock clock;
  SystemRandom random;
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_TRY(init_archive(*io, config, clock, random));
  HOLDFAST_ASSIGN(opened, OpenedArchive::open(config, clock, random));
  const auto workspace = random.id<WorkspaceId>();
  HOLDFAST_TRY(opened->archive().writer.call(add_workspace(workspace, "bench", "uid:0")));
  SpoolEntries entries(opened->archive(), config.spool_dir);
  std::printf("# %d entries each, ring %s\n", count, std::string(io->ring_kind()).c_str());
  std::printf("%-10s %8s %14s %14s %8s\n", "bytes", "threads", "holdfast, /s", "plain, /s",
              "ratio");
  int from = 0;
  for (const size_t bytes : {size_t{8'000}, size_t{500'000}})
    for (const int threads : thread_counts) {
      lay(config.spool_dir + "/" + workspace.text(), workspace.text(), from, count, bytes,
          clock.now());
      lay(root + "/plain-spool", workspace.text(), from, count, bytes, clock.now());
      HOLDFAST_ASSIGN(ours, timed(from, count, threads, [&](Io& own, int n) {
                        return entries.take(own, workspace.text() + "/CA" + std::to_string(n));
                      }));
      HOLDFAST_ASSIGN(plain, timed(from, count, threads, [&](Io&, int n) {
                        const std::string call = "/CA" + std::to_string(n);
                        return take_plainly(root + "/plain-spool" + call, root + "/plain" + call);
                      }));
      std::printf("%-10zu %8d %14.1f %14.1f %8.2f\n", bytes, threads, ours, plain, ours / plain);
      std::fflush(stdout);  // a large run takes minutes
      from += count;
    }
  // Each was taken: none was rejected, none left.
  HOLDFAST_ASSIGN(left, entries.scan(*io, 1));
  if (!left.entries.empty() || fs::exists(config.spool_dir + "/rejected"))
    return Error{Code::kConflict, "not every entry was taken"};
  return Status();
}

}  // namespace

int main(int count, char** words) {
  const int entries = count > 1 ? std::atoi(words[1]) : 0;
  std::vector<int> threads;
  for (int i = 2; i < count; ++i) threads.push_back(std::atoi(words[i]));
  if (threads.empty()) threads = {1, 4};
  if (entries < 1 || *std::min_element(threads.begin(), threads.end()) < 1) {
    std::fputs("usage: bench_ingest ENTRIES [THREADS...]\n", stderr);
    return 2;
  }
  return in_scratch("ingest", [&](const std::string& root) { return run(root, entries, threads); });
}
