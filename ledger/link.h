// How a line of a chain must follow from the one before it.
#pragma once

#include <optional>
#include <string>

#include "ledger/line.h"

namespace holdfast {

class LinkChecker {
 public:
  // The first line checked begins the chain, or what is kept of it.
  LinkChecker() = default;
  // The first line checked follows line `last_n`.
  LinkChecker(int64_t last_n, const Digest& head) : last_n_(last_n), head_(head), begun_(true) {}

  enum class Verdict {
    kFits,
    kGap,     // at the beginning of a segment: lines between are missing
    kBroken,  // see reason()
  };
  // kFits and kGap take the line as the last one.
  Verdict check(const Line& line, int64_t segment_first_n, bool first_of_segment);

  bool begun() const { return begun_; }
  int64_t last_n() const { return last_n_; }
  const Digest& head() const { return head_; }
  const std::string& reason() const { return reason_; }

 private:
  Verdict broken(std::string reason);

  int64_t last_n_ = 0;
  Digest head_;
  bool begun_ = false;
  std::string reason_;
};

}  // namespace holdfast
