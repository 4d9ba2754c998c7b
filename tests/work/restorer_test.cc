// Restores: joined, kept, evicted, waiting for room and media; the estimate follows what is
// measured.
#include <atomic>
#include <fstream>
#include <thread>

#include "index/commands/copies.h"
#include "index/commands/keys.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

RestoreEstimate estimate(ArchiveFixture& rig, const TestCall& call) {
  auto index = must(rig.archive().index.take());
  return must(RecallForecast(rig.archive(), *index).if_asked(rig.recording(call)));
}

BOOST_AUTO_TEST_SUITE(restoring)

BOOST_AUTO_TEST_CASE(requests_join_and_the_longest_keep_wins) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreOutcome first = must(rig.ask(call, hours(1), "key:one"));
  const RestoreOutcome second = must(rig.ask(call, hours(5), "key:two"));
  BOOST_TEST(!first.joined);
  BOOST_TEST(second.joined);
  BOOST_TEST((first.restore.restore == second.restore.restore));
  rig.run_restorers();
  const RestoreRow row = rig.restore(first.restore.restore);
  BOOST_TEST((row.state == RestoreState::kStaged));
  BOOST_TEST((*row.expires_at - *row.staged_at == hours(5)));
  rig.clock.advance(hours(4));
  rig.run_mover();
  BOOST_TEST(rig.is_whole(call));
  rig.clock.advance(hours(1));
  rig.run_mover();
  BOOST_TEST((rig.restore(first.restore.restore).state == RestoreState::kExpired));
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST(rig.is_kept(call));  // asked anew
}

// Of one kind of operation, every one finds that something is gone.
class GoneAt final : public Faults {
 public:
  explicit GoneAt(std::string point) : point_(std::move(point)) {}
  Status at(std::string_view point) override {
    if (point != point_) return {};
    return system_error(ENOENT, "injected fault at " + point_);
  }
  size_t torn_bytes(size_t) override { return 0; }

 private:
  const std::string point_;
};

// A staged copy that cannot be written says nothing about the pack that it is made from, whatever
// the error is called.
BOOST_AUTO_TEST_CASE(a_failure_to_stage_quarantines_no_copy) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_cold();
  const RestoreId restore = must(rig.ask(call)).restore.restore;
  // Where it is begun, where a file is finished, and where it is published.
  for (const std::string point : {"mkdir", "fsync", "rename"}) {
    BOOST_TEST_CONTEXT("at " << point) {
      rig.clock.advance(hours(1));
      GoneAt fault(point);
      rig.faults.aim(&fault);
      rig.run_restorers();
      rig.faults.aim(nullptr);
      BOOST_TEST((rig.restore(restore).state == RestoreState::kQueued));
      BOOST_TEST(rig.restore(restore).error.starts_with("write the staged copy: "));
      for (const CopyRow& copy : rig.recording(call).copies)
        BOOST_TEST((copy.state != CopyState::kQuarantined));
    }
  }
  rig.run_restorers();
  BOOST_TEST((rig.restore(restore).state == RestoreState::kQueued));
  rig.reopen();  // a start does not wait for the next try
  rig.run_restorers();
  BOOST_TEST((rig.restore(restore).state == RestoreState::kStaged));
  BOOST_TEST(rig.is_whole(call));
}

// A copy that changes its tier under way shows one restore to both lanes. Each wrote into the
// other's staged copy, took the loss for a bad pack, and quarantined the last good one.
BOOST_AUTO_TEST_CASE(two_lanes_at_one_restore_serve_it_once) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(rig.ingest());
  rig.to_cold();
  for (const TestCall& call : calls) must(rig.ask(call));
  // Boost.Test's checks are for the main thread alone: each lane keeps what it saw.
  const auto lane = [&rig](Status& outcome) {
    auto io = Io::open();
    if (!io.ok()) {
      outcome = io.error();
      return;
    }
    Restorer restorer(rig.archive(), Tier::kCold, 2);
    Result<bool> more = true;
    while (more.ok() && *more) more = restorer.run_once(**io);
    if (!more.ok()) outcome = more.error();
  };
  Status first_outcome;
  Status second_outcome;
  std::thread first(lane, std::ref(first_outcome));
  std::thread second(lane, std::ref(second_outcome));
  first.join();
  second.join();
  must(first_outcome);
  must(second_outcome);
  for (const TestCall& call : calls) {
    for (const CopyRow& copy : rig.recording(call).copies)
      BOOST_TEST((copy.state != CopyState::kQuarantined));
    BOOST_TEST(rig.is_whole(call));
  }
}

