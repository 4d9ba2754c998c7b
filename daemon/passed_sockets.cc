#include "daemon/passed_sockets.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace holdfast {
namespace {

constexpr std::string_view kName = "http";
constexpr std::string_view kUnitName = "holdfastd.socket";  // what systemd calls it by default

}  // namespace

Result<std::vector<http::BoundTcp>> passed_sockets() {
  char** raw_names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &raw_names);
  if (count < 0) return system_error(-count, "take the sockets that were passed");
  std::vector<http::BoundTcp> sockets;
  std::string wrong;
  for (int i = 0; i < count; ++i) {
    http::Socket socket(SD_LISTEN_FDS_START + i);
    const std::string name = raw_names == nullptr ? "" : raw_names[i];
    if (name != kName && name != kUnitName) {
      wrong = "a socket named \"" + name + "\" was passed; FileDescriptorName=http is known";
    } else if (::sd_is_socket(socket.fd(), AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
               ::sd_is_socket(socket.fd(), AF_UNIX, 0, -1) > 0) {
      wrong = "the socket \"" + name + "\" that was passed is not a listening TCP socket";
    } else {
      auto bound = http::take_tcp(std::move(socket), "take the socket \"" + name + "\"");
      if (!bound.ok()) wrong = bound.error().message;
      if (bound.ok()) sockets.push_back(*std::move(bound));
    }
    if (raw_names != nullptr) std::free(raw_names[i]);
  }
  std::free(raw_names);
  if (!wrong.empty()) return Error{Code::kInvalid, wrong};
  return sockets;
}

}  // namespace holdfast
