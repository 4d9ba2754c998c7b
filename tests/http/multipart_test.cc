// The multipart parser, cut at every byte.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "base/limits.h"
#include "daemon/http/multipart.h"

namespace holdfast::http {
namespace {

struct Part {
  PartHead head;
  std::string data;
  bool ended = false;
};

struct Gathered final : PartSink {
  std::vector<Part> parts;
  size_t largest_piece = 0;
  std::string refuse = "nobody";  // the part of this name is refused
  std::string outcome;

  Status on_part(const PartHead& head) override {
    if (head.name == refuse) return Error{Code::kConflict, "refused"};
    parts.push_back({head, "", false});
    return {};
  }
  Status on_data(ByteSpan data) override {
    largest_piece = std::max(largest_piece, data.size());
    parts.back().data += as_text(data);
    return {};
  }
  Status on_part_end() override {
    parts.back().ended = true;
    return {};
  }
  void on_end() override { outcome += "end"; }
  void on_refused(const Error& error) override {
    outcome += std::string("refused ") + std::string(traits(error.code).word);
  }
  void on_error(const Error&) override { outcome += "error"; }
};

constexpr std::string_view kBoundary = "-bnd";

// Data that nearly is a delimiter, in every way.
const std::string kTricky =
    "\r\n\r\r\n-\r\n--\r\n---\r\n---b\r\n---bn\r\n---bn\r\n-\r\r\n---b\r-bnd\r\n--bnd\n---bnd\r";

std::string sample() {
  std::string body = "---bnd\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.ulaw\"";
  body += "\r\nContent-Type: audio/basic\r\n\r\n" + kTricky + "\r\n";
  body += "---bnd\r\ncontent-disposition: Form-Data; filename=\"q\\\"\\\\.wav\"; name=two\r\n";
  body += "Content-Transfer-Encoding: binary\r\nX-Other: y\r\n\r\n\r\n---bnd\r\n";
  body += "Content-Disposition: form-data; name=\"\"\r\n\r\nlast\r\n---bnd--\r\n";
  return body;
}

Status parse_in_two(const std::string& body, size_t cut, Gathered& sink) {
  MultipartParser parser(kBoundary, sink);
  HOLDFAST_TRY(parser.feed(as_bytes(std::string_view(body).substr(0, cut))));
  HOLDFAST_TRY(parser.feed(as_bytes(std::string_view(body).substr(cut))));
  return parser.finish();
}

void expect_sample(const Gathered& sink) {
  BOOST_REQUIRE(sink.parts.size() == 3);
  BOOST_TEST(sink.parts[0].head.name == "file");
  BOOST_TEST(*sink.parts[0].head.filename == "a.ulaw");
  BOOST_TEST(sink.parts[0].head.content_type == "audio/basic");
  BOOST_TEST(sink.parts[0].data == kTricky);
  BOOST_TEST(sink.parts[1].head.name == "two");
  BOOST_TEST(*sink.parts[1].head.filename == "q\"\\.wav");
  BOOST_TEST(sink.parts[1].data == "");
  BOOST_TEST(sink.parts[2].head.name == "");
  BOOST_TEST(!sink.parts[2].head.filename.has_value());
  BOOST_TEST(sink.parts[2].data == "last");
  for (const Part& part : sink.parts) BOOST_TEST(part.ended);
}

std::string one_part(const std::string& head, const std::string& end = "\r\n---bnd--") {
  return "---bnd\r\n" + head + "\r\n\r\ndata" + end;
}

const std::string kHead = "Content-Disposition: form-data; name=\"a\"";

}  // namespace

BOOST_AUTO_TEST_SUITE(multipart)

BOOST_AUTO_TEST_CASE(cut_at_every_byte_it_gives_the_same_parts) {
  const std::string body = sample();
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    Gathered sink;
    const Status status = parse_in_two(body, cut, sink);
    BOOST_REQUIRE_MESSAGE(status.ok(),
                          "cut at " << cut << ": " << (status.ok() ? "" : status.error().message));
    expect_sample(sink);
  }
}

BOOST_AUTO_TEST_CASE(byte_by_byte_and_in_pieces_of_every_size) {
  const std::string body = sample();
  for (size_t size = 1; size < 40; ++size) {
    Gathered sink;
    MultipartParser parser(kBoundary, sink);
    for (size_t at = 0; at < body.size(); at += size)
      BOOST_REQUIRE(parser.feed(as_bytes(std::string_view(body).substr(at, size))).ok());
    BOOST_REQUIRE(parser.finish().ok());
    expect_sample(sink);
  }
}

BOOST_AUTO_TEST_CASE(a_body_that_ends_early_is_refused_wherever_it_ends) {
  const std::string body = sample();
  for (size_t length = 0; length < body.size() - 2; ++length) {  // the last CR LF may be missing
    Gathered sink;
    BOOST_TEST(!parse_in_two(body.substr(0, length), length / 2, sink).ok());
  }
}

