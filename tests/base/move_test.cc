// The life of a move: the whole transition table, and what failures leave behind.
#include "base/move.h"

#include <algorithm>
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
      const bool is_there = std::any_of(expected.begin(), expected.end(), [&](const auto& one) {
        return std::get<1>(one) == by && std::get<2>(one) == from;
      });
      BOOST_TEST(advance(in(from), by).ok() == (is_there || next_state(from, by).has_value()));
      if (is_there) BOOST_TEST((*advance(in(from), by) == in(from)));  // the answer was lost
    }
  BOOST_TEST((found == expected));
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
    last = wait;
    // The same failure once more: retried and begun anew, the attempts are not forgotten.
    progress = advance(progress, MoveEvent::kRetry).value();
    progress = advance(progress, MoveEvent::kBegin).value();
    BOOST_TEST(progress.attempts == attempt);
  }
  BOOST_TEST(backoff(1).count == minutes(2).count);
  // Durable is no proof: a medium that gives back other bytes is not asked every two minutes.
  progress = advance(progress, MoveEvent::kDurable).value();
  BOOST_TEST(progress.attempts == 20);
  progress = advance(progress, MoveEvent::kProved).value();
  BOOST_TEST((progress == in(MoveState::kVerified)));
}

BOOST_AUTO_TEST_CASE(what_no_retry_helps_waits_for_a_person) {
  const MoveProgress failed = after_failure(in(MoveState::kPlanned), Code::kLocked, kNow);
  BOOST_TEST(!failed.next_try_at.has_value());
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
      if (!next.ok() || next->state == progress.state) continue;
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
