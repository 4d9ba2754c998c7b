// The daemon's memory grows neither with a file's size on its way in, through the tiers and back,
// nor with connections beyond a fixed budget for each.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iostream>

#include "base/clock.h"
#include "io/fd.h"
#include "tests/support/call_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::testing {
namespace {

constexpr char kWorkspace[] = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";
// A call of more than three hours, far above what any buffer holds.
constexpr size_t kAudioBytes = 96 << 20;
// What the daemon may take for the whole life of a call, whatever its size: buffers of the ring,
// of the encoder and of sqlite.
constexpr int64_t kGrowthKib = 48 << 10;
constexpr int kConnections = 400;
constexpr int64_t kKibPerConnection = 64;

Settings short_lives() {
  return {{"standard.copy_after", "\"1s\""},  {"standard.release_after", "\"1s\""},
          {"warm.copy_after", "\"1h\""},      {"warm.release_after", "\"2h\""},
          {"warm.pack_seal_after", "\"1s\""}, {"policy.policy_interval", "\"100ms\""},
          {"restore.keep_default", "\"1h\""}};
}

// One line of /proc/<pid>/status, such as VmHWM, in KiB.
int64_t memory_kib(pid_t pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1));
  throw std::runtime_error("no " + field + " of the daemon's process");
}

std::string new_key(const DaemonProcess& daemon) {
  TestClient admin(by_socket(daemon.admin_socket()));
  BOOST_REQUIRE_EQUAL(
      admin.post("/v1/workspaces", json::object{{"workspace_id", kWorkspace}}).status, 201);
  const json::array scopes{"calls:read", "recordings:download", "recordings:write",
                           "recordings:restore"};
  const auto key = admin.post("/v1/" + std::string(kWorkspace) + "/api-keys",
                              json::object{{"name", "memory"}, {"scopes", scopes}});
  BOOST_REQUIRE_EQUAL(key.status, 201);
  return std::string(key.parsed()->at("api_key").get_string());
}

CallFiles small_call(const TemporaryDirectory& directory, SeededRandom& random) {
  return make_call(directory / "calls", kWorkspace, {SystemClock().now(), 16000}, random);
}

// Compares what arrives with what was sent.
class Comparing : public BodySink {
 public:
  explicit Comparing(const std::string& expected) : expected_(expected) {}
  Status write(ByteSpan bytes) override {
    const std::string_view piece(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    same_ = same_ && expected_.compare(at_, piece.size(), piece) == 0;
    at_ += piece.size();
    return Status();
  }
  bool is_whole() const { return same_ && at_ == expected_.size(); }

 private:
  const std::string& expected_;
  size_t at_ = 0;
  bool same_ = true;
};

// In, to warm, released, restored, and read again.
void live_a_life(TestClient& client, const CallFiles& call) {
  BOOST_REQUIRE_EQUAL(client.send(upload_of(call)).status, 201);
  BOOST_REQUIRE(eventually(
      [&] { return client.get_object(path_of_call(call)).at("tier").get_string() == "warm"; }));
  BOOST_REQUIRE_EQUAL(client.post(path_of_call(call, "/restore"), json::object{}).status, 202);
  for (const auto& [name, bytes] : call.contents) {
    HttpRequest request;
    request.path = path_of_call(call, "/download/" + name);
    const std::string& expected = bytes;  // clang 14 captures no structured binding
    bool whole = false;
    BOOST_REQUIRE(eventually([&] {
      Comparing comparing(expected);
      request.sink = &comparing;
      const int status = client.send(request).status;
      whole = comparing.is_whole();
      return status == 200;
    }));
    BOOST_TEST(whole, name << " came back with other bytes");
  }
}

Fd connect_to(int port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE_EQUAL(
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

// Speaks one request and leaves the connection open.
void ask(const Fd& socket) {
  const std::string request = "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  BOOST_REQUIRE_EQUAL(::write(socket.get(), request.data(), request.size()),
                      static_cast<ssize_t>(request.size()));
  char answer[512];
  BOOST_REQUIRE(::read(socket.get(), answer, sizeof answer) > 0);
}

struct Running {
  TemporaryDirectory directory;
  DaemonProcess daemon{HOLDFASTD, directory / "archive", short_lives()};
  SeededRandom random;
};

BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_a_file) {
  Running running;
  running.daemon.start();
  TestClient client(by_key(running.daemon.url(), new_key(running.daemon)));
  live_a_life(client, small_call(running.directory, running.random));
  const int64_t before = memory_kib(running.daemon.pid(), "VmHWM");
  live_a_life(client, make_call(running.directory / "calls", kWorkspace,
                                {SystemClock().now(), kAudioBytes}, running.random));
  const int64_t after = memory_kib(running.daemon.pid(), "VmHWM");
  std::cout << "peak memory: " << before << " KiB for a call of 32 kB, " << after
            << " KiB for one of " << (2 * kAudioBytes >> 20) << " MiB\n";
  BOOST_TEST(after - before < kGrowthKib);
  BOOST_TEST(running.daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_connection_has_a_fixed_budget) {
  Running running;
  running.daemon.start();
  { ask(connect_to(running.daemon.port())); }
  const int64_t before = memory_kib(running.daemon.pid(), "VmRSS");
  std::vector<Fd> connections;
  for (int n = 0; n < kConnections; ++n) {
    connections.push_back(connect_to(running.daemon.port()));
    ask(connections.back());
  }
  const int64_t after = memory_kib(running.daemon.pid(), "VmRSS");
  std::cout << (after - before) / kConnections << " KiB for each of " << kConnections
            << " idle connections\n";
  BOOST_TEST(after - before < kConnections * kKibPerConnection);
  connections.clear();
  BOOST_TEST(running.daemon.stop() == 0);
}

}  // namespace
}  // namespace holdfast::testing
