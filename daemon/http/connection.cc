#include "daemon/http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/http/connection_exchange.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"

namespace holdfast::http {
namespace {

constexpr int64_t kLingerMs = 2000;  // for the client to read our answer and close
// A line of 8 KiB of target, its method and version: longer without an end is 414.
constexpr size_t kRequestLineBytesMax = limits::kRequestTargetBytesMax + 32;
constexpr size_t kKeptAnswerBytes = 4096;  // of an idle connection's answer buffer

Error client_left(std::string_view what) {
  return Error{Code::kUnavailable, std::string(what) + ": the client closed the connection"};
}

}  // namespace

Connection::Connection(Server& server, Socket socket, ListenerKind kind,
                       std::unique_ptr<TlsStream> tls)
    : server_(server),
      socket_(std::move(socket)),
      tls_(std::move(tls)),
      kind_(kind),
      state_(tls_ ? State::kHandshake : State::kIdle) {
  static_assert(sizeof(Connection) + kBufferBytes + sizeof(Request) <=
                limits::kConnectionBufferBytes);
}

Connection::~Connection() = default;

Status Connection::start() {
  since_ = now();
  remote_ = remote_name(socket_.fd());
  peer_ = peer_credentials(socket_.fd());
  std::weak_ptr<Connection> self = weak_from_this();
  Result<Poll> poll = server_.loop_.poll(socket_.fd(), [self](int status, int events) {
    if (auto alive = self.lock()) alive->on_event(status, events);
  });
  if (!poll.ok()) return std::move(poll).error();
  poll_ = std::move(poll).value();
  update_watch();
  return {};
}

Millis Connection::now() const { return server_.clock_.monotonic(); }

void Connection::on_event(int status, int events) {
  if (state_ == State::kClosed) return;
  if (status < 0) return close(false, client_left("serve a connection"));
  if ((events & UV_WRITABLE) != 0) write_blocked_ = false;
  if ((events & UV_READABLE) != 0) state_ == State::kHandshake ? shake_hands() : receive();
  if (state_ == State::kClosed) return;
  if ((events & UV_DISCONNECT) != 0) peer_ended();
  advance();
}

void Connection::receive() {
  if (state_ == State::kLinger) {
    char dropped[16 * 1024];
    const ssize_t got = ::recv(socket_.fd(), dropped, sizeof dropped, 0);
    const bool again = got < 0 && (errno == EAGAIN || errno == EINTR);
    if (got <= 0 && !again) close(false, client_left("linger"));
    return;
  }
  if (!make_input_room()) return;
  const ssize_t got = receive_bytes(buffer_.get() + end_, room_ - end_);
  if (got > 0) {
    end_ += static_cast<size_t>(got);
    was_filled_ = end_ == room_;
    return;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return close(false, client_left("receive a request"));
  // An orderly end. Between requests that is the usual goodbye; within a head or a
  // body nothing can come of it.
  peer_ended_ = true;
  if (state_ == State::kIdle || state_ == State::kHead)
    return close(false, client_left("receive a request"));
  if (body_ == Body::kReading) close(false, client_left("receive a body"));
}

// Behind what is in the buffer, which grows once, when something has filled it: a long head, or the
// first piece of a body. False when it is full.
bool Connection::make_input_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const bool may_grow = room_ < kBufferBytes;
  if (end_ < room_ && !(was_filled_ && may_grow)) return true;
  if (!may_grow) return false;
  const size_t larger = room_ == 0 ? kFirstBufferBytes : kBufferBytes;
  auto grown = std::make_unique_for_overwrite<char[]>(larger);
  if (end_ > 0) std::memcpy(grown.get(), buffer_.get(), end_);
  buffer_ = std::move(grown);
  room_ = larger;
  was_filled_ = false;
  return true;
}

void Connection::drop_buffer() {
  buffer_.reset();
  room_ = begin_ = end_ = 0;
  was_filled_ = false;
}

void Connection::peer_ended() {
  peer_ended_ = true;
  if (state_ != State::kExchange || answer_ == Answer::kSent) return;
  if (auto callback = std::exchange(on_disconnect_, nullptr)) callback();
}

void Connection::advance() {
  if (advancing_ || state_ == State::kClosed) return;
  const auto self = shared_from_this();
  advancing_ = true;
  turn_left_ = limits::kSendBytesPerTurn;
  while (state_ != State::kClosed && (step() || take_buffered())) {
  }
  advancing_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kIdle && begin_ == end_) {
    drop_buffer();
    if (tls_) tls_->release_buffer();
  }
  update_watch();
}

