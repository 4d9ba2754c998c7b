#include "daemon/door.h"

#include "daemon/http/problem.h"

namespace holdfast {

void Door::handle(std::shared_ptr<http::Exchange> exchange) {
  if (api_ != nullptr) return api_->handle(std::move(exchange));
  const http::Request& request = exchange->request();
  if (request.method == http::Method::kGet && request.path == "/livez")
    return exchange->respond(http::json_response(200, json::object{{"status", "alive"}}));
  http::Response response = http::problem_response(
      503, "starting", "the daemon is opening its archive; /readyz says when it serves");
  response.headers.set("retry-after", "1");
  exchange->respond(std::move(response));
}

}  // namespace holdfast
