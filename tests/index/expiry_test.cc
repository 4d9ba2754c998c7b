// Expiry: what is due, in which order, how much of it in a day, and who lets more go.
#include "index/commands/expiry.h"

#include <algorithm>
#include <filesystem>

#include "tests/index/retention_rig.h"

namespace holdfast {
namespace {

using Rig = RetentionRig;

BOOST_AUTO_TEST_SUITE(expiry)

BOOST_AUTO_TEST_CASE(what_is_due_goes_oldest_first_and_what_is_locked_stays) {
  Rig rig;
  rig.set("month", "1mo");
  rig.set("year", "1y");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  std::vector<IngestRow> rows;
  for (int i = 0; i < 6; ++i) {
    rows.push_back(rig.ingest("CA" + std::to_string(i)));
    rig.pass(hours(1));
  }
  must(rig.assign(rows[0], "year"));
  PlaceHold hold;
  hold.recording = rows[1].recording;
  hold.workspace_no = rig.workspace_no;
  hold.matter = "Case 1";
  hold.who = "uid:0";
  must(rig.writer->call(place_hold(hold)));
  must(rig.assign(rows[5], std::nullopt, true));  // kept until somebody deletes it
  rig.pass(days(29));
  BOOST_TEST(rig.expire().condemned == 0);
  rig.pass(days(3));
  const Expired first = rig.expire(2);
  BOOST_TEST(rig.due == 3);
  BOOST_TEST(first.condemned == 2);
  BOOST_CHECK(rig.row_of(rows[2].recording_no).state == RecordingState::kCondemned);
  BOOST_CHECK(rig.row_of(rows[3].recording_no).state == RecordingState::kCondemned);
  BOOST_TEST(rig.expire().condemned == 1);
  BOOST_TEST(rig.expire().condemned == 0);
  for (const size_t kept : {0U, 1U, 5U})
    BOOST_CHECK(rig.row_of(rows[kept].recording_no).state == RecordingState::kLive);
}

// A later part that came in a moment ago is no older than that.
BOOST_AUTO_TEST_CASE(nothing_expires_soon_after_its_last_part_came_in) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  const IngestRow row = rig.ingest("CA1");
  rig.pass(days(31));
  IngestRow part = row;
  part.part = 2;
  part.metadata.reset();
  part.received_at = rig.clock.now();
  part.files = {rig.file("transcript.json", 50)};
  must(rig.writer->call(add_part(part, "key:b")));
  must(rig.writer->call(mark_placed(row.recording_no, 2)));
  rig.pass(days(29));
  BOOST_TEST(rig.expire().condemned == 0);
  BOOST_TEST(rig.due == 0);
  rig.pass(days(2));
  BOOST_TEST(rig.expire().condemned == 1);
}

// Its files are on their way to their place: it is not in the way of what is due behind it.
BOOST_AUTO_TEST_CASE(what_is_not_in_its_place_yet_is_passed_over) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  const IngestRow row = rig.ingest("CA1");
  IngestRow part = row;
  part.part = 2;
  part.metadata.reset();
  part.files = {rig.file("transcript.json", 50)};
  must(rig.writer->call(add_part(part, "key:b")));
  const IngestRow next = rig.ingest("CA2");
  rig.pass(days(62));
  BOOST_TEST(rig.expire().condemned == 1);
  BOOST_CHECK(rig.row_of(row.recording_no).state == RecordingState::kLive);
  BOOST_CHECK(rig.row_of(next.recording_no).state == RecordingState::kCondemned);
  must(rig.writer->call(mark_placed(row.recording_no, 2)));
  BOOST_TEST(rig.expire().condemned == 1);
}

