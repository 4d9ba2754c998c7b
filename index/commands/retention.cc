#include "index/commands/retention.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/recordings.h"
#include "index/rows.h"

namespace holdfast {
namespace {

RetentionTimes times_of(UnixMillis ended_at, UnixMillis received_at, int32_t flags) {
  constexpr auto kUnknownEnd =
      static_cast<int32_t>(Flag::kEventTimeAbsent) | static_cast<int32_t>(Flag::kEventTimeInFuture);
  return RetentionTimes{ended_at, (flags & kUnknownEnd) == 0, received_at};
}

void add_end(const RetentionClassRow& given, const RetentionEnd& end, json::object& details) {
  details["class"] = given.name;
  details["version"] = given.version;
  if (end.retain_until == kForever)
    details["forever"] = true;
  else if (end.retain_until)
    details["retain_until"] = end.retain_until->count;
  if (end.expires_at) details["expires_at"] = end.expires_at->count;
}

Result<RetentionClassRow> need_class(Database& index, const std::string& name) {
  HOLDFAST_ASSIGN(found, find_retention_class(index, name));
  if (!found)
    return Error{Code::kNotFound, "there is no retention class \"" + name +
                                      "\"; holdfast retention ls lists those there are"};
  if (is_stand_in(*found))
    return Error{Code::kConflict, "what the retention class \"" + name +
                                      "\" says was lost with its decision; set it again"};
  return *std::move(found);
}

Result<int64_t> count_versions(Database& index) {
  Statement statement = index.prepare("SELECT count(*) FROM retention_class");
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<int64_t>() : 0;
}

// Stand-ins count: a version is never given twice. 0: there is none.
Result<int> latest_version(Database& index, const std::string& name) {
  Statement statement =
      index.prepare("SELECT coalesce(max(version), 0) FROM retention_class WHERE name = ?1");
  statement.bind(name);
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<int>() : 0;
}

Result<RetentionClassRow> set_class(WriteTxn& txn, const SetRetentionClass& request) {
  Database& index = txn.index();
  if (!is_retention_class_name(request.name))
    return Error{Code::kInvalid,
                 "\"" + request.name +
                     "\" names no retention class: 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", "
                     "beginning with a letter or digit"};
  HOLDFAST_ASSIGN(known, find_retention_class(index, request.name));
  if (known && !is_stand_in(*known) && known->rule == request.rule) return *std::move(known);
  HOLDFAST_ASSIGN(count, count_versions(index));
  if (count >= limits::kRetentionClassesMax)
    return Error{Code::kConflict,
                 "there are " + std::to_string(count) + " versions of retention classes already"};
  HOLDFAST_ASSIGN(latest, latest_version(index, request.name));
  const int version = latest + 1;
  LineDraft line;
  line.kind = decision::kRetentionClassSet;
  line.who = request.who;
  line.on = request.name;
  line.weight = Weight::kNeutral;
  line.details = {{"amount", request.rule.period.amount},
                  {"event", word(request.rule.event)},
                  {"mode", word(request.rule.mode)},
                  {"unit", word(request.rule.period.unit)},
                  {"version", version}};
  HOLDFAST_TRY(txn.decide(std::move(line)));
  return need_class(index, request.name);
}

Status refuse_unless_there(const RecordingRow& row) {
  if (row.state == RecordingState::kDestroying)
    return Error{Code::kConflict,
                 "already-destroyed: recording " + row.recording.text() + " is being destroyed"};
  if (row.state == RecordingState::kUnlocated)
    return Error{Code::kConflict,
                 "recording " + row.recording.text() + " lies on no medium that was shown yet"};
  return {};
}

// Whether the lock that is in force would end earlier, or in a weaker mode.
bool weakens(const RecordingRow& row, const RetentionClassRow* given, const RetentionEnd& end,
             UnixMillis certain) {
  if (!is_retained(row, certain)) return false;
  const bool ends_earlier = end.retain_until.value_or(UnixMillis(0)) < *row.retain_until;
  const bool is_weaker = given == nullptr || given->rule.mode < row.retention_mode;
  return ends_earlier || is_weaker;
}

Status check_weakening(const RecordingRow& row, const AssignRetention& request) {
  const std::string what = "retention: recording " + row.recording.text() + " is retained until " +
                           end_text(*row.retain_until) + " by class " +
                           row.retention_class.value_or("") + " in " +
                           std::string(word(row.retention_mode)) + " mode: ";
  if (row.retention_mode == RetentionMode::kCompliance)
    return Error{Code::kLocked, what + "nobody shortens that"};
  if (!request.bypass)
    return Error{Code::kLocked, what +
                                    "only a bypass shortens that, by who may bypass governance, "
                                    "with a reason"};
  if (request.reason.empty())
    return Error{Code::kInvalid, "a bypass of governance mode names its reason"};
  return {};
}

Result<Retained> assign(WriteTxn& txn, const AssignRetention& request) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, rows::need_recording_of(index, request.recording, request.workspace_no));
  HOLDFAST_TRY(refuse_unless_there(row));
  HOLDFAST_ASSIGN(certain, certain_time(index, txn.now()));
  std::optional<RetentionClassRow> given;
  RetentionEnd end;
  if (request.name) {
    HOLDFAST_ASSIGN(found, need_class(index, *request.name));
    end = retention_end(found.rule, times_of(row.ended_at, row.arrived_at, row.flags),
                        request.not_before);
    given = std::move(found);
  }
  const bool is_same = row.retention_class == request.name &&
                       row.retention_version == (given ? given->version : 0) &&
                       row.retain_until == end.retain_until && row.expires_at == end.expires_at;
  if (is_same) return Retained{false, row};
  const bool weaker = weakens(row, given ? &*given : nullptr, end, certain);
  if (weaker) HOLDFAST_TRY(check_weakening(row, request));
  LineDraft line;
  line.kind = decision::kRetained;
  line.who = request.who;
  line.on = row.recording.text();
  line.weight = weaker ? Weight::kWeakening : Weight::kProtecting;
  if (given) add_end(*given, end, line.details);
  HOLDFAST_ASSIGN(kept, kept_time(index));
  line.details["clock"] = kept.count;
  if (weaker) line.details["bypass"] = true;
  HOLDFAST_ASSIGN(note, txn.write_note(request.reason));
  if (!note.empty()) line.details["note"] = note;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  HOLDFAST_ASSIGN(after, rows::need_recording(index, request.recording));
  return Retained{true, std::move(after)};
}

}  // namespace

