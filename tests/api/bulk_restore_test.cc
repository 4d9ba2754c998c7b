// POST /v1/{ws}/restores: each recording's own outcome, budgets, queries page by page, the ledger.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

const std::string kRestores = "/v1/" + std::string(kWorkspace) + "/restores";

// The item of the call, or a failed check.
json::object item_of(const json::object& answer, const std::string& call_sid) {
  for (const json::value& item : answer.at("items").get_array())
    if (item.at("call_sid").get_string() == call_sid) return item.get_object();
  BOOST_TEST_REQUIRE(false, "no item of " << call_sid << " in " << canonical(answer));
  return {};
}

std::string state_of(const json::object& answer, const CallFiles& call) {
  return std::string(item_of(answer, call.call_sid).at("state").get_string());
}

json::object asked(TestClient& client, const json::object& body) {
  const HttpResponse answer = client.post(kRestores, body);
  BOOST_TEST_REQUIRE(answer.status == 200, answer.body);
  return answer.parsed()->get_object();
}

BOOST_AUTO_TEST_CASE(each_call_of_a_list_has_its_own_outcome) {
  const CallFiles cold = rig().on_tier("cold");
  const CallFiles warm = rig().on_tier("warm");
  const CallFiles fresh = rig().stored();
  const json::object answer = asked(
      rig().admin(),
      {{"call_sids", {cold.call_sid, fresh.call_sid, kUnknownSid, warm.call_sid, cold.call_sid}},
       {"tier", "bulk"},
       {"keep_hours", 2}});
  BOOST_TEST(answer.at("items").get_array().size() == 4U);  // a call twice is one wish
  BOOST_TEST(answer.at("next_cursor").is_null());
  BOOST_TEST(state_of(answer, fresh) == "available");
  BOOST_TEST(item_of(answer, kUnknownSid).at("state").get_string() == "not-found");
  BOOST_TEST(answer.at("counts").at("available").as_int64() == 1);
  BOOST_TEST(answer.at("counts").at("not-found").as_int64() == 1);
  for (const CallFiles& call : {cold, warm}) {
    const json::object item = item_of(answer, call.call_sid);
    BOOST_TEST(!item.at("joined").get_bool());
    const std::string path = kRestores + "/" + std::string(item.at("restore_id").get_string());
    const json::object restore = rig().admin().get_object(path);
    BOOST_TEST(restore.at("call_sid").get_string() == call.call_sid);
    BOOST_TEST(restore.at("priority").get_string() == "bulk");
    BOOST_TEST(eventually(
        [&] { return rig().admin().get_object(path).at("state").get_string() == "staged"; }));
  }
  // Asked again, what is there is joined, and its keep becomes longer.
  const json::object again =
      asked(rig().admin(), {{"call_sids", {cold.call_sid}}, {"keep_hours", 5}});
  BOOST_TEST(state_of(again, cold) == "staged");
  BOOST_TEST(item_of(again, cold.call_sid).at("joined").get_bool());
}

