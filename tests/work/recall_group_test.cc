// Recalls side by side: what they share, and that each ends on its own.
#include "daemon/work/recall_group.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "tests/work/recall_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(recall_groups)

BOOST_AUTO_TEST_CASE(recalls_of_a_group_share_their_commits) {
  AskedRig rig(10);
  if (rig.asked.empty()) return;
  const WriterCounters before = rig.archive().writer.counters();
  rig.run_restorers();
  const WriterCounters after = rig.archive().writer.counters();
  BOOST_TEST(rig.staged() == 10);
  BOOST_TEST(after.batches - before.batches == 3u);  // begun, staged, what they took
  for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
}

// More than a group.
BOOST_AUTO_TEST_CASE(more_than_a_group_are_served_in_several) {
  AskedRig rig(40);
  if (rig.asked.empty()) return;
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 40);
  for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
}

// More parts than may be read and not published.
BOOST_AUTO_TEST_CASE(many_parts_are_published_in_between) {
  AskedRig rig(12, 3);
  if (rig.asked.empty()) return;
  static_assert(12 * 3 > kPartsTogether && 12 < kRecallsTogether);
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 12);
  for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
}

// Of a recording whose first parts are published when a later one cannot be read nothing is left.
BOOST_AUTO_TEST_CASE(a_later_part_that_fails_takes_the_earlier_ones_along) {
  AskedRig rig(12, 3);
  if (rig.asked.empty()) return;
  At fault("mkdir", static_cast<int>(kPartsTogether), fail);  // the first one after they are full
  rig.turn(fault);
  BOOST_TEST(rig.staged() == 11);
  BOOST_TEST(rig.in_state(RestoreState::kQueued) == 1);
  BOOST_TEST(rig.staged_files().size() == rig.files_of_staged());
  rig.clock.advance(hours(1));
  rig.run_restorers();
  for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
}

// Files of more than is gathered before it is written.
BOOST_AUTO_TEST_CASE(large_calls_come_back_whole) {
  FixtureOptions options;
  options.samples = 400'000;
  AskedRig rig(2, 1, options);
  if (rig.asked.empty()) return;
  rig.run_restorers();
  for (const TestCall& call : rig.calls) {
    BOOST_TEST(call.bytes().count > 1'900'000);
    BOOST_TEST(rig.is_whole(call));
  }
}

// Wherever one of them fails to write, it alone is tried again, and leaves nothing staged.
BOOST_AUTO_TEST_CASE(one_that_fails_keeps_no_other_back) {
  for (const char* point : {"mkdir", "write", "fsync", "rename"}) {
    BOOST_TEST_CONTEXT("at " << point) {
      AskedRig rig(5);
      if (rig.asked.empty()) return;
      At fault(point, 1, fail);
      rig.turn(fault);
      BOOST_TEST(rig.staged() == 4);
      BOOST_TEST(rig.staged_files().size() == 4u * 3u);
      for (const RestoreId& one : rig.asked) {
        const RestoreRow row = rig.restore(one);
        if (row.state == RestoreState::kStaged) continue;
        BOOST_TEST((row.state == RestoreState::kQueued));
        BOOST_TEST(row.attempts == 1);
        BOOST_TEST(row.error.find("write the staged copy: ") != std::string::npos, row.error);
      }
      rig.clock.advance(hours(1));
      rig.run_restorers();
      BOOST_TEST(rig.staged() == 5);
      for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
    }
  }
}

// When their names cannot be made durable none of them is told as staged.
BOOST_AUTO_TEST_CASE(nothing_is_staged_when_its_name_is_not_durable) {
  class SyncAfterRenames final : public Faults {
   public:
    Status at(std::string_view point) override {
      if (point == "rename") ++renames_;
      return point == "fsync" && renames_ == 3 ? fail() : Status();
    }
    size_t torn_bytes(size_t) override { return 0; }

   private:
    int renames_ = 0;
  };
  AskedRig rig(3);
  if (rig.asked.empty()) return;
  SyncAfterRenames fault;
  rig.turn(fault);
  BOOST_TEST(rig.staged() == 0);
  BOOST_TEST(rig.staged_files().empty());
  rig.clock.advance(hours(1));
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 3);
}

// Who cancels while the group reads gets nothing, and the others get theirs: before it is read,
// and after it was.
BOOST_AUTO_TEST_CASE(one_that_is_cancelled_under_way_keeps_no_other_back) {
  for (const char* point : {"mkdir", "rename"}) {
    BOOST_TEST_CONTEXT("at the first " << point) {
      AskedRig rig(3);
      if (rig.asked.empty()) return;
      const RestoreId cancelled = rig.batch().recalls[1].restore;
      Result<bool> outcome = false;
      At cancel(point, 0, [&]() -> Status {
        outcome = rig.archive().writer.call(cancel_waiter(cancelled, "key:test"));
        return {};
      });
      const auto io = AskedRig::lane_io(cancel);
      Restorer restorer(rig.archive(), Tier::kWarm);
      must(restorer.run_once(*io));
      BOOST_TEST(must(outcome));
      BOOST_TEST(rig.staged() == 2);
      BOOST_TEST((rig.restore(cancelled).state == RestoreState::kCancelled));
      BOOST_TEST(rig.staged_files().size() == 2u * 3u);
    }
  }
}

