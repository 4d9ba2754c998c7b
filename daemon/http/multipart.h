// multipart/form-data (RFC 7578 on RFC 2046), parsed as it comes: no file is
// ever in memory.
//
//   start → head → data → (delimiter) → head … → end
//
// Strict: no preamble, no epilogue, no padding after a boundary, no folded
// header lines, no transfer encodings. A line that begins with the boundary and
// goes on otherwise is an error, not data.
//
// Invariant: between two calls of feed() the parser holds at most one part's
// head (limits::kMultipartHeadBytesMax); of data it holds nothing, since a
// withheld tail is always a prefix of the delimiter itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "daemon/http/exchange.h"

namespace holdfast::http {

struct PartHead {
  std::string name;                     // of the form field
  std::optional<std::string> filename;  // as sent; the receiver checks it
  std::string content_type;             // "" when absent
};

// Receives the parts of one body.
//
//   (on_part → on_data* → on_part_end)* → on_end | on_refused | on_error
//
// A Status that is not ok ends the parse: on_refused follows with it.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual Status on_part(const PartHead& head) = 0;
  virtual Status on_data(ByteSpan data) = 0;
  virtual Status on_part_end() = 0;
  // The body was complete and well formed.
  virtual void on_end() = 0;
  // The body is malformed (kInvalid) or a method above refused: the handler answers.
  virtual void on_refused(const Error& error) = 0;
  // As BodySink::on_error: nobody is left to be answered.
  virtual void on_error(const Error& error) = 0;
  // Asked after each piece of the body; true: nothing more before Exchange::resume_body().
  virtual bool wants_pause() { return false; }
};

class MultipartParser {
 public:
  // `boundary` as boundary_of gives it. `sink` must outlive the parser.
  MultipartParser(std::string_view boundary, PartSink& sink);

  // Calls on_part, on_data and on_part_end. After an error: no further calls.
  Status feed(ByteSpan input);
  // kInvalid unless the closing boundary has been seen.
  Status finish();

 private:
  enum class State { kStart, kAfterBoundary, kHead, kData, kEpilogue };

  Status feed_start(std::string_view& input);
  Status feed_after_boundary(std::string_view& input);
  Status feed_head(std::string_view& input);
  Status feed_data(std::string_view& input);
  Status feed_epilogue(std::string_view& input);
  Status emit(std::string_view data);

  PartSink& sink_;
  const std::string delimiter_;  // CR LF "--" boundary
  State state_ = State::kStart;
  size_t matched_;     // bytes of the delimiter seen so far; kStart begins after its CR LF
  std::string after_;  // up to 2 bytes behind a boundary
  std::string head_;
  int parts_ = 0;
};

// The boundary of a Content-Type value; kInvalid unless it is
// multipart/form-data with one boundary of 1 to 70 characters (RFC 2046).
Result<std::string> boundary_of(std::string_view content_type);

// One part's header lines, each with CR LF, without the empty line.
Result<PartHead> parse_part_head(std::string_view lines);

// A body sink that feeds `sink` with the parts; `sink` lives as long as it.
std::unique_ptr<BodySink> make_multipart_sink(std::string_view boundary,
                                              std::unique_ptr<PartSink> sink);

}  // namespace holdfast::http
