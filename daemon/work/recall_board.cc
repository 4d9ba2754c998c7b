#include "daemon/work/recall_board.h"

namespace holdfast {

void RecallBoard::begin_batch(Tier tier, std::vector<RestoreId> order, uint64_t next_turn) {
  std::lock_guard lock(mutex_);
  lanes_[static_cast<size_t>(tier)] = Lane{std::move(order), next_turn};
}

void RecallBoard::end_batch(Tier tier) {
  std::lock_guard lock(mutex_);
  lanes_[static_cast<size_t>(tier)].batch.clear();
}

RecallBoard::Lane RecallBoard::lane(Tier tier) const {
  std::lock_guard lock(mutex_);
  return lanes_[static_cast<size_t>(tier)];
}

void RecallBoard::begin(const RestoreId& restore, Bytes total) {
  std::lock_guard lock(mutex_);
  reading_[restore] = Progress{Bytes(0), total};
}

void RecallBoard::add(const RestoreId& restore, Bytes bytes) {
  std::lock_guard lock(mutex_);
  const auto found = reading_.find(restore);
  if (found != reading_.end()) found->second.done += bytes;
}

void RecallBoard::end(const RestoreId& restore) {
  std::lock_guard lock(mutex_);
  reading_.erase(restore);
}

std::optional<RecallBoard::Progress> RecallBoard::progress(const RestoreId& restore) const {
  std::lock_guard lock(mutex_);
  const auto found = reading_.find(restore);
  if (found == reading_.end()) return std::nullopt;
  return found->second;
}

void RecallBoard::set_away(const MediumId& medium, AwayMedium away) {
  std::lock_guard lock(mutex_);
  away_[medium] = std::move(away);
}

AwayMedia RecallBoard::away(UnixMillis now) const {
  std::lock_guard lock(mutex_);
  AwayMedia away;
  for (const auto& one : away_)
    if (one.second.until > now) away.insert(one);
  return away;
}

}  // namespace holdfast
