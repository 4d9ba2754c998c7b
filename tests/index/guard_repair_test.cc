// P2: what the guard answers to repair and compaction, in each state that a copy, a pack or a
// recording may be in.
#include "index/commands/repairs.h"
#include "index/guard.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

// The guard's own answers, without what commands add.
Command<PackReleasePermit> permit_rewritten(PackId pack, MediumId medium) {
  return {"permit a rewritten pack to go",
          [=](WriteTxn& txn) { return Guard::check_pack_rewritten(txn, pack, medium); }};
}

// One recording, packed: plain on standard, verified in a pack on warm.
struct Packed {
  Packed() {
    archive.furnish();
    row = archive.ingest("CA1");
    archive.clock.advance(hours(1));
    pack = archive.pack_up({row});
  }
  void quarantine(const MediumId& medium) {
    if (medium == archive.standard)
      must(archive.writer->call(
          copy_quarantined(row.recording_no, 1, medium, std::nullopt, "differs", "system")));
    else
      must(archive.writer->call(pack_quarantined(pack.pack, medium, "differs", "system")));
  }
  Result<CopyRepairPermit> repair_copy(const MediumId& medium) {
    return archive.writer->call(permit_copy_repair(row.recording_no, 1, medium));
  }
  Result<PackRepairPermit> repair_pack(const MediumId& medium) {
    return archive.writer->call(permit_pack_repair(pack.pack, medium));
  }
  void set_warm_copies(const std::string& values) {
    must(archive.run_sql("UPDATE copy SET " + values + " WHERE pack_no IS NOT NULL"));
    must(archive.run_sql("UPDATE pack_copy SET " + values));
  }
  void destroy() {
    must(archive.writer->call(condemn(row.recording_no, "uid:0")));
    must(archive.writer->call(begin_destroying(row.recording_no, "uid:0")));
  }

  Archive archive;
  IngestRow row;
  SealedPack pack;
};

BOOST_AUTO_TEST_SUITE(guard_of_repair)

BOOST_AUTO_TEST_CASE(P2_only_a_bad_copy_gives_way_to_a_repair) {
  Packed packed;
  BOOST_TEST((code_of(packed.repair_copy(packed.archive.cold)) == Code::kNotFound));
  BOOST_TEST((code_of(packed.repair_copy(packed.archive.standard)) == Code::kConflict));
  BOOST_TEST((code_of(packed.repair_copy(packed.archive.warm)) == Code::kConflict));
  must(packed.archive.writer->call(
      copy_verified(packed.row.recording_no, 1, packed.archive.standard, VerifyMode::kDirect)));
  BOOST_TEST((code_of(packed.repair_copy(packed.archive.standard)) == Code::kConflict));
  packed.quarantine(packed.archive.standard);
  const CopyRepairPermit permit = must(packed.repair_copy(packed.archive.standard));
  BOOST_CHECK(permit.recording() == packed.row.recording);
  BOOST_CHECK(permit.medium() == packed.archive.standard);
}

