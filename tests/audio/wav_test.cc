// WAV headers: honest ones and liars.
#include "audio/wav.h"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>

#include "tests/support/synthetic_audio.h"

using namespace holdfast;
using testing::wav_bytes;
using testing::WavOptions;

namespace {

Result<WavHeader> read(const std::string& file) {
  return read_wav_header(as_bytes(file).first(std::min(file.size(), kWavHeadBytes)),
                         Bytes(static_cast<int64_t>(file.size())));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wav)

BOOST_AUTO_TEST_CASE(an_honest_header_is_read) {
  WavOptions options;
  options.channels = 2;
  options.sample_rate_hz = 16000;
  options.list_chunk_before = true;
  options.after = "LIST\x04\x00\x00\x00INFO";
  WavHeader header = read(wav_bytes(std::string(4000, 'x'), options)).value();
  BOOST_TEST(header.channels == 2);
  BOOST_TEST(header.sample_rate_hz == 16000);
  BOOST_TEST(header.block_align == 4);
  BOOST_TEST(header.data_present.count == 4000);
  BOOST_TEST(header.data_offset.count == 12 + 24 + 14 + 8);
  BOOST_TEST(header.frames() == 1000);
  BOOST_TEST((header.form() == SampleForm::kPcm16));
  BOOST_TEST(!header.unfinished);
  BOOST_TEST(!header.truncated);
}

BOOST_AUTO_TEST_CASE(forms_are_told_apart) {
  struct Case {
    int tag;
    int bits;
    bool extensible;
    SampleForm form;
  };
  for (const Case& c : {Case{1, 8, false, SampleForm::kPcm8}, Case{1, 16, true, SampleForm::kPcm16},
                        Case{1, 24, true, SampleForm::kPcm24}, Case{6, 8, false, SampleForm::kAlaw},
                        Case{7, 8, true, SampleForm::kMulaw}, Case{3, 32, false, SampleForm::kNone},
                        Case{1, 12, false, SampleForm::kNone}}) {
    WavOptions options;
    options.format_tag = c.tag;
    options.bits_per_sample = c.bits;
    options.extensible = c.extensible;
    BOOST_TEST((read(wav_bytes(std::string(240, 'x'), options)).value().form() == c.form));
  }
}

BOOST_AUTO_TEST_CASE(an_interrupted_recorder_leaves_length_zero) {
  for (int64_t declared : {int64_t{0}, int64_t{0xFFFFFFFF}}) {
    WavOptions options;
    options.declared_data_bytes = declared;
    WavHeader header = read(wav_bytes(std::string(1001, 'x'), options)).value();
    BOOST_TEST(header.unfinished);
    BOOST_TEST(!header.truncated);
    BOOST_TEST(header.data_present.count == 1001);
    BOOST_TEST(header.frames() == 500);
  }
  WavOptions options;
  options.declared_data_bytes = 0;
  WavHeader empty = read(wav_bytes("", options)).value();
  BOOST_TEST(!empty.unfinished);
  BOOST_TEST(empty.frames() == 0);
}

BOOST_AUTO_TEST_CASE(a_header_that_promises_too_much_is_truncated) {
  WavOptions options;
  options.declared_data_bytes = 5000;
  WavHeader header = read(wav_bytes(std::string(1000, 'x'), options)).value();
  BOOST_TEST(header.truncated);
  BOOST_TEST(header.data_present.count == 1000);
}

BOOST_AUTO_TEST_CASE(a_header_that_contradicts_itself_has_no_form) {
  std::string file = wav_bytes(std::string(1000, 'x'), WavOptions());
  file[32] = 7;  // block align
  BOOST_TEST((read(file).value().form() == SampleForm::kNone));
  BOOST_TEST(read(file).value().frames() == 0);
  file[32] = 0;
  BOOST_TEST(read(file).value().frames() == 0);
}

BOOST_AUTO_TEST_CASE(rf64_takes_its_length_from_ds64) {
  std::string file = "RF64\xff\xff\xff\xffWAVE";
  file += "ds64";
  testing::put_little_endian(file, 28, 4);
  testing::put_little_endian(file, 0, 8);
  testing::put_little_endian(file, 600, 8);
  file += std::string(12, '\0');
  std::string plain = wav_bytes(std::string(1000, 'x'), WavOptions());
  file += plain.substr(12, 28);  // fmt chunk and "data"
  file += "\xff\xff\xff\xff" + std::string(1000, 'x');
  WavHeader header = read(file).value();
  BOOST_TEST(header.data_present.count == 600);
  BOOST_TEST(!header.unfinished);
}

BOOST_AUTO_TEST_CASE(what_is_not_wav_is_refused) {
  std::string file = wav_bytes(std::string(100, 'x'), WavOptions());
  for (size_t length = 0; length < 44; ++length) BOOST_TEST(!read(file.substr(0, length)).ok());
  BOOST_TEST(!read(std::string(1000, '\0')).ok());
  std::string data_first = file.substr(0, 12) + file.substr(36);
  BOOST_TEST(!read(data_first).ok());
}

BOOST_AUTO_TEST_CASE(any_bytes_are_safe) {
  uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const std::string honest = wav_bytes(std::string(200, 'x'), WavOptions());
  for (int round = 0; round < 20'000; ++round) {
    std::string file = honest;
    for (int i = 0; i < 4; ++i) file[random() % 60] = static_cast<char>(random());
    file.resize(random() % (file.size() + 1));
    Result<WavHeader> header = read(file);
    if (!header.ok()) continue;
    int64_t size = static_cast<int64_t>(file.size());
    BOOST_REQUIRE_LE(header->data_offset.count + header->data_present.count, size);
    BOOST_REQUIRE_GE(header->frames(), 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
