// A pack's worth of synthetic recordings that meets every codec and every oddity, and the ways
// to make and read packs in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/io.h"
#include "tiers/pack/part_extractor.h"
#include "tiers/pack/plan.h"
#include "tiers/pack/reader.h"
#include "tiers/pack/writer.h"

namespace holdfast::pack::testing {

struct SampleMember {
  RecordingId recording_id;
  int part = 1;
  std::map<std::string, std::string> files;  // name → original bytes
  std::string recording_json;
};

// The same seed gives the same members. Every form, collision, broken file and empty one is there.
std::vector<SampleMember> sample_members(uint32_t seed);
// A member of these files; its recording.json tells their names, sizes and digests.
SampleMember member_of(uint32_t number, int part, std::map<std::string, std::string> files);

PackId sample_pack_id();
PackPlan plan_of(const std::vector<SampleMember>& members);

std::unique_ptr<Io> open_io();
// Directory for scratch files; below $TMPDIR or /tmp.
Fd open_scratch_directory();

inline Bytes size_of(const std::string& bytes) { return Bytes(static_cast<int64_t>(bytes.size())); }

struct SamplePack {
  std::string bytes;
  Digest sha256;
  std::vector<StoredPart> parts;
};
// Builds and writes; a failure ends the test.
SamplePack make_pack(const std::vector<SampleMember>& members);

// Ranges of `bytes`, delivered `step` bytes at a time.
RangeReader reader_of(const std::string& bytes, size_t step = 4096);

std::vector<ExpectedFile> expected_files(const SampleMember& member);
std::vector<std::string> names_of(const SampleMember& member);
// The files of one part as the extractor gives them back from these bytes of the pack.
Result<std::map<std::string, std::string>> extract(const std::string& range,
                                                   const SampleMember& member,
                                                   const std::vector<ExpectedFile>& wanted,
                                                   size_t step = 4096);

}  // namespace holdfast::pack::testing
