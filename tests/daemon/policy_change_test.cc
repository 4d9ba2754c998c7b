// Rows that were given their time by other rules are due at once when the rules have changed.
#include "daemon/work/policy_change.h"

#include "index/read/status.h"
#include "tests/support/archive_fixture.h"

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(policy_change)

BOOST_AUTO_TEST_CASE(a_shorter_age_holds_for_what_is_there) {
  ArchiveFixture rig([](Config& config) {
    config.standard.copy_after = days(2);
    config.standard.release_after = days(3);
    config.warm.copy_after = days(4);
    config.warm.release_after = days(5);
  });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  BOOST_TEST(
      must(apply_policy_change(rig.archive())));  // the first time there is nothing to compare
  rig.run_mover();
  BOOST_TEST(!must(apply_policy_change(rig.archive())));
  BOOST_TEST((*rig.recording(call).next_action_at > rig.clock.now()));

  Config next = rig.archive().config();
  next.standard.copy_after = Millis(0);
  next.link_life = seconds(7);  // no rule of the policy
  rig.apply(next);
  BOOST_TEST(must(apply_policy_change(rig.archive())));
  BOOST_TEST((*rig.recording(call).next_action_at <= rig.clock.now()));
  rig.pack();
  BOOST_TEST(rig.state_on(call, Tier::kWarm).has_value());
  BOOST_TEST(!must(apply_policy_change(rig.archive())));  // nothing has changed since
  BOOST_TEST(policy_text(rig.archive().policy()) != "");
}

// A pack that was never to go to cold has no time at all; the new rule reaches it, too.
BOOST_AUTO_TEST_CASE(a_pack_that_waited_for_nothing_goes_to_cold) {
  const WorkspaceId own = WorkspaceId::from_text("00000000-0000-4000-8000-000000000001").value();
  ArchiveFixture rig([&](Config& config) {
    config.workspaces.push_back(WorkspaceConfig{own, minutes(1), hours(1), hours(2), hours(3),
                                                false, hours(1), std::nullopt});
  });
  if (!rig.can_verify()) return;
  rig.workspace = own;
  must(rig.archive().writer.call(add_workspace(own, "own", "uid:0")));
  const TestCall call = rig.ingest();
  BOOST_TEST(must(apply_policy_change(rig.archive())));
  rig.to_warm();
  rig.clock.advance(days(1));
  rig.run_mover();
  BOOST_TEST(!rig.state_on(call, Tier::kCold).has_value());
  Config next = rig.archive().config();
  next.workspaces[0].cold = true;
  rig.apply(next);
  BOOST_TEST(must(apply_policy_change(rig.archive())));
  rig.run_mover();
  BOOST_TEST(rig.state_on(call, Tier::kCold).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
