// What one version of certificate, key and client CA makes of TLS: versions, suites, who is let in.
// A connection keeps the one that it began with; a reload gives a new one to those that come later.
//
// TLS 1.3, and 1.2 with forward secrecy and AEAD suites only; no renegotiation, no compression, no
// session cache (tickets instead, whose keys are this context's own, so that a session resumed
// under new files is a new one); ALPN http/1.1.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/config.h"
#include "base/result.h"
#include "io/certificate.h"

struct ssl_ctx_st;

namespace holdfast::http {

class TlsContext {
 public:
  // Reads and checks the files of `config` at the time `now` (none: whenever it may be): the errors
  // of read_key_pair, and kInvalid for a client CA without a certificate. `config` must be on.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsConfig& config,
                                                        std::optional<UnixMillis> now);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const CertificateFacts& facts() const { return facts_; }
  // OpenSSL's own counting keeps it alive for as long as a session needs it.
  ssl_ctx_st* raw() const { return raw_; }

 private:
  explicit TlsContext(ssl_ctx_st* raw) : raw_(raw) {}

  ssl_ctx_st* raw_;
  CertificateFacts facts_;
};

}  // namespace holdfast::http
