#include "tiers/pack/payload_path.h"

#include <charconv>

#include "base/limits.h"

namespace holdfast::pack {
namespace {

constexpr std::string_view kData = "/data/";

}  // namespace

std::string part_directory(const RecordingId& recording, int part) {
  return "data/" + recording.text() + "." + std::to_string(part) + "/";
}

Result<PayloadPath> parse_payload_path(std::string_view path) {
  const Error bad{Code::kCorrupt, "\"" + std::string(path) + "\" is no path of a pack's payload"};
  if (path.size() < 2 * kIdLength + kData.size() || path.substr(kIdLength, kData.size()) != kData)
    return bad;
  PayloadPath parsed;
  Result<PackId> pack = PackId::from_text(path.substr(0, kIdLength));
  std::string_view rest = path.substr(kIdLength + kData.size());
  Result<RecordingId> recording = RecordingId::from_text(rest.substr(0, kIdLength));
  if (!pack.ok() || !recording.ok()) return bad;
  const char* end = rest.data() + rest.size();
  auto [number_end, error] = std::from_chars(rest.data() + kIdLength + 1, end, parsed.part);
  if (error != std::errc() || number_end == end || *number_end != '/' || parsed.part < 1 ||
      parsed.part > limits::kPartsMax)
    return bad;
  parsed.pack_id = *pack;
  parsed.recording_id = *recording;
  parsed.stored_name = std::string(number_end + 1, end);
  // One path has one spelling.
  if (path.substr(kIdLength + 1) !=
      part_directory(parsed.recording_id, parsed.part) + parsed.stored_name)
    return bad;
  return parsed;
}

}  // namespace holdfast::pack
