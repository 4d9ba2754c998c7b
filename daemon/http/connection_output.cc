// The answering side of a Connection: heads, text, files by sendfile, streams.
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/time_text.h"
#include "daemon/http/connection.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"

namespace holdfast::http {
namespace {

constexpr size_t kStreamHighWater = 64 * 1024;  // a stream's writer is told to wait above this

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

// True when the current request still awaits its answer.
bool Connection::claim_answer() {
  if (server_answered_) return false;
  if (answer_ == Answer::kAwaited) return true;
  log::error("a request was answered twice; the second answer was dropped");
  return false;
}

void Connection::begin_answer(int status, Headers headers, std::optional<int64_t> length,
                              bool close) {
  // An answer before the body's end: what follows in the input is not a request.
  if (close || !body_complete_ || draining_) keep_alive_ = false;
  answer_ = Answer::kSending;
  if (!body_complete_) {
    body_ = Body::kOver;
    sink_.reset();
  }
  headers.set("date", to_http_date(server_.clock_.now()));
  headers.set("x-content-type-options", "nosniff");
  if (length && !has_no_body(status)) headers.set("content-length", std::to_string(*length));
  if (chunked_answer_) headers.set("transfer-encoding", "chunked");
  if (!keep_alive_) headers.set("connection", "close");
  if (!output_pending()) sent_since_ = now();
  sent_progress_ = 0;
  out_ += serialize_head(status, headers);
}

void Connection::respond(uint64_t exchange, Response response) {
  if (!is_current(exchange) || !claim_answer()) return;
  const auto length = static_cast<int64_t>(response.body.size());
  begin_answer(response.status, std::move(response.headers), length, response.close);
  if (!head_only_ && !has_no_body(response.status)) out_ += response.body;
  advance();
}

void Connection::respond_file(uint64_t exchange, FileResponse response) {
  if (!is_current(exchange) || !claim_answer()) {
    if (response.done) response.done(Bytes(0));
    return;
  }
  begin_answer(response.status, std::move(response.headers), response.length, false);
  file_ = std::move(response);
  file_sent_ = 0;
  file_left_ = head_only_ || has_no_body(file_.status) ? 0 : file_.length;
  advance();
}

bool Connection::begin_stream(uint64_t exchange, Response head) {
  if (!is_current(exchange) || !claim_answer()) return false;
  // HTTP/1.0 knows no chunks: the connection's end is the answer's.
  chunked_answer_ = minor_version_ >= 1 && !has_no_body(head.status);
  streaming_ = true;
  begin_answer(head.status, std::move(head.headers), std::nullopt, !chunked_answer_);
  advance();
  return true;
}

bool Connection::stream_write(uint64_t exchange, std::string_view data) {
  if (!is_current(exchange) || !streaming_) return false;
  if (!data.empty() && !head_only_) {
    if (!output_pending()) sent_since_ = now();
    if (chunked_answer_) out_ += fmt::format("{:x}\r\n", data.size());
    out_ += data;
    if (chunked_answer_) out_ += "\r\n";
  }
  advance();
  return state_ == State::kExchange && out_.size() - out_sent_ < kStreamHighWater;
}

void Connection::stream_on_ready(uint64_t exchange, std::function<void()> on_ready) {
  if (is_current(exchange) && streaming_) on_ready_ = std::move(on_ready);
}

void Connection::stream_end(uint64_t exchange) {
  if (!is_current(exchange) || !streaming_) return;
  if (chunked_answer_ && !head_only_) out_ += "0\r\n\r\n";
  streaming_ = false;
  advance();
}

void Connection::stream_abort(uint64_t exchange) {
  if (!is_current(exchange) || !streaming_) return;
  close(true, {Code::kIo, "send a stream: it was given up"});
}

void Connection::abandoned(uint64_t exchange) {
  if (!is_current(exchange) || answer_ != Answer::kAwaited) return;
  log::error("a request was let go without an answer");
  respond(exchange, problem_response({Code::kIo, "answer a request: its handler let go"}));
}

void Connection::note_sent(size_t bytes) {
  sent_progress_ += bytes;
  if (sent_progress_ < limits::kProgressBytes) return;
  sent_progress_ = 0;
  sent_since_ = now();
}

// Sends what the socket takes. False when the connection was closed.
bool Connection::flush() {
  if (tls_) return flush_with_tls();
  if (out_sent_ < out_.size() && !flush_text()) return false;
  if (out_sent_ == out_.size() && file_left_ > 0 && !write_blocked_) return flush_file();
  return true;
}

bool Connection::flush_text() {
  while (out_sent_ < out_.size()) {
    const int more = file_left_ > 0 ? MSG_MORE : 0;  // the head travels with the file's first bytes
    const ssize_t sent =
        ::send(socket_.fd(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL | more);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      write_blocked_ = true;
      return true;
    }
    if (sent < 0) {
      close(false, system_error(errno, "send an answer"));
      return false;
    }
    out_sent_ += static_cast<size_t>(sent);
    note_sent(static_cast<size_t>(sent));
  }
  out_.clear();
  out_sent_ = 0;
  return true;
}

bool Connection::flush_file() {
  while (file_left_ > 0 && turn_left_ > 0) {
    off_t offset = file_.offset + file_sent_;
    const auto want = static_cast<size_t>(std::min(file_left_, turn_left_));
    const ssize_t sent = ::sendfile(socket_.fd(), file_.fd, &offset, want);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent <= 0) {
      // 0: the file is shorter than it was. Whatever else, what the client has is
      // not the whole, and only a reset says so beyond doubt.
      const Error why = sent == 0 ? Error{Code::kCorrupt, "send a file: it has become shorter"}
                                  : system_error(errno, "send a file");
      if (sent == 0) log::error("{}", why.message);
      close(true, why);
      return false;
    }
    file_sent_ += sent;
    file_left_ -= sent;
    turn_left_ -= sent;
    server_.counters_.file_bytes_sent += sent;
    note_sent(static_cast<size_t>(sent));
  }
  if (file_left_ == 0 && !file_is_whole()) return false;
  if (file_left_ > 0) write_blocked_ = true;  // the next writable event gives the next turn
  return true;
}

// False when the file was cut behind our back: its lent pages may hold zeros now. The reset drops
// what the client does not have yet.
bool Connection::file_is_whole() {
  struct stat status {};
  if (::fstat(file_.fd, &status) == 0 && status.st_size >= file_.offset + file_.length) return true;
  const Error why{Code::kCorrupt, "send a file: it has become shorter"};
  log::error("{}", why.message);
  close(true, why);
  return false;
}

}  // namespace holdfast::http
