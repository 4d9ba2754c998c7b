// A server on 127.0.0.1 with its loop on a thread of its own, a handler with a few
// routes that show what the server does, and a client that sends raw bytes.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "daemon/http/exchange.h"
#include "daemon/http/server.h"
#include "daemon/loop.h"

namespace holdfast::http::test {

// Routes
//   GET  /echo…          200, the target
//   POST /body           read_body, 200 with the same bytes
//   POST /pausing        stream_body into a sink that pauses after each piece and is
//                        resumed by another thread; 200 with the count of bytes
//   POST /upload         multipart; 200 with the count of bytes in all parts, 422 if refused
//   GET  /file           plan_file over the rig's file
//   GET  /chunks?n=      a streamed answer of n pieces of 1,000 bytes
//   GET  /cut            a streamed answer that is aborted half-way
//   GET  /hold           answered by release_held(), watched for disconnection
//   GET  /drop           let go without an answer
class RigHandler final : public Handler {
 public:
  explicit RigHandler(Loop& loop) : loop_(loop) {}
  ~RigHandler() override;
  void handle(std::shared_ptr<Exchange> exchange) override;

  // Loop thread only, or while the loop does not run.
  std::string file_path;
  std::string file_etag = "e";
  std::vector<std::shared_ptr<Exchange>> held;
  std::vector<std::thread> threads;

  // Any thread.
  std::atomic<int> handled{0};
  std::atomic<int> smuggled{0};  // requests for /smuggled
  std::atomic<int> disconnects{0};
  std::atomic<int> body_errors{0};
  std::atomic<int64_t> file_bytes_done{-1};
  std::atomic<size_t> largest_piece{0};  // that an upload's part got at once

 private:
  void send_file(const std::shared_ptr<Exchange>& exchange);
  void send_chunks(const std::shared_ptr<Exchange>& exchange);

  Loop& loop_;
};

class ServerRig {
 public:
  static constexpr int kConnectionsMax = 1024;  // of its server, so that a test can reach it

  // `tls`: what its TCP listener speaks; null: plain text.
  explicit ServerRig(std::shared_ptr<const TlsContext> tls = nullptr);
  ~ServerRig();

  // Runs `task` on the loop and waits until it has run.
  void on_loop(std::function<void()> task);
  // Moves the clock, then lets the server look at its deadlines.
  void pass(Millis time);
  // Waits until `condition`, asked on the loop, holds. False after a generous while.
  bool eventually(std::function<bool()> condition);
  // The server's, as they are between two events of the loop.
  ServerCounters counters();
  void stop();

  ManualClock clock{UnixMillis(1'795'000'000'000)};
  std::unique_ptr<Loop> loop;
  std::unique_ptr<RigHandler> handler;
  std::unique_ptr<Server> server;
  int port = 0;

 private:
  std::thread thread_;
};

struct RawResponse {
  int status = 0;  // 0: the connection ended without one
  Headers headers;
  std::string body;
  bool whole = false;  // the body was as long as promised
};

// A blocking client of raw bytes. Gives up reading after 30 s, so that a hanging
// server fails the test instead of the run.
class RawClient {
 public:
  explicit RawClient(int port);
  explicit RawClient(const std::string& unix_path);
  virtual ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the server has closed.
  virtual bool send(std::string_view bytes);
  void finish_sending();
  // Closes; with `reset` the server sees a reset.
  void close(bool reset = false);
  // The next response, however it is framed.
  RawResponse receive(bool of_head_request = false);
  // At most `most` raw bytes, "" at the end.
  std::string receive_some(size_t most);
  // True when the server has ended the connection and nothing more is to be read.
  bool at_end();
  int fd() const { return fd_; }

 protected:
  // Bytes as they are meant, without what carries them: as recv(2).
  virtual ssize_t receive_bytes(char* out, size_t size);

 private:
  bool fill();

  int fd_ = -1;
  std::string buffer_;
};

// A directory below the temporary one, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace holdfast::http::test
