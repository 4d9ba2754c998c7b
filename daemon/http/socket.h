// Sockets as we own and open them. All are non-blocking and close-on-exec.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "daemon/http/request.h"

namespace holdfast::http {

// The owner of one socket descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  int fd() const { return fd_; }
  void close();
  // The peer sees a reset instead of an orderly end: what it has is not the whole.
  void close_with_reset();

 private:
  int fd_ = -1;
};

struct BoundTcp {
  Socket socket;
  int port = 0;
  bool loopback = false;
};

// Listens on a numeric address; port 0 takes any free one.
Result<BoundTcp> bind_tcp(const std::string& address, int port);

// The same of a socket that somebody else bound and listens on.
Result<BoundTcp> take_tcp(Socket socket, const std::string& what);

// Listens on a socket file. A file left by a dead process is replaced; kConflict
// when somebody still listens there. The file is never more open than `mode`.
Result<Socket> bind_unix(const std::string& path, mode_t mode, gid_t group);

// Who connected: "127.0.0.1:51312", "[::1]:51312" or "unix:<pid>".
std::string remote_name(int fd);
// Nothing for TCP.
std::optional<PeerCredentials> peer_credentials(int fd);

}  // namespace holdfast::http
