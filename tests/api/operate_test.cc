// What operators look at and decide: media and their places, the chains' check, methods, the
// mount's socket.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "base/clock.h"
#include "tests/api/api_rig.h"
#include "tests/support/small_disk.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

// A daemon of this case's own, which may be stopped and started.
class OwnDaemon {
 public:
  explicit OwnDaemon(const Settings& settings = {})
      : daemon_(HOLDFASTD, directory_ / "archive", settings) {
    daemon_.start();
  }
  DaemonProcess& process() { return daemon_; }
  TestClient admin() { return TestClient(by_socket(daemon_.admin_socket())); }
  std::string warm() const { return daemon_.directory() + "/warm"; }
  const TemporaryDirectory& directory() const { return directory_; }

 private:
  TemporaryDirectory directory_;
  DaemonProcess daemon_;
};

json::object tier_of(TestClient& client, std::string_view tier) {
  const json::object status = client.get_object("/v1/status");
  for (const json::value& view : status.at("tiers").get_array())
    if (view.at("tier").get_string() == tier) return view.get_object();
  throw std::runtime_error("status tells no tier " + std::string(tier));
}

std::string medium_id(TestClient& client, std::string_view name) {
  const json::object media = client.get_object("/v1/media");
  for (const json::value& medium : media.at("items").get_array())
    if (medium.at("name").get_string() == name) return medium.at("medium_id").get_string().c_str();
  throw std::runtime_error("there is no medium " + std::string(name));
}

// An empty mount point is not the disk: neither online, nor as roomy as the disk below it.
BOOST_AUTO_TEST_CASE(an_unmounted_disk_looks_offline) {
  OwnDaemon daemon;
  TestClient admin = daemon.admin();
  BOOST_TEST(tier_of(admin, "warm").at("medium_state").get_string() == "online");
  BOOST_TEST(tier_of(admin, "warm").at("free_bytes").is_int64());
  for (const bool restarted : {false, true}) {
    fs::rename(daemon.warm(), daemon.warm() + ".away");
    fs::create_directory(daemon.warm());
    if (restarted) {
      BOOST_TEST(daemon.process().stop() == 0);
      daemon.process().start();
    }
    TestClient client = daemon.admin();
    const json::object warm = tier_of(client, "warm");
    BOOST_TEST(warm.at("medium").get_string() == "warm-1");
    BOOST_TEST(warm.at("medium_state").get_string() == "offline");
    BOOST_TEST(warm.at("free_bytes").is_null());
    BOOST_TEST(warm.at("total_bytes").is_null());
    const std::string status = client.get("/v1/status").body;
    BOOST_TEST(status.find("expected warm-1") != std::string::npos, status);
    const std::string media = client.get("/v1/media").body;
    BOOST_TEST(media.find("expected warm-1") != std::string::npos, media);
    fs::remove(daemon.warm());
    fs::rename(daemon.warm() + ".away", daemon.warm());
    BOOST_TEST(tier_of(client, "warm").at("medium_state").get_string() == "online");
  }
}

BOOST_AUTO_TEST_CASE(a_new_medium_takes_a_place_when_it_is_said) {
  OwnDaemon daemon;
  TestClient admin = daemon.admin();
  const std::string old_path = daemon.directory() / "away";
  json::object wish{
      {"kind", "pack"}, {"tier", "warm"}, {"name", "warm-2"}, {"path", daemon.warm()}};
  fs::rename(daemon.warm(), old_path);
  fs::create_directory(daemon.warm());
  const HttpResponse refused = admin.post("/v1/media", wish);
  BOOST_TEST(refused.status == 409);
  BOOST_TEST(refused.body.find("warm-1") != std::string::npos, refused.body);
  BOOST_TEST(fs::is_empty(daemon.warm()));
  wish["replace"] = true;
  BOOST_TEST(admin.post("/v1/media", wish).status == 201);
  BOOST_TEST(daemon.process().stop() == 0);
  daemon.process().start();
  TestClient again = daemon.admin();
  BOOST_TEST(tier_of(again, "warm").at("medium").get_string() == "warm-2");
  // The old one is not there any more, and says so; where it lies now, it belongs.
  const std::string path = "/v1/media/" + medium_id(again, "warm-1") + "/place";
  BOOST_TEST(again.post(path, json::object{{"path", daemon.warm()}}).status == 409);
  BOOST_TEST(again.post(path, json::object{{"path", "warm"}}).status == 422);
  BOOST_TEST(again.post(path, json::object{{"path", old_path}}).status == 200);
  const json::object media = again.get_object("/v1/media");
  for (const json::value& medium : media.at("items").get_array())
    BOOST_TEST(medium.at("state").get_string() == "online", canonical(medium));
  BOOST_TEST(
      again.post("/v1/media/" + std::string(26, 'a') + "/place", json::object{{"path", old_path}})
          .status == 404);
}

