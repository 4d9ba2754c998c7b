// Packs that somebody made wrong: every digest and checksum agrees, and what they say is not so.
// And media and scratch files that do not give what was asked of them.
#include <fcntl.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/limits.h"
#include "tests/support/temporary_directory.h"
#include "tests/tiers/pack/sample_pack.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/tar.h"
#include "tiers/pack/trailer.h"
#include "tiers/pack/verifier.h"

using namespace holdfast;
using namespace holdfast::pack;
using namespace holdfast::pack::testing;
namespace fs = std::filesystem;

namespace {

constexpr size_t kTrailerFromEnd = 1536;  // its 512 bytes and the two zero blocks are behind it
constexpr int64_t kSealedSeconds = 1'795'233'600;
constexpr Bytes kFar{INT64_MAX / 100};

const std::vector<SampleMember>& members() {
  static const std::vector<SampleMember> made = sample_members(31);
  return made;
}
const SamplePack& whole_pack() {
  static const SamplePack made = make_pack(members());
  return made;
}

Trailer trailer_of(const std::string& bytes) {
  return parse_trailer(as_bytes(bytes).subspan(bytes.size() - kTrailerFromEnd, 512)).value();
}
// The pack with another trailer, whose own checksum is right.
std::string resealed(const std::function<void(Trailer&)>& change) {
  std::string bytes = whole_pack().bytes;
  Trailer trailer = trailer_of(bytes);
  change(trailer);
  return bytes.replace(bytes.size() - kTrailerFromEnd, 512, render(trailer));
}

// A tar entry as a pack has it.
std::string entry(const std::string& path, const std::string& body,
                  int64_t mtime_seconds = kSealedSeconds) {
  const std::string full_path = sample_pack_id().text() + "/" + path;
  std::string out = tar_header({full_path, size_of(body), mtime_seconds}).value() + body;
  return out + std::string(static_cast<size_t>(tar_padding(size_of(body))), '\0');
}
// Where the header of the entry begins.
size_t header_at(const std::string& bytes, const std::string& path) {
  const std::string name = sample_pack_id().text() + "/" + path + '\0';
  for (size_t at = 0; at < bytes.size(); at += 512)
    if (bytes.compare(at, name.size(), name) == 0) return at;
  BOOST_FAIL("no entry " + path);
  return 0;
}

Result<VerifiedPack> verify(const std::string& bytes) {
  PackVerifier verifier;
  HOLDFAST_TRY(verifier.push(as_bytes(bytes)));
  return verifier.finish();
}
template <typename R>
Code code_of(const R& result) {
  BOOST_REQUIRE_MESSAGE(!result.ok(), "it succeeded");
  return result.error().code;
}
template <typename R>
bool is_corrupt(const R& result, const std::string& told) {
  return code_of(result) == Code::kCorrupt &&
         result.error().message.find(told) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lying_packs)

BOOST_AUTO_TEST_CASE(a_trailer_that_points_outside_its_pack_is_refused) {
  const auto read = [](const std::function<void(Trailer&)>& change) {
    const std::string bytes = resealed(change);
    return read_trailer(reader_of(bytes), size_of(bytes));
  };
  BOOST_REQUIRE(read([](Trailer&) {}).ok());
  BOOST_TEST(
      is_corrupt(read([](Trailer& t) { t.pack_size += Bytes(kPackAlignment); }), "there are"));
  const Bytes behind = size_of(whole_pack().bytes) + Bytes(1);
  for (const Bytes wrong : {behind, kFar}) {
    const std::string told = "points outside";
    BOOST_TEST(is_corrupt(read([&](Trailer& t) { t.metadata_offset = wrong; }), told));
    BOOST_TEST(is_corrupt(read([&](Trailer& t) { t.metadata_length = wrong; }), told));
    BOOST_TEST(is_corrupt(read([&](Trailer& t) { t.contents_offset = wrong; }), told));
    BOOST_TEST(is_corrupt(read([&](Trailer& t) { t.contents_length = wrong; }), told));
  }
}

// Not damage: a newer program made it, and may read it.
BOOST_AUTO_TEST_CASE(a_later_format_is_told_apart_from_damage) {
  std::string text = render(trailer_of(whole_pack().bytes));
  text.replace(text.find(" 1\n"), 3, " 2\n");
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), 497);
  char line[16];
  std::snprintf(line, sizeof line, "crc32 %08x\n", static_cast<unsigned>(crc.checksum()));
  text.replace(497, 15, line);
  BOOST_TEST((code_of(parse_trailer(as_bytes(text))) == Code::kInvalid));
  std::string bytes = whole_pack().bytes;
  bytes.replace(bytes.size() - kTrailerFromEnd, 512, text);
  BOOST_TEST((code_of(read_trailer(reader_of(bytes), size_of(bytes))) == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(contents_over_their_limit_are_not_read_into_memory) {
  Trailer trailer = trailer_of(whole_pack().bytes);
  trailer.contents_length = Bytes(limits::kPackContentsBytesMax + 1);
  bool asked = false;
  const RangeReader reader = [&](const PackRange&, const ByteSink&) {
    return asked = true, Status();
  };
  BOOST_TEST((code_of(read_contents(reader, trailer)) == Code::kTooLarge));
  BOOST_TEST(!asked);
}

BOOST_AUTO_TEST_CASE(a_medium_that_gives_more_or_less_than_was_asked_is_told) {
  const std::string& bytes = whole_pack().bytes;
  const Trailer trailer = trailer_of(bytes);
  for (const int64_t more : {-1, 1}) {
    const RangeReader reader = [&](const PackRange& range, const ByteSink& sink) {
      return sink(as_bytes(bytes).subspan(static_cast<size_t>(range.offset.count),
                                          static_cast<size_t>(range.length.count + more)));
    };
    BOOST_TEST((code_of(read_contents(reader, trailer)) == Code::kCorrupt), more);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_metadata_is_not_taken_for_it) {
  const auto ignore = [](PartMetadata) { return Status(); };
  // The region begins amid the audio.
  const std::string bytes = resealed([](Trailer& trailer) {
    trailer.metadata_length += trailer.metadata_offset;
    trailer.metadata_offset = whole_pack().parts[0].offset;
    trailer.metadata_length = Bytes(trailer.metadata_length.count - trailer.metadata_offset.count);
  });
  const Trailer trailer = read_trailer(reader_of(bytes), size_of(bytes)).value();
  BOOST_TEST(
      is_corrupt(read_metadata_region(reader_of(bytes), trailer, ignore), "among the metadata"));
  // One part's metadata.json before another's recording.json.
  const std::string first = part_directory(members()[0].recording_id, 1);
  const std::string second = part_directory(members()[1].recording_id, 1);
  const std::string mixed = entry(first + "metadata.json", "{}") +
                            entry(second + "recording.json", members()[1].recording_json);
  BOOST_TEST(is_corrupt(read_part_metadata(reader_of(mixed), {Bytes(0), size_of(mixed)}),
                        "without recording.json"));
}

// What the trailer says of the pack is compared with what was seen of it.
BOOST_AUTO_TEST_CASE(a_trailer_that_does_not_fit_its_pack_disproves_it) {
  BOOST_REQUIRE(verify(whole_pack().bytes).ok());
  const auto told = [](const std::function<void(Trailer&)>& change, const char* what) {
    return is_corrupt(verify(resealed(change)), what);
  };
  BOOST_TEST(told([](Trailer& t) { t.pack_size += Bytes(kPackAlignment); }, "another pack"));
  BOOST_TEST(told([](Trailer& t) { t.pack_id.bytes[0] ^= std::byte{1}; }, "another pack"));
  BOOST_TEST(told([](Trailer& t) { t.sealed_at = t.sealed_at + seconds(1); }, "another pack"));
  BOOST_TEST(told([](Trailer& t) { t.archive_id.bytes[0] ^= std::byte{1}; }, "bag-info.txt"));
  BOOST_TEST(told([](Trailer& t) { t.before_sha256.bytes[0] ^= std::byte{1}; }, "their digest"));
  BOOST_TEST(told([](Trailer& t) { t.metadata_offset += Bytes(512); }, "the metadata"));
  BOOST_TEST(told([](Trailer& t) { t.metadata_length += Bytes(512); }, "the metadata"));
  BOOST_TEST(told([](Trailer& t) { t.metadata_sha256.bytes[0] ^= std::byte{1}; }, "the metadata"));
  BOOST_TEST(told([](Trailer& t) { t.contents_offset += Bytes(512); }, "contents.jsonl"));
  BOOST_TEST(told([](Trailer& t) { t.contents_length += Bytes(1); }, "contents.jsonl"));
  BOOST_TEST(
      told([](Trailer& t) { t.contents_sha256.bytes[0] ^= std::byte{1}; }, "contents.jsonl"));
}

BOOST_AUTO_TEST_CASE(entries_that_do_not_belong_into_a_pack_disprove_it) {
  const std::string& bytes = whole_pack().bytes;
  const size_t readme = header_at(bytes, "holdfast/README.txt");
  const std::string before = bytes.substr(0, readme);
  BOOST_TEST(is_corrupt(verify(before + entry("holdfast/README.txt", "x", kSealedSeconds + 1)),
                        "does not belong"));
  std::string elsewhere = entry("holdfast/README.txt", "x");
  elsewhere = tar_header({"elsewhere/holdfast/README.txt", Bytes(1), kSealedSeconds}).value() +
              elsewhere.substr(512);
  BOOST_TEST(is_corrupt(verify(before + elsewhere), "does not belong"));

  // A tag file is kept in memory: one over the limit is refused by its header.
  const std::string header = tar_header({sample_pack_id().text() + "/holdfast/README.txt",
                                         Bytes(limits::kPackContentsBytesMax + 1), kSealedSeconds})
                                 .value();
  BOOST_TEST(is_corrupt(verify(before + header), "bytes"));

  // A manifest that says nothing of the last file, and one with a file that is not there.
  const size_t at = header_at(bytes, "manifest-sha256.txt");
  const size_t end = header_at(bytes, "bag-info.txt");
  std::string manifest = bytes.substr(at + 512, end - at - 512);
  manifest.resize(manifest.find('\0') == std::string::npos ? manifest.size() : manifest.find('\0'));
  const std::string shorter = manifest.substr(0, manifest.rfind('\n', manifest.size() - 2) + 1);
  const std::string longer = manifest + std::string(64, '0') + "  data/x\n";
  for (const std::string& lying : {shorter, longer})
    BOOST_TEST(is_corrupt(verify(bytes.substr(0, at) + entry("manifest-sha256.txt", lying)),
                          "the manifest lists"));
}

BOOST_AUTO_TEST_CASE(files_that_a_part_is_not_known_to_have_are_not_extracted) {
  SampleMember member = member_of(1, 1, {{"a.wav", "RIFF"}, {"b.txt", "text"}});
  const std::string directory = part_directory(member.recording_id, 1);
  const std::vector<ExpectedFile> wanted = expected_files(member);
  const std::string a = entry(directory + "a.wav", "RIFF");
  const std::string b = entry(directory + "b.txt", "text");
  BOOST_REQUIRE(extract(a + b, member, wanted).ok());
  BOOST_TEST(is_corrupt(extract(a + entry(directory + "c.txt", "x") + b, member, wanted),
                        "is known to have"));
  BOOST_TEST(is_corrupt(extract(a + b + a, member, wanted), "twice"));
  BOOST_TEST(is_corrupt(extract(a + a + b, member, wanted), "out of order"));
  const std::string head = entry(directory + "a.wav.head", "RI");
  const std::string tail = entry(directory + "a.wav.tail", "FF");
  BOOST_TEST(extract(head + tail + b, member, wanted).ok());
  BOOST_TEST(is_corrupt(extract(tail + head + b, member, wanted), "out of order"));
}

// A bad disk below the scratch file: what was proven is no longer there.
BOOST_AUTO_TEST_CASE(p5_a_scratch_file_that_changed_is_told_and_not_written_on) {
  const TemporaryDirectory directory;
  const std::unique_ptr<Io> io = open_io();
  const SampleMember member = member_of(1, 1, {{"transcript.txt", std::string(3'000, 'x')}});
  const Fd scratch = open_root(directory.path()).value();
  const BuiltPack built = build_pack(*io, plan_of({member}), scratch.get()).value();
  const auto write = [&] { return built.write(*io, [](ByteSpan) { return Status(); }); };
  BOOST_REQUIRE(write().ok());
  // The file has no name; this process holds it.
  int changed = 0;
  const std::string prefix = fs::canonical(directory.path()).string();
  for (const auto& held : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = fs::read_symlink(held.path(), gone).string();
    if (gone || !target.starts_with(prefix + "/")) continue;
    const Fd file(::open(held.path().c_str(), O_RDWR | O_CLOEXEC));
    char byte = 0;
    BOOST_REQUIRE(::pread(file.get(), &byte, 1, 5) == 1);
    byte = static_cast<char>(byte ^ 1);
    BOOST_REQUIRE(::pwrite(file.get(), &byte, 1, 5) == 1);
    ++changed;
  }
  BOOST_REQUIRE(changed == 1);
  BOOST_TEST(is_corrupt(write(), "the scratch file changed"));
}

BOOST_AUTO_TEST_SUITE_END()
