#include "daemon/http/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <string_view>

namespace holdfast::http {
namespace {

// AEAD with forward secrecy; what TLS 1.3 has is all of this kind.
constexpr const char* kSuites12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char kSessionContext[] = "holdfast";
constexpr std::string_view kProtocol = "http/1.1";

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL says no more" : reason;
}

// A client that offers protocols, and ours not among them, is told so instead of misunderstood.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned int length, void*) {
  for (unsigned int at = 0; at < length; at += in[at] + 1U) {
    const std::string_view offered(reinterpret_cast<const char*>(in + at + 1), in[at]);
    if (at + 1 + in[at] > length || offered != kProtocol) continue;
    *out = in + at + 1;
    *out_length = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Status take_chain(SSL_CTX* context, const KeyPair& pair, const std::string& path) {
  const Bio in(BIO_new_mem_buf(pair.chain.data(), static_cast<int>(pair.chain.size())));
  bool is_first = true;
  while (X509* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    const bool taken = is_first ? SSL_CTX_use_certificate(context, one) == 1
                                : SSL_CTX_add1_chain_cert(context, one) == 1;
    X509_free(one);
    is_first = false;
    if (!taken)
      return Error{Code::kInvalid, "certificate " + path + ": cannot be used: " + openssl_reason()};
  }
  ERR_clear_error();  // the end of the text is told as an error
  return {};
}

Status take_key(SSL_CTX* context, const KeyPair& pair, const std::string& path) {
  const Bio in(BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr);
  const bool taken = key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  if (taken) return {};
  return Error{Code::kInvalid, "private key " + path + ": cannot be used: " + openssl_reason()};
}

Status take_client_ca(SSL_CTX* context, const TlsConfig& config) {
  if (config.client == "none") return {};
  HOLDFAST_ASSIGN(roots, read_certificates(config.client_ca));
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(config.client_ca.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, config.client_ca.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return Error{Code::kInvalid, "client CA " + config.client_ca + ": none of its " +
                                     std::to_string(roots.size()) +
                                     " certificates can be used: " + openssl_reason()};
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(
      context,
      SSL_VERIFY_PEER | (config.client == "required" ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      nullptr);
  return {};
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(raw_); }

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsConfig& config,
                                                           std::optional<UnixMillis> now) {
  HOLDFAST_ASSIGN(pair, read_key_pair({config.certificate, config.key}, now));
  SSL_CTX* raw = SSL_CTX_new(TLS_server_method());
  if (raw == nullptr) return Error{Code::kIo, "prepare TLS: " + openssl_reason()};
  const std::shared_ptr<TlsContext> context(new TlsContext(raw));
  context->facts_ = pair.facts;
  if (SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kSuites12) != 1 ||
      SSL_CTX_set_session_id_context(raw, kSessionContext, sizeof kSessionContext - 1) != 1)
    return Error{Code::kIo, "prepare TLS: " + openssl_reason()};
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection then keeps no buffers of 16 kB in either direction.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_read_ahead(raw, 1);  // else a record takes two calls of recv
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  HOLDFAST_TRY(take_chain(raw, pair, config.certificate));
  HOLDFAST_TRY(take_key(raw, pair, config.key));
  HOLDFAST_TRY(take_client_ca(raw, config));
  return std::shared_ptr<const TlsContext>(context);
}

}  // namespace holdfast::http
