// A second reader of requests: RFC 9112 by hand, on bytes that are all there, with the choices that
// our server documents (daemon/http/policy.h, base/limits.h). It shares no code with the product.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::hostile {

struct StrictReading {
  std::vector<std::string> taken;  // "METHOD target length-of-body", as X-Saw (conversation.h)
  std::vector<std::string> notes;  // of each why nginx refuses it all the same, "" when it does not
  // Why nothing further is taken: "" at the end of the bytes, else the rule that the next request
  // breaks, or what ended the connection.
  std::string stop;
};

StrictReading read_strictly(std::string_view bytes);

}  // namespace holdfast::hostile
