// The table: every route of the product, by its sections in daemon/api/routes/.
#include "daemon/api/api.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  // Fixed words come before variables of the same shape.
  add_operations(routes);
  add_backups(routes);
  add_retention(routes);
  add_verifications(routes);
  add_keys(routes);
  add_recordings(routes);
  add_restores(routes);
  add_imports(routes);
  add_holds(routes);
  add_callbacks(routes);
  return routes;
}

}  // namespace holdfast::api
