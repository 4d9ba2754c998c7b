// How the tables of hostile_requests.h are written: by hostile_heads.cc and hostile_bodies.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/hostile/hostile_requests.h"

namespace holdfast::hostile {

using Table = std::vector<Hostile>;

void add_request_lines(Table& all);
void add_targets(Table& all);
void add_hosts(Table& all);
void add_fields(Table& all);
void add_line_ends(Table& all);
void add_lengths(Table& all);
void add_codings(Table& all);
void add_chunks(Table& all);
void add_connections(Table& all);

// Refused with a status; nothing behind it is served.
inline Hostile refused(std::string name, int status, std::string bytes, std::string differs = "") {
  return {std::move(name), std::move(bytes), {{}, status, false, false}, std::move(differs)};
}
// Never complete, or no request at all: nothing is answered.
inline Hostile unanswered(std::string name, std::string bytes, std::string differs = "") {
  return {std::move(name), std::move(bytes), {{}, 0, false, false}, std::move(differs)};
}
// Served, and the connection kept.
inline Hostile served(std::string name, std::vector<std::string> saw, std::string bytes,
                      std::string differs = "") {
  return {std::move(name), std::move(bytes), {std::move(saw), 0, true, false}, std::move(differs)};
}
// Served, and the connection closed after it.
inline Hostile last(std::string name, std::vector<std::string> saw, std::string bytes,
                    std::string differs = "") {
  return {std::move(name), std::move(bytes), {std::move(saw), 0, false, false}, std::move(differs)};
}

inline std::string head_of(const std::string& first, const std::string& lines) {
  return first + "\r\n" + lines + "\r\n";
}
inline std::string line(const std::string& first) { return head_of(first, "Host: h\r\n"); }
inline std::string target(const std::string& text) { return line("GET " + text + " HTTP/1.1"); }
inline std::string host(const std::string& lines) { return head_of("GET /a HTTP/1.1", lines); }
inline std::string field(const std::string& lines) { return host("Host: h\r\n" + lines); }
inline std::string post(const std::string& lines, const std::string& body) {
  return head_of("POST /a HTTP/1.1", "Host: h\r\n" + lines) + body;
}
inline std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
// Served where a body was framed otherwise than its sender meant.
inline const std::string kHidden = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
inline const std::string kHello = "5\r\nhello\r\n0\r\n\r\n";

// Where nginx is laxer, and why we are not.
inline constexpr char kSpaces[] = "3: one space between the words of a request line";
inline constexpr char kBareCr[] = "2.2: a lone CR is no end of a line, nor nothing";
inline constexpr char kMethod[] = "9110, 9.1: a method that nobody here knows is 501";
inline constexpr char kTargetBytes[] = "3.2: no URI has that byte; others may end it there";
inline constexpr char kEscape[] = "9110, 4.2.3: an escape that cannot be decoded names nothing";
inline constexpr char kForm[] = "3.2: neither a path nor an absolute http URI";
inline constexpr char kAuthority[] = "3.2.2: who is meant would depend on who reads";
inline constexpr char kHost[] = "3.2: a Host that is no uri-host with an optional port";
inline constexpr char kBareLf[] = "2.2: a lone LF need not be taken for the end of a line";
inline constexpr char kEmptyFirst[] = "2.2: an empty line before a request need not be read over";
inline constexpr char kLimits[] = "5.4: we have less room";
inline constexpr char kVersion[] = "2.3: only HTTP/1.1 and HTTP/1.0 are spoken";
inline constexpr char kField[] = "5.1: a line without a colon, or without a token before it";
inline constexpr char kFieldBytes[] = "9110, 5.5: no value of a field has that byte";
inline constexpr char kOneLength[] = "6.3: one length in one spelling";
inline constexpr char kConnection[] = "9110, 7.6.1: Connection is a list of tokens";
inline constexpr char kExpect[] = "9110, 10.1.1: an expectation that we cannot meet is 417";
inline constexpr char kTwice[] = "9110, 5.3: what is no list may stand once";
inline constexpr char kOnce10[] = "9.3: a connection serves one request of HTTP/1.0";
inline constexpr char kChunk[] = "7.1: a chunk's line is its size and extensions";
inline constexpr char kFraming[] = "9110, 6.5.1: a trailer never frames a message";
inline constexpr char kTrailer[] = "7.1.2: trailers are lines of fields";

// Where we are laxer, by the RFC.
inline constexpr char kTab[] = "9110, 5.6.3: a tab around a value is white space";

}  // namespace holdfast::hostile
