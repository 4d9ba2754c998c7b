// The life of connections over real sockets: order, deadlines, backpressure,
// limits, and clients that leave. Time passes only when the test says so.
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "tests/http/server_rig.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOLDFAST_SANITIZED
#endif
#endif

namespace holdfast::http::test {
namespace {

std::string get(const std::string& target, const std::string& lines = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

int64_t open_connections(ServerRig& rig) {
  int64_t open = 0;
  rig.on_loop([&] { open = rig.server->counters().connections_open; });
  return open;
}

// Resident memory of this process in bytes.
int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(connection)

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  ServerRig rig;
  RawClient client(rig.port);
  std::string all;
  for (int i = 0; i < 500; ++i) all += get("/echo/" + std::to_string(i));
  BOOST_TEST(client.send(all));
  for (int i = 0; i < 500; ++i) {
    const RawResponse response = client.receive();
    BOOST_TEST(response.status == 200);
    BOOST_TEST(response.body == "/echo/" + std::to_string(i));
  }
}

BOOST_AUTO_TEST_CASE(a_pipelined_request_waits_for_the_answer_before_it) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/hold") + get("/echo"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  BOOST_TEST(rig.handler->handled == 1);
  rig.on_loop([&] {
    rig.handler->held[0]->respond(text_response(200, "text/plain", "held"));
    rig.handler->held.clear();
  });
  BOOST_TEST(client.receive().body == "held");
  BOOST_TEST(client.receive().body == "/echo");
}

BOOST_AUTO_TEST_CASE(a_request_may_come_byte_by_byte) {
  ServerRig rig;
  RawClient client(rig.port);
  const std::string request =
      "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: v\r\n\r\n";
  for (char c : request) BOOST_TEST(client.send(std::string(1, c)));
  BOOST_TEST(client.receive().body == "abcdefg");
  client.send(get("/echo"));
  BOOST_TEST(client.receive().body == "/echo");
}

BOOST_AUTO_TEST_CASE(a_slow_head_is_answered_408) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send("GET /echo HTTP/1.1\r\nHo");
  BOOST_TEST(rig.eventually([&] { return rig.server->counters().connections_open == 1; }));
  // The head's deadline begins with its first byte; further bytes do not move it.
  client.send("st: h\r\n");
  bool answered = false;
  for (int i = 0; i < 1000 && !answered; ++i) {
    rig.pass(Millis(limits::kHeadTimeoutMs));
    rig.on_loop([&] { answered = rig.server->counters().timed_out == 1; });
  }
  BOOST_TEST(client.receive().status == 408);
  BOOST_TEST(client.at_end());
  BOOST_TEST(rig.handler->handled == 0);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_is_closed_silently) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/echo"));
  BOOST_TEST(client.receive().status == 200);
  rig.pass(Millis(limits::kIdleTimeoutMs - 1));
  BOOST_TEST(open_connections(rig) == 1);
  rig.pass(Millis(1));
  BOOST_TEST(open_connections(rig) == 0);
  BOOST_TEST(client.at_end());
}

BOOST_AUTO_TEST_CASE(a_stalled_body_is_answered_408_and_its_sink_is_told) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  BOOST_TEST(rig.eventually([&] { return rig.handler->handled == 1; }));
  rig.pass(Millis(limits::kBodyStallTimeoutMs));
  BOOST_TEST(client.receive().status == 408);
  BOOST_TEST(rig.handler->body_errors == 1);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_cut) {
  ServerRig rig;
  const TemporaryDirectory directory;
  rig.handler->file_path = directory.file("large");
  std::ofstream(rig.handler->file_path) << std::string(32 << 20, 'x');
  RawClient client(rig.port);
  client.send(get("/file"));
  BOOST_TEST(rig.eventually([&] { return rig.server->counters().file_bytes_sent > 0; }));
  bool cut = false;
  for (int i = 0; i < 1000 && !cut; ++i) {
    rig.pass(Millis(limits::kSendStallTimeoutMs));
    rig.on_loop([&] { cut = rig.server->counters().timed_out == 1; });
  }
  BOOST_TEST(cut);
  BOOST_TEST(rig.handler->file_bytes_done < 32 << 20);
  BOOST_TEST(!client.receive().whole);
}

BOOST_AUTO_TEST_CASE(expect_continue_is_answered_when_the_body_is_wanted) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(
      "POST /body HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  BOOST_TEST(client.receive().status == 100);
  client.send("ok");
  BOOST_TEST(client.receive().body == "ok");
}

