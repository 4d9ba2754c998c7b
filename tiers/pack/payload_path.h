// Paths of a pack's payload: "<pack_id>/data/<recording_id>.<part>/<stored name>".
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"

namespace holdfast::pack {

struct PayloadPath {
  PackId pack_id;
  RecordingId recording_id;
  int part = 1;
  std::string stored_name;
};

// "data/<recording_id>.<part>/": below the pack's directory.
std::string part_directory(const RecordingId& recording, int part);
// kCorrupt for anything else than such a path.
Result<PayloadPath> parse_payload_path(std::string_view path);

}  // namespace holdfast::pack
