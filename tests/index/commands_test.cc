// Commands by subject: ingest, packs and moves, restores, media.
#include <future>

#include "index/read/holds.h"
#include "index/read/status.h"
#include "index/secrets.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(commands)

BOOST_AUTO_TEST_CASE(ingest_is_idempotent_by_content) {
  Archive archive;
  archive.furnish();
  const IngestRow first = archive.ingest_row("CA1");
  BOOST_CHECK(must(archive.writer->call(ingest_recording(first, "key:a"))).verdict ==
              IngestVerdict::kNew);
  IngestRow again = archive.ingest_row("CA1");
  again.files = first.files;
  const auto same = must(archive.writer->call(ingest_recording(again, "key:a")));
  BOOST_CHECK(same.verdict == IngestVerdict::kSame);
  BOOST_CHECK(same.recording == first.recording);
  again.files[0].sha256.bytes[0] ^= std::byte{1};
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(again, "key:a"))) == Code::kConflict);
  IngestRow more = archive.ingest_row("CA1");
  more.files = {archive.file("transcript.json", 10)};
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(more, "key:a"))) == Code::kConflict);
  more.recording = first.recording;
  more.metadata.reset();
  more.part = 3;
  BOOST_CHECK(code_of(archive.writer->call(add_part(more, "key:a"))) == Code::kConflict);
  more.part = 2;
  const auto added = must(archive.writer->call(add_part(more, "key:a")));
  BOOST_TEST(added.part == 2);
  const auto recording = must(find_recording(*archive.index, first.recording));
  BOOST_TEST(recording->parts == 2);
  BOOST_TEST(recording->bytes.count == 3010);
  BOOST_TEST(recording->part_rows.size() == 2U);
  more.part = 3;
  BOOST_CHECK(code_of(archive.writer->call(add_part(more, "key:a"))) == Code::kConflict);
}

BOOST_AUTO_TEST_CASE(verdicts_on_offered_files) {
  FileRow a;
  a.name = "a";
  FileRow b = a;
  b.name = "b";
  FileRow other_a = a;
  other_a.size = Bytes(9);
  BOOST_CHECK(judge_ingest({}, {a}) == IngestVerdict::kNew);
  BOOST_CHECK(judge_ingest({a}, {a}) == IngestVerdict::kSame);
  BOOST_CHECK(judge_ingest({a, b}, {a}) == IngestVerdict::kSame);
  BOOST_CHECK(judge_ingest({a}, {b}) == IngestVerdict::kNextPart);
  BOOST_CHECK(judge_ingest({a}, {a, b}) == IngestVerdict::kNextPart);
  BOOST_CHECK(judge_ingest({a}, {other_a}) == IngestVerdict::kConflict);
  BOOST_CHECK(judge_ingest({a}, {b, other_a}) == IngestVerdict::kConflict);
}

BOOST_AUTO_TEST_CASE(limits_of_ingest) {
  Archive archive;
  archive.furnish();
  IngestRow row = archive.ingest_row("CA1");
  row.call_sid = "../etc";
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(row, "key:a"))) == Code::kInvalid);
  row = archive.ingest_row("CA1");
  row.files.clear();
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(row, "key:a"))) == Code::kInvalid);
  for (int i = 0; i < limits::kFilesPerPartMax + 1; ++i)
    row.files.push_back(archive.file("f" + std::to_string(i), 1));
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(row, "key:a"))) == Code::kTooLarge);
  row.files.pop_back();
  must(archive.writer->call(ingest_recording(row, "key:a")));  // the largest fits into a line
}

