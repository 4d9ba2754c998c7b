#include "daemon/http/signed_link.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/limits.h"

namespace holdfast::http {
namespace {

constexpr int64_t kKidMax = (int64_t{1} << 31) - 1;
constexpr int64_t kExpiryMax = 253'402'300'799;  // the year 9999 ends
constexpr int64_t kUidMax = (int64_t{1} << 32) - 1;
constexpr size_t kSignatureCharacters = 43;  // base64url of 32 bytes

// The parameters of a link in the order in which they are minted.
enum Parameter { kVersion, kKid, kKey, kExp, kJti, kRst, kTtl, kDl, kSig, kParameterCount };
constexpr std::array<std::string_view, kParameterCount> kNames = {"v",   "kid", "key", "exp", "jti",
                                                                  "rst", "ttl", "dl",  "sig"};
using Values = std::array<std::optional<std::string_view>, kParameterCount>;

// 1 to `most` in decimal without leading zeros: one number has one spelling.
std::optional<int64_t> parse_positive(std::string_view text, int64_t most) {
  if (text.empty() || text.size() > 12 || text.front() == '0') return std::nullopt;
  int64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > most) return std::nullopt;
  return value;
}

bool is_minter(std::string_view text) {
  constexpr std::string_view kLocal = "uid";
  if (text.size() == 26) return KeyId::from_text(text).ok();
  if (text.substr(0, kLocal.size()) != kLocal) return false;
  const std::string_view uid = text.substr(kLocal.size());
  return uid == "0" || parse_positive(uid, kUidMax).has_value();
}

void append_field(std::string& message, std::string_view field) {
  const auto length = static_cast<uint32_t>(field.size());
  for (int shift = 24; shift >= 0; shift -= 8)
    message += static_cast<char>((length >> shift) & 0xff);
  message += field;
}

// What is signed: ten fields, each behind its length (docs/signed-links.md). A field
// that is absent is empty; none that is present can be.
std::string signed_message(const WorkspaceId& workspace, std::string_view path,
                           const Values& values) {
  std::string message;
  append_field(message, *values[kVersion]);
  append_field(message, *values[kKid]);
  append_field(message, as_text(workspace.bytes));
  append_field(message, path);
  append_field(message, *values[kExp]);
  append_field(message, *values[kJti]);
  append_field(message, values[kRst].value_or(""));
  append_field(message, values[kTtl].value_or(""));
  append_field(message, values[kDl] ? "attachment" : "");
  append_field(message, *values[kKey]);
  return message;
}

std::optional<std::array<std::byte, 32>> hmac_sha256(const SigningKey& key,
                                                     std::string_view message) {
  std::array<std::byte, 32> code{};
  unsigned int length = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(),
           reinterpret_cast<unsigned char*>(code.data()), &length);
  if (made == nullptr || length != code.size()) return std::nullopt;
  return code;
}

// Splits the raw query. Every name must be known, occur once and have a value; no
// character may be escaped. Gives the reason when that is not so.
std::string split_query(std::string_view query, Values& values) {
  if (query.empty()) return "no parameters";
  while (true) {
    const std::string_view pair = query.substr(0, query.find('&'));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return "a parameter has no value";
    const auto known = std::find(kNames.begin(), kNames.end(), pair.substr(0, equals));
    if (known == kNames.end()) return "an unknown parameter";
    auto& value = values[static_cast<size_t>(known - kNames.begin())];
    if (value) return "a parameter is repeated";
    value = pair.substr(equals + 1);
    if (value->empty()) return "a parameter is empty";
    if (pair.size() == query.size()) return "";
    query.remove_prefix(pair.size() + 1);
  }
}

// Reads the values into `link`; gives the reason when one is outside its grammar.
std::string read_values(const Values& values, Link& link) {
  for (const Parameter needed : {kVersion, kKid, kKey, kExp, kJti, kSig})
    if (!values[needed]) return "parameter " + std::string(kNames[needed]) + " is missing";
  if (values[kRst].has_value() != values[kTtl].has_value()) return "rst and ttl go together";
  if (*values[kVersion] != "1") return "an unknown version";
  if (values[kDl] && *values[kDl] != "1") return "dl is 1 or absent";

  const std::optional<int64_t> kid = parse_positive(*values[kKid], kKidMax);
  if (!kid) return "kid is not a key's number";
  const std::optional<int64_t> expiry = parse_positive(*values[kExp], kExpiryMax);
  if (!expiry) return "exp is not a time";
  if (!is_minter(*values[kKey])) return "key is not a key's id";
  const Result<LinkId> jti = LinkId::from_text(*values[kJti]);
  if (!jti.ok()) return "jti is not an id";
  if (values[kRst]) {
    const Result<RestoreId> restore = RestoreId::from_text(*values[kRst]);
    if (!restore.ok()) return "rst is not an id";
    link.restore = *restore;
    link.restore_ttl_s = parse_positive(*values[kTtl], limits::kRestoreLinkCapSeconds);
    if (!link.restore_ttl_s) return "ttl is not a number of seconds";
  }
  link.kid = *kid;
  link.expires_at_s = *expiry;
  link.minted_by = *values[kKey];
  link.jti = *jti;
  link.attachment = values[kDl].has_value();
  return "";
}

}  // namespace

