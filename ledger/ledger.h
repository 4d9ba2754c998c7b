// The ledger: the chain of decisions with its mirror, the chain of accesses, and
// the notes. design.md, "The writer's rule".
//
// Directories: <directory>/decisions, /access, /notes; <mirror>/decisions, /notes.
//
// A batch:   stage()* → commit() → decided, or nothing of it counts
//                     → rollback() → nothing of it was written
// States:
//   kReady      main and mirror agree and are durable to the same line
//   kGap        lines are missing that neither place has: perhaps holds. Weakening lines are
//               refused (kUnavailable) until the lines are back.
//   kBehind     one of the two places is down; the other carries on. Protecting
//               lines are taken, weakening ones are refused with kUnavailable. The
//               place is brought up to date when it comes back.
//   kUnknown    an append failed and no voiding line could be made durable: the
//               outcome of that batch is unknown. Nothing more is taken; open anew.
//   kForked     main and mirror contradict each other: read-only until a person decides.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "io/io.h"
#include "ledger/chain.h"
#include "ledger/line.h"
#include "ledger/reader.h"

namespace holdfast {

struct LedgerOptions {
  std::string directory;         // <state_dir>/ledger; made when absent
  std::string mirror_directory;  // on another device, unless:
  bool mirror_same_device = false;
  Bytes segment_bytes_max{limits::kSegmentBytesMax};
  Millis mirror_retry = seconds(10);  // how often a place that is down is tried again
};

enum class LedgerState { kReady, kGap, kBehind, kUnknown, kForked };

// What opening found and did; for the log and for `status`.
struct LedgerOpenReport {
  Bytes torn_decisions;  // bytes of an unfinished last line that were cut
  Bytes torn_mirror;
  Bytes torn_access;
  int64_t lines_completed_in_main = 0;  // the mirror was ahead
  int64_t lines_completed_in_mirror = 0;
  int64_t segments_healed = 0;  // missing in the midst of one place, brought back from the other
  std::vector<ChainGap> gaps;   // in decisions, that the mirror could not heal
  std::string fork;             // empty, or where main and mirror part
  std::string mirror_down;      // empty, or why the mirror is not there
};

// Thread rule: one thread (the index writer's), except where a method says otherwise.
class Ledger {
 public:
  // Recovers both chains and brings main and mirror into agreement. A fork or an
  // absent mirror is no error: see state(). kInvalid when the mirror is on the same
  // device and that was not allowed; kCorrupt when the tail of a chain does not verify.
  // `io` and `clock` must outlive it.
  static Result<std::unique_ptr<Ledger>> open(Io& io, const Clock& clock,
                                              const LedgerOptions& options);
  ~Ledger();

  LedgerState state() const;
  const LedgerOpenReport& open_report() const { return report_; }
  int64_t last_decision() const;  // n of the last decided line; 0: none

  // Whether a line of decisions would be taken: kUnavailable under a fork, or while the outcome of
  // an earlier batch is unknown.
  Status accepts() const;

  // Adds a decision to the batch and gives its n. All lines of a batch bear the
  // time of its first. kUnavailable when the ledger takes nothing (see state()).
  Result<int64_t> stage(const LineDraft& draft);
  // Adds an access line to the batch.
  Result<int64_t> stage_access(const LineDraft& draft);
  // Makes the batch durable. Access lines first, so that they can never be missing:
  // when the decisions then fail they stay, and tell of an attempt.
  // On an error nothing staged as a decision counts, and a voiding line that says so
  // is durable if anything had been written; kUnavailable with state kUnknown when
  // even that failed. kUnavailable before anything is written when a
  // weakening line is staged and a place is down.
  Status commit();
  // The two halves of commit(), for who has something to do while the mirror is synced: an ok of
  // begin_commit() is that of commit(), and nothing else is asked of the ledger before
  // end_commit(), whatever became of the first. Main is durable before the mirror is written at
  // all: one that is ahead, and away at the next start, would make a fork.
  Status begin_commit();
  void end_commit();
  void rollback();

  // Access lines alone: appended and durable when it returns ok (P4: before the first
  // byte). Not between stage_access and commit.
  Status append_access(const std::vector<LineDraft>& drafts);
  // Removes whole segments of access whose day (UTC) is before that of `before`; gives how many.
  Result<int> drop_access_before(UnixMillis before);

  // Calls `visit` for each decision from `from_n` on (voiding lines included: kind "void").
  Status replay(int64_t from_n, const LineVisitor& visit);

  // Tries at once to bring a place that is down up to date; ok when none is down.
  // commit() does so by itself every mirror_retry; an idle writer calls this.
  Status tend();

  // For readers in other threads. Thread rule: any thread.
  // How far the files below decisions_fd() and access_fd() are durable. While the
  // main place is down, decisions that only the mirror has are not among them yet.
  DurableEnd decisions_end() const;
  DurableEnd access_end() const;
  // Directory descriptors, valid as long as this is; read them with ledger/reader.h.
  int decisions_fd() const;
  int access_fd() const;

  // Notes: free text that lines must not carry, erasable. <hash> is the SHA-256 of
  // salt (16 random bytes) ‖ text, and so of the file's bytes. Durable when it returns
  // ok, in the mirror too unless it is down (it is then completed later).
  struct Note {
    std::string hash;  // 64 hex digits, what the line carries
    std::string salt;  // 32 hex digits
  };
  Result<Note> write_note(Random& random, std::string_view text);
  // kNotFound when erased or never written; kCorrupt when the bytes differ from the hash.
  Result<std::string> read_note(std::string_view hash);
  // From both places; kUnavailable when the mirror is down.
  Status erase_note(std::string_view hash);

 private:
  struct Place;  // main or mirror: a directory that may be there or not
  Ledger(Io& io, const Clock& clock, LedgerOptions options);

  // agreement.cc: main and mirror.
  Status open_places();
  Status open_directories(Place& place);
  Status open_chain(Place& place, const Place& other);
  Status agree_at_start();
  Status restore(Place& place, Place& other);
  Status complete(Place& behind, Place& ahead);
  Status heal(Place& place, Place& other);
  Status complete_notes();
  Result<bool> is_prefix(const Place& behind, const Place& ahead);
  void put_down(Place& place, const Error& reason);

  // ledger.cc: batches.
  Status open_access();
  Status commit_access();
  Status commit_decisions();
  Result<bool> append_decisions();
  Status void_batch(const Place& failed_at, Error failure);
  void decided(bool rolled);
  void set_ends();

  Io& io_;
  const Clock& clock_;
  const LedgerOptions options_;
  std::unique_ptr<Place> main_;
  std::unique_ptr<Place> mirror_;
  Fd access_directory_;
  std::unique_ptr<Chain> access_;  // none after a failure that could not be voided
  std::optional<Batch> decisions_batch_;
  std::optional<Batch> access_batch_;
  Millis last_try_;  // monotonic, of bringing a place back
  bool unknown_ = false;
  bool mirror_syncs_ = false;     // the decisions' batch, between the halves of a commit
  bool compression_due_ = false;  // a segment was sealed since the last attempt
  LedgerOpenReport report_;
  mutable std::mutex ends_mutex_;
  DurableEnd decisions_end_;
  DurableEnd access_end_;
};

}  // namespace holdfast
