// The mover: does what the plan says, both ages, limits of packs, failures that stay visible.
#include <algorithm>

#include "daemon/work/policy_input.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

std::vector<PlannedStep> plan(ArchiveFixture& rig) {
  auto index = must(rig.archive().index.take());
  const DueRows rows = must(gather_due_rows(*rig.io, rig.archive(), *index, rig.clock.now()));
  return plan_steps(rows.input, rig.archive().policy(), rig.clock.now());
}

size_t count(const std::vector<PlannedStep>& steps, StepKind kind) {
  return static_cast<size_t>(std::count_if(
      steps.begin(), steps.end(), [&](const PlannedStep& step) { return step.kind == kind; }));
}

std::vector<PackRow> all_open_packs(ArchiveFixture& rig) {
  auto index = must(rig.archive().index.take());
  return must(open_packs(*index));
}

BOOST_AUTO_TEST_SUITE(moving)

BOOST_AUTO_TEST_CASE(a_call_lives_through_all_tiers_and_comes_back) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  BOOST_TEST(rig.is_whole(call));
  rig.to_cold();
  const Recording known = rig.recording(call);
  BOOST_TEST((known.tier == Tier::kCold));
  BOOST_REQUIRE_EQUAL(known.copies.size(), 1);
  BOOST_TEST((known.copies[0].state == CopyState::kVerified));
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST(rig.files_below(rig.config.standard.path).empty());
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.files_below(rig.config.cold->path).size() == 1);
  BOOST_TEST(rig.moves().empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(copied_early_and_released_late) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.clock.advance(rig.config.standard.copy_after);
  rig.clock.advance(Millis(-1));
  rig.run_mover();
  BOOST_TEST(!rig.state_on(call, Tier::kWarm).has_value());
  rig.clock.advance(Millis(1));
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kPlanned));
  rig.clock.advance(rig.config.warm.pack_seal_after);
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  // Both copies stand until the call is old enough, counted from its end.
  const int64_t age = rig.clock.now().count - rig.recording(call).ended_at.count;
  rig.clock.advance(Millis(rig.config.standard.release_after.count - age - 1));
  rig.run_mover();
  BOOST_TEST(rig.is_readable(call));
  rig.clock.advance(Millis(1));
  rig.run_mover();
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST((rig.recording(call).tier == Tier::kWarm));
}

// At each of many times of a busy day the mover does what the plan of that time says: the same
// recordings leave, the same packs are written, released and evicted.
BOOST_AUTO_TEST_CASE(the_mover_does_what_the_plan_says) {
  ArchiveFixture rig([](Config& config) { config.warm.pack_members_max = 3; });
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  size_t seen[6] = {};
  // About seven hours: a warm pack is released at three, and no seed may make the day too short.
  for (int step = 0; step < 120; ++step) {
    if (step < 20 && step % 2 == 0) calls.push_back(rig.ingest());
    if (step == 40) must(rig.ask(calls[0], minutes(30)));
    rig.run_restorers();
    rig.clock.advance(minutes(static_cast<int64_t>(1 + rig.random.below(6))));
    const std::vector<PlannedStep> steps = plan(rig);
    BOOST_TEST((steps == plan(rig)));  // looking changes nothing
    const size_t moves_before = rig.moves().size();
    std::vector<std::pair<RecordingId, int>> leaving;
    for (const PlannedStep& one : steps) {
      ++seen[static_cast<size_t>(one.kind)];
      if (one.kind == StepKind::kReleaseStandard) leaving.emplace_back(*one.recording, one.part);
    }
    std::set<RecordingId> on_standard_before;
    for (const TestCall& call : calls)
      if (rig.state_on(call, Tier::kStandard) &&
          rig.state_on(call, Tier::kStandard) != CopyState::kStaged)
        on_standard_before.insert(rig.recording(call).recording);
    must(rig.mover->run_once(*rig.io));
    for (const TestCall& call : calls) {
      const Recording known = rig.recording(call);
      const bool left = on_standard_before.contains(known.recording) &&
                        !rig.state_on(call, Tier::kStandard).has_value();
      const bool planned = std::any_of(leaving.begin(), leaving.end(), [&](const auto& part) {
        return part.first == known.recording;
      });
      BOOST_TEST(left == planned);
      // Whoever was to be given a place in a pack has one.
      for (const PlannedStep& one : steps)
        if (one.kind == StepKind::kAssignToPack && *one.recording == known.recording)
          BOOST_TEST(rig.state_on(call, Tier::kWarm).has_value());
    }
    for (const PlannedStep& one : steps) {
      if (!one.pack || !one.pack->existing) continue;
      auto index = must(rig.archive().index.take());
      const auto moves = must(moves_of_pack(*index, *one.pack->existing));
      if (one.kind == StepKind::kSealPack) BOOST_TEST(!moves.empty());
      if (one.kind == StepKind::kCopyPackToCold) BOOST_TEST(moves.size() == 2);
      if (one.kind == StepKind::kReleaseWarmPack)
        BOOST_TEST(must(pack_copies(*index, *one.pack->existing)).size() == 1);
    }
    // No pack is begun that the plan does not speak of.
    const size_t begun =
        count(steps, StepKind::kSealPack) + count(steps, StepKind::kCopyPackToCold);
    BOOST_TEST(rig.moves().size() <= moves_before + begun);
  }
  for (const StepKind kind :
       {StepKind::kAssignToPack, StepKind::kSealPack, StepKind::kReleaseStandard,
        StepKind::kCopyPackToCold, StepKind::kReleaseWarmPack, StepKind::kEvictStaged})
    BOOST_TEST(seen[static_cast<size_t>(kind)] > 0, word(kind) << " never came up");
  for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_pack_seals_when_it_has_its_members) {
  ArchiveFixture rig([](Config& config) { config.warm.pack_members_max = 2; });
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(rig.ingest());
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  std::set<PackId> packs;
  int verified = 0;
  for (const TestCall& call : calls)
    if (rig.state_on(call, Tier::kWarm) == CopyState::kVerified) ++verified;
  BOOST_TEST(verified == 4);
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 2);
}

