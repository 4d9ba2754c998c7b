// Acknowledged parts are brought into their places by a lane, several at a time.
#include "daemon/work/placing.h"

#include <memory>

#include "daemon/work/incoming.h"
#include "daemon/work/verifications.h"
#include "index/read/work.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

// An archive whose queue is served by the test's own hand.
struct PlacingRig : ArchiveFixture {
  PlacingRig() { serve(); }
  void serve() {
    archive().placing.begin([this] { ++kicks; });
  }
  bool waits(const TestCall& call) {
    const Recording known = recording(call);
    return std::filesystem::exists(config.standard.path + "/" +
                                   incoming_directory({known.recording, 1}) + "/recording.json");
  }
  bool is_placed(const TestCall& call) {
    const Recording known = recording(call);
    const Place place{known.home, known.day, known.call_sid, 1};
    return std::filesystem::exists(config.standard.path + "/" + place.directory() +
                                   "/recording.json");
  }
  bool is_marked(const TestCall& call) { return recording(call).part_rows.front().placed; }
  void place_waiting() {
    Placing(archive()).place_waiting(*io);
    must(archive().writer.view_ledger());  // the marks were queued before
  }

  int kicks = 0;
};

BOOST_AUTO_TEST_SUITE(placing)

BOOST_AUTO_TEST_CASE(p1_a_call_is_acknowledged_and_read_before_it_is_in_its_place) {
  PlacingRig rig;
  const TestCall call = rig.ingest();
  BOOST_TEST(rig.kicks == 1);
  BOOST_TEST(rig.waits(call));
  BOOST_TEST(!rig.is_placed(call));
  BOOST_TEST(!rig.is_marked(call));
  BOOST_TEST(rig.is_whole(call));
  rig.place_waiting();
  BOOST_TEST(rig.is_placed(call));
  BOOST_TEST(rig.is_marked(call));
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(those_that_gathered_share_the_syncs_of_their_directories) {
  PlacingRig rig;
  const auto syncs_of = [&rig](int calls) {
    std::vector<TestCall> taken;
    taken.reserve(static_cast<size_t>(calls));
    for (int i = 0; i < calls; ++i) taken.push_back(rig.ingest());
    const int64_t before = rig.io->counters().syncs;
    rig.place_waiting();
    for (const TestCall& call : taken) BOOST_TEST(rig.is_marked(call));
    return rig.io->counters().syncs - before;
  };
  static_cast<void>(syncs_of(1));  // makes the day's directory
  const int64_t alone = syncs_of(1);
  BOOST_TEST(alone == 2);  // the day's directory and .incoming
  BOOST_TEST(syncs_of(20) == alone);
}

// One that cannot be placed keeps none of its group back, and a later turn takes it up.
BOOST_AUTO_TEST_CASE(one_that_cannot_be_placed_waits_alone) {
  PlacingRig rig;
  const TestCall first = rig.ingest();
  const TestCall stuck = rig.ingest();
  const TestCall last = rig.ingest();
  const Recording known = rig.recording(stuck);
  const std::string in_the_way =
      rig.config.standard.path + "/" + Place{known.home, known.day, known.call_sid, 1}.directory();
  std::filesystem::create_directories(std::filesystem::path(in_the_way).parent_path());
  std::ofstream(in_the_way) << "a file where its directory belongs";
  rig.place_waiting();
  for (const TestCall* call : {&first, &last}) BOOST_TEST(rig.is_marked(*call));
  BOOST_TEST(rig.waits(stuck));
  BOOST_TEST(rig.is_whole(stuck));
  std::filesystem::remove(in_the_way);
  BOOST_TEST(must(settle_incoming(*rig.io, rig.archive())).placed == 1);
  BOOST_TEST(rig.is_marked(stuck));
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_marks_none_and_a_later_turn_does) {
  PlacingRig rig;
  const std::vector<TestCall> calls = {rig.ingest(), rig.ingest(), rig.ingest()};
  EachFails no_syncs("fsync");
  IoOptions options;
  options.faults = &no_syncs;
  auto own = must(Io::open(options));
  Placing(rig.archive()).place_waiting(*own);
  must(rig.archive().writer.view_ledger());
  for (const TestCall& call : calls) {
    BOOST_TEST(!rig.is_marked(call));
    BOOST_TEST(rig.is_whole(call));
  }
  BOOST_TEST(must(settle_incoming(*rig.io, rig.archive())).placed == 3);
  for (const TestCall& call : calls) BOOST_TEST(rig.is_marked(call));
}

// Nobody else settles what waits for the lane; what it left is the next start's.
BOOST_AUTO_TEST_CASE(p7_what_waits_is_the_lanes_until_a_start) {
  PlacingRig rig;
  const TestCall call = rig.ingest();
  const IncomingReport meanwhile = must(settle_incoming(*rig.io, rig.archive()));
  BOOST_TEST(meanwhile.placed + meanwhile.adopted + meanwhile.discarded == 0);
  BOOST_TEST(rig.waits(call));
  rig.reopen();
  BOOST_TEST(rig.report().incoming.placed == 1);
  BOOST_TEST(rig.is_placed(call));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(where_nobody_serves_or_too_many_wait_ingest_places_it_itself) {
  PlacingRig rig;
  rig.archive().placing.end();
  const TestCall unserved = rig.ingest();
  BOOST_TEST(rig.is_marked(unserved));
  BOOST_TEST(rig.kicks == 0);
  rig.serve();
  const RecordingNo number = rig.recording(unserved).recording_no;
  const PartId id{rig.recording(unserved).recording, 1};
  for (size_t i = 0; i < limits::kPlacingQueue; ++i)
    BOOST_REQUIRE(rig.archive().placing.hand_over({number, 1, rig.archive().live_parts.add(id)}));
  const TestCall over = rig.ingest();
  BOOST_TEST(rig.is_marked(over));
  rig.place_waiting();  // what is in its place already is no error
  BOOST_TEST(rig.is_whole(unserved));
}

// A destruction waits for it, so that it knows where the files are.
BOOST_AUTO_TEST_CASE(p3_what_waits_to_be_placed_is_not_destroyed_yet) {
  PlacingRig rig;
  const TestCall call = rig.ingest();
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kConflict));
  rig.place_waiting();
  must(rig.destroy(call));
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(rig.standard_files("inbound.ulaw").empty());
}

