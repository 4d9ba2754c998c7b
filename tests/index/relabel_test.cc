// Relabels: decisions that override what media say, their rows, words and refusals.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "index/commands/relabel.h"
#include "index/read/attributes.h"
#include "index/read/relabels.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

struct Office : Archive {
  Office() {
    furnish();
    other = random.id<WorkspaceId>();
    other_no = must(writer->call(add_workspace(other, "sales", "uid:0"))).workspace_no;
  }

  IngestRow ingest_with(const std::string& call_sid, const json::object& attributes) {
    IngestRow row = ingest_row(call_sid);
    json::object metadata = attributes;
    metadata["call_sid"] = call_sid;
    row.metadata = canonical(metadata);
    row.search = search_text(attributes);
    source.keep(row);
    must(writer->call(ingest_recording(row, "key:test")));
    must(writer->call(mark_placed(row.recording_no, 1)));
    return row;
  }
  Relabel wish(const IngestRow& row) const {
    Relabel request;
    request.recording = row.recording_no;
    request.reason = "the recorder was set up wrong";
    request.who = "key:test";
    return request;
  }
  Relabel move(const IngestRow& row, const WorkspaceId& to) const {
    Relabel request = wish(row);
    request.workspace = to;
    return request;
  }
  Result<Relabelled> ask(Relabel request) { return writer->call(relabel(std::move(request))); }
  std::vector<RecordingNo> find(WorkspaceNo workspace, const std::string& words) {
    ListFilter filter;
    filter.workspace_no = workspace;
    filter.search.words = words;
    filter.limit = 10;
    return walk(*index, filter);
  }
  std::string attributes(const IngestRow& row) {
    return canonical(must(effective_attributes(*index, row.recording_no)));
  }
  // All decision lines, as they stand in the ledger.
  std::string ledger_text() {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(directory / "ledger/decisions")) {
      std::ifstream file(entry.path(), std::ios::binary);
      text.append(std::istreambuf_iterator<char>(file), {});
    }
    return text;
  }
  void lose_index() {
    stop();
    for (const char* name : {"index.db", "index.db-wal", "index.db-shm"})
      std::filesystem::remove(directory / name);
    start();
  }

  WorkspaceId other;
  WorkspaceNo other_no;
};

bool says(const Error& error, const std::string& word) {
  return error.message.find(word) != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(relabelling)

// RFC 7396, appendix A, as far as its values are objects.
BOOST_AUTO_TEST_CASE(a_merge_patch_is_that_of_rfc_7396) {
  const char* const examples[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})"},
      {R"({"a":"foo"})", R"({"a":{"b":1}})", R"({"a":{"b":1}})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [target, patch, result] : examples) {
    json::object object = parse_json(target)->as_object();
    merge_patch(object, parse_json(patch)->as_object());
    BOOST_TEST(canonical(object) == result);
  }
}

BOOST_AUTO_TEST_CASE(the_agent_and_the_attributes_are_overridden) {
  Office office;
  const IngestRow row = office.ingest_with(
      "CA1", {{"from", "+49 30 1234"}, {"campaign", "spring"}, {"tags", json::array{"vip"}}});
  const auto agent = office.random.id<WorkspaceId>();
  Relabel request = office.wish(row);
  request.sets_service = true;
  request.service = agent;
  request.attributes =
      json::object{{"from", "+49 89 777"}, {"campaign", nullptr}, {"tags", json::array{"billing"}}};
  BOOST_TEST(must(office.ask(request)).changed);
  BOOST_TEST((office.row_of(row.recording_no).service == agent));
  BOOST_TEST(office.attributes(row) == R"({"from":"+49 89 777","tags":["billing"]})");
  const auto all = std::vector<RecordingNo>{row.recording_no};
  BOOST_TEST((office.find(office.workspace_no, "billing") == all));
  BOOST_TEST((office.find(office.workspace_no, "4989777") == all));
  BOOST_TEST((office.find(office.workspace_no, "CA1") == all));
  for (const char* old : {"vip", "spring", "49301234"})
    BOOST_TEST(office.find(office.workspace_no, old).empty(), old);
  // What it came with stays as it was.
  BOOST_TEST(must(find_metadata(*office.index, row.recording_no)).value() == *row.metadata);

  // Again the same: nothing is decided.
  const int64_t lines = office.count("SELECT count(*) FROM relabel");
  BOOST_TEST(!must(office.ask(request)).changed);
  BOOST_TEST(office.count("SELECT count(*) FROM relabel") == lines);

  Relabel nobody = office.wish(row);
  nobody.sets_service = true;
  BOOST_TEST(must(office.ask(nobody)).changed);
  BOOST_TEST(!office.row_of(row.recording_no).service.has_value());
  const auto history = must(relabels_of(*office.index, row.recording_no));
  BOOST_TEST_REQUIRE(history.size() == 2U);
  BOOST_TEST((history[0].service == agent));
  BOOST_TEST(history[0].sets_labels);
  BOOST_TEST(history[0].reason == "the recorder was set up wrong");
  BOOST_TEST(history[1].sets_service);
  BOOST_TEST(!history[1].service.has_value());
  BOOST_TEST(!history[1].sets_labels);
}

