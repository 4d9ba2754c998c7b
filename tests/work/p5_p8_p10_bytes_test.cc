// P5, P8 and P10: a reader gets the right bytes or an error, looking recalls nothing, and one pack
// of the archive is read by its own README with stock tools.
#include <sys/wait.h>

#include <cstdlib>

#include "index/read/browse.h"
#include "index/read/listing.h"
#include "index/read/status.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

std::string only_file(ArchiveFixture& rig, const std::string& root) {
  const std::set<std::string> files = rig.files_below(root);
  BOOST_REQUIRE_EQUAL(files.size(), 1);
  return *files.begin();
}

BOOST_AUTO_TEST_SUITE(P5_never_wrong_bytes)

BOOST_AUTO_TEST_CASE(a_flipped_byte_of_a_plain_file_is_an_error) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  rig.flip_byte(rig.standard_files("outbound.pcm").at(0), 1234);
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kCorrupt));
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());  // and stays one
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kQuarantined));
  rig.reopen();
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
}

BOOST_AUTO_TEST_CASE(a_shortened_or_lengthened_file_is_an_error) {
  ArchiveFixture rig;
  const TestCall shorter = rig.ingest();
  std::filesystem::resize_file(rig.standard_files("outbound.pcm").at(0), 100);
  BOOST_TEST((code_of(rig.read(shorter, "outbound.pcm")) == Code::kCorrupt));
  const TestCall longer = rig.ingest();
  for (const std::string& path : rig.standard_files("inbound.ulaw"))
    if (path.find(longer.call_sid) != std::string::npos)
      std::ofstream(path, std::ios::app) << "more";
  BOOST_TEST((code_of(rig.read(longer, "inbound.ulaw")) == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_after_its_first_read_is_noticed) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  BOOST_TEST(rig.is_whole(call));
  rig.flip_byte(rig.standard_files("inbound.ulaw").at(0), 7);
  BOOST_TEST((code_of(rig.read(call, "inbound.ulaw")) == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_bad_plain_copy_gives_way_to_the_good_one_in_a_pack) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.flip_byte(rig.standard_files("outbound.pcm").at(0), 99);
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kCorrupt));
  BOOST_TEST(rig.is_kept(call));  // restored from the pack
}

BOOST_AUTO_TEST_CASE(a_source_that_went_bad_is_not_packed) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall bad = rig.ingest();
  const std::string path = rig.standard_files("outbound.pcm").at(0);
  const TestCall good = rig.ingest();
  rig.flip_byte(path, 99);
  rig.pack();
  rig.clock.advance(hours(1));
  rig.run_mover();
  BOOST_TEST((rig.state_on(bad, Tier::kStandard) == CopyState::kQuarantined));
  BOOST_TEST(!rig.state_on(bad, Tier::kWarm).has_value());
  BOOST_TEST((rig.state_on(good, Tier::kWarm) == CopyState::kVerified));
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_anywhere_in_a_warm_pack_never_reaches_a_reader) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const std::string pack = only_file(rig, rig.config.warm.path);
  // The range of the audio: what a recall reads.
  const Recording known = rig.recording(call);
  const PackSpan audio = known.copies.at(0).audio.value();
  rig.flip_byte(pack, audio.offset.count + audio.length.count / 2);
  const RestoreOutcome asked = must(rig.ask(call));
  rig.run_restorers();
  BOOST_TEST((rig.restore(asked.restore.restore).state == RestoreState::kFailed));
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST(rig.staged_files().empty());
}

BOOST_AUTO_TEST_CASE(flips_all_over_a_pack_give_the_right_bytes_or_none) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 12; ++i) calls.push_back(rig.ingest());
  rig.to_warm();
  const std::string pack = only_file(rig, rig.config.warm.path);
  const auto size = static_cast<uint64_t>(std::filesystem::file_size(pack));
  for (const TestCall& call : calls) {
    for (int i = 0; i < 2; ++i) rig.flip_byte(pack, static_cast<int64_t>(rig.random.below(size)));
    must(rig.ask(call));
  }
  rig.run_restorers();
  int whole = 0;
  for (const TestCall& call : calls)
    for (const auto& [name, content] : call.files) {
      const Result<std::string> got = rig.read(call, name);
      if (!got.ok()) continue;
      ++whole;
      BOOST_TEST((*got == content));
    }
  BOOST_TEST_MESSAGE(whole << " files of " << calls.size() * 3 << " could be read");
}

