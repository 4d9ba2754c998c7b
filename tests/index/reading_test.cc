// Listing, browsing and totals; and that none of it scans.
#include <algorithm>
#include <set>

#include "index/read/browse.h"
#include "index/read/holds.h"
#include "index/read/pauses.h"
#include "index/read/status.h"
#include "index/secrets.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(reading)

BOOST_AUTO_TEST_CASE(pages_neither_repeat_nor_miss) {
  Archive archive;
  archive.furnish();
  std::set<RecordingNo> all;
  for (int i = 0; i < 60; ++i) {
    // Several calls of the same instant, and arrivals out of order.
    archive.clock.jump_to(
        UnixMillis(kStart + static_cast<int64_t>(archive.random.below(20)) * 1000));
    all.insert(archive.ingest("CA" + std::to_string(i)).recording_no);
  }
  for (const bool newest_first : {true, false})
    for (const bool by_workspace : {true, false}) {
      ListFilter filter;
      filter.newest_first = newest_first;
      filter.limit = 7;
      if (by_workspace) filter.workspace_no = archive.workspace_no;
      int inserted = 0;
      const auto seen = walk(*archive.index, filter, [&] {
        archive.clock.jump_to(
            UnixMillis(kStart + static_cast<int64_t>(archive.random.below(20)) * 1000));
        archive.ingest("new-" + std::to_string(newest_first) + std::to_string(by_workspace) +
                       std::to_string(inserted++));
      });
      const std::set<RecordingNo> unique(seen.begin(), seen.end());
      BOOST_TEST(unique.size() == seen.size());
      BOOST_TEST(std::includes(unique.begin(), unique.end(), all.begin(), all.end()));
    }
}

BOOST_AUTO_TEST_CASE(filters_agree_with_the_rows) {
  Archive archive;
  archive.furnish();
  std::vector<IngestRow> rows;
  for (int i = 0; i < 40; ++i) {
    archive.clock.advance(seconds(1));
    IngestRow row = archive.ingest_row("CA" + std::to_string(i));
    row.direction = i % 3 == 0   ? std::optional(Direction::kOutbound)
                    : i % 3 == 1 ? std::optional(Direction::kInbound)
                                 : std::nullopt;
    row.flags = i % 5 == 0 ? static_cast<int32_t>(Flag::kEmptyAudio) : 0;
    must(archive.writer->call(ingest_recording(row, "key:a")));
    if (i % 2 == 0) must(archive.writer->call(mark_placed(row.recording_no, 1)));
    rows.push_back(row);
  }
  for (int i = 0; i < 40; i += 7) {
    PlaceHold hold;
    hold.recording = rows[static_cast<size_t>(i)].recording;
    hold.workspace_no = archive.workspace_no;
    hold.matter = "Case 1";
    hold.who = "uid:0";
    must(archive.writer->call(place_hold(hold)));
  }
  // By the indexes of one workspace, and row by row over all, in both directions.
  const auto matching = [&](ListFilter filter) {
    filter.limit = 6;
    const size_t count = walk(*archive.index, filter).size();
    filter.newest_first = false;
    BOOST_TEST(walk(*archive.index, filter).size() == count);
    if (!filter.workspace_no) filter.workspace_no = archive.workspace_no;
    BOOST_TEST(walk(*archive.index, filter).size() == count);
    return count;
  };
  ListFilter filter;
  filter.held = true;
  BOOST_TEST(matching(filter) == 6U);
  filter.workspace_no = archive.workspace_no;
  BOOST_TEST(matching(filter) == 6U);
  filter.held = false;
  BOOST_TEST(matching(filter) == 34U);
  filter = {};
  filter.direction = Direction::kOutbound;
  BOOST_TEST(matching(filter) == 14U);
  filter = {};
  filter.flagged = true;
  BOOST_TEST(matching(filter) == 8U);
  filter = {};
  filter.state = RecordingState::kCommitted;
  BOOST_TEST(matching(filter) == 20U);
  filter = {};
  filter.from = rows[10].started_at;
  filter.to = rows[20].started_at;
  BOOST_TEST(matching(filter) == 10U);
  filter.workspace_no = WorkspaceNo(99);
  BOOST_TEST(matching(filter) == 0U);
  filter = {};
  filter.tier = Tier::kCold;
  BOOST_TEST(matching(filter) == 0U);
  filter.tier = Tier::kStandard;
  BOOST_TEST(matching(filter) == 40U);
  filter.flagged = true;
  filter.held = true;
  BOOST_TEST(matching(filter) == 2U);  // 0 and 35
  filter.state = RecordingState::kLive;
  BOOST_TEST(matching(filter) == 1U);
  filter.state = RecordingState::kCommitted;
  BOOST_TEST(matching(filter) == 1U);
  BOOST_TEST(must(list_in_state(*archive.index, RecordingState::kCommitted, {}, 100)).size() ==
             20U);
  BOOST_TEST(must(list_unplaced(*archive.index, 100)).size() == 20U);
}

