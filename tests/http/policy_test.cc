// Malformed requests over a real socket: none reaches a handler as if it were
// sound, and nothing that stands behind one is ever parsed.
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tests/http/server_rig.h"

namespace holdfast::http::test {
namespace {

using namespace std::string_literals;

struct Malformed {
  std::string name;
  std::string bytes;
};

constexpr std::string_view kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

// A head with the given lines between the request line and the empty line.
std::string head(const std::string& lines, const std::string& first = "GET /echo HTTP/1.1") {
  return first + "\r\n" + lines + "\r\n";
}

std::string post(const std::string& lines, const std::string& body) {
  return "POST /body HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" + body;
}

void add_request_lines(std::vector<Malformed>& all) {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"no version", "GET /echo"},
      {"HTTP/0.9", "GET /echo HTTP/0.9"},
      {"HTTP/1.2", "GET /echo HTTP/1.2"},
      {"HTTP/2.0", "GET /echo HTTP/2.0"},
      {"HTTP/11", "GET /echo HTTP/11"},
      {"lower case http", "GET /echo http/1.1"},
      {"HTTP/1.1x", "GET /echo HTTP/1.1x"},
      {"HTTP/1.10", "GET /echo HTTP/1.10"},
      {"HTTP/ 1.1", "GET /echo HTTP/ 1.1"},
      {"two spaces before target", "GET  /echo HTTP/1.1"},
      {"two spaces before version", "GET /echo  HTTP/1.1"},
      {"space at the end", "GET /echo HTTP/1.1 "},
      {"tab instead of space", "GET\t/echo HTTP/1.1"},
      {"space within target", "GET /echo x HTTP/1.1"},
      {"leading space", " GET /echo HTTP/1.1"},
      {"leading tab", "\tGET /echo HTTP/1.1"},
      {"lower case method", "get /echo HTTP/1.1"},
      {"unknown method", "FETCH /echo HTTP/1.1"},
      {"TRACE", "TRACE /echo HTTP/1.1"},
      {"CONNECT", "CONNECT h:80 HTTP/1.1"},
      {"PRI", "PRI * HTTP/2.0"},
      {"method with a colon", "GE:T /echo HTTP/1.1"},
      {"empty method", "/echo HTTP/1.1"},
      {"star with GET", "GET * HTTP/1.1"},
      {"relative target", "GET echo HTTP/1.1"},
      {"authority target", "GET h:80 HTTP/1.1"},
      {"ftp target", "GET ftp://h/echo HTTP/1.1"},
      {"absolute target of another host", "GET http://other/echo HTTP/1.1"},
      {"absolute target with user", "GET http://u@h/echo HTTP/1.1"},
      {"absolute target without host", "GET http:///echo HTTP/1.1"},
      {"fragment", "GET /echo#part HTTP/1.1"},
      {"quote in target", "GET /echo\" HTTP/1.1"},
      {"angle in target", "GET /<echo> HTTP/1.1"},
      {"backslash in target", "GET /a\\b HTTP/1.1"},
      {"brace in target", "GET /{a} HTTP/1.1"},
      {"caret in target", "GET /a^b HTTP/1.1"},
      {"bar in target", "GET /a|b HTTP/1.1"},
      {"backtick in target", "GET /a`b HTTP/1.1"},
      {"byte above 126 in target", "GET /\xc3\xa4 HTTP/1.1"},
      {"DEL in target", "GET /a\x7f HTTP/1.1"},
      {"control byte in target", "GET /a\x01 HTTP/1.1"},
      {"NUL in target", "GET /a\0 HTTP/1.1"s},
      {"CR in target", "GET /a\rb HTTP/1.1"},
      {"LF in target", "GET /a\nb HTTP/1.1"},
      {"broken escape", "GET /a%zz HTTP/1.1"},
      {"short escape", "GET /a%4 HTTP/1.1"},
      {"lone percent", "GET /a% HTTP/1.1"},
      {"broken escape in query", "GET /a?b=%g1 HTTP/1.1"},
      {"long target", "GET /" + std::string(9000, 'a') + " HTTP/1.1"},
      {"long method", std::string(9000, 'A') + " /echo HTTP/1.1"},
      {"257 parameters",
       [] {
         std::string target = "GET /a?";
         for (int i = 0; i < 257; ++i) target += "b&";
         return target + " HTTP/1.1";
       }()},
  };
  for (const auto& [name, line] : lines) all.push_back({name, head("Host: h\r\n", line)});
  all.push_back({"empty line first", "\r\n" + head("Host: h\r\n")});
  all.push_back({"LF first", "\n" + head("Host: h\r\n")});
  all.push_back({"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s});
  all.push_back({"NUL first", "\0GET / HTTP/1.1\r\nHost: h\r\n\r\n"s});
}

void add_hosts(std::vector<Malformed>& all) {
  const std::vector<std::pair<std::string, std::string>> hosts = {
      {"no Host", ""},
      {"two Hosts", "Host: h\r\nHost: h\r\n"},
      {"two Hosts, other case", "Host: h\r\nhOST: g\r\n"},
      {"empty Host", "Host:\r\n"},
      {"Host with space", "Host: a b\r\n"},
      {"Host with slash", "Host: a/b\r\n"},
      {"Host with user", "Host: u@h\r\n"},
      {"Host with comma", "Host: a,b\r\n"},
      {"Host with bad port", "Host: h:port\r\n"},
      {"Host with long port", "Host: h:123456\r\n"},
      {"Host of only a port", "Host: :80\r\n"},
      {"Host with two ports", "Host: h:80:80\r\n"},
      {"Host over long", "Host: " + std::string(300, 'h') + "\r\n"},
  };
  for (const auto& [name, lines] : hosts) all.push_back({name, head(lines)});
}

void add_fields(std::vector<Malformed>& all) {
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"space before colon", "X : y\r\n"},
      {"tab before colon", "X\t: y\r\n"},
      {"no colon", "X y\r\n"},
      {"no name", ": y\r\n"},
      {"space in name", "X Y: z\r\n"},
      {"parenthesis in name", "X(Y): z\r\n"},
      {"byte above 126 in name", "X\xe9: z\r\n"},
      {"NUL in name", "X\0: z\r\n"s},
      {"NUL in value", "X: a\0b\r\n"s},
      {"control byte in value", "X: a\x02z\r\n"},
      {"DEL in value", "X: a\x7fz\r\n"},
      {"bare CR in value", "X: a\rb\r\n"},
      {"bare LF in value", "X: a\nb\r\n"},
      {"bare LF ends a line", "X: a\nY: b\r\n"},
      {"CR CR LF", "X: a\r\r\n"},
      {"folded line", "X: a\r\n b\r\n"},
      {"folded line with tab", "X: a\r\n\tb\r\n"},
      {"folded line of spaces only", "X: a\r\n  \r\n"},
      {"65 fields",
       [] {
         std::string lines;
         for (int i = 0; i < 65; ++i) lines += "X" + std::to_string(i) + ": y\r\n";
         return lines;
       }()},
      {"long value", "X: " + std::string(17 * 1024, 'y') + "\r\n"},
      {"long name", std::string(17 * 1024, 'x') + ": y\r\n"},
      {"Expect something else", "Expect: 200-ok\r\n"},
      {"Expect twice", "Expect: 100-continue\r\nExpect: 100-continue\r\n"},
      {"Connection with a broken token", "Connection: cl(ose\r\n"},
      {"two Authorizations", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"},
  };
  for (const auto& [name, lines] : fields) all.push_back({name, head("Host: h\r\n" + lines)});
  all.push_back({"folded first field", "GET /echo HTTP/1.1\r\n Host: h\r\n\r\n"});
  all.push_back({"LF only", "GET /echo HTTP/1.1\nHost: h\n\n"});
  all.push_back({"LF LF at the end", "GET /echo HTTP/1.1\r\nHost: h\n\n"});
  all.push_back({"CR only", "GET /echo HTTP/1.1\rHost: h\r\r"});
  all.push_back({"head without an end", "GET /echo HTTP/1.1\r\nHost: h\r\n"});
}

void add_framing(std::vector<Malformed>& all) {
  const std::string chunk = "5\r\nhello\r\n0\r\n\r\n";
  const std::vector<std::pair<std::string, std::string>> codings = {
      {"xchunked", "Transfer-Encoding: xchunked\r\n"},
      {"chunkedx", "Transfer-Encoding: chunkedx\r\n"},
      {"identity", "Transfer-Encoding: identity\r\n"},
      {"gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"},
      {"chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n"},
      {"chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n"},
      {"chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
      {"chunked and identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"},
      {"identity and chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"},
      {"quoted chunked", "Transfer-Encoding: \"chunked\"\r\n"},
      {"chunked with parameter", "Transfer-Encoding: chunked;q=1\r\n"},
      {"leading comma", "Transfer-Encoding: ,chunked\r\n"},
      {"trailing comma", "Transfer-Encoding: chunked,\r\n"},
      {"empty coding", "Transfer-Encoding:\r\n"},
      {"vertical tab before chunked",
       "Transfer-Encoding: \x0b"
       "chunked\r\n"},
      {"space before the colon", "Transfer-Encoding : chunked\r\n"},
      {"folded coding", "Transfer-Encoding:\r\n chunked\r\n"},
      {"length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
      {"chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
      {"xchunked and length", "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n"},
      {"two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"},
      {"one length twice", "Content-Length: 5\r\nContent-Length: 5\r\n"},
      {"list of lengths", "Content-Length: 5, 5\r\n"},
      {"empty length", "Content-Length:\r\n"},
      {"signed length", "Content-Length: +5\r\n"},
      {"negative length", "Content-Length: -5\r\n"},
      {"hexadecimal length", "Content-Length: 0x5\r\n"},
      {"fractional length", "Content-Length: 5.0\r\n"},
      {"length with a space", "Content-Length: 5 5\r\n"},
      {"length with a letter", "Content-Length: 5a\r\n"},
      {"length with leading zero", "Content-Length: 05\r\n"},
      {"length of 2^64", "Content-Length: 18446744073709551616\r\n"},
      {"length of 2^64 + 5", "Content-Length: 18446744073709551621\r\n"},
      {"length of 2^63", "Content-Length: 9223372036854775808\r\n"},
      {"length over the limit", "Content-Length: 1048577\r\n"},
  };
  for (const auto& [name, lines] : codings) all.push_back({name, post(lines, chunk)});
  all.push_back({"chunked on HTTP/1.0",
                 "POST /body HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk});
}

void add_chunks(std::vector<Malformed>& all) {
  const std::vector<std::pair<std::string, std::string>> bodies = {
      {"chunk size not hexadecimal", "g\r\nhello\r\n0\r\n\r\n"},
      {"chunk size empty", "\r\nhello\r\n0\r\n\r\n"},
      {"chunk size 0x5", "0x5\r\nhello\r\n0\r\n\r\n"},
      {"chunk size +5", "+5\r\nhello\r\n0\r\n\r\n"},
      {"chunk size -5", "-5\r\nhello\r\n0\r\n\r\n"},
      {"chunk size with space before", " 5\r\nhello\r\n0\r\n\r\n"},
      {"chunk size with space behind", "5 \r\nhello\r\n0\r\n\r\n"},
      {"chunk size of 2^64", "10000000000000000\r\nhello\r\n0\r\n\r\n"},
      {"chunk size of 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n"},
      {"chunk size over the limit", "7fffffffffffffff\r\nhello\r\n0\r\n\r\n"},
      {"chunk size with LF only", "5\nhello\r\n0\r\n\r\n"},
      {"chunk size with bare CR", "5\rhello\r\n0\r\n\r\n"},
      {"chunk longer than its size", "4\r\nhello\r\n0\r\n\r\n"},
      {"chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n"},
      {"chunk without CR LF", "5\r\nhello0\r\n\r\n"},
      {"chunk with LF only", "5\r\nhello\n0\r\n\r\n"},
      {"last chunk missing", "5\r\nhello\r\n"},
      {"last line missing", "5\r\nhello\r\n0\r\n"},
      {"LF in an extension", "5;a=b\nc\r\nhello\r\n0\r\n\r\n"},
      {"CR in an extension", "5;a=b\rc\r\nhello\r\n0\r\n\r\n"},
      {"NUL in an extension", "5;a=\0\r\nhello\r\n0\r\n\r\n"s},
      {"long extension", "5;a=" + std::string(300, 'b') + "\r\nhello\r\n0\r\n\r\n"},
      {"endless extension", "5;a=" + std::string(8000, 'b')},
      {"endless size", std::string(8000, '0')},
      {"broken trailer", "5\r\nhello\r\n0\r\nX y\r\n\r\n"},
      {"folded trailer", "5\r\nhello\r\n0\r\n X: y\r\n\r\n"},
      {"trailer with a length", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"},
      {"endless trailers", "5\r\nhello\r\n0\r\n" + std::string(8000, 'x')},
  };
  for (const auto& [name, body] : bodies)
    all.push_back({name, post("Transfer-Encoding: chunked\r\n", body)});
  all.push_back({"body shorter than its length", post("Content-Length: 400\r\n", "hello")});
}

std::vector<Malformed> all_malformed() {
  std::vector<Malformed> all;
  add_request_lines(all);
  add_hosts(all);
  add_fields(all);
  add_framing(all);
  add_chunks(all);
  return all;
}

void expect_refused(ServerRig& rig, const Malformed& request, size_t split) {
  RawClient client(rig.port);
  const std::string bytes = request.bytes + std::string(kSmuggled);
  // The server may close while we still send; what it said is then still to be read.
  if (client.send(std::string_view(bytes).substr(0, split)))
    client.send(std::string_view(bytes).substr(split));
  client.finish_sending();
  const RawResponse response = client.receive();
  BOOST_CHECK_MESSAGE(response.status == 0 || response.status >= 400,
                      request.name << ": answered " << response.status);
  if (response.status != 0) {
    BOOST_CHECK_MESSAGE(response.headers.find("connection") == "close", request.name);
    BOOST_CHECK_MESSAGE(response.headers.find("content-type") == "application/problem+json",
                        request.name);
  }
  BOOST_CHECK_MESSAGE(client.at_end(), request.name << ": something was served behind it");
  BOOST_CHECK_MESSAGE(rig.handler->smuggled == 0, request.name << ": let a request through");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(policy)

BOOST_AUTO_TEST_CASE(none_of_many_malformed_requests_is_accepted) {
  ServerRig rig;
  const std::vector<Malformed> all = all_malformed();
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << ", " << all.size() << " malformed requests\n";
  std::mt19937 random(seed);
  BOOST_TEST(all.size() >= 100u);
  for (const Malformed& request : all) {
    expect_refused(rig, request, request.bytes.size());
    expect_refused(rig, request, random() % request.bytes.size());
  }
}

BOOST_AUTO_TEST_CASE(the_status_says_what_was_wrong) {
  ServerRig rig;
  const std::vector<std::pair<std::string, int>> expected = {
      {head("Host: h\r\n", "GET /echo HTTP/2.0"), 505},
      {head("Host: h\r\n", "BREW /echo HTTP/1.1"), 501},
      {head("Host: h\r\n", "GET /" + std::string(9000, 'a') + " HTTP/1.1"), 414},
      {head("Host: h\r\nX: " + std::string(17'000, 'y') + "\r\n"), 431},
      {head("Host: h\r\nExpect: tea\r\n"), 417},
      {post("Transfer-Encoding: gzip\r\n", ""), 501},
      {post("Content-Length: 1048577\r\n", ""), 413},
      {head(""), 400},
  };
  for (const auto& [bytes, status] : expected) {
    RawClient client(rig.port);
    client.send(bytes);
    BOOST_TEST(client.receive().status == status);
  }
}

BOOST_AUTO_TEST_CASE(sound_requests_are_accepted) {
  ServerRig rig;
  const std::vector<std::string> sound = {
      head("Host: h\r\n"),
      head("Host: h:8480\r\n"),
      head("Host: [::1]:8480\r\n"),
      head("Host: my_host.example-1.org\r\n"),
      head("hOsT:   h  \r\n"),
      head("Host: h\r\nX:\r\nY: \t\r\n"),
      head("Host: h\r\nX: \xc3\xa4\r\n"),
      head("Host: h\r\n", "GET http://H/echo?a HTTP/1.1"),
      head("Host: h\r\n", "GET /a%2Fb/../c HTTP/1.1"),
      head("Host: h\r\n", "OPTIONS * HTTP/1.1"),
      head("Host: h\r\nContent-Length: 0\r\n"),
      head("Host: h\r\nConnection: keep-alive, TE\r\n"),
      post("Content-Length: 5\r\n", "hello"),
      post("transfer-encoding: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n", "00005;a=\"b\"\r\nhello\r\n0;c\r\nX: y\r\n\r\n"),
      "GET /echo HTTP/1.0\r\n\r\n",
  };
  for (const std::string& bytes : sound) {
    RawClient client(rig.port);
    client.send(bytes);
    BOOST_CHECK_MESSAGE(client.receive().status == 200, bytes);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http::test
