// Decisions about retention: classes, defaults, what a recording was given; and the compliance
// clock, by which retention ends.
#include "base/retention.h"
#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/recordings.h"
#include "index/read/retention.h"
#include "index/rows.h"

namespace holdfast::apply {
namespace {

using rows::run;

// A class of which the ledger has lost what it says: the ends that lines gave stand, and nobody
// shortens them.
Status stand_in_for(WriteTxn& txn, const std::string& name, int version) {
  return run(txn.index(),
             "INSERT INTO retention_class (name, version, mode, event, amount, unit, created_at, "
             "created_by) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, '')",
             name, version, RetentionMode::kCompliance, RetentionEvent::kCallEnd,
             PeriodUnit::kForever, txn.now());
}

// The class's version that the details name; nothing: no class.
Result<std::optional<RetentionClassRow>> class_of(WriteTxn& txn, const json::object& details) {
  HOLDFAST_ASSIGN(name, find_string(details, "class"));
  if (!name) return std::optional<RetentionClassRow>();
  HOLDFAST_ASSIGN(version64, need_integer(details, "version"));
  const int version = static_cast<int>(version64);
  HOLDFAST_ASSIGN(known, find_retention_class(txn.index(), *name, version));
  if (known) return known;
  if (!txn.replaying())
    return Error{Code::kInvalid, "there is no version " + std::to_string(version) +
                                     " of the retention class " + *name};
  HOLDFAST_TRY(stand_in_for(txn, *name, version));
  return find_retention_class(txn.index(), *name, version);
}

// Set forward by less, nothing has to wait.
constexpr Millis kForward = hours(1);
// Before it was found to stand, the clock was kept as it had been a little earlier.
constexpr Millis kKeptEarlier = hours(1);

Status write_clock(Database& index, const ComplianceState& state,
                   std::optional<UnixMillis> accepted_at) {
  return run(index,
             "INSERT INTO compliance_clock (one, now, system, credit_ms, stopped_at, why, "
             "noted_at, epoch, accepted_at) VALUES (1, ?1, ?2, ?3, NULL, '', ?1, 1, ?4) "
             "ON CONFLICT (one) DO UPDATE SET now = excluded.now, system = excluded.system, "
             "credit_ms = excluded.credit_ms, stopped_at = NULL, why = '', "
             "noted_at = excluded.noted_at, epoch = epoch + 1, "
             "accepted_at = coalesce(excluded.accepted_at, accepted_at)",
             state.now, state.system, state.credit, accepted_at);
}

// What is taken to have arrived when the clock stood may have arrived as late as it is now.
Status put_off_arrivals(Database& index, UnixMillis from, Millis length) {
  return run(index,
             "UPDATE recording SET arrived_at = arrived_at + ?2, "
             "retain_until = iif(retain_until = 9223372036854775807, retain_until, "
             "retain_until + ?2), expires_at = expires_at + ?2 "
             "WHERE arrived_at >= ?1 AND state <> 3",
             from - kKeptEarlier, length);
}

// What was destroyed while the clock was ahead is as old as it can be: set back, it does not put
// off the erasure.
Status bound_dead(Database& index, UnixMillis now) {
  return run(index, "UPDATE pack SET dead_since = ?1 WHERE dead_since > ?1", now);
}

}  // namespace

// on: the class's name. details: amount, event, mode, unit, version
Status retention_class_set(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(version, need_integer(line.details, "version"));
  HOLDFAST_ASSIGN(mode, details::need_word(line.details, "mode", RetentionMode::kCompliance));
  HOLDFAST_ASSIGN(event, details::need_word(line.details, "event", RetentionEvent::kReceived));
  HOLDFAST_ASSIGN(unit, details::need_word(line.details, "unit", PeriodUnit::kForever));
  HOLDFAST_ASSIGN(amount, need_integer(line.details, "amount"));
  return run(txn.index(),
             "INSERT INTO retention_class (name, version, mode, event, amount, unit, created_at, "
             "created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
             "ON CONFLICT (name, version) DO NOTHING",
             line.on, version, mode, event, amount, unit, txn.now(), line.who);
}

// on: a workspace's id, or "all". details: class (absent: none)
Status retention_default_set(WriteTxn& txn, const Decision& line, DecisionSource&) {
  WorkspaceNo workspace_no;
  if (line.on != "all") {
    HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(line.on));
    HOLDFAST_ASSIGN(known, rows::known_workspace(txn, workspace, WorkspaceNo(0), ""));
    workspace_no = known;
  }
  HOLDFAST_ASSIGN(name, find_string(line.details, "class"));
  if (!name)
    return run(txn.index(), "DELETE FROM retention_default WHERE workspace_no = ?1",
               workspace_no.value);
  return run(txn.index(),
             "INSERT INTO retention_default (workspace_no, class) VALUES (?1, ?2) "
             "ON CONFLICT (workspace_no) DO UPDATE SET class = excluded.class",
             workspace_no.value, *name);
}

Result<std::optional<UnixMillis>> arrival_of(const json::object& details) {
  HOLDFAST_ASSIGN(arrived, find_integer(details, "arrived_at"));
  if (!arrived) return std::optional<UnixMillis>();
  return std::optional<UnixMillis>(UnixMillis(*arrived));
}