BOOST_AUTO_TEST_CASE(a_pack_seals_at_its_size) {
  ArchiveFixture rig([](Config& config) { config.warm.pack_size_max = Bytes(30'000); });
  if (!rig.can_verify()) return;
  const TestCall first = rig.ingest();  // about 20 kB each
  const TestCall second = rig.ingest();
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  BOOST_TEST(!rig.files_below(rig.config.warm.path).empty());
  rig.clock.advance(rig.config.warm.pack_seal_after);
  rig.run_mover();
  BOOST_TEST((rig.state_on(first, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST((rig.state_on(second, Tier::kWarm) == CopyState::kVerified));
}

BOOST_AUTO_TEST_CASE(the_65th_cohort_seals_the_oldest) {
  ArchiveFixture rig([](Config& config) {
    config.warm.cohort_per_workspace = true;
    config.warm.pack_seal_after = days(1);
  });
  if (!rig.can_verify()) return;
  const WorkspaceId own = rig.workspace;
  std::vector<WorkspaceId> workspaces;
  std::vector<TestCall> calls;
  for (int i = 0; i < 65; ++i) {
    rig.workspace = i == 0 ? own : rig.random.id<WorkspaceId>();
    workspaces.push_back(rig.workspace);
    TestCall call;
    call.call_sid = "CA" + std::to_string(i);
    call.files["note.txt"] = "cohort " + std::to_string(i);
    must(rig.try_ingest(call));
    calls.push_back(call);
    rig.clock.advance(seconds(1));
    if (i != 63) continue;
    rig.clock.advance(rig.config.standard.copy_after);
    rig.run_mover();
    BOOST_TEST(all_open_packs(rig).size() == 64);
    BOOST_TEST(rig.moves().empty());
  }
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  BOOST_TEST(all_open_packs(rig).size() == 64);
  int verified = 0;
  for (size_t i = 0; i < 64; ++i) {
    rig.workspace = workspaces[i];
    if (rig.state_on(calls[i], Tier::kWarm) == CopyState::kVerified) ++verified;
  }
  BOOST_TEST(verified == 1);
  rig.workspace = workspaces[64];
  BOOST_TEST((rig.state_on(calls[64], Tier::kWarm) == CopyState::kPlanned));
}

BOOST_AUTO_TEST_CASE(a_hundred_cohorts_at_once_leave_64_packs_open) {
  ArchiveFixture rig([](Config& config) {
    config.warm.cohort_per_workspace = true;
    config.warm.pack_seal_after = days(1);
  });
  if (!rig.can_verify()) return;
  for (int i = 0; i < 100; ++i) {
    rig.workspace = rig.random.id<WorkspaceId>();
    TestCall call;
    call.call_sid = "CA1";
    call.files["note.txt"] = "cohort";
    must(rig.try_ingest(call));
  }
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  BOOST_TEST(all_open_packs(rig).size() == 64);
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 36);
}

BOOST_AUTO_TEST_CASE(a_later_part_follows_the_first) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  TestCall part;
  part.call_sid = call.call_sid;
  part.files["transcript.json"] = "{\"text\":\"hello\"}";
  BOOST_TEST((must(rig.try_ingest(part)).part == 2));
  BOOST_TEST(rig.is_whole(part));  // and the first part is archived
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST(rig.is_kept(call));
  rig.clock.advance(hours(25));
  rig.run_mover();
  rig.clock.advance(rig.config.warm.pack_seal_after);
  rig.run_mover();
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  rig.clock.advance(hours(1));
  rig.run_mover();
  BOOST_TEST(!rig.is_readable(part));
  BOOST_TEST((rig.recording(call).tier != Tier::kStandard));
  BOOST_TEST(rig.is_kept(call));
  BOOST_TEST(rig.is_whole(part));
}

BOOST_AUTO_TEST_CASE(a_move_that_fails_backs_off_stays_visible_and_goes_on) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const std::string away = rig.directory / "away";
  std::filesystem::rename(rig.config.cold->path, away);
  rig.clock.advance(rig.config.warm.copy_after);
  Millis last{0};
  for (int attempt = 1; attempt <= 4; ++attempt) {
    rig.run_mover();
    const std::vector<MoveRow> moves = rig.moves();
    BOOST_REQUIRE_EQUAL(moves.size(), 1);
    const MoveRow& move = moves.front();
    BOOST_TEST(move.attempts == attempt);
    BOOST_TEST(!move.error.empty());
    const Millis wait = move.not_before.value() - rig.clock.now();
    BOOST_TEST((wait > last));
    last = wait;
    rig.run_mover();  // too early: not tried
    BOOST_TEST(rig.moves().front().attempts == attempt);
    rig.clock.advance(wait);
  }
  // The archive starts without the shelf, and nothing was released.
  rig.reopen();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST(rig.is_kept(call));
  std::filesystem::rename(away, rig.config.cold->path);
  rig.clock.advance(hours(5));
  rig.run_mover();
  BOOST_TEST((rig.recording(call).copies.size() == 2));  // the staged one and that on cold
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kVerified));
  BOOST_TEST(rig.moves().empty());
}

BOOST_AUTO_TEST_CASE(a_foreign_shelf_is_refused) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const std::string label = rig.config.cold->path + "/holdfast-label.json";
  Label foreign = must(read_label(*rig.io, rig.config.cold->path));
  foreign.archive = rig.random.id<ArchiveId>();
  std::filesystem::remove(label);
  must(init_label(*rig.io, rig.config.cold->path, foreign));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST(rig.files_below(rig.config.cold->path).empty());
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  rig.crash();
  must(rig.try_open());  // that tier is offline, the archive is not
  BOOST_TEST((code_of(rig.archive().cold->backend().attach(*rig.io)) == Code::kUnavailable));
}

