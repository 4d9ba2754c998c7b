// import: a tree to recordings, against a scripted daemon.
#include <filesystem>

#include "base/json.h"
#include "io/digest.h"
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

const std::string kImports = in_workspace("imports");
const std::string kOwn = in_workspace("imports/iii");

std::string import_row(const std::string& cursor = "", const std::string& source = "") {
  return canonical(json::object{{"import_id", "iii"},
                                {"label", ""},
                                {"source", source},
                                {"state", "running"},
                                {"calls_total", cursor.empty() ? json::value(nullptr) : 3},
                                {"bytes_total", cursor.empty() ? json::value(nullptr) : 3},
                                {"calls_done", cursor.empty() ? 0 : 1},
                                {"calls_stored", cursor.empty() ? 0 : 1},
                                {"calls_already", 0},
                                {"calls_failed", 0},
                                {"bytes_done", cursor.empty() ? 0 : 1},
                                {"cursor", cursor}});
}

// What the daemon says of a call with one channel whose bytes are `bytes`.
FakeAnswer stored(const std::string& bytes, int status = 201) {
  return fake_answer(status,
                     canonical(json::object{
                         {"call_sid", "x"},
                         {"recording_id", "rrr"},
                         {"part", 1},
                         {"status", status == 201 ? "stored" : "unchanged"},
                         {"files", json::array{json::object{{"name", "inbound.wav"},
                                                            {"size", bytes.size()},
                                                            {"sha256", sha256(bytes).hex()}}}}}));
}