// What is read is told within a second, however long the others take.
BOOST_AUTO_TEST_CASE(those_read_do_not_wait_for_slow_ones) {
  AskedRig rig(3);
  if (rig.asked.empty()) return;
  class SlowReads final : public Faults {
   public:
    explicit SlowReads(ManualClock& clock) : clock_(clock) {}
    Status at(std::string_view point) override {
      if (point == "mkdir") clock_.advance(seconds(2));
      return {};
    }
    size_t torn_bytes(size_t) override { return 0; }

   private:
    ManualClock& clock_;
  };
  SlowReads slow(rig.clock);
  const WriterCounters before = rig.archive().writer.counters();
  rig.turn(slow);
  const WriterCounters after = rig.archive().writer.counters();
  BOOST_TEST(rig.staged() == 3);
  BOOST_TEST(after.batches - before.batches == 1u + 3u * 2u);  // begun; each staged, and its sample
}

// A stop lets what was read end, and gives the rest back to the queue.
BOOST_AUTO_TEST_CASE(a_stop_gives_back_what_is_not_read) {
  AskedRig rig(4);
  if (rig.asked.empty()) return;
  std::atomic<bool> stop{false};
  At halt("mkdir", 1, [&]() -> Status {
    stop = true;
    return {};
  });
  RecallGroup group(rig.archive(), rig.batch(), 0, rig.one_reader);
  BOOST_TEST(group.size() == 4u);
  rig.faults.aim(&halt);
  BOOST_TEST(group.run(*rig.io, stop));
  rig.faults.aim(nullptr);
  BOOST_TEST(rig.staged() == 2);
  BOOST_TEST(rig.in_state(RestoreState::kQueued) == 2);
  RecallGroup late(rig.archive(), rig.batch(), 0, rig.one_reader);
  BOOST_TEST(!late.run(*rig.io, stop));  // begins nothing
  BOOST_TEST(rig.in_state(RestoreState::kQueued) == 2);
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 4);
  for (const RestoreId& one : rig.asked) BOOST_TEST(rig.restore(one).attempts == 0);
}

// A medium that goes away takes nobody's room along: whoever is not read waits in the queue.
BOOST_AUTO_TEST_CASE(a_medium_that_goes_away_leaves_nothing_begun) {
  AskedRig rig(4);
  if (rig.asked.empty()) return;
  rig.archive().warm->close();
  std::filesystem::rename(rig.config.warm.path, rig.config.warm.path + ".away");
  Restorer restorer(rig.archive(), Tier::kWarm);
  must(restorer.run_once(*rig.io));
  BOOST_TEST(rig.in_state(RestoreState::kQueued) == 4);
  {
    auto index = must(rig.archive().index.take());
    BOOST_TEST(must(staged_bytes(*index)).count == 0);
  }
  while (must(restorer.run_once(*rig.io))) {
  }
  std::filesystem::rename(rig.config.warm.path + ".away", rig.config.warm.path);
  rig.clock.advance(minutes(2));
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 4);
}

// The same of more than a group; and of one whose turn another has just then, which is found by the
// next look.
BOOST_AUTO_TEST_CASE(whoever_is_not_read_is_served_when_the_medium_is_back) {
  constexpr int kCalls = kRecallsTogether + 4;
  AskedRig rig(kCalls);
  if (rig.asked.empty()) return;
  const RecallBatch batch = rig.batch();
  rig.archive().warm->close();
  std::filesystem::rename(rig.config.warm.path, rig.config.warm.path + ".away");
  {
    const Turns::Turn theirs = rig.archive().part_turns.take(batch.recalls[3].recording);
    const std::atomic<bool> stop{false};
    RecallGroup group(rig.archive(), batch, 0, rig.one_reader);
    BOOST_TEST(group.run(*rig.io, stop));
    BOOST_TEST((rig.restore(batch.recalls[3].restore).state == RestoreState::kRecalling));
    BOOST_TEST(rig.in_state(RestoreState::kQueued) == kCalls - 1);
    // Now it is known from the beginning.
    RecallGroup again(rig.archive(), batch, 4, rig.one_reader);
    BOOST_TEST(again.run(*rig.io, stop));
    BOOST_TEST(rig.in_state(RestoreState::kQueued) == kCalls - 1);
  }
  Restorer restorer(rig.archive(), Tier::kWarm);
  must(restorer.run_once(*rig.io));
  BOOST_TEST(rig.in_state(RestoreState::kQueued) == kCalls);
  for (const RestoreId& one : rig.asked) BOOST_TEST(rig.restore(one).attempts == 0);
  std::filesystem::rename(rig.config.warm.path + ".away", rig.config.warm.path);
  rig.clock.advance(minutes(2));
  rig.run_restorers();
  BOOST_TEST(rig.staged() == kCalls);
}

