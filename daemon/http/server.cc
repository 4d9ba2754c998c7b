#include "daemon/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/http/connection.h"
#include "daemon/http/socket.h"

namespace holdfast::http {
namespace {

constexpr size_t kReservedForOperators = 64;  // connections that only Unix sockets may take
constexpr size_t kMakeRoomAtOnce = 16;
constexpr int kAcceptsPerTurn = 64;  // so that a flood of clients does not starve the rest

bool is_anybody_waiting(int listening_fd) {
  pollfd asked{listening_fd, POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

}  // namespace

struct Server::Listener {
  Socket socket;
  ListenerKind kind = ListenerKind::kPublic;
  std::string path;  // of a Unix socket
  Poll poll;
  bool watched = false;
};

Server::Server(Loop& loop, const Clock& clock, Handler& handler)
    : loop_(loop), clock_(clock), handler_(handler) {
  // sendfile has no MSG_NOSIGNAL: a client that left must not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  sweep_timer_ = loop_.every(seconds(1), [this] { sweep(); });
}

Server::~Server() {
  for (const auto& listener : listeners_)
    if (!listener->path.empty()) ::unlink(listener->path.c_str());
  const Error why{Code::kUnavailable, "serve a connection: the server has stopped"};
  const auto open = connections_;
  for (const auto& connection : open) connection->cut(why);
}

Result<int> Server::listen_tcp(const TcpListen& where) {
  HOLDFAST_ASSIGN(bound, bind_tcp(where.address, where.port));
  const int port = bound.port;
  const Status listening = listen_on(std::move(bound), where.allow_plaintext_off_loopback);
  if (!listening.ok()) return listening.error().within("listen on " + where.address);
  return port;
}

Status Server::listen_on(BoundTcp bound, bool allow_plaintext_off_loopback) {
  if (!bound.loopback && !allow_plaintext_off_loopback && !tls_)
    return Error{Code::kInvalid,
                 "plaintext beyond loopback needs to be allowed explicitly "
                 "(http.plaintext_beyond_loopback), or TLS (http.tls_certificate)"};
  return add_listener(std::move(bound.socket), ListenerKind::kPublic, "");
}

Status Server::listen_unix(const UnixListen& where) {
  HOLDFAST_ASSIGN(socket, bind_unix(where.path, where.mode, where.group));
  return add_listener(std::move(socket), where.kind, where.path);
}

Status Server::add_listener(Socket socket, ListenerKind kind, std::string path) {
  auto listener = std::make_unique<Listener>();
  listener->socket = std::move(socket);
  listener->kind = kind;
  listener->path = std::move(path);
  Listener* const raw = listener.get();
  HOLDFAST_ASSIGN(poll, loop_.poll(raw->socket.fd(), [this, raw](int, int) { accept_from(*raw); }));
  listener->poll = std::move(poll);
  listeners_.push_back(std::move(listener));
  update_listeners();
  return {};
}

bool Server::is_full_for(const Listener& listener) const {
  return connections_.size() >= connections_max_ ||
         (listener.kind == ListenerKind::kPublic &&
          public_open_ >= connections_max_ - kReservedForOperators);
}

bool Server::may_accept(const Listener& listener) const {
  return !draining_ && !accept_paused_ && !(crowded_ && is_full_for(listener));
}

// Closes some of those from outside that have let us wait longest. Several at a look, since a look
// goes over all. Whoever came a moment ago is not among them: the request may not be read yet, and
// a flood that comes again and again would throw out those that ask instead of itself. False when
// there is none.
bool Server::make_room() {
  const Millis now = clock_.monotonic();
  std::vector<std::pair<Millis, std::shared_ptr<Connection>>> leaving;
  for (const auto& connection : connections_) {
    if (connection->kind() != ListenerKind::kPublic) continue;
    const auto since = connection->waits_since();
    const int64_t patience_ms =
        connection->awaits_request() ? kSilenceMakesRoomMs : kStallMakesRoomMs;
    if (since && now.count - since->count >= patience_ms) leaving.emplace_back(*since, connection);
  }
  const size_t count = std::min(leaving.size(), kMakeRoomAtOnce);
  std::partial_sort(leaving.begin(), leaving.begin() + static_cast<ptrdiff_t>(count), leaving.end(),
                    [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < count; ++i) leaving[i].second->make_room();
  counters_.made_room += static_cast<int64_t>(count);
  return count > 0;
}

void Server::update_listeners() {
  for (const auto& listener : listeners_) {
    const bool wanted = may_accept(*listener);
    if (wanted == listener->watched) continue;
    listener->watched = wanted;
    Loop::watch(listener->poll, wanted ? UV_READABLE : 0);
  }
}

void Server::accept_from(Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn && may_accept(listener); ++i) {
    if (is_full_for(listener)) {
      if (!is_anybody_waiting(listener.socket.fd())) break;
      crowded_ = !make_room();
      if (crowded_) break;
    }
    Socket client(::accept4(listener.socket.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.fd() < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      const int why = errno;
      // They may be used up without anybody waiting for one.
      if (why == EMFILE || why == ENFILE) {
        if (!is_anybody_waiting(listener.socket.fd())) break;
        if (make_room()) continue;
      }
      if (why != EAGAIN) {
        log::error("accept a connection: {}", system_error(why, "accept4").message);
        accept_paused_ = true;
      }
      break;
    }
    if (listener.kind == ListenerKind::kPublic) {
      const int on = 1;  // heads and files are joined by MSG_MORE instead
      ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    std::unique_ptr<TlsStream> tls;
    if (tls_ && listener.kind == ListenerKind::kPublic) {
      tls = TlsStream::create(tls_, client.fd());
      if (!tls) {
        log::error("accept a connection: no memory for TLS");
        continue;
      }
    }
    auto connection =
        std::make_shared<Connection>(*this, std::move(client), listener.kind, std::move(tls));
    if (Status started = connection->start(); !started.ok()) {
      log::error("{}", started.error().message);
      continue;
    }
    ++counters_.connections_accepted;
    ++counters_.connections_open;
    if (listener.kind == ListenerKind::kPublic) ++public_open_;
    connections_.insert(std::move(connection));
  }
  update_listeners();
}

void Server::closed(const std::shared_ptr<Connection>& connection) {
  if (connections_.erase(connection) == 0) return;
  --counters_.connections_open;
  crowded_ = false;
  if (connection->kind() == ListenerKind::kPublic) --public_open_;
  update_listeners();
  finish_drain();
}

void Server::sweep() {
  accept_paused_ = false;
  crowded_ = false;
  update_listeners();
  const Millis now = clock_.monotonic();
  const bool cut_all = draining_ && now >= drain_deadline_;
  const auto open = connections_;  // closing takes connections out of the set
  for (const auto& connection : open) {
    if (cut_all) {
      connection->cut({Code::kUnavailable, "serve a connection: the server is stopping"});
    } else {
      connection->sweep(now);
    }
  }
}

void Server::drain(std::function<void()> drained) {
  draining_ = true;
  drained_ = std::move(drained);
  drain_deadline_ = Millis(clock_.monotonic().count + limits::kDrainMs);
  for (const auto& listener : listeners_) {
    listener->poll.reset();
    listener->socket.close();
    if (!listener->path.empty()) ::unlink(listener->path.c_str());
  }
  listeners_.clear();
  const auto open = connections_;
  for (const auto& connection : open) connection->drain();
  finish_drain();
}

char* Server::file_piece() {
  if (!file_piece_) file_piece_ = std::make_unique<char[]>(TlsStream::kBatchBytes);
  return file_piece_.get();
}

void Server::finish_drain() {
  if (!draining_ || !connections_.empty() || !drained_) return;
  // Posted: the callback may well destroy this server.
  loop_.post(std::exchange(drained_, nullptr));
}

}  // namespace holdfast::http
