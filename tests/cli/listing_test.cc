// ls, show, moves, plan, audit, status: reading commands.
#include <algorithm>
#include <sstream>

#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

std::string page(const std::string& call, const std::string& cursor) {
  return R"({"items":[{"call_sid":")" + call +
         R"(","started_at":"2026-11-21T03:36:00.000Z","duration_seconds":200,)"
         R"("direction":"inbound","tier":"warm","state":"live","bytes":1572864,"holds":1,)"
         R"("flags":["empty-audio"],"parts":1}],"next_cursor":)" +
         (cursor.empty() ? "null" : "\"" + cursor + "\"") + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(listing)

BOOST_AUTO_TEST_CASE(ls_shows_rows_for_people) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("recordings"), page("CA1", ""));
  const ProgramRun run = rig.run({"ls"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "CALL ") ==
             "CALL STARTED (UTC) LENGTH DIRECTION TIER STATE SIZE HOLDS FLAGS");
  BOOST_TEST(line_of(run.out, "CA1 ") ==
             "CA1 2026-11-21 03:36:00 3 min 20 s inbound warm live 1.5 MiB 1 empty-audio");
  BOOST_TEST(rig.daemon.only("GET", in_workspace("recordings")).query == "limit=100");
}

BOOST_AUTO_TEST_CASE(ls_passes_its_filters_on) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("recordings"), R"({"items":[],"next_cursor":null})");
  check_done(rig.run({"ls", "--tier", "cold", "--from", "2026-01-01T00:00:00Z", "--to",
                      "2026-02-01T00:00:00Z", "--held", "no", "--direction", "outbound",
                      "--flagged", "--limit", "5", "--cursor", "abc"}));
  BOOST_TEST(rig.daemon.only("GET", in_workspace("recordings")).query ==
             "tier=cold&from=2026-01-01T00%3A00%3A00Z&to=2026-02-01T00%3A00%3A00Z&held=false&"
             "direction=outbound&flagged=true&limit=5&cursor=abc");
}

BOOST_AUTO_TEST_CASE(ls_passes_a_search_on) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("recordings"), R"({"items":[],"next_cursor":null})");
  check_done(rig.run({"ls", "refund", "spri*", "--from-number", "+49 30", "--to-number", "7",
                      "--tag", "billing", "--consent", "true", "--agent", "a", "--limit", "5"}));
  BOOST_TEST(rig.daemon.only("GET", in_workspace("recordings")).query ==
             "q=refund%20spri%2A&from_number=%2B49%2030&to_number=7&tag=billing&consent=true&"
             "agent=a&limit=5");
}

BOOST_AUTO_TEST_CASE(one_page_tells_of_the_next) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("recordings"), page("CA1", "next"));
  const ProgramRun run = rig.run({"ls"});
  BOOST_TEST(run.exit_code == 0);
  BOOST_TEST(run.err == "There is more: add --all, or --cursor next\n");
  BOOST_TEST(rig.daemon.asked().size() == 1u);
}

BOOST_AUTO_TEST_CASE(all_follows_the_cursors) {
  CliRig rig;
  const std::string path = "GET " + in_workspace("recordings");
  rig.daemon.on(path, page("CA1", "two"));
  rig.daemon.on(path + "?limit=100&cursor=two", page("CA2", "three"));
  rig.daemon.on(path + "?limit=100&cursor=three", page("CA3", ""));
  ProgramRun run = rig.run({"ls", "--all"});
  check_done(run);
  for (const char* call : {"CA1 ", "CA2 ", "CA3 "})
    BOOST_TEST(line_of(run.out, call).starts_with(call));
  BOOST_TEST(std::count(run.out.begin(), run.out.end(), '\n') == 4);  // one line of titles
  run = rig.run({"ls", "--all", "--json"});
  check_done(run);
  BOOST_TEST(run.out ==
             page("CA1", "two") + "\n" + page("CA2", "three") + "\n" + page("CA3", "") + "\n");
}

