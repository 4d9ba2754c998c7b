// Each exchange is counted once, however it ends.
#include "daemon/api/request_meters.h"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::api;

namespace {

// Keeps what it is given, so that the test decides how the exchange goes on.
class KeptExchange final : public http::Exchange {
 public:
  const http::Request& request() const override { return request_; }
  void read_body(size_t, std::function<void(Result<std::string>)> done) override { body = done; }
  void stream_body(int64_t, std::unique_ptr<http::BodySink> taken) override {
    sink = std::move(taken);
  }
  void resume_body() override {}
  void respond(http::Response) override { ++answers; }
  void respond_file(http::FileResponse) override { ++answers; }
  std::shared_ptr<http::ResponseStream> respond_stream(http::Response) override {
    ++answers;
    return nullptr;
  }
  void on_disconnect(std::function<void()> callback) override { left = callback; }

  int answers = 0;
  std::function<void(Result<std::string>)> body;
  std::unique_ptr<http::BodySink> sink;
  std::function<void()> left;

 private:
  http::Request request_;
};

class NoSink final : public http::BodySink {
 public:
  Flow on_data(ByteSpan) override { return Flow::kContinue; }
  void on_end() override {}
  void on_error(const Error&) override {}
};

struct MetersRig {
  ManualClock clock{UnixMillis(0)};
  RequestMeters meters;
  std::shared_ptr<KeptExchange> kept = std::make_shared<KeptExchange>();
  std::shared_ptr<http::Exchange> exchange = metered(kept, RouteClass::kRead, meters, clock);

  // As "2xx 4xx 5xx".
  std::string counted() const {
    const auto& of = meters.answers[static_cast<size_t>(RouteClass::kRead)];
    return std::to_string(of[1].value()) + " " + std::to_string(of[3].value()) + " " +
           std::to_string(of[4].value());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(request_meters)

BOOST_AUTO_TEST_CASE(an_answer_is_counted_once) {
  MetersRig rig;
  rig.exchange->respond(http::Response{});
  BOOST_TEST(rig.counted() == "1 0 0");
  rig.exchange.reset();
  BOOST_TEST(rig.counted() == "1 0 0");
  BOOST_TEST(rig.kept->answers == 1);
}

BOOST_AUTO_TEST_CASE(one_that_is_let_go_is_an_error_of_the_server) {
  MetersRig rig;
  rig.exchange.reset();
  BOOST_TEST(rig.counted() == "0 0 1");
  MetersRig read;
  read.exchange->read_body(10, [](const Result<std::string>&) {});
  read.kept->body(std::string("whole"));
  read.exchange.reset();
  BOOST_TEST(read.counted() == "0 0 1");
}

BOOST_AUTO_TEST_CASE(one_whose_client_left_is_not) {
  MetersRig left;
  bool told = false;
  left.exchange->on_disconnect([&] { told = true; });
  left.kept->left();
  left.exchange.reset();
  BOOST_TEST(told);
  BOOST_TEST(left.counted() == "0 1 0");
  MetersRig body;
  body.exchange->read_body(10, [](const Result<std::string>&) {});
  body.kept->body(Error{Code::kTooLarge, "too long"});
  body.exchange.reset();
  BOOST_TEST(body.counted() == "0 1 0");
  MetersRig upload;
  upload.exchange->stream_body(10, std::make_unique<NoSink>());
  upload.kept->sink->on_error(Error{Code::kUnavailable, "the client left"});
  upload.exchange.reset();
  BOOST_TEST(upload.counted() == "0 1 0");
}

BOOST_AUTO_TEST_SUITE_END()
