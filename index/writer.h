// The writer: one thread that owns the only writing connection of the index and
// the ledger, and makes what queued up while the last batch was made durable
// durable together.
//
// A batch (design.md, The writer's rule)
//   begin → apply each command (a failing one is undone and answered alone: when it
//   has changed something, the batch begins anew with a savepoint for each)
//   → append the lines, fdatasync → DECIDED → commit (synchronous=FULL) → answer.
// States of the writer
//   running ──append or fdatasync fails──▶ running   (rolled back; the ledger voided its tail)
//   running ──commit fails──▶ recovering (answers "outcome unknown")
//   recovering ──re-open, replay from applied_seq──▶ running
//   recovering ──cannot──▶ recovering (all commands answer kUnavailable; tried again with each)
//   any ──stop()──▶ stopped (what is queued is still done)
// Invariants
//   - An answer of success means: lines and rows are durable.
//   - No line is durable before the rows it decides were applied without an error.
//   - applied_seq is the last decision line whose rows are in the file, committed with them.
//     index.db and secrets.db have one each: two WAL files do not commit together.
//   - "Outcome unknown" (kUnavailable) may still take effect: what the command stands on (files in
//     .incoming, say) must stay until the caller has looked again.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "index/database.h"
#include "index/decisions.h"
#include "io/io.h"
#include "io/reserve.h"
#include "ledger/ledger.h"

namespace holdfast {

// What a command sees of the batch it is in. Lives on the writer's thread.
class WriteTxn {
 public:
  // The writing connection, inside the transaction: index/read functions work on it too.
  Database& index() { return index_; }
  // The time of this batch: `t` of its lines and of the rows they make.
  UnixMillis now() const { return now_; }
  // True while lines are replayed: facts about media are taken as they are.
  bool replaying() const { return replaying_; }

  // Applies the decision and appends its line to the batch. Rows that the line only names come
  // from `source`.
  Status decide(LineDraft line, DecisionSource& source);
  // For kinds whose line says everything.
  Status decide(LineDraft line);
  // Makes `text` a note (erasable, outside the lines) and returns what a line carries of it; empty
  // text gives an empty string and no note.
  Result<std::string> write_note(std::string_view text);
  // The text of a note, when it is there and was not erased.
  Result<std::optional<std::string>> read_note(std::string_view hash);
  // Erases a note in both places of the ledger, at once: only what is decided for good may ask for
  // it. One that is gone already is no error; kUnavailable while a place is away.
  Status erase_note(std::string_view hash);
  // HMAC-SHA256 of workspace and call_sid under the archive's own key: the tombstone of a call.
  Digest tombstone(const WorkspaceId& workspace, std::string_view call_sid) const;
  Random& random() { return random_; }
  // A command that changes secrets.db says so, so that its applied_seq goes along.
  void touch_secrets() { secrets_touched_ = true; }
  // Replay made a row for a recording that no medium showed.
  void count_unlocated() { ++unlocated_; }
  // Replay met a lock that stands against the line; the lock won.
  void note_contradiction(std::string why) { contradiction_ = std::move(why); }

 private:
  friend class Writer;
  WriteTxn(Database& index, Ledger& ledger, Random& random, UnixMillis now, bool replaying,
           const std::string& tombstone_key)
      : index_(index),
        ledger_(ledger),
        random_(random),
        now_(now),
        replaying_(replaying),
        tombstone_key_(tombstone_key) {}
  Status refuse_while_decisions_are_missing();

