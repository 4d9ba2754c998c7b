// What we refuse before anyone interprets it. Boost.Beast parses; these rules
// decide, on the raw bytes before it and on the fields after it. Where two
// programs on a path could read one message differently (request smuggling),
// the answer is 400 and the connection ends; RFC 9112, sections 2.2, 3, 5, 6, 9.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/http/request.h"

namespace holdfast::http {

// A request that is not accepted: 400, 408, 413, 414, 417, 431, 501 or 505. The
// connection ends with the answer.
struct Refusal {
  int status = 400;
  std::string reason;
};

// The first rule that `bytes` break, as far as they have arrived: bare CR or LF,
// NUL and other control bytes, a folded line, an empty first line. `from` bytes
// were examined by an earlier call. An incomplete head is judged by what is there,
// so that a broken one is not waited for.
std::optional<Refusal> check_head_bytes(std::string_view bytes, size_t from);

// The request line alone ("GET /x HTTP/1.1" without CR LF): method, target length
// and characters, version.
std::optional<Refusal> check_request_line(std::string_view line);

// Rules about one complete head, with `request.method`, `target`, `minor_version`
// and `headers` filled. Fills what they say: content_length, chunked, keep_alive,
// expects_continue, and turns a valid absolute-form target into origin-form.
std::optional<Refusal> check_fields(Request& request);

// What follows the size in a chunk's first line: nothing, or extensions, which we ignore.
std::optional<Refusal> check_chunk_extension(std::string_view extension);

}  // namespace holdfast::http
