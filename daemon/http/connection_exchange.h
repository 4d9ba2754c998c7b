// The Exchange that a Connection hands to the handler: a name for one request,
// which outlives the connection harmlessly.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/http/exchange.h"
#include "daemon/loop.h"

namespace holdfast::http {

class Connection;

class ConnectionExchange final : public Exchange {
 public:
  ConnectionExchange(Loop& loop, std::weak_ptr<Connection> connection, uint64_t number,
                     std::shared_ptr<Request> request);
  ~ConnectionExchange() override;

  const Request& request() const override { return *request_; }
  void read_body(size_t limit, std::function<void(Result<std::string>)> done) override;
  void stream_body(int64_t limit, std::unique_ptr<BodySink> sink) override;
  void resume_body() override;
  void respond(Response response) override;
  void respond_file(FileResponse response) override;
  std::shared_ptr<ResponseStream> respond_stream(Response head) override;
  void on_disconnect(std::function<void()> callback) override;

 private:
  Loop& loop_;
  const std::weak_ptr<Connection> connection_;
  const uint64_t number_;
  const std::shared_ptr<Request> request_;
  bool answered_ = false;
};

}  // namespace holdfast::http
