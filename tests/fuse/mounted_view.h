// What the tests of the mounted view have in common: an archive with a scripted daemon, and short
// questions to files as a program would ask them.
#pragma once

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/fuse/small_archive.h"
#include "tests/fuse/view_process.h"
#include "tests/support/fake_daemon/fake_daemon.h"
#include "tests/support/fake_daemon/run_program.h"

namespace holdfast {

// A batch without changes.
extern const std::string kQuiet;

// An archive, its daemon's sockets and paths in the mounted view.
struct Stage {
  Stage() { attach_daemon(); }

  // A daemon that allows every open and knows of no change.
  void attach_daemon();
  std::string in_view(const std::string& path) const { return archive.mount_point() + "/" + path; }
  std::string file_of(const CallSpec& call, const std::string& name) const {
    return in_view(archive.call_path(call) + "/" + name);
  }
  // The bodies of what was asked with POST /mount/opens.
  std::vector<json::object> opens() const;
  // Three files of random bytes, on the default day.
  CallSpec sample_call(const std::string& call_sid, size_t bytes = 300'001);

  SmallArchive archive;
  std::optional<FakeDaemon> daemon;
};

// The precondition of a suite: says "skipped: why" where nothing can be mounted.
struct CanMount {
  boost::test_tools::assertion_result operator()(boost::unit_test::test_unit_id) const;
};

// A tool of the system, found as a shell finds it.
ProgramRun run_tool(std::vector<std::string> command);
// errno of an open for reading; 0: it opened.
int open_error(const std::string& path);
// The whole file, or "open: …" or "read: …" with the error's words.
std::string read_or_errno(const std::string& path);
struct stat status_at(const std::string& path);
// The attribute's value, "absent", or the error's words.
std::string xattr(const std::string& path, const std::string& name);
// Sorted.
std::vector<std::string> names_in(const std::string& directory);
size_t count_of(const std::string& text, const std::string& what);

}  // namespace holdfast
