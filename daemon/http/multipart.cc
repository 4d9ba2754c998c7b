#include "daemon/http/multipart.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace holdfast::http {
namespace {

constexpr int kPartsMax = 1024;  // far above the files of one part of a recording

Error malformed(std::string_view what) {
  return Error{Code::kInvalid, "multipart body: " + std::string(what)};
}

// The next ';'-separated parameter "name=value" of `rest`, value as a token or a
// quoted string with backslash escapes; false at the end or on an error.
bool next_parameter(std::string_view& rest, std::string& name, std::string& value) {
  rest = trimmed(rest);
  if (rest.empty() || rest.front() != ';') return false;
  rest = trimmed(rest.substr(1));
  const size_t equals = rest.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  name = std::string(trimmed(rest.substr(0, equals)));
  rest.remove_prefix(equals + 1);
  value.clear();
  if (rest.empty() || rest.front() != '"') {
    const std::string_view token = rest.substr(0, rest.find(';'));
    value = std::string(trimmed(token));
    rest.remove_prefix(token.size());
    return !value.empty() && value.find_first_of("\" ,=\t") == std::string::npos;
  }
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
    value += rest.front();
    rest.remove_prefix(1);
  }
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  return true;
}

Status parse_disposition(std::string_view value, PartHead& head) {
  std::string_view rest = value;
  const std::string_view kind = rest.substr(0, rest.find(';'));
  if (!equals_ignoring_case(trimmed(kind), "form-data"))
    return malformed("a part's Content-Disposition is not form-data");
  rest.remove_prefix(kind.size());
  bool named = false;
  std::string name;
  std::string text;
  while (!trimmed(rest).empty()) {
    if (!next_parameter(rest, name, text))
      return malformed("a part's Content-Disposition is broken");
    if (equals_ignoring_case(name, "name")) {
      if (named) return malformed("a part has two names");
      head.name = text;
      named = true;
    } else if (equals_ignoring_case(name, "filename")) {
      if (head.filename) return malformed("a part has two file names");
      head.filename = text;
    } else if (equals_ignoring_case(name, "filename*")) {
      return malformed("filename* has no place in form data (RFC 7578, 4.2)");
    }
  }
  if (!named) return malformed("a part has no name");
  return {};
}

class MultipartBody final : public BodySink {
 public:
  MultipartBody(std::string_view boundary, std::unique_ptr<PartSink> sink)
      : sink_(std::move(sink)), parser_(boundary, *sink_) {}

  Flow on_data(ByteSpan data) override {
    if (refused_) return Flow::kContinue;  // the handler has been told; the rest is dropped
    if (Status fed = parser_.feed(data); !fed.ok()) {
      refused_ = true;
      sink_->on_refused(fed.error());
      return Flow::kContinue;
    }
    return sink_->wants_pause() ? Flow::kPause : Flow::kContinue;
  }
  void on_end() override {
    if (refused_) return;
    if (Status finished = parser_.finish(); !finished.ok()) {
      sink_->on_refused(finished.error());
    } else {
      sink_->on_end();
    }
  }
  void on_error(const Error& error) override {
    if (!refused_) sink_->on_error(error);
  }

 private:
  std::unique_ptr<PartSink> sink_;
  MultipartParser parser_;
  bool refused_ = false;
};

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary, PartSink& sink)
    : sink_(sink), delimiter_("\r\n--" + std::string(boundary)), matched_(2) {}

Status MultipartParser::feed(ByteSpan bytes) {
  std::string_view input = as_text(bytes);
  while (!input.empty()) {
    switch (state_) {
      case State::kStart:
        HOLDFAST_TRY(feed_start(input));
        break;
      case State::kAfterBoundary:
        HOLDFAST_TRY(feed_after_boundary(input));
        break;
      case State::kHead:
        HOLDFAST_TRY(feed_head(input));
        break;
      case State::kData:
        HOLDFAST_TRY(feed_data(input));
        break;
      case State::kEpilogue:
        HOLDFAST_TRY(feed_epilogue(input));
        break;
    }
  }
  return {};
}

Status MultipartParser::finish() {
  if (state_ != State::kEpilogue || after_.size() == 1)
    return malformed("it ends before its closing boundary");
  return {};
}

Status MultipartParser::feed_start(std::string_view& input) {
  while (!input.empty() && matched_ < delimiter_.size()) {
    if (input.front() != delimiter_[matched_])
      return malformed("it does not begin with its boundary");
    ++matched_;
    input.remove_prefix(1);
  }
  if (matched_ == delimiter_.size()) {
    after_.clear();
    state_ = State::kAfterBoundary;
  }
  return {};
}

Status MultipartParser::feed_after_boundary(std::string_view& input) {
  while (!input.empty() && after_.size() < 2) {
    after_ += input.front();
    input.remove_prefix(1);
  }
  if (after_.size() < 2) return {};
  if (after_ == "--") {
    after_.clear();
    state_ = State::kEpilogue;
  } else if (after_ == "\r\n") {
    if (++parts_ > kPartsMax) return malformed("more than 1024 parts");
    head_.clear();
    state_ = State::kHead;
  } else {
    return malformed("a line begins with the boundary and goes on otherwise");
  }
  return {};
}

