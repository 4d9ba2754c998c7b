// The writer's rule: group commit, decided batches, voided tails. What a failing command leaves is
// in writer_undo_test.cc.
#include "index/writer.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>

#include "index/read/status.h"
#include "tests/index/writer_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(writer)

BOOST_AUTO_TEST_CASE(concurrent_writers_share_syncs) {
  constexpr int kThreads = 64;
  constexpr int kEach = 4;
  Archive archive;
  archive.furnish();
  std::vector<IngestRow> rows;
  for (int i = 0; i < kThreads * kEach; ++i)
    rows.push_back(archive.ingest_row("CA" + std::to_string(i)));
  const WriterCounters before = archive.writer->counters();
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const IngestRow& row = rows[static_cast<size_t>(t * kEach + i)];
        if (!archive.writer->call(ingest_recording(row, "key:test")).ok()) ++failures;
      }
    });
  for (std::thread& thread : threads) thread.join();
  const WriterCounters after = archive.writer->counters();
  BOOST_TEST(failures == 0);
  BOOST_TEST(after.commands - before.commands == kThreads * kEach);
  BOOST_TEST(after.syncs - before.syncs < after.commands - before.commands);
  BOOST_TEST(after.batches - before.batches < after.commands - before.commands);
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == kThreads * kEach);
}

BOOST_AUTO_TEST_CASE(a_gathered_batch_is_one_pair_of_syncs) {
  Archive archive;
  archive.furnish();
  std::vector<IngestRow> rows;
  for (int i = 0; i < 50; ++i) rows.push_back(archive.ingest_row("CA" + std::to_string(i)));
  Gate gate;
  std::atomic<int> answered{0};
  archive.writer->submit<void>(gate.command(), [&](Status) {});
  gate.wait_until_entered();
  const WriterCounters before = archive.writer->counters();
  for (const IngestRow& row : rows)
    archive.writer->submit<IngestOutcome>(ingest_recording(row, "key:test"),
                                          [&](Result<IngestOutcome> outcome) {
                                            if (outcome.ok()) ++answered;
                                          });
  gate.open();
  archive.writer->stop();
  const WriterCounters after = archive.writer->counters();
  BOOST_TEST(answered == 50);
  BOOST_TEST(after.syncs - before.syncs == 3U);  // the gate's commit, then lines and rows
}

// A pack of ten thousand members is sealed by one command: what its savepoint would give back is
// some twenty megabytes of pages that were there before.
BOOST_AUTO_TEST_CASE(a_command_may_change_more_pages_than_a_savepoint_keeps_in_memory) {
  constexpr int kRows = 4000;
  Archive archive;
  archive.furnish();
  const auto fill = [](const std::string& text) {
    return Command<void>{
        "fill", [text](WriteTxn& txn) -> Status {
          for (int i = 0; i < kRows; ++i) {
            Statement statement = txn.index().prepare(
                "INSERT INTO setting (name, value) VALUES (?1, ?2) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value");
            statement.bind("filled-" + std::to_string(i), text);
            HOLDFAST_TRY(statement.run());
          }
          return text.front() == 'c' ? Status(Error{Code::kConflict, "no"}) : Status();
        }};
  };
  const auto count = [&](char letter) {
    return archive.count("SELECT count(*) FROM setting WHERE name LIKE 'filled-%' AND value = '" +
                         std::string(3000, letter) + "'");
  };
  must(archive.writer->call(fill(std::string(3000, 'a'))));
  must(archive.writer->call(fill(std::string(3000, 'b'))));
  BOOST_TEST(count('b') == kRows);
  BOOST_TEST((code_of(archive.writer->call(fill(std::string(3000, 'c')))) == Code::kConflict));
  BOOST_TEST(count('b') == kRows);  // given back whole
}

// The mirror's sync goes on beside the index's commit: what comes of either changes nothing of what
// was decided.
class MirrorSyncFails final : public Faults {
 public:
  Status at(std::string_view point) override {
    if (point != "fdatasync" || ++syncs_ != 2) return {};  // main's is the first
    return system_error(EIO, "injected");
  }
  int syncs() const { return syncs_; }

