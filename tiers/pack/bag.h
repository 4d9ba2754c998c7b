// The BagIt 1.0 files (RFC 8493) of a pack.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace holdfast::pack {

struct BagFile {
  std::string path;  // below the bag's directory
  Digest sha256;
};

struct BagInfo {
  PackId pack_id;
  ArchiveId archive_id;
  UnixMillis sealed_at;
  Bytes payload_bytes;
  int64_t payload_files = 0;
};

std::string bagit_txt();
std::string bag_info_txt(const BagInfo& info);
// manifest-sha256.txt and tagmanifest-sha256.txt: one line per file, in the given order.
std::string manifest_txt(const std::vector<BagFile>& files);
// kCorrupt with the line's number.
Result<std::vector<BagFile>> parse_manifest(std::string_view text);

}  // namespace holdfast::pack
