// Weeks in the life of an archive, in seconds: one process, a clock by hand, media on disk, and
// operators, recorders, reviewers and crashes that a seed chooses. What they were answered is kept
// here, outside of the archive, and held against it.
//
// Each step does one thing: calls come in (new ones, later parts, the recorder's retries), time
// passes and the expirer keeps the compliance clock, the mover or the restorers take a few turns, a
// recording is asked back, read, listed, given a retention class, held, released or deleted, the
// breaker of expiry is looked at. Now and then an operation on a file fails once, a copy rots that
// has a good one elsewhere, or the process dies amid the step and starts again.
//
// A brief life has tiny calls, fewer steps, and more that goes wrong: commits fail, too, disks are
// full, media are away, the cold one lets wait, the system's clock is set to anything; packs are
// written anew, scrubbed and repaired; at its end the index is lost and rebuilt. A thousand of them
// take minutes (tests/system/lives_test.cc).
//
// A promise begins with its answer. What failed, or died unanswered, may have happened or not:
// the book then says "perhaps" and nothing is expected of that part.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/work/retention_rig.h"

namespace holdfast::testing {

struct LifeShape {
  uint64_t seed = test_seed();
  bool is_brief = false;
};

// The expirer looks at the clock so often while time passes.
inline constexpr Millis kTick = hours(6);

class SimulatedLife {
 public:
  static constexpr Millis kNotBefore = days(3);  // nothing expires earlier than this

  explicit SimulatedLife(const LifeShape& shape = LifeShape());

  // False where nothing can be re-read past the page cache, so that nothing would ever move.
  bool can_live() { return rig_.can_verify(); }
  void step();
  // What holds at every instant: P1 and P3 by the index, P2 and P5 by what lies on the media. Of a
  // brief life every recording's rows and packs, and now and then every byte and line; of a long
  // one some recordings.
  void check();
  // At rest, and to the last byte: P1, P2, P3, P5, P7, P8, P10, and the ledger's chains (P4's
  // ground; that no byte leaves before its line is the API's part, tests/api).
  void settle();
  std::string tally() const;
  // A digest of what every line says happened, when, to whom, at the last check of the chains. Not
  // of their details: those of a medium name the directory, which is another one each time.
  const std::string& story() const { return story_; }
  bool did(const std::string& what) const { return done_.contains(what); }

 private:
  struct Promised {
    TestCall call;
    WorkspaceId workspace;
    TestCall perhaps;                     // files of a later part that was not acknowledged
    bool stored = false;                  // acknowledged
    bool asked_to_destroy = false;        // by a person or by its end: it may be gone from then on
    bool condemned = false;               // acknowledged, and no hold was asked for since
    bool hold_perhaps = false;            // a hold was asked for or released without an answer
    std::map<HoldId, std::string> holds;  // in force, with their matters
    UnixMillis ended_at;                  // of the call: its retention counts from there
    UnixMillis arrived_at;                // when it was first offered
    // By the class that it was given: kept until then, gone some time after. None: no class, or one
    // whose assignment was not answered.
    std::optional<UnixMillis> end;
    bool is_in_compliance_mode = false;  // that class
    // The earliest end that it may have by what was asked, answered or not. None: expiry leaves it.
    std::optional<UnixMillis> earliest_end;
    bool must_be_there() const { return stored && (!asked_to_destroy || !holds.empty()); }
    bool must_be_gone() const { return condemned && holds.empty() && !hold_perhaps; }
    bool must_have_expired() const { return stored && end && holds.empty() && !hold_perhaps; }
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
  void compliance_gives_a_class();
  void operator_deletes();
  void operator_looks_at_expiry();
  void a_copy_rots();
  void compactor_turns();
  void repairer_turns();
  void scrubber_turns();
  void a_medium_comes_and_goes();
  void the_clock_is_wrong();

  // --- What goes wrong
  void do_with_faults(Action action);
  // True when the answer is a success. A failure is expected only while a fault is about; when the
  // archive takes nothing more it is started again, as systemd does.
  template <typename R>
  bool answered(const R& result, const std::string& what) {
    if (result.ok()) return true;
    if (!fault_about_) BOOST_ERROR(what + ": " + result.error().message);
    return false;
  }
  void restart();
  void all_media_come_back();
  UnixMillis now() const;
  // How much earlier than its end something may go by the compliance clock.
  Millis slack() const;
  static std::string label_of(const std::string& root);

  // One turn of the expirer, after what may go by now was noted.
  void expire();
  void ends_come();
  void given(Promised& promised, const std::string& class_name, bool is_answered);
  // Whether nobody may give it that class now, with a bypass or without.
  bool must_be_refused(const Promised& promised, const std::string& class_name, bool bypass) const;

  Promised* any(bool (*wanted)(const Promised&));
  void read(const Promised& promised);
  void look_at_archived(const Recording& found);
  bool is_archived(const Promised& promised);
  // Whether a reader may be told that its plain files are bad.
  bool may_be_corrupt(const Recording& found) const;
  // Flips a bit of a copy that is not the last good one; false when it has none.
  bool rots(const Recording& found);
  // The same of a pack that is copied and not verified yet.
  bool rots_unproven(const Recording& found);
  void flip_in_pack(const CopyRow& copy);
  std::optional<Recording> known(const Promised& promised);
  Result<Ingested> offer(const Promised& promised, const TestCall& call);
  void check_rows();
  void check_one_lock();
  void check_dear();
  void lose_the_index();
  void check_there(const Promised& promised);
  void check_copies(const Promised& promised, const Recording& found);
  void check_gone(const Promised& promised);
  void let_expiry_end();
  void check_locked(const Promised& promised);
  void check_every_byte();
  void check_chains();
  void check_packs_with_stock_tools();
  static bool counts(const CopyRow& copy);
  std::string file_of(const CopyRow& copy);
  int64_t restores_ever();

  const LifeShape shape_;
  AimedFaults commits_;
  RetentionRig rig_;
  const UnixMillis began_;
  std::vector<WorkspaceId> workspaces_;
  std::map<std::string, Promised> book_;  // by call_sid
  bool fault_about_ = false;              // operations on files fail, or just did, by design
  UnixMillis all_ended_until_;  // whose end had come by then is gone, unless something keeps it
  int parts_made_ = 0;
  int checks_ = 0;
  int64_t reads_ = 0;
  std::set<int64_t> lines_promised_;  // reads whose line was answered durable
  int64_t restores_before_ = 0;       // this step
  std::set<std::string> rotten_;      // calls of which plain files have rotted, ever
  std::string rotten_in_pack_;        // the call of which a warm copy has rotted last
  std::set<std::string> away_;        // roots of media without their label
  bool was_ever_wrong_ = false;       // the system's clock
  std::string story_;
  std::map<std::string, int> done_;
};

}  // namespace holdfast::testing
