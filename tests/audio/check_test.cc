// What ingest notices about a file.
#include "audio/check.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/synthetic_audio.h"

using namespace holdfast;
using testing::wav_bytes;
using testing::WavOptions;

namespace {

int32_t mask(std::initializer_list<Flag> flags) {
  int32_t value = 0;
  for (Flag flag : flags) value |= static_cast<int32_t>(flag);
  return value;
}

int32_t check(std::string_view name, const AudioClaims& claims, const std::string& file) {
  return check_audio(name, claims, Bytes(static_cast<int64_t>(file.size())), as_bytes(file));
}

AudioClaims claims_of(double duration) {
  AudioClaims claims;
  claims.inbound = ChannelClaim{"mulaw", 8000, {}};
  claims.outbound = ChannelClaim{"pcm16", 16000, {}};
  claims.duration_seconds = duration;
  return claims;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_at_ingest)

BOOST_AUTO_TEST_CASE(what_is_known_of_the_sound_is_told) {
  const auto facts = [](std::string_view name, const ChannelClaim* claim, const std::string& file) {
    return audio_facts(name, claim, Bytes(static_cast<int64_t>(file.size())), as_bytes(file));
  };
  const ChannelClaim pcm{"pcm16", 16'000, {}};
  const AudioFacts claimed = facts("outbound.pcm", &pcm, std::string(32'000, 'x'));
  BOOST_TEST(claimed.format == "pcm16");
  BOOST_TEST(claimed.sample_rate_hz == 16'000);
  BOOST_TEST((claimed.duration == Millis(1000)));
  // Nobody says at which rate bare PCM was recorded: its length is not known.
  const AudioFacts bare = facts("outbound.pcm", nullptr, std::string(32'000, 'x'));
  BOOST_TEST(bare.format == "pcm16");
  BOOST_TEST(!bare.duration.has_value());
  const AudioFacts law = facts("inbound.ulaw", nullptr, std::string(4000, 'x'));
  BOOST_TEST(law.format == "mulaw");
  BOOST_TEST((law.duration == Millis(500)));
  // A container knows better than what was said of it.
  WavOptions options;
  options.channels = 2;
  const AudioFacts wav = facts("recording.wav", &pcm, wav_bytes(std::string(64'000, 'x'), options));
  BOOST_TEST(wav.sample_rate_hz == 8000);
  BOOST_TEST(wav.tracks == 2);
  BOOST_TEST((wav.duration == Millis(2000)));
  const AudioFacts no_wav = facts("recording.wav", nullptr, "not a RIFF");
  BOOST_TEST(no_wav.format == "wav");
  BOOST_TEST(!no_wav.duration.has_value());
  BOOST_TEST(facts("recording.mp3", nullptr, "ID3").format == "mp3");
  BOOST_TEST(facts("transcript.txt", nullptr, "hello").format == "");
  const ChannelClaim absurd{std::string(1000, 'x'), 8000, {}};
  BOOST_TEST(facts("inbound.ulaw", &absurd, "x").format == "mulaw");
}

BOOST_AUTO_TEST_CASE(sound_audio_has_no_flag) {
  BOOST_TEST(check("inbound.ulaw", claims_of(10), std::string(80'000, 'x')) == 0);
  BOOST_TEST(check("outbound.pcm", claims_of(10), std::string(320'000, 'x')) == 0);
  BOOST_TEST(check("recording.wav", claims_of(10),
                   wav_bytes(std::string(160'000, 'x'), WavOptions())) == 0);
  BOOST_TEST(check("recording.mp3", claims_of(10), "ID3") == 0);
  BOOST_TEST(check("transcript.txt", claims_of(10), "") == 0);
}

BOOST_AUTO_TEST_CASE(empty_audio_is_noticed) {
  BOOST_TEST(check("inbound.ulaw", claims_of(0), "") == mask({Flag::kEmptyAudio}));
  BOOST_TEST(check("inbound.ulaw", claims_of(10), "") ==
             mask({Flag::kEmptyAudio, Flag::kDurationMismatch}));
  BOOST_TEST(check("recording.mp3", AudioClaims(), "") == mask({Flag::kEmptyAudio}));
  BOOST_TEST(check("recording.wav", AudioClaims(), wav_bytes("", WavOptions())) ==
             mask({Flag::kEmptyAudio}));
}

BOOST_AUTO_TEST_CASE(half_a_sample_is_a_truncation) {
  BOOST_TEST(check("outbound.pcm", claims_of(10), std::string(320'001, 'x')) ==
             mask({Flag::kTruncatedAudio}));
  BOOST_TEST(check("recording.wav", AudioClaims(), wav_bytes(std::string(1001, 'x'), {})) ==
             mask({Flag::kTruncatedAudio}));
}

BOOST_AUTO_TEST_CASE(a_wav_shorter_than_its_header_is_truncated) {
  WavOptions options;
  options.declared_data_bytes = 100'000;
  BOOST_TEST(check("recording.wav", AudioClaims(), wav_bytes(std::string(1000, 'x'), options)) ==
             mask({Flag::kTruncatedAudio}));
}

BOOST_AUTO_TEST_CASE(an_unfinished_wav_is_noticed) {
  WavOptions options;
  options.declared_data_bytes = 0;
  BOOST_TEST(check("recording.wav", claims_of(10), wav_bytes(std::string(160'000, 'x'), options)) ==
             mask({Flag::kUnfinishedWav}));
}

BOOST_AUTO_TEST_CASE(duration_has_a_tolerance_of_one_second_or_two_percent) {
  const int32_t off = mask({Flag::kDurationMismatch});
  BOOST_TEST(check("inbound.ulaw", claims_of(10), std::string(88'000, 'x')) == 0);
  BOOST_TEST(check("inbound.ulaw", claims_of(10), std::string(88'001, 'x')) == off);
  BOOST_TEST(check("inbound.ulaw", claims_of(10), std::string(71'999, 'x')) == off);
  BOOST_TEST(check("inbound.ulaw", claims_of(1000), std::string(7'840'000, 'x')) == 0);
  BOOST_TEST(check("inbound.ulaw", claims_of(1000), std::string(7'839'999, 'x')) == off);
}

BOOST_AUTO_TEST_CASE(channels_are_counted) {
  WavOptions stereo;
  stereo.channels = 2;
  std::string file = wav_bytes(std::string(4000, 'x'), stereo);
  BOOST_TEST(check("inbound.wav", AudioClaims(), file) == mask({Flag::kChannelMismatch}));
  BOOST_TEST(check("recording.wav", AudioClaims(), file) == 0);
  stereo.channels = 4;
  BOOST_TEST(check("recording.wav", AudioClaims(), wav_bytes(std::string(4000, 'x'), stereo)) ==
             mask({Flag::kChannelMismatch}));
}

BOOST_AUTO_TEST_CASE(claimed_sizes_are_compared) {
  AudioClaims claims = claims_of(10);
  claims.inbound.bytes = 80'001;
  BOOST_TEST(check("inbound.ulaw", claims, std::string(80'000, 'x')) ==
             mask({Flag::kSizeMismatch}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_decoded_is_noticed) {
  BOOST_TEST(check("recording.wav", AudioClaims(), "this is no WAV") ==
             mask({Flag::kUndecodableAudio}));
  WavOptions floating;
  floating.format_tag = 3;
  floating.bits_per_sample = 32;
  BOOST_TEST(check("recording.wav", AudioClaims(), wav_bytes(std::string(400, 'x'), floating)) ==
             mask({Flag::kUndecodableAudio}));
}

BOOST_AUTO_TEST_SUITE_END()
