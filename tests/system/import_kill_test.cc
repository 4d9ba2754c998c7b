// `holdfast import` and the daemon are killed at many points of one import, and nothing is there
// twice, nothing is missing, and it ends complete; then everything is archived, and `holdfast get`
// brings every byte back.
//
// HOLDFAST_IMPORT_CALLS says how many calls the tree has (default 60; 24 in a sanitizer build).
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>

#include "io/digest.h"
#include "tests/support/daemon_process.h"
#include "tests/support/sanitized.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kWorkspace[] = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";

int calls_of_tree() {
  const char* given = std::getenv("HOLDFAST_IMPORT_CALLS");
  return given != nullptr ? std::atoi(given) : kSanitized ? 24 : 60;
}

std::string path_of(const std::string& rest) { return "/v1/" + std::string(kWorkspace) + rest; }

// `holdfast` that runs beside the test, and may be killed.
class Program {
 public:
  Program(const DaemonProcess& daemon, std::vector<std::string> arguments, const std::string& log) {
    arguments.insert(arguments.begin(), HOLDFAST_PROGRAM);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    const std::string socket = "HOLDFAST_SOCKET=" + daemon.admin_socket();
    const std::string workspace = "HOLDFAST_WORKSPACE=" + std::string(kWorkspace);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::putenv(const_cast<char*>(socket.c_str()));
    ::putenv(const_cast<char*>(workspace.c_str()));
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  ~Program() {
    if (pid_ > 0) kill();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void kill() {
    ::kill(pid_, SIGKILL);
    (void)wait();
  }
  // The exit code, when it has ended.
  std::optional<int> ended() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

// What a recorder left: two channels a call, in directories of some.
class Tree {
 public:
  Tree(const std::string& directory, SeededRandom& random) : directory_(directory) {
    for (int i = 0; i < calls_of_tree(); ++i) {
      const std::string call = "call-" + std::to_string(1000 + i);
      const std::string below = directory + "/" + std::to_string(i / 7);
      fs::create_directories(below);
      for (const auto& [ending, name] :
           {std::pair("-in.ulaw", "inbound.ulaw"), std::pair("-out.ulaw", "outbound.ulaw")}) {
        const std::string bytes = random.bytes(200 + random.below(20'000));
        std::ofstream(below + "/" + call + ending, std::ios::binary) << bytes;
        digests_[call][name] = sha256(bytes).hex();
      }
    }
  }
  const std::string& directory() const { return directory_; }
  // By call and the file's name in the archive.
  const std::map<std::string, std::map<std::string, std::string>>& digests() const {
    return digests_;
  }
  size_t size() const { return digests_.size(); }

 private:
  const std::string directory_;
  std::map<std::string, std::map<std::string, std::string>> digests_;
};

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Archived within seconds once they are let go.
Settings short_lives() {
  return {{"standard.copy_after", "\"1s\""},
          {"standard.release_after", "\"2s\""},
          {"warm.pack_seal_after", "\"1s\""},
          {"policy.policy_interval", "\"100ms\""}};
}

class Imported {
 public:
  Imported()
      : daemon_(HOLDFASTD, directory_ / "archive", short_lives()),
        tree_(directory_ / "tree", random_) {
    daemon_.start();
    TestClient admin = client();
    BOOST_REQUIRE_EQUAL(
        admin.post("/v1/workspaces", json::object{{"workspace_id", kWorkspace}}).status, 201);
  }

  // Kills client, daemon or both each time some more calls are there, until the import has ended.
  void import_amid_kills() {
    std::unique_ptr<Program> program = begin();
    size_t wanted = 0;
    for (;;) {
      wanted += 1 + random_.below(5);
      std::optional<int> code;
      const bool there = eventually([&] {
        code = program->ended();
        return code || recordings().size() >= wanted;
      });
      BOOST_REQUIRE_MESSAGE(there, "the import stands still: " << text_of(log()));
      if (code) {
        BOOST_TEST(*code == 0, text_of(log()));
        break;
      }
      const uint64_t whom = random_.below(3);
      if (whom != 1) program->kill();
      if (whom != 0) {
        daemon_.kill();
        daemon_.start();  // a client that lives waits for it
      }
      if (whom != 1) program = begin();
      ++kills_;
    }
    std::cout << kills_ << " kills while " << tree_.size() << " calls were imported\n";
    BOOST_TEST(kills_ >= 5);
    BOOST_REQUIRE_EQUAL(recordings().size(), tree_.size());
  }

  void check_nothing_twice_nothing_lost() {
    TestClient admin = client();
    const auto items = recordings();
    BOOST_TEST(items.size() == tree_.size());
    for (const auto& [call, digests] : tree_.digests()) {
      BOOST_TEST_REQUIRE(items.contains(call), call << " is lost");
      const json::object shown = admin.get_object(path_of("/recordings/" + call));
      std::map<std::string, std::string> found;
      for (const json::value& file : shown.at("files").get_array()) {
        BOOST_TEST(file.at("part").to_number<int>() == 1);
        found.emplace(file.at("name").get_string(), file.at("sha256").get_string());
      }
      for (const auto& [name, digest] : digests) BOOST_TEST(found[name] == digest);
      BOOST_TEST(found.size() == digests.size() + 1);  // and metadata.json
    }
    BOOST_TEST(ingest_lines() == tree_.size());
  }

  // One import, however often its line was run (a second one when the kill hit between its end and
  // the client's); each call counts once.
  void check_one_import() {
    TestClient admin = client();
    const json::object page = admin.get_object(path_of("/imports?limit=100"));
    const json::array& imports = page.at("items").get_array();
    BOOST_TEST((imports.size() == 1U || imports.size() == 2U));
    for (const json::value& import : imports) {
      BOOST_TEST(import.at("state").get_string() == "finished");
      const auto count = [&](const char* name) { return import.at(name).to_number<size_t>(); };
      BOOST_TEST(count("calls_total") == tree_.size());
      BOOST_TEST(count("calls_done") == tree_.size());
      BOOST_TEST(count("calls_failed") == 0U);
      BOOST_TEST(count("calls_stored") + count("calls_already") == tree_.size());
    }
  }

  // In bulk: what is archived is asked back, waited for and fetched.
  void check_bulk_get() {
    const bool archived = eventually([&] {
      const auto items = recordings();
      return std::all_of(items.begin(), items.end(), [](const auto& item) {
        return item.second.at("tier").get_string() != "standard";
      });
    });
    BOOST_REQUIRE_MESSAGE(archived, "not all were archived");
    const std::string output = directory_ / "out";
    for (const char* told : {" fetched, 0 there already, 0 failed, 0 archived",
                             "0 fetched, "}) {  // the same line again fetches nothing
      Program get(daemon_, {"get", "--from", "2000-01-01T00:00:00Z", "-o", output}, log());
      const int code = get.wait();
      BOOST_TEST(code == 0, text_of(log()));
      BOOST_TEST(text_of(log()).find(told) != std::string::npos, text_of(log()));
    }
    for (const auto& [call, digests] : tree_.digests())
      for (const auto& [name, digest] : digests)
        BOOST_TEST(sha256(text_of(output + "/" + call + "/" + name)).hex() == digest,
                   call << "/" << name);
    // They came from warm: each by a restore.
    TestClient admin = client();
    const json::object page = admin.get_object(path_of("/restores?limit=1000"));
    BOOST_TEST(page.at("items").get_array().size() == tree_.size());
  }

 private:
  TestClient client() const { return TestClient(by_socket(daemon_.admin_socket())); }
  std::string log() const { return directory_ / "program.log"; }

  std::unique_ptr<Program> begin() const {
    return std::make_unique<Program>(
        daemon_,
        std::vector<std::string>{"import", tree_.directory(), "--layout", "asterisk-monitor",
                                 "--times", "mtime", "--jobs", "2"},
        log());
  }

  std::map<std::string, json::object> recordings() const {
    std::map<std::string, json::object> items;
    TestClient admin = client();
    const json::object page = admin.get_object(path_of("/recordings?limit=1000"));
    for (const json::value& item : page.at("items").get_array())
      items.emplace(item.at("call_sid").get_string(), item.get_object());
    return items;
  }

  size_t ingest_lines() const {
    TestClient admin = client();
    size_t count = 0;
    std::string cursor;
    do {
      const json::object page = admin.get_object("/v1/audit?chain=decisions&limit=1000" + cursor);
      for (const json::value& line : page.at("items").get_array())
        count += line.at("kind").get_string() == "recording.ingested" ? 1 : 0;
      const json::value& next = page.at("next_cursor");
      cursor = next.is_null() ? "" : "&cursor=" + std::string(next.get_string());
    } while (!cursor.empty());
    return count;
  }

  TemporaryDirectory directory_;
  SeededRandom random_;
  DaemonProcess daemon_;
  Tree tree_;
  int kills_ = 0;
};

BOOST_AUTO_TEST_SUITE(killed_imports)

BOOST_AUTO_TEST_CASE(an_import_killed_at_many_points_ends_complete) {
  Imported imported;
  imported.import_amid_kills();
  imported.check_nothing_twice_nothing_lost();
  imported.check_one_import();
  imported.check_bulk_get();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
