// Ingest: the one way in. Spool, HTTP and `holdfast put` all end here.
//
//   begin ──files──▶ draft in .incoming ──accept──▶ checked ──finish──▶ durable
//     ──commit──▶ acknowledged (row and line); placing.h brings it into its place
//
// Invariants
// - accept() answers success only when data, directory entries, row and line
//   are durable (P1).
// - The same call with the same bytes is "unchanged"; a known name with other
//   bytes is a conflict; new names are the next part, whatever tier the first part is on.
// - A part is judged by itself: by its own metadata (metadata.json of the first, metadata.<k>.json
//   of a later one) and flagged for its own faults.
// - Parts are added to one recording one after another (Turns): a part's files are
//   named after its number.
// - A draft whose commit has an unknown outcome stays in .incoming, and so does one that nobody
//   could clear away: the next turn of incoming.h finds the row, adopts or discards it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/metadata.h"
#include "index/commands/ingest.h"

namespace holdfast {

struct IngestRequest {
  WorkspaceId workspace;
  std::string call_sid;  // what the way in says it is; empty: metadata.json says
  std::string who;       // "key:<id>", "uid:<n>", "spool"
};

// What became of a draft.
struct Ingested {
  IngestVerdict verdict = IngestVerdict::kNew;  // kNew, kSame or kNextPart
  RecordingId recording;
  RecordingNo recording_no;
  std::string call_sid;
  int part = 1;
  std::vector<FileRow> files;  // all that were offered, each with its part; for kSame all there are
  int32_t flags = 0;
};

// One recording being received. Thread rule: one thread at a time.
class IngestDraft {
 public:
  IngestDraft(IngestRequest request, PartWriter writer, LiveParts::Live live)
      : request_(std::move(request)), writer_(std::move(writer)), live_(std::move(live)) {}

  const IngestRequest& request() const { return request_; }
  PartWriter& writer() { return writer_; }
  // A way in that learns the call_sid only with the last bytes.
  void set_call_sid(std::string call_sid) { request_.call_sid = std::move(call_sid); }

  // The writer has been asked: from here on an error may mean that the outcome is unknown.
  void set_committing() { committing_ = true; }
  bool is_committing() const { return committing_; }

 private:
  IngestRequest request_;
  PartWriter writer_;
  LiveParts::Live live_;  // as long as the draft is, nobody settles its files
  bool committing_ = false;
};

class Ingest {
 public:
  explicit Ingest(const Archive& archive) : archive_(archive) {}

  // A new draft in .incoming. kNoSpace when there is no room(), and, told as "standard-full: …",
  // when the standard tier is over its full mark and nothing may leave it, or as "over-quota: …"
  // when the workspace keeps what it may (known for certain at accept() alone); kUnavailable when
  // the standard medium is offline.
  Result<std::unique_ptr<IngestDraft>> begin(Io& io, IngestRequest request);

  // kNoSpace unless `wanted` bytes more may come in: what is left of the state directory's disk is
  // for decisions. Asked now and then while files are received.
  Status room(Bytes wanted = Bytes(0)) {
    const bool is_written_there = archive_.standard_root.is_beside(archive_.reserve);
    return archive_.reserve.room(is_written_there ? wanted : Bytes(0));
  }

  // Judges the draft's files and makes them durable. kInvalid (nothing of it is
  // kept), kConflict (other bytes, erased), kNoSpace, kUnavailable (try again).
  // The draft is gone afterwards, whatever the outcome.
  Result<Ingested> accept(Io& io, std::unique_ptr<IngestDraft> draft);

  // Removes what was received so far.
  Status abandon(Io& io, std::unique_ptr<IngestDraft> draft);

  // A complete entry of .incoming that no row speaks of: acknowledged after all. It goes when its
  // call is there already by other files; when the row turns out to be its own it is left to be
  // placed.
  Status adopt(Io& io, const RecordingDescription& description);

 private:
  struct Judged;
  void count(const std::string& who, const Result<Ingested>& outcome);
  Status can_decide();
  Status room_on_standard(Io& io);
  Status room_in_quota(const IngestRequest& request);
  Millis copy_after(const WorkspaceId& workspace) const;
  Result<Judged> judge(Io& io, IngestDraft& draft);
  Result<RecordingDescription> describe_later(Io& io, IngestDraft& draft, const Recording& known,
                                              int part, const Judged& judged);
  Result<std::optional<Recording>> find_known(const WorkspaceId& workspace,
                                              const std::string& call_sid);
  Result<Ingested> commit(Io& io, IngestDraft& draft, Judged judged);
  Result<Ingested> commit_to_known(Io& io, IngestDraft& draft, RecordingNo known, Judged judged);
  Result<Ingested> commit_first(Io& io, IngestDraft& draft, Judged judged);
  Status settle_earlier_try(Io& io, const Recording& known, int part);
  Result<Ingested> commit_next_part(Io& io, IngestDraft& draft, const Recording& known,
                                    Judged judged);
  Status commit_row(Io& io, IngestRow row, const std::string& who, std::optional<Bytes> quota,
                    Ingested& outcome);

  Archive archive_;
};

}  // namespace holdfast