BOOST_AUTO_TEST_CASE(another_copy_is_used_when_there_is_one) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.clock.advance(hours(1));  // copied to cold, and not yet released from warm
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kVerified));
  const PackSpan audio = rig.recording(call).copies.at(0).audio.value();
  rig.flip_byte(only_file(rig, rig.config.warm.path), audio.offset.count + 600);
  const RestoreOutcome asked = must(rig.ask(call));
  rig.run_restorers();
  BOOST_TEST((rig.restore(asked.restore.restore).state == RestoreState::kStaged));
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_of_a_vault_pack_is_an_error) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_cold();
  const PackSpan audio = rig.recording(call).copies.at(0).audio.value();
  rig.flip_byte(only_file(rig, rig.config.cold->path), audio.offset.count + 700);
  const RestoreOutcome asked = must(rig.ask(call));
  rig.run_restorers();
  BOOST_TEST((rig.restore(asked.restore.restore).state == RestoreState::kFailed));
  BOOST_TEST(!rig.read(call, "inbound.ulaw").ok());
}

BOOST_AUTO_TEST_CASE(a_pack_that_went_bad_on_warm_is_not_copied_to_cold) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.flip_byte(only_file(rig, rig.config.warm.path), 3000);
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST(!rig.state_on(call, Tier::kCold).has_value());
  BOOST_TEST(rig.files_below(rig.config.cold->path).empty());
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 1);  // what is left is not thrown away
}

BOOST_AUTO_TEST_CASE(a_staged_copy_that_went_bad_is_an_error_and_is_staged_again) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  BOOST_TEST(rig.is_kept(call));
  for (const std::string& path : rig.staged_files())
    if (path.ends_with("/outbound.pcm")) rig.flip_byte(path, 5);
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kCorrupt));
  rig.clock.advance(hours(25));
  rig.run_mover();
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(P8_looking_recalls_nothing)

BOOST_AUTO_TEST_CASE(listing_and_looking_up_start_no_restore) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(rig.ingest());
  rig.to_cold();
  {
    auto index = must(rig.archive().index.take());
    const WorkspaceRow workspace = must(find_workspace(*index, rig.workspace)).value();
    ListFilter filter;
    filter.workspace_no = workspace.workspace_no;
    BOOST_TEST(must(list_recordings(*index, filter)).rows.size() == calls.size());
    BOOST_TEST(must(years_of(*index, workspace.workspace_no)).size() == 1);
    for (const TestCall& call : calls) {
      const Recording known =
          must(find_recording(*index, workspace.workspace_no, call.call_sid)).value();
      BOOST_TEST(must(find_metadata(*index, known.recording_no)).value() ==
                 call.files.at("metadata.json"));
      BOOST_TEST(must(list_files(*index, known.recording_no)).size() == call.files.size());
      BOOST_TEST(!is_available(rig.archive(), known));
      must(RecallForecast(rig.archive(), *index).if_asked(known));
    }
  }
  // A reader of an archived file gets its own error, and starts nothing either.
  for (const TestCall& call : calls)
    BOOST_TEST((code_of(rig.read(call, "inbound.ulaw")) == Code::kArchived));
  const int points = rig.faults.points();
  rig.run_restorers();
  BOOST_TEST(rig.faults.points() == points);
  auto index = must(rig.archive().index.take());
  const StatusSummary status = must(status_summary(*index, std::nullopt));
  BOOST_TEST(status.queued_restores == 0);
  BOOST_TEST(status.staged_restores == 0);
  BOOST_TEST(rig.staged_files().empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(P10_the_archive_outlives_us)

BOOST_AUTO_TEST_CASE(a_pack_of_the_archive_is_read_by_its_readme_with_stock_tools) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  TestCall later;  // members are <recording_id>.<part>
  later.call_sid = call.call_sid;
  later.files["recording.2.wav"] = testing::wav_bytes(testing::noise_bytes(3200, 2), {});
  later.files["transcript.2.txt"] = "caller: hello again";
  must(rig.try_ingest(later));
  rig.to_warm();
  const std::string command = "sh tests/tiers/pack/unpack_with_stock_tools.sh '" +
                              only_file(rig, rig.config.warm.path) + "'";
  const int status = std::system(command.c_str());
  BOOST_TEST_REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) return;  // it said what is missing
  BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
