#include "tiers/read/place.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <vector>

#include "base/limits.h"

namespace holdfast {
namespace {

// A decimal number without sign or leading zero (unless `digits` fixes the width);
// nothing when it is not one.
std::optional<int> number(std::string_view text, size_t digits = 0) {
  if (text.empty() || text.size() > 9 || (digits != 0 && text.size() != digits)) return {};
  if (digits == 0 && text.front() == '0') return {};
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return {};
  return value;
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = path.find('/', begin);
    parts.push_back(path.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

Error no_place(std::string_view text) {
  return Error{Code::kInvalid, "\"" + std::string(text) + "\" is no place on the standard tier"};
}

}  // namespace

std::string PartId::text() const { return fmt::format("{}.{}", recording.text(), part); }

Result<PartId> PartId::from_text(std::string_view text) {
  const size_t dot = text.rfind('.');
  const Error wrong{Code::kInvalid, "\"" + std::string(text) + "\" is no <recording_id>.<part>"};
  if (dot == std::string_view::npos) return wrong;
  const std::optional<int> part = number(text.substr(dot + 1));
  if (!part || *part < 1 || *part > limits::kPartsMax) return wrong;
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(text.substr(0, dot)));
  return PartId{recording, *part};
}

std::string Place::directory() const {
  std::string path = fmt::format("standard/{}/{:04}/{:02}/{:02}/{}", workspace.text(), day.year,
                                 day.month, day.day, call_sid);
  if (part > 1) path += fmt::format("/+{}", part);
  return path;
}

Result<Place> Place::from_directory(std::string_view directory) {
  const std::vector<std::string_view> parts = components(directory);
  if (parts.size() < 6 || parts.size() > 7 || parts[0] != "standard") return no_place(directory);
  Place place;
  HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(parts[1]));
  place.workspace = workspace;
  const std::optional<int> year = number(parts[2], 4);
  const std::optional<int> month = number(parts[3], 2);
  const std::optional<int> day = number(parts[4], 2);
  if (!year || !month || !day || *month < 1 || *month > 12 || *day < 1 || *day > 31)
    return no_place(directory);
  place.day = CalendarDay{*year, *month, *day};
  if (!is_call_sid(parts[5])) return no_place(directory);
  place.call_sid = std::string(parts[5]);
  if (parts.size() == 7) {
    if (!parts[6].starts_with('+')) return no_place(directory);
    const std::optional<int> part = number(parts[6].substr(1));
    if (!part || *part < 2 || *part > limits::kPartsMax) return no_place(directory);
    place.part = *part;
  }
  // One place has one spelling: an upper-case workspace is no path of ours.
  if (place.directory() != directory) return no_place(directory);
  return place;
}

std::string incoming_directory(const PartId& part) { return "standard/.incoming/" + part.text(); }
std::string repair_directory(const PartId& part) { return "standard/.repair/" + part.text(); }

std::string staged_directory(const PartId& part) { return "staged/" + part.text(); }

}  // namespace holdfast
