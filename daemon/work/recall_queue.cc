#include "daemon/work/recall_queue.h"

#include <algorithm>
#include <tuple>

#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast {
namespace {

// An older plain copy is still going away: a staged one cannot stand there yet.
bool is_being_removed(const Recording& recording, const MediumId& standard) {
  return std::any_of(recording.copies.begin(), recording.copies.end(), [&](const CopyRow& copy) {
    return copy.medium == standard && !copy.pack && copy.state == CopyState::kReleasing;
  });
}

}  // namespace

const CopyRow* best_pack_copy(const Recording& recording, int part, const AwayMedia& away) {
  const CopyRow* best = nullptr;
  for (const CopyRow& copy : recording.copies) {
    const bool usable = copy.part == part && copy.pack && copy.audio && copy.metadata &&
                        (copy.state == CopyState::kVerified || copy.state == CopyState::kCopied) &&
                        copy.medium_state != MediumState::kLost &&
                        copy.medium_state != MediumState::kRetired;
    if (!usable) continue;
    const auto rank = [&](const CopyRow& c) {
      return std::tuple(away.contains(c.medium), c.medium_state == MediumState::kOffline, c.tier);
    };
    if (best == nullptr || rank(copy) < rank(*best)) best = &copy;
  }
  return best;
}

bool has_plain_copy(const Recording& recording, int part, const MediumId& standard) {
  for (const CopyRow& copy : recording.copies)
    if (copy.part == part && copy.medium == standard && !copy.pack &&
        (copy.state == CopyState::kCopied || copy.state == CopyState::kVerified ||
         copy.state == CopyState::kStaged))
      return true;
  return false;
}

int first_archived_part(const Recording& recording, const MediumId& standard) {
  for (const PartRow& part : recording.part_rows)
    if (!has_plain_copy(recording, part.part, standard)) return part.part;
  return 0;
}

Result<std::vector<RestoreRow>> RecallQueue::look(Database& index) {
  HOLDFAST_ASSIGN(rows, recalls_under_way(index, tier_, kUnderWay));
  // They come first, and alone: they have their room, which one that leads them might wait for.
  if (!rows.empty()) return rows;
  ReadyShare share;
  share.begin_with = begin_with_;
  HOLDFAST_ASSIGN(ready, ready_restores(index, tier_, archive_.clock.now(), share));
  begin_with_ = ready.go_on_with;
  return std::move(ready.rows);
}

void RecallQueue::place(const RestoreRow& row, const std::optional<Recording>& recording,
                        const AwayMedia& away, Findings& findings) {
  QueuedRecall recall;
  recall.restore = row.restore;
  recall.recording = row.recording_no;
  recall.tier = row.tier;
  recall.priority = row.priority;
  recall.requested_at = row.requested_at;
  recall.workspace = row.workspace;
  // A recording that is gone, or has no good copy, is told so by whoever tries to recall it.
  const CopyRow* copy = nullptr;
  if (recording) {
    if (row.state == RestoreState::kQueued &&
        is_being_removed(*recording, archive_.standard_medium())) {
      findings.behind_removals.push_back(row.restore);
      return;
    }
    const int part = first_archived_part(*recording, archive_.standard_medium());
    copy = best_pack_copy(*recording, std::max(1, part), away);
  }
  if (copy != nullptr) {
    if (copy->tier != row.tier || copy->medium != row.medium || copy->pack != row.pack)
      findings.moved.push_back({row.restore, copy->tier, copy->medium, *copy->pack});
    if (copy->tier != tier_) return;
    // Of one that is being recalled only who recalls it may say so.
    if (row.state == RestoreState::kQueued && away.contains(copy->medium)) {
      findings.behind_media[copy->medium].push_back(row.restore);
      return;
    }
    // What is under way has its space already.
    if (row.state == RestoreState::kQueued) recall.staged = row.bytes;
    recall.medium = copy->medium;
    recall.pack = *copy->pack;
    recall.location = copy->location;
    recall.offset = copy->audio->offset;
    recall.length = copy->audio->length;
  }
  findings.waiting.push_back(std::move(recall));
}

Status RecallQueue::put_right(Findings findings, const AwayMedia& away) {
  if (!findings.moved.empty())
    HOLDFAST_TRY(archive_.writer.call(move_restores(std::move(findings.moved))));
  // A removal takes a moment.
  if (!findings.behind_removals.empty())
    HOLDFAST_TRY(archive_.writer.call(
        restores_wait(std::move(findings.behind_removals),
                      "an older copy on the standard tier is still being removed",
                      archive_.clock.now() + seconds(10))));
  for (auto& [medium, restores] : findings.behind_media)
    HOLDFAST_TRY(archive_.writer.call(
        restores_wait(std::move(restores), away.at(medium).why, away.at(medium).until)));
  return {};
}

Result<RecallBatch> RecallQueue::next(Bytes room) {
  for (;;) {
    const AwayMedia away = archive_.recalls.away(archive_.clock.now());
    Findings findings;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(rows, look(*index));
      for (const RestoreRow& row : rows) {
        HOLDFAST_ASSIGN(recording, find_recording(*index, row.recording_no));
        place(row, recording, away, findings);
      }
    }
    // Those that wait for a medium, or went over to the other lane, hid others from this look.
    const bool again =
        findings.waiting.empty() && (!findings.behind_media.empty() || !findings.moved.empty());
    BatchBounds bounds;
    bounds.room = room;
    RecallBatch batch = next_batch(findings.waiting, bounds, {}, turn_);
    HOLDFAST_TRY(put_right(std::move(findings), away));
    if (again) continue;
    // A leader that waits for room leads again.
    if (!batch.waits_for_room) ++turn_;
    return batch;
  }
}

}  // namespace holdfast