BOOST_AUTO_TEST_CASE(moves_are_paused_and_resumed_by_an_operator) {
  OwnDaemon daemon;
  TestClient admin = daemon.admin();
  const json::object wish{{"tier", "warm"}, {"reason", "a disk is swapped"}};
  BOOST_TEST(admin.post("/v1/moves/pause", wish).status == 200);
  BOOST_TEST(admin.post("/v1/moves/pause", json::object{{"tier", "hot"}}).status == 422);
  for (const bool restarted : {false, true}) {
    if (restarted) {
      BOOST_TEST(daemon.process().stop() == 0);
      daemon.process().start();
    }
    TestClient client = daemon.admin();
    const json::object status = client.get_object("/v1/status");
    const json::array& pauses = status.at("pauses").get_array();
    BOOST_REQUIRE_EQUAL(pauses.size(), 1);
    BOOST_TEST(pauses[0].at("tier").get_string() == "warm");
    BOOST_TEST(pauses[0].at("reason").get_string() == "a disk is swapped");
    BOOST_TEST(canonical(status.at("attention")).find("warm is paused by uid:") !=
               std::string::npos);
  }
  TestClient again = daemon.admin();
  const HttpResponse resumed = again.post("/v1/moves/resume", json::object{});
  BOOST_TEST(resumed.status == 200);
  BOOST_TEST(resumed.body.find("\"pauses\":[]") != std::string::npos, resumed.body);
  BOOST_TEST(again.get_object("/v1/status").at("pauses").get_array().empty());
  BOOST_TEST(again.post("/v1/moves/7/retry", json::object{}).status == 404);
  BOOST_TEST(again.post("/v1/moves/seven/retry", json::object{}).status == 422);
  const HttpResponse retried = again.post("/v1/moves/retry", json::object{});
  BOOST_TEST(retried.body.find("\"retried\":0") != std::string::npos, retried.body);
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_uploads_and_takes_holds) {
  const TemporaryDirectory directory;
  const SmallDisk disk(directory / "disk", 200);
  if (!disk.is_mounted()) return;
  DaemonProcess daemon(HOLDFASTD, disk.path() + "/archive", {});
  daemon.start();
  TestClient admin(by_socket(daemon.admin_socket()));
  const json::object workspace{{"workspace_id", kWorkspace}};
  BOOST_TEST(admin.post("/v1/workspaces", workspace).status == 201);
  SeededRandom random;
  const auto call_of = [&] {
    return make_call(directory / "calls", kWorkspace, {SystemClock().now(), 1000}, random);
  };
  const CallFiles stored = call_of();
  BOOST_TEST(admin.send(upload_of(stored)).status == 201);
  disk.fill();
  const CallFiles late = call_of();
  const HttpResponse refused = admin.send(upload_of(late));
  BOOST_TEST(refused.status == 507, refused.body);
  BOOST_TEST(problem_of(refused) == "no-space");
  BOOST_TEST(admin
                 .post(path_of_call(stored, "/holds"),
                       json::object{{"matter", "A v. B"}, {"reason", "letter"}})
                 .status == 201);
  BOOST_TEST(admin.get(path_of_call(stored, "/download/inbound.ulaw")).status == 200);
  disk.clear();
  BOOST_TEST(admin.send(upload_of(late)).status == 201);
  BOOST_TEST(daemon.stop() == 0);
}