Result<SigningKey> derive_signing_key(ByteSpan master, const WorkspaceId& workspace, int64_t kid) {
  struct Free {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
  };
  const Error failed{Code::kIo, "derive a signing key: OpenSSL refused HKDF"};
  std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  if (!kdf) return failed;
  std::unique_ptr<EVP_KDF_CTX, Free> context(EVP_KDF_CTX_new(kdf.get()));
  if (!context) return failed;

  using namespace std::string_literals;
  std::string digest = "SHA256";
  std::string info = "holdfast signed link 1\0"s + std::to_string(kid);
  // OpenSSL's parameters are not const, though these are only read.
  auto* secret = const_cast<std::byte*>(master.data());
  auto* salt = const_cast<std::byte*>(workspace.bytes.data());
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, master.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, workspace.bytes.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end(),
  };
  SigningKey key{};
  const int made = EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(key.data()),
                                  key.size(), parameters);
  if (made != 1) return failed;
  return key;
}

Result<std::string> mint_link(const SigningKey& key, const WorkspaceId& workspace,
                              std::string_view path, const Link& link) {
  const std::string kid = std::to_string(link.kid);
  const std::string expiry = std::to_string(link.expires_at_s);
  const std::string jti = link.jti.text();
  const std::string restore = link.restore ? link.restore->text() : "";
  const std::string ttl = link.restore_ttl_s ? std::to_string(*link.restore_ttl_s) : "";
  const std::string unsigned_yet(kSignatureCharacters, 'A');

  Values values;
  values[kVersion] = "1";
  values[kKid] = kid;
  values[kKey] = link.minted_by;
  values[kExp] = expiry;
  values[kJti] = jti;
  if (link.restore) values[kRst] = restore;
  if (link.restore_ttl_s) values[kTtl] = ttl;
  if (link.attachment) values[kDl] = "1";
  values[kSig] = unsigned_yet;

  // One grammar for both directions: what is minted can be read back.
  Link read_back;
  if (const std::string reason = read_values(values, read_back); !reason.empty())
    return Error{Code::kInvalid, "mint a signed link: " + reason};
  if (path.empty() || path.front() != '/' || path.find_first_of("?# ") != std::string_view::npos)
    return Error{Code::kInvalid, "mint a signed link: the path is not a raw URL path"};

  const auto code = hmac_sha256(key, signed_message(workspace, path, values));
  if (!code) return Error{Code::kIo, "mint a signed link: OpenSSL refused HMAC"};
  const std::string signature = to_base64url(*code);
  values[kSig] = signature;
  std::string query;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    if (!query.empty()) query += '&';
    query += kNames[i];
    query += '=';
    query += *values[i];
  }
  return query;
}

LinkCheck check_link(const Request& request, const WorkspaceId& workspace, UnixMillis now,
                     const SigningKeys& keys) {
  LinkCheck check;
  Values values;
  Link link;
  check.reason = split_query(request.query, values);
  if (!check.reason.empty()) return check;
  check.reason = read_values(values, link);
  if (!check.reason.empty()) return check;

  const std::optional<SigningKey> key = keys.find(workspace, link.kid);
  if (!key) {
    check.reason = "the link's signing key is not live";
    return check;
  }
  const auto expected = hmac_sha256(*key, signed_message(workspace, request.path, values));
  if (!expected) {
    check.reason = "the signature could not be computed";
    return check;
  }
  // The text is compared, not the bytes behind it: one signature has one spelling.
  const std::string expected_text = to_base64url(*expected);
  const std::string_view given = *values[kSig];
  const bool same = given.size() == expected_text.size() &&
                    CRYPTO_memcmp(given.data(), expected_text.data(), given.size()) == 0;
  if (!same) {
    check.reason = "the signature does not match";
    return check;
  }
  check.link = link;
  const bool expired = now >= UnixMillis(link.expires_at_s * 1000);
  check.state = expired ? LinkState::kExpired : LinkState::kValid;
  if (expired) check.reason = "the link has expired";
  return check;
}

bool claims_link(const Request& request) {
  return std::any_of(
      request.parameters.begin(), request.parameters.end(), [](const QueryParameter& parameter) {
        return parameter.name != kNames[kDl] &&
               std::find(kNames.begin(), kNames.end(), parameter.name) != kNames.end();
      });
}

}  // namespace holdfast::http
