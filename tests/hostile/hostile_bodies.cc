// Bodies: how long they are, how they are cut, and what stands behind them.
#include "tests/hostile/hostile_rows.h"

namespace holdfast::hostile {

using namespace std::string_literals;

void add_lengths(Table& all) {
  const auto length = [](const std::string& value) {
    return post("Content-Length: " + value + "\r\n", "hello");
  };
  const Table rows = {
      served("a length", {"POST /a 5"}, length("5")),
      served("a request in a body", {"POST /a 35"}, post("Content-Length: 35\r\n", kHidden)),
      served("a request behind a body", {"POST /a 0", "GET /smuggled 0"},
             post("Content-Length: 0\r\n", kHidden)),
      served("a body of GET", {"GET /a 35"}, field("Content-Length: 35\r\n") + kHidden),
      served("a body of HEAD", {"HEAD /a 35"},
             head_of("HEAD /a HTTP/1.1", "Host: h\r\nContent-Length: 35\r\n") + kHidden),
      served("a body of DELETE", {"DELETE /a 35"},
             head_of("DELETE /a HTTP/1.1", "Host: h\r\nContent-Length: 35\r\n") + kHidden),
      refused("one length twice", 400, post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
      refused("two lengths", 400, post("Content-Length: 35\r\nContent-Length: 0\r\n", kHidden)),
      refused("two lengths, other case", 400,
              post("Content-Length: 0\r\ncontent-length: 35\r\n", kHidden)),
      refused("a list of one length", 400, length("5, 5")),
      refused("a list of lengths", 400, length("5, 35")),
      refused("an empty length", 400, length("")),
      refused("+5", 400, length("+5")),
      refused("-5", 400, length("-5")),
      refused("0x5", 400, length("0x5")),
      refused("5.0", 400, length("5.0")),
      refused("5e0", 400, length("5e0")),
      refused("5 5", 400, length("5 5")),
      refused("5a", 400, length("5a")),
      refused("a quoted length", 400, length("\"5\"")),
      refused("a length with a NUL", 400, length("5\0"s)),
      refused("a length with a vertical tab", 400, length("\v5")),
      refused("a length in Arabic digits", 400, length("\xd9\xa5")),
      refused("05", 400, length("05"), kOneLength),
      refused("2^64 + 5", 400, length("18446744073709551621")),
      refused("2^63", 400, length("9223372035854775808")),
      refused("2^32 + 5", 413, length("4294967301")),
      refused("a folded length", 400, post("Content-Length:\r\n 5\r\n", "hello")),
      refused("more than there may be", 413, length("1048577")),
      served("Content_Length is another field", {"POST /a 0", "GET /smuggled 0"},
             post("Content_Length: 35\r\n", kHidden)),
      unanswered("a body that does not end", length("400")),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_codings(Table& all) {
  const auto coded = [](const std::string& lines) { return post(lines, kHello); };
  const auto coding = [&](const std::string& value) {
    return coded("Transfer-Encoding: " + value + "\r\n");
  };
  const Table rows = {
      served("chunked", {"POST /a 5"}, coding("chunked")),
      served("CHUNKED", {"POST /a 5"}, coding("CHUNKED")),
      served("chunked with white space around it", {"POST /a 5"}, coding("\t chunked \t"), kTab),
      refused("a length and chunked", 400,
              coded("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n")),
      refused("chunked and a length", 400,
              coded("Transfer-Encoding: chunked\r\nContent-Length: 15\r\n")),
      refused("CL.TE", 400,
              post("Content-Length: 40\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)),
      refused("TE.CL", 400,
              post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                   "23\r\n" + kHidden + "\r\n0\r\n\r\n")),
      refused("a length and an unknown coding", 400,
              coded("Content-Length: 15\r\nTransfer-Encoding: xchunked\r\n")),
      refused("xchunked", 501, coding("xchunked")),
      refused("chunkedx", 501, coding("chunkedx")),
      refused("identity", 501, coding("identity")),
      refused("gzip", 501, coding("gzip")),
      refused("gzip, chunked", 400, coding("gzip, chunked")),
      refused("chunked, gzip", 400, coding("chunked, gzip")),
      refused("chunked, chunked", 400, coding("chunked, chunked")),
      refused("chunked, identity", 400, coding("chunked, identity")),
      refused(",chunked", 400, coding(",chunked")),
      refused("chunked,", 400, coding("chunked,")),
      refused("no coding", 400, coding("")),
      refused("\"chunked\"", 400, coding("\"chunked\"")),
      refused("chunked;q=1", 400, coding("chunked;q=1")),
      refused("chunked with a NUL", 400, coding("chunked\0"s)),
      refused("chunked behind a vertical tab", 400, coding("\vchunked")),
      refused("chunked behind a no-break space", 400,
              coding("\xa0"
                     "chunked")),
      refused("chunked twice", 400,
              coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
      refused("chunked and identity", 400,
              coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
      refused("identity and chunked", 400,
              coded("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")),
      refused("chunked behind a space before the colon", 400,
              coded("Transfer-Encoding : chunked\r\n")),
      refused("chunked on a folded line", 400, coded("Transfer-Encoding:\r\n chunked\r\n")),
      refused("chunked behind a folded field", 400,
              coded("X: y\r\n Transfer-Encoding: chunked\r\n")),
      refused("chunked behind a lone CR", 400, coded("X: y\rTransfer-Encoding: chunked\r\n")),
      refused("chunked behind a lone LF", 400, coded("X: y\nTransfer-Encoding: chunked\r\n"),
              kBareLf),
      refused("chunked with HTTP/1.0", 400,
              head_of("POST /a HTTP/1.0", "Host: h\r\nTransfer-Encoding: chunked\r\n") + kHello),
      served("Transfer_Encoding is another field", {"POST /a 0", "GET /smuggled 0"},
             post("Transfer_Encoding: chunked\r\n", kHidden)),
      served("TE is another field", {"POST /a 0", "GET /smuggled 0"},
             post("TE: chunked\r\n", kHidden)),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_chunks(Table& all) {
  const Table rows = {
      served("an extension", {"POST /a 5"}, chunked("5;a=b\r\nhello\r\n0\r\n\r\n")),
      served("a quoted extension", {"POST /a 5"}, chunked("5;a=\"b;c\"\r\nhello\r\n0;d\r\n\r\n")),
      served("a size with zeros", {"POST /a 5"}, chunked("0005\r\nhello\r\n000\r\n\r\n")),
      served("a size in capitals", {"POST /a 10"}, chunked("A\r\n0123456789\r\n0\r\n\r\n")),
      served("a trailer", {"POST /a 5"}, chunked("5\r\nhello\r\n0\r\nX: y\r\n\r\n")),
      served("a request in a chunk", {"POST /a 35"}, chunked("23\r\n" + kHidden + "\r\n0\r\n\r\n")),
      served("a request behind the last chunk", {"POST /a 0", "GET /smuggled 0"},
             chunked("0\r\n\r\n" + kHidden)),
      refused("a length among the trailers", 400,
              chunked("5\r\nhello\r\n0\r\nContent-Length: 35\r\n\r\n" + kHidden), kFraming),
      refused("a coding among the trailers", 400,
              chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" + kHello), kFraming),
      refused("g in a chunk", 400, chunked("g\r\nhello\r\n0\r\n\r\n")),
      refused("no size", 400, chunked("\r\nhello\r\n0\r\n\r\n")),
      refused("0x5 in a chunk", 400, chunked("0x5\r\nhello\r\n0\r\n\r\n")),
      refused("+5 in a chunk", 400, chunked("+5\r\nhello\r\n0\r\n\r\n")),
      refused("-5 in a chunk", 400, chunked("-5\r\nhello\r\n0\r\n\r\n")),
      refused("a space before the size", 400, chunked(" 5\r\nhello\r\n0\r\n\r\n")),
      refused("a space behind the size", 400, chunked("5 \r\nhello\r\n0\r\n\r\n"), kChunk),
      refused("5_ in a chunk", 400, chunked("5_\r\nhello\r\n0\r\n\r\n")),
      refused("2^64 in a chunk", 400, chunked("10000000000000000\r\nhello\r\n0\r\n\r\n")),
      refused("2^64 + 5 in a chunk", 400, chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")),
      unanswered("2^32 + 5 in a chunk", chunked("100000005\r\nhello\r\n0\r\n\r\n")),
      unanswered("2^63 - 1 in a chunk", chunked("7fffffffffffffff\r\nhello\r\n0\r\n\r\n")),
      refused("LF behind the size", 400, chunked("5\nhello\r\n0\r\n\r\n"), kBareLf),
      refused("CR behind the size", 400, chunked("5\rhello\r\n0\r\n\r\n")),
      refused("LF behind the data", 400, chunked("5\r\nhello\n0\r\n\r\n"), kBareLf),
      refused("nothing behind the data", 400, chunked("5\r\nhello0\r\n\r\n")),
      refused("a longer chunk", 400, chunked("4\r\nhello\r\n0\r\n\r\n")),
      refused("a shorter chunk", 400, chunked("6\r\nhello\r\n0\r\n\r\n"), kBareLf),
      refused("LF in an extension", 400, chunked("5;a=b\nc\r\nhello\r\n0\r\n\r\n")),
      refused("CR in an extension", 400, chunked("5;a=b\rc\r\nhello\r\n0\r\n\r\n")),
      refused("LF in a quoted extension", 400, chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")),
      refused("LF behind a quoted quote", 400, chunked("5;a=\"\\\"\n\"\r\nhello\r\n0\r\n\r\n")),
      refused("NUL in an extension", 400, chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"s), kChunk),
      refused("a long extension", 400,
              chunked("5;a=" + std::string(300, 'b') + "\r\nhello\r\n0\r\n\r\n"), kLimits),
      refused("an endless extension", 400, chunked("5;a=" + std::string(9000, 'b'))),
      refused("an endless size", 400, chunked(std::string(9000, '0'))),
      refused("LF behind the last chunk", 400, chunked("5\r\nhello\r\n0\n\r\n"), kBareLf),
      refused("LF for the last line", 400, chunked("5\r\nhello\r\n0\r\n\n"), kBareLf),
      refused("a trailer without a colon", 400, chunked("0\r\nX\r\n\r\n"), kTrailer),
      refused("a folded trailer", 400, chunked("0\r\n X: y\r\n\r\n"), kTrailer),
      refused("a trailer with a NUL", 400, chunked("0\r\nX: \0\r\n\r\n"s), kTrailer),
      refused("a trailer with a space before its colon", 400, chunked("0\r\nX : y\r\n\r\n"),
              kTrailer),
      refused("endless trailers", 400, chunked("0\r\nX: " + std::string(60'000, 'y')), kLimits),
      refused("the last chunk is missing", 400, chunked("5\r\nhello\r\n")),
      refused("the last line is missing", 400, chunked("5\r\nhello\r\n0\r\n"), kTrailer),
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_connections(Table& all) {
  const std::string one = line("GET /a HTTP/1.1");
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += one;
  const Table rows = {
      served("ten at once", std::vector<std::string>(10, "GET /a 0"), ten),
      last("close", {"GET /a 0"}, field("Connection: close\r\n") + kHidden),
      last("keep-alive and close", {"GET /a 0"},
           field("Connection: keep-alive, close\r\n") + kHidden),
      last("CLOSE among others", {"GET /a 0"}, field("Connection: x,\tCLOSE ,y\r\n") + kHidden),
      last("close on a second line", {"GET /a 0"},
           field("Connection: x\r\nConnection: close\r\n") + kHidden),
      served("Connection names Content-Length", {"POST /a 35"},
             post("Connection: content-length\r\nContent-Length: 35\r\n", kHidden)),
      last("HTTP/1.0", {"GET /a 0"}, line("GET /a HTTP/1.0") + kHidden),
      last("HTTP/1.0 and keep-alive", {"GET /a 0"},
           head_of("GET /a HTTP/1.0", "Host: h\r\nConnection: keep-alive\r\n") + kHidden, kOnce10),
      served("an upgrade to h2c", {"GET /a 0"},
             field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                   "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n")),
      served("an upgrade to websocket", {"GET /a 0"},
             field("Connection: Upgrade\r\nUpgrade: websocket\r\n")),
      served("an expectation", {"POST /a 5"},
             post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello")),
      served("an expectation without a body", {"GET /a 0"}, field("Expect: 100-Continue\r\n")),
      served("an expectation, and the body is a request", {"POST /a 35"},
             post("Expect: 100-continue\r\nContent-Length: 35\r\n", kHidden)),
      {"a broken request behind a sound one",
       one + "GET /b\r\n\r\n" + kHidden,
       {{"GET /a 0"}, 400, false, false},
       ""},
      {"a broken chunk behind a sound request",
       one + chunked("g\r\n") + kHidden,
       {{"GET /a 0"}, 400, false, false},
       ""},
      {"bytes behind a body",
       post("Content-Length: 5\r\n", "hello!") + kHidden,
       {{"POST /a 5"}, 501, false, false},
       ""},
      {"an empty line between two requests",
       one + "\r\n" + kHidden,
       {{"GET /a 0"}, 400, false, false},
       kEmptyFirst},
      {"an empty line behind a body",
       post("Content-Length: 5\r\n", "hello\r\n") + kHidden,
       {{"POST /a 5"}, 400, false, false},
       kEmptyFirst},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace holdfast::hostile
