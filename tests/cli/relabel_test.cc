// relabel: what is asked of the daemon, and what is refused before it is asked.
#include "base/json.h"
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

const std::string kCall = in_workspace("recordings/CA1");

FakeAnswer relabelled() {
  return fake_answer(200, R"({"call_sid":"CA1","recording_id":"rrr","workspace_id":"www",)"
                          R"("service_id":null,"status":"relabelled"})");
}

BOOST_AUTO_TEST_SUITE(relabel)

BOOST_AUTO_TEST_CASE(it_says_what_is_wrong_and_why) {
  CliRig rig;
  rig.daemon.on("PATCH " + kCall, {relabelled()});
  const ProgramRun run =
      rig.run({"relabel",  "--set",          "consent=false",
               "--set",    "to=+4930",       "CA1",
               "--set",    "tags=[\"vip\"]", "--set",
               "note=a=b", "--set",          "number=5",
               "--unset",  "campaign",       "--agent",
               "none",     "--to-workspace", "0191e1f0-7b1a-7cc3-8f00-1234567890ab",
               "--reason", "wrong queue"});
  check_done(run);
  BOOST_TEST(run.out == "CA1: relabelled, recording rrr of workspace www\n");
  BOOST_TEST(rig.daemon.only("PATCH", kCall).body ==
             R"({"attributes":{"campaign":null,"consent":false,"note":"a=b","number":"5",)"
             R"("tags":["vip"],"to":"+4930"},"reason":"wrong queue","service_id":null,)"
             R"("workspace_id":"0191e1f0-7b1a-7cc3-8f00-1234567890ab"})");
}

BOOST_AUTO_TEST_CASE(what_says_nothing_is_not_sent) {
  CliRig rig;
  check_failed(rig.run({"relabel", "CA1", "--agent", "none"}), Code::kInvalid, "--reason");
  check_failed(rig.run({"relabel", "CA1", "--reason", "x"}), Code::kInvalid, "--agent");
  check_failed(rig.run({"relabel", "CA1", "--reason", "x", "--set", "=5"}), Code::kInvalid,
               "KEY=VALUE");
  check_failed(rig.run({"relabel", "CA1", "--reason", "x", "--set", "a=5", "--unset", "a"}),
               Code::kInvalid, "both set and unset");
  BOOST_TEST(rig.daemon.asked().empty());
  rig.daemon.on("PATCH " + kCall, {fake_problem(409, "conflict", "it is condemned")});
  check_failed(rig.run({"relabel", "CA1", "--agent", "none", "--reason", "x"}), Code::kConflict,
               "relabel CA1: ");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
