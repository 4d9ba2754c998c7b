// One client's socket, from accept to close. Requests are served in order, one at
// a time; what the client has pipelined meanwhile waits in the buffer and then in
// the kernel.
//
//   kHandshake ──▶ kIdle (TLS alone)
//
//            first byte        head complete         answer sent, kept alive
//   kIdle ──────────────▶ kHead ──────────────▶ kExchange ──────────────▶ kIdle
//     │                     │ refused              │ answer sent, not kept
//     │                     └──────▶ kExchange     ▼
//     │ end, deadline         (our own answer)   kLinger ──▶ kClosed
//     └──────────────────────────────────────────────────────▶ kClosed
//
// kLinger: our side is shut; input is read and dropped for a moment, so that the
// answer is not lost in a reset. Nothing is parsed any more.
//
// Within kExchange two things go on independently:
//   body    kUnread → kReading ⇄ kPaused → kOver    (kOver also when answered early)
//   answer  kAwaited → kSending → kSent
//
// Deadlines (base/limits.h; Server::sweep looks at them)
//   kHandshake 10 s from accept: closed.
//   kIdle 60 s: closed silently. kHead 10 s from its first byte: 408.
//   kReading: 30 s without kProgressBytes: 408. Sending: 30 s without them: cut.
//   kLinger 2 s: closed. Waiting for a handler has no deadline here: that is the handler's.
//
// Invariants
// - Memory: this object and one buffer, together under limits::kConnectionBufferBytes,
//   beside what the handler itself answers with. An idle connection has no buffer. TLS
//   adds OpenSSL's session, and while an answer is under way one batch (tls_stream.h), which
//   is a record of 16 kB where the client is slow.
// - With TLS an orderly end is told by close_notify; a cut answer ends without one.
// - Bytes are read from the socket only while someone takes them (backpressure).
// - A promised Content-Length is sent whole or the connection is cut: never padded.
//   sendfile lends the file's own pages to the socket: who overwrites or cuts a file
//   in place changes what is under way, and the cut connection tells the client so.
//   The archive itself only ever unlinks.
// - After kClosed no callback of this connection is pending and none follows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "daemon/http/exchange.h"
#include "daemon/http/parser.h"
#include "daemon/http/socket.h"
#include "daemon/http/tls_stream.h"
#include "daemon/loop.h"

namespace holdfast::http {

class Server;

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // `tls`: what it speaks; null for plain text.
  Connection(Server& server, Socket socket, ListenerKind kind, std::unique_ptr<TlsStream> tls);
  ~Connection();

  // Watches the socket. kIo when the loop refuses; the connection is then dropped.
  Status start();
  ListenerKind kind() const { return kind_; }
  void sweep(Millis now);
  // Closes when idle, else as soon as the current answer is out.
  void drain();
  // Whether no request is under way.
  bool awaits_request() const {
    return state_ == State::kHandshake || state_ == State::kIdle || state_ == State::kHead;
  }
  // Since when the client has let us wait: for a request, for the body that is being taken, for
  // room for an answer, for its own close. Nothing while we let it wait.
  std::optional<Millis> waits_since() const;
  // Closes a connection for which waits_since() tells something; one with a request is cut.
  void make_room();
  // Cuts the connection with a reset; everyone who waits is told.
  void cut(const Error& why);

  // By the exchange numbered `exchange` (a stale one is ignored).
  void read_body(uint64_t exchange, int64_t limit, std::shared_ptr<BodySink> sink);
  void resume_body(uint64_t exchange);
  void respond(uint64_t exchange, Response response);
  void respond_file(uint64_t exchange, FileResponse response);
  bool begin_stream(uint64_t exchange, Response head);
  bool stream_write(uint64_t exchange, std::string_view data);
  void stream_on_ready(uint64_t exchange, std::function<void()> on_ready);
  void stream_end(uint64_t exchange);
  void stream_abort(uint64_t exchange);
  void on_disconnect(uint64_t exchange, std::function<void()> callback);
  // The handler let go without an answer.
  void abandoned(uint64_t exchange);

