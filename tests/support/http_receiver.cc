#include "tests/support/http_receiver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace holdfast::testing {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_whole(const std::string& request) {
  const size_t head = request.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  const std::string length = header_of(request, "content-length");
  return request.size() - head - 4 >= (length.empty() ? 0 : std::stoul(length));
}

}  // namespace

std::string header_of(const std::string& request, const std::string& name) {
  const std::string head = request.substr(0, request.find("\r\n\r\n")) + "\r\n";
  const size_t at = lower(head).find("\r\n" + lower(name) + ": ");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find('\r', begin) - begin);
}

std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

HttpReceiver::HttpReceiver(std::string answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("a receiver on 127.0.0.1 could not be started");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpReceiver::~HttpReceiver() {
  stop_ = true;
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept
  thread_.join();
  ::close(listener_);
  for (const int connection : kept_) ::close(connection);
}

std::string HttpReceiver::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void HttpReceiver::set_answer(std::string answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

std::vector<std::string> HttpReceiver::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::string HttpReceiver::status(int code) {
  return "HTTP/1.1 " + std::to_string(code) +
         " Told\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
}

void HttpReceiver::serve() {
  while (!stop_) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    take(connection);
  }
}

void HttpReceiver::take(int connection) {
  std::string request;
  char bytes[4096];
  while (!is_whole(request) && !stop_) {
    pollfd ready{connection, POLLIN, 0};
    if (::poll(&ready, 1, 100) == 0) continue;
    const ssize_t got = ::read(connection, bytes, sizeof bytes);
    if (got <= 0) break;
    request.append(bytes, static_cast<size_t>(got));
  }
  std::string answer;
  {
    const std::lock_guard lock(mutex_);
    if (is_whole(request)) requests_.push_back(request);
    answer = answer_;
  }
  if (answer.empty()) {
    kept_.push_back(connection);
    return;
  }
  for (size_t sent = 0; sent < answer.size();) {
    const ssize_t put =
        ::send(connection, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
    if (put <= 0) break;
    sent += static_cast<size_t>(put);
  }
  ::close(connection);
}

}  // namespace holdfast::testing