BOOST_AUTO_TEST_CASE(what_can_be_read_needs_no_restore) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  BOOST_TEST((code_of(rig.ask(call)) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(space_is_reserved_before_reading_and_waited_for) {
  ArchiveFixture rig([](Config& config) { config.staging_max = Bytes(30'000); });
  if (!rig.can_verify()) return;
  const TestCall first = rig.ingest();  // about 20 kB each
  const TestCall second = rig.ingest();
  rig.to_warm();
  const RestoreId one = must(rig.ask(first, hours(1))).restore.restore;
  const RestoreId two = must(rig.ask(second, hours(1))).restore.restore;
  rig.run_restorers();
  const bool first_came = rig.restore(one).state == RestoreState::kStaged;
  const RestoreId waiting = first_came ? two : one;
  BOOST_TEST((rig.restore(waiting).state == RestoreState::kQueued));
  BOOST_TEST(!rig.restore(waiting).error.empty());
  BOOST_TEST(rig.restore(waiting).attempts == 0);  // waiting for room is no try
  rig.clock.advance(minutes(70));
  rig.run_mover();  // evicts the one that came
  rig.run_restorers();
  BOOST_TEST((rig.restore(waiting).state == RestoreState::kStaged));
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_all_the_room_fails_and_says_so) {
  ArchiveFixture rig([](Config& config) { config.staging_max = Bytes(10'000); });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId id = must(rig.ask(call)).restore.restore;
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kFailed));
  BOOST_TEST(rig.restore(id).error.find("staging_max") != std::string::npos);
}

// Another directory is mounted where the medium was, or none.
void take_away(const std::string& path) {
  std::filesystem::rename(path, path + ".away");
  std::filesystem::create_directory(path);
}
void put_back(const std::string& path) {
  std::filesystem::remove(path);
  std::filesystem::rename(path + ".away", path);
}

// However long the medium is away: the restore waits, says for what, and is served when it is back.
BOOST_AUTO_TEST_CASE(a_medium_is_waited_for_however_long_it_is_away) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(rig.ingest());
  rig.to_cold();
  std::vector<RestoreId> asked;
  for (const TestCall& call : calls)
    asked.push_back(must(rig.ask(call, hours(200))).restore.restore);
  rig.archive().cold->close();
  take_away(rig.config.cold->path);
  for (int turn = 0; turn < 30; ++turn) {
    rig.run_restorers();
    for (const RestoreId& restore : asked) {
      const RestoreRow row = rig.restore(restore);
      BOOST_TEST((row.state == RestoreState::kQueued));
      BOOST_TEST(row.attempts == 0);
      BOOST_TEST(row.error.find("offline") != std::string::npos, row.error);
    }
    rig.clock.advance(hours(1));
  }
  // Who comes meanwhile waits with them.
  put_back(rig.config.cold->path);
  rig.run_restorers();
  for (const RestoreId& restore : asked)
    BOOST_TEST((rig.restore(restore).state == RestoreState::kStaged));
  for (const TestCall& call : calls) {
    BOOST_TEST(rig.is_whole(call));
    for (const CopyRow& copy : rig.recording(call).copies)
      BOOST_TEST((copy.state != CopyState::kQuarantined));
  }
}

// One that is away keeps nobody back who has another copy.
BOOST_AUTO_TEST_CASE(another_copy_is_taken_while_a_medium_is_away) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(rig.ingest());
  rig.to_warm();
  rig.clock.advance(hours(1));
  rig.run_mover();  // copied to cold, not released from warm yet
  std::vector<RestoreId> asked;
  for (const TestCall& call : calls) asked.push_back(must(rig.ask(call, hours(1))).restore.restore);
  BOOST_TEST((rig.restore(asked[0]).tier == Tier::kWarm));
  rig.archive().warm->close();
  take_away(rig.config.warm.path);
  rig.run_restorers();
  rig.run_restorers();  // those that the warm lane handed to the cold one
  for (const RestoreId& restore : asked) {
    BOOST_TEST((rig.restore(restore).state == RestoreState::kStaged));
    BOOST_TEST(rig.restore(restore).attempts == 0);
  }
  for (const TestCall& call : calls) BOOST_TEST(rig.is_whole(call));
  put_back(rig.config.warm.path);
}

// The board has what is being read while it is read, and nothing afterwards.
BOOST_AUTO_TEST_CASE(a_recall_tells_how_far_it_has_come) {
  RecallBoard board;
  SeededRandom random;
  const auto restore = random.id<RestoreId>();
  BOOST_TEST(!board.progress(restore));
  board.begin(restore, Bytes(100));
  board.add(restore, Bytes(30));
  board.add(restore, Bytes(20));
  BOOST_TEST(board.progress(restore)->done.count == 50);
  BOOST_TEST(board.progress(restore)->total.count == 100);
  board.add(restore, Bytes(-50));  // the copy was bad
  BOOST_TEST(board.progress(restore)->done.count == 0);
  board.end(restore);
  board.add(restore, Bytes(7));
  BOOST_TEST(!board.progress(restore));
}

// Asked for while its best copy was on warm, served from cold after that copy left.
BOOST_AUTO_TEST_CASE(a_restore_follows_its_copy_to_another_tier) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreRow asked = must(rig.ask(call)).restore;
  BOOST_TEST((asked.tier == Tier::kWarm));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((rig.recording(call).tier == Tier::kCold));
  rig.run_restorers();
  const RestoreRow served = rig.restore(asked.restore);
  BOOST_TEST((served.state == RestoreState::kStaged));
  BOOST_TEST((served.tier == Tier::kCold));
  BOOST_TEST(served.attempts == 0);
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_later_part_that_was_archived_is_fetched_by_the_next_request) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId first = must(rig.ask(call, hours(100))).restore.restore;
  rig.run_restorers();
  BOOST_TEST(rig.is_whole(call));
  TestCall later;
  later.call_sid = call.call_sid;
  later.files["transcript.txt"] = "caller: hello";
  must(rig.try_ingest(later));
  rig.to_warm();
  BOOST_TEST(!rig.is_readable(call));
  const RestoreOutcome again = must(rig.ask(call, hours(1), "key:two"));
  BOOST_TEST(!again.joined);
  rig.run_restorers();
  BOOST_TEST((rig.restore(first).state == RestoreState::kExpired));
  BOOST_TEST((rig.restore(again.restore.restore).state == RestoreState::kStaged));
  call.files.merge(later.files);
  BOOST_TEST(rig.is_whole(call));
  // All of it leaves together.
  rig.clock.advance(hours(101));
  rig.run_mover();
  BOOST_TEST(rig.staged_files().empty());
}

BOOST_AUTO_TEST_CASE(a_cancelled_restore_leaves_nothing_staged) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  must(rig.ask(call, hours(100), "key:one"));
  rig.run_restorers();
  TestCall later;
  later.call_sid = call.call_sid;
  later.files["transcript.txt"] = "caller: hello";
  must(rig.try_ingest(later));
  rig.to_warm();
  const RestoreId again = must(rig.ask(call, hours(1), "key:two")).restore.restore;
  BOOST_TEST(!must(rig.archive().writer.call(cancel_waiter(again, "key:one"))));
  BOOST_TEST(must(rig.archive().writer.call(cancel_waiter(again, "key:two"))));
  rig.run_mover();
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST(rig.is_kept(call));  // asked anew
}

// A later part of a call that was erased meanwhile: it was never acknowledged, and is not kept.
BOOST_AUTO_TEST_CASE(a_part_of_an_erased_call_is_not_adopted) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  TestCall later;
  later.call_sid = call.call_sid;
  later.files["transcript.txt"] = "caller: hello";
  must(rig.try_ingest(later));
  const Recording known = rig.recording(call);
  const Place place{known.workspace, known.day, known.call_sid, 2};
  const std::string root = rig.config.standard.path + "/";
  std::filesystem::copy(root + place.directory(),
                        root + incoming_directory(PartId{known.recording, 2}));
  must(rig.destroy(call));
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(!rig.unsettled().empty());
  rig.reopen();
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(!rig.is_known(call));
}