 private:
  int syncs_ = 0;
};

BOOST_AUTO_TEST_CASE(p6_a_mirror_that_fails_beside_the_index_is_away_and_the_batch_stands) {
  Archive archive;
  archive.with_ring = true;
  archive.furnish();
  MirrorSyncFails failing;
  archive.faults.aim(&failing);
  must(archive.writer->call(ingest_recording(archive.ingest_row("CA1"), "key:test")));
  archive.faults.aim(nullptr);
  BOOST_TEST(failing.syncs() == 2);
  BOOST_TEST((must(archive.writer->view_ledger()).state == LedgerState::kBehind));
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 1);
  BOOST_TEST(decision_kinds(archive).back() == decision::kIngested);
  archive.restart();
  BOOST_TEST((must(archive.writer->view_ledger()).state == LedgerState::kReady));
}

BOOST_AUTO_TEST_CASE(p6_an_index_and_a_mirror_that_fail_together_leave_the_decision_in_main) {
  Archive archive;
  archive.with_ring = true;
  std::atomic<bool> fail{false};
  archive.before_commit = [&fail]() -> Status {
    return fail.exchange(false) ? Status(Error{Code::kIo, "injected"}) : Status();
  };
  archive.furnish();
  const IngestRow row = archive.ingest_row("CA1");
  archive.source.keep(row);
  MirrorSyncFails failing;
  archive.faults.aim(&failing);
  fail = true;
  const auto outcome = archive.writer->call(ingest_recording(row, "key:test"));
  BOOST_TEST((code_of(outcome) == Code::kUnavailable));
  BOOST_TEST(decision_kinds(archive).back() == decision::kIngested);  // waits until it recovered
  archive.faults.aim(nullptr);
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 1);
}

// One that is refused keeps no other back, and all of them are one batch.
BOOST_AUTO_TEST_CASE(commands_that_are_called_together_are_made_durable_together) {
  Archive archive;
  archive.furnish();
  std::vector<Command<IngestOutcome>> commands;
  for (const char* call : {"CA1", "CA1", "CA2", "CA3"})  // the second one clashes with the first
    commands.push_back(ingest_recording(archive.ingest_row(call), "key:test"));
  const WriterCounters before = archive.writer->counters();
  const std::vector<Result<IngestOutcome>> outcomes = archive.writer->call_all(std::move(commands));
  const WriterCounters after = archive.writer->counters();
  BOOST_REQUIRE(outcomes.size() == 4u);
  for (size_t i : {0u, 2u, 3u}) BOOST_TEST(outcomes[i].ok());
  BOOST_TEST((code_of(outcomes[1]) == Code::kConflict));
  BOOST_TEST(after.batches - before.batches == 1u);
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 3);
  BOOST_TEST(archive.writer->call_all(std::vector<Command<void>>()).empty());
  archive.writer->stop();
  const auto late = archive.writer->call_all(
      std::vector<Command<IngestOutcome>>{ingest_recording(archive.ingest_row("CA5"), "key:test")});
  BOOST_TEST((code_of(late.at(0)) == Code::kUnavailable));
}

// Lines durable, commit refused: "outcome unknown", then the rows come from the ledger.
BOOST_AUTO_TEST_CASE(a_decided_batch_is_replayed) {
  Archive archive;
  std::atomic<bool> fail{false};
  archive.before_commit = [&fail]() -> Status {
    if (fail.exchange(false)) return Error{Code::kNoSpace, "the disk is full"};
    return Status();
  };
  std::atomic<int> recoveries{0};
  archive.recovered = [&recoveries] { ++recoveries; };
  archive.furnish();
  const IngestRow row = archive.ingest_row("CA1");
  archive.source.keep(row);
  BOOST_TEST(recoveries == 0);
  fail = true;
  const auto answer = archive.writer->call(ingest_recording(row, "key:a"));
  BOOST_REQUIRE(!answer.ok());
  BOOST_CHECK(answer.error().code == Code::kUnavailable);
  BOOST_TEST(answer.error().message.find("outcome unknown") != std::string::npos);
  // The next command finds it done: the same call again is the same recording.
  const auto again = must(archive.writer->call(ingest_recording(row, "key:a")));
  BOOST_CHECK(again.verdict == IngestVerdict::kSame);
  BOOST_CHECK(again.recording == row.recording);
  BOOST_TEST(recoveries == 1);
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 1);
}

