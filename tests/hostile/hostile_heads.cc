// Heads: request lines, targets, hosts, fields, the ends of lines.
#include "tests/hostile/hostile_rows.h"

namespace holdfast::hostile {

using namespace std::string_literals;

void add_request_lines(Table& all) {
  const Table rows = {
      refused("no version", 400, line("GET /a")),
      refused("HTTP/0.9 told", 505, line("GET /a HTTP/0.9")),
      refused("HTTP/1.2", 505, line("GET /a HTTP/1.2"), kVersion),
      refused("HTTP/1.9", 505, line("GET /a HTTP/1.9"), kVersion),
      refused("HTTP/2.0", 505, line("GET /a HTTP/2.0")),
      refused("HTTP/11", 400, line("GET /a HTTP/11")),
      refused("HTTP/1.", 400, line("GET /a HTTP/1.")),
      refused("HTTP/.1", 400, line("GET /a HTTP/.1")),
      refused("HTTP/01.1", 400, line("GET /a HTTP/01.1")),
      refused("HTTP/1.10", 400, line("GET /a HTTP/1.10"), kVersion),
      refused("http/1.1", 400, line("GET /a http/1.1")),
      refused("HTTP/1.1x", 400, line("GET /a HTTP/1.1x")),
      refused("HTTP/ 1.1", 400, line("GET /a HTTP/ 1.1")),
      refused("two versions", 400, line("GET /a HTTP/1.1 HTTP/1.1")),
      refused("two spaces before the target", 400, line("GET  /a HTTP/1.1"), kSpaces),
      refused("two spaces before the version", 400, line("GET /a  HTTP/1.1"), kSpaces),
      refused("a space behind the version", 400, line("GET /a HTTP/1.1 "), kSpaces),
      refused("a tab for a space", 400, line("GET\t/a HTTP/1.1")),
      refused("a tab before the version", 400, line("GET /a\tHTTP/1.1")),
      refused("a space first", 400, line(" GET /a HTTP/1.1")),
      refused("a form feed before the version", 400, line("GET /a\fHTTP/1.1")),
      refused("no target", 400, line("GET HTTP/1.1")),
      refused("only a method", 400, line("GET")),
      refused("get", 501, line("get /a HTTP/1.1")),
      refused("a method of our own", 501, line("FETCH /a HTTP/1.1"), kMethod),
      refused("TRACE", 501, line("TRACE /a HTTP/1.1")),
      refused("CONNECT", 501, line("CONNECT h:80 HTTP/1.1")),
      refused("a method with a colon", 400, line("GE:T /a HTTP/1.1")),
      refused("a method with a NUL", 400, line("GE\0T /a HTTP/1.1"s)),
      refused("a long method", 414, line(std::string(17'000, 'A') + " /a HTTP/1.1")),
      refused("the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      refused("a TLS hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s),
      refused("HTTP/0.9", 400, "GET /a\r\n"),
      refused("a response", 400, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
      refused("PROXY protocol", 400, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + host("Host: h\r\n")),
      refused("SSI in the line", 400, line("GET /<!--#exec--> HTTP/1.1"), kTargetBytes),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_targets(Table& all) {
  std::string parameters = "/a?";
  for (int i = 0; i < 257; ++i) parameters += "b&";
  const Table rows = {
      refused("* with GET", 400, target("*")),
      served("* with OPTIONS", {"OPTIONS * 0"}, line("OPTIONS * HTTP/1.1"),
             "3.2.4: * asks about the server; nginx does not know it"),
      refused("a relative target", 400, target("a")),
      refused("an authority", 400, target("h:80")),
      refused("a query alone", 400, target("?a")),
      refused("a foreign scheme", 400, target("ftp://h/a"), kForm),
      refused("a file's URI", 400, target("file:///etc/passwd")),
      served("an absolute target", {"GET /a 0"}, target("http://h/a")),
      served("an absolute target in capitals", {"GET /a 0"}, target("HTTP://H/a")),
      served("an absolute target of a query", {"GET /?a 0"}, target("http://h?a")),
      refused("an absolute target of another host", 400, target("http://other/a"), kAuthority),
      refused("an absolute target of another port", 400, target("http://h:81/a"), kAuthority),
      refused("an absolute target with a user", 400, target("http://u@h/a")),
      refused("an absolute target without a host", 400, target("http:///a")),
      refused("an absolute target, no Host", 400, head_of("GET http://h/a HTTP/1.1", "")),
      refused("a fragment", 400, target("/a#b"), kTargetBytes),
      refused("a quote", 400, target("/a\"b"), kTargetBytes),
      refused("angles", 400, target("/<a>"), kTargetBytes),
      refused("a backslash", 400, target("/a\\b"), kTargetBytes),
      refused("a backslash first", 400, target("\\a")),
      refused("braces", 400, target("/{a}"), kTargetBytes),
      refused("a caret, a bar and a backtick", 400, target("/^|`"), kTargetBytes),
      refused("UTF-8", 400, target("/\xc3\xa4"), kTargetBytes),
      refused("DEL", 400, target("/a\x7f")),
      refused("a control byte", 400, target("/a\x01")),
      refused("NUL", 400, target("/a\0b"s)),
      refused("a CR", 400, target("/a\rb")),
      refused("an LF", 400, target("/a\nb")),
      refused("a vertical tab", 400, target("/a\vb")),
      refused("a space", 400, target("/a b")),
      refused("%zz", 400, target("/a%zz")),
      refused("%4", 400, target("/a%4")),
      refused("%", 400, target("/a%")),
      refused("%u0041", 400, target("/%u0041")),
      refused("%g1 in the query", 400, target("/a?b=%g1"), kEscape),
      refused("% at the end of the query", 400, target("/a?b=%"), kEscape),
      refused("257 parameters", 400, target(parameters), "9110, 4.1: a bound of ours"),
      refused("a long target", 414, target("/" + std::string(9000, 'a'))),
      refused("an endless target", 414, "GET /" + std::string(40'000, 'a')),
      served("an escaped NUL", {"GET /a%00b 0"}, target("/a%00b"),
             "9110, 4.2.3: it is no plain segment, and the routes refuse it"),
      served("an escaped slash", {"GET /a%2Fb 0"}, target("/a%2Fb")),
      served("an escaped CR LF", {"GET /a%0d%0aX:y 0"}, target("/a%0d%0aX:y")),
      served("dot segments", {"GET /a/../b 0"}, target("/a/../b")),
      served("dot segments above the root", {"GET /../../etc/passwd 0"},
             target("/../../etc/passwd"), "9110, 4.2.3: the routes refuse them"),
      served("escaped dot segments above the root", {"GET /%2e%2e/a 0"}, target("/%2e%2e/a"),
             "9110, 4.2.3: the routes refuse them"),
      served("two slashes", {"GET //other/a 0"}, target("//other/a")),
      served("a semicolon", {"GET /a;b=c/d 0"}, target("/a;b=c/d")),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_hosts(Table& all) {
  const Table rows = {
      refused("no Host", 400, host("")),
      refused("Host twice", 400, host("Host: h\r\nHost: h\r\n")),
      refused("two Hosts", 400, host("Host: h\r\nhOST: g\r\n")),
      refused("an empty Host", 400, host("Host:\r\n")),
      refused("a Host with a space", 400, host("Host: a b\r\n")),
      refused("a Host with a slash", 400, host("Host: a/b\r\n")),
      refused("a Host with a user", 400, host("Host: u@h\r\n"), kHost),
      refused("a Host with a comma", 400, host("Host: a,b\r\n"), kHost),
      refused("a Host with a query", 400, host("Host: h?a\r\n"), kHost),
      refused("a Host with a port of letters", 400, host("Host: h:port\r\n"), kHost),
      refused("a Host with a long port", 400, host("Host: h:123456\r\n"), kHost),
      refused("a Host of a port", 400, host("Host: :80\r\n")),
      refused("a Host with two ports", 400, host("Host: h:80:80\r\n"), kHost),
      refused("a Host with a bracket", 400, host("Host: [::1\r\n"), kHost),
      served("a Host of dots", {"GET /a 0"}, host("Host: ..\r\n"),
             "9110, 4.2.3: by RFC 3986 it is a name, and no name means anything to us"),
      refused("a Host with a NUL", 400, host("Host: h\0g\r\n"s)),
      refused("a Host over two lines", 400, host("Host: h\r\n .example\r\n")),
      refused("a long Host", 400, host("Host: " + std::string(300, 'h') + "\r\n"), kHost),
      refused("a Host with an escape", 400, host("Host: %68\r\n"), kHost),
      served("a Host with white space around it", {"GET /a 0"}, host("Host: \t h \t\r\n"), kTab),
      last("HTTP/1.0 without a Host", {"GET /a 0"}, head_of("GET /a HTTP/1.0", "")),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_fields(Table& all) {
  std::string many;
  for (int i = 0; i < 70; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  const Table rows = {
      refused("a space before the colon", 400, field("X : y\r\n")),
      refused("a tab before the colon", 400, field("X\t: y\r\n")),
      refused("a space before the colon of a length", 400, post("Content-Length : 5\r\n", "hello")),
      refused("a field with a space first", 400, field(" X: y\r\n")),
      refused("a folded line", 400, field("X: y\r\n z\r\n")),
      refused("a line folded by a tab", 400, field("X: y\r\n\tz\r\n")),
      refused("no colon", 400, field("X\r\n"), kField),
      refused("no name", 400, field(": y\r\n")),
      refused("a name with a space", 400, field("X Y: z\r\n")),
      refused("a name with a slash", 400, field("X/Y: z\r\n"), kField),
      refused("a name with a quote", 400, field("\"X\": z\r\n"), kField),
      refused("a name with a bracket", 400, field("X[0]: z\r\n"), kField),
      refused("a name in UTF-8", 400, field("X\xc3\xa4: z\r\n"), kField),
      refused("a name with a NUL", 400, field("X\0: z\r\n"s)),
      refused("a name with a control byte", 400, field("X\x01: z\r\n")),
      refused("a value with a NUL", 400, field("X: y\0z\r\n"s)),
      refused("a value with a control byte", 400, field("X: y\x01z\r\n"), kFieldBytes),
      refused("a value with a vertical tab", 400, field("X: y\vz\r\n"), kFieldBytes),
      refused("a value with DEL", 400, field("X: y\x7f\r\n"), kFieldBytes),
      refused("a value with a CR", 400, field("X: y\rz\r\n")),
      served("a value in UTF-8", {"GET /a 0"}, field("X: \xc3\xa4\r\n")),
      served("an empty value", {"GET /a 0"}, field("X:\r\nY: \t\r\n")),
      refused("70 fields", 431, field(many), kLimits),
      served("a line longer than nginx's buffers", {"GET /a 0"},
             field("X: " + std::string(9000, 'y') + "\r\n"),
             "3: nginx takes a line of 8 KiB (large_client_header_buffers)"),
      refused("a long value", 431, field("X: " + std::string(17'000, 'y') + "\r\n")),
      refused("a long name", 431, field(std::string(17'000, 'X') + ": y\r\n")),
      refused("an endless head", 431, "GET /a HTTP/1.1\r\nX: " + std::string(40'000, 'y')),
      refused("two Authorizations", 400,
              field("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n")),
      refused("Connection is no list", 400, field("Connection: a b\r\n"), kConnection),
      refused("Connection with a quote", 400, field("Connection: \"close\"\r\n"), kConnection),
      refused("an unknown expectation", 417, field("Expect: tea\r\n"), kExpect),
      refused("two expectations", 417, field("Expect: 100-continue, 100-continue\r\n"), kExpect),
      refused("a head that does not end, and the next request", 400,
              "GET /a HTTP/1.1\r\nHost: h\r\nX: y"),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_line_ends(Table& all) {
  const Table rows = {
      refused("LF alone", 400, "GET /a HTTP/1.1\nHost: h\n\n", kBareLf),
      refused("LF behind the request line", 400, "GET /a HTTP/1.1\nHost: h\r\n\r\n", kBareLf),
      refused("LF behind a field", 400, "GET /a HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", kBareLf),
      refused("LF for the empty line", 400, "GET /a HTTP/1.1\r\nHost: h\r\n\n", kBareLf),
      refused("CR alone", 400, "GET /a HTTP/1.1\rHost: h\r\r"),
      refused("CR CR LF", 400, "GET /a HTTP/1.1\r\r\nHost: h\r\n\r\n"),
      refused("CR CR LF behind a field", 400, "GET /a HTTP/1.1\r\nHost: h\r\r\n\r\n", kBareCr),
      refused("LF CR", 400, "GET /a HTTP/1.1\n\rHost: h\n\r\n\r"),
      refused("a length behind a lone LF", 400,
              "POST /a HTTP/1.1\r\nHost: h\r\nX: y\nContent-Length: 35\r\n\r\n" + kHidden, kBareLf),
      refused("an empty line first", 400, "\r\n" + line("GET /a HTTP/1.1"), kEmptyFirst),
      refused("an LF first", 400, "\n" + line("GET /a HTTP/1.1"), kEmptyFirst),
      refused("a NUL first", 400, "\0"s + line("GET /a HTTP/1.1")),
      refused("a byte order mark first", 400, "\xef\xbb\xbf" + line("GET /a HTTP/1.1")),
      refused("NEL for a line's end", 400, "GET /a HTTP/1.1\x85Host: h\r\n\r\n"),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace holdfast::hostile
