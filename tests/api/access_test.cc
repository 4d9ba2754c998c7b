// Who may do what: the order of answers, credentials, scopes, workspaces.
#include <boost/test/unit_test.hpp>
#include <set>

#include "base/clock.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

std::string in_workspace(const std::string& rest) {
  return "/v1/" + std::string(kWorkspace) + rest;
}

// Each request has every mistake that comes later in the order as well.
BOOST_AUTO_TEST_CASE(answers_come_in_the_order_of_the_contract) {
  const CallFiles call = rig().stored();
  TestClient stranger = rig().stranger();
  TestClient only_list = rig().with_key(rig().make_key({"calls:read"}).text);
  const std::string bad_sid = in_workspace("/recordings/no%20sid/download/.bad");
  BOOST_TEST(rig().owner().get(bad_sid + "?sig=x").status == 400);
  BOOST_TEST(problem_of(rig().owner().get(bad_sid + "?sig=x")) == "two-credentials");
  BOOST_TEST(stranger.get(bad_sid).status == 401);
  BOOST_TEST(only_list.get(bad_sid).status == 422);
  BOOST_TEST(
      only_list.get(in_workspace("/recordings/" + std::string(kUnknownSid) + "/download/.bad"))
          .status == 403);
  TestClient& owner = rig().owner();
  const std::string unknown = in_workspace("/recordings/" + std::string(kUnknownSid));
  BOOST_TEST(owner.get(unknown + "/download/.bad").status == 404);
  BOOST_TEST(owner.get(path_of_call(call, "/download/.bad")).status == 400);
  BOOST_TEST(owner.get(path_of_call(call, "/download/a%2Fb")).status == 400);
  BOOST_TEST(owner.get(path_of_call(call, "/download/no.wav")).status == 404);
}

BOOST_AUTO_TEST_CASE(malformed_ids_are_told_in_the_platforms_shape) {
  const HttpResponse answer = rig().owner().get("/v1/not-a-uuid/recordings/CA1/urls");
  BOOST_TEST(answer.status == 422);
  const json::value body = *answer.parsed();
  const json::object& first = body.at("detail").at(0).get_object();
  BOOST_TEST(canonical(first.at("loc")) == "[\"path\",\"workspace_id\"]");
  BOOST_TEST(!first.at("msg").get_string().empty());
  BOOST_TEST(!first.at("type").get_string().empty());
}

BOOST_AUTO_TEST_CASE(another_workspaces_recording_does_not_exist) {
  const std::string listing = "/v1/" + std::string(kNeighbour) + "/recordings";
  const json::value before = rig().neighbour().get_object(listing).at("items");
  const CallFiles call = rig().stored();
  for (const char* rest : {"", "/urls", "/metadata", "/download/inbound.ulaw", "/holds"}) {
    // With the owner's workspace in the path, and with one's own.
    BOOST_TEST(rig().neighbour().get(path_of_call(call, rest)).status == 404);
    BOOST_TEST(rig()
                   .neighbour()
                   .get("/v1/" + std::string(kNeighbour) + "/recordings/" + call.call_sid + rest)
                   .status == 404);
  }
  BOOST_TEST(rig().neighbour().remove(path_of_call(call)).status == 404);
  BOOST_TEST(rig().neighbour().get(in_workspace("/recordings")).status == 404);
  BOOST_TEST(rig().neighbour().get(in_workspace("/restores")).status == 404);
  // Other tests may have given it some.
  BOOST_TEST((rig().neighbour().get_object(listing).at("items") == before));
}

BOOST_AUTO_TEST_CASE(each_scope_opens_its_own_doors_only) {
  const CallFiles call = rig().stored();
  struct Door {
    const char* scope;
    const char* method;
    std::string path;
    int open;  // the answer with the scope
  };
  const Door doors[] = {
      {"calls:read", "GET", in_workspace("/recordings"), 200},
      {"calls:read", "GET", path_of_call(call, "/urls"), 200},
      {"recordings:download", "GET", path_of_call(call, "/download/inbound.ulaw"), 200},
      {"recordings:write", "POST", in_workspace("/recordings"), 422},
      {"recordings:restore", "POST", path_of_call(call, "/restore"), 200},
      {"holds:place", "POST", path_of_call(call, "/holds"), 422},
      {"holds:release", "DELETE", path_of_call(call, "/holds/" + std::string(26, 'a')), 404},
      {"recordings:delete", "DELETE", in_workspace("/recordings/" + std::string(kUnknownSid)), 404},
      {"admin", "GET", in_workspace("/api-keys"), 200}};
  for (const Door& own : doors) {
    TestClient client = rig().with_key(rig().make_key({own.scope}).text);
    for (const Door& door : doors) {
      HttpRequest request;
      request.method = door.method;
      request.path = door.path;
      const int expected = std::string_view(own.scope) == door.scope ? door.open : 403;
      BOOST_TEST(client.send(request).status == expected,
                 own.scope << " at " << door.method << " " << door.path);
    }
    for (const char* path : {"/v1/status", "/v1/moves", "/v1/media", "/v1/audit", "/v1/workspaces"})
      BOOST_TEST(client.get(path).status == 403, own.scope << " at " << path);
  }
}

