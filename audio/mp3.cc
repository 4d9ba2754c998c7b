#include <algorithm>
#include <array>

#include "audio/compressed.h"

namespace holdfast {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr size_t kTagHeaderBytes = 10;   // of ID3v2
constexpr size_t kFirstFrameBytes = 64;  // header, side information, Xing or VBRI with its count

uint32_t byte_at(ByteSpan bytes, size_t at) { return std::to_integer<uint32_t>(bytes[at]); }

uint32_t big_endian(ByteSpan bytes, size_t at) {
  return byte_at(bytes, at) << 24 | byte_at(bytes, at + 1) << 16 | byte_at(bytes, at + 2) << 8 |
         byte_at(bytes, at + 3);
}

struct FrameHeader {
  int rate_hz = 0;
  int channels = 0;
  int samples = 0;    // of each channel
  int64_t bytes = 0;  // the header included
  size_t side_information_bytes = 0;

  // Frames of one stream have these in common; bit rate and padding change.
  bool is_like(const FrameHeader& other) const {
    return rate_hz == other.rate_hz && samples == other.samples && channels == other.channels;
  }
};

// Nothing unless the four bytes are a Layer III header of a known length.
std::optional<FrameHeader> header_of(ByteSpan bytes) {
  static constexpr std::array<int, 16> kKilobits1 = {0,   32,  40,  48,  56,  64,  80,  96,
                                                     112, 128, 160, 192, 224, 256, 320, 0};
  static constexpr std::array<int, 16> kKilobits2 = {0,  8,  16, 24,  32,  40,  48,  56,
                                                     64, 80, 96, 112, 128, 144, 160, 0};
  static constexpr std::array<int, 4> kRates = {44'100, 48'000, 32'000, 0};
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const uint32_t word = big_endian(bytes, 0);
  const uint32_t version = word >> 19 & 3;  // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const uint32_t layer = word >> 17 & 3;    // 1: III
  if (word >> 21 != 0x7ff || version == 1 || layer != 1) return std::nullopt;
  const bool is_first = version == 3;
  const int kilobits = (is_first ? kKilobits1 : kKilobits2)[word >> 12 & 15];
  const int rate = kRates[word >> 10 & 3] >> (is_first ? 0 : version == 2 ? 1 : 2);
  if (kilobits == 0 || rate == 0) return std::nullopt;
  FrameHeader header;
  header.rate_hz = rate;
  header.channels = (word >> 6 & 3) == 3 ? 1 : 2;
  header.samples = is_first ? 1152 : 576;
  const int padding = (word >> 9 & 1) != 0 ? 1 : 0;
  header.bytes = header.samples / 8 * 1000 * kilobits / rate + padding;
  if (is_first)
    header.side_information_bytes = header.channels == 1 ? 17 : 32;
  else
    header.side_information_bytes = header.channels == 1 ? 9 : 17;
  return header;
}

// The length of an ID3v2 tag that begins with these ten bytes; 0 when they are none.
int64_t tag_bytes(ByteSpan bytes) {
  if (bytes.size() < kTagHeaderBytes || as_text(bytes.first(3)) != "ID3") return 0;
  int64_t size = 0;
  for (size_t at = 6; at < kTagHeaderBytes; ++at) {
    if (byte_at(bytes, at) > 0x7f) return 0;
    size = size << 7 | byte_at(bytes, at);
  }
  const bool has_footer = (byte_at(bytes, 5) & 0x10) != 0;
  return size + (has_footer ? 20 : 10);
}

// Tags that may follow the last frame.
bool is_end_tag(ByteSpan bytes) {
  const std::string_view text = as_text(bytes);
  return text.starts_with("TAG") || text.starts_with("APETAGEX") ||
         text.starts_with("LYRICSBEGIN") || text.starts_with("ID3");
}

// Whether the frame is the encoder's table of the file; `declared`: how many frames it tells.
bool is_table(ByteSpan frame, const FrameHeader& header, int64_t& declared) {
  const size_t xing = kHeaderBytes + header.side_information_bytes;
  constexpr size_t kVbri = kHeaderBytes + 32;
  if (frame.size() >= xing + 12) {
    const std::string_view word = as_text(frame.subspan(xing, 4));
    if (word == "Xing" || word == "Info") {
      if ((big_endian(frame, xing + 4) & 1) != 0) declared = big_endian(frame, xing + 8);
      return true;
    }
  }
  if (frame.size() < kVbri + 18 || as_text(frame.subspan(kVbri, 4)) != "VBRI") return false;
  declared = big_endian(frame, kVbri + 14);
  return true;
}

class Walk {
 public:
  explicit Walk(FileWindow& file) : file_(file) {}

  Result<CompressedSound> run() {
    while (at_ < file_.length()) {
      HOLDFAST_ASSIGN(taken, take_frame());
      if (taken) continue;
      HOLDFAST_ASSIGN(bytes, file_.at(at_, kTagHeaderBytes));
      // What is left is shorter than a header: of the next frame, nearly all is missing.
      if (found_ && bytes.size() < kHeaderBytes) truncated_ = true;
      if (const int64_t tag = tag_bytes(bytes); tag > 0)
        at_ += tag;
      else
        HOLDFAST_TRY(find_sync());
    }
    return result();
  }

 private:
  // Takes the frame that begins here; false when none does.
  Result<bool> take_frame() {
    HOLDFAST_ASSIGN(bytes, file_.at(at_, kFirstFrameBytes));
    const std::optional<FrameHeader> header = header_of(bytes);
    if (!header || (found_ && !header->is_like(*found_))) return false;
    bool is_sound = true;
    if (!found_) {
      declared_ = 0;
      is_sound = !is_table(bytes, *header, declared_);
      HOLDFAST_ASSIGN(follows, is_followed(*header));
      if (!follows) return false;
      found_ = header;
    }
    at_ += header->bytes;
    if (at_ > file_.length())
      truncated_ = true;
    else if (is_sound)
      ++frames_;
    return true;
  }

  // Eleven bits alone are found in any data: another frame, a tag or the end comes next.
  Result<bool> is_followed(const FrameHeader& header) {
    const int64_t next = at_ + header.bytes;
    if (next >= file_.length()) return at_ == 0 || next == file_.length();
    HOLDFAST_ASSIGN(bytes, file_.at(next, kFirstFrameBytes));
    const std::optional<FrameHeader> following = header_of(bytes);
    return (following && following->is_like(header)) || is_end_tag(bytes);
  }

  // To the next place where a frame, followed by another, may begin; the end when there is none.
  Status find_sync() {
    for (++at_; at_ < file_.length(); ++at_) {
      HOLDFAST_ASSIGN(bytes, file_.at(at_, FileWindow::kLookBytesMax));
      const size_t sync = as_text(bytes).find('\xff');
      at_ += static_cast<int64_t>(std::min(sync, bytes.size()));
      if (sync == std::string_view::npos) {
        if (bytes.empty()) at_ = file_.length();
        --at_;
        continue;
      }
      HOLDFAST_ASSIGN(four, file_.at(at_, kHeaderBytes));
      const std::optional<FrameHeader> header = header_of(four);
      if (!header || (found_ && !header->is_like(*found_))) continue;
      HOLDFAST_ASSIGN(follows, is_followed(*header));
      if (follows) return Status();
    }
    return Status();
  }

  CompressedSound result() const {
    CompressedSound sound;
    if (!found_) return sound;
    sound.is_known = true;
    sound.sample_rate_hz = found_->rate_hz;
    sound.channels = found_->channels;
    sound.empty = frames_ == 0;
    // One frame less than told is an encoder's habit, no cut.
    sound.truncated = truncated_ || frames_ + 1 < declared_;
    sound.duration = Millis(frames_ * found_->samples * 1000 / found_->rate_hz);
    return sound;
  }

  FileWindow& file_;
  int64_t at_ = 0;
  std::optional<FrameHeader> found_;
  int64_t frames_ = 0;
  int64_t declared_ = 0;
  bool truncated_ = false;
};

}  // namespace

Result<CompressedSound> measure_mp3(FileWindow& file) { return Walk(file).run(); }

}  // namespace holdfast