BOOST_AUTO_TEST_CASE(a_line_holds_no_word_of_a_person) {
  Office office;
  const IngestRow row = office.ingest_with("CA-secret-1", {{"from", "+49 30 1234"}});
  Relabel request = office.move(row, office.other);
  request.reason = "Mrs Doe wrote a letter";
  request.attributes = json::object{{"from", "+49 89 777"}, {"caller_name", "Doe"}};
  must(office.ask(request));
  const std::string text = office.ledger_text();
  BOOST_TEST(text.find("recording.relabelled") != std::string::npos);
  for (const char* word : {"Doe", "letter", "89 777", "30 1234", "CA-secret", "caller_name"})
    BOOST_TEST(text.find(word) == std::string::npos, word);
}

BOOST_AUTO_TEST_CASE(a_recording_moves_to_another_workspace) {
  Office office;
  const IngestRow row = office.ingest_with("CA1", {{"campaign", "spring"}});
  PlaceHold hold;
  hold.recording = row.recording;
  hold.workspace_no = office.workspace_no;
  hold.matter = "Doe v. Acme";
  hold.who = "uid:0";
  must(office.writer->call(place_hold(hold)));
  const Relabelled moved = must(office.ask(office.move(row, office.other)));
  BOOST_TEST((moved.before.workspace == office.workspace));
  BOOST_TEST((moved.after.workspace == office.other));
  BOOST_TEST((moved.after.home == office.workspace));
  BOOST_TEST(moved.after.holds == 1);
  BOOST_TEST(!must(find_recording_row(*office.index, office.workspace_no, "CA1")).has_value());
  BOOST_TEST(must(find_recording_row(*office.index, office.other_no, "CA1")).has_value());
  BOOST_TEST(office.find(office.workspace_no, "spring").empty());
  BOOST_TEST(office.find(office.other_no, "spring").size() == 1U);
  const auto recordings = [&](WorkspaceNo workspace) {
    return office.count(
        "SELECT sum(recordings) + sum(held) * 100 FROM tally WHERE workspace_no = " +
        std::to_string(workspace.value));
  };
  BOOST_TEST(recordings(office.workspace_no) == 0);
  BOOST_TEST(recordings(office.other_no) == 101);
  BOOST_TEST(recordings(WorkspaceNo(0)) == 101);

  // A recorder's retry under the old address makes no second recording, nor do new files.
  for (const bool same : {true, false}) {
    IngestRow retry = office.ingest_row("CA1");
    if (same) retry.files = row.files;
    const auto refused = office.writer->call(ingest_recording(retry, "key:a"));
    BOOST_TEST((code_of(refused) == Code::kConflict));
    BOOST_TEST(says(refused.error(), "relabelled:"));
  }
  // In the new one it is the same call, and later parts join it.
  IngestRow again = office.ingest_row("CA1");
  again.workspace = office.other;
  again.files = row.files;
  BOOST_TEST((must(office.writer->call(ingest_recording(again, "key:a"))).verdict ==
              IngestVerdict::kSame));

  // And back: its own former address takes it.
  const Relabelled back = must(office.ask(office.move(row, office.workspace)));
  BOOST_TEST((back.after.workspace == office.workspace));
  BOOST_TEST((back.after.home == office.workspace));
  again.workspace = office.workspace;
  BOOST_TEST((must(office.writer->call(ingest_recording(again, "key:a"))).verdict ==
              IngestVerdict::kSame));
  again.workspace = office.other;
  BOOST_TEST(says(office.writer->call(ingest_recording(again, "key:a")).error(), "relabelled:"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_relabelled_is_refused) {
  Office office;
  const IngestRow row = office.ingest_with("CA1", {});
  const auto refused = [&](Relabel request, Code code, const std::string& word) {
    const auto answer = office.ask(std::move(request));
    BOOST_TEST((code_of(answer) == code));
    BOOST_TEST(says(answer.error(), word), answer.error().message);
  };
  Relabel request = office.wish(row);
  request.attributes = json::object{{"duration_seconds", 5}};
  refused(request, Code::kInvalid, "duration_seconds");
  request = office.wish(row);
  request.sets_service = true;
  request.reason = "";
  refused(request, Code::kInvalid, "reason");
  refused(office.move(row, office.random.id<WorkspaceId>()), Code::kInvalid, "no workspace");
  Relabel unknown = office.wish(row);
  unknown.recording = RecordingNo(777'777);
  unknown.sets_service = true;
  refused(unknown, Code::kNotFound, "777777");

  // The other workspace has the call, had it, or had another of that name.
  IngestRow there = office.ingest_row("CA1");
  there.workspace = office.other;
  must(office.writer->call(ingest_recording(there, "key:a")));
  must(office.writer->call(mark_placed(there.recording_no, 1)));
  refused(office.move(row, office.other), Code::kConflict, there.recording.text());
  const auto third = office.random.id<WorkspaceId>();
  must(office.writer->call(add_workspace(third, "third", "uid:0")));
  must(office.ask(office.move(there, third)));
  refused(office.move(row, office.other), Code::kConflict, "relabelled:");
  const auto destroy = [&](const IngestRow& victim) {
    must(office.writer->call(condemn(victim.recording_no, "uid:0")));
    must(office.writer->call(begin_destroying(victim.recording_no, "uid:0")));
    for (const ReleasePermit& permit :
         must(office.writer->call(permit_destruction(victim.recording_no))))
      must(office.writer->call(copy_gone(victim.recording_no, permit.part(), permit.medium())));
    must(office.writer->call(finish_destroyed(victim.recording_no, "uid:0")));
  };
  destroy(there);
  refused(office.move(row, third), Code::kConflict, "erased:");
  refused(office.move(row, office.other), Code::kConflict, "relabelled:");
  // Its retries are told what a destroyed call's are, wherever it was.
  IngestRow retry = there;
  retry.recording = office.random.id<RecordingId>();
  retry.recording_no = must(office.writer->next_recording_no());
  for (const WorkspaceId& workspace : {office.other, third}) {
    retry.workspace = workspace;
    BOOST_TEST(says(office.writer->call(ingest_recording(retry, "key:a")).error(), "erased:"));
  }

  // On its way out it keeps its labels.
  Relabel late = office.wish(row);
  late.sets_service = true;
  late.service = office.random.id<WorkspaceId>();
  must(office.writer->call(condemn(row.recording_no, "uid:0")));
  refused(late, Code::kConflict, "condemned");
  must(office.writer->call(begin_destroying(row.recording_no, "uid:0")));
  refused(late, Code::kConflict, "already-destroyed:");
}

// Lines durable, commit refused: the rows come from the ledger.
BOOST_AUTO_TEST_CASE(P7_a_relabel_that_was_decided_is_replayed) {
  Office office;
  office.stop();
  std::atomic<bool> fail{false};
  office.before_commit = [&fail]() -> Status {
    if (fail) return Error{Code::kIo, "the disk is gone"};
    return Status();
  };
  office.start();
  const IngestRow row = office.ingest_with("CA1", {{"campaign", "spring"}});
  Relabel request = office.move(row, office.other);
  request.attributes = json::object{{"campaign", "autumn"}};
  fail = true;
  BOOST_TEST((code_of(office.ask(request)) == Code::kUnavailable));
  office.stop();
  fail = false;
  office.start();
  BOOST_TEST((office.row_of(row.recording_no).workspace == office.other));
  BOOST_TEST(office.attributes(row) == R"({"campaign":"autumn"})");
  BOOST_TEST(office.find(office.other_no, "autumn").size() == 1U);
  BOOST_TEST(office.find(office.other_no, "spring").empty());
}

BOOST_AUTO_TEST_CASE(P6_a_lost_index_knows_where_a_recording_went) {
  Office office;
  const IngestRow row = office.ingest_with("CA1", {{"campaign", "spring"}});
  Relabel request = office.move(row, office.other);
  request.attributes = json::object{{"campaign", "autumn"}};
  must(office.ask(request));
  IngestRow later = row;
  later.part = 2;
  later.metadata.reset();
  later.files = {office.file("transcript.json", 50)};
  office.source.keep(later);
  must(office.writer->call(add_part(later, "key:test")));
  office.lose_index();
  const RecordingRow found = office.row_of(row.recording_no);
  BOOST_TEST((found.workspace == office.other));
  BOOST_TEST((found.home == office.workspace));
  BOOST_TEST(found.parts == 2);
  BOOST_TEST(office.find(office.other_no, "autumn").size() == 1U);
  BOOST_TEST(office.find(office.workspace_no, "spring").empty());
  IngestRow retry = office.ingest_row("CA1");
  BOOST_TEST(says(office.writer->call(ingest_recording(retry, "key:a")).error(), "relabelled:"));
  // Without media it is a locked row of its new workspace.
  office.source.go_blind();
  office.lose_index();
  BOOST_TEST((office.row_of(row.recording_no).state == RecordingState::kUnlocated));
  BOOST_TEST((office.row_of(row.recording_no).workspace == office.other));
  BOOST_TEST((code_of(office.ask(office.move(row, office.workspace))) == Code::kConflict));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
