// make_sample_pack OUT_DIRECTORY [WAV...]: writes pack.tar and originals/<recording_id>.<part>/
// for the test that unpacks with stock tools. Each WAV becomes a recording of its own.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/tiers/pack/sample_pack.h"

using namespace holdfast::pack;
using namespace holdfast::pack::testing;

namespace {

bool write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  return out.flush().good();
}

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: make_sample_pack OUT_DIRECTORY [WAV...]\n");
    return 2;
  }
  std::filesystem::path out = argv[1];
  std::vector<SampleMember> members = sample_members(1);
  for (int i = 2; i < argc; ++i)
    members.push_back(
        member_of(100 + static_cast<uint32_t>(i), 1, {{"recording.wav", read_file(argv[i])}}));
  bool written = write_file(out / "pack.tar", make_pack(members).bytes);
  for (const SampleMember& member : members) {
    std::filesystem::path directory =
        out / "originals" / (member.recording_id.text() + "." + std::to_string(member.part));
    written = write_file(directory / "recording.json", member.recording_json) && written;
    for (const auto& [name, bytes] : member.files)
      written = write_file(directory / name, bytes) && written;
  }
  return written ? 0 : 1;
}
