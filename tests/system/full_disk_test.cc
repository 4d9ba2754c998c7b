// A full disk: each of the archive's file systems, full of bytes and then out of inodes, under the
// real daemon. What is there is read, found and held all the same, a stop and a start go on, what
// was acknowledged stays, and what had to wait goes on by itself when there is room again.
#include <boost/test/unit_test.hpp>

#include "base/clock.h"
#include "tests/support/call_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/filled_disk.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::testing {
namespace {

constexpr const char* kWorkspace = "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b";

struct Case {
  const char* disk;       // the directory of the archive that lies on a small disk
  Shortage shortage;      // of what
  int upload;             // what an upload is answered meanwhile
  const char* copied_at;  // the age at which calls are packed
};

constexpr Case kCases[] = {
    {"state", Shortage::kBytes, 507, "\"1h\""},    {"state", Shortage::kInodes, 507, "\"1h\""},
    {"standard", Shortage::kBytes, 507, "\"1h\""}, {"standard", Shortage::kInodes, 507, "\"1h\""},
    {"warm", Shortage::kBytes, 201, "\"1s\""},     {"warm", Shortage::kInodes, 201, "\"1s\""},
    {"mirror", Shortage::kBytes, 201, "\"1h\""},   {"mirror", Shortage::kInodes, 201, "\"1h\""},
};

Settings settings_of(const Case& one) {
  return {{"standard.copy_after", one.copied_at},
          {"standard.release_after", "\"2h\""},
          {"warm.pack_seal_after", "\"1s\""},
          {"policy.policy_interval", "\"100ms\""},
          {"policy.disk_reserve", "\"1KiB\""}};
}

// An archive of which one directory lies on a small disk.
class Rig {
 public:
  explicit Rig(const Case& one)
      : disk(directory_ / (std::string("archive/") + one.disk), FilledDisk::Size()),
        daemon(HOLDFASTD, directory_ / "archive", settings_of(one)) {}

  void start() {
    daemon.start();
    admin_ = std::make_unique<TestClient>(by_socket(daemon.admin_socket()));
  }
  void stop() {
    admin_.reset();
    BOOST_TEST(daemon.stop() == 0);
  }
  TestClient& admin() { return *admin_; }

