#include "daemon/api/api.h"

#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "daemon/api/access_memory.h"
#include "daemon/api/links.h"
#include "daemon/api/ready_files.h"
#include "daemon/api/request_meters.h"
#include "index/commands/keys.h"
#include "index/read/recordings.h"
#include "index/secrets.h"
#include "io/digest.h"

namespace holdfast::api {
namespace {

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
    : services_(services),
      options_(options),
      groups_(services.archive.clock),
      routes_(all_routes()) {
  services_.routes = &routes_;
}

void Api::handle(std::shared_ptr<http::Exchange> exchange) {
  if (services_.ready_files.answer(*exchange)) return;
  const http::Request& request = exchange->request();
  Match match = match_route(routes_, request);
  const bool mount_socket = request.listener == http::ListenerKind::kMount;
  if (mount_socket) services_.mount_seen = services_.archive.clock.now();
  if (match.route != nullptr && (match.route->access == Access::kMount) != mount_socket)
    match = Match();
  exchange = metered(std::move(exchange), class_of(match.route), services_.requests,
                     services_.archive.clock);
  if (match.route == nullptr) {
    if (!match.allowed.empty()) {
      http::Response response =
          http::problem_response(405, "method-not-allowed", "this path has no such method");
      response.headers.set("allow", match.allowed);
      return exchange->respond(std::move(response));
    }
    return exchange->respond(
        http::problem_response(Error{Code::kNotFound, "there is no such path"}));
  }
  const Route& route = *match.route;
  auto call = std::make_shared<Call>(Call{services_,
                                          exchange,
                                          {},
                                          std::nullopt,
                                          std::move(match.path),
                                          std::nullopt,
                                          services_.archive.writer.changes()});

  if (route.access == Access::kOpen) return route.handle(call);
  const bool link = http::claims_link(request);
  if (link && request.headers.count("authorization") > 0)
    return exchange->respond(http::problem_response(
        400, "two-credentials", "a request carries a key or a signed link, not both"));
  if (link && route.access == Access::kKeyOrLink) return handle_link(call, route);

  identify(call, route,
           [this, call, &route](Result<Actor> actor) { admit(call, route, std::move(actor)); });
}

void Api::admit(const std::shared_ptr<Call>& call, const Route& route, Result<Actor> actor) {
  if (!actor.ok()) {
    const Error& error = actor.error();
    if (error.code != Code::kUnauthenticated) return call->answer(http::problem_response(error));
    return refuse(call->exchange, &route, unauthenticated(error.message));
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

void Api::identify(const std::shared_ptr<Call>& call, const Route& route, const Known& known) {
  const http::Request& request = call->request();
  const bool on_mount_socket = route.access == Access::kMount;
  if (!on_mount_socket) {
    if (const auto key = request.bearer()) return known(by_key(*key));
    if (request.listener != http::ListenerKind::kAdmin || !request.peer)
      return known(Error{Code::kUnauthenticated, "give an API key: Authorization: Bearer <key>"});
  }
  identify_peer(call, on_mount_socket, known);
}

// By the other end of a Unix socket, as the kernel tells it. Root and the daemon's own user may do
// everything; on admin.sock the group of operators too. On mount.sock the mount's user may speak
// for others (it serves their opens), its group only for themselves.
void Api::identify_peer(const std::shared_ptr<Call>& call, bool on_mount_socket,
                        const Known& known) {
  const Error stranger{Code::kUnauthenticated,
                       on_mount_socket
                           ? "this user may not use the mount's socket"
                           : "this user is not in the group of operators; give an API key"};
  if (!call->request().peer) return known(stranger);
  const http::PeerCredentials peer = *call->request().peer;
  Actor actor{"uid:" + std::to_string(peer.uid),
              !on_mount_socket,
              on_mount_socket ? 0 : kAllScopes,
              std::nullopt,
              std::nullopt,
              std::nullopt};
  if (peer.uid == 0 || peer.uid == ::geteuid() ||
      (on_mount_socket && options_.mount_user == peer.uid))
    return known(actor);
  if (on_mount_socket) actor.speaks_only_for = peer.uid;
  const std::optional<gid_t> group = on_mount_socket ? options_.mount_group : options_.admin_group;
  if (!group) return known(stranger);
  const auto judge = [known, actor, stranger](bool is_member) {
    if (is_member) return known(actor);
    known(stranger);
  };
  if (peer.gid == *group) return judge(true);
  if (const auto answer = groups_.known(peer.uid, *group)) return judge(*answer);
  with_worker<bool>(
      call, [peer, group = *group](Io&) { return Result(ask_group(peer.uid, peer.gid, group)); },
      [this, peer, group = *group, judge](const CallPtr&, const Result<bool>& is_member) {
        groups_.keep(peer.uid, group, *is_member);
        judge(*is_member);
      });
}

Result<Actor> Api::by_key(std::string_view key) {
  HOLDFAST_ASSIGN(found, find_api_key_by_hash(services_.index, sha256(key)));
  const UnixMillis now = services_.archive.clock.now();
  if (!found) return Error{Code::kUnauthenticated, "the API key is not known"};
  if (found->revoked_at) return Error{Code::kUnauthenticated, "the API key was revoked"};
  if (found->expires_at && *found->expires_at <= now)
    return Error{Code::kUnauthenticated, "the API key has expired"};
  Actor actor{"key:" + found->key.text(),
              !found->workspace.has_value(),
              found->scopes,
              *found,
              std::nullopt,
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
  call->actor =
      Actor{"link:" + verdict.link.jti.text(), false, 0, std::nullopt, verdict.link, std::nullopt};
  route.handle(call);
}

}  // namespace holdfast::api
