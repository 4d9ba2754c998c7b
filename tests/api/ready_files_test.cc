// Links that are asked again and again: the loop answers them from files that it keeps open, and
// everything that a first request is promised holds for the tenth (daemon/api/ready_files.h).
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kTimes = 10;  // the first looks everything up, the second finds the file open

std::string link_of(const CallFiles& call) {
  const json::object urls = rig().owner().get_object(path_of_call(call, "/urls"));
  return target_of(std::string(urls.at("inbound_url").get_string()));
}

// A link that was asked often enough to be ready.
std::string ready_link(TestClient& browser, const CallFiles& call) {
  const std::string link = link_of(call);
  for (int i = 0; i < kTimes; ++i) BOOST_TEST(browser.get(link).status == 200);
  return link;
}

fs::path file_on_standard(const CallFiles& call) {
  const fs::path standard = rig().daemon().directory() + "/standard";
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(standard))
    if (entry.path().parent_path().filename() == call.call_sid &&
        entry.path().filename() == "inbound.ulaw")
      return entry.path();
  BOOST_FAIL("it lies nowhere below " << standard);
  return {};
}

BOOST_AUTO_TEST_SUITE(ready_files)

BOOST_AUTO_TEST_CASE(the_tenth_answer_is_the_first_one) {
  const CallFiles call = rig().stored();
  const std::string& content = call.contents.at("inbound.ulaw");
  TestClient browser = rig().stranger();
  const std::string link = link_of(call);
  const HttpResponse first = browser.get(link);
  BOOST_TEST((first.body == content));
  for (int i = 0; i < kTimes; ++i) {
    const HttpResponse again = browser.get(link);
    BOOST_TEST(again.status == 200);
    BOOST_TEST((again.body == content));
    for (const char* name :
         {"etag", "last-modified", "content-type", "repr-digest", "cache-control"})
      BOOST_TEST(again.header(name).value_or("-") == first.header(name).value_or("none"), name);
    const HttpResponse some = browser.get(link, {{"Range", "bytes=100-199"}});
    BOOST_TEST(some.status == 206);
    BOOST_TEST((some.body == content.substr(100, 100)));
    BOOST_TEST(browser.get(link, {{"Range", "bytes=999999-"}}).status == 416);
    const std::string etag(first.header("etag").value());
    BOOST_TEST(browser.get(link, {{"If-None-Match", etag}}).status == 304);
    BOOST_TEST(browser.head(link).status == 200);
    BOOST_TEST(rig().owner().get(link).status == 400);  // two credentials
  }
  // One disclosure was told, and before the first byte; the others are counted with it.
  BOOST_TEST(rig().count("access", call, "file.open") == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_under_it_is_not_served) {
  const CallFiles call = rig().stored();
  TestClient browser = rig().stranger();
  const std::string link = ready_link(browser, call);
  std::fstream file(file_on_standard(call), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(17).put(static_cast<char>(~call.contents.at("inbound.ulaw")[17]));
  file.close();
  const HttpResponse next = browser.get(link);
  BOOST_TEST(next.status != 200);
  BOOST_TEST((next.body != call.contents.at("inbound.ulaw")));
}

BOOST_AUTO_TEST_CASE(what_was_destroyed_is_gone_at_the_next_request) {
  const CallFiles call = rig().stored();
  TestClient browser = rig().stranger();
  const std::string link = ready_link(browser, call);
  BOOST_TEST(rig().admin().remove(path_of_call(call)).status == 202);
  BOOST_TEST(eventually([&] { return browser.get(link).status == 404; }));
}

// Answered downloads, as /metrics tells them.
double downloads() {
  const std::string metrics = rig().admin().get("/metrics").body;
  const std::string mine = "holdfast_http_requests_total{class=\"download\",status=\"2xx\"} ";
  const size_t at = metrics.find(mine);
  BOOST_TEST_REQUIRE(at != std::string::npos, metrics);
  return std::stod(metrics.substr(at + mine.size()));
}

BOOST_AUTO_TEST_CASE(each_is_counted_in_the_metrics) {
  const CallFiles call = rig().stored();
  TestClient browser = rig().stranger();
  const double before = downloads();
  ready_link(browser, call);
  BOOST_TEST(downloads() - before == kTimes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
