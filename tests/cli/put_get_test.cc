// put, get and restore: recordings in and out.
#include <filesystem>

#include "base/json.h"
#include "io/digest.h"
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string name;
  std::string bytes;
  int part = 1;
};

json::array told(const std::vector<File>& files) {
  json::array array;
  for (const File& file : files)
    array.push_back(json::object{{"name", file.name},
                                 {"part", file.part},
                                 {"size", file.bytes.size()},
                                 {"sha256", sha256(file.bytes).hex()},
                                 {"channel", nullptr}});
  return array;
}

std::string stored(const std::string& status, const std::vector<File>& files) {
  return canonical(json::object{{"call_sid", "CA1"},
                                {"recording_id", "rrr"},
                                {"recording_no", 1},
                                {"part", 1},
                                {"status", status},
                                {"files", told(files)},
                                {"flags", json::array()}});
}

std::string recording(const std::vector<File>& files) {
  return canonical(json::object{{"call_sid", "CA1"}, {"files", told(files)}});
}

const std::vector<File>& sample() {
  static const std::vector<File> kFiles = {{"inbound.ulaw", std::string(300'000, '\x7f')},
                                           {"metadata.json", R"({"call_sid":"CA1"})"}};
  return kFiles;
}

// A directory with those files.
void write_files(const CliRig& rig, const std::string& directory, const std::vector<File>& files) {
  fs::create_directories(rig.directory / directory);
  for (const File& file : files) rig.write(directory + "/" + file.name, file.bytes);
}

// A rig whose daemon serves `files` of CA1.
void serve(CliRig& rig, const std::vector<File>& files) {
  rig.daemon.on("GET " + in_workspace("recordings/CA1"), recording(files));
  for (const File& file : files)
    rig.daemon.on("GET " + in_workspace("recordings/CA1/download/" + file.name),
                  {fake_file(file.bytes)});
}

FakeAnswer archived_answer() {
  FakeAnswer answer =
      fake_answer(202, R"({"call_sid":"CA1","status":"restoring","tier":"cold","restore_id":"xyz",)"
                       R"("estimated_seconds":720,"estimated_seconds_p95":3600,"position":2})");
  answer.headers = {{"Retry-After", "720"}};
  return answer;
}

std::string restore_state(const std::string& state) {
  return R"({"restore_id":"xyz","call_sid":"CA1","state":")" + state +
         R"(","tier":"cold","estimated_seconds":60,"expires_at":"2026-11-22T03:36:00Z",)"
         R"("error":)" +
         (state == "failed" ? R"("the vault is offline")" : "null") + "}";
}

const std::string kInbound = in_workspace("recordings/CA1/download/inbound.ulaw");
const std::string kRestore = in_workspace("recordings/CA1/restore");

}  // namespace

BOOST_AUTO_TEST_SUITE(put)

