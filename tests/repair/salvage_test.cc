// A pack that is bad wherever it lies: what is whole of it goes into a new one, the rest stays,
// quarantined, and is told.
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "tests/repair/salvage_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(P5_a_pack_without_a_good_copy_is_salvaged)

BOOST_AUTO_TEST_CASE(what_is_whole_is_in_a_new_pack_and_the_rest_stays) {
  SalvageRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_warm();
  const std::string old = rig.only_pack(rig.config.warm.path);
  rig.damage_sound(calls.at(0), Tier::kWarm, old);
  const std::string bad = rig.bytes_of(old);
  const PackId old_pack = rig.copy_on(calls.at(0), Tier::kWarm).pack.value();
  rig.scrub_later();
  for (const TestCall& call : calls) BOOST_TEST(!rig.is_good_on(call, Tier::kWarm));
  rig.repair_and_salvage();
  BOOST_TEST((rig.state_on(calls.at(0), Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST((rig.copy_on(calls.at(0), Tier::kWarm).pack == old_pack));
  for (size_t i : {1U, 2U}) {
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kWarm));
    BOOST_TEST((rig.copy_on(calls.at(i), Tier::kWarm).pack != old_pack));
    BOOST_TEST(rig.is_kept(calls.at(i)));
  }
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 2);
  BOOST_TEST((rig.bytes_of(old) == bad));
  BOOST_TEST(rig.rewrites().empty());
  // It is told, and nobody is given a byte of it.
  BOOST_TEST(rig.quarantined() == 1);
  rig.clock.advance(minutes(11));
  rig.repair_and_salvage();
  BOOST_TEST(rig.open_rows().size() == 1);
  const std::string told = rig.open_rows().at(0).error;
  BOOST_TEST(told.find(rig.recording(calls.at(0)).recording.text()) != std::string::npos, told);
  BOOST_TEST(told.find(rig.recording(calls.at(1)).recording.text()) == std::string::npos, told);
  must(rig.ask(calls.at(0)));
  rig.run_restorers();
  BOOST_TEST(!rig.is_readable(calls.at(0)));
  BOOST_TEST(!rig.read(calls.at(0), "outbound.pcm").ok());
  // P2: no way of removing takes it.
  const CopyRow left = rig.copy_on(calls.at(0), Tier::kWarm);
  Writer& writer = rig.archive().writer;
  BOOST_TEST((code_of(writer.call(release_pack(old_pack, left.medium, ReleasePolicy{1}, "x"))) ==
              Code::kLocked));
  BOOST_TEST(!writer.call(abandon_pack(old_pack, left.medium, "x")).ok());
  BOOST_TEST((code_of(writer.call(permit_pack_repair(old_pack, left.medium))) == Code::kLocked));
  for (int day = 0; day < 10; ++day) {
    rig.clock.advance(days(1));
    rig.run_mover();
    rig.repair_and_salvage();
  }
  BOOST_TEST((rig.bytes_of(old) == bad));
  BOOST_TEST(rig.quarantined() == 1);
  // What was salvaged went on its way.
  BOOST_TEST(rig.is_good_on(calls.at(1), Tier::kCold));
  for (size_t i : {1U, 2U}) BOOST_TEST(rig.is_kept(calls.at(i)));
  // A person brings the right bytes back.
  rig.damage_sound(calls.at(0), Tier::kWarm, old);
  rig.clock.advance(days(2));
  rig.repair_and_salvage();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(rig.is_kept(calls.at(0)));
}

// One is bad here, another there, and of a third the sound here and the metadata there.
BOOST_AUTO_TEST_CASE(bad_copies_complement_each_other) {
  SalvageRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  const std::string cold = rig.only_pack(rig.config.cold->path);
  rig.damage_sound(calls.at(0), Tier::kWarm, warm);
  rig.damage_sound(calls.at(1), Tier::kCold, cold);
  rig.damage_metadata(calls.at(2), Tier::kWarm, warm);
  rig.damage_sound(calls.at(2), Tier::kCold, cold);
  rig.scrub_later();
  BOOST_TEST(rig.quarantined() == 2);
  rig.repair_and_salvage();
  rig.clock.advance(minutes(11));
  rig.repair_and_salvage();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(!std::filesystem::exists(warm));
  BOOST_TEST(!std::filesystem::exists(cold));
  BOOST_TEST((rig.bytes_of(rig.only_pack(rig.config.warm.path)) ==
              rig.bytes_of(rig.only_pack(rig.config.cold->path))));
  for (const TestCall& call : calls) {
    BOOST_TEST(rig.is_good_on(call, Tier::kWarm));
    BOOST_TEST(rig.is_good_on(call, Tier::kCold));
    BOOST_TEST(rig.is_kept(call));
  }
  BOOST_TEST(rig.rewrites().empty());
}

