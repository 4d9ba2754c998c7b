// Packs are made, and what was put in comes out.
#include "tiers/pack/writer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <utility>

#include "base/limits.h"
#include "tests/support/synthetic_audio.h"
#include "tests/tiers/pack/sample_pack.h"
#include "tiers/pack/trailer.h"
#include "tiers/pack/verifier.h"

using namespace holdfast;
using namespace holdfast::pack;
using namespace holdfast::pack::testing;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOLDFAST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOLDFAST_SANITIZED 1
#endif
#endif

namespace {

#ifdef HOLDFAST_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::string cut(const std::string& bytes, Bytes offset, Bytes length) {
  return bytes.substr(static_cast<size_t>(offset.count), static_cast<size_t>(length.count));
}

Codec codec_of(const SamplePack& pack, size_t part, const std::string& name) {
  for (const StoredFile& file : pack.parts.at(part).files)
    if (file.name == name) return file.codec;
  BOOST_FAIL("no file " + name);
  return Codec::kStored;
}

void check_round_trip(const std::vector<SampleMember>& members, const SamplePack& pack) {
  BOOST_REQUIRE_EQUAL(pack.parts.size(), members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    const SampleMember& member = members[i];
    const StoredPart& part = pack.parts[i];
    std::map<std::string, std::string> files =
        extract(cut(pack.bytes, part.offset, part.length), member, expected_files(member)).value();
    PartMetadata metadata =
        read_part_metadata(reader_of(pack.bytes), {part.metadata_offset, part.metadata_length})
            .value();
    BOOST_TEST(metadata.recording_json == member.recording_json);
    BOOST_TEST((metadata.recording_id == member.recording_id));
    BOOST_TEST(metadata.part == member.part);
    if (metadata.metadata_json) files["metadata.json"] = *metadata.metadata_json;
    BOOST_TEST((files == member.files));
  }
}

Result<BuiltPack> build(Io& io, PackPlan plan) {
  return build_pack(io, std::move(plan), open_scratch_directory().get());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_writer)

BOOST_AUTO_TEST_CASE(p10_every_original_byte_comes_back) {
  uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::vector<SampleMember> members = sample_members(seed);
  check_round_trip(members, make_pack(members));
}

BOOST_AUTO_TEST_CASE(codecs_are_those_of_the_grammar) {
  SamplePack pack = make_pack(sample_members(1));
  BOOST_TEST((codec_of(pack, 0, "inbound.ulaw") == Codec::kFlac));
  BOOST_TEST((codec_of(pack, 0, "outbound.pcm") == Codec::kFlac));
  BOOST_TEST((codec_of(pack, 0, "transcript.txt") == Codec::kZstd));
  BOOST_TEST((codec_of(pack, 0, "metadata.json") == Codec::kZstd));
  BOOST_TEST((codec_of(pack, 1, "inbound.raw") == Codec::kFlac));
  BOOST_TEST((codec_of(pack, 1, "outbound.raw") == Codec::kFlac));
  BOOST_TEST((codec_of(pack, 1, "recording.mp3") == Codec::kStored));
  for (const char* name : {"recording.1.wav", "recording.2.wav", "recording.4.wav"})
    BOOST_TEST((codec_of(pack, 2, name) == Codec::kFlac), name);
  for (const char* name : {"inbound.ulaw", "outbound.pcm", "recording.3.wav", "recording.5.wav",
                           "recording.6.wav", "recording.7.wav", "recording.8.wav",
                           "recording.9.wav", "recording.raw", "transcript.1.txt"})
    BOOST_TEST((codec_of(pack, 2, name) == Codec::kZstd), name);
  for (const char* name : {"inbound.ulaw", "inbound.ulaw.flac", "transcript.json",
                           "transcript.json.zst", "metadata.json", "metadata.json.zst"})
    BOOST_TEST((codec_of(pack, 3, name) == Codec::kStored), name);
  BOOST_TEST((codec_of(pack, 3, "outbound.pcm") == Codec::kFlac));
  for (int i = 1; i <= 5; ++i)
    BOOST_TEST((codec_of(pack, 5, "recording." + std::to_string(i) + ".wav") == Codec::kFlac), i);
}

