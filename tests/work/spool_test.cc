// The spool's entries and the judgement of ingest: good ones come in and go, broken ones are put
// aside with the reason, and what may work later is left.
#include <unistd.h>

#include <algorithm>
#include <future>

#include "daemon/work/incoming.h"
#include "tests/work/spool_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(spool_entries)

BOOST_FIXTURE_TEST_CASE(a_good_entry_comes_in_and_goes, SpoolRig) {
  const TestCall call = make_call();
  put(call);
  BOOST_TEST_REQUIRE(scan().size() == 1);
  BOOST_TEST(scan()[0] == workspace.text() + "/" + call.call_sid);
  must(take(call.call_sid));
  BOOST_TEST(is_whole(call));
  BOOST_TEST(!std::filesystem::exists(directory_of(call.call_sid)));
  BOOST_TEST(scan().empty());
  put(call);  // the recorder is not sure and comes again
  must(take(call.call_sid));
  BOOST_TEST(!std::filesystem::exists(directory_of(call.call_sid)));
  BOOST_TEST(reason(call.call_sid).empty());
}

BOOST_FIXTURE_TEST_CASE(an_entry_is_complete_with_its_metadata, SpoolRig) {
  TestCall call = make_call();
  const std::string metadata_text = call.files.at("metadata.json");
  call.files.erase("metadata.json");
  put(call);
  must(take(call.call_sid));  // left as it is
  BOOST_TEST(!is_known(call));
  BOOST_TEST(std::filesystem::exists(directory_of(call.call_sid)));
  call.files["metadata.json"] = metadata_text;
  put(call);
  must(take(call.call_sid));
  BOOST_TEST(is_whole(call));
}

BOOST_FIXTURE_TEST_CASE(other_bytes_of_a_known_call_are_rejected, SpoolRig) {
  const TestCall call = ingest();
  TestCall other = call;
  other.files["outbound.pcm"][3] ^= 1;
  put(other);
  is_rejected(call.call_sid);
  BOOST_TEST(is_whole(call));
}

// A later part ends with metadata of its own, or repeats that of the first.
BOOST_FIXTURE_TEST_CASE(a_later_part_comes_through_the_spool, SpoolRig) {
  const TestCall call = make_call();
  put(call);
  must(take(call.call_sid));
  TestCall second;
  second.call_sid = call.call_sid;
  second.files["recording.2.wav"] = testing::wav_bytes(testing::noise_bytes(1600, 2), {});
  put(second);
  must(take(call.call_sid));
  BOOST_TEST(recording(call).parts == 1);  // the recorder is not done
  second.files["metadata.2.json"] = "{\"call_sid\":\"" + call.call_sid + "\"}";
  put(second);
  BOOST_TEST(scan().size() == 1U);
  must(take(call.call_sid));
  BOOST_TEST(recording(call).parts == 2);
  BOOST_TEST(is_whole(second));
  TestCall third;
  third.call_sid = call.call_sid;
  third.files["transcript.txt"] = "caller: hello";
  third.files["metadata.json"] = call.files.at("metadata.json");
  put(third);
  must(take(call.call_sid));
  BOOST_TEST(recording(call).parts == 3);
  BOOST_TEST(is_whole(third));
  BOOST_TEST(!std::filesystem::exists(directory_of(call.call_sid)));
  BOOST_TEST(reason(call.call_sid).empty());
  third.files["metadata.json"] += " ";
  put(third);
  is_rejected(call.call_sid);
  BOOST_TEST(reason(call.call_sid).find("such as metadata.3.json") != std::string::npos,
             reason(call.call_sid));
}

BOOST_FIXTURE_TEST_CASE(metadata_that_misleads_is_rejected, SpoolRig) {
  for (const char* text :
       {"not json", "[]", "{\"call_sid\":17}", "{\"call_sid\":\"another\"}",
        "{\"direction\":\"up\"}", "{\"workspace_id\":\"00000000-0000-0000-0000-000000000001\"}"}) {
    TestCall call = make_call();
    call.files["metadata.json"] = text;
    put(call);
    is_rejected(call.call_sid);
    BOOST_TEST(!is_known(call));
  }
}

