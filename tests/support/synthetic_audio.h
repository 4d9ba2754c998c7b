// Sound made from numbers, for tests: the same seed gives the same bytes.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "audio/g711.h"

namespace holdfast::testing {

// A voice-like sum of three gliding tones with pauses and a little noise.
inline std::vector<int16_t> synthetic_samples(size_t count, uint32_t seed, int rate_hz) {
  std::mt19937 random(seed);
  std::vector<int16_t> samples;
  samples.reserve(count);
  double base = 110.0 + static_cast<double>(random() % 80);
  for (size_t i = 0; i < count; ++i) {
    double t = static_cast<double>(i) / rate_hz;
    double voiced = std::sin(t * 2.1 + seed % 7) > -0.3 ? 1.0 : 0.0;
    double sound = 0;
    for (int harmonic = 1; harmonic <= 3; ++harmonic)
      sound += std::sin(6.283185307179586 * base * harmonic * (t + 0.01 * std::sin(t))) / harmonic;
    double noise = static_cast<double>(static_cast<int>(random() % 41) - 20);
    samples.push_back(static_cast<int16_t>(std::lround(voiced * sound * 6000.0 + noise)));
  }
  return samples;
}

inline std::string pcm16_bytes(const std::vector<int16_t>& samples) {
  std::string bytes;
  for (int16_t sample : samples) {
    bytes.push_back(static_cast<char>(sample & 0xFF));
    bytes.push_back(static_cast<char>(sample >> 8 & 0xFF));
  }
  return bytes;
}

// The nearest code of the law for each sample.
inline std::string g711_bytes(const std::vector<int16_t>& samples, SampleForm law) {
  const G711Table& codes = g711_code_of_rank(law);
  std::string bytes;
  for (int16_t sample : samples) {
    size_t low = 0;
    size_t high = 255;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (g711_amplitude(law, codes[middle]) < sample)
        low = middle + 1;
      else
        high = middle;
    }
    bytes.push_back(static_cast<char>(codes[low]));
  }
  return bytes;
}

inline std::string noise_bytes(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random() & 0xFF);
  return bytes;
}

inline void put_little_endian(std::string& out, uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

struct WavOptions {
  int format_tag = 1;
  int channels = 1;
  int sample_rate_hz = 8000;
  int bits_per_sample = 16;
  bool extensible = false;
  bool list_chunk_before = false;
  int64_t declared_data_bytes = -1;  // -1: the truth
  std::string after;                 // bytes behind the data
};

inline std::string wav_bytes(const std::string& data, const WavOptions& options) {
  int align = options.channels * options.bits_per_sample / 8;
  std::string format;
  put_little_endian(format, static_cast<uint32_t>(options.extensible ? 0xFFFE : options.format_tag),
                    2);
  put_little_endian(format, static_cast<uint32_t>(options.channels), 2);
  put_little_endian(format, static_cast<uint32_t>(options.sample_rate_hz), 4);
  put_little_endian(format, static_cast<uint32_t>(options.sample_rate_hz * align), 4);
  put_little_endian(format, static_cast<uint32_t>(align), 2);
  put_little_endian(format, static_cast<uint32_t>(options.bits_per_sample), 2);
  if (options.extensible) {
    put_little_endian(format, 22, 2);
    put_little_endian(format, static_cast<uint32_t>(options.bits_per_sample), 2);
    put_little_endian(format, 0, 4);
    put_little_endian(format, static_cast<uint32_t>(options.format_tag), 2);
    format += std::string("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 14);
  }
  std::string body = "WAVEfmt ";
  put_little_endian(body, static_cast<uint32_t>(format.size()), 4);
  body += format;
  if (options.list_chunk_before) {
    body += "LIST";
    put_little_endian(body, 5, 4);  // odd: a padding byte follows
    body += std::string("INFOx\0", 6);
  }
  body += "data";
  int64_t declared = options.declared_data_bytes < 0 ? static_cast<int64_t>(data.size())
                                                     : options.declared_data_bytes;
  put_little_endian(body, static_cast<uint32_t>(declared), 4);
  body += data + options.after;
  std::string file = "RIFF";
  put_little_endian(file, static_cast<uint32_t>(body.size()), 4);
  return file + body;
}

}  // namespace holdfast::testing
