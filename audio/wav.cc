#include "audio/wav.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace holdfast {
namespace {

constexpr uint32_t kLengthUnknown = 0xFFFFFFFF;
constexpr int kTagPcm = 1;
constexpr int kTagAlaw = 6;
constexpr int kTagMulaw = 7;
constexpr int kTagExtensible = 0xFFFE;
// Behind its first two bytes every KSDATAFORMAT_SUBTYPE of a wave format reads so.
constexpr unsigned char kSubFormatTail[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                              0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};

// Little-endian numbers at `offset`; the caller has checked that they are there.
uint64_t little_endian(ByteSpan bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;)
    value = value << 8 | std::to_integer<uint64_t>(bytes[offset + i]);
  return value;
}

bool has_id(ByteSpan bytes, size_t offset, const char* id) {
  return std::memcmp(bytes.data() + offset, id, 4) == 0;
}

// `body` is the fmt chunk's body, as far as it is there.
bool read_format(ByteSpan body, WavHeader& header) {
  if (body.size() < 16) return false;
  header.format_tag = static_cast<int>(little_endian(body, 0, 2));
  header.channels = static_cast<int>(little_endian(body, 2, 2));
  header.sample_rate_hz = static_cast<int64_t>(little_endian(body, 4, 4));
  header.block_align = static_cast<int>(little_endian(body, 12, 2));
  header.bits_per_sample = static_cast<int>(little_endian(body, 14, 2));
  if (header.format_tag == kTagExtensible && body.size() >= 40 &&
      std::memcmp(body.data() + 26, kSubFormatTail, sizeof kSubFormatTail) == 0)
    header.format_tag = static_cast<int>(little_endian(body, 24, 2));
  return true;
}

void read_data_length(uint32_t declared, std::optional<int64_t> declared_64, Bytes file_length,
                      WavHeader& header) {
  int64_t there = std::max<int64_t>(0, file_length.count - header.data_offset.count);
  int64_t says = declared_64.value_or(declared);
  bool unknown = (declared == kLengthUnknown && !declared_64) || says == 0;
  header.unfinished = unknown && there > 0;
  header.truncated = !unknown && says > there;
  header.data_present = Bytes(unknown ? there : std::min(says, there));
}

}  // namespace

SampleForm WavHeader::form() const {
  SampleForm form = SampleForm::kNone;
  if (format_tag == kTagPcm && bits_per_sample == 8) form = SampleForm::kPcm8;
  if (format_tag == kTagPcm && bits_per_sample == 16) form = SampleForm::kPcm16;
  if (format_tag == kTagPcm && bits_per_sample == 24) form = SampleForm::kPcm24;
  if (format_tag == kTagMulaw && bits_per_sample == 8) form = SampleForm::kMulaw;
  if (format_tag == kTagAlaw && bits_per_sample == 8) form = SampleForm::kAlaw;
  bool agrees = channels > 0 && block_align == channels * bytes_per_sample(form);
  return agrees ? form : SampleForm::kNone;
}

int64_t WavHeader::frames() const {
  return form() == SampleForm::kNone ? 0 : data_present.count / block_align;
}

Result<WavHeader> read_wav_header(ByteSpan first, Bytes file_length) {
  const Error not_wav{Code::kInvalid, "no RIFF/WAVE header"};
  if (first.size() < 12 || !has_id(first, 8, "WAVE")) return not_wav;
  bool rf64 = has_id(first, 0, "RF64");
  if (!rf64 && !has_id(first, 0, "RIFF")) return not_wav;

  WavHeader header;
  bool format_seen = false;
  std::optional<int64_t> data_length_64;
  // A chunk's length may be a lie: the position only ever grows, and ends at `first`'s end.
  for (uint64_t at = 12; at + 8 <= first.size();) {
    size_t chunk = static_cast<size_t>(at);
    uint32_t length = static_cast<uint32_t>(little_endian(first, chunk + 4, 4));
    ByteSpan body = first.subspan(chunk + 8);
    if (body.size() > length && !has_id(first, chunk, "data")) body = body.first(length);
    if (has_id(first, chunk, "data")) {
      if (!format_seen) return Error{Code::kInvalid, "WAV data before its format"};
      header.data_offset = Bytes(static_cast<int64_t>(at) + 8);
      read_data_length(length, length == kLengthUnknown ? data_length_64 : std::nullopt,
                       file_length, header);
      return header;
    }
    if (has_id(first, chunk, "fmt ")) format_seen = read_format(body, header);
    if (rf64 && has_id(first, chunk, "ds64") && body.size() >= 16) {
      uint64_t value = little_endian(body, 8, 8);
      if (value <= static_cast<uint64_t>(INT64_MAX)) data_length_64 = static_cast<int64_t>(value);
    }
    at += 8 + uint64_t{length} + (length & 1);
  }
  return Error{Code::kInvalid,
               "no WAV data chunk in the first " + std::to_string(first.size()) + " bytes"};
}

}  // namespace holdfast
