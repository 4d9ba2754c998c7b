// Event streams: what is told when, to how many, and to clients that leave or do not read; and the
// real thing over a socket.
#include <boost/test/unit_test.hpp>

#include "daemon/api/event_streams.h"
#include "tests/api/api_rig.h"
#include "tests/support/archive_fixture.h"

namespace holdfast::testing {
namespace {

// What the client has of one stream.
struct Received {
  http::Response head;
  std::string text;
  bool ended = false;
  bool reads = true;
  std::function<void()> on_ready;
  std::function<void()> on_disconnect;
};

class FakeStream final : public http::ResponseStream {
 public:
  explicit FakeStream(Received& received) : received_(received) {}
  bool write(std::string data) override {
    received_.text += data;
    return received_.reads;
  }
  void set_on_ready(std::function<void()> on_ready) override {
    received_.on_ready = std::move(on_ready);
  }
  void end() override { received_.ended = true; }
  void abort() override { received_.ended = true; }

 private:
  Received& received_;
};

class FakeExchange final : public http::Exchange {
 public:
  explicit FakeExchange(Received& received) : received_(received) {}
  const http::Request& request() const override { return request_; }
  http::Request& request() { return request_; }
  void read_body(size_t, std::function<void(Result<std::string>)>) override {}
  void stream_body(int64_t, std::unique_ptr<http::BodySink>) override {}
  void resume_body() override {}
  void respond(http::Response response) override {
    received_.head = std::move(response);
    received_.ended = true;
  }
  void respond_file(http::FileResponse) override {}
  std::shared_ptr<http::ResponseStream> respond_stream(http::Response head) override {
    received_.head = std::move(head);
    return std::make_shared<FakeStream>(received_);
  }
  void on_disconnect(std::function<void()> callback) override {
    received_.on_disconnect = std::move(callback);
  }

 private:
  Received& received_;
  http::Request request_;
};

// An archive with one restore that is queued, and the streams of its daemon, ticked by hand.
struct StreamRig {
  StreamRig()
      : call(rig.ingest()),
        loop(must(Loop::create())),
        index(must(Database::open_read_only(rig.config.state_dir + "/index.db"))),
        forecast(rig.archive(), index, RecallForecast::For::kManyAnswers),
        events(*loop, rig.archive()) {}

  // False where packs cannot be verified, and so nothing is archived.
  bool begin() {
    if (!rig.can_verify()) return false;
    rig.to_cold();
    restore = must(rig.ask(call)).restore;
    return true;
  }
  void open(Received& received, const std::string& who = "key:a",
            const std::string& last_event = "") {
    auto exchange = std::make_shared<FakeExchange>(received);
    if (!last_event.empty()) exchange->request().headers.add("last-event-id", last_event);
    events.open(who, api::watch_restore(rig.archive(), index, forecast, restore.restore), exchange);
  }
  void second() {
    rig.clock.advance(seconds(1));
    events.tick();
  }

