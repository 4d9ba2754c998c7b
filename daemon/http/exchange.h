// One request and its answer, between the server and a handler.
//
// Thread rule: every method of Exchange, Handler and BodySink is called on the
// loop thread. A worker answers by Loop::post. The last reference to an Exchange
// may be let go on any thread; an Exchange that was never answered is then
// answered 500.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "daemon/http/request.h"
#include "daemon/http/response.h"

namespace holdfast::http {

// Takes a request body as it comes.
//
//   on_data* → on_end | on_error
//
// on_error: the client left or stalled, the framing was broken, or the limit was
// passed. The server has answered by itself where an answer could still be read;
// a respond() after it does nothing. The sink is destroyed after on_end or
// on_error, or when the handler answers before the body's end.
class BodySink {
 public:
  enum class Flow {
    kContinue,
    kPause,  // `data` was taken, but nothing more may come before resume_body()
  };

  virtual ~BodySink() = default;
  // Takes all of `data`, at most limits::kConnectionBufferBytes, valid during the call only.
  virtual Flow on_data(ByteSpan data) = 0;
  virtual void on_end() = 0;
  virtual void on_error(const Error& error) = 0;
};

// An answer whose length is not known at its start: chunked transfer, or until
// the connection's end for HTTP/1.0.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // Takes `data`. False when the client is behind: write no more before
  // `on_ready` is called; data is queued all the same.
  virtual bool write(std::string data) = 0;
  virtual void set_on_ready(std::function<void()> on_ready) = 0;
  // The answer is complete.
  virtual void end() = 0;
  // The answer cannot be completed: the connection is cut, so that the client
  // does not take what it has for the whole.
  virtual void abort() = 0;
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;

  // The body, at one time one of:
  // - the whole body as a string, for JSON; kTooLarge (413 was answered) over `limit` bytes;
  // - a stream of pieces, at most `limit` bytes together.
  // A declared Content-Length over the limit is refused before a byte is read.
  // May be called within handle() or later; `100 Continue` is sent then.
  virtual void read_body(size_t limit, std::function<void(Result<std::string>)> done) = 0;
  virtual void stream_body(int64_t limit, std::unique_ptr<BodySink> sink) = 0;
  // After a sink said kPause.
  virtual void resume_body() = 0;

  // One answer per request; a second one is a bug. When the client is gone they
  // do nothing (FileResponse::done is called with 0). An answer before the
  // body's end closes the connection after it.
  virtual void respond(Response response) = 0;
  virtual void respond_file(FileResponse response) = 0;
  // `head.body` is unused. The stream may be used until end() or abort(); letting
  // go of it before is abort().
  virtual std::shared_ptr<ResponseStream> respond_stream(Response head) = 0;

  // Called at most once, when the client has closed its side before the answer
  // was over. A hint: some clients close only their sending half and still read.
  virtual void on_disconnect(std::function<void()> callback) = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // The head is complete and in order. Answers now or later.
  virtual void handle(std::shared_ptr<Exchange> exchange) = 0;
};

}  // namespace holdfast::http
