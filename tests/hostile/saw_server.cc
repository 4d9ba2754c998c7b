#include "tests/hostile/saw_server.h"

#include <stdexcept>
#include <string>

#include "daemon/http/problem.h"

namespace holdfast::hostile {

class SawServer::Handler final : public http::Handler {
 public:
  void handle(std::shared_ptr<http::Exchange> exchange) override {
    exchange->read_body(kBodyBytesMax, [exchange](const Result<std::string>& body) {
      if (!body.ok()) return exchange->respond(http::problem_response(body.error()));
      const http::Request& request = exchange->request();
      http::Response response = http::empty_response(204);
      response.headers.set("x-saw", std::string(http::to_word(request.method)) + " " +
                                        request.target + " " + std::to_string(body->size()));
      exchange->respond(std::move(response));
    });
  }
};

SawServer::SawServer() {
  Result<std::unique_ptr<Loop>> loop = Loop::create();
  if (!loop.ok()) throw std::runtime_error(loop.error().message);
  loop_ = std::move(loop).value();
  handler_ = std::make_unique<Handler>();
  server_ = std::make_unique<http::Server>(*loop_, clock_, *handler_);
  const Result<int> port = server_->listen_tcp({});
  if (!port.ok()) throw std::runtime_error(port.error().message);
  port_ = *port;
  thread_ = std::thread([this] { loop_->run(); });
}

SawServer::~SawServer() {
  loop_->post([this] {
    server_.reset();
    loop_->stop();
  });
  thread_.join();
}

}  // namespace holdfast::hostile
