// P5, P2: what is bad is made good from another copy, is never served meanwhile, and is never
// removed while it is the only one.
#include <sqlite3.h>

#include "index/commands/copies.h"
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

std::string path_of(const RepairRig& rig, const TestCall& call, const std::string& name) {
  for (const std::string& path : rig.standard_files(name))
    if (path.find("/" + call.call_sid + "/") != std::string::npos) return path;
  BOOST_REQUIRE_MESSAGE(false, "no " << name << " of " << call.call_sid);
  return "";
}

BOOST_AUTO_TEST_SUITE(P5_bad_copies_are_repaired)

BOOST_AUTO_TEST_CASE(a_bad_plain_copy_is_made_anew_from_its_pack) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const std::string path = path_of(rig, call, "outbound.pcm");
  rig.flip_byte(path, 99);
  std::filesystem::remove(path_of(rig, call, "inbound.ulaw"));
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kCorrupt));
  BOOST_TEST(!rig.is_readable(call));
  rig.repair();
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kVerified));
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST(rig.files_below(rig.config.standard.path + "/standard/.repair").empty());
  // It goes on its way as every other.
  rig.release_standard();
  BOOST_TEST(!rig.state_on(call, Tier::kStandard).has_value());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_bad_description_is_made_anew_too) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const std::string path = path_of(rig, call, "recording.json");
  const std::string whole = rig.bytes_of(path);
  std::ofstream(path, std::ios::trunc) << "{}";
  const Recording known = rig.recording(call);
  must(check_plain_copy(*rig.io, rig.archive(), PlainCopyKey{known.recording_no, 1}));
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kQuarantined));
  rig.repair();
  BOOST_TEST((rig.bytes_of(path) == whole));
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kVerified));
}

BOOST_AUTO_TEST_CASE(one_whose_time_on_the_tier_is_over_leaves_instead) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.flip_byte(path_of(rig, call, "outbound.pcm"), 99);
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
  rig.clock.advance(rig.config.standard.release_after);
  rig.repair();
  BOOST_TEST(!rig.state_on(call, Tier::kStandard).has_value());
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_bad_warm_pack_is_made_anew_from_cold) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_both();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  const std::string whole = rig.bytes_of(warm);
  rig.flip_byte(warm, 3000);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST((rig.recording(call).tier == Tier::kCold));
  rig.repair();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST((rig.recording(call).tier == Tier::kWarm));
  BOOST_TEST((rig.bytes_of(warm) == whole));
  BOOST_TEST(rig.quarantined() == 0);
  // The policy knows it again: it leaves warm in its time.
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((rig.recording(call).tier == Tier::kCold));
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_bad_cold_pack_is_made_anew_from_warm) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_both();
  const std::string whole = rig.bytes_of(rig.only_pack(rig.config.warm.path));
  rig.flip_byte(rig.only_pack(rig.config.cold->path), 5000);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kQuarantined));
  rig.repair();
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kVerified));
  BOOST_TEST((rig.bytes_of(rig.only_pack(rig.config.cold->path)) == whole));
  BOOST_TEST(rig.quarantined() == 0);
}

