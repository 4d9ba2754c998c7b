// recording.json: what is read is written again, and read again as the same.
//
//   input = JSON
#include "tiers/disk/recording_json.h"
#include "base/limits.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {

void recording_json(ByteSpan bytes) {
  const std::string text(as_text(bytes));
  const auto description = parse_recording_json(text);
  if (!description.ok()) {
    expect(description.error().code == Code::kCorrupt && !description.error().message.empty(),
           "a recording.json that is none is corrupt, and it is told why");
    return;
  }
  expect(description->files.size() <= static_cast<size_t>(limits::kFilesPerPartMax),
         "a part has no more files than it may");
  for (const RecordedFile& file : description->files)
    expect(is_file_name(file.name) && !is_reserved_file_name(file.name), "names name files",
           file.name);
  const std::string written = holdfast::recording_json(*description);
  const auto again = parse_recording_json(written);
  expect(again.ok(), "a recording.json that was written can be read", written);
  expect(holdfast::recording_json(*again) == written, "a recording.json has one text", written);
}

}  // namespace holdfast::fuzz
