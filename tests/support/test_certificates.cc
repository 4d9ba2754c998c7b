#include "tests/support/test_certificates.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <stdexcept>
#include <utility>

namespace holdfast::testing {
namespace {

void need(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL does not ") + what);
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  need(made != nullptr && X509_add_ext(certificate, made, -1) == 1, "make an extension");
  X509_EXTENSION_free(made);
}

template <typename Write>
void write_file(const std::string& path, Write write) {
  std::remove(path.c_str());
  std::FILE* file = std::fopen(path.c_str(), "we");
  need(file != nullptr, "open a file");
  ::chmod(path.c_str(), 0600);
  need(write(file) == 1, "write a file");
  need(std::fclose(file) == 0, "close a file");
}

}  // namespace

void TestAuthority::Free::operator()(x509_st* certificate) const { X509_free(certificate); }
void TestAuthority::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

TestAuthority::TestAuthority(std::string directory, const std::string& name)
    : directory_(std::move(directory)), file_(directory_ + "/" + name + ".pem") {
  key_.reset(EVP_EC_gen("P-256"));
  IssueOptions options;
  options.subject = "Holdfast tests " + name;
  root_ = make(key_.get(), options, true);
  write_file(file_, [&](std::FILE* file) { return PEM_write_X509(file, root_.get()); });
}

TestAuthority::~TestAuthority() = default;

TestAuthority::Certificate TestAuthority::make(evp_pkey_st* key, const IssueOptions& options,
                                               bool is_root) const {
  Certificate made(X509_new());
  X509_set_version(made.get(), 2);
  unsigned char serial[8] = {};
  RAND_bytes(serial, sizeof serial);
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get()));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), options.from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), options.until_seconds);
  X509_NAME* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.subject.c_str()), -1,
                             -1, 0);
  X509* const issuer = is_root ? made.get() : root_.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  need(X509_set_pubkey(made.get(), key) == 1, "take a key");
  extend(made.get(), issuer, NID_basic_constraints, is_root ? "critical,CA:TRUE" : "CA:FALSE");
  if (!is_root) extend(made.get(), issuer, NID_subject_alt_name, options.names);
  need(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0, "sign");
  return made;
}

IssuedFiles TestAuthority::issue(const std::string& name, const IssueOptions& options) const {
  const Key key(options.rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(options.rsa_bits))
                                     : EVP_EC_gen("P-256"));
  need(key != nullptr, "make a key");
  const Certificate certificate = make(key.get(), options, false);
  IssuedFiles files{directory_ + "/" + name + ".pem", directory_ + "/" + name + ".key"};
  write_file(files.certificate,
             [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  const std::string& phrase = options.passphrase;
  write_file(files.key, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), phrase.empty() ? nullptr : EVP_aes_256_cbc(),
                                reinterpret_cast<const unsigned char*>(phrase.data()),
                                static_cast<int>(phrase.size()), nullptr, nullptr);
  });
  return files;
}

}  // namespace holdfast::testing
