// How expiry and the compliance clock stand, for `status` and their own routes.
#pragma once

#include <optional>

#include "daemon/work/archive.h"
#include "index/read/retention.h"

namespace holdfast::api {

struct ExpiryStanding {
  std::optional<ClockRow> clock;
  ExpiryRow breaker;
  UnixMillis certain;
  int64_t due = 0;  // counted up to limits::kExpiryCountMax
};
// Any thread, with its own index.
Result<ExpiryStanding> look_at_expiry(const Archive& archive, Database& index);

json::object clock_view(const Archive& archive, const std::optional<ClockRow>& clock);

}  // namespace holdfast::api
