// Stalled connections on the real daemon: heads, bodies and readers that go on by a
// byte now and then, opened again whenever they are closed. Whoever asks with a key is answered all
// the same; how fast, beside a daemon without them, is printed and not judged.
//
// HOLDFAST_STALLED says how many (default 300; 100 in a sanitizer build). Each takes a descriptor
// here and one there.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "io/fd.h"
#include "tests/hostile/new_key.h"
#include "tests/support/call_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/effort.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::hostile {
namespace {

using testing::by_key;
using testing::CallFiles;
using testing::DaemonProcess;
using testing::TestClient;

constexpr size_t kLargeBytes = 8 << 20;  // far above what sockets hold
constexpr int kRequests = testing::kSanitized ? 100 : 400;

// Three kinds by turns; kept up by a thread until this is destroyed.
class StalledClients {
 public:
  struct Words {
    std::string head;  // the beginning of one, at which it stalls
    std::string body;  // a head and the beginning of its body
    std::string read;  // a whole request for something large
  };

  StalledClients(int port, size_t count, Words words)
      : port_(port), words_(std::move(words)), clients_(count) {
    for (size_t n = 0; n < count; ++n) open(n);
    thread_ = std::thread([this] {
      while (!stop_) go_on();
    });
  }
  ~StalledClients() {
    stop_ = true;
    thread_.join();
  }
  StalledClients(const StalledClients&) = delete;
  StalledClients& operator=(const StalledClients&) = delete;

  int64_t opened_again() const { return opened_again_; }
  // How often each was given its next byte.
  int64_t rounds() const { return rounds_; }

 private:
  void open(size_t n) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int small = 4096;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // On loopback it is done at once, or under way while the server's queue is full.
    (void)::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    clients_[n] = {std::move(socket), false};
  }

  const std::string& first_words(size_t n) const {
    return n % 3 == 0 ? words_.head : n % 3 == 1 ? words_.body : words_.read;
  }

  // A byte more of each, and those that were closed anew.
  void go_on() {
    for (size_t n = 0; n < clients_.size() && !stop_; ++n) {
      Client& client = clients_[n];
      char byte = 'x';
      const bool reads = n % 3 == 2 && client.spoken;
      const std::string_view words =
          client.spoken ? std::string_view(&byte, 1) : std::string_view(first_words(n));
      const ssize_t done =
          reads ? ::recv(client.socket.get(), &byte, 1, 0)
                : ::send(client.socket.get(), words.data(), words.size(), MSG_NOSIGNAL);
      if (done > 0) {
        client.spoken = true;
      } else if (done == 0 || (errno != EAGAIN && errno != ENOTCONN)) {
        open(n);
        ++opened_again_;
      }
    }
    ++rounds_;
    testing::eventually([this] { return stop_.load(); }, Millis(500));
  }

  struct Client {
    Fd socket;
    bool spoken = false;
  };

  const int port_;
  const Words words_;
  std::vector<Client> clients_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> opened_again_{0};
  std::atomic<int64_t> rounds_{0};
  std::thread thread_;
};

struct Latencies {
  int64_t p50_us = 0;
  int64_t p99_us = 0;
};

// Requests with a key, each on a connection of its own, half of them for a file.
Latencies measure(const DaemonProcess& daemon, const std::string& key, const CallFiles& call) {
  std::vector<int64_t> all_us;
  for (int n = 0; n < kRequests; ++n) {
    const bool is_file = n % 2 == 1;
    const auto begin = std::chrono::steady_clock::now();
    TestClient client(by_key(daemon.url(), key));
    const HttpResponse answer =
        client.get(testing::path_of_call(call, is_file ? "/download/inbound.ulaw" : ""));
    all_us.push_back(std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::steady_clock::now() - begin)
                         .count());
    BOOST_TEST(answer.status == 200);
    if (is_file) BOOST_TEST((answer.body == call.contents.at("inbound.ulaw")));
  }
  std::sort(all_us.begin(), all_us.end());
  return {all_us[all_us.size() / 2], all_us[all_us.size() * 99 / 100]};
}

void print(const char* what, const Latencies& found) {
  std::cout << what << ": p50 " << found.p50_us << " us, p99 " << found.p99_us << " us\n";
}

// As many as are asked for, or as descriptors allow.
size_t how_many() {
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);  // the daemon inherits it
  const auto wanted = static_cast<size_t>(
      testing::number_from("HOLDFAST_STALLED", testing::kSanitized ? 100 : 300));
  const size_t most = descriptors.rlim_cur > 1000 ? descriptors.rlim_cur - 500 : 500;
  if (wanted > most)
    std::cout << "skipped: " << wanted - most << " of them, descriptors do not allow more\n";
  return std::min(wanted, most);
}

BOOST_AUTO_TEST_CASE(whoever_asks_is_answered_amid_stalled_connections) {
  const size_t count = how_many();
  TemporaryDirectory directory;
  SeededRandom random;
  DaemonProcess daemon(HOLDFASTD, directory / "archive",
                       {{"standard.copy_after", "\"1h\""}, {"standard.release_after", "\"2h\""}});
  daemon.start();
  const std::string key = new_key(daemon);
  const auto put = [&](size_t bytes) {
    CallFiles call =
        testing::make_call(directory / "calls", kWorkspace, {SystemClock().now(), bytes}, random);
    TestClient client(by_key(daemon.url(), key));
    BOOST_REQUIRE_EQUAL(client.send(testing::upload_of(call)).status, 201);
    return call;
  };
  const CallFiles call = put(16'000);
  const CallFiles large = put(kLargeBytes);

  measure(daemon, key, call);  // files are digested before their first read
  const Latencies before = measure(daemon, key, call);
  const std::string lines = " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + key + "\r\n";
  Latencies amid;
  {
    StalledClients stalled(
        daemon.port(), count,
        {"GET /v1/",
         "POST " + testing::path_of_call(call, "/holds") + lines +
             "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
         "GET " + testing::path_of_call(large, "/download/inbound.ulaw") + lines + "\r\n"});
    BOOST_REQUIRE(testing::eventually([&] { return stalled.rounds() >= 2; }, minutes(5)));
    amid = measure(daemon, key, call);
    std::cout << "stalled " << count << ", of them opened again " << stalled.opened_again()
              << " times\n";
  }
  print("without them", before);
  print("amid them", amid);
  BOOST_TEST(!daemon.has_died());
  const Latencies after = measure(daemon, key, call);
  print("after them", after);
  BOOST_TEST(daemon.stop() == 0);
}

}  // namespace
}  // namespace holdfast::hostile
