// Relabels: who may decide what, and what everybody is told afterwards.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

constexpr char kAgent[] = "0191e1f0-7b1a-7cc3-8f00-1234567890ab";

HttpResponse patch(TestClient& client, const std::string& path, const json::object& body) {
  HttpRequest request;
  request.method = "PATCH";
  request.path = path;
  request.body = canonical(body);
  request.headers.push_back({"content-type", "application/json"});
  return client.send(request);
}

// The same call, asked for in the other workspace.
CallFiles at_neighbour(CallFiles call) {
  call.workspace = kNeighbour;
  return call;
}

size_t found(TestClient& client, std::string_view workspace, const std::string& query) {
  return client.get_object("/v1/" + std::string(workspace) + "/recordings?" + query)
      .at("items")
      .get_array()
      .size();
}

BOOST_AUTO_TEST_CASE(agent_and_attributes_are_put_right) {
  const CallFiles call = rig().stored();
  const std::string word = "w" + call.call_sid.substr(2, 12);
  const json::object wish{{"service_id", kAgent},
                          {"attributes", json::object{{"campaign", word}, {"from", "+49 30 5"}}},
                          {"reason", "wrong queue"}};
  const HttpResponse answer = patch(rig().owner(), path_of_call(call), wish);
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(member(answer, "status") == "relabelled");
  BOOST_TEST(member(answer, "service_id") == kAgent);
  BOOST_TEST(member(patch(rig().owner(), path_of_call(call), wish), "status") == "unchanged");

  const json::object metadata = rig().owner().get_object(path_of_call(call, "/metadata"));
  BOOST_TEST(metadata.at("service_id").get_string() == kAgent);
  BOOST_TEST(metadata.at("attributes").at("campaign").get_string() == word);
  // The platform's own bytes stay.
  BOOST_TEST((rig().owner().get(path_of_call(call, "/download/metadata.json")).body ==
              call.contents.at("metadata.json")));
  BOOST_TEST(found(rig().owner(), kWorkspace, "q=" + word) == 1U);
  BOOST_TEST(found(rig().owner(), kWorkspace, "q=spring%20" + call.call_sid) == 0U);
  BOOST_TEST(found(rig().owner(), kWorkspace,
                   "agent=" + std::string(kAgent) + "&q=" + call.call_sid) == 1U);

  const json::object view = rig().owner().get_object(path_of_call(call));
  BOOST_TEST(view.at("service_id").get_string() == kAgent);
  const json::array& relabels = view.at("relabels").get_array();
  BOOST_TEST_REQUIRE(relabels.size() == 1U);
  BOOST_TEST(relabels[0].at("reason").get_string() == "wrong queue");
  BOOST_TEST(relabels[0].at("by").get_string().starts_with("key:"));
  BOOST_TEST(relabels[0].at("attributes").at("campaign").get_string() == word);
  BOOST_TEST(!relabels[0].at("moved").as_bool());
  BOOST_TEST(rig().count("decisions", call, "recording.relabelled") == 1);
  for (const json::object& line : rig().lines("decisions", call))
    BOOST_TEST(canonical(line).find(word) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(scopes_and_bodies_are_checked) {
  const CallFiles call = rig().stored();
  const std::string path = path_of_call(call);
  const json::object agent{{"service_id", kAgent}, {"reason", "x"}};
  TestClient reader = rig().with_key(rig().make_key({"calls:read", "recordings:download"}).text);
  BOOST_TEST(patch(reader, path, agent).status == 403);
  BOOST_TEST(patch(rig().neighbour(), path, agent).status == 404);
  TestClient stranger = rig().stranger();
  BOOST_TEST(patch(stranger, path, agent).status == 401);
  // Moving is an operator's: a tenant's own key may not, whatever its scopes.
  const json::object move{{"workspace_id", kNeighbour}, {"reason", "x"}};
  BOOST_TEST(patch(rig().owner(), path, move).status == 403);
  BOOST_TEST(patch(rig().owner(), path_of_call(call) + "x", agent).status == 404);
  const json::object wrong[] = {
      {{"service_id", kAgent}},
      {{"service_id", kAgent}, {"reason", ""}},
      {{"service_id", "nobody"}, {"reason", "x"}},
      {{"service_id", 5}, {"reason", "x"}},
      {{"reason", "x"}},
      {{"attributes", json::array{1}}, {"reason", "x"}},
      {{"attributes", nullptr}, {"reason", "x"}},
      {{"attributes", json::object{{"call_sid", "CA2"}}}, {"reason", "x"}},
      {{"call_sid", "CA2"}, {"reason", "x"}},
      {{"workspace_id", "nowhere"}, {"reason", "x"}},
      {{"workspace_id", "00000000-0000-4000-8000-000000000001"}, {"reason", "x"}},
  };
  for (const json::object& body : wrong)
    BOOST_TEST(patch(rig().admin(), path, body).status == 422, canonical(body));
  BOOST_TEST(rig().count("decisions", call, "recording.relabelled") == 0);
}

BOOST_AUTO_TEST_CASE(a_recording_is_moved_to_its_right_tenant) {
  const CallFiles call = rig().stored();
  const CallFiles moved = at_neighbour(call);
  const HttpResponse held = rig().owner().post(
      path_of_call(call, "/holds"), json::object{{"matter", "Doe"}, {"reason", "counsel"}});
  BOOST_TEST(held.status == 201);
  TestClient browser = rig().stranger();
  const std::string link =
      target_of(std::string(rig()
                                .owner()
                                .get_object(path_of_call(call, "/urls?expires_in=3600"))
                                .at("inbound_url")
                                .get_string()));
  BOOST_TEST(browser.get(link).status == 200);
  const json::object feed = TestClient(by_socket(rig().daemon().mount_socket()))
                                .get_object("/mount/changes?since=0&wait=0");

  const HttpResponse answer =
      patch(rig().admin(), path_of_call(call),
            {{"workspace_id", kNeighbour}, {"reason", "set up under the wrong tenant"}});
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(member(answer, "workspace_id") == kNeighbour);

  // Where it was there is nothing any more, and nothing of it is taken.
  BOOST_TEST(rig().owner().get(path_of_call(call)).status == 404);
  BOOST_TEST(browser.get(link).status == 404);
  const HttpResponse retry = rig().owner().send(upload_of(call));
  BOOST_TEST(retry.status == 409);
  BOOST_TEST(problem_of(retry) == "relabelled");
  BOOST_TEST(found(rig().owner(), kWorkspace, "q=" + call.call_sid) == 0U);

  // Where it is now it is whole, with its history and its hold.
  BOOST_TEST(found(rig().neighbour(), kNeighbour, "q=" + call.call_sid) == 1U);
  for (const auto& [name, bytes] : call.contents)
    BOOST_TEST((rig().neighbour().get(path_of_call(moved, "/download/" + name)).body == bytes));
  const json::object view = rig().neighbour().get_object(path_of_call(moved));
  BOOST_TEST(view.at("workspace_id").get_string() == kNeighbour);
  BOOST_TEST(view.at("holds").get_array().size() == 1U);
  BOOST_TEST(view.at("relabels").at(0).at("moved").as_bool());
  // It protects here, too; whose words they are they stay.
  const std::string holds = path_of_call(moved, "/holds");
  for (const std::string& path : {holds, "/v1/" + std::string(kNeighbour) + "/holds"}) {
    const std::string shown = rig().neighbour().get(path).body;
    BOOST_TEST(shown.find(member(held, "hold_id")) != std::string::npos, shown);
    BOOST_TEST(shown.find("Doe") == std::string::npos, shown);
    BOOST_TEST(shown.find("counsel") == std::string::npos, shown);
  }
  BOOST_TEST(view.at("holds").at(0).at("matter").is_null());
  BOOST_TEST(rig().admin().get_object(holds).at("items").at(0).at("matter").get_string() == "Doe");
  BOOST_TEST(rig().neighbour().remove(holds + "/" + member(held, "hold_id")).status == 403);
  BOOST_TEST(rig().neighbour().remove(path_of_call(moved)).status == 409);
  BOOST_TEST(!view.at("relabels").at(0).as_object().contains("from_workspace_id"));
  BOOST_TEST(rig()
                 .admin()
                 .get_object(path_of_call(moved))
                 .at("relabels")
                 .at(0)
                 .at("from_workspace_id")
                 .get_string() == kWorkspace);
  BOOST_TEST(rig()
                 .neighbour()
                 .get_object(path_of_call(moved, "/metadata"))
                 .at("workspace_id")
                 .get_string() == kNeighbour);
  BOOST_TEST(problem_of(rig().neighbour().remove(path_of_call(moved))) == "legal-hold");
  const json::object urls = rig().neighbour().get_object(path_of_call(moved, "/urls"));
  BOOST_TEST(browser.get(target_of(std::string(urls.at("inbound_url").get_string()))).status ==
             200);
  BOOST_TEST(rig().count("decisions", moved, "recording.relabelled") == 1);
  BOOST_TEST(rig().count("decisions", moved, "recording.ingested") == 1);

  // The mount hears that it left one place and is in another.
  const json::object news =
      TestClient(by_socket(rig().daemon().mount_socket()))
          .get_object("/mount/changes?wait=0&since=" + std::to_string(feed.at("seq").as_int64()));
  std::vector<std::string> kinds;
  for (const json::value& change : news.at("changes").get_array())
    if (change.at("call_sid").get_string() == call.call_sid)
      kinds.push_back(std::string(change.at("workspace").get_string()) + " " +
                      std::string(change.at("kind").get_string()));
  BOOST_TEST((kinds == std::vector<std::string>{std::string(kWorkspace) + " removed",
                                                std::string(kNeighbour) + " added"}));
}

BOOST_AUTO_TEST_CASE(a_restore_goes_along) {
  const CallFiles call = rig().on_tier("warm");
  const CallFiles moved = at_neighbour(call);
  TestClient asking = rig().with_key(
      rig().make_key({"calls:read", "recordings:restore", "recordings:download"}).text);
  const HttpResponse asked = asking.post(path_of_call(call, "/restore"), json::object());
  BOOST_TEST(asked.status == 202);
  const std::string restore = "/restores/" + member(asked, "restore_id");
  BOOST_TEST(patch(rig().admin(), path_of_call(call),
                   {{"workspace_id", kNeighbour}, {"reason", "wrong tenant"}})
                 .status == 200);
  BOOST_TEST(rig().owner().get("/v1/" + std::string(kWorkspace) + restore).status == 404);
  BOOST_TEST(eventually([&] {
    return member(rig().neighbour().get("/v1/" + std::string(kNeighbour) + restore), "state") ==
           "staged";
  }));
  BOOST_TEST((rig().neighbour().get(path_of_call(moved, "/download/inbound.ulaw")).body ==
              call.contents.at("inbound.ulaw")));
}

BOOST_AUTO_TEST_CASE(what_stands_in_the_way_of_a_move_is_a_conflict) {
  const CallFiles call = rig().stored();
  HttpRequest same_call = upload_of(call);
  same_call.path = "/v1/" + std::string(kNeighbour) + "/recordings";
  std::erase_if(same_call.form_files,
                [](const auto& file) { return file.file_name == "metadata.json"; });
  same_call.form_fields.emplace_back("call_sid", call.call_sid);
  BOOST_TEST(rig().neighbour().send(same_call).status == 201);
  const json::object move{{"workspace_id", kNeighbour}, {"reason", "wrong tenant"}};
  BOOST_TEST(problem_of(patch(rig().admin(), path_of_call(call), move)) == "conflict");
  BOOST_TEST(rig().neighbour().remove(path_of_call(at_neighbour(call))).status == 202);
  BOOST_TEST(eventually(
      [&] { return problem_of(patch(rig().admin(), path_of_call(call), move)) == "erased"; }));
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 202);
  const HttpResponse late =
      patch(rig().owner(), path_of_call(call), {{"service_id", kAgent}, {"reason", "too late"}});
  BOOST_TEST((late.status == 409 || late.status == 404));  // condemned, destroying or gone
}

}  // namespace
}  // namespace holdfast::testing
