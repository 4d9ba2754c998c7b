// Verifications through the API, and how a bad copy is told.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

json::object verified(const json::object& body) {
  const HttpResponse asked = rig().admin().post("/v1/verifications", body);
  BOOST_TEST_REQUIRE(asked.status == 202, asked.body);
  const std::string path = "/v1/verifications/" + member(asked, "verification_id");
  BOOST_TEST_REQUIRE(eventually(
      [&] { return rig().admin().get_object(path).at("state").get_string() == "done"; }));
  return rig().admin().get_object(path);
}

BOOST_AUTO_TEST_CASE(a_recording_is_verified_and_each_copy_told) {
  const CallFiles call = rig().stored();
  const json::object done = verified({{"recording_id", rig().recording_id(call)}});
  BOOST_TEST(done.at("bad").as_int64() == 0);
  BOOST_TEST(done.at("findings").as_array().size() >= 1U);
  const std::string list = rig().admin().get("/v1/verifications").body;
  BOOST_TEST(list.find(done.at("verification_id").get_string().c_str()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_not_verified) {
  const auto status = [](const json::object& body) {
    return rig().admin().post("/v1/verifications", body).status;
  };
  const std::string nobody = rig().random().id<RecordingId>().text();
  BOOST_TEST(status({{"recording_id", nobody}}) == 404);
  BOOST_TEST(status({{"pack_id", nobody}}) == 404);
  BOOST_TEST(status({{"medium_id", nobody}}) == 404);
  BOOST_TEST(status({}) == 422);
  BOOST_TEST(status({{"pack_id", nobody}, {"medium_id", nobody}}) == 422);
  BOOST_TEST(status({{"pack_id", "short"}}) == 422);
  BOOST_TEST(rig().admin().get("/v1/verifications/" + nobody).status == 404);
}

BOOST_AUTO_TEST_CASE(status_tells_since_when_all_was_read) {
  (void)rig().on_tier("warm");
  const json::object status = rig().admin().get_object("/v1/status");
  for (const json::value& tier : status.at("tiers").get_array()) {
    BOOST_TEST(tier.get_object().contains("oldest_unverified_at"));
    BOOST_TEST(tier.at("scrub").at("bad").as_int64() == 0);
    if (tier.at("tier").get_string() == "warm")
      BOOST_TEST(tier.at("oldest_unverified_at").is_string());
  }
}

}  // namespace
}  // namespace holdfast::testing
