// Room kept back on the disk of one directory, so that what must always be written (decisions, the
// index's rows) can be written when the disk is full: bytes, and inodes, of which a file system may
// run out first.
//
//   kept ──less than `low` is left──▶ given up ──there is room again──▶ kept     (each of the two)
//
// The bytes are a file of allocated blocks that says nothing, the inodes a directory of empty
// files. Giving them up leaves their room to whoever asks first, so those who can wait ask room()
// first: they are refused from `size` bytes or `inodes` on, well before the reserve is needed, and
// as long as one of the two is given up.
//
// Where a file system cannot allocate without writing (EOPNOTSUPP) there is no such file, and where
// it makes inodes as they are needed (btrfs) there are no such files; room() still keeps its
// distance.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "io/fd.h"

namespace holdfast {

class SpaceReserve {
 public:
  struct Options {
    Bytes size{limits::kReserveBytes};
    Bytes low{limits::kReserveLowBytes};
    int inodes = limits::kReserveInodes;
    int inodes_low = limits::kReserveInodesLow;
  };

  // Makes <directory>/reserve and <directory>/reserve.inodes if there is room for them, and gives
  // them up if there is no other. kIo when the directory cannot be used.
  static Result<std::unique_ptr<SpaceReserve>> open(const std::string& directory,
                                                    const Options& options);
  static Result<std::unique_ptr<SpaceReserve>> open(const std::string& directory) {
    return open(directory, Options());
  }

  // Looks, and gives the reserve up or takes it back: whoever must always write, before it does.
  // Any thread; one system call.
  void keep();

  // kNoSpace unless `wanted` bytes more may be written to this disk by somebody who can wait. Any
  // thread; one system call.
  Status room(Bytes wanted = Bytes(0));

  // What somebody who can wait may write to this disk; 0 while the reserve is given up. Any thread.
  Result<Bytes> spare();

  // The disk, as st_dev of stat(2) tells it.
  dev_t device() const { return device_; }
  bool is_whole() const { return bytes_kept_ && inodes_kept_; }  // any thread

 private:
  struct Left {
    int64_t bytes = 0;
    int64_t inodes = 0;  // INT64_MAX where the file system does not count them
  };

  SpaceReserve(Fd directory, dev_t device, Fd file, std::string path, const Options& options)
      : directory_(std::move(directory)),
        device_(device),
        file_(std::move(file)),
        path_(std::move(path)),
        options_(options) {}
  Result<Left> left() const;
  void keep_bytes(const Left& now);
  void keep_inodes(const Left& now);
  void take_bytes();
  void give_up_bytes();
  void take_inodes();
  Status make_inodes();
  void give_up_inodes();
  bool has_inodes_for_others(const Left& now) const {
    return inodes_kept_ && now.inodes >= options_.inodes;
  }

  const Fd directory_;
  const dev_t device_;
  const Fd file_;
  const std::string path_;
  const Options options_;
  std::mutex mutex_;
  bool can_allocate_ = true;
  std::atomic<bool> bytes_kept_{false};
  std::atomic<bool> inodes_kept_{false};
};

}  // namespace holdfast