  CallFiles new_call() {
    return make_call(directory_ / "calls", kWorkspace, {SystemClock().now(), 16'000}, random_);
  }
  // The answer's status.
  int upload(const CallFiles& call) {
    const HttpResponse answer = admin().send(upload_of(call));
    if (answer.status == 201) stored.push_back(call);
    last_answer = answer.body;
    return answer.status;
  }
  HttpResponse place_hold(const CallFiles& call) {
    return admin().post(path_of_call(call, "/holds"),
                        json::object{{"matter", "matter " + std::to_string(++matters_)},
                                     {"reason", "the regulator asked"}});
  }
  int count_lines(const std::string& chain, const CallFiles& call, std::string_view kind) {
    const json::object page =
        admin().get_object("/v1/audit?limit=1000&chain=" + chain + "&workspace=" + kWorkspace +
                           "&call_sid=" + call.call_sid);
    int found = 0;
    for (const json::value& line : page.at("items").get_array())
      found += line.get_object().at("kind").get_string() == kind;
    return found;
  }

 private:
  SeededRandom random_{11};
  TemporaryDirectory directory_;

 public:
  FilledDisk disk;
  DaemonProcess daemon;
  std::vector<CallFiles> stored;  // that were acknowledged
  std::string last_answer;

 private:
  std::unique_ptr<TestClient> admin_;
  int matters_ = 0;
};

// By a key and by a signed link, each with its line.
void check_reads(Rig& rig, const CallFiles& call) {
  const int before = rig.count_lines("access", call, "file.open");
  const HttpResponse direct = rig.admin().get(path_of_call(call, "/download/outbound.pcm"));
  BOOST_TEST(direct.status == 200, direct.body);
  BOOST_TEST((direct.body == call.contents.at("outbound.pcm")));
  const json::object urls = rig.admin().get_object(path_of_call(call, "/urls?expires_in=600"));
  const std::string link(urls.at("inbound_url").get_string());
  TestClient browser(by_key(rig.daemon.url(), ""));
  const HttpResponse linked = browser.get(link.substr(link.find("/v1/")));
  BOOST_TEST(linked.status == 200, linked.body);
  BOOST_TEST((linked.body == call.contents.at("inbound.ulaw")));
  BOOST_TEST(rig.count_lines("access", call, "file.open") == before + 2);
}

void check_search(Rig& rig, const CallFiles& call) {
  const json::object found =
      rig.admin().get_object(std::string("/v1/") + kWorkspace + "/recordings?q=" + call.call_sid);
  BOOST_TEST(found.at("items").get_array().size() == 1u);
}

// What was acknowledged is there, with the bytes it came with.
void check_stored(Rig& rig) {
  for (const CallFiles& call : rig.stored)
    for (const auto& [name, bytes] : call.contents) {
      const HttpResponse got = rig.admin().get(path_of_call(call, "/download/" + name));
      BOOST_TEST(got.status == 200, call.call_sid << "/" << name << ": " << got.body);
      BOOST_TEST((got.body == bytes), call.call_sid << "/" << name << " came with other bytes");
    }
}

// Everything that a full disk stops nobody from.
void check_life(Rig& rig, const Case& one) {
  const CallFiles call = rig.stored.front();  // an upload that is taken moves the others
  check_reads(rig, call);
  check_search(rig, call);
  const int holds = rig.count_lines("decisions", call, "hold.placed");
  const HttpResponse placed = rig.place_hold(call);
  BOOST_TEST(placed.status == 201, placed.body);
  BOOST_TEST(rig.count_lines("decisions", call, "hold.placed") == holds + 1);
  BOOST_TEST(rig.upload(rig.new_call()) == one.upload, rig.last_answer);
  // P3: whatever is full, what is held stays.
  const HttpResponse kept = rig.admin().remove(path_of_call(call));
  BOOST_TEST((kept.status == 409 || kept.status == 503), kept.body);
  check_stored(rig);
}

// Whatever was held up: it goes on without anybody's help.
void check_recovery(Rig& rig) {
  BOOST_TEST(eventually([&] { return rig.upload(rig.new_call()) == 201; }), rig.last_answer);
  // A mirror that was away is tried again with a decision, every ten seconds.
  int looks = 0;
  BOOST_TEST(eventually([&] {
    if (looks++ % 200 == 0) rig.place_hold(rig.stored.front());
    const json::object status = rig.admin().get_object("/v1/status");
    return status.at("ledger").get_object().at("mirror").get_string() == "in step";
  }));
  const CallFiles last = rig.stored.back();
  const HttpResponse deleted = rig.admin().remove(path_of_call(last));
  BOOST_TEST(deleted.status == 202, deleted.body);
  rig.stored.pop_back();
  check_stored(rig);
}

void check_case(const Case& one) {
  Rig rig(one);
  if (!rig.disk.is_mounted()) return;
  rig.start();
  BOOST_REQUIRE(
      rig.admin().post("/v1/workspaces", json::object{{"workspace_id", kWorkspace}}).status == 201);
  for (int i = 0; i < 3; ++i) BOOST_REQUIRE(rig.upload(rig.new_call()) == 201);
  // At rest: what is given up while the disk is being filled is whoever's asks first.
  for (const CallFiles& call : rig.stored)
    BOOST_REQUIRE(eventually([&] {
      return rig.admin().get_object(path_of_call(call)).at("state").get_string() == "live";
    }));
  BOOST_REQUIRE(rig.disk.fill(one.shortage));
  check_life(rig, one);
  rig.stop();
  rig.start();
  check_life(rig, one);
  rig.disk.clear();
  check_recovery(rig);
  // It becomes full while nobody looks.
  rig.stop();
  BOOST_REQUIRE(rig.disk.fill(one.shortage));
  rig.start();
  check_life(rig, one);
  rig.daemon.kill();
  rig.start();
  check_life(rig, one);
  rig.disk.clear();
  check_recovery(rig);
  rig.stop();
}

BOOST_AUTO_TEST_CASE(a_full_disk_stops_what_can_wait_and_nothing_else) {
  for (const Case& one : kCases) BOOST_TEST_CONTEXT(one.disk << " without " << word(one.shortage)) {
      try {
        check_case(one);
      } catch (const std::exception& error) {
        BOOST_ERROR(error.what());
      }
    }
}

}  // namespace
}  // namespace holdfast::testing
