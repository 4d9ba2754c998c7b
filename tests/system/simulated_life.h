// Weeks in the life of an archive, in seconds: one process, a clock by hand, media on disk, and
// operators, recorders, reviewers and crashes that a seed chooses. What they were answered is kept
// here, outside of the archive, and held against it.
//
// Each step does one thing: calls come in (new ones, later parts, the recorder's retries), time
// passes, the mover or the restorers take a few turns, a recording is asked back, read, listed,
// held, released or deleted. Now and then an operation on a file fails once, a copy rots that has
// a good one elsewhere, or the process dies amid the step and starts again.
//
// A promise begins with its answer. What failed, or died unanswered, may have happened or not:
// the book then says "perhaps" and nothing is expected of that part.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/archive_fixture.h"

namespace holdfast::testing {

class SimulatedLife {
 public:
  SimulatedLife();

  // False where nothing can be re-read past the page cache, so that nothing would ever move.
  bool can_live() { return rig_.can_verify(); }
  void step();
  // What holds at every instant: P1 and P3 by the index, P2 and P5 by what lies on the media.
  void check();
  // At rest, and to the last byte: P1, P2, P3, P5, P7, P8, P10, and the ledger's chains (P4's
  // ground; that no byte leaves before its line is the API's part, tests/api).
  void settle();
  std::string tally() const;

 private:
  struct Promised {
    TestCall call;
    WorkspaceId workspace;
    TestCall perhaps;                     // files of a later part that was not acknowledged
    bool stored = false;                  // acknowledged
    bool asked_to_destroy = false;        // from then on it may be gone
    bool condemned = false;               // acknowledged, and no hold was asked for since
    bool hold_perhaps = false;            // a hold was asked for or released without an answer
    std::map<HoldId, std::string> holds;  // in force, with their matters
    bool must_be_there() const { return stored && (!asked_to_destroy || !holds.empty()); }
    bool must_be_gone() const { return condemned && holds.empty() && !hold_perhaps; }
  };
  using Action = void (SimulatedLife::*)();

  // --- Those who use it
  void recorder_brings_calls();
  void recorder_adds_a_part();
  void recorder_comes_again();
  void time_passes();
  void mover_turns();
  void restorers_turn();
  void reviewer_asks_back();
  void reviewer_reads();
  void reviewer_lists();
  void compliance_holds();
  void compliance_releases();
  void operator_deletes();
  void a_copy_rots();

  // --- What goes wrong
  void do_with_faults(Action action);
  // True when the answer is a success. A failure is expected only while a fault is about; when the
  // archive takes nothing more it is started again, as systemd does.
  template <typename R>
  bool answered(const R& result, const std::string& what);
  void restart();

  Promised* any(bool (*wanted)(const Promised&));
  void read(const Promised& promised);
  // Flips a bit of a copy that is not the last good one; false when it has none.
  bool rots(const Recording& found);
  std::optional<Recording> known(const Promised& promised);
  Result<Ingested> offer(const Promised& promised, const TestCall& call);
  void check_there(const Promised& promised);
  void check_copies(const Promised& promised, const Recording& found);
  void check_gone(const Promised& promised);
  void check_locked(const Promised& promised);
  void check_every_byte();
  void check_chains();
  void check_packs_with_stock_tools();
  std::string file_of(const CopyRow& copy) const;
  int64_t restores_ever();

  ArchiveFixture rig_;
  std::vector<WorkspaceId> workspaces_;
  std::map<std::string, Promised> book_;  // by call_sid
  bool fault_about_ = false;              // operations on files fail, or just did, by design
  int parts_made_ = 0;
  std::map<std::string, int> done_;
};

}  // namespace holdfast::testing
