// What the API's handlers stand on.
#pragma once

#include <string>
#include <vector>

#include "daemon/loop.h"
#include "daemon/work/archive.h"
#include "daemon/work/backup.h"
#include "daemon/work/chain_check.h"
#include "daemon/work/ingest.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/recall_forecast.h"
#include "daemon/work/spool.h"
#include "daemon/work/workers.h"

namespace holdfast::api {

class AccessMemory;
class EventStreams;
class LinkBook;
struct Route;

// Thread rule: loop thread only, apart from members whose own rule says more.
struct Services {
  Loop& loop;
  Workers& workers;
  Archive archive;
  Database& index;  // the loop's own read-only connection, secrets attached
  Ingest& ingest;
  AccessMemory& access;
  EventStreams& event_streams;
  RecallForecast& forecast;  // of the loop
  LinkBook& links;
  ChainCheck& chain_check;
  const OpenReport& opened;
  std::string public_url;  // what links begin with; no slash at the end
  UnixMillis started_at;
  std::function<void()> run_policy_now;
  std::function<void()> wake_restorers;
  std::function<StaleEntries()> stale_spool_entries;
  Backups* backups = nullptr;
  std::function<void()> run_backup_now;
  const std::vector<Route>* routes = nullptr;  // for /openapi.json
};

}  // namespace holdfast::api
