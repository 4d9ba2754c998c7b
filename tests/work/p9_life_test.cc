// P3 and P9 by random lives: calls come in, are given classes, held, deleted; the process runs, is
// off, dies, is rebuilt; the system clock is set to anything and put right again. What must still
// be there is kept in a book outside of the archive, by the time that really passed.
//
// The one liberty of the archive's clock is allowed for: a hundredth of the time, and an hour.
#include "tests/work/retention_rig.h"

namespace holdfast::testing {
namespace {

constexpr int kSteps = 250;

class Life {
 public:
  Life()
      : rig_([](Config& config) {
          config.expiry.not_before = days(3);
          config.expiry.breaker_percent = 100;
          config.expiry.breaker_count = 100'000'000;
        }) {
    begin_ = rig_.clock.now();
    rig_.add_class("week", "7d", RetentionMode::kGovernance);
    rig_.add_class("year", "12mo", RetentionMode::kGovernance);
    rig_.add_class("law", "12mo", RetentionMode::kCompliance);
  }

  void step() {
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
        return ingest();
      case 3:
      case 4:
        return give_class();
      case 5:
        return set_default();
      case 6:
        return hold_or_release();
      case 7:
        return try_delete();
      case 8:
      case 9:
      case 10:
        rig_.live(Millis(static_cast<int64_t>(pick(days(9).count))), hours(6));
        return;
      case 11:
        return be_off();
      case 12:
        rig_.clock.jump_to(UnixMillis(std::max<int64_t>(
            kEarliestSystemTime.count,
            true_now().count + static_cast<int64_t>(pick(days(8000).count)) - days(4000).count)));
        ++done_["clock set wrong"];
        if (pick(2) == 0) rig_.live(minutes(5), minutes(1));
        return;
      case 13:
        return put_right();
      case 14:
        rig_.run_mover();
        return;
      default:
        return die();
    }
  }

  void check() {
    for (const Entry& entry : book_) {
      const auto found = must(rig_.find(entry.call.call_sid));
      const bool lives = found && (found->state == RecordingState::kLive ||
                                   found->state == RecordingState::kCommitted);
      if (lives) {
        if (entry.hold) BOOST_TEST(found->holds > 0);
        continue;
      }
      BOOST_TEST(!entry.hold.has_value(), entry.call.call_sid << " was held and is going");
      BOOST_TEST((entry.deleted || entry.has_class),
                 entry.call.call_sid << " had no class, and nobody deleted it");
      BOOST_TEST((entry.keep_until <= true_now() + slack()),
                 entry.call.call_sid << " was to be kept until " << to_iso(entry.keep_until)
                                     << ", it is " << to_iso(true_now()));
    }
  }
  void settle() {
    put_right();
    rig_.end_process();
    rig_.reopen();
    rig_.run_mover();
    for (const Entry& entry : book_) {
      const auto found = must(rig_.find(entry.call.call_sid));
      if (found && found->state == RecordingState::kLive) {
        BOOST_TEST(rig_.is_kept(entry.call));
        ++done_["kept whole"];
      } else {
        ++done_["gone"];
      }
    }
    std::string text;
    for (const auto& [what, count] : done_) text += " " + what + " " + std::to_string(count) + ",";
    std::cout << book_.size() << " calls:" << text << " ended\n";
  }
  bool did(const std::string& what) const { return done_.contains(what); }

 private:
  struct Entry {
    TestCall call;
    UnixMillis counts_from;  // really
    UnixMillis keep_until{0};
    bool has_class = false;
    bool deleted = false;
    std::optional<HoldId> hold;
  };

  size_t pick(int64_t bound) {
    return static_cast<size_t>(rig_.random.below(static_cast<uint64_t>(bound)));
  }
  // What a good clock would say.
  UnixMillis true_now() const { return begin_ + rig_.clock.monotonic(); }
  Millis slack() const { return Millis(rig_.clock.monotonic().count / 100 + hours(1).count); }
  Entry* any() {
    return book_.empty() ? nullptr : &book_[pick(static_cast<int64_t>(book_.size()))];
  }
  static UnixMillis end_of(const Entry& entry, const std::string& name) {
    const RetentionPeriod period = name == "day"    ? RetentionPeriod{1, PeriodUnit::kDays}
                                   : name == "week" ? RetentionPeriod{7, PeriodUnit::kDays}
                                                    : RetentionPeriod{12, PeriodUnit::kMonths};
    return period_end(entry.counts_from, period);
  }

