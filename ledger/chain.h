// One chain in one directory: segments, their recovery, appending, sealing.
//
// Segment files: <first_n, 20 digits>.jsonl; sealed at a size or when the UTC day
// changes, then rewritten as .jsonl.zst (independent frames; `zstd -dc` reads it).
// All lines of a segment bear the same UTC day.
//
//   open → ready → append ok → ready
//                → append fails → failed(segment, offset) → begin_voiding ok → ready
// In `failed` nothing is appended, and the failed segment is never synced again:
// a new segment begins with a line that voids what may stand after `offset`. What
// a crash leaves in the last segment is settled at open: its whole lines are
// rewritten to a new file under the same name, because pages of a sync that
// failed before the crash may be clean and yet not on the disk.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/io.h"
#include "io/sync_group.h"
#include "ledger/line.h"
#include "ledger/reader.h"
#include "ledger/segment.h"

namespace holdfast {

// The lines of one batch, numbered and chained in memory, not yet written.
// All bear the time of the first.
class Batch {
 public:
  Batch(const Clock& clock, int64_t last_n, const Digest& head);
  // Its n. kInvalid or kTooLarge leave the batch as it was.
  Result<int64_t> stage(const LineDraft& draft);
  // Begins anew after line `last_n`, whose digest is `head`.
  void restart(int64_t last_n, const Digest& head);
  void clear() { restart(base_n_, base_head_); }

  bool empty() const { return text_.empty(); }
  bool weakening() const { return weakening_; }
  const std::string& text() const { return text_; }  // whole lines, each with its LF
  int64_t first_n() const { return base_n_ + 1; }
  const Digest& base_head() const { return base_head_; }  // what its first line follows
  int64_t last_n() const { return last_n_; }
  const Digest& head() const { return head_; }
  UnixMillis time() const { return time_; }

 private:
  const Clock& clock_;
  int64_t base_n_;
  Digest base_head_;
  int64_t last_n_;
  Digest head_;
  UnixMillis time_;
  std::string text_;
  bool weakening_ = false;
};

struct ChainOptions {
  Bytes segment_bytes_max;
  std::string name;  // what errors call it: "decisions", "mirror of decisions", "access"
  // Nothing is ever dropped: a chain that does not begin with line 1 has a gap.
  bool kept_whole = false;
  // The other place's directory, or -1: its voiding lines bind this one too.
  int other_directory = -1;
};

struct ChainOpenReport {
  Bytes torn;
  std::vector<ChainGap> gaps;
};

class Chain {
 public:
  // Recovers: settles the last segment, verifies it and its link to the one before,
  // finishes an interrupted sealing. kCorrupt when the tail does not verify.
  static Result<std::unique_ptr<Chain>> open(Io& io, Fd directory, ChainOptions options);
  ~Chain();

  const ChainOpenReport& report() const { return report_; }
  int64_t last_n() const { return last_n_; }
  const Digest& head() const { return head_; }
  bool failed() const { return failed_.has_value(); }
  int directory() const { return directory_.get(); }
  // Thread rule: any thread.
  DurableEnd end() const;

  // Whether the batch belongs into a new segment.
  bool roll_due(const Batch& batch) const;
  // Appends and syncs. On an error the chain is failed() and nothing of the batch counts,
  // once begin_voiding() or a void in the other place says so.
  Status append(const Batch& batch, bool roll);
  // The two halves of append() into the present segment: it is being synced when begin_append() has
  // returned, and durable when end_append() of the same batch has. Only with a segment to append to
  // (not roll_due()).
  Status begin_append(const Batch& batch);
  Status end_append(const Batch& batch);
  // What a voiding line has to say after a failed append of `batch`.
  Void void_for(const Batch& batch) const;
  // Publishes a new segment that begins with the voiding line, the only one of
  // `batch`, which says `voided`. Also for the place that did not fail, whether it
  // has the voided lines or not. On an error the chain is failed().
  Status begin_voiding(const Batch& batch, const Void& voided);
  // Compresses segments that are sealed and not yet compressed. An error is harmless.
  Status compress_sealed();
  // Removes sealed segments of days before the one of `before`; gives how many.
  Result<int> drop_before(UnixMillis before);

 private:
  // Where the bytes of a failed append may lie.
  struct Failed {
    int64_t segment;
    Bytes offset;
  };
  // A sealed segment that is still plain, and how much of it counts.
  struct Sealed {
    int64_t first_n;
    Bytes valid;
  };
  Chain(Io& io, Fd directory, ChainOptions options);
  Status recover();
  Status recover_sealed(const std::vector<int64_t>& segments);
  Result<bool> recover_last(Segment& segment);
  Status settle(Segment& segment, Bytes valid);
  Status begin_segment(const Batch& batch);
  Status write(const Batch& batch);
  Status check_not_failed() const;
  Status appended(const Batch& batch, Status outcome);
  void seal_active(Bytes valid);
  void set_end(int64_t segment, Bytes bytes);

  Io& io_;
  Fd directory_;
  ChainOptions options_;
  ChainOpenReport report_;
  int64_t last_n_ = 0;
  Digest head_;
  Fd active_;  // the segment that is appended to; none: the next append begins one
  std::optional<SyncGroup> syncing_;  // of active_, between the halves of an append
  int64_t active_first_ = 0;
  Bytes active_bytes_;
  UnixMillis active_time_;  // of its lines' day
  std::vector<Sealed> sealed_;
  std::optional<Failed> failed_;
  mutable std::mutex end_mutex_;
  DurableEnd end_;
};

}  // namespace holdfast
