// holdfast-fuse as a process: started on a small archive, known to be ready by its own word
// (sd_notify), stopped by a signal and waited for.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/fuse/small_archive.h"

namespace holdfast {

// Why nothing can be mounted here; empty: it can.
std::string mount_obstacle();

class ViewProcess {
 public:
  // Starts it; `program` is what runs it, such as setpriv with its options and the program's path.
  // Throws when it ends before it is ready.
  explicit ViewProcess(const SmallArchive& archive,
                       const std::vector<std::string>& program = {FUSE_PROGRAM});
  // Stops it, checks that it ended well (what a sanitizer found is in its exit code), and clears
  // what it left mounted.
  ~ViewProcess();
  ViewProcess(const ViewProcess&) = delete;
  ViewProcess& operator=(const ViewProcess&) = delete;

  void send(int signal);
  // Sends `signal` and waits for the end: its exit code, or minus the signal that ended it.
  int stop(int signal);
  // The most memory it ever had resident, in KiB (VmHWM).
  int64_t memory_peak_kib() const;
  // What it said so far (its standard error).
  std::string log() const;

 private:
  const std::string mount_point_;
  const std::string log_path_;
  pid_t pid_ = -1;
};

bool is_mounted(const std::string& path);

}  // namespace holdfast