  // Its recorder knows the time.
  void ingest() {
    Entry entry;
    entry.call = rig_.make_call();
    json::object metadata = parse_json(entry.call.files["metadata.json"]).value().get_object();
    metadata["call_start_iso"] = to_iso(true_now() - Millis(500));
    metadata["call_end_iso"] = to_iso(true_now());
    entry.call.files["metadata.json"] = json::serialize(metadata);
    must(rig_.try_ingest(entry.call));
    const Recording known = rig_.recording(entry.call);
    // By a clock that is behind, the call has not ended yet: the compliance clock stands in, which
    // may be late, too.
    entry.counts_from = std::min(true_now(), std::max(known.ended_at, known.arrived_at));
    if (known.ended_at == true_now()) entry.counts_from = true_now();
    if (known.retention_class) {
      entry.has_class = true;
      entry.keep_until = end_of(entry, *known.retention_class);
    }
    book_.push_back(std::move(entry));
  }
  void give_class() {
    static const char* const kNames[] = {"day", "week", "year", "law"};
    Entry* entry = any();
    if (entry == nullptr || !rig_.is_known(entry->call)) return;
    const std::string name = kNames[pick(4)];
    const auto given = rig_.retain(entry->call, name, pick(3) == 0);
    if (!given.ok()) {
      ++done_["refused to shorten"];
      return;
    }
    entry->has_class = true;
    entry->keep_until = end_of(*entry, name);
  }
  void set_default() {
    static const char* const kNames[] = {"day", "week", "law"};
    std::optional<std::string> name;
    if (pick(4) != 0) name = kNames[pick(3)];
    must(rig_.archive().writer.call(set_retention_default(std::nullopt, name, "uid:0")));
  }
  void hold_or_release() {
    Entry* entry = any();
    if (entry == nullptr) return;
    if (entry->hold) {
      must(rig_.archive().writer.call(release_hold(*entry->hold, "settled", "uid:0")));
      entry->hold.reset();
    } else if (rig_.is_known(entry->call)) {
      const auto placed = rig_.hold(entry->call);
      if (!placed.ok()) return;
      entry->hold = placed->hold;
      entry->deleted = false;
    }
  }
  void try_delete() {
    Entry* entry = any();
    if (entry == nullptr || !rig_.is_known(entry->call)) return;
    const auto condemned = rig_.condemn_now(entry->call);
    if (condemned.ok())
      entry->deleted = true;
    else if (condemned.error().message.find("retained until") != std::string::npos)
      ++done_["refused by retention"];
    else
      ++done_["refused otherwise"];
  }
  void be_off() {
    rig_.end_process();
    rig_.close();
    rig_.clock.advance(Millis(static_cast<int64_t>(pick(days(40).count))));
    rig_.open();
    ++done_["off"];
  }
  void put_right() {
    rig_.clock.jump_to(true_now());
    if (pick(2) == 0) return;
    must(rig_.archive().writer.call(accept_clock("compared with two others", "uid:0")));
    ++done_["clock accepted"];
  }
  void die() {
    rig_.end_process();
    if (pick(4) != 0) return rig_.reopen();
    rig_.lose_index();
    rig_.rebuild();
    ++done_["rebuilt"];
  }

  RetentionRig rig_;
  UnixMillis begin_;
  std::vector<Entry> book_;
  std::map<std::string, int> done_;
};

BOOST_AUTO_TEST_SUITE(P9_a_wrong_clock_destroys_nothing)

BOOST_AUTO_TEST_CASE(P9_P3_random_lives_keep_what_is_to_be_kept) {
  Life life;
  for (int n = 0; n < kSteps; ++n) BOOST_TEST_CONTEXT("step " << n) {
      life.step();
      life.check();
    }
  life.settle();
  for (const char* what : {"refused by retention", "clock set wrong", "off", "gone"})
    BOOST_TEST(life.did(what), what);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