BOOST_AUTO_TEST_CASE(the_breaker_opens_and_waits_for_a_person) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  for (int i = 0; i < 30; ++i) rig.ingest("CA" + std::to_string(i));
  rig.pass(days(40));
  const ExpiryBreaker narrow{2, 10'000};  // of 30 recordings: ten are let through
  const Expired opened = rig.expire(100, narrow);
  BOOST_TEST(opened.opened);
  BOOST_TEST(opened.condemned == 0);
  BOOST_TEST(must(find_expiry(*rig.index)).open_since.has_value());
  BOOST_TEST(must(find_expiry(*rig.index)).due == 30);
  rig.pass(days(3));
  BOOST_TEST(rig.expire(100, narrow).condemned == 0);  // it does not close by itself
  BOOST_TEST(rig.expire(100, {100, 10'000}).condemned == 0);
  BOOST_TEST(must(rig.writer->call(accept_expiry(rig.due, "checked", "uid:0"))) == 30);
  int64_t condemned = 0;
  for (int turn = 0; turn < 10; ++turn, rig.pass(days(1)))
    condemned += rig.expire(7, narrow).condemned;
  BOOST_TEST(condemned == 30);
  BOOST_TEST(rig.condemned() == 30);
  // Once they are gone, the leave is used up.
  BOOST_TEST(must(find_expiry(*rig.index)).accepted == 0);
  BOOST_TEST(must(rig.writer->call(accept_expiry(0, "again", "uid:0"))) == 0);
}

// Ten a day pass an archive of any size, and no more.
BOOST_AUTO_TEST_CASE(the_breaker_counts_by_the_day) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  for (int day = 0; day < 3; ++day) {
    for (int i = 0; i < 8; ++i) rig.ingest("CA" + std::to_string(day) + "-" + std::to_string(i));
    rig.pass(hours(12));
  }
  rig.pass(Millis(days(30).count - hours(36).count + minutes(1).count));
  const ExpiryBreaker narrow{1, 10'000};
  BOOST_TEST(rig.expire(100, narrow).condemned == 8);
  rig.pass(hours(12));
  BOOST_TEST(rig.expire(100, narrow).opened);  // eight more within the same day
  BOOST_TEST(breaker_allows({2, 10'000}, 1'000'000) == 10'000);
  BOOST_TEST(breaker_allows({2, 10'000}, 100'000) == 2'000);
  BOOST_TEST(breaker_allows({2, 5}, 100'000) == 10);
  BOOST_TEST(breaker_allows({100, 100'000'000}, INT64_MAX / 200) == 100'000'000);
}

BOOST_AUTO_TEST_CASE(a_clock_that_stands_expires_nothing) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  rig.ingest("CA1");
  rig.pass(days(40));
  ClockRow row = must(find_clock(*rig.index)).value();
  row.state.stopped_at = rig.clock.now();
  row.state.why = "the system clock jumped";
  BOOST_TEST(must(rig.writer->call(keep_clock(row.state, row.epoch))));
  BOOST_TEST(rig.expire().condemned == 0);
  // What was kept by one who did not know of the acceptance does not undo it.
  must(rig.writer->call(accept_clock("it is right", "uid:0")));
  BOOST_TEST(!must(rig.writer->call(keep_clock(row.state, row.epoch))));
  BOOST_TEST(rig.expire().condemned == 1);
}

// A segment is gone from both places, and with it what the class says: the lock stands as it was
// given, and is taken for one of compliance mode.
BOOST_AUTO_TEST_CASE(P6_a_class_that_the_ledger_lost_still_locks) {
  namespace fs = std::filesystem;
  Rig rig;
  rig.clock.advance(days(1));  // a segment for each day
  rig.set("year", "1y");
  rig.clock.advance(days(1));
  const IngestRow row = rig.ingest("CA1");
  must(rig.assign(row, "year"));
  const RecordingRow before = rig.row_of(row.recording_no);
  rig.stop();
  std::vector<std::string> segments;
  for (const auto& entry : fs::directory_iterator(rig.directory / "ledger/decisions"))
    segments.push_back(entry.path().filename().string());
  std::sort(segments.begin(), segments.end());
  BOOST_REQUIRE(segments.size() == 3U);
  fs::remove(rig.directory / "ledger/decisions/" + segments[1]);
  fs::remove(rig.directory / "mirror/decisions/" + segments[1]);
  for (const char* name : {"index.db", "index.db-wal", "index.db-shm"})
    fs::remove(rig.directory / name);
  rig.start();
  const RecordingRow after = rig.row_of(row.recording_no);
  BOOST_TEST((after.retain_until == before.retain_until));
  BOOST_TEST(after.retention_class.value() == "year");
  BOOST_TEST((after.retention_mode == RetentionMode::kCompliance));
  BOOST_CHECK(code_of(rig.run_sql("UPDATE recording SET state = 2" + where(row))) == Code::kLocked);
}

// Its stand-in locks what was given the class, and nothing that comes in later.
BOOST_AUTO_TEST_CASE(P6_a_stand_in_is_given_to_nobody) {
  Rig rig;
  rig.set("year", "1y");
  must(rig.writer->call(set_retention_default(std::nullopt, "year", "uid:0")));
  must(
      rig.run_sql("INSERT INTO retention_class (name, version, mode, event, amount, unit, "
                  "created_at, created_by) VALUES ('year', 2, 1, 0, 0, 3, 1, ''), "
                  "('lost', 1, 1, 0, 0, 3, 1, '')"));
  // The latest that is known.
  const IngestRow row = rig.ingest("CA1");
  BOOST_TEST(rig.row_of(row.recording_no).retention_version == 1);
  BOOST_TEST(must(list_retention_classes(*rig.index)).size() == 2U);
  BOOST_TEST(must(list_retention_classes(*rig.index))[1].version == 1);
  const auto refused = rig.assign(row, "lost");
  BOOST_CHECK(code_of(refused) == Code::kConflict);
  BOOST_TEST(refused.error().message.find("set it again") != std::string::npos);
  must(rig.run_sql("UPDATE retention_default SET class = 'lost'"));
  BOOST_TEST(!rig.row_of(rig.ingest("CA2").recording_no).retention_class.has_value());
  BOOST_TEST(rig.set("lost", "2y").version == 2);
  BOOST_TEST(rig.set("year", "2y").version == 3);
  BOOST_TEST(rig.row_of(rig.ingest("CA3").recording_no).retention_version == 2);
}

// Leave that was not used up is none for what comes due later.
BOOST_AUTO_TEST_CASE(leave_for_what_has_gone_otherwise_is_no_leave_for_the_next) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  std::vector<IngestRow> rows;
  for (int i = 0; i < 40; ++i) rows.push_back(rig.ingest("CA" + std::to_string(i)));
  rig.pass(days(40));
  BOOST_TEST(rig.expire().opened);
  BOOST_TEST(must(rig.writer->call(accept_expiry(rig.due, "checked", "uid:0"))) == 40);
  for (size_t i = 1; i < rows.size(); ++i)
    must(rig.writer->call(condemn(rows[i].recording_no, "key:a")));
  BOOST_TEST(rig.expire().condemned == 1);
  for (int i = 0; i < 30; ++i) rig.ingest("CB" + std::to_string(i));
  rig.pass(days(40));
  BOOST_TEST(rig.expire().opened);
  BOOST_TEST(rig.due == 30);
}

// One whose part never came to its place holds up nobody behind it.
BOOST_AUTO_TEST_CASE(what_is_not_in_its_place_is_not_at_the_head) {
  Rig rig;
  rig.set("month", "1mo");
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  const IngestRow stuck = rig.ingest("CA1");
  IngestRow part = stuck;
  part.part = 2;
  part.metadata.reset();
  part.files = {rig.file("transcript.json", 50)};
  must(rig.writer->call(add_part(part, "key:b")));
  rig.pass(hours(1));
  const IngestRow next = rig.ingest("CA2");
  rig.pass(days(40));
  BOOST_TEST(rig.expire(1).condemned == 1);
  BOOST_CHECK(rig.row_of(next.recording_no).state == RecordingState::kCondemned);
  BOOST_CHECK(rig.row_of(stuck.recording_no).state == RecordingState::kLive);
}

// Due rows are found by their index, whatever else there is.
BOOST_AUTO_TEST_CASE(looking_costs_what_is_due) {
  Rig rig;
  Statement plan = rig.index->prepare(
      "EXPLAIN QUERY PLAN SELECT 1 FROM recording r INDEXED BY recording_expiry "
      "WHERE r.expires_at IS NOT NULL AND r.holds = 0 AND r.state = 1 AND r.expires_at <= 5");
  BOOST_REQUIRE(must(plan.step()));
  BOOST_TEST(plan.column<std::string>(3).find("SEARCH r USING INDEX recording_expiry") !=
             std::string::npos);
  BOOST_TEST(must(due_to_expire(*rig.index, {UnixMillis(kStart), days(30)}, 10)).empty());
  BOOST_TEST(must(due_by_class(*rig.index, {UnixMillis(kStart), days(30)})).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
