#include "daemon/api/request_meters.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace holdfast::api {
namespace {

constexpr int kClientLeft = 499;  // no answer: counted with what is the client's own doing

// What becomes of an exchange beside its answer. Set on the loop, read by whoever lets go of it.
struct Fate {
  std::atomic<bool> client_left{false};
};

// Sees whether the body failed: then the server has answered, if anybody can read it.
class WatchedSink final : public http::BodySink {
 public:
  WatchedSink(std::unique_ptr<http::BodySink> sink, std::shared_ptr<Fate> fate)
      : sink_(std::move(sink)), fate_(std::move(fate)) {}

  Flow on_data(ByteSpan data) override { return sink_->on_data(data); }
  void on_end() override { sink_->on_end(); }
  void on_error(const Error& error) override {
    fate_->client_left = true;
    sink_->on_error(error);
  }

 private:
  const std::unique_ptr<http::BodySink> sink_;
  const std::shared_ptr<Fate> fate_;
};

class MeteredExchange final : public http::Exchange {
 public:
  MeteredExchange(std::shared_ptr<http::Exchange> exchange, RouteClass about, RequestMeters& meters,
                  const Clock& clock)
      : exchange_(std::move(exchange)),
        about_(about),
        meters_(meters),
        clock_(clock),
        began_(clock.monotonic()) {}
  // Let go without an answer: 500, as the server answers then, unless nobody is there to read it.
  ~MeteredExchange() override { count(fate_->client_left ? kClientLeft : 500); }
  MeteredExchange(const MeteredExchange&) = delete;
  MeteredExchange& operator=(const MeteredExchange&) = delete;

  const http::Request& request() const override { return exchange_->request(); }
  void read_body(size_t limit, std::function<void(Result<std::string>)> done) override {
    exchange_->read_body(limit, [fate = fate_, done = std::move(done)](Result<std::string> body) {
      if (!body.ok()) fate->client_left = true;
      done(std::move(body));
    });
  }
  void stream_body(int64_t limit, std::unique_ptr<http::BodySink> sink) override {
    exchange_->stream_body(limit, std::make_unique<WatchedSink>(std::move(sink), fate_));
  }
  void resume_body() override { exchange_->resume_body(); }
  void respond(http::Response response) override {
    count(response.status);
    exchange_->respond(std::move(response));
  }
  void respond_file(http::FileResponse response) override {
    count(response.status);
    exchange_->respond_file(std::move(response));
  }
  std::shared_ptr<http::ResponseStream> respond_stream(http::Response head) override {
    count(head.status);
    return exchange_->respond_stream(std::move(head));
  }
  void on_disconnect(std::function<void()> callback) override {
    exchange_->on_disconnect([fate = fate_, callback = std::move(callback)] {
      fate->client_left = true;
      callback();
    });
  }

 private:
  void count(int status) {
    if (counted_.exchange(true)) return;
    meters_.count(about_, status, Millis(clock_.monotonic().count - began_.count));
  }

  const std::shared_ptr<http::Exchange> exchange_;
  const RouteClass about_;
  RequestMeters& meters_;
  const Clock& clock_;
  const Millis began_;
  const std::shared_ptr<Fate> fate_ = std::make_shared<Fate>();
  std::atomic<bool> counted_{false};
};

}  // namespace

void RequestMeters::count(RouteClass about, int status, Millis took) {
  const auto row = static_cast<size_t>(about);
  answers[row][static_cast<size_t>(std::clamp(status / 100, 1, 5) - 1)].add();
  seconds[row].value.observe(static_cast<double>(took.count) / 1000.0);
}

RouteClass class_of(const Route* route) {
  if (route == nullptr) return RouteClass::kUnknown;
  if (route->access == Access::kMount) return RouteClass::kMount;
  if (route->access == Access::kOpen) return RouteClass::kOpen;
  if (route->scope == Scope::kRecordingsDownload) return RouteClass::kDownload;
  if (route->scope == Scope::kRecordingsWrite) return RouteClass::kIngest;
  if (route->scope == Scope::kRecordingsRestore) return RouteClass::kRestore;
  if (route->access == Access::kOperator) return RouteClass::kOperate;
  return route->method == http::Method::kGet ? RouteClass::kRead : RouteClass::kWrite;
}

std::shared_ptr<http::Exchange> metered(std::shared_ptr<http::Exchange> exchange, RouteClass about,
                                        RequestMeters& meters, const Clock& clock) {
  return std::make_shared<MeteredExchange>(std::move(exchange), about, meters, clock);
}

}  // namespace holdfast::api
