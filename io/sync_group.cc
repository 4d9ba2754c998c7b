#include "io/sync_group.h"

#include <utility>

namespace holdfast {

SyncGroup::~SyncGroup() { static_cast<void>(wait()); }

void SyncGroup::add(int fd, std::string object) {
  start(RingOperation::Kind::kSync, fd, std::move(object));
}

void SyncGroup::add_data(int fd, std::string object) {
  start(RingOperation::Kind::kSyncData, fd, std::move(object));
}

void SyncGroup::start(RingOperation::Kind kind, int fd, std::string object) {
  Sync& sync = syncs_.emplace_back();
  sync.operation.kind = kind;
  sync.operation.fd = fd;
  sync.object = std::move(object);
  io_.start(sync.operation);
}

Status SyncGroup::wait() {
  Status first;
  for (Sync& sync : syncs_) {
    Status done = io_.wait_for_sync(sync.operation, sync.object);
    if (first.ok()) first = std::move(done);
  }
  if (first.ok() && !syncs_.empty())
    first = io_.prove_alive(syncs_.back().operation.fd, syncs_.back().object);
  syncs_.clear();
  return first;
}

}  // namespace holdfast
