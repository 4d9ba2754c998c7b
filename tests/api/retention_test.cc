// Retention, expiry and the compliance clock over HTTP: who may, and what is answered.
#include <boost/test/unit_test.hpp>

#include "base/clock.h"
#include "base/time_text.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

HttpResponse put(TestClient& client, const std::string& path, const json::object& body) {
  HttpRequest request;
  request.method = "PUT";
  request.path = path;
  request.body = canonical(body);
  return client.send(request);
}
HttpResponse remove(TestClient& client, const std::string& path, const json::object& body) {
  HttpRequest request;
  request.method = "DELETE";
  request.path = path;
  request.body = canonical(body);
  return client.send(request);
}
void set_class(const std::string& name, const std::string& keep, const std::string& mode) {
  const HttpResponse made = rig().admin().post(
      "/v1/retention-classes", json::object{{"name", name}, {"keep", keep}, {"mode", mode}});
  BOOST_REQUIRE(made.status == 201);
}
json::object body_of(const HttpResponse& answer) { return parse_json(answer.body)->get_object(); }

BOOST_AUTO_TEST_CASE(what_is_retained_is_not_deleted) {
  set_class("year", "1y", "governance");
  const CallFiles call = rig().stored();
  const std::string retention = path_of_call(call, "/retention");
  HttpResponse given = put(rig().admin(), retention, {{"class", "year"}});
  BOOST_TEST(given.status == 200);
  BOOST_TEST(body_of(given).at("changed").as_bool());
  BOOST_TEST(body_of(given).at("retention").at("locked").as_bool());
  BOOST_TEST(!body_of(put(rig().admin(), retention, {{"class", "year"}})).at("changed").as_bool());

  HttpResponse refused = rig().owner().remove(path_of_call(call));
  BOOST_TEST(refused.status == 409);
  BOOST_TEST(problem_of(refused) == "retention");
  BOOST_TEST(body_of(refused).at("retention").at("class").get_string() == "year");
  BOOST_TEST(body_of(refused).at("retention").at("retain_until").get_string().ends_with("Z"));
  BOOST_TEST(!body_of(refused).contains("holds"));
  BOOST_TEST(rig().admin().remove(path_of_call(call)).status == 409);

  // Both are named where both forbid it.
  const HttpResponse hold =
      rig().owner().post(path_of_call(call, "/holds"), json::object{{"matter", "A v. B"}});
  refused = rig().owner().remove(path_of_call(call));
  BOOST_TEST(problem_of(refused) == "legal-hold");
  BOOST_TEST(body_of(refused).at("holds").get_array().size() == 1U);
  BOOST_TEST(body_of(refused).at("retention").at("class").get_string() == "year");
  BOOST_TEST(rig().owner().remove(path_of_call(call, "/holds/" + member(hold, "hold_id"))).status ==
             200);

  // Told where the recording is told.
  const json::object shown = rig().owner().get_object(path_of_call(call));
  BOOST_TEST(shown.at("retention_class").get_string() == "year");
  BOOST_TEST(shown.at("retention").at("mode").get_string() == "governance");
  const json::object page =
      rig().owner().get_object("/v1/" + std::string(kWorkspace) + "/recordings?limit=1");
  BOOST_TEST(page.at("items").at(0).as_object().contains("retain_until"));

  // A bypass shortens it, and then it may go.
  set_class("none", "0d", "governance");
  BOOST_TEST(problem_of(put(rig().admin(), retention, {{"class", "none"}})) == "retention");
  BOOST_TEST(
      put(rig().admin(), retention, {{"class", "none"}, {"bypass_governance", true}}).status ==
      422);  // without a reason
  given = put(rig().admin(), retention,
              {{"class", "none"}, {"bypass_governance", true}, {"reason", "consent withdrawn"}});
  BOOST_TEST(given.status == 200);
  BOOST_TEST(!body_of(given).at("retention").at("locked").as_bool());
  BOOST_TEST(rig().count("decisions", call, "recording.retained") == 2);
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 202);
}

BOOST_AUTO_TEST_CASE(compliance_mode_is_shortened_by_nobody) {
  set_class("law", "10y", "compliance");
  set_class("year", "1y", "governance");
  const CallFiles call = rig().stored();
  const std::string retention = path_of_call(call, "/retention");
  BOOST_TEST(put(rig().admin(), retention, {{"class", "law"}}).status == 200);
  const json::object bypass{{"bypass_governance", true}, {"reason", "no reason is enough"}};
  json::object shorter = bypass;
  shorter["class"] = "year";
  BOOST_TEST(problem_of(put(rig().admin(), retention, shorter)) == "retention");
  BOOST_TEST(problem_of(remove(rig().admin(), retention, bypass)) == "retention");
  BOOST_TEST(problem_of(rig().admin().remove(path_of_call(call))) == "retention");
}

BOOST_AUTO_TEST_CASE(who_may_give_and_who_may_bypass) {
  set_class("month", "1mo", "governance");
  set_class("week", "7d", "governance");
  const CallFiles call = rig().stored();
  const std::string retention = path_of_call(call, "/retention");
  BOOST_TEST(put(rig().owner(), retention, {{"class", "month"}}).status == 403);  // not `admin`
  TestClient giver = rig().with_key(rig().make_key({"admin"}).text);
  BOOST_TEST(put(giver, retention, {{"class", "month"}}).status == 200);
  const json::object shorter{
      {"class", "week"}, {"bypass_governance", true}, {"reason", "as asked"}};
  BOOST_TEST(put(giver, retention, shorter).status == 403);
  TestClient bypasser =
      rig().with_key(rig().make_key({"admin", "retention:bypass-governance"}).text);
  BOOST_TEST(put(bypasser, retention, shorter).status == 200);
  BOOST_TEST(put(bypasser, retention, {{"class", "nonesuch"}}).status == 404);
  // Classes and defaults are the operator's.
  BOOST_TEST(giver.get("/v1/retention-classes").status == 403);
  BOOST_TEST(
      put(giver, "/v1/" + std::string(kWorkspace) + "/retention-default", {{"class", "week"}})
          .status == 403);
}