// What a crash left half recalled, and lies on the other tier by now, hides nobody.
BOOST_AUTO_TEST_CASE(recalls_that_moved_hide_nobody) {
  AskedRig rig(1);
  if (rig.asked.empty()) return;
  must(rig.archive().writer.call(begin_recall(rig.asked[0], Bytes(INT64_MAX))));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_REQUIRE((rig.recording(rig.calls[0]).tier == Tier::kCold));
  const TestCall younger = rig.ingest();
  rig.to_warm();
  const RestoreId asked = must(rig.ask(younger)).restore.restore;
  rig.reopen();
  const RecallBatch batch = rig.batch();
  BOOST_REQUIRE(batch.recalls.size() == 1u);
  BOOST_TEST((batch.recalls[0].restore == asked));
  rig.run_restorers();
  BOOST_TEST((rig.restore(asked).state == RestoreState::kStaged));
  BOOST_TEST(rig.staged() == 1);
}

// What a crash left half recalled has its room: it does not wait behind one that has none.
BOOST_AUTO_TEST_CASE(recalls_that_a_crash_left_come_first) {
  AskedRig rig(3);
  if (rig.asked.empty()) return;
  must(rig.archive().writer.call(begin_recall(rig.asked[2], Bytes(INT64_MAX))));
  rig.reopen();
  const RecallBatch batch = rig.batch();
  BOOST_REQUIRE(batch.recalls.size() == 1u);
  BOOST_TEST((batch.recalls[0].restore == rig.asked[2]));
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 3);
}

// While another thread is at a recording, the others are served, and nobody is waited for with
// their turns in hand.
BOOST_AUTO_TEST_CASE(a_turn_is_waited_for_with_none_in_hand) {
  AskedRig rig(3);
  if (rig.asked.empty()) return;
  const RecallBatch batch = rig.batch();
  BOOST_REQUIRE(batch.recalls.size() == 3u);
  std::optional<Turns::Turn> theirs = rig.archive().part_turns.take(batch.recalls[1].recording);
  std::atomic<bool> stop{false};
  bool worked = false;  // Boost.Test is used from one thread only
  std::thread lane([&] {
    auto io = Io::open();
    RecallGroup group(rig.archive(), batch, 0, rig.one_reader);
    worked = io.ok() && group.run(**io, stop);
  });
  // It waits for the second's turn: the others are served by then, and their turns free.
  while (rig.archive().part_turns.waiting() == 0) std::this_thread::yield();
  BOOST_TEST(rig.staged() == 2);
  for (size_t other : {size_t{0}, size_t{2}})
    BOOST_TEST(rig.archive().part_turns.try_take(batch.recalls[other].recording).has_value());
  theirs.reset();
  lane.join();
  BOOST_TEST(worked);
  BOOST_TEST(rig.staged() == 3);
}

// A stop, or a medium that goes, when the first parts of a recording are published and its last is
// not read: no row speaks of them, and they neither stay nor are lost.
BOOST_AUTO_TEST_CASE(an_end_amid_a_recording_leaves_nothing_half_staged) {
  for (const bool goes_away : {false, true}) {
    BOOST_TEST_CONTEXT((goes_away ? "the medium goes" : "a stop")) {
      AskedRig rig(12, 3);
      if (rig.asked.empty()) return;
      const std::string warm = rig.config.warm.path;
      std::atomic<bool> stop{false};
      // Before they are full, and after.
      const size_t place = goes_away ? kPartsTogether : kPartsTogether - 1;
      At end("mkdir", static_cast<int>(place), [&]() -> Status {
        stop = !goes_away;
        if (!goes_away) return {};
        rig.archive().warm->close();
        std::filesystem::rename(warm, warm + ".away");
        return {};
      });
      {
        RecallGroup group(rig.archive(), rig.batch(), 0, rig.one_reader);
        group.run(*AskedRig::lane_io(end), stop);
      }
      const int staged = rig.staged();
      BOOST_TEST(staged == (goes_away ? 10 : 11));
      BOOST_TEST(rig.in_state(RestoreState::kQueued) == 12 - staged);
      BOOST_TEST(rig.staged_files().size() == rig.files_of_staged());
      if (goes_away) std::filesystem::rename(warm + ".away", warm);
      rig.clock.advance(minutes(2));
      rig.run_restorers();
      for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
    }
  }
}

