// Space kept back on the disk of one directory, so that what must always be written (decisions,
// the index's rows) can be written when the disk is full.
//
//   whole ──less than `low` is left──▶ given up ──there is room again──▶ whole
//
// It is a file of allocated blocks that says nothing. Giving it up leaves its room to whoever asks
// first, so those who can wait ask room() first: they are refused from `size` bytes left on, well
// before the reserve is needed, and as long as it is given up.
//
// Where a file system cannot allocate without writing (EOPNOTSUPP) there is no such file; room()
// still keeps its distance.
#pragma once

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
  };

  // Makes <directory>/reserve, if there is room for it. kIo when the directory cannot be used.
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

  bool is_whole() const { return whole_; }  // any thread

 private:
  SpaceReserve(Fd directory, Fd file, std::string path, const Options& options)
      : directory_(std::move(directory)),
        file_(std::move(file)),
        path_(std::move(path)),
        options_(options) {}
  Result<Bytes> left() const;
  void take();
  void give_up();

  const Fd directory_;
  const Fd file_;
  const std::string path_;
  const Options options_;
  std::mutex mutex_;
  bool can_allocate_ = true;
  std::atomic<bool> whole_{false};
};

}  // namespace holdfast
