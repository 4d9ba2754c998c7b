// A certificate and its private key, as a TLS server needs them: read from PEM files and checked,
// so that a wrong pair is refused where somebody looks (--check-config, a start, a reload, doctor),
// and not at a client's first connection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace holdfast {

struct CertificateFacts {
  std::string subject;             // "CN=archive.example.com"
  std::vector<std::string> names;  // that clients may know the server by: DNS names and addresses
  UnixMillis not_before;
  UnixMillis not_after;

  friend bool operator==(const CertificateFacts&, const CertificateFacts&) = default;
};

struct KeyPairFiles {
  std::string certificate;  // the server's own first, then those that lead to a root
  std::string key;          // without a passphrase; closed to others
};

// The texts of a pair that belongs together. `key` is erased from memory with it.
struct KeyPair {
  KeyPair() = default;
  KeyPair(KeyPair&& other) noexcept = default;
  KeyPair& operator=(KeyPair&&) = delete;
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair();

  std::string chain;
  std::string key;
  CertificateFacts facts;  // of its own certificate; in force while the whole chain is
};

// kInvalid when the certificate of `path` is not in force at `now`.
Status check_in_force(const CertificateFacts& facts, const std::string& path, UnixMillis now);

// Reads both and checks that the certificate and its chain are in force at `now` (none: whenever),
// that the key is its own, and that nobody but its owner and its group can read it. Errors name the
// file and what would be right: kNotFound, kForbidden (unreadable, or usable by others), kInvalid
// (no certificate or key in it, a passphrase, not yet or no longer in force, too weak), kConflict
// (of two different pairs), kIo.
Result<KeyPair> read_key_pair(const KeyPairFiles& files, std::optional<UnixMillis> now);

// The certificates of a PEM file, such as those of a CA; kInvalid when there is none.
Result<std::vector<CertificateFacts>> read_certificates(const std::string& path);
// The same, of the text.
Result<std::vector<CertificateFacts>> parse_certificates(std::string_view pem,
                                                         const std::string& path);

}  // namespace holdfast
