// Files from the daemon to a directory: written beside their place under a temporary name,
// checked by SHA-256, made durable, then renamed (io/publish.h). What is found under the name
// is whole and right.
#pragma once

#include <optional>
#include <string>

#include "client/http_client.h"
#include "io/io.h"

namespace holdfast {

// What the file must be, as a listing told it.
struct ExpectedFile {
  Bytes size;
  Digest digest;
};

struct DownloadTarget {
  int directory_fd = -1;
  std::string relative;  // below the directory; its own directory exists
  // The answer's Repr-Digest is checked in any case; an answer with neither is refused
  // (kCorrupt): nothing unproven is kept.
  std::optional<ExpectedFile> expected;
};

struct Downloaded {
  HttpResponse response;  // what came beside the bytes; empty (status 0) when `was_there`
  Bytes size;
  Digest digest;
  bool was_there = false;  // the right bytes were under the name already: nothing was asked
};

// True when the right bytes are under the name already; kConflict when others are.
Result<bool> is_downloaded(Io& io, const DownloadTarget& target);

// Fetches one file. `request.sink` is set here. Errors: those of HttpClient::request; kArchived
// for a 202, whose answer is then in `*archived`; kCorrupt when the bytes and their digest
// disagree (nothing is left behind); kConflict when the name exists with other bytes.
Result<Downloaded> download(HttpClient& client, Io& io, HttpRequest request,
                            const DownloadTarget& target, HttpResponse* archived);

// The SHA-256 in a Repr-Digest header (RFC 9530): "sha-256=:<base64>:"; nothing when there is
// none, kInvalid when it cannot be read.
Result<std::optional<Digest>> digest_in(const HttpResponse& response);

}  // namespace holdfast
