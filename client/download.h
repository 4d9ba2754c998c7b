// Files from the daemon to a directory: written beside their place under a temporary name,
// checked by SHA-256, durable, then renamed. What is found under the name is whole and right.
#pragma once

#include <optional>
#include <string>

#include "client/http_client.h"

namespace holdfast {

struct DownloadTarget {
  std::string directory;  // exists
  std::string name;       // one path segment
  // What the file must be, when the caller knows it from a listing. The answer's Repr-Digest is
  // checked in any case; an answer with neither is refused (kCorrupt): nothing unproven is kept.
  std::optional<Digest> expected;
};

struct Downloaded {
  HttpResponse response;  // status 200: the file is in its place. 202: archived, nothing written
  Bytes size;
  Digest digest;
};

// Fetches one file. `request.sink` is set here. Errors: those of HttpClient::request; kCorrupt
// when bytes and digest disagree (the temporary file is removed); kConflict when the name exists
// with other bytes (with the same bytes it is left alone and counts as fetched).
Result<Downloaded> download(HttpClient& client, HttpRequest request, const DownloadTarget& target);

// The SHA-256 in a Repr-Digest header (RFC 9530): "sha-256=:<base64>:"; nothing when there is
// none, kInvalid when it cannot be read.
Result<std::optional<Digest>> digest_in(const HttpResponse& response);

}  // namespace holdfast
