#include "base/clock.h"
#include "ledger/chain.h"

namespace holdfast {

Batch::Batch(const Clock& clock, int64_t last_n, const Digest& head) : clock_(clock) {
  restart(last_n, head);
}

void Batch::restart(int64_t last_n, const Digest& head) {
  base_n_ = last_n_ = last_n;
  base_head_ = head_ = head;
  text_.clear();
  weakening_ = false;
}

Result<int64_t> Batch::stage(const LineDraft& draft) {
  if (text_.empty()) time_ = clock_.now();
  HOLDFAST_ASSIGN(line, format_line(draft, last_n_ + 1, time_, head_));
  ++last_n_;
  head_ = sha256(line);
  text_ += line;
  text_ += '\n';
  weakening_ = weakening_ || draft.weight == Weight::kWeakening;
  return last_n_;
}

}  // namespace holdfast
