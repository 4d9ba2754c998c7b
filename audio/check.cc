#include "audio/check.h"

#include <algorithm>
#include <cmath>

#include "audio/wav.h"

namespace holdfast {
namespace {

static_assert(kAudioCheckBytes >= kWavHeadBytes);

constexpr size_t kFormatBytesMax = 32;  // a longer word is no format: nothing is claimed
constexpr double kToleranceSeconds = 1.0;
constexpr double kToleranceShare = 0.02;

int32_t bit(Flag flag) { return static_cast<int32_t>(flag); }

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

int32_t check_seconds(const AudioClaims& claims, double measured) {
  if (!claims.duration_seconds) return 0;
  return duration_differs(*claims.duration_seconds, measured) ? bit(Flag::kDurationMismatch) : 0;
}

int32_t check_duration(const AudioClaims& claims, int64_t frames, int64_t rate_hz) {
  if (rate_hz <= 0) return 0;
  return check_seconds(claims, static_cast<double>(frames) / static_cast<double>(rate_hz));
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

int32_t check_compressed(std::string_view file_name, const AudioClaims& claims,
                         const CompressedSound& sound) {
  if (!sound.is_known) return bit(Flag::kUndecodableAudio);
  int32_t flags = check_channels(file_name, sound.channels);
  if (sound.truncated) flags |= bit(Flag::kTruncatedAudio);
  if (sound.empty) flags |= bit(Flag::kEmptyAudio);
  if (!sound.duration) return flags;
  return flags | check_seconds(claims, static_cast<double>(sound.duration->count) / 1000);
}

}  // namespace

int32_t check_audio(std::string_view file_name, const AudioClaims& claims, Bytes length,
                    ByteSpan first, const std::optional<CompressedSound>& sound) {
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
  if (kind == FileKind::kCompressedAudio && sound)
    flags |= check_compressed(file_name, claims, *sound);
  return flags;
}

AudioFacts audio_facts(std::string_view file_name, const ChannelClaim* claim, Bytes length,
                       ByteSpan first, const std::optional<CompressedSound>& sound) {
  AudioFacts facts;
  const FileKind kind = file_kind(file_name);
  if (kind != FileKind::kRawAudio && kind != FileKind::kWav && kind != FileKind::kCompressedAudio)
    return facts;
  if (claim != nullptr && claim->format.size() <= kFormatBytesMax) facts.format = claim->format;
  if (claim != nullptr) facts.sample_rate_hz = claim->sample_rate_hz;
  const auto last = [&](int64_t frames) {
    if (facts.sample_rate_hz > 0) facts.duration = Millis(frames * 1000 / facts.sample_rate_hz);
  };
  if (kind == FileKind::kRawAudio) {
    const SampleForm form = raw_sample_form(file_name, claim);
    if (form == SampleForm::kNone) return facts;
    const bool is_law = form == SampleForm::kMulaw || form == SampleForm::kAlaw;
    if (facts.format.empty()) facts.format = is_law ? word(form) : "pcm16";
    // G.711 has one rate; that of bare PCM is known only from who recorded it.
    if (is_law && facts.sample_rate_hz == 0) facts.sample_rate_hz = raw_sample_rate_hz(form, claim);
    facts.tracks = 1;
    last(length.count / bytes_per_sample(form));
    return facts;
  }
  if (facts.format.empty()) facts.format = file_name.substr(file_name.rfind('.') + 1);
  if (kind != FileKind::kWav) {
    if (!sound || !sound->is_known) return facts;
    facts.tracks = sound->channels;
    if (sound->sample_rate_hz > 0) facts.sample_rate_hz = sound->sample_rate_hz;
    facts.duration = sound->duration;
    return facts;
  }
  const Result<WavHeader> header = read_wav_header(first, length);
  if (!header.ok()) return facts;
  facts.tracks = header->channels;
  if (header->sample_rate_hz > 0 && header->sample_rate_hz <= INT32_MAX)
    facts.sample_rate_hz = static_cast<int>(header->sample_rate_hz);
  if (header->form() != SampleForm::kNone) last(header->frames());
  return facts;
}

bool duration_differs(double claimed_seconds, double measured_seconds) {
  const double tolerance = std::max(kToleranceSeconds, kToleranceShare * claimed_seconds);
  return std::fabs(measured_seconds - claimed_seconds) > tolerance;
}

}  // namespace holdfast
