#include "audio/check.h"

#include <algorithm>
#include <cmath>

#include "audio/wav.h"

namespace holdfast {
namespace {

static_assert(kAudioCheckBytes >= kWavHeadBytes);

constexpr double kToleranceSeconds = 1.0;
constexpr double kToleranceShare = 0.02;

int32_t bit(Flag flag) { return static_cast<int32_t>(flag); }

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

int32_t check_duration(const AudioClaims& claims, int64_t frames, int64_t rate_hz) {
  if (!claims.duration_seconds || rate_hz <= 0) return 0;
  double claimed = *claims.duration_seconds;
  double measured = static_cast<double>(frames) / static_cast<double>(rate_hz);
  double tolerance = std::max(kToleranceSeconds, kToleranceShare * claimed);
  return std::fabs(measured - claimed) > tolerance ? bit(Flag::kDurationMismatch) : 0;
}

int32_t check_channels(std::string_view file_name, int channels) {
  int most = starts_with(file_name, "inbound.") || starts_with(file_name, "outbound.") ? 1 : 2;
  return channels > most ? bit(Flag::kChannelMismatch) : 0;
}

int32_t check_raw(std::string_view file_name, const AudioClaims& claims, Bytes length) {
  const ChannelClaim* claim = claims.of(file_name);
  SampleForm form = raw_sample_form(file_name, claim);
  if (form == SampleForm::kNone) return bit(Flag::kUndecodableAudio);
  int64_t frames = length.count / bytes_per_sample(form);
  int32_t flags = check_duration(claims, frames, raw_sample_rate_hz(form, claim));
  if (length.count % bytes_per_sample(form) != 0) flags |= bit(Flag::kTruncatedAudio);
  if (frames == 0) flags |= bit(Flag::kEmptyAudio);
  return flags;
}

int32_t check_wav(std::string_view file_name, const AudioClaims& claims, Bytes length,
                  ByteSpan first) {
  Result<WavHeader> header = read_wav_header(first, length);
  if (!header.ok()) return bit(Flag::kUndecodableAudio);
  int32_t flags = check_channels(file_name, header->channels);
  if (header->unfinished) flags |= bit(Flag::kUnfinishedWav);
  if (header->truncated) flags |= bit(Flag::kTruncatedAudio);
  if (header->data_present.count == 0) flags |= bit(Flag::kEmptyAudio);
  if (header->form() == SampleForm::kNone) return flags | bit(Flag::kUndecodableAudio);
  if (header->data_present.count % header->block_align != 0) flags |= bit(Flag::kTruncatedAudio);
  if (header->frames() == 0) flags |= bit(Flag::kEmptyAudio);
  return flags | check_duration(claims, header->frames(), header->sample_rate_hz);
}

}  // namespace

int32_t check_audio(std::string_view file_name, const AudioClaims& claims, Bytes length,
                    ByteSpan first) {
  int32_t flags = 0;
  const ChannelClaim* claim = claims.of(file_name);
  if (claim != nullptr && claim->bytes && *claim->bytes != length.count)
    flags |= bit(Flag::kSizeMismatch);
  FileKind kind = file_kind(file_name);
  bool audio =
      kind == FileKind::kRawAudio || kind == FileKind::kWav || kind == FileKind::kCompressedAudio;
  if (!audio) return flags;
  if (length.count == 0) {
    flags |= bit(Flag::kEmptyAudio);
    // An empty file lasts 0 s, whatever its format.
    return flags | check_duration(claims, 0, 1);
  }
  if (kind == FileKind::kRawAudio) flags |= check_raw(file_name, claims, length);
  if (kind == FileKind::kWav) flags |= check_wav(file_name, claims, length, first);
  return flags;
}

}  // namespace holdfast
