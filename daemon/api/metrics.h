// The page of /metrics: what is to be known of the archive in numbers, in Prometheus's text format.
// docs/monitoring.md has a line for each name; a test holds the two against each other.
#pragma once

#include <string>

#include "daemon/api/attention.h"
#include "daemon/api/request_meters.h"
#include "daemon/http/server.h"
#include "daemon/work/meters.h"
#include "daemon/work/scrubber.h"
#include "index/writer.h"

namespace holdfast::api {

struct MetricsInput {
  const Overview& seen;
  const Surroundings& around;
  const std::vector<Attention>& attention;
  const Meters& work;
  const std::map<MediumId, ScrubStanding>& scrub;
  const RequestMeters& requests;
  const http::ServerCounters& server;
  const WriterCounters& writer;
  UnixMillis started_at;
};

// Every name each time, with 0 where nothing has happened: a rate then has a beginning. Some 400
// lines.
std::string metrics_page(const MetricsInput& input);

}  // namespace holdfast::api
