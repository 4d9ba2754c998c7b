#include "daemon/api/api.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "daemon/api/access_memory.h"
#include "daemon/api/links.h"
#include "index/commands/keys.h"
#include "index/read/recordings.h"
#include "index/secrets.h"
#include "io/digest.h"

namespace holdfast::api {
namespace {

// The user's groups as the system knows them; a socket tells only the primary one.
bool is_member(uid_t uid, gid_t primary, gid_t group) {
  if (primary == group) return true;
  const struct passwd* user = ::getpwuid(uid);
  if (user == nullptr) return false;
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  if (::getgrouplist(user->pw_name, primary, groups.data(), &count) < 0) {
    groups.resize(static_cast<size_t>(count));
    if (::getgrouplist(user->pw_name, primary, groups.data(), &count) < 0) return false;
  }
  groups.resize(static_cast<size_t>(count));
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::string source_of(const http::Request& request) {
  return request.remote.substr(0, request.remote.rfind(':'));
}

http::Response unauthenticated(std::string_view detail) {
  http::Response response =
      http::problem_response(Error{Code::kUnauthenticated, std::string(detail)});
  response.headers.set("www-authenticate", "Bearer");
  return response;
}

}  // namespace

Api::Api(Services& services, Options options)
    : services_(services), options_(options), routes_(all_routes()) {
  services_.routes = &routes_;
}

void Api::handle(std::shared_ptr<http::Exchange> exchange) {
  const http::Request& request = exchange->request();
  Match match = match_route(routes_, request);
  const bool mount_socket = request.listener == http::ListenerKind::kMount;
  if (match.route != nullptr && (match.route->access == Access::kMount) != mount_socket)
    match = Match();
  if (match.route == nullptr) {
    if (match.other_method)
      return exchange->respond(
          http::problem_response(405, "method-not-allowed", "this path has no such method"));
    return exchange->respond(
        http::problem_response(Error{Code::kNotFound, "there is no such path"}));
  }
  const Route& route = *match.route;
  auto call =
      std::make_shared<Call>(Call{services_, exchange, {}, std::nullopt, std::move(match.path)});

  if (route.access == Access::kOpen) return route.handle(call);
  const bool link = http::claims_link(request);
  if (link && request.headers.count("authorization") > 0)
    return exchange->respond(http::problem_response(
        400, "two-credentials", "a request carries a key or a signed link, not both"));
  if (link && route.access == Access::kKeyOrLink) return handle_link(call, route);

  Result<Actor> actor = authenticate(request, route);
  if (!actor.ok()) {
    const Error& error = actor.error();
    if (error.code != Code::kUnauthenticated)
      return exchange->respond(http::problem_response(error));
    return refuse(exchange, &route, unauthenticated(error.message));
  }
  call->actor = *std::move(actor);
  enter(call, route);
}

void Api::refuse(const std::shared_ptr<http::Exchange>& exchange, const Route* route,
                 http::Response response) {
  services_.access.refused(source_of(exchange->request()), route->id, response.status);
  exchange->respond(std::move(response));
}

void Api::refuse_actor(const std::shared_ptr<Call>& call, const Route& route, const Error& error) {
  services_.access.refused(source_of(call->request()), route.id, traits(error.code).http_status,
                           call->actor.who);
  call->fail(error);
}

Result<Actor> Api::authenticate(const http::Request& request, const Route& route) {
  if (route.access == Access::kMount) return Actor{"mount", false, 0, std::nullopt, std::nullopt};
  if (const auto key = request.bearer()) return by_key(*key);
  if (request.listener == http::ListenerKind::kAdmin && request.peer)
    return local_operator(*request.peer);
  return Error{Code::kUnauthenticated, "give an API key: Authorization: Bearer <key>"};
}

// Root, the daemon's own user and the group of operators need no key on the admin socket.
Result<Actor> Api::local_operator(const http::PeerCredentials& peer) const {
  const bool trusted =
      peer.uid == 0 || peer.uid == ::geteuid() ||
      (options_.admin_group && is_member(peer.uid, peer.gid, *options_.admin_group));
  if (!trusted)
    return Error{Code::kUnauthenticated,
                 "this user is not in the group of operators; give an API key"};
  return Actor{"uid:" + std::to_string(peer.uid), true, kAllScopes, std::nullopt, std::nullopt};
}

Result<Actor> Api::by_key(std::string_view key) {
  HOLDFAST_ASSIGN(found, find_api_key_by_hash(services_.index, sha256(key)));
  const UnixMillis now = services_.archive.clock.now();
  if (!found) return Error{Code::kUnauthenticated, "the API key is not known"};
  if (found->revoked_at) return Error{Code::kUnauthenticated, "the API key was revoked"};
  if (found->expires_at && *found->expires_at <= now)
    return Error{Code::kUnauthenticated, "the API key has expired"};
  Actor actor{"key:" + found->key.text(), !found->workspace.has_value(), found->scopes, *found,
              std::nullopt};
  return actor;
}

// What every route asks once the caller is known.
void Api::enter(const std::shared_ptr<Call>& call, const Route& route) {
  std::vector<http::FieldError> wrong = check_parameters(route, call->request(), call->path);
  if (!wrong.empty()) return call->answer(http::validation_response(wrong));
  if (route.access == Access::kOperator && !call->actor.is_operator)
    return refuse_actor(call, route, Error{Code::kForbidden, "this is for operators"});
  if (route.scope && !call->actor.may(*route.scope))
    return refuse_actor(call, route,
                        Error{Code::kForbidden, "the key lacks the scope " +
                                                    std::string(holdfast::word(*route.scope))});
  if (const auto named = call->path.find("workspace_id"); named != call->path.end()) {
    const Result<WorkspaceId> id = WorkspaceId::from_text(named->second);
    auto found = find_workspace(call->index(), *id);
    if (!found.ok()) return call->fail(found.error());
    const bool own =
        call->actor.is_operator || (call->actor.key && call->actor.key->workspace == *id);
    const Error unknown{Code::kNotFound, "there is no such workspace"};
    if (!own) return refuse_actor(call, route, unknown);
    // A workspace exists from its first key, which an operator gives it.
    if (!*found && route.id == "createKey" && call->actor.is_operator)
      return with_command(call, add_workspace(*id, "", call->actor.who),
                          [&route](const CallPtr& added, const WorkspaceRow& row) {
                            added->workspace = row;
                            route.handle(added);
                          });
    if (!*found) return call->fail(unknown);
    call->workspace = *std::move(found);
  }
  route.handle(call);
}

// A signed link is its own credential: it says workspace, recording and file.
void Api::handle_link(const std::shared_ptr<Call>& call, const Route& route) {
  LinkVerdict verdict = judge_link(*call);
  if (verdict.refusal) return refuse(call->exchange, &route, *std::move(verdict.refusal));
  call->workspace = std::move(verdict.workspace);
  call->actor = Actor{"link:" + verdict.link.jti.text(), false, 0, std::nullopt, verdict.link};
  route.handle(call);
}

}  // namespace holdfast::api
