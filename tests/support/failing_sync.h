// A disk on which one fsync fails.
#pragma once

#include <cerrno>
#include <string_view>

#include "io/fault.h"

namespace holdfast {

// The nth sync of a file or directory fails, from 0; nothing else does.
class FailingSync final : public Faults {
 public:
  explicit FailingSync(int n) : left_(n) {}
  Status at(std::string_view point) override {
    if (point != "fsync" || left_-- != 0) return {};
    return system_error(EIO, "injected");
  }
  bool fired() const { return left_ < 0; }

 private:
  int left_;
};

}  // namespace holdfast