  Database& index_;
  Ledger& ledger_;
  Random& random_;
  UnixMillis now_;
  bool replaying_;
  const std::string& tombstone_key_;
  std::vector<LineDraft> lines_;    // of the command being applied, in their order
  std::vector<std::string> notes_;  // that it wrote
  bool secrets_touched_ = false;
  int64_t unlocated_ = 0;
  std::string contradiction_;  // empty: none
};

// A change to make: one or more lines and their rows, or rows alone. Built by index/commands/.
template <typename T>
struct Command {
  std::string name;  // "place hold", for errors
  std::function<Result<T>(WriteTxn&)> apply;
};

struct WriterOptions {
  std::string index_path;
  std::string secrets_path;
  unsigned index_mode = 0640;  // 0640: the mount's group reads (docs/index.md)
  LedgerOptions ledger;
  IoOptions io;                      // of the ledger's files; tests put faults here
  std::optional<ArchiveId> archive;  // kept at first, compared ever after; none: not compared
  size_t queue = limits::kWriterQueue;
  size_t batch = limits::kWriterBatch;
  // Kept before each batch, so that the lines and rows of it find room; null: none. Not owned.
  SpaceReserve* reserve = nullptr;
  // Called between the decided lines and the commit; its error takes the place of the commit's.
  // For tests of decided batches.
  std::function<Status()> before_commit;
  // Called on the writer's thread when it has recovered: rows may have appeared by replay of which
  // nobody was told that they are there. Null: nobody asks.
  std::function<void()> recovered;
};

// What start-up found and did: index, secrets and ledger agree afterwards.
struct AgreementReport {
  int64_t applied_seq = 0;  // of the index, before
  int64_t secrets_seq = 0;  // of secrets.db, before
  int64_t ledger_last = 0;  // last decision line
  int64_t replayed = 0;     // lines applied now
  int64_t unlocated = 0;    // recordings that a line speaks of and no medium showed
  // Lines against which a lock stands whose end was lost: not applied, the lock won.
  int64_t contradicted = 0;
  bool index_created = false;
  LedgerOpenReport ledger;  // torn tails, gaps, a fork, a mirror that is down
};

// For readers of the chains in other threads (`audit`): where they are and how far they are
// durable. The descriptors are the caller's own.
struct LedgerView {
  Fd decisions;
  DurableEnd decisions_end;
  Fd access;
  DurableEnd access_end;
  LedgerState state = LedgerState::kReady;
};

struct WriterCounters {
  uint64_t commands = 0;  // applied and answered with success
  uint64_t batches = 0;
  uint64_t syncs = 0;  // ledger commits and index commits, each one pair of lines and rows
  uint64_t access_lines = 0;
};

class Writer {
 public:
  // Opens ledger, index and secrets, brings them into agreement (replaying what index and secrets
  // lack) and starts the thread. `clock`, `random` and `source` outlive the writer; `source` is
  // called on the caller's thread now, and on the writer's when it recovers. kCorrupt when the
  // index has applied lines that the ledger does not have.
  static Result<std::unique_ptr<Writer>> start(WriterOptions options, const Clock& clock,
                                               Random& random, DecisionSource& source);
  ~Writer();  // stop()
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Queues the command; `done` is called once, on the writer's thread, after the batch is durable
  // (post to your own loop from there). When the queue is full or the writer stopped, `done` is
  // called at once on the caller's thread with kExhausted or kUnavailable. Any thread.
  template <typename T>
  void submit(Command<T> command, std::function<void(Result<T>)> done);

  // Queues and waits, for workers and start-up. Never from the loop or from a `done`.
  template <typename T>
  Result<T> call(Command<T> command);

  // Queues them side by side and waits for all of them: the outcomes, in their order. Each is a
  // command of its own, and one that is refused keeps no other back; but up to
  // limits::kWriterBatch of them are made durable together. Any thread that may call().
  template <typename T>
  std::vector<Result<T>> call_all(std::vector<Command<T>> commands);

  // Queues a line of the access chain; no SQLite. `done` as with submit.
  void submit_access(LineDraft line, std::function<void(Status)> done);
  Status call_access(LineDraft line);

  // A number for a new recording: reserved in blocks, never given twice. Waits for the writer once
  // a block (1,024 numbers). Any thread but the writer's and the loop's.
  Result<RecordingNo> next_recording_no();

  // Waits for the writer. Any thread but the writer's and the loop's.
  Result<LedgerView> view_ledger();
  // Calls `use` on the writer's thread, with its own connection, between two batches: for copies of
  // the database (index/index_copy.h), which writes nothing. Waits. kUnavailable while the index is
  // being recovered, or once the writer has stopped. Any thread but the writer's and the loop's.
  Status use_index(std::function<Status(Database&)> use);
  // Removes whole segments of access lines older than `before`; gives how many. Waits.
  Result<int> drop_access_before(UnixMillis before);