BOOST_AUTO_TEST_CASE(expect_continue_is_answered_finally_when_it_is_not) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const RawResponse response = client.receive();
  BOOST_TEST(response.status == 200);
  BOOST_CHECK(response.headers.find("connection") == "close");
  BOOST_TEST(client.at_end());
}

BOOST_AUTO_TEST_CASE(nothing_is_parsed_after_connection_close) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/echo", "Connection: close\r\n") + get("/smuggled"));
  BOOST_TEST(client.receive().status == 200);
  BOOST_TEST(client.at_end());
  BOOST_TEST(rig.handler->smuggled == 0);
}

BOOST_AUTO_TEST_CASE(a_body_that_nobody_took_is_not_taken_for_a_request) {
  ServerRig rig;
  RawClient client(rig.port);
  const std::string hidden = get("/smuggled");
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(hidden.size()) +
              "\r\n\r\n" + hidden);
  BOOST_TEST(client.receive().status == 200);
  BOOST_TEST(client.at_end());
  BOOST_TEST(rig.handler->smuggled == 0);
}

BOOST_AUTO_TEST_CASE(http_1_0_serves_one_request) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/smuggled"));
  BOOST_TEST(client.receive().status == 200);
  BOOST_TEST(client.at_end());
  BOOST_TEST(rig.handler->smuggled == 0);
}

BOOST_AUTO_TEST_CASE(head_gives_the_head_alone) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n" + get("/echo"));
  const RawResponse response = client.receive(true);
  BOOST_CHECK(response.headers.find("content-length") == "5");
  BOOST_TEST(client.receive().body == "/echo");
}

BOOST_AUTO_TEST_CASE(a_body_over_its_limit_is_413_in_either_framing) {
  ServerRig rig;
  for (const bool chunked : {false, true}) {
    RawClient client(rig.port);
    client.send(std::string("POST /body HTTP/1.1\r\nHost: h\r\n") +
                (chunked ? "Transfer-Encoding: chunked\r\n\r\n100001\r\n"
                         : "Content-Length: 1048577\r\n\r\n"));
    client.send(std::string((1 << 20) + 1, 'x'));
    BOOST_TEST(client.receive().status == 413);
  }
  BOOST_TEST(rig.handler->body_errors == 2);
}

BOOST_AUTO_TEST_CASE(a_sink_that_pauses_gets_every_byte_and_none_while_paused) {
  ServerRig rig;
  RawClient client(rig.port);
  const size_t size = 4 << 20;
  client.send("POST /pausing HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
              "\r\n\r\n");
  BOOST_TEST(client.send(std::string(size, 'x')));
  BOOST_TEST(client.receive().body == std::to_string(size));
}

BOOST_AUTO_TEST_CASE(a_multipart_upload_streams) {
  ServerRig rig;
  RawClient client(rig.port);
  const size_t size = 32 << 20;
  const std::string front = "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n";
  const std::string back = "\r\n--b--\r\n";
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(front.size() + size + back.size()) +
              "\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n");
  BOOST_TEST(client.receive().status == 100);
  BOOST_TEST(client.send(front + std::string(size, 'x') + back));
  BOOST_TEST(client.receive().body == std::to_string(size));
  // No piece was larger than the connection's buffer: the file was never in memory.
  BOOST_TEST(rig.handler->largest_piece <= limits::kConnectionBufferBytes);
  // Nor was it taken in the small pieces that are enough for a head.
  BOOST_TEST(rig.handler->largest_piece > 32u * 1024);
  client.send(
      "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
      "Content-Type: multipart/form-data; boundary=b\r\n\r\nno parts!");
  BOOST_TEST(client.receive().status == 422);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_amid_its_body_is_told_to_the_sink) {
  ServerRig rig;
  for (const bool reset : {false, true}) {
    rig.handler->handled = 0;
    rig.handler->body_errors = 0;
    RawClient client(rig.port);
    client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
    BOOST_TEST(rig.eventually([&] { return rig.handler->handled == 1; }));
    client.close(reset);
    BOOST_TEST(rig.eventually([&] { return rig.server->counters().connections_open == 0; }));
    BOOST_TEST(rig.handler->body_errors == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_while_it_waits_is_told_to_the_handler) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/hold"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  client.close();
  BOOST_TEST(rig.eventually([&] { return rig.handler->disconnects == 1; }));
  rig.on_loop([&] {
    rig.handler->held[0]->respond(text_response(200, "text/plain", "too late"));
    rig.handler->held.clear();
  });
}

BOOST_AUTO_TEST_CASE(a_client_that_closed_its_sending_half_is_still_answered) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/hold"));
  client.finish_sending();
  BOOST_TEST(rig.eventually([&] { return rig.handler->disconnects == 1; }));
  rig.on_loop([&] {
    rig.handler->held[0]->respond(text_response(200, "text/plain", "late"));
    rig.handler->held.clear();
  });
  BOOST_TEST(client.receive().body == "late");
}

