// Signed links: expiry, revocation, mutation.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

ApiRig& rig() { return ApiRig::instance(); }

std::string mint(TestClient& client, const CallFiles& call, int seconds, std::string_view what) {
  const json::object urls =
      client.get_object(path_of_call(call, "/urls?expires_in=" + std::to_string(seconds)));
  return target_of(std::string(urls.at(what).get_string()));
}

std::string parameter(const std::string& link, const std::string& name) {
  const size_t begin = link.find(name + "=", link.find('?')) + name.size() + 1;
  return link.substr(begin, link.find('&', begin) - begin);
}

BOOST_AUTO_TEST_CASE(a_link_is_good_for_its_file_until_it_expires) {
  const CallFiles call = rig().stored();
  TestClient browser = rig().stranger();
  const std::string link = mint(rig().owner(), call, 3600, "inbound_url");
  const HttpResponse whole = browser.get(link);
  BOOST_TEST(whole.status == 200);
  BOOST_TEST((whole.body == call.contents.at("inbound.ulaw")));
  BOOST_TEST(browser.head(link).status == 200);
  BOOST_TEST(browser.get(link, {{"Range", "bytes=0-9"}}).status == 206);
  BOOST_TEST(rig().owner().get(link).status == 400);

  const std::string brief = mint(rig().owner(), call, 1, "inbound_url");
  HttpResponse last;
  BOOST_TEST(eventually([&] { return (last = browser.get(brief)).status == 403; }));
  BOOST_TEST(problem_of(last) == "link-expired");
}

BOOST_AUTO_TEST_CASE(links_are_revoked_by_jti_by_key_and_by_signing_key) {
  const CallFiles call = rig().stored();
  TestClient browser = rig().stranger();
  const std::string revocations = "/v1/" + std::string(kWorkspace) + "/link-revocations";
  const std::string one = mint(rig().owner(), call, 3600, "inbound_url");
  const std::string other = mint(rig().owner(), call, 3600, "outbound_url");
  BOOST_TEST(rig().admin().post(revocations, json::object{{"jti", parameter(one, "jti")}}).status ==
             201);
  BOOST_TEST(browser.get(one).status == 403);
  BOOST_TEST(browser.get(other).status == 200);

  const auto key = rig().make_key({"calls:read"});
  TestClient minting = rig().with_key(key.text);
  const std::string by_key = mint(minting, call, 3600, "inbound_url");
  BOOST_TEST(browser.get(by_key).status == 200);
  BOOST_TEST(
      rig().admin().remove("/v1/" + std::string(kWorkspace) + "/api-keys/" + key.id).status == 200);
  BOOST_TEST(browser.get(by_key).status == 403);

  const std::string keys = "/v1/" + std::string(kWorkspace) + "/signing-keys";
  BOOST_TEST(rig().admin().post(keys, json::object()).status == 201);
  BOOST_TEST(browser.get(other).status == 200);  // the key before stays good
  const int kid = std::stoi(parameter(other, "kid"));
  BOOST_TEST(rig().admin().post(revocations, json::object{{"kid", kid}}).status == 201);
  BOOST_TEST(browser.get(other).status == 403);
  BOOST_TEST(browser.get(mint(rig().owner(), call, 3600, "inbound_url")).status == 200);
  BOOST_TEST(rig().admin().post(revocations, json::object()).status == 422);
}

BOOST_AUTO_TEST_CASE(no_mutation_of_a_link_is_accepted) {
  const CallFiles call = rig().stored();
  const std::string link = mint(rig().owner(), call, 3600, "inbound_url");
  const size_t from = link.find("/recordings/");
  TestClient browser = rig().stranger();
  const std::string alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=&";
  int accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    SeededRandom& random = rig().random();
    std::string mutated = link;
    const size_t at = from + random.below(link.size() - from);
    const char other = alphabet[random.below(alphabet.size())];
    switch (random.below(4)) {
      case 0:
        mutated[at] = other;
        break;
      case 1:
        mutated.insert(at, 1, other);
        break;
      case 2:
        mutated.erase(at, 1);
        break;
      default:
        std::swap(mutated[at], mutated[from + random.below(link.size() - from)]);
    }
    if (mutated == link) continue;
    const int status = browser.get(mutated).status;
    if (status == 200 || status == 206 || status == 202) {
      ++accepted;
      BOOST_ERROR("accepted: " << mutated);
    }
  }
  BOOST_TEST(accepted == 0);
}

}  // namespace
}  // namespace holdfast::testing
