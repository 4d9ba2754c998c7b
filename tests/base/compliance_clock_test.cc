// P9: a clock that no system clock can make run ahead, whatever happens and however often.
#include "base/compliance_clock.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <optional>

#include "base/limits.h"
#include "base/time_text.h"
#include "tests/support/seeded_random.h"

using namespace holdfast;

namespace {

constexpr UnixMillis kStart{1'790'000'000'000};
constexpr int64_t kCredit = limits::kClockCreditMs;

// The machine: its clocks, and the compliance clock of a process that comes and goes.
struct Machine {
  ManualClock clock{kStart};
  ComplianceState kept = compliance_from(kStart);
  std::optional<ComplianceClock> running;

  void start() { running.emplace(clock, kept); }
  void keep() { kept = running->state(); }
  // Dies; what it kept last stands.
  void die() { running.reset(); }
  void run(Millis length, Millis step = minutes(1)) {
    for (int64_t left = length.count; left > 0; left -= step.count) {
      clock.advance(Millis(std::min(left, step.count)));
      running->tick();
    }
    keep();
  }
  // Off: the system clock goes on, and nobody counts.
  void off(Millis length) {
    keep();
    die();
    clock.advance(length);
  }
  UnixMillis now() const { return running->state().now; }
  bool stands() const { return running->state().stopped_at.has_value(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(P9_compliance_clock)

BOOST_AUTO_TEST_CASE(P9_it_goes_with_the_system_clock) {
  Machine machine;
  machine.start();
  machine.run(days(3));
  BOOST_TEST((machine.now() == machine.clock.now()));
  BOOST_TEST(!machine.stands());
}

BOOST_AUTO_TEST_CASE(P9_after_a_short_absence_it_catches_up_at_once) {
  Machine machine;
  machine.start();
  machine.run(hours(1));
  machine.off(minutes(15));
  machine.start();
  BOOST_TEST((machine.now() == machine.clock.now()));
}

BOOST_AUTO_TEST_CASE(P9_after_a_long_one_it_gains_a_hundredth_of_run_time) {
  Machine machine;
  machine.start();
  machine.run(hours(1));
  machine.off(days(2));
  machine.start();
  const int64_t behind = days(2).count - kCredit;
  BOOST_TEST((machine.clock.now() - machine.now()).count == behind);
  machine.run(hours(10));
  BOOST_TEST((machine.clock.now() - machine.now()).count == behind - hours(10).count / 100);
  BOOST_TEST(!machine.stands());
}

// Each restart gives it no more than it has earned since the last.
BOOST_AUTO_TEST_CASE(P9_restarts_do_not_add_up) {
  Machine machine;
  machine.clock.jump_to(kStart + days(3650));
  for (int i = 0; i < 10'000; ++i) {
    machine.start();
    machine.run(seconds(1));
    machine.die();
  }
  const int64_t ran = 10'000 * 1000;
  BOOST_TEST((machine.kept.now - kStart).count <= ran + ran / 100 + kCredit);
}

BOOST_AUTO_TEST_CASE(P9_a_jump_of_ten_years_stops_it) {
  for (const int64_t jump :
       {days(3650).count, -days(3650).count, minutes(2).count, -minutes(2).count}) {
    Machine machine;
    machine.start();
    machine.run(hours(1));
    const UnixMillis before = machine.now();
    machine.clock.jump_to(machine.clock.now() + Millis(jump));
    machine.run(days(30));
    BOOST_TEST(machine.stands());
    BOOST_TEST((machine.now() == before));
    BOOST_TEST((machine.running->state().certain() <= before));
    BOOST_TEST(machine.running->state().why.find("jumped") != std::string::npos);
    // It stands over a restart, too, and until a person accepts the time.
    machine.off(minutes(1));
    machine.start();
    BOOST_TEST(machine.stands());
    machine.kept = compliance_from(machine.clock.now());
    machine.start();
    machine.run(hours(1));
    BOOST_TEST((machine.now() == machine.clock.now()));
    BOOST_TEST(!machine.stands());
  }
}

BOOST_AUTO_TEST_CASE(P9_a_step_of_a_time_server_does_not_stop_it) {
  Machine machine;
  machine.start();
  for (const int64_t step : {20'000, -20'000, 500, -59'000}) {
    machine.run(hours(1));
    const UnixMillis before = machine.now();
    machine.clock.jump_to(machine.clock.now() + Millis(step));
    machine.run(minutes(2));
    BOOST_TEST(!machine.stands());
    BOOST_TEST((machine.now() >= before));  // it never goes back by itself
  }
  machine.run(hours(2));
  BOOST_TEST((machine.now() == machine.clock.now()));
}

BOOST_AUTO_TEST_CASE(P9_a_clock_that_went_back_while_it_was_off_stops_it) {
  Machine machine;
  machine.start();
  machine.run(hours(1));
  machine.off(hours(1));
  machine.clock.jump_to(machine.clock.now() - hours(3));
  machine.start();
  BOOST_TEST(machine.stands());
}

// It was set first from a system clock that was years ahead, which is right by now: nothing ends
// by the one while the other has not come so far.
BOOST_AUTO_TEST_CASE(P9_what_has_come_has_come_by_both_clocks) {
  Machine machine;
  machine.kept = compliance_from(kStart + days(3650));
  machine.kept.system = kStart;
  machine.start();
  machine.run(days(2));
  BOOST_TEST((machine.now() == kStart + days(3650)));
  BOOST_TEST((machine.running->state().certain() == machine.clock.now()));
}

// Any life: runs, absences, crashes before the last state was kept, steps and jumps. What it gains
// over a life is bounded by what was really run.
BOOST_AUTO_TEST_CASE(P9_no_life_makes_it_run_ahead) {
  SeededRandom random(test_seed());
  for (int life = 0; life < 300; ++life) {
    Machine machine;
    machine.start();
    int64_t ran = 0;
    int64_t accepted = 0;  // what persons gave it
    for (int event = 0; event < 60; ++event) {
      const UnixMillis before = machine.now();
      switch (random.below(7)) {
        case 0:
        case 1:
        case 2: {
          const auto length = static_cast<int64_t>(random.below(hours(30).count));
          ran += length;
          machine.run(Millis(length), Millis(1000 + static_cast<int64_t>(random.below(300'000))));
          break;
        }
        case 3:
          machine.off(Millis(static_cast<int64_t>(random.below(days(20).count))));
          machine.start();
          break;
        case 4: {  // a crash: the last minutes were not kept
          const auto length = static_cast<int64_t>(random.below(60'000));
          ran += length;
          machine.clock.advance(Millis(length));
          machine.running->tick();
          machine.die();
          machine.start();
          break;
        }
        case 5: {
          const auto by = static_cast<int64_t>(random.below(days(4000).count)) - days(2000).count;
          const int64_t to = std::max<int64_t>(0, machine.clock.now().count + by);
          machine.clock.jump_to(UnixMillis(to));
          machine.running->tick();
          break;
        }
        default:
          if (!machine.stands() || random.below(2) == 0) break;
          accepted += std::max<int64_t>(0, machine.clock.now().count - machine.now().count);
          machine.kept = compliance_from(machine.clock.now());
          machine.start();
          break;
      }
      const ComplianceState& state = machine.running->state();
      if (state.now > before) BOOST_TEST((state.now <= state.system || event == 0));
      BOOST_TEST(state.credit.count >= 0);
      BOOST_TEST(state.credit.count <= kCredit);
    }
    // A person's word may also give the credit back: once for each time it was given.
    BOOST_TEST((machine.now() - kStart).count <= ran + ran / 100 + accepted + 60 * kCredit + 60);
  }
}

BOOST_AUTO_TEST_CASE(P9_a_system_clock_that_was_never_set_is_refused) {
  for (const int64_t wrong : {int64_t{0}, kEarliestSystemTime.count - 1}) {
    const Status refused = check_system_clock(UnixMillis(wrong));
    BOOST_REQUIRE(!refused.ok());
    BOOST_TEST((refused.error().code == Code::kUnavailable));
    BOOST_TEST(refused.error().message.find(to_iso(UnixMillis(wrong))) != std::string::npos);
  }
  BOOST_TEST(check_system_clock(kEarliestSystemTime).ok());
  BOOST_TEST(to_iso(kEarliestSystemTime) == "2026-01-01T00:00:00.000Z");
}

BOOST_AUTO_TEST_SUITE_END()