// The log may hold what was refused, and bring it back after a loss of power.
BOOST_AUTO_TEST_CASE(a_failed_commit_without_lines_is_unknown_and_settled) {
  Archive archive;
  std::atomic<bool> fail{false};
  archive.before_commit = [&fail]() -> Status {
    if (fail.exchange(false)) return Error{Code::kIo, "injected"};
    return Status();
  };
  std::atomic<int> recoveries{0};
  archive.recovered = [&recoveries] { ++recoveries; };
  archive.furnish();
  const auto set = Command<void>{
      "set",
      [](WriteTxn& txn) { return txn.index().execute("INSERT INTO setting VALUES ('a', '1')"); }};
  fail = true;
  BOOST_TEST((code_of(archive.writer->call(set)) == Code::kUnavailable));
  must(archive.writer->call(set));  // it did not take effect
  BOOST_TEST(recoveries == 1);
}

// What the log has on the disk is unknown after a failed sync: it is written out, and while a
// reader stands in the way of that, nothing is taken. (SQLite itself waits some seconds for the
// reader.)
BOOST_AUTO_TEST_CASE(nothing_is_taken_while_a_reader_keeps_the_log_from_being_settled) {
  Archive archive;
  std::atomic<bool> fail{false};
  archive.before_commit = [&fail]() -> Status {
    if (fail.exchange(false)) return Error{Code::kIo, "the disk is gone"};
    return Status();
  };
  std::atomic<int> recoveries{0};
  archive.recovered = [&recoveries] { ++recoveries; };
  archive.furnish();
  const IngestRow row = archive.ingest_row("CA1");
  archive.source.keep(row);
  Database reader = must(Database::open_read_only(archive.options().index_path));
  must(reader.execute("BEGIN; SELECT count(*) FROM recording"));
  fail = true;
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(row, "key:a"))) == Code::kUnavailable);
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(row, "key:a"))) == Code::kUnavailable);
  BOOST_TEST(recoveries == 0);
  must(reader.execute("COMMIT"));
  const auto again = must(archive.writer->call(ingest_recording(row, "key:a")));
  BOOST_CHECK(again.verdict == IngestVerdict::kSame);
  BOOST_TEST(recoveries == 1);
}

BOOST_AUTO_TEST_CASE(a_decided_batch_is_replayed_after_a_restart) {
  Archive archive;
  bool fail = false;
  archive.before_commit = [&fail]() -> Status {
    return fail ? Status(Error{Code::kIo, "the disk is gone"}) : Status();
  };
  archive.furnish();
  const IngestRow row = archive.ingest_row("CA1");
  archive.source.keep(row);
  fail = true;
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(row, "key:a"))) == Code::kUnavailable);
  archive.stop();
  fail = false;
  archive.start();
  BOOST_TEST(must(find_recording(*archive.index, row.recording)).has_value());
}

