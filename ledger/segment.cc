#include "ledger/segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/json.h"
#include "io/publish.h"
#include "io/tree.h"
#include "ledger/line.h"

namespace holdfast {
namespace {

constexpr std::string_view kPlain = ".jsonl";
constexpr std::string_view kCompressed = ".jsonl.zst";
constexpr size_t kNumberDigits = 20;
constexpr uint32_t kTrailerMagic = 0x184D2A5E;  // one of the sixteen skippable ones (RFC 8878)
constexpr int64_t kTrailerBytesMax = int64_t{1} << 20;
constexpr int kCompressionLevel = 3;  // chosen for speed: lines are mostly digests

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

Error corrupt_segment(int64_t first_n, std::string_view reason) {
  return Error{Code::kCorrupt,
               "ledger segment " + segment_name(first_n, true) + ": " + std::string(reason)};
}

void put_u32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(static_cast<unsigned char>(value >> shift));
}

uint32_t get_u32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

MutableByteSpan writable(std::string& text) {
  return MutableByteSpan(reinterpret_cast<std::byte*>(text.data()), text.size());
}

// One independent frame, decompressed again to see that it holds what it should.
Result<std::string> compress_frame(ZSTD_CCtx* context, std::string_view text) {
  std::string frame(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress2(context, frame.data(), frame.size(), text.data(), text.size());
  if (ZSTD_isError(size))
    return Error{Code::kIo, std::string("compress a segment: ") + ZSTD_getErrorName(size)};
  frame.resize(size);
  std::string back(text.size(), '\0');
  if (ZSTD_decompress(back.data(), back.size(), frame.data(), frame.size()) != text.size() ||
      back != text)
    return Error{Code::kCorrupt, "compress a segment: a frame does not give its text back"};
  return frame;
}

// Writes the frames and the trailer of a segment into `sink`.
Status write_compressed(Io& io, Segment& segment, Bytes valid, const ByteSink& sink) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  json::array frames;
  std::string last_line;
  for (Bytes at(0); at < valid;) {
    HOLDFAST_ASSIGN(piece, segment.piece_at(io, at, valid));
    if (piece.text.empty())
      return corrupt_segment(segment.first_n(), "it does not end with a whole line");
    HOLDFAST_ASSIGN(frame, compress_frame(context.get(), piece.text));
    frames.push_back(
        json::array{static_cast<int64_t>(frame.size()), static_cast<int64_t>(piece.text.size())});
    HOLDFAST_TRY(sink(as_bytes(frame)));
    const size_t before_last = piece.text.rfind('\n', piece.text.size() - 2);
    const size_t begin = before_last == std::string::npos ? 0 : before_last + 1;
    last_line = piece.text.substr(begin, piece.text.size() - 1 - begin);
    at = piece.end();
  }
  HOLDFAST_ASSIGN(last, parse_line(last_line));
  json::object summary;
  summary["first"] = segment.first_n();
  summary["last"] = last.n;
  summary["head"] = last.digest.hex();
  summary["frames"] = std::move(frames);
  const std::string text = canonical(summary);
  std::string trailer;
  put_u32(trailer, kTrailerMagic);
  put_u32(trailer, static_cast<uint32_t>(text.size() + 4));
  trailer += text;
  put_u32(trailer, static_cast<uint32_t>(text.size()));
  return sink(as_bytes(trailer));
}

}  // namespace

std::string segment_name(int64_t first_n, bool compressed) {
  return fmt::format("{:020}{}", first_n, compressed ? kCompressed : kPlain);
}

std::optional<int64_t> segment_from_name(std::string_view name) {
  if (name.size() < kNumberDigits) return std::nullopt;
  const std::string_view ending = name.substr(kNumberDigits);
  if (ending != kPlain && ending != kCompressed) return std::nullopt;
  int64_t first_n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kNumberDigits, first_n);
  if (error != std::errc() || end != name.data() + kNumberDigits || first_n < 1)
    return std::nullopt;
  return first_n;
}

Result<std::vector<int64_t>> list_segments(Io& io, int dir_fd) {
  std::vector<int64_t> segments;
  HOLDFAST_TRY(each_entry(io, dir_fd, [&](const DirectoryEntry& entry) -> Result<bool> {
    if (const std::optional<int64_t> first_n = segment_from_name(entry.name))
      segments.push_back(*first_n);
    return true;
  }));
  std::sort(segments.begin(), segments.end());
  segments.erase(std::unique(segments.begin(), segments.end()), segments.end());
  return segments;
}