// One pack from open to gone, with its moves.
BOOST_AUTO_TEST_CASE(the_life_of_a_pack) {
  Archive archive;
  archive.furnish();
  const IngestRow first = archive.ingest("CA1");
  const IngestRow second = archive.ingest("CA2");
  const IngestRow unplaced = archive.ingest_row("CA3");
  must(archive.writer->call(ingest_recording(unplaced, "key:a")));
  Database& index = *archive.index;
  archive.clock.advance(minutes(15));
  BOOST_TEST(must(due_recordings(index, Tier::kStandard, archive.clock.now(), 10)).size() == 3U);
  OpenPack open;
  open.pack = archive.random.id<PackId>();
  open.cohort = "class-0/open";
  open.target = archive.warm;
  open.next_action_at = archive.clock.now() + hours(6);
  must(archive.writer->call(open_pack(open)));
  const auto assigned = must(archive.writer->call(assign_members(
      open.pack, {{first.recording_no, 1}, {second.recording_no, 1}, {unplaced.recording_no, 1}})));
  BOOST_TEST(assigned.skipped.size() == 1U);
  BOOST_TEST(assigned.pack.members == 2);
  BOOST_TEST(assigned.pack.bytes.count == 6000);
  BOOST_TEST(must(due_recordings(index, Tier::kStandard, archive.clock.now(), 10)).size() == 1U);
  BOOST_TEST(must(open_packs(index)).size() == 1U);
  const auto twice =
      must(archive.writer->call(assign_members(open.pack, {{first.recording_no, 1}})));
  BOOST_TEST(twice.skipped.size() == 1U);
  BOOST_TEST(twice.pack.members == 2);
  must(archive.writer->call(
      drop_members(open.pack, {{second.recording_no, 1}}, archive.clock.now())));
  must(archive.writer->call(assign_members(open.pack, {{second.recording_no, 1}})));

  PlanMove plan{open.pack, archive.standard, archive.warm};
  const MoveRow move = must(archive.writer->call(plan_move(plan)));
  BOOST_TEST(must(archive.writer->call(plan_move(plan))).move_no == move.move_no);
  const auto step = [&](const MoveRow& of, MoveEvent event) {
    return archive.writer->call(advance_move(of.move_no, event));
  };
  must(step(move, MoveEvent::kBegin));
  must(archive.writer->call(fail_move(move.move_no, Error{Code::kNoSpace, "no space"})));
  BOOST_TEST(must(ready_moves(index, MoveState::kFailed, Tier::kStandard, archive.clock.now(), 10))
                 .empty());
  archive.clock.advance(minutes(2));
  const auto ready =
      must(ready_moves(index, MoveState::kFailed, Tier::kStandard, archive.clock.now(), 10));
  BOOST_REQUIRE(ready.size() == 1);
  BOOST_TEST(ready[0].attempts == 1);
  BOOST_TEST(ready[0].error == "no space");
  must(step(move, MoveEvent::kRetry));
  must(step(move, MoveEvent::kBegin));
  const SealedPack sealed = archive.seal_of(open.pack, {first, second});
  must(archive.writer->call(seal_pack(sealed, "system")));
  must(archive.writer->call(seal_pack(sealed, "system")));  // the answer was lost
  must(step(move, MoveEvent::kDurable));
  must(step(move, MoveEvent::kDurable));  // the answer was lost
  BOOST_CHECK(code_of(step(move, MoveEvent::kBegin)) == Code::kConflict);
  BOOST_CHECK(code_of(archive.writer->call(switch_move(move.move_no, days(3)))) == Code::kConflict);
  must(archive.writer->call(pack_verified(open.pack, archive.warm, VerifyMode::kDirect, "system")));
  must(step(move, MoveEvent::kProved));
  must(archive.writer->call(switch_move(move.move_no, days(3))));
  must(archive.writer->call(switch_move(move.move_no, days(3))));
  const auto due_at = archive.row_of(first.recording_no).next_action_at;
  BOOST_REQUIRE(due_at.has_value());
  BOOST_TEST(due_at->count == (first.ended_at + days(3)).count);
  BOOST_CHECK(code_of(archive.writer->call(finish_move(move.move_no))) == Code::kConflict);
  archive.release_plain(first.recording_no);
  BOOST_CHECK(code_of(archive.writer->call(finish_move(move.move_no))) == Code::kConflict);
  archive.release_plain(second.recording_no);
  must(archive.writer->call(finish_move(move.move_no)));
  BOOST_TEST(must(list_moves(index, std::nullopt, std::nullopt, 10)).empty());

  // On to cold.
  const MoveRow colder =
      must(archive.writer->call(plan_move({open.pack, archive.warm, archive.cold})));
  must(step(colder, MoveEvent::kBegin));
  archive.copy_to_cold(open.pack);
  must(step(colder, MoveEvent::kDurable));
  must(step(colder, MoveEvent::kProved));
  must(archive.writer->call(switch_move(colder.move_no, days(31))));
  const PackRow pack = must(find_pack(index, open.pack)).value();
  BOOST_REQUIRE(pack.next_action_at.has_value());
  BOOST_TEST(pack.next_action_at->count == (first.ended_at + days(31)).count);
  must(archive.writer->call(release_pack(open.pack, archive.warm, {}, "system")));
  BOOST_TEST(must(pack_copies_in_state(index, CopyState::kReleasing, 10)).size() == 1U);
  BOOST_CHECK(code_of(archive.writer->call(finish_move(colder.move_no))) == Code::kConflict);
  must(archive.writer->call(pack_gone(open.pack, archive.warm)));
  must(archive.writer->call(finish_move(colder.move_no)));
  const auto members = must(pack_members(index, open.pack, archive.cold, {}, 10));
  BOOST_REQUIRE(members.size() == 2);
  BOOST_TEST(members[0].audio->offset.count == sealed.members[0].audio.offset.count);
}