// A tree of three calls with the same byte, and a file that is none.
struct ImportRig : CliRig {
  ImportRig() {
    fs::create_directories(directory / "tree/sub");
    write("tree/c1-in.wav", "x");
    write("tree/c2-in.wav", "x");
    write("tree/sub/c3-in.wav", "x");
    write("tree/sub/notes.txt", "?");
    daemon.on("GET " + kImports, R"({"items":[],"next_cursor":null})");
    daemon.on("POST " + kImports, {fake_answer(201, import_row())});
    daemon.on("PATCH " + kOwn, import_row());
  }
  ProgramRun import(std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"import", "tree", "--layout",   "asterisk-monitor",
                                      "--jobs", "1",    "--patience", "0s"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  std::vector<FakeRequest> asked_of(const std::string& method, const std::string& path) const {
    std::vector<FakeRequest> found;
    for (const FakeRequest& request : daemon.asked())
      if (request.method == method && request.path == path) found.push_back(request);
    return found;
  }
};

BOOST_AUTO_TEST_SUITE(import)

BOOST_AUTO_TEST_CASE(a_dry_run_asks_nobody_and_tells_all) {
  ImportRig rig;
  ProgramRun run = rig.import({"--dry-run", "--report", "left.jsonl"});
  check_done(run);
  BOOST_TEST(run.out == "tree: would import 3 calls, 3 B; left: 1 no-match\n");
  BOOST_TEST(rig.daemon.asked().empty());
  BOOST_TEST(rig.read("left.jsonl") == "{\"error\":\"no-match\",\"path\":\"sub/notes.txt\"}\n");
  run = rig.import({"--dry-run", "--json"});
  BOOST_TEST(run.out == R"({"bytes":3,"calls":3,"calls_wrong":0,"files_left":{"no-match":1}})"
                        "\n");
}

BOOST_AUTO_TEST_CASE(each_call_is_sent_once_and_the_end_is_told) {
  ImportRig rig;
  rig.daemon.on("POST " + kRecordings, {stored("x"), stored("x", 200), stored("x")});
  const ProgramRun run = rig.import();
  BOOST_TEST(run.exit_code == 0, run.err);
  BOOST_TEST(run.out ==
             "tree: import iii: 3 calls (2 stored, 1 already there, 0 failed), 3 B; left: 1 "
             "no-match\n");
  const auto sent = rig.asked_of("POST", kRecordings);
  BOOST_TEST_REQUIRE(sent.size() == 3U);
  for (size_t i = 0; i < 3; ++i) {
    const std::string call = "c" + std::to_string(i + 1);
    BOOST_TEST(sent[i].body.find("name=\"call_sid\"\r\n\r\n" + call + "\r\n") != std::string::npos);
    BOOST_TEST(sent[i].body.find("filename=\"inbound.wav\"") != std::string::npos);
    BOOST_TEST(sent[i].body.find("name=\"metadata.json\"\r\n\r\n{\"call_sid\":\"" + call) !=
               std::string::npos);
  }
  const std::string last = rig.asked_of("PATCH", kOwn).back().body;
  BOOST_TEST(last.find(R"("state":"finished")") != std::string::npos, last);
  BOOST_TEST(last.find(R"("cursor":"sub/c3")") != std::string::npos, last);
  BOOST_TEST(last.find(R"("calls_total":3)") != std::string::npos, last);
  BOOST_TEST(rig.read("tree/c1-in.wav") == "x");
}

BOOST_AUTO_TEST_CASE(a_refused_call_is_reported_and_the_others_go_on) {
  ImportRig rig;
  rig.daemon.on("POST " + kRecordings, {fake_problem(409, "conflict", "other bytes"), stored("x")});
  const ProgramRun run = rig.import({"--report", "failed.jsonl"});
  BOOST_TEST(run.exit_code == traits(Code::kConflict).exit_code);
  BOOST_TEST(run.out.find("2 stored, 0 already there, 1 failed") != std::string::npos, run.out);
  BOOST_TEST(run.err.find("import c1: other bytes") != std::string::npos, run.err);
  const std::string line =
      R"({"call":"c1","directory":"","error":"conflict","files":["c1-in.wav"],)";
  BOOST_TEST(rig.read("failed.jsonl").find(line) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_bytes_in_the_archive_are_told) {
  ImportRig rig;
  rig.daemon.on("POST " + kRecordings, {stored("y"), stored("x")});
  const ProgramRun run = rig.import();
  BOOST_TEST(run.exit_code == traits(Code::kCorrupt).exit_code, run.err);
}

BOOST_AUTO_TEST_CASE(over_the_quota_it_stops_where_it_is) {
  ImportRig rig;
  rig.daemon.on(
      "POST " + kRecordings,
      {stored("x"), fake_problem(507, "over-quota", "over-quota: the workspace is full")});
  const ProgramRun run = rig.import();
  BOOST_TEST(run.exit_code == traits(Code::kNoSpace).exit_code, run.err);
  BOOST_TEST(run.err.find("over-quota") != std::string::npos, run.err);
  BOOST_TEST(run.err.find("1 calls are done") != std::string::npos, run.err);
  const std::string last = rig.asked_of("PATCH", kOwn).back().body;
  BOOST_TEST(last.find(R"("cursor":"c1")") != std::string::npos, last);
  BOOST_TEST(last.find("\"state\"") == std::string::npos, last);
}

BOOST_AUTO_TEST_CASE(the_same_line_goes_on_behind_the_cursor) {
  ImportRig rig;
  const std::string source =
      sha256(fs::canonical(rig.directory / "tree").string() + "\n**/{call}-{channel}.{ext}\npath")
          .hex();
  rig.daemon.on("GET " + kImports, R"({"items":[)" + import_row("c1", "another") + "," +
                                       import_row("c1", source) + R"(],"next_cursor":null})");
  rig.daemon.on("POST " + kRecordings, {stored("x")});
  const ProgramRun run = rig.import();
  BOOST_TEST(run.exit_code == 0, run.err);
  BOOST_TEST(run.err.find("goes on behind c1") != std::string::npos, run.err);
  BOOST_TEST(rig.asked_of("POST", kImports).empty());
  const auto sent = rig.asked_of("POST", kRecordings);
  BOOST_TEST_REQUIRE(sent.size() == 2U);
  BOOST_TEST(sent[0].body.find("\r\n\r\nc2\r\n") != std::string::npos);
  BOOST_TEST(run.out.find("3 calls (3 stored") != std::string::npos, run.out);
  // Another pattern cannot go on with it.
  rig.daemon.on("GET " + kOwn, import_row("c1", "another"));
  const std::string id(26, 'a');
  rig.daemon.on("GET " + in_workspace("imports/" + id), import_row("c1", "another"));
  check_failed(rig.import({"--resume", id}), Code::kConflict, "of another DIR, pattern or --times");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
