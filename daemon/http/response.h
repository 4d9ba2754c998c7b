// What a handler answers, and how its head is written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/types.h"
#include "daemon/http/request.h"

namespace holdfast::http {

// A complete answer in memory. The server adds Date, Content-Length, Connection
// and X-Content-Type-Options; for HEAD it sends the head alone.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  bool close = false;  // the connection ends after this answer
};

// A range of an open file, sent by sendfile.
struct FileResponse {
  int status = 200;
  Headers headers;  // with Content-Type, ETag, Content-Range, …; not Content-Length
  int fd = -1;      // readable, of a regular file; positions are not touched
  std::shared_ptr<const void> keeper;  // owns the descriptor; let go when the answer is over
  int64_t offset = 0;
  int64_t length = 0;
  // Called once on the loop when the answer is over: bytes of the file that were
  // handed to the kernel; fewer than `length` when the client left, stalled, or
  // the file had become shorter (the connection is then cut, never padded).
  std::function<void(Bytes sent)> done;
};

Response json_response(int status, const json::value& value);
Response text_response(int status, std::string_view content_type, std::string body);
// 204 when `status` says so: no body, no Content-Length.
Response empty_response(int status);

// The standard reason phrase, "" for a status we do not know.
std::string_view reason_phrase(int status);

// The head with its empty line. A field whose name or value holds a control
// byte is a bug of ours; it is left out and logged, never sent.
std::string serialize_head(int status, const Headers& headers);

}  // namespace holdfast::http
