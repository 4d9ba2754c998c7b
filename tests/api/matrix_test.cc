// Every route × every kind of credential × every workspace and target. What must be answered is
// computed from the route's declared access and scope, and from the order that the contract fixes:
//
//   400 two credentials · 401 · 422 malformed · 403 scope · 404 workspace, recording · what the
//   route does
//
// Another workspace's things are 404, never 403: that they exist is not disclosed. Routes, scopes
// and requests come from the table and from specimens.h, so that a new route is covered without an
// edit.
#include <boost/test/unit_test.hpp>
#include <iostream>

#include "daemon/api/api.h"
#include "tests/api/specimens.h"

namespace holdfast::testing {
namespace {

constexpr char kNowhere[] = "00000000-0000-4000-8000-000000000002";

enum class Door { kTcp, kAdmin, kMount };

struct Credential {
  std::string name;
  Door door = Door::kTcp;
  std::string key;    // text of an API key, sent when not empty
  bool known = true;  // the key is one that stands, or the door needs none
  bool is_operator = false;
  int32_t scopes = 0;
  std::string workspace;   // of a key that is no operator's
  std::string link;        // path and query of a signed link, whose query is sent
  bool link_good = false;  // neither revoked nor expired
};

enum class Target {
  kOwn,             // all of it the own workspace's
  kMalformed,       // a value in path or query is none of its type
  kNeighbours,      // the other workspace's, under its name
  kNeighboursHere,  // the other workspace's recording, under the own workspace's name
  kNowhere,         // a workspace that does not exist
};
constexpr Target kTargets[] = {Target::kOwn, Target::kMalformed, Target::kNeighbours,
                               Target::kNeighboursHere, Target::kNowhere};

std::string_view word(Target target) {
  switch (target) {
    case Target::kOwn:
      return "own";
    case Target::kMalformed:
      return "malformed";
    case Target::kNeighbours:
      return "neighbour's";
    case Target::kNeighboursHere:
      return "neighbour's under the own workspace";
    case Target::kNowhere:
      return "in no workspace";
  }
  return "";
}

// 0: the route answers as it will, but with no refusal of the caller.
constexpr int kPasses = 0;

int expected(const api::Route& route, const Credential& credential, Target target,
             const std::string& path) {
  using api::Access;
  if ((route.access == Access::kMount) != (credential.door == Door::kMount)) return 404;
  if (route.access == Access::kMount || route.access == Access::kOpen) return kPasses;
  if (!credential.link.empty() && !credential.key.empty()) return 400;
  if (!credential.link.empty() && route.access == Access::kKeyOrLink) {
    const std::string of_link = credential.link.substr(0, credential.link.find('?'));
    return credential.link_good && of_link == path ? kPasses : 403;
  }
  if (!credential.known || !credential.link.empty()) return 401;
  if (target == Target::kMalformed) return 422;
  if (route.access == Access::kOperator && !credential.is_operator) return 403;
  if (route.scope && (credential.scopes & static_cast<int32_t>(*route.scope)) == 0) return 403;
  if (route.path.find("{workspace_id}") == std::string_view::npos) return kPasses;
  const std::string named = target == Target::kNeighbours ? kNeighbour
                            : target == Target::kNowhere  ? kNowhere
                                                          : kWorkspace;
  if (!credential.is_operator && credential.workspace != named) return 404;
  if (target == Target::kNowhere || target == Target::kNeighboursHere) return 404;
  return kPasses;
}

json::array words_of(int32_t scopes) {
  json::array words;
  for (int32_t bit = 1; bit <= kAllScopes; bit <<= 1)
    if ((scopes & bit) != 0) words.emplace_back(holdfast::word(static_cast<Scope>(bit)));
  return words;
}

class Matrix {
 public:
  Matrix()
      : document_(rig().stranger().get("/openapi.json").body),
        specimens_(rig(), document_),
        routes_(api::all_routes()) {
    for (const Operation& operation : document_.operations())
      operations_.emplace(operation.id, &operation);
    add_keys();
    add_links();
  }

