// P3 as one table: everything that makes recordings or copies go, against everything that forbids
// it. A new destroyer is a row of kDestroyers, a new lock one of kStates; every pair is tried.
//
// A destroyer of recordings must leave what is locked whole. A destroyer of copies may take one of
// a locked recording (it moves like any other), but never the last good one, and never one whose
// successor was not re-read (P2). Whatever is tried, the lock stands afterwards.
//
// The command line's `rm` and the API's DELETE are the command `condemn`
// (daemon/api/recordings.cc); what they answer is in tests/api and tests/cli.
#include "daemon/work/compactor.h"
#include "daemon/work/copy_check.h"
#include "daemon/work/repairer.h"
#include "index/commands/copies.h"
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "tests/work/retention_rig.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

// What a recording is when it is tried.
struct State {
  std::string name;
  bool locked = false;       // it must not be destroyed
  bool copies_stay = false;  // no other copy proves that one of its copies may go
  void (*enter)(RetentionRig&, const TestCall&, Tier acted_on);
};

// Every good copy but the one that the destroyer acts on is found bad.
void make_last(RetentionRig& rig, const TestCall& call, Tier acted_on) {
  const Recording known = rig.recording(call);
  for (const CopyRow& copy : known.copies) {
    if (copy.tier == acted_on) continue;
    if (copy.pack)
      must(
          rig.archive().writer.call(pack_quarantined(*copy.pack, copy.medium, "a test", "system")));
    else
      must(rig.archive().writer.call(copy_quarantined(known.recording_no, copy.part, copy.medium,
                                                      std::nullopt, "a test", "system")));
  }
}

// Every other copy was written, and never re-read.
void make_unverified(RetentionRig& rig, const TestCall& call, Tier acted_on) {
  const Recording known = rig.recording(call);
  for (const CopyRow& copy : known.copies) {
    if (copy.tier == acted_on) continue;
    const MediumId medium = copy.medium;
    for (const std::string table : {"copy", "pack_copy"}) {
      const std::string sql =
          "UPDATE " + table +
          " SET state = 1, verified_at = NULL, verify_mode = 0 WHERE state = 2 " +
          (table == "copy" ? "AND original = 0 " : "") +
          "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?1)";
      Command<void> forget{"forget a verification", [=](WriteTxn& txn) -> Status {
                             Statement statement = txn.index().prepare(sql);
                             statement.bind(medium);
                             return statement.run();
                           }};
      must(rig.archive().writer.call(forget));
    }
  }
}

const State kStates[] = {
    {"free", false, false, [](RetentionRig&, const TestCall&, Tier) {}},
    {"held", true, false,
     [](RetentionRig& rig, const TestCall& call, Tier) { must(rig.hold(call)); }},
    {"retained in governance mode", true, false,
     [](RetentionRig& rig, const TestCall& call, Tier) { must(rig.retain(call, "decade")); }},
    {"retained in compliance mode", true, false,
     [](RetentionRig& rig, const TestCall& call, Tier) { must(rig.retain(call, "law")); }},
    {"held and retained", true, false,
     [](RetentionRig& rig, const TestCall& call, Tier) {
       must(rig.retain(call, "law"));
       must(rig.hold(call));
     }},
    {"the last copy", false, true, make_last},
    {"unverified elsewhere", false, true, make_unverified},
};

enum class Takes {
  kRecording,  // it destroys recordings
  kCopy,       // it removes a copy, where the guard permits it
  kNothing,    // it may not make anything go, in any state
};

struct Destroyer {
  std::string name;
  Takes takes;
  Tier acts_on;  // where the copy is that it would take
  // Brings the recording to where the destroyer finds it, before it is locked.
  void (*arrange)(RetentionRig&, const TestCall&);
  // Tries; an error is what the guard answered.
  Status (*act)(RetentionRig&, const TestCall&);
};

void stay(RetentionRig&, const TestCall&) {}
void pack_up(RetentionRig& rig, const TestCall&) { rig.pack(); }
void stage(RetentionRig& rig, const TestCall& call) {
  rig.to_warm();
  must(rig.ask(call));
  rig.run_restorers();
}
// On warm and on cold, both verified.
void copy_to_cold(RetentionRig& rig, const TestCall&) {
  rig.to_warm();
  rig.clock.advance(rig.config.warm.copy_after);
  rig.run_mover();
}
// Its retention has ended, and it is due.
void fall_due(RetentionRig& rig, const TestCall& call) {
  must(rig.retain(call, "day"));
  rig.expirer().request_stop();  // this process keeps the clock, and expires nothing yet
  rig.live(days(40));
  rig.end_process();
}
// A pack that was written and does not give its bytes back: bad before it was ever verified.
void write_bad_pack(RetentionRig& rig, const TestCall&) {
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  rig.clock.advance(rig.config.warm.pack_seal_after);
  for (int turn = 0; turn < 20 && rig.files_below(rig.config.warm.path).empty(); ++turn)
    must(rig.mover->run_once(*rig.io));
}
// An index from before whatever comes next.
void copy_index(RetentionRig& rig, const TestCall&) {
  rig.close();
  for (const char* name : {"/index.db", "/index.db-wal"})
    fs::copy_file(rig.config.state_dir + name, rig.directory / std::string(name + 1),
                  fs::copy_options::overwrite_existing);
  rig.open();
}