BOOST_AUTO_TEST_CASE(an_empty_pack_is_dropped) {
  Archive archive;
  archive.furnish();
  OpenPack open;
  open.pack = archive.random.id<PackId>();
  open.target = archive.warm;
  must(archive.writer->call(open_pack(open)));
  BOOST_CHECK(code_of(archive.writer->call(open_pack(open))) == Code::kConflict);
  must(archive.writer->call(plan_move({open.pack, archive.standard, archive.warm})));
  must(archive.writer->call(drop_pack(open.pack)));
  BOOST_CHECK(code_of(archive.writer->call(drop_pack(open.pack))) == Code::kNotFound);
  BOOST_TEST(must(status_summary(*archive.index, std::nullopt)).open_packs == 0);
  BOOST_TEST(must(status_summary(*archive.index, std::nullopt)).unfinished_moves == 0);
}

class Archived : public Archive {
 public:
  Archived() {
    furnish();
    for (int i = 0; i < 3; ++i) rows.push_back(ingest("CA" + std::to_string(i)));
    pack = pack_up(rows);
    for (const IngestRow& row : rows) release_plain(row.recording_no);
  }
  RestoreOutcome ask(size_t which, const std::string& who, Millis keep = hours(24),
                     RestorePriority priority = RestorePriority::kStandard) {
    RequestRestore asked;
    asked.recording = rows[which].recording_no;
    asked.restore = random.id<RestoreId>();
    asked.who = who;
    asked.keep = keep;
    asked.priority = priority;
    return must(writer->call(request_restore(asked)));
  }
  // What a lane may choose from now.
  std::vector<RestoreRow> ready(Tier tier) {
    return must(ready_restores(*index, tier, clock.now(), ReadyShare())).rows;
  }
  std::vector<IngestRow> rows;
  SealedPack pack;
};

constexpr Bytes kRoom{1 << 20};

BOOST_AUTO_TEST_CASE(requests_join_one_recall) {
  Archived archive;
  Database& index = *archive.index;
  const auto first = archive.ask(0, "key:a", hours(1), RestorePriority::kBulk);
  BOOST_TEST(!first.joined);
  BOOST_CHECK(first.restore.pack == archive.pack.pack);
  BOOST_CHECK(first.restore.medium == archive.warm);
  BOOST_TEST(first.restore.bytes.count == 3000);
  const auto second = archive.ask(0, "key:b", hours(48), RestorePriority::kExpedited);
  BOOST_TEST(second.joined);
  BOOST_CHECK(second.restore.restore == first.restore.restore);
  BOOST_TEST(second.restore.keep.count == hours(48).count);
  BOOST_CHECK(second.restore.priority == RestorePriority::kExpedited);
  BOOST_TEST(archive.ask(0, "key:a").waiter_no == first.waiter_no);
  BOOST_TEST(must(restore_waiters(index, first.restore.restore)).size() == 2U);
  BOOST_TEST(must(recalls_since(index, "key:a", archive.clock.now(), 9)) == 1);
  BOOST_TEST(must(recalls_since(index, "key:b", archive.clock.now(), 9)) == 0);  // it joined
  const auto third = archive.ask(1, "key:c");
  BOOST_CHECK(third.restore.medium == archive.warm);
  BOOST_TEST(must(queue_length(index, Tier::kWarm)) == 2);
  BOOST_TEST(must(queue_length(index, Tier::kCold)) == 0);
  BOOST_TEST(must(queue_length(index, Tier::kWarm, {{}, archive.clock.now()})) == 0);
  BOOST_TEST(must(queue_by_workspace(index, Tier::kWarm)) == std::vector<int64_t>{2},
             boost::test_tools::per_element());
  const auto queue = archive.ready(Tier::kWarm);
  BOOST_REQUIRE(queue.size() == 2);
  BOOST_CHECK(queue[0].restore == first.restore.restore);
  BOOST_TEST(archive.ready(Tier::kCold).empty());
}

