// Decisions that follow a loss: a ledger that was begun anew, everything held under the matter
// `recovery`, the release of a whole matter, an index that was rebuilt.
#include "index/commands/recovery.h"
#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/status.h"
#include "index/rows.h"
#include "io/digest.h"

namespace holdfast::apply {
namespace {

using rows::run;

constexpr int kPage = 1000;

struct ToHold {
  RecordingNo number;
  RecordingId recording;
};

// A recording that is being destroyed takes no hold any more.
Result<std::vector<ToHold>> next_to_hold(Database& index, RecordingNo after) {
  std::vector<ToHold> out;
  Statement statement = index.prepare(
      "SELECT recording_no, recording_id FROM recording WHERE recording_no > ?1 AND state <> 3 "
      "ORDER BY recording_no LIMIT ?2");
  statement.bind(after, kPage);
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    ToHold one;
    one.number = statement.next<RecordingNo>();
    one.recording = statement.next<RecordingId>();
    out.push_back(one);
  }
}

// One line makes many holds: each has the id that follows from the line and its recording, so that
// a replay gives the same ones.
HoldId hold_of(const HoldId& seed, const RecordingId& recording) {
  Sha256 digest;
  digest.update(seed.bytes);
  digest.update(recording.bytes);
  const Digest whole = digest.finish();
  HoldId hold;
  std::memcpy(hold.bytes.data(), whole.bytes.data(), hold.bytes.size());
  return hold;
}

Status remember_gaps(Database& index, const json::object& details) {
  const json::value* gaps = details.if_contains("gaps");
  if (gaps == nullptr || !gaps->is_array()) return Status();
  HOLDFAST_ASSIGN(known, find_setting(index, rows::kRecoveryGaps));
  std::string text = known.value_or("");
  for (const json::value& gap : gaps->get_array())
    if (gap.is_string()) text += std::string(gap.get_string()) + ",";
  return rows::store_setting(index, rows::kRecoveryGaps, text);
}

}  // namespace

// details: reason ("lost")
Status ledger_begun(WriteTxn&, const Decision& line, DecisionSource&) {
  HOLDFAST_TRY(need_string(line.details, "reason"));
  return Status();
}

// details: gaps ("12-15", …; absent: none), matter, note, seed
Status recovery_begun(WriteTxn& txn, const Decision& line, DecisionSource&) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(matter, details::need_id<MatterId>(line.details, "matter"));
  HOLDFAST_ASSIGN(seed, details::need_id<HoldId>(line.details, "seed"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  HOLDFAST_TRY(run(index,
                   "INSERT INTO matter (matter_id, workspace_no, name, note, created_at) "
                   "VALUES (?1, 0, ?2, '', ?3) ON CONFLICT (matter_id) DO NOTHING",
                   matter, kRecoveryMatter, txn.now()));
  RecordingNo after;
  while (true) {
    HOLDFAST_ASSIGN(page, next_to_hold(index, after));
    for (const ToHold& one : page)
      HOLDFAST_TRY(run(index,
                       "INSERT INTO hold (hold_id, recording_no, recording_id, matter_id, note, "
                       "placed_by, placed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
                       "ON CONFLICT DO NOTHING",
                       hold_of(seed, one.recording), one.number, one.recording, matter, note,
                       line.who, txn.now()));
    if (page.size() < size_t{kPage}) break;
    after = page.back().number;
  }
  return remember_gaps(index, line.details);
}

// details: matter, note. Every hold of it that stands.
Status matter_released(WriteTxn& txn, const Decision& line, DecisionSource&) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(matter, details::need_id<MatterId>(line.details, "matter"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  HOLDFAST_TRY(run(index,
                   "UPDATE hold SET released_at = ?2, released_by = ?3, release_note = ?4 "
                   "WHERE matter_id = ?1 AND released_at IS NULL",
                   matter, txn.now(), line.who, note));
  return Status();
}

// details: recordings, unlocated (how many)
Status index_rebuilt(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_TRY(need_integer(line.details, "recordings"));
  HOLDFAST_TRY(need_integer(line.details, "unlocated"));
  return rows::store_setting(txn.index(), "rebuilt_at", std::to_string(txn.now().count));
}

}  // namespace holdfast::apply
