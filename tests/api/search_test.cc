// GET /v1/{workspace}/recordings with words: found by what metadata.json says, in one workspace
// alone, and never told to the ledger.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <set>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

// A stored call whose metadata.json says `attributes` too.
CallFiles stored_with(const json::object& attributes) {
  CallFiles call = rig().write_call();
  json::object metadata = parse_json(call.contents.at("metadata.json"))->get_object();
  for (const json::key_value_pair& member : attributes) metadata[member.key()] = member.value();
  call.contents["metadata.json"] = canonical(metadata);
  std::ofstream(call.directory + "/metadata.json", std::ios::binary)
      << call.contents.at("metadata.json");
  BOOST_REQUIRE_EQUAL(rig().owner().send(upload_of(call)).status, 201);
  return call;
}

std::set<std::string> found(TestClient& client, const std::string& query,
                            const char* workspace = kWorkspace) {
  const json::object page =
      client.get_object("/v1/" + std::string(workspace) + "/recordings?" + query);
  std::set<std::string> calls;
  for (const json::value& item : page.at("items").get_array())
    calls.emplace(item.at("call_sid").get_string());
  return calls;
}

using Calls = std::set<std::string>;

BOOST_AUTO_TEST_CASE(calls_are_found_by_their_attributes) {
  const std::string agent = "0b7c2d7e-1111-4222-8333-444455556666";
  const CallFiles one = stored_with({{"from", "+49 (30) 901-820"},
                                     {"to", "sip:desk@example.org"},
                                     {"tags", json::array{"Überweisung", "urgent"}},
                                     {"consent", true},
                                     {"service_id", agent},
                                     {"crm", json::object{{"ticket", 4711}, {"note", "zebra"}}}});
  const CallFiles two = stored_with({{"from", "4930901820"}, {"consent", false}});
  TestClient& owner = rig().owner();
  const Calls first{one.call_sid};
  const Calls both{one.call_sid, two.call_sid};
  BOOST_TEST((found(owner, "q=zebra") == first));
  BOOST_TEST((found(owner, "q=zeb*%204711") == first));
  BOOST_TEST((found(owner, "q=zeb") == Calls{}));
  BOOST_TEST((found(owner, "q=" + two.call_sid) == Calls{two.call_sid}));
  BOOST_TEST((found(owner, "tag=uberweisung") == first));
  BOOST_TEST((found(owner, "from_number=%2B49%2030%20901820") == both));
  BOOST_TEST((found(owner, "from_number=4930901820&consent=true") == first));
  BOOST_TEST((found(owner, "to_number=sip:desk@example.org") == first));
  BOOST_TEST((found(owner, "agent=" + agent) == first));
  BOOST_TEST((found(owner, "q=zebra&tier=cold") == Calls{}));
  BOOST_TEST((found(owner, "q=zebra&held=false&direction=inbound") == first));
  // Not by another workspace, though it asks for the same.
  BOOST_TEST((found(rig().neighbour(), "q=zebra", kNeighbour) == Calls{}));
}

BOOST_AUTO_TEST_CASE(a_search_that_cannot_be_asked_is_422) {
  for (const char* query : {"q=%22", "q=one%20--", "tag=", "tag=%2C", "agent=me"})
    BOOST_TEST(
        rig().owner().get("/v1/" + std::string(kWorkspace) + "/recordings?" + query).status == 422,
        query);
}

BOOST_AUTO_TEST_CASE(the_ledger_is_not_told_what_was_searched) {
  (void)found(rig().owner(), "q=giraffe&from_number=%2B4930555&tier=warm");
  const json::object page = rig().admin().get_object("/v1/audit?chain=access&limit=20");
  const std::string lines = canonical(page);
  BOOST_TEST(lines.find("\"searched\":[\"q\",\"from_number\"]") != std::string::npos, lines);
  BOOST_TEST(lines.find("giraffe") == std::string::npos);
  BOOST_TEST(lines.find("4930555") == std::string::npos);
}

}  // namespace
}  // namespace holdfast::testing
