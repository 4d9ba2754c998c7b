// Our HTTP server (daemon/http) on 127.0.0.1, in this process, with a handler that takes every
// request and says what it saw (conversation.h). The routes are not asked: what is looked at here
// is what reaches them.
#pragma once

#include <memory>
#include <thread>

#include "base/clock.h"
#include "daemon/http/exchange.h"
#include "daemon/http/server.h"
#include "daemon/loop.h"

namespace holdfast::hostile {

// The longest body that either server takes.
inline constexpr size_t kBodyBytesMax = 1 << 20;

class SawServer {
 public:
  SawServer();
  ~SawServer();
  SawServer(const SawServer&) = delete;
  SawServer& operator=(const SawServer&) = delete;

  int port() const { return port_; }

 private:
  class Handler;

  ManualClock clock_{UnixMillis(1'795'000'000'000)};  // no deadline passes
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<http::Server> server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace holdfast::hostile
