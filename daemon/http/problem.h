// Errors on the wire: RFC 9457 problem details, and the validation shape that
// the platforms' clients know.
//
// The type is "urn:holdfast:problem:<word>"; the words are those of the table in
// base/result.cc plus the ones below. A client may rely on type and status;
// title and detail are for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "daemon/http/response.h"

namespace holdfast::http {

struct Problem {
  int status = 500;
  std::string word;   // "not-found", "bad-link", "link-expired", "already-destroyed", "erased", …
  std::string title;  // short, the same for every occurrence of the word
  std::string detail;  // this occurrence: operation and object
  json::object extra;  // further members, such as retry times or hold names
};

// By the table of base/result.h; a kIo for want of descriptors or memory is told
// as kUnavailable. A kIo or kCorrupt detail names paths of the appliance: the
// outside reads the title, the log gets the detail.
Problem problem_of(const Error& error);

Response problem_response(const Problem& problem);
Response problem_response(const Error& error);
// With a word of its own: problem_response(409, "erased", "recording … was erased"); and further
// members.
Response problem_response(int status, std::string_view word, std::string_view detail,
                          json::object extra = {});

// One wrong field of a request.
struct FieldError {
  std::vector<std::string> location;  // {"path", "workspace_id"}
  std::string message;
  std::string type;  // "uuid_parsing", "value_error", "missing", …
  json::value input = nullptr;
};

// 422 {"detail":[{"loc":[…],"msg":"…","type":"…"}]} (contracts, section 1).
Response validation_response(const std::vector<FieldError>& errors);

}  // namespace holdfast::http
