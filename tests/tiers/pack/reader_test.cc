// A pack is read by ranges: trailer, contents, metadata, one part.
#include "tiers/pack/reader.h"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>

#include "tests/tiers/pack/sample_pack.h"

using namespace holdfast;
using namespace holdfast::pack;
using namespace holdfast::pack::testing;

namespace {

const std::vector<SampleMember>& some_members() {
  static const std::vector<SampleMember> made = sample_members(21);
  return made;
}
const SamplePack& pack_of_some() {
  static const SamplePack made = make_pack(some_members());
  return made;
}
std::string range_of(const StoredPart& part) {
  return pack_of_some().bytes.substr(static_cast<size_t>(part.offset.count),
                                     static_cast<size_t>(part.length.count));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_reader)

BOOST_AUTO_TEST_CASE(the_trailer_is_the_entry) {
  const std::string& bytes = pack_of_some().bytes;
  for (size_t step : {size_t{1}, size_t{4096}}) {
    Trailer trailer = read_trailer(reader_of(bytes, step), size_of(bytes)).value();
    BOOST_TEST((trailer.pack_id == sample_pack_id()));
    BOOST_TEST(trailer.sealed_at.count == 1'795'233'600'123);
    std::vector<ContentsLine> lines = read_contents(reader_of(bytes, step), trailer).value();
    for (const ContentsLine& line : lines) {
      std::string stored = bytes.substr(static_cast<size_t>(line.offset.count),
                                        static_cast<size_t>(line.length.count));
      BOOST_TEST((sha256(stored) == line.sha256), line.path);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_trailer_is_told) {
  std::string bytes = pack_of_some().bytes;
  BOOST_TEST(!read_trailer(reader_of(bytes), Bytes(0)).ok());
  BOOST_TEST(!read_trailer(reader_of(bytes), Bytes(size_of(bytes).count - 1)).ok());
  for (size_t at = bytes.size() - 1536; at < bytes.size(); ++at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    Result<Trailer> trailer = read_trailer(reader_of(bytes), size_of(bytes));
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    BOOST_REQUIRE_MESSAGE(!trailer.ok(), "byte " << at);
  }
  std::string zeros(bytes.size(), '\0');
  BOOST_TEST(!read_trailer(reader_of(zeros), size_of(zeros)).ok());
}

// Contents whose numbers are no pack's: their digest in the trailer proves nothing of who made
// them.
BOOST_AUTO_TEST_CASE(contents_that_cannot_be_give_no_ranges) {
  const std::string& bytes = pack_of_some().bytes;
  const Trailer trailer = read_trailer(reader_of(bytes), size_of(bytes)).value();
  const std::vector<ContentsLine> right = read_contents(reader_of(bytes), trailer).value();
  BOOST_TEST(part_spans(trailer, right).ok());
  constexpr int64_t kFar = INT64_MAX - INT64_MAX % 512;
  for (size_t i : {size_t{0}, right.size() / 2, right.size() - 1}) {
    const auto refused = [&](const char* what, const auto& change) {
      std::vector<ContentsLine> lines = right;
      change(lines);
      const auto spans = part_spans(trailer, lines);
      BOOST_TEST((!spans.ok() && spans.error().code == Code::kCorrupt), what << " of line " << i);
    };
    refused("a far offset", [&](auto& lines) { lines[i].offset = Bytes(kFar); });
    refused("a long body", [&](auto& lines) { lines[i].length = Bytes(INT64_MAX); });
    refused("an end beyond the pack", [&](auto& lines) { lines[i].length = trailer.pack_size; });
    refused("an odd offset", [&](auto& lines) { lines[i].offset += Bytes(1); });
    refused("the offset of no body", [&](auto& lines) { lines[i].offset = Bytes(0); });
    if (i > 0) refused("the order", [&](auto& lines) { std::swap(lines[i], lines[i - 1]); });
  }
}

BOOST_AUTO_TEST_CASE(a_rebuild_reads_all_metadata_in_one_range) {
  const std::string& bytes = pack_of_some().bytes;
  Trailer trailer = read_trailer(reader_of(bytes), size_of(bytes)).value();
  for (size_t step : {size_t{1}, size_t{1000}, bytes.size()}) {
    std::vector<PartMetadata> parts;
    Status read = read_metadata_region(reader_of(bytes, step), trailer, [&](PartMetadata part) {
      return parts.push_back(std::move(part)), Status();
    });
    BOOST_REQUIRE(read.ok());
    BOOST_REQUIRE_EQUAL(parts.size(), some_members().size());
    for (size_t i = 0; i < parts.size(); ++i) {
      BOOST_TEST((parts[i].recording_id == some_members()[i].recording_id));
      BOOST_TEST(parts[i].part == some_members()[i].part);
      BOOST_TEST(parts[i].recording_json == some_members()[i].recording_json);
      auto metadata = some_members()[i].files.find("metadata.json");
      BOOST_TEST(parts[i].metadata_json.has_value() == (metadata != some_members()[i].files.end()));
      if (parts[i].metadata_json) BOOST_TEST(*parts[i].metadata_json == metadata->second);
    }
  }
}

BOOST_AUTO_TEST_CASE(damaged_metadata_are_told) {
  std::string bytes = pack_of_some().bytes;
  Trailer trailer = read_trailer(reader_of(bytes), size_of(bytes)).value();
  auto ignore = [](PartMetadata) { return Status(); };
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    size_t at = static_cast<size_t>(trailer.metadata_offset.count) +
                random() % static_cast<size_t>(trailer.metadata_length.count);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    BOOST_REQUIRE(!read_metadata_region(reader_of(bytes), trailer, ignore).ok());
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
  }
  size_t contents = static_cast<size_t>(trailer.contents_offset.count);
  bytes[contents + 40] = static_cast<char>(bytes[contents + 40] ^ 1);
  BOOST_TEST((read_contents(reader_of(bytes), trailer).error().code == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(one_part_is_extracted_whatever_the_steps) {
  for (size_t i = 0; i < some_members().size(); ++i) {
    const SampleMember& member = some_members()[i];
    std::string range = range_of(pack_of_some().parts[i]);
    std::map<std::string, std::string> right = member.files;
    right.erase("metadata.json");
    for (size_t step : {size_t{1}, size_t{513}, size_t{1'000'000}})
      BOOST_TEST((extract(range, member, expected_files(member), step).value() == right));
  }
}

BOOST_AUTO_TEST_CASE(single_files_can_be_wanted) {
  const SampleMember& member = some_members()[5];
  std::string range = range_of(pack_of_some().parts[5]);
  for (const ExpectedFile& file : expected_files(member)) {
    auto files = extract(range, member, {file}).value();
    BOOST_TEST(files.size() == 1u);
    BOOST_TEST((files.at(file.name) == member.files.at(file.name)));
  }
}

BOOST_AUTO_TEST_CASE(metadata_range_can_follow_the_audio_range) {
  const SampleMember& member = some_members()[0];
  const StoredPart& part = pack_of_some().parts[0];
  std::vector<ExpectedFile> wanted = expected_files(member);
  for (const std::string& name : {std::string("metadata.json"), std::string("recording.json")}) {
    std::string bytes =
        name == "recording.json" ? member.recording_json : member.files.at("metadata.json");
    wanted.push_back({name, size_of(bytes), sha256(bytes)});
  }
  size_t files = 0;
  FileReceiver receiver{[](const ExpectedFile&) { return Status(); },
                        [](ByteSpan) { return Status(); },
                        [&](const ExpectedFile&) { return ++files, Status(); }};
  PartExtractor extractor(member.recording_id, member.part, names_of(member), wanted, receiver);
  const std::string& bytes = pack_of_some().bytes;
  auto push = [&](ByteSpan piece) { return extractor.push(piece); };
  BOOST_REQUIRE(reader_of(bytes)({part.offset, part.length}, push).ok());
  BOOST_REQUIRE(extractor.end_range().ok());
  BOOST_REQUIRE(reader_of(bytes)({part.metadata_offset, part.metadata_length}, push).ok());
  BOOST_TEST(extractor.finish().ok());
  BOOST_TEST(files == wanted.size());
}

BOOST_AUTO_TEST_CASE(p5_never_wrong_bytes_from_a_damaged_part) {
  uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  for (size_t i : {size_t{0}, size_t{1}, size_t{2}, size_t{5}}) {
    const SampleMember& member = some_members()[i];
    std::string range = range_of(pack_of_some().parts[i]);
    for (int round = 0; round < 300; ++round) {
      size_t at = random() % range.size();
      char kept = range[at];
      range[at] = static_cast<char>(kept ^ (1 << (random() % 8)));
      Result<std::map<std::string, std::string>> files =
          extract(range, member, expected_files(member));
      range[at] = kept;
      // A bit that no byte of an original hangs on (a header's date) may pass.
      if (!files.ok()) continue;
      for (const auto& [name, bytes] : *files) BOOST_REQUIRE(bytes == member.files.at(name));
    }
  }
}

BOOST_AUTO_TEST_CASE(cut_missing_and_foreign_bytes_are_told) {
  const SampleMember& member = some_members()[0];
  std::string range = range_of(pack_of_some().parts[0]);
  std::vector<ExpectedFile> wanted = expected_files(member);
  auto corrupt = [&](const std::string& bytes, const SampleMember& as) {
    Result<std::map<std::string, std::string>> files = extract(bytes, as, wanted);
    return !files.ok() && files.error().code == Code::kCorrupt;
  };
  for (size_t length = 0; length < range.size(); length += 512)
    BOOST_REQUIRE(corrupt(range.substr(0, length), member));
  BOOST_TEST(corrupt(range + range, member));
  BOOST_TEST(corrupt(range + std::string(1024, '\0'), member));
  BOOST_TEST(corrupt(range_of(pack_of_some().parts[1]), member));
  SampleMember other_part = member;
  other_part.part = 2;
  BOOST_TEST(corrupt(range, other_part));
  wanted[0].sha256.bytes[0] ^= std::byte{1};
  BOOST_TEST(corrupt(range, member));
  wanted = {{"inbound.ulaw", Bytes(3), wanted[0].sha256}};
  BOOST_TEST(corrupt(range, member));
  wanted = {{"absent.txt", Bytes(3), Digest()}};
  BOOST_TEST(corrupt(range, member));
}

BOOST_AUTO_TEST_SUITE_END()
