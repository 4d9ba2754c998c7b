// P2 and P3: what the guard refuses, and what triggers refuse when a command forgets to ask.
#include "index/guard.h"

#include "index/read/holds.h"
#include "index/read/status.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

HoldRow hold_on(Archive& archive, const IngestRow& row, const std::string& matter = "Case 1") {
  PlaceHold hold;
  hold.recording = row.recording;
  hold.workspace_no = archive.workspace_no;
  hold.matter = matter;
  hold.reason = "as ordered";
  hold.who = "uid:1000";
  return must(archive.writer->call(place_hold(hold)));
}

std::string number(const IngestRow& row) { return std::to_string(row.recording_no.value); }

BOOST_AUTO_TEST_SUITE(guard)

BOOST_AUTO_TEST_CASE(P3_a_held_recording_is_not_condemned) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  const HoldRow first = hold_on(archive, row, "Case 1");
  const HoldRow second = hold_on(archive, row, "Case 2");
  BOOST_TEST(archive.row_of(row.recording_no).holds == 2);
  BOOST_CHECK(code_of(archive.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked);
  must(archive.writer->call(release_hold(first.hold, "", "uid:0")));
  BOOST_CHECK(code_of(archive.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked);
  must(archive.writer->call(release_hold(second.hold, "", "uid:0")));
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));
}

// The triggers alone, as if a command had forgotten the guard.
BOOST_AUTO_TEST_CASE(P3_triggers_refuse_without_the_guard) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  const HoldRow hold = hold_on(archive, row);
  const std::string where = " WHERE recording_no = " + number(row);
  for (const char* state : {"2", "3"})
    BOOST_CHECK(code_of(archive.run_sql("UPDATE recording SET state = " + std::string(state) +
                                        where)) == Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM recording" + where)) == Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM hold")) == Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("UPDATE hold SET recording_no = 99")) == Code::kLocked);
  must(archive.writer->call(release_hold(hold.hold, "done", "uid:0")));
  BOOST_CHECK(code_of(archive.run_sql("UPDATE hold SET released_at = NULL")) == Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM hold")) == Code::kLocked);
  // Not condemned: no step may be left out.
  BOOST_CHECK(code_of(archive.run_sql("UPDATE recording SET state = 3" + where)) ==
              Code::kConflict);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM recording" + where)) == Code::kConflict);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM file" + where)) == Code::kConflict);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM part" + where)) == Code::kConflict);
  BOOST_CHECK(code_of(archive.run_sql("UPDATE file SET size = 1" + where)) == Code::kConflict);
}

BOOST_AUTO_TEST_CASE(P3_a_hold_cancels_a_condemnation) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));
  BOOST_CHECK(archive.row_of(row.recording_no).state == RecordingState::kCondemned);
  hold_on(archive, row);
  BOOST_CHECK(archive.row_of(row.recording_no).state == RecordingState::kLive);
  BOOST_CHECK(code_of(archive.writer->call(begin_destroying(row.recording_no, "uid:0"))) ==
              Code::kLocked);
}

BOOST_AUTO_TEST_CASE(P3_a_hold_comes_too_late) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));
  must(archive.writer->call(begin_destroying(row.recording_no, "uid:0")));
  PlaceHold hold;
  hold.recording = row.recording;
  hold.matter = "Case 1";
  hold.who = "uid:0";
  const auto refused = archive.writer->call(place_hold(hold));
  BOOST_CHECK(code_of(refused) == Code::kConflict);
  BOOST_TEST(refused.error().message.find("already-destroyed") != std::string::npos);
  BOOST_TEST(must(holds_of_recording(*archive.index, row.recording)).empty());
}

// The same race a hundred times: whichever of hold and destruction is first, an acknowledged hold
// stands on a recording that is still there.
BOOST_AUTO_TEST_CASE(P3_hold_and_destruction_race) {
  Archive archive;
  archive.furnish();
  for (int i = 0; i < 50; ++i) {
    const IngestRow row = archive.ingest("CA" + std::to_string(i));
    must(archive.writer->call(condemn(row.recording_no, "uid:0")));
    std::promise<bool> held;
    PlaceHold hold;
    hold.recording = row.recording;
    hold.workspace_no = archive.workspace_no;
    hold.matter = "Case 1";
    hold.who = "uid:0";
    const auto place = [&] {
      archive.writer->submit<HoldRow>(place_hold(hold),
                                      [&](Result<HoldRow> answer) { held.set_value(answer.ok()); });
    };
    const bool hold_first = archive.random.below(2) == 0;
    if (hold_first) place();
    const bool destroyed = archive.writer->call(begin_destroying(row.recording_no, "uid:0")).ok();
    if (!hold_first) place();
    const bool acknowledged = held.get_future().get();
    const RecordingState state = archive.row_of(row.recording_no).state;
    BOOST_TEST(acknowledged != destroyed);
    BOOST_TEST((state == RecordingState::kDestroying) == destroyed);
  }
}