BOOST_AUTO_TEST_CASE(a_restore_goes_its_states) {
  Archived archive;
  Database& index = *archive.index;
  const RestoreId restore = archive.ask(0, "key:a", hours(2)).restore.restore;
  BOOST_CHECK(code_of(archive.writer->call(restore_staged(restore, archive.standard, {1}))) ==
              Code::kConflict);
  BOOST_CHECK(code_of(archive.writer->call(begin_recall(restore, Bytes(2999)))) == Code::kNoSpace);
  must(archive.writer->call(begin_recall(restore, kRoom)));
  must(archive.writer->call(begin_recall(restore, kRoom)));
  BOOST_TEST(must(staged_bytes(index)).count == 3000);
  must(
      archive.writer->call(restore_retry(restore, "drive busy", archive.clock.now() + minutes(1))));
  BOOST_TEST(must(staged_bytes(index)).count == 0);
  BOOST_TEST(archive.ready(Tier::kWarm).empty());
  must(archive.writer->call(restores_wait_no_more()));
  BOOST_TEST(archive.ready(Tier::kWarm).at(0).attempts == 1);
  must(archive.writer->call(restores_wait({restore}, "no room", archive.clock.now())));
  const RestoreRow waiting = archive.ready(Tier::kWarm).at(0);
  BOOST_TEST(waiting.attempts == 1);  // waiting is no try
  BOOST_TEST(waiting.error == "no room");
  must(archive.writer->call(begin_recall(restore, kRoom)));
  const RestoreRow staged =
      must(archive.writer->call(restore_staged(restore, archive.standard, {1})));
  BOOST_CHECK(staged.state == RestoreState::kStaged);
  BOOST_REQUIRE(staged.expires_at.has_value());
  BOOST_TEST(staged.expires_at->count == (archive.clock.now() + hours(2)).count);
  const auto recording = must(find_recording(index, archive.rows[0].recording_no));
  BOOST_REQUIRE(recording->restore.has_value());
  BOOST_REQUIRE(recording->copies.size() == 2);
  BOOST_CHECK(recording->copies[0].state == CopyState::kStaged);
  BOOST_CHECK(recording->tier == Tier::kWarm);  // staged is still archived
  // It is readable now: nothing new is recalled, a longer keep only lengthens it.
  const auto joined = archive.ask(0, "key:b", hours(10));
  BOOST_TEST(joined.joined);
  BOOST_TEST(joined.restore.expires_at->count == (archive.clock.now() + hours(10)).count);
  BOOST_CHECK(code_of(archive.writer->call(expire_restore(restore, archive.clock.now()))) ==
              Code::kConflict);
  archive.clock.advance(hours(10));
  BOOST_TEST(must(expired_restores(index, archive.clock.now(), 10)).size() == 1U);
  for (int again = 0; again < 2; ++again) {
    const auto permits = must(archive.writer->call(expire_restore(restore, archive.clock.now())));
    BOOST_REQUIRE(permits.size() == 1);
    BOOST_CHECK(permits[0].medium() == archive.standard);
  }
  BOOST_TEST(must(plain_copies_in_state(index, CopyState::kReleasing, 10)).size() == 1U);
  must(archive.writer->call(copy_gone(archive.rows[0].recording_no, 1, archive.standard)));
  BOOST_TEST(!must(live_restore(index, archive.rows[0].recording_no)).has_value());
  BOOST_TEST(must(staged_bytes(index)).count == 0);
  archive.ask(0, "key:a");  // and it may be asked for anew
}

