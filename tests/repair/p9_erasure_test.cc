// P9: `policy.erase_within` goes by the compliance clock. A wrong system clock neither hastens the
// rewriting of a pack nor puts it off.
#include "index/commands/clock.h"
#include "index/read/retention.h"
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

class ErasureRig : public RepairRig {
 public:
  // Five calls in a warm pack; the first is to be destroyed, which leaves its share far above
  // compact_below.
  void make_pack() {
    live(hours(1));
    for (int i = 0; i < 5; ++i) calls.push_back(ingest());
    to_warm();
    live(minutes(1));
  }
  void begin_to_destroy() { must(destroy(calls.at(0))); }
  bool is_there() { return is_known(calls.at(0)); }
  void accept() { must(archive().writer.call(accept_clock("it is right", "uid:0"))); }
  UnixMillis compliance() {
    auto index = must(archive().index.take());
    return must(kept_time(*index));
  }
  UnixMillis dead_since() {
    auto index = must(archive().index.take());
    Statement statement =
        index->prepare("SELECT dead_since FROM pack WHERE dead_since IS NOT NULL");
    BOOST_REQUIRE(must(statement.step()));
    return statement.next<UnixMillis>();
  }
  void finish() {
    BOOST_TEST(!is_there());
    for (size_t i = 1; i < calls.size(); ++i) BOOST_TEST(is_kept(calls.at(i)));
  }

  std::vector<TestCall> calls;
};

BOOST_AUTO_TEST_SUITE(P9_erasure)

BOOST_AUTO_TEST_CASE(P9_a_system_clock_a_year_ahead_rewrites_no_pack_early) {
  for (const bool restarts : {false, true}) {
    ErasureRig rig;
    if (!rig.can_verify()) return;
    rig.make_pack();
    rig.begin_to_destroy();
    rig.live(days(1));
    if (restarts) {
      rig.clock.jump_to(rig.clock.now() + days(365));
      rig.reopen();
      rig.live(days(20));
    } else {
      ClockKeeper keeper(rig.archive());
      must(keeper.tick());
      rig.clock.jump_to(rig.clock.now() + days(365));
      BOOST_TEST(!must(keeper.tick()));  // it stands
      rig.clock.advance(days(20));
      must(keeper.tick());
    }
    rig.compact();
    BOOST_TEST(rig.is_there());
    rig.clock.jump_to(rig.clock.now() - days(365));
    rig.accept();
    rig.live(days(8));
    rig.compact();
    BOOST_TEST(rig.is_there());
    rig.live(days(2));
    rig.compact();
    rig.finish();
  }
}

BOOST_AUTO_TEST_CASE(P9_what_was_destroyed_under_a_wrong_clock_goes_in_its_time) {
  ErasureRig rig;
  if (!rig.can_verify()) return;
  rig.make_pack();
  {
    ClockKeeper keeper(rig.archive());
    must(keeper.tick());
    rig.clock.jump_to(rig.clock.now() + days(365));
    must(keeper.tick());
    rig.begin_to_destroy();
  }
  BOOST_TEST((rig.dead_since() == rig.compliance()));
  rig.clock.jump_to(rig.clock.now() - days(365));
  rig.accept();
  rig.live(days(29));
  rig.compact();
  BOOST_TEST(rig.is_there());
  rig.live(days(2));
  rig.compact();
  rig.finish();
}

// The compliance clock stands after such a jump; when somebody has accepted the earlier time, a
// whole `erase_within` from then is the longest that anything waits.
BOOST_AUTO_TEST_CASE(P9_a_clock_that_was_set_back_puts_nothing_off) {
  ErasureRig rig;
  if (!rig.can_verify()) return;
  rig.make_pack();
  rig.begin_to_destroy();
  {
    ClockKeeper keeper(rig.archive());
    must(keeper.tick());
    rig.clock.jump_to(rig.clock.now() - days(100));
    must(keeper.tick());
    rig.clock.advance(days(40));
    must(keeper.tick());
  }
  rig.compact();
  BOOST_TEST(rig.is_there());
  rig.accept();
  rig.live(days(29));
  rig.compact();
  BOOST_TEST(rig.is_there());
  rig.live(days(2));
  rig.compact();
  rig.finish();
}

BOOST_AUTO_TEST_CASE(P9_a_rewriting_that_was_begun_goes_on_when_the_clock_is_set_back) {
  ErasureRig rig;
  if (!rig.can_verify()) return;
  rig.make_pack();
  rig.begin_to_destroy();
  rig.live(days(31));
  {
    Compactor compactor(rig.archive());
    must(compactor.run_once(*rig.io));  // begun
  }
  BOOST_TEST(rig.is_there());
  rig.clock.jump_to(rig.clock.now() - days(100));
  rig.compact();
  rig.finish();
}

// P6: the ledger tells by which time it was destroyed.
BOOST_AUTO_TEST_CASE(P6_a_rebuilt_index_counts_from_the_same_moment) {
  ErasureRig rig;
  if (!rig.can_verify()) return;
  rig.make_pack();
  rig.live(hours(3));
  rig.begin_to_destroy();
  const UnixMillis since = rig.dead_since();
  rig.live(days(20));
  rig.lose_index();
  rig.clock.jump_to(rig.clock.now() + days(365));
  rig.rebuild();
  BOOST_TEST((rig.dead_since() == since));
  rig.compact();
  BOOST_TEST(rig.is_there());
  rig.live(days(31));
  rig.compact();
  rig.finish();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
