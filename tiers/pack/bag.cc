#include "tiers/pack/bag.h"

#include <fmt/format.h>

#include "base/time_text.h"

namespace holdfast::pack {

std::string bagit_txt() { return "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"; }

std::string bag_info_txt(const BagInfo& info) {
  std::string sealed = to_iso(info.sealed_at);
  std::string text;
  text += fmt::format("Bagging-Date: {}\n", sealed.substr(0, 10));
  text += fmt::format("External-Identifier: {}\n", info.pack_id.text());
  text += fmt::format("Payload-Oxum: {}.{}\n", info.payload_bytes.count, info.payload_files);
  text += fmt::format("Holdfast-Archive: {}\n", info.archive_id.text());
  text += fmt::format("Holdfast-Pack: {}\n", info.pack_id.text());
  text += "Holdfast-Pack-Format: 1\n";
  text += fmt::format("Holdfast-Sealed-At: {}\n", sealed);
  return text;
}

std::string manifest_txt(const std::vector<BagFile>& files) {
  std::string text;
  for (const BagFile& file : files) text += file.sha256.hex() + "  " + file.path + "\n";
  return text;
}

Result<std::vector<BagFile>> parse_manifest(std::string_view text) {
  constexpr size_t kHexDigits = 64;
  std::vector<BagFile> files;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    const Error bad{Code::kCorrupt, "manifest line " + std::to_string(files.size() + 1) +
                                        ": expected a SHA-256, two spaces, a path"};
    if (end == std::string_view::npos || line.size() <= kHexDigits + 2 ||
        line.substr(kHexDigits, 2) != "  ")
      return bad;
    Result<Digest> digest = Digest::from_hex(line.substr(0, kHexDigits));
    if (!digest.ok()) return bad;
    files.push_back({std::string(line.substr(kHexDigits + 2)), *digest});
    text.remove_prefix(end + 1);
  }
  return files;
}

}  // namespace holdfast::pack
