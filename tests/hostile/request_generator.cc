#include "tests/hostile/request_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace holdfast::hostile {
namespace {

using namespace std::string_literals;

// What a rare choice is: one of so many.
constexpr uint64_t kRare = 60;

constexpr const char* kMethods[] = {"GET",  "GET",    "POST",    "PUT",
                                    "HEAD", "DELETE", "OPTIONS", "PATCH"};
constexpr const char* kOddMethods[] = {"get",  "TRACE", "CONNECT", "FOO",    "G",
                                       "GET,", "PRI",   "",        "GET GET"};
constexpr const char* kTargets[] = {"/",     "/a",   "/a/b", "/a?b=c",     "/a%20b",
                                    "/a//b", "/a;b", "/?",   "http://h/a", "HTTP://h?x"};
constexpr const char* kOddTargets[] = {
    "*",         "a",        "",     "/a#b",  "//",        "/..",        "/%",
    "/%zz",      "/a?%",     "/\"",  "/a\\b", "/\xc3\xa4", "http://g/a", "http:///a",
    "ftp://h/a", "http://h", "h:80", "/a b",  "/a\tb",     "/%2e%2e/x",  "http://h:80/a",
    "https://h/"};
constexpr const char* kOddVersions[] = {"HTTP/1.0", "HTTP/1.0", "HTTP/0.9",  "HTTP/1.2",
                                        "HTTP/2.0", "http/1.1", "HTTP/1.01", "HTTP/1.1 ",
                                        "HTTP/11",  "",         "HTTP/1.1\t"};
constexpr const char* kHosts[] = {"Host: h", "Host: h", "host:h", "HOST: h  ", "Host:  h"};
constexpr const char* kOddHosts[] = {
    "Host:",         "Host: h:80", "Host: a b",          "Host: a/b", "Host: u@h",
    "Host: [::1]",   "Host: [::1", "Host: h:x",          "Host: .",   "Host : h",
    "X: h",          "Host: h,g",  "Host: h\r\nHost: h", "Host: h:",  "Host: \xc3\xa4",
    "Host: a_b-c.d", "Host:\th \t"};
constexpr const char* kFields[] = {"X: y",
                                   "Accept: */*",
                                   "User-Agent: a (b; c)",
                                   "X-Empty:",
                                   "Cookie: a=b; c=d",
                                   "Range: bytes=0-1",
                                   "If-None-Match: \"a\"",
                                   "X: \xc3\xa4",
                                   "X: a\tb",
                                   "Authorization: Bearer x",
                                   "TE: trailers",
                                   "Via: 1.1 h",
                                   "X_Y: z",
                                   "Connection: keep-alive",
                                   "Expect: 100-continue"};
constexpr const char* kOddFields[] = {"X",
                                      ": y",
                                      "X : y",
                                      "X\t: y",
                                      " X: y",
                                      "X Y: z",
                                      "X\xc3: y",
                                      "X: y\r\n z",
                                      "X: y\r\n\tz",
                                      "X: \x01",
                                      "X: \x7f",
                                      "Connection: close",
                                      "Connection: close, x",
                                      "Connection: a b",
                                      "Connection: ,",
                                      "Upgrade: h2c",
                                      "Expect: 100-Continue",
                                      "Expect: tea",
                                      "Authorization: a\r\nAuthorization: b",
                                      "X/Y: z",
                                      "Connection: Upgrade\r\nUpgrade: websocket",
                                      "Proxy-Connection: close",
                                      "Keep-Alive: timeout=1",
                                      "Trailer: X",
                                      "X: y\rz",
                                      "X: y\nZ: z",
                                      "X: \"",
                                      "Content-Encoding: gzip",
                                      "Content_Length: 3",
                                      "Transfer_Encoding: chunked"};
constexpr const char* kCodings[] = {"Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
                                    "transfer-encoding:chunked", "Transfer-Encoding: Chunked  "};
constexpr const char* kOddCodings[] = {"Transfer-Encoding: xchunked",
                                       "Transfer-Encoding: identity",
                                       "Transfer-Encoding: gzip, chunked",
                                       "Transfer-Encoding: chunked, chunked",
                                       "Transfer-Encoding:",
                                       "Transfer-Encoding: chunked,",
                                       "Transfer-Encoding: ,chunked",
                                       "Transfer-Encoding : chunked",
                                       "Transfer-Encoding: \"chunked\"",
                                       "Transfer-Encoding: chunked;a",
                                       "Transfer-Encoding: \vchunked",
                                       "Transfer-Encoding:\r\n chunked",
                                       "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                                       "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                                       "Transfer-Encoding: chunked\r\nContent-Length: 3",
                                       "Content-Length: 3\r\nTransfer-Encoding: chunked",
                                       "X: y\nTransfer-Encoding: chunked",
                                       "Transfer-Encoding: chunked\x01"};
constexpr const char* kExtensions[] = {";a", ";a=b", ";a=\"b\"", "; a=b", ";a;b=c", ";a=\"\\\"\""};
constexpr const char* kOddExtensions[] = {";",   " ",   "\t",     " ;a",       ";a =b", ";a= b",
                                          ";=b", ";a=", ";a=\"",  ";a=\"b\"c", ";a b",  ",a",
                                          "x",   ";;",  ";a\x01", ";a=\n",     ";a\rb", "; "};
constexpr const char* kOddSizes[] = {"0x", "-", "+", " ", "g", "\t"};
constexpr const char* kTrailers[] = {"X: y\r\n", "X: y\r\nZ:\r\n", "Content-Length: 5\r\n",
                                     "Transfer-Encoding: chunked\r\n"};
constexpr const char* kOddTrailers[] = {"X\r\n",  ": y\r\n",     " X: y\r\n", "X : y\r\n",
                                        "X: y\n", "X: \x01\r\n", "\n",        "X: y\r\n z\r\n"};
constexpr const char* kOddLengths[] = {"+", "-", "0", "0x", " ", "00", "\"", "\v"};
constexpr const char* kOddLengthEnds[] = {" ", "a", ", ", ".0", " 5", ";", "e0", "\v"};
constexpr const char* kBytes[] = {"\r\n", "\n",       "\r",    " ",    "\t", ":",  "\0", "\x7f",
                                  "\xff", "0",        "a",     ",",    ";",  "\"", "%",  "/",
                                  "?",    "\r\n\r\n", "\r\n ", "\x0b", "G",  "f",  "=",  "."};

}  // namespace

