#include "daemon/http/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io/digest.h"

namespace holdfast::http {
namespace {

// Header, padding and tag of a record, in the largest of our suites' forms.
constexpr size_t kRecordExtraBytes = 32;

}  // namespace

// The BIO below OpenSSL: reads are the socket's, writes go to memory.
struct TlsStream::Bio {
  static TlsStream& of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, size_t size, size_t* written) {
    of(bio).out_.append(data, size);
    *written = size;
    return 1;
  }
  static int read(BIO* bio, char* data, size_t size, size_t* got) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = of(bio);
    *got = 0;
    if (stream.budget_ == 0) {  // the poll is level-triggered: the rest is told again
      BIO_set_retry_read(bio);
      return 0;
    }
    ssize_t count = 0;
    do {
      count = ::recv(stream.fd_, data, std::min(size, stream.budget_), 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
      *got = static_cast<size_t>(count);
      stream.budget_ -= *got;
      return 1;
    }
    if (count < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    stream.at_end_ |= count == 0;
    return 0;
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return of(bio).at_end_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static const BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made =
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "holdfast connection");
      if (made == nullptr) return made;
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return kMethod;
  }
};

std::unique_ptr<TlsStream> TlsStream::create(const std::shared_ptr<const TlsContext>& context,
                                             int fd) {
  std::unique_ptr<TlsStream> stream(new TlsStream(fd));
  stream->ssl_ = SSL_new(context->raw());
  BIO* bio = Bio::method() == nullptr ? nullptr : BIO_new(Bio::method());
  if (stream->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ERR_clear_error();
    return nullptr;
  }
  BIO_set_data(bio, stream.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(stream->ssl_, bio, bio);
  SSL_set_accept_state(stream->ssl_);
  return stream;
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::Handshake TlsStream::handshake() {
  ERR_clear_error();
  budget_ = kInputBytesPerCall;
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) {
    open_ = true;
    return Handshake::kDone;
  }
  if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ && pending() <= kUnaskedBytesMax)
    return Handshake::kWaits;
  broken_ = true;
  const bool plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  if (!plain) return Handshake::kFailed;
  out_.clear();  // no alert: it does not understand one
  sent_ = 0;
  return Handshake::kPlainHttp;
}

ssize_t TlsStream::read(char* out, size_t size) {
  if (!open_ || broken_) {
    errno = ECONNRESET;
    return -1;
  }
  ERR_clear_error();
  size_t got = 0;
  budget_ = kInputBytesPerCall;
  const int done = SSL_read_ex(ssl_, out, size, &got);
  const bool takes_answers = pending() <= kUnaskedBytesMax;
  if (done == 1 && takes_answers) return static_cast<ssize_t>(got);
  const int error = done == 1 ? SSL_ERROR_SSL : SSL_get_error(ssl_, done);
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  const bool waits = error == SSL_ERROR_WANT_READ && takes_answers;
  broken_ = !waits;
  errno = waits ? EAGAIN : ECONNRESET;
  return -1;
}

bool TlsStream::has_buffered() const { return open_ && !broken_ && SSL_has_pending(ssl_) == 1; }

void TlsStream::prepare(size_t plain_bytes) {
  const size_t need = plain_bytes + (plain_bytes / kRecordBytes + 2) * kRecordExtraBytes;
  const bool fits = out_.capacity() >= need && out_.capacity() / 2 <= need;
  if (pending() > 0 || fits) return;
  std::string exact;  // one that is there would grow to twice its size
  exact.reserve(need);
  out_.swap(exact);
}

bool TlsStream::encrypt(std::string_view plain) {
  while (!plain.empty()) {
    if (!open_ || broken_) return false;
    ERR_clear_error();
    size_t taken = 0;
    if (SSL_write_ex(ssl_, plain.data(), plain.size(), &taken) != 1) {
      ERR_clear_error();
      broken_ = true;
      return false;
    }
    plain.remove_prefix(taken);
  }
  return true;
}

ssize_t TlsStream::flush() {
  const bool is_whole_batch = sent_ == 0 && out_.size() >= batch_;
  const ssize_t sent = ::send(fd_, out_.data() + sent_, pending(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) batch_ = kRecordBytes;
  if (sent < 0) return sent;
  sent_ += static_cast<size_t>(sent);
  if (sent_ < out_.size()) return sent;
  if (is_whole_batch) batch_ = std::min(2 * batch_, kBatchBytes);
  out_.clear();
  sent_ = 0;
  return sent;
}

void TlsStream::release_buffer() {
  if (pending() == 0) std::string().swap(out_);
}

bool TlsStream::shut_down() {
  if (!open_ || broken_ || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) return false;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
  return pending() > 0;
}

std::string TlsStream::client_certificate() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  unsigned char* der = nullptr;
  const int length = certificate == nullptr ? 0 : i2d_X509(certificate, &der);
  if (length <= 0) return "";
  const std::string_view bytes(reinterpret_cast<const char*>(der), static_cast<size_t>(length));
  std::string text = sha256(bytes).hex();
  OPENSSL_free(der);
  return text;
}

}  // namespace holdfast::http
