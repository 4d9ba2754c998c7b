#include "tests/system/pressed_archive.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/clock.h"
#include "io/digest.h"

namespace holdfast::testing {
namespace {

constexpr char kWorkspace[] = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";
constexpr uint64_t kLoadMsMax = 400;

// A whole life takes a few seconds: every round has moves, releases and expiries under way. The
// disks of a test are small, and no move waits for more of them.
Settings short_lives() {
  return {{"standard.copy_after", "\"1s\""},    {"standard.release_after", "\"2s\""},
          {"warm.copy_after", "\"4s\""},        {"warm.release_after", "\"5s\""},
          {"warm.pack_seal_after", "\"1s\""},   {"cold.linger", "\"1s\""},
          {"policy.disk_reserve", "\"16MiB\""}, {"policy.policy_interval", "\"100ms\""},
          {"restore.keep_default", "\"2s\""}};
}

}  // namespace

Figures& Figures::operator+=(const Figures& other) {
  calls += other.calls;
  acknowledged += other.acknowledged;
  spooled += other.spooled;
  holds += other.holds;
  deletions += other.deletions;
  read_back += other.read_back;
  destroyed += other.destroyed;
  reads_audited += other.reads_audited;
  lost += other.lost;
  resurrected += other.resurrected;
  holds_lost += other.holds_lost;
  return *this;
}

std::string Figures::text() const {
  const std::pair<const char*, int64_t> all[] = {{"calls offered", calls},
                                                 {"acknowledged", acknowledged},
                                                 {"by the spool", spooled},
                                                 {"holds", holds},
                                                 {"deletions", deletions},
                                                 {"read back whole", read_back},
                                                 {"destroyed for good", destroyed},
                                                 {"reads audited", reads_audited},
                                                 {"lost", lost},
                                                 {"resurrected", resurrected},
                                                 {"holds lost", holds_lost}};
  std::string text;
  for (const auto& [what, count] : all)
    text += (text.empty() ? "" : ", ") + std::string(what) + " " + std::to_string(count);
  return text;
}

PressedArchive::PressedArchive(const std::string& directory, const std::string& calls)
    : daemon_(HOLDFASTD, directory, short_lives()), load_{daemon_, oracle_, kWorkspace, "", calls,
                                                          {},      {},      {},         {}} {
  daemon_.start();
  TestClient admin(by_socket(daemon_.admin_socket()));
  BOOST_REQUIRE_EQUAL(
      admin.post("/v1/workspaces", json::object{{"workspace_id", kWorkspace}}).status, 201);
  const json::array scopes{"calls:read",         "recordings:download", "recordings:write",
                           "recordings:restore", "recordings:delete",   "holds:place",
                           "holds:release"};
  const auto key = admin.post("/v1/" + std::string(kWorkspace) + "/api-keys",
                              json::object{{"name", "load"}, {"scopes", scopes}});
  BOOST_REQUIRE_EQUAL(key.status, 201);
  load_.key = std::string(key.parsed()->at("api_key").get_string());
}

void PressedArchive::press_until(SeededRandom& random, const std::function<void()>& crash) {
  load_.over = false;
  std::vector<std::thread> clients = press(load_, random.below(1'000'000'000));
  std::this_thread::sleep_for(std::chrono::milliseconds(random.below(kLoadMsMax + 1)));
  crash();
  daemon_.kill();
  load_.over = true;
  for (std::thread& client : clients) client.join();
}

// By itself it ends when its disks fail, and else never: a sanitizer would have ended it.
void PressedArchive::check_its_end() const {
  constexpr int kKilled = 128 + SIGKILL;
  if (!load_.disks_fail && daemon_.ended_with() != kKilled)
    fail("the daemon ended with " + std::to_string(daemon_.ended_with()));
}

void PressedArchive::start_again() {
  check_its_end();
  load_.disks_fail = false;
  daemon_.start();
  TestClient admin(by_socket(daemon_.admin_socket()));
  check_chains(admin);
  check_promises(admin, listed(admin));
  retry_unanswered();
  report_wrong();
}

void PressedArchive::settle() {
  TestClient admin(by_socket(daemon_.admin_socket()));
  check_spool();
  check_reads_are_audited(admin);
  check_every_byte(admin);
  check_deleted();
  check_left_overs();
  check_promises(admin, listed(admin));
  check_chains(admin);
  report_wrong();
  BOOST_TEST(daemon_.stop() == 0);
}

Figures PressedArchive::figures() const {
  Figures figures = checked_;
  for (const auto& [call_sid, promised] : oracle_.all()) {
    figures.calls += 1;
    figures.acknowledged += promised.stored;
    figures.spooled += promised.spooled;
    figures.holds += static_cast<int64_t>(promised.holds.size());
    figures.deletions += promised.deleted;
  }
  figures.lost = static_cast<int64_t>(lost_.size());
  figures.resurrected = static_cast<int64_t>(resurrected_.size());
  figures.holds_lost = static_cast<int64_t>(hold_lost_.size());
  return figures;
}

// Every call that the listing tells, by call_sid.
std::map<std::string, json::object> PressedArchive::listed(TestClient& admin) {
  std::map<std::string, json::object> items;
  const std::string path = "/v1/" + std::string(kWorkspace) + "/recordings?limit=1000";
  std::string cursor;
  do {
    const json::object page = admin.get_object(path + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json::value& item : page.at("items").get_array())
      items.emplace(item.at("call_sid").get_string(), item.get_object());
    const json::value& next = page.at("next_cursor");
    cursor = next.is_null() ? "" : std::string(next.get_string());
  } while (!cursor.empty());
  return items;
}

void PressedArchive::check_chains(TestClient& admin) {
  const json::object report = admin.get_object("/v1/audit/check");
  BOOST_TEST(report.at("chains").get_array().size() == 2U);
  for (const json::value& chain : report.at("chains").get_array())
    BOOST_TEST(chain.at("ok").get_bool(), canonical(chain));
}

// The listing against the promises: who must be there is, with the holds in force; who was
// deleted is not.
void PressedArchive::check_promises(TestClient& admin,
                                    const std::map<std::string, json::object>& items) {
  for (const auto& [call_sid, promised] : oracle_.all()) {
    const auto found = items.find(call_sid);
    const bool there = found != items.end();
    int64_t in_force = 0;
    for (const auto& [hold, still] : promised.holds) in_force += still;
    const bool must_be_there = (promised.stored && !promised.asked_to_delete) || in_force > 0;
    const std::string state =
        there ? std::string(found->second.at("state").get_string()) : "no recording";
    const bool lives = state == "live" || state == "committed";
    // Condemned is undone by the hold that came after it.
    if (must_be_there && !lives && (state != "condemned" || !promised.asked_to_delete) &&
        lost_.insert(call_sid).second)
      fail(call_sid + " was promised and is gone: " + state);
    const bool must_be_gone = promised.deleted && !promised.hold_asked;
    if (must_be_gone && lives && resurrected_.insert(call_sid).second)
      fail(call_sid + " was deleted and is back");
    if (!there) continue;
    if (found->second.at("holds").get_int64() < in_force && hold_lost_.insert(call_sid).second)
      fail(call_sid + " lost a hold");
    check_digests(admin, promised.call);
    oracle_.stored(call_sid);  // seen: from now on it must stay
  }
}

// What the archive says of the files of a call, once per call.
void PressedArchive::check_digests(TestClient& admin, const CallFiles& call) {
  if (!digests_checked_.insert(call.call_sid).second) return;
  const json::object shown = admin.get_object(path_of_call(call));
  std::map<std::string, std::string> digests;
  for (const json::value& file : shown.at("files").get_array())
    digests.emplace(file.at("name").get_string(), file.at("sha256").get_string());
  BOOST_TEST(digests.size() == call.contents.size());
  for (const auto& [name, bytes] : call.contents) BOOST_TEST(digests[name] == sha256(bytes).hex());
  for (const auto& [name, bytes] : call.contents) (void)download(load_, admin, call, name);
}

// A client that had no answer asks again, and gets one.
void PressedArchive::retry_unanswered() {
  TestClient client(by_key(daemon_.url(), load_.key));
  for (const CallFiles& call : oracle_.unanswered()) {
    const HttpResponse answer = client.send(upload_of(call));
    BOOST_TEST((answer.status == 200 || answer.status == 201),
               call.call_sid << ": " << answer.status << " " << answer.body);
    oracle_.stored(call.call_sid);
  }
}

// Every complete entry of the spool has become a recording, and none was rejected.
void PressedArchive::check_spool() {
  namespace fs = std::filesystem;
  const std::string spool = daemon_.directory() + "/spool";
  const auto complete_ones = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(spool + "/" + kWorkspace))
      if (fs::exists(entry.path() / "metadata.json")) names.push_back(entry.path().filename());
    return names;
  };
  if (!fs::exists(spool + "/" + kWorkspace)) return;
  BOOST_TEST(eventually([&] { return complete_ones().empty(); }), "the spool is not empty");
  BOOST_TEST(!fs::exists(spool + "/rejected"), "the spool rejected a good call");
}

// The bytes of whatever lives, restored where archived.
void PressedArchive::check_every_byte(TestClient& admin) {
  std::vector<CallFiles> archived;
  const auto items = listed(admin);
  for (const auto& [call_sid, promised] : oracle_.all()) {
    const auto item = items.find(call_sid);
    if (item == items.end() || item->second.at("state").get_string() != "live") continue;
    // Asked for even where it is readable now: it may be released while we read.
    const HttpResponse asked =
        admin.post(path_of_call(promised.call, "/restore"), json::object{{"keep_hours", 1}});
    BOOST_TEST((asked.status == 200 || asked.status == 202), asked.body);
    archived.push_back(promised.call);
  }
  for (const CallFiles& call : archived) {
    for (const auto& [name, bytes] : call.contents) {
      const std::string& file = name;  // clang 14 captures no structured binding
      const bool got = eventually([&] { return download(load_, admin, call, file).has_value(); });
      if (!got) fail(call.call_sid + "/" + name + " did not come back");
      if (!got) return;
    }
    ++checked_.read_back;
  }
}

// What was destroyed stays destroyed: not shown, not read, not resurrected by a retry.
void PressedArchive::check_deleted() {
  TestClient client(by_key(daemon_.url(), load_.key));
  for (const auto& [call_sid, promised] : oracle_.all()) {
    if (!promised.deleted || promised.hold_asked) continue;
    const CallFiles& call = promised.call;
    BOOST_TEST(eventually(
        [&] { return client.get(path_of_call(call, "/download/metadata.json")).status == 404; }));
    const HttpResponse again = client.send(upload_of(call));
    BOOST_TEST(again.status == 409);
    BOOST_TEST(again.body.find("erased") != std::string::npos, again.body);
    ++checked_.destroyed;
  }
}

// P4: whatever bytes a client got, a line was durable before them, so that no kill lost it.
void PressedArchive::check_reads_are_audited(TestClient& admin) {
  std::set<std::string> opened;  // "<recording_id>/<file>"
  std::string cursor;
  do {
    const json::object page = admin.get_object("/v1/audit?chain=access&limit=1000" + cursor);
    for (const json::value& line : page.at("items").get_array()) {
      if (line.at("kind").get_string() != "file.open") continue;
      opened.insert(std::string(line.at("on").get_string()) + "/" +
                    std::string(line.at("details").at("file").get_string()));
    }
    const json::value& next = page.at("next_cursor");
    cursor = next.is_null() ? "" : "&cursor=" + std::string(next.get_string());
  } while (!cursor.empty());
  const auto items = listed(admin);
  for (const auto& [call_sid, promised] : oracle_.all()) {
    const auto item = items.find(call_sid);
    if (item == items.end()) continue;  // destroyed: no list says its number any more
    const std::string recording(item->second.at("recording_id").get_string());
    for (const std::string& file : promised.read) {
      BOOST_TEST(opened.contains(recording + "/" + file),
                 call_sid << "/" << file << " was read and no line says so");
      ++checked_.reads_audited;
    }
  }
}

// What a commit of unknown outcome left in .incoming goes by the turn of the next minute.
void PressedArchive::check_left_overs() {
  namespace fs = std::filesystem;
  for (const char* name : {".incoming", ".trash"}) {
    const std::string path = daemon_.directory() + "/standard/standard/" + name;
    const auto empty = [&] { return fs::is_empty(path); };
    if (eventually(empty, seconds(90))) continue;
    std::string what;
    for (const auto& entry : fs::directory_iterator(path))
      what += " " + entry.path().filename().string();
    fail(path + " is not empty:" + what);
  }
}

void PressedArchive::report_wrong() {
  std::lock_guard lock(load_.mutex);
  for (const std::string& what : load_.wrong) fail(what);
  load_.wrong.clear();
}

// The log is read only when it is needed: a message of Boost.Test is made in any case.
void PressedArchive::fail(const std::string& what) const {
  BOOST_ERROR(what + "\n" + daemon_.log_tail());
}

}  // namespace holdfast::testing
