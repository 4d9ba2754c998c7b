// Somebody else's HTTP server, on 127.0.0.1: answers each connection as it is told and keeps what
// was sent to it. One thread; ends with the test.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::testing {

class HttpReceiver {
 public:
  // `answer` is what is written after a whole request: raw bytes. Empty: nothing, and the
  // connection stays open until this ends (a receiver that does not answer).
  explicit HttpReceiver(std::string answer);
  ~HttpReceiver();
  HttpReceiver(const HttpReceiver&) = delete;
  HttpReceiver& operator=(const HttpReceiver&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "/done") const;
  void set_answer(std::string answer);
  // Whole requests, head and body, in the order in which they came.
  std::vector<std::string> requests() const;

  // "HTTP/1.1 <status> …" with a short body, closing.
  static std::string status(int code);

 private:
  void serve();
  void take(int connection);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::string answer_;
  std::vector<std::string> requests_;
  std::vector<int> kept_;
  std::thread thread_;
};

// The value of a header of a request as it was sent; empty when it is not there.
std::string header_of(const std::string& request, const std::string& name);
std::string body_of(const std::string& request);

}  // namespace holdfast::testing