BOOST_AUTO_TEST_CASE(expired_revoked_and_unknown_keys_are_401) {
  const std::string path = in_workspace("/recordings");
  const auto short_lived =
      rig().make_key({"calls:read"}, kWorkspace, SystemClock().now() + Millis(1500));
  TestClient expiring = rig().with_key(short_lived.text);
  BOOST_TEST(expiring.get(path).status == 200);
  BOOST_TEST(eventually([&] { return expiring.get(path).status == 401; }));

  const auto key = rig().make_key({"calls:read"});
  TestClient client = rig().with_key(key.text);
  BOOST_TEST(client.get(path).status == 200);
  BOOST_TEST(rig().admin().remove(in_workspace("/api-keys/" + key.id)).status == 200);
  const HttpResponse refused = client.get(path);
  BOOST_TEST(refused.status == 401);
  BOOST_TEST(refused.header("www-authenticate").value_or("") == "Bearer");
  BOOST_TEST(rig().with_key("hf_" + std::string(43, 'A')).get(path).status == 401);
}

BOOST_AUTO_TEST_CASE(keys_are_shown_once_and_give_no_more_than_they_have) {
  const auto key = rig().make_key({"admin", "calls:read"});
  const HttpResponse list = rig().admin().get(in_workspace("/api-keys"));
  BOOST_TEST(list.body.find(key.id) != std::string::npos);
  BOOST_TEST(list.body.find(key.text) == std::string::npos);
  TestClient client = rig().with_key(key.text);
  const std::string path = in_workspace("/api-keys");
  BOOST_TEST(client.post(path, json::object{{"scopes", json::array{"calls:read"}}}).status == 201);
  BOOST_TEST(client.post(path, json::object{{"scopes", json::array{"recordings:delete"}}}).status ==
             403);
}

BOOST_AUTO_TEST_CASE(an_operators_key_belongs_to_no_workspace) {
  const HttpResponse made = rig().admin().post(
      "/v1/operator/api-keys", json::object{{"scopes", json::array{"admin", "calls:read"}}});
  BOOST_TEST(made.status == 201, made.body);
  TestClient client = rig().with_key(member(made, "api_key"));
  BOOST_TEST(client.get("/v1/status").status == 200);
  BOOST_TEST(client.get(in_workspace("/recordings")).status == 200);
  BOOST_TEST(client.get("/v1/audit").status == 403);
  BOOST_TEST(rig().admin().get("/v1/operator/api-keys").body.find(member(made, "id")) !=
             std::string::npos);
  BOOST_TEST(rig().admin().remove("/v1/operator/api-keys/" + member(made, "id")).status == 200);
  BOOST_TEST(client.get("/v1/status").status == 401);
  BOOST_TEST(rig().owner().get("/v1/operator/api-keys").status == 403);
}

BOOST_AUTO_TEST_CASE(malformed_bodies_and_parameters_are_422) {
  const CallFiles call = rig().stored();
  HttpRequest request;
  request.method = "POST";
  request.path = path_of_call(call, "/holds");
  for (const char* body : {"{", "[]", "7", "{\"matter\":7}", "{\"matter\":\"\"}",
                           "{\"matter\":\"a\",\"matter\":\"b\"}", "{\"reason\":\"x\"}"}) {
    request.body = body;
    BOOST_TEST(rig().owner().send(request).status == 422, body);
  }
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "tier=hot", "from=yesterday",
                            "held=maybe", "cursor=%2B%2B", "limit=1&limit=2"})
    BOOST_TEST(rig().owner().get(in_workspace("/recordings?" + std::string(query))).status == 422,
               query);
  const json::object no_scope{{"scopes", json::array{"everything"}}};
  BOOST_TEST(rig().admin().post(in_workspace("/api-keys"), no_scope).status == 422);
  BOOST_TEST(
      rig().owner().post(path_of_call(call, "/restore"), json::object{{"tier", "now"}}).status ==
      422);
  BOOST_TEST(rig().admin().get("/v1/plan?at=never").status == 422);
}

BOOST_AUTO_TEST_CASE(pages_of_a_listing_neither_repeat_nor_skip) {
  std::set<std::string> before;
  for (int i = 0; i < 7; ++i) before.insert(rig().stored(minutes(i)).call_sid);
  std::set<std::string> seen;
  std::string cursor;
  do {
    const json::object page = rig().owner().get_object(in_workspace("/recordings?limit=2") +
                                                       (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json::value& item : page.at("items").get_array())
      BOOST_TEST(seen.insert(std::string(item.at("call_sid").get_string())).second);
    (void)rig().stored();  // a newer one meanwhile moves no page
    cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor").get_string().c_str();
  } while (!cursor.empty());
  for (const std::string& call_sid : before) BOOST_TEST(seen.contains(call_sid));
}

}  // namespace
}  // namespace holdfast::testing