Status MultipartParser::feed_head(std::string_view& input) {
  while (!input.empty()) {
    head_ += input.front();
    input.remove_prefix(1);
    if (head_.size() > limits::kMultipartHeadBytesMax)
      return malformed("a part's head is too long");
    const bool empty_line =
        head_.size() >= 4 && std::string_view(head_).substr(head_.size() - 4) == "\r\n\r\n";
    if (head_ == "\r\n") return malformed("a part has no head");
    if (!empty_line) continue;
    HOLDFAST_ASSIGN(part, parse_part_head(std::string_view(head_).substr(0, head_.size() - 2)));
    HOLDFAST_TRY(sink_.on_part(part));
    // An empty part's delimiter follows its head at once; its CR LF is its own.
    matched_ = 0;
    state_ = State::kData;
    return {};
  }
  return {};
}

Status MultipartParser::feed_data(std::string_view& input) {
  const std::string_view delimiter = delimiter_;
  size_t sure = 0;  // bytes of `input` that are data for certain
  size_t at = 0;
  while (at < input.size() && matched_ < delimiter.size()) {
    if (matched_ == 0) {
      const size_t cr = input.find('\r', at);
      if (cr == std::string_view::npos) {
        sure = at = input.size();
        break;
      }
      sure = at = cr;
    }
    if (input[at] == delimiter[matched_]) {
      ++matched_;
      ++at;
      continue;
    }
    // Not the delimiter after all. What matched may have come with earlier input;
    // it is a prefix of the delimiter, and CR occurs in it at its start only, so
    // no later match can begin within it.
    const size_t within = at - sure;
    if (matched_ > within) {
      const size_t earlier = matched_ - within;
      HOLDFAST_TRY(emit(delimiter.substr(0, earlier)));
    }
    matched_ = 0;
    sure = at;
  }
  if (sure > 0) HOLDFAST_TRY(emit(input.substr(0, sure)));
  input.remove_prefix(at);
  if (matched_ == delimiter.size()) {
    HOLDFAST_TRY(sink_.on_part_end());
    after_.clear();
    state_ = State::kAfterBoundary;
  }
  return {};
}

Status MultipartParser::feed_epilogue(std::string_view& input) {
  while (!input.empty()) {
    after_ += input.front();
    input.remove_prefix(1);
    if (std::string_view("\r\n").substr(0, after_.size()) != after_)
      return malformed("something follows its closing boundary");
  }
  return {};
}

Status MultipartParser::emit(std::string_view data) { return sink_.on_data(as_bytes(data)); }

Result<std::string> boundary_of(std::string_view content_type) {
  std::string_view rest = content_type;
  const std::string_view type = rest.substr(0, rest.find(';'));
  if (!equals_ignoring_case(trimmed(type), "multipart/form-data"))
    return Error{Code::kInvalid, "Content-Type is not multipart/form-data"};
  rest.remove_prefix(type.size());
  std::optional<std::string> boundary;
  std::string name;
  std::string value;
  while (!trimmed(rest).empty()) {
    if (!next_parameter(rest, name, value))
      return Error{Code::kInvalid, "Content-Type has a broken parameter"};
    if (!equals_ignoring_case(name, "boundary")) continue;
    if (boundary) return Error{Code::kInvalid, "Content-Type has two boundaries"};
    boundary = value;
  }
  const auto is_boundary_character = [](char c) {  // RFC 2046, 5.1.1
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
  };
  const bool in_order = boundary && !boundary->empty() && boundary->size() <= 70 &&
                        boundary->back() != ' ' &&
                        std::all_of(boundary->begin(), boundary->end(), is_boundary_character);
  if (!in_order) return Error{Code::kInvalid, "Content-Type has no boundary of 1 to 70 characters"};
  return *boundary;
}

Result<PartHead> parse_part_head(std::string_view lines) {
  PartHead head;
  bool disposed = false;
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    if (end == std::string_view::npos) return malformed("a part's head has a torn line");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const auto is_control = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && byte != '\t') || byte == 0x7f;
    };
    const size_t colon = line.find(':');
    const bool in_order = colon != std::string_view::npos && colon > 0 && line.front() != ' ' &&
                          line.front() != '\t' && line[colon - 1] != ' ' &&
                          std::none_of(line.begin(), line.end(), is_control);
    if (!in_order) return malformed("a part's head has a broken line");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equals_ignoring_case(name, "content-disposition")) {
      if (disposed) return malformed("a part has two Content-Disposition fields");
      disposed = true;
      HOLDFAST_TRY(parse_disposition(value, head));
    } else if (equals_ignoring_case(name, "content-type")) {
      if (!head.content_type.empty()) return malformed("a part has two Content-Type fields");
      head.content_type = std::string(value);
    } else if (equals_ignoring_case(name, "content-transfer-encoding")) {
      const bool plain = equals_ignoring_case(value, "binary") ||
                         equals_ignoring_case(value, "8bit") || equals_ignoring_case(value, "7bit");
      if (!plain) return malformed("a part has a transfer encoding (RFC 7578, 4.7)");
    }
  }
  if (!disposed) return malformed("a part has no Content-Disposition");
  return head;
}

std::unique_ptr<BodySink> make_multipart_sink(std::string_view boundary,
                                              std::unique_ptr<PartSink> sink) {
  return std::make_unique<MultipartBody>(boundary, std::move(sink));
}

}  // namespace holdfast::http
