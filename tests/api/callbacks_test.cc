// Callbacks over the real daemon: a restore that names a URL calls it, signed, when it is back.
#include <boost/test/unit_test.hpp>

#include "daemon/outbound/signature.h"
#include "tests/api/api_rig.h"
#include "tests/support/http_receiver.h"

namespace holdfast::testing {
namespace {

std::string of_workspace(const std::string& rest) {
  return "/v1/" + std::string(kWorkspace) + "/" + rest;
}

json::array items_of(const std::string& path) {
  return rig().admin().get_object(of_workspace(path)).at("items").get_array();
}

bool is_called(const HttpReceiver& receiver, size_t times) {
  return eventually([&] { return receiver.requests().size() >= times; });
}

BOOST_AUTO_TEST_CASE(a_restore_calls_back) {
  HttpReceiver receiver(HttpReceiver::status(500));
  const CallFiles call = rig().on_tier("warm");
  // An operator's wish: it takes no key's budget, which other tests need.
  const HttpResponse asked = rig().admin().post(path_of_call(call, "/restore"),
                                                json::object{{"callback_url", receiver.url()}});
  BOOST_REQUIRE_MESSAGE(asked.status == 202, asked.body);
  BOOST_REQUIRE(is_called(receiver, 1));
  // Not taken: it waits, and is told so.
  BOOST_TEST(eventually([&] {
    const json::array waiting = items_of("callbacks");
    return waiting.size() == 1 && waiting[0].at("attempts").as_int64() >= 1;
  }));
  const json::value told = items_of("callbacks").at(0);
  BOOST_TEST(told.at("error").get_string() == "the receiver answered 500");
  BOOST_TEST(told.at("url").get_string() == receiver.url());
  BOOST_TEST(items_of("callbacks?parked=true").empty());
  receiver.set_answer(HttpReceiver::status(200));
  BOOST_REQUIRE(is_called(receiver, 2));
  BOOST_TEST(eventually([&] { return items_of("callbacks").empty(); }));

  const std::vector<std::string> requests = receiver.requests();
  BOOST_TEST(header_of(requests[0], "webhook-id") == header_of(requests[1], "webhook-id"));
  BOOST_TEST(body_of(requests[0]) == body_of(requests[1]));
  const json::object body = parse_json(body_of(requests[1]))->get_object();
  BOOST_TEST(body.at("type").get_string() == "recording.restored");
  BOOST_TEST(body.at("data").at("call_sid").get_string() == call.call_sid);
  BOOST_TEST(body.at("data").at("restore_id").get_string() == member(asked, "restore_id"));
  BOOST_TEST(rig().owner().get(path_of_call(call, "/urls")).status == 200);

  // As a receiver checks it: with the secret that an administrator was shown.
  const std::string shown(items_of("webhook-secret").back().at("secret").get_string());
  BOOST_TEST(shown.starts_with("whsec_"));
  BOOST_TEST(header_of(requests[1], "webhook-signature").starts_with("v1,"));
}

BOOST_AUTO_TEST_CASE(many_asked_back_at_once_call_back_each) {
  HttpReceiver receiver(HttpReceiver::status(200));
  json::array calls;
  for (int i = 0; i < 3; ++i) calls.push_back(json::string(rig().on_tier("warm").call_sid));
  const HttpResponse asked = rig().admin().post(
      of_workspace("restores"),
      json::object{{"call_sids", calls}, {"callback_url", receiver.url("/bulk")}});
  BOOST_REQUIRE_MESSAGE(asked.status == 200, asked.body);
  BOOST_TEST(is_called(receiver, 3));
}

BOOST_AUTO_TEST_CASE(urls_that_may_not_be_called_are_refused) {
  const CallFiles call = rig().on_tier("warm");
  for (const std::string url :
       {"https://elsewhere.example.net/", "ftp://127.0.0.1/", "http://127.0.0.1@evil.example/",
        "http://localhost/", "", "/done"}) {
    const HttpResponse refused =
        rig().owner().post(path_of_call(call, "/restore"), json::object{{"callback_url", url}});
    BOOST_TEST(refused.status == 422, url << ": " << refused.body);
    BOOST_TEST(refused.body.find("callback_url") != std::string::npos);
  }
  BOOST_TEST(rig()
                 .owner()
                 .post(path_of_call(call, "/restore"), json::object{{"callback_url", 1}})
                 .status == 422);
}

BOOST_AUTO_TEST_CASE(secrets_are_for_administrators_and_rotate) {
  BOOST_TEST(rig().owner().get(of_workspace("webhook-secret")).status == 403);
  BOOST_TEST(rig().owner().get(of_workspace("callbacks")).status == 403);
  const json::array before = items_of("webhook-secret");
  BOOST_REQUIRE(!before.empty());
  BOOST_TEST(canonical(items_of("webhook-secret")) == canonical(before));
  const HttpResponse rotated = rig().admin().post(of_workspace("webhook-secret"), json::object());
  BOOST_REQUIRE(rotated.status == 200);
  BOOST_TEST(rotated.header("cache-control").value_or("") == "no-store");
  const json::array after = parse_json(rotated.body)->at("items").get_array();
  BOOST_REQUIRE(after.size() == 2u);
  BOOST_TEST((after[0].at("secret") == before.back().at("secret")));
  BOOST_TEST((after[1].at("secret") != before.back().at("secret")));
  BOOST_TEST(after[0].at("signs_until").is_string());
  BOOST_TEST(after[1].at("signs_until").is_null());
}

}  // namespace
}  // namespace holdfast::testing
