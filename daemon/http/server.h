// Listeners and the connections that come from them (connection.h).
//
//   created → listening (listen_*) → draining (drain) → drained
//
// Draining: listeners are closed, idle connections are closed, active ones finish
// their request within limits::kDrainMs and are cut then.
//
// Invariants
// - At most limits::kConnectionsMax connections; kReservedForOperators of them are
//   kept for Unix sockets, so that a flood from outside never locks the operator
//   out. At the limit, further clients wait in the kernel's accept queue.
// - Plaintext leaves the machine only where that was asked for.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "daemon/http/exchange.h"
#include "daemon/loop.h"

namespace holdfast::http {

class Connection;
class Socket;
struct BoundTcp;

// A socket address to listen on.
struct TcpListen {
  std::string address = "127.0.0.1";  // numeric IPv4 or IPv6
  int port = 0;                       // 0: any free port
  bool allow_plaintext_off_loopback = false;
};

struct UnixListen {
  std::string path;
  mode_t mode = 0600;
  gid_t group = static_cast<gid_t>(-1);  // -1: the process's own
  ListenerKind kind = ListenerKind::kAdmin;
};

// Counters for metrics; loop thread only.
struct ServerCounters {
  int64_t connections_open = 0;
  int64_t connections_accepted = 0;
  int64_t requests = 0;   // heads that reached the handler
  int64_t refused = 0;    // heads or bodies that the policy refused
  int64_t timed_out = 0;  // connections ended by a deadline
  int64_t file_bytes_sent = 0;
};

// Thread rule: loop thread only, or before Loop::run().
class Server {
 public:
  // All three must outlive the server. `clock` drives every timeout.
  Server(Loop& loop, const Clock& clock, Handler& handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The port that was bound. kInvalid for a bad address or plaintext off loopback
  // without permission; kIo when the system refuses.
  Result<int> listen_tcp(const TcpListen& where);
  // A socket that somebody bound for us; kInvalid as above. `allow` as in TcpListen.
  Status listen_on(BoundTcp bound, bool allow_plaintext_off_loopback);
  // A socket file that nobody listens on any more is replaced; kConflict when
  // somebody does.
  Status listen_unix(const UnixListen& where);

  // Ends connections whose deadline has passed. Called every second by a timer;
  // a test with a ManualClock calls it after moving the clock.
  void sweep();

  // Stops listening, lets active requests finish, then calls `drained` once.
  void drain(std::function<void()> drained);

  const ServerCounters& counters() const { return counters_; }

 private:
  friend class Connection;
  struct Listener;

  Status add_listener(Socket socket, ListenerKind kind, std::string path);
  void accept_from(Listener& listener);
  void update_listeners();
  bool may_accept(const Listener& listener) const;
  void closed(const std::shared_ptr<Connection>& connection);  // by Connection
  void finish_drain();

  Loop& loop_;
  const Clock& clock_;
  Handler& handler_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  size_t public_open_ = 0;  // of them, from ListenerKind::kPublic
  Timer sweep_timer_;
  bool accept_paused_ = false;  // out of descriptors; tried again at the next sweep
  bool draining_ = false;
  Millis drain_deadline_{0};
  std::function<void()> drained_;
  ServerCounters counters_;
};

}  // namespace holdfast::http
