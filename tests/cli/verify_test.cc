// verify: asks, waits, and tells what was found.
#include "base/json.h"
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

constexpr const char* kRecording = "k4xq2m7ab5cd3efg6hij7klm2q";
constexpr const char* kId = "p4xk2qv7m5n3t6w2y5z7a4b6ca";

std::string verification(const std::string& state, int bad) {
  const std::string verdict = bad > 0 ? "bad" : "sound";
  return std::string(R"({"verification_id":")") + kId + R"(","object":"recording x","state":")" +
         state + R"(","sound":)" + std::to_string(1 - bad) + R"(,"bad":)" + std::to_string(bad) +
         R"(,"unproven":0,"bytes":2048,"error":null,"findings":[{"object":"recording x part 1",)"
         R"("tier":"standard","medium_id":"mmm","verdict":")" +
         verdict + R"(","why":null}]})";
}

void script(CliRig& rig, int bad) {
  rig.daemon.on("GET " + in_workspace("recordings/CA1"),
                std::string(R"({"recording_id":")") + kRecording + "\"}");
  rig.daemon.on("POST /v1/verifications", {fake_answer(202, verification("queued", 0))});
  rig.daemon.on(
      "GET /v1/verifications/" + std::string(kId),
      {fake_answer(200, verification("running", 0)), fake_answer(200, verification("done", bad))});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(verify)

BOOST_AUTO_TEST_CASE(a_sound_recording_is_told_copy_by_copy) {
  CliRig rig;
  script(rig, 0);
  const ProgramRun run = rig.run({"verify", "CA1"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "recording x") == "recording x part 1 standard mmm sound -");
  BOOST_TEST(line_of(run.out, "1 sound") == "1 sound, 0 bad, 0 could not be read; 2.0 KiB read");
  BOOST_TEST((parse_json(rig.daemon.only("POST", "/v1/verifications").body)->as_object() ==
              json::object{{"recording_id", kRecording}}));
}

BOOST_AUTO_TEST_CASE(a_bad_copy_is_a_failure) {
  CliRig rig;
  script(rig, 1);
  const ProgramRun run = rig.run({"verify", "CA1"});
  check_failed(run, Code::kCorrupt, "verify: 1 bad copies");
}

BOOST_AUTO_TEST_CASE(one_object_is_named) {
  CliRig rig;
  check_failed(rig.run({"verify"}), Code::kInvalid, "give a CALL, or one of");
  check_failed(rig.run({"verify", "CA1", "--quarantined"}), Code::kInvalid, "give a CALL");
  BOOST_TEST(rig.daemon.asked().empty());
}

BOOST_AUTO_TEST_CASE(what_is_quarantined_is_listed) {
  CliRig rig;
  rig.daemon.on("GET /v1/quarantine",
                R"({"items":[{"quarantine_no":1,"object":"pack ppp","medium_id":"mmm",)"
                R"("tier":"warm","reason":"it differs","at":"2026-11-21T03:36:00Z","attempts":2,)"
                R"("error":"no other good copy"}]})");
  const ProgramRun run = rig.run({"verify", "--quarantined"});
  check_done(run);
  BOOST_TEST(line_of(run.out, "2026-11-21") ==
             "2026-11-21 03:36:00 pack ppp warm 2 it differs no other good copy");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