BOOST_AUTO_TEST_CASE(P2_the_only_copy_is_not_released) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  const auto release = [&](ReleasePolicy policy) {
    return archive.writer->call(
        release_copy(row.recording_no, 1, archive.standard, policy, "system"));
  };
  BOOST_CHECK(code_of(release({})) == Code::kLocked);
  // Planned, then copied and not yet re-read: neither is a proof.
  OpenPack open;
  open.pack = archive.random.id<PackId>();
  open.cohort = "open";
  open.target = archive.warm;
  must(archive.writer->call(open_pack(open)));
  must(archive.writer->call(assign_members(open.pack, {{row.recording_no, 1}})));
  BOOST_CHECK(code_of(release({})) == Code::kLocked);
  must(archive.writer->call(seal_pack(archive.seal_of(open.pack, {row}), "system")));
  BOOST_CHECK(code_of(release({})) == Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("UPDATE copy SET state = 3 WHERE original = 1")) ==
              Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM copy WHERE original = 1")) == Code::kLocked);
  BOOST_CHECK(code_of(archive.writer->call(pack_verified(open.pack, archive.warm, VerifyMode::kNone,
                                                         "system"))) == Code::kInvalid);
  must(archive.writer->call(pack_verified(open.pack, archive.warm, VerifyMode::kDirect, "system")));
  BOOST_CHECK(code_of(release({2})) == Code::kLocked);  // two newer copies were asked for
  const ReleasePermit permit = must(release({1}));
  BOOST_CHECK(permit.recording() == row.recording);
  BOOST_CHECK(permit.medium() == archive.standard);
  must(release({1}));  // start-up asks again and gets it again
  must(archive.writer->call(copy_gone(row.recording_no, 1, archive.standard)));
  // Now the warm one is the last.
  BOOST_CHECK(code_of(archive.writer->call(release_pack(open.pack, archive.warm, {}, "system"))) ==
              Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("UPDATE copy SET state = 3")) == Code::kLocked);
  BOOST_CHECK(code_of(archive.run_sql("DELETE FROM copy")) == Code::kLocked);
}

// A lost medium's copy, a quarantined one and an older one prove nothing.
BOOST_AUTO_TEST_CASE(P2_only_good_newer_copies_count) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  archive.clock.advance(hours(1));
  const SealedPack pack = archive.pack_up({row});
  const auto release = [&] {
    return archive.writer->call(release_copy(row.recording_no, 1, archive.standard, {}, "system"));
  };
  must(archive.writer->call(set_medium_state(archive.warm, MediumState::kLost, "uid:0")));
  BOOST_CHECK(code_of(release()) == Code::kLocked);
  must(archive.writer->call(set_medium_state(archive.warm, MediumState::kOnline, "uid:0")));
  // The plain copy is older than the pack: it does not allow the pack to go.
  BOOST_CHECK(code_of(archive.writer->call(release_pack(pack.pack, archive.warm, {}, "system"))) ==
              Code::kLocked);
  must(archive.writer->call(pack_quarantined(pack.pack, archive.warm, "differs", "system")));
  BOOST_CHECK(code_of(release()) == Code::kLocked);
  BOOST_TEST(must(status_summary(*archive.index, std::nullopt)).quarantined == 1);
}