BOOST_AUTO_TEST_CASE(a_directory_becomes_a_recording) {
  CliRig rig;
  write_files(rig, "call", sample());
  rig.daemon.on("POST " + kRecordings, {fake_answer(201, stored("stored", sample())),
                                        fake_answer(200, stored("unchanged", sample()))});
  ProgramRun run = rig.run({"put", "call"});
  check_done(run);
  BOOST_TEST(run.out == "CA1: stored as recording rrr part 1, 2 files, 293 KiB\n");
  const std::string body = rig.daemon.only("POST", kRecordings).body;
  const size_t metadata = body.find("filename=\"metadata.json\"");
  const size_t inbound = body.find("filename=\"inbound.ulaw\"");
  BOOST_REQUIRE(metadata != std::string::npos);
  BOOST_REQUIRE(inbound != std::string::npos);
  BOOST_TEST(metadata < inbound);
  BOOST_TEST(body.find(sample()[0].bytes) != std::string::npos);
  BOOST_TEST(body.find("call_sid\"\r\n\r\n") == std::string::npos);
  run = rig.run({"put", "call", "--json", "--call", "CA1"});
  check_done(run);
  BOOST_TEST(run.out == stored("unchanged", sample()) + "\n");
  BOOST_TEST(rig.daemon.asked().back().body.find("name=\"call_sid\"\r\n\r\nCA1") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_no_recording_is_not_sent) {
  CliRig rig;
  write_files(rig, "no-metadata", {{"inbound.ulaw", "x"}});
  check_failed(rig.run({"put", "no-metadata"}), Code::kNotFound,
               "put no-metadata: metadata.json is missing");
  write_files(rig, "reserved", {{"metadata.json", "{}"}, {"recording.json", "{}"}});
  check_failed(rig.run({"put", "reserved"}), Code::kInvalid, "recording.json");
  write_files(rig, "hidden", {{"metadata.json", "{}"}, {".inbound.ulaw", "x"}});
  check_failed(rig.run({"put", "hidden"}), Code::kInvalid, ".inbound.ulaw");
  write_files(rig, "nested", {{"metadata.json", "{}"}});
  fs::create_directory(rig.directory / "nested/audio");
  check_failed(rig.run({"put", "nested"}), Code::kInvalid, "\"audio\" is not a regular file");
  write_files(rig, "linked", {{"metadata.json", "{}"}});
  fs::create_symlink("/etc/passwd", rig.directory / "linked/inbound.ulaw");
  check_failed(rig.run({"put", "linked"}), Code::kInvalid, "\"inbound.ulaw\" is not a regular");
  check_failed(rig.run({"put", "absent"}), Code::kNotFound, "absent");
  check_failed(rig.run({"put", "a", "b", "--call", "CA1"}), Code::kInvalid, "--call");
  BOOST_TEST(rig.daemon.asked().empty());
}

BOOST_AUTO_TEST_CASE(a_later_part_needs_no_metadata_when_the_call_is_named) {
  CliRig rig;
  const std::vector<File> files = {{"transcript.json", "{}"}};
  write_files(rig, "more", files);
  rig.daemon.on("POST " + kRecordings, {fake_answer(201, stored("stored", files))});
  check_done(rig.run({"put", "more", "--call", "CA1"}));
  const std::string body = rig.daemon.only("POST", kRecordings).body;
  BOOST_TEST(body.find("name=\"call_sid\"\r\n\r\nCA1") < body.find("transcript.json"));
  write_files(rig, "empty", {});
  check_failed(rig.run({"put", "empty", "--call", "CA1"}), Code::kNotFound, "there is no file");
}

BOOST_AUTO_TEST_CASE(one_failing_directory_does_not_keep_back_the_others) {
  CliRig rig;
  write_files(rig, "one", {{"inbound.ulaw", "x"}});
  write_files(rig, "two", sample());
  rig.daemon.on("POST " + kRecordings, {fake_answer(201, stored("stored", sample()))});
  const ProgramRun run = rig.run({"put", "one", "two"});
  check_failed(run, Code::kNotFound, "put one: metadata.json is missing");
  BOOST_TEST(line_of(run.out, "CA1: stored").starts_with("CA1: stored"));
}

BOOST_AUTO_TEST_CASE(refusals_of_the_archive_have_their_codes) {
  CliRig rig;
  write_files(rig, "call", sample());
  rig.daemon.on("POST " + kRecordings,
                {fake_problem(409, "conflict", "inbound.ulaw is known with other bytes"),
                 fake_problem(409, "erased", "the recording was erased"),
                 fake_problem(507, "no-space", "the standard tier is full"),
                 fake_problem(413, "too-large", "the part is over 64 GiB")});
  check_failed(rig.run({"put", "call"}), Code::kConflict,
               "put call: inbound.ulaw is known with other bytes");
  check_failed(rig.run({"put", "call"}), Code::kConflict, "erased");
  check_failed(rig.run({"put", "call"}), Code::kNoSpace, "full");
  check_failed(rig.run({"put", "call"}), Code::kTooLarge, "64 GiB");
}

BOOST_AUTO_TEST_CASE(stored_means_the_bytes_that_are_here) {
  CliRig rig;
  write_files(rig, "call", sample());
  std::vector<File> other = sample();
  other[0].bytes[7] = 'x';
  rig.daemon.on("POST " + kRecordings, {fake_answer(201, stored("stored", other))});
  check_failed(rig.run({"put", "call"}), Code::kCorrupt, "inbound.ulaw has SHA-256");
  rig.daemon.on("POST " + kRecordings, {fake_answer(201, stored("stored", {sample()[1]}))});
  check_failed(rig.run({"put", "call"}), Code::kCorrupt, "does not name inbound.ulaw");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(get)

BOOST_AUTO_TEST_CASE(all_files_arrive_whole) {
  CliRig rig;
  std::vector<File> files = sample();
  files.push_back({"transcript.json", "{}", 2});
  serve(rig, files);
  ProgramRun run = rig.run({"get", "CA1"});
  check_done(run);
  BOOST_TEST(run.out == "CA1: 3 files, 293 KiB, in CA1\n");
  BOOST_TEST((rig.read("CA1/inbound.ulaw") == files[0].bytes));
  BOOST_TEST(rig.read("CA1/metadata.json") == files[1].bytes);
  BOOST_TEST(rig.read("CA1/+2/transcript.json") == "{}");
  const size_t asked = rig.daemon.asked().size();
  run = rig.run({"get", "CA1", "--json"});  // once more: only the listing is asked
  check_done(run);
  BOOST_TEST(run.out == recording(files) + "\n");
  BOOST_TEST(rig.daemon.asked().size() == asked + 1);
}

BOOST_AUTO_TEST_CASE(chosen_files_go_where_they_should) {
  CliRig rig;
  std::vector<File> files = sample();
  files.push_back({"transcript.json", "{}", 2});
  serve(rig, files);
  check_done(rig.run({"get", "CA1", "metadata.json", "+2/transcript.json", "-o", "a/b"}));
  BOOST_TEST(fs::exists(rig.directory / "a/b/metadata.json"));
  BOOST_TEST(fs::exists(rig.directory / "a/b/+2/transcript.json"));
  BOOST_TEST(!fs::exists(rig.directory / "a/b/inbound.ulaw"));
  check_failed(rig.run({"get", "CA1", "notes.json"}), Code::kNotFound,
               "there is no file notes.json; there are: inbound.ulaw metadata.json "
               "+2/transcript.json");
}

BOOST_AUTO_TEST_CASE(wrong_bytes_are_not_kept) {
  CliRig rig;
  serve(rig, sample());
  rig.daemon.on("GET " + kInbound, {fake_file("something else")});
  check_failed(rig.run({"get", "CA1"}), Code::kCorrupt, "SHA-256");
  BOOST_TEST(!fs::exists(rig.directory / "CA1/inbound.ulaw"));
}

BOOST_AUTO_TEST_CASE(a_file_of_the_user_is_not_replaced) {
  CliRig rig;
  serve(rig, sample());
  write_files(rig, "CA1", {{"inbound.ulaw", "mine"}});
  check_failed(rig.run({"get", "CA1"}), Code::kConflict, "inbound.ulaw exists already");
  BOOST_TEST(rig.read("CA1/inbound.ulaw") == "mine");
}

BOOST_AUTO_TEST_CASE(the_daemons_names_lead_nowhere_else) {
  CliRig rig;
  for (const char* name : {"../escape", "/etc/x", ".hidden", "a/b"}) {
    rig.daemon.on("GET " + in_workspace("recordings/CA1"), recording({{name, "x"}}));
    check_failed(rig.run({"get", "CA1", "-o", "out"}), Code::kInvalid, "not a file's name");
  }
  check_failed(rig.run({"get", "..", "-o", "out"}), Code::kInvalid, "a call's id");
}

BOOST_AUTO_TEST_CASE(an_archived_recording_tells_when) {
  CliRig rig;
  serve(rig, sample());
  rig.daemon.on("GET " + kInbound, {archived_answer()});
  ProgramRun run = rig.run({"get", "CA1"});
  check_failed(run, Code::kArchived,
               "get CA1: archived on cold, about 12 min, at most 1 h as a rule, place 2 in the "
               "queue; restore xyz is under way");
  run = rig.run({"get", "CA1", "--json"});
  BOOST_TEST(run.exit_code == traits(Code::kArchived).exit_code);
  BOOST_TEST(run.out == archived_answer().body + "\n");
  BOOST_TEST(!fs::exists(rig.directory / "CA1/inbound.ulaw"));
}

BOOST_AUTO_TEST_CASE(wait_stays_until_it_is_there) {
  CliRig rig;
  serve(rig, sample());
  rig.daemon.on("GET " + kInbound, {archived_answer(), fake_file(sample()[0].bytes)});
  rig.daemon.on(
      "GET " + in_workspace("restores/xyz"),
      {fake_answer(200, restore_state("queued")), fake_answer(200, restore_state("recalling")),
       fake_answer(200, restore_state("staged"))});
  const ProgramRun run = rig.run({"get", "CA1", "--wait"});
  BOOST_TEST(run.exit_code == 0, run.err);
  BOOST_TEST(
      run.err ==
      "{\"state\":\"queued\",\"what\":\"CA1\"}\n{\"state\":\"recalling\",\"what\":\"CA1\"}\n");
  BOOST_TEST((rig.read("CA1/inbound.ulaw") == sample()[0].bytes));
}

BOOST_AUTO_TEST_CASE(waiting_ends) {
  CliRig rig;
  serve(rig, sample());
  rig.daemon.on("GET " + kInbound, {archived_answer()});
  rig.daemon.on("GET " + in_workspace("restores/xyz"), {fake_answer(200, restore_state("queued"))});
  ProgramRun run = rig.run({"get", "CA1", "--wait", "--timeout", "0s"});
  BOOST_TEST(run.exit_code == traits(Code::kArchived).exit_code);
  BOOST_TEST(run.err.find("restore xyz is still queued") != std::string::npos, run.err);
  rig.daemon.on("GET " + in_workspace("restores/xyz"), {fake_answer(200, restore_state("failed"))});
  check_failed(rig.run({"get", "CA1", "--wait"}), Code::kIo,
               "restore xyz is failed: the vault is offline");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(restore)

BOOST_AUTO_TEST_CASE(a_restore_is_asked_for) {
  CliRig rig;
  rig.daemon.on("POST " + kRestore, {archived_answer()});
  ProgramRun run = rig.run({"restore", "CA1", "--priority", "expedited", "--keep-hours", "48"});
  check_done(run);
  BOOST_TEST(run.out ==
             "CA1: restore xyz, on cold, about 12 min, at most 1 h as a rule, place 2 in the "
             "queue\n");
  BOOST_TEST((parse_json(rig.daemon.only("POST", kRestore).body)->as_object() ==
              json::object{{"tier", "expedited"}, {"keep_hours", 48}}));
  run = rig.run({"restore", "CA1", "--json"});
  check_done(run);
  BOOST_TEST(run.out == archived_answer().body + "\n");
}

BOOST_AUTO_TEST_CASE(what_is_available_needs_no_waiting) {
  CliRig rig;
  rig.daemon.on("POST " + kRestore, {fake_answer(200, R"({"status":"available"})")});
  const ProgramRun run = rig.run({"restore", "CA1", "--wait"});
  check_done(run);
  BOOST_TEST(run.out == "CA1: available\n");
}

BOOST_AUTO_TEST_CASE(several_are_asked_for_and_waited_for) {
  CliRig rig;
  rig.daemon.on("POST " + kRestore, {archived_answer()});
  rig.daemon.on("GET " + in_workspace("restores/xyz"), {fake_answer(200, restore_state("staged"))});
  ProgramRun run = rig.run({"restore", "CA0", "CA1", "--wait"});
  check_failed(run, Code::kNotFound, "restore CA0: ");
  BOOST_TEST(line_of(run.out, "CA1: staged") == "CA1: staged until 2026-11-22 03:36:00 UTC");
  run = rig.run({"restore", "CA1", "--wait", "--json"});
  check_done(run);
  BOOST_TEST(run.out == restore_state("staged") + "\n");
}

// The answer of a bulk request: a call that is queued, and one that is refused or there.
std::string asked_page(const std::string& call, const std::string& other, const std::string& state,
                       const std::string& cursor) {
  return R"({"items":[{"call_sid":")" + call +
         R"(","state":"queued","restore_id":"xyz","tier":"cold","joined":false,)"
         R"("estimated_seconds":720,"estimated_seconds_p95":3600,"position":2,"error":null},)"
         R"({"call_sid":")" +
         other + R"(","state":")" + state +
         R"(","restore_id":null,"error":null}],"counts":{},"next_cursor":)" +
         (cursor.empty() ? "null" : "\"" + cursor + "\"") + "}";
}

