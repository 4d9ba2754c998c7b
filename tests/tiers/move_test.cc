// The life of a move: the whole transition table, and what failures leave behind.
#include "tiers/move.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "tests/support/seeded_random.h"

using namespace holdfast;

namespace {

constexpr UnixMillis kNow(1'790'000'000'000);
constexpr int kStates = 7;
constexpr int kEvents = 6;

MoveProgress in(MoveState state) { return MoveProgress{state, 0, std::nullopt}; }

}  // namespace

BOOST_AUTO_TEST_CASE(the_table_has_these_transitions_and_no_other) {
  const std::set<std::tuple<MoveState, MoveEvent, MoveState>> expected = {
      {MoveState::kPlanned, MoveEvent::kBegin, MoveState::kCopying},
      {MoveState::kCopying, MoveEvent::kDurable, MoveState::kCopied},
      {MoveState::kCopied, MoveEvent::kProved, MoveState::kVerified},
      {MoveState::kVerified, MoveEvent::kSwitch, MoveState::kSwitched},
      {MoveState::kSwitched, MoveEvent::kRemove, MoveState::kReleased},
      {MoveState::kFailed, MoveEvent::kRetry, MoveState::kPlanned},
  };
  std::set<std::tuple<MoveState, MoveEvent, MoveState>> found;
  for (int state = 0; state < kStates; ++state)
    for (int event = 0; event < kEvents; ++event) {
      const auto from = static_cast<MoveState>(state);
      const auto by = static_cast<MoveEvent>(event);
      if (const auto to = next_state(from, by)) found.insert({from, by, *to});
      BOOST_TEST(advance(in(from), by).ok() == next_state(from, by).has_value());
    }
  BOOST_TEST((found == expected));
}

BOOST_AUTO_TEST_CASE(p2_the_source_may_go_after_the_switch_only) {
  for (int state = 0; state < kStates; ++state) {
    const auto at = static_cast<MoveState>(state);
    BOOST_TEST(may_remove_source(at) == (at == MoveState::kSwitched));
  }
}

BOOST_AUTO_TEST_CASE(p2_a_read_from_the_page_cache_proves_nothing) {
  BOOST_TEST(!advance_proved(in(MoveState::kCopied), VerifyMode::kNone).ok());
  for (const VerifyMode mode : {VerifyMode::kDirect, VerifyMode::kDropped})
    BOOST_TEST((advance_proved(in(MoveState::kCopied), mode)->state == MoveState::kVerified));
  BOOST_TEST(!advance_proved(in(MoveState::kCopying), VerifyMode::kDirect).ok());
}

BOOST_AUTO_TEST_CASE(a_failure_keeps_what_is_durable) {
  const auto after = [](MoveState state, Code code) {
    return after_failure(in(state), code, kNow).state;
  };
  BOOST_TEST((after(MoveState::kPlanned, Code::kIo) == MoveState::kFailed));
  BOOST_TEST((after(MoveState::kCopying, Code::kNoSpace) == MoveState::kFailed));
  BOOST_TEST((after(MoveState::kCopied, Code::kUnavailable) == MoveState::kCopied));
  BOOST_TEST((after(MoveState::kCopied, Code::kCorrupt) == MoveState::kFailed));
  BOOST_TEST((after(MoveState::kVerified, Code::kUnavailable) == MoveState::kVerified));
  for (const Code code : {Code::kIo, Code::kCorrupt, Code::kInvalid, Code::kLocked})
    BOOST_TEST((after(MoveState::kSwitched, code) == MoveState::kSwitched));
}

BOOST_AUTO_TEST_CASE(tries_back_off_with_a_cap_and_stay_visible) {
  MoveProgress progress = in(MoveState::kCopying);
  int64_t last = 0;
  for (int attempt = 1; attempt <= 20; ++attempt) {
    progress = after_failure(progress, Code::kIo, kNow);
    BOOST_TEST(progress.attempts == attempt);
    const int64_t wait = (*progress.next_try_at - kNow).count;
    BOOST_TEST(wait >= last);
    BOOST_TEST(wait <= minutes(int64_t{1} << limits::kMoveAttemptsBackoffCap).count);
    BOOST_TEST(!may_try(progress, *progress.next_try_at - Millis(1)));
    BOOST_TEST(may_try(progress, *progress.next_try_at));
    last = wait;
    // The same failure once more: retried and begun anew, the attempts are not forgotten.
    progress = advance(progress, MoveEvent::kRetry).value();
    progress = advance(progress, MoveEvent::kBegin).value();
    BOOST_TEST(progress.attempts == attempt);
  }
  BOOST_TEST(backoff(1).count == minutes(2).count);
  progress = advance(progress, MoveEvent::kDurable).value();
  BOOST_TEST(progress.attempts == 0);
  BOOST_TEST(may_try(progress, kNow));
}

BOOST_AUTO_TEST_CASE(what_no_retry_helps_waits_for_a_person) {
  const MoveProgress failed = after_failure(in(MoveState::kPlanned), Code::kLocked, kNow);
  BOOST_TEST(!failed.next_try_at.has_value());
  BOOST_TEST(!may_try(failed, kNow + days(365)));
  BOOST_TEST(!may_try(in(MoveState::kReleased), kNow));
}

// Random walks: whatever happens, no source goes before a proof, and nothing goes back after the
// switch.
BOOST_AUTO_TEST_CASE(p2_no_walk_removes_a_source_before_its_successors_proof) {
  SeededRandom random;
  int released = 0;
  for (int walk = 0; walk < 3000; ++walk) {
    MoveProgress progress;
    bool durable = false;
    bool proved = false;
    bool switched = false;
    for (int step = 0; step < 60 && progress.state != MoveState::kReleased; ++step) {
      if (random.below(3) == 0) {
        const auto code = static_cast<Code>(random.below(13));
        progress = after_failure(progress, code, kNow);
        if (progress.state == MoveState::kFailed) durable = proved = false;
        BOOST_TEST((!switched || progress.state == MoveState::kSwitched));
        continue;
      }
      const auto event = static_cast<MoveEvent>(random.below(kEvents));
      const auto next = advance(progress, event);
      if (!next.ok()) continue;
      if (event == MoveEvent::kDurable) durable = true;
      if (event == MoveEvent::kProved) proved = durable;
      if (event == MoveEvent::kSwitch) switched = true;
      if (event == MoveEvent::kRemove) BOOST_TEST((durable && proved && switched));
      progress = *next;
    }
    released += progress.state == MoveState::kReleased;
  }
  BOOST_TEST(released > 50);
}
