// The golden pack, committed when format 1 was fixed: what was written then is read now.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "io/digest.h"
#include "tests/tiers/pack/sample_pack.h"
#include "tiers/pack/tar.h"
#include "tiers/pack/verifier.h"

using namespace holdfast;
using namespace holdfast::pack;
using namespace holdfast::pack::testing;

namespace {

constexpr char kGoldenPack[] = "tests/tiers/golden/pack-v1.tar";
constexpr char kGoldenDigest[] = "f13920aad93a7c72b7a6a9ac874b142fd7341131bf1798be8b41ef646ed66986";

std::string read_golden() {
  std::ifstream in(kGoldenPack, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

// The files that a recording.json tells of, and their digests.
SampleMember member_told_by(const PartMetadata& metadata, std::vector<ExpectedFile>& expected) {
  SampleMember member;
  member.recording_id = metadata.recording_id;
  member.part = metadata.part;
  json::value told = parse_json(metadata.recording_json).value();
  for (const json::value& value : told.at("files").as_array()) {
    const json::object& file = value.as_object();
    std::string name = need_string(file, "name").value();
    member.files[name] = "";
    if (name == kMetadataName) continue;
    expected.push_back({name, Bytes(need_integer(file, "size").value()),
                        Digest::from_hex(need_string(file, "sha256").value()).value()});
  }
  return member;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden_pack)

BOOST_AUTO_TEST_CASE(is_the_one_that_was_committed) {
  BOOST_TEST(sha256(read_golden()).hex() == kGoldenDigest);
}

BOOST_AUTO_TEST_CASE(is_verified) {
  std::string bytes = read_golden();
  PackVerifier verifier;
  BOOST_REQUIRE(verifier.push(as_bytes(bytes)).ok());
  VerifiedPack verified = verifier.finish().value();
  BOOST_TEST((verified.trailer.pack_id == sample_pack_id()));
  BOOST_TEST(verified.payload_files == 55);
}

BOOST_AUTO_TEST_CASE(gives_every_original_back) {
  std::string bytes = read_golden();
  RangeReader read = reader_of(bytes);
  Trailer trailer = read_trailer(read, Bytes(static_cast<int64_t>(bytes.size()))).value();
  std::vector<ContentsLine> contents = read_contents(read, trailer).value();
  int parts = 0;
  Status rebuilt = read_metadata_region(read, trailer, [&](const PartMetadata& metadata) {
    std::vector<ExpectedFile> expected;
    SampleMember member = member_told_by(metadata, expected);
    // What is stored before the metadata under the part's directory is its audio.
    std::string directory =
        "data/" + member.recording_id.text() + "." + std::to_string(member.part) + "/";
    std::string range;
    for (size_t i = 0; i < contents.size(); ++i) {
      if (contents[i].offset > trailer.metadata_offset ||
          contents[i].path.compare(0, directory.size(), directory) != 0)
        continue;
      TarEntry entry{sample_pack_id().text() + "/" + contents[i].path, contents[i].length, 0};
      range += tar_header(entry).value();
      range += bytes.substr(
          static_cast<size_t>(contents[i].offset.count),
          static_cast<size_t>(contents[i].length.count + tar_padding(contents[i].length)));
    }
    BOOST_TEST(extract(range, member, expected).value().size() == expected.size());
    return ++parts, Status();
  });
  BOOST_TEST(rebuilt.ok());
  BOOST_TEST(parts == 7);
}

BOOST_AUTO_TEST_SUITE_END()
