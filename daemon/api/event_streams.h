// Event streams of what takes its time (a restore, an import): who asked may look on instead of
// asking again and again.
//
//   opened (its state at once) → told of changes, of progress, that it lives → its last state →
//   ended
//
// One look each tick serves every stream: a tick is a second, or follows a change of the archive
// after a quarter of one. A stream that its client does not read is told nothing until it does,
// then what is so by that time: nothing is queued for it but its last state.
//
// Format: WHATWG HTML, server-sent events. `event: state` when the state is another one, with
// `id:` the state; `event: progress` when what is shown of it is (a restore's place and bytes, an
// import's calls). Data is one JSON object on one line (docs/api.md). Silence of
// limits::kEventHeartbeatMs is broken by a comment line.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/http/exchange.h"
#include "daemon/loop.h"
#include "daemon/work/archive.h"
#include "index/read/records.h"

namespace holdfast {
class RecallForecast;
}

namespace holdfast::api {

// What is watched, as it is now.
struct Watched {
  std::string state;
  bool is_over = false;  // no other state follows
  std::string progress;  // another one: there is something to tell within the state
  std::function<Result<json::object>()> view;  // made only when it is told
};
// Looks; nothing when it is gone. Called on the loop, about once a second.
using Watch = std::function<Result<std::optional<Watched>>()>;

// `index` is the loop's own connection, and `forecast` reads through it; all outlive the watch.
Watch watch_restore(const Archive& archive, Database& index, RecallForecast& forecast,
                    const RestoreId& restore);

// Thread rule: loop thread only. At most limits::kEventStreamsMax streams, and
// limits::kEventStreamsPerActor of one caller.
class EventStreams {
 public:
  // Both outlive it.
  EventStreams(Loop& loop, const Archive& archive);
  ~EventStreams();
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // Answers the exchange: with the stream; 204 when its Last-Event-ID says that it has the last
  // state already (a browser that is told so asks no more); 404 when it is gone; 429 and 503 over
  // the bounds.
  void open(const std::string& who, Watch watch, const std::shared_ptr<http::Exchange>& exchange);

  // Looks and tells. Called by timers; a test with a ManualClock calls it after moving the clock.
  void tick();
  size_t count() const { return streams_.size(); }

 private:
  struct Stream {
    std::string who;
    Watch watch;
    std::shared_ptr<http::ResponseStream> out;
    std::string state;     // told last
    std::string progress;  // told last
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
  std::map<int64_t, StreamPtr> streams_;
  int64_t next_ = 1;
  Timer every_second_;
  Timer soon_;
  int64_t waiting_ = 0;  // for a change; 0: nobody listens
};

}  // namespace holdfast::api
