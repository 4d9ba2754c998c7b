// What the API's handlers stand on.
#pragma once

#include <string>
#include <vector>

#include "daemon/http/server.h"
#include "daemon/loop.h"
#include "daemon/work/archive.h"
#include "daemon/work/backup.h"
#include "daemon/work/chain_check.h"
#include "daemon/work/ingest.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/recall_forecast.h"
#include "daemon/work/scrubber.h"
#include "daemon/work/spool.h"
#include "daemon/work/workers.h"

namespace holdfast::api {

class AccessMemory;
class AttentionBook;
class EventStreams;
class LinkBook;
class OverviewDesk;
class ReadyFiles;
struct RequestMeters;
struct Route;

// Thread rule: loop thread only, apart from members whose own rule says more.
struct Services {
  Loop& loop;
  Workers& workers;
  Archive archive;
  Database& index;  // the loop's own read-only connection, secrets attached
  Ingest& ingest;
  AccessMemory& access;
  ReadyFiles& ready_files;
  EventStreams& event_streams;
  RecallForecast& forecast;  // of the loop
  LinkBook& links;
  ChainCheck& chain_check;
  RequestMeters& requests;
  AttentionBook& attention;
  OverviewDesk& overviews;
  const http::Server& server;
  const OpenReport& opened;
  std::string public_url;  // what links begin with; no slash at the end
  UnixMillis started_at;
  std::string run;  // random, another with each start
  std::function<void()> run_policy_now;
  std::function<void()> wake_restorers;
  std::function<StaleEntries()> stale_spool_entries;
  Backups* backups = nullptr;
  std::function<void()> run_backup_now;
  std::function<void()> run_expiry_now;  // after the compliance clock or the breaker was changed
  Verifications* verifications = nullptr;
  Scrubber* scrubber = nullptr;
  std::function<void()> wake_scrub;
  const std::vector<Route>* routes = nullptr;  // for /openapi.json
  std::optional<UnixMillis> mount_seen;        // when the mount asked last
};

}  // namespace holdfast::api
