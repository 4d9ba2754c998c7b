// The lines of a segment of the ledger, for tests that lose one: sealed ones are zstd frames.
#pragma once

#include <zstd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace holdfast {

inline std::string segment_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (path.extension() != ".zst") return bytes;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  std::string text;
  std::string piece(1 << 16, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (in.pos < in.size) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const size_t rest = ZSTD_decompressStream(context, &out, &in);
    BOOST_REQUIRE(ZSTD_isError(rest) == 0U);
    text.append(piece.data(), out.pos);
  }
  ZSTD_freeDCtx(context);
  return text;
}

}  // namespace holdfast
