// Sources that are not what the index acknowledged, files that are gone, and packs that are bad
// from the start: none of them is packed, read or released, and nobody else waits for them.
#include <fstream>

#include "index/read/status.h"
#include "io/digest.h"
#include "tests/support/archive_fixture.h"
#include "tiers/disk/recording_json.h"

namespace holdfast {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// The place of one of the call's plain files.
std::string plain_path(const ArchiveFixture& rig, const TestCall& call, const std::string& name) {
  for (const std::string& path : rig.standard_files(name))
    if (path.find("/" + call.call_sid + "/") != std::string::npos) return path;
  BOOST_FAIL("no file " + name + " of " + call.call_sid);
  return "";
}

// Rewrites the call's recording.json, as a hand or a foreign program might.
void edit_description(const ArchiveFixture& rig, const TestCall& call,
                      const std::function<void(RecordingDescription&)>& edit) {
  const std::string path = plain_path(rig, call, "recording.json");
  RecordingDescription description = must(parse_recording_json(text_of(path)));
  edit(description);
  std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);
  write_text(path, recording_json(description));
}

int64_t quarantined(ArchiveFixture& rig) {
  auto index = must(rig.archive().index.take());
  return must(status_summary(*index, std::nullopt)).quarantined;
}

// Whether the feed told of a change of this recording since `seq`.
bool was_told(ArchiveFixture& rig, const Recording& known, int64_t seq) {
  for (const Change& change : rig.archive().changes.since(seq).changes)
    if (change.recording_no == known.recording_no && change.kind == Change::Kind::kChanged)
      return true;
  return false;
}

int64_t news(ArchiveFixture& rig) { return rig.archive().changes.since(0).seq; }

BOOST_AUTO_TEST_SUITE(bad_sources)

BOOST_AUTO_TEST_CASE(a_source_that_differs_from_the_index_is_not_packed) {
  using Edit = std::function<void(ArchiveFixture&, TestCall&)>;
  const std::vector<std::pair<std::string, Edit>> edits = {
      {"file and recording.json agree with each other alone",
       [](ArchiveFixture& rig, TestCall& call) {
         std::string bytes = call.files.at("inbound.ulaw");
         bytes[7] = static_cast<char>(bytes[7] ^ 1);
         const std::string path = plain_path(rig, call, "inbound.ulaw");
         std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                      std::filesystem::perm_options::add);
         write_text(path, bytes);
         edit_description(rig, call, [&](RecordingDescription& description) {
           for (RecordedFile& file : description.files)
             if (file.name == "inbound.ulaw") file.sha256 = sha256(bytes);
         });
       }},
      {"recording.json names a digest less",
       [](ArchiveFixture& rig, TestCall& call) {
         edit_description(rig, call, [](RecordingDescription& description) {
           description.files.erase(description.files.begin());
         });
       }},
      {"recording.json names another recording",
       [](ArchiveFixture& rig, TestCall& call) {
         const RecordingId other = rig.random.id<RecordingId>();
         edit_description(
             rig, call, [&](RecordingDescription& description) { description.recording = other; });
       }},
      {"recording.json is cut",
       [](ArchiveFixture& rig, TestCall& call) {
         std::filesystem::resize_file(plain_path(rig, call, "recording.json"), 40);
       }},
      {"recording.json is gone",
       [](ArchiveFixture& rig, TestCall& call) {
         std::filesystem::remove(plain_path(rig, call, "recording.json"));
       }},
      {"a file is gone", [](ArchiveFixture& rig, TestCall& call) {
         std::filesystem::remove(plain_path(rig, call, "outbound.pcm"));
       }}};
  for (const auto& [what, edit] : edits) {
    BOOST_TEST_CONTEXT(what) {
      ArchiveFixture rig;
      if (!rig.can_verify()) return;
      TestCall bad = rig.ingest();
      const TestCall good = rig.ingest();
      edit(rig, bad);
      const int64_t seq = news(rig);
      rig.pack();
      rig.clock.advance(hours(1));
      rig.run_mover();
      BOOST_TEST(!rig.state_on(bad, Tier::kWarm).has_value());
      BOOST_TEST((rig.state_on(bad, Tier::kStandard) == CopyState::kQuarantined));
      BOOST_TEST(quarantined(rig) == 1);
      BOOST_TEST(was_told(rig, rig.recording(bad), seq));
      BOOST_TEST((rig.state_on(good, Tier::kWarm) == CopyState::kVerified));
      BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 1);
      BOOST_TEST(rig.is_kept(good));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_deleted_by_hand_is_quarantined_and_told) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const int64_t seq = news(rig);
  std::filesystem::remove(plain_path(rig, call, "outbound.pcm"));
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kCorrupt));
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kQuarantined));
  BOOST_TEST(quarantined(rig) == 1);
  BOOST_TEST(was_told(rig, rig.recording(call), seq));
  BOOST_TEST(rig.is_kept(call));  // from the pack
}

