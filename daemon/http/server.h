// Listeners and the connections that come from them (connection.h).
//
//   created → listening (listen_*) → draining (drain) → drained
//
// Draining: listeners are closed, idle connections are closed, active ones finish
// their request within limits::kDrainMs and are cut then.
//
// Invariants
// - At most so many connections as limit_connections() said; kReservedForOperators of them are
//   kept for Unix sockets, so that a flood from outside never locks the operator
//   out. At the limit, and when descriptors run out, those from outside that have let us wait
//   longest make room: without a request (within a handshake, between requests, within a head) from
//   kSilenceMakesRoomMs on; with one, for more of their body or for room for their answer,
//   from kStallMakesRoomMs on. While there is none of them, further clients wait in the
//   kernel's accept queue.
// - Plaintext leaves the machine only where that was asked for. With use_tls() every TCP
//   listener speaks TLS, and nothing else.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "daemon/http/exchange.h"
#include "daemon/http/tls_context.h"
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
  int64_t made_room = 0;  // ... and silent or stalled ones, for others, before it
  int64_t file_bytes_sent = 0;
  int64_t tls_handshakes = 0;
  int64_t tls_failed = 0;  // handshakes that ended otherwise, not those that timed out
};

// Thread rule: loop thread only, or before Loop::run().
class Server {
 public:
  // At the limit of connections one that has let us wait for so long loses its place to others. A
  // request follows its connection within a round trip. Within a request: longer than a network's
  // own pauses, so short that a flood of slow clients locks nobody out; one that reads so slowly
  // that its socket takes nothing for as long is cut, too.
  static constexpr int64_t kSilenceMakesRoomMs = 250;
  static constexpr int64_t kStallMakesRoomMs = 2000;

  // All three must outlive the server. `clock` drives every timeout.
  Server(Loop& loop, const Clock& clock, Handler& handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // From now on; limits::kConnectionsMax until then. More than those kept for operators.
  void limit_connections(int most) { connections_max_ = static_cast<size_t>(most); }

  // Connections of TCP listeners that come from now on speak TLS by this; those that are there keep
  // what they have. Once used, TLS stays.
  void use_tls(std::shared_ptr<const TlsContext> tls) { tls_ = std::move(tls); }
  const std::shared_ptr<const TlsContext>& tls() const { return tls_; }

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
  bool is_full_for(const Listener& listener) const;
  bool make_room();
  void closed(const std::shared_ptr<Connection>& connection);  // by Connection
  void finish_drain();
  // Room for one piece of a file, TlsStream::kBatchBytes, of whoever sends at the moment.
  char* file_piece();

  Loop& loop_;
  const Clock& clock_;
  Handler& handler_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  size_t connections_max_ = limits::kConnectionsMax;
  size_t public_open_ = 0;  // of them, from ListenerKind::kPublic
  Timer sweep_timer_;
  bool accept_paused_ = false;  // out of descriptors; tried again at the next sweep
  bool crowded_ = false;        // at the limit, and nobody can make room
  std::shared_ptr<const TlsContext> tls_;
  std::unique_ptr<char[]> file_piece_;
  bool draining_ = false;
  Millis drain_deadline_{0};
  std::function<void()> drained_;
  ServerCounters counters_;
};

}  // namespace holdfast::http