BOOST_AUTO_TEST_CASE(P2_a_pack_leaves_when_every_member_is_elsewhere) {
  Archive archive;
  archive.furnish();
  std::vector<IngestRow> rows;
  for (int i = 0; i < 5; ++i) rows.push_back(archive.ingest("CA" + std::to_string(i)));
  const SealedPack pack = archive.pack_up(rows);
  for (const IngestRow& row : rows) archive.release_plain(row.recording_no);
  BOOST_CHECK(archive.row_of(rows[0].recording_no).tier == Tier::kWarm);
  const auto release = [&] {
    return archive.writer->call(release_pack(pack.pack, archive.warm, {}, "system"));
  };
  BOOST_CHECK(code_of(release()) == Code::kLocked);
  must(archive.writer->call(pack_copied(pack.pack, archive.cold, "3", "system")));
  BOOST_CHECK(code_of(release()) == Code::kLocked);
  must(
      archive.writer->call(pack_verified(pack.pack, archive.cold, VerifyMode::kDropped, "system")));
  const PackReleasePermit permit = must(release());
  BOOST_CHECK(permit.pack() == pack.pack);
  must(release());
  BOOST_CHECK(archive.row_of(rows[0].recording_no).tier == Tier::kCold);
  must(archive.writer->call(pack_gone(pack.pack, archive.warm)));
  must(archive.writer->call(pack_gone(pack.pack, archive.warm)));
  const auto copies = must(list_copies(*archive.index, rows[0].recording_no));
  BOOST_REQUIRE(copies.size() == 1);
  BOOST_CHECK(copies[0].medium == archive.cold);
  BOOST_TEST(copies[0].location == "3");
  BOOST_REQUIRE(copies[0].audio.has_value());
  BOOST_TEST(copies[0].audio->offset.count == pack.members[0].audio.offset.count);
}

// Destruction ends with the rows gone and a tombstone that answers a retry.
BOOST_AUTO_TEST_CASE(P3_destruction_goes_its_steps) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  const RecordingNo no = row.recording_no;
  BOOST_CHECK(code_of(archive.writer->call(begin_destroying(no, "uid:0"))) == Code::kConflict);
  BOOST_CHECK(code_of(archive.writer->call(permit_destruction(no))) == Code::kConflict);
  must(archive.writer->call(condemn(no, "uid:0")));
  BOOST_CHECK(code_of(archive.writer->call(permit_destruction(no))) == Code::kConflict);
  must(archive.writer->call(begin_destroying(no, "uid:0")));
  BOOST_CHECK(code_of(archive.writer->call(finish_destroyed(no, "uid:0"))) == Code::kConflict);
  for (int again = 0; again < 2; ++again)
    BOOST_TEST(must(archive.writer->call(permit_destruction(no))).size() == 1U);
  must(archive.writer->call(copy_gone(no, 1, archive.standard)));
  must(archive.writer->call(finish_destroyed(no, "uid:0")));
  BOOST_TEST(!must(find_recording(*archive.index, row.recording)).has_value());
  const auto retry = archive.writer->call(ingest_recording(archive.ingest_row("CA1"), "key:a"));
  BOOST_CHECK(code_of(retry) == Code::kConflict);
  BOOST_TEST(retry.error().message.find("erased") != std::string::npos);
  // Another workspace's call of the same name is another call.
  IngestRow other = archive.ingest_row("CA1");
  other.workspace = archive.random.id<WorkspaceId>();
  must(archive.writer->call(ingest_recording(other, "key:a")));
}

// What lies in a pack stays destroying; what is only planned leaves the open pack.
BOOST_AUTO_TEST_CASE(P3_destruction_and_packs) {
  Archive archive;
  archive.furnish();
  const IngestRow packed = archive.ingest("CA1");
  const IngestRow planned = archive.ingest("CA2");
  const IngestRow staying = archive.ingest("CA3");
  archive.pack_up({packed});
  OpenPack open;
  open.pack = archive.random.id<PackId>();
  open.cohort = "open";
  open.target = archive.warm;
  must(archive.writer->call(open_pack(open)));
  must(archive.writer->call(
      assign_members(open.pack, {{planned.recording_no, 1}, {staying.recording_no, 1}})));
  const SealedPack written = archive.seal_of(open.pack, {planned, staying});
  for (const IngestRow* row : {&packed, &planned}) {
    must(archive.writer->call(condemn(row->recording_no, "uid:0")));
    must(archive.writer->call(begin_destroying(row->recording_no, "uid:0")));
    must(archive.writer->call(permit_destruction(row->recording_no)));
    must(archive.writer->call(copy_gone(row->recording_no, 1, archive.standard)));
  }
  BOOST_CHECK(code_of(archive.writer->call(finish_destroyed(packed.recording_no, "uid:0"))) ==
              Code::kConflict);
  must(archive.writer->call(finish_destroyed(planned.recording_no, "uid:0")));
  // The pack that was being written with it is not sealed; without it it is.
  BOOST_CHECK(code_of(archive.writer->call(seal_pack(written, "system"))) == Code::kConflict);
  const PackRow pack =
      must(archive.writer->call(seal_pack(archive.seal_of(open.pack, {staying}), "system")));
  BOOST_TEST(pack.members == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
