#include "index/read/packed_text.h"

#include <zstd.h>

#include <memory>

#include "base/limits.h"

namespace holdfast {
namespace {

constexpr std::string_view kFrameBegins = "\x28\xb5\x2f\xfd";
constexpr int kLevel = 1;  // more gives nothing more of so little

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

Error corrupt(std::string_view why) {
  return Error{Code::kCorrupt, "unpack a text of the index: " + std::string(why)};
}

}  // namespace

std::string pack_text(std::string_view text) {
  // Its tables are as small as the texts are; making it anew each time costs more than the work.
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  std::string frame(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compressCCtx(context.get(), frame.data(), frame.size(), text.data(),
                                        text.size(), kLevel);
  const bool is_of_use = size < text.size() || text.starts_with(kFrameBegins);
  if (ZSTD_isError(size) != 0 || !is_of_use) return std::string(text);
  frame.resize(size);
  return frame;
}

Result<std::string> unpack_text(std::string_view bytes) {
  if (!bytes.starts_with(kFrameBegins)) return std::string(bytes);
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
      size > static_cast<unsigned long long>(limits::kMetadataBytesMax))
    return corrupt("its frame says no size that it can have");
  std::string text(static_cast<size_t>(size), '\0');
  const size_t given = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(given) != 0) return corrupt(ZSTD_getErrorName(given));
  if (given != text.size()) return corrupt("its frame gives another size than it says");
  return text;
}

}  // namespace holdfast
