// The spool: spool/<workspace>/<call_sid>/ with the files of one call, complete
// when metadata.json is renamed in; a later part of a known call may come with metadata.<k>.json
// instead, of its own. Recorders on the same machine use it.
//
//   noticed (inotify or scan) → queued → taken by a worker → ingested → .leaving/ → gone
//                                              ├─▶ rejected/ with the reason beside it
//                                              └─▶ left, tried again at the next scan
//
// Invariants
// - inotify only makes it fast: a scan at start, after an overflow of inotify's or our
//   queue, and once a minute finds everything all the same.
// - An entry is removed only after its recording is acknowledged.
// - An entry on its way out lies in `.leaving/<workspace>/<call_sid>.<n>/`, its
//   metadata to the last: whatever instant a crash picks, the next scan puts back what was not
//   ingested, or an entry that is still complete, which is taken again and found to be archived.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "daemon/loop.h"
#include "daemon/work/ingest.h"
#include "daemon/work/workers.h"

namespace holdfast {

// A file that ends an entry when it is renamed in.
bool is_spool_complete_by(std::string_view file_name);

// One entry, judged and ingested. Separate from the watching, so that tests drive it directly.
class SpoolEntries {
 public:
  SpoolEntries(const Archive& archive, std::string directory)
      : ingest_(archive), archive_(archive), directory_(std::move(directory)) {}

  // Entries as "<workspace>/<call_sid>": at most `most` complete ones, then as many incomplete.
  Result<std::vector<std::string>> scan(Io& io, size_t most);
  // Ingests the entry, or rejects it; an incomplete one is left. An error: it was left for another
  // try.
  Status take(Io& io, const std::string& entry);

 private:
  Result<Ingested> ingest(Io& io, const Fd& entry_directory, const std::vector<std::string>& names,
                          const WorkspaceId& workspace, const std::string& call_sid);
  Status reject(Io& io, const Fd& root, const std::string& entry, const Error& reason);
  Status remove(Io& io, const Fd& root, const std::string& entry, std::vector<std::string> names);
  Status put_back(Io& io, const Fd& root, const std::string& aside, const std::string& entry);
  void settle_leaving(Io& io, const Fd& root);

  Ingest ingest_;
  Archive archive_;
  const std::string directory_;
  std::mutex leaving_;  // who removes an entry, and who puts back what a crash left
};

// Watches and feeds the workers. Loop thread only.
class Spool {
 public:
  Spool(Loop& loop, Workers& workers, SpoolEntries& entries, std::string directory);
  ~Spool();

  // Begins to watch and scans. kIo when the directory cannot be watched.
  Status start();
  // Takes no more entries; those under way end with the workers.
  void stop();

 private:
  void on_events();
  void add_watch(const std::string& relative);
  void notice(const std::string& entry);
  void request_scan();
  void feed();

  Loop& loop_;
  Workers& workers_;
  SpoolEntries& entries_;
  const std::string directory_;
  Fd inotify_;
  Poll poll_;
  Timer rescan_;
  std::map<int, std::string> watches_;  // inotify's number → path below the spool; "" is the spool
  std::set<std::string> waiting_;       // noticed, not yet with a worker
  // With a worker; true when something happened to the entry meanwhile.
  std::map<std::string, bool> taken_;
  bool scanning_ = false;
  bool scan_again_ = false;
  bool stopped_ = false;
};

}  // namespace holdfast
