#include "index/rebuild/settle.h"

namespace holdfast {
namespace {

template <typename... Values>
Status run(Database& index, std::string_view sql, const Values&... values) {
  return index.prepare(sql).bind(values...).run();
}

// The medium was walked, and the pack or the part is not there.
constexpr char kWalkedMedium[] =
    "(SELECT m.medium_no FROM medium m JOIN seen.medium s ON s.medium_id = m.medium_id)";

Status settle_places(Database& index) {
  HOLDFAST_TRY(run(index,
                   "UPDATE part SET placed = 1 WHERE placed = 0 AND NOT EXISTS "
                   "(SELECT 1 FROM recording r JOIN seen.plain n ON n.recording_id = "
                   "r.recording_id WHERE r.recording_no = part.recording_no "
                   "AND n.part = part.part AND n.place = 1)"));
  return run(index,
             "UPDATE recording SET state = 1 WHERE state = 0 AND NOT EXISTS (SELECT 1 FROM part p "
             "WHERE p.recording_no = recording.recording_no AND p.part = 1 AND p.placed = 0)");
}

// Copies that were on their way out, and are.
Status settle_releases(Database& index) {
  const std::string walked = kWalkedMedium;
  HOLDFAST_TRY(
      run(index, "DELETE FROM copy WHERE pack_no IS NULL AND medium_no IN " + walked +
                     " AND (state = 3 OR (SELECT state FROM recording r "
                     "WHERE r.recording_no = copy.recording_no) = 3) AND NOT EXISTS "
                     "(SELECT 1 FROM recording r JOIN seen.plain n "
                     "ON n.recording_id = r.recording_id JOIN medium m "
                     "ON m.medium_id = n.medium_id WHERE r.recording_no = copy.recording_no "
                     "AND n.part = copy.part AND m.medium_no = copy.medium_no)"));
  const std::string gone =
      "FROM pack_copy c JOIN pack p ON p.pack_no = c.pack_no JOIN medium m "
      "ON m.medium_no = c.medium_no WHERE c.state = 3 AND c.medium_no IN " +
      walked +
      " AND NOT EXISTS (SELECT 1 FROM seen.pack_place w WHERE w.pack_id = p.pack_id "
      "AND w.medium_id = m.medium_id)";
  HOLDFAST_TRY(run(index,
                   "DELETE FROM copy WHERE pack_no IS NOT NULL AND (pack_no, medium_no) IN "
                   "(SELECT c.pack_no, c.medium_no " +
                       gone + ")"));
  HOLDFAST_TRY(run(index,
                   "UPDATE quarantine SET resolved_at = at WHERE resolved_at IS NULL "
                   "AND (pack_no, medium_no) IN (SELECT c.pack_no, c.medium_no " +
                       gone + ")"));
  HOLDFAST_TRY(run(index,
                   "DELETE FROM pack_copy WHERE (pack_no, medium_no) IN "
                   "(SELECT c.pack_no, c.medium_no " +
                       gone + ")"));
  return Status();
}

// What lies on a lost medium is no copy any more. A trigger keeps the last good copy of a living
// part; that the medium is lost is a fact, and goes before it.
Status settle_lost_media(Database& index) {
  const std::string lost = "(SELECT medium_no FROM medium WHERE state = 3)";
  HOLDFAST_TRY(
      run(index, "UPDATE copy SET state = 5 WHERE state IN (1, 2) AND medium_no IN " + lost));
  HOLDFAST_TRY(run(index, "DELETE FROM copy WHERE medium_no IN " + lost));
  return run(index, "DELETE FROM pack_copy WHERE medium_no IN " + lost);
}

Status settle_packs(Database& index, const SettleOptions& options) {
  HOLDFAST_TRY(run(index,
                   "UPDATE pack SET state = 2, next_action_at = NULL WHERE state = 1 "
                   "AND NOT EXISTS (SELECT 1 FROM pack_copy c WHERE c.pack_no = pack.pack_no)"));
  HOLDFAST_TRY(run(index,
                   "INSERT INTO move (pack_no, from_no, to_no, state, not_before, created_at, "
                   "updated_at) SELECT c.pack_no, coalesce((SELECT o.medium_no FROM pack_copy o "
                   "WHERE o.pack_no = c.pack_no AND o.medium_no <> c.medium_no LIMIT 1), "
                   "(SELECT medium_no FROM medium WHERE medium_id = ?1)), c.medium_no, 2, ?2, ?2, "
                   "?2 FROM pack_copy c JOIN medium m ON m.medium_no = c.medium_no "
                   "JOIN seen.medium s ON s.medium_id = m.medium_id WHERE c.state = 1 "
                   "AND NOT EXISTS (SELECT 1 FROM move v WHERE v.pack_no = c.pack_no "
                   "AND v.to_no = c.medium_no AND v.state <> 5)",
                   options.standard, options.now));
  return run(index,
             "UPDATE pack SET next_action_at = ?2 WHERE state = 1 AND next_action_at IS NULL "
             "AND EXISTS (SELECT 1 FROM pack_copy c JOIN medium m ON m.medium_no = c.medium_no "
             "WHERE c.pack_no = pack.pack_no AND c.state = 2 AND m.medium_id = ?1)",
             options.warm, options.now);
}

Status settle_actions(Database& index, const SettleOptions& options) {
  HOLDFAST_TRY(run(index,
                   "UPDATE recording SET tier = live.tier FROM (SELECT c.recording_no AS no, "
                   "min(m.tier) AS tier FROM copy c JOIN medium m ON m.medium_no = c.medium_no "
                   "WHERE c.state IN (1, 2) GROUP BY c.recording_no) AS live "
                   "WHERE recording.recording_no = live.no AND recording.tier <> live.tier"));
  for (const auto& [workspace, after] : options.own_copy_after)
    HOLDFAST_TRY(run(index,
                     "UPDATE recording SET next_action_at = ended_at + ?2 WHERE state = 1 "
                     "AND tier = 0 AND next_action_at IS NULL AND workspace_no = "
                     "(SELECT workspace_no FROM workspace WHERE workspace_id = ?1)",
                     workspace, after));
  return run(index,
             "UPDATE recording SET next_action_at = ended_at + ?1 WHERE state = 1 AND tier = 0 "
             "AND next_action_at IS NULL",
             options.copy_after);
}

}  // namespace

Status settle_rebuilt_index(Database& index, const SettleOptions& options) {
  HOLDFAST_TRY(run(index, "ATTACH DATABASE ?1 AS seen", options.catalogue_path));
  HOLDFAST_ASSIGN(transaction, Transaction::begin(index));
  HOLDFAST_TRY(settle_places(index));
  HOLDFAST_TRY(settle_releases(index));
  HOLDFAST_TRY(settle_lost_media(index));
  HOLDFAST_TRY(settle_packs(index, options));
  HOLDFAST_TRY(settle_actions(index, options));
  return transaction.commit();
}

Result<RebuiltTotals> rebuilt_totals(Database& index) {
  Statement statement = index.prepare(
      "SELECT (SELECT sum(recordings) FROM tally WHERE workspace_no = 0), "
      "(SELECT count(*) FROM recording WHERE state = 4)");
  HOLDFAST_ASSIGN(row, statement.step());
  RebuiltTotals totals;
  if (!row) return totals;
  totals.recordings = statement.next<int64_t>();
  totals.unlocated = statement.next<int64_t>();
  return totals;
}

}  // namespace holdfast
