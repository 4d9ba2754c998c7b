// What may move now: pauses, windows, rates, suspensions, and a full tier.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "base/limits.h"
#include "daemon/work/spool.h"
#include "index/commands/moves.h"
#include "index/commands/pauses.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/small_disk.h"

namespace holdfast {
namespace {

constexpr UnixMillis kNoon = UnixMillis(1'795'262'400'000);  // 2026-11-21T12:00:00Z

class GateFixture : public ArchiveFixture {
 public:
  using ArchiveFixture::ArchiveFixture;

  void pause(std::optional<Tier> tier, const std::string& reason = "") {
    archive().gate.set_pauses(must(archive().writer.call(pause_moves(tier, reason, "uid:0"))));
  }
  void resume(std::optional<Tier> tier) {
    archive().gate.set_pauses(must(archive().writer.call(resume_moves(tier, "uid:0"))));
  }
  // A pack's worth of work: sealed, and due to be written.
  void gather() {
    clock.advance(config.standard.copy_after);
    run_mover();
    clock.advance(config.warm.pack_seal_after);
  }
  bool is_on(const TestCall& call, Tier tier) {
    return state_on(call, tier) == CopyState::kVerified;
  }
  std::string random_bytes(size_t length) {
    std::string bytes(length, '\0');
    random.fill(MutableByteSpan(reinterpret_cast<std::byte*>(bytes.data()), bytes.size()));
    return bytes;
  }
  void hide(const std::string& path) { std::filesystem::rename(path, path + ".away"); }
  void show(const std::string& path) { std::filesystem::rename(path + ".away", path); }
};

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(a_pause_stops_copies_and_releases_and_survives_a_restart) {
  for (const std::optional<Tier> tier :
       {std::optional<Tier>(), std::optional(Tier::kStandard), std::optional(Tier::kWarm)}) {
    GateFixture rig;
    if (!rig.can_verify()) return;
    const TestCall released = rig.ingest();
    rig.pack();
    const TestCall waiting = rig.ingest();
    rig.pause(tier, "the disk is swapped");
    rig.reopen();
    rig.gather();
    rig.clock.advance(rig.config.standard.release_after);
    rig.run_mover();
    BOOST_TEST(rig.is_readable(released));
    BOOST_TEST((rig.state_on(waiting, Tier::kWarm) == CopyState::kPlanned));
    BOOST_REQUIRE_EQUAL(rig.moves().size(), 2);  // one waits for its release, one to begin
    BOOST_TEST((rig.moves()[0].state == MoveState::kPlanned));
    BOOST_TEST(rig.moves()[0].attempts == 0);
    const auto closed = rig.archive().gate.closed(Edge::kStandardToWarm, rig.clock.now());
    BOOST_REQUIRE(closed.has_value());
    BOOST_TEST(closed->why.find("paused by uid:0") != std::string::npos);
    BOOST_TEST(closed->why.find("the disk is swapped") != std::string::npos);
    rig.resume(tier);
    rig.run_mover();
    BOOST_TEST(rig.is_on(waiting, Tier::kWarm));
    rig.clock.advance(minutes(1));
    rig.run_mover();
    BOOST_TEST(!rig.is_readable(released));
    BOOST_TEST(rig.is_kept(released));
  }
}

BOOST_AUTO_TEST_CASE(a_pause_of_cold_leaves_the_other_edge_alone) {
  GateFixture rig;
  if (!rig.can_verify()) return;
  rig.pause(Tier::kCold);
  const TestCall call = rig.ingest();
  rig.to_warm();
  BOOST_TEST(!rig.is_readable(call));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST(rig.is_on(call, Tier::kWarm));
  BOOST_TEST(rig.files_below(rig.config.cold->path).empty());
  rig.resume(std::nullopt);  // whatever is paused
  rig.run_mover();
  BOOST_TEST(rig.is_on(call, Tier::kCold));
}

BOOST_AUTO_TEST_CASE(restores_evictions_and_destruction_pass) {
  GateFixture rig;
  if (!rig.can_verify()) return;
  const TestCall archived = rig.ingest();
  rig.to_warm();
  const TestCall doomed = rig.ingest();
  rig.pause(std::nullopt);
  must(rig.ask(archived, hours(1)));
  rig.run_restorers();
  BOOST_TEST(rig.is_whole(archived));
  rig.clock.advance(hours(2));
  rig.run_mover();
  BOOST_TEST(!rig.is_readable(archived));
  BOOST_TEST(rig.staged_files().empty());
  must(rig.archive().writer.call(condemn(rig.recording(doomed).recording_no, "key:test")));
  rig.run_mover();
  BOOST_TEST(!rig.is_known(doomed));
}

// What is under way stops at its next piece, has not failed, and is begun anew.
BOOST_AUTO_TEST_CASE(a_pause_stops_a_copy_under_way) {
  // At a byte a second the copy waits for weeks; somebody loses patience.
  class Impatient final : public Sleeper {
   public:
    void sleep(Millis length) override {
      rig->clock.advance(length);
      if (length.count > 0 && ++slept == 5) rig->pause(Tier::kCold);
    }
    GateFixture* rig = nullptr;
    int slept = 0;
  } impatient;
  GateFixture rig([](Config& config) { config.cold->rate_max = Bytes(1); });
  if (!rig.can_verify()) return;
  impatient.rig = &rig;
  TestCall call = rig.make_call();
  call.files["noise.bin"] = rig.random_bytes(2'000'000);  // several pieces
  must(rig.try_ingest(call));
  rig.to_warm();
  rig.clock.advance(rig.config.warm.copy_after);
  rig.sleep_with(impatient);
  rig.run_mover();
  BOOST_TEST(impatient.slept == 5);
  BOOST_REQUIRE_EQUAL(rig.moves().size(), 1);
  BOOST_TEST((rig.moves()[0].state == MoveState::kCopying));
  BOOST_TEST(rig.moves()[0].attempts == 0);
  BOOST_TEST(!rig.state_on(call, Tier::kCold).has_value());
  BOOST_TEST(rig.files_below(rig.config.cold->path).empty());
  BOOST_TEST(!rig.archive().gate.health(Tier::kCold).suspension().has_value());
  rig.resume(Tier::kCold);
  // What was read and written is paid for first, and holds up nothing else meanwhile.
  const TestCall other = rig.ingest();
  rig.pack();
  BOOST_TEST(rig.is_on(other, Tier::kWarm));
  BOOST_TEST((rig.moves().back().state == MoveState::kCopying));
  for (int i = 0; i < 3; ++i) {
    rig.clock.advance(days(60));
    rig.run_mover();
  }
  BOOST_TEST(rig.is_on(call, Tier::kCold));
}

// A rate so low that the copy to cold takes weeks: whatever wants to go to warm goes meanwhile,
// through the very medium that is copied from.
BOOST_AUTO_TEST_CASE(a_slow_copy_to_cold_holds_up_no_move_to_warm) {
  class Meanwhile final : public Sleeper {
   public:
    void sleep(Millis length) override {
      rig->clock.advance(length);
      if (length.count == 0 || std::exchange(asked, true)) return;
      auto io = Io::open().value();
      for (int turn = 0; turn < 20; ++turn) {
        must(rig->mover->policy().run_once(*io));
        rig->clock.advance(rig->config.warm.pack_seal_after);
        must(rig->mover->to_warm().run_once(*io));
      }
      moved = rig->is_on(*other, Tier::kWarm);
      rig->pause(Tier::kCold);  // it has been slow for long enough
    }
    GateFixture* rig = nullptr;
    std::optional<TestCall> other;
    bool asked = false;
    bool moved = false;
  } meanwhile;
  GateFixture rig([](Config& config) { config.cold->rate_max = Bytes(1); });
  if (!rig.can_verify()) return;
  meanwhile.rig = &rig;
  TestCall call = rig.make_call();
  call.files["noise.bin"] = rig.random_bytes(2'000'000);
  must(rig.try_ingest(call));
  rig.to_warm();
  rig.clock.advance(rig.config.warm.copy_after);
  meanwhile.other = rig.ingest();
  rig.sleep_with(meanwhile);
  rig.clock.advance(rig.config.standard.copy_after);
  rig.clock.advance(rig.config.warm.pack_seal_after);
  rig.run_mover();
  BOOST_TEST(meanwhile.asked);
  BOOST_TEST(meanwhile.moved);
}

// A pause does not wait until the whole pack is encoded: at whichever operation it comes, what is
// under way ends soon, has not failed, and is begun anew.
BOOST_AUTO_TEST_CASE(a_pause_ends_the_encoding_of_a_pack) {
  class PauseAt final : public Faults {
   public:
    PauseAt(Gate& gate, int n) : gate_(gate), n_(n) {}
    Status at(std::string_view) override {
      if (n_-- == 0) gate_.set_pauses({PauseRow()});
      return {};
    }
    bool has_come() const { return n_ < 0; }

   private:
    Gate& gate_;
    int n_;
  };
  int interrupted = 0;
  for (int n = 0;; n += 5) {
    GateFixture rig;
    if (!rig.can_verify()) return;
    std::vector<TestCall> calls;
    for (int i = 0; i < 3; ++i) calls.push_back(rig.ingest());
    rig.gather();
    must(rig.mover->policy().run_once(*rig.io));
    BOOST_REQUIRE_EQUAL(rig.moves().size(), 1);
    PauseAt pause(rig.archive().gate, n);
    rig.faults.aim(&pause);
    must(rig.mover->to_warm().run_once(*rig.io));
    rig.faults.aim(nullptr);
    BOOST_TEST(rig.moves()[0].attempts == 0);
    if (rig.moves()[0].state == MoveState::kCopying) {
      ++interrupted;
      BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
    }
    rig.archive().gate.set_pauses({});
    rig.run_mover();
    for (const TestCall& call : calls) BOOST_TEST(rig.is_on(call, Tier::kWarm));
    if (!pause.has_come()) break;
  }
  BOOST_TEST(interrupted > 2);
}

BOOST_AUTO_TEST_CASE(a_pause_is_a_decision_and_its_reason_a_note) {
  GateFixture rig;
  rig.pause(Tier::kWarm, "Mrs Smith's disk");
  rig.pause(Tier::kWarm, "again");  // it is paused already
  BOOST_TEST(rig.archive().gate.pauses().size() == 1);
  BOOST_TEST(rig.archive().gate.pauses()[0].reason == "Mrs Smith's disk");
  std::string lines;
  for (const std::string& path : rig.files_below(rig.config.state_dir + "/ledger/decisions")) {
    std::ifstream file(path);
    lines.append(std::istreambuf_iterator<char>(file), {});
  }
  BOOST_TEST(lines.find("\"k\":\"moves.paused\"") != std::string::npos);
  BOOST_TEST(lines.find("Smith") == std::string::npos);
  // The index is replaceable.
  rig.crash();
  rig.lose_index();
  rig.rebuild();
  BOOST_REQUIRE_EQUAL(rig.archive().gate.pauses().size(), 1);
  BOOST_TEST(rig.archive().gate.pauses()[0].reason == "Mrs Smith's disk");
  rig.resume(std::nullopt);
  BOOST_TEST(rig.archive().gate.pauses().empty());
}

BOOST_AUTO_TEST_CASE(moves_and_releases_wait_for_their_window) {
  GateFixture rig([](Config& config) {
    config.warm.window = TimeWindow::from_text("22:00-06:00").value();
    config.warm.copy_after = days(30);
    config.warm.release_after = days(31);
  });
  if (!rig.can_verify()) return;
  rig.clock.jump_to(kNoon);
  const TestCall call = rig.ingest();
  rig.gather();
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kPlanned));
  BOOST_TEST((rig.moves().at(0).state == MoveState::kPlanned));
  const auto closed = rig.archive().gate.closed(Edge::kStandardToWarm, rig.clock.now());
  BOOST_REQUIRE(closed.has_value());
  BOOST_TEST(closed->why == "waits for its window: warm opens at 2026-11-21T22:00:00.000Z");
  rig.clock.jump_to(kNoon + hours(10));
  rig.run_mover();
  BOOST_TEST(rig.is_on(call, Tier::kWarm));
  rig.clock.jump_to(kNoon + hours(18));  // 06:00: the release is due since long, and too late
  const TestCall second = rig.ingest();
  rig.run_mover();
  BOOST_TEST(rig.is_readable(second));
  // A day later it is due, and waits until ten in the evening.
  rig.gather();
  rig.clock.advance(rig.config.standard.release_after);
  rig.run_mover();
  BOOST_TEST(rig.is_readable(second));
  BOOST_TEST(rig.is_whole(second));
  rig.clock.jump_to(kNoon + hours(34));
  rig.run_mover();
  rig.clock.advance(minutes(1));
  rig.run_mover();
  BOOST_TEST(!rig.is_readable(second));
}

