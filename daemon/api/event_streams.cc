#include "daemon/api/event_streams.h"

#include <algorithm>

#include "base/limits.h"
#include "daemon/api/views.h"
#include "daemon/http/problem.h"
#include "daemon/work/recall_forecast.h"
#include "index/read/restores.h"

namespace holdfast::api {
namespace {

constexpr Millis kAfterChange{250};  // changes come in swarms: one look for all of them

// A key that was revoked meanwhile sees no more after this; a client that may comes again.
constexpr Millis kStreamLife = hours(1);

bool is_over(RestoreState state) {
  return state != RestoreState::kQueued && state != RestoreState::kRecalling;
}

std::string event(std::string_view name, std::string_view id, const json::object& data) {
  std::string text = "event: " + std::string(name) + "\n";
  if (!id.empty()) text += "id: " + std::string(id) + "\n";
  return text + "data: " + json::serialize(data) + "\n\n";
}

}  // namespace

Watch watch_restore(const Archive& archive, Database& index, RecallForecast& forecast,
                    const RestoreId& restore) {
  return [&archive, &index, &forecast, restore]() -> Result<std::optional<Watched>> {
    HOLDFAST_ASSIGN(found, find_restore(index, restore));
    if (!found) return std::optional<Watched>();
    HOLDFAST_ASSIGN(view, restore_view(archive, forecast, *found));
    Watched seen;
    seen.state = word(found->state);
    seen.is_over = is_over(found->state);
    for (std::string_view name : {"position", "bytes_done", "bytes_total"})
      seen.progress += json::serialize(view.at(name)) + " ";
    seen.view = [view = std::move(view)]() -> Result<json::object> { return view; };
    return std::optional<Watched>(std::move(seen));
  };
}

EventStreams::EventStreams(Loop& loop, const Archive& archive) : loop_(loop), archive_(archive) {}

EventStreams::~EventStreams() {
  if (waiting_ != 0) archive_.changes.cancel(waiting_);
}

void EventStreams::open(const std::string& who, Watch watch,
                        const std::shared_ptr<http::Exchange>& exchange) {
  auto seen = watch();
  if (!seen.ok()) return exchange->respond(http::problem_response(seen.error()));
  if (!*seen)
    return exchange->respond(http::problem_response(Error{Code::kNotFound, "it is gone"}));
  const auto last = exchange->request().headers.find("last-event-id");
  if (last && *last == (*seen)->state && (*seen)->is_over)
    return exchange->respond(http::empty_response(204));
  const auto own = std::count_if(streams_.begin(), streams_.end(),
                                 [&](const auto& one) { return one.second->who == who; });
  if (own >= limits::kEventStreamsPerActor || count() >= size_t{limits::kEventStreamsMax}) {
    const bool by_own = own >= limits::kEventStreamsPerActor;
    http::Response refusal = http::problem_response(
        Error{by_own ? Code::kExhausted : Code::kUnavailable,
              by_own ? "this key has " + std::to_string(own) +
                           " event streams open, which is its "
                           "share; close one"
                     : std::string("too many event streams are open; ask for the state")});
    refusal.headers.set("retry-after", "30");
    return exchange->respond(std::move(refusal));
  }
  http::Response head;
  head.headers.set("content-type", "text/event-stream");
  head.headers.set("cache-control", "no-store");
  head.headers.set("x-accel-buffering", "no");  // a proxy in front would keep events back
  auto stream = std::make_shared<Stream>();
  stream->who = who;
  stream->watch = std::move(watch);
  stream->until = Millis(archive_.clock.monotonic().count + kStreamLife.count);
  stream->out = exchange->respond_stream(std::move(head));
  if (exchange->request().method == http::Method::kHead) return stream->out->end();
  const int64_t number = next_++;
  streams_.emplace(number, stream);
  stream->out->set_on_ready([weak = std::weak_ptr<Stream>(stream)] {
    if (const StreamPtr alive = weak.lock()) alive->is_behind = false;
  });
  exchange->on_disconnect([this, number] { drop(number); });
  if (!streams_.contains(number)) return;  // gone already
  if (!every_second_)
    every_second_ = loop_.every(Millis(limits::kEventProgressMs), [this] { tick(); });
  listen();
  look(number, stream);
}

void EventStreams::listen() {
  if (waiting_ != 0 || streams_.empty()) return;
  waiting_ = archive_.changes.wait([this] {
    loop_.post([this] {
      waiting_ = 0;
      if (archive_.changes.is_closed()) return tick();
      if (!soon_ && !streams_.empty()) soon_ = loop_.after(kAfterChange, [this] { tick(); });
    });
  });
}

void EventStreams::tick() {
  soon_.reset();
  const auto streams = streams_;  // telling one may end it, or show that its client has left
  const bool stopping = archive_.changes.is_closed();
  for (const auto& [number, stream] : streams) {
    if (!streams_.contains(number)) continue;
    if (stopping)
      end(number, stream);  // the client asks again when we are back
    else
      look(number, stream);
  }
  if (streams_.empty()) every_second_.reset();
  if (!stopping) listen();
}

void EventStreams::look(int64_t number, const StreamPtr& stream) {
  auto found = stream->watch();
  if (!found.ok()) return;  // the next tick looks again
  if (!*found) return end(number, stream);
  Watched& seen = **found;
  if (archive_.clock.monotonic().count >= stream->until.count) return end(number, stream);
  if (stream->is_behind && !seen.is_over) return;
  const bool is_new = seen.state != stream->state;
  if (is_new || seen.progress != stream->progress) {
    auto view = seen.view();
    if (!view.ok()) return;
    say(stream, is_new ? event("state", seen.state, *view) : event("progress", "", *view));
  } else if (archive_.clock.monotonic().count - stream->spoke_at.count >=
             limits::kEventHeartbeatMs) {
    say(stream, ":\n\n");
  }
  stream->state = std::move(seen.state);
  stream->progress = std::move(seen.progress);
  if (seen.is_over) end(number, stream);
}

void EventStreams::say(const StreamPtr& stream, std::string text) {
  stream->spoke_at = archive_.clock.monotonic();
  stream->is_behind = !stream->out->write(std::move(text));
}

void EventStreams::end(int64_t number, const StreamPtr& stream) {
  streams_.erase(number);
  stream->out->end();
}

void EventStreams::drop(int64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  const StreamPtr stream = found->second;
  streams_.erase(found);
  stream->out->end();
}

}  // namespace holdfast::api
