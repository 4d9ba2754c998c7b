// What moves, when and why.
#include "tiers/policy.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "tests/support/seeded_random.h"

using namespace holdfast;

namespace {

constexpr UnixMillis kEnd(1'790'000'000'000);  // of the call

PolicySettings settings() {
  PolicySettings settings;
  settings.has_cold = true;
  return settings;
}

struct Rows {
  SeededRandom random;
  PolicyInput input;

  PolicyPart& part(UnixMillis ended, int64_t bytes = 1000, const std::string& cohort = "a") {
    PolicyPart part;
    part.recording = random.id<RecordingId>();
    part.bytes = Bytes(bytes);
    part.age_from = ended;
    part.cohort = cohort;
    input.standard.push_back(part);
    return input.standard.back();
  }
  PolicyOpenPack& open_pack(UnixMillis opened, const std::string& cohort = "a", int64_t bytes = 10,
                            int members = 1) {
    input.open_packs.push_back({random.id<PackId>(), cohort, Bytes(bytes), members, opened});
    return input.open_packs.back();
  }
};

std::vector<PlannedStep> of_kind(const std::vector<PlannedStep>& steps, StepKind kind) {
  std::vector<PlannedStep> found;
  for (const PlannedStep& step : steps)
    if (step.kind == kind) found.push_back(step);
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_call_is_copied_early_to_the_second) {
  Rows rows;
  rows.part(kEnd);
  BOOST_TEST(plan_steps(rows.input, settings(), kEnd + minutes(15) - Millis(1)).empty());
  const auto steps = plan_steps(rows.input, settings(), kEnd + minutes(15));
  BOOST_REQUIRE(steps.size() == 1u);
  BOOST_TEST((steps[0].kind == StepKind::kAssignToPack));
  BOOST_TEST((steps[0].recording == rows.input.standard[0].recording));
  BOOST_TEST((steps[0].when == kEnd + minutes(15)));
  BOOST_TEST((steps[0].pack == PackRef{std::nullopt, 0}));
  BOOST_TEST(steps[0].bytes.count == 1000);
  BOOST_TEST(steps[0].why == "The call ended 15 min before: its first copy on warm is due.");
}

BOOST_AUTO_TEST_CASE(p2_a_call_is_released_late_and_only_when_it_is_proven_elsewhere) {
  Rows rows;
  PolicyPart& part = rows.part(kEnd);
  part.pack = rows.random.id<PackId>();
  BOOST_TEST(plan_steps(rows.input, settings(), kEnd + days(300)).empty());
  part.verified_newer = 1;
  BOOST_TEST(plan_steps(rows.input, settings(), kEnd + days(3) - Millis(1)).empty());
  const auto steps = plan_steps(rows.input, settings(), kEnd + days(3));
  BOOST_REQUIRE(steps.size() == 1u);
  BOOST_TEST((steps[0].kind == StepKind::kReleaseStandard));
  BOOST_TEST(steps[0].why == "The call ended 3 d before and 1 verified copy lies elsewhere.");
  PolicySettings two = settings();
  two.copies_before_release = 2;
  BOOST_TEST(plan_steps(rows.input, two, kEnd + days(300)).empty());
  two.copies_before_release = 0;  // never without any
  part.verified_newer = 0;
  BOOST_TEST(plan_steps(rows.input, two, kEnd + days(300)).empty());
}

BOOST_AUTO_TEST_CASE(a_pack_seals_at_size_members_or_age) {
  const auto seals = [](const PolicyInput& input, const PolicySettings& with, UnixMillis until) {
    return of_kind(plan_steps(input, with, until), StepKind::kSealPack);
  };
  Rows by_age;
  by_age.open_pack(kEnd);
  BOOST_TEST(seals(by_age.input, settings(), kEnd + hours(6) - Millis(1)).empty());
  BOOST_TEST(seals(by_age.input, settings(), kEnd + hours(6)).size() == 1u);
  Rows by_size;
  by_size.open_pack(kEnd, "a", int64_t{1} << 30);
  BOOST_TEST(seals(by_size.input, settings(), kEnd).size() == 1u);
  Rows by_members;
  by_members.open_pack(kEnd, "a", 10, 10'000);
  BOOST_TEST(seals(by_members.input, settings(), kEnd).size() == 1u);
  Rows empty;
  empty.open_pack(kEnd, "a", 0, 0);
  BOOST_TEST(seals(empty.input, settings(), kEnd + days(30)).empty());
}

BOOST_AUTO_TEST_CASE(members_gather_by_cohort_and_a_full_pack_makes_room) {
  Rows rows;
  PolicySettings small = settings();
  small.pack_bytes_max = Bytes(1000);
  const PackId open = rows.open_pack(kEnd, "a", 500).pack;
  rows.part(kEnd, 400, "a");                // fits: 900
  rows.part(kEnd + seconds(1), 400, "a");   // does not: a new pack
  rows.part(kEnd + seconds(2), 400, "b");   // another cohort: another pack
  rows.part(kEnd + seconds(3), 5000, "c");  // larger than any pack: one of its own, sealed
  const auto steps = plan_steps(rows.input, small, kEnd + minutes(20));
  const auto assigned = of_kind(steps, StepKind::kAssignToPack);
  BOOST_REQUIRE(assigned.size() == 4u);
  BOOST_TEST((assigned[0].pack == PackRef{open, -1}));
  BOOST_TEST((assigned[1].pack == PackRef{std::nullopt, 0}));
  BOOST_TEST((assigned[2].pack == PackRef{std::nullopt, 1}));
  BOOST_TEST((assigned[3].pack == PackRef{std::nullopt, 2}));
  const auto sealed = of_kind(steps, StepKind::kSealPack);
  BOOST_REQUIRE(sealed.size() == 2u);
  const bool first_is_open = sealed[0].pack == PackRef{open, -1};
  BOOST_TEST((sealed[first_is_open ? 0 : 1].pack == PackRef{open, -1}));
  BOOST_TEST(sealed[first_is_open ? 0 : 1].bytes.count == 900);
  BOOST_TEST((sealed[first_is_open ? 1 : 0].pack == PackRef{std::nullopt, 2}));
}

BOOST_AUTO_TEST_CASE(a_65th_cohort_seals_the_oldest_pack) {
  Rows rows;
  std::vector<PackId> open;
  for (int i = 0; i < limits::kOpenPacksMax; ++i)
    open.push_back(rows.open_pack(kEnd + seconds(100 - i), "cohort " + std::to_string(i)).pack);
  rows.part(kEnd, 10, "cohort 65");
  const auto steps = plan_steps(rows.input, settings(), kEnd + minutes(16));
  const auto sealed = of_kind(steps, StepKind::kSealPack);
  BOOST_REQUIRE(sealed.size() == 1u);
  BOOST_TEST((sealed[0].pack == PackRef{open.back(), -1}));
}

BOOST_AUTO_TEST_CASE(packs_go_to_cold_by_their_oldest_and_leave_warm_by_their_youngest) {
  Rows rows;
  PolicyWarmPack pack;
  pack.pack = rows.random.id<PackId>();
  pack.bytes = Bytes(1'000'000);
  add_member(pack, kEnd + hours(5), settings().common);
  add_member(pack, kEnd, settings().common);
  const auto steps = [&](UnixMillis until) {
    rows.input.warm_packs = {pack};
    return plan_steps(rows.input, settings(), until);
  };
  BOOST_TEST(steps(kEnd + days(30) - Millis(1)).empty());
  BOOST_REQUIRE(steps(kEnd + days(30)).size() == 1u);
  BOOST_TEST((steps(kEnd + days(30))[0].kind == StepKind::kCopyPackToCold));
  pack.on_cold = true;
  BOOST_TEST(steps(kEnd + days(300)).empty());  // not verified there
  pack.verified_newer = 1;
  BOOST_TEST(steps(kEnd + days(31) + hours(5) - Millis(1)).empty());
  BOOST_REQUIRE(steps(kEnd + days(31) + hours(5)).size() == 1u);
  BOOST_TEST((steps(kEnd + days(31) + hours(5))[0].kind == StepKind::kReleaseWarmPack));
  pack.on_cold = false;
  pack.verified_newer = 0;
  PolicySettings no_cold = settings();
  no_cold.has_cold = false;
  rows.input.warm_packs = {pack};
  BOOST_TEST(plan_steps(rows.input, no_cold, kEnd + days(300)).empty());
}

BOOST_AUTO_TEST_CASE(a_staged_copy_is_evicted_when_its_time_is_over) {
  Rows rows;
  rows.input.staged.push_back({rows.random.id<RecordingId>(), 1, Bytes(5), kEnd});
  BOOST_TEST(plan_steps(rows.input, settings(), kEnd - Millis(1)).empty());
  BOOST_TEST((plan_steps(rows.input, settings(), kEnd)[0].kind == StepKind::kEvictStaged));
}

BOOST_AUTO_TEST_CASE(over_the_high_watermark_what_is_proven_elsewhere_leaves_oldest_first) {
  Rows rows;
  for (int i = 9; i >= 0; --i) {
    PolicyPart& part = rows.part(kEnd + seconds(i), 100);
    part.pack = rows.random.id<PackId>();
    part.verified_newer = i == 0 ? 0 : 1;  // the oldest is not proven: it stays
  }
  rows.input.standard_space = PolicySpace{Bytes(950), Bytes(1000)};
  const auto steps = plan_steps(rows.input, settings(), kEnd + hours(1));
  BOOST_REQUIRE(steps.size() == 2u);  // 950 → 750, which is under 80 %
  BOOST_TEST((steps[0].recording == rows.input.standard[8].recording ||
              steps[1].recording == rows.input.standard[8].recording));
  for (const PlannedStep& step : steps) BOOST_TEST((step.kind == StepKind::kReleaseStandard));
  rows.input.standard_space = PolicySpace{Bytes(900), Bytes(1000)};
  BOOST_TEST(plan_steps(rows.input, settings(), kEnd + hours(1)).empty());
}

// What gathers is the only way out of a full tier.
BOOST_AUTO_TEST_CASE(over_the_full_mark_open_packs_do_not_gather_on) {
  Rows rows;
  rows.open_pack(kEnd);
  rows.open_pack(kEnd, "empty", 0, 0);
  rows.input.standard_space = PolicySpace{Bytes(970), Bytes(1000)};
  BOOST_TEST(plan_steps(rows.input, settings(), kEnd + minutes(1)).empty());
  rows.input.standard_space = PolicySpace{Bytes(971), Bytes(1000)};
  const auto steps = plan_steps(rows.input, settings(), kEnd + minutes(1));
  BOOST_REQUIRE(steps.size() == 1u);
  BOOST_TEST((steps[0].kind == StepKind::kSealPack));
  BOOST_TEST(steps[0].why.find("is full") != std::string::npos, steps[0].why);
}

BOOST_AUTO_TEST_CASE(cohorts_leave_together) {
  SeededRandom random;
  const WorkspaceId workspace{};
  CohortInput input{"", std::nullopt, false, workspace};
  BOOST_TEST(cohort_key(input, settings()) == "none/open");
  input.retention_class = "mifid";
  input.expires_at = kEnd;
  BOOST_TEST(cohort_key(input, settings()) == "mifid/2026-09");
  input.held = true;
  BOOST_TEST(cohort_key(input, settings()) == "mifid/open");
  PolicySettings apart = settings();
  apart.cohort_per_workspace = true;
  BOOST_TEST(cohort_key(input, apart) == "mifid/open/" + workspace.text());
}

BOOST_AUTO_TEST_CASE(a_workspace_with_a_rule_of_its_own_moves_by_it) {
  Rows rows;
  PolicySettings with = settings();
  const WorkspaceId own = rows.random.id<WorkspaceId>();
  const WorkspaceId other = rows.random.id<WorkspaceId>();
  with.own[own] = PolicyRule{hours(1), days(1), days(2), days(4), true};
  PolicyPart& part = rows.part(kEnd);
  part.rule = with.rule_of(own);
  BOOST_TEST(plan_steps(rows.input, with, kEnd + hours(1) - Millis(1)).empty());
  const auto steps = plan_steps(rows.input, with, kEnd + hours(1));
  BOOST_REQUIRE(steps.size() == 1u);
  BOOST_TEST(steps[0].why.find("60 min before (the rule of its workspace)") != std::string::npos,
             steps[0].why);
  BOOST_TEST((with.rule_of(other) == with.common));
  // It shares packs with its like alone.
  CohortInput input{"", std::nullopt, false, own};
  const std::string cohort = cohort_key(input, with);
  input.workspace = other;
  BOOST_TEST(cohort_key(input, with) == "none/open");
  BOOST_TEST(cohort != "none/open");
  with.own[other] = with.rule_of(own);
  BOOST_TEST(cohort_key(input, with) == cohort);
}

// A pack made before the rule was: nobody comes to cold too late, and none leaves warm too early.
BOOST_AUTO_TEST_CASE(a_pack_of_several_rules_keeps_to_the_strictest) {
  SeededRandom random;
  PolicyInput input;
  PolicyWarmPack pack;
  pack.pack = random.id<PackId>();
  const PolicyRule soon{hours(1), days(1), days(2), days(4), true};
  add_member(pack, kEnd, settings().common);
  add_member(pack, kEnd, soon);
  input.warm_packs = {pack};
  BOOST_TEST(plan_steps(input, settings(), kEnd + days(2) - Millis(1)).empty());
  BOOST_TEST(plan_steps(input, settings(), kEnd + days(2)).size() == 1u);
  input.warm_packs[0].on_cold = true;
  input.warm_packs[0].verified_newer = 1;
  BOOST_TEST(plan_steps(input, settings(), kEnd + days(31) - Millis(1)).empty());
  BOOST_TEST(plan_steps(input, settings(), kEnd + days(31)).size() == 1u);
  PolicyRule never = soon;
  never.to_cold = false;
  add_member(pack, kEnd, never);
  for (const bool is_there : {false, true}) {
    input.warm_packs = {pack};
    input.warm_packs[0].on_cold = is_there;
    input.warm_packs[0].verified_newer = is_there;
    BOOST_TEST(plan_steps(input, settings(), kEnd + days(3000)).empty());
    BOOST_TEST(!next_action_at(input.warm_packs[0], settings()).has_value());
  }
}

// next_action_at is exact: nothing is due before it, and something is at it.
BOOST_AUTO_TEST_CASE(the_next_action_is_when_something_becomes_due) {
  SeededRandom random;
  for (int turn = 0; turn < 300; ++turn) {
    Rows rows;
    const auto ended = kEnd + seconds(static_cast<int64_t>(random.below(1'000'000)));
    PolicyPart& part = rows.part(ended);
    if (random.below(2) == 0) part.pack = rows.random.id<PackId>();
    part.verified_newer = part.pack ? static_cast<int>(random.below(2)) : 0;
    if (const auto next = next_action_at(part, settings())) {
      BOOST_TEST(plan_steps(rows.input, settings(), *next - Millis(1)).empty());
      BOOST_TEST(!plan_steps(rows.input, settings(), *next).empty());
    } else {
      BOOST_TEST(plan_steps(rows.input, settings(), kEnd + days(10'000)).empty());
    }

    PolicyInput packs;
    PolicyWarmPack warm;
    add_member(warm, ended, settings().common);
    add_member(warm, ended + seconds(static_cast<int64_t>(random.below(20'000))),
               settings().common);
    warm.on_cold = random.below(2) == 0;
    warm.verified_newer = warm.on_cold ? static_cast<int>(random.below(2)) : 0;
    packs.warm_packs = {warm};
    if (const auto next = next_action_at(warm, settings())) {
      BOOST_TEST(plan_steps(packs, settings(), *next - Millis(1)).empty());
      BOOST_TEST(!plan_steps(packs, settings(), *next).empty());
    } else {
      BOOST_TEST(plan_steps(packs, settings(), kEnd + days(10'000)).empty());
    }

    PolicyInput open;
    open.open_packs = {{PackId(), "a", Bytes(5), 1, ended}};
    const auto seal = next_action_at(open.open_packs[0], settings());
    BOOST_TEST(plan_steps(open, settings(), *seal - Millis(1)).empty());
    BOOST_TEST(!plan_steps(open, settings(), *seal).empty());
  }
}

// Whatever the rows: each due recording gets exactly one place, no pack is filled over its
// bounds, at most 64 stay open, nothing unproven is released, and the order of the rows does not
// matter.
BOOST_AUTO_TEST_CASE(invariants_hold_for_random_rows) {
  SeededRandom random;
  for (int turn = 0; turn < 60; ++turn) {
    Rows rows;
    PolicySettings with = settings();
    with.pack_bytes_max = Bytes(5000);
    with.pack_members_max = 7;
    with.open_packs_max = 4;
    std::map<PackId, PolicyOpenPack> open;
    const int packs = static_cast<int>(random.below(5));
    for (int i = 0; i < packs; ++i) {
      const auto& pack = rows.open_pack(kEnd + seconds(i), "cohort " + std::to_string(i),
                                        static_cast<int64_t>(random.below(4000)), 2);
      open[pack.pack] = pack;
    }
    const int parts = static_cast<int>(random.below(60));
    for (int i = 0; i < parts; ++i) {
      PolicyPart& part = rows.part(kEnd + seconds(static_cast<int64_t>(random.below(3000))),
                                   1 + static_cast<int64_t>(random.below(2000)),
                                   "cohort " + std::to_string(random.below(8)));
      if (random.below(4) == 0) {
        part.pack = random.id<PackId>();
        part.verified_newer = static_cast<int>(random.below(2));
      }
    }
    const UnixMillis until = kEnd + seconds(static_cast<int64_t>(random.below(5000)));
    const auto steps = plan_steps(rows.input, with, until);

    std::map<RecordingId, const PolicyPart*> by_id;
    for (const PolicyPart& part : rows.input.standard) by_id[part.recording] = &part;
    std::map<std::string, std::pair<int64_t, int>> filled;  // bytes, members
    const auto name = [](const PackRef& ref) {
      return ref.existing ? ref.existing->text() : "fresh " + std::to_string(ref.fresh);
    };
    for (const auto& [id, pack] : open) filled[id.text()] = {pack.bytes.count, pack.members};
    std::set<RecordingId> assigned;
    for (const PlannedStep& step : of_kind(steps, StepKind::kAssignToPack)) {
      BOOST_TEST(assigned.insert(*step.recording).second);
      BOOST_TEST((step.when <= until));
      filled[name(*step.pack)].first += step.bytes.count;
      filled[name(*step.pack)].second += 1;
    }
    for (const PolicyPart& part : rows.input.standard)
      BOOST_TEST(assigned.count(part.recording) ==
                 (!part.pack && part.age_from + part.rule.standard_copy_after <= until ? 1u : 0u));
    for (const auto& [pack, fill] : filled) {
      BOOST_TEST((fill.first <= 5000 || fill.second == 1));
      BOOST_TEST(fill.second <= 7);
    }
    std::set<std::string> sealed;
    for (const PlannedStep& step : of_kind(steps, StepKind::kSealPack))
      BOOST_TEST(sealed.insert(name(*step.pack)).second);
    BOOST_TEST(filled.size() - sealed.size() <= 4u);
    for (const PlannedStep& step : of_kind(steps, StepKind::kReleaseStandard))
      BOOST_TEST(by_id[*step.recording]->verified_newer >= 1);
    for (const PlannedStep& step : steps) BOOST_TEST(step.why.ends_with("."));

    std::reverse(rows.input.standard.begin(), rows.input.standard.end());
    std::reverse(rows.input.open_packs.begin(), rows.input.open_packs.end());
    BOOST_TEST((plan_steps(rows.input, with, until) == steps));
  }
}

BOOST_AUTO_TEST_CASE(the_settings_are_those_of_the_configuration) {
  Config config;
  config.standard.copy_after = seconds(2);
  config.standard.release_after = seconds(9);
  config.warm.pack_seal_after = seconds(3);
  config.warm.pack_members_max = 5;
  config.copies_before_release = 2;
  PolicySettings from = policy_settings(config);
  BOOST_TEST(!from.has_cold);
  config.cold = Config::Cold{};
  from = policy_settings(config);
  BOOST_TEST(from.has_cold);
  BOOST_TEST((from.common.standard_copy_after == seconds(2)));
  BOOST_TEST((from.common.standard_release_after == seconds(9)));
  BOOST_TEST((from.pack_seal_after == seconds(3)));
  BOOST_TEST(from.pack_members_max == 5);
  BOOST_TEST(from.copies_before_release == 2);
}
