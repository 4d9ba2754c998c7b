// The real daemon and too few descriptors. With half of those that it has open by itself it does
// not start: it says so, ends, and starts when it has more. With 64 beside those, and more clients
// than that, it serves, makes clients wait or tells them so, does not spin, and recovers when they
// go.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include "base/clock.h"
#include "io/fd.h"
#include "tests/hostile/new_key.h"
#include "tests/support/call_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::hostile {
namespace {

using testing::by_key;
using testing::by_socket;
using testing::CallFiles;
using testing::DaemonProcess;
using testing::eventually;
using testing::TestClient;

constexpr int kDescriptors = 64;
constexpr int kClients = 300;
constexpr int kRequests = 50;

// holdfastd behind a shell that lowers the limit to what a file says.
std::string with_descriptors_of(const std::string& file, const TemporaryDirectory& directory) {
  const std::string script = directory / "holdfastd-with-few-descriptors";
  std::ofstream(script) << "#!/bin/sh\nulimit -n \"$(cat '" << file << "')\"\nexec '" << HOLDFASTD
                        << "' \"$@\"\n";
  ::chmod(script.c_str(), 0755);
  return script;
}

// A client that has said `bytes` and says no more.
Fd stalled(int port, const std::string& bytes) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE_EQUAL(
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  // One that was closed meanwhile is not of interest.
  (void)::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return socket;
}

std::vector<Fd> flood(int port, const std::string& bytes) {
  std::vector<Fd> clients;
  for (int n = 0; n < kClients; ++n) clients.push_back(stalled(port, bytes));
  return clients;
}

size_t open_descriptors(pid_t pid) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// Of the process so far, in ticks of the system's clock: user's and system's.
int64_t processor_ticks(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(in, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int n = 0; n < 11; ++n) fields >> skipped;
  int64_t user = 0;
  int64_t system = 0;
  fields >> user >> system;
  return user + system;
}

// Whether the process is at rest for some of the time while nobody asks for anything: one that
// tries again and again never is.
void expect_no_spin(const DaemonProcess& daemon) {
  constexpr int64_t kSeconds = 3;
  const int64_t before = processor_ticks(daemon.pid());
  eventually([] { return false; }, seconds(kSeconds));
  const int64_t ticks = processor_ticks(daemon.pid()) - before;
  const int64_t all = kSeconds * ::sysconf(_SC_CLK_TCK);
  std::cout << "  processor: " << ticks << " of " << all << " ticks\n";
  BOOST_TEST(ticks < all * 9 / 10);
}

struct Rig {
  TemporaryDirectory directory;
  DaemonProcess daemon{HOLDFASTD,
                       directory / "archive",
                       {{"standard.copy_after", "\"1h\""}, {"standard.release_after", "\"2h\""}}};
  SeededRandom random;
  std::string key;
  CallFiles call;