BOOST_AUTO_TEST_CASE(the_second_stage_always_gives_the_same_bytes) {
  std::unique_ptr<Io> io = open_io();
  std::vector<SampleMember> members = sample_members(2);
  BuiltPack built = build(*io, plan_of(members)).value();
  std::string first;
  std::string second;
  Digest a = built.write(*io, [&](ByteSpan b) { return first += as_text(b), Status(); }).value();
  Digest b = built.write(*io, [&](ByteSpan b2) { return second += as_text(b2), Status(); }).value();
  BOOST_TEST((first == second));
  BOOST_TEST((a == b));
  BOOST_TEST((sha256(first) == a));
  BOOST_TEST(static_cast<int64_t>(first.size()) == built.size().count);
  BOOST_TEST(built.size().count % kPackAlignment == 0);
  BOOST_TEST((make_pack(members).bytes == first));
}

BOOST_AUTO_TEST_CASE(several_encoders_make_the_same_pack) {
  std::unique_ptr<Io> io = open_io();
  for (uint32_t seed = 4; seed < 8; ++seed) {
    std::vector<SampleMember> members = sample_members(seed);
    const Digest expected = make_pack(members).sha256;
    for (int encoders : {2, 3}) {
      const Fd directory = open_scratch_directory();
      BuiltPack built =
          build_pack(*io, plan_of(members), directory.get(), BuildOptions{encoders, {}}).value();
      BOOST_TEST((built.write(*io, [](ByteSpan) { return Status(); }).value() == expected));
    }
  }
}