BOOST_AUTO_TEST_CASE(malformed_bodies_are_refused) {
  const std::vector<std::string> bodies = {
      "preamble\r\n---bnd\r\n" + kHead + "\r\n\r\ndata\r\n---bnd--",
      "\r\n" + one_part(kHead),
      "---bnd \r\n" + kHead + "\r\n\r\ndata\r\n---bnd--",
      "---bnd\n" + kHead + "\r\n\r\ndata\r\n---bnd--",
      one_part(kHead, "\r\n---bndx\r\n---bnd--"),
      one_part(kHead, "\r\n---bnd-"),
      one_part(kHead, "\r\n---bnd-\r\n"),
      one_part(kHead, "\r\n---bnd--x"),
      one_part(kHead, "\r\n---bnd--\r\nx"),
      one_part(kHead, "\r\n---bnd--\n"),
      one_part("X: y"),
      one_part("Content-Disposition: attachment; name=\"a\""),
      one_part("Content-Disposition: form-data"),
      one_part("Content-Disposition: form-data; filename=\"a\""),
      one_part("Content-Disposition: form-data; name=\"a\"; name=\"b\""),
      one_part("Content-Disposition: form-data; name=\"a"),
      one_part("Content-Disposition: form-data; name=a b"),
      one_part("Content-Disposition: form-data; name=\"a\"; filename=\"b\"; filename=\"c\""),
      one_part("Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''b"),
      one_part("Content-Disposition: form-data; name=\"a\" filename=\"b\""),
      one_part(kHead + "\r\n" + kHead),
      one_part(kHead + "\r\nContent-Type: a/b\r\nContent-Type: c/d"),
      one_part(kHead + "\r\nContent-Transfer-Encoding: base64"),
      one_part(kHead + "\r\n folded"),
      one_part(kHead + "\r\nno colon"),
      one_part(kHead + "\r\nX : y"),
      one_part(kHead + "\r\nX: a\rb"),
      one_part(kHead + "\r\nX: a\nb"),
      one_part(kHead + "\r\nX: " + std::string(limits::kMultipartHeadBytesMax, 'y')),
      "---bnd\r\n\r\ndata\r\n---bnd--",
      "---other\r\n" + kHead + "\r\n\r\ndata\r\n---other--",
  };
  for (const std::string& body : bodies)
    for (const size_t cut : {size_t{0}, body.size() / 2}) {
      Gathered sink;
      BOOST_CHECK_MESSAGE(!parse_in_two(body, cut, sink).ok(), body.substr(0, 200));
    }
}

BOOST_AUTO_TEST_CASE(more_than_1024_parts_are_refused) {
  std::string body = "---bnd";
  for (int i = 0; i < 1025; ++i) body += "\r\n" + kHead + "\r\n\r\nx\r\n---bnd";
  Gathered sink;
  BOOST_TEST(!parse_in_two(body + "--", 0, sink).ok());
  BOOST_TEST(sink.parts.size() == 1024u);
}

BOOST_AUTO_TEST_CASE(data_passes_through_without_being_gathered) {
  Gathered sink;
  MultipartParser parser(kBoundary, sink);
  BOOST_REQUIRE(parser.feed(as_bytes(one_part(kHead, ""))).ok());
  const std::string piece(10'000, 'x');
  for (int i = 0; i < 100; ++i) BOOST_REQUIRE(parser.feed(as_bytes(piece)).ok());
  BOOST_TEST(sink.largest_piece == piece.size());
  BOOST_TEST(sink.parts[0].data.size() == 4 + 100 * piece.size());
}

BOOST_AUTO_TEST_CASE(the_sink_adapter_ends_in_exactly_one_way) {
  const auto run = [](const std::string& body, const std::string& refuse, bool client_leaves) {
    auto owned = std::make_unique<Gathered>();
    owned->refuse = refuse;
    Gathered* const sink = owned.get();
    const std::unique_ptr<BodySink> adapter = make_multipart_sink(kBoundary, std::move(owned));
    adapter->on_data(as_bytes(std::string_view(body).substr(0, body.size() / 2)));
    adapter->on_data(as_bytes(std::string_view(body).substr(body.size() / 2)));
    if (client_leaves) {
      adapter->on_error(Error{Code::kUnavailable, "left"});
    } else {
      adapter->on_end();
    }
    return sink->outcome;
  };
  BOOST_TEST(run(sample(), "none", false) == "end");
  BOOST_TEST(run(sample(), "none", true) == "error");
  BOOST_TEST(run(sample(), "two", false) == "refused conflict");
  BOOST_TEST(run(sample(), "two", true) == "refused conflict");
  BOOST_TEST(run("---bnd\r\n", "none", false) == "refused invalid");
}

BOOST_AUTO_TEST_CASE(boundaries_follow_rfc_2046) {
  BOOST_TEST(*boundary_of("multipart/form-data; boundary=abc") == "abc");
  BOOST_TEST(*boundary_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b?c\"") == "a b?c");
  BOOST_TEST(*boundary_of("multipart/form-data; boundary=" + std::string(70, 'b')) ==
             std::string(70, 'b'));
  for (const std::string& bad :
       {std::string("multipart/mixed; boundary=abc"), std::string("multipart/form-data"),
        std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"\""),
        std::string("multipart/form-data; boundary=\"a \""),
        std::string("multipart/form-data; boundary=a\"b"),
        std::string("multipart/form-data; boundary=a; boundary=b"),
        std::string("multipart/form-data; boundary=a;b"),
        std::string("multipart/form-data; boundary=\"a\\\x01\""),
        "multipart/form-data; boundary=" + std::string(71, 'b'), std::string("")})
    BOOST_CHECK_MESSAGE(!boundary_of(bad).ok(), bad);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http
