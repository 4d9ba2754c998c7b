// Signed links: expiry, revocation, mutation.
#include <sqlite3.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

#include "base/clock.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

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
// A workspace of its own, so that its keys and links are this case's alone.
class LinkWorkspace {
 public:
  LinkWorkspace() {
    std::array<std::byte, 16> bytes{};
    rig().random().fill(bytes);
    id_ = to_hex(bytes);
    for (size_t at : {8U, 13U, 18U, 23U}) id_.insert(at, 1, '-');
    BOOST_TEST_REQUIRE(
        rig().admin().post("/v1/workspaces", json::object{{"workspace_id", id_}}).status == 201);
    call_ = make_call(directory_ / "calls", id_, {SystemClock().now(), 800}, rig().random());
    BOOST_TEST_REQUIRE(rig().admin().send(upload_of(call_)).status == 201);
  }

  const CallFiles& call() const { return call_; }
  std::string path(const std::string& rest) const { return "/v1/" + id_ + rest; }
  std::string link(TestClient& client, std::string_view what = "inbound_url") const {
    return mint(client, call_, 3600, what);
  }
  json::array links(const std::string& query = "") const {
    return rig().admin().get_object(path("/links" + query)).at("items").get_array();
  }
  // The row of one link; none: null.
  json::value row_of(const std::string& link) const {
    for (const json::value& row : links())
      if (row.at("jti").get_string() == parameter(link, "jti")) return row;
    return nullptr;
  }
  ApiRig::NewKey key() const { return rig().make_key({"calls:read"}, id_); }
  void change(const json::value& link_life_seconds, int status = 200) const {
    HttpRequest request;
    request.method = "PATCH";
    request.path = "/v1/workspaces/" + id_;
    request.body = canonical(json::object{{"link_life_seconds", link_life_seconds}});
    const HttpResponse answer = rig().admin().send(request);
    BOOST_TEST(answer.status == status, answer.body);
  }

 private:
  TemporaryDirectory directory_;
  std::string id_;
  CallFiles call_;
};

// The answer to the revocation is the barrier: the next request is refused, on a connection that
// stands and within the minute in which further ranges are only counted.
BOOST_AUTO_TEST_CASE(a_revocation_counts_from_the_next_request) {
  const LinkWorkspace workspace;
  TestClient browser = rig().stranger();
  const auto revoked_by = [&](const std::string& link, const std::function<int()>& revoke) {
    BOOST_TEST(browser.get(link, {{"Range", "bytes=0-9"}}).status == 206);
    BOOST_TEST(browser.get(link, {{"Range", "bytes=10-19"}}).status == 206);
    BOOST_TEST(workspace.row_of(link).is_object());
    const int status = revoke();
    const HttpResponse next = browser.get(link, {{"Range", "bytes=20-29"}});
    BOOST_TEST((status == 200 || status == 201));
    BOOST_TEST(next.status == 403);
    BOOST_TEST(problem_of(next) == "bad-link");
    BOOST_TEST(browser.head(link).status == 403);
    BOOST_TEST(workspace.row_of(link).is_null());
  };
  const std::string first = workspace.link(rig().admin());
  revoked_by(first, [&] {
    return rig().admin().remove(workspace.path("/links/" + parameter(first, "jti"))).status;
  });
  const auto key = workspace.key();
  TestClient minting = rig().with_key(key.text);
  revoked_by(workspace.link(minting),
             [&] { return rig().admin().remove(workspace.path("/api-keys/" + key.id)).status; });
  const std::string last = workspace.link(rig().admin());
  revoked_by(last, [&] {
    return rig()
        .admin()
        .post(workspace.path("/link-revocations"),
              json::object{{"kid", std::stoi(parameter(last, "kid"))}})
        .status;
  });
  BOOST_TEST(browser.get(workspace.link(rig().admin())).status == 200);
}