BOOST_AUTO_TEST_CASE(a_bad_file_is_told_to_the_feed) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const int64_t seq = news(rig);
  rig.flip_byte(plain_path(rig, call, "outbound.pcm"), 99);
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kCorrupt));
  BOOST_TEST(was_told(rig, rig.recording(call), seq));
}

// Whoever looked a recording up before it was released finds no file, and blames nobody.
BOOST_AUTO_TEST_CASE(a_file_that_left_as_it_should_is_not_quarantined) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall released = rig.ingest();
  const TestCall destroyed = rig.ingest();
  rig.pack();
  const Recording before_release = rig.recording(released);
  const Recording before_destruction = rig.recording(destroyed);
  must(rig.destroy(destroyed));
  rig.release_standard();
  const auto open = [&](const Recording& known) {
    return open_file(*rig.io, rig.archive(), known, known.files.at(0));
  };
  BOOST_TEST((code_of(open(before_release)) == Code::kArchived));
  BOOST_TEST(!open(before_destruction).ok());
  BOOST_TEST(quarantined(rig) == 0);
  // Staged again, the same old look-up finds it in its new place.
  BOOST_TEST(rig.is_kept(released));
  must(open(before_release));
  BOOST_TEST(quarantined(rig) == 0);
  BOOST_TEST(rig.is_whole(released));
}

// The files of a recording are unlinked while somebody digests one of them: nothing is bad.
BOOST_AUTO_TEST_CASE(a_file_that_leaves_while_it_is_read_is_not_quarantined) {
  class DestroyAtRead final : public Faults {
   public:
    DestroyAtRead(ArchiveFixture& rig, const TestCall& call) : rig_(rig), call_(call) {}
    Status at(std::string_view point) override {
      if (point == "read" && !std::exchange(done_, true)) must(rig_.destroy(call_));
      return {};
    }
    bool is_done() const { return done_; }

   private:
    ArchiveFixture& rig_;
    const TestCall& call_;
    bool done_ = false;
  };
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  rig.reopen();  // nobody has digested it yet
  const Recording known = rig.recording(call);
  DestroyAtRead destroyer(rig, call);
  IoOptions options;
  options.faults = &destroyer;
  options.force_fallback = true;
  auto io = Io::open(options).value();
  const auto opened = open_file(*io, rig.archive(), known, known.files.at(0));
  BOOST_TEST(destroyer.is_done());
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST((opened.error().code == Code::kNotFound));
  BOOST_TEST(quarantined(rig) == 0);
}

// An absent disk has lost nothing.
BOOST_AUTO_TEST_CASE(a_file_that_is_away_with_its_medium_is_not_quarantined) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const std::string file = plain_path(rig, call, "outbound.pcm");
  const std::string label = rig.config.standard.path + "/holdfast-label.json";
  std::filesystem::rename(file, rig.directory / "file");
  std::filesystem::rename(label, rig.directory / "label");
  BOOST_TEST((code_of(rig.read(call, "outbound.pcm")) == Code::kUnavailable));
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kCopied));
  std::filesystem::rename(rig.directory / "label", label);
  std::filesystem::rename(rig.directory / "file", file);
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(packs_bad_from_the_start)

// Turns until a pack is written, and verified only by the next turn.
std::string written_pack(ArchiveFixture& rig) {
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  rig.clock.advance(rig.config.warm.pack_seal_after);
  for (int turn = 0; turn < 20 && rig.files_below(rig.config.warm.path).empty(); ++turn)
    must(rig.mover->run_once(*rig.io));
  const std::set<std::string> files = rig.files_below(rig.config.warm.path);
  BOOST_REQUIRE_EQUAL(files.size(), 1);
  return *files.begin();
}

