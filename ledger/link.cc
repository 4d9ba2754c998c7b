#include "ledger/link.h"

#include <utility>

namespace holdfast {

LinkChecker::Verdict LinkChecker::broken(std::string reason) {
  reason_ = std::move(reason);
  return Verdict::kBroken;
}

LinkChecker::Verdict LinkChecker::check(const Line& line, int64_t segment_first_n,
                                        bool first_of_segment) {
  const Result<std::optional<Void>> voided = void_of(line);
  if (!voided.ok()) return broken(voided.error().message);
  const std::string name = "line " + std::to_string(line.n);
  if (first_of_segment && line.n != segment_first_n)
    return broken(name + " begins a segment of another name");
  if (*voided && !first_of_segment) return broken(name + " voids, and begins no segment");
  // The number that this line must follow: a voiding line takes those it voids with it.
  const int64_t follows = *voided ? (*voided)->from - 1 : line.n - 1;
  const bool begins = follows == 0;
  Verdict verdict = Verdict::kFits;
  if (begun_ || begins) {
    if (follows < last_n_) return broken(name + " comes after line " + std::to_string(last_n_));
    if (follows == last_n_ && line.previous != head_)
      return broken(name + ": p is not the digest of the line before");
    if (follows > last_n_ && !first_of_segment)
      return broken(name + " comes after line " + std::to_string(last_n_));
    if (follows > last_n_) verdict = Verdict::kGap;
  }
  begun_ = true;
  last_n_ = line.n;
  head_ = line.digest;
  return verdict;
}

}  // namespace holdfast