  Rig() {
    daemon.start();
    key = new_key(daemon);
    call =
        testing::make_call(directory / "calls", kWorkspace, {SystemClock().now(), 16'000}, random);
    BOOST_REQUIRE_EQUAL(client().send(testing::upload_of(call)).status, 201);
    const size_t open = open_descriptors(daemon.pid());
    const rlimit few{open + kDescriptors, open + kDescriptors};
    BOOST_REQUIRE_EQUAL(::prlimit(daemon.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    std::cout << "  descriptors: " << open << " without a client, " << kDescriptors << " more\n";
  }
  TestClient client() const { return TestClient(by_key(daemon.url(), key)); }

  // Each by a client of its own; how often which status came, 0 for a connection that was closed.
  std::map<int, int> ask(int times) {
    std::map<int, int> statuses;
    for (int n = 0; n < times; ++n) {
      HttpRequest request;
      request.path = testing::path_of_call(call, n % 2 == 0 ? "" : "/download/inbound.ulaw");
      const auto answer = client().try_send(request);
      const bool is_whole = answer.ok() && (n % 2 == 0 || answer->status != 200 ||
                                            answer->body == call.contents.at("inbound.ulaw"));
      BOOST_TEST((is_whole || !answer.ok()));
      ++statuses[answer.ok() ? answer->status : 0];
    }
    for (const auto& [status, count] : statuses)
      std::cout << "  answers " << status << ": " << count << "\n";
    return statuses;
  }
  int64_t made_room() const {
    const std::string name = "holdfast_http_made_room_total ";
    const std::string page = TestClient(by_socket(daemon.admin_socket())).get("/metrics").body;
    const size_t at = page.find("\n" + name);
    BOOST_REQUIRE(at != std::string::npos);
    return static_cast<int64_t>(std::stod(page.substr(at + 1 + name.size())));
  }
  void expect_all_served() {
    BOOST_TEST(eventually([&] { return ask(1)[200] == 1; }));
    BOOST_TEST(ask(kRequests)[200] == kRequests);
  }
};

// UBSan looks at an object of a type that it has not seen yet through a pipe, and takes it for none
// when it gets no descriptors.
bool is_skipped() {
  if (testing::kSanitized) std::cout << "skipped: a sanitizer needs descriptors of its own\n";
  return testing::kSanitized;
}

BOOST_AUTO_TEST_CASE(with_too_few_to_start_it_says_so_and_starts_when_there_are_more) {
  if (is_skipped()) return;
  TemporaryDirectory directory;
  const std::string limit = directory / "limit";
  std::ofstream(limit) << 1024;
  DaemonProcess daemon(with_descriptors_of(limit, directory), directory / "archive",
                       {{"archive.workers", "8"}});  // whatever cores there are
  daemon.start();
  const size_t open = open_descriptors(daemon.pid());
  BOOST_TEST(daemon.stop() == 0);
  std::ofstream(limit) << open / 2;
  BOOST_CHECK_THROW(daemon.start(), std::runtime_error);
  daemon.kill();  // should it have started and not served
  // The system's words, or SQLite's.
  const std::string told = daemon.log_tail();
  BOOST_TEST((told.find("Too many open files") != std::string::npos ||
              told.find("unable to open database") != std::string::npos),
             told);
  std::ofstream(limit) << 1024;
  daemon.start();
  BOOST_TEST(!new_key(daemon).empty());
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(silent_clients_make_room_when_descriptors_run_out) {
  if (is_skipped()) return;
  Rig rig;
  std::vector<Fd> clients = flood(rig.daemon.port(), "GET /v1/slow HTT");
  auto statuses = rig.ask(kRequests);
  // Whoever asks is served, or told that there is no room; nobody is let hang.
  BOOST_TEST(statuses[200] + statuses[503] == kRequests, rig.daemon.log_tail());
  BOOST_TEST(statuses[200] > 0);
  expect_no_spin(rig.daemon);
  clients.clear();
  rig.expect_all_served();
  BOOST_TEST(!rig.daemon.has_died(), rig.daemon.log_tail());
  BOOST_TEST(rig.daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(clients_that_stall_within_a_request_make_room_when_descriptors_run_out) {
  if (is_skipped()) return;
  Rig rig;
  // Bodies that do not come.
  const std::string body = "POST " + testing::path_of_call(rig.call, "/holds") +
                           " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + rig.key +
                           "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
  std::vector<Fd> clients = flood(rig.daemon.port(), body);
  expect_no_spin(rig.daemon);
  BOOST_TEST(eventually([&] { return rig.ask(1)[200] == 1; }));  // amid them
  BOOST_TEST(!rig.daemon.has_died(), rig.daemon.log_tail());
  clients.clear();
  rig.expect_all_served();
  BOOST_TEST(rig.made_room() > 0);
  BOOST_TEST(rig.client().send(testing::upload_of(rig.call)).status == 200);  // the same bytes
  BOOST_TEST(rig.daemon.stop() == 0);
}

}  // namespace
}  // namespace holdfast::hostile