void expect_repacked(ArchiveFixture& rig, const std::vector<TestCall>& calls,
                     const std::string& bad, const PackId& old) {
  const auto files = rig.files_below(rig.config.warm.path);
  BOOST_TEST(!files.contains(bad));
  BOOST_TEST(files.size() == 1);
  for (const TestCall& call : calls) {
    BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
    for (const CopyRow& copy : rig.recording(call).copies) BOOST_TEST((copy.pack != old));
  }
  auto index = must(rig.archive().index.take());
  BOOST_TEST((must(find_pack(*index, old))->state == PackState::kGone));
  BOOST_TEST(must(pack_copies(*index, old)).empty());
  BOOST_TEST(must(moves_of_pack(*index, old)).empty());
  BOOST_TEST(must(status_summary(*index, std::nullopt)).failed_moves == 0);
}

PackId pack_of(ArchiveFixture& rig, const TestCall& call) {
  for (const CopyRow& copy : rig.recording(call).copies)
    if (copy.pack) return *copy.pack;
  BOOST_FAIL("no pack has " + call.call_sid);
  return PackId();
}

BOOST_AUTO_TEST_CASE(its_members_go_into_another_pack) {
  for (const bool is_deleted : {false, true}) {
    ArchiveFixture rig([](Config& config) { config.standard.release_after = days(2); });
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = {rig.ingest(), rig.ingest(), rig.ingest()};
    const std::string bad = written_pack(rig);
    const PackId old = pack_of(rig, calls[0]);
    if (is_deleted)
      std::filesystem::remove(bad);
    else
      rig.flip_byte(bad, 2000);
    for (int minute = 0; minute < 60; ++minute, rig.clock.advance(minutes(1))) {
      rig.run_mover();
      for (const TestCall& call : calls) BOOST_TEST(rig.is_whole(call));  // nothing is released
    }
    expect_repacked(rig, calls, bad, old);
    BOOST_TEST(quarantined(rig) == 0);  // what was bad is gone
    rig.clock.advance(days(2));
    rig.run_mover();
    for (const TestCall& call : calls) {
      BOOST_TEST(!rig.is_readable(call));
      BOOST_TEST(rig.is_kept(call));
    }
  }
}

BOOST_AUTO_TEST_CASE(it_is_tried_again_before_it_is_given_up) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  const std::string bad = written_pack(rig);
  rig.flip_byte(bad, 2000);
  must(rig.mover->run_once(*rig.io));
  BOOST_TEST(rig.moves().at(0).attempts == 1);
  BOOST_TEST(!rig.moves().at(0).error.empty());
  BOOST_TEST(std::filesystem::exists(bad));
  rig.flip_byte(bad, 2000);  // the next read is right: a cable, not the disk
  rig.clock.advance(minutes(10));
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST(std::filesystem::exists(bad));
  rig.release_standard();
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST(rig.is_kept(call));
}

// The pack is the only other place of a member whose source is bad, too: it is not thrown away.
BOOST_AUTO_TEST_CASE(it_stays_while_a_member_has_no_other_copy) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  const TestCall other = rig.ingest();
  const std::string bad = written_pack(rig);
  rig.flip_byte(bad, 2000);
  rig.flip_byte(plain_path(rig, other, "outbound.pcm"), 10);
  BOOST_TEST(!rig.read(other, "outbound.pcm").ok());
  for (int day = 0; day < 5; ++day, rig.clock.advance(days(1))) rig.run_mover();
  BOOST_TEST(std::filesystem::exists(bad));
  BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kCopied));
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST(rig.is_whole(call));
}

// A crash at any point of giving it up.
BOOST_AUTO_TEST_CASE(a_crash_on_the_way_changes_nothing) {
  for (int n = 0; n < 400; n += 3) {
    ArchiveFixture rig([](Config& config) { config.standard.release_after = days(2); });
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = {rig.ingest(), rig.ingest()};
    const std::string bad = written_pack(rig);
    const PackId old = pack_of(rig, calls[0]);
    rig.flip_byte(bad, 2000);
    for (int i = 0; i < 2; ++i) {
      rig.run_mover();
      rig.clock.advance(minutes(10));
    }
    FaultAt fault(n, true);
    rig.faults.aim(&fault);
    for (int i = 0; i < 10; ++i) static_cast<void>(rig.mover->run_once(*rig.io).ok());
    rig.faults.aim(nullptr);
    rig.reopen();
    for (int minute = 0; minute < 60; minute += 6, rig.clock.advance(minutes(6))) rig.run_mover();
    expect_repacked(rig, calls, bad, old);
    for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
    if (!fault.fired()) return;
  }
  BOOST_ERROR("the last point was never reached");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
