// Packing calls beside `tar c | zstd -3 -T1` and `zstd -t`, on the same files in one run.
//
//   bench_pack DIRECTORY       every file below it, one directory a call (holdfast-sample-calls
//   makes some) bench_pack --synthetic N   N calls of a minute of seeded noise with pauses
//
// Ours: encode, prove, digest, write, fsync, re-read past the page cache. The peer's: compress,
// write, sync, test. One thread each. Prints parameters, seconds, bytes, the ratio, and the pack's
// SHA-256.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/random.h"
#include "base/time_text.h"
#include "tiers/disk/recording_json.h"
#include "tiers/label.h"
#include "tiers/pack/writer.h"
#include "tiers/pack_directory.h"

namespace {

using namespace holdfast;
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

Result<pack::PackPlan> plan_of(Io& io, const fs::path& directory, Bytes& originals) {
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
      description.files.push_back({name, size, digest, Channel::kNone});
      part.files.push_back(
          {name, size, digest, [path = file.path().parent_path(), name]() -> Result<Fd> {
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

struct Measured {
  double seconds = 0;
  Bytes bytes;
  std::string sha256;
};

Result<Measured> pack_ours(Io& io, pack::PackPlan plan, const fs::path& target) {
  fs::create_directories(target);
  SystemRandom random;
  const Label label{plan.archive_id, random.id<MediumId>(), "bench", "pack", UnixMillis(0)};
  HOLDFAST_TRY(init_label(io, target, label));
  MediumRoot root(target, label.archive, label.medium);
  PackDirectory backend(root);
  const PackId id = plan.pack_id;
  const double from = now_seconds();
  HOLDFAST_ASSIGN(scratch, open_root(target));
  HOLDFAST_ASSIGN(built, pack::build_pack(io, std::move(plan), scratch.get()));
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
  return Measured{now_seconds() - from, built.size(), digest.hex()};
}

Result<Measured> pack_peer(const fs::path& directory, const fs::path& target) {
  const std::string archive = (target / "peer.tar.zst").string();
  const std::string command = "tar -cf - -C '" + directory.string() + "' . | zstd -q -3 -T1 -o '" +
                              archive + "' && sync '" + archive + "' && zstd -q -t '" + archive +
                              "'";
  const double from = now_seconds();
  if (std::system(command.c_str()) != 0) return Error{Code::kIo, "run the peer: " + command};
  return Measured{now_seconds() - from, Bytes(static_cast<int64_t>(fs::file_size(archive))), ""};
}

Status run(const fs::path& directory, const fs::path& scratch) {
  HOLDFAST_ASSIGN(io, Io::open());
  Bytes originals;
  HOLDFAST_ASSIGN(plan, plan_of(*io, directory, originals));
  std::printf("# %zu calls, %lld bytes, ring %s\n", plan.parts.size(),
              static_cast<long long>(originals.count), std::string(io->ring_kind()).c_str());
  HOLDFAST_ASSIGN(ours, pack_ours(*io, std::move(plan), scratch / "ours"));
  HOLDFAST_ASSIGN(peer, pack_peer(directory, scratch));
  const auto share = [&](Bytes bytes) {
    return static_cast<double>(bytes.count) / static_cast<double>(originals.count);
  };
  std::printf("%-22s %8s %14s %7s\n", "", "seconds", "bytes", "share");
  std::printf("%-22s %8.2f %14lld %7.3f\n", "holdfast pack", ours.seconds,
              static_cast<long long>(ours.bytes.count), share(ours.bytes));
  std::printf("%-22s %8.2f %14lld %7.3f\n", "tar c | zstd -3 -T1", peer.seconds,
              static_cast<long long>(peer.bytes.count), share(peer.bytes));
  std::printf("ours / peer            %8.2f %14s %7.3f\n", ours.seconds / peer.seconds, "",
              share(ours.bytes) / share(peer.bytes));
  std::printf("# sha256 %s\n", ours.sha256.c_str());
  return {};
}

}  // namespace

int main(int count, char** words) {
  const std::string first = count > 1 ? words[1] : "";
  if (first.empty() || (first == "--synthetic" && count < 3)) {
    std::fputs("usage: bench_pack DIRECTORY | --synthetic CALLS\n", stderr);
    return 2;
  }
  const char* temporary = std::getenv("TMPDIR");
  std::string scratch =
      std::string(temporary != nullptr ? temporary : "/var/tmp") + "/holdfast-bench-XXXXXX";
  if (::mkdtemp(scratch.data()) == nullptr) return std::perror("bench_pack: make a directory"), 1;
  fs::path directory = first;
  if (first == "--synthetic") {
    directory = fs::path(scratch) / "calls";
    make_synthetic(directory, std::atoi(words[2]));
  }
  const Status done = run(directory, scratch);
  fs::remove_all(scratch);
  if (!done.ok()) std::fprintf(stderr, "bench_pack: %s\n", done.error().message.c_str());
  return done.ok() ? 0 : 1;
}
