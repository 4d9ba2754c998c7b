// The client against a scripted daemon: what it sends, what it makes of answers.
#include "client/http_client.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "tests/support/fake_daemon/fake_daemon.h"

namespace holdfast {
namespace {

Endpoint over_socket(const FakeDaemon& daemon) {
  Endpoint endpoint;
  endpoint.socket_path = daemon.socket_path();
  return endpoint;
}

HttpRequest get(const std::string& path) {
  HttpRequest request;
  request.path = path;
  return request;
}

class Collect final : public BodySink {
 public:
  Status write(ByteSpan bytes) override {
    text += as_text(bytes);
    if (text.size() > most) return Error{Code::kNoSpace, "the sink is full"};
    return {};
  }
  std::string text;
  size_t most = 1 << 30;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(http_client)

BOOST_AUTO_TEST_CASE(it_speaks_over_a_socket_and_keeps_the_connection) {
  FakeDaemon daemon;
  daemon.on("GET /v1/status", R"({"state":"ready"})");
  HttpClient client(over_socket(daemon));
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.request(get("/v1/status"));
    BOOST_REQUIRE(answer.ok());
    BOOST_TEST(answer->status == 200);
    BOOST_TEST(answer->parsed()->at("state").as_string() == "ready");
    BOOST_TEST(answer->header("content-type").value() == "application/json");
    BOOST_TEST(!answer->header("etag").has_value());
  }
  const auto asked = daemon.asked();
  BOOST_REQUIRE(asked.size() == 3u);
  for (const FakeRequest& request : asked) {
    BOOST_TEST(request.connection == 1);
    BOOST_TEST(!request.over_tcp);
    BOOST_TEST(request.headers.count("authorization") == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_url_carries_the_key) {
  FakeDaemon daemon;
  daemon.on("GET /v1/status", "{}");
  Endpoint endpoint;
  endpoint.url = daemon.url() + "/";
  endpoint.key = "hf_secret";
  HttpClient client(endpoint);
  BOOST_REQUIRE(client.request(get("/v1/status")).ok());
  const FakeRequest asked = daemon.only("GET", "/v1/status");
  BOOST_TEST(asked.over_tcp);
  BOOST_TEST(asked.headers.at("authorization") == "Bearer hf_secret");
}

BOOST_AUTO_TEST_CASE(paths_and_queries_are_encoded_down_to_unreserved_characters) {
  BOOST_TEST(path_of({"v1", "a b", "../x", "+2", "~-._"}) == "/v1/a%20b/..%2Fx/%2B2/~-._");
  FakeDaemon daemon;
  daemon.on("GET /v1/./x", "{}");
  HttpClient client(over_socket(daemon));
  HttpRequest request = get("/v1/./x");  // dots are sent as they are: the daemon must see them
  request.query = {{"at", "2026-11-21T03:36:00+01:00"}, {"empty", ""}};
  BOOST_REQUIRE(client.request(request).ok());
  BOOST_TEST(daemon.only("GET", "/v1/./x").query == "at=2026-11-21T03%3A36%3A00%2B01%3A00&empty=");
}

BOOST_AUTO_TEST_CASE(bodies_and_methods_arrive) {
  FakeDaemon daemon;
  daemon.on("POST /a", "{}");
  daemon.on("DELETE /a", "{}");
  daemon.on("POST /b", "{}");
  daemon.on("HEAD /a", "{}");
  HttpClient client(over_socket(daemon));
  HttpRequest request = get("/a");
  request.body = R"({"reason":"x"})";
  for (const char* method : {"POST", "DELETE"}) {
    request.method = method;
    BOOST_REQUIRE(client.request(request).ok());
    const FakeRequest asked = daemon.only(method, "/a");
    BOOST_TEST(asked.body == R"({"reason":"x"})");
    BOOST_TEST(asked.headers.at("content-type") == "application/json");
    BOOST_TEST(asked.headers.count("expect") == 0u);
  }
  HttpRequest empty = get("/b");
  empty.method = "POST";
  BOOST_REQUIRE(client.request(empty).ok());
  BOOST_TEST(daemon.only("POST", "/b").headers.at("content-length") == "0");
  HttpRequest head = get("/a");
  head.method = "HEAD";
  BOOST_REQUIRE(client.request(head).ok());
  BOOST_TEST(daemon.only("HEAD", "/a").body.empty());
}

BOOST_AUTO_TEST_CASE(a_form_streams_files_from_disk) {
  FakeDaemon daemon;
  TemporaryDirectory directory;
  const std::string bytes(3'000'000, 'x');
  std::ofstream(directory / "inbound.ulaw") << bytes;
  daemon.on("POST /v1/w/recordings", "{}");
  HttpClient client(over_socket(daemon));
  HttpRequest request = get("/v1/w/recordings");
  request.method = "POST";
  request.form_fields = {{"call_sid", "CA1"}};
  request.form_files = {{"file", "inbound.ulaw", directory / "inbound.ulaw"}};
  BOOST_REQUIRE(client.request(request).ok());
  const FakeRequest asked = daemon.only("POST", "/v1/w/recordings");
  BOOST_TEST(asked.headers.at("content-type").starts_with("multipart/form-data; boundary="));
  BOOST_TEST(asked.body.find("name=\"call_sid\"\r\n\r\nCA1\r\n") != std::string::npos);
  BOOST_TEST(asked.body.find("name=\"file\"; filename=\"inbound.ulaw\"") != std::string::npos);
  BOOST_TEST(asked.body.find("\r\n\r\n" + bytes + "\r\n--") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_form_file_that_is_not_there_is_named) {
  FakeDaemon daemon;
  HttpClient client(over_socket(daemon));
  HttpRequest request = get("/v1/w/recordings");
  request.method = "POST";
  request.form_files = {{"file", "a", "/nowhere/a"}};
  const auto answer = client.request(request);
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST(answer.error().message.find("/nowhere/a") != std::string::npos);
  BOOST_TEST(daemon.asked().empty());
}

BOOST_AUTO_TEST_CASE(every_problem_has_its_code) {
  struct Case {
    FakeAnswer answer;
    Code code;
    std::string message;
  };
  FakeAnswer fields;
  fields.status = 422;
  fields.body = R"({"detail":[{"loc":["path","workspace_id"],"msg":"not a UUID","type":"uuid"},)"
                R"({"loc":["body",0],"msg":"too long","type":"x"}]})";
  FakeAnswer bare;
  bare.status = 502;
  bare.body = "<html>";
  FakeAnswer titled;
  titled.status = 429;
  titled.body = R"({"type":"about:blank","title":"Slow down"})";
  const std::vector<Case> cases = {
      {fake_problem(404, "not-found", "no recording CA1"), Code::kNotFound, "no recording CA1"},
      {fake_problem(409, "legal-hold", "held for X"), Code::kLocked, "held for X"},
      {fake_problem(409, "locked", "retained"), Code::kLocked, "retained"},
      {fake_problem(409, "erased", "was erased"), Code::kConflict, "was erased"},
      {fake_problem(409, "already-destroyed", "gone"), Code::kConflict, "gone"},
      {fake_problem(403, "link-expired", "late"), Code::kForbidden, "late"},
      {fake_problem(507, "no-space", "full"), Code::kNoSpace, "full"},
      {fake_problem(500, "corrupt", "digest differs"), Code::kCorrupt, "digest differs"},
      {fake_problem(503, "a-later-word", "hm"), Code::kUnavailable, "hm"},
      {fields, Code::kInvalid, "path.workspace_id: not a UUID; body.0: too long"},
      {bare, Code::kUnavailable, "the server answered 502 without a reason"},
      {titled, Code::kExhausted, "Slow down"},
  };
  FakeDaemon daemon;
  HttpClient client(over_socket(daemon));
  for (const Case& one : cases) {
    daemon.on("GET /x", {one.answer});
    const auto answer = client.request(get("/x"));
    BOOST_REQUIRE(!answer.ok());
    BOOST_TEST(answer.error().message == one.message);
    BOOST_TEST((answer.error().code == one.code), one.message);
    const auto raw = client.send(get("/x"));  // send() judges nothing
    BOOST_REQUIRE(raw.ok());
    BOOST_TEST(raw->status == one.answer.status);
  }
}

BOOST_AUTO_TEST_CASE(every_code_of_the_table_has_its_word) {
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i) {
    const auto code = static_cast<Code>(i);
    BOOST_TEST((code_of_problem(traits(code).word) == code));
  }
  BOOST_TEST(!code_of_problem("nothing-we-know").has_value());
}

BOOST_AUTO_TEST_CASE(a_sink_takes_the_body_of_a_success_only) {
  FakeDaemon daemon;
  const std::string bytes(1'000'000, 'a');
  daemon.on("GET /file", bytes);
  daemon.on("GET /gone", {fake_problem(404, "not-found", "gone")});
  HttpClient client(over_socket(daemon));
  Collect sink;
  HttpRequest request = get("/file");
  request.sink = &sink;
  const auto answer = client.request(request);
  BOOST_REQUIRE(answer.ok());
  BOOST_TEST(answer->body.empty());
  BOOST_TEST((sink.text == bytes));
  request.path = "/gone";
  sink.text.clear();
  const auto gone = client.request(request);
  BOOST_REQUIRE(!gone.ok());
  BOOST_TEST(gone.error().message == "gone");
  BOOST_TEST(sink.text.empty());
}

BOOST_AUTO_TEST_CASE(what_the_sink_says_is_the_answer) {
  FakeDaemon daemon;
  daemon.on("GET /file", std::string(1'000'000, 'a'));
  HttpClient client(over_socket(daemon));
  Collect sink;
  sink.most = 1000;
  HttpRequest request = get("/file");
  request.sink = &sink;
  const auto answer = client.request(request);
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kNoSpace));
  BOOST_TEST(answer.error().message == "the sink is full");
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_kept_is_bounded) {
  FakeDaemon daemon;
  daemon.on("GET /much", std::string(HttpClient::kAnswerBytesMax + 1, ' '));
  HttpClient client(over_socket(daemon));
  const auto answer = client.request(get("/much"));
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kTooLarge));
}