// A reviewer who is told that a link is none of ours throws it away.
BOOST_AUTO_TEST_CASE(a_link_whose_key_cannot_be_looked_up_is_not_called_a_bad_one) {
  const CallFiles call = rig().stored();
  TestClient browser = rig().stranger();
  const std::string link = mint(rig().owner(), call, 3600, "inbound_url");
  sqlite3* secrets = nullptr;
  const std::string path = rig().daemon().directory() + "/state/secrets.db";
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &secrets) == SQLITE_OK);
  sqlite3_busy_timeout(secrets, 5000);
  const auto run = [&](const char* sql) {
    BOOST_REQUIRE(sqlite3_exec(secrets, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  run("ALTER TABLE signing_key RENAME TO out_of_reach");
  BOOST_TEST(browser.get(link).status == 500);
  run("ALTER TABLE out_of_reach RENAME TO signing_key");
  sqlite3_close(secrets);
  BOOST_TEST(browser.get(link).status == 200);
}

BOOST_AUTO_TEST_CASE(a_rotation_breaks_no_live_link) {
  const LinkWorkspace workspace;
  TestClient browser = rig().stranger();
  const std::string before = workspace.link(rig().admin());
  BOOST_TEST(rig().admin().post(workspace.path("/signing-keys"), json::object()).status == 201);
  const std::string after = workspace.link(rig().admin());
  BOOST_TEST(parameter(before, "kid") != parameter(after, "kid"));
  BOOST_TEST(browser.get(before).status == 200);
  BOOST_TEST(browser.get(after).status == 200);
  // The next would drop the key of a link that is good: it is refused, and breaks none.
  BOOST_TEST(rig().admin().post(workspace.path("/signing-keys"), json::object()).status == 409);
  BOOST_TEST(browser.get(before).status == 200);
  BOOST_TEST(workspace.row_of(before).is_object());
  BOOST_TEST(workspace.row_of(after).is_object());
}

BOOST_AUTO_TEST_CASE(live_links_are_listed) {
  const LinkWorkspace workspace;
  const LinkWorkspace other;
  BOOST_TEST(workspace.links().empty());
  const auto key = workspace.key();
  TestClient minting = rig().with_key(key.text);
  const std::string link = workspace.link(minting);
  (void)other.link(rig().admin());
  BOOST_TEST(workspace.links().size() == 3);  // one of each file
  const json::value row = workspace.row_of(link);
  BOOST_TEST_REQUIRE(row.is_object());
  BOOST_TEST(row.at("call_sid").get_string() == workspace.call().call_sid);
  BOOST_TEST(row.at("file").get_string() == "inbound.ulaw");
  BOOST_TEST(row.at("minted_by").get_string() == key.id);
  BOOST_TEST(row.at("kid").get_int64() == std::stoi(parameter(link, "kid")));
  BOOST_TEST(row.at("restore_id").is_null());
  BOOST_TEST(row.at("used_at").is_null());
  BOOST_TEST(rig().stranger().get(link).status == 200);
  BOOST_TEST(workspace.row_of(link).at("used_at").is_string());

  // Pages, newest first, neither repeat nor skip.
  const std::string newest = workspace.link(rig().admin());
  std::vector<std::string> jtis;
  std::string cursor;
  do {
    const json::object page = rig().admin().get_object(workspace.path("/links?limit=2") +
                                                       (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json::value& one : page.at("items").get_array())
      jtis.emplace_back(one.at("jti").get_string().c_str());
    cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor").get_string().c_str();
  } while (!cursor.empty());
  BOOST_TEST(jtis.size() == 6);
  BOOST_TEST(std::set<std::string>(jtis.begin(), jtis.end()).size() == 6);
  const auto at = [&](const std::string& one) {
    return std::find(jtis.begin(), jtis.end(), parameter(one, "jti")) - jtis.begin();
  };
  BOOST_TEST(at(newest) < at(link));

  // What has expired is not there any more.
  const std::string brief = mint(rig().admin(), workspace.call(), 1, "inbound_url");
  BOOST_TEST(eventually([&] { return workspace.row_of(brief).is_null(); }));
  BOOST_TEST(minting.get(workspace.path("/links")).status == 403);
}

BOOST_AUTO_TEST_CASE(a_workspace_has_its_own_life_of_links) {
  const LinkWorkspace workspace;
  const auto life_ms = [&] {
    const json::object urls = rig().admin().get_object(path_of_call(workspace.call(), "/urls"));
    const std::string link = target_of(urls.at("inbound_url").get_string().c_str());
    const json::value row = workspace.row_of(link);
    if (!row.is_object()) return int64_t{0};  // it has expired in between
    return from_iso(row.at("expires_at").get_string().c_str())->count -
           from_iso(row.at("minted_at").get_string().c_str())->count;
  };
  workspace.change(1800);
  const int64_t own = life_ms();  // the expiry was taken before the time of minting
  BOOST_TEST(own <= 1'800'000);
  BOOST_TEST(own > 1'700'000);
  workspace.change(0, 422);
  workspace.change(86'401, 422);
  workspace.change("1800", 422);
  workspace.change(nullptr);
  BOOST_TEST(life_ms() <= 2000);  // as the rig is configured
  int decisions = 0;
  const json::object page = rig().admin().get_object("/v1/audit?chain=decisions&limit=100");
  for (const json::value& line : page.at("items").get_array())
    decisions += line.at("kind").get_string() == "workspace.changed";
  BOOST_TEST(decisions == 2);
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
