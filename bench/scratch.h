// The directory of a benchmark, below $TMPDIR or /var/tmp, removed when the work has ended.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "base/allocator.h"
#include "base/result.h"

namespace holdfast::bench {

// The exit status: 0, after a line that tells the most memory that the process has had; or 1, with
// the error told under the program's name. `name`: of the program, without "bench_".
inline int exit_status_of(const std::string& name, const Status& done) {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  if (done.ok())
    std::printf("# peak memory %ld MiB, the benchmark's own with it\n", usage.ru_maxrss / 1024);
  else
    std::fprintf(stderr, "bench_%s: %s\n", name.c_str(), done.error().message.c_str());
  return done.ok() ? 0 : 1;
}

// Does `work` in a directory of its own and gives the exit status.
inline int in_scratch(const std::string& name,
                      const std::function<Status(const std::string& root)>& work) {
  keep_freed_memory();  // as the daemon does
  const char* temporary = std::getenv("TMPDIR");
  std::string root =
      std::string(temporary != nullptr ? temporary : "/var/tmp") + "/holdfast-" + name + "-XXXXXX";
  if (::mkdtemp(root.data()) == nullptr) {
    std::perror(("bench_" + name + ": make a directory").c_str());
    return 1;
  }
  const Status done = work(root);
  std::filesystem::remove_all(root);
  return exit_status_of(name, done);
}

}  // namespace holdfast::bench