// Does one thing; false when there is nothing to do until something happens.
bool Connection::step() {
  // Tickets, key updates: what TLS says on its own.
  if (state_ != State::kExchange && encrypted_waits() && !write_blocked_) return send_encrypted();
  switch (state_) {
    case State::kHandshake:
      return false;
    case State::kIdle:
      if (begin_ == end_) return false;
      state_ = State::kHead;
      since_ = now();
      scanned_ = 0;
      return true;
    case State::kHead:
      return step_head();
    case State::kExchange:
      return step_exchange();
    case State::kLinger:
    case State::kClosed:
      return false;
  }
  return false;
}

bool Connection::step_head() {
  const std::string_view bytes = input().substr(0, limits::kRequestHeadBytesMax);
  const std::optional<size_t> end = find_head_end(bytes, scanned_);
  if (!end) {
    if (auto refusal = check_head_bytes(bytes, scanned_)) return refuse(*refusal), true;
    scanned_ = bytes.size();
    if (bytes.size() > kRequestLineBytesMax && bytes.find("\r\n") > kRequestLineBytesMax)
      return refuse({414, "the request line is too long"}), true;
    if (bytes.size() == limits::kRequestHeadBytesMax)
      return refuse({431, "the head is longer than 16 KiB"}), true;
    return false;
  }
  auto request = std::make_shared<Request>();
  request->listener = kind_;
  request->remote = remote_;
  request->peer = peer_;
  request->client_certificate = client_certificate_;
  parser_ = RequestParser();
  const std::optional<Refusal> refusal = parser_.parse_head(bytes.substr(0, *end), *request);
  consume(*end);
  if (refusal) return refuse(*refusal), true;
  hand_over(std::move(request));
  return true;
}

void Connection::hand_over(std::shared_ptr<Request> request) {
  reset_exchange();
  state_ = State::kExchange;
  head_only_ = request->method == Method::kHead;
  // HTTP/1.0 is spoken, but a connection serves one request of it.
  keep_alive_ = request->keep_alive && request->minor_version >= 1 && !draining_;
  expects_continue_ = request->expects_continue;
  minor_version_ = request->minor_version;
  content_length_ = request->content_length;
  body_complete_ = !request->has_body();
  ++server_.counters_.requests;
  server_.handler_.handle(std::make_shared<ConnectionExchange>(server_.loop_, weak_from_this(),
                                                               exchange_, std::move(request)));
}

void Connection::reset_exchange() {
  ++exchange_;
  head_only_ = false;
  keep_alive_ = false;
  expects_continue_ = false;
  minor_version_ = 1;
  body_ = Body::kUnread;
  body_complete_ = true;
  body_received_ = 0;
  content_length_.reset();
  sink_.reset();
  on_disconnect_ = nullptr;
  answer_ = Answer::kAwaited;
  server_answered_ = false;
  streaming_ = false;
  chunked_answer_ = false;
  on_ready_ = nullptr;
}

// Our own answer to what is not a request; the connection ends with it.
void Connection::refuse(const Refusal& refusal) {
  ++server_.counters_.refused;
  if (state_ != State::kExchange) {
    reset_exchange();
    state_ = State::kExchange;
  }
  if (answer_ != Answer::kAwaited) return;
  body_ = Body::kOver;
  server_answered_ = true;
  const std::string_view word = refusal.status == 413 ? "too-large" : "bad-request";
  Response response = problem_response(refusal.status, word, refusal.reason);
  const auto length = static_cast<int64_t>(response.body.size());
  begin_answer(response.status, std::move(response.headers), length, true);
  if (!head_only_) out_ += response.body;
}