BOOST_AUTO_TEST_CASE(a_listing_that_does_not_go_on_is_refused) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("recordings"), page("CA1", "same"));
  const ProgramRun run = rig.run({"ls", "--all", "--json"});
  check_failed(run, Code::kIo, "do not go on");
}

BOOST_AUTO_TEST_CASE(a_failing_page_fails_the_listing) {
  CliRig rig;
  const std::string path = "GET " + in_workspace("recordings");
  rig.daemon.on(path, page("CA1", "two"));
  rig.daemon.on(path + "?limit=100&cursor=two", {fake_problem(503, "unavailable", "stopping")});
  const ProgramRun run = rig.run({"ls", "--all"});
  check_failed(run, Code::kUnavailable, "stopping");
  BOOST_TEST(line_of(run.out, "CA1 ").starts_with("CA1 "));
}

BOOST_AUTO_TEST_CASE(show_tells_segments_and_their_gaps) {
  CliRig rig;
  rig.daemon.on(
      "GET " + in_workspace("recordings/CA1"),
      R"({"call_sid":"CA1","parts":2,"segments":[)"
      R"({"segment":1,"part":1,"files":["recording.wav"],"started_at":"2026-11-21T03:36:00Z",)"
      R"("ended_at":null,"duration_seconds":60,"gap_seconds":null},)"
      R"({"segment":2,"part":2,"files":["recording.2.wav"],"started_at":"2026-11-21T03:37:30Z",)"
      R"("ended_at":null,"duration_seconds":null,"gap_seconds":30}]})");
  const ProgramRun run = rig.run({"show", "CA1"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "1 1") == "1 1 2026-11-21 03:36:00 1 min - recording.wav");
  BOOST_TEST(line_of(run.out, "2 2") == "2 2 2026-11-21 03:37:30 - 30 s recording.2.wav");
}

BOOST_AUTO_TEST_CASE(show_tells_everything) {
  CliRig rig;
  const std::string body =
      R"({"call_sid":"CA1","recording_id":"rrr","service_id":null,)"
      R"("started_at":"2026-11-21T03:36:00Z","received_at":"2026-11-21T03:40:00Z",)"
      R"("duration_seconds":60,"direction":"outbound","tier":"cold","state":"live","bytes":2048,)"
      R"("flags":[],"parts":1,)"
      R"("files":[{"name":"inbound.ulaw","part":1,"size":2048,"sha256":"00ff","channel":"inbound"}],)"
      R"("copies":[{"part":1,"medium":"vault-1","medium_kind":"vault","tier":"cold",)"
      R"("state":"verified","pack_id":"ppp","verified_at":"2026-11-22T00:00:00Z",)"
      R"("verify_mode":"direct"}],)"
      R"("holds":[{"hold_id":"hhh","matter":"Doe","placed_at":"2026-11-22T00:00:00Z",)"
      R"("placed_by":"uid:0","released_at":null}],"restore":{"restore_id":"xxx","state":"queued"}})";
  rig.daemon.on("GET " + in_workspace("recordings/CA1"), body);
  ProgramRun run = rig.run({"show", "CA1"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "Tier") == "Tier cold, live");
  BOOST_TEST(line_of(run.out, "Started") == "Started 2026-11-21 03:36:00 UTC, 1 min, outbound");
  BOOST_TEST(line_of(run.out, "inbound.ulaw") == "inbound.ulaw 1 2.0 KiB inbound 00ff");
  BOOST_TEST(line_of(run.out, "1 cold") ==
             "1 cold vault-1 vault verified ppp 2026-11-22 00:00:00 direct");
  BOOST_TEST(line_of(run.out, "hhh") == "hhh Doe 2026-11-22 00:00:00 uid:0 -");
  BOOST_TEST(line_of(run.out, "Restore") == "Restore xxx, queued");
  BOOST_TEST(run.out.find("Segments") == std::string::npos);
  run = rig.run({"show", "CA1", "--json"});
  check_done(run);
  BOOST_TEST(run.out == body + "\n");
  check_failed(rig.run({"show", "CA2"}), Code::kNotFound, "show CA2: ");
}

