// Members with a longer lock than the rest of their pack: the rest is destroyed in its time, and
// its bytes go, whatever keeps the others.
#include "daemon/work/compactor.h"
#include "index/read/holds.h"
#include "tests/work/retention_rig.h"

namespace holdfast::testing {
namespace {

class LongerLockRig : public RetentionRig {
 public:
  // The pack stays on warm.
  LongerLockRig()
      : RetentionRig([](Config& changed) {
          changed.warm.copy_after = days(400);
          changed.warm.release_after = days(401);
        }) {}
  void destroy_and_compact() {
    run_mover();
    Compactor compactor(archive());
    for (int turn = 0; turn < 100; ++turn)
      if (!must(compactor.run_once(*io))) return;
    BOOST_ERROR("the compactor does not come to rest");
  }
  PackId pack_of(const TestCall& call) { return recording(call).copies.at(0).pack.value(); }
  bool is_on_warm(const RecordingId& recording) const {
    for (const std::string& path : files_below(config.warm.path)) {
      std::ifstream file(path, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (bytes.find(recording.text()) != std::string::npos) return true;
    }
    return false;
  }
};

BOOST_AUTO_TEST_SUITE(longer_locks)

BOOST_AUTO_TEST_CASE(P3_a_locked_minority_does_not_stretch_the_life_of_its_pack) {
  LongerLockRig rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 6; ++i) {
    calls.push_back(rig.ingest());
    must(rig.retain(calls.back(), "day"));
  }
  rig.to_warm();
  const PackId before = rig.pack_of(calls.at(0));
  std::vector<RecordingId> ids;
  for (const TestCall& call : calls) {
    BOOST_TEST((rig.pack_of(call) == before));  // they were to leave together
    ids.push_back(rig.recording(call).recording);
  }
  const TestCall& retained = calls.at(4);
  const TestCall& held = calls.at(5);
  must(rig.retain(retained, "law"));
  const HoldRow hold = must(rig.hold(held));
  const auto until = rig.recording(retained).retain_until;
  BOOST_TEST(rig.live(days(32)) == 4);
  rig.destroy_and_compact();
  for (size_t i = 0; i < 4; ++i) {
    BOOST_TEST(!rig.is_known(calls.at(i)));
    BOOST_TEST(!rig.is_on_warm(ids.at(i)));
  }
  BOOST_TEST((rig.pack_of(retained) != before));
  BOOST_TEST((rig.pack_of(retained) == rig.pack_of(held)));
  BOOST_TEST((rig.recording(retained).retain_until == until));
  for (const TestCall* call : {&retained, &held}) {
    BOOST_TEST((code_of(rig.condemn_now(*call)) == Code::kLocked));
    BOOST_TEST((rig.state_on(*call, Tier::kWarm) == CopyState::kVerified));
  }
  // So with each lock that ends.
  must(rig.archive().writer.call(release_hold(hold.hold, "settled", "key:test")));
  BOOST_TEST(rig.live(days(1)) == 1);
  rig.destroy_and_compact();
  BOOST_TEST(!rig.is_known(held));
  BOOST_TEST(!rig.is_on_warm(ids.at(5)));
  BOOST_TEST(rig.is_on_warm(ids.at(4)));
  BOOST_TEST((code_of(rig.condemn_now(retained)) == Code::kLocked));
  BOOST_TEST(rig.is_kept(retained));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