BOOST_AUTO_TEST_CASE(the_tree_of_the_mount) {
  Archive archive;
  archive.furnish();
  const auto at = [&](const char* iso, const std::string& call) {
    archive.clock.jump_to(must(from_iso(iso)));
    return archive.ingest(call);
  };
  at("2024-12-31T12:00:00Z", "CA1");
  at("2025-01-01T12:00:00Z", "CA2");
  at("2025-01-09T12:00:00Z", "CA3");
  const IngestRow fourth = at("2025-01-09T13:00:00Z", "CA4");
  at("2025-12-31T12:00:00Z", "CA5");
  Database& index = *archive.index;
  const WorkspaceNo no = archive.workspace_no;
  const std::vector<int> years = {2024, 2025};
  const std::vector<int> months = {1, 12};
  const std::vector<int> days = {1, 9};
  BOOST_CHECK(must(years_of(index, no)) == years);
  BOOST_CHECK(must(months_of(index, no, 2025)) == months);
  BOOST_CHECK(must(days_of(index, no, 2025, 1)) == days);
  BOOST_TEST(must(years_of(index, WorkspaceNo(99))).empty());
  const CalendarDay day{2025, 1, 9};
  const auto first = must(calls_of_day(index, no, day, RecordingNo(0), 1));
  BOOST_REQUIRE(first.size() == 1);
  const auto second = must(calls_of_day(index, no, day, first[0].recording_no, 10));
  BOOST_REQUIRE(second.size() == 1);
  BOOST_TEST(second[0].call_sid == "CA4");
  BOOST_TEST(must(list_files(index, fourth.recording_no)).size() == 2U);
  BOOST_TEST(must(has_recordings(index, no, {2025, 1, 2}, {2025, 1, 9})));
  BOOST_TEST(!must(has_recordings(index, no, {2025, 1, 2}, {2025, 1, 8})));
}

