// The sample calls are what a recorder would leave: complete, consistent, and the same every time.
#include <sys/wait.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "base/json.h"
#include "base/time_text.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

constexpr const char* kWorkspace = "11111111-2222-4333-8444-555555555555";

class Spool {
 public:
  Spool() {
    std::string pattern = (fs::temp_directory_path() / "holdfast-sample-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~Spool() { fs::remove_all(directory_); }
  const fs::path& directory() const { return directory_; }

  int make(const std::string& options) const {
    const std::string command = std::string(SAMPLE_CALLS_PROGRAM) + " --out " +
                                directory_.string() + " " + options + " >/dev/null 2>&1";
    const int status = std::system(command.c_str());
    BOOST_REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
  }

  // relative path → bytes, of every file
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      all[fs::relative(entry.path(), directory_).string()] = {std::istreambuf_iterator<char>(in),
                                                              {}};
    }
    return all;
  }

 private:
  fs::path directory_;
};

const std::string kThree = std::string("--count 3 --seconds-min 5 --seconds-max 12 --seed 7 ") +
                           "--end-at 2026-11-21T03:36:00Z --workspace " + kWorkspace;

}  // namespace

BOOST_AUTO_TEST_SUITE(sample_calls)

BOOST_AUTO_TEST_CASE(the_same_options_give_the_same_bytes_and_another_seed_others) {
  const Spool first;
  const Spool second;
  BOOST_REQUIRE(first.make(kThree) == 0);
  BOOST_REQUIRE(second.make(kThree) == 0);
  BOOST_TEST(first.files().size() == 9u);
  BOOST_TEST((first.files() == second.files()));
  BOOST_REQUIRE(second.make(kThree + " --seed 8") == 0);
  BOOST_TEST(second.files().size() == 18u);
}

BOOST_AUTO_TEST_CASE(metadata_agrees_with_the_files) {
  const Spool spool;
  BOOST_REQUIRE(spool.make(kThree) == 0);
  const auto files = spool.files();
  int calls = 0;
  UnixMillis last_end;
  for (const auto& [path, text] : files) {
    if (!path.ends_with("/metadata.json")) continue;
    ++calls;
    const json::object metadata = parse_json(text).value().as_object();
    const std::string directory = path.substr(0, path.rfind('/') + 1);
    const std::string sid = need_string(metadata, "call_sid").value();
    BOOST_TEST(directory == std::string(kWorkspace) + "/" + sid + "/");
    BOOST_TEST(sid.size() == 34u);
    BOOST_TEST(sid.starts_with("CA"));
    BOOST_TEST(need_string(metadata, "workspace_id").value() == kWorkspace);

    const std::string& inbound = files.at(directory + "inbound.ulaw");
    const std::string& outbound = files.at(directory + "outbound.pcm");
    const double duration = find_number(metadata, "duration_seconds").value().value();
    BOOST_TEST(duration >= 5.0);
    BOOST_TEST(duration <= 12.0);
    BOOST_TEST(need_integer(metadata, "inbound_size_bytes").value() ==
               static_cast<int64_t>(inbound.size()));
    BOOST_TEST(need_integer(metadata, "outbound_size_bytes").value() ==
               static_cast<int64_t>(outbound.size()));
    BOOST_TEST(static_cast<double>(inbound.size()) == duration * 8000,
               boost::test_tools::tolerance(1e-9));
    BOOST_TEST(outbound.size() == inbound.size() * 4);

    const UnixMillis start = from_iso(need_string(metadata, "call_start_iso").value()).value();
    const UnixMillis end = from_iso(need_string(metadata, "call_end_iso").value()).value();
    BOOST_TEST(static_cast<double>((end - start).count) == duration * 1000,
               boost::test_tools::tolerance(1e-9));
    BOOST_TEST(need_integer(metadata, "media_start_epoch_ms").value() == start.count);
    last_end = std::max(last_end, end);
  }
  BOOST_TEST(calls == 3);
  BOOST_TEST(to_iso(last_end) == "2026-11-21T03:36:00.000Z");
}

BOOST_AUTO_TEST_CASE(the_agent_is_digitally_silent_while_the_caller_talks) {
  const Spool spool;
  BOOST_REQUIRE(spool.make(kThree + " --seconds-min 30 --seconds-max 40") == 0);
  for (const auto& [path, outbound] : spool.files()) {
    if (!path.ends_with("/outbound.pcm")) continue;
    const std::string inbound =
        spool.files().at(path.substr(0, path.rfind('/') + 1) + "inbound.ulaw");
    size_t loud = 0;
    size_t spoken = 0;
    for (size_t i = 0; i < inbound.size(); ++i) {
      // Mu-law codes grow towards 0x00 and 0x80; comfort noise stays within the quietest codes.
      const bool caller_talks = (static_cast<unsigned char>(inbound[i]) & 0x7f) < 0x40;
      const bool agent_silent = outbound.compare(i * 4, 4, "\0\0\0\0", 4) == 0;
      if (!agent_silent) ++spoken;
      if (!caller_talks) continue;
      ++loud;
      BOOST_REQUIRE(agent_silent);
    }
    BOOST_TEST(loud > 1000u, path);
    BOOST_TEST(spoken > 1000u, path);
  }
}

BOOST_AUTO_TEST_CASE(wrong_usage_makes_nothing) {
  const Spool spool;
  for (const char* wrong : {"--count 0", "--count x", "--seconds-min 9 --seconds-max 8",
                            "--workspace tenant", "--end-at yesterday", "--nonsense", "extra"})
    BOOST_TEST(spool.make(wrong) == 2, wrong);
  BOOST_TEST(spool.files().empty());
}

BOOST_AUTO_TEST_SUITE_END()
