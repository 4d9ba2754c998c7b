// One request as the handler sees it: parsed, checked against the policy
// (policy.h), decoded once. Nothing here touches a socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };
std::string_view to_word(Method method);

// Which socket a request came through; authentication differs.
enum class ListenerKind {
  kPublic,  // TCP: bearer keys and signed links
  kAdmin,   // admin.sock: peer credentials
  kMount,   // mount.sock: peer credentials, the mount's few questions
};

// Fields of a head or a part, in order; names in lower case.
class Headers {
 public:
  struct Field {
    std::string name;   // lower case
    std::string value;  // without surrounding white space
  };

  void add(std::string_view name, std::string_view value);
  // Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  // The first value; nothing when absent. `name` in any case.
  std::optional<std::string_view> find(std::string_view name) const;
  size_t count(std::string_view name) const;
  // All values joined by ", " (RFC 9110, 5.2); nothing when absent.
  std::optional<std::string> joined(std::string_view name) const;
  const std::vector<Field>& fields() const { return fields_; }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

// One segment of the path between slashes, percent-decoded once.
struct PathSegment {
  std::string text;
  // False when the segment is "." or "..", or decodes to a '/', a '\', a control
  // byte or a byte above 126: nothing that may ever name a file. The route layer answers 400.
  bool plain = true;
};

struct QueryParameter {
  std::string name;   // percent-decoded, '+' is a space
  std::string value;  // likewise; "" when there is no '='
};

// The other end of a Unix socket, by SO_PEERCRED at accept.
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

struct Request {
  Method method = Method::kGet;
  std::string target;                      // as received; origin-form ("/…") or "*"
  std::string path;                        // raw, up to '?'
  std::string query;                       // raw, after '?'; "" when absent
  std::vector<PathSegment> segments;       // of "/a/b": a, b; of "/": none; "/a/": a, ""
  std::vector<QueryParameter> parameters;  // in order, repeated ones too
  Headers headers;
  int minor_version = 1;  // HTTP/1.x
  std::optional<int64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;  // what the client's version and Connection field ask for
  bool expects_continue = false;
  ListenerKind listener = ListenerKind::kPublic;
  std::string remote;                   // "127.0.0.1:51312", "[::1]:51312" or "unix:<pid>"
  std::optional<PeerCredentials> peer;  // of a Unix socket
  std::string client_certificate;       // SHA-256 in hex of the one it was let in with; or ""

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  // The value of the only parameter of that name; nothing when absent or repeated.
  std::optional<std::string_view> parameter(std::string_view name) const;
  size_t parameter_count(std::string_view name) const;
  // The token of "Authorization: Bearer <token>"; nothing when absent or of another scheme.
  std::optional<std::string_view> bearer() const;
};

// Replaces %XX; with `plus_is_space` also '+'. kInvalid on a broken escape.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
// Everything but unreserved characters (RFC 3986) becomes %XX.
std::string percent_encode(std::string_view text);

// Fills path, query, segments and parameters of `request` from its target.
// kInvalid on a broken escape or more than 256 parameters.
Status split_target(Request& request);

// The word of `Prefer: wait=N` (RFC 7240): seconds, 0 when absent or malformed.
int64_t preferred_wait_seconds(const Request& request);

// Equality without regard to ASCII case.
bool equals_ignoring_case(std::string_view a, std::string_view b);
// Without the optional white space around it, spaces and tabs (RFC 9110, 5.6.3).
std::string_view trimmed(std::string_view text);

}  // namespace holdfast::http
