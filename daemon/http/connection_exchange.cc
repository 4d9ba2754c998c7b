#include "daemon/http/connection_exchange.h"

#include <utility>

#include "daemon/http/connection.h"

namespace holdfast::http {
namespace {

// Gathers a body into one string; the connection holds it to the limit.
class StringSink final : public BodySink {
 public:
  explicit StringSink(std::function<void(Result<std::string>)> done) : done_(std::move(done)) {}
  Flow on_data(ByteSpan data) override {
    text_ += as_text(data);
    return Flow::kContinue;
  }
  void on_end() override { done_(std::move(text_)); }
  void on_error(const Error& error) override { done_(error); }

 private:
  std::function<void(Result<std::string>)> done_;
  std::string text_;
};

class ConnectionStream final : public ResponseStream {
 public:
  ConnectionStream(Loop& loop, std::weak_ptr<Connection> connection, uint64_t number)
      : loop_(loop), connection_(std::move(connection)), number_(number) {}
  ~ConnectionStream() override {
    if (over_) return;
    // Possibly on a worker: the loop does it.
    loop_.post([connection = connection_, number = number_] {
      if (auto alive = connection.lock()) alive->stream_abort(number);
    });
  }

  bool write(std::string data) override {
    auto connection = connection_.lock();
    return connection && connection->stream_write(number_, data);
  }
  void set_on_ready(std::function<void()> on_ready) override {
    if (auto connection = connection_.lock())
      connection->stream_on_ready(number_, std::move(on_ready));
  }
  void end() override {
    over_ = true;
    if (auto connection = connection_.lock()) connection->stream_end(number_);
  }
  void abort() override {
    over_ = true;
    if (auto connection = connection_.lock()) connection->stream_abort(number_);
  }

 private:
  Loop& loop_;
  const std::weak_ptr<Connection> connection_;
  const uint64_t number_;
  bool over_ = false;
};

}  // namespace

ConnectionExchange::ConnectionExchange(Loop& loop, std::weak_ptr<Connection> connection,
                                       uint64_t number, std::shared_ptr<Request> request)
    : loop_(loop),
      connection_(std::move(connection)),
      number_(number),
      request_(std::move(request)) {}

ConnectionExchange::~ConnectionExchange() {
  if (answered_) return;
  // Possibly on a worker, which must not touch the connection.
  loop_.post([connection = connection_, number = number_] {
    if (auto alive = connection.lock()) alive->abandoned(number);
  });
}

void ConnectionExchange::read_body(size_t limit, std::function<void(Result<std::string>)> done) {
  stream_body(static_cast<int64_t>(limit), std::make_unique<StringSink>(std::move(done)));
}

void ConnectionExchange::stream_body(int64_t limit, std::unique_ptr<BodySink> sink) {
  auto connection = connection_.lock();
  if (!connection) {
    sink->on_error(Error{Code::kUnavailable, "receive a body: the client is gone"});
    return;
  }
  connection->read_body(number_, limit, std::move(sink));
}

void ConnectionExchange::resume_body() {
  if (auto connection = connection_.lock()) connection->resume_body(number_);
}

void ConnectionExchange::respond(Response response) {
  answered_ = true;
  if (auto connection = connection_.lock()) connection->respond(number_, std::move(response));
}

void ConnectionExchange::respond_file(FileResponse response) {
  answered_ = true;
  if (auto connection = connection_.lock()) {
    connection->respond_file(number_, std::move(response));
  } else if (response.done) {
    response.done(Bytes(0));
  }
}

std::shared_ptr<ResponseStream> ConnectionExchange::respond_stream(Response head) {
  answered_ = true;
  if (auto connection = connection_.lock()) connection->begin_stream(number_, std::move(head));
  return std::make_shared<ConnectionStream>(loop_, connection_, number_);
}

void ConnectionExchange::on_disconnect(std::function<void()> callback) {
  if (auto connection = connection_.lock()) connection->on_disconnect(number_, std::move(callback));
}

}  // namespace holdfast::http