BOOST_AUTO_TEST_CASE(point_lookups) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  Database& index = *archive.index;
  const auto found = must(find_recording(index, archive.workspace_no, "CA1"));
  BOOST_REQUIRE(found.has_value());
  BOOST_CHECK(found->recording == row.recording);
  BOOST_CHECK(found->workspace == archive.workspace);
  BOOST_TEST(found->files.size() == 2U);
  BOOST_TEST(found->files[0].sha256.hex() == row.files[0].sha256.hex());
  BOOST_TEST(found->copies.size() == 1U);
  BOOST_TEST(found->copies[0].original);
  BOOST_TEST(found->bytes.count == 3000);
  BOOST_TEST(!must(find_recording(index, WorkspaceNo(99), "CA1")).has_value());
  BOOST_TEST(must(find_metadata(index, row.recording_no)).value() == *row.metadata);
  BOOST_TEST(!must(find_metadata(index, RecordingNo(999'999))).has_value());
}

BOOST_AUTO_TEST_CASE(keys_and_links) {
  Archive archive;
  archive.furnish();
  NewApiKey key;
  key.key = archive.random.id<KeyId>();
  key.workspace = archive.workspace;
  key.scopes = static_cast<int32_t>(Scope::kCallsRead);
  key.name = "reporting";
  key.expires_at = archive.clock.now() + days(30);
  archive.random.fill(key.hash.bytes);
  must(archive.writer->call(create_api_key(key, "uid:0")));
  BOOST_CHECK(code_of(archive.writer->call(create_api_key(key, "uid:0"))) == Code::kConflict);
  Database& index = *archive.index;
  const auto found = must(find_api_key_by_hash(index, key.hash));
  BOOST_REQUIRE(found.has_value());
  BOOST_CHECK(found->key == key.key);
  BOOST_CHECK(found->workspace == archive.workspace);
  BOOST_TEST(found->name == "reporting");
  BOOST_TEST(!must(find_api_key_by_hash(index, Digest())).has_value());
  BOOST_TEST(must(list_api_keys(index, archive.workspace_no)).size() == 1U);

  const int64_t kid = must(archive.writer->call(ensure_signing_key(archive.workspace_no, "u")));
  BOOST_TEST(must(archive.writer->call(ensure_signing_key(archive.workspace_no, "u"))) == kid);
  LinkMarks link{archive.random.id<LinkId>(), archive.workspace_no, kid, key.key};
  BOOST_TEST(!must(is_link_revoked(index, link)));
  LinkRevocation by_id;
  by_id.jti = link.jti;
  by_id.workspace_no = archive.workspace_no;
  must(archive.writer->call(revoke_link(by_id, "uid:0")));
  BOOST_TEST(must(is_link_revoked(index, link)));
  LinkMarks neighbours = link;  // nobody revokes another workspace's link
  neighbours.workspace_no = WorkspaceNo(archive.workspace_no.value + 1);
  neighbours.key = archive.random.id<KeyId>();
  BOOST_TEST(!must(is_link_revoked(index, neighbours)));
  link.jti = archive.random.id<LinkId>();
  BOOST_TEST(!must(is_link_revoked(index, link)));
  LinkRevocation by_kid;
  by_kid.kid = kid;
  by_kid.workspace_no = archive.workspace_no;
  must(archive.writer->call(revoke_link(by_kid, "uid:0")));
  BOOST_TEST(must(is_link_revoked(index, link)));
  BOOST_TEST(!must(find_signing_key(index, archive.workspace_no, kid)).has_value());
  link.kid = must(current_signing_key(index, archive.workspace_no)).value().kid;
  BOOST_TEST(link.kid == kid + 1);
  BOOST_TEST(!must(is_link_revoked(index, link)));
  must(archive.writer->call(revoke_api_key(key.key, "uid:0")));
  BOOST_TEST(must(is_link_revoked(index, link)));
  BOOST_TEST(must(find_api_key_by_hash(index, key.hash))->revoked_at.has_value());
  BOOST_CHECK(code_of(archive.writer->call(revoke_link({}, "uid:0"))) == Code::kInvalid);
}

// The counters are those of the rows, whatever was done.
BOOST_AUTO_TEST_CASE(totals_are_those_of_the_rows) {
  Archive archive;
  archive.furnish();
  std::vector<IngestRow> rows;
  for (int i = 0; i < 12; ++i) rows.push_back(archive.ingest("CA" + std::to_string(i)));
  const SealedPack pack = archive.pack_up({rows[0], rows[1], rows[2], rows[3]});
  for (int i = 0; i < 3; ++i) archive.release_plain(rows[static_cast<size_t>(i)].recording_no);
  archive.copy_to_cold(pack.pack);
  PlaceHold hold;
  hold.recording = rows[5].recording;
  hold.workspace_no = archive.workspace_no;
  hold.matter = "Case 1";
  hold.who = "uid:0";
  must(archive.writer->call(place_hold(hold)));
  must(archive.writer->call(condemn(rows[6].recording_no, "uid:0")));
  const StatusSummary summary = must(status_summary(*archive.index, std::nullopt));
  const TierTally& standard = summary.tiers[0];
  const TierTally& warm = summary.tiers[1];
  BOOST_TEST(standard.recordings == 9);
  BOOST_TEST(standard.bytes.count == 9 * 3000);
  BOOST_TEST(standard.held == 1);
  BOOST_TEST(standard.destroying == 1);
  BOOST_TEST(standard.single_copy.count == 8 * 3000);  // rows[3] lies on three media
  BOOST_TEST(warm.recordings == 3);
  BOOST_TEST(warm.single_copy.count == 0);
  BOOST_TEST(summary.workspaces == 1);
  BOOST_TEST(summary.open_packs == 0);
  BOOST_TEST(summary.applied_seq > 0);
  const StatusSummary own = must(status_summary(*archive.index, archive.workspace_no));
  BOOST_TEST(own.tiers[0].recordings == 9);
  BOOST_TEST(must(status_summary(*archive.index, WorkspaceNo(99))).tiers[0].recordings == 0);
}

BOOST_AUTO_TEST_CASE(matters_and_their_recordings) {
  Archive archive;
  archive.furnish();
  std::vector<IngestRow> rows;
  for (int i = 0; i < 9; ++i) {
    rows.push_back(archive.ingest("CA" + std::to_string(i)));
    PlaceHold hold;
    hold.recording = rows.back().recording;
    hold.workspace_no = archive.workspace_no;
    hold.matter = i % 3 == 0 ? "Case A" : "Case B";
    hold.reason = "letter of " + std::to_string(i);
    hold.who = "uid:7";
    const HoldRow first = must(archive.writer->call(place_hold(hold)));
    BOOST_CHECK(must(archive.writer->call(place_hold(hold))).hold == first.hold);
  }
  Database& index = *archive.index;
  const auto matter = must(find_matter(index, archive.workspace_no, "Case B"));
  BOOST_REQUIRE(matter.has_value());
  BOOST_TEST(matter->holds == 6);
  BOOST_TEST(must(list_matters(index)).size() == 2U);
  std::optional<HoldKey> after;
  size_t seen = 0;
  for (;;) {
    const auto holds = must(holds_of_matter(index, matter->matter, after, 4));
    if (holds.empty()) break;
    seen += holds.size();
    BOOST_TEST(holds[0].reason.starts_with("letter of"));
    BOOST_TEST(holds[0].placed_by == "uid:7");
    after = HoldKey{holds.back().placed_at, holds.back().hold};
  }
  BOOST_TEST(seen == 6U);
  const auto held = must(recordings_of_matter(index, matter->matter, rows[1].recording_no, 100));
  BOOST_TEST(held.size() == 5U);
}

// ---- plans -----------------------------------------------------------------------------------

// The steps of a plan, from SQLite's own trace of what was just prepared.
std::vector<std::string> plan_of(Database& index, const std::string& sql) {
  Statement statement = index.prepare("EXPLAIN QUERY PLAN " + sql);
  std::vector<std::string> steps;
  while (must(statement.step())) steps.push_back(statement.column<std::string>(3));
  return steps;
}

// Collects the text of every statement that a connection runs.
int collect_sql(unsigned, void* context, void* statement, void*) {
  const char* text = sqlite3_sql(static_cast<sqlite3_stmt*>(statement));
  auto* seen = static_cast<std::set<std::string>*>(context);
  if (text != nullptr) seen->insert(text);
  return 0;
}

// Every query of the readers: no step scans a table that grows with the archive.
BOOST_AUTO_TEST_CASE(no_query_scans) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  const SealedPack pack = archive.pack_up({row});
  archive.release_plain(row.recording_no);
  RequestRestore asked;
  asked.recording = row.recording_no;
  asked.restore = archive.random.id<RestoreId>();
  asked.who = "key:a";
  must(archive.writer->call(request_restore(asked)));
  Database& index = *archive.index;
  std::set<std::string> queries;
  sqlite3_trace_v2(index.handle(), SQLITE_TRACE_STMT, collect_sql, &queries);
  const UnixMillis now = archive.clock.now();
  for (const bool newest_first : {true, false})
    for (const bool by_workspace : {true, false})
      for (const std::optional<bool> held : {std::optional<bool>(), std::optional(true)}) {
        ListFilter filter;
        filter.newest_first = newest_first;
        filter.held = held;
        filter.after = ListKey{now, RecordingNo(5)};
        if (by_workspace) filter.workspace_no = archive.workspace_no;
        must(list_recordings(index, filter));
        filter.from = now - days(1);
        filter.to = now;
        filter.tier = Tier::kWarm;
        must(list_recordings(index, filter));
        filter.service = archive.random.id<WorkspaceId>();
        must(list_recordings(index, filter));
        filter.search.words = "some words";
        must(list_recordings(index, filter));
        ListFilter rare;
        rare.newest_first = newest_first;
        rare.workspace_no = filter.workspace_no;
        rare.after = filter.after;
        rare.tier = Tier::kCold;
        must(list_recordings(index, rare));
        rare.flagged = true;
        must(list_recordings(index, rare));
        rare.state = RecordingState::kCondemned;
        must(list_recordings(index, rare));
      }
  must(due_recordings(index, Tier::kStandard, now, 1000));
  must(planned_recordings(index, Tier::kWarm, now, now + days(1), 1000));
  must(due_packs(index, now, 10));
  must(open_packs(index));
  must(find_pack(index, pack.pack));
  must(pack_members(index, pack.pack, archive.warm, {}, 10));
  must(pack_copies(index, pack.pack));
  must(packs_to_scrub(index, archive.warm, now, 10));
  must(pack_copies_in_state(index, CopyState::kReleasing, 10));
  must(plain_copies_in_state(index, CopyState::kReleasing, 10));
  must(find_move(index, 1));
  must(ready_moves(index, MoveState::kPlanned, Tier::kWarm, now, 10));
  must(list_moves(index, MoveState::kPlanned, 5, 10));
  must(moves_of_pack(index, pack.pack));
  must(list_pauses(index));
  must(find_restore(index, archive.random.id<RestoreId>()));
  must(live_restore(index, row.recording_no));
  must(recalls_under_way(index, Tier::kWarm, 10));
  ReadyShare share;
  share.oldest = 0;  // as with a queue that has more
  share.begin_with = archive.workspace_no;
  must(ready_restores(index, Tier::kWarm, now, share));
  must(expired_restores(index, now, 10));
  must(restore_waiters(index, archive.random.id<RestoreId>()));
  must(list_restores(index, archive.workspace_no, std::nullopt, std::nullopt, 10));
  must(list_restores(index, archive.workspace_no, RestoreState::kFailed, RestoreKey{now, 5}, 10));
  RestoreRow restore;
  restore.medium = archive.warm;
  must(recall_place(index, restore));
  must(queue_length(index, Tier::kWarm));
  must(queue_by_workspace(index, Tier::kWarm));
  QueuePart group;
  group.group = QueuePart::Group{archive.workspace, RestorePriority::kBulk};
  must(queue_length(index, Tier::kWarm, group));
  must(recalls_since(index, "key:a", now, 100));
  must(recall_samples(index, archive.warm));
  must(find_recording(index, archive.workspace_no, "CA1"));
  must(find_recording(index, row.recording));
  must(list_in_state(index, RecordingState::kCommitted, {}, 10));
  must(list_unplaced(index, 10));
  must(is_link_revoked(index, {}));
  must(find_api_key_by_hash(index, Digest()));
  must(list_api_keys(index, archive.workspace_no));
  must(holds_of_recording(index, row.recording));
  must(holds_of_matter(index, MatterId(), std::nullopt, 10));
  must(recordings_of_matter(index, MatterId(), RecordingNo(0), 10));
  must(years_of(index, archive.workspace_no));
  must(calls_of_day(index, archive.workspace_no, row.day, RecordingNo(0), 10));
  must(status_summary(index, std::nullopt));
  sqlite3_trace_v2(index.handle(), 0, nullptr, nullptr);
  BOOST_TEST(queries.size() > 40U);
  const std::set<std::string> small = {"SCAN counter", "SCAN medium", "SCAN CONSTANT ROW",
                                       // open packs and moves are few: their partial index is all
                                       "SCAN p USING INDEX pack_open",
                                       "SCAN v USING INDEX move_current"};
  // FTS5's own, of the tables it keeps.
  std::erase_if(queries, [](const std::string& sql) {
    return sql.find("recording_search_") != std::string::npos;
  });
  for (const std::string& sql : queries)
    for (const std::string& step : plan_of(index, sql)) {
      const bool scans = step.starts_with("SCAN ") && !small.contains(step) &&
                         !step.starts_with("SCAN u USING") &&    // unplaced parts: a partial index
                         !step.starts_with("SCAN (subquery") &&  // has a LIMIT
                         !step.starts_with("SCAN s VIRTUAL TABLE INDEX");  // FTS5, by MATCH
      BOOST_TEST(!scans, step << " in " << sql);
      // The copies of one recording and the waiters of one restore are few.
      const bool sorts = step.starts_with("USE TEMP B-TREE FOR ORDER BY") &&
                         sql.find("FROM copy c CROSS JOIN medium") == std::string::npos &&
                         sql.find("restore_waiter a") == std::string::npos;
      BOOST_TEST(!sorts, step << " in " << sql);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