// It shares its pack with two that are destroyed: the pack is due to be written anew.
void share_with_dead(RetentionRig& rig, void (*settle)(RetentionRig&, const TestCall&)) {
  const TestCall second = rig.ingest("dead-2");
  const TestCall third = rig.ingest("dead-3");
  settle(rig, second);
  for (const TestCall& dead : {second, third}) must(rig.destroy(dead));
}
void leave_dead_on_warm(RetentionRig& rig, const TestCall&) {
  share_with_dead(rig, [](RetentionRig& settled, const TestCall&) { settled.to_warm(); });
}
void leave_dead_on_both(RetentionRig& rig, const TestCall&) { share_with_dead(rig, copy_to_cold); }

PackId pack_of(RetentionRig& rig, const TestCall& call, Tier tier) {
  for (const CopyRow& copy : rig.recording(call).copies)
    if (copy.tier == tier && copy.pack) return *copy.pack;
  BOOST_FAIL("it lies in no pack there");
  return PackId();
}
RestoreRow restore_of(RetentionRig& rig, const TestCall& call) {
  return rig.recording(call).restore.value();
}

Status try_delete(RetentionRig& rig, const TestCall& call) {
  const auto condemned = rig.condemn_now(call);
  if (!condemned.ok()) return condemned.error();
  rig.run_mover();
  return {};
}
Status try_expiry(RetentionRig& rig, const TestCall&) {
  rig.live(days(2));
  rig.run_mover();
  return {};
}
Status try_release(RetentionRig& rig, const TestCall& call) {
  return Remover(rig.archive()).release_standard(*rig.io, rig.recording(call), 1, "system");
}
Status try_release_pack(RetentionRig& rig, const TestCall& call) {
  return Remover(rig.archive())
      .release_warm_pack(*rig.io, pack_of(rig, call, Tier::kWarm), "system");
}
Status try_evict(RetentionRig& rig, const TestCall& call) {
  const RestoreRow restore = restore_of(rig, call);
  rig.clock.advance(days(2));
  return Remover(rig.archive()).evict(*rig.io, restore);
}
Status try_abandon(RetentionRig& rig, const TestCall& call) {
  const PackId pack = pack_of(rig, call, Tier::kWarm);
  const MediumId warm = rig.archive().warm->backend().medium();
  must(rig.archive().writer.call(pack_quarantined(pack, warm, "a test", "system")));
  return Remover(rig.archive()).abandon_pack(*rig.io, pack, warm, "system");
}
Status try_ages(RetentionRig& rig, const TestCall&) {
  rig.clock.advance(days(400));
  rig.run_mover();
  return {};
}
Status try_again(RetentionRig& rig, const TestCall& call) {
  BOOST_TEST((must(rig.try_ingest(call)).verdict == IngestVerdict::kSame));
  TestCall other = call;
  other.files["inbound.ulaw"][17] ^= 1;
  BOOST_TEST((code_of(rig.try_ingest(other)) == Code::kConflict));
  return {};
}
Status try_rebuild(RetentionRig& rig, const TestCall&) {
  rig.lose_index();
  rig.rebuild();
  rig.run_mover();
  return {};
}
Status try_restart(RetentionRig& rig, const TestCall&) {
  rig.reopen();
  rig.run_mover();
  return {};
}
Status try_older_index(RetentionRig& rig, const TestCall&) {
  rig.close();
  fs::remove(rig.config.state_dir + "/index.db-shm");
  for (const char* name : {"/index.db", "/index.db-wal"})
    fs::copy_file(rig.directory / std::string(name + 1), rig.config.state_dir + name,
                  fs::copy_options::overwrite_existing);
  rig.open();
  rig.run_mover();
  return {};
}