Result<Segment> Segment::open(Io& io, int dir_fd, int64_t first_n) {
  Segment segment;
  segment.first_n_ = first_n;
  Result<Fd> fd = io.open(dir_fd, segment_name(first_n, false), O_RDONLY);
  if (!fd.ok() && fd.error().code == Code::kNotFound) {
    segment.compressed_ = true;
    fd = io.open(dir_fd, segment_name(first_n, true), O_RDONLY);
  }
  if (!fd.ok()) return fd.error();
  segment.fd_ = std::move(fd).value();
  HOLDFAST_ASSIGN(status, status_of(segment.fd_.get(), segment_name(first_n, segment.compressed_)));
  segment.size_ = Bytes(status.st_size);
  if (segment.compressed_) HOLDFAST_TRY(segment.read_trailer(io));
  return segment;
}

Status Segment::read_trailer(Io& io) {
  const int64_t file_size = size_.count;
  if (file_size < 12) return corrupt_segment(first_n_, "no trailer");
  HOLDFAST_ASSIGN(length_text, read_plain(io, file_size - 4, 4));
  const int64_t length = get_u32(length_text);
  const int64_t begin = file_size - 12 - length;
  if (length > kTrailerBytesMax || begin < 0) return corrupt_segment(first_n_, "no trailer");
  HOLDFAST_ASSIGN(frame, read_plain(io, begin, length + 8));
  if (get_u32(frame) != kTrailerMagic || get_u32(frame.substr(4)) != length + 4)
    return corrupt_segment(first_n_, "no trailer");
  Result<json::value> value = parse_json(std::string_view(frame).substr(8));
  if (!value.ok() || !value->is_object()) return corrupt_segment(first_n_, "malformed trailer");
  const json::object& object = value->get_object();
  HOLDFAST_ASSIGN(first, need_integer(object, "first"));
  HOLDFAST_ASSIGN(last, need_integer(object, "last"));
  HOLDFAST_ASSIGN(head_text, need_string(object, "head"));
  HOLDFAST_ASSIGN(head, Digest::from_hex(head_text));
  const json::value* frames = object.if_contains("frames");
  if (first != first_n_ || last < first || frames == nullptr || !frames->is_array())
    return corrupt_segment(first_n_, "malformed trailer");
  int64_t file_at = 0;
  int64_t text_at = 0;
  for (const json::value& entry : frames->get_array()) {
    const json::array* pair = entry.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_int64() || !(*pair)[1].is_int64())
      return corrupt_segment(first_n_, "malformed trailer");
    const Frame next{file_at, (*pair)[0].get_int64(), text_at, (*pair)[1].get_int64()};
    const auto most = static_cast<int64_t>(kSegmentPieceBytes);
    if (next.text_size < 1 || next.text_size > most || next.file_size < 1 ||
        next.file_size > begin - file_at)
      return corrupt_segment(first_n_, "malformed trailer");
    frames_.push_back(next);
    file_at += next.file_size;
    text_at += next.text_size;
  }
  if (file_at != begin) return corrupt_segment(first_n_, "its frames do not fill it");
  size_ = Bytes(text_at);
  summary_ = SegmentSummary{first, last, head};
  return {};
}

Result<std::string> Segment::read_plain(Io& io, int64_t offset, int64_t length) {
  std::string text(static_cast<size_t>(length), '\0');
  const Status read = io.read_exactly(fd_.get(), Bytes(offset), writable(text));
  if (!read.ok()) return read.error().within("read " + segment_name(first_n_, compressed_));
  return text;
}

Result<std::string> Segment::read_frame(Io& io, const Frame& frame) {
  HOLDFAST_ASSIGN(packed, read_plain(io, frame.file_offset, frame.file_size));
  std::string text(static_cast<size_t>(frame.text_size), '\0');
  const size_t size = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  if (size != text.size() || text.back() != '\n')
    return corrupt_segment(first_n_, "a frame at byte " + std::to_string(frame.file_offset) +
                                         " does not decompress to its lines");
  return text;
}

