// WAV headers and what is said of a file at ingest: nothing is read beyond the bytes that are
// there, and nothing is said that the file's length forbids.
//
//   input = name(1) length(1 + 8) the file's first bytes
#include <iterator>

#include "audio/check.h"
#include "audio/wav.h"
#include "base/limits.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

void expect_header(ByteSpan first, Bytes length) {
  const auto header = read_wav_header(first, length);
  if (!header.ok()) {
    expect(header.error().code == Code::kInvalid, "what is no WAV is invalid");
    return;
  }
  expect(header->data_offset.count >= 20 &&
             header->data_offset.count <= static_cast<int64_t>(first.size()),
         "samples begin behind the header");
  expect(header->data_present.count >= 0 &&
             header->data_present.count <=
                 std::max<int64_t>(0, length.count - header->data_offset.count),
         "no more samples are there than the file has bytes");
  expect(header->channels >= 0 && header->block_align >= 0 && header->sample_rate_hz >= 0,
         "no number of a header is negative");
  expect(!(header->truncated && header->unfinished), "a file is cut off or unfinished");
  const int64_t frames = header->frames();
  expect(frames >= 0 && frames <= header->data_present.count, "a frame has a byte or more");
  if (header->form() != SampleForm::kNone)
    expect(header->channels > 0 && frames * header->block_align <= header->data_present.count,
           "whole frames are there");
}

}  // namespace

void wav_header(ByteSpan bytes) {
  Input input(bytes);
  constexpr std::string_view kNames[] = {"recording.wav", "inbound.ulaw",   "outbound.pcm",
                                         "inbound.raw",   "recording.WAVE", "notes.txt",
                                         "outbound.alaw", "noending"};
  const std::string_view name = kNames[input.byte() % std::size(kNames)];
  const bool is_whole = input.byte() % 2 == 0;
  const uint64_t said = input.number(8);
  // In memory of its own size: a look beyond it is seen.
  const std::string_view rest = input.rest().substr(0, kAudioCheckBytes);
  const std::vector<char> own(rest.begin(), rest.end());
  const ByteSpan first = as_bytes(std::string_view(own.data(), own.size()));
  Bytes length(static_cast<int64_t>(first.size()));
  // What is handed in are the first bytes of a longer file only when they are as many as may be.
  if (!is_whole) length = Bytes(static_cast<int64_t>(said % limits::kFileBytesMax));

  expect_header(first, length);
  AudioClaims claims;
  claims.inbound.format = "alaw";
  claims.inbound.sample_rate_hz = static_cast<int32_t>(said % 768'000);
  claims.inbound.bytes = static_cast<int64_t>(said % 1000);
  claims.duration_seconds = static_cast<double>(said % 100'000) / 7;
  const int32_t flags = check_audio(name, claims, length, first);
  expect(flags >= 0, "flags are bits");
  const AudioFacts facts = audio_facts(name, claims.of(name), length, first);
  expect(facts.sample_rate_hz >= 0 && facts.tracks >= 0, "no fact is negative");
  expect(!facts.duration || facts.duration->count >= 0, "no duration is negative");
  const bool is_empty = (flags & static_cast<int32_t>(Flag::kEmptyAudio)) != 0;
  expect(!is_empty || !facts.duration || facts.duration->count == 0, "what is empty has no length");
}

}  // namespace holdfast::fuzz
