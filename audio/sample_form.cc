#include "audio/sample_form.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"

namespace holdfast {
namespace {

constexpr int64_t kSampleRateHzMax = 768'000;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The extension in lower case, without its dot; empty when there is none.
std::string extension(std::string_view file_name) {
  size_t dot = file_name.rfind('.');
  return dot == std::string_view::npos ? std::string() : lower(file_name.substr(dot + 1));
}

template <size_t N>
bool among(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 6> kMulawWords = {"mulaw", "ulaw", "mu-law",
                                                         "u-law", "pcmu", "ul"};
constexpr std::array<std::string_view, 4> kAlawWords = {"alaw", "a-law", "pcma", "al"};
constexpr std::array<std::string_view, 6> kPcm16Words = {"pcm16", "pcm",       "s16le",
                                                         "s16",   "pcm_s16le", "linear16"};

ChannelClaim read_channel(const json::object& metadata, const std::string& prefix) {
  ChannelClaim claim;
  auto format = find_string(metadata, prefix + "_format");
  if (format.ok() && *format) claim.format = lower(**format);
  auto rate = find_integer(metadata, prefix + "_sample_rate");
  if (rate.ok() && *rate && **rate > 0 && **rate <= kSampleRateHzMax)
    claim.sample_rate_hz = static_cast<int32_t>(**rate);
  auto bytes = find_integer(metadata, prefix + "_size_bytes");
  if (bytes.ok() && *bytes && **bytes >= 0) claim.bytes = **bytes;
  return claim;
}

}  // namespace

std::string_view word(SampleForm form) {
  switch (form) {
    case SampleForm::kNone:
      return "none";
    case SampleForm::kPcm16:
      return "s16le";
    case SampleForm::kPcm8:
      return "u8";
    case SampleForm::kPcm24:
      return "s24le";
    case SampleForm::kMulaw:
      return "mulaw";
    case SampleForm::kAlaw:
      return "alaw";
  }
  return "none";
}

Result<SampleForm> sample_form_from(std::string_view text) {
  for (SampleForm form : {SampleForm::kPcm16, SampleForm::kPcm8, SampleForm::kPcm24,
                          SampleForm::kMulaw, SampleForm::kAlaw})
    if (text == word(form)) return form;
  return Error{Code::kInvalid, "sample form \"" + std::string(text) +
                                   "\" is none of s16le, u8, s24le, mulaw, alaw"};
}

int bytes_per_sample(SampleForm form) {
  switch (form) {
    case SampleForm::kNone:
      return 0;
    case SampleForm::kPcm16:
      return 2;
    case SampleForm::kPcm24:
      return 3;
    case SampleForm::kPcm8:
    case SampleForm::kMulaw:
    case SampleForm::kAlaw:
      return 1;
  }
  return 0;
}

const ChannelClaim* AudioClaims::of(std::string_view file_name) const {
  if (file_name.substr(0, 8) == "inbound.") return &inbound;
  if (file_name.substr(0, 9) == "outbound.") return &outbound;
  return nullptr;
}

AudioClaims read_audio_claims(std::string_view metadata_json) {
  AudioClaims claims;
  Result<json::value> parsed = parse_json(metadata_json);
  if (!parsed.ok() || !parsed->is_object()) return claims;
  const json::object& metadata = parsed->get_object();
  claims.inbound = read_channel(metadata, "inbound");
  claims.outbound = read_channel(metadata, "outbound");
  auto duration = find_number(metadata, "duration_seconds");
  if (duration.ok() && *duration && **duration >= 0) claims.duration_seconds = **duration;
  return claims;
}

FileKind file_kind(std::string_view file_name) {
  static constexpr std::array<std::string_view, 10> kRaw = {
      "pcm", "pcm16", "raw", "s16le", "ulaw", "mulaw", "ul", "alaw", "al", "sln"};
  static constexpr std::array<std::string_view, 2> kWav = {"wav", "wave"};
  static constexpr std::array<std::string_view, 14> kCompressedAudio = {
      "mp3",  "mp4", "m4a", "aac",  "flac", "ogg", "oga",
      "opus", "spx", "amr", "g722", "g729", "gsm", "webm"};
  static constexpr std::array<std::string_view, 10> kText = {"json", "jsonl", "txt",  "vtt", "srt",
                                                             "csv",  "xml",   "html", "md",  "log"};
  static constexpr std::array<std::string_view, 8> kCompressed = {"zst", "gz",  "bz2", "xz",
                                                                  "zip", "lz4", "7z",  "age"};
  std::string ending = extension(file_name);
  if (among(ending, kRaw)) return FileKind::kRawAudio;
  if (among(ending, kWav)) return FileKind::kWav;
  if (among(ending, kCompressedAudio)) return FileKind::kCompressedAudio;
  if (among(ending, kText)) return FileKind::kText;
  if (among(ending, kCompressed)) return FileKind::kCompressed;
  return FileKind::kOther;
}

SampleForm raw_sample_form(std::string_view file_name, const ChannelClaim* claim) {
  std::string ending = extension(file_name);
  if (among(ending, kMulawWords)) return SampleForm::kMulaw;
  if (among(ending, kAlawWords)) return SampleForm::kAlaw;
  // A recorder that writes every format to ".raw" tells the format in the metadata only.
  if (claim != nullptr && among(claim->format, kMulawWords)) return SampleForm::kMulaw;
  if (claim != nullptr && among(claim->format, kAlawWords)) return SampleForm::kAlaw;
  if (claim == nullptr || claim->format.empty() || among(claim->format, kPcm16Words))
    return SampleForm::kPcm16;
  return ending == "raw" ? SampleForm::kNone : SampleForm::kPcm16;
}

int32_t raw_sample_rate_hz(SampleForm form, const ChannelClaim* claim) {
  if (claim != nullptr && claim->sample_rate_hz > 0) return claim->sample_rate_hz;
  return form == SampleForm::kMulaw || form == SampleForm::kAlaw ? 8'000 : 16'000;
}

}  // namespace holdfast
