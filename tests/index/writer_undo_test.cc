// What a failing command leaves of itself and of its batch: nothing of the one, all of the other.
#include <algorithm>
#include <atomic>
#include <filesystem>

#include "index/writer.h"
#include "tests/index/writer_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(writer_undo)

BOOST_AUTO_TEST_CASE(a_failing_command_fails_alone) {
  Archive archive;
  archive.furnish();
  const IngestRow good = archive.ingest_row("CA1");
  const IngestRow clash = archive.ingest_row("CA1");
  const IngestRow other = archive.ingest_row("CA2");
  Gate gate;
  archive.writer->submit<void>(gate.command(), [](Status) {});
  gate.wait_until_entered();
  std::vector<std::string> answers(3);
  const auto note = [&answers](size_t at) {
    return [&answers, at](Result<IngestOutcome> outcome) {
      answers[at] = outcome.ok() ? "ok" : std::string(traits(outcome.error().code).word);
    };
  };
  archive.writer->submit<IngestOutcome>(ingest_recording(good, "key:a"), note(0));
  archive.writer->submit<IngestOutcome>(ingest_recording(clash, "key:a"), note(1));
  archive.writer->submit<IngestOutcome>(ingest_recording(other, "key:a"), note(2));
  gate.open();
  archive.writer->stop();
  BOOST_TEST(answers[0] == "ok");
  BOOST_TEST(answers[1] == "conflict");
  BOOST_TEST(answers[2] == "ok");
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 2);
}

// Commands that fail after they have changed rows are undone, with their notes, and no other is.
BOOST_AUTO_TEST_CASE(a_command_that_fails_late_is_undone_alone) {
  Archive archive;
  archive.furnish();
  const auto notes = [&archive] {
    return std::distance(std::filesystem::directory_iterator(archive.directory / "ledger/notes"),
                         std::filesystem::directory_iterator());
  };
  const auto notes_before = notes();
  const auto add = [](const std::string& name, bool fails) {
    return Command<std::string>{"add", [=](WriteTxn& txn) -> Result<std::string> {
                                  LineDraft line;
                                  line.kind = decision::kWorkspaceAdded;
                                  line.who = "uid:0";
                                  line.on = txn.random().id<WorkspaceId>().text();
                                  HOLDFAST_ASSIGN(note, txn.write_note(name));
                                  line.details = {{"no", std::stoi(name)}, {"name", note}};
                                  HOLDFAST_TRY(txn.decide(std::move(line)));
                                  if (fails) return Error{Code::kConflict, "after all"};
                                  return note;
                                }};
  };
  Gate gate;
  archive.writer->submit<void>(gate.command(), [](Status) {});
  gate.wait_until_entered();
  std::vector<Result<std::string>> answers;
  const auto keep = [&answers](Result<std::string> answer) {
    answers.push_back(std::move(answer));
  };
  for (const auto& [name, fails] :
       {std::pair("501", false), std::pair("502", true), std::pair("503", false)})
    archive.writer->submit<std::string>(add(name, fails), keep);
  gate.open();
  must(archive.writer->call(mark_placed(RecordingNo(1), 1)));
  BOOST_TEST_REQUIRE(answers.size() == 3U);
  BOOST_TEST((answers[0].ok() && !answers[1].ok() && answers[2].ok()));
  BOOST_TEST((answers[1].error().code == Code::kConflict));
  BOOST_TEST(archive.count("SELECT count(*) FROM workspace WHERE workspace_no IN (501, 503)") == 2);
  BOOST_TEST(archive.count("SELECT count(*) FROM workspace WHERE workspace_no = 502") == 0);
  BOOST_TEST(notes() - notes_before == 2);
  for (const Result<std::string>& answer : answers)
    if (answer.ok())
      BOOST_TEST(std::filesystem::exists(archive.directory / ("ledger/notes/" + *answer)));
  const std::vector<std::string> kinds = decision_kinds(archive);
  BOOST_TEST(std::count(kinds.end() - 2, kinds.end(), decision::kWorkspaceAdded) == 2);
}

// SQLite rolls all of it back when it has no memory or no room. What follows must not be in force
// alone, without its lines, and whoever has been told "done" must be right.
BOOST_AUTO_TEST_CASE(p1_nothing_of_a_batch_that_was_rolled_back_amid_it_is_in_force) {
  Archive archive;
  archive.furnish();
  must(archive.writer->call(Command<void>{"make room for a conflict", [](WriteTxn& txn) {
                                            return txn.index().execute(
                                                "INSERT INTO setting VALUES ('there', '1')");
                                          }}));
  const std::vector<std::string> before = decision_kinds(archive);
  const IngestRow row = archive.ingest_row("CA1");
  const Command<void> swallows{
      "swallow a failure", [](WriteTxn& txn) -> Status {
        static_cast<void>(
            txn.index().execute("INSERT OR ROLLBACK INTO setting VALUES ('there', '2')").ok());
        static_cast<void>(txn.index().execute("INSERT INTO setting VALUES ('alone', '1')").ok());
        return {};
      }};
  Gate gate;
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
  const auto count = [&](const Status& outcome) { ++(outcome.ok() ? done : refused); };
  archive.writer->submit<void>(gate.command(), [](Status) {});
  gate.wait_until_entered();
  archive.writer->submit<IngestOutcome>(ingest_recording(row, "key:test"),
                                        [&](const Result<IngestOutcome>& outcome) {
                                          count(outcome.ok() ? Status() : outcome.error());
                                        });
  archive.writer->submit<void>(swallows, count);
  gate.open();
  // In the same batch, or after it.
  static_cast<void>(
      archive.writer->call(Command<void>{"wait", [](WriteTxn&) { return Status(); }}).ok());
  BOOST_TEST(done == 0);
  BOOST_TEST(refused == 2);
  BOOST_TEST(archive.count("SELECT count(*) FROM setting WHERE name = 'alone'") == 0);
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 0);
  BOOST_TEST(decision_kinds(archive) == before);
  must(archive.writer->call(ingest_recording(row, "key:test")));
  BOOST_TEST(archive.count("SELECT count(*) FROM recording") == 1);
}

// What a failing command has written before it fails is not there, nor is its line.
BOOST_AUTO_TEST_CASE(a_failing_command_leaves_nothing) {
  Archive archive;
  archive.furnish();
  const size_t lines = decision_kinds(archive).size();
  const WorkspaceId other = archive.random.id<WorkspaceId>();
  Command<void> half{"half", [other](WriteTxn& txn) -> Status {
                       LineDraft line;
                       line.kind = decision::kWorkspaceAdded;
                       line.who = "uid:0";
                       line.on = other.text();
                       line.details["no"] = 77;
                       HOLDFAST_TRY(txn.decide(std::move(line)));
                       return Error{Code::kConflict, "changed its mind"};
                     }};
  BOOST_CHECK(code_of(archive.writer->call(std::move(half))) == Code::kConflict);
  BOOST_TEST(decision_kinds(archive).size() == lines);
  BOOST_TEST(!must(find_workspace(*archive.index, other)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
