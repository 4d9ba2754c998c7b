// The archive that bench_index asks: recordings of a call centre that takes a thousand calls a day,
// as an index knows them. There are no files behind them.
//
// It is filled through the real commands (ingest, placing, packs, holds, releases), with their
// triggers and their ledger lines, so that the rows are those of an archive. Kilo recordings at a
// time share one command of the writer and so one pair of syncs: what is measured then is SQLite
// and the ledger, not the disk's cache flush. live_rate() measures the way one call takes.
//
// What recording number i of the life looks like follows from i and kSeed alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "index/writer.h"

namespace holdfast::bench {

constexpr int64_t kCallsPerDay = 1000;
constexpr int64_t kAgents = 100;
constexpr int64_t kTags = 40;
constexpr int64_t kStandardDays = 3;  // then the plain copy goes: warm and cold are left

// A number that i and `what` decide, spread evenly.
uint64_t spread(int64_t i, uint64_t what);

// What is asked for again.
std::string call_sid_of(int64_t i);
std::string order_of(int64_t i);   // a word that one recording has
std::string caller_of(int64_t i);  // some ten recordings share one
std::string tag_of(int64_t i);     // one of kTags; each recording has two
WorkspaceId agent_of(int64_t i);   // one of kAgents
UnixMillis started_at(int64_t i);
// Half of all recordings have this word.
constexpr const char* kCommonWord = "satisfied";

class Life {
 public:
  // An empty archive in `root`, which exists.
  static Result<std::unique_ptr<Life>> begin(const std::string& root);

  // The archive that an earlier run kept in `root`: to be asked, not to grow.
  static Result<std::unique_ptr<Life>> kept(const std::string& root);

  // Takes in recordings until there are `count`, a multiple of kBatch.
  Status grow(int64_t count);
  static constexpr int64_t kBatch = 1000;

  // `count` recordings more, each a command of its own as a worker sends it, kInFlight at a time;
  // gives commands per second. They are not counted by size().
  Result<double> live_rate(int64_t count);
  static constexpr int kInFlight = 64;

  int64_t size() const { return static_cast<int64_t>(numbers_.size()); }
  RecordingNo number(int64_t i) const { return numbers_[static_cast<size_t>(i)]; }
  WorkspaceNo workspace_no() const { return workspace_no_; }
  const std::string& index_path() const { return index_path_; }
  UnixMillis now() const { return clock_.now(); }

 private:
  explicit Life(const std::string& root);
  Status furnish();
  Status find_numbers();
  Result<IngestRow> row(int64_t i);
  Status add_batch();
  Status age_batch(int64_t first);
  Status pack(WriteTxn& txn, const std::vector<IngestRow>& rows, const PackId& id);
  Status archive(WriteTxn& txn, int64_t first);
  Status hold(WriteTxn& txn, const IngestRow& row);

  // The index is never replayed here.
  class NoSource final : public DecisionSource {
    Result<std::optional<IngestRow>> find_ingest(const RecordingId&, int) override;
    Result<std::optional<SealedPack>> find_pack(const PackId&, const MediumId&) override;
  };
  class Drawn final : public Random {
    void fill(MutableByteSpan out) override;
    std::atomic<int64_t> drawn_ = 0;
  };

  const std::string root_;
  const std::string index_path_;
  ManualClock clock_;
  Drawn random_;
  NoSource source_;
  WorkspaceId workspace_;
  WorkspaceNo workspace_no_;
  MediumId standard_;
  MediumId warm_;
  MediumId cold_;
  std::unique_ptr<Writer> writer_;
  std::vector<RecordingNo> numbers_;
  std::vector<PackId> packs_;  // of each kBatch recordings
  int64_t extra_ = 0;          // by live_rate()
};

}  // namespace holdfast::bench
