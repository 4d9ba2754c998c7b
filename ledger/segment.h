// One segment file of a chain: its name, its lines by pieces in either direction,
// and its compressed form. docs/ledger.md, "Segments".
//
//   <first_n, 20 digits>.jsonl      plain, appended to until it is sealed
//   <first_n, 20 digits>.jsonl.zst  sealed: zstd frames of whole lines, each at most a
//                                   MiB of text with its size and checksum, then a
//                                   skippable frame (kTrailerMagic) that `zstd -dc`
//                                   passes over: a JSON object with first, last, head
//                                   and the sizes of the frames, then its length in
//                                   four bytes, little endian
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/io.h"

namespace holdfast {

// Text of one piece at most; also of one zstd frame. Bounds a reader's memory.
constexpr size_t kSegmentPieceBytes = size_t{1} << 20;

std::string segment_name(int64_t first_n, bool compressed);
// The first_n of a segment's name, plain or compressed; nothing for other files.
std::optional<int64_t> segment_from_name(std::string_view name);

// first_n of every segment in the directory, ascending, each once.
Result<std::vector<int64_t>> list_segments(Io& io, int dir_fd);

// What a sealed segment says of itself.
struct SegmentSummary {
  int64_t first_n = 0;
  int64_t last_n = 0;
  Digest head;  // of its last line
};

class Segment {
 public:
  // The plain file if there is one, else the compressed. kNotFound when neither is there.
  static Result<Segment> open(Io& io, int dir_fd, int64_t first_n);

  int64_t first_n() const { return first_n_; }
  bool compressed() const { return compressed_; }
  // Bytes of text; of a plain file that may be torn, all there are.
  Bytes size() const { return size_; }
  // Of a compressed segment.
  const SegmentSummary& summary() const { return summary_; }

  struct Piece {
    Bytes offset;
    std::string text;  // whole lines, each with its LF; empty: there is none
    Bytes end() const { return offset + Bytes(static_cast<int64_t>(text.size())); }
  };
  // Whole lines from `offset`, where a line begins, and before `limit`.
  Result<Piece> piece_at(Io& io, Bytes offset, Bytes limit);
  // Whole lines up to `end`, where a line ends. kCorrupt when a line is longer than any may be.
  Result<Piece> piece_before(Io& io, Bytes end);
  // The end of the last whole line that lies before `limit`.
  Result<Bytes> end_of_lines(Io& io, Bytes limit);
  // The first line without its LF; nothing when there is no whole one.
  Result<std::optional<std::string>> first_line(Io& io);

 private:
  struct Frame {
    int64_t file_offset;
    int64_t file_size;
    int64_t text_offset;
    int64_t text_size;
  };
  Status read_trailer(Io& io);
  Result<std::string> read_plain(Io& io, int64_t offset, int64_t length);
  Result<std::string> read_frame(Io& io, const Frame& frame);

  Fd fd_;
  int64_t first_n_ = 0;
  bool compressed_ = false;
  Bytes size_;
  SegmentSummary summary_;
  std::vector<Frame> frames_;
};

// Rewrites the first `valid` bytes of a plain segment as the compressed one and
// removes the plain file. `valid` may be 0: then the file is only removed.
Status compress_segment(Io& io, int dir_fd, int64_t first_n, Bytes valid);

// Calls `visit(offset, line)` for each line of a piece; stops when it gives false
// or an error, and says which.
template <typename Visit>
Result<bool> each_line_of(const Segment::Piece& piece, Visit visit) {
  for (size_t at = 0; at < piece.text.size();) {
    const size_t end = piece.text.find('\n', at);
    HOLDFAST_ASSIGN(go_on, visit(piece.offset + Bytes(static_cast<int64_t>(at)),
                                 std::string_view(piece.text).substr(at, end - at)));
    if (!go_on) return false;
    at = end + 1;
  }
  return true;
}

}  // namespace holdfast