BOOST_AUTO_TEST_CASE(status_is_told_at_a_glance) {
  CliRig rig;
  const std::string body =
      R"({"archive_id":"aaa","version":"0.1.0","state":"ready","started_at":"2026-11-21T03:36:00Z",)"
      R"("tiers":[{"tier":"warm","recordings":12,"bytes":1048576,"medium":"warm-1",)"
      R"("medium_state":"online","free_bytes":1073741824,"total_bytes":2147483648}],)"
      R"("pauses":[{"tier":null,"since":"2026-11-21T03:36:00Z","by":"uid:0","reason":""}],)"
      R"("single_copy_bytes":1024,"held":3,"open_packs":2,"moves":{"planned":4,"failed":0},)"
      R"("restores":{"queued":1},"ledger":{"last_n":77,"mirror":"in step"},)"
      R"("attention":[{"severity":"critical","code":"medium-offline",)"
      R"("text":"the cold medium at /mnt/vault is offline: expected vault-1, found none",)"
      R"("since":"2026-11-21T03:36:00Z","action":"mount its disk"}]})";
  rig.daemon.on("GET /v1/status", body);
  ProgramRun run = rig.run({"status"});
  check_done(run);
  // What needs a person comes first.
  BOOST_TEST(
      run.out.starts_with("Needs a person: 1\ncritical the cold medium at /mnt/vault is "
                          "offline: expected vault-1, found none\n"));
  BOOST_TEST(line_of(run.out, "since") == "since 2026-11-21 03:36: mount its disk");
  BOOST_TEST(line_of(run.out, "Holdfast") ==
             "Holdfast 0.1.0, ready since 2026-11-21 03:36:00 UTC, archive aaa");
  BOOST_TEST(line_of(run.out, "warm") == "warm 12 1.0 MiB warm-1 online 1.0 GiB 2.0 GiB -");
  BOOST_TEST(line_of(run.out, "Moves") == "Moves planned 4, failed 0");
  BOOST_TEST(line_of(run.out, "Paused") ==
             "Paused everything is paused by uid:0 since 2026-11-21 03:36:00 UTC");
  BOOST_TEST(line_of(run.out, "Ledger") == "Ledger last_n 77, mirror in step");
  run = rig.run({"status", "--json"});
  check_done(run);
  BOOST_TEST(run.out == body + "\n");
}