// The mount shows tiers and when restores will be ready.
BOOST_AUTO_TEST_CASE(a_tier_change_reaches_the_change_feed) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const int64_t before = rig.archive().changes.since(0).seq;
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((rig.recording(call).tier == Tier::kCold));
  const ChangeFeed::News news = rig.archive().changes.since(before);
  BOOST_REQUIRE(news.changes.size() == 1U);
  BOOST_TEST(news.changes[0].call_sid == call.call_sid);
}

// Nobody was told of what the replay brought: whoever has looked before forgets everything.
BOOST_AUTO_TEST_CASE(a_recovery_of_the_writer_resets_the_change_feed) {
  ArchiveFixture rig;
  std::atomic<bool> fail{false};
  rig.before_commit = [&]() -> Status {
    return fail.exchange(false) ? Status(Error{Code::kIo, "injected"}) : Status();
  };
  rig.reopen();
  (void)rig.ingest();
  ChangeFeed& changes = rig.archive().changes;
  const int64_t before = changes.since(0).seq;
  BOOST_TEST(!changes.since(before).reset);
  int woken = 0;
  changes.wait([&woken] { ++woken; });
  fail = true;
  BOOST_TEST(!rig.archive().writer.call(config_applied(Digest(), "system")).ok());
  // The writer answers before it recovers, and takes up the next only afterwards.
  BOOST_TEST(rig.archive().writer.call(config_applied(Digest(), "system")).ok());
  const ChangeFeed::News news = changes.since(before);
  BOOST_TEST(news.reset);
  BOOST_TEST(!changes.since(news.seq).reset);
  BOOST_TEST(woken == 1);
}

