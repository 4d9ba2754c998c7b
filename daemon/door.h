// The door of the HTTP server: before the archive is open it answers that the daemon is starting,
// then it hands every request to the API.
#pragma once

#include "daemon/http/server.h"

namespace holdfast {

// Thread rule: loop thread only.
class Door final : public http::Handler {
 public:
  // From now on `api` answers; it outlives the server.
  void open_to(http::Handler& api) { api_ = &api; }

  // While closed: 200 to GET /livez, 503 `starting` with Retry-After to everything else.
  void handle(std::shared_ptr<http::Exchange> exchange) override;

 private:
  http::Handler* api_ = nullptr;
};

}  // namespace holdfast
