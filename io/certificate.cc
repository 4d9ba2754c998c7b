#include "io/certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/time_text.h"
#include "io/fd.h"

namespace holdfast {
namespace {

constexpr size_t kPemBytesMax =
    1 << 20;                       // a chain is some kilobytes, a bundle of roots some hundred
constexpr int kRsaBitsMin = 2048;  // what TLS libraries of today accept of a server

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, X509Free>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

Bio bio_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Reads a PEM file whole; `closed`: refuses one that others can read or change.
Result<std::string> read_pem(const std::string& path, const std::string& what, bool closed) {
  const std::string where = what + " " + path;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT) return Error{Code::kNotFound, where + ": there is no such file"};
    if (errno == EACCES)
      return Error{Code::kForbidden, where +
                                         ": this user cannot read it; give it to the daemon's "
                                         "group with mode 0640, or use a credential"};
    return system_error(errno, "read the " + where);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error(errno, "look at the " + where);
  if (!S_ISREG(status.st_mode)) return Error{Code::kInvalid, where + ": is not a file"};
  if (closed && (status.st_mode & 0037) != 0)
    return Error{Code::kForbidden,
                 where + ": others than its owner can use it; its mode should be 0600 or 0640"};
  std::string text;
  char buffer[8192];
  ssize_t got = 0;
  do {
    got = ::read(file.get(), buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
  } while ((got > 0 && text.size() <= kPemBytesMax) || (got < 0 && errno == EINTR));
  if (got < 0) return system_error(errno, "read the " + where);
  if (text.size() > kPemBytesMax)
    return Error{Code::kInvalid, where + ": larger than 1 MiB, not a PEM file"};
  return text;
}

UnixMillis time_of(const ASN1_TIME* time) {
  struct tm parts {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return UnixMillis(0);
  return UnixMillis(static_cast<int64_t>(::timegm(&parts)) * 1000);
}

std::string subject_of(const X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return length <= 0 ? "" : std::string(text, static_cast<size_t>(length));
}

std::string name_text(const GENERAL_NAME* name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(name, &type);
  if (type != GEN_DNS && type != GEN_IPADD) return "";
  const auto* string = static_cast<const ASN1_STRING*>(value);
  const unsigned char* data = ASN1_STRING_get0_data(string);
  const auto length = static_cast<size_t>(ASN1_STRING_length(string));
  if (type == GEN_DNS) return {reinterpret_cast<const char*>(data), length};
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(length == 4 ? AF_INET : AF_INET6, data, text, sizeof text);
  return text;
}

CertificateFacts facts_of(const X509* certificate) {
  CertificateFacts facts;
  facts.subject = subject_of(certificate);
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i)
    if (std::string text = name_text(sk_GENERAL_NAME_value(names.get(), i)); !text.empty())
      facts.names.push_back(std::move(text));
  return facts;
}

std::vector<Certificate> certificates_in(std::string_view pem) {
  std::vector<Certificate> all;
  const Bio in = bio_of(pem);
  while (X509* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
  ERR_clear_error();  // the end of the file is told as an error
  return all;
}

// A key with a passphrase cannot be had: nobody is there to type it.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<Key> key_in(std::string_view pem, const std::string& path) {
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, no_passphrase, &asked));
  ERR_clear_error();
  if (asked)
    return Error{Code::kInvalid, "private key " + path +
                                     ": is locked by a passphrase; expected one without "
                                     "(openssl pkey -in FILE -out FILE)"};
  if (!key)
    return Error{Code::kInvalid, "private key " + path +
                                     ": holds no private key in PEM form "
                                     "(-----BEGIN PRIVATE KEY-----)"};
  return key;
}

Status check_strength(EVP_PKEY* key, const std::string& path) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < kRsaBitsMin)
    return Error{Code::kInvalid, "private key " + path + ": an RSA key of " +
                                     std::to_string(EVP_PKEY_get_bits(key)) +
                                     " bits; expected 2048 or more"};
  return {};
}

}  // namespace

KeyPair::~KeyPair() {
  if (!key.empty()) OPENSSL_cleanse(key.data(), key.size());
}

Result<std::vector<CertificateFacts>> parse_certificates(std::string_view pem,
                                                         const std::string& path) {
  std::vector<CertificateFacts> all;
  for (const Certificate& one : certificates_in(pem)) all.push_back(facts_of(one.get()));
  if (all.empty())
    return Error{Code::kInvalid, "certificate " + path +
                                     ": holds no certificate in PEM form "
                                     "(-----BEGIN CERTIFICATE-----)"};
  return all;
}

Result<std::vector<CertificateFacts>> read_certificates(const std::string& path) {
  HOLDFAST_ASSIGN(text, read_pem(path, "certificate", false));
  return parse_certificates(text, path);
}

Status check_in_force(const CertificateFacts& facts, const std::string& path, UnixMillis now) {
  const std::string what = "certificate " + path + " (" + facts.subject + "): ";
  if (now < facts.not_before)
    return Error{Code::kInvalid, what + "is in force only from " + to_iso(facts.not_before) +
                                     "; is the clock right?"};
  if (now >= facts.not_after)
    return Error{Code::kInvalid,
                 what + "has expired at " + to_iso(facts.not_after) + "; expected a renewed one"};
  return {};
}

Result<KeyPair> read_key_pair(const KeyPairFiles& files, std::optional<UnixMillis> now) {
  KeyPair pair;
  HOLDFAST_ASSIGN(chain, read_pem(files.certificate, "certificate", false));
  pair.chain = std::move(chain);
  HOLDFAST_ASSIGN(facts, parse_certificates(pair.chain, files.certificate));
  pair.facts = facts.front();
  for (const CertificateFacts& one : facts) {
    if (now) HOLDFAST_TRY(check_in_force(one, files.certificate, *now));
    pair.facts.not_before = std::max(pair.facts.not_before, one.not_before);
    pair.facts.not_after = std::min(pair.facts.not_after, one.not_after);
  }
  HOLDFAST_ASSIGN(text, read_pem(files.key, "private key", true));
  pair.key = std::move(text);
  HOLDFAST_ASSIGN(key, key_in(pair.key, files.key));
  HOLDFAST_TRY(check_strength(key.get(), files.key));
  if (X509_check_private_key(certificates_in(pair.chain).front().get(), key.get()) != 1) {
    ERR_clear_error();
    return Error{Code::kConflict, "private key " + files.key + ": is not the key of certificate " +
                                      files.certificate +
                                      ", whose own certificate must come first in its file"};
  }
  return pair;
}

}  // namespace holdfast
