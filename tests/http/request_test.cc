// Targets, fields and errors as values: no sockets.
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>

#include "daemon/http/problem.h"
#include "daemon/http/request.h"

namespace holdfast::http {
namespace {

Request request_for(std::string_view target) {
  Request request;
  request.target = target;
  const Status split = split_target(request);
  BOOST_REQUIRE_MESSAGE(split.ok(), target);
  return request;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(request)

BOOST_AUTO_TEST_CASE(segments_are_decoded_once_and_tricks_stay_visible) {
  const struct {
    const char* target;
    std::vector<std::pair<std::string, bool>> segments;
  } cases[] = {
      {"/", {}},
      {"/a", {{"a", true}}},
      {"/a/", {{"a", true}, {"", true}}},
      {"//a", {{"", true}, {"a", true}}},
      {"/a%20b/c", {{"a b", true}, {"c", true}}},
      {"/a%2Fb", {{"a/b", false}}},
      {"/a%5cb", {{"a\\b", false}}},
      {"/..", {{"..", false}}},
      {"/%2e%2E/x", {{"..", false}, {"x", true}}},
      {"/.", {{".", false}}},
      {"/%252e%252e", {{"%2e%2e", true}}},
      {"/a%00b", {{std::string("a\0b", 3), false}}},
      {"/%C3%A4", {{"\xc3\xa4", false}}},
      {"/a+b?c", {{"a+b", true}}},
      {"*", {}},
  };
  for (const auto& one : cases) {
    const Request request = request_for(one.target);
    BOOST_REQUIRE_MESSAGE(request.segments.size() == one.segments.size(), one.target);
    for (size_t i = 0; i < one.segments.size(); ++i) {
      BOOST_TEST(request.segments[i].text == one.segments[i].first);
      BOOST_TEST(request.segments[i].plain == one.segments[i].second);
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_keep_their_order_and_repetitions) {
  const Request request = request_for("/a?x=1&y=a+b%2B&&x=2&z&=w?&u=a=b");
  BOOST_TEST(request.path == "/a");
  BOOST_TEST(request.query == "x=1&y=a+b%2B&&x=2&z&=w?&u=a=b");
  BOOST_REQUIRE(request.parameters.size() == 6u);
  BOOST_TEST(request.parameter_count("x") == 2u);
  BOOST_CHECK(!request.parameter("x"));
  BOOST_CHECK(request.parameter("y") == "a b+");
  BOOST_CHECK(request.parameter("z") == "");
  BOOST_CHECK(request.parameter("") == "w?");
  BOOST_CHECK(request.parameter("u") == "a=b");
  BOOST_CHECK(!request.parameter("absent"));
}

BOOST_AUTO_TEST_CASE(bearer_tokens_and_preferences) {
  const auto bearer = [](std::string_view value) {
    Request request;
    request.headers.add("Authorization", value);
    return std::string(request.bearer().value_or("-"));
  };
  BOOST_TEST(bearer("Bearer abc") == "abc");
  BOOST_TEST(bearer("bearer  abc") == "abc");
  BOOST_TEST(bearer("Basic abc") == "-");
  BOOST_TEST(bearer("Bearer") == "-");
  BOOST_TEST(bearer("Bearer ") == "-");
  const auto wait = [](std::string_view value) {
    Request request;
    request.headers.add("prefer", value);
    return preferred_wait_seconds(request);
  };
  BOOST_TEST(wait("wait=5") == 5);
  BOOST_TEST(wait("respond-async, wait=10") == 10);
  BOOST_TEST(wait("wait=100000") == 60);
  BOOST_TEST(wait("wait=-1") == 0);
  BOOST_TEST(wait("wait=") == 0);
  BOOST_TEST(wait("await=5") == 0);
}

BOOST_AUTO_TEST_CASE(percent_encoding_returns) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  BOOST_TEST(*percent_decode(percent_encode(all), false) == all);
  BOOST_TEST(percent_encode("a-._~/ +") == "a-._~%2F%20%2B");
}

BOOST_AUTO_TEST_CASE(errors_become_problem_details) {
  const Response response = problem_response(Error{Code::kNotFound, "find recording CA1: none"});
  BOOST_TEST(response.status == 404);
  BOOST_CHECK(response.headers.find("content-type") == "application/problem+json");
  BOOST_TEST(response.body ==
             "{\"detail\":\"find recording CA1: none\",\"status\":404,"
             "\"title\":\"There is no such thing here\","
             "\"type\":\"urn:holdfast:problem:not-found\"}");
  // What the system said may name paths: it stays in the log.
  BOOST_TEST(problem_response(Error{Code::kIo, "open /srv/x: EIO"}).body.find("/srv") ==
             std::string::npos);
  // Want of descriptors or memory is the moment's: the client comes again.
  for (const int number : {EMFILE, ENFILE, ENOMEM}) {
    const Response later = problem_response(system_error(number, "open /srv/x"));
    BOOST_TEST(later.status == 503);
    BOOST_TEST(later.body.find("/srv") == std::string::npos);
  }
  BOOST_TEST(problem_response(system_error(EIO, "read /srv/x")).status == 500);
  BOOST_CHECK(problem_response(401, "unauthenticated", "").headers.find("www-authenticate") ==
              "Bearer");
}

BOOST_AUTO_TEST_CASE(validation_errors_have_the_platforms_shape) {
  const Response response =
      validation_response({{{"path", "workspace_id"}, "not a UUID", "uuid_parsing", "x"}});
  BOOST_TEST(response.status == 422);
  BOOST_TEST(response.body ==
             "{\"detail\":[{\"input\":\"x\",\"loc\":[\"path\",\"workspace_id\"],"
             "\"msg\":\"not a UUID\",\"type\":\"uuid_parsing\"}]}");
}

BOOST_AUTO_TEST_CASE(a_field_with_a_control_byte_is_never_sent) {
  Headers headers;
  headers.add("x-good", "1");
  headers.add("x-bad", "a\r\nSet-Cookie: b");
  BOOST_TEST(serialize_head(200, headers) == "HTTP/1.1 200 OK\r\nX-Good: 1\r\n\r\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http
