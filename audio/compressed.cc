#include "audio/compressed.h"

#include <algorithm>
#include <string>

namespace holdfast {

Result<std::optional<CompressedSound>> measure_compressed(std::string_view file_name, Bytes length,
                                                          ReadAt read) {
  constexpr size_t kStreamBlockBytes = 256 * 1024;  // all of it is looked at
  constexpr size_t kBoxBlockBytes = 16 * 1024;      // most of it is passed over
  std::string extension(file_name.substr(std::min(file_name.size(), file_name.rfind('.') + 1)));
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (extension == "mp3") {
    FileWindow file(std::move(read), length, kStreamBlockBytes);
    HOLDFAST_ASSIGN(sound, measure_mp3(file));
    return std::optional(sound);
  }
  if (extension == "mp4" || extension == "m4a") {
    FileWindow file(std::move(read), length, kBoxBlockBytes);
    HOLDFAST_ASSIGN(sound, measure_mp4(file));
    return std::optional(sound);
  }
  return std::optional<CompressedSound>();
}

}  // namespace holdfast
