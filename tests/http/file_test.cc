// File semantics against an oracle, and files over the wire.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "base/time_text.h"
#include "daemon/http/file_semantics.h"
#include "tests/http/server_rig.h"

namespace holdfast::http::test {
namespace {

FileFacts facts_of(int64_t size) {
  FileFacts facts;
  facts.size = Bytes(size);
  facts.etag = "abc";
  facts.last_modified = UnixMillis(1'700'000'000'123);
  return facts;
}

FilePlan plan_with(int64_t size, std::initializer_list<std::pair<const char*, std::string>> fields,
                   Method method = Method::kGet) {
  Request request;
  request.method = method;
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  return plan_file(request, facts_of(size));
}

// Which bytes of a file of `size` a single range wants, byte by byte: the
// definition in RFC 9110 read aloud, not our arithmetic.
std::string expected_range(const std::string& content, const std::string& first,
                           const std::string& last) {
  std::string out;
  for (size_t i = 0; i < content.size(); ++i) {
    const bool in_suffix = first.empty() && i + std::stoull(last) >= content.size();
    const bool in_range =
        !first.empty() && i >= std::stoull(first) && (last.empty() || i <= std::stoull(last));
    if (in_suffix || in_range) out += content[i];
  }
  return out;
}

std::string random_bytes(size_t size, std::mt19937& random) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string get_file(const std::string& lines = "") {
  return "GET /file HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file)

BOOST_AUTO_TEST_CASE(ranges_agree_with_the_oracle) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const std::string content = random_bytes(random() % 40, random);
    const auto position = [&] { return std::to_string(random() % 60); };
    const bool suffix = random() % 4 == 0;
    const std::string first = suffix ? "" : position();
    const std::string last = suffix || random() % 4 != 0 ? position() : "";
    const FilePlan plan =
        plan_with(static_cast<int64_t>(content.size()), {{"range", "bytes=" + first + "-" + last}});
    const std::string sent =
        content.substr(static_cast<size_t>(plan.offset), static_cast<size_t>(plan.length));
    const bool ends_early = !suffix && !last.empty() && std::stoi(last) < std::stoi(first);
    // The last bytes of nothing are satisfiable, and no 206 can name them.
    if (ends_early || (suffix && content.empty() && std::stoi(last) > 0)) {
      BOOST_TEST(plan.status == 200);
      BOOST_TEST(sent == content);
      continue;
    }
    const std::string wanted = expected_range(content, first, last);
    BOOST_TEST(plan.status == (wanted.empty() ? 416 : 206));
    BOOST_TEST(sent == wanted);
    const std::string total = "/" + std::to_string(content.size());
    const std::string told = wanted.empty()
                                 ? "bytes */" + std::to_string(content.size())
                                 : "bytes " + std::to_string(plan.offset) + "-" +
                                       std::to_string(plan.offset + plan.length - 1) + total;
    BOOST_TEST(*plan.headers.find("content-range") == told);
  }
}

BOOST_AUTO_TEST_CASE(a_range_that_is_no_single_byte_range_is_ignored) {
  for (const char* range :
       {"bytes=0-1,3-4", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "items=0-1", "bytes 0-1",
        "bytes=1-0", "bytes=0x1-2", "bytes=+1-2", "bytes=1-2-3", "bytes=--1"}) {
    const FilePlan plan = plan_with(10, {{"range", range}});
    BOOST_CHECK_MESSAGE(plan.status == 200 && plan.length == 10, range);
  }
  BOOST_TEST(plan_with(10, {{"range", "bytes=0-1"}, {"range", "bytes=2-3"}}).status == 200);
  BOOST_TEST(plan_with(10, {{"range", "bytes=0-1"}}, Method::kHead).status == 200);
}

BOOST_AUTO_TEST_CASE(positions_beyond_any_file_do_not_overflow) {
  BOOST_TEST(plan_with(10, {{"range", "bytes=4-99999999999999999999999"}}).length == 6);
  BOOST_TEST(plan_with(10, {{"range", "bytes=99999999999999999999999-"}}).status == 416);
  BOOST_TEST(plan_with(10, {{"range", "bytes=-99999999999999999999999"}}).length == 10);
  constexpr int64_t kHuge = int64_t{1} << 62;
  const FilePlan plan = plan_with(kHuge, {{"range", "bytes=4000000000000000000-"}});
  BOOST_TEST(plan.offset == 4'000'000'000'000'000'000);
  BOOST_TEST(plan.length == kHuge - plan.offset);
  // Ends before it begins, however many digits: no range.
  BOOST_TEST(plan_with(10, {{"range", "bytes=99999999999999999999-200000000000000000"}}).status ==
             200);
}

BOOST_AUTO_TEST_CASE(conditions_follow_their_precedence) {
  const std::string then = to_http_date(UnixMillis(1'700'000'000'000));
  const std::string before = to_http_date(UnixMillis(1'699'999'999'000));
  const std::string after = to_http_date(UnixMillis(1'700'000'001'000));
  BOOST_TEST(plan_with(9, {{"if-none-match", "\"abc\""}}).status == 304);
  BOOST_TEST(plan_with(9, {{"if-none-match", "W/\"abc\""}}).status == 304);
  BOOST_TEST(plan_with(9, {{"if-none-match", "\"x\" , \"abc\""}}).status == 304);
  BOOST_TEST(plan_with(9, {{"if-none-match", "*"}}).status == 304);
  BOOST_TEST(plan_with(9, {{"if-none-match", "\"x\""}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-none-match", "abc"}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-none-match", "\"abc\""}}, Method::kPut).status == 412);
  BOOST_TEST(plan_with(9, {{"if-modified-since", then}}).status == 304);
  BOOST_TEST(plan_with(9, {{"if-modified-since", after}}).status == 304);
  BOOST_TEST(plan_with(9, {{"if-modified-since", before}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-modified-since", "yesterday"}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-none-match", "\"x\""}, {"if-modified-since", then}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-match", "\"abc\""}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-match", "*"}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-match", "W/\"abc\""}}).status == 412);
  BOOST_TEST(plan_with(9, {{"if-match", "\"x\""}}).status == 412);
  BOOST_TEST(plan_with(9, {{"if-unmodified-since", before}}).status == 412);
  BOOST_TEST(plan_with(9, {{"if-unmodified-since", then}}).status == 200);
  BOOST_TEST(plan_with(9, {{"if-match", "\"abc\""}, {"if-unmodified-since", before}}).status ==
             200);
  BOOST_TEST(plan_with(9, {{"if-none-match", "\"abc\""}, {"range", "bytes=0-1"}}).status == 304);
}

