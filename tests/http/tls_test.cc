// TLS as clients see it: who is let in, that bytes are the same, how it ends, and that a change of
// the certificate disturbs nobody. The clients' end is OpenSSL's, each with its own offer.
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "base/limits.h"
#include "tests/http/tls_client.h"

namespace holdfast::http::test {
namespace {

using testing::IssuedFiles;
using testing::IssueOptions;
using testing::TestAuthority;

std::shared_ptr<const TlsContext> context_of(const IssuedFiles& files,
                                             const std::string& client = "none",
                                             const std::string& client_ca = "") {
  TlsConfig config;
  config.certificate = files.certificate;
  config.key = files.key;
  config.client = client;
  config.client_ca = client_ca;
  auto context = TlsContext::load(config, SystemClock().now());
  BOOST_REQUIRE_MESSAGE(context.ok(), (context.ok() ? "" : context.error().message));
  return *context;
}

struct Files {
  TemporaryDirectory directory;
  TestAuthority authority{directory.file("")};
};

struct TlsRig : Files {
  ServerRig rig{context_of(authority.issue("server"))};
  TlsOffer offer{authority.file(), 0, 0, "", "", std::nullopt};
};

std::string get(const std::string& path, const std::string& lines = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

std::string random_bytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

unsigned seed() {
  const char* said = std::getenv("HOLDFAST_SEED");
  const unsigned value =
      said == nullptr ? std::random_device{}() : static_cast<unsigned>(std::stoul(said));
  std::cout << "HOLDFAST_SEED=" << value << "\n";
  return value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(versions_and_suites) {
  TlsRig all;
  struct Row {
    int version;
    const char* suites;
    const char* agreed;  // null: refused
  };
  const Row rows[] = {{TLS1_3_VERSION, "", "TLSv1.3"},
                      {TLS1_2_VERSION, "", "TLSv1.2"},
                      {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2"},
                      {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2"},
                      {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", nullptr},  // CBC
                      {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-CCM", nullptr},
                      {TLS1_2_VERSION, "AES128-GCM-SHA256", nullptr},  // no forward secrecy
                      {TLS1_1_VERSION, "ALL", nullptr},
                      {TLS1_VERSION, "ALL", nullptr}};
  for (const Row& row : rows) {
    TlsOffer offer = all.offer;
    offer.version_least = offer.version_most = row.version;
    offer.suites = row.suites;
    TlsClient client(all.rig.port, offer);
    BOOST_TEST(client.is_open() == (row.agreed != nullptr), row.version << " " << row.suites);
    if (!client.is_open()) continue;
    BOOST_TEST(client.version() == row.agreed);
    BOOST_TEST(client.send(get("/echo")));
    BOOST_TEST(client.receive().body == "/echo");
  }
  BOOST_TEST(all.rig.handler->handled == 4);
}

BOOST_AUTO_TEST_CASE(protocols_are_agreed_on) {
  TlsRig all;
  for (const auto& [offered, agreed] : {std::pair<std::string, std::string>{"", ""},
                                        {"h2 http/1.1", "http/1.1"},
                                        {"http/1.1", "http/1.1"},
                                        {"http/1.0 http/1.1 x", "http/1.1"}}) {
    all.offer.protocols = offered;
    TlsClient client(all.rig.port, all.offer);
    BOOST_TEST(client.is_open(), offered);
    BOOST_TEST(client.protocol() == agreed);
  }
  for (const char* offered : {"h2", "http/1.0", "http/1.11"}) {
    all.offer.protocols = offered;
    BOOST_TEST(!TlsClient(all.rig.port, all.offer).is_open(), offered);
  }
}

BOOST_AUTO_TEST_CASE(a_range_of_10_mb_is_the_same_byte_for_byte) {
  TlsRig all;
  const unsigned number = seed();
  const std::string content = random_bytes(12 << 20, number);
  all.rig.handler->file_path = all.directory.file("f");
  std::ofstream(all.directory.file("f"), std::ios::binary) << content;
  std::mt19937 random(number);
  TlsClient client(all.rig.port, all.offer);
  BOOST_TEST(client.send(get("/file", "Range: bytes=1001-10486760\r\n")));
  RawResponse answer = client.receive();
  BOOST_TEST(answer.status == 206);
  BOOST_TEST(answer.whole);
  BOOST_TEST((answer.body == content.substr(1001, 10'485'760)));
  // On the same connection: all of it, nothing of it, and pieces across the edges of records.
  BOOST_TEST(client.send(get("/file")));
  BOOST_TEST((client.receive().body == content));
  BOOST_TEST(client.send("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n"));
  BOOST_TEST(client.receive(true).status == 200);
  for (int i = 0; i < 30; ++i) {
    const size_t begin = random() % content.size();
    const size_t length = 1 + random() % std::min<size_t>(content.size() - begin, 1 << (i % 20));
    const std::string last = std::to_string(begin + length - 1);
    BOOST_TEST(
        client.send(get("/file", "Range: bytes=" + std::to_string(begin) + "-" + last + "\r\n")));
    answer = client.receive();
    BOOST_TEST(answer.status == 206);
    BOOST_TEST((answer.body == content.substr(begin, length)), begin << " " << length);
  }
  BOOST_TEST(all.rig.counters().tls_handshakes == 1);
}

BOOST_AUTO_TEST_CASE(bodies_arrive_whatever_their_records) {
  TlsRig all;
  const unsigned number = seed();
  std::mt19937 random(number);
  TlsClient client(all.rig.port, all.offer);
  for (const size_t size : {1UL, 700UL, 16384UL, 16385UL, 60'000UL, 500'000UL}) {
    const std::string body = random_bytes(size, number);
    std::string request =
        "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
        body;
    // What follows lies in the same record as the end of the body.
    request += get("/echo/after");
    while (!request.empty()) {
      const size_t piece = 1 + random() % 40'000;
      BOOST_REQUIRE(client.send(std::string_view(request).substr(0, piece)));
      request.erase(0, piece);
    }
    BOOST_TEST((client.receive().body == body), size);
    BOOST_TEST(client.receive().body == "/echo/after");
  }
  // One byte in each record.
  for (const char c : get("/echo/slowly")) BOOST_REQUIRE(client.send(std::string_view(&c, 1)));
  BOOST_TEST(client.receive().body == "/echo/slowly");
  const std::string body(300'000, 'b');
  BOOST_TEST(
      client.send("POST /pausing HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n" + body));
  BOOST_TEST(client.receive().body == "300000");
  BOOST_TEST(client.send(get("/chunks?n=1000")));
  BOOST_TEST(client.receive().body.size() == 1'000'000u);
}

BOOST_AUTO_TEST_CASE(clients_show_certificates_where_they_must) {
  Files files;
  const TestAuthority other(files.directory.file(""), "other");
  const IssuedFiles server = files.authority.issue("server");
  const IssuedFiles known = files.authority.issue("known");
  const IssuedFiles stranger = other.issue("stranger");
  IssueOptions past;
  past.from_seconds = -7200;
  past.until_seconds = -3600;
  const IssuedFiles expired = files.authority.issue("expired", past);
  struct Row {
    const char* client;
    std::optional<IssuedFiles> shown;
    bool is_let_in;
  };
  const Row rows[] = {{"none", std::nullopt, true},      {"none", stranger, true},
                      {"optional", std::nullopt, true},  {"optional", known, true},
                      {"optional", stranger, false},     {"required", known, true},
                      {"required", std::nullopt, false}, {"required", stranger, false},
                      {"required", expired, false}};
  for (const Row& row : rows)
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      ServerRig rig(context_of(server, row.client, files.authority.file()));
      TlsOffer offer{files.authority.file(), version, version, "", "", row.shown};
      TlsClient client(rig.port, offer);
      // With TLS 1.3 a client hears of its refusal only when it reads.
      const bool answered = client.send(get("/echo")) && client.receive().status == 200;
      BOOST_TEST(answered == row.is_let_in, row.client << " " << version);
      rig.stop();
    }
}

BOOST_AUTO_TEST_CASE(the_certificate_that_was_shown_is_known_to_the_handler) {
  Files files;
  const IssuedFiles known = files.authority.issue("known");
  ServerRig rig(context_of(files.authority.issue("server"), "required", files.authority.file()));
  TlsClient client(rig.port, {files.authority.file(), 0, 0, "", "", known});
  BOOST_TEST(client.send(get("/hold")));
  std::string shown;
  BOOST_TEST(rig.eventually([&] {
    if (rig.handler->held.empty()) return false;
    shown = rig.handler->held.front()->request().client_certificate;
    return true;
  }));
  BOOST_TEST(shown.size() == 64u);
}

BOOST_AUTO_TEST_CASE(a_slow_handshake_is_ended) {
  TlsRig all;
  const std::string hello("\x16\x03\x01\x02\x00\x01", 6);  // of a longer one
  RawClient silent(all.rig.port);
  RawClient begun(all.rig.port);
  BOOST_TEST(begun.send(hello));
  BOOST_TEST(all.rig.eventually([&] { return all.rig.server->counters().connections_open == 2; }));
  all.rig.pass(Millis(limits::kHandshakeTimeoutMs - 1));
  BOOST_TEST(all.rig.counters().connections_open == 2);
  BOOST_TEST(begun.send("\x01"));  // each byte is no new beginning
  all.rig.pass(Millis(1));
  BOOST_TEST(silent.at_end());
  BOOST_TEST(begun.at_end());
  BOOST_TEST(all.rig.counters().timed_out == 2);
  BOOST_TEST(TlsClient(all.rig.port, all.offer).is_open());
}

BOOST_AUTO_TEST_CASE(plain_text_on_a_tls_port_is_told_so) {
  TlsRig all;
  RawClient client(all.rig.port);
  BOOST_TEST(client.send(get("/echo")));
  const RawResponse answer = client.receive();
  BOOST_TEST(answer.status == 400);
  BOOST_TEST(answer.body.find("this port speaks TLS") != std::string::npos, answer.body);
  BOOST_TEST(client.at_end());
  RawClient noise(all.rig.port);
  BOOST_TEST(noise.send(random_bytes(5000, 7)));
  while (!noise.receive_some(5000).empty()) {  // an alert
  }
  BOOST_TEST(all.rig.handler->handled == 0);
  BOOST_TEST(all.rig.counters().tls_failed == 2);
}

BOOST_AUTO_TEST_CASE(tls_on_a_plain_port_is_closed) {
  Files files;
  ServerRig rig;
  TlsClient client(rig.port, {files.authority.file(), 0, 0, "", "", std::nullopt});
  BOOST_TEST(!client.is_open());
  BOOST_TEST(rig.handler->handled == 0);
}

BOOST_AUTO_TEST_CASE(a_new_certificate_in_the_middle_of_a_download) {
  TlsRig all;
  const std::string content = random_bytes(24 << 20, 5);
  all.rig.handler->file_path = all.directory.file("f");
  std::ofstream(all.directory.file("f"), std::ios::binary) << content;
  TlsClient before(all.rig.port, all.offer);
  BOOST_TEST(before.send(get("/file")));
  std::string begun = before.receive_some(1 << 16);
  BOOST_TEST(!begun.empty());
  IssueOptions renewed;
  renewed.subject = "renewed.test";
  const auto next = context_of(all.authority.issue("renewed", renewed));
  all.rig.on_loop([&] { all.rig.server->use_tls(next); });
  TlsClient after(all.rig.port, all.offer);
  BOOST_TEST(after.server_subject() == "renewed.test");
  BOOST_TEST(after.send(get("/echo")));
  BOOST_TEST(after.receive().status == 200);
  const size_t head = begun.find("\r\n\r\n") + 4;
  while (begun.size() < head + content.size()) {
    const std::string more = before.receive_some(1 << 20);
    if (more.empty()) break;
    begun += more;
  }
  BOOST_TEST((begun.substr(head) == content));
  BOOST_TEST(before.send(get("/echo/kept")));
  BOOST_TEST(before.receive().body == "/echo/kept");
  BOOST_TEST(before.server_subject() == "archive.test");
}

BOOST_AUTO_TEST_CASE(an_end_is_told_and_a_cut_is_not) {
  TlsRig all;
  TlsClient whole(all.rig.port, all.offer);
  BOOST_TEST(whole.send("GET /chunks?n=20 HTTP/1.0\r\nHost: h\r\n\r\n"));
  BOOST_TEST(whole.receive().body.size() == 20'000u);
  BOOST_TEST(whole.was_told_goodbye());
  TlsClient closing(all.rig.port, all.offer);
  BOOST_TEST(closing.send(get("/echo", "Connection: close\r\n")));
  BOOST_TEST(closing.receive().whole);
  BOOST_TEST(closing.at_end());
  BOOST_TEST(closing.was_told_goodbye());
  TlsClient cut(all.rig.port, all.offer);
  BOOST_TEST(cut.send("GET /cut?n=20 HTTP/1.0\r\nHost: h\r\n\r\n"));
  cut.receive();
  BOOST_TEST(!cut.was_told_goodbye());
  TlsClient idle(all.rig.port, all.offer);
  BOOST_TEST(idle.send(get("/echo")));
  BOOST_TEST(idle.receive().whole);
  all.rig.pass(Millis(limits::kIdleTimeoutMs));
  BOOST_TEST(idle.at_end());
  BOOST_TEST(idle.was_told_goodbye());
}

BOOST_AUTO_TEST_CASE(a_file_that_becomes_shorter_is_cut) {
  TlsRig all;
  const std::string content = random_bytes(24 << 20, 11);
  all.rig.handler->file_path = all.directory.file("f");
  std::ofstream(all.directory.file("f"), std::ios::binary) << content;
  TlsClient client(all.rig.port, all.offer);
  BOOST_TEST(client.send(get("/file")));
  BOOST_TEST(!client.receive_some(1000).empty());
  BOOST_TEST(::truncate(all.directory.file("f").c_str(), 20 << 20) == 0);
  size_t got = 0;
  while (true) {
    const std::string more = client.receive_some(1 << 20);
    if (more.empty()) break;
    got += more.size();
  }
  BOOST_TEST(got < content.size());
  BOOST_TEST(!client.was_told_goodbye());
}

BOOST_AUTO_TEST_CASE(a_client_that_just_leaves_gives_no_short_body) {
  TlsRig all;
  const std::string head = "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf";
  {
    TlsClient client(all.rig.port, all.offer);
    BOOST_TEST(client.send(head));
    client.finish_sending();  // the socket's end, not TLS's
    BOOST_TEST(client.at_end());
  }
  {
    TlsClient client(all.rig.port, all.offer);
    BOOST_TEST(client.send(head));
    client.say_goodbye();
    BOOST_TEST(client.at_end());
  }
  BOOST_TEST(all.rig.eventually([&] { return all.rig.handler->body_errors == 2; }));
  // A record that was changed on its way.
  TlsClient forged(all.rig.port, all.offer);
  const std::string record("\x17\x03\x03\x00\x20", 5);
  const std::string bytes = record + std::string(32, 'x');
  BOOST_TEST(::send(forged.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == 37);
  BOOST_TEST(forged.at_end());
  BOOST_TEST(all.rig.eventually([&] { return all.rig.server->counters().connections_open == 0; }));
}

BOOST_AUTO_TEST_CASE(keys_are_renewed_and_nothing_is_renegotiated) {
  TlsRig all;
  all.offer.version_least = all.offer.version_most = TLS1_3_VERSION;
  TlsClient client(all.rig.port, all.offer);
  for (int i = 0; i < 20; ++i) {
    BOOST_TEST(SSL_key_update(client.raw(), SSL_KEY_UPDATE_REQUESTED) == 1);
    BOOST_TEST(client.send(get("/echo")));
    BOOST_TEST(client.receive().status == 200);
  }
  all.offer.version_least = all.offer.version_most = TLS1_2_VERSION;
  TlsClient older(all.rig.port, all.offer);
  BOOST_TEST(older.is_open());
  BOOST_TEST(SSL_renegotiate(older.raw()) == 1);
  BOOST_TEST(SSL_do_handshake(older.raw()) != 1);
}

// A client that asks for one key update after another and takes no answer: others are served
// meanwhile, and it is cut.
BOOST_AUTO_TEST_CASE(a_flood_of_key_updates_keeps_nobody_waiting) {
  TlsRig all;
  all.offer.version_least = all.offer.version_most = TLS1_3_VERSION;
  TlsClient flooder(all.rig.port, all.offer);
  // Its receive buffer stays as it is: one that is made smaller than the window that was told makes
  // the kernel drop the other side's acknowledgements along with its data, and both wait for
  // minutes.
  BOOST_REQUIRE(flooder.is_open());
  std::atomic<int> updates{0};
  std::atomic<bool> cut{false};
  std::thread flood([&] {
    constexpr int kUpdatesMost = 3'000'000;
    while (updates < kUpdatesMost && !cut) {
      const bool asked = SSL_key_update(flooder.raw(), SSL_KEY_UPDATE_REQUESTED) == 1 &&
                         SSL_do_handshake(flooder.raw()) == 1;
      if (!asked) cut = true;
      ++updates;
    }
  });
  BOOST_TEST(all.rig.eventually([&] { return updates > 100; }));
  for (int i = 0; i < 20; ++i) {
    TlsClient other(all.rig.port, all.offer);
    BOOST_TEST(other.send(get("/echo/other")));
    BOOST_TEST(other.receive().body == "/echo/other");
  }
  flood.join();
  BOOST_TEST(cut.load());
  BOOST_TEST(all.rig.eventually([&] { return all.rig.server->counters().connections_open == 0; }));
}

BOOST_AUTO_TEST_CASE(beyond_loopback_tls_needs_no_permission) {
  Files files;
  const auto loop = Loop::create().value();
  const ManualClock clock{UnixMillis(0)};
  RigHandler handler(*loop);
  Server server(*loop, clock, handler);
  const TcpListen everywhere{"0.0.0.0", 0, false};
  const Result<int> refused = server.listen_tcp(everywhere);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().message.find("http.tls_certificate") != std::string::npos);
  server.use_tls(context_of(files.authority.issue("server")));
  BOOST_TEST(server.listen_tcp(everywhere).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http::test
