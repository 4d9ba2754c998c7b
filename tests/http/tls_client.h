// A blocking client of raw bytes over TLS, which offers what a test wants offered.
#pragma once

#include <optional>
#include <string>

#include "tests/http/server_rig.h"
#include "tests/support/test_certificates.h"

struct ssl_st;
struct ssl_ctx_st;

namespace holdfast::http::test {

struct TlsOffer {
  std::string ca_file;
  int version_least = 0;  // TLS1_2_VERSION; 0: whatever there is
  int version_most = 0;
  std::string suites;     // of TLS 1.2 and below, as ciphers(1) writes them
  std::string protocols;  // ALPN, with a space between; empty: none
  std::optional<testing::IssuedFiles> certificate;
};

class TlsClient final : public RawClient {
 public:
  // Connects, and shakes hands unless `later`.
  TlsClient(int port, const TlsOffer& offer, bool later = false);
  ~TlsClient() override;

  // True when the handshake came to its end and the server's certificate is the CA's.
  bool shake_hands();
  bool is_open() const { return open_; }
  std::string version() const;
  std::string suite() const;
  std::string protocol() const;  // that was agreed on
  std::string server_subject() const;

  bool send(std::string_view bytes) override;
  // True when close_notify has come; false when the connection just ended, or is not over.
  bool was_told_goodbye() const;
  // close_notify, and nothing else.
  void say_goodbye();

  ssl_st* raw() { return ssl_; }

 protected:
  ssize_t receive_bytes(char* out, size_t size) override;

 private:
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  bool open_ = false;
};

}  // namespace holdfast::http::test
