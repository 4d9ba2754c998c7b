#include "index/commands/clock.h"

#include "index/rows.h"

namespace holdfast {
namespace {

LineDraft clock_line(std::string_view kind, UnixMillis now, const std::string& who) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.weight = Weight::kNeutral;
  line.details["now"] = now.count;
  return line;
}

}  // namespace

Command<void> begin_clock(std::string who) {
  const auto apply = [who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(known, find_clock(txn.index()));
    if (known) return Status();
    return txn.decide(clock_line(decision::kClockBegun, txn.now(), who));
  };
  return {"begin the compliance clock", apply};
}

Command<bool> keep_clock(ComplianceState state, int64_t epoch) {
  const auto apply = [state = std::move(state), epoch](WriteTxn& txn) -> Result<bool> {
    HOLDFAST_TRY(rows::run(txn.index(),
                           "UPDATE compliance_clock SET now = ?1, system = ?2, credit_ms = ?3, "
                           "stopped_at = ?4, why = ?5 WHERE epoch = ?6",
                           state.now, state.system, state.credit, state.stopped_at, state.why,
                           epoch));
    return txn.index().changes() == 1;
  };
  return {"keep the compliance clock", apply};
}

Command<void> note_clock(UnixMillis now, int64_t epoch, std::string who) {
  const auto apply = [now, epoch, who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, find_clock(txn.index()));
    if (!row || row->epoch != epoch) return Status();
    return txn.decide(clock_line(decision::kClockKept, now, who));
  };
  return {"note the compliance clock", apply};
}

Command<ClockRow> accept_clock(std::string reason, std::string who) {
  const auto apply = [reason = std::move(reason),
                      who = std::move(who)](WriteTxn& txn) -> Result<ClockRow> {
    LineDraft line = clock_line(decision::kClockAccepted, txn.now(), who);
    line.weight = Weight::kWeakening;
    HOLDFAST_ASSIGN(before, find_clock(txn.index()));
    if (before) line.details["from"] = before->state.now.count;
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    if (!note.empty()) line.details["note"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    HOLDFAST_ASSIGN(row, find_clock(txn.index()));
    return row.value_or(ClockRow());
  };
  return {"accept the system clock", apply};
}

}  // namespace holdfast