Status set_ingest_retention(WriteTxn& txn, RecordingNo recording, const json::object& details) {
  HOLDFAST_ASSIGN(arrived, arrival_of(details));
  if (arrived)
    HOLDFAST_TRY(run(txn.index(), "UPDATE recording SET arrived_at = ?2 WHERE recording_no = ?1",
                     recording, *arrived));
  // An adopted part's line names none, and the recording may have been given one by a line that
  // outlived that of its first ingest.
  if (!details.contains("class")) return Status();
  return let_lock_win(txn, set_retention(txn, recording, details));
}

Status set_retention(WriteTxn& txn, RecordingNo recording, const json::object& details) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(of_class, class_of(txn, details));
  HOLDFAST_ASSIGN(until, find_integer(details, "retain_until"));
  HOLDFAST_ASSIGN(forever, find_bool(details, "forever"));
  HOLDFAST_ASSIGN(expires, find_integer(details, "expires_at"));
  std::optional<int64_t> class_no;
  if (of_class) class_no = of_class->class_no;
  std::optional<UnixMillis> end;
  if (until) end = UnixMillis(*until);
  if (forever.value_or(false)) end = kForever;
  std::optional<UnixMillis> expires_at;
  if (expires) expires_at = UnixMillis(*expires);
  return run(index,
             "UPDATE recording SET class_no = ?2, retain_until = ?3, expires_at = ?4 "
             "WHERE recording_no = ?1 AND (class_no IS NOT ?2 OR retain_until IS NOT ?3 "
             "OR expires_at IS NOT ?4)",
             recording, class_no, end, expires_at);
}

// details: class and version (absent: none), retain_until or forever, expires_at, bypass, note
Status retained(WriteTxn& txn, const Decision& line, DecisionSource&) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(bypass, find_bool(line.details, "bypass"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  HOLDFAST_TRY(learn_clock(txn, line.details));
  HOLDFAST_ASSIGN(number, rows::known_or_unlocated(txn, recording, RecordingNo(0), WorkspaceNo(0)));
  if (!bypass.value_or(false)) return let_lock_win(txn, set_retention(txn, number, line.details));
  // The row that the trigger asks for lives no longer than what it allows.
  HOLDFAST_TRY(run(index, "INSERT INTO retention_bypass (recording_no, who) VALUES (?1, ?2)",
                   number, line.who));
  const Status done = let_lock_win(txn, set_retention(txn, number, line.details));
  HOLDFAST_TRY(run(index, "DELETE FROM retention_bypass WHERE recording_no = ?1", number));
  return done;
}

Status learn_clock(WriteTxn& txn, const json::object& details) {
  HOLDFAST_ASSIGN(certain, find_integer(details, "clock"));
  // 0: there was no clock when the line was decided, and it makes none.
  if (!certain || *certain <= 0 || !txn.replaying()) return Status();
  return run(txn.index(),
             "INSERT INTO compliance_clock (one, now, system, credit_ms, noted_at, epoch) "
             "VALUES (1, ?1, ?2, 0, ?1, 1) ON CONFLICT (one) DO UPDATE SET "
             "now = max(now, excluded.now), system = max(system, excluded.system)",
             *certain, txn.now());
}

// details: now (by the system clock, which a person says is right), from (the compliance time until
// then; absent: there was none), note
Status clock_set(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(now, need_integer(line.details, "now"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  HOLDFAST_ASSIGN(from, find_integer(line.details, "from"));
  const UnixMillis before(from.value_or(0));
  const Millis forward = UnixMillis(now) - before;
  std::optional<UnixMillis> accepted_at;
  if (line.kind == decision::kClockAccepted && forward > kForward) accepted_at = UnixMillis(now);
  HOLDFAST_TRY(write_clock(txn.index(), compliance_from(UnixMillis(now)), accepted_at));
  HOLDFAST_TRY(bound_dead(txn.index(), UnixMillis(now)));
  if (!from || forward <= Millis(0)) return Status();
  return put_off_arrivals(txn.index(), before, forward);
}

// details: now. For a rebuild, which then knows the time without running ahead of it.
Status clock_kept(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(now, need_integer(line.details, "now"));
  if (!txn.replaying()) return run(txn.index(), "UPDATE compliance_clock SET noted_at = ?1", now);
  return run(txn.index(),
             "INSERT INTO compliance_clock (one, now, system, credit_ms, noted_at, epoch) "
             "VALUES (1, ?1, ?2, 0, ?1, 1) ON CONFLICT (one) DO UPDATE SET "
             "now = max(now, excluded.now), system = max(system, excluded.system), "
             "noted_at = excluded.noted_at",
             now, txn.now());
}

// details: due, note. A replay takes no leave from it: what it allowed was done, or is asked again.
Status expiry_accepted(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(due, need_integer(line.details, "due"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  if (txn.replaying()) return Status();
  return run(txn.index(), "UPDATE expiry SET accepted = ?1, open_since = NULL, due = 0", due);
}

}  // namespace holdfast::apply
