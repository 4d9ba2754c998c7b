// What commands refuse: with which word, and that nothing has changed then.
#include "base/limits.h"
#include "index/commands/pauses.h"
#include "index/commands/recovery.h"
#include "index/commands/relabel.h"
#include "index/commands/repairs.h"
#include "index/guard.h"
#include "index/read/pauses.h"
#include "index/read/search.h"
#include "tests/index/retention_rig.h"

namespace holdfast {
namespace {

// One recording, plain on standard and in a pack on warm.
struct Kept : RetentionRig {
  Kept() {
    row = ingest("CA1");
    pack = pack_up({row});
  }
  // The code of a command that must change no decision and no row that it could have.
  template <typename T>
  Code refused(Command<T> command) {
    const int64_t lines = applied();
    const int64_t rows = count(kRows);
    const Code code = code_of(writer->call(std::move(command)));
    BOOST_TEST(applied() == lines);
    BOOST_TEST(count(kRows) == rows);
    return code;
  }
  int64_t applied() { return count("SELECT value FROM setting WHERE name = 'applied_seq'"); }

  static constexpr char kRows[] =
      "SELECT (SELECT count(*) FROM recording) + (SELECT count(*) FROM copy) + "
      "(SELECT count(*) FROM pack) + (SELECT count(*) FROM pack_copy) + "
      "(SELECT count(*) FROM move) + (SELECT count(*) FROM hold) + (SELECT sum(state) FROM copy) + "
      "(SELECT sum(state) FROM recording)";
  IngestRow row;
  SealedPack pack;
};

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_AUTO_TEST_CASE(P2_a_read_from_the_page_cache_verifies_nothing) {
  Kept kept;
  const RecordingNo number = kept.row.recording_no;
  constexpr VerifyMode kCached = VerifyMode::kNone;
  BOOST_TEST((kept.refused(copy_verified(number, 1, kept.standard, kCached)) == Code::kInvalid));
  BOOST_TEST((kept.refused(pack_verified(kept.pack.pack, kept.warm, kCached, "system")) ==
              Code::kInvalid));
  BOOST_TEST((kept.refused(pack_scrubbed(kept.pack.pack, kept.warm, kCached)) == Code::kInvalid));
  must(kept.writer->call(
      copy_quarantined(number, 1, kept.standard, std::nullopt, "differs", "system")));
  BOOST_TEST(
      (kept.refused(copy_repaired(number, 1, kept.standard, kCached, "system")) == Code::kInvalid));
  must(kept.writer->call(pack_quarantined(kept.pack.pack, kept.warm, "differs", "system")));
  BOOST_TEST((kept.refused(pack_repaired(kept.pack.pack, kept.warm, "x.tar", kCached, "system")) ==
              Code::kInvalid));
  RewrittenPack rewritten;
  rewritten.from = kept.pack.pack;
  rewritten.pack = kept.seal_of(kept.random.id<PackId>(), {kept.row});
  rewritten.mode = kCached;
  BOOST_TEST((kept.refused(rewrite_pack(rewritten, "system")) == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(what_is_not_bad_is_not_repaired) {
  Kept kept;
  constexpr VerifyMode kRead = VerifyMode::kDirect;
  BOOST_TEST((kept.refused(copy_repaired(kept.row.recording_no, 1, kept.standard, kRead,
                                         "system")) == Code::kConflict));
  for (const MediumId& medium : {kept.warm, kept.cold})
    BOOST_TEST((kept.refused(pack_repaired(kept.pack.pack, medium, "x.tar", kRead, "system")) ==
                Code::kConflict));
}

BOOST_AUTO_TEST_CASE(parts_outside_the_limits_are_not_taken) {
  Kept kept;
  IngestRow row = kept.ingest_row("CA2");
  row.recording_no = RecordingNo(0);
  BOOST_TEST((kept.refused(ingest_recording(row, "key:a")) == Code::kInvalid));
  row = kept.ingest_row("CA2");
  row.metadata = std::string(limits::kMetadataBytesMax + 1, ' ');
  BOOST_TEST((kept.refused(ingest_recording(row, "key:a")) == Code::kTooLarge));
  for (const int part : {0, limits::kPartsMax + 1}) {
    row = kept.ingest_row("CA2");
    row.part = part;
    BOOST_TEST((kept.refused(ingest_recording(row, "key:a")) == Code::kTooLarge), part);
    BOOST_TEST((kept.refused(add_part(row, "key:a")) == Code::kTooLarge), part);
  }
  row = kept.ingest_row("CA1");
  row.part = 2;
  row.metadata.reset();
  BOOST_TEST((kept.refused(add_part(row, "key:a")) == Code::kNotFound));  // of no recording
}

// A recorder's retry neither revives nor confirms what is on its way out, or gone.
BOOST_AUTO_TEST_CASE(P3_nothing_joins_a_call_that_is_being_destroyed) {
  RetentionRig archive;
  const IngestRow row = archive.ingest("CA1");
  IngestRow more = archive.ingest_row("CA1");
  more.recording = row.recording;
  more.part = 2;
  more.metadata.reset();
  more.files = {archive.file("transcript.txt", 10)};
  const auto is_erased = [&] {
    for (const auto& result : {archive.writer->call(ingest_recording(row, "key:a")),
                               archive.writer->call(add_part(more, "key:a"))}) {
      if (result.ok() || result.error().code != Code::kConflict) return false;
      if (result.error().message.find("erased: ") == std::string::npos) return false;
    }
    return true;
  };
  BOOST_TEST((code_of(archive.writer->call(finish_destroyed(row.recording_no, "uid:0"))) ==
              Code::kConflict));
  BOOST_TEST(
      (code_of(archive.writer->call(permit_destruction(row.recording_no))) == Code::kConflict));
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));
  BOOST_TEST(is_erased());
  BOOST_TEST((code_of(archive.writer->call(finish_destroyed(row.recording_no, "uid:0"))) ==
              Code::kConflict));
  must(archive.writer->call(begin_destroying(row.recording_no, "uid:0")));
  BOOST_TEST(is_erased());
  // Copies are left.
  BOOST_TEST((code_of(archive.writer->call(finish_destroyed(row.recording_no, "uid:0"))) ==
              Code::kConflict));
  must(archive.writer->call(permit_destruction(row.recording_no)));
  must(archive.writer->call(copy_gone(row.recording_no, 1, archive.standard)));
  must(archive.writer->call(finish_destroyed(row.recording_no, "uid:0")));
  BOOST_TEST(is_erased());
}

BOOST_AUTO_TEST_CASE(what_is_not_in_its_place_yet_is_not_condemned) {
  RetentionRig archive;
  const IngestRow row = archive.ingest_row("CA1");
  must(archive.writer->call(ingest_recording(row, "key:a")));
  BOOST_TEST(
      (code_of(archive.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kConflict));
  must(archive.writer->call(mark_placed(row.recording_no, 1)));
  const auto applied = [&] {
    return archive.count("SELECT value FROM setting WHERE name = 'applied_seq'");
  };
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));
  const int64_t lines = applied();
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));  // it is already
  BOOST_TEST(applied() == lines);
}

