// Labels of media. Every medium carries `holdfast-label.json` in its root; no
// path of the product writes to a directory that does not carry the label it
// expects, so an unmounted disk never swallows packs.
//
// A medium whose label is absent or another's is *offline* (kUnavailable), never
// "missing": nothing is concluded from what an offline medium does not show (P6).
// Format: docs/media.md.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "io/fd.h"
#include "io/io.h"
#include "io/reserve.h"

namespace holdfast {

constexpr std::string_view kLabelFileName = "holdfast-label.json";

struct Label {
  ArchiveId archive;
  MediumId medium;
  std::string name;  // what people call it, such as "warm-1"; 1 to 64 bytes
  std::string kind;  // "disk", "pack", "vault", "tape", "s3"
  UnixMillis created_at;
  bool operator==(const Label&) const = default;
};

// The label as it stands on the medium: canonical JSON and a line feed.
std::string label_text(const Label& label);
Result<Label> parse_label(std::string_view text);

// Labels the existing directory at `root_path`, durably. The only writer of
// labels (`holdfast medium init`, and the embedded default's first start).
// kConflict when any label is there already; it is never overwritten.
Status init_label(Io& io, const std::string& root_path, const Label& label);

// The label in a directory. kUnavailable when there is none; kCorrupt when it
// cannot be read as a label.
Result<Label> read_label(Io& io, const Fd& root);
Result<Label> read_label(Io& io, const std::string& root_path);

// kUnavailable ("offline") unless the directory carries this archive's and this medium's label.
Status check_label(Io& io, const Fd& root, const ArchiveId& archive, const MediumId& medium);

struct FreeSpace {
  Bytes total;
  Bytes available;  // to an unprivileged process
};

// The root of one medium: its descriptor, below which everything is opened with
// openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), and the label it must carry.
//
// May be made while the medium is away: every use answers kUnavailable until it
// is there. A medium that went away and came back (another device or inode at
// the path, with the right label) is taken up by the next checked().
//
// Thread rule: every method may be called from any thread.
class MediumRoot {
 public:
  MediumRoot(std::string path, ArchiveId archive, MediumId medium)
      : path_(std::move(path)), archive_(archive), medium_(medium) {}
  MediumRoot(const MediumRoot&) = delete;
  MediumRoot& operator=(const MediumRoot&) = delete;

  const std::string& path() const { return path_; }
  const ArchiveId& archive() const { return archive_; }
  const MediumId& medium() const { return medium_; }

  // The root after a full check: the path is opened anew, compared by device and
  // inode with the descriptor that is held, and its label is read. Wanted at
  // start and before each publish and each release.
  Result<std::shared_ptr<const Fd>> checked(Io& io);

  // The root that is held, for reads; checked() when none is held yet.
  Result<std::shared_ptr<const Fd>> current(Io& io);

  // statvfs(3) of the medium.
  Result<FreeSpace> free_space(Io& io);

  // What is to stay free on the medium (0 at first).
  void set_reserve(Bytes reserve) { reserve_bytes_ = reserve.count; }
  // Where the medium lies on the disk of `kept`, that is kept back, too. Once, before it is used;
  // outlives this.
  void respect(SpaceReserve& kept) { kept_ = &kept; }
  // Whether it lies there, as far as is known: yes, while the medium is away.
  bool is_beside(const SpaceReserve& kept);
  // What may be written yet: free beyond both reserves, 0 or more.
  Result<Bytes> room(Io& io);
  // kNoSpace when `bytes` more would leave less than the reserves.
  Status require_room(Io& io, Bytes bytes);

  // Lets go of the descriptor, so that the file system can be unmounted.
  void close();

 private:
  const std::string path_;
  const ArchiveId archive_;
  const MediumId medium_;
  std::atomic<int64_t> reserve_bytes_{0};
  SpaceReserve* kept_ = nullptr;
  std::mutex mutex_;
  std::shared_ptr<const Fd> held_;
};

}  // namespace holdfast
