// P1, P7: what lies in .incoming, and nobody was told of.
#include "daemon/work/incoming.h"

#include "index/read/status.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

struct IncomingRig : ArchiveFixture {
  // As after a loss of power between the syncs and the commit.
  PartId leave_unacknowledged(const TestCall& call) {
    Ingest ingest(archive());
    auto draft = must(ingest.begin(*io, IngestRequest{workspace, call.call_sid, "key:test"}));
    for (const auto& [name, content] : call.files) {
      auto file = must(draft->writer().create(*io, name, Bytes(limits::kFileBytesMax)));
      must(file->append(*io, as_bytes(content)));
      must(file->finish(*io));
    }
    RecordingDescription description;
    description.archive = archive().id;
    description.recording = draft->writer().part().recording;
    description.number = must(archive().writer.next_recording_no());
    description.workspace = workspace;
    description.call_sid = call.call_sid;
    description.received_at = clock.now();
    description.day = day_of(clock.now());
    description.files = draft->writer().files();
    must(draft->writer().finish(*io, description));
    return draft->writer().part();
  }
  std::string path_of(const PartId& part, const std::string& file) {
    return config.standard.path + "/" + incoming_directory(part) + "/" + file;
  }
  // Of the call, damaged, and its line may have been lost together with the index.
  PartId leave_damaged_beside_a_rebuild(const TestCall& call) {
    ingest();
    const PartId part = leave_unacknowledged(call);
    flip_byte(path_of(part, "outbound.pcm"), 100);
    lose_index();
    rebuild();
    return part;
  }
  IncomingReport settle() { return must(settle_incoming(*io, archive())); }
};

BOOST_AUTO_TEST_SUITE(incoming)

BOOST_AUTO_TEST_CASE(p7_one_that_is_whole_is_adopted) {
  IncomingRig rig;
  const TestCall call = rig.make_call();
  rig.leave_unacknowledged(call);
  const IncomingReport report = rig.settle();
  BOOST_TEST(report.adopted == 1);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.unsettled().empty());
}

// Sizes say nothing: the file system may have kept them and lost the bytes.
BOOST_AUTO_TEST_CASE(p1_one_whose_bytes_did_not_reach_the_disk_is_not_adopted) {
  IncomingRig rig;
  const TestCall call = rig.make_call();
  ArchiveFixture::flip_byte(rig.path_of(rig.leave_unacknowledged(call), "outbound.pcm"), 100);
  const IncomingReport report = rig.settle();
  BOOST_TEST(report.adopted == 0);
  BOOST_TEST(report.discarded == 1);
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.unsettled().empty());
  must(rig.try_ingest(call));  // the recorder had no answer, and comes again
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(one_whose_description_is_torn_was_never_finished) {
  IncomingRig rig;
  const PartId part = rig.leave_unacknowledged(rig.make_call());
  std::filesystem::resize_file(rig.path_of(part, "recording.json"), 40);
  BOOST_TEST(rig.settle().discarded == 1);
  BOOST_TEST(rig.unsettled().empty());
}

// What cannot be synced is not acknowledged, whatever the page cache shows of it.
BOOST_AUTO_TEST_CASE(p1_one_that_cannot_be_synced_is_not_adopted) {
  IncomingRig rig;
  const TestCall call = rig.make_call();
  rig.leave_unacknowledged(call);
  EachFails no_syncs("fsync");
  IoOptions options;
  options.faults = &no_syncs;
  const auto failing = must(Io::open(options));
  BOOST_TEST(must(settle_incoming(*failing, rig.archive())).adopted == 0);
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.settle().adopted == 1);
  BOOST_TEST(rig.is_whole(call));
}

