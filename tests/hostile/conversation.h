// Bytes to a server on 127.0.0.1, and what it made of them.
//
// Both servers (saw_server.h, nginx_process.h) answer a request that they take with 204 and
// "X-Saw: METHOD target length-of-body", so that a transcript tells how the server framed the
// bytes. The hostile bytes are followed by a probe, a sound request; then our side of the
// connection is shut. Whether the probe was answered says whether the connection was kept, and
// nobody waits for a deadline: with the end of the input every server comes to an end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::hostile {

inline constexpr std::string_view kProbe = "GET /probe HTTP/1.1\r\nHost: h\r\n\r\n";
inline constexpr std::string_view kProbeSaw = "GET /probe 0";

struct Outcome {
  std::vector<std::string> taken;  // X-Saw of the requests that were taken, the probe left out
  int refusal = 0;                 // status of the first refusal, 0: none was told
  bool kept = false;               // the probe was answered as the last
  bool hung = false;               // nothing came for so long that the test gave up

  bool operator==(const Outcome&) const = default;
};

// "GET /a 0, 400, closed" for people.
std::string to_text(const Outcome& outcome);

// The bytes that a server answered, read: exposed for its own test.
Outcome read_transcript(std::string_view transcript);

// Sends `bytes`, cut in two at `cut` (no cut when it is 0 or the end), then the probe. Throws
// std::runtime_error when nobody listens.
Outcome converse(int port, std::string_view bytes, size_t cut = 0);

}  // namespace holdfast::hostile