BOOST_AUTO_TEST_CASE(a_removal_that_fails_is_finished_by_a_later_turn) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.clock.advance(rig.config.standard.release_after);
  EachFails no_unlink("unlink");
  rig.faults.aim(&no_unlink);
  static_cast<void>(rig.mover->run_once(*rig.io).ok());
  rig.faults.aim(nullptr);
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kReleasing));
  rig.run_mover();
  BOOST_TEST(!rig.state_on(call, Tier::kStandard).has_value());
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(rig.is_kept(call));
}

// The same archive under another configuration, which outlives what is given back.
Archive under(const Archive& archive, const LiveConfig& live) {
  return Archive{live,
                 archive.clock,
                 archive.random,
                 archive.id,
                 archive.standard_root,
                 archive.standard,
                 archive.writer,
                 archive.index,
                 archive.source,
                 archive.digests,
                 archive.changes,
                 archive.part_turns,
                 archive.live_parts,
                 archive.placing,
                 archive.left_parts,
                 archive.left_in_trash,
                 archive.live_calls,
                 archive.recalls,
                 archive.reserve,
                 archive.gate,
                 archive.meters,
                 archive.warm,
                 archive.cold};
}

BOOST_AUTO_TEST_CASE(over_the_high_watermark_what_is_verified_elsewhere_leaves_early) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall packed = rig.ingest();
  rig.pack();
  const TestCall fresh = rig.ingest();
  Config marks = rig.archive().config();
  marks.standard.watermark_high = 100;
  LiveConfig live(marks);
  must(Movers(under(rig.archive(), live)).run_once(*rig.io));
  BOOST_TEST(rig.is_readable(packed));  // nothing is over 100 %
  marks.standard.watermark_high = 0;
  marks.standard.watermark_low = 0;
  live.replace(marks);
  const Archive full = under(rig.archive(), live);
  {
    auto index = must(full.index.take());
    const DueRows rows = must(gather_due_rows(*rig.io, full, *index, rig.clock.now()));
    const auto steps = plan_steps(rows.input, live.policy(), rig.clock.now());
    BOOST_TEST(count(steps, StepKind::kReleaseStandard) == 1);
  }
  must(Movers(full).run_once(*rig.io));
  BOOST_TEST(!rig.is_readable(packed));
  BOOST_TEST(rig.is_whole(fresh));  // it has no other copy, whatever the disk says
  BOOST_TEST(rig.is_kept(packed));
}