// One stands on the standard tier alone, another in the bad pack alone.
BOOST_AUTO_TEST_CASE(a_member_is_taken_from_its_plain_files) {
  SalvageRig rig([](Config& config) {
    config.standard.release_after = days(300);
    config.warm.copy_after = days(400);
    config.warm.release_after = days(401);
  });
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(2);
  rig.pack();
  const std::string old = rig.only_pack(rig.config.warm.path);
  rig.damage_sound(calls.at(0), Tier::kWarm, old);
  for (const std::string& path : rig.standard_files("outbound.pcm"))
    if (path.find("/" + calls.at(1).call_sid + "/") != std::string::npos) rig.flip_byte(path, 50);
  rig.scrub_later();
  BOOST_TEST(rig.quarantined() == 2);
  rig.repair_and_salvage();
  rig.clock.advance(minutes(21));
  rig.repair_and_salvage();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(!std::filesystem::exists(old));
  for (const TestCall& call : calls) {
    BOOST_TEST(rig.is_good_on(call, Tier::kWarm));
    BOOST_TEST(rig.is_good_on(call, Tier::kStandard));
    BOOST_TEST(rig.is_whole(call));
  }
}

BOOST_AUTO_TEST_CASE(a_missing_copy_and_a_bad_one) {
  SalvageRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  std::filesystem::remove(rig.only_pack(rig.config.warm.path));
  const std::string cold = rig.only_pack(rig.config.cold->path);
  rig.damage_sound(calls.at(1), Tier::kCold, cold);
  rig.scrub_later();
  rig.repair_and_salvage();
  BOOST_TEST(std::filesystem::exists(cold));
  BOOST_TEST((rig.state_on(calls.at(1), Tier::kCold) == CopyState::kQuarantined));
  for (size_t i : {0U, 2U}) {
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kWarm));
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kCold));
    BOOST_TEST(rig.is_kept(calls.at(i)));
  }
}

BOOST_AUTO_TEST_CASE(where_nothing_is_whole_nothing_changes) {
  SalvageRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const std::string old = rig.only_pack(rig.config.warm.path);
  std::filesystem::resize_file(old, 20'000);
  const std::string bad = rig.bytes_of(old);
  rig.scrub_later();
  rig.repair_and_salvage();
  BOOST_TEST((rig.bytes_of(rig.only_pack(rig.config.warm.path)) == bad));
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(!rig.archive().gate.health(Tier::kWarm).suspension().has_value());
}

// P3: who is held and cannot be read stays; who was destroyed waits with it, and goes when the rest
// has left.
BOOST_AUTO_TEST_CASE(P3_the_held_stay_and_the_destroyed_wait_with_them) {
  SalvageRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(4);
  rig.to_warm();
  const std::string old = rig.only_pack(rig.config.warm.path);
  must(rig.hold(calls.at(0)));
  rig.damage_sound(calls.at(0), Tier::kWarm, old);
  must(rig.destroy(calls.at(1)));
  must(rig.destroy(calls.at(2)));
  rig.compact();  // due; it finds the pack bad
  rig.repair_and_salvage();
  rig.clock.advance(minutes(11));
  rig.repair_and_salvage();
  BOOST_TEST(std::filesystem::exists(old));
  BOOST_TEST(rig.is_known(calls.at(1)));
  BOOST_TEST((rig.state_on(calls.at(0), Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST(rig.is_good_on(calls.at(3), Tier::kWarm));
  BOOST_TEST(rig.is_kept(calls.at(3)));
  rig.damage_sound(calls.at(0), Tier::kWarm, old);  // the right bytes again
  rig.clock.advance(days(2));
  rig.repair_and_salvage();
  BOOST_TEST(!std::filesystem::exists(old));
  BOOST_TEST(!rig.is_known(calls.at(1)));
  BOOST_TEST(!rig.is_known(calls.at(2)));
  for (size_t i : {0U, 3U}) BOOST_TEST(rig.is_kept(calls.at(i)));
}

BOOST_AUTO_TEST_CASE(P7_a_salvage_is_killed_anywhere) {
  for (int n = 0;; n += 7) {
    SalvageRig rig;
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = rig.make_calls(3);
    rig.to_both();
    const std::string warm = rig.only_pack(rig.config.warm.path);
    rig.damage_sound(calls.at(0), Tier::kWarm, warm);
    rig.damage_sound(calls.at(1), Tier::kWarm, warm);
    const std::string bad = rig.bytes_of(warm);
    const std::string cold = rig.only_pack(rig.config.cold->path);
    rig.damage_sound(calls.at(0), Tier::kCold, cold);
    rig.damage_sound(calls.at(2), Tier::kCold, cold);
    rig.scrub_later();
    rig.repair();
    BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
    FaultAt dead(n, true);
    rig.faults.aim(&dead);
    rig.compact_until_it_fails();
    rig.reopen();
    BOOST_TEST_CONTEXT("killed at point " << n << ", " << dead.fired_at()) {
      rig.clock.advance(hours(25));
      rig.repair_and_salvage();
      BOOST_TEST((rig.bytes_of(warm) == bad));
      BOOST_TEST((rig.state_on(calls.at(0), Tier::kWarm) == CopyState::kQuarantined));
      BOOST_TEST((rig.state_on(calls.at(0), Tier::kCold) == CopyState::kQuarantined));
      for (size_t i : {1U, 2U}) {
        BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kWarm));
        BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kCold));
        BOOST_TEST(rig.is_kept(calls.at(i)));
      }
      BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 2);
      BOOST_TEST(rig.files_below(rig.config.cold->path).size() == 2);
      BOOST_TEST(rig.rewrites().empty());
    }
    if (!dead.fired()) {
      BOOST_TEST_MESSAGE(n << " points");
      BOOST_TEST(n > 30);
      return;
    }
  }
}