BOOST_FIXTURE_TEST_CASE(foreign_names_are_rejected, SpoolRig) {
  for (const char* name : {".hidden", "a b.wav", "recording.json", "x.head"}) {
    TestCall call = make_call();
    call.files[name] = "x";
    put(call);
    is_rejected(call.call_sid);
    BOOST_TEST(!is_known(call));
  }
  put(make_call(), "not a call sid");
  is_rejected("not a call sid");
}

BOOST_FIXTURE_TEST_CASE(links_are_rejected_and_not_followed, SpoolRig) {
  const std::string secret = directory / "secret";
  std::ofstream(secret) << "not for the archive";
  const TestCall soft = make_call();
  std::filesystem::create_symlink(secret, put(soft) + "/linked.txt");
  is_rejected(soft.call_sid);
  BOOST_TEST(!is_known(soft));
  const TestCall hard = make_call();
  std::filesystem::create_hard_link(secret, put(hard) + "/linked.txt");
  is_rejected(hard.call_sid);
  BOOST_TEST(!is_known(hard));
  const TestCall deep = make_call();
  std::filesystem::create_directory(put(deep) + "/below");
  is_rejected(deep.call_sid);
  BOOST_TEST(std::filesystem::exists(secret));
}

BOOST_FIXTURE_TEST_CASE(an_unknown_workspace_is_rejected, SpoolRig) {
  const WorkspaceId known = workspace;
  workspace = random.id<WorkspaceId>();
  const TestCall call = make_call();
  put(call);
  is_rejected(call.call_sid);
  BOOST_TEST(reason(call.call_sid).find("workspace") != std::string::npos);
  workspace = known;
}

BOOST_FIXTURE_TEST_CASE(without_room_the_entry_waits, SpoolRig) {
  const TestCall call = make_call();
  put(call);
  class Full final : public Faults {
   public:
    Status at(std::string_view point) override {
      return point == "write" ? Status(system_error(ENOSPC, "injected")) : Status();
    }
  } full;
  faults.aim(&full);
  const Status taken = take(call.call_sid);
  faults.aim(nullptr);
  BOOST_TEST((code_of(taken) == Code::kNoSpace));
  BOOST_TEST(scan().size() == 1);
  BOOST_TEST(reason(call.call_sid).empty());
  must(take(call.call_sid));
  BOOST_TEST(is_whole(call));
}

// What has nothing to do with the entry does not put it aside.
BOOST_FIXTURE_TEST_CASE(without_descriptors_the_entry_waits, SpoolRig) {
  const TestCall call = make_call();
  put(call);
  class NoDescriptors final : public Faults {
   public:
    Status at(std::string_view point) override {
      return point == "open" ? Status(system_error(EMFILE, "injected")) : Status();
    }
  } none;
  faults.aim(&none);
  const Status taken = take(call.call_sid);
  faults.aim(nullptr);
  BOOST_TEST((code_of(taken) == Code::kIo));
  BOOST_TEST(scan().size() == 1);
  BOOST_TEST(reason(call.call_sid).empty());
  must(take(call.call_sid));
  BOOST_TEST(is_whole(call));
}

BOOST_FIXTURE_TEST_CASE(an_erased_call_is_rejected, SpoolRig) {
  const TestCall call = ingest();
  must(destroy(call));
  put(call);
  is_rejected(call.call_sid);
  BOOST_TEST(!is_known(call));
}

