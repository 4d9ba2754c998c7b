// A certificate authority for tests, and what it gives out: real files, made anew in each run.
#pragma once

#include <memory>
#include <string>

struct x509_st;
struct evp_pkey_st;

namespace holdfast::testing {

struct IssuedFiles {
  std::string certificate;
  std::string key;
};

struct IssueOptions {
  std::string subject = "archive.test";
  std::string names = "DNS:localhost,IP:127.0.0.1";  // as X509v3_config(5) writes them
  int64_t from_seconds = -3600;                      // from now
  int64_t until_seconds = 30 * 24 * 3600;
  int rsa_bits = 0;  // 0: a P-256 key
  std::string passphrase;
};

// Throws std::runtime_error when OpenSSL refuses.
class TestAuthority {
 public:
  // `directory` is there; files are written to it as `name`.pem and so on.
  explicit TestAuthority(std::string directory, const std::string& name = "ca");
  ~TestAuthority();

  // Its own certificate, for clients.
  const std::string& file() const { return file_; }
  // `name`.pem and `name`.key (mode 0600); what was there is replaced.
  IssuedFiles issue(const std::string& name, const IssueOptions& options = {}) const;

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
    void operator()(evp_pkey_st* key) const;
  };
  using Certificate = std::unique_ptr<x509_st, Free>;
  using Key = std::unique_ptr<evp_pkey_st, Free>;

  Certificate make(evp_pkey_st* key, const IssueOptions& options, bool is_root) const;

  const std::string directory_;
  std::string file_;
  Key key_;
  Certificate root_;
};

}  // namespace holdfast::testing
