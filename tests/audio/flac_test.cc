// FLAC as streams: what goes in comes out, and what is not ours is refused.
#include "audio/flac.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <iostream>
#include <random>

#include "tests/support/synthetic_audio.h"

using namespace holdfast;

namespace {

FlacEncoder::Output into(std::string& out) {
  return {[&out](ByteSpan bytes) { return out += as_text(bytes), Status(); },
          [&out](Bytes offset, ByteSpan bytes) {
            BOOST_REQUIRE_LE(static_cast<size_t>(offset.count) + bytes.size(), out.size());
            std::memcpy(out.data() + offset.count, bytes.data(), bytes.size());
            return Status();
          }};
}

Result<std::string> encode(const FlacFormat& format, const std::string& bytes,
                           size_t step = 10'007) {
  std::string out;
  HOLDFAST_ASSIGN(encoder, FlacEncoder::create(format, into(out)));
  for (size_t at = 0; at < bytes.size(); at += step)
    HOLDFAST_TRY(encoder->write(as_bytes(std::string_view(bytes).substr(at, step))));
  HOLDFAST_TRY(encoder->finish());
  encoder.reset();
  return out;
}

Result<std::string> decode(const std::string& stream, size_t step = 10'007) {
  std::string out;
  HOLDFAST_ASSIGN(decoder, FlacDecoder::create(
                               [&out](ByteSpan bytes) { return out += as_text(bytes), Status(); }));
  for (size_t at = 0; at < stream.size(); at += step)
    HOLDFAST_TRY(decoder->write(as_bytes(std::string_view(stream).substr(at, step))));
  HOLDFAST_TRY(decoder->finish());
  return out;
}

uint32_t new_seed() {
  uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  return seed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flac)

BOOST_AUTO_TEST_CASE(every_form_comes_back_bit_exact) {
  uint32_t seed = new_seed();
  for (SampleForm form : {SampleForm::kPcm16, SampleForm::kPcm8, SampleForm::kPcm24,
                          SampleForm::kMulaw, SampleForm::kAlaw}) {
    for (int channels : {1, 2, 3, 8}) {
      size_t frame = static_cast<size_t>(bytes_per_sample(form) * channels);
      for (size_t frames : {size_t{1}, size_t{15}, size_t{4096}, size_t{20'011}}) {
        std::string noise = testing::noise_bytes(frames * frame, seed);
        std::string stream = encode({form, channels, 8000}, noise).value();
        BOOST_TEST((decode(stream).value() == noise), word(form) << " x " << channels);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(steps_of_any_size_give_the_same) {
  std::string sound = testing::pcm16_bytes(testing::synthetic_samples(50'000, 1, 16'000));
  std::string stream = encode({SampleForm::kPcm16, 1, 16'000}, sound, sound.size()).value();
  for (size_t step : {size_t{1}, size_t{3}, size_t{8191}, size_t{1'000'000}}) {
    BOOST_TEST((encode({SampleForm::kPcm16, 1, 16'000}, sound, step).value() == stream));
    BOOST_TEST((decode(stream, step).value() == sound));
  }
}

BOOST_AUTO_TEST_CASE(sound_shrinks) {
  std::vector<int16_t> samples = testing::synthetic_samples(160'000, 7, 8000);
  std::string pcm = testing::pcm16_bytes(samples);
  BOOST_TEST(encode({SampleForm::kPcm16, 1, 8000}, pcm).value().size() < pcm.size() * 6 / 10);
  for (SampleForm law : {SampleForm::kMulaw, SampleForm::kAlaw}) {
    std::string codes = testing::g711_bytes(samples, law);
    BOOST_TEST(encode({law, 1, 8000}, codes).value().size() < codes.size() * 9 / 10);
  }
}

// Without an MD5 (all zeros: RFC 9639, 8.2), as the caller's SHA-256 stands for it; with the
// length.
BOOST_AUTO_TEST_CASE(the_header_tells_the_length_and_no_md5) {
  const std::string stream =
      encode({SampleForm::kPcm16, 1, 8000}, testing::noise_bytes(2 * 9001, 1)).value();
  BOOST_REQUIRE(stream.compare(0, 4, "fLaC") == 0);
  const std::string info = stream.substr(8, 34);  // behind the marker and the block's header
  BOOST_TEST((info.substr(18) == std::string(16, '\0')));
  BOOST_TEST((info.substr(14, 4) == std::string("\x00\x00\x23\x29", 4)));  // 9,001 samples
}

BOOST_AUTO_TEST_CASE(a_channel_that_is_twice_there_costs_next_to_nothing) {
  const std::vector<int16_t> samples = testing::synthetic_samples(80'000, 3, 8000);
  std::vector<int16_t> both;
  for (const int16_t sample : samples) both.insert(both.end(), {sample, sample});
  const auto size_of = [](int channels, const std::vector<int16_t>& sound) {
    return encode({SampleForm::kPcm16, channels, 8000}, testing::pcm16_bytes(sound)).value().size();
  };
  BOOST_TEST(size_of(2, both) < size_of(1, samples) * 105 / 100);
}

BOOST_AUTO_TEST_CASE(unusual_rates_are_taken) {
  std::string sound = testing::noise_bytes(20'000, 1);
  for (int32_t rate : {0, 1, 7'999, 11'025, 96'001, 655'350, 700'000, 2'000'000'000})
    BOOST_TEST((decode(encode({SampleForm::kPcm16, 2, rate}, sound).value()).value() == sound));
}

BOOST_AUTO_TEST_CASE(what_flac_cannot_hold_is_refused) {
  BOOST_TEST(!encode({SampleForm::kPcm16, 9, 8000}, "").ok());
  BOOST_TEST(!encode({SampleForm::kPcm16, 0, 8000}, "").ok());
  BOOST_TEST(!encode({SampleForm::kNone, 1, 8000}, "").ok());
  BOOST_TEST(!encode({SampleForm::kPcm16, 2, 8000}, "12345").ok());
}

BOOST_AUTO_TEST_CASE(an_output_that_fails_is_told) {
  FlacEncoder::Output full{[](ByteSpan) {
                             return Status(Error{Code::kNoSpace, "disk full"});
                           },
                           [](Bytes, ByteSpan) { return Status(); }};
  Result<std::unique_ptr<FlacEncoder>> encoder =
      FlacEncoder::create({SampleForm::kPcm16, 1, 8000}, full);
  BOOST_REQUIRE(!encoder.ok());
  BOOST_TEST((encoder.error().code == Code::kNoSpace));
}

BOOST_AUTO_TEST_CASE(a_cut_stream_is_corrupt_wherever_it_ends) {
  std::string sound = testing::pcm16_bytes(testing::synthetic_samples(9000, 1, 16'000));
  std::string stream = encode({SampleForm::kPcm16, 1, 16'000}, sound).value();
  for (size_t length = 0; length < stream.size(); length += length < 200 ? 1 : 97) {
    Result<std::string> decoded = decode(stream.substr(0, length));
    BOOST_REQUIRE(!decoded.ok());
    BOOST_TEST((decoded.error().code == Code::kCorrupt));
  }
}

BOOST_AUTO_TEST_CASE(changed_bytes_never_give_other_sound) {
  uint32_t seed = new_seed();
  std::mt19937 random(seed);
  std::string sound = testing::pcm16_bytes(testing::synthetic_samples(9000, 1, 16'000));
  std::string stream = encode({SampleForm::kPcm16, 1, 16'000}, sound).value();
  for (int round = 0; round < 3000; ++round) {
    std::string broken = stream;
    size_t at = round < 400 ? random() % 200 : random() % broken.size();
    broken[at] = static_cast<char>(broken[at] ^ (1 << (random() % 8)));
    Result<std::string> decoded = decode(broken);
    if (!decoded.ok()) BOOST_TEST((decoded.error().code == Code::kCorrupt));
    // A bit of the vendor's name, of the rate or of a comment says nothing about the samples;
    // the form's word does.
    if (decoded.ok()) BOOST_TEST((*decoded == sound), "byte " << at);
  }
}

BOOST_AUTO_TEST_CASE(noise_is_not_flac) {
  uint32_t seed = new_seed();
  for (uint32_t i = 0; i < 50; ++i) {
    BOOST_TEST(!decode(testing::noise_bytes(5000, seed + i)).ok());
    BOOST_TEST(!decode("fLaC" + testing::noise_bytes(600'000, seed + i)).ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()
