#include "daemon/http/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace holdfast::http {
namespace {

constexpr int kBacklog = 1024;  // clients that wait in the kernel while we are at the limit

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

Result<std::pair<sockaddr_storage, socklen_t>> parse_address(const std::string& text, int port) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (port < 0 || port > 65535)
    return Error{Code::kInvalid, "listen: port " + std::to_string(port) + " is not 0 to 65535"};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    std::memcpy(&storage, &v4, sizeof v4);
    return std::pair(storage, static_cast<socklen_t>(sizeof v4));
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<uint16_t>(port));
    std::memcpy(&storage, &v6, sizeof v6);
    return std::pair(storage, static_cast<socklen_t>(sizeof v6));
  }
  return Error{Code::kInvalid, "listen: \"" + text + "\" is not a numeric address"};
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error{Code::kInvalid, "listen on " + path + ": a socket's path has 1 to 107 bytes"};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// True when a process accepts connections at `address`.
bool is_listened_to(const sockaddr_un& address) {
  const Socket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  return probe.fd() >= 0 && (::connect(probe.fd(), raw, sizeof address) == 0 || errno == EAGAIN);
}

}  // namespace

void Socket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::close_with_reset() {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

Result<BoundTcp> bind_tcp(const std::string& address, int port) {
  const std::string what = "listen on " + address + ":" + std::to_string(port);
  HOLDFAST_ASSIGN(parsed, parse_address(address, port));
  BoundTcp bound;
  bound.socket =
      Socket(::socket(parsed.first.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int fd = bound.socket.fd();
  if (fd < 0) return system_error(errno, what);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&parsed.first), parsed.second) != 0 ||
      ::listen(fd, kBacklog) != 0)
    return system_error(errno, what);
  return take_tcp(std::move(bound.socket), what);
}

Result<BoundTcp> take_tcp(Socket socket, const std::string& what) {
  BoundTcp bound;
  bound.socket = std::move(socket);
  const int fd = bound.socket.fd();
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return system_error(errno, what);
  sockaddr_storage actual{};
  socklen_t length = sizeof actual;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&actual), &length) != 0)
    return system_error(errno, what);
  if (actual.ss_family != AF_INET && actual.ss_family != AF_INET6)
    return Error{Code::kInvalid, what + ": it is not a TCP socket"};
  bound.loopback = is_loopback(actual);
  sockaddr_in v4{};  // the port lies at the same place in both families
  std::memcpy(&v4, &actual, sizeof v4);
  bound.port = ntohs(v4.sin_port);
  return bound;
}

Result<Socket> bind_unix(const std::string& path, mode_t mode, gid_t group) {
  const std::string what = "listen on " + path;
  HOLDFAST_ASSIGN(address, unix_address(path));
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode))
      return Error{Code::kConflict, what + ": something else than a socket is there"};
    if (is_listened_to(address))
      return Error{Code::kConflict, what + ": another process listens there"};
    if (::unlink(path.c_str()) != 0) return system_error(errno, what);
  }
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return system_error(errno, what);
  // Bound closed to all but us, opened once the group is right, listened to last.
  if (::fchmod(socket.fd(), 0600) != 0 ||
      ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(errno, what);
  if (group != static_cast<gid_t>(-1) && ::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0)
    return system_error(errno, what + ", give it to its group");
  if (::chmod(path.c_str(), mode) != 0 || ::listen(socket.fd(), kBacklog) != 0)
    return system_error(errno, what);
  return socket;
}

std::string remote_name(int fd) {
  if (const auto peer = peer_credentials(fd)) return "unix:" + std::to_string(peer->pid);
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "unknown";
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

std::optional<PeerCredentials> peer_credentials(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_UNIX)
    return std::nullopt;
  ucred credentials{};
  length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return std::nullopt;
  return PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

}  // namespace holdfast::http