BOOST_AUTO_TEST_CASE(what_is_over_the_budget_keeps_nothing_else_back) {
  TestClient client = rig().with_key(rig().make_key({"recordings:restore"}).text);
  json::array calls;
  for (int i = 0; i <= kRecallsPerHour; ++i) {
    const CallFiles call = rig().stored(days(1));
    BOOST_TEST(eventually([&] {
      return rig().admin().get_object(path_of_call(call)).at("tier").get_string() == "warm";
    }));
    calls.emplace_back(call.call_sid);
  }
  const json::object answer = asked(client, {{"call_sids", calls}});
  BOOST_TEST(answer.at("counts").at("over-budget").as_int64() == 1);
  BOOST_TEST(answer.at("items").get_array().back().at("state").get_string() == "over-budget");
  // Joining is free: those that were started are told again.
  const json::object again = asked(client, {{"call_sids", calls}});
  BOOST_TEST(again.at("counts").at("over-budget").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(a_query_is_followed_page_by_page) {
  std::vector<std::string> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(rig().on_tier("cold").call_sid);
  std::vector<std::string> seen;
  json::object body{{"query", {{"tier", "cold"}, {"held", false}}}, {"limit", 2}};
  for (int pages = 0; pages < 100; ++pages) {
    const json::object answer = asked(rig().admin(), body);
    BOOST_TEST(answer.at("items").get_array().size() <= 2U);
    for (const json::value& item : answer.at("items").get_array())
      seen.emplace_back(item.at("call_sid").get_string());
    if (answer.at("next_cursor").is_null()) break;
    body["cursor"] = answer.at("next_cursor");
  }
  for (const std::string& call : calls)
    BOOST_TEST(std::count(seen.begin(), seen.end(), call) == 1, call);
}

BOOST_AUTO_TEST_CASE(the_ledger_has_the_recordings_and_never_the_words) {
  const CallFiles call = rig().on_tier("warm");
  const std::string id = rig().recording_id(call);
  (void)asked(rig().admin(), {{"call_sids", {call.call_sid}}});
  (void)asked(rig().admin(), {{"query", {{"q", "unheardof"}, {"tier", "warm"}}}});
  const json::object page = rig().admin().get_object("/v1/audit?chain=access&limit=50");
  const std::string text = canonical(page);
  BOOST_TEST(text.find(call.call_sid) == std::string::npos);
  BOOST_TEST(text.find("unheardof") == std::string::npos);
  bool told_recording = false;
  bool told_filter = false;
  for (const json::value& line : page.at("items").get_array()) {
    if (line.at("kind").get_string() != "restore.request") continue;
    const std::string details = canonical(line.at("details").get_object());
    told_recording |= details.find(id) != std::string::npos;
    told_filter |= details.find("\"searched\":[\"q\"]") != std::string::npos &&
                   details.find("\"tier\":\"warm\"") != std::string::npos;
  }
  BOOST_TEST(told_recording);
  BOOST_TEST(told_filter);
}

BOOST_AUTO_TEST_CASE(a_wrong_body_is_refused_whole) {
  const size_t before = rig().restores();
  json::array many;
  for (int i = 0; i < 1001; ++i) many.emplace_back("CA" + std::to_string(i));
  const std::vector<json::object> wrong = {{},
                                           {{"call_sids", json::array()}},
                                           {{"call_sids", many}},
                                           {{"call_sids", {"CA1", ".."}}},
                                           {{"call_sids", {"CA1", 7}}},
                                           {{"call_sids", {"CA1"}}, {"query", json::object()}},
                                           {{"call_sids", {"CA1"}}, {"limit", 5}},
                                           {{"call_sids", {"CA1"}}, {"tier", "soon"}},
                                           {{"call_sids", {"CA1"}}, {"keep_hours", 0}},
                                           {{"query", 5}},
                                           {{"query", {{"tier", "hot"}}}},
                                           {{"query", {{"colour", "red"}}}},
                                           {{"query", {{"from", "yesterday"}}}},
                                           {{"query", {{"held", 1}}}},
                                           {{"query", {{"q", "!"}}}},
                                           {{"query", json::object()}, {"limit", 1001}},
                                           {{"query", json::object()}, {"cursor", "nonsense"}}};
  for (const json::object& body : wrong)
    BOOST_TEST(rig().admin().post(kRestores, body).status == 422, canonical(body));
  BOOST_TEST(rig().restores() == before);
}

BOOST_AUTO_TEST_CASE(another_workspace_is_not_touched) {
  const CallFiles call = rig().on_tier("warm");
  BOOST_TEST(rig().neighbour().post(kRestores, {{"call_sids", {call.call_sid}}}).status == 404);
  const HttpResponse own = rig().neighbour().post("/v1/" + std::string(kNeighbour) + "/restores",
                                                  {{"call_sids", {call.call_sid}}});
  BOOST_TEST(own.status == 200);
  BOOST_TEST(own.body.find("not-found") != std::string::npos);
  TestClient reader = rig().with_key(rig().make_key({"calls:read"}).text);
  BOOST_TEST(reader.post(kRestores, {{"call_sids", {call.call_sid}}}).status == 403);
}

}  // namespace
}  // namespace holdfast::testing
