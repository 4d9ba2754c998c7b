#include "tests/support/fake_daemon/fake_daemon.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <stdexcept>

#include "base/json.h"

namespace holdfast {
namespace {

// Reads one request's bytes, keeping what came too early for the next.
class Input {
 public:
  explicit Input(int fd) : fd_(fd) {}

  // Up to and with `end`; false when the connection ends before.
  bool read_until(const std::string& end, std::string& out) {
    size_t found;
    while ((found = buffer_.find(end)) == std::string::npos)
      if (!more()) return false;
    out = buffer_.substr(0, found + end.size());
    buffer_.erase(0, out.size());
    return true;
  }
  bool read_exactly(size_t count, std::string& out) {
    while (buffer_.size() < count)
      if (!more()) return false;
    out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return true;
  }

 private:
  bool more() {
    char block[65536];
    const ssize_t got = ::read(fd_, block, sizeof block);
    if (got > 0) buffer_.append(block, static_cast<size_t>(got));
    return got > 0;
  }

  int fd_;
  std::string buffer_;
};

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the program under test has gone: its matter
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool read_request(Input& input, FakeRequest& request) {
  std::string head;
  if (!input.read_until("\r\n\r\n", head)) return false;
  const size_t line_end = head.find("\r\n");
  const std::string line = head.substr(0, line_end);
  const size_t space = line.find(' ');
  const size_t second = line.find(' ', space + 1);
  request.method = line.substr(0, space);
  const std::string target = line.substr(space + 1, second - space - 1);
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  for (size_t at = line_end + 2; at + 2 < head.size();) {
    const size_t end = head.find("\r\n", at);
    const size_t colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const size_t value = head.find_first_not_of(' ', colon + 1);
    request.headers[name] = head.substr(value, end - value);
    at = end + 2;
  }
  if (request.headers.count("content-length") > 0)
    return input.read_exactly(std::stoul(request.headers["content-length"]), request.body);
  return true;
}

std::string base64_of_sha256(const std::string& bytes) {
  unsigned char digest[32];
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr);
  char text[45];
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text), digest, 32);
  return text;
}

int listen_on(int family, const sockaddr* address, socklen_t length) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, address, length) != 0 || ::listen(fd, 16) != 0)
    throw std::runtime_error(std::string("fake daemon: listen: ") + std::strerror(errno));
  return fd;
}

}  // namespace

FakeAnswer fake_problem(int status, const std::string& word, const std::string& detail) {
  FakeAnswer answer;
  answer.status = status;
  answer.content_type = "application/problem+json";
  answer.body = canonical(json::object{{"type", "urn:holdfast:problem:" + word},
                                       {"title", "A title"},
                                       {"status", status},
                                       {"detail", detail}});
  return answer;
}

FakeAnswer fake_file(const std::string& bytes) {
  FakeAnswer answer;
  answer.body = bytes;
  answer.content_type = "application/octet-stream";
  answer.headers = {{"Repr-Digest", "sha-256=:" + base64_of_sha256(bytes) + ":"}};
  return answer;
}

FakeDaemon::FakeDaemon() : socket_path_(directory_ / "admin.sock") {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::strncpy(local.sun_path, socket_path_.c_str(), sizeof local.sun_path - 1);
  unix_listener_ = listen_on(AF_UNIX, reinterpret_cast<sockaddr*>(&local), sizeof local);
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tcp_listener_ = listen_on(AF_INET, reinterpret_cast<sockaddr*>(&loopback), sizeof loopback);
  socklen_t length = sizeof loopback;
  ::getsockname(tcp_listener_, reinterpret_cast<sockaddr*>(&loopback), &length);
  port_ = ntohs(loopback.sin_port);
  std::lock_guard lock(mutex_);
  threads_.emplace_back([this] { accept_on(unix_listener_, false); });
  threads_.emplace_back([this] { accept_on(tcp_listener_, true); });
}

FakeDaemon::~FakeDaemon() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    ::shutdown(unix_listener_, SHUT_RDWR);
    ::shutdown(tcp_listener_, SHUT_RDWR);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
  ::close(unix_listener_);
  ::close(tcp_listener_);
}

void FakeDaemon::on(const std::string& what, std::vector<FakeAnswer> answers) {
  std::lock_guard lock(mutex_);
  scripts_[what].assign(answers.begin(), answers.end());
}

std::vector<FakeRequest> FakeDaemon::asked() const {
  std::lock_guard lock(mutex_);
  return asked_;
}

FakeRequest FakeDaemon::only(const std::string& method, const std::string& path) const {
  std::vector<FakeRequest> found;
  for (const FakeRequest& request : asked())
    if (request.method == method && request.path == path) found.push_back(request);
  if (found.size() != 1)
    throw std::runtime_error(method + " " + path + " was asked " + std::to_string(found.size()) +
                             " times, not once");
  return found.front();
}

void FakeDaemon::wait_until_asked(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return asked_.size() >= count; });
}

void FakeDaemon::accept_on(int listener, bool over_tcp) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    open_.push_back(fd);
    const int connection = ++connections_;
    threads_.emplace_back([this, fd, over_tcp, connection] { serve(fd, over_tcp, connection); });
  }
}

void FakeDaemon::serve(int fd, bool over_tcp, int connection) {
  Input input(fd);
  FakeRequest request;
  while (read_request(input, request)) {
    request.over_tcp = over_tcp;
    request.connection = connection;
    const FakeAnswer answer = answer_to(request);
    if (answer.never) break;
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Fake\r\n";
    head += "Content-Type: " + answer.content_type + "\r\n";
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
    send_all(fd, head + "\r\n");
    if (request.method != "HEAD")
      send_all(fd, std::string_view(answer.body).substr(0, answer.cut_after));
    if (answer.cut_after != std::string::npos) break;
    request = FakeRequest();
  }
  std::lock_guard lock(mutex_);
  open_.erase(std::find(open_.begin(), open_.end(), fd));
  ::close(fd);
}

FakeAnswer FakeDaemon::answer_to(const FakeRequest& request) {
  std::unique_lock lock(mutex_);
  asked_.push_back(request);
  changed_.notify_all();
  const std::string plain = request.method + " " + request.path;
  auto script = scripts_.find(plain + "?" + request.query);
  if (script == scripts_.end()) script = scripts_.find(plain);
  if (script == scripts_.end() || script->second.empty())
    return fake_problem(404, "not-found", "the script has nothing for " + plain);
  const FakeAnswer answer = script->second.front();
  if (script->second.size() > 1) script->second.pop_front();
  if (answer.never) changed_.wait(lock, [this] { return stopping_; });
  return answer;
}

}  // namespace holdfast
