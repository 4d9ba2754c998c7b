// Retention: classes and their versions, what locks until when, who may shorten it. P3 by the guard
// and by the triggers alone; P9 by the clock.
#include "index/commands/retention.h"

#include <algorithm>
#include <filesystem>

#include "tests/index/retention_rig.h"

namespace holdfast {
namespace {

using Rig = RetentionRig;

BOOST_AUTO_TEST_SUITE(retention)

BOOST_AUTO_TEST_CASE(a_changed_class_is_a_further_version) {
  Rig rig;
  BOOST_TEST(rig.set("mifid", "5y").version == 1);
  BOOST_TEST(rig.set("mifid", "5y").version == 1);  // it says the same
  const IngestRow row = rig.ingest("CA1");
  must(rig.assign(row, "mifid"));
  const RecordingRow before = rig.row_of(row.recording_no);
  BOOST_TEST(before.retention_class.value() == "mifid");
  BOOST_TEST((before.retain_until == period_end(row.ended_at, *parse_period("5y"))));
  BOOST_TEST(rig.set("mifid", "7y").version == 2);
  // What it was given stays, until it is assigned again.
  BOOST_TEST((rig.row_of(row.recording_no).retain_until == before.retain_until));
  BOOST_TEST(rig.row_of(row.recording_no).retention_version == 1);
  BOOST_TEST(must(rig.assign(row, "mifid")).changed);
  BOOST_TEST(
      (rig.row_of(row.recording_no).retain_until == period_end(row.ended_at, *parse_period("7y"))));
  BOOST_TEST(!must(rig.assign(row, "mifid")).changed);
  BOOST_TEST(must(list_retention_classes(*rig.index)).size() == 1U);
  SetRetentionClass wish;
  wish.name = "Dr. Who";
  BOOST_CHECK(code_of(rig.writer->call(set_retention_class(wish))) == Code::kInvalid);
  BOOST_CHECK(code_of(rig.assign(row, "nonesuch")) == Code::kNotFound);
}

BOOST_AUTO_TEST_CASE(new_recordings_are_given_their_workspaces_default) {
  Rig rig;
  rig.set("short", "90d");
  rig.set("long", "7y", RetentionMode::kCompliance);
  const IngestRow none = rig.ingest("CA1");
  BOOST_TEST(!rig.row_of(none.recording_no).retention_class.has_value());
  must(rig.writer->call(set_retention_default(std::nullopt, "short", "uid:0")));
  const IngestRow by_all = rig.ingest("CA2");
  BOOST_TEST(rig.row_of(by_all.recording_no).retention_class.value() == "short");
  must(rig.writer->call(set_retention_default(rig.workspace, "long", "uid:0")));
  const IngestRow by_own = rig.ingest("CA3");
  BOOST_TEST(rig.row_of(by_own.recording_no).retention_class.value() == "long");
  BOOST_TEST((rig.row_of(by_own.recording_no).retention_mode == RetentionMode::kCompliance));
  BOOST_TEST(rig.row_of(by_all.recording_no).retention_class.value() == "short");
  must(rig.writer->call(set_retention_default(rig.workspace, std::nullopt, "uid:0")));
  must(rig.writer->call(set_retention_default(std::nullopt, std::nullopt, "uid:0")));
  BOOST_TEST(!rig.row_of(rig.ingest("CA4").recording_no).retention_class.has_value());
  BOOST_CHECK(code_of(rig.writer->call(set_retention_default(std::nullopt, "nonesuch", "uid:0"))) ==
              Code::kNotFound);
  BOOST_CHECK(code_of(rig.writer->call(set_retention_default(rig.random.id<WorkspaceId>(), "short",
                                                             "uid:0"))) == Code::kNotFound);
}

// The system clock is years behind: what came in by it is not old.
BOOST_AUTO_TEST_CASE(P9_a_system_clock_that_is_behind_makes_nothing_old) {
  Rig rig;
  rig.set("year", "1y");
  must(rig.writer->call(set_retention_default(std::nullopt, "year", "uid:0")));
  rig.clock.jump_to(UnixMillis(kStart) - days(3650));
  IngestRow row = rig.ingest_row("CA1");
  row.flags = static_cast<int32_t>(Flag::kEventTimeInFuture);
  must(rig.writer->call(ingest_recording(row, "key:test")));
  const RecordingRow known = rig.row_of(row.recording_no);
  BOOST_TEST((known.received_at < UnixMillis(kStart) - days(3600)));
  BOOST_TEST((known.retain_until == period_end(UnixMillis(kStart), *parse_period("1y"))));
  // Nor when somebody gives it another class later.
  rig.clock.jump_to(UnixMillis(kStart) + days(1));
  rig.set("two", "2y");
  must(rig.assign(row, "two"));
  BOOST_TEST((rig.row_of(row.recording_no).retain_until ==
              period_end(UnixMillis(kStart), *parse_period("2y"))));
}

BOOST_AUTO_TEST_CASE(P3_what_is_retained_is_not_condemned) {
  Rig rig;
  rig.set("year", "1y");
  const IngestRow row = rig.ingest("CA1");
  must(rig.assign(row, "year"));
  const auto refused = rig.writer->call(condemn(row.recording_no, "uid:0"));
  BOOST_CHECK(code_of(refused) == Code::kLocked);
  BOOST_TEST(refused.error().message.find("retention: ") != std::string::npos);
  BOOST_TEST(refused.error().message.find("class year in governance mode") != std::string::npos);
  PlaceHold hold;
  hold.recording = row.recording;
  hold.workspace_no = rig.workspace_no;
  hold.matter = "Case 1";
  hold.who = "uid:0";
  const HoldRow held = must(rig.writer->call(place_hold(hold)));
  const auto both = rig.writer->call(condemn(row.recording_no, "uid:0"));
  BOOST_TEST(both.error().message.find("held by matter " + held.matter.text() +
                                       ", and retained until") != std::string::npos);
  must(rig.writer->call(release_hold(held.hold, "", "uid:0")));
  rig.pass(days(364));
  BOOST_CHECK(code_of(rig.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked);
  rig.pass(days(2));
  must(rig.writer->call(condemn(row.recording_no, "uid:0")));
}

// The triggers alone, as if a command had forgotten the guard.
BOOST_AUTO_TEST_CASE(P3_triggers_refuse_what_retention_forbids) {
  Rig rig;
  rig.set("year", "1y");
  rig.set("law", "1y", RetentionMode::kCompliance);
  const IngestRow governed = rig.ingest("CA1");
  const IngestRow complied = rig.ingest("CA2");
  must(rig.assign(governed, "year"));
  must(rig.assign(complied, "law"));
  for (const IngestRow* row : {&governed, &complied}) {
    for (const char* change :
         {"state = 2", "retain_until = NULL", "retain_until = retain_until - 1", "class_no = NULL",
          "class_no = NULL, retain_until = NULL, expires_at = NULL"})
      BOOST_CHECK_MESSAGE(code_of(rig.run_sql("UPDATE recording SET " + std::string(change) +
                                              where(*row))) == Code::kLocked,
                          change);
    must(rig.run_sql("UPDATE recording SET retain_until = retain_until + 1" + where(*row)));
  }
  // Compliance becomes no governance, with a bypass row or without.
  must(rig.run_sql("INSERT INTO retention_bypass (recording_no, who) VALUES (" +
                   std::to_string(complied.recording_no.value) + ", 'uid:0')"));
  for (const char* change : {"class_no = 1", "retain_until = 0", "class_no = NULL"})
    BOOST_CHECK(code_of(rig.run_sql("UPDATE recording SET " + std::string(change) +
                                    where(complied))) == Code::kLocked);
  BOOST_CHECK(code_of(rig.run_sql("UPDATE retention_class SET amount = 0")) == Code::kLocked);
  BOOST_CHECK(code_of(rig.run_sql("DELETE FROM retention_class")) == Code::kLocked);
}

BOOST_AUTO_TEST_CASE(P3_governance_is_shortened_by_a_bypass_alone_and_compliance_by_nothing) {
  Rig rig;
  rig.set("year", "1y");
  rig.set("month", "1mo");
  rig.set("law-year", "1y", RetentionMode::kCompliance);
  rig.set("law-long", "7y", RetentionMode::kCompliance);
  const IngestRow governed = rig.ingest("CA1");
  const IngestRow complied = rig.ingest("CA2");
  must(rig.assign(governed, "year"));
  BOOST_CHECK(code_of(rig.assign(governed, "month")) == Code::kLocked);
  BOOST_CHECK(code_of(rig.assign(governed, std::nullopt)) == Code::kLocked);
  AssignRetention silent;
  silent.recording = governed.recording_no;
  silent.name = "month";
  silent.bypass = true;
  silent.who = "uid:0";
  BOOST_CHECK(code_of(rig.writer->call(assign_retention(silent))) == Code::kInvalid);
  must(rig.assign(governed, "month", true));
  BOOST_TEST((rig.row_of(governed.recording_no).retain_until ==
              period_end(governed.ended_at, *parse_period("1mo"))));
  BOOST_TEST(rig.count("SELECT count(*) FROM retention_bypass") == 0);
  // Longer, and stricter, goes without; stricter never goes back.
  must(rig.assign(governed, "law-year"));
  must(rig.assign(complied, "law-year"));
  for (const IngestRow* row : {&governed, &complied}) {
    BOOST_CHECK(code_of(rig.assign(*row, "year", true)) == Code::kLocked);
    BOOST_CHECK(code_of(rig.assign(*row, "month", true)) == Code::kLocked);
    BOOST_CHECK(code_of(rig.assign(*row, std::nullopt, true)) == Code::kLocked);
    must(rig.assign(*row, "law-long"));
    BOOST_CHECK(code_of(rig.assign(*row, "law-year", true)) == Code::kLocked);
  }
  // Once it has ended, it locks nothing.
  rig.pass(days(8 * 366));
  must(rig.assign(complied, "month"));
  must(rig.assign(governed, std::nullopt));
}

BOOST_AUTO_TEST_CASE(P3_retention_that_comes_in_time_cancels_and_too_late_is_refused) {
  Rig rig;
  rig.set("year", "1y");
  const IngestRow row = rig.ingest("CA1");
  must(rig.writer->call(condemn(row.recording_no, "uid:0")));
  must(rig.assign(row, "year"));
  BOOST_CHECK(rig.row_of(row.recording_no).state == RecordingState::kLive);
  BOOST_CHECK(!rig.writer->call(begin_destroying(row.recording_no, "uid:0")).ok());
  const IngestRow late = rig.ingest("CA2");
  must(rig.writer->call(condemn(late.recording_no, "uid:0")));
  must(rig.writer->call(begin_destroying(late.recording_no, "uid:0")));
  const auto refused = rig.assign(late, "year");
  BOOST_CHECK(code_of(refused) == Code::kConflict);
  BOOST_TEST(refused.error().message.find("already-destroyed") != std::string::npos);
  BOOST_CHECK(code_of(rig.run_sql("UPDATE recording SET retain_until = 1" + where(late))) ==
              Code::kConflict);
}

// Both clocks must have come so far: neither a system clock that is ahead, nor a compliance clock
// that was first set from one, ends a retention.
BOOST_AUTO_TEST_CASE(P9_retention_ends_by_both_clocks) {
  Rig rig;
  rig.set("year", "1y");
  const IngestRow row = rig.ingest("CA1");
  must(rig.assign(row, "year"));
  rig.clock.jump_to(UnixMillis(kStart) + days(3650));
  BOOST_CHECK(code_of(rig.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked);
  BOOST_TEST(rig.expire().condemned == 0);
  rig.pass(Millis(0));  // the compliance clock is at the wrong time, and the system clock is right
  rig.clock.jump_to(UnixMillis(kStart) + days(1));
  BOOST_CHECK(code_of(rig.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked);
  BOOST_TEST(rig.expire().condemned == 0);
  rig.clock.jump_to(UnixMillis(kStart) + days(366));
  must(rig.writer->call(condemn(row.recording_no, "uid:0")));
}

// The system clock was set back, and for two months everything came in at one time; when a person
// puts it right, none of it is as old as that.
BOOST_AUTO_TEST_CASE(P9_what_arrived_while_the_clock_stood_ends_later) {
  Rig rig;
  rig.set("month", "1mo");
  rig.set("ever", "forever", RetentionMode::kCompliance);
  must(rig.writer->call(set_retention_default(std::nullopt, "month", "uid:0")));
  const IngestRow earlier = rig.ingest("CA1");
  rig.pass(days(2));
  const UnixMillis stood = rig.clock.now();
  rig.clock.jump_to(stood - days(60));
  IngestRow late = rig.ingest_row("CA2");
  late.flags = static_cast<int32_t>(Flag::kEventTimeInFuture);
  rig.source.keep(late);
  must(rig.writer->call(ingest_recording(late, "key:test")));
  must(rig.writer->call(mark_placed(late.recording_no, 1)));
  IngestRow kept = rig.ingest_row("CA3");
  rig.source.keep(kept);
  must(rig.writer->call(ingest_recording(kept, "key:test")));
  must(rig.assign(kept, "ever"));
  // A later part is as new as its recording.
  IngestRow part = earlier;
  part.part = 2;
  part.metadata.reset();
  part.received_at = rig.clock.now();
  part.files = {rig.file("transcript.json", 50)};
  rig.source.keep(part);
  must(rig.writer->call(add_part(part, "key:b")));
  must(rig.writer->call(mark_placed(earlier.recording_no, 2)));
  BOOST_TEST(rig.count("SELECT received_at FROM part WHERE part = 2") == stood.count);
  const RecordingRow before = rig.row_of(late.recording_no);
  BOOST_TEST((before.arrived_at == stood));
  const UnixMillis earlier_end = rig.row_of(earlier.recording_no).retain_until.value();
  rig.clock.jump_to(stood + days(60));
  must(rig.writer->call(accept_clock("NTP was repaired", "uid:0")));
  const RecordingRow after = rig.row_of(late.recording_no);
  BOOST_TEST((after.arrived_at == stood + days(60)));
  BOOST_TEST((after.retain_until == *before.retain_until + days(60)));
  BOOST_TEST((after.expires_at == *before.expires_at + days(60)));
  BOOST_TEST((rig.row_of(kept.recording_no).retain_until == kForever));
  BOOST_TEST((rig.row_of(earlier.recording_no).retain_until == earlier_end));
  BOOST_CHECK(code_of(rig.writer->call(condemn(late.recording_no, "uid:0"))) == Code::kLocked);
  // Nothing at all expires soon after.
  BOOST_TEST(rig.expire().condemned == 0);
  rig.pass(days(29));
  BOOST_TEST(rig.expire().condemned == 0);
  BOOST_TEST(rig.due == 1);
  rig.pass(days(2));
  BOOST_TEST(rig.expire().condemned == 2);
  BOOST_CHECK(rig.row_of(earlier.recording_no).state == RecordingState::kCondemned);
  // A rebuild says the same.
  rig.stop();
  for (const char* name : {"index.db", "index.db-wal", "index.db-shm"})
    std::filesystem::remove(rig.directory / name);
  rig.start();
  const RecordingRow again = rig.row_of(late.recording_no);
  BOOST_TEST((again.arrived_at == after.arrived_at));
  BOOST_TEST((again.retain_until == after.retain_until));
  BOOST_TEST((again.expires_at == after.expires_at));
}

// What was kept by one who did not know that the clock was set is not told to the ledger, either;
// and a line of a time when there was no clock makes none.
BOOST_AUTO_TEST_CASE(a_clock_of_another_epoch_is_not_noted) {
  Rig rig;
  const ClockRow row = must(find_clock(*rig.index)).value();
  must(rig.writer->call(note_clock(UnixMillis(kStart) + days(9), row.epoch + 1, "system")));
  BOOST_TEST((must(find_clock(*rig.index))->noted_at == row.noted_at));
  must(rig.writer->call(note_clock(UnixMillis(kStart) + hours(1), row.epoch, "system")));
  BOOST_TEST((must(find_clock(*rig.index))->noted_at == UnixMillis(kStart) + hours(1)));
  Archive bare;
  bare.furnish();
  const IngestRow recording = bare.ingest("CA1");
  SetRetentionClass wish;
  wish.name = "none";
  wish.rule = {RetentionMode::kGovernance, RetentionEvent::kCallEnd, {0, PeriodUnit::kDays}};
  wish.who = "uid:0";
  must(bare.writer->call(set_retention_class(wish)));
  AssignRetention assign;
  assign.recording = recording.recording_no;
  assign.name = "none";
  assign.who = "uid:0";
  must(bare.writer->call(assign_retention(assign)));
  bare.stop();
  for (const char* name : {"index.db", "index.db-wal", "index.db-shm"})
    std::filesystem::remove(bare.directory / name);
  bare.start();
  BOOST_TEST(!must(find_clock(*bare.index)).has_value());
}

// Between the look at a recording and the command it was moved: it is no longer the caller's.
BOOST_AUTO_TEST_CASE(what_was_moved_meanwhile_is_not_found) {
  Rig rig;
  rig.set("year", "1y");
  const IngestRow row = rig.ingest("CA1");
  const WorkspaceNo other(rig.workspace_no.value + 1);
  AssignRetention wish;
  wish.recording = row.recording_no;
  wish.name = "year";
  wish.who = "key:a";
  wish.workspace_no = other;
  BOOST_CHECK(code_of(rig.writer->call(assign_retention(wish))) == Code::kNotFound);
  BOOST_CHECK(code_of(rig.writer->call(condemn(row.recording_no, "key:a", "", other))) ==
              Code::kNotFound);
  BOOST_CHECK(rig.row_of(row.recording_no).state == RecordingState::kLive);
  must(rig.writer->call(condemn(row.recording_no, "key:a", "", rig.workspace_no)));
}

// A faulty command that replaces a row passes the triggers of the one that goes.
BOOST_AUTO_TEST_CASE(P3_a_replaced_row_is_a_deleted_one) {
  Rig rig;
  rig.set("year", "1y");
  BOOST_CHECK(code_of(rig.run_sql("INSERT OR REPLACE INTO retention_class SELECT class_no, name, "
                                  "version, mode, event, 0, unit, created_at, created_by "
                                  "FROM retention_class")) == Code::kLocked);
}

BOOST_AUTO_TEST_CASE(P9_without_a_compliance_clock_nothing_ends) {
  Archive archive;
  archive.furnish();
  SetRetentionClass wish;
  wish.name = "day";
  wish.rule = {RetentionMode::kGovernance, RetentionEvent::kCallEnd, {1, PeriodUnit::kDays}};
  wish.who = "uid:0";
  must(archive.writer->call(set_retention_class(wish)));
  must(archive.writer->call(set_retention_default(std::nullopt, "day", "uid:0")));
  const IngestRow row = archive.ingest("CA1");
  archive.clock.advance(days(4000));
  BOOST_CHECK(code_of(archive.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked);
  BOOST_TEST(
      must(archive.writer->call(expire_due(ExpireDue{100, days(30), {}, "system", 1}))).condemned ==
      0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
