#include "daemon/http/parser.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <string>
#include <utility>

#include "base/limits.h"

namespace holdfast::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

// A chunk's first line with its extensions, or the last one with all trailers.
constexpr size_t kChunkHeadBytesMax = 4096;

// "0 CR LF CR LF": as much is to come at least between the chunks of a body that is not done.
constexpr size_t kChunkedEndBytesMin = 5;

std::optional<Method> method_of(std::string_view word) {
  for (Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kPut, Method::kPatch,
                        Method::kDelete, Method::kOptions})
    if (word == to_word(method)) return method;
  return std::nullopt;
}

}  // namespace

// Beast calls these as it recognises each element.
struct RequestParser::Beast final : beast_http::basic_parser<true> {
  Request* request = nullptr;  // while the head is parsed; trailers are dropped
  ByteSpan data;
  std::optional<Refusal> refusal;
  std::uint64_t chunk_left = 0;  // bytes of the present chunk that are to come

  Beast() {
    header_limit(limits::kRequestHeadBytesMax);
    body_limit(boost::none);  // the exchange has its own
  }

  void refuse(Refusal why, ErrorCode& ec) {
    refusal = std::move(why);
    ec = beast_http::error::bad_value;
  }

  void on_request_impl(beast_http::verb, string_view method, string_view target, int version,
                       ErrorCode& ec) override {
    const auto known = method_of(std::string_view(method.data(), method.size()));
    if (!known) return refuse({501, "unknown method"}, ec);
    request->method = *known;
    request->target = std::string(target.data(), target.size());
    request->minor_version = version - 10;
  }
  void on_response_impl(int, string_view, int, ErrorCode&) override {}
  void on_field_impl(beast_http::field, string_view name, string_view value,
                     ErrorCode& ec) override {
    if (request == nullptr) return;
    if (request->headers.size() == limits::kRequestHeadersMax)
      return refuse({431, "too many header fields"}, ec);
    request->headers.add(std::string_view(name.data(), name.size()),
                         std::string_view(value.data(), value.size()));
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  size_t on_body_impl(string_view body, ErrorCode&) override {
    data = as_bytes(std::string_view(body.data(), body.size()));
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, ErrorCode& ec) override {
    chunk_left = size;
    const std::string_view text(extensions.data(), extensions.size());
    if (auto why = check_chunk_extension(text)) refuse(*std::move(why), ec);
  }
  size_t on_chunk_body_impl(std::uint64_t, string_view body, ErrorCode&) override {
    chunk_left -= body.size();
    data = as_bytes(std::string_view(body.data(), body.size()));
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}
};

RequestParser::RequestParser() = default;
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

std::optional<Refusal> RequestParser::parse_head(std::string_view head, Request& request) {
  if (auto refusal = check_head_bytes(head, 0)) return refusal;
  if (auto refusal = check_request_line(head.substr(0, head.find("\r\n")))) return refusal;

  beast_ = std::make_unique<Beast>();
  beast_->request = &request;
  ErrorCode ec;
  const size_t consumed = beast_->put(boost::asio::const_buffer(head.data(), head.size()), ec);
  beast_->request = nullptr;
  if (beast_->refusal) return beast_->refusal;
  if (ec) return Refusal{400, "malformed head: " + ec.message()};
  // Beast and find_head_end must mean the same bytes, or the rest would be read twice.
  if (consumed != head.size() || !beast_->is_header_done())
    return Refusal{400, "malformed head: it ends early"};

  if (auto refusal = check_fields(request)) return refusal;
  const bool framing_agrees =
      beast_->chunked() == request.chunked &&
      (request.chunked || beast_->is_done() == (request.content_length.value_or(0) == 0));
  if (!framing_agrees) return Refusal{400, "ambiguous framing"};
  return std::nullopt;
}

RequestParser::BodyStep RequestParser::parse_body(std::string_view input) {
  BodyStep step;
  if (beast_->is_done()) {
    step.done = true;
    return step;
  }
  // Beast asserts that of a last chunk which it has begun to read there is no less than that.
  const bool is_between_chunks = beast_->chunked() && beast_->chunk_left == 0;
  if (input.empty() || (is_between_chunks && input.size() < kChunkedEndBytesMin)) {
    step.need_more = true;
    return step;
  }
  beast_->data = {};
  ErrorCode ec;
  step.consumed = beast_->put(boost::asio::const_buffer(input.data(), input.size()), ec);
  step.data = beast_->data;
  step.done = beast_->is_done();
  if (beast_->refusal) {
    step.refusal = beast_->refusal;
  } else if (ec == beast_http::error::need_more) {
    step.need_more = true;
    if (input.size() - step.consumed >= kChunkHeadBytesMax)
      step.refusal = Refusal{400, "a chunk's head is too long"};
  } else if (ec) {
    step.refusal = Refusal{400, "malformed body: " + ec.message()};
  }
  return step;
}

std::optional<size_t> find_head_end(std::string_view input, size_t from) {
  const size_t at = input.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 4;
}

}  // namespace holdfast::http