// The rate holds over copies and re-reads together.
BOOST_AUTO_TEST_CASE(moves_keep_to_the_rate_of_a_back_end) {
  GateFixture rig([](Config& config) { config.warm.rate_max = Bytes(100'000); });
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(rig.ingest());
  rig.gather();
  const Millis before = rig.clock.monotonic();
  rig.run_mover();
  int64_t bytes = 0;
  for (const std::string& path : rig.files_below(rig.config.warm.path))
    bytes += static_cast<int64_t>(std::filesystem::file_size(path));
  const int64_t waited = rig.clock.monotonic().count - before.count;
  BOOST_TEST(bytes > 200'000);
  BOOST_TEST(rig.is_on(calls[0], Tier::kWarm));
  // Written once and read once, but for the second that was saved; the last read is paid later.
  BOOST_TEST(waited >= (bytes - 100'000) * 1000 / 100'000 - 5000);
  BOOST_TEST(waited <= 2 * bytes * 1000 / 100'000 + 2000);
  // A restore pays nothing.
  rig.release_standard();
  const Millis asked = rig.clock.monotonic();
  must(rig.ask(calls[0]));
  rig.run_restorers();
  BOOST_TEST(rig.clock.monotonic().count == asked.count);
  BOOST_TEST(rig.is_whole(calls[0]));
}

BOOST_AUTO_TEST_CASE(a_back_end_that_fails_again_and_again_is_suspended_and_probed) {
  GateFixture rig([](Config& config) { config.warm.cohort_per_workspace = true; });
  if (!rig.can_verify()) return;
  const WorkspaceId own = rig.workspace;
  std::vector<WorkspaceId> workspaces;
  for (int i = 0; i < limits::kSuspendFailures + 3; ++i) {
    rig.workspace = i == 0 ? own : rig.random.id<WorkspaceId>();
    workspaces.push_back(rig.workspace);
    rig.ingest("CA1");
  }
  rig.gather();
  rig.hide(rig.config.warm.path);
  rig.run_mover();
  const BackendHealth& health = rig.archive().gate.health(Tier::kWarm);
  BOOST_REQUIRE(health.suspension().has_value());
  const auto count = [&](MoveState state) {
    const auto moves = rig.moves();
    return std::count_if(moves.begin(), moves.end(),
                         [&](const MoveRow& move) { return move.state == state; });
  };
  BOOST_TEST(count(MoveState::kFailed) == limits::kSuspendFailures);
  BOOST_TEST(count(MoveState::kPlanned) == 3);  // not even tried
  rig.clock.advance(minutes(1));
  rig.run_mover();  // probed in vain
  BOOST_TEST(health.suspension().has_value());
  BOOST_TEST((health.suspension()->next_probe_at == rig.clock.now() + minutes(2)));
  BOOST_TEST(count(MoveState::kFailed) == limits::kSuspendFailures);
  rig.show(rig.config.warm.path);
  rig.run_mover();
  BOOST_TEST(health.suspension().has_value());  // nobody has looked yet
  rig.clock.advance(minutes(2));
  rig.run_mover();
  BOOST_TEST(!health.suspension().has_value());
  rig.clock.advance(minutes(5));
  rig.run_mover();
  BOOST_TEST(count(MoveState::kFailed) == 0);
  for (const WorkspaceId& workspace : workspaces) {
    rig.workspace = workspace;
    BOOST_TEST((must(rig.find("CA1"))->copies.size() == 2));
  }
}

BOOST_AUTO_TEST_CASE(restores_ask_a_suspended_back_end_when_nothing_else_has_the_copy) {
  GateFixture rig([](Config& config) { config.warm.release_after = days(30); });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  BackendHealth& health = rig.archive().gate.health(Tier::kWarm);
  const auto suspend = [&] {
    for (int i = 0; i < limits::kSuspendFailures; ++i) health.failed(Error{Code::kIo, "injected"});
    BOOST_REQUIRE(health.suspension().has_value());
  };
  const auto recalls_of = [&](SessionKeeper* keeper) {
    auto index = must(rig.archive().index.take());
    return must(recall_samples(*index, keeper->backend().medium())).size();
  };
  suspend();
  BOOST_TEST(rig.is_kept(call));
  BOOST_TEST(recalls_of(rig.archive().warm) == 1);
  health.resume();
  rig.clock.advance(hours(25));
  rig.run_mover();
  BOOST_REQUIRE(!rig.is_readable(call));
  BOOST_REQUIRE(rig.is_on(call, Tier::kCold));
  suspend();
  BOOST_TEST(rig.is_kept(call));
  BOOST_TEST(recalls_of(rig.archive().warm) == 1);
  BOOST_TEST(recalls_of(rig.archive().cold) == 1);
}

BOOST_AUTO_TEST_CASE(a_failed_move_is_tried_again_when_a_person_says_so) {
  GateFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.clock.advance(rig.config.warm.copy_after);
  BOOST_TEST((code_of(rig.archive().writer.call(retry_move(4711))) == Code::kNotFound));
  BOOST_TEST(must(rig.archive().writer.call(retry_failed_moves())) == 0);
  rig.hide(rig.config.cold->path);
  for (int i = 0; i < 3; ++i, rig.clock.advance(hours(3))) rig.run_mover();
  MoveRow move = rig.moves().at(0);
  BOOST_TEST((move.state == MoveState::kFailed));
  BOOST_TEST(move.attempts >= 2);
  {
    auto index = must(rig.archive().index.take());
    BOOST_TEST(must(list_moves(*index, std::nullopt, std::nullopt, 10, true)).size() == 1);
  }
  rig.show(rig.config.cold->path);
  move = must(rig.archive().writer.call(retry_move(move.move_no)));
  BOOST_TEST((move.state == MoveState::kPlanned));
  BOOST_TEST(move.attempts == 0);
  BOOST_TEST((code_of(rig.archive().writer.call(retry_move(move.move_no))) == Code::kConflict));
  rig.run_mover();
  BOOST_TEST(rig.is_on(call, Tier::kCold));
}

// The tier is full by its mark, and nothing on it is proven elsewhere: ingest waits, and nothing is
// released for it.
BOOST_AUTO_TEST_CASE(a_full_tier_refuses_what_comes_until_something_may_leave) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 64);
  if (!disk.is_mounted()) return;
  GateFixture rig([&](Config& config) {
    config.standard.path = disk.path() + "/standard";
    config.disk_reserve = Bytes(0);
  });
  if (!rig.can_verify()) return;
  const TestCall first = rig.ingest();
  disk.fill(1 << 20);                    // more than 97 % of it
  const TestCall second = rig.ingest();  // nobody has looked yet
  rig.run_mover();
  const auto refused = rig.try_ingest(rig.make_call());
  BOOST_TEST((code_of(refused) == Code::kNoSpace));
  BOOST_TEST(refused.error().message.starts_with("standard-full: "));
  BOOST_TEST(rig.unsettled().empty());
  // What came through the spool stays there, and is not rejected.
  const TestCall spooled = rig.make_call();
  const std::string entry = rig.workspace.text() + "/" + spooled.call_sid;
  std::filesystem::create_directories(rig.config.spool_dir + "/" + entry);
  for (const auto& [name, content] : spooled.files)
    std::ofstream(rig.config.spool_dir + "/" + entry + "/" + name) << content;
  SpoolEntries entries(rig.archive(), rig.config.spool_dir);
  BOOST_TEST((code_of(entries.take(*rig.io, entry)) == Code::kNoSpace));
  BOOST_TEST(rig.files_below(rig.config.spool_dir).size() == spooled.files.size());
  // The mover packs what is there without waiting for more, and releases it early.
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  BOOST_TEST(rig.is_on(first, Tier::kWarm));
  rig.run_mover();
  BOOST_TEST(!rig.is_readable(first));
  BOOST_TEST(!rig.is_readable(second));
  disk.clear();
  rig.run_mover();
  must(entries.take(*rig.io, entry));
  BOOST_TEST(rig.is_whole(spooled));
  BOOST_TEST(rig.files_below(rig.config.spool_dir).empty());
  BOOST_TEST(rig.is_kept(first));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