BOOST_AUTO_TEST_CASE(P2_what_leaves_or_is_destroyed_is_not_repaired) {
  Packed leaving;
  must(leaving.archive.writer->call(
      release_copy(leaving.row.recording_no, 1, leaving.archive.standard, {}, "system")));
  BOOST_TEST((code_of(leaving.repair_copy(leaving.archive.standard)) == Code::kConflict));
  Packed destroyed;
  destroyed.quarantine(destroyed.archive.standard);
  destroyed.destroy();
  BOOST_TEST((code_of(destroyed.repair_copy(destroyed.archive.standard)) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(P2_no_copy_is_repaired_while_no_other_proves_it) {
  struct Case {
    std::string name;
    void (*enter)(Packed&);
  };
  const Case cases[] = {
      {"planned",
       [](Packed& p) { p.set_warm_copies("state = 0, verified_at = NULL, verify_mode = 0"); }},
      {"copied, not re-read",
       [](Packed& p) { p.set_warm_copies("state = 1, verified_at = NULL, verify_mode = 0"); }},
      {"on its way out", [](Packed& p) { p.set_warm_copies("state = 3"); }},
      {"bad, too", [](Packed& p) { p.quarantine(p.archive.warm); }},
      {"on a lost medium",
       [](Packed& p) {
         must(
             p.archive.writer->call(set_medium_state(p.archive.warm, MediumState::kLost, "uid:0")));
       }},
  };
  for (const Case& other : cases) BOOST_TEST_CONTEXT("the other copy is " << other.name) {
      Packed packed;
      other.enter(packed);
      must(packed.archive.run_sql("UPDATE copy SET state = 5 WHERE pack_no IS NULL"));
      BOOST_TEST((code_of(packed.repair_copy(packed.archive.standard)) == Code::kLocked));
    }
}

BOOST_AUTO_TEST_CASE(P2_only_a_bad_pack_gives_way_to_a_repair) {
  Packed packed;
  Archive& archive = packed.archive;
  BOOST_TEST((code_of(packed.repair_pack(archive.cold)) == Code::kNotFound));
  archive.copy_to_cold(packed.pack.pack);
  BOOST_TEST((code_of(packed.repair_pack(archive.warm)) == Code::kConflict));
  packed.quarantine(archive.warm);
  const PackRepairPermit permit = must(packed.repair_pack(archive.warm));
  BOOST_CHECK(permit.pack() == packed.pack.pack);
  BOOST_TEST((code_of(packed.repair_pack(archive.cold)) == Code::kConflict));  // it is good
  must(archive.writer->call(release_pack(packed.pack.pack, archive.warm, {}, "system")));
  BOOST_TEST((code_of(packed.repair_pack(archive.warm)) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(P2_no_pack_is_repaired_while_no_other_proves_it) {
  struct Case {
    std::string name;
    void (*enter)(Packed&);
  };
  const Case cases[] = {
      {"nowhere", [](Packed&) {}},
      {"copied, not re-read",
       [](Packed& p) {
         must(p.archive.writer->call(pack_copied(p.pack.pack, p.archive.cold, "7", "system")));
       }},
      {"bad, too",
       [](Packed& p) {
         p.archive.copy_to_cold(p.pack.pack);
         p.quarantine(p.archive.cold);
       }},
      {"on its way out",
       [](Packed& p) {
         p.archive.copy_to_cold(p.pack.pack);
         must(
             p.archive.run_sql("UPDATE pack_copy SET state = 3 WHERE medium_no = "
                               "(SELECT medium_no FROM medium WHERE tier = 2)"));
       }},
      {"on a lost medium",
       [](Packed& p) {
         p.archive.copy_to_cold(p.pack.pack);
         must(
             p.archive.writer->call(set_medium_state(p.archive.cold, MediumState::kLost, "uid:0")));
       }},
  };
  for (const Case& other : cases) BOOST_TEST_CONTEXT("the other copy is " << other.name) {
      Packed packed;
      other.enter(packed);
      packed.quarantine(packed.archive.warm);
      // That its members stand on standard is no proof of these bytes.
      BOOST_TEST((code_of(packed.repair_pack(packed.archive.warm)) == Code::kLocked));
    }
}

// Whatever a living member is: held, condemned (a lock may still come), unlocated.
BOOST_AUTO_TEST_CASE(P2_a_pack_with_a_living_member_is_not_rewritten_away) {
  struct Case {
    std::string name;
    bool may_go;
    void (*enter)(Packed&);
  };
  const Case cases[] = {
      {"live", false, [](Packed&) {}},
      {"held", false,
       [](Packed& p) {
         PlaceHold hold;
         hold.recording = p.row.recording;
         hold.workspace_no = p.archive.workspace_no;
         hold.matter = "Case 1";
         hold.who = "uid:0";
         must(p.archive.writer->call(place_hold(hold)));
       }},
      {"condemned", false,
       [](Packed& p) { must(p.archive.writer->call(condemn(p.row.recording_no, "uid:0"))); }},
      {"unlocated", false,
       [](Packed& p) { must(p.archive.run_sql("UPDATE recording SET state = 4")); }},
      {"bad", false, [](Packed& p) { p.quarantine(p.archive.warm); }},
      {"elsewhere, too", false, [](Packed& p) { p.archive.copy_to_cold(p.pack.pack); }},
      {"destroying", true, [](Packed& p) { p.destroy(); }},
  };
  for (const Case& member : cases) BOOST_TEST_CONTEXT("its member is " << member.name) {
      Packed packed;
      member.enter(packed);
      const auto permit =
          packed.archive.writer->call(permit_rewritten(packed.pack.pack, packed.archive.warm));
      BOOST_TEST(permit.ok() == member.may_go);
      if (!permit.ok()) BOOST_TEST((permit.error().code == Code::kLocked));
    }
}

// The command: the new pack takes the members that it has, and the old one goes with those alone.
BOOST_AUTO_TEST_CASE(P2_the_old_pack_goes_when_the_new_one_has_every_living_member) {
  Archive archive;
  archive.furnish();
  const IngestRow first = archive.ingest("CA1");
  const IngestRow second = archive.ingest("CA2");
  const SealedPack old = archive.pack_up({first, second});
  RewrittenPack rewritten;
  rewritten.pack = archive.seal_of(archive.random.id<PackId>(), {first});
  rewritten.from = old.pack;
  rewritten.mode = VerifyMode::kDirect;
  const auto rewrite = [&] { return archive.writer->call(rewrite_pack(rewritten, "system")); };
  BOOST_TEST((code_of(rewrite()) == Code::kLocked));
  BOOST_TEST(!must(find_pack(*archive.index, rewritten.pack.pack)).has_value());  // all or nothing
  must(archive.writer->call(condemn(second.recording_no, "uid:0")));
  BOOST_TEST((code_of(rewrite()) == Code::kLocked));
  must(archive.writer->call(begin_destroying(second.recording_no, "uid:0")));
  const auto permit = must(rewrite());
  BOOST_REQUIRE(permit.has_value());
  BOOST_CHECK(permit->pack() == old.pack);
  BOOST_TEST(must(rewrite()).has_value());  // again, after an answer that was lost
}

// A name is one pack's: other bytes under it, or one that was given up, take no place.
BOOST_AUTO_TEST_CASE(P2_another_pack_never_takes_the_name_of_the_new_one) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  const SealedPack old = archive.pack_up({row});
  archive.copy_to_cold(old.pack);
  RewrittenPack rewritten;
  rewritten.pack = archive.seal_of(archive.random.id<PackId>(), {row});
  rewritten.from = old.pack;
  rewritten.mode = VerifyMode::kDirect;
  must(archive.writer->call(rewrite_pack(rewritten, "system")));
  RewrittenPack other = rewritten;
  other.pack.medium = archive.cold;
  archive.random.fill(other.pack.sha256.bytes);
  BOOST_TEST((code_of(archive.writer->call(rewrite_pack(other, "system"))) == Code::kConflict));
  other.pack.sha256 = rewritten.pack.sha256;
  must(archive.run_sql("UPDATE pack SET state = 2 WHERE pack_no = 2"));
  BOOST_TEST((code_of(archive.writer->call(rewrite_pack(other, "system"))) == Code::kConflict));
  must(archive.run_sql("UPDATE pack SET state = 1 WHERE pack_no = 2"));
  must(archive.writer->call(rewrite_pack(other, "system")));
}

// However many copies are asked for before a good one goes: a bad one may go for one good one.
BOOST_AUTO_TEST_CASE(P2_a_bad_copy_goes_for_one_good_one) {
  Packed packed;
  Archive& archive = packed.archive;
  const ReleasePolicy two{2};
  const auto release = [&] {
    return archive.writer->call(
        release_copy(packed.row.recording_no, 1, archive.standard, two, "system"));
  };
  BOOST_TEST((code_of(release()) == Code::kLocked));
  packed.quarantine(archive.standard);
  must(release());
  must(archive.writer->call(copy_gone(packed.row.recording_no, 1, archive.standard)));
  archive.copy_to_cold(packed.pack.pack);
  const auto release_warm = [&] {
    return archive.writer->call(release_pack(packed.pack.pack, archive.warm, two, "system"));
  };
  BOOST_TEST((code_of(release_warm()) == Code::kLocked));
  packed.quarantine(archive.warm);
  must(release_warm());
}

BOOST_AUTO_TEST_CASE(P2_only_a_pack_that_no_row_speaks_of_is_a_stray) {
  Packed packed;
  Archive& archive = packed.archive;
  const PackId old = packed.pack.pack;
  const SealedPack fresh = archive.seal_of(archive.random.id<PackId>(), {packed.row});
  const auto stray = [&](const PackId& pack) {
    return archive.writer->call(permit_stray_pack(pack, archive.warm));
  };
  BOOST_TEST((code_of(stray(fresh.pack)) == Code::kConflict));  // nobody rewrites
  must(archive.writer->call(begin_rewrite(old, fresh.pack)));
  BOOST_TEST((code_of(stray(fresh.pack)) == Code::kConflict));  // nothing was written yet
  must(archive.writer->call(rewrite_written(old)));
  BOOST_TEST((code_of(stray(old)) == Code::kConflict));
  BOOST_TEST((code_of(stray(archive.random.id<PackId>())) == Code::kConflict));
  BOOST_CHECK(must(stray(fresh.pack)).pack() == fresh.pack);
  RewrittenPack rewritten;
  rewritten.pack = fresh;
  rewritten.from = old;
  rewritten.mode = VerifyMode::kDirect;
  must(archive.writer->call(rewrite_pack(rewritten, "system")));
  BOOST_TEST((code_of(stray(fresh.pack)) == Code::kConflict));  // it has members
  must(archive.run_sql("UPDATE pack SET state = 2 WHERE sealed_at IS NOT NULL"));
  BOOST_TEST((code_of(stray(fresh.pack)) == Code::kConflict));  // given up, and known
  must(archive.writer->call(pack_gone(old, archive.warm)));
  must(archive.writer->call(finish_rewrite(old)));
  BOOST_TEST((code_of(stray(fresh.pack)) == Code::kConflict));
}

// What a lost medium had is given up where each living member stands; its destroyed ones always.
BOOST_AUTO_TEST_CASE(P2_the_last_copy_of_a_living_member_is_not_given_up) {
  Archive archive;
  archive.furnish();
  const IngestRow dead = archive.ingest("CA1");
  const IngestRow living = archive.ingest("CA2");
  archive.clock.advance(hours(1));
  const SealedPack pack = archive.pack_up({dead, living});
  archive.release_plain(dead.recording_no);
  archive.release_plain(living.recording_no);
  archive.copy_to_cold(pack.pack);
  must(archive.writer->call(condemn(dead.recording_no, "uid:0")));
  must(archive.writer->call(begin_destroying(dead.recording_no, "uid:0")));
  const auto give_up = [&](const MediumId& medium) {
    return archive.writer->call(give_up_lost_pack(pack.pack, medium, "system"));
  };
  BOOST_TEST((code_of(give_up(archive.warm)) == Code::kConflict));  // it is there
  must(archive.writer->call(set_medium_state(archive.warm, MediumState::kOffline, "uid:0")));
  BOOST_TEST((code_of(give_up(archive.warm)) == Code::kConflict));  // away is not lost
  must(archive.writer->call(set_medium_state(archive.warm, MediumState::kLost, "uid:0")));
  must(archive.writer->call(pack_quarantined(pack.pack, archive.cold, "differs", "system")));
  BOOST_TEST(!must(give_up(archive.warm)).has_value());
  BOOST_TEST(archive.count("SELECT count(*) FROM copy") == 3);  // the dead one's on warm went
  BOOST_TEST(must(list_copies(*archive.index, living.recording_no)).size() == 2);
  BOOST_TEST(!must(give_up(archive.warm)).has_value());
  must(archive.writer->call(
      pack_repaired(pack.pack, archive.cold, "7", VerifyMode::kDropped, "system")));
  const auto permit = must(give_up(archive.warm));
  BOOST_REQUIRE(permit.has_value());
  BOOST_CHECK(permit->medium() == archive.warm);
  BOOST_TEST(must(give_up(archive.warm)).has_value());
  must(archive.writer->call(pack_gone(pack.pack, archive.warm)));
  BOOST_TEST(!must(give_up(archive.warm)).has_value());
  // Both disks lost: what is left is the last.
  must(archive.writer->call(set_medium_state(archive.cold, MediumState::kLost, "uid:0")));
  BOOST_TEST(!must(give_up(archive.cold)).has_value());
  BOOST_TEST(must(list_copies(*archive.index, living.recording_no)).size() == 1);
  BOOST_TEST(must(list_copies(*archive.index, dead.recording_no)).empty());
  const RecordingRow row = archive.row_of(dead.recording_no);  // the mover finishes it
  BOOST_TEST((row.tier == Tier::kStandard));
  BOOST_TEST((row.next_action_at == archive.clock.now()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