std::string RequestGenerator::conversation(int& count) {
  std::string bytes;
  const uint64_t requests = 1 + random_.below(3);
  for (uint64_t i = 0; i < requests; ++i) {
    if (now_and_then(60)) bytes += one_of(kBytes);
    std::string one = request();
    if (now_and_then(6)) mutate(one);
    bytes += one;
    ++count;
  }
  return bytes;
}

std::string RequestGenerator::request() {
  Framing framed = framing();
  std::string head = request_line() + "\r\n";
  const std::string host = now_and_then(kRare) ? one_of(kOddHosts) : one_of(kHosts);
  std::string lines = fields();
  if (!now_and_then(kRare * 2))
    lines = random_.below(2) == 0 ? host + "\r\n" + lines : lines + host + "\r\n";
  lines = random_.below(2) == 0 ? framed.lines + lines : lines + framed.lines;
  return head + lines + (now_and_then(60) ? "\n" : "\r\n") + framed.body;
}

std::string RequestGenerator::request_line() {
  const std::string method = now_and_then(kRare) ? one_of(kOddMethods) : one_of(kMethods);
  std::string target = now_and_then(kRare) ? one_of(kOddTargets) : one_of(kTargets);
  if (now_and_then(200)) target += std::string(9000, 'a');
  const std::string version = now_and_then(kRare) ? one_of(kOddVersions) : "HTTP/1.1";
  const auto space = [&] { return now_and_then(60) ? std::string(random_.below(3), ' ') : " "; };
  return method + space() + target + space() + version;
}