// "Fault at point n": whatever fails in the ledger, what is answered as done is there after a
// restart, and what is refused is not.
BOOST_AUTO_TEST_CASE(P1_faults_of_the_ledger_lose_no_acknowledged_ingest) {
  bool fired = true;
  for (int n = 0; fired; ++n) {
    Archive archive;
    archive.furnish();
    archive.ingest("CA0");
    IngestRow row = archive.ingest_row("CA1");
    archive.source.keep(row);
    FaultAt fault(n);
    fault.tear_writes();
    archive.faults.aim(&fault);
    const auto answer = archive.writer->call(ingest_recording(row, "key:a"));
    const auto later_row = archive.ingest_row("CA2");
    archive.source.keep(later_row);
    const auto later = archive.writer->call(ingest_recording(later_row, "key:a"));
    archive.stop();
    archive.faults.aim(nullptr);
    archive.start();
    fired = fault.fired();
    BOOST_TEST_CONTEXT("fault " << n << " at " << fault.fired_at()) {
      BOOST_TEST(must(find_recording(*archive.index, archive.workspace_no, "CA0")).has_value());
      if (answer.ok() || answer.error().code != Code::kUnavailable)
        BOOST_TEST(must(find_recording(*archive.index, row.recording)).has_value() == answer.ok());
      if (later.ok())
        BOOST_TEST(must(find_recording(*archive.index, later_row.recording)).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_at_once) {
  Archive archive;
  archive.furnish();
  archive.stop();
  WriterOptions options = archive.options();
  options.queue = 2;
  auto writer = must(Writer::start(options, archive.clock, archive.writer_random, archive.source));
  Gate gate;
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
  const auto count = [&](Status status) {
    ++done;
    if (!status.ok() && status.error().code == Code::kExhausted) ++refused;
  };
  writer->submit<void>(gate.command(), count);
  gate.wait_until_entered();
  for (int i = 0; i < 5; ++i) writer->submit<void>(medium_checked(archive.standard), count);
  BOOST_TEST(refused == 3);
  BOOST_TEST(done == 3);
  gate.open();
  writer->stop();
  BOOST_TEST(done == 6);
  writer->submit<void>(medium_checked(archive.standard), [&](Status status) {
    BOOST_CHECK(code_of(status) == Code::kUnavailable);
    ++done;
  });
  BOOST_TEST(done == 7);
}

BOOST_AUTO_TEST_CASE(access_lines_are_grouped_and_need_no_row) {
  Archive archive;
  archive.furnish();
  LineDraft line;
  line.kind = "file.opened";
  line.who = "key:a";
  line.details["file"] = "inbound.ulaw";
  must(archive.writer->call_access(line));
  Gate gate;
  archive.writer->submit<void>(gate.command(), [](Status) {});
  gate.wait_until_entered();
  const WriterCounters before = archive.writer->counters();
  std::atomic<int> ok{0};
  for (int i = 0; i < 20; ++i)
    archive.writer->submit_access(line, [&](Status status) { ok += status.ok() ? 1 : 0; });
  LineDraft bad = line;
  bad.kind = "Not A Kind";
  std::atomic<bool> bad_refused{false};
  archive.writer->submit_access(bad, [&](Status status) { bad_refused = !status.ok(); });
  gate.open();
  const LedgerView view = must(archive.writer->view_ledger());
  archive.writer->stop();
  const WriterCounters after = archive.writer->counters();
  BOOST_TEST(ok == 20);
  BOOST_TEST(bad_refused);
  BOOST_TEST(view.access_end.last_n == 21);
  BOOST_TEST(after.access_lines - before.access_lines == 20U);
  BOOST_TEST(after.syncs - before.syncs == 2U);  // the gate's commit and one append
}

// The index has no room: the ingest is refused, in one batch with lines that need no index.
BOOST_AUTO_TEST_CASE(a_full_index_refuses_ingest_and_takes_access_lines) {
  Archive archive;
  archive.furnish();
  IngestRow large = archive.ingest_row("CA1");
  large.metadata =
      archive.random.bytes(size_t{limits::kMetadataBytesMax});  // nothing makes it less
  const IngestRow small = archive.ingest_row("CA2");
  must(archive.run_sql("PRAGMA max_page_count = 1"));  // SQLite makes it the present size
  LineDraft line;
  line.kind = "file.opened";
  line.who = "key:a";
  Gate gate;
  archive.writer->submit<void>(gate.command(), [](Status) {});
  gate.wait_until_entered();
  std::atomic<bool> access_ok{false};
  std::optional<Code> refused;
  archive.writer->submit<IngestOutcome>(
      ingest_recording(large, "key:a"),
      [&](Result<IngestOutcome> answer) { refused = code_of(answer); });
  archive.writer->submit_access(line, [&](Status status) { access_ok = status.ok(); });
  gate.open();
  must(archive.writer->view_ledger());  // after the batch
  BOOST_CHECK(refused == Code::kNoSpace);
  BOOST_TEST(access_ok);
  must(archive.run_sql("PRAGMA max_page_count = 1000000"));
  must(archive.writer->call(ingest_recording(small, "key:a")));
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 1);
}

BOOST_AUTO_TEST_CASE(recording_numbers_are_never_given_twice) {
  Archive archive;
  archive.furnish();
  std::mutex mutex;
  std::vector<int64_t> numbers;
  const auto take = [&](int many) {
    for (int i = 0; i < many; ++i) {
      const RecordingNo number = archive.writer->next_recording_no().value();
      std::lock_guard lock(mutex);
      numbers.push_back(number.value);
    }
  };
  std::thread first(take, 1500);
  std::thread second(take, 1500);
  first.join();
  second.join();
  archive.restart();
  take(10);
  std::sort(numbers.begin(), numbers.end());
  BOOST_CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
  BOOST_TEST(numbers.front() >= 1);
}

BOOST_AUTO_TEST_CASE(one_writer_at_a_time) {
  Archive archive;
  archive.furnish();
  WriterOptions options = archive.options();
  options.ledger.directory = archive.directory / "other-ledger";
  options.ledger.mirror_directory = archive.directory / "other-mirror";
  std::filesystem::create_directories(options.ledger.mirror_directory);
  const auto second = Writer::start(options, archive.clock, archive.writer_random, archive.source);
  BOOST_CHECK(code_of(second) == Code::kUnavailable);
}

BOOST_AUTO_TEST_CASE(an_index_ahead_of_its_ledger_is_refused) {
  Archive archive;
  archive.furnish();
  archive.stop();
  std::filesystem::remove_all(archive.directory / "ledger");
  std::filesystem::remove_all(archive.directory / "mirror");
  BOOST_CHECK(code_of(archive.try_start()) == Code::kCorrupt);
}

BOOST_AUTO_TEST_CASE(an_index_of_another_archive_is_refused) {
  Archive archive;
  WriterOptions options = archive.options();
  std::filesystem::create_directories(options.ledger.mirror_directory);
  options.archive = archive.random.id<ArchiveId>();
  must(Writer::start(options, archive.clock, archive.writer_random, archive.source));
  must(Writer::start(options, archive.clock, archive.writer_random, archive.source));
  options.archive = archive.random.id<ArchiveId>();
  BOOST_CHECK(code_of(Writer::start(options, archive.clock, archive.writer_random,
                                    archive.source)) == Code::kInvalid);
}

// With the mirror down a batch that mixes protecting and weakening decisions keeps the former.
BOOST_AUTO_TEST_CASE(what_weakens_waits_for_the_mirror) {
  Archive archive;
  archive.furnish();
  const IngestRow held = archive.ingest("CA1");
  PlaceHold hold;
  hold.recording = held.recording;
  hold.workspace_no = archive.workspace_no;
  hold.matter = "Case 7";
  hold.who = "uid:0";
  const HoldRow placed = must(archive.writer->call(place_hold(hold)));
  archive.stop();
  std::filesystem::remove_all(archive.directory / "mirror");
  { std::ofstream in_the_way(archive.directory / "mirror"); }
  auto started =
      Writer::start(archive.options(), archive.clock, archive.writer_random, archive.source);
  archive.writer = must(std::move(started));
  archive.index.emplace(must(Database::open_read_only(archive.directory / "index.db")));
  Gate gate;
  archive.writer->submit<void>(gate.command(), [](Status) {});
  gate.wait_until_entered();
  hold.matter = "Case 8";
  std::atomic<bool> second_placed{false};
  std::atomic<bool> release_refused{false};
  archive.writer->submit<HoldRow>(release_hold(placed.hold, "", "uid:0"),
                                  [&](Result<HoldRow> answer) { release_refused = !answer.ok(); });
  archive.writer->submit<HoldRow>(place_hold(hold),
                                  [&](Result<HoldRow> answer) { second_placed = answer.ok(); });
  gate.open();
  archive.writer->stop();
  BOOST_TEST(second_placed);
  BOOST_TEST(release_refused);
  BOOST_TEST(archive.row_of(held.recording_no).holds == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