BOOST_AUTO_TEST_CASE(calls_of_a_file_are_asked_for_together) {
  CliRig rig;
  rig.write("calls", "CA1\n\n  CA2 \r\nCA3");
  rig.daemon.on("POST " + in_workspace("restores"), asked_page("CA1", "CA2", "available", ""));
  ProgramRun run = rig.run({"restore", "--calls", "calls", "--priority", "bulk"});
  check_done(run);
  BOOST_TEST(run.out ==
             "CA1: queued, restore xyz, on cold, about 12 min, at most 1 h as a rule, place 2 in "
             "the queue\nCA2: available\n");
  BOOST_TEST((parse_json(rig.daemon.only("POST", in_workspace("restores")).body)->as_object() ==
              json::object{{"tier", "bulk"}, {"call_sids", {"CA1", "CA2", "CA3"}}}));
  rig.write("wrong", "CA1\nno call\n");
  check_failed(rig.run({"restore", "--calls", "wrong"}), Code::kInvalid, "wrong:2: expected one");
  check_failed(rig.run({"restore", "--calls", "absent"}), Code::kNotFound, "absent");
  check_failed(rig.run({"restore", "CA1", "--calls", "calls"}), Code::kInvalid, "one of them");
  BOOST_TEST(rig.daemon.asked().size() == 1U);
}

