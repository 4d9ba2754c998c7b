// The configuration in force. It is read from here at each use, so that a reload takes effect
// without anybody being told.
//
//   first ──replace──▶ next ──replace──▶ …
//
// Invariants
// - What config() and policy() give is immutable, whole (never half of two files), and lives as
// long
//   as this: a reference that somebody keeps over a reload is old, never dangling. A reload so
//   costs a few KiB until the next start; a file that says the same is none.
// - Who decides several things that must agree keeps the reference, and decides all by it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/config.h"
#include "tiers/policy.h"

namespace holdfast {

// Thread rule: any thread.
class LiveConfig {
 public:
  explicit LiveConfig(Config first) { replace(std::move(first)); }
  LiveConfig(const LiveConfig&) = delete;
  LiveConfig& operator=(const LiveConfig&) = delete;

  const Config& config() const { return now_.load(std::memory_order_acquire)->config; }
  const PolicySettings& policy() const { return now_.load(std::memory_order_acquire)->policy; }

  void replace(Config next) {
    auto snapshot = std::make_unique<Snapshot>();
    snapshot->policy = policy_settings(next);
    snapshot->config = std::move(next);
    std::lock_guard lock(mutex_);
    all_.push_back(std::move(snapshot));
    now_.store(all_.back().get(), std::memory_order_release);
  }

 private:
  struct Snapshot {
    Config config;
    PolicySettings policy;
  };

  std::atomic<const Snapshot*> now_{nullptr};
  std::mutex mutex_;
  std::vector<std::unique_ptr<const Snapshot>> all_;
};

}  // namespace holdfast