BOOST_AUTO_TEST_CASE(a_request_let_go_is_answered_500) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/drop"));
  BOOST_TEST(client.receive().status == 500);
}

BOOST_AUTO_TEST_CASE(a_request_let_go_by_another_thread_is_answered_500) {
  ServerRig rig;
  RawClient client(rig.port);
  client.send(get("/hold"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  std::vector<std::shared_ptr<Exchange>> taken;
  rig.on_loop([&] { taken.swap(rig.handler->held); });
  std::thread([&] { taken.clear(); }).join();
  BOOST_TEST(client.receive().status == 500);
}

BOOST_AUTO_TEST_CASE(a_streamed_answer_is_whole_or_visibly_cut) {
  ServerRig rig;
  {
    RawClient client(rig.port);
    client.send(get("/chunks?n=2000") + get("/echo"));
    const RawResponse response = client.receive();
    BOOST_TEST(response.whole);
    BOOST_TEST(response.body.size() == 2'000'000u);
    BOOST_TEST(client.receive().body == "/echo");
  }
  RawClient old(rig.port);
  old.send("GET /chunks?n=300 HTTP/1.0\r\n\r\n");
  const RawResponse response = old.receive();
  BOOST_CHECK(!response.headers.find("transfer-encoding"));
  BOOST_TEST(response.body.size() == 300'000u);
  RawClient cut(rig.port);
  cut.send(get("/cut?n=300"));
  BOOST_TEST(!cut.receive().whole);
}

BOOST_AUTO_TEST_CASE(idle_and_half_sent_connections_cost_no_more_than_their_budget) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(HOLDFAST_SANITIZED)
  std::cout << "skipped: a sanitizer's own memory would be measured\n";
  return;
#endif
  constexpr int kClients = 400;
  ServerRig rig;
  std::vector<std::unique_ptr<RawClient>> clients;
  const int64_t before = resident_bytes();
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<RawClient>(rig.port));
    clients.back()->send("POST /hold HTTP/1.1\r\nHost: h\r\nX: " + std::string(8000, 'x') + "\r\n");
  }
  BOOST_TEST(rig.eventually([&] { return rig.server->counters().connections_open == kClients; }));
  const int64_t each = (resident_bytes() - before) / kClients;
  BOOST_TEST_MESSAGE(each << " bytes a connection");
  BOOST_TEST(each <= int64_t{limits::kConnectionBufferBytes});
}

// The limit of those from outside.
constexpr int64_t kFloodMost = ServerRig::kConnectionsMax - 64;

// So many clients, each after `arrive`; nothing where so many descriptors are not allowed.
std::vector<std::unique_ptr<RawClient>> flood(ServerRig& rig,
                                              const std::function<void(RawClient&)>& arrive,
                                              int64_t count = kFloodMost) {
  std::vector<std::unique_ptr<RawClient>> clients;
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_cur < 2 * ServerRig::kConnectionsMax + 100) {
    std::cout << "skipped: too few file descriptors are allowed\n";
    return clients;
  }
  const int64_t before = rig.counters().connections_accepted;
  const auto all_are_in = [&] {
    return rig.server->counters().connections_accepted - before ==
           static_cast<int64_t>(clients.size());
  };
  for (int64_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<RawClient>(rig.port));
    arrive(*clients.back());
    if (i % 256 == 0) BOOST_TEST(rig.eventually(all_are_in));  // the accept queue is short
  }
  BOOST_TEST(rig.eventually(all_are_in));
  return clients;
}