Result<Segment::Piece> Segment::piece_at(Io& io, Bytes offset, Bytes limit) {
  const int64_t end = std::min(limit, size_).count;
  Piece piece{offset, {}};
  if (offset.count >= end) return piece;
  if (!compressed_) {
    const int64_t length = std::min(end - offset.count, static_cast<int64_t>(kSegmentPieceBytes));
    HOLDFAST_ASSIGN(text, read_plain(io, offset.count, length));
    const size_t last = text.rfind('\n');
    text.resize(last == std::string::npos ? 0 : last + 1);
    piece.text = std::move(text);
    return piece;
  }
  const auto frame = std::find_if(frames_.begin(), frames_.end(), [&](const Frame& f) {
    return offset.count < f.text_offset + f.text_size;
  });
  HOLDFAST_ASSIGN(text, read_frame(io, *frame));
  text.resize(static_cast<size_t>(std::min(frame->text_size, end - frame->text_offset)));
  const size_t last = text.rfind('\n');
  text.resize(last == std::string::npos ? 0 : last + 1);
  piece.text =
      text.substr(std::min(text.size(), static_cast<size_t>(offset.count - frame->text_offset)));
  return piece;
}

Result<Segment::Piece> Segment::piece_before(Io& io, Bytes end) {
  if (!compressed_) {
    const int64_t begin =
        std::max<int64_t>(0, end.count - static_cast<int64_t>(kSegmentPieceBytes));
    HOLDFAST_ASSIGN(text, read_plain(io, begin, end.count - begin));
    if (begin == 0) return Piece{Bytes(0), std::move(text)};
    const size_t first = text.find('\n');  // what stands before it began earlier
    if (first == std::string::npos || first + 1 == text.size())
      return Error{Code::kCorrupt, "ledger segment " + segment_name(first_n_, false) +
                                       ": a line longer than any may be"};
    return Piece{Bytes(begin + static_cast<int64_t>(first) + 1), text.substr(first + 1)};
  }
  const auto frame = std::find_if(frames_.rbegin(), frames_.rend(),
                                  [&](const Frame& f) { return f.text_offset < end.count; });
  if (frame == frames_.rend()) return Piece{Bytes(0), {}};
  HOLDFAST_ASSIGN(text, read_frame(io, *frame));
  text.resize(static_cast<size_t>(std::min(frame->text_size, end.count - frame->text_offset)));
  return Piece{Bytes(frame->text_offset), std::move(text)};
}

Result<Bytes> Segment::end_of_lines(Io& io, Bytes limit) {
  int64_t end = std::min(limit, size_).count;
  if (compressed_) return Bytes(end);
  while (end > 0) {
    const int64_t begin = std::max<int64_t>(0, end - static_cast<int64_t>(kSegmentPieceBytes));
    HOLDFAST_ASSIGN(text, read_plain(io, begin, end - begin));
    const size_t last = text.rfind('\n');
    if (last != std::string::npos) return Bytes(begin + static_cast<int64_t>(last) + 1);
    end = begin;
  }
  return Bytes(0);
}

Result<std::optional<std::string>> Segment::first_line(Io& io) {
  if (!compressed_) {
    // Enough for any line; a piece of a MiB for each of a thousand segments is not.
    const int64_t length = std::min<int64_t>(size_.count, limits::kLedgerLineBytesMax + 1);
    HOLDFAST_ASSIGN(text, read_plain(io, 0, length));
    const size_t end = text.find('\n');
    if (end == std::string::npos) return std::optional<std::string>();
    return std::optional<std::string>(text.substr(0, end));
  }
  HOLDFAST_ASSIGN(piece, piece_at(io, Bytes(0), size_));
  return std::optional<std::string>(piece.text.substr(0, piece.text.find('\n')));
}

Status compress_segment(Io& io, int dir_fd, int64_t first_n, Bytes valid) {
  Result<Segment> segment = Segment::open(io, dir_fd, first_n);
  if (!segment.ok() && segment.error().code == Code::kNotFound) return {};  // never came to be
  if (!segment.ok()) return segment.error();
  if (segment->compressed()) return {};
  if (valid.count > 0) {
    PublishOptions options;
    options.if_exists = IfExists::kReplace;  // what an interrupted sealing left
    const Result<Published> published = publish_file(
        io, dir_fd, segment_name(first_n, true), options,
        [&](const ByteSink& sink) { return write_compressed(io, *segment, valid, sink); });
    if (!published.ok()) return published.error();
  }
  return unlink_durably(io, dir_fd, segment_name(first_n, false));
}

}  // namespace holdfast
