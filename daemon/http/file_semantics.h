// HTTP file semantics as a pure function: RFC 9110 sections 13 (conditions) and
// 14 (ranges), RFC 9530 (digests). No descriptor, no clock.
//
// Choices where the RFC leaves one
// - One satisfiable range: 206. Several ranges: the full 200, which every client
//   must accept and which never multiplies the work of a request.
// - A Range field we cannot parse, or of another unit, is ignored (200).
// - Range counts for GET only; HEAD answers as if it were absent.
// - ETags are strong: the representation never changes under its name.
#pragma once

#include <optional>
#include <string>

#include "base/types.h"
#include "daemon/http/request.h"

namespace holdfast::http {

// What is known of the file without opening it.
struct FileFacts {
  Bytes size{0};
  std::string etag;             // without quotes: hexadecimal digest
  UnixMillis last_modified{0};  // told to the second
  std::string content_type = "application/octet-stream";
  std::optional<Digest> sha256;  // of the whole file: Digest and Repr-Digest
  std::string download_name;     // Content-Disposition: attachment when not empty
  std::string cache_control = "private, no-cache";  // kept, but asked again each time
};

// What to answer. `length` bytes from `offset` are the body; 0 for 304, 412, 416
// and an empty file. For HEAD the server leaves the body out.
struct FilePlan {
  int status = 200;  // 200, 206, 304, 412 or 416
  Headers headers;   // everything but Content-Length
  int64_t offset = 0;
  int64_t length = 0;
};

FilePlan plan_file(const Request& request, const FileFacts& facts);

// RFC 4648 base64 with padding, as digest fields want it.
std::string to_base64(ByteSpan bytes);

}  // namespace holdfast::http