// The first of several bad sources in the plan's order is told, whoever met it.
BOOST_AUTO_TEST_CASE(several_encoders_name_a_bad_source) {
  std::unique_ptr<Io> io = open_io();
  const std::vector<SampleMember> members = sample_members(8);
  for (size_t bad = 0; bad < members.size(); ++bad) {
    PackPlan plan = plan_of(members);
    if (plan.parts[bad].files.empty()) continue;
    plan.parts[bad].files.back().sha256.bytes[0] ^= std::byte{1};
    const Fd directory = open_scratch_directory();
    Result<BuiltPack> built =
        build_pack(*io, std::move(plan), directory.get(), BuildOptions{3, {}});
    BOOST_REQUIRE(!built.ok());
    BOOST_TEST((built.error().code == Code::kCorrupt));
    BOOST_TEST(built.error().message.find(members[bad].recording_id.text()) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_source_that_is_not_what_it_should_be_is_named) {
  std::unique_ptr<Io> io = open_io();
  std::vector<SampleMember> members = sample_members(3);
  for (const char* name : {"inbound.ulaw", "outbound.pcm", "transcript.txt", "metadata.json"}) {
    for (bool other_size : {false, true}) {
      PackPlan plan = plan_of(members);
      for (PlannedFile& file : plan.parts[0].files) {
        if (file.name != name) continue;
        if (other_size) file.size = Bytes(file.size.count - 1);
        file.sha256.bytes[5] ^= std::byte{1};
      }
      Result<BuiltPack> built = build(*io, std::move(plan));
      BOOST_REQUIRE(!built.ok());
      BOOST_TEST((built.error().code == Code::kCorrupt));
      BOOST_TEST(built.error().message.find(name) != std::string::npos);
      BOOST_TEST(built.error().message.find(members[0].recording_id.text()) != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(plans_outside_the_limits_are_refused) {
  std::unique_ptr<Io> io = open_io();
  std::vector<SampleMember> one = {member_of(1, 1, {{"inbound.ulaw", "abc"}})};
  auto refused = [&](auto change) {
    PackPlan plan = plan_of(one);
    change(plan);
    Result<BuiltPack> built = build(*io, std::move(plan));
    return !built.ok() && built.error().code == Code::kInvalid;
  };
  BOOST_TEST(!refused([](PackPlan&) {}));
  BOOST_TEST(refused([](PackPlan& plan) { plan.parts.clear(); }));
  BOOST_TEST(refused([](PackPlan& plan) { plan.parts.push_back(plan.parts[0]); }));
  BOOST_TEST(refused([](PackPlan& plan) { plan.parts[0].part = 0; }));
  BOOST_TEST(refused([](PackPlan& plan) { plan.parts[0].part = limits::kPartsMax + 1; }));
  BOOST_TEST(refused([](PackPlan& plan) { plan.sealed_at = UnixMillis(-1); }));
  for (const int64_t size : {int64_t{-1}, limits::kFileBytesMax + 1})
    BOOST_TEST(refused([&](PackPlan& plan) { plan.parts[0].files[0].size = Bytes(size); }), size);
  BOOST_TEST(refused([](PackPlan& plan) { plan.parts[0].files[0].open = nullptr; }));
  BOOST_TEST(refused([](PackPlan& plan) {
    while (plan.parts[0].files.size() <= static_cast<size_t>(limits::kFilesPerPartMax)) {
      plan.parts[0].files.push_back(plan.parts[0].files[0]);
      plan.parts[0].files.back().name = "f" + std::to_string(plan.parts[0].files.size());
    }
  }));
  BOOST_TEST(refused([](PackPlan& plan) { plan.parts[0].recording_json.clear(); }));
  for (const char* name : {"", "../x", "a/b", ".x", "recording.json", "x.head", "x.tail", "a\nb"})
    BOOST_TEST(refused([&](PackPlan& plan) { plan.parts[0].files[0].name = name; }), name);
  BOOST_TEST(
      refused([](PackPlan& plan) { plan.parts[0].files.push_back(plan.parts[0].files[0]); }));
}

BOOST_AUTO_TEST_CASE(a_sink_that_fails_ends_the_writing) {
  std::unique_ptr<Io> io = open_io();
  BuiltPack built = build(*io, plan_of(sample_members(4))).value();
  for (int64_t room : {int64_t{0}, int64_t{700}, int64_t{100'000}, built.size().count - 1}) {
    int64_t taken = 0;
    Result<Digest> written = built.write(*io, [&](ByteSpan bytes) {
      taken += static_cast<int64_t>(bytes.size());
      return taken > room ? Status(Error{Code::kNoSpace, "the medium is full"}) : Status();
    });
    BOOST_REQUIRE(!written.ok());
    BOOST_TEST((written.error().code == Code::kNoSpace));
  }
}

namespace {

// Refuses the n-th operation.
class FaultAt final : public Faults {
 public:
  explicit FaultAt(int n) : left_(n) {}
  Status at(std::string_view) override {
    if (left_-- != 0) return Status();
    fired_ = true;
    return Error{Code::kIo, "injected fault"};
  }
  bool fired() const { return fired_; }

 private:
  int left_;
  bool fired_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_fault_at_any_operation_is_told) {
  std::vector<SampleMember> members = {member_of(
      1, 1,
      {{"inbound.ulaw", std::string(5'000, '\x7f')}, {"outbound.pcm", std::string(5'001, 'x')}})};
  Digest right = make_pack(members).sha256;
  bool fired = true;
  for (int n = 0; fired; ++n) {
    FaultAt fault(n);
    IoOptions options;
    options.faults = &fault;
    std::unique_ptr<Io> io = Io::open(options).value();
    Result<BuiltPack> built = build(*io, plan_of(members));
    Result<Digest> digest =
        built.ok() ? built->write(*io, [](ByteSpan) { return Status(); }) : built.error();
    fired = fault.fired();
    BOOST_REQUIRE_EQUAL(digest.ok(), !fired);
    if (digest.ok()) BOOST_TEST((*digest == right));
    BOOST_REQUIRE_LT(n, 10'000);
  }
}

namespace {

// The first open finds a file system without O_TMPFILE.
class NoUnnamedFiles final : public Faults {
 public:
  Status at(std::string_view point) override {
    if (point != "open" || std::exchange(asked_, true)) return Status();
    return Error{Code::kIo, "injected fault", EOPNOTSUPP};
  }

 private:
  bool asked_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_system_without_unnamed_files_will_do) {
  std::vector<SampleMember> members = {member_of(1, 1, {{"inbound.ulaw", "abc"}})};
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("holdfast-scratch-" + std::to_string(getpid()));
  std::filesystem::create_directory(directory);
  // What a crash left behind does not matter.
  std::ofstream(directory / (".scratch-" + sample_pack_id().text())) << "old";
  NoUnnamedFiles faults;
  IoOptions options;
  options.faults = &faults;
  std::unique_ptr<Io> io = Io::open(options).value();
  Fd scratch = open_root(directory.string()).value();
  BuiltPack built = build_pack(*io, plan_of(members), scratch.get()).value();
  BOOST_TEST(std::filesystem::is_empty(directory));
  Digest digest = built.write(*io, [](ByteSpan) { return Status(); }).value();
  BOOST_TEST((digest == make_pack(members).sha256));
  std::filesystem::remove_all(directory);
}

BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_file) {
  if (kSanitized) {
    std::cout << "skipped: a sanitizer keeps freed memory\n";
    return;
  }
  constexpr int64_t kFileBytes = int64_t{192} << 20;
  constexpr long kGrowthKibMax = 48 * 1024;
  Fd directory = open_scratch_directory();
  Fd zeros(openat(directory.get(), ".", O_TMPFILE | O_RDWR, 0600));
  if (!zeros || ftruncate(zeros.get(), kFileBytes) != 0) {
    std::cout << "skipped: no O_TMPFILE in the temporary directory\n";
    return;
  }
  std::unique_ptr<Io> io = open_io();
  Digest digest = digest_file(*io, zeros.get(), Bytes(kFileBytes)).value();
  PackPlan plan = plan_of({member_of(1, 1, {{"transcript.txt", "x"}})});
  for (const char* name : {"outbound.pcm", "inbound.bin"})  // FLAC and zstd
    plan.parts[0].files.push_back(
        {name, Bytes(kFileBytes), digest, [&zeros](Io&) { return zeros.duplicate(); }});
  struct rusage before;
  getrusage(RUSAGE_SELF, &before);
  BuiltPack built = build_pack(*io, std::move(plan), directory.get()).value();
  PackVerifier verifier;
  BOOST_REQUIRE(built.write(*io, [&](ByteSpan bytes) { return verifier.push(bytes); }).ok());
  BOOST_TEST(verifier.finish().ok());
  struct rusage after;
  getrusage(RUSAGE_SELF, &after);
  BOOST_TEST(after.ru_maxrss - before.ru_maxrss < kGrowthKibMax);
}

BOOST_AUTO_TEST_CASE(real_speech_comes_back_bit_exact) {
  const std::filesystem::path sounds = "/usr/share/asterisk/sounds/en_US_f_Allison";
  if (!std::filesystem::is_directory(sounds)) {
    std::cout << "skipped: package asterisk-core-sounds-en-wav is not installed\n";
    return;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(sounds))
    if (entry.path().extension() == ".wav") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  paths.resize(std::min<size_t>(paths.size(), 60));
  std::vector<SampleMember> members;
  size_t original_bytes = 0;
  for (const std::filesystem::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    std::string wav = content.str();
    std::vector<int16_t> samples;
    for (size_t at = 44; at + 1 < wav.size(); at += 2)
      samples.push_back(static_cast<int16_t>(static_cast<uint8_t>(wav[at]) |
                                             static_cast<uint8_t>(wav[at + 1]) << 8));
    members.push_back(
        member_of(static_cast<uint32_t>(members.size()) + 1, 1,
                  {{"recording.wav", wav},
                   {"inbound.ulaw", holdfast::testing::g711_bytes(samples, SampleForm::kMulaw)}}));
    for (const auto& file : members.back().files) original_bytes += file.second.size();
  }
  SamplePack pack = make_pack(members);
  check_round_trip(members, pack);
  std::cout << paths.size() << " files, " << original_bytes << " bytes of speech in a pack of "
            << pack.bytes.size() << " bytes\n";
  BOOST_TEST(pack.bytes.size() < original_bytes * 8 / 10);
}

BOOST_AUTO_TEST_SUITE_END()
