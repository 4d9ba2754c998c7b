// How requests are counted: by what they are about and how they ended, and how long an answer was
// in coming. There are as many numbers as the tables below have words, however many routes there
// are.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/meter.h"
#include "daemon/api/route.h"

namespace holdfast::api {

enum class RouteClass : int8_t {
  kRead = 0,  // looks: lists, metadata, links
  kWrite,     // changes: holds, keys, relabelling
  kDownload,  // bytes
  kIngest,    // bytes in
  kRestore,   // asks back
  kOperate,   // for operators
  kMount,     // the mount's own
  kOpen,      // for everybody: /livez
  kUnknown,   // no route
};
constexpr std::array<std::string_view, 9> kRouteClassWords = {
    "read", "write", "download", "ingest", "restore", "operate", "mount", "open", "unknown"};
// Null: no route fits the request.
RouteClass class_of(const Route* route);

struct RequestMeters {
  std::array<std::array<Counter, 5>, kRouteClassWords.size()> answers;  // by class, then 1xx to 5xx
  // Until the head of the answer, in seconds; by class.
  struct Seconds {
    Histogram<10> value{{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30}};
  };
  std::array<Seconds, kRouteClassWords.size()> seconds;

  void count(RouteClass about, int status, Millis took);
};

// The exchange, seen by the meters once: when it is answered, or is let go without an answer (then
// as 5xx, or 4xx when its client had left or its body was wrong). `meters` and `clock` outlive it.
std::shared_ptr<http::Exchange> metered(std::shared_ptr<http::Exchange> exchange, RouteClass about,
                                        RequestMeters& meters, const Clock& clock);

}  // namespace holdfast::api
