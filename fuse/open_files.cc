#include "fuse/open_files.h"

#include <fmt/format.h>

#include "base/log.h"
#include "fuse/tree.h"
#include "index/read/recordings.h"
#include "io/digest.h"
#include "tiers/read/open_file.h"
#include "tiers/read/place.h"

namespace holdfast {

namespace {

constexpr std::string_view kMetadataName = "metadata.json";

// A slot among those who digest, held for a scope.
template <typename Semaphore>
class Slot {
 public:
  explicit Slot(Semaphore& semaphore) : semaphore_(semaphore) { semaphore_.acquire(); }
  ~Slot() { semaphore_.release(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  Semaphore& semaphore_;
};

// The directories in which a plain copy of the part may lie now. A committed part that is about
// to be renamed into its place may be at either end, so both are tried.
std::vector<std::string> plain_directories(const Recording& recording, int part) {
  const PartId id{recording.recording, part};
  const std::string place =
      Place{recording.home, recording.day, recording.call_sid, part}.directory();
  bool placed = true;
  for (const PartRow& row : recording.part_rows)
    if (row.part == part) placed = row.placed;
  std::vector<std::string> directories;
  for (const CopyRow& copy : recording.copies) {
    if (copy.part != part || copy.pack.has_value() || copy.tier != Tier::kStandard) continue;
    if (copy.state == CopyState::kCopied || copy.state == CopyState::kVerified) {
      if (!placed) directories.push_back(incoming_directory(id));
      directories.push_back(place);
    } else if (copy.state == CopyState::kStaged) {
      directories.push_back(staged_directory(id));
    }
  }
  return directories;
}

bool has_other_copy(const Recording& recording, int part) {
  for (const CopyRow& copy : recording.copies)
    if (copy.part == part && copy.state != CopyState::kQuarantined) return true;
  return false;
}

}  // namespace

OpenFiles::OpenFiles(IndexPool& index, DaemonLink& daemon, const Clock& clock,
                     std::string standard_path)
    : index_(index),
      daemon_(daemon),
      standard_path_(std::move(standard_path)),
      digested_(clock),
      digest_slots_(mount_limits::kDigestsMax) {}

Result<OpenFiles::Location> OpenFiles::locate(const Node& node) {
  return index_.read([&](Database& index) -> Result<Location> {
    HOLDFAST_ASSIGN(recording, find_recording(index, node.recording_no));
    if (!recording.has_value() || !is_visible(*recording))
      return Error{Code::kNotFound, "no such recording"};
    const std::vector<FileRow> files = files_of_part(recording->files, node.part);
    if (static_cast<size_t>(node.file) > files.size())
      return Error{Code::kNotFound, "no such file"};
    Location location;
    location.file = files[static_cast<size_t>(node.file) - 1];
    location.recording = recording->recording;
    if (location.file.name == kMetadataName) {
      location.in_index = true;
      return location;
    }
    location.directories = plain_directories(*recording, node.part);
    if (!location.directories.empty()) return location;
    const std::string part = PartId{recording->recording, node.part}.text();
    if (!has_other_copy(*recording, node.part))
      return Error{Code::kCorrupt, "open " + part + ": its only copy is quarantined"};
    return Error{Code::kArchived, "open " + part + ": it is archived; ask for a restore"};
  });
}

Result<std::shared_ptr<const Fd>> OpenFiles::root(bool anew) {
  std::lock_guard lock(mutex_);
  if (root_ == nullptr || anew) {
    HOLDFAST_ASSIGN(fd, open_root(standard_path_));
    root_ = std::make_shared<const Fd>(std::move(fd));
  }
  return root_;
}

Result<Fd> OpenFiles::open_plain(const Location& location) {
  Error last{Code::kNotFound, "open: no place to look"};
  // The medium may have been mounted anew since: then the root that we hold shows nothing.
  for (const bool anew : {false, true}) {
    HOLDFAST_ASSIGN(root_fd, root(anew));
    for (const std::string& directory : location.directories) {
      Result<Fd> opened =
          open_for_read(*root_fd, directory, location.file.name, location.file.size);
      if (opened.ok()) return opened;
      last = opened.error();
      if (last.code != Code::kNotFound) return last;
    }
  }
  return last;
}

Result<uint64_t> OpenFiles::open(const Node& node, const Caller& caller) {
  auto file = std::make_shared<OpenFile>();
  OpenNotice notice{node.recording_no, node.part, "", caller.uid, caller.pid};
  for (int attempt = 1;; ++attempt) {
    HOLDFAST_ASSIGN(location, locate(node));
    notice.file = location.file.name;
    file->recording_no = node.recording_no;
    file->object = PartId{location.recording, node.part}.text() + "/" + location.file.name;
    file->size = location.file.size;
    file->sha256 = location.file.sha256;
    if (location.in_index) break;
    Result<Fd> opened = open_plain(location);
    if (opened.ok()) {
      file->fd = *std::move(opened);
      break;
    }
    // The part was placed, staged or released between the two looks: ask the index again.
    const bool moved = opened.error().code == Code::kNotFound;
    if (moved && attempt < mount_limits::kLocateTriesMax) continue;
    report(*file, opened.error());
    // Absent where the index says it is: the reader must not take it for deleted.
    return moved ? Error{Code::kIo, opened.error().message} : opened.error();
  }
  {
    std::lock_guard lock(mutex_);
    if (open_.size() >= mount_limits::kOpenFilesMax)
      return Error{Code::kExhausted, "open " + file->object + ": too many open files"};
  }
  const Status recorded = daemon_.record_open(notice);
  if (!recorded.ok()) {
    if (!refused_.exchange(true)) log::warning("opens are refused: {}", recorded.error().message);
    return recorded.error();
  }
  if (refused_.exchange(false)) log::info("opens are answered again");
  if (file->fd) HOLDFAST_TRY(check(*file));

  std::lock_guard lock(mutex_);
  const uint64_t handle = next_handle_++;
  open_.emplace(handle, std::move(file));
  return handle;
}

void OpenFiles::close(uint64_t handle) {
  std::lock_guard lock(mutex_);
  open_.erase(handle);
}

std::shared_ptr<const OpenFile> OpenFiles::find(uint64_t handle) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(handle);
  return found == open_.end() ? nullptr : found->second;
}

size_t OpenFiles::size() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

Status OpenFiles::check(const OpenFile& file) {
  HOLDFAST_ASSIGN(status, status_of(file.fd.get(), file.object));
  if (status.st_size == file.size.count && digested_.is_fresh(identity_of(status), file.sha256))
    return Status();
  const Status checked = digest(file);
  if (!checked.ok()) report(file, checked.error());
  return checked;
}

Status OpenFiles::digest(const OpenFile& file) {
  const Slot slot(digest_slots_);
  HOLDFAST_ASSIGN(io, take_io());
  const Status checked = ensure_digest(*io, file.fd, file.size, file.sha256, digested_);
  std::lock_guard lock(mutex_);
  idle_ios_.push_back(std::move(io));  // at most one per slot
  return checked;
}

Result<std::unique_ptr<Io>> OpenFiles::take_io() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_ios_.empty()) {
      std::unique_ptr<Io> io = std::move(idle_ios_.back());
      idle_ios_.pop_back();
      return io;
    }
  }
  return Io::open();
}

Result<std::string> OpenFiles::metadata(const OpenFile& file) {
  HOLDFAST_ASSIGN(
      bytes, index_.read([&](Database& index) { return find_metadata(index, file.recording_no); }));
  if (!bytes.has_value()) return Error{Code::kNotFound, "read " + file.object + ": it is gone"};
  if (sha256(*bytes) != file.sha256) {
    const Error wrong{Code::kCorrupt, "the index holds other bytes than were ingested"};
    report(file, wrong);
    return wrong;
  }
  return *std::move(bytes);
}

void OpenFiles::report(const OpenFile& file, const Error& error) {
  log::error("{} is refused: {}", file.object, error.message);
}

}  // namespace holdfast