BOOST_AUTO_TEST_CASE(status_fits_one_screen_whatever_is_wrong) {
  CliRig rig;
  const std::string tier =
      R"({"tier":"standard","recordings":123456789,"bytes":1125899906842624,"medium":"standard",)"
      R"("medium_state":"offline","free_bytes":1073741824,"total_bytes":2147483648})";
  std::string body =
      R"({"archive_id":"bciggi2h5h4oe5phkg3y2ftcjq","version":"0.1.0","state":"ready",)"
      R"("started_at":"2026-11-21T03:36:00Z","tiers":[)" +
      tier + "," + tier + "," + tier +
      R"(],"pauses":[{"tier":"warm","since":"2026-11-21T03:36:00Z","by":"uid:0","reason":")" +
      std::string(300, 'r') +
      R"("}],"single_copy_bytes":1,"held":3,"open_packs":2,"moves":{"unfinished":4,"failed":0},)"
      R"("restores":{"queued":1,"staged":2},"ledger":{"last_n":77,"mirror":"in step"},)"
      R"("last_backup_at":null,"attention":[)";
  for (int i = 0; i < 40; ++i)
    body += std::string(i == 0 ? "" : ",") + R"({"severity":"warning","code":"x","text":")" +
            std::string(200, 't') + R"(\u00e4\u00e4","since":"2026-11-21T03:36:00Z","action":")" +
            std::string(200, 'a') + R"("})";
  rig.daemon.on("GET /v1/status", body + "]}");
  const ProgramRun run = rig.run({"status"});
  check_done(run);
  std::istringstream lines(run.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) BOOST_TEST(line.size() <= 80u, line);
  BOOST_TEST(count <= 24);
  BOOST_TEST(line_of(run.out, "and 36") == "and 36 more: holdfast status --all");
  const ProgramRun all = rig.run({"status", "--all"});
  BOOST_TEST(std::count(all.out.begin(), all.out.end(), '\n') > 80);
  BOOST_TEST(all.out.find(std::string(200, 'a')) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(moves_are_listed_and_run) {
  CliRig rig;
  rig.daemon.on(
      "GET /v1/moves",
      R"({"items":[{"move_no":7,"pack_id":"ppp","from":"standard","to":"warm","state":"failed",)"
      R"("attempts":3,"not_before":"2026-11-21T04:00:00Z","error":"disk full","waits":"its window","members":12,)"
      R"("bytes":1024,"updated_at":"2026-11-21T03:36:00Z"}],"next_cursor":null})");
  rig.daemon.on("POST /v1/moves/run", {fake_answer(202, R"({"status":"running"})")});
  const ProgramRun run = rig.run({"moves", "--state", "failed"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "7 ") ==
             "7 standard warm failed 12 1.0 KiB ppp 2026-11-21 03:36:00 3 2026-11-21 04:00:00 "
             "disk full its window");
  BOOST_TEST(rig.daemon.only("GET", "/v1/moves").query == "state=failed&limit=100");
  check_done(rig.run({"moves", "--run"}));
  rig.daemon.only("POST", "/v1/moves/run");
  BOOST_TEST(rig.run({"moves", "--run", "--json"}).out == "{\"status\":\"running\"}\n");
}

BOOST_AUTO_TEST_CASE(moves_are_retried_paused_and_resumed) {
  CliRig rig;
  rig.daemon.on("GET /v1/moves", R"({"items":[],"next_cursor":null})");
  check_done(rig.run({"moves", "--failed"}));
  BOOST_TEST(rig.daemon.only("GET", "/v1/moves").query == "failed=true&limit=100");
  rig.daemon.on("POST /v1/moves/7/retry", "{}");
  rig.daemon.on("POST /v1/moves/9/retry", {fake_problem(409, "conflict", "no try has failed")});
  const ProgramRun two = rig.run({"moves", "--retry", "9", "7"});
  check_failed(two, Code::kConflict, "retry move 9: ");
  BOOST_TEST(two.out == "move 7 is tried again now\n");
  rig.daemon.on("POST /v1/moves/retry", R"({"retried":3})");
  BOOST_TEST(rig.run({"moves", "--retry", "--all-failed"}).out == "3 moves are tried again now\n");
  rig.daemon.on("POST /v1/moves/pause",
                R"({"pauses":[{"tier":"warm","since":"2026-11-21T03:36:00Z","by":"uid:0",)"
                R"("reason":"a disk"}]})");
  BOOST_TEST(rig.run({"moves", "--pause", "warm", "--reason", "a disk"}).out ==
             "warm is paused by uid:0 since 2026-11-21 03:36:00 UTC: a disk\n");
  BOOST_TEST(rig.daemon.only("POST", "/v1/moves/pause").body ==
             R"({"reason":"a disk","tier":"warm"})");
  rig.daemon.on("POST /v1/moves/resume", R"({"pauses":[]})");
  BOOST_TEST(rig.run({"moves", "--resume"}).out == "Nothing is paused.\n");
  const size_t asked = rig.daemon.asked().size();
  check_failed(rig.run({"moves", "--pause", "hot"}), Code::kInvalid, "standard, warm, cold");
  check_failed(rig.run({"moves", "--pause", "--resume"}), Code::kInvalid, "at a time");
  check_failed(rig.run({"moves", "--retry"}), Code::kInvalid, "--all-failed");
  check_failed(rig.run({"moves", "--retry", "warm"}), Code::kInvalid, "number");
  check_failed(rig.run({"moves", "warm"}), Code::kInvalid, "listing");
  check_failed(rig.run({"moves", "--reason", "x"}), Code::kInvalid, "--pause");
  BOOST_TEST(rig.daemon.asked().size() == asked);
}

BOOST_AUTO_TEST_CASE(plan_asks_for_a_time) {
  CliRig rig;
  const std::string body =
      R"({"now":"2026-11-21T00:00:00Z","until":"2026-12-24T00:00:00Z","steps":[{"what":"copy to warm",)"
      R"("when":"2026-12-24T00:15:00Z","why":"15 min after the call","bytes":2048,)"
      R"("call_sid":"CA1","pack_id":null,"waits":"its window"}]})";
  rig.daemon.on("GET /v1/plan", body);
  ProgramRun run = rig.run({"plan", "--at", "2026-12-24T00:00:00Z"});
  check_done(run);
  BOOST_TEST(rig.daemon.only("GET", "/v1/plan").query == "at=2026-12-24T00%3A00%3A00Z");
  BOOST_TEST(line_of(run.out, "Due") == "Due until 2026-12-24 00:00:00 UTC: 1 step(s)");
  BOOST_TEST(line_of(run.out, "2026-12-24 00:15:00") ==
             "2026-12-24 00:15:00 copy to warm 2.0 KiB CA1 - 15 min after the call its window");
  run = rig.run({"plan", "--json"});
  check_done(run);
  BOOST_TEST(run.out == body + "\n");
}

BOOST_AUTO_TEST_CASE(audit_reads_the_chains) {
  CliRig rig;
  rig.daemon.on("GET /v1/audit",
                R"({"items":[{"n":5,"t":"2025-11-21T03:36:00Z","kind":"hold","who":"uid:0",)"
                R"("on":"rrr","details":{"jti":["a","b"],"matter":"mmm","note":")" +
                    std::string(64, 'a') +
                    R"("},"digest":"00"}],)"
                    R"("next_cursor":null})");
  ProgramRun run = rig.run({"audit"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "5 ") ==
             "5 2025-11-21 03:36:00 hold uid:0 rrr 2 jti matter=mmm "
             "note=aaaaaaaaaaaa…");
  BOOST_TEST(rig.daemon.asked().back().query == "chain=decisions&limit=100");
  check_done(rig.run({"audit", "--chain", "access", "--call", "CA1", "--actor", "uid:0", "--from",
                      "2026-01-01T00:00:00Z", "--to", "2026-02-01T00:00:00Z", "--recording",
                      "aaaaaaaaaaaaaaaaaaaaaaaaaa"}));
  BOOST_TEST(rig.daemon.asked().back().query ==
             std::string("chain=access&recording=aaaaaaaaaaaaaaaaaaaaaaaaaa&workspace=") +
                 kWorkspace +
                 "&call_sid=CA1&actor=uid%3A0&from=2026-01-01T00%3A00%3A00Z&"
                 "to=2026-02-01T00%3A00%3A00Z&limit=100");
}

