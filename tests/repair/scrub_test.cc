// The scrub: finds a flipped bit wherever it is, at the pace that it was told, and goes on where it
// stopped.
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(P5_scrub_finds_what_is_bad)

BOOST_AUTO_TEST_CASE(a_flipped_bit_of_a_plain_file_is_found) {
  RepairRig rig([](Config& config) { config.standard.copy_after = days(400); });
  if (!rig.can_verify()) return;
  const TestCall bad = rig.ingest();
  const TestCall good = rig.ingest();
  rig.scrub_later();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST((rig.state_on(bad, Tier::kStandard) == CopyState::kVerified));
  for (const std::string& path : rig.standard_files("outbound.pcm"))
    if (path.find("/" + bad.call_sid + "/") != std::string::npos) rig.flip_byte(path, 77);
  rig.scrub();  // not due
  BOOST_TEST(rig.quarantined() == 0);
  rig.scrub_later();
  BOOST_TEST(rig.quarantined() == 1);
  BOOST_TEST((rig.state_on(bad, Tier::kStandard) == CopyState::kQuarantined));
  BOOST_TEST((rig.state_on(good, Tier::kStandard) == CopyState::kVerified));
  BOOST_TEST(!rig.is_readable(bad));
  BOOST_TEST(rig.is_whole(good));
}

BOOST_AUTO_TEST_CASE(a_missing_file_and_a_changed_description_are_found) {
  RepairRig rig([](Config& config) { config.standard.copy_after = days(400); });
  if (!rig.can_verify()) return;
  const TestCall missing = rig.ingest();
  std::filesystem::remove(rig.standard_files("inbound.ulaw").at(0));
  const TestCall changed = rig.ingest();
  for (const std::string& path : rig.standard_files("recording.json"))
    if (path.find("/" + changed.call_sid + "/") != std::string::npos) rig.flip_byte(path, 40);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(missing, Tier::kStandard) == CopyState::kQuarantined));
  BOOST_TEST((rig.state_on(changed, Tier::kStandard) == CopyState::kQuarantined));
}

// One bit in each region of a pack: tar headers, bag files, audio, metadata, manifests, contents,
// padding, trailer, and the zeros at its end.
BOOST_AUTO_TEST_CASE(a_flipped_bit_in_every_region_of_a_pack_is_found_and_repaired) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(rig.ingest());
  rig.to_both();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  const std::string whole = rig.bytes_of(warm);
  const auto size = static_cast<int64_t>(whole.size());
  const auto offset_of = [&](const char* text) {
    const size_t at = whole.find(text);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, "the pack has no " << text);
    return static_cast<int64_t>(at);
  };
  const Recording known = rig.recording(calls.at(0));
  PackSpan audio;
  PackSpan metadata;
  for (const CopyRow& copy : known.copies)
    if (copy.tier == Tier::kWarm) {
      audio = copy.audio.value();
      metadata = copy.metadata.value();
    }
  const std::map<std::string, int64_t> regions = {
      {"the first header", 10},
      {"bagit.txt", offset_of("BagIt-Version")},
      {"README", offset_of("README.txt") + 1200},
      {"audio header", audio.offset.count + 5},
      {"audio", audio.offset.count + audio.length.count / 2},
      {"metadata", metadata.offset.count + metadata.length.count / 2},
      {"manifest", offset_of("/manifest-sha256.txt") + 1500},
      {"bag-info", offset_of("Payload-Oxum")},
      {"contents", offset_of("contents.jsonl") + 1500},
      {"padding", size - 3000},
      {"trailer", size - 1600},
      {"the end", size - 1}};
  for (const auto& [name, offset] : regions) {
    BOOST_TEST_CONTEXT(name) {
      rig.flip_byte(warm, offset);
      rig.scrub_later();
      BOOST_TEST((rig.state_on(calls.at(0), Tier::kWarm) == CopyState::kQuarantined));
      BOOST_TEST(rig.quarantined() == 1);
      rig.repair();
      BOOST_TEST((rig.state_on(calls.at(0), Tier::kWarm) == CopyState::kVerified));
      BOOST_TEST(rig.quarantined() == 0);
      BOOST_TEST((rig.bytes_of(warm) == whole));
    }
  }
  for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_missing_pack_and_a_cut_one_are_found) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_both();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  const std::string whole = rig.bytes_of(warm);
  std::filesystem::remove(warm);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  rig.repair();
  BOOST_TEST((rig.bytes_of(warm) == whole));
  std::filesystem::resize_file(warm, whole.size() - 1);
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  rig.repair();
  BOOST_TEST((rig.bytes_of(warm) == whole));
}

