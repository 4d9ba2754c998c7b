// A part's files being written into a directory that no reader looks at yet:
// an ingest in standard/.incoming, or a staged copy on its way back.
//
//   open ──create/copy_in──▶ … ──finish()──▶ finished (durable); a staged copy becomes so by
//     │                                       StandardTree::publish_staged, several at once
//     └──abort(), or a crash──▶ gone, or a partial directory that start-up finds
//
// Invariants:
// - recording.json is named last, after every file is written, and all of it is durable when
//   finish() has returned. One that a crash left before has to be proven (prove_incoming).
// - A file is refused when its name is not a file name, is reserved, or is there already.
// - A part with a file that was begun and not finished cannot be finished.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "io/io.h"
#include "tiers/disk/recording_json.h"

namespace holdfast {

struct PartWriterState;

// One file being written, in order. Thread rule: one thread at a time; pieces
// may be appended through different Io's as long as one has ended before the next begins.
class FileWriter {
 public:
  // kTooLarge beyond `most`; kNoSpace; kIo.
  Status append(Io& io, ByteSpan bytes);
  // Its size and digest. It is durable once its PartWriter is finished.
  Result<RecordedFile> finish(Io& io);

  Bytes size() const { return size_; }

 private:
  friend class PartWriter;
  FileWriter(Fd fd, std::string name, Bytes most, PartWriterState& part)
      : fd_(std::move(fd)), name_(std::move(name)), most_(most), part_(&part) {}

  Fd fd_;
  std::string name_;
  Bytes most_;
  Bytes size_;
  Sha256 digest_;
  PartWriterState* part_;  // of the PartWriter, which outlives this
};

class PartWriter {
 public:
  PartWriter(PartWriter&&) noexcept;
  PartWriter& operator=(PartWriter&&) = delete;
  // Leaves what was written: start-up (or the next begin of the part) removes it.
  ~PartWriter();

  const PartId& part() const;

  // A new file for streaming writes, at most `most` bytes. The result must not outlive this.
  Result<std::unique_ptr<FileWriter>> create(Io& io, std::string_view name, Bytes most);

  // Copies a file of a spool directory: a regular file with exactly one link,
  // opened without following links. A reflink where the file system can, else a
  // copy; digested either way. kInvalid when it is not such a file or is over
  // `most`; kConflict when it changes while it is copied.
  Result<RecordedFile> copy_in(Io& io, const Fd& source_directory, std::string_view name,
                               Bytes most);

  // The files finished so far.
  const std::vector<RecordedFile>& files() const;
  // Opens a finished file for reading: the checks of the audio at ingest.
  Result<Fd> open(Io& io, std::string_view name);
  // Removes one file, such as one that the caller refuses after all or that failed half-way.
  Status drop(Io& io, std::string_view name);

  // Syncs the files and recording.json, at once; names that; syncs the directory and its parent:
  // the part is durable.
  Status finish(Io& io, const RecordingDescription& description);

  // Removes all of it.
  Status abort(Io& io);

 private:
  friend class StandardTree;
  explicit PartWriter(std::unique_ptr<PartWriterState> state);
  std::unique_ptr<PartWriterState> state_;
};

}  // namespace holdfast
