// Restores: who starts one, who only looks, budgets, waiting, and restore links.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

// P8.
BOOST_AUTO_TEST_CASE(looking_recalls_nothing) {
  const CallFiles fresh = rig().stored();
  const json::object urls = rig().admin().get_object(path_of_call(fresh, "/urls?expires_in=3600"));
  const CallFiles call = rig().on_tier("cold");
  const size_t before = rig().restores();
  TestClient& owner = rig().owner();
  BOOST_TEST(owner.head(path_of_call(call, "/download/inbound.ulaw")).status == 202);
  BOOST_TEST(owner.head(path_of_call(call, "/urls")).status == 202);
  BOOST_TEST(owner.get(path_of_call(call)).status == 200);
  BOOST_TEST(owner.get(path_of_call(call, "/metadata")).status == 200);
  BOOST_TEST(owner.get(path_of_call(call, "/holds")).status == 200);
  BOOST_TEST(owner.get("/v1/" + std::string(kWorkspace) + "/recordings").status == 200);
  BOOST_TEST(owner.get("/v1/" + std::string(kWorkspace) + "/restores").status == 200);
  TestClient mount(by_socket(rig().daemon().mount_socket()));
  BOOST_TEST(mount.get("/mount/changes?since=0&wait=0").status == 200);
  const json::object shown = rig().admin().get_object(path_of_call(call));
  const json::object open{{"recording_no", shown.at("recording_no")},
                          {"part", 1},
                          {"file", "inbound.ulaw"},
                          {"uid", 0},
                          {"pid", 1}};
  (void)mount.post("/mount/opens", open);
  BOOST_TEST(rig().restores() == before);
}

BOOST_AUTO_TEST_CASE(a_get_starts_one_restore_and_waits_if_asked) {
  const CallFiles call = rig().on_tier("warm");
  const HttpResponse asked = rig().admin().get(path_of_call(call, "/download/inbound.ulaw"));
  BOOST_TEST(asked.status == 202);
  BOOST_TEST(asked.header("retry-after").has_value());
  const std::string restore = member(asked, "restore_id");
  const HttpResponse waited =
      rig().admin().get(path_of_call(call, "/urls"), {{"Prefer", "wait=60"}});
  BOOST_TEST(waited.status == 200, waited.body);
  BOOST_TEST(member(waited, "status") == "available");
  const HttpResponse file = rig().owner().get(path_of_call(call, "/download/inbound.ulaw"));
  BOOST_TEST((file.body == call.contents.at("inbound.ulaw")));
  const json::object row =
      rig().owner().get_object("/v1/" + std::string(kWorkspace) + "/restores/" + restore);
  BOOST_TEST(row.at("state").get_string() == "staged");
}

BOOST_AUTO_TEST_CASE(a_key_starts_no_more_recalls_than_its_budget) {
  TestClient client = rig().with_key(rig().make_key({"calls:read", "recordings:download"}).text);
  std::vector<CallFiles> calls;
  for (int i = 0; i <= kRecallsPerHour; ++i) calls.push_back(rig().stored(days(1)));
  for (const CallFiles& call : calls)
    BOOST_TEST(eventually([&] {
      return rig().admin().get_object(path_of_call(call)).at("tier").get_string() == "warm";
    }));
  for (int i = 0; i < kRecallsPerHour; ++i)
    BOOST_TEST(
        client.get(path_of_call(calls[static_cast<size_t>(i)], "/download/inbound.ulaw")).status ==
        202);
  const HttpResponse over = client.get(path_of_call(calls.back(), "/download/inbound.ulaw"));
  BOOST_TEST(over.status == 429);
  BOOST_TEST(over.header("retry-after").has_value());
  // Without the scope no explicit wish, whatever the budget.
  BOOST_TEST(client.post(path_of_call(calls.back(), "/restore"), json::object()).status == 403);
}

