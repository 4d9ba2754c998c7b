// One request from bytes: Boost.Beast's parser between our rules (policy.h).
// parser.cc is the only source that includes Beast, and uses it without Asio's I/O.
//
//   head → body → done        any step may refuse: the connection is then over
//
// Invariants
// - Nothing is kept of the body: its pieces are spans of the caller's input.
// - What the parser did not consume belongs to the next request, or is more of this
//   one's body once further bytes have arrived.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/types.h"
#include "daemon/http/policy.h"
#include "daemon/http/request.h"

namespace holdfast::http {

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // `head` is complete: it ends with the first empty line of the input. Fills
  // everything of `request` but listener, remote and peer.
  std::optional<Refusal> parse_head(std::string_view head, Request& request);

  // One step through the body. `input` begins with what the previous step did not consume.
  struct BodyStep {
    size_t consumed = 0;
    ByteSpan data;  // within `input`; may be empty
    bool done = false;
    bool need_more = false;  // call again when `input` has grown
    std::optional<Refusal> refusal;
  };
  BodyStep parse_body(std::string_view input);

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

// The bytes of `input` up to and including its first empty line; nothing while incomplete.
std::optional<size_t> find_head_end(std::string_view input, size_t from);

}  // namespace holdfast::http