BOOST_AUTO_TEST_CASE(at_the_limit_the_silent_make_room) {
  ServerRig rig;
  RawClient active(rig.port);
  active.send(get("/hold"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  RawClient first(rig.port);
  BOOST_TEST(rig.eventually([&] { return rig.server->counters().connections_open == 2; }));
  rig.pass(Millis(Server::kSilenceMakesRoomMs));
  // Beside `active` there is room for all of them but one.
  const auto begin = [](RawClient& client) { client.send("GET /echo/slow HTT"); };
  auto clients = flood(rig, begin, kFloodMost - 1);
  if (clients.empty()) return;
  BOOST_TEST(rig.counters().made_room > 0);
  BOOST_TEST(first.at_end());  // it had been silent for longest
  // The others came a moment ago: their requests may be on the way.
  const int64_t made_room = rig.counters().made_room;
  RawClient early(rig.port);
  early.send(get("/echo/early"));
  rig.pass(Millis(Server::kSilenceMakesRoomMs - 1));
  BOOST_TEST(rig.counters().made_room == made_room);
  rig.pass(Millis(1));
  BOOST_TEST(early.receive().body == "/echo/early");
  // Whoever comes with a request is served at once, and what is under way goes on.
  for (int i = 0; i < 100; ++i) {
    RawClient another(rig.port);
    another.send(get("/echo/another"));
    BOOST_TEST(another.receive().body == "/echo/another");
  }
  rig.on_loop([&] {
    rig.handler->held[0]->respond(text_response(200, "text/plain", "kept"));
    rig.handler->held.clear();
  });
  BOOST_TEST(active.receive().body == "kept");
}

BOOST_AUTO_TEST_CASE(at_the_limit_those_that_stall_within_a_request_make_room) {
  ServerRig rig;
  bool is_first = true;
  auto clients = flood(rig, [&](RawClient& client) {
    client.send(std::exchange(is_first, false)
                    ? get("/hold")
                    : "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  });
  if (clients.empty()) return;
  const auto all_are_at_work = [&] {
    return rig.handler->handled == static_cast<int>(clients.size());
  };
  BOOST_TEST(rig.eventually(all_are_at_work));
  RawClient waiting(rig.port);
  waiting.send(get("/echo/waiting"));
  rig.pass(Millis(Server::kStallMakesRoomMs - 1));
  BOOST_TEST(rig.counters().made_room == 0);
  rig.pass(Millis(1));
  BOOST_TEST(waiting.receive().body == "/echo/waiting");
  BOOST_TEST(rig.counters().made_room > 0);
  // Whom we let wait keeps its place.
  rig.on_loop([&] {
    rig.handler->held[0]->respond(text_response(200, "text/plain", "kept"));
    rig.handler->held.clear();
  });
  BOOST_TEST(clients[0]->receive().body == "kept");
}

// Many at once: none of them is taken for silent before its request was read.
BOOST_AUTO_TEST_CASE(those_that_stall_make_room_and_newcomers_do_not) {
  ServerRig rig;
  auto clients = flood(rig, [](RawClient& client) {
    client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  });
  if (clients.empty()) return;
  const auto all_are_at_work = [&] {
    return rig.handler->handled == static_cast<int>(clients.size());
  };
  BOOST_TEST(rig.eventually(all_are_at_work));
  rig.pass(Millis(Server::kStallMakesRoomMs));
  constexpr int kNewcomers = 200;
  std::vector<std::unique_ptr<RawClient>> newcomers;
  for (int i = 0; i < kNewcomers; ++i) {
    newcomers.push_back(std::make_unique<RawClient>(rig.port));
    newcomers.back()->send(get("/echo/" + std::to_string(i)));
  }
  for (int i = 0; i < kNewcomers; ++i)
    BOOST_TEST(newcomers[static_cast<size_t>(i)]->receive().body == "/echo/" + std::to_string(i));
}

BOOST_AUTO_TEST_CASE(when_all_are_at_work_a_flood_waits_outside_and_the_operator_gets_in) {
  const TemporaryDirectory directory;
  ServerRig rig;
  rig.on_loop([&] { BOOST_TEST(rig.server->listen_unix({directory.file("a")}).ok()); });
  auto clients = flood(rig, [](RawClient& client) { client.send(get("/hold")); });
  if (clients.empty()) return;
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == clients.size(); }));
  RawClient waiting(rig.port);
  waiting.send(get("/echo/waiting"));
  RawClient operators(directory.file("a"));
  operators.send(get("/echo/operator"));
  BOOST_TEST(operators.receive().body == "/echo/operator");
  BOOST_TEST(rig.counters().made_room == 0);
  BOOST_TEST(rig.handler->handled == static_cast<int>(clients.size()) + 1);
  // One that has its answer, and asks for nothing more, makes room.
  rig.on_loop([&] {
    rig.handler->held[0]->respond(text_response(200, "text/plain", "over"));
    rig.handler->held.erase(rig.handler->held.begin());
  });
  rig.pass(seconds(1));
  BOOST_TEST(waiting.receive().body == "/echo/waiting");
  BOOST_TEST(rig.counters().made_room > 0);
}

BOOST_AUTO_TEST_CASE(draining_finishes_what_is_active_and_takes_nothing_new) {
  ServerRig rig;
  RawClient idle(rig.port);
  idle.send(get("/echo"));
  BOOST_TEST(idle.receive().status == 200);
  RawClient active(rig.port);
  active.send(get("/hold"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  bool drained = false;  // loop thread only
  rig.on_loop([&] { rig.server->drain([&] { drained = true; }); });
  BOOST_TEST(idle.at_end());
  BOOST_CHECK_THROW(RawClient{rig.port}, std::runtime_error);
  rig.on_loop([&] {
    BOOST_TEST(!drained);
    rig.handler->held[0]->respond(text_response(200, "text/plain", "last"));
    rig.handler->held.clear();
  });
  const RawResponse last = active.receive();
  BOOST_TEST(last.body == "last");
  BOOST_CHECK(last.headers.find("connection") == "close");
  active.close();
  BOOST_TEST(rig.eventually([&] { return drained; }));
}

BOOST_AUTO_TEST_CASE(draining_cuts_what_does_not_finish) {
  ServerRig rig;
  RawClient active(rig.port);
  active.send(get("/hold"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  bool drained = false;  // loop thread only
  rig.on_loop([&] { rig.server->drain([&] { drained = true; }); });
  rig.pass(seconds(60));
  BOOST_TEST(rig.eventually([&] { return drained; }));
  BOOST_TEST(active.at_end());
}

BOOST_AUTO_TEST_CASE(a_unix_socket_tells_who_asks) {
  ServerRig rig;
  const TemporaryDirectory directory;
  const std::string path = directory.file("admin.sock");
  rig.on_loop([&] { BOOST_TEST(rig.server->listen_unix({path, 0660, getgid()}).ok()); });
  RawClient client(path);
  client.send(get("/hold"));
  BOOST_TEST(rig.eventually([&] { return rig.handler->held.size() == 1; }));
  rig.on_loop([&] {
    const Request& request = rig.handler->held[0]->request();
    BOOST_CHECK(request.listener == ListenerKind::kAdmin);
    BOOST_REQUIRE(request.peer.has_value());
    BOOST_TEST(request.peer->uid == getuid());
    BOOST_TEST(request.peer->pid == getpid());
    BOOST_CHECK(rig.server->listen_unix({path, 0660}).error().code == Code::kConflict);
  });
}

BOOST_AUTO_TEST_CASE(a_dead_unix_socket_is_replaced_and_other_files_are_not) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("admin.sock");
  ServerRig rig;
  rig.on_loop([&] {
    RigHandler other(*rig.loop);
    {
      Server first(*rig.loop, rig.clock, other);
      BOOST_TEST(first.listen_unix({path}).ok());
      // As after a crash: the file stays, nobody listens.
      BOOST_TEST(::rename(path.c_str(), (path + ".left").c_str()) == 0);
    }
    BOOST_TEST(::rename((path + ".left").c_str(), path.c_str()) == 0);
    BOOST_TEST(rig.server->listen_unix({path}).ok());
    std::ofstream(directory.file("data")) << "precious";
    BOOST_CHECK(rig.server->listen_unix({directory.file("data")}).error().code == Code::kConflict);
  });
}

BOOST_AUTO_TEST_CASE(plaintext_beyond_loopback_must_be_asked_for) {
  ServerRig rig;
  rig.on_loop([&] {
    const Result<int> refused = rig.server->listen_tcp({"0.0.0.0", 0, false});
    BOOST_REQUIRE(!refused.ok());
    BOOST_CHECK(refused.error().code == Code::kInvalid);
    BOOST_CHECK(!rig.server->listen_tcp({"localhost", 0, false}).ok());
    BOOST_CHECK(!rig.server->listen_tcp({"127.0.0.1", 70'000, false}).ok());
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http::test