  ArchiveFixture rig;
  TestCall call;
  std::unique_ptr<Loop> loop;
  Database index;
  RecallForecast forecast;
  api::EventStreams events;
  RestoreRow restore;
};

size_t count_of(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// The data of the last event.
json::object last_data(const std::string& text) {
  const size_t at = text.rfind("data: ");
  BOOST_TEST_REQUIRE(at != std::string::npos, text);
  return parse_json(text.substr(at + 6, text.find('\n', at) - at - 6))->get_object();
}

BOOST_AUTO_TEST_SUITE(restore_events)

BOOST_AUTO_TEST_CASE(states_and_progress_are_told_and_the_last_one_ends_it) {
  StreamRig rig;
  if (!rig.begin()) return;
  Received client;
  rig.open(client);
  BOOST_TEST(client.head.headers.find("content-type").value_or("") == "text/event-stream");
  BOOST_TEST(client.text.starts_with("event: state\nid: queued\ndata: {"), client.text);
  BOOST_TEST(client.text.ends_with("}\n\n"));
  rig.second();
  BOOST_TEST(count_of(client.text, "data: ") == 1U);  // nothing new, nothing said
  const RestoreId id = rig.restore.restore;
  must(rig.rig.archive().writer.call(begin_recall(id, Bytes(int64_t{1} << 40))));
  rig.rig.archive().recalls.begin(id, Bytes(1000));
  rig.second();
  BOOST_TEST(last_data(client.text).at("state").get_string() == "recalling");
  rig.rig.archive().recalls.add(id, Bytes(400));
  rig.second();
  BOOST_TEST(count_of(client.text, "event: progress\ndata: ") == 1U);
  BOOST_TEST(last_data(client.text).at("bytes_done").as_int64() == 400);
  BOOST_TEST(last_data(client.text).at("bytes_total").as_int64() == 1000);
  rig.rig.archive().recalls.end(id);
  rig.rig.run_restorers();
  rig.second();
  BOOST_TEST(last_data(client.text).at("state").get_string() == "staged");
  BOOST_TEST(client.ended);
  BOOST_TEST(rig.events.count() == 0U);
  // Who comes back with the last state has all there is.
  Received again;
  rig.open(again, "key:a", "staged");
  BOOST_TEST(again.head.status == 204);
  Received late;
  rig.open(late, "key:a", "queued");
  BOOST_TEST(late.ended);
  BOOST_TEST(last_data(late.text).at("state").get_string() == "staged");
}

BOOST_AUTO_TEST_CASE(silence_is_broken_and_a_stream_ends_within_an_hour) {
  StreamRig rig;
  if (!rig.begin()) return;
  Received client;
  rig.open(client);
  rig.rig.clock.advance(Millis(limits::kEventHeartbeatMs));
  rig.events.tick();
  BOOST_TEST(client.text.ends_with("\n\n:\n\n"));
  rig.second();
  BOOST_TEST(count_of(client.text, ":\n\n") == 1U);
  rig.rig.clock.advance(hours(1));
  rig.events.tick();
  BOOST_TEST(client.ended);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_told_what_is_so_when_it_does) {
  StreamRig rig;
  if (!rig.begin()) return;
  Received client;
  client.reads = false;
  rig.open(client);
  const size_t first = client.text.size();
  const RestoreId id = rig.restore.restore;
  must(rig.rig.archive().writer.call(begin_recall(id, Bytes(int64_t{1} << 40))));
  rig.rig.archive().recalls.begin(id, Bytes(1000));
  for (int i = 0; i < 100; ++i) {
    rig.rig.archive().recalls.add(id, Bytes(10));
    rig.second();
  }
  BOOST_TEST(client.text.size() == first);
  client.reads = true;
  client.on_ready();
  rig.second();
  BOOST_TEST(count_of(client.text, "data: ") == 2U);
  BOOST_TEST(last_data(client.text).at("bytes_done").as_int64() == 1000);
}

BOOST_AUTO_TEST_CASE(streams_are_few_for_each_and_who_leaves_makes_room) {
  StreamRig rig;
  if (!rig.begin()) return;
  std::vector<std::unique_ptr<Received>> clients;
  for (int i = 0; i < limits::kEventStreamsPerActor; ++i) {
    clients.push_back(std::make_unique<Received>());
    rig.open(*clients.back());
  }
  Received over;
  rig.open(over);
  BOOST_TEST(over.head.status == 429);
  BOOST_TEST(over.head.headers.find("retry-after").has_value());
  Received other;
  rig.open(other, "key:b");
  BOOST_TEST(!other.ended);
  clients.front()->on_disconnect();
  Received next;
  rig.open(next);
  BOOST_TEST(!next.ended);
  // Cancelled: all are told, and all end.
  BOOST_TEST(must(rig.rig.archive().writer.call(cancel_waiter(
      rig.restore.restore, must(restore_waiters(rig.index, rig.restore.restore))[0].who))));
  rig.second();
  BOOST_TEST(rig.events.count() == 0U);
  BOOST_TEST(last_data(next.text).at("state").get_string() == "cancelled");
}

BOOST_AUTO_TEST_CASE(a_stop_ends_all) {
  StreamRig rig;
  if (!rig.begin()) return;
  Received client;
  rig.open(client);
  rig.rig.archive().changes.close();
  rig.events.tick();
  BOOST_TEST(client.ended);
}

// Over the daemon's socket: the stream lasts until the recording is back, and others are served.
BOOST_AUTO_TEST_CASE(a_stream_over_the_socket_ends_with_the_last_state) {
  ApiRig& rig = ApiRig::instance();
  const CallFiles call = rig.on_tier("cold");
  const HttpResponse asked = rig.admin().post(path_of_call(call, "/restore"), json::object());
  const std::string path =
      "/v1/" + std::string(kWorkspace) + "/restores/" + member(asked, "restore_id");
  const std::string events = path + "/events";
  RawConnection browser(rig.daemon().port());
  browser.write("GET " + events + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                rig.owner_key() + "\r\nConnection: close\r\n\r\n");
  const std::string answer = browser.read_all();
  BOOST_TEST(answer.starts_with("HTTP/1.1 200 "), answer);
  BOOST_TEST(answer.find("text/event-stream") != std::string::npos);
  BOOST_TEST(answer.find("event: state\nid: staged\n") != std::string::npos, answer);
  BOOST_TEST(rig.owner().get_object(path).at("state").get_string() == "staged");
  BOOST_TEST(rig.owner().get(events, {{"Last-Event-ID", "staged"}}).status == 204);
  BOOST_TEST(rig.owner().head(events).status == 200);
  BOOST_TEST(rig.neighbour().get(events).status == 404);
  BOOST_TEST(rig.stranger().get(events).status == 401);
  TestClient writer = rig.with_key(rig.make_key({"recordings:write"}).text);
  BOOST_TEST(writer.get(events).status == 403);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
