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
// - An entry is removed only after its recording is acknowledged, and of it only the very files
//   that were taken: one that was replaced since stays, with its metadata, and is judged anew.
// - At most `at_once` entries are with the workers, and workspaces take turns: neither a spool that
//   is full nor one busy recorder holds other work up.
// - An entry without metadata is not complete, however old: it is left, and told after an hour.
// - An entry on its way out lies in `.leaving/<workspace>/<call_sid>.<n>/`, its
//   metadata to the last: whatever instant a crash picks, the next scan puts back what was not
//   ingested, or an entry that is still complete, which is taken again and found to be archived.
#pragma once

#include <sys/stat.h>

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

struct SpoolScan {
  std::vector<std::string> entries;     // complete ones, as "<workspace>/<call_sid>"
  std::vector<std::string> incomplete;  // to be watched
  bool more = false;                    // complete ones that found no room here
};

// Entries that have waited for their metadata for more than limits::kSpoolStaleMs.
struct StaleEntries {
  int64_t count = 0;
  std::string oldest;
  UnixMillis since;
};

// One entry, judged and ingested. Separate from the watching, so that tests drive it directly.
class SpoolEntries {
 public:
  SpoolEntries(const Archive& archive, std::string directory)
      : ingest_(archive), archive_(archive), directory_(std::move(directory)) {}

  // At most `most` complete entries, and as many incomplete. When there are more, the next scan
  // begins with the workspace after the one where the room ended. One scan at a time.
  Result<SpoolScan> scan(Io& io, size_t most);
  // As the last scan saw them. Any thread.
  StaleEntries stale() const;
  // Ingests the entry, or rejects it; an incomplete one is left. An error: it was left for another
  // try.
  Status take(Io& io, const std::string& entry);

 private:
  // A file as it was before it was taken: the same name may mean another one later.
  struct SeenFile {
    std::string name;
    struct stat status;
  };

  static bool is_the_same(const Fd& directory, const SeenFile& file);
  Result<Ingested> ingest(Io& io, const Fd& entry_directory, const std::vector<std::string>& names,
                          const WorkspaceId& workspace, const std::string& call_sid);
  Status reject(Io& io, const Fd& root, const std::string& entry, const Error& reason);
  Status remove(Io& io, const Fd& root, const std::string& entry, std::vector<SeenFile> files);
  void scan_workspace(Io& io, const Fd& directory, const std::string& workspace, size_t most,
                      SpoolScan& scan, StaleEntries& stale);
  void tell_stale(StaleEntries stale);
  Status put_back(Io& io, const Fd& root, const std::string& aside, const std::string& entry);
  void settle_leaving(Io& io, const Fd& root);

  Ingest ingest_;
  Archive archive_;
  const std::string directory_;
  std::string begin_with_;  // the workspace that the next scan begins with
  mutable std::mutex stale_mutex_;
  StaleEntries stale_;
  std::mutex leaving_;  // who removes an entry, and who puts back what a crash left
};

// Watches and feeds the workers. Loop thread only.
class Spool {
 public:
  // `at_once`: entries with the workers at a time, 1 or more; fewer than there are workers, so that
  // one is left for others.
  Spool(Loop& loop, Workers& workers, SpoolEntries& entries, std::string directory,
        size_t at_once = 1);
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
  std::set<std::string>::iterator next_in_turn();

  Loop& loop_;
  Workers& workers_;
  SpoolEntries& entries_;
  const std::string directory_;
  const size_t at_once_;
  std::string last_workspace_;  // that had its turn
  Fd inotify_;
  Poll poll_;
  Timer rescan_;
  std::map<int, std::string> watches_;  // inotify's number → path below the spool; "" is the spool
  std::set<std::string> waiting_;       // noticed, not yet with a worker
  // With a worker; true when something happened to the entry meanwhile.
  std::map<std::string, bool> taken_;
  bool scanning_ = false;
  bool scan_again_ = false;
  bool some_left_ =
      false;  // of those that were taken: tried again by the minute's scan, not at once
  bool stopped_ = false;
};

}  // namespace holdfast
