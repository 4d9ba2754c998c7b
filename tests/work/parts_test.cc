// Recordings of several parts: segments, transcripts and corrections that come later, wherever the
// first part has got to meanwhile. All parts are one recording.
#include <filesystem>
#include <thread>

#include "daemon/work/remover.h"
#include "daemon/work/segments.h"
#include "index/commands/destruction.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/compressed_audio.h"

namespace holdfast {
namespace {

// A further segment of a call, and what was said in it.
TestCall later_segment(const TestCall& call, int segment) {
  TestCall later;
  later.call_sid = call.call_sid;
  const std::string number = std::to_string(segment);
  later.files["recording." + number + ".wav"] =
      testing::wav_bytes(testing::noise_bytes(3200, static_cast<uint32_t>(segment)), {});
  later.files["transcript." + number + ".txt"] = "caller: hello again, " + number;
  return later;
}

TestCall together(TestCall one, const TestCall& other) {
  one.files.insert(other.files.begin(), other.files.end());
  return one;
}

// Standard, warm or cold, and how the recording gets there.
struct Way {
  const char* name;
  void (*go)(ArchiveFixture& rig, const TestCall& call);
};
const Way kWays[] = {
    {"on standard", [](ArchiveFixture&, const TestCall&) {}},
    {"being moved",
     [](ArchiveFixture& rig, const TestCall&) {
       rig.clock.advance(rig.config.standard.copy_after);
       rig.run_mover();  // planned for a pack that is open
     }},
    {"packed and still plain", [](ArchiveFixture& rig, const TestCall&) { rig.pack(); }},
    {"on warm", [](ArchiveFixture& rig, const TestCall&) { rig.to_warm(); }},
    {"on cold", [](ArchiveFixture& rig, const TestCall&) { rig.to_cold(); }},
    {"restore queued",
     [](ArchiveFixture& rig, const TestCall& call) {
       rig.to_cold();
       must(rig.ask(call));
     }},
    {"staged",
     [](ArchiveFixture& rig, const TestCall& call) {
       rig.to_warm();
       must(rig.ask(call));
       rig.run_restorers();
     }},
    {"held", [](ArchiveFixture& rig, const TestCall& call) { must(rig.hold(call)); }},
};

BOOST_AUTO_TEST_SUITE(parts)

BOOST_AUTO_TEST_CASE(a_later_part_comes_wherever_the_first_has_got_to) {
  for (const Way& way : kWays) {
    BOOST_TEST_CONTEXT("the first part is " << way.name) {
      ArchiveFixture rig;
      if (!rig.can_verify()) return;
      const TestCall call = rig.ingest();
      way.go(rig, call);
      const TestCall later = later_segment(call, 2);
      const Ingested stored = must(rig.try_ingest(later));
      BOOST_TEST((stored.verdict == IngestVerdict::kNextPart));
      BOOST_TEST(stored.part == 2);
      const TestCall all = together(call, later);
      BOOST_TEST(rig.is_whole(later));
      BOOST_TEST(rig.is_kept(all));
      BOOST_TEST((must(rig.try_ingest(all)).verdict == IngestVerdict::kSame));
      // From there both go the whole way, and come back together.
      rig.clock.advance(hours(25));
      rig.run_mover();
      rig.to_cold();
      rig.to_cold();
      const Recording known = rig.recording(call);
      BOOST_TEST((known.tier == Tier::kCold));
      for (int part = 1; part <= 2; ++part) {
        int live = 0;
        for (const CopyRow& copy : known.copies)
          live +=
              copy.part == part && copy.tier == Tier::kCold && copy.state == CopyState::kVerified;
        BOOST_TEST(live == 1, "copies of part " << part << " on cold");
      }
      must(rig.ask(call));
      rig.run_restorers();
      BOOST_TEST(rig.is_readable(call));
      BOOST_TEST(rig.is_whole(all));
      BOOST_TEST(rig.unsettled().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_on_its_way_out_takes_no_part) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall condemned = rig.ingest();
  must(rig.archive().writer.call(condemn(rig.recording(condemned).recording_no, "key:test")));
  const TestCall destroying = rig.ingest();
  const RecordingNo number = rig.recording(destroying).recording_no;
  must(rig.archive().writer.call(condemn(number, "key:test")));
  must(rig.archive().writer.call(begin_destroying(number, "key:test")));
  const TestCall destroyed = rig.ingest();
  must(rig.destroy(destroyed));
  for (const TestCall* call : {&condemned, &destroying, &destroyed}) {
    const auto refused = rig.try_ingest(later_segment(*call, 2));
    BOOST_TEST((code_of(refused) == Code::kConflict));
    BOOST_TEST(refused.error().message.find("erased:") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_part_may_repeat_old_files_beside_new_ones) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const TestCall all = together(call, later_segment(call, 2));
  const Ingested stored = must(rig.try_ingest(all));
  BOOST_TEST(stored.part == 2);
  // The answer names every file that was offered, the old ones with the part they are in.
  std::map<std::string, int> named;
  for (const FileRow& file : stored.files) named[file.name] = file.part;
  BOOST_TEST(named.size() == all.files.size());
  for (const auto& [name, content] : all.files)
    BOOST_TEST(named[name] == (call.files.count(name) > 0 ? 1 : 2), name);
  for (const FileRow& file : rig.recording(call).files)
    BOOST_TEST(file.part == named[file.name], file.name);
  BOOST_TEST(rig.is_whole(all));
}

// metadata.json is a name like any other: other bytes are a conflict, and the error says what
// would be right.
BOOST_AUTO_TEST_CASE(a_correction_has_a_name_of_its_own) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  TestCall corrected = later_segment(call, 2);
  corrected.files["metadata.json"] = "{\"call_sid\":\"" + call.call_sid + "\",\"tags\":[\"new\"]}";
  const auto refused = rig.try_ingest(corrected);
  BOOST_TEST((code_of(refused) == Code::kConflict));
  const std::string& message = refused.error().message;
  BOOST_TEST(message.find("metadata.json") != std::string::npos, message);
  BOOST_TEST(message.find("metadata.2.json") != std::string::npos, message);
  BOOST_TEST(rig.recording(call).parts == 1);
  corrected.files["metadata.2.json"] = corrected.files["metadata.json"];
  corrected.files.erase("metadata.json");
  BOOST_TEST(must(rig.try_ingest(corrected)).part == 2);
  BOOST_TEST(rig.is_whole(together(call, corrected)));
}

// A transcript is no call: that it has no metadata.json is no flaw of the recording.
BOOST_AUTO_TEST_CASE(a_later_part_is_flagged_for_its_own_faults_only) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  BOOST_TEST(rig.recording(call).flags == 0);
  TestCall later = later_segment(call, 2);
  later.files["inbound.2.ulaw"] = std::string(1600, '\x55');
  BOOST_TEST(must(rig.try_ingest(later)).flags == 0);
  BOOST_TEST(rig.recording(call).flags == 0);
  TestCall empty;
  empty.call_sid = call.call_sid;
  empty.files["recording.3.wav"] = "";
  const auto flag = static_cast<int32_t>(Flag::kEmptyAudio);
  BOOST_TEST(must(rig.try_ingest(empty)).flags == flag);
  BOOST_TEST(rig.recording(call).flags == flag);
}

// Pause and resume: each segment keeps its own times, and what was not recorded is told.
BOOST_AUTO_TEST_CASE(the_gap_between_segments_is_told) {
  ArchiveFixture rig;
  const UnixMillis end = rig.clock.now();
  const TestCall call = rig.ingest();
  const auto add = [&](int number, UnixMillis started_at) {
    TestCall later = later_segment(call, number);
    later.files.erase("transcript." + std::to_string(number) + ".txt");
    later.files["metadata." + std::to_string(number) + ".json"] =
        json::serialize(json::object{{"call_sid", call.call_sid},
                                     {"workspace_id", rig.workspace.text()},
                                     {"call_start_iso", to_iso(started_at)}});
    must(rig.try_ingest(later));
  };
  add(3, end + seconds(60));  // comes before the second one
  add(2, end + seconds(20));
  const auto check = [&] {
    const std::vector<CallSegment> segments = segments_of(rig.recording(call));
    BOOST_TEST_REQUIRE(segments.size() == 3U);
    BOOST_TEST((segments[0].files == std::vector<std::string>{"inbound.ulaw", "outbound.pcm"}));
    BOOST_TEST((segments[0].duration == Millis(500)));
    BOOST_TEST(!segments[0].gap.has_value());
    BOOST_TEST(segments[1].number == 2);
    BOOST_TEST(segments[1].part == 3);
    BOOST_TEST((segments[1].gap == seconds(20)));
    BOOST_TEST((segments[1].duration == Millis(200)));
    BOOST_TEST(segments[2].number == 3);
    BOOST_TEST((segments[2].gap == Millis(40'000 - 200)));
    BOOST_TEST(rig.recording(call).flags == 0);
  };
  check();
  // recording.json of each part tells it: a lost index learns it again.
  rig.crash();
  rig.lose_index();
  rig.rebuild();
  check();
}

// Without times it is the order of the files, and no gap is made up.
BOOST_AUTO_TEST_CASE(segments_without_times_stand_in_the_order_of_their_names) {
  ArchiveFixture rig;
  TestCall call;
  call.call_sid = "CAmono";
  for (const char* name : {"recording.3.wav", "recording.wav", "recording.2.wav"})
    call.files[name] = testing::wav_bytes(testing::noise_bytes(16'000, 5), {});
  must(rig.try_ingest(call));
  const Recording known = rig.recording(call);
  const std::vector<CallSegment> segments = segments_of(known);
  BOOST_TEST_REQUIRE(segments.size() == 3U);
  for (size_t i = 0; i < 3; ++i) {
    BOOST_TEST(segments[i].number == static_cast<int>(i) + 1);
    BOOST_TEST(segments[i].part == 1);
    BOOST_TEST(!segments[i].gap.has_value());
  }
  const FileRow* first = first_file(known.files, Channel::kBoth);
  BOOST_TEST_REQUIRE(first != nullptr);
  BOOST_TEST(first->name == "recording.wav");
  BOOST_TEST((known.duration == seconds(3)));  // the segments added up
}

// One file is a call: what is known of it is told, and nothing else.
BOOST_AUTO_TEST_CASE(a_mono_file_alone_is_a_recording) {
  ArchiveFixture rig;
  const auto no_metadata = static_cast<int32_t>(Flag::kMetadataIncomplete) |
                           static_cast<int32_t>(Flag::kEventTimeAbsent);
  const auto ingest = [&](const std::string& sid, const std::string& name,
                          const std::string& bytes) {
    TestCall call;
    call.call_sid = sid;
    call.files[name] = bytes;
    must(rig.try_ingest(call));
    BOOST_TEST(rig.is_whole(call));
    return rig.recording(call);
  };
  const Recording wav =
      ingest("CAwav", "recording.wav", testing::wav_bytes(testing::noise_bytes(40'000, 1), {}));
  BOOST_TEST(wav.flags == no_metadata);
  BOOST_TEST((wav.duration == Millis(2500)));
  BOOST_TEST(wav.files[0].format == "wav");
  BOOST_TEST(wav.files[0].sample_rate == 8000);
  BOOST_TEST(wav.files[0].tracks == 1);
  BOOST_TEST(!is_stereo(wav.files));
  testing::WavOptions two;
  two.channels = 2;
  const Recording stereo =
      ingest("CAstereo", "recording.wav", testing::wav_bytes(testing::noise_bytes(64'000, 2), two));
  BOOST_TEST((stereo.duration == Millis(2000)));
  BOOST_TEST(is_stereo(stereo.files));
  for (const char* name : {"recording.mp3", "recording.mp4"}) {
    const Recording compressed =
        ingest("CA-" + std::string(name), name, testing::noise_bytes(5000, 3));
    BOOST_TEST(compressed.flags == (no_metadata | static_cast<int32_t>(Flag::kUndecodableAudio)));
    BOOST_TEST(!compressed.duration.has_value());
    BOOST_TEST(compressed.bytes.count == 5000);
    BOOST_TEST(compressed.files[0].format == std::string(name).substr(10));
    BOOST_TEST(!is_stereo(compressed.files));
  }
}

// MP3 and MP4 tell their length and channels as a WAV does; what contradicts them is flagged.
BOOST_AUTO_TEST_CASE(a_compressed_file_tells_its_length) {
  ArchiveFixture rig;
  const auto differs = static_cast<int32_t>(Flag::kDurationMismatch);
  for (const bool right : {true, false}) {
    TestCall call = rig.make_call();
    json::object metadata = parse_json(call.files.at("metadata.json"))->as_object();
    metadata["duration_seconds"] = right ? 14.4 : 60.0;
    for (const char* name : {"inbound.ulaw", "outbound.pcm"}) call.files.erase(name);
    for (const char* key : {"inbound_size_bytes", "outbound_size_bytes"}) metadata.erase(key);
    call.files["recording.mp3"] = testing::mp3_frames(400);
    call.files["metadata.json"] = json::serialize(metadata);
    must(rig.try_ingest(call));
    const Recording mp3 = rig.recording(call);
    BOOST_TEST((mp3.flags & differs) == (right ? 0 : differs));
    const auto file = std::find_if(mp3.files.begin(), mp3.files.end(),
                                   [](const FileRow& row) { return row.name == "recording.mp3"; });
    BOOST_REQUIRE(file != mp3.files.end());
    BOOST_TEST((file->duration == Millis(14'400)));
    BOOST_TEST(file->tracks == 1);
    BOOST_TEST(file->sample_rate == 16'000);
  }
  TestCall call;
  call.call_sid = "CAmp4";
  testing::TrackOptions two;
  two.channels = 2;
  call.files["recording.mp4"] = testing::mp4_bytes(testing::track_box(two));
  must(rig.try_ingest(call));
  const Recording mp4 = rig.recording(call);
  BOOST_TEST((mp4.duration == Millis(10'000)));
  BOOST_TEST(is_stereo(mp4.files));
}

// The claims of a call that was recorded in pieces are those of all pieces together.
BOOST_AUTO_TEST_CASE(a_claimed_length_is_that_of_all_segments) {
  ArchiveFixture rig;
  for (const bool right : {true, false}) {
    TestCall call = rig.make_call();
    call.files["inbound.2.ulaw"] = std::string(right ? 80'000 : 8'000, '\x55');
    json::object metadata = parse_json(call.files.at("metadata.json"))->as_object();
    metadata["duration_seconds"] = 10.5;
    metadata["inbound_size_bytes"] = 84'000;
    call.files["metadata.json"] = json::serialize(metadata);
    must(rig.try_ingest(call));
    const auto differs = static_cast<int32_t>(Flag::kDurationMismatch);
    BOOST_TEST(rig.recording(call).flags == (right ? 0 : differs));
  }
}

BOOST_AUTO_TEST_CASE(parts_that_come_at_once_follow_one_another) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  constexpr int kAtOnce = 6;
  std::vector<Result<Ingested>> outcomes(kAtOnce,
                                         Result<Ingested>(Error{Code::kUnavailable, "not asked"}));
  std::vector<std::thread> threads;
  for (int i = 0; i < kAtOnce; ++i)
    threads.emplace_back([&, i] {
      auto io = Io::open(IoOptions());
      if (io.ok())
        outcomes[static_cast<size_t>(i)] = rig.try_ingest(**io, later_segment(call, i + 2));
    });
  for (std::thread& thread : threads) thread.join();
  std::set<int> numbers;
  for (const Result<Ingested>& outcome : outcomes) numbers.insert(must(outcome).part);
  BOOST_TEST(numbers.size() == static_cast<size_t>(kAtOnce));
  BOOST_TEST(*numbers.begin() == 2);
  BOOST_TEST(*numbers.rbegin() == kAtOnce + 1);
  TestCall all = call;
  for (int i = 0; i < kAtOnce; ++i) all = together(all, later_segment(call, i + 2));
  BOOST_TEST(rig.is_whole(all));
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(P3_one_hold_holds_every_part_also_those_that_come_later) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  must(rig.try_ingest(later_segment(call, 2)));
  const HoldRow hold = must(rig.hold(call));
  const TestCall third = later_segment(call, 3);
  must(rig.try_ingest(third));
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  rig.to_cold();
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  const TestCall all = together(together(call, later_segment(call, 2)), third);
  BOOST_TEST(rig.is_kept(all));
  must(rig.archive().writer.call(release_hold(hold.hold, "settled", "key:test")));
  must(rig.destroy(call));
}

BOOST_AUTO_TEST_CASE(a_destruction_takes_every_part) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  must(rig.try_ingest(later_segment(call, 2)));
  must(rig.ask(call));
  rig.run_restorers();
  BOOST_TEST(rig.is_whole(together(call, later_segment(call, 2))));
  must(rig.archive().writer.call(condemn(rig.recording(call).recording_no, "key:test")));
  rig.run_mover();
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST(rig.unsettled().empty());
  for (const char* name : {"inbound.ulaw", "recording.2.wav", "transcript.2.txt", "recording.json"})
    BOOST_TEST(rig.standard_files(name).empty(), name);
  const auto again = rig.try_ingest(later_segment(call, 3));
  BOOST_TEST((code_of(again) == Code::kConflict));
  BOOST_TEST(again.error().message.find("erased:") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