// Three workspaces: the ages of all, ages of its own, and never to cold.
BOOST_AUTO_TEST_CASE(workspaces_move_by_their_own_rules) {
  const WorkspaceId early = WorkspaceId::from_text("00000000-0000-4000-8000-000000000001").value();
  const WorkspaceId stays = WorkspaceId::from_text("00000000-0000-4000-8000-000000000002").value();
  ArchiveFixture rig([&](Config& config) {
    config.warm.release_after = hours(20);
    WorkspaceConfig rule{early,       minutes(1), minutes(10), minutes(30),
                         minutes(40), true,       hours(1),    std::nullopt};
    config.workspaces.push_back(rule);
    rule.workspace = stays;
    rule.cold = false;
    config.workspaces.push_back(rule);
  });
  if (!rig.can_verify()) return;
  const WorkspaceId common = rig.workspace;
  std::map<WorkspaceId, TestCall> calls;
  for (const WorkspaceId& workspace : {common, early, stays}) {
    rig.workspace = workspace;
    calls[workspace] = rig.ingest();
  }
  const auto tier_of = [&](const WorkspaceId& workspace) {
    rig.workspace = workspace;
    return rig.recording(calls[workspace]).tier;
  };
  rig.pack();
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 3);  // none shares one
  for (const auto& [workspace, call] : calls) BOOST_TEST((tier_of(workspace) == Tier::kStandard));
  rig.clock.advance(minutes(10));
  rig.run_mover();
  BOOST_TEST((tier_of(common) == Tier::kStandard));
  BOOST_TEST((tier_of(early) == Tier::kWarm));
  BOOST_TEST((tier_of(stays) == Tier::kWarm));
  rig.clock.advance(hours(1));
  rig.run_mover();
  rig.clock.advance(minutes(1));
  rig.run_mover();
  BOOST_TEST((tier_of(common) == Tier::kWarm));
  BOOST_TEST((tier_of(early) == Tier::kCold));
  rig.clock.advance(hours(48));
  rig.run_mover();
  rig.clock.advance(minutes(10));
  rig.run_mover();
  BOOST_TEST((tier_of(common) == Tier::kCold));
  BOOST_TEST((tier_of(stays) == Tier::kWarm));
  for (const auto& [workspace, call] : calls) {
    rig.workspace = workspace;
    BOOST_TEST(rig.is_kept(call));
  }
}

// The fullest disk that anybody sees has the reserve left.
BOOST_AUTO_TEST_CASE(moves_and_restores_leave_the_reserve_free) {
  const Bytes everything(int64_t{1} << 60);
  ArchiveFixture rig([](Config& config) { config.warm.copy_after = days(30); });
  if (!rig.can_verify()) return;
  const TestCall packed = rig.ingest();
  rig.to_warm();
  rig.config.disk_reserve = everything;
  rig.reopen();
  const TestCall call = rig.ingest();  // reserved for this, too
  const RestoreOutcome asked = must(rig.ask(packed));
  rig.run_restorers();
  BOOST_TEST((rig.restore(asked.restore.restore).state == RestoreState::kQueued));
  rig.pack();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kPlanned));
  BOOST_REQUIRE_EQUAL(rig.moves().size(), 1);
  BOOST_TEST(rig.moves()[0].error.find("policy.disk_reserve") != std::string::npos);
  BOOST_TEST(rig.staged_files().empty());
  rig.config.disk_reserve = Bytes(0);
  rig.reopen();
  rig.clock.advance(hours(5));
  rig.run_mover();
  rig.run_restorers();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST(rig.is_whole(packed));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