  void run() {
    for (const api::Route& route : routes_)
      for (Target target : kTargets)
        if (is_a_target(route, target)) run(route, target);
    std::cout << routes_.size() << " routes, " << credentials_.size() << " credentials, "
              << requests_ << " requests, " << passed_ << " of them let in\n";
    BOOST_TEST(passed_ > static_cast<int>(routes_.size()));
  }

 private:
  // --- Credentials
  std::string operator_key(int32_t scopes) {
    const HttpResponse made =
        rig().admin().post("/v1/operator/api-keys", json::object{{"scopes", words_of(scopes)}});
    if (made.status != 201) throw std::runtime_error(made.body);
    return member(made, "api_key");
  }

  void add_key(std::string name, int32_t scopes, bool is_operator, bool known = true,
               std::string text = "") {
    if (text.empty())
      text = is_operator ? operator_key(scopes) : rig().make_key(words_of(scopes)).text;
    Credential credential;
    credential.name = std::move(name);
    credential.key = std::move(text);
    credential.known = known;
    credential.is_operator = is_operator;
    credential.scopes = scopes;
    credential.workspace = kWorkspace;
    credentials_.push_back(std::move(credential));
  }

  void add_keys() {
    credentials_.push_back({"none", Door::kTcp, "", false, false, 0, "", "", false});
    add_key("a key that nobody made", kAllScopes, false, false,
            "hf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    const auto revoked = rig().make_key(words_of(kAllScopes));
    rig().admin().remove("/v1/" + std::string(kWorkspace) + "/api-keys/" + revoked.id);
    add_key("a revoked key", kAllScopes, false, false, revoked.text);
    const auto expired =
        rig().make_key(words_of(kAllScopes), kWorkspace, SystemClock().now() + seconds(1));
    if (!eventually([&] { return rig().with_key(expired.text).get("/v1/status").status == 401; }))
      throw std::runtime_error("a key did not expire");
    add_key("an expired key", kAllScopes, false, false, expired.text);
    for (int32_t bit = 1; bit <= kAllScopes; bit <<= 1) {
      const std::string scope(holdfast::word(static_cast<Scope>(bit)));
      add_key("a key of " + scope + " alone", bit, false);
      add_key("a key of all but " + scope, kAllScopes & ~bit, false);
      add_key("an operator's key of " + scope + " alone", bit, true);
      add_key("an operator's key of all but " + scope, kAllScopes & ~bit, true);
    }
    add_key("a neighbour's key of all", kAllScopes, false, true,
            rig().make_key(words_of(kAllScopes), kNeighbour).text);
    credentials_.back().workspace = kNeighbour;
    const Credential bare{"admin.sock", Door::kAdmin, "", true, true, kAllScopes, "", "", false};
    credentials_.push_back(bare);
    credentials_.push_back({"a revoked key at admin.sock", Door::kAdmin, revoked.text, false, false,
                            kAllScopes, kWorkspace, "", false});
    // A key that is given is who calls, whatever the door.
    credentials_.push_back({"a weak key at admin.sock", Door::kAdmin,
                            rig().make_key(words_of(static_cast<int32_t>(Scope::kExport))).text,
                            true, false, static_cast<int32_t>(Scope::kExport), kWorkspace, "",
                            false});
    credentials_.push_back({"mount.sock", Door::kMount, "", true, false, 0, "", "", false});
    credentials_.push_back({"an operator's key at mount.sock", Door::kMount,
                            operator_key(kAllScopes), true, true, kAllScopes, "", "", false});
  }

  // A link for the file that `path` names.
  std::string mint(const std::string& path, int seconds) {
    const size_t at = path.find("/download/");
    const json::object urls = rig().admin().get_object(
        path.substr(0, at) + "/urls?expires_in=" + std::to_string(seconds));
    for (const json::value& file : urls.at("files").get_array()) {
      const std::string url = target_of(file.at("url").get_string().c_str());
      if (url.substr(0, url.find('?')) == path) return url;
    }
    throw std::runtime_error("no link for " + path);
  }

  void add_link(std::string name, std::string link, bool good = true, std::string key = "") {
    Credential credential;
    credential.name = std::move(name);
    credential.link = std::move(link);
    credential.link_good = good;
    credential.key = std::move(key);
    credentials_.push_back(std::move(credential));
  }

  void add_links() {
    const Operation& download = *operations_.at("downloadFile");
    const std::string here = standing(download, kWorkspace).path;
    const std::string recording = here.substr(0, here.find("/download/"));
    add_link("a link", mint(here, 3600));
    add_link("a link and a key", mint(here, 3600), true, rig().owner_key());
    add_link("a link of another file", mint(recording + "/download/outbound.pcm", 3600));
    add_link("a link of another recording", mint(specimens_.valid(download).path, 3600));
    add_link("a link of another workspace", mint(standing(download, kNeighbour).path, 3600));
    const std::string revoked = mint(here, 3600);
    const std::string jti = revoked.substr(revoked.find("jti=") + 4, 26);
    const std::string revocations = "/v1/" + std::string(kWorkspace) + "/link-revocations";
    if (rig().admin().post(revocations, json::object{{"jti", jti}}).status != 201)
      throw std::runtime_error("a link could not be revoked");
    add_link("a revoked link", revoked, false);
    const std::string expired = mint(here, 1);
    TestClient stranger = rig().stranger();
    if (!eventually([&] { return stranger.head(expired).status == 403; }))
      throw std::runtime_error("a link did not expire");
    add_link("an expired link", expired, false);
  }

  // --- Requests
  // One for the calls that consume nothing: those that only look, and those that are refused.
  const HttpRequest& standing(const Operation& operation, const std::string& workspace) {
    const auto key = std::make_pair(operation.id, workspace);
    const auto found = standing_.find(key);
    if (found != standing_.end()) return found->second;
    return standing_.emplace(key, specimens_.valid(operation, workspace)).first->second;
  }

  static bool is_a_target(const api::Route& route, Target target) {
    const bool in_workspace = route.path.find("{workspace_id}") != std::string_view::npos;
    const bool has_more = route.path.find('{') != route.path.rfind('{');
    switch (target) {
      case Target::kOwn:
        return true;
      case Target::kMalformed:
        return route.access != api::Access::kMount &&
               (route.path.find('{') != std::string_view::npos || typed_query(route) != nullptr);
      case Target::kNeighboursHere:
        // A jti is revoked in the workspace that the path names, whoever minted it.
        return in_workspace && has_more && route.id != "revokeLink";
      default:
        return in_workspace;
    }
  }

  static const api::Parameter* typed_query(const api::Route& route) {
    for (const api::Parameter& parameter : route.query)
      if (parameter.type != api::ParameterType::kText || !parameter.allowed.empty())
        return &parameter;
    return nullptr;
  }

  HttpRequest request_for(const api::Route& route, Target target, bool consumes) {
    HttpRequest request;
    if (route.access == api::Access::kMount) {
      request.method = http::to_word(route.method);
      request.path = route.path;
      return request;
    }
    const Operation& operation = *operations_.at(std::string(route.id));
    const bool neighbours = target == Target::kNeighbours || target == Target::kNeighboursHere;
    const std::string workspace = neighbours ? kNeighbour : kWorkspace;
    request = consumes ? specimens_.valid(operation, workspace) : standing(operation, workspace);
    const auto rename = [&](const std::string& other) {
      request.path.replace(request.path.find(workspace), workspace.size(), other);
    };
    if (target == Target::kNeighboursHere) rename(kWorkspace);
    if (target == Target::kNowhere) rename(kNowhere);
    if (target == Target::kMalformed) {
      if (const size_t at = request.path.find(workspace); at != std::string::npos)
        rename("no-uuid");
      else if (const api::Parameter* parameter = typed_query(route))
        request.query.emplace_back(std::string(parameter->name), "nonesuch");
      else  // the id in the path
        request.path.replace(
            route.path.find('{'),
            request.path.find_first_of("/?", route.path.find('{')) - route.path.find('{'), "no-id");
    }
    return request;
  }

  // Nobody gives away a scope that they lack.
  static void give_own_scope(const api::Route& route, HttpRequest& request) {
    if (request.body.empty() || !route.scope) return;
    json::object body = parse_json(request.body)->get_object();
    if (!body.contains("scopes")) return;
    body["scopes"] = json::array{holdfast::word(*route.scope)};
    request.body = canonical(body);
  }

  TestClient client_of(const Credential& credential) const {
    if (credential.door == Door::kTcp) return rig().with_key(credential.key);
    Endpoint endpoint = by_socket(credential.door == Door::kAdmin ? rig().daemon().admin_socket()
                                                                  : rig().daemon().mount_socket());
    endpoint.key = credential.key;
    return TestClient(endpoint);
  }

  // --- The walk
  void run(const api::Route& route, Target target) {
    const bool reads = route.method == http::Method::kGet;
    for (const Credential& credential : credentials_) {
      HttpRequest request = request_for(route, target, false);
      const int wanted = expected(route, credential, target, request.path);
      // An operator's first key of a workspace makes the workspace.
      if (route.id == "createKey" && target == Target::kNowhere && credential.is_operator) continue;
      if (wanted == kPasses && !reads) request = request_for(route, target, true);
      give_own_scope(route, request);
      if (!credential.link.empty())
        request.path += credential.link.substr(credential.link.find('?'));
      check(route, credential, target, request, wanted);
      if (!reads || target != Target::kOwn) continue;
      request.method = "HEAD";
      check(route, credential, target, request, wanted);
    }
  }

  void check(const api::Route& route, const Credential& credential, Target target,
             const HttpRequest& request, int wanted) {
    const auto operation = operations_.find(std::string(route.id));
    const bool streams = operation != operations_.end() && operation->second->is_stream;
    if (streams && wanted == kPasses && (credential.door != Door::kTcp || request.method != "GET"))
      return;  // it does not end, and only its head over TCP is looked at
    ++requests_;
    const HttpResponse answer = streams && wanted == kPasses
                                    ? head_of_stream(rig(), request, credential.key)
                                    : client_of(credential).send(request);
    const std::string what = request.method + " " + std::string(route.path) + " (" +
                             std::string(word(target)) + ") with " + credential.name + ": ";
    if (operation != operations_.end() && credential.door != Door::kMount) {
      const Complaints complaints =
          document_.judge(*operation->second, answer, request.method == "HEAD");
      BOOST_TEST(complaints.empty(), what << text_of(complaints));
    }
    if (wanted != kPasses) {
      BOOST_TEST(answer.status == wanted,
                 what << "expected " << wanted << ", got " << answer.status << " " << answer.body);
      return;
    }
    ++passed_;
    BOOST_TEST(is_in(route, answer.status),
               what << "expected to be let in, got " << answer.status << " " << answer.body);
  }

  // 2xx, or a refusal that has nothing to do with who asks.
  static bool is_in(const api::Route& route, int status) {
    // The mount's socket wants a body that is not made here.
    if (route.access == api::Access::kMount) return status == 200 || status == 422;
    if (route.id == "rotateSigningKey" && status == 409) return true;  // rotated a moment before
    if (route.id == "releaseRecovery" && status == 404) return true;   // nothing was lost
    if (route.id == "cancelRestore" && status == 404) return true;     // another asked for it
    if (route.id == "retryMove" && status == 409) return true;         // no try of it has failed
    return status >= 200 && status < 300;
  }

  const Document document_;
  Specimens specimens_;
  const std::vector<api::Route> routes_;
  std::map<std::string, const Operation*> operations_;
  std::vector<Credential> credentials_;
  std::map<std::pair<std::string, std::string>, HttpRequest> standing_;
  int requests_ = 0;
  int passed_ = 0;
};

BOOST_AUTO_TEST_CASE(every_route_lets_in_whom_it_declares_and_nobody_else) { Matrix().run(); }

}  // namespace
}  // namespace holdfast::testing
