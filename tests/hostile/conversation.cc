#include "tests/hostile/conversation.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "io/fd.h"

namespace holdfast::hostile {
namespace {

constexpr time_t kPatienceSeconds = 30;

Fd connect_to(int port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect: " + std::string(std::strerror(errno)));
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

// As far as the server takes it: one that has refused may have closed.
void send_all(const Fd& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Where the next answer's status line begins, after what may be the body of a refusal.
size_t next_answer(std::string_view text, size_t from) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  for (size_t at = from; (at = text.find(kVersion, at)) != std::string_view::npos; ++at) {
    const std::string_view status = text.substr(at + kVersion.size(), 4);
    if (status.size() == 4 && std::all_of(status.begin(), status.begin() + 3, is_digit) &&
        status[3] == ' ')
      return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string to_text(const Outcome& outcome) {
  std::string text;
  for (const std::string& saw : outcome.taken) text += "[" + saw.substr(0, 120) + "] ";
  if (outcome.refusal > 0) text += std::to_string(outcome.refusal) + " ";
  return text + (outcome.hung ? "hung" : outcome.kept ? "kept" : "closed");
}

Outcome read_transcript(std::string_view text) {
  constexpr std::string_view kSaw = "\r\nX-Saw: ";
  Outcome outcome;
  for (size_t at = 0; (at = next_answer(text, at)) != std::string_view::npos;) {
    const int status = std::stoi(std::string(text.substr(at + 9, 3)));
    const size_t end = std::min(text.find("\r\n\r\n", at), text.size());
    const std::string_view head = text.substr(at, end - at);
    at = end;
    if (status < 200) continue;
    outcome.kept = false;
    if (status >= 300) {
      if (outcome.refusal == 0) outcome.refusal = status;
      continue;
    }
    const size_t saw = head.find(kSaw);
    if (saw == std::string_view::npos) continue;
    const std::string_view value = head.substr(saw + kSaw.size());
    outcome.taken.emplace_back(value.substr(0, value.find("\r\n")));
    outcome.kept = outcome.taken.back() == kProbeSaw;
  }
  if (outcome.kept) outcome.taken.pop_back();
  return outcome;
}

Outcome converse(int port, std::string_view bytes, size_t cut) {
  const Fd socket = connect_to(port);
  cut = std::min(cut, bytes.size());
  if (cut > 0) send_all(socket, bytes.substr(0, cut));
  send_all(socket, std::string(bytes.substr(cut)) + std::string(kProbe));
  ::shutdown(socket.get(), SHUT_WR);
  std::string transcript;
  char piece[16 * 1024];
  while (true) {
    const ssize_t got = ::recv(socket.get(), piece, sizeof piece, 0);
    if (got > 0) {
      transcript.append(piece, static_cast<size_t>(got));
      continue;
    }
    // A reset ends the conversation as an orderly end does.
    Outcome outcome = read_transcript(transcript);
    outcome.hung = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return outcome;
  }
}

}  // namespace holdfast::hostile
