// Connection, key, workspace, standard output: what all commands share.
#include "tests/cli/cli_rig.h"

namespace holdfast {

BOOST_AUTO_TEST_SUITE(session)

BOOST_AUTO_TEST_CASE(the_socket_comes_from_the_line_or_the_environment) {
  CliRig rig;
  rig.daemon.on("GET /v1/status", "{}");
  check_done(rig.run_bare({"status"}, {"HOLDFAST_SOCKET=" + rig.daemon.socket_path()}));
  check_done(
      rig.run_bare({"status", "--socket", rig.daemon.socket_path()}, {"HOLDFAST_SOCKET=/nowhere"}));
  check_done(rig.run_bare({"--socket", rig.daemon.socket_path(), "status"}, {}));
  BOOST_TEST(rig.daemon.asked().size() == 3u);
}

BOOST_AUTO_TEST_CASE(without_a_daemon_it_says_where_it_looked) {
  CliRig rig;
  check_failed(rig.run_bare({"status", "--socket", "/nowhere/admin.sock"}, {}), Code::kUnavailable,
               "connect to /nowhere/admin.sock: No such file or directory; is holdfastd running?");
}

BOOST_AUTO_TEST_CASE(a_url_needs_a_key_and_sends_it) {
  CliRig rig;
  rig.daemon.on("GET /v1/status", "{}");
  const std::string url = rig.daemon.url();
  check_failed(rig.run_bare({"status", "--url", url}, {}), Code::kUnauthenticated, "--key-file");
  rig.write("key", "from-file\n");
  check_done(rig.run_bare({"status", "--url", url}, {"HOLDFAST_KEY=from-environment"}));
  check_done(rig.run_bare({"status", "--url", url, "--key-file", "key"}, {"HOLDFAST_KEY=other"}));
  check_done(rig.run_bare({"status", "--url", url, "--key", "from-line"}, {"HOLDFAST_KEY=other"}));
  const auto asked = rig.daemon.asked();
  BOOST_REQUIRE(asked.size() == 3u);
  BOOST_TEST(asked[0].headers.at("authorization") == "Bearer from-environment");
  BOOST_TEST(asked[1].headers.at("authorization") == "Bearer from-file");
  BOOST_TEST(asked[2].headers.at("authorization") == "Bearer from-line");
  check_failed(rig.run_bare({"status", "--url", url, "--key-file", "none"}, {}), Code::kNotFound,
               "none");
  rig.write("empty", "\n");
  check_failed(rig.run_bare({"status", "--url", url, "--key-file", "empty"}, {}), Code::kInvalid,
               "first line");
}

BOOST_AUTO_TEST_CASE(a_key_goes_nowhere_in_clear_text) {
  CliRig rig;
  for (const char* url : {"http://archive.example:8480", "archive.example:8480",
                          "HTTP://192.0.2.1/", "http://localhost@archive.example",
                          "http://127.0.0.1.example", "http://[2001:db8::1]:8480"})
    check_failed(rig.run_bare({"status", "--url", url, "--key", "hf_secret"}, {}), Code::kInvalid,
                 "clear text");
  rig.daemon.on("GET /v1/status", "{}");
  std::string url = rig.daemon.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  check_done(rig.run_bare({"status", "--url", url, "--key", "hf_secret"}, {}));
  // Whoever says so may.
  url.replace(url.find("localhost"), 9, "0.0.0.0");
  const std::vector<std::string> line = {"status", "--url", url, "--key", "hf_secret"};
  check_failed(rig.run_bare(line, {}), Code::kInvalid, "--plaintext");
  check_done(rig.run_bare({"status", "--plaintext", "--url", url, "--key", "hf_secret"}, {}));
  BOOST_TEST(rig.daemon.asked().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_refused_key_is_told_and_never_shown) {
  CliRig rig;
  rig.daemon.on("GET /v1/status", {fake_problem(401, "unauthenticated", "this key is unknown")});
  const ProgramRun run =
      rig.run_bare({"status", "--url", rig.daemon.url(), "--key", "hf_secret"}, {});
  check_failed(run, Code::kUnauthenticated, "this key is unknown");
  BOOST_TEST((run.out + run.err).find("hf_secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_only_workspace_is_taken) {
  CliRig rig;
  const std::vector<std::string> environment = {"HOLDFAST_SOCKET=" + rig.daemon.socket_path()};
  rig.daemon.on("GET " + in_workspace("recordings"), R"({"items":[],"next_cursor":null})");
  const std::string only = std::string(R"({"items":[{"workspace_id":")") + kWorkspace + "\"}]}";
  rig.daemon.on("GET /v1/workspaces", only);
  check_done(rig.run_bare({"ls"}, environment));
  rig.daemon.on("GET /v1/workspaces", R"({"items":[]})");
  check_failed(rig.run_bare({"ls"}, environment), Code::kNotFound, "holdfast workspace add");
  rig.daemon.on("GET /v1/workspaces", R"({"items":[{"workspace_id":"a"},{"workspace_id":"b"}]})");
  check_failed(rig.run_bare({"ls"}, environment), Code::kInvalid, "there are: a, b");
  rig.daemon.on("GET /v1/workspaces", {fake_problem(403, "forbidden", "operators only")});
  check_failed(rig.run_bare({"ls"}, environment), Code::kForbidden,
               "no --workspace and no $HOLDFAST_WORKSPACE");
  check_failed(rig.run_bare({"ls", "--workspace", "acme"}, environment), Code::kInvalid,
               "expected a workspace's UUID");
}

BOOST_AUTO_TEST_CASE(standard_output_that_cannot_be_written_is_a_failure) {
  CliRig rig;
  rig.daemon.on("GET /v1/status", "{}");
  const ProgramRun run =
      run_program({HOLDFAST_PROGRAM, "status", "--json"},
                  {"HOLDFAST_SOCKET=" + rig.daemon.socket_path()}, "", "/dev/full");
  BOOST_TEST(run.exit_code == 1);
  BOOST_TEST(run.err == "holdfast: standard output could not be written\n");
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_json_is_refused) {
  CliRig rig;
  rig.daemon.on("GET /v1/status", "<html>");
  BOOST_TEST(rig.run({"status"}).exit_code == traits(Code::kInvalid).exit_code);
  rig.daemon.on("GET /v1/status", "[]");
  check_failed(rig.run({"status"}), Code::kIo, "not a JSON object");
}

BOOST_AUTO_TEST_CASE(what_a_problem_says_cannot_steer_the_terminal) {
  CliRig rig;
  rig.daemon.on("GET /v1/status", {fake_problem(503, "unavailable", "line\n\x1b[31mred")});
  check_failed(rig.run({"status"}), Code::kUnavailable, "line??[31mred");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