// A key's budget is what it starts; joining is free, and an operator has none.
BOOST_AUTO_TEST_CASE(a_budget_is_counted_where_the_recall_begins) {
  Archived archive;
  const auto request = [&](size_t which, const std::string& who) {
    RequestRestore asked;
    asked.recording = archive.rows[which].recording_no;
    asked.restore = archive.random.id<RestoreId>();
    asked.who = who;
    asked.budget_per_hour = 1;
    return request_restore(asked);
  };
  archive.ask(0, "uid:0");
  BOOST_TEST(must(archive.writer->call(request(0, "key:a"))).joined);
  // At one time: the writer takes both into one batch, and only one of them is within the budget.
  std::promise<Code> first;
  std::promise<Code> second;
  const auto keep = [](std::promise<Code>& into) {
    return [&into](Result<RestoreOutcome> outcome) {
      into.set_value(outcome.ok() ? Code::kInvalid : outcome.error().code);
    };
  };
  archive.writer->submit<RestoreOutcome>(request(1, "key:a"), keep(first));
  archive.writer->submit<RestoreOutcome>(request(2, "key:a"), keep(second));
  BOOST_CHECK(first.get_future().get() == Code::kInvalid);  // it was taken
  BOOST_CHECK(second.get_future().get() == Code::kExhausted);
  BOOST_TEST(must(archive.writer->call(request(1, "key:a"))).joined);
  archive.clock.advance(minutes(59));
  BOOST_CHECK(code_of(archive.writer->call(request(2, "key:a"))) == Code::kExhausted);
  archive.clock.advance(minutes(1));
  BOOST_TEST(!must(archive.writer->call(request(2, "key:a"))).joined);
}

// A staged restore that is not whole any more answers nobody: a new one goes on with its waiters.
BOOST_AUTO_TEST_CASE(a_staged_restore_that_lost_its_copy_is_queued_again) {
  Archived archive;
  Database& index = *archive.index;
  const RestoreId old = archive.ask(0, "key:a", hours(40)).restore.restore;
  must(archive.writer->call(begin_recall(old, kRoom)));
  must(archive.writer->call(restore_staged(old, archive.standard, {1})));
  archive.clock.advance(hours(10));
  must(archive.writer->call(copy_quarantined(archive.rows[0].recording_no, 1, archive.standard,
                                             std::nullopt, "a bit flipped", "system")));
  const RestoreOutcome again = archive.ask(0, "key:b", hours(1));
  BOOST_TEST(!again.joined);
  BOOST_CHECK(again.restore.restore != old);
  BOOST_CHECK(again.restore.state == RestoreState::kQueued);
  BOOST_CHECK(must(find_restore(index, old))->state == RestoreState::kExpired);
  BOOST_TEST(again.restore.keep.count == hours(30).count);  // what the first was promised
  BOOST_TEST(must(restore_waiters(index, old)).empty());
  const auto waiters = must(restore_waiters(index, again.restore.restore));
  BOOST_REQUIRE(waiters.size() == 2);
  for (const RestoreWaiterRow& waiter : waiters) BOOST_CHECK(waiter.state == RestoreState::kQueued);
  BOOST_TEST(must(staged_bytes(index)).count == 0);
}