BOOST_AUTO_TEST_CASE(a_medium_that_is_away_is_not_missing) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const std::string away = rig.config.warm.path + ".away";
  std::filesystem::rename(rig.config.warm.path, away);
  std::filesystem::create_directory(rig.config.warm.path);  // the empty mount point
  rig.scrub_later();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST(rig.quarantined() == 0);
  std::filesystem::remove(rig.config.warm.path);
  std::filesystem::rename(away, rig.config.warm.path);
  rig.clock.advance(minutes(11));
  rig.scrub();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(scrub_pace)

// Each copy is read once a period, those whose turn is the longest ago first; a restart in the
// middle goes on with the rest.
BOOST_AUTO_TEST_CASE(it_goes_on_where_it_stopped) {
  RepairRig rig([](Config& config) { config.standard.copy_after = days(400); });
  if (!rig.can_verify()) return;
  for (int i = 0; i < 6; ++i) {
    rig.ingest();
    rig.clock.advance(minutes(1));
  }
  rig.clock.advance(rig.config.scrub.every);
  const UnixMillis begun = rig.clock.now();
  const auto backlog = [&](int64_t most) {
    auto index = must(rig.archive().index.take());
    const UnixMillis before = rig.clock.now() - rig.config.scrub.every;
    return must(count_to_scrub(*index, rig.archive().standard_medium(), before, most));
  };
  BOOST_TEST(backlog(100) == 6);
  BOOST_TEST(backlog(4) == 4);  // no more are counted than that
  {
    Verifications verifications(rig.archive());
    Scrubber scrubber(rig.archive(), verifications);
    for (int i = 0; i < 2; ++i) BOOST_TEST(must(scrubber.run_once(*rig.io)));
    BOOST_TEST(scrubber.standing().at(rig.archive().standard_medium()).copies == 2);
  }
  rig.reopen();
  rig.clock.advance(seconds(1));
  BOOST_TEST(backlog(100) == 4);
  {
    Verifications verifications(rig.archive());
    Scrubber scrubber(rig.archive(), verifications);
    int turns = 0;
    while (must(scrubber.run_once(*rig.io))) ++turns;
    BOOST_TEST(turns == 4);
  }
  BOOST_TEST(backlog(100) == 0);
  auto index = must(rig.archive().index.take());
  BOOST_TEST((must(oldest_unverified(*index, rig.archive().standard_medium())).value() == begun));
}

BOOST_AUTO_TEST_CASE(it_reads_no_faster_than_it_was_told) {
  RepairRig rig([](Config& config) {
    config.standard.copy_after = days(400);
    config.scrub.rate_max = Bytes(1000);
  });
  if (!rig.can_verify()) return;
  Bytes bytes;
  for (int i = 0; i < 4; ++i) bytes += rig.ingest().bytes();
  rig.clock.advance(rig.config.scrub.every);
  rig.clock.advance(seconds(1));
  const Millis before = rig.clock.monotonic();
  rig.scrub();  // the sleeper moves the clock
  const int64_t seconds_taken = (rig.clock.monotonic().count - before.count) / 1000;
  BOOST_TEST(seconds_taken >= bytes.count / 1000 - 2);  // the bucket holds a second
  BOOST_TEST(seconds_taken <= bytes.count / 1000 + 2);
}

BOOST_AUTO_TEST_CASE(a_paused_tier_is_not_read) {
  RepairRig rig([](Config& config) { config.standard.copy_after = days(400); });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.flip_byte(rig.standard_files("outbound.pcm").at(0), 3);
  PauseRow pause;
  pause.who = "uid:0";
  pause.since = rig.clock.now();
  rig.archive().gate.set_pauses({pause});
  rig.scrub_later();
  BOOST_TEST(rig.quarantined() == 0);
  rig.archive().gate.set_pauses({});
  rig.scrub();
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kQuarantined));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
