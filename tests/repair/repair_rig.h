// An archive with the scrub's and the repairer's lanes, one turn at a time.
#pragma once

#include "daemon/work/clock_keeper.h"
#include "daemon/work/compactor.h"
#include "daemon/work/repairer.h"
#include "daemon/work/scrubber.h"
#include "index/read/repairs.h"
#include "index/read/status.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {

class RepairRig : public ArchiveFixture {
 public:
  RepairRig() = default;
  explicit RepairRig(const Change& change) : ArchiveFixture(change) {}

  // Everything that is due is read back, as after a month.
  void scrub() {
    Verifications verifications(archive());
    Scrubber scrubber(archive(), verifications);
    for (int turn = 0; turn < 1000; ++turn)
      if (!must(scrubber.run_once(*io))) return;
    BOOST_ERROR("the scrub does not come to rest");
  }
  void scrub_later() {
    clock.advance(config.scrub.every);
    clock.advance(seconds(1));
    scrub();
  }
  void repair() {
    Repairer repairer(archive());
    for (int turn = 0; turn < 100; ++turn)
      if (!must(repairer.run_once(*io))) return;
    BOOST_ERROR("the repairer does not come to rest");
  }
  void compact() {
    Compactor compactor(archive());
    for (int turn = 0; turn < 100; ++turn)
      if (!must(compactor.run_once(*io))) return;
    BOOST_ERROR("the compactor does not come to rest");
  }
  // The same of a process that may be dead before it comes to rest.
  void compact_until_it_fails() {
    Compactor compactor(archive());
    for (int turn = 0; turn < 20; ++turn) {
      const Result<bool> more = compactor.run_once(*io);
      if (!more.ok() || !*more) return;
    }
  }
  // Time passes while the process runs: the compliance clock goes on, too, if it goes.
  void live(Millis length) {
    ClockKeeper keeper(archive());
    must(keeper.tick());
    clock.advance(length);
    must(keeper.tick());
  }
  int64_t quarantined() {
    auto index = must(archive().index.take());
    return must(status_summary(*index, std::nullopt)).quarantined;
  }
  std::vector<QuarantineRow> open_rows() {
    auto index = must(archive().index.take());
    return must(open_quarantines(*index, 0, 100));
  }
  std::string only_pack(const std::string& root) const {
    std::set<std::string> packs = files_below(root);
    std::erase_if(packs, [](const std::string& path) { return !path.ends_with(".tar"); });
    BOOST_REQUIRE_EQUAL(packs.size(), 1);
    return *packs.begin();
  }
  static std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // Copied to cold, and not yet released from warm.
  void to_both() {
    to_warm();
    clock.advance(hours(1));
    run_mover();
  }
};

}  // namespace holdfast
