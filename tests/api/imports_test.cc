// Imports over HTTP: begun, told of, looked on, over; and what a workspace keeps.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

const std::string kImports = "/v1/" + std::string(kWorkspace) + "/imports";

HttpResponse change(TestClient& client, const std::string& id, const json::object& body) {
  HttpRequest request;
  request.method = "PATCH";
  request.path = kImports + "/" + id;
  request.body = canonical(body);
  return client.send(request);
}

BOOST_AUTO_TEST_SUITE(imports)

BOOST_AUTO_TEST_CASE(an_import_is_told_of_and_looked_on) {
  const HttpResponse begun =
      rig().owner().post(kImports, json::object{{"label", "old"}, {"source", "mark"}});
  BOOST_TEST_REQUIRE(begun.status == 201, begun.body);
  const std::string id = member(begun, "import_id");
  BOOST_TEST(rig().neighbour().get(kImports + "/" + id).status == 404);
  const json::object progress{{"calls_total", 9}, {"calls_stored", 2}, {"cursor", "a/c1"}};
  BOOST_TEST(change(rig().owner(), id, progress).status == 200);
  const json::object now = rig().owner().get_object(kImports + "/" + id);
  BOOST_TEST(now.at("calls_stored").as_int64() == 2);
  BOOST_TEST(now.at("cursor").get_string() == "a/c1");
  BOOST_TEST(change(rig().owner(), id, {{"calls_stored", 1}}).status == 422);
  BOOST_TEST(change(rig().owner(), id, {{"state", "asleep"}}).status == 422);
  BOOST_TEST(change(rig().owner(), id, {{"state", "finished"}}).status == 200);
  BOOST_TEST(change(rig().owner(), id, {{"calls_stored", 3}}).status == 409);
  // The last state ends the stream; who has it is told that there is nothing more.
  const HttpResponse events = rig().owner().get(kImports + "/" + id + "/events");
  BOOST_TEST(events.header("content-type").value_or("") == "text/event-stream");
  BOOST_TEST(events.body.starts_with("event: state\nid: finished\ndata: {"), events.body);
  BOOST_TEST(
      rig().owner().get(kImports + "/" + id + "/events", {{"Last-Event-ID", "finished"}}).status ==
      204);
  const json::object page = rig().owner().get_object(kImports + "?state=finished&limit=1");
  BOOST_TEST(page.at("items").get_array().size() == 1U);
}

BOOST_AUTO_TEST_CASE(usage_tells_what_a_workspace_keeps) {
  const std::string path = "/v1/" + std::string(kWorkspace) + "/usage";
  json::object usage;
  // What other tests have destroyed may leave in between: then once more.
  const auto grows_by_the_call = [&] {
    const int64_t before = rig().owner().get_object(path).at("bytes").as_int64();
    const CallFiles call = rig().stored();
    int64_t bytes = 0;
    for (const auto& [name, content] : call.contents) bytes += static_cast<int64_t>(content.size());
    usage = rig().owner().get_object(path);
    return usage.at("bytes").as_int64() == before + bytes;
  };
  BOOST_TEST(eventually(grows_by_the_call, seconds(30)));
  BOOST_TEST(usage.at("quota_bytes").is_null());
  BOOST_TEST(rig().neighbour().get(path).status == 404);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