// The parts that were staged, and no others: one that came meanwhile and is archived is fetched
// before anybody is told.
BOOST_AUTO_TEST_CASE(a_restore_is_staged_when_every_part_is) {
  Archived archive;
  Database& index = *archive.index;
  const IngestRow& first = archive.rows[0];
  const RestoreId restore = archive.ask(0, "key:a").restore.restore;
  must(archive.writer->call(begin_recall(restore, kRoom)));
  IngestRow later = archive.ingest_row(first.call_sid);
  later.recording = first.recording;
  later.part = 2;
  later.files = {archive.file("transcript.txt", 10)};
  later.metadata.reset();
  archive.source.keep(later);
  must(archive.writer->call(add_part(later, "key:test")));
  must(archive.writer->call(mark_placed(first.recording_no, 2)));
  archive.clock.advance(minutes(1));
  must(archive.run_sql(
      "INSERT INTO copy (recording_no, part, medium_no, pack_no, state, copied_at, verified_at, "
      "verify_mode) SELECT recording_no, 2, medium_no, pack_no, 2, " +
      std::to_string(archive.clock.now().count) + ", " + std::to_string(archive.clock.now().count) +
      ", 1 FROM copy WHERE part = 1 AND recording_no = " +
      std::to_string(first.recording_no.value)));
  must(archive.writer->call(
      release_copy(first.recording_no, 2, archive.standard, ReleasePolicy{1}, "system")));
  must(archive.writer->call(copy_gone(first.recording_no, 2, archive.standard)));
  const RestoreRow halfway =
      must(archive.writer->call(restore_staged(restore, archive.standard, {1})));
  BOOST_CHECK(halfway.state == RestoreState::kQueued);
  BOOST_TEST(halfway.attempts == 0);
  // Cancelled now, the part that is staged already goes as well.
  BOOST_TEST(must(archive.writer->call(cancel_waiter(restore, "key:a"))));
  const auto going = must(plain_copies_in_state(index, CopyState::kReleasing, 10));
  BOOST_REQUIRE(going.size() == 1);
  BOOST_TEST(going[0].part == 1);
}

BOOST_AUTO_TEST_CASE(only_archived_recordings_are_restored) {
  Archived archive;
  const IngestRow fresh = archive.ingest("CA-fresh");
  RequestRestore asked;
  asked.recording = fresh.recording_no;
  asked.restore = archive.random.id<RestoreId>();
  asked.who = "key:a";
  BOOST_CHECK(code_of(archive.writer->call(request_restore(asked))) == Code::kConflict);
}

BOOST_AUTO_TEST_CASE(the_last_waiter_cancels) {
  Archived archive;
  const RestoreId restore = archive.ask(0, "key:a").restore.restore;
  archive.ask(0, "key:b");
  BOOST_TEST(!must(archive.writer->call(cancel_waiter(restore, "key:a"))));
  BOOST_CHECK(code_of(archive.writer->call(cancel_waiter(restore, "key:a"))) == Code::kNotFound);
  BOOST_TEST(must(archive.writer->call(cancel_waiter(restore, "key:b"))));
  BOOST_CHECK(must(find_restore(*archive.index, restore))->state == RestoreState::kCancelled);
  const RestoreId failing = archive.ask(1, "key:a").restore.restore;
  must(archive.writer->call(restore_failed(failing, "pack is bad")));
  BOOST_TEST(must(find_restore(*archive.index, failing))->error == "pack is bad");
  BOOST_CHECK(must(restore_waiters(*archive.index, failing))[0].state == RestoreState::kFailed);
}

