// POSTs to a receiver that behaves, and to such as do not.
#include "daemon/outbound/post.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/http_receiver.h"

using namespace holdfast;
using namespace holdfast::outbound;
using holdfast::testing::HttpReceiver;

namespace {

Post post_to(const std::string& url) {
  Rules rules;
  rules.hosts = {"127.0.0.1", "receiver.example"};
  rules.networks = {*IpNetwork::from_text("127.0.0.0/8")};
  rules.plaintext = true;
  // The name has the receiver's address: who asks DNS instead does not get there.
  auto target = pin(url, rules, [](const std::string&) -> Result<std::vector<IpAddress>> {
    return std::vector{*IpAddress::from_text("127.0.0.1")};
  });
  BOOST_REQUIRE_MESSAGE(target.ok(), (target.ok() ? "" : target.error().message));
  return {*target, {{"webhook-id", "msg_1"}, {"Content-Type", "application/json"}}, R"({"a":1})"};
}

Result<int> answer_to(const std::string& answer) {
  HttpReceiver receiver(answer);
  return post_all({post_to(receiver.url())}, {seconds(10), ""}).front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(outbound_post)

BOOST_AUTO_TEST_CASE(a_message_arrives_as_it_is) {
  HttpReceiver receiver(HttpReceiver::status(204));
  const auto answers = post_all({post_to(receiver.url("/hook?x=1"))}, {});
  BOOST_REQUIRE(answers.front().ok());
  BOOST_TEST(*answers.front() == 204);
  BOOST_REQUIRE(receiver.requests().size() == 1u);
  const std::string request = receiver.requests().front();
  BOOST_TEST(request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"));
  BOOST_TEST(testing::header_of(request, "webhook-id") == "msg_1");
  BOOST_TEST(testing::header_of(request, "content-type") == "application/json");
  BOOST_TEST(testing::body_of(request) == R"({"a":1})");
}

BOOST_AUTO_TEST_CASE(a_name_goes_to_its_pinned_address) {
  HttpReceiver receiver(HttpReceiver::status(200));
  const std::string url = "http://receiver.example:" + std::to_string(receiver.port()) + "/";
  const auto answers = post_all({post_to(url)}, {});
  BOOST_REQUIRE_MESSAGE(answers.front().ok(), url);
  BOOST_TEST(testing::header_of(receiver.requests().front(), "host") ==
             "receiver.example:" + std::to_string(receiver.port()));
}

BOOST_AUTO_TEST_CASE(a_redirect_is_an_answer_like_any_other) {
  HttpReceiver elsewhere(HttpReceiver::status(200));
  HttpReceiver receiver("HTTP/1.1 307 Elsewhere\r\nLocation: " + elsewhere.url() +
                        "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  const auto answers = post_all({post_to(receiver.url())}, {});
  BOOST_REQUIRE(answers.front().ok());
  BOOST_TEST(*answers.front() == 307);
  BOOST_TEST(elsewhere.requests().empty());
}

BOOST_AUTO_TEST_CASE(an_endless_answer_is_cut_off) {
  const Result<int> answer =
      answer_to("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(8 << 20, 'x'));
  BOOST_REQUIRE(answer.ok());
  BOOST_TEST(*answer == 200);
}

// Its head has come: that it promised more than it sent, or does not end, changes nothing.
BOOST_AUTO_TEST_CASE(the_head_of_an_answer_is_enough) {
  const Result<int> torn = answer_to("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok");
  BOOST_REQUIRE(torn.ok());
  BOOST_TEST(*torn == 200);
}

// libcurl is told a name without a pin of it: it finds the name by itself, and opens no socket.
BOOST_AUTO_TEST_CASE(no_socket_goes_to_an_address_that_was_not_checked) {
  HttpReceiver receiver(HttpReceiver::status(200));
  Post post = post_to(receiver.url());
  post.target.addresses = {*IpAddress::from_text("127.0.0.9")};
  BOOST_TEST(!post_all({post}, {seconds(5), ""}).front().ok());
  BOOST_TEST(receiver.requests().empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_an_error) {
  for (const std::string bytes : {"SSH-2.0-OpenSSH\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\r\n"}) {
    const Result<int> answer = answer_to(bytes);
    BOOST_REQUIRE_MESSAGE(!answer.ok(), bytes);
    BOOST_TEST((answer.error().code == Code::kUnavailable));
  }
}

BOOST_AUTO_TEST_CASE(one_that_does_not_answer_holds_up_nobody_else) {
  HttpReceiver silent("");
  HttpReceiver good(HttpReceiver::status(200));
  const auto answers = post_all({post_to(silent.url()), post_to(good.url())}, {seconds(1), ""});
  BOOST_REQUIRE(answers.size() == 2u);
  BOOST_TEST(!answers[0].ok());
  BOOST_REQUIRE(answers[1].ok());
  BOOST_TEST(*answers[1] == 200);
}

BOOST_AUTO_TEST_CASE(nobody_there) {
  int port = 0;
  { port = HttpReceiver(HttpReceiver::status(200)).port(); }
  const auto answers = post_all({post_to("http://127.0.0.1:" + std::to_string(port) + "/")}, {});
  BOOST_TEST(!answers.front().ok());
  BOOST_TEST(post_all({}, {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
