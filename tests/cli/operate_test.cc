// hold, release, rm, medium, key, workspace, mount: commands that change something.
#include <filesystem>

#include "base/json.h"
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

constexpr const char* kHoldId = "p4xk2qv7m5n3t6w2y5z7a4b6ca";

json::object body_of(const FakeRequest& request) { return parse_json(request.body)->as_object(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(operate)

BOOST_AUTO_TEST_CASE(hold_names_matter_and_reason) {
  CliRig rig;
  const std::string path = in_workspace("recordings/CA1/holds");
  const std::string body = R"({"hold_id":"hhh","matter":"Doe v. Acme","matter_id":"mmm",)"
                           R"("placed_at":"2026-11-21T03:36:00Z"})";
  rig.daemon.on("POST " + path, {fake_answer(201, body)});
  const ProgramRun run =
      rig.run({"hold", "CA1", "--matter", "Doe v. Acme", "--reason", "a letter"});
  check_done(run);
  BOOST_TEST(run.out == "CA1: held for Doe v. Acme since 2026-11-21 03:36:00 UTC, hold hhh\n");
  const json::object asked = body_of(rig.daemon.only("POST", path));
  BOOST_TEST((asked == json::object{{"matter", "Doe v. Acme"}, {"reason", "a letter"}}));
  BOOST_TEST(rig.run({"hold", "CA1", "--matter", "m", "--reason", "r", "--json"}).out ==
             body + "\n");
}

BOOST_AUTO_TEST_CASE(one_failing_hold_does_not_keep_back_the_others) {
  CliRig rig;
  rig.daemon.on("POST " + in_workspace("recordings/CA1/holds"),
                {fake_problem(409, "already-destroyed", "its destruction has begun")});
  rig.daemon.on("POST " + in_workspace("recordings/CA2/holds"),
                {fake_answer(201, R"({"hold_id":"hhh","matter":"m"})")});
  const ProgramRun run = rig.run({"hold", "CA1", "CA2", "--matter", "m", "--reason", "r"});
  check_failed(run, Code::kConflict, "hold CA1: its destruction has begun");
  BOOST_TEST(line_of(run.out, "CA2").starts_with("CA2: held"));
}

BOOST_AUTO_TEST_CASE(an_incomplete_hold_is_refused_before_it_is_sent) {
  CliRig rig;
  check_failed(rig.run({"hold", "CA1", "--matter", "m"}), Code::kInvalid, "--reason TEXT");
  check_failed(rig.run({"hold", "--matter", "m", "--reason", "r"}), Code::kInvalid, "CALL");
  BOOST_TEST(rig.daemon.asked().empty());
}

BOOST_AUTO_TEST_CASE(holds_are_listed) {
  CliRig rig;
  const auto holds = [](const std::string& hold, const std::string& call) {
    return R"({"items":[{"hold_id":")" + hold + R"(","matter":"Doe","call_sid":")" + call +
           R"(","placed_at":"2026-11-21T03:36:00Z","placed_by":"uid:0","released_at":null}]})";
  };
  rig.daemon.on("GET " + in_workspace("holds"), holds("hh1", "CA1"));
  rig.daemon.on("GET " + in_workspace("recordings/CA2/holds"), holds("hh2", "CA2"));
  ProgramRun run = rig.run({"hold", "--list", "--matter", "Doe"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "hh1") == "hh1 CA1 Doe 2026-11-21 03:36:00 uid:0 -");
  BOOST_TEST(rig.daemon.only("GET", in_workspace("holds")).query == "matter=Doe&limit=100");
  run = rig.run({"hold", "CA2", "--list", "--json"});
  check_done(run);
  BOOST_TEST(run.out == holds("hh2", "CA2") + "\n");
  check_failed(rig.run({"hold", "CA1", "CA2", "--list"}), Code::kInvalid, "one CALL");
  check_failed(rig.run({"hold", "CA3", "--list"}), Code::kNotFound, "holds of CA3: ");
}

BOOST_AUTO_TEST_CASE(release_sends_its_reason) {
  CliRig rig;
  const std::string path = in_workspace(std::string("recordings/CA1/holds/") + kHoldId);
  rig.daemon.on("DELETE " + path, "{}");
  ProgramRun run = rig.run({"release", "CA1", "--hold", kHoldId, "--reason", "settled"});
  check_done(run);
  BOOST_TEST(run.out == std::string("CA1: hold ") + kHoldId + " is released\n");
  BOOST_TEST((body_of(rig.daemon.only("DELETE", path)) == json::object{{"reason", "settled"}}));
  rig.daemon.on("DELETE " + path, {fake_problem(404, "not-found", "no such hold")});
  check_failed(rig.run({"release", "CA1", "--hold", kHoldId, "--reason", "x"}), Code::kNotFound,
               "of CA1: no such hold");
  rig.daemon.on("DELETE " + path, R"({"hold_id":"h"})");
  BOOST_TEST(rig.run({"release", "CA1", "--hold", kHoldId, "--reason", "x", "--json"}).out ==
             "{\"hold_id\":\"h\"}\n");
}