BOOST_AUTO_TEST_CASE(a_medium_that_is_away_is_waited_for) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_cold();
  rig.archive().cold->close();
  const std::string away = rig.directory / "away";
  std::filesystem::rename(rig.config.cold->path, away);
  const RestoreId id = must(rig.ask(call)).restore.restore;
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kQueued));
  BOOST_TEST(rig.restore(id).attempts == 0);
  BOOST_TEST(!rig.restore(id).error.empty());
  std::filesystem::rename(away, rig.config.cold->path);
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kQueued));  // not before its time
  rig.clock.advance(minutes(5));
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kStaged));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_bad_copy_does_not_end_a_restore_while_another_is_only_away) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.clock.advance(hours(1));
  rig.run_mover();
  BOOST_TEST_REQUIRE(rig.files_below(rig.config.cold->path).size() == 1);
  const PackSpan audio = rig.recording(call).copies.at(0).audio.value();
  rig.flip_byte(*rig.files_below(rig.config.cold->path).begin(), audio.offset.count + 600);
  rig.archive().warm->close();
  const std::string away = rig.directory / "away";
  std::filesystem::rename(rig.config.warm.path, away);
  const RestoreId id = must(rig.ask(call)).restore.restore;
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kQueued));
  std::filesystem::rename(away, rig.config.warm.path);
  rig.clock.advance(minutes(10));
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kStaged));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_copy_that_is_being_removed_is_waited_for) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const Recording known = rig.recording(call);
  must(rig.archive().writer.call(release_copy(
      known.recording_no, 1, rig.archive().standard_medium(), ReleasePolicy{1}, "system")));
  const RestoreId id = must(rig.ask(call)).restore.restore;
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kQueued));
  BOOST_TEST(rig.staged_files().empty());
  must(Remover(rig.archive()).resume_releasing(*rig.io));
  rig.clock.advance(minutes(5));
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kStaged));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_restore_that_nobody_waits_for_leaves_nothing) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId id = must(rig.ask(call, hours(1), "key:one")).restore.restore;
  BOOST_TEST(must(rig.archive().writer.call(cancel_waiter(id, "key:one"))));
  rig.run_restorers();
  BOOST_TEST((rig.restore(id).state == RestoreState::kCancelled));
  BOOST_TEST(rig.staged_files().empty());
}

// The sleeper moves the manual clock, so attaching is what recalls are measured to take.
BOOST_AUTO_TEST_CASE(a_back_end_that_slows_tenfold_moves_the_estimate_within_five_recalls) {
  ArchiveFixture rig([](Config& config) { config.cold->attach_time = minutes(3); });
  if (!rig.can_verify()) return;
  std::vector<TestCall> calls;
  for (int i = 0; i < 12; ++i) calls.push_back(rig.ingest());
  rig.to_cold();
  const auto recall = [&](size_t i) {
    must(rig.ask(calls[i], hours(1)));
    rig.run_restorers();
    BOOST_TEST(rig.is_whole(calls[i]));
    rig.archive().cold->close();  // each recall attaches anew
  };
  for (size_t i = 0; i < 6; ++i) recall(i);
  const RestoreEstimate before = estimate(rig, calls[11]);
  rig.crash();
  rig.config.cold->attach_time = minutes(30);
  rig.open();
  for (size_t i = 6; i < 11; ++i) recall(i);
  const RestoreEstimate after = estimate(rig, calls[11]);
  BOOST_TEST(before.median_seconds > 0);
  BOOST_TEST(after.median_seconds >= 4 * before.median_seconds);
  BOOST_TEST(after.p95_seconds >= 4 * before.p95_seconds);
  BOOST_TEST(after.p95_seconds >= after.median_seconds);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
