#include "index/read/status.h"

#include <charconv>

#include "index/read/columns.h"

namespace holdfast {
namespace {

Status read_tallies(Database& index, WorkspaceNo workspace_no, StatusSummary& summary) {
  Statement statement = index.prepare(
      "SELECT tier, recordings, bytes, held, flagged, single_copy_bytes, destroying "
      "FROM tally WHERE workspace_no = ?1");
  statement.bind(workspace_no.value);
  for (;;) {
    HOLDFAST_ASSIGN(more, statement.step());
    if (!more) return Status();
    const auto tier = statement.next<size_t>();
    if (tier >= summary.tiers.size()) continue;
    TierTally& tally = summary.tiers[tier];
    tally.recordings = statement.next<int64_t>();
    tally.bytes = statement.next<Bytes>();
    tally.held = statement.next<int64_t>();
    tally.flagged = statement.next<int64_t>();
    tally.single_copy = statement.next<Bytes>();
    tally.destroying = statement.next<int64_t>();
  }
}

// "move.3" is the fourth of `states`.
template <size_t N>
void count_state(std::string_view name, std::string_view kind, int64_t value,
                 std::array<int64_t, N>& states) {
  if (!name.starts_with(kind) || name.size() != kind.size() + 1) return;
  const auto state = static_cast<size_t>(name.back() - '0');
  if (state < N) states[state] = value;
}

Status read_counters(Database& index, StatusSummary& summary) {
  Statement statement = index.prepare("SELECT name, value FROM counter");
  for (;;) {
    HOLDFAST_ASSIGN(more, statement.step());
    if (!more) return Status();
    const auto name = statement.next<std::string>();
    const auto value = statement.next<int64_t>();
    if (name == "workspaces") summary.workspaces = value;
    if (name == "open_packs") summary.open_packs = value;
    if (name == "quarantined") summary.quarantined = value;
    if (name == "parked") summary.parked_callbacks = value;
    if (name == "outbox") summary.waiting_callbacks = value;
    if (name == "staged_bytes") summary.staged_bytes = Bytes(value);
    count_state(name, "move.", value, summary.moves);
    count_state(name, "restore.", value, summary.restores);
    if (name == "restore.0" || name == "restore.1") summary.queued_restores += value;
    if (name == "restore.2") summary.staged_restores = value;
    if (name == "move.6") summary.failed_moves = value;
    if (name.starts_with("move.") && name != "move.5") summary.unfinished_moves += value;
  }
}

}  // namespace

Result<StatusSummary> status_summary(Database& index, std::optional<WorkspaceNo> workspace_no) {
  StatusSummary summary;
  HOLDFAST_TRY(read_tallies(index, workspace_no.value_or(WorkspaceNo(0)), summary));
  if (!workspace_no) HOLDFAST_TRY(read_counters(index, summary));
  HOLDFAST_ASSIGN(applied, find_setting(index, "applied_seq"));
  if (applied)
    std::from_chars(applied->data(), applied->data() + applied->size(), summary.applied_seq);
  return summary;
}

Result<Bytes> workspace_bytes(Database& index, WorkspaceNo workspace_no) {
  Statement statement =
      index.prepare("SELECT coalesce(sum(bytes), 0) FROM tally WHERE workspace_no = ?1");
  statement.bind(workspace_no.value);
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<Bytes>() : Bytes(0);
}

Error over_quota(Bytes used, Bytes quota, Bytes coming) {
  return Error{Code::kNoSpace, "over-quota: the workspace keeps " + std::to_string(used.count) +
                                   " of the " + std::to_string(quota.count) +
                                   " bytes it may keep; " + std::to_string(coming.count) +
                                   " more do not fit"};
}

Result<std::vector<MediumRow>> list_media(Database& index) {
  static const std::string sql =
      "SELECT " + columns::kMedium + " FROM medium ORDER BY tier, medium_no";
  return columns::read_all(index.prepare(sql), columns::read_medium);
}

Result<std::optional<MediumRow>> find_medium(Database& index, const MediumId& medium) {
  static const std::string sql = "SELECT " + columns::kMedium + " FROM medium WHERE medium_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(medium);
  return columns::read_one(std::move(statement), columns::read_medium);
}

Result<std::optional<MediumRow>> find_medium_at(Database& index, std::string_view place) {
  static const std::string sql = "SELECT " + columns::kMedium + " FROM medium WHERE place = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(place);
  return columns::read_one(std::move(statement), columns::read_medium);
}

Result<std::optional<std::string>> find_setting(Database& index, std::string_view name) {
  Statement statement = index.prepare("SELECT value FROM setting WHERE name = ?1");
  statement.bind(name);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(statement.next<std::string>());
}

Result<bool> knows_every_ingest(Database& index) {
  HOLDFAST_ASSIGN(missed, find_setting(index, kMissedDecisions));
  HOLDFAST_ASSIGN(rebuilt, find_setting(index, "rebuilt_at"));
  return missed.value_or("").empty() && !rebuilt;
}

}  // namespace holdfast