std::string RequestGenerator::fields() {
  std::string lines;
  for (uint64_t n = random_.below(4); n > 0; --n)
    lines += (now_and_then(kRare) ? one_of(kOddFields) : one_of(kFields)) + "\r\n";
  if (now_and_then(200)) lines += "X-Long: " + std::string(20'000, 'y') + "\r\n";
  if (now_and_then(200))
    for (int i = 0; i < 70; ++i) lines += "X: y\r\n";
  return lines;
}

std::string RequestGenerator::body() {
  switch (random_.below(4)) {
    case 0:
      return "";
    case 1:
      return "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    case 2:
      return random_.bytes(random_.below(40));
    default:
      return "hello";
  }
}

std::string RequestGenerator::length_of(size_t size) {
  std::string digits = std::to_string(size);
  if (now_and_then(kRare)) digits = one_of(kOddLengths) + digits;
  if (now_and_then(kRare)) digits += one_of(kOddLengthEnds);
  if (now_and_then(100)) digits = "18446744073709551616";
  return digits;
}

RequestGenerator::Framing RequestGenerator::framing() {
  const std::string text = body();
  switch (random_.below(8)) {
    case 0:
    case 1:
      return {"Content-Length: " + length_of(text.size()) + "\r\n", text};
    case 2:
    case 3:
      return {one_of(kCodings) + "\r\n", chunks(text)};
    case 4:
      if (!now_and_then(4)) return {};
      return {one_of(kOddCodings) + "\r\n", now_and_then(2) ? text : chunks(text)};
    case 5:
      if (!now_and_then(4)) return {};
      // Another length than there are bytes, or two of them.
      return {"Content-Length: " + length_of(random_.below(text.size() + 3)) + "\r\n" +
                  (now_and_then(4) ? "content-length: " + length_of(text.size()) + "\r\n" : ""),
              text};
    default:
      return {};
  }
}

std::string RequestGenerator::chunks(const std::string& text) {
  const auto size = [&](size_t bytes) {
    std::string line =
        random_.below(2) == 0 ? fmt::format("{:x}", bytes) : fmt::format("{:X}", bytes);
    if (now_and_then(16)) line.insert(0, random_.below(20), '0');
    if (now_and_then(60)) line = one_of(kOddSizes) + line;
    if (now_and_then(200)) line = "1000000000000000" + line;
    if (now_and_then(8)) line += one_of(kExtensions);
    if (now_and_then(60)) line += one_of(kOddExtensions);
    if (now_and_then(300)) line += ";" + std::string(300, 'e');
    return line + (now_and_then(100) ? "\n" : "\r\n");
  };
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t bytes = std::min<size_t>(1 + random_.below(text.size()), text.size() - at);
    const size_t told = now_and_then(100) ? bytes + random_.below(3) : bytes;
    if (told == 0) continue;
    out += size(told) + text.substr(at, bytes) + (now_and_then(100) ? "\n" : "\r\n");
    at += bytes;
  }
  if (now_and_then(100)) return out;
  out += size(0);
  if (now_and_then(8)) out += one_of(kTrailers);
  if (now_and_then(60)) out += one_of(kOddTrailers);
  return out + (now_and_then(100) ? "\n" : "\r\n");
}

void RequestGenerator::mutate(std::string& bytes) {
  const auto piece = [&] {
    // one_of() would lose the NUL.
    const std::string chosen = one_of(kBytes);
    return chosen.empty() ? "\0"s : chosen;
  };
  for (uint64_t edits = 1 + random_.below(3); edits > 0 && !bytes.empty(); --edits) {
    const size_t at = random_.below(bytes.size());
    switch (random_.below(6)) {
      case 0:
        bytes.erase(at, 1);
        break;
      case 1:
        bytes.insert(at, piece());
        break;
      case 2:
        bytes.replace(at, 1, piece());
        break;
      case 3:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_.below(8)));
        break;
      case 4:
        bytes.insert(at, bytes.substr(random_.below(bytes.size()), 1 + random_.below(30)));
        break;
      default:
        bytes[at] = static_cast<char>(random_.below(256));
        break;
    }
  }
}

}  // namespace holdfast::hostile
