// Where a part of a recording lies on the standard tier, as a path below the
// medium's root:
//
//   standard/<workspace>/<yyyy>/<mm>/<dd>/<call_sid>/        part 1
//   standard/<workspace>/<yyyy>/<mm>/<dd>/<call_sid>/+<n>/   part n > 1
//   standard/.incoming/<recording_id>.<part>/   until it is placed
//   standard/.trash/<recording_id>.<part>/      on its way out
//   standard/.repair/<recording_id>.<part>/     good bytes on their way to a bad copy's place
//   staged/<recording_id>.<part>/               a restore's result
//
// The day is that of the call's start, UTC, frozen at ingest.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time_text.h"
#include "base/types.h"

namespace holdfast {

// One part of one recording: the unit that is copied.
struct PartId {
  RecordingId recording;
  int part = 1;  // 1 to limits::kPartsMax
  auto operator<=>(const PartId&) const = default;
  std::string text() const;  // "<recording_id>.<part>"
  static Result<PartId> from_text(std::string_view text);
};

struct Place {
  WorkspaceId workspace;
  CalendarDay day;
  std::string call_sid;  // is_call_sid
  int part = 1;
  bool operator==(const Place&) const = default;

  // "standard/…/<call_sid>" or "standard/…/<call_sid>/+<n>".
  std::string directory() const;
  // The inverse; kInvalid for anything that directory() does not give.
  static Result<Place> from_directory(std::string_view directory);
};

// "standard/.incoming/<recording_id>.<part>": where an acknowledged part is read until it is
// placed.
std::string incoming_directory(const PartId& part);
// "standard/.repair/<recording_id>.<part>": what is to take the place of a bad copy.
std::string repair_directory(const PartId& part);
// "staged/<recording_id>.<part>".
std::string staged_directory(const PartId& part);

}  // namespace holdfast
