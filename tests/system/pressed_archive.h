// A daemon under load that crashes again and again, and what it had promised, held against it after
// each crash.
//
//   PressedArchive archive(directory / "archive", directory / "calls");
//   archive.press_until(random, [&] { archive.daemon().kill(); });
//   archive.start_again();   // everything promised is there, nothing destroyed is back
//   archive.settle();        // at the end: every byte, from every tier
#pragma once

#include <functional>
#include <set>
#include <string>

#include "tests/support/daemon_process.h"
#include "tests/system/load.h"

namespace holdfast::testing {

// Of one archive or of several, for the last line of a test.
struct Figures {
  int64_t calls = 0;
  int64_t acknowledged = 0;  // uploads answered 201, spool entries that went, and what was seen
  int64_t spooled = 0;
  int64_t holds = 0;
  int64_t deletions = 0;
  int64_t read_back = 0;  // recordings compared byte for byte at the end
  int64_t destroyed = 0;  // deletions that were found to be for good
  int64_t reads_audited = 0;
  int64_t lost = 0;
  int64_t resurrected = 0;
  int64_t holds_lost = 0;

  Figures& operator+=(const Figures& other);
  std::string text() const;
};

class PressedArchive {
 public:
  // The archive's directories are below `directory`; the calls that are offered are made in
  // `calls`.
  PressedArchive(const std::string& directory, const std::string& calls);

  // Clients do everything at once for a random while; then `crash` is called amid them, and the
  // daemon is killed unless it is dead already.
  void press_until(SeededRandom& random, const std::function<void()>& crash);
  // Amid a crash: a disk fails from now on, until the next start.
  void disks_fail() { load_.disks_fail = true; }
  // Starts it and checks the promises; clients that had no answer ask again and get one.
  void start_again();
  // What only a daemon at rest can show: every byte, from every tier; nothing left behind.
  void settle();

  DaemonProcess& daemon() { return daemon_; }
  Figures figures() const;

 private:
  std::map<std::string, json::object> listed(TestClient& admin);
  void check_its_end() const;
  void check_chains(TestClient& admin);
  void check_promises(TestClient& admin, const std::map<std::string, json::object>& items);
  void check_digests(TestClient& admin, const CallFiles& call);
  void retry_unanswered();
  void check_spool();
  void check_every_byte(TestClient& admin);
  void check_deleted();
  void check_reads_are_audited(TestClient& admin);
  void check_left_overs();
  void report_wrong();
  void fail(const std::string& what) const;

  DaemonProcess daemon_;
  Oracle oracle_;
  Load load_;
  std::set<std::string> digests_checked_;
  std::set<std::string> lost_;
  std::set<std::string> resurrected_;
  std::set<std::string> hold_lost_;
  Figures checked_;  // what only the checks count
};

}  // namespace holdfast::testing
