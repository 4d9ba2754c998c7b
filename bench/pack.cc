// Packing calls beside `tar c | zstd -3 -T1` and `zstd -t`, on the same files in one run.
//
//   bench_pack DIRECTORY               every file below it, one directory a call
//                                      (holdfast-sample-calls makes some)
//   bench_pack --unrepeated DIRECTORY  a copy of them in which no sentence is twice the same
//   bench_pack --synthetic N           N calls of a minute of seeded noise with pauses
//
// Ours: encode, prove, digest, write, fsync, re-read past the page cache; with one encoder on one
// core, with two encoders on all, and once more with every file stored as it is, which has no peer
// but the processor's own speed. The peer's: compress, write, sync, test; on one core, and on all
// (tar and zstd are two processes). Prints parameters, seconds by the clock and of the processor
// (that of a busy machine's clock says little), bytes, the ratios, and the pack's SHA-256, which is
// the same whatever the encoders.
#include <sched.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/random.h"
#include "base/time_text.h"
#include "bench/scratch.h"
#include "tiers/disk/recording_json.h"
#include "tiers/label.h"
#include "tiers/pack/writer.h"
#include "tiers/pack_directory.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

constexpr uint32_t kSeed = 1;
constexpr int kSyntheticSeconds = 60;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Noise with pauses: about as compressible as speech with comfort noise is not, but the same each
// time.
void make_synthetic(const fs::path& directory, int calls) {
  std::mt19937 generator(kSeed);
  for (int call = 0; call < calls; ++call) {
    const fs::path path = directory / ("call-" + std::to_string(call));
    fs::create_directories(path);
    std::string pcm;
    for (int i = 0; i < 16000 * kSyntheticSeconds; ++i) {
      const bool pause = i / 16000 % 3 == 0;
      const auto sample =
          static_cast<int16_t>(pause ? 0 : static_cast<int>(generator() % 4001) - 2000);
      pcm += static_cast<char>(sample & 0xff);
      pcm += static_cast<char>((sample >> 8) & 0xff);
    }
    std::ofstream(path / "outbound.pcm", std::ios::binary) << pcm;
  }
}

// A copy of the calls in which each utterance of the 16-bit channels has a loudness of its own. The
// sample calls speak the same twenty sentences bit for bit over and over, which a compressor with a
// window finds, and which no telephone line gives.
void copy_unrepeated(const fs::path& from, const fs::path& to) {
  constexpr int kPauseSamples = 1600;
  std::mt19937 generator(kSeed);
  fs::copy(from, to, fs::copy_options::recursive);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(to)) {
    if (entry.path().extension() != ".pcm") continue;
    std::vector<int16_t> samples(entry.file_size() / sizeof(int16_t));
    const auto size = static_cast<std::streamsize>(samples.size() * sizeof(int16_t));
    std::ifstream(entry.path(), std::ios::binary)
        .read(reinterpret_cast<char*>(samples.data()), size);
    int zeros = 0;
    int gain = 1024;  // in 1,024ths
    for (int16_t& sample : samples) {
      zeros = sample == 0 ? zeros + 1 : 0;
      if (zeros == kPauseSamples) gain = 512 + static_cast<int>(generator() % 512);
      sample = static_cast<int16_t>(sample * gain / 1024);
    }
    std::ofstream(entry.path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(samples.data()), size);
  }
}