BOOST_AUTO_TEST_CASE(P2_the_guard_lets_no_copy_go_that_is_none_yet) {
  Kept kept;
  const RecordingNo number = kept.row.recording_no;
  // Assigned to a pack that is not written.
  const IngestRow second = kept.ingest("CA2");
  OpenPack open;
  open.pack = kept.random.id<PackId>();
  open.target = kept.warm;
  must(kept.writer->call(open_pack(open)));
  must(kept.writer->call(assign_members(open.pack, {{second.recording_no, 1}})));
  BOOST_TEST((kept.refused(release_copy(second.recording_no, 1, kept.warm, {}, "system")) ==
              Code::kConflict));
  // Not in its place yet.
  const IngestRow third = kept.ingest_row("CA3");
  must(kept.writer->call(ingest_recording(third, "key:a")));
  BOOST_TEST((kept.refused(release_copy(third.recording_no, 1, kept.standard, {}, "system")) ==
              Code::kLocked));
  BOOST_TEST((kept.refused(release_copy(number, 1, kept.cold, {}, "system")) == Code::kNotFound));
  BOOST_TEST(
      (kept.refused(release_pack(kept.pack.pack, kept.cold, {}, "system")) == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(P2_a_pack_is_abandoned_only_when_it_never_gave_its_bytes_back) {
  Kept kept;
  const PackId pack = kept.pack.pack;
  BOOST_TEST((kept.refused(abandon_pack(pack, kept.cold, "system")) == Code::kNotFound));
  BOOST_TEST((kept.refused(abandon_pack(pack, kept.warm, "system")) == Code::kConflict));
  // It was good once: its members were told so.
  must(kept.writer->call(pack_quarantined(pack, kept.warm, "differs", "system")));
  BOOST_TEST((kept.refused(abandon_pack(pack, kept.warm, "system")) == Code::kConflict));
  must(kept.run_sql("UPDATE pack_copy SET verified_at = NULL, verify_mode = 0"));
  // A member's plain copy is bad, too.
  must(kept.writer->call(
      copy_quarantined(kept.row.recording_no, 1, kept.standard, std::nullopt, "", "system")));
  BOOST_TEST((kept.refused(abandon_pack(pack, kept.warm, "system")) == Code::kLocked));
}

BOOST_AUTO_TEST_CASE(packs_and_moves_take_no_step_out_of_turn) {
  Kept kept;
  OpenPack open;
  open.pack = kept.random.id<PackId>();
  open.target = kept.warm;
  must(kept.writer->call(open_pack(open)));
  const IngestRow second = kept.ingest("CA2");
  must(kept.writer->call(assign_members(open.pack, {{second.recording_no, 1}})));
  BOOST_TEST((kept.refused(pack_copied(open.pack, kept.cold, "1", "system")) == Code::kConflict));
  SealedPack elsewhere = kept.seal_of(open.pack, {second});
  elsewhere.medium = kept.cold;
  BOOST_TEST((kept.refused(seal_pack(elsewhere, "system")) == Code::kConflict));
  BOOST_TEST((kept.refused(pack_verified(kept.pack.pack, kept.cold, VerifyMode::kDirect,
                                         "system")) == Code::kNotFound));
  BOOST_TEST((kept.refused(pack_gone(kept.pack.pack, kept.warm)) == Code::kConflict));
  // A sealed pack takes no member, and does not go as if it were open.
  BOOST_TEST((kept.refused(assign_members(kept.pack.pack, {{second.recording_no, 1}})) ==
              Code::kConflict));
  BOOST_TEST((kept.refused(drop_pack(kept.pack.pack)) == Code::kConflict));
  // From where no verified copy lies.
  BOOST_TEST((kept.refused(plan_move({open.pack, kept.warm, kept.cold})) == Code::kConflict));
  const MoveRow move = must(kept.writer->call(plan_move({kept.pack.pack, kept.warm, kept.cold})));
  BOOST_TEST((kept.refused(retry_move(move.move_no)) == Code::kConflict));  // no try has failed
  BOOST_TEST((kept.refused(retry_move(move.move_no + 1)) == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(a_pack_is_not_rewritten_under_a_move_nor_from_where_it_does_not_lie) {
  Kept kept;
  const PackId pack = kept.pack.pack;
  const PackId renewed = kept.random.id<PackId>();
  OpenPack open;
  open.pack = kept.random.id<PackId>();
  open.target = kept.warm;
  must(kept.writer->call(open_pack(open)));
  BOOST_TEST((kept.refused(begin_rewrite(open.pack, renewed)) == Code::kConflict));
  must(kept.writer->call(begin_rewrite(pack, renewed)));
  BOOST_TEST((kept.refused(finish_rewrite(pack)) == Code::kConflict));  // it still lies on warm
  RewrittenPack rewritten;
  rewritten.from = pack;
  rewritten.pack = kept.seal_of(renewed, {kept.row});
  rewritten.mode = VerifyMode::kDirect;
  rewritten.pack.medium = kept.cold;
  BOOST_TEST((kept.refused(rewrite_pack(rewritten, "system")) == Code::kConflict));
  rewritten.pack.medium = kept.warm;
  must(
      kept.run_sql("INSERT INTO move (pack_no, from_no, to_no, state, not_before, created_at, "
                   "updated_at) SELECT pack_no, medium_no, medium_no + 1, 1, 0, 0, 0 "
                   "FROM pack_copy"));
  BOOST_TEST((kept.refused(rewrite_pack(rewritten, "system")) == Code::kConflict));
  must(kept.run_sql("DELETE FROM move"));
  must(kept.writer->call(rewrite_pack(rewritten, "system")));
}

// A pack is repaired as a whole when one member alone was found bad; a quarantine is told once.
BOOST_AUTO_TEST_CASE(one_bad_member_makes_a_pack_that_can_be_repaired) {
  Kept kept;
  const RecordingNo number = kept.row.recording_no;
  BOOST_TEST(must(kept.writer->call(
      copy_quarantined(number, 1, kept.warm, std::nullopt, "differs", "system"))));
  must(kept.writer->call(
      pack_repaired(kept.pack.pack, kept.warm, kept.pack.location, VerifyMode::kDirect, "system")));
  BOOST_TEST(kept.count("SELECT count(*) FROM copy WHERE state = 5") == 0);
  must(kept.writer->call(pack_quarantined(kept.pack.pack, kept.warm, "differs", "system")));
  const int64_t lines = kept.applied();
  must(kept.writer->call(pack_quarantined(kept.pack.pack, kept.warm, "again", "system")));
  BOOST_TEST(kept.applied() == lines);
}

// What it brought was bad, and went: the pack is brought there again.
BOOST_AUTO_TEST_CASE(a_move_whose_copy_went_again_is_planned_anew) {
  Kept kept;
  const PackId pack = kept.pack.pack;
  const PlanMove plan{pack, kept.warm, kept.cold};
  const MoveRow move = must(kept.writer->call(plan_move(plan)));
  must(kept.writer->call(advance_move(move.move_no, MoveEvent::kBegin)));
  kept.copy_to_cold(pack);
  must(kept.writer->call(advance_move(move.move_no, MoveEvent::kDurable)));
  must(kept.writer->call(advance_move(move.move_no, MoveEvent::kProved)));
  must(kept.writer->call(switch_move(move.move_no, days(31))));
  BOOST_TEST(must(kept.writer->call(plan_move(plan))).move_no == move.move_no);
  must(kept.writer->call(pack_quarantined(pack, kept.cold, "differs", "system")));
  must(kept.writer->call(release_pack(pack, kept.cold, {}, "system")));
  must(kept.writer->call(pack_gone(pack, kept.cold)));
  const MoveRow again = must(kept.writer->call(plan_move(plan)));
  BOOST_TEST((again.state == MoveState::kPlanned));
}

BOOST_AUTO_TEST_CASE(P2_the_guard_permits_a_staged_copy_to_go_and_no_other) {
  Kept kept;
  const Command<ReleasePermit> permit = {"permit a staged copy to go", [&](WriteTxn& txn) {
                                           return Guard::check_staged_release(
                                               txn, kept.row.recording_no, 1, kept.standard);
                                         }};
  BOOST_TEST((kept.refused(permit) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(P6_what_is_known_is_not_adopted_and_no_recovery_ends_twice) {
  Kept kept;
  AdoptPart request;
  request.row = kept.ingest_row("CA1");  // the call of another recording
  BOOST_TEST((kept.refused(adopt_part(request, "system")) == Code::kConflict));
  BOOST_TEST((kept.refused(release_recovery("", "uid:0")) == Code::kNotFound));
  must(kept.writer->call(begin_recovery({}, "decisions were lost", "system")));
  BOOST_TEST(must(kept.writer->call(release_recovery("looked at it all", "uid:0"))) == 1);
  BOOST_TEST((kept.refused(release_recovery("", "uid:0")) == Code::kNotFound));
}

// By the same function that a replay uses: a ledger that a later program wrote is not guessed at.
BOOST_AUTO_TEST_CASE(lines_that_say_nothing_known_are_not_decided) {
  Kept kept;
  const std::string on_recording = kept.row.recording.text();
  const std::string on_workspace = kept.workspace.text();
  const std::string on_pack = kept.pack.pack.text();
  struct Case {
    std::string_view kind;
    std::string on;
    json::object details;
  };
  const Case cases[] = {
      {"recording.sung", on_recording, {}},
      {decision::kWebhookSecretRotated, on_workspace, {{"number", 0}}},
      {decision::kLedgerHealed, "", {{"segments", 0}}},
      {decision::kLinkRevoked, on_workspace, {{"at", 1}}},
      {decision::kRetained, on_recording, {{"class", "calls"}, {"version", 7}}},
      {decision::kPackVerified, on_pack, {{"medium", kept.warm.text()}, {"mode", "heard"}}},
      {decision::kHoldPlaced, "nobody", {}},
  };
  for (const Case& one : cases) {
    const auto decide = [&](WriteTxn& txn) -> Status {
      LineDraft line;
      line.kind = one.kind;
      line.who = "uid:0";
      line.on = one.on;
      line.details = one.details;
      line.weight = Weight::kNeutral;
      return txn.decide(std::move(line));
    };
    BOOST_TEST((kept.refused(Command<void>{"decide", decide}) == Code::kInvalid), one.kind);
  }
  must(kept.writer->call(ledger_healed(3, "system")));
}

BOOST_AUTO_TEST_CASE(no_more_relabels_and_no_larger_attributes_than_the_limit) {
  Kept kept;
  Relabel wish;
  wish.recording = kept.row.recording_no;
  wish.reason = "typo";
  wish.who = "uid:0";
  // Each patch is a note of its own limit; together they may not outgrow metadata.json.
  constexpr size_t kPatchBytes = 60'000;
  Status last;
  int patches = 0;
  while (last.ok() && patches < 100) {
    wish.attributes =
        json::object{{"x" + std::to_string(patches++), std::string(kPatchBytes, 'x')}};
    const auto done = kept.writer->call(relabel(wish));
    last = done.ok() ? Status() : Status(done.error());
  }
  BOOST_TEST((code_of(last) == Code::kTooLarge));
  BOOST_TEST(static_cast<size_t>(patches) * kPatchBytes >= size_t{limits::kMetadataBytesMax});

  must(kept.run_sql("UPDATE relabel SET relabel_no = " + std::to_string(kRelabelsMax) +
                    " WHERE relabel_no = (SELECT max(relabel_no) FROM relabel)"));
  wish.attributes = json::object{{"y", 1}};
  BOOST_TEST((kept.refused(relabel(wish)) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(no_more_versions_of_retention_classes_than_the_limit) {
  RetentionRig archive;
  const RetentionClassRow kept = archive.set("calls", "1d");
  must(archive.run_sql(
      "WITH RECURSIVE n(v) AS (SELECT 2 UNION ALL SELECT v + 1 FROM n WHERE v < " +
      std::to_string(limits::kRetentionClassesMax) +
      ") INSERT INTO retention_class (name, version, mode, event, amount, unit, created_at, "
      "created_by) SELECT 'others', v, mode, event, amount, unit, created_at, created_by "
      "FROM n, retention_class WHERE name = 'calls'"));
  SetRetentionClass wish;
  wish.name = "calls";
  wish.rule = kept.rule;
  wish.who = "uid:0";
  BOOST_TEST(must(archive.writer->call(set_retention_class(wish))).version == 1);  // says the same
  wish.rule.period = *parse_period("2d");
  BOOST_TEST((code_of(archive.writer->call(set_retention_class(wish))) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(what_no_medium_has_shown_is_neither_retained_nor_restored_nor_destroyed) {
  RetentionRig archive;
  archive.set("calls", "1d");
  const IngestRow row = archive.ingest("CA1");
  must(archive.run_sql("UPDATE recording SET state = 4"));
  BOOST_TEST((code_of(archive.assign(row, "calls")) == Code::kConflict));
  BOOST_TEST((code_of(archive.writer->call(condemn(row.recording_no, "uid:0"))) == Code::kLocked));
  RequestRestore wish;
  wish.recording = row.recording_no;
  wish.restore = archive.random.id<RestoreId>();
  wish.who = "key:a";
  BOOST_TEST((code_of(archive.writer->call(request_restore(wish))) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(restores_take_no_step_out_of_turn) {
  Kept kept;
  kept.release_plain(kept.row.recording_no);
  RequestRestore wish;
  wish.recording = kept.row.recording_no;
  wish.restore = kept.random.id<RestoreId>();
  wish.who = "key:a";
  const RestoreId restore = must(kept.writer->call(request_restore(wish))).restore.restore;
  const auto stage = [&] { return restore_staged(restore, kept.standard, {1}); };
  const auto expire = [&] { return expire_restore(restore, kept.clock.now()); };
  BOOST_TEST((kept.refused(stage()) == Code::kConflict));  // its recall has not begun
  BOOST_TEST((kept.refused(expire()) == Code::kConflict));
  must(kept.writer->call(begin_recall(restore, Bytes(1 << 30))));
  must(kept.writer->call(stage()));
  BOOST_TEST((kept.refused(expire()) == Code::kConflict));  // its time is not up
  BOOST_TEST((kept.refused(restore_retry(restore, "", kept.clock.now())) == Code::kConflict));
  BOOST_TEST((kept.refused(restore_failed(restore, "")) == Code::kConflict));
  BOOST_TEST((kept.refused(begin_recall(restore, Bytes(1 << 30))) == Code::kConflict));
  // The staged copy goes by its own command.
  BOOST_TEST((kept.refused(release_copy(kept.row.recording_no, 1, kept.standard, {}, "system")) ==
              Code::kConflict));
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_not_found) {
  Kept kept;
  const WorkspaceNo nobody(kept.workspace_no.value + 1);
  BOOST_TEST((kept.refused(rotate_signing_key(nobody, "uid:0")) == Code::kNotFound));
  PlaceHold hold;
  hold.workspace_no = kept.workspace_no;
  hold.recording = kept.random.id<RecordingId>();
  hold.matter = "Case 1";
  hold.who = "uid:0";
  BOOST_TEST((kept.refused(place_hold(hold)) == Code::kNotFound));
  BOOST_TEST((kept.refused(place_medium(kept.random.id<MediumId>(), "/mnt/x", "uid:0")) ==
              Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(a_mediums_place_is_a_path_and_is_told_once) {
  Kept kept;
  BOOST_TEST((kept.refused(place_medium(kept.warm, "", "uid:0")) == Code::kInvalid));
  must(kept.writer->call(place_medium(kept.warm, "/mnt/warm", "uid:0")));
  const int64_t lines = kept.applied();
  must(kept.writer->call(place_medium(kept.warm, "/mnt/warm", "uid:0")));
  BOOST_TEST(kept.applied() == lines);
  BOOST_TEST((place_of("/mnt/./warm//") == "/mnt/warm"));
  BOOST_TEST((place_of("/") == "/"));
}

BOOST_AUTO_TEST_CASE(a_pause_that_is_no_pause_is_told) {
  Kept kept;
  must(kept.writer->call(pause_moves(Tier::kWarm, "the disk is changed", "uid:0")));
  const auto again = must(kept.writer->call(pause_moves(Tier::kWarm, "once more", "uid:1")));
  BOOST_REQUIRE(again.size() == 1U);
  BOOST_TEST(again[0].reason == "the disk is changed");  // as it was
  for (const char* wrong : {"[]", "7", "{}", "not JSON"}) {
    must(kept.run_sql(std::string("UPDATE setting SET value = '") + wrong +
                      "' WHERE name = 'pause.warm'"));
    BOOST_TEST(!list_pauses(*kept.index).ok(), wrong);
  }
}

BOOST_AUTO_TEST_CASE(a_search_with_a_nul_is_refused) {
  SearchQuery query;
  query.words = std::string("a\0b", 3);
  BOOST_TEST((code_of(match_expression(query, std::nullopt)) == Code::kInvalid));
  query.words.clear();
  query.tag = std::string("a\0b", 3);
  BOOST_TEST((code_of(match_expression(query, std::nullopt)) == Code::kInvalid));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
