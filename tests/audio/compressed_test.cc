// How long MP3 and MP4 files sound: whole ones, cut ones, and ones that lie.
#include "audio/compressed.h"

#include <sndfile.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "audio/check.h"
#include "tests/support/compressed_audio.h"
#include "tests/support/seeded_random.h"
#include "tests/support/synthetic_audio.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;
using testing::big_endian;
using testing::box;
using testing::large_box;
using testing::length_box;
using testing::mp4_bytes;
using testing::track_box;
using testing::TrackOptions;

namespace {

// Reads from a string, and counts what was read.
struct Reading {
  std::string bytes;
  size_t read = 0;
  ReadAt function() {
    return [this](int64_t offset, size_t most) -> Result<std::string> {
      const auto from = std::min(bytes.size(), static_cast<size_t>(offset));
      std::string out = bytes.substr(from, most);
      read += out.size();
      return out;
    };
  }
};

CompressedSound measure(std::string_view name, std::string bytes, size_t* read = nullptr) {
  Reading reading{std::move(bytes)};
  const Bytes length(static_cast<int64_t>(reading.bytes.size()));
  auto sound = measure_compressed(name, length, reading.function());
  BOOST_REQUIRE(sound.ok());
  BOOST_REQUIRE(sound->has_value());
  if (read != nullptr) *read = reading.read;
  return **sound;
}

struct Encoding {
  int rate_hz = 8000;
  int channels = 1;
  int mode = SF_BITRATE_MODE_CONSTANT;
  int seconds = 5;
};

// An MP3 by libsndfile (LAME).
std::string mp3_bytes(const Encoding& encoding) {
  TemporaryDirectory directory;
  const std::string path = directory / "sound.mp3";
  SF_INFO info = {};
  info.samplerate = encoding.rate_hz;
  info.channels = encoding.channels;
  info.format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  BOOST_REQUIRE_MESSAGE(file != nullptr, sf_strerror(nullptr));
  int mode = encoding.mode;
  sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof mode);
  const auto count = static_cast<size_t>(encoding.rate_hz * encoding.seconds * encoding.channels);
  const auto samples = testing::synthetic_samples(count, 7, encoding.rate_hz);
  const auto written = sf_write_short(file, samples.data(), static_cast<sf_count_t>(count));
  BOOST_TEST(written == static_cast<sf_count_t>(count));
  sf_close(file);
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

const std::string kMovie = length_box("mvhd", 0, 1000, 10'000);

int32_t flags_of(std::string_view name, double claimed_seconds, const std::string& file) {
  AudioClaims claims;
  claims.duration_seconds = claimed_seconds;
  return check_audio(name, claims, Bytes(static_cast<int64_t>(file.size())), as_bytes(file),
                     measure(name, file));
}

int32_t bit(Flag flag) { return static_cast<int32_t>(flag); }

}  // namespace

BOOST_AUTO_TEST_SUITE(compressed)

BOOST_AUTO_TEST_CASE(an_mp3_is_as_long_as_what_went_in) {
  for (const int rate_hz : {8000, 16'000, 24'000, 44'100, 48'000})
    for (const int channels : {1, 2})
      for (const int mode : {SF_BITRATE_MODE_CONSTANT, SF_BITRATE_MODE_VARIABLE}) {
        const CompressedSound sound =
            measure("recording.mp3", mp3_bytes({rate_hz, channels, mode, 5}));
        BOOST_TEST_CONTEXT(rate_hz << " Hz, " << channels << " channels, mode " << mode) {
          BOOST_TEST(sound.is_known);
          BOOST_TEST(!sound.truncated);
          BOOST_TEST(!sound.empty);
          BOOST_TEST(sound.channels == channels);
          BOOST_TEST(sound.sample_rate_hz == rate_hz);
          BOOST_REQUIRE(sound.duration.has_value());
          // An encoder adds its delay and fills the last frame.
          BOOST_TEST(sound.duration->count >= 5000);
          BOOST_TEST(sound.duration->count < 5500);
        }
      }
}

BOOST_AUTO_TEST_CASE(tags_around_an_mp3_are_no_sound) {
  const std::string plain = mp3_bytes({});
  const CompressedSound without = measure("a.mp3", plain);
  // A picture in the tag may look like a frame.
  std::string picture(3000, '\xff');
  const std::string id3 = std::string("ID3\x04\0\0", 6) + std::string("\0\0\x17\x38", 4) + picture;
  const std::string ape = "APETAGEX" + std::string(24, '\0');
  const std::string id3v1 = "TAG" + std::string(125, ' ');
  const CompressedSound with = measure("a.MP3", id3 + plain + ape + id3v1);
  BOOST_TEST(with.is_known);
  BOOST_TEST((with.duration == without.duration));
  BOOST_TEST(!with.truncated);
  // Segments glued together sound one after the other.
  const CompressedSound twice = measure("a.mp3", plain + id3 + plain);
  BOOST_REQUIRE(twice.duration.has_value());
  BOOST_TEST(twice.duration->count >= 2 * without.duration->count);
}

// A file that was cut tells the frames that were there once; those that are left are counted.
BOOST_AUTO_TEST_CASE(a_cut_mp3_is_as_long_as_what_is_left) {
  SeededRandom random;
  const std::string whole = mp3_bytes({8000, 1, SF_BITRATE_MODE_CONSTANT, 20});
  const int64_t full = measure("a.mp3", whole).duration->count;
  for (int i = 0; i < 200; ++i) {
    const size_t length = 2000 + random.below(whole.size() - 4000);
    const CompressedSound sound = measure("a.mp3", whole.substr(0, length));
    BOOST_REQUIRE(sound.duration.has_value());
    const double share = static_cast<double>(length) / static_cast<double>(whole.size());
    BOOST_TEST(std::abs(static_cast<double>(sound.duration->count) -
                        share * static_cast<double>(full)) < 300.0);
  }
  // Within a frame it is seen; between two it is a shorter file, unless a table tells of more.
  const std::string frames = testing::mp3_frames(20);
  for (size_t length = 148; length < frames.size(); ++length) {
    const CompressedSound sound = measure("a.mp3", frames.substr(0, length));
    BOOST_TEST(sound.truncated == (length % 144 != 0));
    BOOST_TEST((sound.duration == Millis(static_cast<int64_t>(length / 144) * 36)));
  }
}

// The first frame is the encoder's table: no sound, but it tells how many follow.
BOOST_AUTO_TEST_CASE(a_table_tells_of_frames_that_are_gone) {
  for (const bool is_vbri : {false, true}) {
    std::string table = testing::mp3_frames(1);
    const std::string words = is_vbri
                                  ? "VBRI" + std::string(10, '\0') + testing::big_endian(20, 4)
                                  : "Info" + testing::big_endian(1, 4) + testing::big_endian(20, 4);
    table.replace(is_vbri ? 36 : 13, words.size(), words);
    const CompressedSound whole = measure("a.mp3", table + testing::mp3_frames(20));
    BOOST_TEST(!whole.truncated);
    BOOST_TEST((whole.duration == Millis(720)));
    const CompressedSound cut = measure("a.mp3", table + testing::mp3_frames(10));
    BOOST_TEST(cut.truncated);
    BOOST_TEST((cut.duration == Millis(360)));
    BOOST_TEST(measure("a.mp3", table).empty);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_mp3_is_not_known) {
  for (const std::string& bytes :
       {std::string("ID3"), std::string(100'000, '\0'), std::string(100'000, '\xff'),
        testing::wav_bytes(std::string(50'000, '\x11'), {}), std::string("{\"a\":1}")}) {
    const CompressedSound sound = measure("a.mp3", bytes);
    BOOST_TEST(!sound.is_known);
    BOOST_TEST(!sound.duration.has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_mp4_tells_its_longest_sound_track) {
  for (const int version : {0, 1}) {
    TrackOptions longer;
    longer.version = version;
    longer.channels = 2;
    TrackOptions shorter;
    shorter.duration = 8000;
    TrackOptions pictures;
    pictures.handler = "vide";
    pictures.duration = 800'000;
    const CompressedSound sound =
        measure("recording.m4a",
                mp4_bytes(kMovie + track_box(pictures) + track_box(shorter) + track_box(longer)));
    BOOST_TEST(sound.is_known);
    BOOST_TEST(!sound.truncated);
    BOOST_TEST(sound.channels == 2);
    BOOST_TEST(sound.sample_rate_hz == 8000);
    BOOST_TEST((sound.duration == Millis(10'000)));
  }
}

BOOST_AUTO_TEST_CASE(an_mp4_with_its_header_at_the_end) {
  const std::string file = box("ftyp", "isom") + large_box("mdat", std::string(200'000, 'x')) +
                           box("moov", kMovie + track_box({}));
  size_t read = 0;
  BOOST_TEST((measure("a.mp4", file, &read).duration == Millis(10'000)));
  BOOST_TEST(read < 64'000U);  // samples are passed over
  // Killed while it recorded: the header was never written.
  const CompressedSound dead = measure("a.mp4", file.substr(0, 150'000));
  BOOST_TEST(!dead.is_known);
}

BOOST_AUTO_TEST_CASE(a_cut_mp4_is_truncated) {
  const std::string whole = mp4_bytes(kMovie + track_box({}));
  const CompressedSound sound = measure("a.mp4", whole.substr(0, whole.size() - 10));
  BOOST_TEST(sound.truncated);
  BOOST_TEST((sound.duration == Millis(10'000)));
}

BOOST_AUTO_TEST_CASE(a_fragmented_mp4_tells_what_its_header_does) {
  TrackOptions fragmented;
  fragmented.duration = 0;
  const std::string movie = length_box("mvhd", 0, 1000, 0) + track_box(fragmented);
  const std::string told = box("mvex", box("mehd", big_endian(0, 4) + big_endian(7000, 4)));
  BOOST_TEST((measure("a.mp4", mp4_bytes(movie + told)).duration == Millis(7000)));
  const CompressedSound open = measure("a.mp4", mp4_bytes(movie + box("mvex", "")));
  BOOST_TEST(open.is_known);
  BOOST_TEST(!open.duration.has_value());
  BOOST_TEST(!open.empty);
  BOOST_TEST(measure("a.mp4", mp4_bytes(movie)).empty);
}

BOOST_AUTO_TEST_CASE(an_mp4_that_lies_tells_no_length) {
  TrackOptions eternal;
  eternal.version = 1;
  eternal.scale = 1;
  eternal.duration = UINT64_MAX;
  TrackOptions timeless;
  timeless.scale = 0;
  for (const TrackOptions& options : {eternal, timeless}) {
    const CompressedSound sound = measure("a.mp4", mp4_bytes(kMovie + track_box(options)));
    BOOST_TEST(sound.is_known);
    BOOST_TEST(!sound.duration.has_value());
    BOOST_TEST(!sound.empty);
  }
  // Boxes within boxes that say they are larger than what they lie in, or smaller than a header.
  for (const uint64_t size : {uint64_t{0}, uint64_t{7}, uint64_t{0xffffffff}}) {
    std::string moov = kMovie + track_box({});
    moov.replace(kMovie.size(), 4, big_endian(size, 4));
    const CompressedSound sound = measure("a.mp4", mp4_bytes(moov));
    BOOST_TEST(sound.is_known);
    BOOST_TEST(sound.truncated == (size != 0));
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_length_is_flagged) {
  const std::string mp3 = mp3_bytes({8000, 2, SF_BITRATE_MODE_CONSTANT, 10});
  BOOST_TEST(flags_of("recording.mp3", 10, mp3) == 0);
  BOOST_TEST(flags_of("recording.mp3", 60, mp3) == bit(Flag::kDurationMismatch));
  BOOST_TEST(flags_of("inbound.mp3", 10, mp3) == bit(Flag::kChannelMismatch));
  BOOST_TEST(flags_of("recording.mp3", 10, "no frame") == bit(Flag::kUndecodableAudio));
  const std::string mp4 = mp4_bytes(kMovie + track_box({}));
  BOOST_TEST(flags_of("recording.mp4", 10, mp4) == 0);
  BOOST_TEST(flags_of("recording.m4a", 7, mp4) == bit(Flag::kDurationMismatch));
  TrackOptions silent;
  silent.duration = 0;
  BOOST_TEST(flags_of("recording.mp4", 0, mp4_bytes(kMovie + track_box(silent))) ==
             bit(Flag::kEmptyAudio));
  const AudioFacts facts =
      audio_facts("recording.mp4", nullptr, Bytes(1), {}, measure("recording.mp4", mp4));
  BOOST_TEST(facts.format == "mp4");
  BOOST_TEST(facts.tracks == 1);
  BOOST_TEST(facts.sample_rate_hz == 8000);
  BOOST_TEST((facts.duration == Millis(10'000)));
}

// Whatever the bytes: it ends, reads each about once, and tells no length that they cannot have.
BOOST_AUTO_TEST_CASE(damage_does_no_harm) {
  SeededRandom random;
  const std::string mp3 = mp3_bytes({});
  const std::string mp4 = mp4_bytes(kMovie + track_box({}) + track_box({}), 3000);
  for (int i = 0; i < 3000; ++i) {
    const bool is_mp3 = i % 2 == 0;
    std::string bytes = is_mp3 ? mp3 : mp4;
    for (uint64_t n = random.below(20); n > 0; --n) {
      const size_t at = random.below(bytes.size());
      switch (random.below(4)) {
        case 0:
          bytes[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          bytes.resize(at + 1);
          break;
        case 2:
          bytes.insert(at, bytes.substr(random.below(bytes.size()), random.below(200)));
          break;
        default:
          bytes.erase(at, random.below(100));
          if (bytes.empty()) bytes = "x";
      }
    }
    const size_t length = bytes.size();
    size_t read = 0;
    const CompressedSound sound = measure(is_mp3 ? "a.mp3" : "a.mp4", std::move(bytes), &read);
    BOOST_TEST(read <= 4 * length + 400'000);
    if (is_mp3 && sound.duration)  // at least 1 kB a second: 8 kbit/s
      BOOST_TEST(sound.duration->count <= static_cast<int64_t>(length) + 1000);
  }
}

// Each place looks like a frame that is followed by none: looking ahead must not read it all again.
BOOST_AUTO_TEST_CASE(what_looks_like_frames_is_read_once) {
  std::string bytes;
  while (bytes.size() < 1'000'000) bytes += "\xff\xfb\xe0";  // 320 kbit/s, MPEG-1
  size_t read = 0;
  measure("a.mp3", bytes, &read);
  BOOST_TEST(read < 2'000'000U);
}

BOOST_AUTO_TEST_SUITE_END()