// `ending` is put behind the files' names: the packer chooses the encoding by it.
Result<pack::PackPlan> plan_of(Io& io, const fs::path& directory, const std::string& ending,
                               Bytes& originals) {
  SystemRandom random;
  pack::PackPlan plan;
  plan.pack_id = random.id<PackId>();
  plan.archive_id = random.id<ArchiveId>();
  plan.sealed_at = UnixMillis(1'795'000'000'000);
  for (const fs::directory_entry& call : fs::recursive_directory_iterator(directory)) {
    if (!call.is_directory()) continue;
    pack::PlannedPart part;
    part.recording_id = random.id<RecordingId>();
    part.recording_no = RecordingNo(static_cast<int64_t>(plan.parts.size()) + 1);
    RecordingDescription description;
    description.recording = part.recording_id;
    description.number = part.recording_no;
    description.call_sid = call.path().filename();
    HOLDFAST_ASSIGN(root, open_root(call.path()));
    for (const fs::directory_entry& file : fs::directory_iterator(call.path())) {
      if (!file.is_regular_file()) continue;
      const std::string name = file.path().filename();
      const Bytes size(static_cast<int64_t>(file.file_size()));
      HOLDFAST_ASSIGN(fd, open_beneath(root.get(), name, O_RDONLY));
      HOLDFAST_ASSIGN(digest, digest_file(io, fd.get(), size));
      description.files.push_back({name + ending, size, digest, Channel::kNone});
      part.files.push_back({name + ending, size, digest,
                            [path = file.path().parent_path(), name](Io&) -> Result<Fd> {
                              HOLDFAST_ASSIGN(parent, open_root(path));
                              return open_beneath(parent.get(), name, O_RDONLY);
                            }});
      originals += size;
    }
    if (part.files.empty()) continue;
    part.recording_json = recording_json(description);
    plan.parts.push_back(std::move(part));
  }
  return plan;
}

// Seconds of the processor, of this process and of the children that it waited for.
double processor_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    struct rusage usage = {};
    getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime})
      sum += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }
  return sum;
}

class Stopwatch {
 public:
  double seconds() const { return now_seconds() - from_; }
  double processor() const { return processor_seconds() - processor_from_; }

 private:
  const double from_ = now_seconds();
  const double processor_from_ = processor_seconds();
};

struct Measured {
  double seconds = 0;
  double processor = 0;
  Bytes bytes;
  std::string sha256;
};

Result<Measured> pack_ours(Io& io, pack::PackPlan plan, const fs::path& target, int encoders) {
  fs::create_directories(target);
  SystemRandom random;
  const Label label{plan.archive_id, random.id<MediumId>(), "bench", "pack", UnixMillis(0)};
  HOLDFAST_TRY(init_label(io, target, label));
  MediumRoot root(target, label.archive, label.medium);
  PackDirectory backend(root);
  const PackId id = plan.pack_id;
  const Stopwatch watch;
  HOLDFAST_ASSIGN(scratch, open_root(target));
  HOLDFAST_ASSIGN(built, pack::build_pack(io, std::move(plan), scratch.get(),
                                          pack::BuildOptions{encoders, {}}));
  HOLDFAST_ASSIGN(session, backend.attach(io));
  Digest digest;
  const PackSource source = [&](const ByteSink& sink) -> Status {
    HOLDFAST_ASSIGN(written, built.write(io, sink));
    digest = written;
    return {};
  };
  HOLDFAST_ASSIGN(location, session->append(io, id, built.size(), source));
  HOLDFAST_ASSIGN(mode, session->verify(io, location, built.size(), digest));
  std::printf("# re-read: %s\n", std::string(word(mode)).c_str());
  return Measured{watch.seconds(), watch.processor(), built.size(), digest.hex()};
}

// This thread and whatever it starts, while this lives.
class OnOneCore {
 public:
  OnOneCore() {
    CPU_ZERO(&before_);
    if (::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &before_)) CPU_SET(core, &one);
    is_bound_ = ::sched_setaffinity(0, sizeof one, &one) == 0;
  }
  ~OnOneCore() {
    if (is_bound_) ::sched_setaffinity(0, sizeof before_, &before_);
  }
  OnOneCore(const OnOneCore&) = delete;
  OnOneCore& operator=(const OnOneCore&) = delete;
  bool is_bound() const { return is_bound_; }

 private:
  cpu_set_t before_;
  bool is_bound_ = false;
};

