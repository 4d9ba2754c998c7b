// Files that a signed link opened a moment ago, kept open: the next request through the same link
// is answered by the loop alone, without the index, a worker or an open(2).
//
// What every request is promised, and by what it is kept here
// - The link is good, the recording there and readable: as the index said when it was looked up,
// and
//   no row was changed since (Writer::changes; one change, and all are looked up anew). The link's
//   end is compared each time.
// - P4: only within the minute whose line of the ledger is durable (AccessMemory), where it is
//   counted.
// - P5: only while the open file is the one whose digest was found right within a day
//   (DigestMemory).
// Whatever does not fit goes the usual way. Restore links do, always: time alone ends them.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "daemon/api/access_memory.h"
#include "daemon/api/request_meters.h"
#include "daemon/http/exchange.h"
#include "daemon/http/file_semantics.h"
#include "index/writer.h"
#include "io/fd.h"
#include "tiers/read/digest_memory.h"

namespace holdfast::api {

struct ReadyFile {
  uint64_t changes = 0;  // Writer::changes() before the index was asked
  UnixMillis expires_at;
  std::string access_key;
  http::FileFacts facts;
  std::shared_ptr<const Fd> fd;
};

// Thread rule: loop thread only.
class ReadyFiles {
 public:
  // All outlive it. At most `capacity` files are kept open.
  ReadyFiles(const Clock& clock, const Writer& writer, AccessMemory& access, DigestMemory& digests,
             RequestMeters& meters, size_t capacity);

  // True when the request was answered.
  bool answer(http::Exchange& exchange);
  // `target` of a request that was answered the usual way. Nothing when there is no room.
  void keep(const std::string& target, ReadyFile file);
  // Closes what nobody asked for lately, and what may not be answered any more: a file that was
  // removed gives its space back. Every few seconds.
  void forget_idle();

 private:
  struct Entry {
    ReadyFile file;
    Millis used_at;
  };

  bool is_good(const ReadyFile& file) const;

  const Clock& clock_;
  const Writer& writer_;
  AccessMemory& access_;
  DigestMemory& digests_;
  RequestMeters& meters_;
  const size_t capacity_;
  std::unordered_map<std::string, Entry> entries_;  // by the request's target
};

// How many files a process may keep open so, when it may have `descriptors` open in all.
size_t ready_files_capacity(size_t descriptors);

}  // namespace holdfast::api