BOOST_AUTO_TEST_CASE(a_restore_link_waits_serves_and_ends) {
  const CallFiles call = rig().on_tier("cold");
  TestClient browser = rig().stranger();
  const HttpResponse asked =
      rig().owner().post(path_of_call(call, "/restore"), json::object{{"keep_hours", 1}});
  BOOST_TEST(asked.status == 202);
  const std::string link = target_of(member(asked, "inbound_url"));
  HttpResponse last;
  const bool served = eventually([&] {
    last = browser.get(link);
    return last.status != 202;
  });
  BOOST_TEST(served);
  BOOST_TEST(last.status == 200);
  BOOST_TEST((last.body == call.contents.at("inbound.ulaw")));
  // The recording stays for an hour, the link for its two seconds.
  BOOST_TEST(eventually([&] { return (last = browser.get(link)).status == 403; }));
  BOOST_TEST(problem_of(last) == "link-expired");
  BOOST_TEST(rig().owner().get(path_of_call(call, "/download/inbound.ulaw")).status == 200);
}

// Every row once, whatever the page's length, and each page is told in the ledger.
BOOST_AUTO_TEST_CASE(restores_and_moves_are_paged_by_key) {
  for (int i = 0; i < 3; ++i)
    (void)rig().admin().post(path_of_call(rig().on_tier("warm"), "/restore"), json::object());
  const auto walk = [](TestClient& client, const std::string& path, std::string_view id) {
    std::vector<std::string> seen;
    std::string cursor;
    do {
      const json::object page =
          client.get_object(path + "?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
      BOOST_TEST(page.at("items").get_array().size() <= 2U);
      for (const json::value& item : page.at("items").get_array())
        seen.push_back(json::serialize(item.at(id)));
      const json::value& next = page.at("next_cursor");
      cursor = next.is_null() ? "" : std::string(next.get_string());
    } while (!cursor.empty());
    std::vector<std::string> all;
    const json::object whole = client.get_object(path + "?limit=1000");
    for (const json::value& item : whole.at("items").get_array())
      all.push_back(json::serialize(item.at(id)));
    BOOST_TEST(whole.at("next_cursor").is_null());
    BOOST_TEST(seen == all, boost::test_tools::per_element());
    return seen.size();
  };
  const std::string restores = "/v1/" + std::string(kWorkspace) + "/restores";
  BOOST_TEST(walk(rig().owner(), restores, "restore_id") >= 3U);
  (void)walk(rig().admin(), "/v1/moves", "move_no");
  BOOST_TEST(rig().owner().get(restores + "?cursor=nonsense").status == 422);
  BOOST_TEST(rig().admin().get("/v1/moves?cursor=nonsense").status == 422);
  int listings = 0;
  const json::object told = rig().admin().get_object("/v1/audit?chain=access&limit=1000");
  for (const json::value& line : told.at("items").get_array())
    if (json::serialize(line).find("\"what\":\"restores\"") != std::string::npos) ++listings;
  BOOST_TEST(listings >= 3);
}

// What is told of a restore: the asker's own wish, and how many others wait, but not who.
BOOST_AUTO_TEST_CASE(each_asker_sees_its_own_wish) {
  const CallFiles call = rig().on_tier("cold");
  TestClient one = rig().with_key(rig().make_key({"calls:read", "recordings:restore"}).text);
  const ApiRig::NewKey other_key = rig().make_key({"calls:read", "recordings:restore"});
  TestClient other = rig().with_key(other_key.text);
  const std::string path = path_of_call(call, "/restore");
  const HttpResponse asked = one.post(path, json::object{{"tier", "bulk"}, {"keep_hours", 2}});
  (void)other.post(path, json::object{{"tier", "expedited"}, {"keep_hours", 5}});
  const std::string restore =
      "/v1/" + std::string(kWorkspace) + "/restores/" + member(asked, "restore_id");
  const json::object mine = one.get_object(restore);
  BOOST_TEST(mine.at("waiter").at("priority").get_string() == "bulk");
  BOOST_TEST(mine.at("waiter").at("keep_hours").to_number<double>() == 2);
  BOOST_TEST(mine.at("keep_hours").to_number<double>() == 5);
  BOOST_TEST(mine.at("other_waiters").as_int64() == 1);
  BOOST_TEST(canonical(mine).find(other_key.id) == std::string::npos);
  BOOST_TEST(rig().owner().get_object(restore).at("waiter").is_null());
  BOOST_TEST(rig().owner().get_object(restore).at("other_waiters").as_int64() == 2);
  const json::object all = rig().admin().get_object(restore);
  BOOST_TEST(all.at("waiters").get_array().size() == 2U);
  BOOST_TEST(canonical(all).find("key:" + other_key.id) != std::string::npos);
  BOOST_TEST(one.remove(restore).status == 200);
  BOOST_TEST(one.get_object(restore).at("waiter").at("state").get_string() == "cancelled");
  BOOST_TEST(one.get_object(restore).at("other_waiters").as_int64() == 1);
  BOOST_TEST(other.get_object(restore).at("waiter").at("state").get_string() != "cancelled");
  BOOST_TEST(one.remove(restore).status == 404);
}

// The mount is told of a restore when it is asked for, when it is there and when it is cancelled:
// its restore_eta follows.
BOOST_AUTO_TEST_CASE(the_change_feed_has_the_word_of_a_restore) {
  const CallFiles call = rig().on_tier("cold");
  TestClient mount(by_socket(rig().daemon().mount_socket()));
  const auto changes_since = [&](int64_t since) {
    int found = 0;
    const json::object news =
        mount.get_object("/mount/changes?wait=0&since=" + std::to_string(since));
    BOOST_TEST(!news.at("reset").get_bool());
    for (const json::value& change : news.at("changes").get_array())
      found += change.at("call_sid").get_string() == call.call_sid;
    return found;
  };
  const int64_t before = mount.get_object("/mount/changes?wait=0&since=0").at("seq").as_int64();
  BOOST_TEST(changes_since(before) == 0);
  const HttpResponse asked = rig().admin().post(path_of_call(call, "/restore"), json::object());
  BOOST_TEST(asked.status == 202);
  BOOST_TEST(changes_since(before) >= 1);
  const std::string restore =
      "/v1/" + std::string(kWorkspace) + "/restores/" + member(asked, "restore_id");
  BOOST_TEST(eventually(
      [&] { return rig().admin().get_object(restore).at("state").get_string() == "staged"; }));
  BOOST_TEST(changes_since(before) >= 2);
}

// What is over is not cancelled any more, and what is not ours is not there.
BOOST_AUTO_TEST_CASE(cancelling_what_is_over_or_anothers) {
  const CallFiles call = rig().on_tier("warm");
  const HttpResponse waited =
      rig().admin().get(path_of_call(call, "/urls"), {{"Prefer", "wait=60"}});
  BOOST_TEST(waited.status == 200, waited.body);
  const json::object shown = rig().admin().get_object(path_of_call(call));
  const std::string restore = "/v1/" + std::string(kWorkspace) + "/restores/" +
                              std::string(shown.at("restore").at("restore_id").get_string());
  BOOST_TEST(rig().owner().remove(restore).status == 404);  // it never asked
  const HttpResponse left = rig().admin().remove(restore);
  BOOST_TEST(left.status == 200);
  BOOST_TEST((parse_json(left.body)->at("cancelled") == json::value(false)));  // it stays
  BOOST_TEST(rig().admin().get(path_of_call(call, "/urls")).status == 200);
  BOOST_TEST(rig().admin().remove(restore).status == 404);
  BOOST_TEST(rig()
                 .admin()
                 .remove("/v1/" + std::string(kWorkspace) + "/restores/aaaaaaaaaaaaaaaaaaaaaaaaaa")
                 .status == 404);
  BOOST_TEST(rig().admin().remove("/v1/" + std::string(kWorkspace) + "/restores/x").status == 422);
}

BOOST_AUTO_TEST_CASE(a_restore_is_cancelled_by_its_last_waiter) {
  const CallFiles call = rig().on_tier("cold");
  TestClient other = rig().with_key(rig().make_key({"calls:read", "recordings:restore"}).text);
  const std::string path = path_of_call(call, "/restore");
  const HttpResponse first = rig().owner().post(path, json::object{{"tier", "bulk"}});
  const std::string restore =
      "/v1/" + std::string(kWorkspace) + "/restores/" + member(first, "restore_id");
  // 202, or 200 when it came back meanwhile: it is joined in either case.
  BOOST_TEST(other.post(path, json::object()).status <= 202);
  BOOST_TEST(rig().owner().get_object(restore).at("other_waiters").as_int64() == 1);
  BOOST_TEST(rig().neighbour().remove(restore).status == 404);
  const HttpResponse left = rig().owner().remove(restore);
  BOOST_TEST(left.status == 200);
  BOOST_TEST((parse_json(left.body)->at("cancelled") == json::value(false)));
  BOOST_TEST(rig().owner().remove(restore).status == 404);  // it no longer waits
}

}  // namespace
}  // namespace holdfast::testing
