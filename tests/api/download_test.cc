// Bytes: ranges, validators, HEAD, and the audit before them.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "io/digest.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

// What a range of `size` bytes must answer: 206 with the bytes, 416, or the whole file.
struct Expected {
  int status = 200;
  size_t first = 0;
  size_t length = 0;
};
Expected expected_of(int64_t first, int64_t last, int64_t size) {
  if (first < 0) {  // the last -first bytes
    const int64_t length = std::min(-first, size);
    return {206, static_cast<size_t>(size - length), static_cast<size_t>(length)};
  }
  if (last >= 0 && last < first) return {200, 0, static_cast<size_t>(size)};
  if (first >= size) return {416, 0, 0};
  const int64_t end = last < 0 ? size - 1 : std::min(last, size - 1);
  return {206, static_cast<size_t>(first), static_cast<size_t>(end - first + 1)};
}

BOOST_AUTO_TEST_CASE(ranges_are_those_bytes) {
  const CallFiles call = rig().stored();
  const std::string& bytes = call.contents.at("inbound.ulaw");
  const auto size = static_cast<int64_t>(bytes.size());
  const std::string path = path_of_call(call, "/download/inbound.ulaw");
  for (int i = 0; i < 60; ++i) {
    const auto pick = [&] { return static_cast<int64_t>(rig().random().below(bytes.size() + 50)); };
    const int64_t first = rig().random().below(5) == 0 ? -1 - pick() : pick();
    const int64_t last = rig().random().below(4) == 0 ? -1 : pick();
    std::string range =
        "bytes=" + (first < 0 ? std::to_string(first) : std::to_string(first) + "-");
    if (first >= 0 && last >= 0) range += std::to_string(last);
    const Expected expected = expected_of(first, last, size);
    const HttpResponse answer = rig().owner().get(path, {{"Range", range}});
    BOOST_TEST(answer.status == expected.status, range);
    if (expected.status == 416) {
      BOOST_TEST(answer.header("content-range").value_or("") == "bytes */" + std::to_string(size));
      continue;
    }
    BOOST_TEST((answer.body == bytes.substr(expected.first, expected.length)), range);
  }
}

BOOST_AUTO_TEST_CASE(validators_and_conditions) {
  const CallFiles call = rig().stored();
  const std::string path = path_of_call(call, "/download/outbound.pcm");
  const HttpResponse whole = rig().owner().get(path);
  BOOST_TEST(whole.status == 200);
  BOOST_TEST((whole.body == call.contents.at("outbound.pcm")));
  const std::string etag = whole.header("etag").value_or("");
  BOOST_TEST(etag == "\"" + sha256(whole.body).hex() + "\"");
  BOOST_TEST(whole.header("accept-ranges").value_or("") == "bytes");
  BOOST_TEST(whole.header("cache-control").value_or("").starts_with("private"));
  BOOST_TEST(whole.header("repr-digest").value_or("").starts_with("sha-256=:"));
  const std::string modified = whole.header("last-modified").value_or("");
  const HttpResponse same = rig().owner().get(path, {{"If-None-Match", etag}});
  BOOST_TEST(same.status == 304);
  BOOST_TEST(same.body.empty());
  BOOST_TEST(rig().owner().get(path, {{"If-Modified-Since", modified}}).status == 304);
  BOOST_TEST(rig().owner().get(path, {{"If-Match", "\"other\""}}).status == 412);
  const auto part = [&](const std::string& condition) {
    return rig().owner().get(path, {{"Range", "bytes=0-9"}, {"If-Range", condition}}).status;
  };
  BOOST_TEST(part(etag) == 206);
  BOOST_TEST(part("\"other\"") == 200);
  BOOST_TEST(part("W/" + etag) == 200);

  const HttpResponse head = rig().owner().head(path);
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.body.empty());
  BOOST_TEST(head.header("content-length").value_or("") == std::to_string(whole.body.size()));
  BOOST_TEST(head.header("etag").value_or("") == etag);
}

// P4. The line is on disk when the first byte arrives: the segment is read at that moment.
BOOST_AUTO_TEST_CASE(no_audit_no_data) {
  const CallFiles call = rig().stored(Millis(0), 200'000);
  const std::string recording = rig().recording_id(call);
  const auto told = [&] {
    int opens = 0;
    const std::string chain = rig().daemon().directory() + "/state/ledger/access";
    for (const auto& segment : std::filesystem::directory_iterator(chain)) {
      std::ifstream in(segment.path());
      for (std::string line; std::getline(in, line);)
        opens += line.find(recording) != std::string::npos &&
                 line.find("\"file.open\"") != std::string::npos;
    }
    return opens;
  };
  BOOST_TEST(told() == 0);
  RawConnection connection(rig().daemon().port());
  connection.write("GET " + path_of_call(call, "/download/inbound.ulaw") +
                   " HTTP/1.1\r\nHost: archive\r\nConnection: close\r\nAuthorization: Bearer " +
                   rig().owner_key() + "\r\n\r\n");
  BOOST_TEST(connection.read_some(1).size() == 1U);
  BOOST_TEST(told() == 1);
  BOOST_TEST(connection.read_all().size() > call.contents.at("inbound.ulaw").size());
  // Further ranges within the minute are counted, not told one by one; another file is told.
  for (int i = 0; i < 5; ++i)
    (void)rig().owner().get(path_of_call(call, "/download/inbound.ulaw"), {{"Range", "bytes=1-5"}});
  BOOST_TEST(told() == 1);
  (void)rig().owner().get(path_of_call(call, "/download/outbound.pcm"));
  BOOST_TEST(told() == 2);
  (void)rig().owner().get(path_of_call(call, "/metadata"));
  BOOST_TEST(rig().count("access", call, "meta") >= 1);
}

BOOST_AUTO_TEST_CASE(metadata_is_there_at_every_tier) {
  for (const char* tier : {"standard", "warm", "cold"}) {
    const CallFiles call = rig().on_tier(tier);
    const size_t restores = rig().restores();
    const json::object metadata = rig().owner().get_object(path_of_call(call, "/metadata"));
    BOOST_TEST(metadata.at("call_sid").get_string() == call.call_sid);
    BOOST_TEST(metadata.at("workspace_id").get_string() == kWorkspace);
    BOOST_TEST(metadata.at("inbound_size_bytes").to_number<size_t>() ==
               call.contents.at("inbound.ulaw").size());
    BOOST_TEST(metadata.at("attributes").at("campaign").get_string() == "spring");
    const HttpResponse file = rig().owner().get(path_of_call(call, "/download/metadata.json"));
    BOOST_TEST(file.status == 200);
    BOOST_TEST((file.body == call.contents.at("metadata.json")));
    BOOST_TEST(rig().restores() == restores);
  }
}

}  // namespace
}  // namespace holdfast::testing
