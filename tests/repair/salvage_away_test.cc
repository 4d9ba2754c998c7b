// Salvage while media are away, were declared lost, or lose what was salvaged.
#include "index/commands/repairs.h"
#include "tests/repair/salvage_rig.h"

namespace holdfast {
namespace {

class SalvageAwayRig : public SalvageRig {
 public:
  SalvageAwayRig() = default;
  explicit SalvageAwayRig(const Change& change) : SalvageRig(change) {}

  // Three calls in a pack on warm and on cold, of which the first can be read on neither.
  std::vector<TestCall> one_of_three_is_unreadable() {
    std::vector<TestCall> calls = make_calls(3);
    to_both();
    damage_sound(calls.at(0), Tier::kWarm, only_pack(config.warm.path));
    damage_sound(calls.at(0), Tier::kCold, only_pack(config.cold->path));
    scrub_later();
    BOOST_REQUIRE_EQUAL(quarantined(), 2);
    return calls;
  }
  // The cold disk that replace_cold() took away.
  void old_cold_is_back() {
    close();
    config.cold->path = directory / "cold";
    open();
  }
  void salvage_later() {
    clock.advance(days(2));
    repair_and_salvage();
  }
  size_t files_on_warm() const { return files_below(config.warm.path).size(); }
};

BOOST_AUTO_TEST_SUITE(salvage_without_some_media)

// It is neither written anew, since nothing good is at hand, nor salvaged again and again.
BOOST_AUTO_TEST_CASE(a_pack_that_is_good_on_a_lost_medium_alone_is_not_due) {
  SalvageAwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(2);
  rig.to_both();
  rig.damage_sound(calls.at(1), Tier::kWarm, rig.only_pack(rig.config.warm.path));
  rig.scrub_later();
  BOOST_REQUIRE_EQUAL(rig.quarantined(), 1);
  rig.begin_to_destroy(calls.at(0));
  const MediumId old_cold = rig.replace_cold();
  rig.declare_lost(old_cold);
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  rig.repair_and_salvage();  // the repairer has it tried
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(rig.files_on_warm() == 1);
  BOOST_TEST((rig.copy_on(calls.at(1), Tier::kWarm).state == CopyState::kQuarantined));
  BOOST_TEST((rig.copy_on(calls.at(1), old_cold)->state == CopyState::kVerified));
}

// Each later try finds them bad where they were salvaged from, too.
BOOST_AUTO_TEST_CASE(who_was_salvaged_is_not_written_again) {
  SalvageAwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.one_of_three_is_unreadable();
  rig.replace_cold();
  rig.repair_and_salvage();
  BOOST_TEST(rig.files_on_warm() == 2);
  for (int i = 0; i < 3; ++i) rig.salvage_later();
  BOOST_TEST(rig.files_on_warm() == 2);
  for (size_t i : {1U, 2U}) BOOST_TEST(rig.is_kept(calls.at(i)));
  // What is dead of the old pack on cold is more than what is left of it on warm.
  for (size_t i : {1U, 2U}) rig.begin_to_destroy(calls.at(i));
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(rig.files_on_warm() == 1);  // the bad one
  BOOST_TEST((rig.copy_on(calls.at(0), Tier::kWarm).state == CopyState::kQuarantined));
}

BOOST_AUTO_TEST_CASE(each_medium_has_them_salvaged_when_it_is_there) {
  SalvageAwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.one_of_three_is_unreadable();
  rig.replace_cold();
  rig.repair_and_salvage();
  rig.old_cold_is_back();
  rig.salvage_later();
  BOOST_TEST(rig.rewrites().empty());
  for (size_t i : {1U, 2U}) {
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kWarm));
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kCold));
    BOOST_TEST(rig.is_kept(calls.at(i)));
  }
  for (int i = 0; i < 3; ++i) rig.salvage_later();
  BOOST_TEST(rig.files_on_warm() == 2);
  BOOST_TEST(rig.files_below(rig.config.cold->path).size() == 2);
}

// The new pack lies on the medium that is lost then, while the other one was stopped.
BOOST_AUTO_TEST_CASE(what_was_salvaged_is_lost_and_is_salvaged_from_another) {
  SalvageAwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.one_of_three_is_unreadable();
  rig.repair();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  rig.pause(Tier::kWarm);
  rig.compact();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  const PackId lost = rig.rewrites().at(0).new_pack;
  BOOST_TEST((rig.copy_on(calls.at(1), Tier::kCold).pack == lost));
  rig.declare_lost(rig.replace_cold());
  rig.resume();
  rig.compact_later();
  BOOST_TEST(rig.rewrites().empty());
  for (size_t i : {1U, 2U}) {
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kWarm));
    BOOST_TEST((rig.copy_on(calls.at(i), Tier::kWarm).pack != lost));
    BOOST_TEST(rig.is_kept(calls.at(i)));
  }
  BOOST_TEST((rig.copy_on(calls.at(0), Tier::kWarm).state == CopyState::kQuarantined));
  BOOST_TEST(rig.files_on_warm() == 2);
}

// The same of a rewriting from a good copy: the new pack goes bad before it is where that is.
BOOST_AUTO_TEST_CASE(a_new_pack_that_is_bad_everywhere_is_written_as_another) {
  SalvageAwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.two_of_three_die();
  rig.take_away(rig.config.cold->path);
  rig.compact();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  const PackId first = rig.rewrites().at(0).new_pack;
  rig.damage_sound(calls.at(2), Tier::kWarm, rig.only_pack(rig.config.warm.path));
  rig.scrub_later();
  BOOST_REQUIRE((rig.state_on(calls.at(2), Tier::kWarm) == CopyState::kQuarantined));
  rig.bring_back(rig.config.cold->path);
  rig.run_mover();  // asks a medium that was suspended
  rig.compact_later();
  BOOST_TEST(rig.rewrites().empty());
  for (size_t dead : {0U, 1U}) BOOST_TEST(!rig.is_known(calls.at(dead)));
  BOOST_TEST(rig.is_good_on(calls.at(2), Tier::kCold));
  BOOST_TEST((rig.copy_on(calls.at(2), Tier::kCold).pack != first));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// What a crash left half written is on a medium that is away: its row is the only word of it.
BOOST_AUTO_TEST_CASE(a_stray_pack_is_not_forgotten_while_its_medium_is_away) {
  SalvageAwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(2);
  rig.to_cold();
  const std::string bad = rig.only_pack(rig.config.cold->path);
  rig.damage_sound(calls.at(0), Tier::kCold, bad);
  rig.scrub_later();
  rig.repair();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  const PackId old = rig.rewrites().at(0).pack;
  must(rig.archive().writer.call(rewrite_written(old)));
  const MediumId old_cold = rig.replace_cold();
  rig.compact();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  BOOST_TEST(rig.rewrites().at(0).error.find(old_cold.text()) != std::string::npos);
  BOOST_TEST(rig.rewrites().at(0).attempts == 0);  // it waits
  rig.old_cold_is_back();
  rig.compact_later();
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(rig.is_kept(calls.at(1)));
  BOOST_TEST(rig.files_below(rig.config.cold->path).size() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