// Any disk is more than 2 % full, and what has just come in lies nowhere else.
BOOST_AUTO_TEST_CASE(over_its_full_mark_the_tier_refuses_what_comes) {
  OwnDaemon daemon({{"standard.watermark_low", "1"},
                    {"standard.watermark_high", "2"},
                    {"standard.full_at", "2"},
                    {"policy.policy_interval", "\"100ms\""}});
  TestClient admin = daemon.admin();
  const json::object workspace{{"workspace_id", kWorkspace}};
  BOOST_TEST(admin.post("/v1/workspaces", workspace).status == 201);
  SeededRandom random;
  const auto upload = [&] {
    return admin.send(upload_of(
        make_call(daemon.directory() / "calls", kWorkspace, {SystemClock().now(), 1000}, random)));
  };
  HttpResponse refused;
  BOOST_TEST(eventually([&] { return (refused = upload()).status == 507; }), refused.body);
  BOOST_TEST(problem_of(refused) == "standard-full");
  BOOST_TEST(refused.header("retry-after").value_or("") == "60");
  const std::string attention = canonical(admin.get_object("/v1/status").at("attention"));
  BOOST_TEST(attention.find("ingest is refused") != std::string::npos, attention);
}

BOOST_AUTO_TEST_CASE(a_wrong_method_is_told_the_right_ones) {
  HttpRequest request;
  request.method = "DELETE";
  request.path = "/v1/" + std::string(kWorkspace) + "/recordings";
  const HttpResponse answer = rig().owner().send(request);
  BOOST_TEST(answer.status == 405);
  BOOST_TEST(answer.header("allow").value_or("") == "GET, HEAD, POST");
}

BOOST_AUTO_TEST_CASE(the_chains_are_checked_and_whole) {
  const json::object report = rig().admin().get_object("/v1/audit/check");
  BOOST_TEST(report.at("chains").get_array().size() == 2);
  for (const json::value& chain : report.at("chains").get_array())
    BOOST_TEST(chain.at("ok").get_bool(), canonical(chain));
  BOOST_TEST(rig().admin().get("/v1/audit/check").status == 200);  // and again
}

BOOST_AUTO_TEST_CASE(holds_of_a_workspace_are_listed_by_pages) {
  std::set<std::string> placed;
  for (int i = 0; i < 5; ++i) {
    const CallFiles call = rig().stored(minutes(i));
    for (const char* matter : {"A v. B", "C v. D"})
      placed.insert(member(rig().owner().post(path_of_call(call, "/holds"),
                                              json::object{{"matter", matter}, {"reason", "x"}}),
                           "hold_id"));
  }
  const std::string holds = "/v1/" + std::string(kWorkspace) + "/holds";
  const auto listed = [&](const std::string& query) {
    std::multiset<std::string> seen;
    std::string cursor;
    do {
      const json::object page = rig().owner().get_object(
          holds + "?limit=3" + query + (cursor.empty() ? "" : "&cursor=" + cursor));
      BOOST_TEST(page.at("items").get_array().size() <= 3U);
      for (const json::value& item : page.at("items").get_array())
        seen.insert(item.at("hold_id").get_string().c_str());
      cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor").get_string().c_str();
    } while (!cursor.empty());
    return seen;
  };
  const std::multiset<std::string> all = listed("");
  for (const std::string& hold : placed) BOOST_TEST(all.count(hold) == 1U);
  BOOST_TEST(listed("&matter=A%20v.%20B").size() == 5U);
  BOOST_TEST(rig().owner().get(holds + "?matter=none").status == 404);
  BOOST_TEST(rig().owner().get(holds + "?cursor=x").status == 422);
  BOOST_TEST(rig().neighbour().get(holds).status == 404);
  BOOST_TEST(rig().admin().get("/v1/audit?chain=access&limit=20").body.find("\"list.holds\"") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(nobody_revokes_a_neighbours_link) {
  const CallFiles call = rig().stored();
  const json::object urls = rig().owner().get_object(path_of_call(call, "/urls?expires_in=600"));
  const std::string link = target_of(std::string(urls.at("inbound_url").get_string()));
  const size_t begin = link.find("jti=") + 4;
  const std::string jti = link.substr(begin, link.find('&', begin) - begin);
  const auto revoke = [&](const char* workspace) {
    return rig()
        .admin()
        .post("/v1/" + std::string(workspace) + "/link-revocations", json::object{{"jti", jti}})
        .status;
  };
  BOOST_TEST(revoke(kNeighbour) == 201);
  BOOST_TEST(rig().stranger().get(link).status == 200);
  BOOST_TEST(revoke(kWorkspace) == 201);
  const HttpResponse refused = rig().stranger().get(link);
  BOOST_TEST(refused.status == 403);
  BOOST_TEST(problem_of(refused) == "bad-link");
}

// --- mount.sock

constexpr uid_t kBrowser = 54'321;
constexpr uid_t kMountUser = 54'322;

// What the mount's socket answers to this user: the status, or -1 when it may not even connect.
int status_for(const std::string& socket_path, uid_t uid, gid_t gid, const std::string& request) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    // Only system calls from here on.
    char status[4] = "-1";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
    if (::setgid(gid) == 0 && ::setuid(uid) == 0) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      char answer[64] = {};
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
          ::write(fd, request.data(), request.size()) > 0 && ::read(fd, answer, 63) > 12)
        std::memcpy(status, answer + 9, 3);
    }
    static_cast<void>(!::write(ends[1], status, sizeof status));
    ::_exit(0);
  }
  ::close(ends[1]);
  char status[4] = {};
  static_cast<void>(!::read(ends[0], status, sizeof status));
  ::close(ends[0]);
  int ended = 0;
  ::waitpid(child, &ended, 0);
  return std::atoi(status);
}