void run_compactor(RetentionRig& rig) {
  Compactor compactor(rig.archive());
  for (int turn = 0; turn < 100; ++turn)
    if (!must(compactor.run_once(*rig.io))) return;
  BOOST_ERROR("the compactor does not come to rest");
}
// What only has to wait for another repair is tried again.
void run_repairer(RetentionRig& rig) {
  for (int again = 0; again < 3; ++again) {
    Repairer repairer(rig.archive());
    for (int turn = 0; turn < 100 && must(repairer.run_once(*rig.io)); ++turn) {
    }
    rig.clock.advance(minutes(11));
  }
}
void spoil_pack(RetentionRig& rig, const TestCall& call) {
  for (const std::string& path : rig.files_below(rig.config.warm.path))
    if (path.ends_with(".tar")) rig.flip_byte(path, 3000);
  must(check_pack_copy(*rig.io, rig.archive(), pack_of(rig, call, Tier::kWarm),
                       rig.archive().warm->backend().medium()));
}

Status try_compact(RetentionRig& rig, const TestCall& call) {
  const PackId before = pack_of(rig, call, Tier::kWarm);
  run_compactor(rig);
  for (const char* dead : {"dead-2", "dead-3"}) BOOST_TEST(!must(rig.find(dead)).has_value());
  for (const CopyRow& copy : rig.recording(call).copies) BOOST_TEST((copy.pack != before));
  return {};
}
// A new pack without the recording.
Status try_rewrite_without_it(RetentionRig& rig, const TestCall& call) {
  RewrittenPack lacking;
  lacking.from = pack_of(rig, call, Tier::kWarm);
  lacking.pack.pack = rig.random.id<PackId>();
  lacking.pack.medium = rig.archive().warm->backend().medium();
  lacking.pack.location = "packs/aa/lacking.tar";
  lacking.pack.size = Bytes(262'144);
  lacking.mode = VerifyMode::kDirect;
  const auto permit = rig.archive().writer.call(rewrite_pack(lacking, "system"));
  BOOST_TEST(!permit.ok());
  return permit.ok() ? Status() : Status(permit.error());
}
Status try_as_stray(RetentionRig& rig, const TestCall& call) {
  const PackId old = pack_of(rig, call, Tier::kWarm);
  const MediumId warm = rig.archive().warm->backend().medium();
  Writer& writer = rig.archive().writer;
  BOOST_TEST((code_of(writer.call(permit_stray_pack(old, warm))) == Code::kConflict));
  const PackId fresh = must(writer.call(begin_rewrite(old, rig.random.id<PackId>()))).new_pack;
  must(writer.call(rewrite_written(old)));
  BOOST_TEST((code_of(writer.call(permit_stray_pack(old, warm))) == Code::kConflict));
  run_compactor(rig);
  BOOST_TEST((pack_of(rig, call, Tier::kWarm) == fresh));
  BOOST_TEST((code_of(writer.call(permit_stray_pack(fresh, warm))) == Code::kConflict));
  return {};
}
Status try_permit_copy_repair(RetentionRig& rig, const TestCall& call) {
  const RecordingNo number = rig.recording(call).recording_no;
  const MediumId medium = rig.archive().standard_medium();
  must(rig.archive().writer.call(
      copy_quarantined(number, 1, medium, std::nullopt, "a test", "system")));
  const auto permit = rig.archive().writer.call(permit_copy_repair(number, 1, medium));
  return permit.ok() ? Status() : Status(permit.error());
}
Status try_permit_pack_repair(RetentionRig& rig, const TestCall& call) {
  const PackId pack = pack_of(rig, call, Tier::kWarm);
  const MediumId warm = rig.archive().warm->backend().medium();
  must(rig.archive().writer.call(pack_quarantined(pack, warm, "a test", "system")));
  const auto permit = rig.archive().writer.call(permit_pack_repair(pack, warm));
  return permit.ok() ? Status() : Status(permit.error());
}
Status try_repair_copy(RetentionRig& rig, const TestCall& call) {
  for (const std::string& path : rig.standard_files("outbound.pcm")) rig.flip_byte(path, 99);
  must(check_plain_copy(*rig.io, rig.archive(), PlainCopyKey{rig.recording(call).recording_no, 1}));
  run_repairer(rig);
  return {};
}
Status try_repair_pack(RetentionRig& rig, const TestCall& call) {
  spoil_pack(rig, call);
  run_repairer(rig);
  return {};
}
// No other copy of the pack is good: its members stand on standard, and it goes.
Status try_let_members_stand_elsewhere(RetentionRig& rig, const TestCall& call) {
  const PackId pack = pack_of(rig, call, Tier::kWarm);
  spoil_pack(rig, call);
  run_repairer(rig);
  for (const CopyRow& copy : rig.recording(call).copies) BOOST_TEST((copy.pack != pack));
  rig.run_mover();
  return {};
}

const Destroyer kDestroyers[] = {
    {"deletion, of plain files", Takes::kRecording, Tier::kStandard, stay, try_delete},
    {"deletion, of a packed recording", Takes::kRecording, Tier::kStandard, pack_up, try_delete},
    {"expiry", Takes::kRecording, Tier::kStandard, fall_due, try_expiry},
    {"release of plain files", Takes::kCopy, Tier::kStandard, pack_up, try_release},
    {"release of a warm pack", Takes::kCopy, Tier::kWarm, copy_to_cold, try_release_pack},
    {"eviction of a staged copy", Takes::kCopy, Tier::kStandard, stage, try_evict},
    {"abandoning a new pack", Takes::kNothing, Tier::kWarm, write_bad_pack, try_abandon},
    {"the ages of the policy", Takes::kNothing, Tier::kStandard, pack_up, try_ages},
    {"the same call again", Takes::kNothing, Tier::kStandard, stay, try_again},
    {"a restart", Takes::kNothing, Tier::kStandard, pack_up, try_restart},
    {"a rebuild", Takes::kNothing, Tier::kStandard, pack_up, try_rebuild},
    {"an older index", Takes::kNothing, Tier::kStandard, copy_index, try_older_index},
    {"compaction of a warm pack", Takes::kNothing, Tier::kWarm, leave_dead_on_warm, try_compact},
    {"compaction on two tiers", Takes::kNothing, Tier::kWarm, leave_dead_on_both, try_compact},
    {"a new pack that lacks it", Takes::kNothing, Tier::kWarm, pack_up, try_rewrite_without_it},
    {"the removal of a stray pack", Takes::kNothing, Tier::kWarm, leave_dead_on_warm, try_as_stray},
    {"the permit to replace a plain copy", Takes::kCopy, Tier::kStandard, pack_up,
     try_permit_copy_repair},
    {"the permit to replace a pack", Takes::kCopy, Tier::kWarm, copy_to_cold,
     try_permit_pack_repair},
    {"repair of a plain copy", Takes::kNothing, Tier::kStandard, pack_up, try_repair_copy},
    {"repair of a pack", Takes::kNothing, Tier::kWarm, copy_to_cold, try_repair_pack},
    {"repair that lets a pack go", Takes::kNothing, Tier::kWarm, pack_up,
     try_let_members_stand_elsewhere},
};

void check(const Destroyer& destroyer, const State& state) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  destroyer.arrange(rig, call);
  state.enter(rig, call, destroyer.acts_on);
  const RecordingNo number = rig.recording(call).recording_no;
  const Status acted = destroyer.act(rig, call);

  if (destroyer.takes == Takes::kCopy)
    BOOST_TEST(acted.ok() != state.copies_stay, (acted.ok() ? "" : acted.error().message));
  if (!acted.ok()) BOOST_TEST((acted.error().code == Code::kLocked), acted.error().message);

  const bool may_go = destroyer.takes == Takes::kRecording && !state.locked;
  if (may_go) {
    const auto left = must(rig.find(call.call_sid));
    BOOST_TEST((!left || left->state == RecordingState::kDestroying));
    return;
  }
  BOOST_REQUIRE(rig.is_known(call));
  BOOST_TEST((rig.recording(call).recording_no == number));
  BOOST_TEST((rig.recording(call).state == RecordingState::kLive));
  // A pair may leave no copy that is known to be good: then the others are what there is.
  const std::vector<CopyRow> copies = rig.recording(call).copies;
  if (std::any_of(copies.begin(), copies.end(), [](const CopyRow& copy) {
        return copy.state == CopyState::kVerified || copy.state == CopyState::kStaged ||
               (copy.state == CopyState::kCopied && copy.original);
      }))
    BOOST_TEST(rig.is_kept(call));
  else
    BOOST_TEST(!rig.files_below(rig.config.warm.path).empty());
  if (!state.locked) return;
  // And the lock stands.
  const auto again = rig.condemn_now(call);
  BOOST_REQUIRE(!again.ok());
  BOOST_TEST((again.error().code == Code::kLocked), again.error().message);
}

BOOST_AUTO_TEST_SUITE(P3_locked_means_locked)

BOOST_AUTO_TEST_CASE(P3_no_destroyer_takes_what_is_locked) {
  if (!RetentionRig().can_verify()) return;
  int pairs = 0;
  for (const Destroyer& destroyer : kDestroyers)
    for (const State& state : kStates)
      BOOST_TEST_CONTEXT(destroyer.name << " of what is " << state.name) {
        check(destroyer, state);
        ++pairs;
      }
  std::cout << pairs << " pairs of a destroyer and a state\n";
}

BOOST_AUTO_TEST_CASE(P3_what_was_destroyed_does_not_come_back_by_any_way) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.destroy(call));
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
  rig.lose_index();
  rig.rebuild();
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
  BOOST_TEST(!rig.is_known(call));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
