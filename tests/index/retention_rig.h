// An archive with a compliance clock and what its tests of retention and expiry ask of it.
#pragma once

#include <string>

#include "index/commands/clock.h"
#include "index/commands/expiry.h"
#include "index/commands/retention.h"
#include "tests/index/archive.h"

namespace holdfast {

struct RetentionRig : Archive {
  RetentionRig() {
    furnish();
    must(writer->call(begin_clock("system")));
  }
  RetentionClassRow set(const std::string& name, const std::string& keep,
                        RetentionMode mode = RetentionMode::kGovernance) {
    SetRetentionClass wish;
    wish.name = name;
    wish.rule = {mode, RetentionEvent::kCallEnd, *parse_period(keep)};
    wish.who = "uid:0";
    return must(writer->call(set_retention_class(wish)));
  }
  Result<Retained> assign(const IngestRow& row, std::optional<std::string> name,
                          bool bypass = false) {
    AssignRetention wish;
    wish.recording = row.recording_no;
    wish.name = std::move(name);
    wish.bypass = bypass;
    if (bypass) wish.reason = "consent was withdrawn";
    wish.who = "uid:0";
    return writer->call(assign_retention(wish));
  }
  // Both clocks go on, and the compliance clock is kept.
  void pass(Millis length) {
    clock.advance(length);
    const ClockRow row = must(find_clock(*index)).value();
    ComplianceState state = row.state;
    state.now = state.system = clock.now();
    BOOST_TEST(must(writer->call(keep_clock(state, row.epoch))));
  }
  Expired expire(int64_t most = 100, ExpiryBreaker breaker = {2, 10'000}) {
    ExpireDue request;
    request.most = most;
    request.breaker = breaker;
    request.due = due = must(count_due(*index, clock.now(), request));
    return must(writer->call(expire_due(request)));
  }
  int64_t due = 0;  // as it was counted last
  int64_t condemned() { return count("SELECT count(*) FROM recording WHERE state = 2"); }
};

inline std::string where(const IngestRow& row) {
  return " WHERE recording_no = " + std::to_string(row.recording_no.value);
}

}  // namespace holdfast