// Whatever instant a crash picks: the next scan finishes, and no entry is left half-removed.
BOOST_FIXTURE_TEST_CASE(an_entry_goes_whole_whenever_the_process_dies, SpoolRig) {
  bool done = false;
  for (int n = 0; !done && n < 400; ++n) {
    const TestCall call = make_call();
    put(call);
    FaultAt fault(n, true);
    faults.aim(&fault);
    const Status taken = take(call.call_sid);
    faults.aim(nullptr);
    done = taken.ok();
    if (done) break;
    reopen();
    for (int turn = 0; turn < 2; ++turn)  // one puts back, one takes what was put back
      for (const std::string& entry : scan()) must(take(entry.substr(entry.find('/') + 1)));
    BOOST_TEST(is_whole(call), "fault at " << n);
    const auto left = files_below(config.spool_dir);
    BOOST_TEST(left.empty(), "fault at " << n << " leaves " << (left.empty() ? "" : *left.begin()));
    BOOST_TEST(!std::filesystem::exists(directory_of(call.call_sid)), "fault at " << n);
    BOOST_TEST(unsettled().empty(), "fault at " << n);
  }
  BOOST_TEST(done);
}

// The recorder adds a file while the entry is being removed, and makes it anew.
BOOST_FIXTURE_TEST_CASE(what_comes_while_an_entry_leaves_stays, SpoolRig) {
  const TestCall call = make_call();
  put(call);
  const std::string aside =
      config.spool_dir + "/.leaving/" + workspace.text() + "/" + call.call_sid + ".1";
  std::filesystem::create_directories(aside);
  std::ofstream(aside + "/recording.3.wav") << "late";
  must(take(call.call_sid));  // its own way out is free
  BOOST_TEST(is_whole(call));
  BOOST_TEST(scan().size() == 1);
  BOOST_TEST(std::filesystem::exists(directory_of(call.call_sid) + "/recording.3.wav"));
  BOOST_TEST(!std::filesystem::exists(aside));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(incoming)

// Nobody knows whether the commit took effect: a later turn finds out, while the daemon runs.
BOOST_AUTO_TEST_CASE(an_unknown_outcome_is_settled_while_running) {
  ArchiveFixture rig;
  bool fail = false;
  rig.before_commit = [&]() -> Status {
    return fail ? Status(Error{Code::kIo, "injected"}) : Status();
  };
  rig.reopen();
  rig.ingest();  // reserves numbers, which needs a commit of its own
  const TestCall call = rig.make_call();
  fail = true;
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kUnavailable));
  fail = false;
  BOOST_TEST(!rig.unsettled().empty());
  must(settle_incoming(*rig.io, rig.archive()));
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_draft_that_nobody_holds_any_more_goes) {
  ArchiveFixture rig;
  Ingest ingest(rig.archive());
  auto draft = must(ingest.begin(*rig.io, IngestRequest{rig.workspace, "CA1", "key:test"}));
  {
    auto file = must(draft->writer().create(*rig.io, "inbound.ulaw", Bytes(100)));
    must(file->append(*rig.io, as_bytes("bytes")));
  }
  BOOST_TEST(must(settle_incoming(*rig.io, rig.archive())).discarded == 0);
  BOOST_TEST(!rig.unsettled().empty());  // somebody is writing it
  draft.reset();
  BOOST_TEST(must(settle_incoming(*rig.io, rig.archive())).discarded == 1);
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ingesting)

