#include "index/read/repairs.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/columns.h"
#include "index/read/retention.h"

namespace holdfast {
namespace {

using columns::read_all;
using columns::read_one;

const std::string kSelectQuarantine =
    "SELECT q.quarantine_no, q.recording_no, q.part, p.pack_id, m.medium_id, m.tier, q.reason, "
    "q.at, q.attempts, q.not_before, q.error ";
const std::string kFromQuarantine =
    " LEFT JOIN pack p ON p.pack_no = q.pack_no JOIN medium m ON m.medium_no = q.medium_no ";

QuarantineRow read_quarantine(Statement& row) {
  QuarantineRow out;
  out.quarantine_no = row.next<int64_t>();
  out.recording_no = row.next<std::optional<RecordingNo>>();
  out.part = row.next<std::optional<int>>().value_or(1);
  out.pack = row.next<std::optional<PackId>>();
  out.medium = row.next<MediumId>();
  out.tier = row.next<Tier>();
  out.reason = row.next<std::string>();
  out.at = row.next<UnixMillis>();
  out.attempts = row.next<int>();
  out.not_before = row.next<UnixMillis>();
  out.error = row.next<std::string>();
  return out;
}

PlainCopyKey read_plain_key(Statement& row) {
  PlainCopyKey out;
  out.recording_no = row.next<RecordingNo>();
  out.part = row.next<int>();
  return out;
}

NumberedPack read_numbered(Statement& row) {
  NumberedPack out;
  out.pack_no = row.next<int64_t>();
  out.pack = row.next<PackId>();
  return out;
}

PackId read_pack_id(Statement& row) { return row.next<PackId>(); }

const std::string kSelectRewrite =
    "SELECT p.pack_id, w.new_pack_id, w.begun_at, w.written, w.attempts, w.not_before, w.error "
    "FROM rewrite w JOIN pack p ON p.pack_no = w.pack_no ";

RewriteRow read_rewrite(Statement& row) {
  RewriteRow out;
  out.pack = row.next<PackId>();
  out.new_pack = row.next<PackId>();
  out.begun_at = row.next<UnixMillis>();
  out.is_written = row.next<int>() != 0;
  out.attempts = row.next<int>();
  out.not_before = row.next<UnixMillis>();
  out.error = row.next<std::string>();
  return out;
}

constexpr char kMediumNo[] = "(SELECT medium_no FROM medium WHERE medium_id = ?1)";

}  // namespace

Result<std::vector<QuarantineRow>> due_repairs(Database& index, UnixMillis now, int limit) {
  static const std::string sql =
      kSelectQuarantine + "FROM quarantine q INDEXED BY quarantine_due" + kFromQuarantine +
      "WHERE q.resolved_at IS NULL AND q.not_before <= ?1 ORDER BY q.not_before LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(now, limit);
  return read_all(std::move(statement), read_quarantine);
}

Result<std::vector<QuarantineRow>> open_quarantines(Database& index, int64_t after, int limit) {
  static const std::string sql =
      kSelectQuarantine + "FROM quarantine q" + kFromQuarantine +
      "WHERE q.resolved_at IS NULL AND q.quarantine_no > ?1 ORDER BY q.quarantine_no LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(after, limit);
  return read_all(std::move(statement), read_quarantine);
}

Result<int64_t> count_unrepaired(Database& index) {
  Statement statement =
      index.prepare("SELECT count(*) FROM quarantine WHERE resolved_at IS NULL AND attempts > 0");
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<int64_t>() : 0;
}

Result<std::vector<PlainCopyKey>> plain_copies_to_scrub(Database& index, const MediumId& medium,
                                                        UnixMillis before, int limit) {
  static const std::string sql =
      "SELECT c.recording_no, c.part FROM copy c INDEXED BY copy_scrub "
      "CROSS JOIN part t ON t.recording_no = c.recording_no AND t.part = c.part "
      "WHERE c.medium_no = " +
      std::string(kMediumNo) +
      " AND c.pack_no IS NULL AND c.state IN (1, 2) "
      "AND coalesce(c.verified_at, c.copied_at) < ?2 AND t.placed = 1 "
      "ORDER BY coalesce(c.verified_at, c.copied_at) LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(medium, before, limit);
  return read_all(std::move(statement), read_plain_key);
}

Result<std::optional<UnixMillis>> oldest_unverified(Database& index, const MediumId& medium) {
  static const std::string plain =
      "SELECT coalesce(c.verified_at, c.copied_at) FROM copy c INDEXED BY copy_scrub "
      "WHERE c.medium_no = " +
      std::string(kMediumNo) +
      " AND c.pack_no IS NULL AND c.state IN (1, 2) "
      "ORDER BY coalesce(c.verified_at, c.copied_at) LIMIT 1";
  // One that was never re-read is young: its move does that next.
  static const std::string packs =
      "SELECT min(verified_at) FROM pack_copy INDEXED BY pack_copy_scrub WHERE medium_no = " +
      std::string(kMediumNo) + " AND state = 2";
  std::optional<UnixMillis> oldest;
  for (const std::string& sql : {plain, packs}) {
    Statement statement = index.prepare(sql);
    statement.bind(medium);
    HOLDFAST_ASSIGN(found, statement.step());
    if (!found) continue;
    const auto at = statement.next<std::optional<UnixMillis>>();
    if (at && (!oldest || *at < *oldest)) oldest = at;
  }
  return oldest;
}

Result<int64_t> count_to_scrub(Database& index, const MediumId& medium, UnixMillis before,
                               int64_t most) {
  static const std::string plain =
      "SELECT count(*) FROM (SELECT 1 FROM copy c INDEXED BY copy_scrub WHERE c.medium_no = " +
      std::string(kMediumNo) +
      " AND c.pack_no IS NULL AND c.state IN (1, 2) "
      "AND coalesce(c.verified_at, c.copied_at) < ?2 LIMIT ?3)";
  static const std::string packs =
      "SELECT count(*) FROM (SELECT 1 FROM pack_copy INDEXED BY pack_copy_scrub WHERE medium_no "
      "= " +
      std::string(kMediumNo) + " AND state = 2 AND verified_at < ?2 LIMIT ?3)";
  int64_t count = 0;
  for (const std::string& sql : {plain, packs}) {
    Statement statement = index.prepare(sql);
    statement.bind(medium, before, most - count);
    HOLDFAST_ASSIGN(found, statement.step());
    if (found) count += statement.next<int64_t>();
  }
  return count;
}

Result<std::optional<PackCopyRow>> find_pack_copy(Database& index, const PackId& pack,
                                                  const MediumId& medium) {
  static const std::string sql = "SELECT " + columns::kPackCopy + columns::kFromPackCopy +
                                 "WHERE c.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
                                 "AND m.medium_id = ?2";
  Statement statement = index.prepare(sql);
  statement.bind(pack, medium);
  return read_one(std::move(statement), columns::read_pack_copy);
}

Result<std::vector<NumberedPack>> packs_on(Database& index, const MediumId& medium, int64_t after,
                                           int limit) {
  static const std::string sql =
      "SELECT c.pack_no, p.pack_id FROM pack p CROSS JOIN pack_copy c ON c.pack_no = p.pack_no "
      "WHERE c.medium_no = " +
      std::string(kMediumNo) +
      " AND c.state IN (1, 2) AND p.pack_no > ?2 ORDER BY p.pack_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(medium, after, limit);
  return read_all(std::move(statement), read_numbered);
}

Result<std::vector<PlainCopyKey>> plain_copies_on(Database& index, const MediumId& medium,
                                                  PlainCopyKey after, int limit) {
  static const std::string sql =
      "SELECT c.recording_no, c.part FROM copy c WHERE (c.recording_no, c.part) > (?2, ?3) "
      "AND c.medium_no = " +
      std::string(kMediumNo) +
      " AND c.pack_no IS NULL AND c.state IN (1, 2) ORDER BY c.recording_no, c.part LIMIT ?4";
  Statement statement = index.prepare(sql);
  statement.bind(medium, after.recording_no, after.part, limit);
  return read_all(std::move(statement), read_plain_key);
}

Result<std::vector<PackId>> packs_to_compact(Database& index, const CompactionDue& due, int limit) {
  // Where no copy is good, there is nothing to write it anew from: the repairer salvages it. Where
  // nobody living is in it, it only goes. What a lost medium has is not at hand.
  static const std::string is_ready =
      "AND NOT EXISTS (SELECT 1 FROM rewrite w WHERE w.pack_no = p.pack_no) AND (EXISTS "
      "(SELECT 1 FROM pack_copy g CROSS JOIN medium m ON m.medium_no = g.medium_no "
      "WHERE g.pack_no = p.pack_no AND g.state = 2 AND m.state <> 3 AND (?3 >> m.tier) & 1 = 0) "
      "OR NOT EXISTS (SELECT 1 FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN medium m ON m.medium_no = c.medium_no AND m.state <> 3 "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no AND r.state <> 3 "
      "WHERE c.pack_no = p.pack_no)) ";
  static const std::string by_age =
      "SELECT p.pack_id FROM pack p INDEXED BY pack_dead "
      "WHERE p.dead_since IS NOT NULL AND p.state = 1 AND p.dead_since <= ?1 " +
      is_ready + "ORDER BY p.dead_since LIMIT ?2";
  static const std::string by_share =
      "SELECT p.pack_id FROM pack p INDEXED BY pack_dead_share "
      "WHERE p.dead_since IS NOT NULL AND p.state = 1 "
      "AND p.dead_bytes * 1000 / max(p.bytes, 1) > ?1 " +
      is_ready + "ORDER BY p.dead_bytes * 1000 / max(p.bytes, 1) DESC LIMIT ?2";
  int64_t stopped = 0;  // a bit for each tier
  for (const Tier tier : due.stopped) stopped |= int64_t{1} << static_cast<int>(tier);
  HOLDFAST_ASSIGN(kept, kept_time(index));  // 0: no clock, and no age
  Statement old = index.prepare(by_age);
  old.bind(kept - due.dead_for, limit, stopped);
  HOLDFAST_ASSIGN(packs, read_all(std::move(old), read_pack_id));
  if (packs.size() >= static_cast<size_t>(limit)) return packs;
  Statement empty = index.prepare(by_share);
  empty.bind(due.dead_permille, limit, stopped);
  HOLDFAST_ASSIGN(more, read_all(std::move(empty), read_pack_id));
  for (const PackId& pack : more)
    if (packs.size() < static_cast<size_t>(limit) &&
        std::find(packs.begin(), packs.end(), pack) == packs.end())
      packs.push_back(pack);
  return packs;
}

namespace {

// What is put off later than anything ever is has a time from before the system clock went back: it
// is ready.
Result<std::vector<RewriteRow>> ready_rewrites(Database& index, std::string_view which,
                                               UnixMillis now, int limit) {
  Statement statement = index.prepare(kSelectRewrite + "WHERE " + std::string(which) +
                                      " AND (w.not_before <= ?1 OR w.not_before > ?3) "
                                      "ORDER BY w.not_before LIMIT ?2");
  statement.bind(now, limit, now + Millis(limits::kRepairWaitMsMax));
  return read_all(std::move(statement), read_rewrite);
}

}  // namespace

Result<std::vector<RewriteRow>> rewrites_under_way(Database& index, UnixMillis now, int limit) {
  return ready_rewrites(index, "w.error = ''", now, limit);
}

Result<std::vector<RewriteRow>> rewrites_set_back(Database& index, UnixMillis now, int limit) {
  return ready_rewrites(index, "w.error <> ''", now, limit);
}

Result<std::optional<RewriteRow>> find_rewrite(Database& index, const PackId& pack) {
  static const std::string sql = kSelectRewrite + "WHERE p.pack_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(pack);
  return read_one(std::move(statement), read_rewrite);
}

Result<std::vector<PackId>> packs_to_mirror(Database& index, const MediumId& warm, int64_t after,
                                            int limit) {
  static const std::string sql =
      "SELECT p.pack_id FROM pack p INDEXED BY pack_unmirrored "
      "CROSS JOIN pack_copy c ON c.pack_no = p.pack_no "
      "WHERE p.mirrored = 0 AND p.state = 1 AND p.pack_no > ?2 AND c.medium_no = " +
      std::string(kMediumNo) + " AND c.state = 2 ORDER BY p.pack_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(warm, after, limit);
  return read_all(std::move(statement), read_pack_id);
}

}  // namespace holdfast