// Whoever asks for what needs the place does not wait for the lane, which then finds nothing to do.
BOOST_AUTO_TEST_CASE(who_cannot_wait_places_it_now) {
  PlacingRig rig;
  const TestCall kept = rig.ingest();
  const TestCall gone = rig.ingest();
  for (const TestCall* call : {&kept, &gone})
    must(Placing(rig.archive()).place_now(*rig.io, rig.recording(*call).recording_no));
  BOOST_TEST(rig.is_marked(kept));
  must(rig.destroy(gone));
  rig.place_waiting();
  BOOST_TEST(rig.is_whole(kept));
  BOOST_TEST(!rig.is_known(gone));
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(rig.standard_files("inbound.ulaw").size() == 1U);
}

// A verification that was asked for a moment after the answer reads the copy, and does not end
// without one.
BOOST_AUTO_TEST_CASE(p5_what_waits_to_be_placed_is_verified) {
  PlacingRig rig;
  const TestCall call = rig.ingest();
  Verifications verifications(rig.archive());
  VerificationRequest request;
  request.recording = rig.recording(call).recording_no;
  const VerificationId id = must(verifications.ask(request)).id;
  while (must(verifications.run_once(*rig.io))) {
  }
  const Verification done = verifications.find(id).value();
  BOOST_TEST((done.state == Verification::State::kDone));
  BOOST_TEST(done.error.empty());
  BOOST_TEST(done.findings.size() == 1U);
  BOOST_TEST(rig.is_marked(call));
}

// The second part's turn may come with the first one's, and a later part's before it.
BOOST_AUTO_TEST_CASE(parts_of_one_call_find_each_other) {
  PlacingRig rig;
  TestCall call = rig.ingest();
  TestCall transcript;
  transcript.call_sid = call.call_sid;
  transcript.files["transcript.json"] = "{}";
  must(rig.try_ingest(transcript));
  BOOST_TEST(rig.recording(call).part_rows.size() == 2U);
  rig.place_waiting();
  for (const PartRow& part : rig.recording(call).part_rows) BOOST_TEST(part.placed);
  call.files.merge(transcript.files);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(a_lane_places_and_its_end_leaves_nothing_waiting) {
  ArchiveFixture rig;
  std::vector<TestCall> calls;
  {
    auto lane = must(PlacingLane::start(rig.archive(), IoOptions()));
    for (int i = 0; i < 10; ++i) calls.push_back(rig.ingest());
  }
  must(rig.archive().writer.view_ledger());
  BOOST_TEST(rig.unsettled().empty());
  for (const TestCall& call : calls) {
    BOOST_TEST(rig.recording(call).part_rows.front().placed);
    BOOST_TEST(rig.is_whole(call));
  }
  BOOST_TEST(rig.recording(rig.ingest()).part_rows.front().placed);  // nobody serves any more
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