BOOST_AUTO_TEST_CASE(rm_needs_yes) {
  CliRig rig;
  const std::string path = in_workspace("recordings/CA1");
  check_failed(rig.run({"rm", "CA1", "--reason", "r"}), Code::kInvalid, "--yes");
  BOOST_TEST(rig.daemon.asked().empty());
  rig.daemon.on("DELETE " + path,
                {fake_answer(202, R"({"status":"condemned","recording_id":"rrr"})")});
  ProgramRun run = rig.run({"rm", "CA1", "--reason", "r", "--yes"});
  check_done(run);
  BOOST_TEST(run.out == "CA1: condemned (recording rrr)\n");
  BOOST_TEST((body_of(rig.daemon.only("DELETE", path)) == json::object{{"reason", "r"}}));
  run = rig.run({"rm", "CA1", "--reason", "r", "--yes", "--json"});
  BOOST_TEST(run.out == "{\"status\":\"condemned\",\"recording_id\":\"rrr\"}\n");
}

BOOST_AUTO_TEST_CASE(rm_of_a_held_recording_is_locked) {
  CliRig rig;
  rig.daemon.on("DELETE " + in_workspace("recordings/CA1"),
                {fake_problem(409, "legal-hold", "1 hold is in force: Doe")});
  check_failed(rig.run({"rm", "CA1", "--reason", "r", "--yes"}), Code::kLocked,
               "rm CA1: 1 hold is in force: Doe");
}

BOOST_AUTO_TEST_CASE(media_are_listed_and_labelled) {
  CliRig rig;
  const std::string list =
      R"({"items":[{"medium_id":"mmm","name":"warm-1","kind":"pack","tier":"warm",)"
      R"("path":"/srv/hdd","state":"offline","free_bytes":null,"total_bytes":null,)"
      R"("registered_at":"2026-11-21T03:36:00Z"}]})";
  rig.daemon.on("GET /v1/media", list);
  ProgramRun run = rig.run({"medium", "list"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "mmm") ==
             "mmm warm-1 pack warm offline - - 2026-11-21 03:36:00 /srv/hdd");
  BOOST_TEST(rig.run({"medium", "list", "--json"}).out == list + "\n");

  const std::vector<std::string> init = {"medium", "init",   "--kind", "vault",  "--tier",
                                         "cold",   "--name", "v1",     "--path", "/mnt/vault"};
  rig.daemon.on("POST /v1/media", {fake_answer(201, R"({"medium_id":"nnn"})")});
  run = rig.run(init);
  check_done(run);
  BOOST_TEST(run.out == "/mnt/vault: medium nnn, vault for cold\n");
  BOOST_TEST(
      (body_of(rig.daemon.only("POST", "/v1/media")) ==
       json::object{{"kind", "vault"}, {"tier", "cold"}, {"name", "v1"}, {"path", "/mnt/vault"}}));
  rig.daemon.on("POST /v1/media", {fake_problem(409, "conflict", "it carries a label")});
  check_failed(rig.run(init), Code::kConflict, "label /mnt/vault: it carries a label");
  check_failed(rig.run({"medium", "init", "--kind", "vault", "--tier", "cold", "--name", "v1",
                        "--path", "vault"}),
               Code::kInvalid, "absolute");
}

BOOST_AUTO_TEST_CASE(a_key_is_shown_once_and_alone) {
  CliRig rig;
  const std::string path = in_workspace("api-keys");
  const std::string body = R"({"api_key":"hf_secret","id":"kkk","scopes":["calls:read"],)"
                           R"("expires_at":"2027-02-19T00:00:00Z"})";
  rig.daemon.on("POST " + path, {fake_answer(201, body)});
  const ProgramRun run = rig.run({"key", "create", "--scopes", "calls:read,recordings:download",
                                  "--expires", "90d", "--name", "player"});
  BOOST_TEST(run.exit_code == 0);
  BOOST_TEST(run.out == "hf_secret\n");  // so that a script can take it
  BOOST_TEST(run.err ==
             "Key kkk: calls:read; it expires 2027-02-19 00:00:00 UTC. It is not shown again.\n");
  const json::object asked = body_of(rig.daemon.only("POST", path));
  BOOST_TEST((asked.at("scopes") == json::array{"calls:read", "recordings:download"}));
  BOOST_TEST(asked.at("name").as_string() == "player");
  BOOST_TEST(asked.at("expires_at").as_string().ends_with("Z"));
  BOOST_TEST(rig.run({"key", "create", "--scopes", "admin", "--json"}).out == body + "\n");
  BOOST_TEST((body_of(rig.daemon.asked().back()) == json::object{{"scopes", {"admin"}}}));
}

