// A daemon that answers from a script: for tests of programs that speak to holdfastd.
//
// It listens on a Unix socket below a temporary directory and on 127.0.0.1 at a free port, keeps
// what it was asked, and knows just enough HTTP/1.1 for libcurl. What no script covers is
// answered 404 with a body that says so.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace holdfast {

struct FakeRequest {
  std::string method;
  std::string path;                            // as sent, without the query
  std::string query;                           // as sent, without the '?'
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool over_tcp = false;
  int connection = 0;  // the how-manieth connection it came on, from 1
};

struct FakeAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  size_t cut_after = std::string::npos;  // of the body: then the connection is closed
  bool never = false;                    // no answer at all, until the daemon stops
};

// A problem of RFC 9457 as the daemon tells it.
FakeAnswer fake_problem(int status, const std::string& word, const std::string& detail);
// A file: its bytes and its Repr-Digest.
FakeAnswer fake_file(const std::string& bytes);

// Thread rule: scripts are written before the program under test runs; asked() at any time.
class FakeDaemon {
 public:
  FakeDaemon();
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  // The answers to "GET /v1/status" and the like, in turn; the last one is repeated.
  // Without a query in `what`, any query matches; with one, only that.
  void on(const std::string& what, std::vector<FakeAnswer> answers);
  void on(const std::string& what, const std::string& body) {
    on(what, {{200, body, "application/json", {}, std::string::npos, false}});
  }

  // What was asked so far.
  std::vector<FakeRequest> asked() const;
  // The only request of that method and path; throws when there is none or another number.
  FakeRequest only(const std::string& method, const std::string& path) const;
  // Waits until `count` requests have come in.
  void wait_until_asked(size_t count);

  const std::string& socket_path() const { return socket_path_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void accept_on(int listener, bool over_tcp);
  void serve(int fd, bool over_tcp, int connection);
  FakeAnswer answer_to(const FakeRequest& request);

  TemporaryDirectory directory_;
  std::string socket_path_;
  int port_ = 0;
  int unix_listener_ = -1;
  int tcp_listener_ = -1;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::deque<FakeAnswer>> scripts_;
  std::vector<FakeRequest> asked_;
  std::vector<int> open_;  // connections being served
  std::vector<std::thread> threads_;
  int connections_ = 0;
  bool stopping_ = false;
};

}  // namespace holdfast
