// What of a Connection is TLS: the handshake, input that OpenSSL holds, and answers that are
// encrypted in batches. The file's bytes are read here, since the kernel cannot encrypt what it
// lends.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "daemon/http/connection.h"
#include "daemon/http/server.h"

namespace holdfast::http {
void Connection::shake_hands() {
  switch (tls_->handshake()) {
    case TlsStream::Handshake::kWaits:
      return;
    case TlsStream::Handshake::kDone:
      ++server_.counters_.tls_handshakes;
      client_certificate_ = tls_->client_certificate();
      state_ = State::kIdle;
      since_ = now();
      return;
    case TlsStream::Handshake::kPlainHttp:
      // In the only words that it understands.
      ++server_.counters_.tls_failed;
      tls_.reset();
      return refuse({400, "this port speaks TLS: the URL begins with https://"});
    case TlsStream::Handshake::kFailed:
      ++server_.counters_.tls_failed;
      if (encrypted_waits()) tls_->flush();  // the alert, as far as the socket takes it
      tls_.reset();
      return linger();
  }
}

ssize_t Connection::receive_bytes(char* out, size_t size) {
  if (!tls_) return ::recv(socket_.fd(), out, size, 0);
  const bool was_pending = output_pending();
  const ssize_t got = tls_->read(out, size);
  const int error = errno;
  if (!was_pending && output_pending()) sent_since_ = now();  // an answer of TLS itself
  errno = error;
  return got;
}

// Input that was decrypted with what came before: no event of the socket will tell it.
bool Connection::take_buffered() {
  const bool wanted = state_ == State::kIdle || state_ == State::kHead ||
                      (state_ == State::kExchange && body_ == Body::kReading);
  if (!tls_ || !wanted || end_ - begin_ == kBufferBytes || !tls_->has_buffered()) return false;
  const size_t before = end_ - begin_;
  receive();
  return state_ != State::kClosed && end_ - begin_ > before;
}

// Sends what is encrypted. False when the connection was closed.
bool Connection::send_encrypted() {
  while (encrypted_waits()) {
    const ssize_t sent = tls_->flush();
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      write_blocked_ = true;
      return true;
    }
    if (sent < 0) {
      close(false, system_error(errno, "send an answer"));
      return false;
    }
    note_sent(static_cast<size_t>(sent));
  }
  return true;
}

// Encrypts and sends what the socket takes. False when the connection was closed.
bool Connection::flush_with_tls() {
  while (true) {
    if (!send_encrypted()) return false;
    if (write_blocked_ || !output_pending()) return true;
    if (turn_left_ <= 0) {
      write_blocked_ = true;  // the next writable event gives the next turn
      return true;
    }
    if (!encrypt_next()) return false;
  }
}

// One batch: text, and behind it the beginning of the file, in the same record where they fit.
// False when the connection was closed.
bool Connection::encrypt_next() {
  const size_t batch = tls_->batch();
  const std::string_view text = std::string_view(out_).substr(out_sent_, batch);
  const auto rest =
      static_cast<size_t>(std::min<int64_t>(file_left_, static_cast<int64_t>(batch - text.size())));
  tls_->prepare(text.size() + rest);
  std::string_view plain = text;
  if (rest > 0) {
    char* const piece = server_.file_piece();
    std::copy(text.begin(), text.end(), piece);
    const std::optional<size_t> got = read_file(piece + text.size(), rest);
    if (!got) return false;
    plain = {piece, text.size() + *got};
  }
  if (!tls_->encrypt(plain)) {
    close(true, {Code::kIo, "send an answer: TLS is broken"});
    return false;
  }
  server_.counters_.file_bytes_sent += static_cast<int64_t>(plain.size() - text.size());
  turn_left_ -= static_cast<int64_t>(plain.size());
  out_sent_ += text.size();
  if (out_sent_ < out_.size()) return true;
  out_.clear();
  out_sent_ = 0;
  return true;
}

// At most `bytes` of the file, which are no more than are left of it. Nothing when the connection
// was closed.
std::optional<size_t> Connection::read_file(char* out, size_t bytes) {
  ssize_t got = 0;
  do {
    got = ::pread(file_.fd, out, bytes, file_.offset + file_sent_);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    const Error why = got == 0 ? Error{Code::kCorrupt, "send a file: it has become shorter"}
                               : system_error(errno, "send a file");
    if (got == 0) log::error("{}", why.message);
    close(true, why);
    return std::nullopt;
  }
  // Looked at before the last piece leaves: what is cut in place may read as zeros.
  file_sent_ += got;
  file_left_ -= got;
  if (file_left_ == 0 && !file_is_whole()) return std::nullopt;
  return static_cast<size_t>(got);
}

}  // namespace holdfast::http