BOOST_AUTO_TEST_CASE(a_default_is_given_at_ingest) {
  set_class("week", "7d", "governance");
  const std::string path = "/v1/" + std::string(kWorkspace) + "/retention-default";
  BOOST_TEST(put(rig().admin(), path, {{"class", "week"}}).status == 200);
  const CallFiles call = rig().stored();
  BOOST_TEST(remove(rig().admin(), path, {}).status == 200);
  BOOST_TEST(rig().owner().get_object(path_of_call(call)).at("retention_class").get_string() ==
             "week");
  BOOST_TEST(
      rig().owner().get_object(path_of_call(rig().stored())).at("retention_class").is_null());
  const json::object list = rig().admin().get_object("/v1/retention-classes");
  BOOST_TEST(list.at("defaults").get_array().empty());
  BOOST_TEST(!list.at("items").get_array().empty());
}

BOOST_AUTO_TEST_CASE(expiry_and_the_clock_are_told) {
  const json::object clock = rig().admin().get_object("/v1/clock");
  BOOST_TEST(!clock.at("time").is_null());
  BOOST_TEST(clock.at("stopped_since").is_null());
  BOOST_TEST(rig().admin().post("/v1/clock/accept", json::object()).status == 422);
  BOOST_TEST(
      rig().admin().post("/v1/clock/accept", json::object{{"reason", "looked at it"}}).status ==
      200);
  set_class("week", "7d", "governance");
  const CallFiles call = rig().stored();
  BOOST_TEST(put(rig().admin(), path_of_call(call, "/retention"), {{"class", "week"}}).status ==
             200);
  const auto lists_it = [&](const json::object& expiry) {
    for (const json::value& item : expiry.at("items").get_array())
      if (item.at("call_sid").get_string() == call.call_sid) return true;
    return false;
  };
  BOOST_TEST(!lists_it(rig().admin().get_object("/v1/expiry?limit=1000")));
  const std::string later = to_iso(SystemClock().now() + days(40));
  const json::object then = rig().admin().get_object("/v1/expiry?limit=1000&at=" + later);
  BOOST_TEST(lists_it(then));
  BOOST_TEST(!then.at("enabled").as_bool());
  BOOST_TEST(then.at("due").to_number<int64_t>() >= 1);
  const json::object status = rig().admin().get_object("/v1/status");
  BOOST_TEST(!status.at("expiry").at("enabled").as_bool());
  BOOST_TEST(!status.at("clock").at("time").is_null());
  BOOST_TEST(
      rig().admin().post("/v1/expiry/accept", json::object{{"reason", "looked at it"}}).status ==
      200);
}

// Leave is given for as many as somebody has seen. On a daemon of its own, which is started anew so
// that its compliance clock is kept at once.
BOOST_AUTO_TEST_CASE(an_acceptance_names_how_many_were_seen) {
  const TemporaryDirectory directory;
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {{"expiry.not_before", "\"0s\""}});
  const auto admin = [&] { return TestClient(by_socket(daemon.admin_socket())); };
  const auto post = [&](const std::string& path, const json::object& body) {
    return admin().post(path, body);
  };
  daemon.start();
  BOOST_REQUIRE(post("/v1/workspaces", {{"workspace_id", kWorkspace}}).status == 201);
  BOOST_REQUIRE(
      post("/v1/retention-classes", {{"name", "none"}, {"keep", "0d"}, {"mode", "governance"}})
          .status == 201);
  TestClient client = admin();
  BOOST_REQUIRE(put(client, "/v1/retention-default", {{"class", "none"}}).status == 200);
  for (int i = 0; i < 2; ++i) {
    const CallFiles call =
        make_call(directory / "calls", kWorkspace, {SystemClock().now(), 800}, rig().random());
    BOOST_REQUIRE(client.send(upload_of(call)).status == 201);
  }
  BOOST_REQUIRE(daemon.stop() == 0);
  daemon.start();
  const auto due = [&] { return admin().get_object("/v1/expiry").at("due").to_number<int64_t>(); };
  BOOST_REQUIRE(eventually([&] { return due() == 2; }));
  const auto accept = [&](const json::value& seen) {
    return post("/v1/expiry/accept", {{"due", seen}, {"reason", "looked at it"}});
  };
  const HttpResponse refused = accept(1);
  BOOST_TEST(refused.status == 409, refused.body);
  BOOST_TEST(problem_of(refused) == "more-due");
  const json::object told = body_of(refused);
  BOOST_TEST(told.at("due").to_number<int64_t>() == 2);
  BOOST_TEST(told.at("seen").to_number<int64_t>() == 1);
  for (const json::value& bad : {json::value(-1), json::value("1"), json::value(1.5)})
    BOOST_TEST(accept(bad).status == 422);
  for (const json::value& seen : {json::value(2), json::value(100)}) {  // those that are due alone
    const HttpResponse accepted = accept(seen);
    BOOST_TEST(accepted.status == 200, accepted.body);
    BOOST_TEST(body_of(accepted).at("accepted").to_number<int64_t>() == 2);
  }
  // Who names no number accepts what there is.
  BOOST_TEST(post("/v1/expiry/accept", {{"reason", "looked at it"}}).status == 200);
}

}  // namespace
}  // namespace holdfast::testing