Command<RetentionClassRow> set_retention_class(SetRetentionClass request) {
  return {"set a retention class",
          [request = std::move(request)](WriteTxn& txn) { return set_class(txn, request); }};
}

Command<void> set_retention_default(std::optional<WorkspaceId> workspace,
                                    std::optional<std::string> name, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    Database& index = txn.index();
    if (workspace) {
      HOLDFAST_ASSIGN(known, find_workspace(index, *workspace));
      if (!known) return Error{Code::kNotFound, "there is no workspace " + workspace->text()};
    }
    if (name) HOLDFAST_TRY(need_class(index, *name));
    HOLDFAST_ASSIGN(defaults, list_retention_defaults(index));
    const auto same =
        std::find_if(defaults.begin(), defaults.end(),
                     [&](const RetentionDefaultRow& row) { return row.workspace == workspace; });
    if (same == defaults.end() ? !name : name == same->name) return Status();
    LineDraft line;
    line.kind = decision::kRetentionDefaultSet;
    line.who = who;
    line.on = workspace ? workspace->text() : "all";
    line.weight = Weight::kNeutral;
    if (name) line.details["class"] = *name;
    return txn.decide(std::move(line));
  };
  return {"set the default of retention", apply};
}

Command<Retained> assign_retention(AssignRetention request) {
  return {"retain a recording",
          [request = std::move(request)](WriteTxn& txn) { return assign(txn, request); }};
}

// A system clock that is behind the compliance clock is wrong: what it calls the time of arrival
// may have passed long ago, and must end nothing.
Result<UnixMillis> add_arrival(WriteTxn& txn, const IngestRow& row, LineDraft& line) {
  HOLDFAST_ASSIGN(kept, kept_time(txn.index()));
  const UnixMillis arrived_at = std::max(row.received_at, kept);
  if (arrived_at > row.received_at) line.details["arrived_at"] = arrived_at.count;
  return arrived_at;
}

Status add_default_retention(WriteTxn& txn, WorkspaceNo workspace_no, const IngestRow& row,
                             Millis not_before, LineDraft& line) {
  HOLDFAST_ASSIGN(arrived_at, add_arrival(txn, row, line));
  HOLDFAST_ASSIGN(given, default_retention_class(txn.index(), workspace_no));
  if (!given) return Status();
  const RetentionTimes times = times_of(row.ended_at, arrived_at, row.flags);
  add_end(*given, retention_end(given->rule, times, not_before), line.details);
  return Status();
}

}  // namespace holdfast