  // Waits in the queue like a command and does nothing: `answered` is called, on the writer's
  // thread, when it lives. Not called when the queue has no room. Any thread.
  void probe(std::function<void()> answered);

  // Takes no more, finishes what is queued, closes. Idempotent; not from the writer's thread.
  void stop();

  const AgreementReport& agreement() const;
  WriterCounters counters() const;  // any thread
  // Ledger and mirror contradict each other, as of the last batch: no decision is taken. Any
  // thread.
  bool is_forked() const;
  // It could not be opened anew after a failed commit, as of the last batch: each command tries
  // that once more, and is refused when it is in vain. Any thread.
  bool is_recovering() const;
  // Grows with every batch that may have changed a row of index or secrets, before one of its
  // commands is answered: what was read since a number was asked for is as it was while the number
  // is the same. Any thread.
  uint64_t changes() const;

 private:
  class Core;    // ledger, connection and batches: index/writer_core.h
  struct Front;  // the thread and its queue: index/writer.cc
  explicit Writer(std::unique_ptr<Front> front);

  // `apply` may run more than once before it is decided (a batch in which a command has to be
  // undone begins anew; one that is refused because one of its lines weakens is tried again without
  // that one).
  using Apply = std::function<Status(WriteTxn&)>;
  using Done = std::function<void(Status)>;
  struct Queued {
    std::string name;
    Apply apply;
    Done done;
  };
  template <typename T>
  static Queued queued(Command<T> command, std::function<void(Result<T>)> done);
  template <typename T>
  static Queued queued(Command<T> command, std::future<Result<T>>& outcome);
  enum class IfFull { kWait, kRefuse };
  void enqueue(Queued queued, IfFull if_full);
  void enqueue_all(std::vector<Queued> queued);
  Status use_ledger(std::function<Status(Ledger&)> use);

  std::unique_ptr<Front> front_;
};

template <typename T>
Writer::Queued Writer::queued(Command<T> command, std::function<void(Result<T>)> done) {
  // The value waits here between apply and the commit; only the writer's thread touches it.
  auto value = std::make_shared<std::optional<Result<T>>>();
  Apply apply = [value, change = std::move(command.apply)](WriteTxn& txn) -> Status {
    value->emplace(change(txn));
    if (!(*value)->ok()) return (*value)->error();
    return Status();
  };
  Done answer = [value, done = std::move(done)](Status outcome) {
    if (!outcome.ok()) return done(std::move(outcome).error());
    done(std::move(**value));
  };
  return {std::move(command.name), std::move(apply), std::move(answer)};
}

template <typename T>
Writer::Queued Writer::queued(Command<T> command, std::future<Result<T>>& outcome) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  outcome = promise->get_future();
  return queued(std::move(command), std::function<void(Result<T>)>([promise](Result<T> done) {
                  promise->set_value(std::move(done));
                }));
}

template <typename T>
void Writer::submit(Command<T> command, std::function<void(Result<T>)> done) {
  enqueue(queued(std::move(command), std::move(done)), IfFull::kRefuse);
}

template <typename T>
Result<T> Writer::call(Command<T> command) {
  std::future<Result<T>> outcome;
  enqueue(queued(std::move(command), outcome), IfFull::kWait);
  return outcome.get();
}

template <typename T>
std::vector<Result<T>> Writer::call_all(std::vector<Command<T>> commands) {
  std::vector<std::future<Result<T>>> waited(commands.size());
  std::vector<Queued> all;
  for (size_t i = 0; i < commands.size(); ++i)
    all.push_back(queued(std::move(commands[i]), waited[i]));
  enqueue_all(std::move(all));
  std::vector<Result<T>> outcomes;
  outcomes.reserve(waited.size());
  for (std::future<Result<T>>& one : waited) outcomes.push_back(one.get());
  return outcomes;
}

}  // namespace holdfast