BOOST_AUTO_TEST_CASE(a_short_body_is_an_error) {
  FakeDaemon daemon;
  FakeAnswer cut;
  cut.body = std::string(10'000, 'a');
  cut.cut_after = 100;
  daemon.on("GET /file", {cut});
  HttpClient client(over_socket(daemon));
  Collect sink;
  HttpRequest request = get("/file");
  request.sink = &sink;
  BOOST_TEST(!client.request(request).ok());
}

BOOST_AUTO_TEST_CASE(a_redirect_is_not_followed) {
  FakeDaemon daemon;
  FakeAnswer elsewhere;
  elsewhere.status = 302;
  elsewhere.headers = {{"Location", daemon.url() + "/other"}};
  daemon.on("GET /x", {elsewhere});
  daemon.on("GET /other", "{}");
  HttpClient client(over_socket(daemon));
  const auto answer = client.request(get("/x"));
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kIo));
  BOOST_TEST(daemon.asked().size() == 1u);
}

BOOST_AUTO_TEST_CASE(no_daemon_is_unavailable_and_says_where) {
  Endpoint endpoint;
  endpoint.socket_path = "/nowhere/admin.sock";
  HttpClient client(endpoint);
  const auto answer = client.request(get("/v1/status"));
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kUnavailable));
  BOOST_TEST(answer.error().system_errno == ENOENT);
  BOOST_TEST(answer.error().message.find("/nowhere/admin.sock") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_url_that_is_none_is_invalid) {
  Endpoint endpoint;
  endpoint.url = "ftp://x";
  HttpClient client(endpoint);
  const auto answer = client.request(get("/v1/status"));
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(a_header_with_a_line_end_is_refused) {
  FakeDaemon daemon;
  HttpClient client(over_socket(daemon));
  HttpRequest request = get("/x");
  request.headers = {{"X-A", "b\r\nX-C: d"}};
  const auto answer = client.request(request);
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kInvalid));
  BOOST_TEST(daemon.asked().empty());
}

