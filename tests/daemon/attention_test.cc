// What needs a person: every code of the table is found in what it is about, and in nothing else.
#include "daemon/api/attention.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <set>

#include "base/limits.h"
#include "tests/support/manual_sleeper.h"

using namespace holdfast;
using namespace holdfast::api;

namespace {

struct Rig {
  ManualClock clock{UnixMillis(1'795'000'000'000)};
  ManualSleeper sleeper{clock};
  Config config;
  Gate gate{config, clock, sleeper};
  Overview seen;
  Surroundings around{config, gate, {}, {}, std::nullopt, std::nullopt, clock.now()};
  AttentionBook book;

  Rig() {
    seen.expiry.clock = ClockRow();
    seen.expiry.clock->state = compliance_from(clock.now());
  }

  std::vector<Attention> look() {
    around.now = clock.now();
    std::vector<Attention> list = find_attention(seen, around);
    book.date(list, clock.now());
    return list;
  }
  SeenMedium& add_medium(Tier tier) {
    SeenMedium medium;
    medium.row.tier = tier;
    medium.path = "/mnt/x";
    medium.is_own = true;
    medium.sight.free_bytes = Bytes(500);
    medium.sight.total_bytes = Bytes(1000);
    seen.media.push_back(medium);
    return seen.media.back();
  }
};

std::string codes(const std::vector<Attention>& list) {
  std::string all;
  for (const Attention& one : list) all += std::string(one.code->code) + " ";
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention)

BOOST_AUTO_TEST_CASE(a_sound_archive_needs_nobody) {
  Rig rig;
  rig.add_medium(Tier::kStandard);
  rig.add_medium(Tier::kWarm);
  rig.around.backup.last = BackupInfo();
  rig.around.backup.last->at = rig.clock.now();
  rig.around.certificate = CertificateFacts{"CN=a", {}, UnixMillis(0), rig.clock.now() + days(60)};
  rig.around.mount_seen = rig.clock.now();
  BOOST_TEST(codes(rig.look()).empty());
}

BOOST_AUTO_TEST_CASE(every_code_is_found_in_what_it_is_about) {
  const std::vector<std::pair<std::string, std::function<void(Rig&)>>> causes = {
      {"ledger-forked", [](Rig& rig) { rig.seen.ledger = LedgerState::kForked; }},
      {"ledger-unknown", [](Rig& rig) { rig.seen.ledger = LedgerState::kUnknown; }},
      {"state-disk-full", [](Rig& rig) { rig.seen.state_disk_is_full = true; }},
      {"standard-full", [](Rig& rig) { rig.gate.set_nothing_leaves(true); }},
      {"medium-offline", [](Rig& rig) { rig.add_medium(Tier::kCold).sight.problem = "no label"; }},
      {"backend-suspended",
       [](Rig& rig) {
         for (int i = 0; i < limits::kSuspendFailures; ++i)
           rig.gate.health(Tier::kWarm).failed(Error{Code::kIo, "broken"});
       }},
      {"copies-quarantined", [](Rig& rig) { rig.seen.summary.quarantined = 2; }},
      {"decisions-lost", [](Rig& rig) { rig.seen.recovery.in_force = true; }},
      {"certificate-early",
       [](Rig& rig) {
         rig.around.certificate =
             CertificateFacts{"CN=a", {}, rig.clock.now() + days(1), rig.clock.now() + days(60)};
       }},
      {"certificate-expired",
       [](Rig& rig) {
         rig.around.certificate = CertificateFacts{"CN=a", {}, UnixMillis(0), rig.clock.now()};
       }},
      {"mirror-behind", [](Rig& rig) { rig.seen.ledger = LedgerState::kBehind; }},
      {"medium-low", [](Rig& rig) { rig.add_medium(Tier::kWarm).sight.free_bytes = Bytes(49); }},
      {"certificate-expires",
       [](Rig& rig) {
         rig.around.certificate =
             CertificateFacts{"CN=a", {}, UnixMillis(0), rig.clock.now() + days(20)};
       }},
      {"moves-failed", [](Rig& rig) { rig.seen.summary.failed_moves = 1; }},
      {"backup-failed", [](Rig& rig) { rig.around.backup.error = "disk full"; }},
      {"backup-old",
       [](Rig& rig) {
         rig.around.backup.last = BackupInfo();
         rig.around.backup.last->at = rig.clock.now() - days(3);
       }},
      {"spool-rejected", [](Rig& rig) { rig.seen.rejected = 1; }},
      {"incoming-left",
       [](Rig& rig) {
         rig.seen.left_incoming[PartId()] = {"it finds no place", rig.clock.now()};
         BOOST_TEST(codes(rig.look()).empty());  // not before it lasts
         rig.clock.advance(minutes(10));
         rig.seen.expiry.clock->state = compliance_from(rig.clock.now());
         BOOST_TEST(codes(rig.look()) == "incoming-left ");
         rig.seen.left_incoming[PartId()] = {"it is damaged", rig.clock.now(), true};
       }},
      {"trash-left",
       [](Rig& rig) {
         rig.seen.left_in_trash[PartId()] = {"no row", rig.clock.now(), true};
       }},
      {"spool-stale", [](Rig& rig) { rig.around.stale.count = 3; }},
      {"callbacks-parked", [](Rig& rig) { rig.seen.summary.parked_callbacks = 1; }},
      {"mount-silent", [](Rig& rig) { rig.around.mount_seen = rig.clock.now() - minutes(3); }},
      {"destroying-long",
       [](Rig& rig) {
         rig.seen.summary.tiers[1].destroying = 1;
         BOOST_TEST(codes(rig.look()).empty());  // not before it lasts
         rig.clock.advance(days(32));
         rig.seen.expiry.clock->state.now = rig.clock.now();
         rig.seen.expiry.clock->state.system = rig.clock.now();
       }},
      {"repair-failed", [](Rig& rig) { rig.seen.scrub.unrepaired = 2; }},
      {"scrub-late",
       [](Rig& rig) {
         const SeenMedium& medium = rig.add_medium(Tier::kWarm);
         rig.seen.scrub.oldest[medium.row.medium] =
             rig.clock.now() - rig.config.scrub.every - days(2);
       }},
      {"clock-stopped",
       [](Rig& rig) {
         rig.seen.expiry.clock->state.stopped_at = rig.clock.now();
         rig.seen.expiry.clock->state.why = "the system clock jumped";
       }},
      {"clock-behind",
       [](Rig& rig) { rig.seen.expiry.clock->state.now = rig.clock.now() - days(3); }},
      {"expiry-stopped", [](Rig& rig) { rig.seen.expiry.breaker.open_since = rig.clock.now(); }},
      {"expiry-off", [](Rig& rig) { rig.seen.expiry.due = 3; }},
      {"moves-paused",
       [](Rig& rig) {
         rig.gate.set_pauses({PauseRow{std::nullopt, rig.clock.now(), "uid:0", ""}});
       }},
  };
  std::set<std::string> reached;
  for (const auto& [code, cause] : causes) {
    Rig rig;
    cause(rig);
    BOOST_TEST(codes(rig.look()) == code + " ");
    reached.insert(code);
  }
  for (const AttentionCode& code : attention_codes()) {
    BOOST_TEST(reached.count(std::string(code.code)) == 1u, code.code);
    BOOST_TEST(!code.about.empty());
    BOOST_TEST(!code.action.empty());
  }
  BOOST_TEST(reached.size() == attention_codes().size());
}

BOOST_AUTO_TEST_CASE(the_worst_comes_first_and_since_is_kept_while_it_lasts) {
  Rig rig;
  rig.seen.rejected = 1;
  const UnixMillis first = rig.clock.now();
  BOOST_TEST((rig.look().front().since == first));
  rig.clock.advance(hours(1));
  rig.add_medium(Tier::kCold).sight.problem = "gone";
  rig.add_medium(Tier::kWarm).sight.problem = "gone";
  const std::vector<Attention> list = rig.look();
  BOOST_TEST(codes(list) == "medium-offline medium-offline spool-rejected ");
  BOOST_TEST((list[0].since == rig.clock.now()));
  BOOST_TEST((list[2].since == first));
  // Over, and again: another beginning.
  rig.seen.rejected = 0;
  rig.look();
  rig.clock.advance(hours(1));
  rig.seen.rejected = 5;
  BOOST_TEST((rig.look().back().since == rig.clock.now()));
  BOOST_TEST(rig.look().back().text == "5 entries were rejected from the spool");
}

BOOST_AUTO_TEST_CASE(the_list_has_an_end) {
  Rig rig;
  for (int i = 0; i < 3 * limits::kAttentionKept; ++i)
    rig.add_medium(Tier::kCold).sight.problem = "gone";
  BOOST_TEST(rig.look().size() == static_cast<size_t>(limits::kAttentionKept));
}

BOOST_AUTO_TEST_SUITE_END()
