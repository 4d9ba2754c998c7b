// Lengths of MP3 and MP4 files: the same whatever the blocks in which the file is read, never
// negative, and found without reading beyond it.
//
//   input = kind(1) length(1) the file
#include "audio/check.h"
#include "audio/compressed.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

constexpr size_t kBlockBytes = 3 * FileWindow::kLookBytesMax;

bool same(const CompressedSound& a, const CompressedSound& b) {
  return a.is_known == b.is_known && a.truncated == b.truncated && a.empty == b.empty &&
         a.sample_rate_hz == b.sample_rate_hz && a.channels == b.channels &&
         a.duration == b.duration;
}

ReadAt reader_of(std::string_view file) {
  return [file](int64_t offset, size_t most) -> Result<std::string> {
    expect(offset >= 0 && most > 0, "a file is read from its beginning on");
    return std::string(file.substr(std::min(static_cast<size_t>(offset), file.size()), most));
  };
}

}  // namespace

void compressed_audio(ByteSpan bytes) {
  Input input(bytes);
  const bool is_mp3 = input.byte() % 2 == 0;
  const uint8_t more = input.byte();
  const std::string_view file = input.rest();
  // The file may have become shorter since its length was asked for.
  const Bytes length(static_cast<int64_t>(file.size()) + (more >= 240 ? more : 0));

  const auto measure = [&](size_t block) {
    FileWindow window(reader_of(file), length, block);
    const auto sound = is_mp3 ? measure_mp3(window) : measure_mp4(window);
    expect(sound.ok(), "a file that can be read is measured");
    return *sound;
  };
  const CompressedSound sound = measure(size_t{1} << 20);
  expect(same(sound, measure(kBlockBytes)), "the blocks in which a file is read change nothing");
  const std::string_view name = is_mp3 ? "recording.mp3" : "recording.m4a";
  const auto as_file = measure_compressed(name, length, reader_of(file));
  expect(as_file.ok() && *as_file && same(sound, **as_file), "a file is measured by its name");

  expect(sound.channels >= 0 && sound.sample_rate_hz >= 0, "no number is negative");
  expect(!sound.duration || sound.duration->count >= 0, "no duration is negative");
  expect(sound.is_known || (!sound.duration && sound.channels == 0), "nothing is known of nothing");
  // The least bit rate is 8 kbit/s, a byte for each millisecond; a frame's bytes are rounded down.
  if (is_mp3 && sound.duration)
    expect(sound.duration->count <= length.count + length.count / 20,
           "an MP3 sounds no longer than its frames");
  AudioClaims claims;
  claims.duration_seconds = 1;
  expect(check_audio(name, claims, length, as_bytes(file.substr(0, kAudioCheckBytes)), sound) >= 0,
         "flags are bits");
  const AudioFacts facts = audio_facts(name, nullptr, length, as_bytes(file), sound);
  expect(facts.duration == sound.duration, "what is found is told");
}

}  // namespace holdfast::fuzz