BOOST_AUTO_TEST_CASE(P6_a_rebuilt_index_knows_who_was_salvaged_and_who_was_not) {
  SalvageRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_warm();
  rig.damage_sound(calls.at(0), Tier::kWarm, rig.only_pack(rig.config.warm.path));
  rig.scrub_later();
  rig.repair_and_salvage();
  const PackId fresh = rig.copy_on(calls.at(1), Tier::kWarm).pack.value();
  const PackId old = rig.copy_on(calls.at(0), Tier::kWarm).pack.value();
  rig.lose_index();
  rig.rebuild();
  BOOST_TEST((rig.state_on(calls.at(0), Tier::kWarm) == CopyState::kQuarantined));
  BOOST_TEST((rig.copy_on(calls.at(0), Tier::kWarm).pack == old));
  BOOST_TEST(rig.quarantined() == 1);
  for (size_t i : {1U, 2U}) {
    BOOST_TEST((rig.copy_on(calls.at(i), Tier::kWarm).pack == fresh));
    BOOST_TEST(rig.is_good_on(calls.at(i), Tier::kWarm));
    BOOST_TEST(rig.is_kept(calls.at(i)));
  }
  BOOST_TEST(!rig.read(calls.at(0), "outbound.pcm").ok());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(remains_of_a_bad_pack)

// A pack of which the medium refuses some bytes.
class RefusingSession final : public PackSession {
 public:
  RefusingSession(std::string bytes, int64_t bad_from, int64_t bad_to)
      : bytes_(std::move(bytes)), bad_from_(bad_from), bad_to_(bad_to) {}

  Status read(Io&, const PackLocation&, const std::vector<PackRange>& ranges,
              const RangeSink& sink) override {
    ++reads_;
    for (const PackRange& range : ranges) {
      const int64_t end = range.offset.count + range.length.count;
      if (range.offset.count < bad_to_ && end > bad_from_)
        return Error{Code::kIo, "the medium refuses it"};
      const std::string_view piece = std::string_view(bytes_).substr(
          static_cast<size_t>(range.offset.count), static_cast<size_t>(range.length.count));
      HOLDFAST_TRY(sink(0, as_bytes(piece)));
    }
    return {};
  }
  Result<PackLocation> append(Io&, const PackId&, Bytes, const PackSource&) override {
    return refused();
  }
  Result<VerifyMode> verify(Io&, const PackLocation&, Bytes, const Digest&) override {
    return refused();
  }
  Result<ReplacedPack> replace(Io&, const PackLocation&, Bytes, const Digest&, const PackSource&,
                               const PackRepairPermit&) override {
    return refused();
  }
  Status probe(Io&) override { return refused(); }
  Status remove(Io&, const PackLocation&, const PackReleasePermit&) override { return refused(); }
  int reads() const { return reads_; }

 private:
  static Error refused() { return Error{Code::kInvalid, "this session only reads"}; }
  const std::string bytes_;
  const int64_t bad_from_;
  const int64_t bad_to_;
  int reads_ = 0;
};

BOOST_AUTO_TEST_CASE(all_but_the_refused_sectors_is_delivered) {
  const auto io = Io::open().value();
  const std::string bytes(3 << 20, 'b');
  RefusingSession session(bytes, 1'000'000, 1'010'000);
  std::string got(bytes.size(), '\0');
  must(session.read_remains(
      *io, "x", Bytes(static_cast<int64_t>(bytes.size())), [&](Bytes at, ByteSpan piece) {
        got.replace(static_cast<size_t>(at.count), piece.size(), as_text(piece));
        return Status();
      }));
  const auto missing = std::count(got.begin(), got.end(), '\0');
  BOOST_TEST(missing >= 10'000);
  BOOST_TEST(missing <= 10'000 + 2 * 4096);
  BOOST_TEST(got.find('\0') <= 1'000'000);
}

BOOST_AUTO_TEST_CASE(a_medium_that_gives_nothing_is_not_asked_for_every_sector) {
  const auto io = Io::open().value();
  RefusingSession session(std::string(64 << 20, 'b'), 0, INT64_MAX);
  must(session.read_remains(*io, "x", Bytes(64 << 20), [](Bytes, ByteSpan) { return Status(); }));
  BOOST_TEST(session.reads() < 2000);
  // The sink's error ends it.
  RefusingSession sound(std::string(1 << 20, 'b'), 0, 0);
  const Status full = sound.read_remains(*io, "x", Bytes(1 << 20), [](Bytes, ByteSpan) -> Status {
    return Error{Code::kNoSpace, "full"};
  });
  BOOST_TEST((code_of(full) == Code::kNoSpace));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
