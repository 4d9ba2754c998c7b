// Every fuzz target over its committed corpus and over mutations of it that a seed repeats: what
// fuzzing has found once is looked at by every build, also where there is no libFuzzer.
//
// The input that is at work lies in $TMPDIR (or /tmp)/holdfast-fuzz-<target>: when a property
// breaks or a sanitizer speaks, it is still there, and fuzz_<target> of the preset "fuzz" replays
// it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/targets.h"
#include "tests/support/sanitized.h"
#include "tests/support/seeded_random.h"

namespace holdfast::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr size_t kInputBytesMax = 64 * 1024;

struct Target {
  const char* name;
  void (*run)(ByteSpan bytes);
  int mutations = 3000;
};

// Inputs of a name, in the order of their names.
std::vector<std::string> corpus_of(const std::string& name) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator("tests/fuzz/corpus/" + name))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

// Changes a copy of one input a few times, now and then with a piece of another.
class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  std::string next() {
    std::string input = any();
    for (uint64_t changes = 1 + random_.below(4); changes > 0; --changes) change(input);
    input.resize(std::min(input.size(), kInputBytesMax));
    return input;
  }

 private:
  const std::string& any() { return corpus_[random_.below(corpus_.size())]; }
  size_t place(const std::string& text) { return random_.below(text.size() + 1); }
  size_t length() { return 1 + random_.below(random_.below(4) == 0 ? 512 : 8); }

  void change(std::string& input) {
    const size_t at = place(input);
    switch (random_.below(7)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random_.below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = random_.bytes(1)[0];
        break;
      case 2:
        input.erase(at, length());
        break;
      case 3:
        input.insert(at, random_.bytes(1 + random_.below(4)));
        break;
      case 4:  // a piece of itself again
        input.insert(at, input.substr(place(input), length()));
        break;
      case 5: {  // a piece of another in its place
        const std::string& other = any();
        const std::string piece = other.substr(place(other), length());
        input.replace(at, piece.size(), piece);
        break;
      }
      default:
        input.resize(at);
    }
  }

  const std::vector<std::string>& corpus_;
  SeededRandom random_;
};

// Keeps the input at work in a file, whatever ends the process.
class Kept {
 public:
  explicit Kept(const std::string& name)
      : path_((fs::temp_directory_path() / ("holdfast-fuzz-" + name)).string()),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    BOOST_REQUIRE_MESSAGE(fd_ >= 0, path_);
  }
  ~Kept() {
    ::close(fd_);
    fs::remove(path_);
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  void keep(const std::string& input) {
    const bool kept = ::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, input.data(), input.size(), 0) ==
                                                      static_cast<ssize_t>(input.size());
    BOOST_REQUIRE_MESSAGE(kept, path_);
  }

 private:
  const std::string path_;
  const int fd_;
};

void run_target(const Target& target) {
  const std::vector<std::string> corpus = corpus_of(target.name);
  BOOST_REQUIRE_MESSAGE(!corpus.empty(), "tests/fuzz/corpus/" << target.name << " is empty");
  Kept kept(target.name);
  const auto run = [&](const std::string& input) {
    kept.keep(input);
    // In memory of its own size, so that a look beyond it is seen.
    const std::vector<char> own(input.begin(), input.end());
    target.run(as_bytes(std::string_view(own.data(), own.size())));
  };
  for (const std::string& input : corpus) run(input);
  run("");
  Mutator mutator(corpus, test_seed());
  const int mutations = testing::kSanitized ? target.mutations / 4 : target.mutations;
  for (int i = 0; i < mutations; ++i) run(mutator.next());
  std::cout << target.name << ": " << corpus.size() << " inputs and " << mutations
            << " mutations of them\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fuzz_corpus)

BOOST_AUTO_TEST_CASE(every_target_has_a_corpus_and_every_corpus_a_target) {
  std::vector<std::string> sources;
  for (const auto& entry : fs::directory_iterator("tests/fuzz"))
    if (fs::exists("tests/fuzz/corpus/" + entry.path().stem().string()) &&
        entry.path().extension() == ".cc")
      sources.push_back(entry.path().stem().string());
  std::vector<std::string> corpora;
  for (const auto& entry : fs::directory_iterator("tests/fuzz/corpus"))
    corpora.push_back(entry.path().filename().string());
  std::sort(sources.begin(), sources.end());
  std::sort(corpora.begin(), corpora.end());
  BOOST_TEST(sources == corpora, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(compressed_audio_holds) { run_target({"compressed_audio", compressed_audio}); }
BOOST_AUTO_TEST_CASE(configuration_holds) { run_target({"configuration", configuration, 1000}); }
BOOST_AUTO_TEST_CASE(file_range_holds) { run_target({"file_range", file_range}); }
BOOST_AUTO_TEST_CASE(flac_stream_holds) { run_target({"flac_stream", flac_stream, 800}); }
BOOST_AUTO_TEST_CASE(ledger_line_holds) { run_target({"ledger_line", ledger_line}); }
BOOST_AUTO_TEST_CASE(metadata_json_holds) { run_target({"metadata_json", metadata_json}); }
BOOST_AUTO_TEST_CASE(multipart_holds) { run_target({"multipart", multipart}); }
BOOST_AUTO_TEST_CASE(pack_contents_holds) { run_target({"pack_contents", pack_contents}); }
BOOST_AUTO_TEST_CASE(pack_trailer_holds) { run_target({"pack_trailer", pack_trailer}); }
BOOST_AUTO_TEST_CASE(recording_json_holds) { run_target({"recording_json", recording_json}); }
BOOST_AUTO_TEST_CASE(request_body_holds) { run_target({"request_body", request_body}); }
BOOST_AUTO_TEST_CASE(request_head_holds) { run_target({"request_head", request_head}); }
BOOST_AUTO_TEST_CASE(signed_link_holds) { run_target({"signed_link", signed_link}); }
BOOST_AUTO_TEST_CASE(spool_entry_holds) { run_target({"spool_entry", spool_entry, 60}); }
BOOST_AUTO_TEST_CASE(tar_walk_holds) { run_target({"tar_walk", tar_walk, 1000}); }
BOOST_AUTO_TEST_CASE(wav_header_holds) { run_target({"wav_header", wav_header}); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::fuzz