std::string open_request(int64_t recording_no, uid_t uid) {
  const std::string body = canonical(json::object{{"recording_no", recording_no},
                                                  {"part", 1},
                                                  {"file", "inbound.ulaw"},
                                                  {"uid", uid},
                                                  {"pid", 4711}});
  return "POST /mount/opens HTTP/1.1\r\nHost: mount\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

BOOST_AUTO_TEST_CASE(the_mounts_socket_believes_only_whom_it_may) {
  if (::geteuid() != 0) {
    std::cout << "skipped: only root can be other users\n";
    return;
  }
  OwnDaemon daemon({{"archive.mount_group", "\"nogroup\""}, {"archive.mount_user", "\"nobody\""}});
  ::chmod(daemon.directory().path().c_str(), 0755);
  ::chmod(daemon.process().directory().c_str(), 0755);
  constexpr gid_t kGroup = 65'534;   // nogroup
  constexpr uid_t kNobody = 65'534;  // nobody: whom the mount runs as here
  TestClient admin = daemon.admin();
  const json::object workspace{{"workspace_id", kWorkspace}};
  BOOST_TEST(admin.post("/v1/workspaces", workspace).status == 201);
  SeededRandom random;
  const CallFiles call =
      make_call(daemon.directory() / "calls", kWorkspace, {SystemClock().now(), 1000}, random);
  BOOST_TEST(admin.send(upload_of(call)).status == 201);
  const int64_t number = admin.get_object(path_of_call(call)).at("recording_no").get_int64();
  const std::string socket = daemon.process().mount_socket();

  const auto ask = [&](uid_t peer, gid_t group, uid_t claimed) {
    return status_for(socket, peer, group, open_request(number, claimed));
  };
  BOOST_TEST(ask(0, 0, kBrowser) == 200);
  BOOST_TEST(ask(kNobody, kGroup, kBrowser) == 200);
  BOOST_TEST(ask(kBrowser, kGroup, kBrowser) == 200);
  BOOST_TEST(ask(kBrowser, kGroup, kMountUser) == 403);  // in another's name
  BOOST_TEST(ask(kBrowser, kGroup, 0) == 403);
  BOOST_TEST(ask(kBrowser, kBrowser, kBrowser) == -1);  // the socket's mode keeps strangers out
  ::chmod(socket.c_str(), 0666);
  BOOST_TEST(ask(kBrowser, kBrowser, kBrowser) == 401);  // and so does the daemon
  const std::string lines = admin.get("/v1/audit?chain=access").body;
  BOOST_TEST(lines.find("\"pid\":4711") != std::string::npos, lines);
  BOOST_TEST(lines.find("\"by\":\"uid:65534\"") != std::string::npos, lines);
}

}  // namespace
}  // namespace holdfast::testing