// A retry of a call on its way out is told what a destroyed one is told.
BOOST_AUTO_TEST_CASE(a_condemned_call_is_erased) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  must(rig.archive().writer.call(condemn(rig.recording(call).recording_no, "key:test")));
  const auto again = rig.try_ingest(call);
  BOOST_TEST((code_of(again) == Code::kConflict));
  BOOST_TEST(again.error().message.find("erased:") != std::string::npos);
  IngestRow row;  // the index itself says so too
  row.recording = rig.random.id<RecordingId>();
  row.recording_no = must(rig.archive().writer.next_recording_no());
  row.workspace = rig.workspace;
  row.call_sid = call.call_sid;
  row.medium = rig.archive().standard_medium();
  row.files = rig.recording(call).files;
  const auto offered = rig.archive().writer.call(ingest_recording(row, "key:test"));
  BOOST_TEST((code_of(offered) == Code::kConflict));
  BOOST_TEST(offered.error().message.find("erased:") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(same_other_and_next_part) {
  ArchiveFixture rig;
  const TestCall call = rig.make_call();
  const Ingested first = must(rig.try_ingest(call));
  BOOST_TEST((first.verdict == IngestVerdict::kNew));
  const Ingested same = must(rig.try_ingest(call));
  BOOST_TEST((same.verdict == IngestVerdict::kSame));
  BOOST_TEST((same.recording == first.recording));
  TestCall other = call;
  other.files["inbound.ulaw"] += "x";
  BOOST_TEST((code_of(rig.try_ingest(other)) == Code::kConflict));
  TestCall more = call;
  more.files["recording.2.wav"] = testing::wav_bytes(std::string(800, '\0'), {});
  const Ingested next = must(rig.try_ingest(more));
  BOOST_TEST((next.verdict == IngestVerdict::kNextPart));
  BOOST_TEST(next.part == 2);
  BOOST_TEST((next.recording == first.recording));
  BOOST_TEST(rig.is_whole(more));
  BOOST_TEST((must(rig.try_ingest(more)).verdict == IngestVerdict::kSame));
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(ugly_audio_is_flagged_and_kept) {
  ArchiveFixture rig;
  TestCall empty = rig.make_call();
  empty.files["outbound.pcm"] = "";
  const Ingested one = must(rig.try_ingest(empty));
  BOOST_TEST((one.flags & static_cast<int32_t>(Flag::kEmptyAudio)) != 0);
  BOOST_TEST(rig.is_whole(empty));
  TestCall silent;
  silent.call_sid = "CAwav";
  testing::WavOptions unfinished;
  unfinished.declared_data_bytes = 0;
  silent.files["recording.wav"] = testing::wav_bytes(std::string(1600, '\1'), unfinished);
  const Ingested two = must(rig.try_ingest(silent));
  BOOST_TEST((two.flags & static_cast<int32_t>(Flag::kUnfinishedWav)) != 0);
  BOOST_TEST((two.flags & static_cast<int32_t>(Flag::kMetadataIncomplete)) != 0);
  BOOST_TEST(rig.is_whole(silent));
}

BOOST_AUTO_TEST_CASE(nothing_comes_in_without_files_or_with_a_name_of_ours) {
  ArchiveFixture rig;
  TestCall none;
  none.call_sid = "CAnone";
  BOOST_TEST((code_of(rig.try_ingest(none)) == Code::kInvalid));
  TestCall reserved = rig.make_call();
  reserved.files["recording.json"] = "{}";
  BOOST_TEST(!rig.try_ingest(reserved).ok());
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(workers)

BOOST_AUTO_TEST_CASE(a_worker_keeps_sixteen_operations_in_flight) {
  TemporaryDirectory directory("/var/tmp");
  const std::string content = testing::noise_bytes(24u << 20, 7);
  std::ofstream(directory / "big", std::ios::binary) << content;
  auto pool = must(Workers::start(1, IoOptions()));
  std::promise<IoCounters> counted;
  std::promise<Result<Digest>> digested;
  std::promise<std::string> kind;
  BOOST_TEST_REQUIRE(pool->submit([&](Io& io) {
    const auto root = open_root(directory.path());
    const auto fd = root.ok() ? io.open(root->get(), "big", O_RDONLY) : Result<Fd>(root.error());
    digested.set_value(fd.ok()
                           ? digest_file(io, fd->get(), Bytes(static_cast<int64_t>(content.size())))
                           : Result<Digest>(fd.error()));
    counted.set_value(io.counters());
    kind.set_value(std::string(io.ring_kind()));
  }));
  BOOST_TEST((must(digested.get_future().get()) == sha256(content)));
  const IoCounters counters = counted.get_future().get();
  if (kind.get_future().get() != "io_uring") {
    std::cout << "skipped: the kernel gives no io_uring here\n";
    return;
  }
  BOOST_TEST(counters.in_flight_max >= 16u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
