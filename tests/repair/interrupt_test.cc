// A scrub, a repair and a rewriting end soon at a stop or a pause, however large the pack is:
// nothing is blamed for it, nothing is half done, and the row is due as it was.
#include "daemon/work/compactor.h"
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

// Does something at the n-th reading, and counts those that come after it.
class AtReading final : public Faults {
 public:
  AtReading(int n, std::function<void()> act) : n_(n), act_(std::move(act)) {}
  Status at(std::string_view point) override {
    if (point != "read") return {};
    const int here = count_++;
    if (here == n_) act_();
    if (here > n_) ++after_;
    return {};
  }
  size_t torn_bytes(size_t) override { return 0; }
  bool has_acted() const { return count_ > n_; }
  int after() const { return after_; }

 private:
  const int n_;
  const std::function<void()> act_;
  int count_ = 0;
  int after_ = 0;
};

constexpr int kBlock = 4096;                                // of the test's Io: a pack has many
constexpr int64_t kFewest = (int64_t{256} << 10) / kBlock;  // pieces of the smallest pack

class InterruptRig : public RepairRig {
 public:
  InterruptRig() {
    IoOptions options;
    options.faults = &faults;
    options.block = kBlock;
    options.depth = 1;
    small_io = must(Io::open(options));
  }
  void pause(Tier tier) {
    PauseRow row;
    row.tier = tier;
    row.who = "uid:0";
    row.since = clock.now();
    archive().gate.set_pauses({row});
  }
  void resume() { archive().gate.set_pauses({}); }
  UnixMillis verified_at(const TestCall& call, Tier tier) {
    for (const CopyRow& copy : recording(call).copies)
      if (copy.tier == tier) {
        auto index = must(archive().index.take());
        return must(find_pack_copy(*index, *copy.pack, copy.medium)).value().verified_at.value();
      }
    BOOST_FAIL("it lies elsewhere");
    return {};
  }
  void scrub_in_pieces() {
    Verifications verifications(archive());
    Scrubber scrubber(archive(), verifications);
    scrubber.run(*small_io);
  }

  std::unique_ptr<Io> small_io;
};

BOOST_AUTO_TEST_SUITE(interruptions)

BOOST_AUTO_TEST_CASE(a_scrub_of_a_pack_ends_at_a_pause_of_its_tier) {
  InterruptRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const UnixMillis before = rig.verified_at(call, Tier::kWarm);
  rig.clock.advance(rig.config.scrub.every);
  rig.clock.advance(seconds(1));
  AtReading pausing(5, [&] { rig.pause(Tier::kWarm); });
  rig.faults.aim(&pausing);
  rig.scrub_in_pieces();
  rig.faults.aim(nullptr);
  BOOST_TEST(pausing.has_acted());
  BOOST_TEST(pausing.after() < kFewest / 4);
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST((rig.verified_at(call, Tier::kWarm) == before));
  BOOST_TEST(!rig.archive().gate.health(Tier::kWarm).suspension().has_value());
  rig.resume();
  rig.scrub();  // at once: it is due as it was
  BOOST_TEST((rig.verified_at(call, Tier::kWarm) > before));
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_scrub_and_a_verification_end_at_a_stop) {
  for (const bool asked : {false, true}) {
    InterruptRig rig;
    if (!rig.can_verify()) return;
    const TestCall call = rig.ingest();
    rig.to_warm();
    const UnixMillis before = rig.verified_at(call, Tier::kWarm);
    if (!asked) rig.clock.advance(rig.config.scrub.every);
    rig.clock.advance(seconds(1));
    Verifications verifications(rig.archive());
    Scrubber scrubber(rig.archive(), verifications);
    VerificationRequest request;
    request.recording = rig.recording(call).recording_no;
    if (asked) must(verifications.ask(request));
    AtReading stopping(5, [&] { scrubber.request_stop(); });
    rig.faults.aim(&stopping);
    scrubber.run(*rig.small_io);
    rig.faults.aim(nullptr);
    BOOST_TEST(stopping.has_acted());
    BOOST_TEST(stopping.after() < kFewest / 4);
    BOOST_TEST(rig.quarantined() == 0);
    BOOST_TEST((rig.verified_at(call, Tier::kWarm) == before));
  }
}