bool Connection::step_exchange() {
  if (output_pending() && !write_blocked_) {
    if (!flush()) return false;  // closed
    if (!output_pending() && streaming_ && answer_ == Answer::kSending && on_ready_) {
      write_blocked_ = true;  // one piece a turn: a fast reader does not keep others waiting
      const auto ready = on_ready_;
      ready();
    }
    return true;
  }
  if (answer_ == Answer::kSending && !output_pending() && !streaming_) {
    // close_notify is the last of what is sent.
    const bool is_last = !keep_alive_ || !body_complete_;
    if (is_last && tls_ && tls_->shut_down()) return true;
    finish_exchange();
    return true;
  }
  return body_ == Body::kReading && pump_body();
}

bool Connection::pump_body() {
  const RequestParser::BodyStep piece = parser_.parse_body(input());
  const auto sink = sink_;
  if (piece.refusal) {
    fail_body(*piece.refusal, {Code::kInvalid, "receive a body: " + piece.refusal->reason});
    return true;
  }
  if (!piece.data.empty()) {
    body_received_ += static_cast<int64_t>(piece.data.size());
    if (body_received_ > body_limit_) {
      const std::string limit = std::to_string(body_limit_);
      fail_body({413, "the body is longer than " + limit + " bytes"},
                {Code::kTooLarge, "receive a body: more than " + limit + " bytes"});
      return true;
    }
    body_progress_ += piece.data.size();
    if (body_progress_ >= limits::kProgressBytes) {
      body_progress_ = 0;
      body_since_ = now();
    }
    // May answer, and so end the body; `sink` keeps it alive for the call.
    if (sink->on_data(piece.data) == BodySink::Flow::kPause && body_ == Body::kReading)
      body_ = Body::kPaused;
  }
  if (state_ == State::kClosed) return false;
  consume(piece.consumed);
  if (piece.done) {
    body_complete_ = true;
    if (body_ == Body::kReading || body_ == Body::kPaused) {
      body_ = Body::kOver;
      sink_.reset();
      sink->on_end();
    }
    return true;
  }
  if (!piece.need_more || piece.consumed > 0) return true;
  return false;
}

// The body cannot be had: answered by us, and told to who was taking it.
void Connection::fail_body(const Refusal& refusal, const Error& why) {
  const auto sink = std::exchange(sink_, nullptr);
  refuse(refusal);
  body_ = Body::kOver;
  if (sink) sink->on_error(why);
}

void Connection::consume(size_t bytes) {
  begin_ += bytes;
  assert(begin_ <= end_);
  if (begin_ == end_) begin_ = end_ = 0;
}

// The answer is with the kernel.
void Connection::finish_exchange() {
  answer_ = Answer::kSent;
  on_disconnect_ = nullptr;
  on_ready_ = nullptr;
  body_ = Body::kOver;
  sink_.reset();
  const auto done = std::exchange(file_.done, nullptr);
  file_ = FileResponse{};
  if (out_.capacity() > kKeptAnswerBytes) std::string().swap(out_);
  if (keep_alive_ && body_complete_) {
    state_ = State::kIdle;
    since_ = now();
  } else {
    linger();
  }
  // Last: it may drain the server and so close us.
  if (done) done(Bytes(file_sent_));
}

void Connection::linger() {
  ::shutdown(socket_.fd(), SHUT_WR);
  state_ = State::kLinger;
  since_ = now();
  drop_buffer();
}

void Connection::update_watch() {
  int events = 0;
  switch (state_) {
    case State::kHandshake:
    case State::kIdle:
    case State::kHead:
      if (encrypted_waits()) events |= UV_WRITABLE;
      [[fallthrough]];
    case State::kLinger:
      events |= UV_READABLE;
      break;
    case State::kExchange:
      if (body_ == Body::kReading) events |= UV_READABLE;
      if (output_pending()) events |= UV_WRITABLE;
      if (!peer_ended_) events |= UV_DISCONNECT;
      break;
    case State::kClosed:
      return;
  }
  if (events == watched_) return;
  watched_ = events;
  Loop::watch(poll_, events);
}