 private:
  enum class State { kHandshake, kIdle, kHead, kExchange, kLinger, kClosed };
  enum class Body { kUnread, kReading, kPaused, kOver };
  enum class Answer { kAwaited, kSending, kSent };

  static constexpr size_t kBufferBytes = 48 * 1024;
  static constexpr size_t kFirstBufferBytes = 4 * 1024;  // most requests need no more

  // connection.cc: events, input, states
  void on_event(int status, int events);
  void receive();
  bool make_input_room();
  void drop_buffer();
  void advance();
  bool step();
  bool step_head();
  bool step_exchange();
  bool pump_body();
  void hand_over(std::shared_ptr<Request> request);
  void refuse(const Refusal& refusal);
  void fail_body(const Refusal& refusal, const Error& why);
  void peer_ended();
  void finish_exchange();
  void linger();
  void close(bool reset, const Error& why);
  void update_watch();
  void reset_exchange();
  std::string_view input() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(size_t bytes);
  bool is_current(uint64_t exchange) const {
    return state_ == State::kExchange && exchange == exchange_;
  }
  Millis now() const;

  // connection_tls.cc
  void shake_hands();
  ssize_t receive_bytes(char* out, size_t size);
  bool take_buffered();
  bool encrypted_waits() const { return tls_ && tls_->pending() > 0; }
  bool send_encrypted();
  bool flush_with_tls();
  bool encrypt_next();
  std::optional<size_t> read_file(char* out, size_t bytes);

  // connection_output.cc: answers
  bool claim_answer();
  void begin_answer(int status, Headers headers, std::optional<int64_t> length, bool close);
  bool flush();
  bool flush_text();
  bool flush_file();
  bool file_is_whole();
  bool output_pending() const {
    return out_sent_ < out_.size() || file_left_ > 0 || encrypted_waits();
  }
  void note_sent(size_t bytes);

  Server& server_;
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // null: plain text
  // As Request has them.
  std::string remote_;
  std::optional<PeerCredentials> peer_;
  std::string client_certificate_;
  Poll poll_;
  int watched_ = 0;
  const ListenerKind kind_;
  State state_ = State::kIdle;
  Millis since_{0};         // when the state was entered, for kIdle, kHead and kLinger
  int64_t turn_left_ = 0;   // bytes of files that may still leave before others have their turn
  bool advancing_ = false;  // step() is on the stack: entry points leave the rest to it
  bool draining_ = false;
  bool peer_ended_ = false;  // the client has shut its sending side

  // Input
  std::unique_ptr<char[]> buffer_;
  size_t room_ = 0;          // of the buffer: nothing, kFirstBufferBytes, or kBufferBytes
  bool was_filled_ = false;  // by what came last
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t scanned_ = 0;  // of the input, while a head is incomplete
  RequestParser parser_;

  // The exchange
  uint64_t exchange_ = 0;  // number of the current one
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  int minor_version_ = 1;
  Body body_ = Body::kUnread;
  bool body_complete_ = true;  // every byte of it was taken from the input
  int64_t body_limit_ = 0;
  int64_t body_received_ = 0;
  std::optional<int64_t> content_length_;
  std::shared_ptr<BodySink> sink_;
  Millis body_since_{0};
  size_t body_progress_ = 0;
  std::function<void()> on_disconnect_;

  // The answer
  Answer answer_ = Answer::kAwaited;
  bool server_answered_ = false;
  bool streaming_ = false;
  bool chunked_answer_ = false;
  std::string out_;
  size_t out_sent_ = 0;
  FileResponse file_;
  int64_t file_left_ = 0;
  int64_t file_sent_ = 0;
  std::function<void()> on_ready_;
  bool write_blocked_ = false;  // until the socket is writable again
  Millis sent_since_{0};
  size_t sent_progress_ = 0;
};

}  // namespace holdfast::http
