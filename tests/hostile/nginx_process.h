// nginx on 127.0.0.1, as strict as its settings make it, that answers as saw_server.h does. The
// outer server reads a request with its body as a proxy does, and passes only how long the body
// was to an inner one.
//
// It lies where bench/peers.sh puts it, or is installed; without it there is nothing to compare
// with, and a test says so.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "tests/support/temporary_directory.h"

namespace holdfast::hostile {

// The path of an nginx 1.22, the release that the tables of differences are of. Nothing when there
// is none that runs.
std::optional<std::string> find_nginx();

class NginxProcess {
 public:
  // Serves when this returns; throws std::runtime_error with its log when it does not start.
  explicit NginxProcess(const std::string& program);
  ~NginxProcess();
  NginxProcess(const NginxProcess&) = delete;
  NginxProcess& operator=(const NginxProcess&) = delete;

  int port() const { return port_; }

 private:
  bool start(const std::string& program);
  void write_configuration() const;
  void end();

  TemporaryDirectory directory_;
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace holdfast::hostile
