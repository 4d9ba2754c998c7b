#include "daemon/work/chain_check.h"

namespace holdfast {

ChainCheck::~ChainCheck() {
  stop();
  if (thread_.joinable()) thread_.join();
}

std::optional<int64_t> ChainCheck::start(Done done) {
  {
    std::lock_guard lock(mutex_);
    if (running_ || stopped_) return std::nullopt;
    running_ = true;
    ++last_;
  }
  thread_ = std::thread([this, number = last_, done = std::move(done)] { done(check(number)); });
  return last_;
}

void ChainCheck::settle() {
  if (thread_.joinable()) thread_.join();
  std::lock_guard lock(mutex_);
  running_ = false;
}

void ChainCheck::cancel(int64_t number) {
  std::lock_guard lock(mutex_);
  if (running_ && number == last_) cancelled_ = number;
}

void ChainCheck::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  cancelled_ = last_;
}

Result<ChainReports> ChainCheck::check(int64_t number) {
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_ASSIGN(ledger, writer_.view_ledger());
  const LineVisitor go_on = [&](const Line&) -> Result<bool> {
    if (cancelled_ >= number) return Error{Code::kUnavailable, "the check was stopped"};
    return true;
  };
  ChainReports reports;
  HOLDFAST_ASSIGN(decisions,
                  verify_chain(*io, ledger.decisions.get(), go_on, ledger.decisions_end));
  reports.decisions = std::move(decisions);
  HOLDFAST_ASSIGN(access, verify_chain(*io, ledger.access.get(), go_on, ledger.access_end));
  reports.access = std::move(access);
  return reports;
}

}  // namespace holdfast
