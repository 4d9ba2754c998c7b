#include "daemon/api/overview.h"

#include <filesystem>

#include "base/limits.h"
#include "index/read/repairs.h"
#include "ledger/ledger.h"

namespace holdfast::api {
namespace {

// Entries of spool/rejected/<workspace>/.
int64_t count_rejected(const std::string& spool) {
  namespace fs = std::filesystem;
  int64_t count = 0;
  std::error_code error;
  for (fs::directory_iterator workspace(spool + "/rejected", error), end;
       !error && workspace != end; workspace.increment(error)) {
    std::error_code inner;
    for (fs::directory_iterator entry(workspace->path(), inner); !inner && entry != end;
         entry.increment(inner))
      if (++count == kRejectedSeenMax) return count;
  }
  return count;
}

Result<SeenScrub> look_at_scrub(Database& index, const std::vector<SeenMedium>& media,
                                UnixMillis due_before) {
  SeenScrub seen;
  for (const SeenMedium& medium : media) {
    if (!medium.is_own) continue;
    HOLDFAST_ASSIGN(oldest, oldest_unverified(index, medium.row.medium));
    seen.oldest[medium.row.medium] = oldest;
    HOLDFAST_ASSIGN(backlog,
                    count_to_scrub(index, medium.row.medium, due_before, limits::kScrubBacklogMax));
    seen.backlog[medium.row.medium] = backlog;
  }
  HOLDFAST_ASSIGN(unrepaired, count_unrepaired(index));
  seen.unrepaired = unrepaired;
  return seen;
}

}  // namespace

Result<Overview> look_around(Io& io, const Archive& archive) {
  Overview seen;
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(summary, status_summary(*index, std::nullopt));
    seen.summary = summary;
    HOLDFAST_ASSIGN(recovery, recovery_state(*index));
    seen.recovery = recovery;
    HOLDFAST_ASSIGN(expiry, look_at_expiry(archive, *index));
    seen.expiry = std::move(expiry);
  }
  HOLDFAST_ASSIGN(media, look_at_media(io, archive));
  seen.media = std::move(media);
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(scrub, look_at_scrub(*index, seen.media,
                                         archive.clock.now() - archive.config().scrub.every));
    seen.scrub = std::move(scrub);
  }
  HOLDFAST_ASSIGN(ledger, archive.writer.view_ledger());
  seen.ledger = ledger.state;
  seen.decisions_last = ledger.decisions_end.last_n;
  seen.access_last = ledger.access_end.last_n;
  seen.rejected = count_rejected(archive.config().spool_dir);
  seen.left_incoming = archive.left_parts.all();
  seen.left_in_trash = archive.left_in_trash.all();
  const Status room = archive.reserve.room(Bytes(0));
  seen.state_disk_is_full = !room.ok() && room.error().code == Code::kNoSpace;
  return seen;
}

std::string_view word(LedgerState state) {
  switch (state) {
    case LedgerState::kReady:
      return "in step";
    case LedgerState::kGap:
      return "decisions missing";
    case LedgerState::kBehind:
      return "behind";
    case LedgerState::kUnknown:
      return "unknown outcome";
    case LedgerState::kForked:
      return "forked";
  }
  return "unknown";
}

}  // namespace holdfast::api