// Commits that take long make no round shorter, and keep no recording that is read in two.
BOOST_AUTO_TEST_CASE(slow_commits_end_no_round) {
  AskedRig rig(12, 3);
  if (rig.asked.empty()) return;
  std::atomic<bool> is_slow{false};
  rig.before_commit = [&]() -> Status {
    if (is_slow) rig.clock.advance(seconds(2));
    return {};
  };
  rig.reopen();
  is_slow = true;
  const WriterCounters before = rig.archive().writer.counters();
  rig.run_readers(1);
  const WriterCounters after = rig.archive().writer.counters();
  is_slow = false;
  BOOST_TEST(rig.staged() == 12);
  BOOST_TEST(after.batches - before.batches == 1u + 2u * 2u);  // begun; 32 parts, and the others
}

// Whichever commit of a group fails, nobody is told of a staged copy that is not there, none stays
// that no row speaks of, and all come in the end.
BOOST_AUTO_TEST_CASE(a_commit_that_fails_loses_nobody) {
  constexpr int kCommits = 3;  // begun; staged; what they took, or the one that was not written
  for (const Code code : {Code::kIo, Code::kNoSpace})
    for (const int written_in_vain : {0, 1})
      for (int failing = 0; failing < kCommits; ++failing)
        BOOST_TEST_CONTEXT("code " << static_cast<int>(code) << " at commit " << failing << ", "
                                   << written_in_vain << " not written") {
          AskedRig rig(5);
          if (rig.asked.empty()) return;
          std::atomic<int> left{-1};
          rig.before_commit = [&]() -> Status {
            return left-- == 0 ? Status(Error{code, "injected: the commit fails"}) : Status();
          };
          rig.reopen();
          At fault("write", 1, [&] { return written_in_vain > 0 ? fail() : Status(); });
          const auto io = AskedRig::lane_io(fault);
          Restorer restorer(rig.archive(), Tier::kWarm);
          left = failing;
          must(restorer.run_once(*io));
          BOOST_TEST(left < 0);
          for (size_t i = 0; i < rig.calls.size(); ++i)
            if (rig.restore(rig.asked[i]).state == RestoreState::kStaged)
              BOOST_TEST(rig.is_whole(rig.calls[i]));
          rig.clock.advance(hours(1));
          rig.run_restorers();
          BOOST_TEST(rig.staged() == 5);
          for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
          rig.reopen();
          BOOST_TEST(rig.staged_files().size() == 5u * 3u);
        }
}

// The commit that would have told of them fails: nobody has them, not even until the next start.
BOOST_AUTO_TEST_CASE(what_a_failed_commit_does_not_tell_of_does_not_stay) {
  AskedRig rig(2);
  if (rig.asked.empty()) return;
  std::atomic<int> left{-1};
  rig.before_commit = [&]() -> Status {
    return left-- == 0 ? Status(Error{Code::kIo, "injected: the commit fails"}) : Status();
  };
  rig.reopen();
  Restorer restorer(rig.archive(), Tier::kWarm);
  left = 1;  // begun; staged
  must(restorer.run_once(*rig.io));
  BOOST_TEST(left < 0);
  BOOST_TEST(rig.staged() == 0);
  BOOST_TEST(rig.staged_files().empty());
}

// And where it stays all the same, it goes with its recording.
BOOST_AUTO_TEST_CASE(p3_a_destruction_takes_staged_files_that_no_row_speaks_of) {
  AskedRig rig(1);
  if (rig.asked.empty()) return;
  const PartId part{rig.recording(rig.calls[0]).recording, 1};
  const std::string directory = rig.config.standard.path + "/staged/" + part.text();
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/inbound.ulaw") << "bytes";
  BOOST_TEST(rig.staged_files().size() == 1U);
  must(rig.destroy(rig.calls[0]));
  BOOST_TEST(rig.staged_files().empty());
}

// A stop that comes while a turn is waited for gives the recall back, though it has its turn then.
BOOST_AUTO_TEST_CASE(a_stop_while_a_turn_is_waited_for_gives_it_back) {
  AskedRig rig(1);
  if (rig.asked.empty()) return;
  const RecallBatch batch = rig.batch();
  std::optional<Turns::Turn> theirs = rig.archive().part_turns.take(batch.recalls[0].recording);
  std::atomic<bool> stop{false};
  std::thread lane([&] {
    auto io = Io::open();
    RecallGroup group(rig.archive(), batch, 0, rig.one_reader);
    if (io.ok()) group.run(**io, stop);
  });
  while (rig.archive().part_turns.waiting() == 0) std::this_thread::yield();
  stop = true;
  theirs.reset();
  lane.join();
  BOOST_TEST((rig.restore(rig.asked[0]).state == RestoreState::kQueued));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
