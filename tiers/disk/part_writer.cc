#include "tiers/disk/part_writer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/limits.h"
#include "io/publish.h"
#include "io/sync_group.h"
#include "io/tree.h"
#include "tiers/disk/part_writer_state.h"

namespace holdfast {
namespace {

constexpr mode_t kFileMode = 0640;

// What must stay the same while a source file is copied.
struct SourceState {
  explicit SourceState(const struct stat& status)
      : inode(status.st_ino),
        links(status.st_nlink),
        size(status.st_size),
        modified(status.st_mtim),
        changed(status.st_ctim) {}
  bool operator==(const SourceState& other) const {
    const auto same_time = [](const struct timespec& a, const struct timespec& b) {
      return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return inode == other.inode && links == other.links && size == other.size &&
           same_time(modified, other.modified) && same_time(changed, other.changed);
  }

  ino_t inode;
  nlink_t links;
  off_t size;
  struct timespec modified;
  struct timespec changed;
};

// A second name of the source could be written to after it was copied, or lead
// to a file that is not the caller's: only a regular file with one link is taken.
Status check_source(const struct stat& status, const std::string& name, Bytes most) {
  if (!S_ISREG(status.st_mode))
    return Error{Code::kInvalid, "take in " + name + ": not a regular file"};
  if (status.st_nlink != 1)
    return Error{Code::kInvalid, "take in " + name + ": it has " + std::to_string(status.st_nlink) +
                                     " links instead of one"};
  if (status.st_size > most.count)
    return Error{Code::kTooLarge,
                 "take in " + name + ": it has more than " + std::to_string(most.count) + " bytes"};
  return {};
}

// Shares the source's blocks where the file system can, and copies otherwise.
Result<Digest> copy_bytes(Io& io, const Fd& source, const Fd& target, Bytes size) {
  if (size.count > 0 && ::ioctl(target.get(), FICLONE, source.get()) == 0) {
    HOLDFAST_ASSIGN(status, status_of(target.get(), "the reflinked file"));
    if (status.st_size == size.count) return digest_file(io, target.get(), size);
    return Error{Code::kConflict, "it changed while it was taken in"};
  }
  return copy_file_contents(io, source.get(), target.get(), size);
}

}  // namespace

Status FileWriter::append(Io& io, ByteSpan bytes) {
  const Bytes after = size_ + Bytes(static_cast<int64_t>(bytes.size()));
  if (after > most_)
    return Error{Code::kTooLarge,
                 "write " + name_ + ": more than " + std::to_string(most_.count) + " bytes"};
  if (const Status written = io.write_all(fd_.get(), size_, bytes); !written.ok())
    return written.error().within("write " + name_);
  digest_.update(bytes);
  size_ = after;
  return {};
}

Result<RecordedFile> FileWriter::finish(Io& io) {
  RecordedFile file{name_, size_, digest_.finish(), Channel::kNone};
  HOLDFAST_TRY(part_->keep_finished(io, std::move(fd_), file));
  return file;
}

PartWriter::PartWriter(std::unique_ptr<PartWriterState> state) : state_(std::move(state)) {}
PartWriter::PartWriter(PartWriter&&) noexcept = default;
PartWriter::~PartWriter() = default;

const PartId& PartWriter::part() const { return state_->part; }
const std::vector<RecordedFile>& PartWriter::files() const { return state_->files; }

Result<Fd> PartWriterState::make_file(Io& io, const std::string& name) {
  if (!is_file_name(name) || is_reserved_file_name(name))
    return Error{Code::kInvalid, "\"" + name + "\" is no name that a file may have"};
  if (static_cast<int>(files.size()) >= limits::kFilesPerPartMax)
    return Error{Code::kTooLarge,
                 "a part has at most " + std::to_string(limits::kFilesPerPartMax) + " files"};
  Result<Fd> fd = io.open(directory.get(), name, O_RDWR | O_CREAT | O_EXCL, kFileMode);
  if (fd.ok()) ++begun;
  return fd;
}

Result<std::unique_ptr<FileWriter>> PartWriter::create(Io& io, std::string_view name, Bytes most) {
  const std::string own_name(name);
  HOLDFAST_ASSIGN(fd, state_->make_file(io, own_name));
  return std::unique_ptr<FileWriter>(new FileWriter(std::move(fd), own_name, most, *state_));
}

Result<RecordedFile> PartWriter::copy_in(Io& io, const Fd& source_directory, std::string_view name,
                                         Bytes most) {
  const std::string own_name(name);
  if (!is_file_name(own_name))
    return Error{Code::kInvalid, "\"" + own_name + "\" is no name that a file may have"};
  // Asked before it is opened: a socket cannot be opened, and a device may do something then.
  struct stat named {};
  const int found =
      ::fstatat(source_directory.get(), own_name.c_str(), &named, AT_SYMLINK_NOFOLLOW);
  if (found == 0 && !S_ISLNK(named.st_mode)) HOLDFAST_TRY(check_source(named, own_name, most));
  HOLDFAST_ASSIGN(source,
                  io.open(source_directory.get(), own_name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  HOLDFAST_ASSIGN(before, status_of(source.get(), own_name));
  HOLDFAST_TRY(check_source(before, own_name, most));
  HOLDFAST_ASSIGN(target, state_->make_file(io, own_name));

  const Bytes size(before.st_size);
  Result<Digest> digest = copy_bytes(io, source, target, size);
  HOLDFAST_ASSIGN(after, status_of(source.get(), own_name));
  if (!(SourceState(after) == SourceState(before)) ||
      (!digest.ok() && digest.error().code == Code::kCorrupt))
    return Error{Code::kConflict, "take in " + own_name + ": it changed while it was taken in"};
  if (!digest.ok()) return digest.error().within("take in " + own_name);
  RecordedFile file{own_name, size, *digest, Channel::kNone};
  HOLDFAST_TRY(state_->keep_finished(io, std::move(target), file));
  return file;
}

Result<Fd> PartWriter::open(Io& io, std::string_view name) {
  return io.open(state_->directory.get(), name, O_RDONLY);
}

Status PartWriter::drop(Io& io, std::string_view name) {
  if (is_reserved_file_name(name))
    return Error{Code::kInvalid, "drop \"" + std::string(name) + "\": it is no file of a part"};
  HOLDFAST_TRY(io.unlink(state_->directory.get(), name));
  --state_->begun;
  std::erase_if(state_->files, [&](const RecordedFile& file) { return file.name == name; });
  std::erase_if(state_->unsynced, [&](const UnsyncedFile& file) { return file.name == name; });
  return {};
}

Status PartWriter::finish(Io& io, const RecordingDescription& description) {
  PartWriterState& state = *state_;
  HOLDFAST_TRY(state.check_finishable());
  if (description.part_id() != state.part || !state.has_exactly(description.files))
    return Error{Code::kInvalid, "finish part " + state.part.text() +
                                     ": recording.json would speak of other files"};
  HOLDFAST_TRY(state.write_description(io, recording_json(description)));
  SyncGroup syncs(io);
  HOLDFAST_TRY(state.begin_syncs(syncs));
  syncs.add(state.parent.get(), "the directory that holds " + state.name);
  Status synced = state.end_syncs(syncs);
  // What of it is on the disk nobody knows any more: it must not look complete to whoever finds it.
  if (!synced.ok()) static_cast<void>(io.unlink(state.directory.get(), kRecordingFileName).ok());
  return synced;
}

Status PartWriter::abort(Io& io) { return remove_tree(io, state_->parent.get(), state_->name); }

Status PartWriterState::keep_finished(Io& io, Fd fd, RecordedFile file) {
  if (unsynced.size() >= limits::kUnsyncedFilesMax) HOLDFAST_TRY(sync_files(io));
  unsynced.push_back(UnsyncedFile{std::move(fd), file.name});
  files.push_back(std::move(file));
  return {};
}

Status PartWriterState::sync_files(Io& io) {
  const std::vector<UnsyncedFile> files_now = std::exchange(unsynced, {});
  SyncGroup syncs(io);
  for (const UnsyncedFile& file : files_now) syncs.add(file.fd.get(), file.name);
  Status synced = syncs.wait();
  failed = failed || !synced.ok();
  return synced;
}

Status PartWriterState::check_finishable() const {
  const std::string what = "finish part " + part.text();
  if (begun != files.size())
    return Error{Code::kConflict, what + ": a file of it was begun and not finished"};
  if (failed)
    return Error{Code::kIo,
                 what + ": something of it could not be synced before, and is not again"};
  return {};
}

Status PartWriterState::begin_syncs(SyncGroup& syncs) {
  HOLDFAST_TRY(check_finishable());
  failed = true;  // unless all of it goes well
  for (const UnsyncedFile& file : unsynced) syncs.add(file.fd.get(), file.name);
  syncs.add(directory.get(), "directory " + name);
  return {};
}

Status PartWriterState::end_syncs(SyncGroup& syncs) {
  Status synced = syncs.wait();
  unsynced.clear();
  failed = !synced.ok();
  return synced;
}

// Named when all that it describes is written, and synced with it: who finds it after a crash, and
// nobody acknowledged it, has to see for himself whether all of it reached the disk.
Status PartWriterState::write_description(Io& io, std::string_view text) {
  const std::string temporary = std::string(kTemporaryPrefix) + std::string(kRecordingFileName);
  HOLDFAST_ASSIGN(fd, io.open(directory.get(), temporary, O_WRONLY | O_CREAT | O_EXCL, kFileMode));
  if (const Status written = io.write_all(fd.get(), Bytes(0), as_bytes(text)); !written.ok())
    return written.error().within("write " + std::string(kRecordingFileName));
  HOLDFAST_TRY(io.rename(directory.get(), temporary, directory.get(), kRecordingFileName,
                         IfExists::kRefuse));
  unsynced.push_back(UnsyncedFile{std::move(fd), std::string(kRecordingFileName)});
  return {};
}

bool PartWriterState::has_exactly(const std::vector<RecordedFile>& described) const {
  if (described.size() != files.size()) return false;
  return std::all_of(files.begin(), files.end(), [&](const RecordedFile& file) {
    return std::any_of(described.begin(), described.end(), [&](const RecordedFile& other) {
      return other.name == file.name && other.size == file.size && other.sha256 == file.sha256;
    });
  });
}

}  // namespace holdfast