BOOST_AUTO_TEST_CASE(more_calls_than_a_request_takes_are_several_requests) {
  CliRig rig;
  std::string calls;
  for (int i = 0; i < 1001; ++i) calls += "CA" + std::to_string(i) + "\n";
  rig.write("calls", calls);
  rig.daemon.on("POST " + in_workspace("restores"), R"({"items":[],"next_cursor":null})");
  check_done(rig.run({"restore", "--calls", "calls"}));
  BOOST_TEST(rig.daemon.asked().size() == 2U);
  BOOST_TEST(parse_json(rig.daemon.asked().back().body)->at("call_sids").as_array().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_query_is_followed_to_its_end) {
  CliRig rig;
  rig.daemon.on("POST " + in_workspace("restores"),
                {fake_answer(200, asked_page("CA1", "CA2", "available", "more")),
                 fake_answer(200, asked_page("CA3", "CA4", "over-budget", ""))});
  const ProgramRun run =
      rig.run({"restore", "--tier", "cold", "--held", "yes", "--search", "refund spri*"});
  check_failed(run, Code::kExhausted, "restore CA4: over-budget");
  BOOST_TEST(line_of(run.out, "CA3: ").starts_with("CA3: queued, restore xyz"));
  const json::object query{{"tier", "cold"}, {"held", true}, {"q", "refund spri*"}};
  BOOST_TEST_REQUIRE(rig.daemon.asked().size() == 2U);
  BOOST_TEST(
      (parse_json(rig.daemon.asked()[0].body)->as_object() == json::object{{"query", query}}));
  BOOST_TEST((parse_json(rig.daemon.asked()[1].body)->as_object() ==
              json::object{{"query", query}, {"cursor", "more"}}));
}

BOOST_AUTO_TEST_CASE(a_wish_is_taken_back) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("recordings/CA1"),
                R"({"call_sid":"CA1","restore":{"restore_id":"xyz","state":"queued"}})");
  rig.daemon.on("GET " + in_workspace("recordings/CA2"), R"({"call_sid":"CA2","restore":null})");
  rig.daemon.on("DELETE " + in_workspace("restores/xyz"), R"({"cancelled":true})");
  const ProgramRun run = rig.run({"restore", "--cancel", "CA1", "CA2"});
  check_failed(run, Code::kNotFound, "cancel the restore of CA2: nobody asked for it");
  BOOST_TEST(run.out == "CA1: cancelled\n");
}

BOOST_AUTO_TEST_CASE(restores_are_listed) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("restores"),
                R"({"items":[)" + restore_state("queued") + R"(],"next_cursor":null})");
  const ProgramRun run = rig.run({"restore", "--list", "--state", "queued"});
  check_done(run);
  BOOST_TEST(rig.daemon.only("GET", in_workspace("restores")).query == "state=queued&limit=100");
  BOOST_TEST(line_of(run.out, "xyz") == "xyz CA1 queued cold - - - 2026-11-22 03:36:00 -");
  check_failed(rig.run({"restore"}), Code::kInvalid, "which CALL");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
