// Clients that press on a daemon at once until it dies: uploads, spool entries, downloads and
// recalls, holds and releases, deletions. Every answer goes to the oracle.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/system/oracle.h"

namespace holdfast::testing {

struct Load {
  const DaemonProcess& daemon;
  Oracle& oracle;
  std::string workspace;
  std::string key;    // of the workspace
  std::string calls;  // directory of the calls that are made
  std::atomic<bool> over{false};
  // A disk is failing: 500 promises nothing then, and is nothing to wonder at.
  std::atomic<bool> disks_fail{false};
  // Answers that no crash excuses: a wrong status, other bytes.
  std::mutex mutex;
  std::vector<std::string> wrong;

  void complain(const std::string& what);
};

// The bytes of one file, or nothing when the recording is archived or the daemon is gone; what is
// wrong is told to the load.
std::optional<std::string> download(Load& load, TestClient& client, const CallFiles& call,
                                    const std::string& name);

// Starts all of them; they end when `over` is set, or when the daemon no longer answers.
std::vector<std::thread> press(Load& load, uint64_t seed);

}  // namespace holdfast::testing
