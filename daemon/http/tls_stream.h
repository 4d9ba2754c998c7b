// TLS over one non-blocking socket, server's side: OpenSSL between the connection's plain bytes and
// a write BIO of our own, which gathers records so that many of 16 kB leave in one send.
//
//   handshaking ──handshake(): kDone──▶ open ──shut_down()──▶ closing
//        └────────── broken (an alert waits to be sent) ◀────────┘ any error
//
// Invariants
// - Nothing blocks. What is encrypted waits here until flush() has sent it; encrypt() is called
//   only when nothing waits, with at most batch() bytes, so that memory stays bounded: a client
//   that reads slowly holds about one record, one that takes whatever comes holds kBatchBytes.
// - One call of handshake() or read() takes at most kInputBytesPerCall from the socket: records
//   that carry nothing (key updates, alerts) do not keep other connections waiting. What is left
//   makes the socket readable in the next turn.
// - Answers to such records beyond kUnaskedBytesMax, which the client does not take, break the
//   session.
// - After `broken` neither read() nor encrypt() is called again; flush() still is, for the alert.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/http/tls_context.h"

struct ssl_st;

namespace holdfast::http {

// Thread rule: loop thread only.
class TlsStream {
 public:
  static constexpr size_t kBatchBytes = 256 * 1024;  // plain bytes of one send: 16 records
  static constexpr size_t kRecordBytes = 16 * 1024;  // plain bytes of a record, at most
  static constexpr size_t kInputBytesPerCall = 64 * 1024;
  static constexpr size_t kUnaskedBytesMax = 64 * 1024;

  // `fd` outlives it. Nothing when memory is out.
  static std::unique_ptr<TlsStream> create(const std::shared_ptr<const TlsContext>& context,
                                           int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Handshake {
    kDone,
    kWaits,      // for the client; send what is pending
    kFailed,     // the alert is pending
    kPlainHttp,  // the client speaks HTTP without TLS
  };
  Handshake handshake();

  // As recv(2): the plain bytes, 0 after the client's close_notify, -1 with errno. An end of the
  // socket without close_notify is -1, ECONNRESET: what came may not be the whole.
  ssize_t read(char* out, size_t size);
  // Whether read() may give bytes without the socket becoming readable: decrypted ones, or a record
  // that came with another (perhaps not all of it).
  bool has_buffered() const;

  // How many plain bytes the next send should have: one record after the socket took no more,
  // twice as many after each such send that left whole, kBatchBytes at most.
  size_t batch() const { return batch_; }
  // Makes room for that many, exactly; does nothing while something is pending.
  void prepare(size_t plain_bytes);
  // Encrypts all of `plain`; false when the session is broken.
  bool encrypt(std::string_view plain);
  // Encrypted bytes that are not with the kernel yet.
  size_t pending() const { return out_.size() - sent_; }
  // As send(2), of what is pending: the bytes sent, or -1 with errno.
  ssize_t flush();
  // Memory that encrypted bytes hold.
  size_t held() const { return out_.capacity(); }
  // Gives back the memory of what was sent, while the connection is idle.
  void release_buffer();
  // Adds close_notify to what is pending; false when there is none to add: it was added before, or
  // the session is not open.
  bool shut_down();

  // SHA-256, in hex, of the certificate that the client was let in with; empty: it showed none.
  std::string client_certificate() const;

 private:
  explicit TlsStream(int fd) : fd_(fd) {}

  struct Bio;

  const int fd_;
  ssl_st* ssl_ = nullptr;
  std::string out_;
  size_t sent_ = 0;
  size_t batch_ = kRecordBytes;
  size_t budget_ = 0;    // bytes that this call may still take from the socket
  bool at_end_ = false;  // the socket is
  bool open_ = false;
  bool broken_ = false;
};

}  // namespace holdfast::http