// The line that promised it may be in the other branch.
BOOST_AUTO_TEST_CASE(p1_under_a_fork_nothing_is_adopted_or_removed) {
  namespace fs = std::filesystem;
  IncomingRig rig;
  const TestCall call = rig.make_call();
  rig.close();
  const std::string other = rig.directory / "other";
  fs::create_directories(other);
  fs::copy(rig.config.state_dir + "/ledger", other + "/ledger", fs::copy_options::recursive);
  fs::copy(rig.config.mirror_dir, other + "/mirror", fs::copy_options::recursive);
  {
    LedgerOptions options;
    options.directory = other + "/ledger";
    options.mirror_directory = other + "/mirror";
    options.mirror_same_device = true;
    auto ledger = must(Ledger::open(*rig.io, rig.clock, options));
    LineDraft line;
    line.kind = decision::kMovesPaused;
    line.who = "uid:0";
    line.on = "all";
    must(ledger->stage(line));
    must(ledger->commit());
  }
  rig.open();
  must(rig.archive().writer.call(add_workspace(rig.random.id<WorkspaceId>(), "one more", "uid:0")));
  const PartId whole = rig.leave_unacknowledged(call);
  const PartId torn = rig.leave_unacknowledged(rig.make_call());
  ArchiveFixture::flip_byte(rig.path_of(torn, "outbound.pcm"), 100);
  rig.close();
  fs::remove_all(rig.config.mirror_dir);
  fs::rename(other + "/mirror", rig.config.mirror_dir);
  rig.open();
  BOOST_TEST((must(rig.archive().writer.view_ledger()).state == LedgerState::kForked));
  const IncomingReport report = rig.settle();
  BOOST_TEST(report.adopted + report.discarded == 0);
  for (const PartId& part : {whole, torn})
    BOOST_TEST(fs::exists(rig.path_of(part, "recording.json")));
  BOOST_TEST(rig.archive().left_parts.all().size() == 2U);
  // Who brings a call comes again; no try leaves anything behind.
  BOOST_TEST((code_of(rig.try_ingest(rig.make_call())) == Code::kUnavailable));
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kUnavailable));
  BOOST_TEST(must(rig.archive().standard.incoming_parts(*rig.io)).size() == 2U);
}

// A next part would be written where the other one lies.
BOOST_AUTO_TEST_CASE(p1_an_upload_does_not_remove_what_may_have_been_acknowledged) {
  IncomingRig rig;
  const TestCall call = rig.ingest();
  const Recording known = rig.recording(call);
  const PartId part{known.recording, 2};
  {
    PartWriter writer = must(rig.archive().standard.begin(*rig.io, part));
    auto file = must(writer.create(*rig.io, "notes.json", Bytes(100)));
    must(file->append(*rig.io, as_bytes("{}")));
    must(file->finish(*rig.io));
    RecordingDescription description;
    description.archive = rig.archive().id;
    description.recording = known.recording;
    description.number = known.recording_no;
    description.part = 2;
    description.workspace = rig.workspace;
    description.call_sid = call.call_sid;
    description.received_at = rig.clock.now();
    description.day = known.day;
    description.files = writer.files();
    must(writer.finish(*rig.io, description));
  }
  ArchiveFixture::flip_byte(rig.path_of(part, "notes.json"), 1);
  rig.lose_index();
  rig.rebuild();
  BOOST_TEST(rig.archive().left_parts.all().contains(part));
  TestCall transcript;
  transcript.call_sid = call.call_sid;
  transcript.files["transcript.json"] = "{}";
  BOOST_TEST((code_of(rig.try_ingest(transcript)) == Code::kUnavailable));
  BOOST_TEST(std::filesystem::exists(rig.path_of(part, "notes.json")));
}

// Whatever one of them does, the others are settled.
BOOST_AUTO_TEST_CASE(p7_one_that_cannot_be_read_keeps_nobody_back) {
  for (int n = 1;; ++n) {  // the first read is that of the label
    IncomingRig rig;
    const TestCall calls[] = {rig.make_call(), rig.make_call()};
    for (const TestCall& call : calls) rig.leave_unacknowledged(call);
    NthFails fault("read", n);
    IoOptions options;
    options.faults = &fault;
    const IncomingReport report = must(settle_incoming(*must(Io::open(options)), rig.archive()));
    const size_t left = rig.archive().left_parts.all().size();
    BOOST_TEST(report.adopted == 2 - static_cast<int>(left));
    if (n == 1) BOOST_TEST(left == 1U);
    rig.settle();
    for (const TestCall& call : calls) BOOST_TEST(rig.is_whole(call));
    BOOST_TEST(rig.archive().left_parts.all().empty());
    if (!fault.fired()) break;
  }
}

