// P3: a lock that comes while its pack is being written anew.
#include "daemon/work/compactor.h"
#include "index/commands/destruction.h"
#include "tests/work/retention_rig.h"

namespace holdfast::testing {
namespace {

enum class Lock { kHold, kRetention };

// What the writer answered to whoever raced the rewriting.
struct Race {
  std::optional<bool> condemned;
  std::optional<bool> locked;
  std::optional<bool> destroyed;
};

void submit_race(RetentionRig& rig, const Recording& target, Lock lock, Race& race) {
  Writer& writer = rig.archive().writer;
  writer.submit<RecordingRow>(
      condemn(target.recording_no, "key:test"),
      [&race](const Result<RecordingRow>& answer) { race.condemned = answer.ok(); });
  if (lock == Lock::kHold) {
    PlaceHold hold;
    hold.recording = target.recording;
    hold.workspace_no = target.workspace_no;
    hold.matter = "Smith v. Jones";
    hold.who = "key:test";
    writer.submit<HoldRow>(place_hold(hold),
                           [&race](const Result<HoldRow>& answer) { race.locked = answer.ok(); });
  } else {
    AssignRetention wish;
    wish.recording = target.recording_no;
    wish.name = "law";
    wish.who = "uid:0";
    wish.not_before = rig.config.expiry.not_before;
    writer.submit<Retained>(assign_retention(wish),
                            [&race](const Result<Retained>& answer) { race.locked = answer.ok(); });
  }
  writer.submit<RecordingRow>(
      begin_destroying(target.recording_no, "key:test"),
      [&race](const Result<RecordingRow>& answer) { race.destroyed = answer.ok(); });
}

void compact(RetentionRig& rig) {
  Compactor compactor(rig.archive());
  for (int turn = 0; turn < 100; ++turn)
    if (!must(compactor.run_once(*rig.io))) return;
  BOOST_ERROR("the compactor does not come to rest");
}

// The race begins within the commit of that number. Gives whether there was one.
bool race_at(int commit, Lock lock) {
  RetentionRig rig;
  std::vector<TestCall> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(rig.ingest());
  rig.to_warm();
  rig.clock.advance(rig.config.warm.copy_after);
  rig.run_mover();
  for (size_t dead : {0U, 1U}) must(rig.destroy(calls.at(dead)));
  const Recording target = rig.recording(calls.at(2));
  std::atomic<bool> is_armed{false};
  std::atomic<int> commits{0};
  Race race;
  rig.close();
  rig.before_commit = [&]() -> Status {
    if (is_armed && commits++ == commit) submit_race(rig, target, lock, race);
    return {};
  };
  rig.open();
  is_armed = true;
  compact(rig);
  is_armed = false;
  // What was queued by the last commit is answered before the process ends.
  must(rig.archive().writer.call(
      Command<void>{"wait for the queue", [](WriteTxn&) { return Status(); }}));
  rig.before_commit = nullptr;
  rig.reopen();
  const bool was_there = commits > commit;
  if (was_there) {
    BOOST_TEST(race.condemned.value_or(false));
    BOOST_TEST(race.locked.value_or(false));
    BOOST_TEST(!race.destroyed.value_or(true));
  }
  for (size_t dead : {0U, 1U}) BOOST_TEST(!rig.is_known(calls.at(dead)));
  BOOST_TEST((rig.recording(calls.at(2)).state == RecordingState::kLive));
  for (const Tier tier : {Tier::kWarm, Tier::kCold})
    BOOST_TEST((rig.state_on(calls.at(2), tier) == CopyState::kVerified));
  BOOST_TEST(rig.is_kept(calls.at(2)));
  if (was_there) BOOST_TEST((code_of(rig.condemn_now(calls.at(2))) == Code::kLocked));
  return was_there;
}

BOOST_AUTO_TEST_SUITE(P3_locked_means_locked)

// Condemned, locked and destroyed within any commit of a rewriting: the lock wins, the member is in
// the new pack, on each medium.
BOOST_AUTO_TEST_CASE(P3_a_lock_amid_a_rewriting_keeps_its_member) {
  if (!RetentionRig().can_verify()) return;
  for (const Lock lock : {Lock::kHold, Lock::kRetention}) {
    int commit = 0;
    bool was_there = true;
    for (; was_there; ++commit)
      BOOST_TEST_CONTEXT((lock == Lock::kHold ? "a hold" : "a retention")
                         << " at commit " << commit)
    was_there = race_at(commit, lock);
    BOOST_TEST(commit > 8);
    BOOST_TEST_MESSAGE(commit - 1 << " commits");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
