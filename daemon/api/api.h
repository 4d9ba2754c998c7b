// The API: finds the route, checks the caller, validates, and calls the handler,
// in the order of answers that contracts section "Conventions" fixes:
//
//   503 starting · 400 two credentials · 401 · 422 malformed · 403 scope ·
//   404 workspace or recording · 400 file name · 404 file · 409 · 429 · 202 · 304/416/206/200
#pragma once

#include <memory>
#include <vector>

#include "daemon/api/call.h"
#include "daemon/api/groups.h"
#include "daemon/api/route.h"

namespace holdfast::api {

// Every route of the product, in the order of /openapi.json.
std::vector<Route> all_routes();

// Thread rule: loop thread only.
class Api final : public http::Handler {
 public:
  // `admin_group`: members of it need no key on admin.sock. `mount_group`: members of it may use
  // mount.sock and speak for themselves; `mount_user` may speak for every user there.
  struct Options {
    std::optional<gid_t> admin_group;
    std::optional<gid_t> mount_group;
    std::optional<uid_t> mount_user;
  };
  Api(Services& services, Options options);

  void handle(std::shared_ptr<http::Exchange> exchange) override;

 private:
  // Who calls, told to `known`: at once, or after a worker has asked the system.
  using Known = std::function<void(Result<Actor>)>;
  void identify(const std::shared_ptr<Call>& call, const Route& route, const Known& known);
  void identify_peer(const std::shared_ptr<Call>& call, bool on_mount_socket, const Known& known);
  void admit(const std::shared_ptr<Call>& call, const Route& route, Result<Actor> actor);
  Result<Actor> by_key(std::string_view key);
  void refuse(const std::shared_ptr<http::Exchange>& exchange, const Route* route,
              http::Response response);
  // A known caller that may not do this: told by name.
  void refuse_actor(const std::shared_ptr<Call>& call, const Route& route, const Error& error);
  void handle_link(const std::shared_ptr<Call>& call, const Route& route);
  void enter(const std::shared_ptr<Call>& call, const Route& route);

  Services& services_;
  const Options options_;
  Groups groups_;
  const std::vector<Route> routes_;
};

}  // namespace holdfast::api