// Wherever in its reading, writing and re-reading it ends: the bad copy is there as it was, or the
// good one is in its place.
BOOST_AUTO_TEST_CASE(a_repair_of_a_pack_ends_at_a_pause_of_any_tier_and_at_a_stop) {
  for (const int at : {3, 40, 70, 130, 200}) {
    for (const std::string what : {"warm", "cold", "stop"}) {
      InterruptRig rig;
      if (!rig.can_verify()) return;
      const TestCall call = rig.ingest();
      rig.to_both();
      const std::string warm = rig.only_pack(rig.config.warm.path);
      const std::string whole = rig.bytes_of(warm);
      rig.flip_byte(warm, 3000);
      const std::string bad = rig.bytes_of(warm);
      rig.scrub_later();
      BOOST_REQUIRE_EQUAL(rig.quarantined(), 1);
      Repairer repairer(rig.archive());
      AtReading ending(at, [&] {
        if (what == "stop")
          repairer.request_stop();
        else
          rig.pause(what == "warm" ? Tier::kWarm : Tier::kCold);
      });
      rig.faults.aim(&ending);
      if (what == "stop")
        repairer.run(*rig.small_io);
      else
        must(repairer.run_once(*rig.small_io));
      rig.faults.aim(nullptr);
      BOOST_TEST_CONTEXT(what << " at reading " << at) {
        const bool is_done = rig.quarantined() == 0;
        BOOST_TEST((rig.bytes_of(warm) == (is_done ? whole : bad)));
        // It reads from cold in between: a pause of it ends that alone.
        if (what != "cold") BOOST_TEST(!is_done);
        BOOST_TEST(ending.has_acted());
        if (what != "cold") BOOST_TEST(ending.after() < kFewest / 4);
        rig.resume();
        rig.clock.advance(minutes(11));  // a source that is paused is asked again then
        rig.repair();
        BOOST_TEST(rig.quarantined() == 0);
        BOOST_TEST((rig.bytes_of(warm) == whole));
        BOOST_TEST(rig.is_kept(call));
      }
    }
  }
}

// Its row is due as it was: no try is counted against it, and nothing is waited for.
BOOST_AUTO_TEST_CASE(an_interrupted_repair_has_not_failed) {
  InterruptRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_both();
  rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
  rig.scrub_later();
  AtReading pausing(40, [&] { rig.pause(Tier::kWarm); });
  rig.faults.aim(&pausing);
  {
    Repairer repairer(rig.archive());
    must(repairer.run_once(*rig.small_io));
  }
  rig.faults.aim(nullptr);
  BOOST_TEST(rig.open_rows().at(0).attempts == 0);
  rig.resume();
  rig.repair();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_rewriting_ends_at_a_pause_and_at_a_stop) {
  for (const int at : {3, 70, 130, 200}) {
    for (const bool stops : {false, true}) {
      InterruptRig rig;
      if (!rig.can_verify()) return;
      const TestCall gone = rig.ingest();
      const TestCall kept = rig.ingest();
      rig.to_warm();
      must(rig.destroy(gone));
      Compactor compactor(rig.archive());
      must(compactor.run_once(*rig.small_io));  // begun
      AtReading ending(at, [&] { stops ? compactor.request_stop() : rig.pause(Tier::kWarm); });
      rig.faults.aim(&ending);
      compactor.run(*rig.small_io);
      rig.faults.aim(nullptr);
      BOOST_TEST_CONTEXT((stops ? "stop" : "pause") << " at reading " << at) {
        if (ending.has_acted()) BOOST_TEST(ending.after() < kFewest / 4);
        BOOST_TEST((rig.state_on(kept, Tier::kWarm) == CopyState::kVerified));
        rig.resume();
        rig.clock.advance(minutes(11));  // after the interruption it found the tier paused
        Compactor next(rig.archive());
        next.run(*rig.io);
        BOOST_TEST(!rig.is_known(gone));
        BOOST_TEST(rig.is_kept(kept));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
