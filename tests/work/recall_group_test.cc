// Recalls side by side: what they share, and that each ends on its own.
#include "daemon/work/recall_group.h"

#include <atomic>

#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

// Calls that are archived on warm, and asked back.
struct AskedRig : ArchiveFixture {
  explicit AskedRig(int count) {
    if (!can_verify()) return;
    for (int i = 0; i < count; ++i) calls.push_back(ingest());
    to_warm();
    for (const TestCall& call : calls) asked.push_back(must(ask(call)).restore.restore);
  }
  int staged() {
    int count = 0;
    for (const RestoreId& one : asked)
      if (restore(one).state == RestoreState::kStaged) ++count;
    return count;
  }
  // As the lane has them.
  std::vector<QueuedRecall> queue() {
    RecallQueue look(archive(), Tier::kWarm);
    return must(look.next(Bytes(INT64_MAX))).recalls;
  }

  std::vector<TestCall> calls;
  std::vector<RestoreId> asked;
};

// Fails the operations of one kind from the first on, or one of them.
class FailOne final : public Faults {
 public:
  FailOne(std::string point, int which) : point_(std::move(point)), which_(which) {}
  Status at(std::string_view point) override {
    if (point != point_ || seen_++ != which_) return {};
    return system_error(EIO, "injected fault at " + point_);
  }
  size_t torn_bytes(size_t) override { return 0; }

 private:
  const std::string point_;
  const int which_;
  int seen_ = 0;
};

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

// More than a group, and more than a batch may hold open.
BOOST_AUTO_TEST_CASE(more_than_a_group_are_served_in_several) {
  AskedRig rig(40);
  if (rig.asked.empty()) return;
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 40);
  for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
}

// Wherever one of them fails to write, it alone is tried again, and leaves nothing staged.
BOOST_AUTO_TEST_CASE(one_that_fails_keeps_no_other_back) {
  for (const char* point : {"mkdir", "write", "fsync", "rename"}) {
    BOOST_TEST_CONTEXT("at " << point) {
      AskedRig rig(5);
      if (rig.asked.empty()) return;
      FailOne fault(point, 1);
      Restorer restorer(rig.archive(), Tier::kWarm);
      rig.faults.aim(&fault);
      must(restorer.run_once(*rig.io));
      rig.faults.aim(nullptr);
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

// When none of their names can be made durable none of them is told as staged.
BOOST_AUTO_TEST_CASE(nothing_is_staged_when_its_name_is_not_durable) {
  class SyncAfterRenames final : public Faults {
   public:
    Status at(std::string_view point) override {
      if (point == "rename") ++renames_;
      if (point != "fsync" || renames_ != 3) return {};
      return system_error(EIO, "injected fault");
    }
    size_t torn_bytes(size_t) override { return 0; }

   private:
    int renames_ = 0;
  };
  AskedRig rig(3);
  if (rig.asked.empty()) return;
  SyncAfterRenames fault;
  Restorer restorer(rig.archive(), Tier::kWarm);
  rig.faults.aim(&fault);
  must(restorer.run_once(*rig.io));
  rig.faults.aim(nullptr);
  BOOST_TEST(rig.staged() == 0);
  BOOST_TEST(rig.staged_files().empty());
  rig.clock.advance(hours(1));
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 3);
}

// Who cancels while the group reads gets nothing, and the others get theirs.
BOOST_AUTO_TEST_CASE(one_that_is_cancelled_under_way_keeps_no_other_back) {
  class CancelAtSync final : public Faults {
   public:
    CancelAtSync(AskedRig& rig, RestoreId restore) : rig_(rig), restore_(restore) {}
    Status at(std::string_view point) override {
      if (point == "fsync" && !std::exchange(done_, true))
        outcome = rig_.archive().writer.call(cancel_waiter(restore_, "key:test"));
      return {};
    }
    size_t torn_bytes(size_t) override { return 0; }
    Result<bool> outcome = false;

   private:
    AskedRig& rig_;
    const RestoreId restore_;
    bool done_ = false;
  };
  AskedRig rig(3);
  if (rig.asked.empty()) return;
  CancelAtSync cancel(rig, rig.asked[1]);
  IoOptions options;
  options.faults = &cancel;
  const auto io = must(Io::open(options));
  Restorer restorer(rig.archive(), Tier::kWarm);
  must(restorer.run_once(*io));
  BOOST_TEST(must(cancel.outcome));
  BOOST_TEST(rig.staged() == 2);
  BOOST_TEST((rig.restore(rig.asked[1]).state == RestoreState::kCancelled));
  BOOST_TEST(rig.staged_files().size() == 2u * 3u);
}

// A stop leaves what is not read yet as it is; the next run goes on with it.
BOOST_AUTO_TEST_CASE(a_stop_leaves_the_rest_to_the_next_run) {
  AskedRig rig(4);
  if (rig.asked.empty()) return;
  std::atomic<bool> stop{true};
  {
    RecallGroup group(rig.archive());
    BOOST_TEST(group.take(rig.queue(), 0) == 4u);
    BOOST_TEST(!group.run(*rig.io, stop));
  }
  for (const RestoreId& one : rig.asked)
    BOOST_TEST((rig.restore(one).state == RestoreState::kRecalling));
  rig.run_restorers();
  BOOST_TEST(rig.staged() == 4);
}

// While another thread is at a recording, those before it are a group, and it waits for nobody
// with their turns in its hands.
BOOST_AUTO_TEST_CASE(a_group_ends_before_one_that_another_is_at) {
  AskedRig rig(4);
  if (rig.asked.empty()) return;
  const std::vector<QueuedRecall> queue = rig.queue();
  BOOST_REQUIRE(queue.size() == 4u);
  std::atomic<bool> stop{false};
  {
    const RecordingNo busy = rig.restore(queue[2].restore).recording_no;
    const Turns::Turn theirs = rig.archive().part_turns.take(busy);
    RecallGroup group(rig.archive());
    BOOST_TEST(group.take(queue, 0) == 2u);
    BOOST_TEST(group.run(*rig.io, stop));
  }
  BOOST_TEST(rig.staged() == 2);
  RecallGroup rest(rig.archive());
  BOOST_TEST(rest.take(queue, 2) == 2u);
  BOOST_TEST(rest.run(*rig.io, stop));
  BOOST_TEST(rig.staged() == 4);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