BOOST_AUTO_TEST_CASE(if_range_guards_the_range) {
  const std::string then = to_http_date(UnixMillis(1'700'000'000'000));
  const std::string after = to_http_date(UnixMillis(1'700'000'001'000));
  const std::pair<std::string, int> cases[] = {
      {"\"abc\"", 206}, {"\"x\"", 200}, {"W/\"abc\"", 200}, {then, 206},
      {after, 200},     {"abc", 200},   {"*", 200},
  };
  for (const auto& [condition, status] : cases)
    BOOST_CHECK_MESSAGE(
        plan_with(9, {{"range", "bytes=0-1"}, {"if-range", condition}}).status == status,
        condition);
}

BOOST_AUTO_TEST_CASE(the_fields_say_what_clients_need) {
  FileFacts facts = facts_of(9);
  facts.sha256 = *Digest::from_hex(
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");  // "hello"
  facts.content_type = "audio/basic";
  facts.download_name = "inbound.ulaw";
  const FilePlan plan = plan_file(Request{}, facts);
  const std::pair<const char*, const char*> expected[] = {
      {"etag", "\"abc\""},
      {"last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"},
      {"accept-ranges", "bytes"},
      {"cache-control", "private, no-cache"},
      {"content-type", "audio/basic"},
      {"content-disposition", "attachment; filename=\"inbound.ulaw\""},
      {"digest", "sha-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
      {"repr-digest", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"},
  };
  for (const auto& [name, value] : expected)
    BOOST_CHECK_MESSAGE(plan.headers.find(name) == value, name);
}

BOOST_AUTO_TEST_CASE(a_large_download_equals_the_file) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const TemporaryDirectory directory;
  ServerRig rig;
  rig.handler->file_path = directory.file("large");
  const std::string content = random_bytes((24 << 20) + 12'345, random);
  std::ofstream(rig.handler->file_path) << content;
  RawClient client(rig.port);
  client.send(get_file());
  const RawResponse whole = client.receive();
  BOOST_TEST(whole.status == 200);
  BOOST_TEST((whole.body == content));
  for (int round = 0; round < 50; ++round) {
    const size_t first = random() % content.size();
    const size_t last = first + random() % (content.size() - first);
    client.send(
        get_file("Range: bytes=" + std::to_string(first) + "-" + std::to_string(last) + "\r\n"));
    const RawResponse part = client.receive();
    BOOST_TEST(part.status == 206);
    BOOST_TEST((part.body == content.substr(first, last - first + 1)));
  }
  client.send(get_file("If-None-Match: \"e\"\r\n"));
  BOOST_TEST(client.receive().status == 304);
  client.send("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n");
  const RawResponse head = client.receive(true);
  BOOST_CHECK(head.headers.find("content-length") == std::to_string(content.size()));
  client.send(get_file("Range: bytes=99999999-\r\n"));
  BOOST_TEST(client.receive().status == 416);
  client.send(get_file());
  BOOST_TEST((client.receive().body == content));
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_served) {
  const TemporaryDirectory directory;
  ServerRig rig;
  rig.handler->file_path = directory.file("empty");
  std::ofstream(rig.handler->file_path) << "";
  RawClient client(rig.port);
  client.send(get_file());
  const RawResponse response = client.receive();
  BOOST_TEST(response.status == 200);
  BOOST_TEST(response.whole);
  BOOST_TEST(rig.eventually([&] { return rig.handler->file_bytes_done == 0; }));
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_while_it_is_sent_cuts_the_connection) {
  const TemporaryDirectory directory;
  ServerRig rig;
  rig.handler->file_path = directory.file("shrinking");
  const std::string content(32 << 20, 'x');
  std::ofstream(rig.handler->file_path) << content;
  RawClient client(rig.port);
  client.send(get_file());
  BOOST_TEST(rig.eventually([&] { return rig.server->counters().file_bytes_sent > 0; }));
  BOOST_TEST(::truncate(rig.handler->file_path.c_str(), 0) == 0);
  const RawResponse response = client.receive();
  BOOST_TEST(!response.whole);
  BOOST_TEST(response.body.find('\0') == std::string::npos);
  RawClient next(rig.port);
  next.send(get_file());
  BOOST_TEST(next.receive().whole);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_amid_a_download_costs_nothing) {
  const TemporaryDirectory directory;
  ServerRig rig;
  rig.handler->file_path = directory.file("large");
  std::ofstream(rig.handler->file_path) << std::string(32 << 20, 'x');
  for (const bool reset : {false, true}) {
    rig.handler->file_bytes_done = -1;
    RawClient client(rig.port);
    client.send(get_file());
    BOOST_TEST(!client.receive_some(1000).empty());
    client.close(reset);
    BOOST_TEST(rig.eventually([&] { return rig.server->counters().connections_open == 0; }));
    BOOST_TEST(rig.handler->file_bytes_done >= 0);
    BOOST_TEST(rig.handler->file_bytes_done < 32 << 20);
  }
  RawClient client(rig.port);
  client.send(get_file("Range: bytes=0-9\r\n"));
  BOOST_TEST(client.receive().body == "xxxxxxxxxx");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http::test
