// What a PartWriter holds, for itself and for the StandardTree that makes and publishes it.
#pragma once

#include <string>
#include <vector>

#include "io/sync_group.h"
#include "tiers/disk/part_writer.h"

namespace holdfast {

// A file that is written and whose sync has not begun.
struct UnsyncedFile {
  Fd fd;
  std::string name;
};

struct PartWriterState {
  PartId part;
  Fd parent;         // standard/.incoming or staged
  std::string name;  // of the directory within it
  Fd directory;
  std::vector<RecordedFile> files;  // finished ones
  std::vector<UnsyncedFile> unsynced;
  size_t begun = 0;     // files that were made, finished or not
  bool failed = false;  // a sync of it has: it is never finished

  // A new file below the directory; kInvalid for a bad name, kConflict when it is there.
  Result<Fd> make_file(Io& io, const std::string& name);
  // The file is whole. It stays open for its sync; when many are, those are synced first.
  Status keep_finished(Io& io, Fd fd, RecordedFile file);
  // Syncs what is not synced, at once.
  Status sync_files(Io& io);
  // Begins to sync what is not synced, and the directory; end_syncs() waits for it. The same errors
  // as check_finishable(), and then nothing has begun.
  Status begin_syncs(SyncGroup& syncs);
  Status end_syncs(SyncGroup& syncs);
  // kConflict while a file that was begun is not finished; kIo when a sync of it has failed.
  Status check_finishable() const;
  // recording.json under its name, not synced yet.
  Status write_description(Io& io, std::string_view text);
  // Are these the finished files, by name, size and digest?
  bool has_exactly(const std::vector<RecordedFile>& described) const;
};

}  // namespace holdfast
