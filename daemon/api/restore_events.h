// Event streams of restores: who asked may look on instead of asking again and again.
//
//   opened (its state at once) → told of changes, of progress, that it lives → its last state →
//   ended
//
// One look each tick serves every stream: a tick is a second, or follows a change of the archive
// after a quarter of one. A stream that its client does not read is told nothing until it does,
// then what is so by that time: nothing is queued for it but its last state.
//
// Format: WHATWG HTML, server-sent events. `event: state` when the state is another one, with
// `id:` the state; `event: progress` when the place in the queue or the bytes read are. Data is
// one JSON object on one line (docs/api.md). Silence of limits::kEventHeartbeatMs is broken by a
// comment line.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/http/exchange.h"
#include "daemon/loop.h"
#include "daemon/work/archive.h"
#include "index/read/records.h"

namespace holdfast {
class RecallForecast;
}

namespace holdfast::api {

// Thread rule: loop thread only. At most limits::kEventStreamsMax streams, and
// limits::kEventStreamsPerActor of one caller.
class RestoreEvents {
 public:
  // All outlive it. `index` is the loop's own connection, and `forecast` reads through it.
  RestoreEvents(Loop& loop, const Archive& archive, Database& index, RecallForecast& forecast);
  ~RestoreEvents();
  RestoreEvents(const RestoreEvents&) = delete;
  RestoreEvents& operator=(const RestoreEvents&) = delete;

  // Answers the exchange: with the stream; 204 when its Last-Event-ID says that it has the last
  // state already (a browser that is told so asks no more); 429 and 503 over the bounds.
  void open(const std::string& who, const RestoreRow& restore,
            const std::shared_ptr<http::Exchange>& exchange);

  // Looks and tells. Called by timers; a test with a ManualClock calls it after moving the clock.
  void tick();
  size_t count() const { return streams_.size(); }

 private:
  struct Stream {
    std::string who;
    RestoreId restore;
    std::shared_ptr<http::ResponseStream> out;
    std::string state;     // told last
    std::string progress;  // told last: place and bytes
    Millis spoke_at{0};
    Millis until{0};         // it ends then, whatever the state
    bool is_behind = false;  // its client does not read
  };
  using StreamPtr = std::shared_ptr<Stream>;

  void listen();
  void look(int64_t number, const StreamPtr& stream);
  void say(const StreamPtr& stream, std::string text);
  void end(int64_t number, const StreamPtr& stream);
  void drop(int64_t number);

  Loop& loop_;
  const Archive& archive_;
  Database& index_;
  RecallForecast& forecast_;
  std::map<int64_t, StreamPtr> streams_;
  int64_t next_ = 1;
  Timer every_second_;
  Timer soon_;
  int64_t waiting_ = 0;  // for a change; 0: nobody listens
};

}  // namespace holdfast::api
