#include "tests/http/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

#include <sstream>
#include <stdexcept>

namespace holdfast::http::test {
namespace {

void need(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL does not ") + what);
}

// Each with its length before it.
std::string wire_format(const std::string& protocols) {
  std::string all;
  std::istringstream words(protocols);
  for (std::string word; words >> word;) all += static_cast<char>(word.size()) + word;
  return all;
}

}  // namespace

TlsClient::TlsClient(int port, const TlsOffer& offer, bool later) : RawClient(port) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  context_ = SSL_CTX_new(TLS_client_method());
  // What the server refuses must not be refused here before.
  SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, offer.version_least);
  SSL_CTX_set_max_proto_version(context_, offer.version_most);
  if (!offer.suites.empty())
    need(SSL_CTX_set_cipher_list(context_, offer.suites.c_str()) == 1, "know the suites");
  if (!offer.ca_file.empty()) {
    need(SSL_CTX_load_verify_file(context_, offer.ca_file.c_str()) == 1, "take the CA");
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  }
  if (offer.certificate) {
    need(SSL_CTX_use_certificate_file(context_, offer.certificate->certificate.c_str(),
                                      SSL_FILETYPE_PEM) == 1,
         "take a certificate");
    need(SSL_CTX_use_PrivateKey_file(context_, offer.certificate->key.c_str(), SSL_FILETYPE_PEM) ==
             1,
         "take a key");
  }
  ssl_ = SSL_new(context_);
  const std::string protocols = wire_format(offer.protocols);
  if (!protocols.empty())
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  SSL_set_fd(ssl_, fd());
  if (!later) shake_hands();
}

TlsClient::~TlsClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool TlsClient::shake_hands() {
  ERR_clear_error();
  open_ = SSL_connect(ssl_) == 1;
  return open_;
}

std::string TlsClient::version() const { return SSL_get_version(ssl_); }
std::string TlsClient::suite() const { return SSL_get_cipher_name(ssl_); }

std::string TlsClient::protocol() const {
  const unsigned char* word = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_, &word, &length);
  return {reinterpret_cast<const char*>(word), length};
}

std::string TlsClient::server_subject() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return "";
  char text[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  return text;
}

bool TlsClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t sent = 0;
    ERR_clear_error();
    if (!open_ || SSL_write_ex(ssl_, bytes.data(), bytes.size(), &sent) != 1) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

ssize_t TlsClient::receive_bytes(char* out, size_t size) {
  size_t got = 0;
  ERR_clear_error();
  if (!open_ || SSL_read_ex(ssl_, out, size, &got) != 1) return -1;
  return static_cast<ssize_t>(got);
}

bool TlsClient::was_told_goodbye() const {
  return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void TlsClient::say_goodbye() { SSL_shutdown(ssl_); }

}  // namespace holdfast::http::test