BOOST_AUTO_TEST_CASE(a_broken_chain_is_corrupt) {
  CliRig rig;
  const std::string whole =
      R"({"name":"decisions","first_n":1,"last_n":9,"lines":9,"ok":true,"broken_at":null,)"
      R"("detail":null})";
  const std::string broken = R"({"name":"access","first_n":1,"last_n":9,"lines":9,"ok":false,)"
                             R"("broken_at":{"segment":"1.jsonl","offset":4096},)"
                             R"("detail":"digest differs"})";
  rig.daemon.on("GET /v1/audit/check", R"({"chains":[)" + whole + "]}");
  ProgramRun run = rig.run({"audit", "--check"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "decisions") == "decisions 9 1 9 yes - -");
  rig.daemon.on("GET /v1/audit/check", R"({"chains":[)" + whole + "," + broken + "]}");
  check_failed(rig.run({"audit", "--check"}), Code::kCorrupt,
               "chain access is broken (1.jsonl, byte 4096): digest differs");
  run = rig.run({"audit", "--check", "--json"});
  check_failed(run, Code::kCorrupt, "broken (1.jsonl");
  BOOST_TEST(run.out == R"({"chains":[)" + whole + "," + broken + "]}\n");
  rig.daemon.on("GET /v1/audit/check", R"({"chains":[]})");
  check_failed(rig.run({"audit", "--check"}), Code::kCorrupt, "no chain was checked");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
