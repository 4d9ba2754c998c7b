// Verifications that a person asked for.
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

Verification run(RepairRig& rig, const VerificationRequest& request) {
  Verifications verifications(rig.archive());
  const Verification asked = must(verifications.ask(request));
  BOOST_TEST(verifications.is_asked());
  while (must(verifications.run_once(*rig.io))) {
  }
  BOOST_TEST(!verifications.is_asked());
  return verifications.find(asked.id).value();
}

BOOST_AUTO_TEST_SUITE(verifications)

BOOST_AUTO_TEST_CASE(every_copy_of_a_recording_is_told) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.clock.advance(hours(2));
  const Recording known = rig.recording(call);
  VerificationRequest request;
  request.recording = known.recording_no;
  const Verification sound = run(rig, request);
  BOOST_TEST((sound.state == Verification::State::kDone));
  BOOST_TEST(sound.sound == static_cast<int64_t>(known.copies.size()));
  BOOST_TEST(sound.bad == 0);
  BOOST_TEST(sound.findings.size() == known.copies.size());
  rig.flip_byte(rig.standard_files("outbound.pcm").at(0), 9);
  const Verification bad = run(rig, request);
  BOOST_TEST(bad.bad == 1);
  BOOST_TEST((bad.findings.at(0).verdict == Verdict::kBad));  // first
  BOOST_TEST(bad.findings.at(0).why.find("outbound.pcm") != std::string::npos);
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kQuarantined));
}

BOOST_AUTO_TEST_CASE(a_medium_is_walked_whole) {
  RepairRig rig([](Config& config) { config.standard.copy_after = days(400); });
  if (!rig.can_verify()) return;
  const int kCalls = limits::kScrubPage * 2 + 3;
  for (int i = 0; i < kCalls; ++i) rig.ingest();
  rig.flip_byte(rig.standard_files("outbound.pcm").at(7), 9);
  VerificationRequest request;
  request.medium = rig.archive().standard_medium();
  const Verification done = run(rig, request);
  BOOST_TEST(done.sound == kCalls - 1);
  BOOST_TEST(done.bad == 1);
  BOOST_TEST(done.error.empty());
}

BOOST_AUTO_TEST_CASE(a_pack_is_read_on_each_medium_and_nobody_waits_for_a_medium) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_both();
  const PackId pack = rig.recording(call).copies.at(0).pack.value();
  Verifications verifications(rig.archive());
  VerificationRequest whole;
  whole.medium = rig.archive().warm->backend().medium();
  const Verification slow = must(verifications.ask(whole));
  VerificationRequest one;
  one.pack = pack;
  const Verification quick = must(verifications.ask(one));
  must(verifications.run_once(*rig.io));
  must(verifications.run_once(*rig.io));
  BOOST_TEST((verifications.find(quick.id)->state == Verification::State::kDone));
  BOOST_TEST(verifications.find(quick.id)->sound == 2);
  BOOST_TEST((verifications.find(slow.id)->state == Verification::State::kQueued));
  while (must(verifications.run_once(*rig.io))) {
  }
  BOOST_TEST(verifications.find(slow.id)->sound == 1);
}

BOOST_AUTO_TEST_CASE(there_is_a_bound_and_the_oldest_that_are_over_go) {
  RepairRig rig;
  Verifications verifications(rig.archive());
  VerificationRequest request;
  request.pack = rig.random.id<PackId>();
  std::vector<VerificationId> ids;
  for (size_t i = 0; i < limits::kVerificationsMax; ++i)
    ids.push_back(must(verifications.ask(request)).id);
  BOOST_TEST((code_of(verifications.ask(request)) == Code::kExhausted));
  must(verifications.run_once(*rig.io));
  const Verification first = verifications.find(ids.at(0)).value();
  BOOST_TEST((first.state == Verification::State::kDone));
  BOOST_TEST(first.error.find("lies nowhere") != std::string::npos);
  must(verifications.ask(request));
  BOOST_TEST(!verifications.find(ids.at(0)).has_value());
  BOOST_TEST(verifications.list().size() == limits::kVerificationsMax);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