void Connection::close(bool reset, const Error& why) {
  if (state_ == State::kClosed) return;
  const auto self = shared_from_this();
  const bool told = state_ == State::kExchange && answer_ != Answer::kSent;
  state_ = State::kClosed;
  poll_.reset();
  // As far as the socket takes it: nobody waits for a goodbye.
  if (!reset && !told && tls_) {
    tls_->shut_down();
    if (encrypted_waits()) tls_->flush();
  }
  if (reset) {
    socket_.close_with_reset();
  } else {
    socket_.close();
  }
  drop_buffer();
  out_.clear();
  out_sent_ = 0;
  file_left_ = 0;
  body_ = Body::kOver;
  on_ready_ = nullptr;
  const auto sink = std::exchange(sink_, nullptr);
  const auto done = std::exchange(file_.done, nullptr);
  const auto disconnected = std::exchange(on_disconnect_, nullptr);
  file_ = FileResponse{};
  server_.closed(self);
  if (sink) sink->on_error(why);
  if (done) done(Bytes(file_sent_));
  if (told && disconnected) disconnected();
}

std::optional<Millis> Connection::waits_since() const {
  if (state_ == State::kClosed) return std::nullopt;
  if (state_ != State::kExchange) return since_;
  if (output_pending()) return sent_since_;
  if (body_ == Body::kReading) return body_since_;
  return std::nullopt;
}

void Connection::make_room() {
  close(state_ == State::kExchange,
        {Code::kUnavailable, "serve a connection: another client needed its place"});
}

void Connection::cut(const Error& why) { close(true, why); }

void Connection::drain() {
  draining_ = true;
  keep_alive_ = false;
  const Error why{Code::kUnavailable, "serve a connection: the server is stopping"};
  if (state_ == State::kHandshake || state_ == State::kIdle || state_ == State::kHead)
    close(false, why);
}

void Connection::sweep(Millis time) {
  const auto passed = [&](Millis since, int64_t limit_ms) {
    return time.count - since.count >= limit_ms;
  };
  const Error late{Code::kUnavailable, "serve a connection: no progress in time"};
  switch (state_) {
    case State::kHandshake:
      if (!passed(since_, limits::kHandshakeTimeoutMs)) return;
      ++server_.counters_.timed_out;
      return close(false, late);
    case State::kIdle:
      if (!passed(since_, limits::kIdleTimeoutMs)) return;
      ++server_.counters_.timed_out;
      return close(false, late);
    case State::kHead:
      if (!passed(since_, limits::kHeadTimeoutMs)) return;
      ++server_.counters_.timed_out;
      refuse({408, "the head did not arrive in time"});
      return advance();
    case State::kLinger:
      if (passed(since_, kLingerMs)) close(false, late);
      return;
    case State::kExchange:
      break;
    case State::kClosed:
      return;
  }
  if (output_pending()) {
    if (!passed(sent_since_, limits::kSendStallTimeoutMs)) return;
    ++server_.counters_.timed_out;
    close(true, late);
  } else if (body_ == Body::kReading && passed(body_since_, limits::kBodyStallTimeoutMs)) {
    ++server_.counters_.timed_out;
    const auto self = shared_from_this();
    fail_body({408, "the body did not arrive in time"}, late);
    advance();
  }
}

void Connection::read_body(uint64_t exchange, int64_t limit, std::shared_ptr<BodySink> sink) {
  if (!is_current(exchange) || body_ != Body::kUnread || answer_ != Answer::kAwaited)
    return sink->on_error({Code::kUnavailable, "receive a body: the request is over"});
  if (content_length_.value_or(0) > limit) {
    const std::string text = std::to_string(limit);
    refuse({413, "the body is longer than " + text + " bytes"});
    sink->on_error({Code::kTooLarge, "receive a body: more than " + text + " bytes"});
    return advance();
  }
  body_ = Body::kReading;
  body_limit_ = limit;
  body_since_ = now();
  body_progress_ = 0;
  sink_ = std::move(sink);
  if (expects_continue_ && begin_ == end_ && !body_complete_) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    sent_since_ = now();
  }
  advance();
}

void Connection::resume_body(uint64_t exchange) {
  if (!is_current(exchange) || body_ != Body::kPaused) return;
  body_ = Body::kReading;
  body_since_ = now();
  body_progress_ = 0;
  advance();
}

void Connection::on_disconnect(uint64_t exchange, std::function<void()> callback) {
  if (is_current(exchange) && answer_ != Answer::kSent && !peer_ended_) {
    on_disconnect_ = std::move(callback);
  } else {
    callback();
  }
}

}  // namespace holdfast::http
