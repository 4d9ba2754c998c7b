// kill -9 amid everything at once, at random instants and at durable boundaries (before or after
// the k-th sync of the process, those of its start included), and what was promised must still be
// true.
//
// HOLDFAST_KILLS says how often (default 50; 10 in a sanitizer build). An archive lives through so
// many of them and then begins anew; each life has a seed of its own, with which it is repeated.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "tests/support/effort.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/pressed_archive.h"

namespace holdfast::testing {
namespace {

constexpr int kKillsByDefault = kSanitized ? 10 : 50;
constexpr int kKillsALife = 50;
// Among so many syncs of a process, some of its start, the one at which it dies.
constexpr uint64_t kSyncsMax = 200;

// Starts a daemon that will die at a sync; it may be during its start. Clients press on it
// meanwhile.
void die_at_a_sync(PressedArchive& archive, SeededRandom& random) {
  DaemonProcess& daemon = archive.daemon();
  daemon.kill();
  ::setenv("LD_PRELOAD", SYNC_WITNESS, 1);
  ::setenv("HOLDFAST_DIE_AT_SYNC", std::to_string(1 + random.below(kSyncsMax)).c_str(), 1);
  bool started = true;
  try {
    daemon.start();
  } catch (const std::runtime_error&) {
    started = false;  // it died before it was ready
  }
  ::unsetenv("LD_PRELOAD");
  ::unsetenv("HOLDFAST_DIE_AT_SYNC");
  if (started)
    archive.press_until(random, [&] { eventually([&] { return daemon.has_died(); }, seconds(2)); });
}

BOOST_AUTO_TEST_CASE(what_was_promised_survives_kills_at_any_instant) {
  Effort kills("HOLDFAST_KILLS", kKillsByDefault);
  Figures figures;
  for (uint64_t life = 0; !kills.is_over(); ++life) {
    const uint64_t seed = test_seed() + life;
    BOOST_TEST_CONTEXT("life " << life << ", HOLDFAST_TEST_SEED=" << seed) {
      SeededRandom random(seed);
      TemporaryDirectory directory;
      PressedArchive archive(directory / "archive", directory / "calls");
      for (int n = 0; n < kKillsALife && kills.another(); ++n) {
        if (random.below(2) == 0)
          archive.press_until(random, [&] { archive.daemon().kill(); });
        else
          die_at_a_sync(archive, random);
        archive.start_again();
      }
      archive.settle();
      figures += archive.figures();
    }
  }
  std::cout << "kills " << kills.done() << ", " << figures.text() << "\n";
}

}  // namespace
}  // namespace holdfast::testing