// Each waiter has its own wish: who leaves takes only its own along.
BOOST_AUTO_TEST_CASE(who_takes_its_wish_back_leaves_the_others_theirs) {
  Archived archive;
  Database& index = *archive.index;
  const RestoreId restore =
      archive.ask(0, "key:a", hours(2), RestorePriority::kBulk).restore.restore;
  archive.ask(0, "key:b", hours(48), RestorePriority::kExpedited);
  const auto waiter = [&](const std::string& who) {
    for (const RestoreWaiterRow& one : must(restore_waiters(index, restore)))
      if (one.who == who) return one;
    return RestoreWaiterRow();
  };
  BOOST_CHECK(waiter("key:a").priority == RestorePriority::kBulk);
  BOOST_TEST(waiter("key:a").keep.count == hours(2).count);
  BOOST_CHECK(waiter("key:b").priority == RestorePriority::kExpedited);
  BOOST_TEST(!must(archive.writer->call(cancel_waiter(restore, "key:b"))));
  BOOST_CHECK(waiter("key:b").state == RestoreState::kCancelled);
  BOOST_CHECK(waiter("key:a").state == RestoreState::kQueued);
  const RestoreRow left = *must(find_restore(index, restore));
  BOOST_CHECK(left.priority == RestorePriority::kBulk);
  BOOST_TEST(left.keep.count == hours(2).count);
  // Asked again, the wish that was taken back counts no more.
  archive.clock.advance(minutes(5));
  archive.ask(0, "key:b", hours(3), RestorePriority::kStandard);
  BOOST_TEST(waiter("key:b").keep.count == hours(3).count);
  BOOST_CHECK(waiter("key:b").priority == RestorePriority::kStandard);
  BOOST_CHECK(waiter("key:b").requested_at == archive.clock.now());
  BOOST_CHECK(must(find_restore(index, restore))->priority == RestorePriority::kStandard);
  // Once it is there, who leaves shortens nothing.
  must(archive.writer->call(begin_recall(restore, kRoom)));
  must(archive.writer->call(restore_staged(restore, archive.standard, {1})));
  BOOST_CHECK(waiter("key:a").state == RestoreState::kStaged);
  const auto until = must(find_restore(index, restore))->expires_at;
  BOOST_TEST(!must(archive.writer->call(cancel_waiter(restore, "key:b"))));
  BOOST_CHECK(must(find_restore(index, restore))->expires_at == until);
  BOOST_CHECK(waiter("key:b").state == RestoreState::kCancelled);
  BOOST_CHECK(waiter("key:a").state == RestoreState::kStaged);
}

// A wish that was taken back took its callback along; asking again with a URL replaces one, and
// without one leaves it.
BOOST_AUTO_TEST_CASE(a_callback_goes_with_the_wish) {
  Archived archive;
  const RestoreId restore = archive.ask(0, "key:a").restore.restore;
  const auto ask = [&](const std::string& url) {
    RequestRestore asked;
    asked.recording = archive.rows[0].recording_no;
    asked.restore = archive.random.id<RestoreId>();
    asked.who = "key:b";
    asked.callback_url = url;
    must(archive.writer->call(request_restore(asked)));
    for (const RestoreWaiterRow& one : must(restore_waiters(*archive.index, restore)))
      if (one.who == asked.who) return one.callback_url;
    return std::string("nobody waits");
  };
  BOOST_TEST(ask("https://crm.example.com/one") == "https://crm.example.com/one");
  BOOST_TEST(ask("") == "https://crm.example.com/one");
  BOOST_TEST(ask("https://crm.example.com/two") == "https://crm.example.com/two");
  BOOST_TEST(!must(archive.writer->call(cancel_waiter(restore, "key:b"))));
  BOOST_TEST(ask("").empty());
}

// What is waited for is no try, whether it was queued or being recalled.
BOOST_AUTO_TEST_CASE(waiting_uses_up_no_try) {
  Archived archive;
  const RestoreId queued = archive.ask(0, "key:a").restore.restore;
  const RestoreId recalling = archive.ask(1, "key:a").restore.restore;
  must(archive.writer->call(begin_recall(recalling, kRoom)));
  const UnixMillis later = archive.clock.now() + minutes(1);
  must(archive.writer->call(restores_wait({queued, recalling}, "the medium is away", later)));
  for (const RestoreId& restore : {queued, recalling}) {
    const RestoreRow row = *must(find_restore(*archive.index, restore));
    BOOST_CHECK(row.state == RestoreState::kQueued);
    BOOST_TEST(row.attempts == 0);
    BOOST_TEST(row.error == "the medium is away");
    BOOST_CHECK(row.not_before == later);
    BOOST_CHECK(must(restore_waiters(*archive.index, restore))[0].state == RestoreState::kQueued);
  }
  BOOST_TEST(must(staged_bytes(*archive.index)).count == 0);
}

BOOST_AUTO_TEST_CASE(destruction_cancels_a_recall) {
  Archived archive;
  const RestoreId restore = archive.ask(0, "key:a").restore.restore;
  must(archive.writer->call(begin_recall(restore, kRoom)));
  must(archive.writer->call(condemn(archive.rows[0].recording_no, "uid:0")));
  must(archive.writer->call(begin_destroying(archive.rows[0].recording_no, "uid:0")));
  BOOST_CHECK(code_of(archive.writer->call(restore_staged(restore, archive.standard, {1}))) ==
              Code::kConflict);
}