BOOST_AUTO_TEST_CASE(keys_are_listed_and_revoked) {
  CliRig rig;
  rig.daemon.on("GET " + in_workspace("api-keys"),
                R"({"items":[{"id":"kkk","name":null,"scopes":["calls:read","export"],)"
                R"("created_at":"2026-11-21T03:36:00Z","expires_at":null,"revoked_at":null}]})");
  ProgramRun run = rig.run({"key", "list"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "kkk") == "kkk - 2026-11-21 03:36:00 - - calls:read, export");
  rig.daemon.on("DELETE " + in_workspace("api-keys/kkk"), {fake_answer(204, "")});
  run = rig.run({"key", "revoke", "kkk"});
  check_done(run);
  BOOST_TEST(run.out == "kkk: revoked\n");
  check_failed(rig.run({"key", "revoke", "other"}), Code::kNotFound, "revoke key other");
  rig.daemon.on("GET /v1/operator/api-keys", R"({"items":[]})");
  rig.daemon.on("DELETE /v1/operator/api-keys/kkk", "{}");
  rig.daemon.on("POST /v1/operator/api-keys", R"({"api_key":"hf_s","id":"k","expires_at":null})");
  check_done(rig.run({"key", "list", "--operator"}));
  check_done(rig.run({"key", "revoke", "kkk", "--operator"}));
  run = rig.run({"key", "create", "--scopes", "admin", "--operator"});
  BOOST_TEST(run.out == "hf_s\n");
  BOOST_TEST(run.err == "Key k: -; it does not expire. It is not shown again.\n");
}

BOOST_AUTO_TEST_CASE(workspaces_are_added_and_listed) {
  CliRig rig;
  rig.daemon.on("POST /v1/workspaces", {fake_answer(201, "{}"), fake_answer(200, "{}")});
  ProgramRun run = rig.run({"workspace", "add", kWorkspace, "--slug", "acme"});
  check_done(run);
  BOOST_TEST(run.out == std::string(kWorkspace) + ": added\n");
  BOOST_TEST((body_of(rig.daemon.asked().back()) ==
              json::object{{"workspace_id", kWorkspace}, {"slug", "acme"}}));
  run = rig.run({"workspace", "add", kWorkspace});
  check_done(run);
  BOOST_TEST(run.out == std::string(kWorkspace) + ": exists already\n");
  check_done(rig.run({"workspace", "add"}));
  const json::object made = body_of(rig.daemon.asked().back());
  const std::string id(made.at("workspace_id").as_string());
  BOOST_TEST(id.size() == 36u);
  BOOST_TEST(id[14] == '4');  // a random UUID
  check_failed(rig.run({"workspace", "add", "acme"}), Code::kInvalid, "UUID");

  rig.daemon.on("GET /v1/workspaces",
                R"({"items":[{"workspace_id":"www","slug":"acme","recordings":2,"bytes":1024}]})");
  run = rig.run({"workspace", "list"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "www") == "www acme 2 1.0 KiB -");
}

BOOST_AUTO_TEST_CASE(mount_becomes_the_view) {
  // A copy of the program with a script beside it that shows what it was called with.
  CliRig rig;
  std::filesystem::copy_file(HOLDFAST_PROGRAM, rig.directory / "holdfast");
  rig.write("holdfast-fuse", "#!/bin/sh\necho \"$@\"\nexit 7\n");
  std::filesystem::permissions(rig.directory / "holdfast-fuse", std::filesystem::perms(0755));
  std::filesystem::create_directory(rig.directory / "mnt");
  const ProgramRun run =
      run_program({rig.directory / "holdfast", "mount", "mnt", "--config", "my.toml"}, {},
                  rig.directory.path());
  BOOST_TEST(run.exit_code == 7);
  BOOST_TEST(run.out == "mnt --config my.toml\n");
  BOOST_TEST(run_program({rig.directory / "holdfast", "mount", "mnt", "--foreground"}, {},
                         rig.directory.path())
                 .out == "mnt --config /etc/holdfast/holdfast.toml --foreground\n");
  check_failed(run_program({rig.directory / "holdfast", "mount", "none"}, {}, rig.directory.path()),
               Code::kNotFound, "mount none: no such directory");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