// A part that a fault ended is refused and gone: no later turn finds it complete.
BOOST_AUTO_TEST_CASE(p1_a_next_part_whose_sync_failed_is_never_adopted) {
  IncomingRig rig;
  const TestCall call = rig.ingest();
  EachFails no_syncs("fsync");
  IoOptions options;
  options.faults = &no_syncs;
  const auto failing = must(Io::open(options));
  TestCall transcript;
  transcript.call_sid = call.call_sid;
  transcript.files["transcript.json"] = "{}";
  BOOST_TEST(!rig.try_ingest(*failing, transcript).ok());
  BOOST_TEST(rig.settle().adopted == 0);
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(rig.recording(call).part_rows.size() == 1U);
  must(rig.try_ingest(transcript));
  BOOST_TEST(rig.recording(call).part_rows.size() == 2U);
}

// The line that promised it may have been lost together with the index.
BOOST_AUTO_TEST_CASE(p1_after_a_rebuild_a_damaged_one_is_left_alone) {
  IncomingRig rig;
  const PartId part = rig.leave_damaged_beside_a_rebuild(rig.make_call());
  BOOST_TEST(rig.report().incoming.discarded == 0);
  BOOST_TEST(rig.settle().discarded == 0);
  BOOST_TEST(std::filesystem::exists(rig.path_of(part, "outbound.pcm")));
}

// A person is told of it, and its bytes are not read again each minute.
BOOST_AUTO_TEST_CASE(a_damaged_one_that_is_left_is_told_and_read_again_at_the_next_start) {
  IncomingRig rig;
  const TestCall call = rig.make_call();
  const PartId part = rig.leave_damaged_beside_a_rebuild(call);
  const UnixMillis since = rig.clock.now();
  const auto left = rig.archive().left_parts.all();
  BOOST_REQUIRE(left.size() == 1U);
  BOOST_TEST(left.at(part).is_damaged);
  BOOST_TEST((left.at(part).since == since));

  ArchiveFixture::flip_byte(rig.path_of(part, "outbound.pcm"), 100);  // whole again
  rig.clock.advance(minutes(1));
  BOOST_TEST(rig.settle().adopted == 0);
  BOOST_TEST((rig.archive().left_parts.all().at(part).since == since));
  rig.reopen();
  BOOST_TEST(rig.report().incoming.adopted == 1);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.archive().left_parts.all().empty());
}

BOOST_AUTO_TEST_CASE(one_that_is_gone_is_told_no_more) {
  IncomingRig rig;
  const PartId part = rig.leave_damaged_beside_a_rebuild(rig.make_call());
  BOOST_TEST(rig.archive().left_parts.all().size() == 1U);
  std::filesystem::remove_all(rig.config.standard.path + "/" + incoming_directory(part));
  rig.settle();
  BOOST_TEST(rig.archive().left_parts.all().empty());
}

// What has a row was promised: whatever is wrong with it, it is not for us to remove.
BOOST_AUTO_TEST_CASE(p1_an_acknowledged_one_that_is_damaged_is_left_alone) {
  IncomingRig rig;
  rig.archive().placing.begin([] {});
  const TestCall call = rig.ingest();
  rig.archive().placing.end();
  static_cast<void>(rig.archive().placing.take(1));
  const PartId part{rig.recording(call).recording, 1};
  std::filesystem::resize_file(rig.path_of(part, "recording.json"), 40);
  const IncomingReport report = rig.settle();
  BOOST_TEST(report.discarded + report.adopted + report.placed == 0);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.archive().left_parts.all().contains(part));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
