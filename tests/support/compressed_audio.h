// MP3 and MP4 files made by hand, for tests: they have frames and boxes, and no sound.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::testing {

// Frames of MPEG-2 Layer III, mono, 16 kHz, 32 kbit/s: 144 bytes and 36 ms each.
inline std::string mp3_frames(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += "\xff\xf3\x48\xc0" + std::string(140, '\0');
  return bytes;
}

inline std::string big_endian(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return out;
}

inline std::string box(const std::string& type, const std::string& body) {
  return big_endian(body.size() + 8, 4) + type + body;
}

inline std::string large_box(const std::string& type, const std::string& body) {
  return big_endian(1, 4) + type + big_endian(body.size() + 16, 8) + body;
}

// mvhd and mdhd, version 0 or 1.
inline std::string length_box(const std::string& type, int version, uint64_t scale,
                              uint64_t duration) {
  const int word = version == 1 ? 8 : 4;
  return box(type, big_endian(static_cast<uint64_t>(version) << 24, 4) + big_endian(0, word) +
                       big_endian(0, word) + big_endian(scale, 4) + big_endian(duration, word) +
                       std::string(20, '\0'));
}

struct TrackOptions {
  std::string handler = "soun";
  int version = 0;
  uint64_t scale = 8000;
  uint64_t duration = 80'000;  // 10 s
  uint64_t channels = 1;
};

inline std::string track_box(const TrackOptions& options) {
  const std::string entry =
      box("mp4a", std::string(6, '\0') + big_endian(1, 2) + std::string(8, '\0') +
                      big_endian(options.channels, 2) + big_endian(16, 2) + std::string(4, '\0') +
                      big_endian(8000U << 16, 4));
  const std::string form = box("stsd", big_endian(0, 4) + big_endian(1, 4) + entry);
  return box(
      "trak",
      box("tkhd", std::string(80, '\0')) +
          box("mdia", length_box("mdhd", options.version, options.scale, options.duration) +
                          box("hdlr", big_endian(0, 8) + options.handler + std::string(12, '\0')) +
                          box("minf", box("smhd", std::string(8, '\0')) + box("stbl", form))));
}

inline std::string mp4_bytes(const std::string& moov, size_t data = 1000) {
  return box("ftyp", std::string("M4A \0\0\0\0isom", 12)) + box("moov", moov) +
         box("mdat", std::string(data, 'x'));
}

}  // namespace holdfast::testing
