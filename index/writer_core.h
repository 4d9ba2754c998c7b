// The inside of Writer: what its thread owns. See index/writer.h for the states.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "index/batch_clock.h"
#include "index/writer.h"

namespace holdfast {

// Thread rule: open() on the caller's thread before the writer's starts; then that one alone.
class Writer::Core {
 public:
  // One thing in the queue: a command, an access line, or a use of the ledger.
  struct Item {
    std::string name;
    Apply apply;                      // a command
    std::optional<LineDraft> access;  // an access line
    std::function<Status(Ledger&)> use;
    std::function<Status(Database&)> use_index;
    Done done;
    Status outcome;          // of the command itself, until the batch's own is known
    bool weakening = false;  // one of its lines weakens
  };
  using Items = std::vector<std::unique_ptr<Item>>;

  Core(WriterOptions options, const Clock& clock, Random& random, DecisionSource& source);

  // Opens everything, brings it into agreement, and keeps the report.
  Status open();
  // Makes the items durable together and answers each.
  void run(Items items);
  // The last thing the thread does.
  void close();

  const AgreementReport& agreement() const { return at_start_; }
  WriterCounters counters() const;
  uint64_t changes() const { return changes_; }
  bool is_forked() const { return is_forked_; }
  bool is_recovering() const { return is_recovering_; }
  const WriterOptions& options() const { return options_; }

 private:
  // kRefused: nothing of the commands took place. kUnknown: the commit failed; with lines it is
  // decided, and the rows are to come; without, the rows may be there or not.
  enum class Outcome { kCommitted, kRefused, kUnknown };
  struct Batch {
    Outcome outcome = Outcome::kCommitted;
    Error error;
    bool access_durable = false;  // whatever became of the commands
  };

  Status open_ledger();
  Status open_index();
  Status read_settings();
  Status check_archive();
  // Applies the decisions after applied_seq (and, for secrets, after its own).
  Status replay();
  Status note_missed(int64_t rows_end);
  Status replay_line(const Line& line);
  Status store_seq(int64_t n, bool secrets);
  // Opens anew and replays; false when that is not possible now.
  bool recover();
  Status settle_logs();
  Status settle_log(const std::string& schema);

  void run_batch(Items& items);
  void make_and_answer(Items& items);
  Batch make_durable(Items& items);
  bool stage_access(Items& items);
  // How much a failing command takes along: itself, which costs a copy of each page that any
  // command of the batch changes, or all of them.
  enum class Undo { kCommand, kBatch };
  Status fill(Items& items, std::optional<Transaction>& transaction, bool& tell_secrets);
  // Gives false when a command has to be undone and is not alone: the batch begins anew.
  Result<bool> apply_all(Items& items, Undo undo, bool& secrets_touched);
  Result<bool> apply_one(Item& item, Undo undo, bool& secrets_touched);
  Status stage_all(const std::vector<LineDraft>& lines);
  void erase_notes(std::vector<std::string>& notes);
  void retry_apart(Items& items, const Batch& refused);
  // Without an error each item's own outcome is its answer; with one it is every command's, and
  // that of access lines too unless they are durable.
  void answer(Items& items, const Batch& batch);

  const WriterOptions options_;
  BatchClock clock_;
  Random& random_;
  DecisionSource& source_;
  std::unique_ptr<Io> io_;
  std::unique_ptr<Ledger> ledger_;
  std::optional<Database> index_;
  std::string tombstone_key_;
  AgreementReport agreement_;  // of the last opening
  AgreementReport at_start_;   // of the first: other threads read it
  int64_t applied_seq_ = 0;    // of the committed rows
  int64_t secrets_seq_ = 0;
  int64_t staged_seq_ = 0;  // the last line of the batch being made; applied_seq_ when it has none
  std::vector<std::string> notes_;  // that the batch being made has written
  bool recovering_ = false;

  std::atomic<uint64_t> commands_{0};
  std::atomic<uint64_t> batches_{0};
  std::atomic<uint64_t> syncs_{0};
  std::atomic<uint64_t> access_lines_{0};
  std::atomic<uint64_t> changes_{0};
  std::atomic<bool> is_forked_{false};
  std::atomic<bool> is_recovering_{false};
};

}  // namespace holdfast