BOOST_AUTO_TEST_CASE(a_silent_daemon_meets_the_timeout) {
  FakeDaemon daemon;
  FakeAnswer silent;
  silent.never = true;
  daemon.on("GET /x", {silent});
  HttpClient client(over_socket(daemon));
  HttpRequest request = get("/x");
  request.timeout = Millis(50);
  const auto answer = client.request(request);
  BOOST_REQUIRE(!answer.ok());
  BOOST_TEST((answer.error().code == Code::kUnavailable));
}

BOOST_AUTO_TEST_CASE(cancel_ends_a_long_poll_and_what_comes_after) {
  FakeDaemon daemon;
  FakeAnswer silent;
  silent.never = true;
  daemon.on("GET /mount/changes", {silent});
  HttpClient client(over_socket(daemon));
  std::thread poll([&client] {
    const auto answer = client.request(get("/mount/changes"));
    BOOST_REQUIRE(!answer.ok());
    BOOST_TEST((answer.error().code == Code::kUnavailable));
  });
  daemon.wait_until_asked(1);
  client.cancel();
  poll.join();
  BOOST_TEST(!client.request(get("/mount/changes")).ok());
  BOOST_TEST(daemon.asked().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_comes_back_is_found_again) {
  auto daemon = std::make_unique<FakeDaemon>();
  daemon->on("GET /x", "{}");
  Endpoint endpoint;
  endpoint.url = daemon->url();
  HttpClient client(endpoint);
  BOOST_REQUIRE(client.request(get("/x")).ok());
  daemon.reset();
  BOOST_TEST(!client.request(get("/x")).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
