// The 202 of an archived recording: the body that contracts section 1 fixes, and
// how a recall is asked for.
#pragma once

#include "daemon/api/call.h"
#include "daemon/outbound/policy.h"
#include "daemon/work/recall_forecast.h"
#include "index/commands/restores.h"

namespace holdfast::api {

// What the caller wants of a restore.
struct RestoreWish {
  RestorePriority priority = RestorePriority::kStandard;
  Millis keep{0};  // 0: the configured default
  std::string callback_url;
};

// The wish of a request's body: tier (the priority), keep_hours and callback_url. kInvalid says
// what would be right.
Result<RestoreWish> restore_wish(const json::object& body, const outbound::Rules& rules);

// The wish for one recording as this caller's: with a fresh id and within its recall budget.
RequestRestore restore_request(const Call& call, RecordingNo recording, const RestoreWish& wish);

// Starts or joins a restore within the caller's budget (429 over it), wakes the restorers, and
// answers 202 with restore links. Honours `Prefer: wait=N`. `when_back` answers when the recording
// is readable, now or within that time: what the caller had asked for, under its own route's
// checks.
void start_restore(CallPtr call, Recording recording, RestoreWish wish,
                   std::function<void(CallPtr)> when_back);

// Answers 202 for a recording that is archived, without starting anything: HEAD and signed links.
// `restore` is the live one, or nothing.
void report_archived(CallPtr call, const Recording& recording,
                     const std::optional<RestoreRow>& restore);

}  // namespace holdfast::api
