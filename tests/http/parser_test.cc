// Bodies that arrive in pieces, without sockets.
#include <boost/test/unit_test.hpp>
#include <string>

#include "daemon/http/parser.h"

namespace holdfast::http {
namespace {

// The body as it comes out when `text` arrives `first` bytes at first and then `step` at a time.
std::string read_in_pieces(const std::string& text, size_t first, size_t step) {
  RequestParser parser;
  Request request;
  const auto refused = parser.parse_head(
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", request);
  BOOST_REQUIRE(!refused);
  std::string body;
  size_t consumed = 0;
  for (size_t arrived = first; arrived <= text.size();
       arrived = std::min(arrived + step, text.size())) {
    RequestParser::BodyStep taken;
    do {
      taken = parser.parse_body(std::string_view(text).substr(consumed, arrived - consumed));
      consumed += taken.consumed;
      body += as_text(taken.data);
      if (taken.refusal) return "refused: " + taken.refusal->reason;
      if (taken.done) return body;
    } while (!taken.need_more);
    if (arrived == text.size()) break;
  }
  return "it never ends: " + body;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parser)

// The parser below ours must never be asked about less than a last chunk: it asserts that.
BOOST_AUTO_TEST_CASE(a_chunked_body_is_the_same_wherever_it_is_cut) {
  const struct {
    std::string text;
    std::string body;
  } cases[] = {{"0\r\n\r\n", ""},
               {"0\r\nA: b\r\nC: d\r\n\r\n", ""},
               {"000;x=y\r\n\r\n", ""},
               {"5\r\nhello\r\n0\r\n\r\n", "hello"},
               {"1\r\nh\r\n4\r\nello\r\n0\r\nA: b\r\n\r\n", "hello"}};
  for (const auto& one : cases)
    for (size_t first = 0; first <= one.text.size(); ++first)
      for (const size_t step : {size_t{1}, size_t{2}, one.text.size()})
        BOOST_TEST(read_in_pieces(one.text, first, step) == one.body,
                   one.text << " cut at " << first << ", then every " << step);
}

// Nothing of a chunk's bytes waits for what comes behind them: a limit is passed with the byte that
// passes it.
BOOST_AUTO_TEST_CASE(a_chunks_bytes_come_as_they_arrive) {
  const std::string text = "5\r\nhello";
  for (size_t first = 0; first <= text.size(); ++first)
    BOOST_TEST(read_in_pieces(text, first, 1) == "it never ends: hello", "cut at " << first);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http
