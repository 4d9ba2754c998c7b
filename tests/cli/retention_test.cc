// retention, expire, clock: what they ask the daemon, and what they say.
#include "base/json.h"
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

json::object body_of(const FakeRequest& request) { return parse_json(request.body)->as_object(); }

const std::string kRetention =
    R"({"class":"mifid","version":2,"mode":"compliance","retain_until":"2033-11-21T03:36:00.000Z",)"
    R"("expires_at":"2033-11-21T03:36:00.000Z","locked":true})";

BOOST_AUTO_TEST_CASE(classes_are_listed_with_their_defaults) {
  CliRig rig;
  rig.daemon.on(
      "GET /v1/retention-classes",
      R"({"items":[{"name":"mifid","version":2,"keep":"7y","from":"call-end","mode":"compliance",)"
      R"("created_at":"2026-11-21T03:36:00Z","created_by":"uid:0"}],)"
      R"("defaults":[{"workspace_id":null,"class":"mifid"}]})");
  const ProgramRun run = rig.run({"retention", "ls"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "mifid") ==
             "mifid 2 7y call-end compliance 2026-11-21 03:36:00 uid:0");
  BOOST_TEST(run.out.find("new recordings of all other workspaces: mifid") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_class_is_set) {
  CliRig rig;
  rig.daemon.on("POST /v1/retention-classes",
                {fake_answer(201, R"({"name":"mifid","version":1,"keep":"7y","from":"call-end",)"
                                  R"("mode":"compliance","created_at":"2026-11-21T03:36:00Z",)"
                                  R"("created_by":"uid:0"})")});
  const ProgramRun run =
      rig.run({"retention", "set", "mifid", "--keep", "7y", "--mode", "compliance"});
  check_done(run);
  BOOST_TEST(run.out == "mifid: 7y from call-end, compliance mode, version 1\n");
  BOOST_TEST((body_of(rig.daemon.only("POST", "/v1/retention-classes")) ==
              json::object{{"name", "mifid"}, {"keep", "7y"}, {"mode", "compliance"}}));
  BOOST_TEST(
      rig.run({"retention", "set", "mifid", "--keep", "7w", "--mode", "compliance"}).exit_code !=
      0);
  BOOST_TEST(rig.run({"retention", "set", "mifid", "--keep", "7y", "--mode", "strict"}).exit_code !=
             0);
}

BOOST_AUTO_TEST_CASE(defaults_are_set_and_taken_away) {
  CliRig rig;
  rig.daemon.on("PUT /v1/retention-default", R"({"workspace_id":null,"class":"mifid"})");
  check_done(rig.run({"retention", "default", "mifid"}));
  BOOST_TEST((body_of(rig.daemon.only("PUT", "/v1/retention-default")) ==
              json::object{{"class", "mifid"}}));
  const std::string workspace = "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b";
  rig.daemon.on("DELETE /v1/" + workspace + "/retention-default",
                R"({"workspace_id":")" + workspace + R"(","class":null})");
  check_done(rig.run({"retention", "default", "--none", "--of", workspace}));
  check_failed(rig.run({"retention", "default"}), Code::kInvalid, "give a CLASS, or --none");
}

BOOST_AUTO_TEST_CASE(a_recording_is_given_a_class) {
  CliRig rig;
  const std::string path = in_workspace("recordings/CA1/retention");
  rig.daemon.on("PUT " + path, R"({"call_sid":"CA1","recording_id":"rrr","changed":true,)"
                               R"("retention":)" +
                                   kRetention + "}");
  const ProgramRun run = rig.run({"retention", "assign", "CA1", "--class", "mifid",
                                  "--bypass-governance", "--reason", "withdrawn"});
  check_done(run);
  BOOST_TEST(run.out ==
             "CA1: mifid (version 2), compliance mode, locked until 2033-11-21 03:36:00 UTC, "
             "expires 2033-11-21 03:36:00 UTC\n");
  BOOST_TEST(
      (body_of(rig.daemon.only("PUT", path)) ==
       json::object{{"class", "mifid"}, {"bypass_governance", true}, {"reason", "withdrawn"}}));
  check_failed(rig.run({"retention", "assign", "CA1", "--class", "mifid", "--bypass-governance"}),
               Code::kInvalid, "a bypass needs --reason");
  check_failed(rig.run({"retention", "assign", "CA1"}), Code::kInvalid, "--class CLASS, or --none");
}

BOOST_AUTO_TEST_CASE(rm_of_a_retained_recording_is_locked) {
  CliRig rig;
  rig.daemon.on("DELETE " + in_workspace("recordings/CA1"),
                {fake_problem(409, "retention", "it is retained until 2033")});
  check_failed(rig.run({"rm", "CA1", "--reason", "r", "--yes"}), Code::kLocked,
               "rm CA1: it is retained until 2033");
}

BOOST_AUTO_TEST_CASE(the_clock_is_shown_and_accepted) {
  CliRig rig;
  const std::string clock =
      R"({"time":"2026-11-21T03:36:00Z","system_time":"2036-11-21T03:36:00Z",)"
      R"("behind_seconds":315532800,"kept_at":"2036-11-21T03:36:00Z",)"
      R"("stopped_since":"2036-11-21T03:35:00Z","why":"the system clock jumped"})";
  rig.daemon.on("GET /v1/clock", clock);
  ProgramRun run = rig.run({"clock"});
  check_done(run);
  BOOST_TEST(run.out.find("Compliance time  2026-11-21 03:36:00 UTC") != std::string::npos);
  BOOST_TEST(run.out.find("Stands since     2036-11-21 03:35:00 UTC: the system clock jumped") !=
             std::string::npos);
  check_failed(rig.run({"clock", "accept"}), Code::kInvalid, "--reason");
  check_failed(rig.run({"clock", "set"}), Code::kInvalid, "\"accept\"");
  rig.daemon.on("POST /v1/clock/accept", clock);
  check_done(rig.run({"clock", "accept", "--reason", "repaired"}));
  BOOST_TEST((body_of(rig.daemon.only("POST", "/v1/clock/accept")) ==
              json::object{{"reason", "repaired"}}));
}

BOOST_AUTO_TEST_CASE(what_would_expire_is_shown_and_accepted) {
  CliRig rig;
  rig.daemon.on("GET /v1/expiry",
                R"({"enabled":true,"rate_per_hour":1000,"waits_until":"2026-12-23T06:00:00Z",)"
                R"("clock":{"time":"2026-11-23T00:00:00Z"},"due":3,"bytes":2048,)"
                R"("oldest":"2026-11-21T03:36:00Z","classes":[{"class":"short","recordings":3,)"
                R"("bytes":2048,"oldest":"2026-11-21T03:36:00Z"}],"items":[{"workspace_id":"www",)"
                R"("call_sid":"CA1","recording_id":"rrr","class":"short",)"
                R"("expires_at":"2026-11-21T03:36:00Z","bytes":1024}],)"
                R"("breaker":{"open_since":"2026-11-22T00:00:00Z","due_then":3,"expired_today":0,)"
                R"("allowed_a_day":2,"accepted":0}})");
  const ProgramRun run = rig.run({"expire", "--dry-run"});
  check_done(run);
  BOOST_TEST(run.out.find("Due: 3 recordings, 2.0 KiB; the oldest since 2026-11-21 03:36:00 UTC") !=
             std::string::npos);
  for (const char* line :
       {"Stopped since 2026-11-22 00:00:00 UTC: 3 were due; holdfast expire --accept --due 3 ",
        "Nothing goes before 2026-12-23 06:00:00 UTC, 30 d 6 h from now: the compliance clock was "
        "set forward\n"})
    BOOST_TEST(run.out.find(line) != std::string::npos, line << " is not in\n" << run.out);
  BOOST_TEST(line_of(run.out, "CA1") == "CA1 short 2026-11-21 03:36:00 1.0 KiB www");
  check_failed(rig.run({"expire"}), Code::kInvalid, "--dry-run");
  check_failed(rig.run({"expire", "--accept", "--due", "3"}), Code::kInvalid, "--reason");
  // Nobody accepts what nobody has counted.
  check_failed(rig.run({"expire", "--accept", "--reason", "checked"}), Code::kInvalid, "--due N");
  rig.daemon.on("POST /v1/expiry/accept", R"({"accepted":3})");
  const ProgramRun accepted = rig.run({"expire", "--accept", "--due", "3", "--reason", "checked"});
  check_done(accepted);
  BOOST_TEST((body_of(rig.daemon.only("POST", "/v1/expiry/accept")) ==
              json::object{{"reason", "checked"}, {"due", 3}}));
  BOOST_TEST(accepted.out == "3 recordings may go\n");
}

BOOST_AUTO_TEST_CASE(more_than_was_seen_is_refused_with_both_numbers) {
  CliRig rig;
  rig.daemon.on("POST /v1/expiry/accept",
                {fake_problem(409, "more-due", "40 recordings are due now, 31 were seen")});
  check_failed(rig.run({"expire", "--accept", "--due", "31", "--reason", "checked"}),
               Code::kConflict, "40 recordings are due now, 31 were seen");
}

}  // namespace
}  // namespace holdfast
