// A configuration that is replaced while lanes and requests read it: whole, and never dangling.
#include <atomic>
#include <thread>

#include "tests/support/archive_fixture.h"

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(reload_work)

BOOST_AUTO_TEST_CASE(readers_see_one_version_or_the_next) {
  Config first;
  first.staging_max = Bytes(0);
  first.recalls_per_key_hour = 0;
  LiveConfig live(first);
  const Config& kept = live.config();
  std::atomic<bool> done{false};
  std::atomic<int64_t> torn{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!done) {
        const Config& config = live.config();
        if (config.staging_max.count != config.recalls_per_key_hour) ++torn;
      }
    });
  for (int version = 1; version <= 500; ++version) {
    Config next = first;
    next.staging_max = Bytes(version);
    next.recalls_per_key_hour = version;
    live.replace(next);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  BOOST_TEST(torn == 0);
  BOOST_TEST(live.config().recalls_per_key_hour == 500);
  BOOST_TEST(kept.recalls_per_key_hour == 0);  // old, and still there
}

BOOST_AUTO_TEST_CASE(rates_windows_and_reserves_change_at_once) {
  ArchiveFixture rig([](Config& config) { config.warm.rate_max = Bytes(1000); });
  const Archive& archive = rig.archive();
  archive.gate.take(Edge::kStandardToWarm, Bytes(1'000'000));
  BOOST_TEST(archive.gate.wait(Edge::kStandardToWarm).count > 0);
  BOOST_TEST(!archive.gate.closed(Edge::kStandardToWarm, rig.clock.now()).has_value());
  Config next = archive.config();
  next.warm.rate_max = Bytes(0);
  next.warm.window = TimeWindow::from_text("00:00-00:01").value();
  next.disk_reserve = Bytes(int64_t{1} << 60);
  rig.apply(next);
  BOOST_TEST(archive.gate.wait(Edge::kStandardToWarm).count == 0);
  const UnixMillis noon = UnixMillis(0) + hours(12);
  BOOST_TEST(archive.gate.closed(Edge::kStandardToWarm, noon).has_value());
  BOOST_TEST(
      (archive.standard_root.require_room(*rig.io, Bytes(1)).error().code == Code::kNoSpace));
}

BOOST_AUTO_TEST_SUITE_END()
