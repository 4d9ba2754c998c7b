// Faults for tests: "fault at point n for n = 0, 1, 2 … until none fires".
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "io/fault.h"

namespace holdfast {

// Lets `n` points pass and fails the next one; with `and_all_after`, those after it too.
class FaultAt final : public Faults {
 public:
  explicit FaultAt(int n, bool and_all_after = false, int error_number = EIO)
      : n_(n), and_all_after_(and_all_after), error_number_(error_number) {}

  Status at(std::string_view point) override {
    const int here = count_++;
    if (here != n_ && !(and_all_after_ && here > n_)) return {};
    fired_ = true;
    if (here == n_) fired_at_ = std::string(point);
    return system_error(error_number_, "injected fault at point " + std::to_string(here) + ", " +
                                           std::string(point));
  }
  // Half of a refused write reaches the file, when asked for.
  size_t torn_bytes(size_t length) override { return tear_ ? length / 2 : 0; }

  void tear_writes() { tear_ = true; }
  bool fired() const { return fired_; }
  const std::string& fired_at() const { return fired_at_; }

 private:
  int n_;
  bool and_all_after_;
  int error_number_;
  int count_ = 0;
  bool tear_ = false;
  bool fired_ = false;
  std::string fired_at_;
};

// Every operation of one name fails.
class EachFails final : public Faults {
 public:
  explicit EachFails(std::string_view point, int error_number = EIO)
      : point_(point), error_number_(error_number) {}
  Status at(std::string_view point) override {
    return point == point_ ? Status(system_error(error_number_, "injected")) : Status();
  }

 private:
  const std::string point_;
  const int error_number_;
};

// The `n`-th operation of one name fails, with EIO; 0 is the first.
class NthFails final : public Faults {
 public:
  NthFails(std::string_view point, int n) : point_(point), left_(n) {}
  Status at(std::string_view point) override {
    if (point != point_ || left_-- != 0) return {};
    return system_error(EIO, "injected");
  }
  bool fired() const { return left_ < 0; }

 private:
  const std::string point_;
  int left_;
};

// Of reads and writes every second is short and every third interrupted: nothing fails by it.
class Disturbing final : public Faults {
 public:
  Status at(std::string_view) override { return {}; }
  size_t transfer_of(size_t length) override {
    return ++transfers_ % 2 == 0 ? length : length / 2 + 1;
  }
  bool interrupts() override { return ++completions_ % 3 == 0; }
  int64_t transfers() const { return transfers_; }

 private:
  int64_t transfers_ = 0;
  int64_t completions_ = 0;
};

// A hook that can be put into an Io at its opening and aimed later. Thread rule: any thread; what
// it is aimed at is asked by one at a time.
class AimedFaults final : public Faults {
 public:
  Status at(std::string_view point) override {
    std::lock_guard lock(mutex_);
    ++points_;
    return target_ == nullptr ? Status() : target_->at(point);
  }
  size_t torn_bytes(size_t length) override {
    std::lock_guard lock(mutex_);
    return target_ == nullptr ? 0 : target_->torn_bytes(length);
  }
  size_t transfer_of(size_t length) override {
    std::lock_guard lock(mutex_);
    return target_ == nullptr ? length : target_->transfer_of(length);
  }
  bool interrupts() override {
    std::lock_guard lock(mutex_);
    return target_ != nullptr && target_->interrupts();
  }
  // nullptr: at none.
  void aim(Faults* target) {
    std::lock_guard lock(mutex_);
    target_ = target;
  }
  int points() const { return points_; }  // that were passed

 private:
  std::mutex mutex_;
  Faults* target_ = nullptr;
  std::atomic<int> points_{0};
};

}  // namespace holdfast
