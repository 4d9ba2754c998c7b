#include "base/file_name.h"

#include <charconv>

namespace holdfast {
namespace {

constexpr int kSegmentMax = 9999;

// "recording.2.wav": stem "recording", segment 2, ending ".wav".
struct NameParts {
  std::string_view stem;
  int segment = 1;
  std::string_view ending;  // with its dot; empty when there is none
};

NameParts parts_of(std::string_view name) {
  NameParts parts;
  const size_t dot = name.find('.');
  parts.stem = name.substr(0, dot);
  if (dot == std::string_view::npos) return parts;
  parts.ending = name.substr(dot);
  const size_t next = name.find('.', dot + 1);
  if (next == std::string_view::npos) return parts;
  const std::string_view number = name.substr(dot + 1, next - dot - 1);
  int segment = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), segment);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  if (!whole || number.front() == '0' || segment < 1 || segment > kSegmentMax) return parts;
  parts.segment = segment;
  parts.ending = name.substr(next);
  return parts;
}

}  // namespace

int segment_of(std::string_view file_name) { return parts_of(file_name).segment; }

bool is_later_metadata(std::string_view file_name) {
  const NameParts parts = parts_of(file_name);
  return parts.stem == "metadata" && parts.ending == ".json" && file_name != "metadata.json";
}

std::string next_free_name(std::string_view file_name,
                           const std::function<bool(std::string_view)>& is_taken) {
  const NameParts parts = parts_of(file_name);
  std::string name;
  for (int segment = 2; segment <= kSegmentMax; ++segment) {
    name = std::string(parts.stem) + "." + std::to_string(segment) + std::string(parts.ending);
    if (!is_taken(name)) break;
  }
  return name;
}

}  // namespace holdfast
