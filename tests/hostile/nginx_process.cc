#include "tests/hostile/nginx_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "io/fd.h"
#include "tests/hostile/conversation.h"
#include "tests/support/daemon_process.h"

namespace holdfast::hostile {
namespace {

constexpr int kStartsMax = 5;  // another process may take the port first

// A port that was free a moment ago.
int free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), plain, size) != 0 || ::getsockname(socket.get(), plain, &size) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Its defaults forgive what strict settings refuse: names with bytes that no name may have
// (ignore_invalid_headers). A body is held in memory, and read to its end although the client has
// shut its side (proxy_ignore_client_abort). $D and $P stand for the directory and the port.
constexpr char kConfiguration[] = R"(
daemon off;
master_process off;
pid $D/pid;
error_log $D/error.log crit;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path $D/body;
  proxy_temp_path $D/proxy;
  fastcgi_temp_path $D/fastcgi;
  uwsgi_temp_path $D/uwsgi;
  scgi_temp_path $D/scgi;
  keepalive_requests 100000000;
  client_max_body_size 1m;
  client_body_buffer_size 1m;
  large_client_header_buffers 4 8k;
  ignore_invalid_headers off;
  underscores_in_headers on;
  map $content_length $body_length { default $content_length; "" 0; }
  upstream inner { server unix:$D/inner.sock; keepalive 32; keepalive_requests 100000000; }
  server {
    listen unix:$D/inner.sock;
    location / { add_header X-Length $body_length; return 204; }
  }
  server {
    listen 127.0.0.1:$P;
    location / {
      proxy_pass http://inner/;
      proxy_method POST;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass_request_headers off;
      proxy_ignore_client_abort on;
      proxy_hide_header X-Length;
      add_header X-Saw "$request_method $request_uri $upstream_http_x_length";
    }
  }
}
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// Whether it runs, and is of the release that is compared with.
bool is_known_release(const std::string& program) {
  const std::string ask = "'" + program + "' -v 2>&1";
  FILE* const pipe = ::popen(ask.c_str(), "re");
  if (pipe == nullptr) return false;
  char line[200] = {};
  const bool told = std::fgets(line, sizeof line, pipe) != nullptr;
  return ::pclose(pipe) == 0 && told && std::string(line).find("nginx/1.22.") != std::string::npos;
}

}  // namespace

std::optional<std::string> find_nginx() {
  const char* path = std::getenv("PATH");
  std::stringstream places(std::string(path != nullptr ? path : "") +
                           ":/usr/sbin:build/peers/usr/sbin");
  for (std::string place; std::getline(places, place, ':');) {
    std::string program = place + "/nginx";
    if (::access(program.c_str(), X_OK) == 0 && is_known_release(program)) return program;
  }
  return std::nullopt;
}

NginxProcess::NginxProcess(const std::string& program) {
  for (int n = 0; n < kStartsMax; ++n) {
    if (start(program)) return;
    end();
  }
  throw std::runtime_error("nginx does not start:\n" + read_text(directory_ / "output") +
                           read_text(directory_ / "error.log"));
}

NginxProcess::~NginxProcess() { end(); }

void NginxProcess::write_configuration() const {
  std::string text = replaced(kConfiguration, "$D", directory_.path());
  text = replaced(text, "$P", std::to_string(port_));
  // As root it would give its worker's directories away; there is one process only.
  if (::getuid() == 0) text = "user root;\n" + text;
  std::ofstream(directory_ / "nginx.conf") << text;
}

bool NginxProcess::start(const std::string& program) {
  port_ = free_port();
  write_configuration();
  ::unlink((directory_ / "inner.sock").c_str());
  const std::string output = directory_ / "output";
  const std::string configuration = directory_ / "nginx.conf";
  const std::string prefix = directory_.path();
  const std::string errors = directory_ / "error.log";
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // the test ended in between
    const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execl(program.c_str(), "nginx", "-p", prefix.c_str(), "-e", errors.c_str(), "-c",
            configuration.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  bool serves = false;
  testing::eventually([&] {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    if (pid_ == 0) return true;
    try {
      serves = converse(port_, "").kept;
    } catch (const std::runtime_error&) {
      // It does not listen yet.
    }
    return serves;
  });
  return serves;
}

void NginxProcess::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

}  // namespace holdfast::hostile