BOOST_AUTO_TEST_CASE(a_member_that_a_restore_found_bad_has_its_pack_repaired) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  const TestCall other = rig.ingest();
  rig.to_both();
  PackSpan audio;
  for (const CopyRow& copy : rig.recording(call).copies)
    if (copy.tier == Tier::kWarm) audio = copy.audio.value();
  rig.flip_byte(rig.only_pack(rig.config.warm.path), audio.offset.count + 600);
  must(rig.ask(call));
  rig.run_restorers();
  BOOST_TEST(rig.is_whole(call));  // from cold
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST((rig.state_on(other, Tier::kWarm) == CopyState::kVerified));
  rig.repair();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST((rig.state_on(other, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST(rig.quarantined() == 0);
}

BOOST_AUTO_TEST_CASE(what_was_never_bad_is_good_again_without_being_written) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const Recording known = rig.recording(call);
  const CopyRow copy = known.copies.at(0);
  must(rig.archive().writer.call(
      pack_quarantined(copy.pack.value(), copy.medium, "a cable was loose", "system")));
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  rig.repair();  // it lies nowhere else
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(the_only_copy_stays_and_is_told_and_is_never_served) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  rig.flip_byte(warm, 3000);
  const std::string bad = rig.bytes_of(warm);
  rig.scrub_later();
  rig.repair();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST(rig.quarantined() == 1);
  BOOST_TEST(rig.open_rows().at(0).attempts == 1);
  BOOST_TEST(rig.open_rows().at(0).error.find("no other good copy") != std::string::npos);
  BOOST_TEST((rig.bytes_of(warm) == bad));
  for (int day = 0; day < 40; ++day) {
    rig.clock.advance(days(1));
    rig.run_mover();
    rig.repair();
  }
  BOOST_TEST((rig.bytes_of(warm) == bad));
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
  BOOST_TEST(rig.open_rows().at(0).attempts > 10);
  // A person puts the right bytes there.
  rig.flip_byte(warm, 3000);
  rig.clock.advance(days(2));
  rig.repair();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(members_that_stand_on_standard_are_packed_anew) {
  RepairRig rig([](Config& config) {
    config.standard.release_after = days(300);
    config.warm.copy_after = days(400);
    config.warm.release_after = days(401);
  });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const std::string first = rig.only_pack(rig.config.warm.path);
  rig.flip_byte(first, 3000);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  rig.repair();
  BOOST_TEST(!std::filesystem::exists(first));
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_whole(call));
  rig.run_mover();
  rig.clock.advance(rig.config.warm.pack_seal_after);
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
}

// Rows say that its members were read back on standard; just now nobody can.
BOOST_AUTO_TEST_CASE(P2_a_bad_pack_stays_until_its_members_are_proven) {
  RepairRig rig([](Config& config) {
    config.standard.release_after = days(300);
    config.warm.copy_after = days(400);
    config.warm.release_after = days(401);
  });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const std::string pack = rig.only_pack(rig.config.warm.path);
  rig.flip_byte(pack, 3000);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kVerified));
  // The disk is going: first a file, then its label.
  const std::string file = rig.standard_files("outbound.pcm").at(0);
  const std::string label = rig.config.standard.path + "/holdfast-label.json";
  for (const std::string& path : {file, label}) std::filesystem::rename(path, path + ".away");
  for (int i = 0; i < 3; ++i) {
    rig.repair();
    BOOST_TEST(std::filesystem::exists(pack));
    BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
    rig.clock.advance(minutes(11));
  }
  for (const std::string& path : {file, label}) std::filesystem::rename(path + ".away", path);
  rig.repair();
  BOOST_TEST(!std::filesystem::exists(pack));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_bad_staged_copy_goes) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  BOOST_TEST(rig.is_kept(call));
  for (const std::string& path : rig.staged_files())
    if (path.ends_with("/outbound.pcm")) rig.flip_byte(path, 5);
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
  rig.repair();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(P5_a_damaged_index)

// Every page but the first few is overwritten: whatever is asked is refused with what helps, no
// copy is taken to be bad because of it, and the rebuilt index has everything.
BOOST_AUTO_TEST_CASE(a_damaged_index_is_refused_and_blames_no_copy) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(rig.ingest());
  rig.to_both();
  const std::set<std::string> before = rig.files_below(rig.config.warm.path);
  rig.close();
  // What is committed goes from the log into the file itself.
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open((rig.config.state_dir + "/index.db").c_str(), &handle) == SQLITE_OK);
  BOOST_REQUIRE(sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr,
                             nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  {
    std::fstream file(rig.config.state_dir + "/index.db",
                      std::ios::in | std::ios::out | std::ios::binary);
    const std::string rubbish(4096, '\xa5');
    const auto size =
        static_cast<int64_t>(std::filesystem::file_size(rig.config.state_dir + "/index.db"));
    for (int64_t page = 4; (page + 1) * 4096 <= size; ++page) {
      file.seekp(page * 4096);
      file.write(rubbish.data(), static_cast<std::streamsize>(rubbish.size()));
    }
  }
  Status refused = rig.try_open();
  if (refused.ok()) {
    const Result<bool> turn = rig.mover->run_once(*rig.io);
    if (!turn.ok()) refused = turn.error();
  }
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == Code::kUnavailable));
  BOOST_TEST(refused.error().message.find("holdfastd rebuild --anew") != std::string::npos,
             refused.error().message);
  rig.close();
  RebuildOptions options;
  options.anew = true;
  rig.rebuild(options);
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST((rig.files_below(rig.config.warm.path) == before));
  for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(P2_nothing_gives_way_before_its_successor_is_proven)

