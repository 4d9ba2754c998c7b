// Holds and deletions meet.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

const json::object kHold{{"matter", "Smith v. Jones"}, {"reason", "asked for by counsel"}};

BOOST_AUTO_TEST_CASE(what_is_held_is_not_deleted) {
  const CallFiles call = rig().stored();
  const HttpResponse hold = rig().owner().post(path_of_call(call, "/holds"), kHold);
  BOOST_TEST(hold.status == 201);
  const HttpResponse refused = rig().owner().remove(path_of_call(call));
  BOOST_TEST(refused.status == 409);
  BOOST_TEST(problem_of(refused) == "legal-hold");
  BOOST_TEST(rig().admin().remove(path_of_call(call)).status == 409);

  const std::string one = path_of_call(call, "/holds/" + member(hold, "hold_id"));
  BOOST_TEST(rig().owner().remove(one).status == 200);
  const json::object list = rig().owner().get_object(path_of_call(call, "/holds"));
  BOOST_TEST(list.at("items").get_array().size() == 1U);
  BOOST_TEST(!list.at("items").at(0).at("released_at").is_null());
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 202);
}

BOOST_AUTO_TEST_CASE(what_is_destroyed_leaves_a_tombstone) {
  const CallFiles call = rig().stored();
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 202);
  BOOST_TEST(eventually([&] { return rig().owner().get(path_of_call(call)).status == 404; }));
  const HttpResponse again = rig().owner().send(upload_of(call));
  BOOST_TEST(again.status == 409);
  BOOST_TEST(problem_of(again) == "erased");
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 404);
}

// In a pack the bytes wait for its rewriting, which the pause holds up; nobody reads them any more.
BOOST_AUTO_TEST_CASE(a_hold_comes_too_late_once_destruction_began) {
  const CallFiles call = rig().on_tier("warm");
  const json::object pause{{"tier", "warm"}, {"reason", "a disk is swapped"}};
  BOOST_TEST_REQUIRE(rig().admin().post("/v1/moves/pause", pause).status == 200);
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 202);
  BOOST_TEST(eventually([&] {
    return rig().owner().get(path_of_call(call, "/download/inbound.ulaw")).status == 404;
  }));
  const HttpResponse hold = rig().owner().post(path_of_call(call, "/holds"), kHold);
  BOOST_TEST(hold.status == 409);
  BOOST_TEST(problem_of(hold) == "already-destroyed");
  BOOST_TEST(problem_of(rig().owner().send(upload_of(call))) == "erased");
  BOOST_TEST(rig().admin().post("/v1/moves/resume", json::object{{"tier", "warm"}}).status == 200);
}

}  // namespace
}  // namespace holdfast::testing