Result<Measured> pack_peer(const fs::path& directory, const fs::path& archive_path) {
  const std::string archive = archive_path.string();
  const std::string command = "tar -cf - -C '" + directory.string() + "' . | zstd -q -3 -T1 -o '" +
                              archive + "' && sync '" + archive + "' && zstd -q -t '" + archive +
                              "'";
  const Stopwatch watch;
  if (std::system(command.c_str()) != 0) return Error{Code::kIo, "run the peer: " + command};
  const Bytes size(static_cast<int64_t>(fs::file_size(archive)));
  return Measured{watch.seconds(), watch.processor(), size, ""};
}

Status run(const fs::path& directory, const fs::path& scratch) {
  HOLDFAST_ASSIGN(io, Io::open());
  Bytes originals;
  HOLDFAST_ASSIGN(plan, plan_of(*io, directory, "", originals));
  Bytes same;
  HOLDFAST_ASSIGN(verbatim, plan_of(*io, directory, ".gz", same));
  std::printf("# %zu calls, %lld bytes, ring %s\n", plan.parts.size(),
              static_cast<long long>(originals.count), std::string(io->ring_kind()).c_str());
  Measured one;
  Measured stored;
  Measured peer_one;
  {
    const OnOneCore bound;
    if (!bound.is_bound()) return Error{Code::kIo, "this process cannot be bound to one core"};
    HOLDFAST_ASSIGN(own_io, Io::open());  // its ring's threads are bound with it
    HOLDFAST_ASSIGN(packed, pack_ours(*own_io, plan, scratch / "one", 1));
    HOLDFAST_ASSIGN(as_it_is, pack_ours(*own_io, verbatim, scratch / "stored", 1));
    HOLDFAST_ASSIGN(compressed, pack_peer(directory, scratch / "one.tar.zst"));
    one = packed;
    stored = as_it_is;
    peer_one = compressed;
  }
  HOLDFAST_ASSIGN(two, pack_ours(*io, plan, scratch / "two", 2));
  HOLDFAST_ASSIGN(peer, pack_peer(directory, scratch / "all.tar.zst"));
  if (one.sha256 != two.sha256) return Error{Code::kCorrupt, "two encoders made another pack"};
  const auto share = [&](Bytes bytes) {
    return static_cast<double>(bytes.count) / static_cast<double>(originals.count);
  };
  std::printf("%-22s %8s %10s %14s %7s\n", "", "seconds", "processor", "bytes", "share");
  const auto tell = [&](const char* name, const Measured& measured) {
    std::printf("%-22s %8.2f %10.2f %14lld %7.3f\n", name, measured.seconds, measured.processor,
                static_cast<long long>(measured.bytes.count), share(measured.bytes));
  };
  const auto compare = [&](const char* name, const Measured& ours, const Measured& beside) {
    std::printf("%-22s %8.2f %10.2f %14s %7.3f\n", name, ours.seconds / beside.seconds,
                ours.processor / beside.processor, "", share(ours.bytes) / share(beside.bytes));
  };
  tell("1 encoder, one core", one);
  tell("2 encoders", two);
  tell("stored, one core", stored);
  tell("tar, zstd, one core", peer_one);
  tell("tar c | zstd -3 -T1", peer);
  compare("one core / peer", one, peer_one);
  compare("2 encoders / peer", two, peer);
  const double gigabytes = static_cast<double>(originals.count) / 1e9;
  std::printf("# stored only: %.2f GB of originals a second, %.2f of the processor\n",
              gigabytes / stored.seconds, gigabytes / stored.processor);
  std::printf("# sha256 %s\n", one.sha256.c_str());
  return {};
}

}  // namespace

int main(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  if (first.empty() || ((first == "--synthetic" || first == "--unrepeated") && count < 3)) {
    std::fputs("usage: bench_pack DIRECTORY | --unrepeated DIRECTORY | --synthetic CALLS\n",
               stderr);
    return 2;
  }
  return in_scratch("pack", [&](const std::string& scratch) {
    const fs::path directory =
        first.starts_with("--") ? fs::path(scratch) / "calls" : fs::path(first);
    if (first == "--synthetic") make_synthetic(directory, std::atoi(words[2]));
    if (first == "--unrepeated") copy_unrepeated(words[2], directory);
    return run(directory, scratch);
  });
}