BOOST_AUTO_TEST_CASE(the_guard_permits_no_repair_without_another_verified_copy) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const Recording known = rig.recording(call);
  const CopyRow copy = known.copies.at(0);
  const PackId pack = copy.pack.value();
  BOOST_TEST((code_of(rig.archive().writer.call(permit_pack_repair(pack, copy.medium))) ==
              Code::kConflict));  // it is not bad
  must(rig.archive().writer.call(pack_quarantined(pack, copy.medium, "bad", "system")));
  BOOST_TEST(
      (code_of(rig.archive().writer.call(permit_pack_repair(pack, copy.medium))) == Code::kLocked));
  BOOST_TEST((code_of(rig.archive().writer.call(
                  permit_copy_repair(known.recording_no, 1, copy.medium))) == Code::kLocked));
  BOOST_TEST(
      (code_of(rig.archive().writer.call(pack_repaired(
           pack, copy.medium, copy.location, VerifyMode::kNone, "system"))) == Code::kInvalid));
}

// Killed at every operation of a repair: the next start has the bad copy or the good one, and the
// repair begins anew.
void kill_at_each_point(const std::function<void(RepairRig&)>& prepare, Tier tier) {
  for (int n = 0;; n += 3) {
    RepairRig rig;
    if (!rig.can_verify()) return;
    const TestCall call = rig.ingest();
    prepare(rig);
    BOOST_REQUIRE_EQUAL(rig.quarantined(), 1);
    FaultAt dead(n, true);
    rig.faults.aim(&dead);
    {
      Repairer repairer(rig.archive());
      static_cast<void>(repairer.run_once(*rig.io));
    }
    rig.reopen();
    BOOST_TEST_CONTEXT("killed at point " << n << ", " << dead.fired_at()) {
      rig.clock.advance(hours(25));  // whatever was waited for
      rig.repair();
      BOOST_TEST(rig.quarantined() == 0);
      BOOST_TEST((rig.state_on(call, tier) == CopyState::kVerified));
      BOOST_TEST(rig.is_kept(call));
      BOOST_TEST(rig.files_below(rig.config.standard.path + "/standard/.repair").empty());
    }
    if (!dead.fired()) {
      BOOST_TEST_MESSAGE(n << " points");
      BOOST_TEST(n > 10);
      return;
    }
  }
}

BOOST_AUTO_TEST_CASE(a_repair_of_a_warm_pack_is_killed_anywhere) {
  kill_at_each_point(
      [](RepairRig& rig) {
        rig.to_both();
        rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
        rig.scrub_later();
      },
      Tier::kWarm);
}

BOOST_AUTO_TEST_CASE(a_repair_of_a_cold_pack_is_killed_anywhere) {
  kill_at_each_point(
      [](RepairRig& rig) {
        rig.to_both();
        rig.flip_byte(rig.only_pack(rig.config.cold->path), 3000);
        rig.scrub_later();
      },
      Tier::kCold);
}

BOOST_AUTO_TEST_CASE(a_repair_of_plain_files_is_killed_anywhere) {
  kill_at_each_point(
      [](RepairRig& rig) {
        Config config = rig.config;
        config.standard.release_after = days(300);
        rig.config.standard.release_after = days(300);
        rig.apply(config);
        rig.pack();
        rig.flip_byte(rig.standard_files("outbound.pcm").at(0), 99);
        rig.clock.advance(config.scrub.every);
        rig.scrub();
      },
      Tier::kStandard);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