BOOST_AUTO_TEST_CASE(media_and_their_history) {
  Archive archive;
  archive.furnish();
  MediumRow again;
  again.medium = archive.warm;
  again.tier = Tier::kWarm;
  again.kind = "pack";
  again.name = "warm shelf";
  BOOST_TEST(must(archive.writer->call(register_medium(again, "uid:0"))).name == "warm shelf");
  again.tier = Tier::kCold;
  BOOST_CHECK(code_of(archive.writer->call(register_medium(again, "uid:0"))) == Code::kConflict);
  must(archive.writer->call(set_medium_state(archive.cold, MediumState::kOffline, "system")));
  BOOST_CHECK(must(find_medium(*archive.index, archive.cold))->state == MediumState::kOffline);
  BOOST_CHECK(code_of(archive.writer->call(set_medium_state(
                  archive.random.id<MediumId>(), MediumState::kLost, "u"))) == Code::kNotFound);
  for (int i = 0; i < limits::kRecallSamplesKept + 20; ++i) {
    RecallSampleRow sample;
    sample.at = archive.clock.now();
    sample.bytes = Bytes(i);
    sample.elapsed = seconds(1);
    must(archive.writer->call(add_recall_sample(archive.warm, sample)));
  }
  const auto samples = must(recall_samples(*archive.index, archive.warm));
  BOOST_TEST(samples.size() == size_t{limits::kRecallSamplesKept});
  BOOST_TEST(samples[0].bytes.count == limits::kRecallSamplesKept + 19);
  BOOST_TEST(archive.count("SELECT count(*) FROM recall_sample") == limits::kRecallSamplesKept);
}

BOOST_AUTO_TEST_CASE(configurations_make_one_line_each) {
  Archive archive;
  archive.furnish();
  Digest first;
  first.bytes[0] = std::byte{1};
  const auto applied = [&] {
    return must(status_summary(*archive.index, std::nullopt)).applied_seq;
  };
  must(archive.writer->call(config_applied(first, "system")));
  const int64_t after = applied();
  must(archive.writer->call(config_applied(first, "system")));
  BOOST_TEST(applied() == after);
  must(archive.writer->call(config_applied(Digest(), "system")));
  BOOST_TEST(applied() == after + 1);
}

// Two live: the one that signs, and the one before it as long as a link of it may be good.
BOOST_AUTO_TEST_CASE(a_workspace_has_at_most_two_signing_keys) {
  Archive archive;
  archive.furnish();
  const WorkspaceNo workspace = archive.workspace_no;
  const auto kids = [&] {
    std::vector<int64_t> out;
    for (const SigningKey& key : must(live_signing_keys(*archive.index, workspace)))
      out.push_back(key.kid);
    return out;
  };
  const auto rotate = [&] { return archive.writer->call(rotate_signing_key(workspace, "uid:0")); };
  must(archive.writer->call(ensure_signing_key(workspace, "uid:0")));
  BOOST_TEST(must(rotate()) == 2);
  BOOST_CHECK(code_of(rotate()) == Code::kConflict);
  archive.clock.advance(Millis(limits::kRestoreLinkCapSeconds * 1000 - 1));
  BOOST_CHECK(code_of(rotate()) == Code::kConflict);
  archive.clock.advance(Millis(1));
  BOOST_TEST(must(rotate()) == 3);
  BOOST_TEST((kids() == std::vector<int64_t>{2, 3}));
  // A revoked one makes room at once; the one that signs has a successor at once.
  LinkRevocation revocation;
  revocation.kid = 2;
  revocation.workspace_no = workspace;
  must(archive.writer->call(revoke_link(revocation, "uid:0")));
  BOOST_TEST(must(rotate()) == 4);
  revocation.kid = 4;
  must(archive.writer->call(revoke_link(revocation, "uid:0")));
  BOOST_TEST((kids() == std::vector<int64_t>{3, 5}));
  BOOST_TEST(must(current_signing_key(*archive.index, workspace)).value().kid == 5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
