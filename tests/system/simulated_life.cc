#include "tests/system/simulated_life.h"

#include <algorithm>
#include <array>

#include "daemon/work/compactor.h"
#include "daemon/work/repairer.h"
#include "daemon/work/scrubber.h"
#include "index/read/listing.h"

namespace holdfast::testing {
namespace {

constexpr int kPagesOf = 7;           // rows: small pages, so that paging itself is tried
constexpr size_t kBriefSamples = 80;  // of a call in a brief life: 10 ms
// A file of such a call that a pack stores as it is: no codec's checksum stands before its digest.
constexpr const char* kStoredName = "screen.zip";
constexpr size_t kStoredBytes = 4000;
constexpr Bytes kBriefReserve{int64_t{64} << 10};

// Retention classes and how long they keep; "decade" and "law" outlive the simulation.
struct KeptFor {
  const char* name;
  int days;
  bool is_in_compliance_mode;
};
constexpr std::array<KeptFor, 4> kClasses{
    {{"day", 1, false}, {"week", 7, true}, {"decade", 3652, false}, {"law", 3652, true}}};
const KeptFor& class_named(const std::string& name) {
  return *std::find_if(kClasses.begin(), kClasses.end(),
                       [&](const KeptFor& one) { return one.name == name; });
}
constexpr const char* kDefaultClass = "week";  // of the second workspace

// The product's own ages; packs small enough that several are under way.
void give_ages(const LifeShape& shape, Config& config) {
  const Config standard;
  config.standard.copy_after = standard.standard.copy_after;
  config.standard.release_after = standard.standard.release_after;
  config.warm.pack_seal_after = standard.warm.pack_seal_after;
  config.warm.pack_members_max = 12;
  config.warm.copy_after = standard.warm.copy_after;
  config.warm.release_after = standard.warm.release_after;
  config.expiry.not_before = SimulatedLife::kNotBefore;
  config.expiry.breaker_count = 10;  // it opens now and then, and somebody has to look
  if (!shape.is_brief) return;
  // A few weeks must be enough for all of it, with back-ends that let one wait.
  config.warm.pack_members_max = 5;
  config.warm.copy_after = days(2);
  config.warm.release_after = days(4);
  config.compact_below = 90;
  config.erase_within = days(5);
  config.scrub.every = days(4);
  config.cold->attach_time = minutes(static_cast<int64_t>(shape.seed % 4) * 7);
  config.cold->detach_time = minutes(static_cast<int64_t>(shape.seed % 3) * 3);
  if (shape.seed % 3 == 0) config.warm.mirror = config.warm.path + "-2";
}

FixtureOptions given_to(const LifeShape& shape) {
  FixtureOptions options;
  options.seed = shape.seed;
  if (!shape.is_brief) return options;
  options.samples = kBriefSamples;
  options.with_ring = false;
  options.reserve = kBriefReserve;
  return options;
}

}  // namespace

SimulatedLife::SimulatedLife(const LifeShape& shape)
    : shape_(shape),
      rig_([&](Config& config) { give_ages(shape, config); }, given_to(shape)),
      began_(rig_.clock.now()),
      workspaces_{rig_.workspace} {
  if (shape_.is_brief) {  // its commits fail, too
    rig_.close();
    rig_.before_commit = [this] { return commits_.at("commit"); };
    rig_.open();
  }
  workspaces_.push_back(rig_.random.id<WorkspaceId>());
  must(rig_.archive().writer.call(add_workspace(workspaces_.back(), "neighbour", "uid:0")));
  rig_.add_class("week", "7d", RetentionMode::kCompliance);
  must(rig_.archive().writer.call(
      set_retention_default(workspaces_.back(), kDefaultClass, "uid:0")));
}

void SimulatedLife::step() {
  struct Choice {
    Action action;
    const char* name;
    uint64_t weight;  // in months
    uint64_t brief;   // in a brief life
  };
  using Self = SimulatedLife;
  static constexpr std::array<Choice, 20> kChoices{{
      {&Self::recorder_brings_calls, "ingest", 18, 14},
      {&Self::recorder_adds_a_part, "later part", 4, 4},
      {&Self::recorder_comes_again, "retry", 4, 3},
      {&Self::time_passes, "time", 18, 20},
      {&Self::mover_turns, "mover", 22, 26},
      {&Self::restorers_turn, "restorer", 8, 8},
      {&Self::reviewer_asks_back, "restore", 8, 8},
      {&Self::reviewer_reads, "read", 8, 6},
      {&Self::reviewer_lists, "listing", 2, 2},
      {&Self::compliance_holds, "hold", 4, 4},
      {&Self::compliance_releases, "release", 2, 2},
      {&Self::compliance_gives_a_class, "retention", 5, 5},
      {&Self::operator_deletes, "delete", 3, 5},
      {&Self::operator_looks_at_expiry, "look at expiry", 2, 2},
      {&Self::a_copy_rots, "rot", 1, 2},
      {&Self::compactor_turns, "compactor", 0, 6},
      {&Self::repairer_turns, "repairer", 0, 5},
      {&Self::scrubber_turns, "scrub", 0, 2},
      {&Self::a_medium_comes_and_goes, "medium", 0, 4},
      {&Self::the_clock_is_wrong, "wrong clock", 0, 2},
  }};
  const auto weight = [&](const Choice& choice) {
    return shape_.is_brief ? choice.brief : choice.weight;
  };
  uint64_t sum = 0;
  for (const Choice& choice : kChoices) sum += weight(choice);
  uint64_t at = rig_.random.below(sum);
  const Choice* chosen = kChoices.begin();
  while (at >= weight(*chosen)) at -= weight(*chosen++);
  ++done_[chosen->name];
  restores_before_ = restores_ever();
  BOOST_TEST_CONTEXT(chosen->name) {
    if (rig_.random.below(shape_.is_brief ? 8 : 12) == 0)
      do_with_faults(chosen->action);
    else
      (this->*chosen->action)();
    // P8: who does not ask for a restore begins none.
    if (chosen->action != &Self::reviewer_asks_back)
      BOOST_TEST(restores_ever() <= restores_before_);
  }
}

// --- Those who use it

Result<Ingested> SimulatedLife::offer(const Promised& promised, const TestCall& call) {
  rig_.workspace = promised.workspace;
  return rig_.try_ingest(call);
}

void SimulatedLife::recorder_brings_calls() {
  for (uint64_t left = 1 + rig_.random.below(3); left > 0; --left) {
    Promised promised;
    promised.workspace = workspaces_[rig_.random.below(workspaces_.size())];
    rig_.workspace = promised.workspace;
    promised.call = rig_.make_call();
    if (shape_.is_brief)
      promised.call.files[kStoredName] =
          noise_bytes(kStoredBytes, static_cast<uint32_t>(book_.size()));
    promised.ended_at = promised.arrived_at = now();
    promised.stored = answered(offer(promised, promised.call), "ingest");
    if (promised.workspace == workspaces_.back()) given(promised, kDefaultClass, promised.stored);
    book_.emplace(promised.call.call_sid, promised);
  }
}

void SimulatedLife::recorder_adds_a_part() {
  Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
  if (promised == nullptr || !promised->perhaps.files.empty()) return;
  TestCall part;
  part.call_sid = promised->call.call_sid;
  const std::string name = "transcript." + std::to_string(++parts_made_ + 1) + ".txt";
  part.files[name] = noise_bytes(5000, static_cast<uint32_t>(rig_.random.below(1'000'000)));
  if (answered(offer(*promised, part), "later part"))
    promised->call.files.merge(part.files);
  else
    promised->perhaps = std::move(part);
}

void SimulatedLife::recorder_comes_again() {
  Promised* promised = any([](const Promised&) { return true; });
  if (promised == nullptr) return;
  TestCall whole = promised->call;
  for (const auto& [name, bytes] : promised->perhaps.files) whole.files[name] = bytes;
  const Result<Ingested> outcome = offer(*promised, whole);
  if (promised->must_be_gone()) {  // P3: what was destroyed is not resurrected
    BOOST_TEST(!outcome.ok(), whole.call_sid << " was deleted and taken again");
    return;
  }
  if (promised->asked_to_destroy && promised->holds.empty()) return;
  if (!answered(outcome, "retry of " + whole.call_sid)) return;
  if (!promised->stored && promised->workspace == workspaces_.back())
    given(*promised, kDefaultClass, true);
  promised->stored = true;
  promised->call = whole;
  promised->perhaps.files.clear();
}

void SimulatedLife::time_passes() {
  const std::array<Millis, 4> spans{minutes(1), minutes(30), hours(6), hours(36)};
  const auto span = static_cast<uint64_t>(spans[rig_.random.below(spans.size())].count);
  auto left = static_cast<int64_t>(1 + rig_.random.below(span));
  for (; left > 0; left -= kTick.count) {
    rig_.clock.advance(Millis(std::min(left, kTick.count)));
    expire();
  }
}

void SimulatedLife::mover_turns() {
  for (uint64_t left = 1 + rig_.random.below(6); left > 0; --left) {
    const Result<bool> worked = rig_.mover->run_once(*rig_.io);
    if (!answered(worked, "a turn of the mover") || !*worked) return;
  }
}

void SimulatedLife::compactor_turns() {
  Compactor compactor(rig_.archive());
  for (uint64_t left = 1 + rig_.random.below(4); left > 0; --left) {
    const Result<bool> worked = compactor.run_once(*rig_.io);
    if (!answered(worked, "a turn of the compactor") || !*worked) return;
  }
}

void SimulatedLife::repairer_turns() {
  Repairer repairer(rig_.archive());
  for (uint64_t left = 1 + rig_.random.below(3); left > 0; --left) {
    const Result<bool> worked = repairer.run_once(*rig_.io);
    if (!answered(worked, "a turn of the repairer") || !*worked) return;
  }
}

void SimulatedLife::scrubber_turns() {
  Verifications verifications(rig_.archive());
  Scrubber scrubber(rig_.archive(), verifications);
  for (uint64_t left = 1 + rig_.random.below(6); left > 0; --left) {
    const Result<bool> worked = scrubber.run_once(*rig_.io);
    if (!answered(worked, "a turn of the scrub") || !*worked) return;
  }
}

void SimulatedLife::restorers_turn() {
  for (const Tier tier : {Tier::kWarm, Tier::kCold}) {
    Restorer restorer(rig_.archive(), tier);
    if (!answered(restorer.run_once(*rig_.io), "a turn of a restorer")) return;
  }
}

void SimulatedLife::reviewer_asks_back() {
  const Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
  if (promised == nullptr) return;
  // Somebody wants what has rotted: whoever recalls it must look at the bytes.
  const auto rotten = book_.find(rotten_in_pack_);
  if (rotten != book_.end() && rotten->second.must_be_there() && is_archived(rotten->second))
    promised = &rotten->second;
  if (!is_archived(*promised)) return;
  const std::string who = "key:" + std::to_string(rig_.random.below(3));
  const Millis keep = hours(static_cast<int64_t>(1 + rig_.random.below(48)));
  static_cast<void>(answered(rig_.ask(promised->call, keep, who), "restore"));
}

bool SimulatedLife::is_archived(const Promised& promised) {
  const std::optional<Recording> found = known(promised);
  return found && !is_available(rig_.archive(), *found);
}

void SimulatedLife::reviewer_reads() {
  const Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
  if (promised != nullptr) read(*promised);
}

// P5: the right bytes or an error, and the error only where plain files have rotted.
// P4: not without a line, and what was answered durable is in the chain for ever.
void SimulatedLife::read(const Promised& promised) {
  const std::optional<Recording> found = known(promised);
  if (!found) return;
  if (!is_available(rig_.archive(), *found)) return look_at_archived(*found);
  LineDraft line{"file.open", "key:test", found->recording.text(), {}, Weight::kNeutral};
  line.details["read"] = ++reads_;
  if (!answered(rig_.archive().writer.call_access(std::move(line)), "an access line")) return;
  lines_promised_.insert(reads_);
  for (const auto& [name, bytes] : promised.call.files) {
    const Result<std::string> got = rig_.read(promised.call, name);
    const std::string what = promised.call.call_sid + "/" + name;
    if (got.ok())
      BOOST_TEST((*got == bytes), what << " came with other bytes");
    else if (got.error().code != Code::kCorrupt || !may_be_corrupt(*found))
      static_cast<void>(answered(got, what));
    if (!got.ok()) return;
  }
}

// Staged copies never rot here: what came from a pack was compared with its digests on the way.
bool SimulatedLife::may_be_corrupt(const Recording& found) const {
  const bool is_staged = std::any_of(
      found.copies.begin(), found.copies.end(),
      [](const CopyRow& copy) { return copy.part == 1 && copy.state == CopyState::kStaged; });
  return !is_staged && rotten_.contains(found.call_sid);
}

// P8: it is refused, and not recalled for that.
void SimulatedLife::look_at_archived(const Recording& found) {
  const int64_t before = restores_ever();
  for (const FileRow& file : found.files) {
    if (readable_place(rig_.archive(), found, file.part)) continue;
    const Result<Fd> opened = open_file(*rig_.io, rig_.archive(), found, file);
    BOOST_TEST((code_of(opened) == Code::kArchived), found.call_sid << " is archived");
    ++done_["archived looked at"];
  }
  BOOST_TEST(restores_ever() == before, found.call_sid << " is recalled, and nobody asked");
}

// Every page of one workspace: nobody twice, nobody missing, nobody who is gone. P8: it recalls
// nothing.
void SimulatedLife::reviewer_lists() {
  const int64_t before = restores_ever();
  const WorkspaceId& workspace = workspaces_[rig_.random.below(workspaces_.size())];
  auto index = must(rig_.archive().index.take());
  ListFilter filter;
  filter.workspace_no = must(find_workspace(*index, workspace)).value().workspace_no;
  filter.limit = kPagesOf;
  std::set<std::string> listed;
  do {
    const ListPage page = must(list_recordings(*index, filter));
    for (const RecordingRow& row : page.rows)
      BOOST_TEST(listed.insert(row.call_sid).second, row.call_sid << " was listed twice");
    filter.after = page.next;
  } while (filter.after);
  for (const auto& [call_sid, promised] : book_) {
    const bool here = promised.workspace == workspace;
    if (!here) BOOST_TEST(!listed.contains(call_sid), call_sid << " is the neighbour's");
    if (!here || !promised.must_be_there()) continue;
    BOOST_TEST(listed.contains(call_sid), call_sid << " is not listed");
  }
  if (!listed.empty()) {
    filter.search.words = *listed.begin();
    const ListPage page = must(list_recordings(*index, filter));
    BOOST_TEST(page.rows.size() == 1U);
  }
  BOOST_TEST(restores_ever() == before);
}

void SimulatedLife::compliance_holds() {
  Promised* promised = any([](const Promised& one) { return one.stored; });
  if (promised == nullptr || !known(*promised)) return;
  const std::string matter = "matter " + std::to_string(rig_.random.below(3));
  const Result<HoldRow> placed = rig_.hold(promised->call, matter);
  if (placed.ok()) {
    promised->holds[placed->hold] = matter;
    promised->condemned = false;
    return;
  }
  promised->hold_perhaps |= fault_about_;
  if (!promised->asked_to_destroy) static_cast<void>(answered(placed, "hold"));
}

void SimulatedLife::compliance_releases() {
  Promised* promised = any([](const Promised& one) { return !one.holds.empty(); });
  if (promised == nullptr) return;
  const HoldId hold = promised->holds.begin()->first;
  const Result<HoldRow> released =
      rig_.archive().writer.call(release_hold(hold, "the matter is closed", "key:test"));
  if (!released.ok()) promised->hold_perhaps = true;
  promised->holds.erase(hold);
  static_cast<void>(answered(released, "release"));
}

// P3: what compliance mode keeps is not shortened, nor what governance keeps without a bypass.
void SimulatedLife::compliance_gives_a_class() {
  Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
  if (promised == nullptr || !known(*promised)) return;
  const KeptFor& given_class = kClasses[rig_.random.below(kClasses.size())];
  const bool bypass = rig_.random.below(4) == 0;
  const bool is_refused = must_be_refused(*promised, given_class.name, bypass);
  const Result<Retained> retained = rig_.retain(promised->call, given_class.name, bypass);
  if (is_refused)
    BOOST_TEST(!retained.ok(), promised->call.call_sid << " is retained, and that was shortened");
  if (!retained.ok() && retained.error().code == Code::kLocked) {
    ++done_["refused to shorten"];
    return;
  }
  if (!retained.ok() && promised->asked_to_destroy) return;
  given(*promised, given_class.name, answered(retained, "retention"));
}

// P3: what is held is not condemned, whatever else is going on; nor what is retained.
void SimulatedLife::operator_deletes() {
  const bool held_one = rig_.random.below(3) == 0;
  Promised* promised = held_one ? any([](const Promised& one) { return !one.holds.empty(); })
                                : any([](const Promised& one) { return one.must_be_there(); });
  if (promised == nullptr) return;
  const std::optional<Recording> found = known(*promised);
  // One that waits for its place, or a part of it (a file operation failed there), is "try again",
  // by a person, too.
  if (!found || found->state == RecordingState::kCommitted) return;
  for (const PartRow& part : found->part_rows)
    if (!part.placed) return;
  const auto condemned =
      rig_.archive().writer.call(condemn(found->recording_no, "key:test", "the caller asked"));
  if (!promised->holds.empty()) {
    BOOST_TEST(!condemned.ok(), promised->call.call_sid << " is held and was condemned");
    if (!condemned.ok() && condemned.error().code == Code::kLocked) ++done_["refused for a hold"];
    return;
  }
  const bool is_locked = !condemned.ok() && condemned.error().code == Code::kLocked;
  if (promised->end && now() + slack() < *promised->end)
    BOOST_TEST(!condemned.ok(), promised->call.call_sid << " is retained and was condemned");
  if (is_locked && promised->earliest_end) ++done_["refused for retention"];
  if (is_locked && (promised->hold_perhaps || promised->earliest_end)) return;
  promised->asked_to_destroy = true;
  promised->condemned = answered(condemned, "delete");
}

// The breaker is open, or not: somebody looks, and lets go what is due.
void SimulatedLife::operator_looks_at_expiry() {
  std::optional<int64_t> due;
  {
    auto index = must(rig_.archive().index.take());
    const UnixMillis certain = must(certain_time(*index, rig_.clock.now()));
    if (must(find_expiry(*index)).open_since)
      due = must(count_due_to_expire(*index, DueExpiry{certain, kNotBefore}, INT64_MAX));
  }
  if (!due) return;
  if (answered(rig_.archive().writer.call(accept_expiry(*due, "all of them are old", "uid:0")),
               "acceptance of expiry"))
    ++done_["breaker closed"];
}

// --- What ends by itself

void SimulatedLife::expire() {
  ends_come();
  const Result<int64_t> gone = rig_.expirer().run_once(*rig_.io);
  if (answered(gone, "a turn of the expirer")) done_["expired"] += static_cast<int>(*gone);
}

// P9: nothing goes before these ends have come. The compliance clock is never ahead, but where the
// system's is set wrong: then by a hundredth of the time, and the hour of catching up.
void SimulatedLife::ends_come() {
  const UnixMillis by = now() + slack();
  for (auto& [call_sid, promised] : book_)
    if (promised.earliest_end && promised.holds.empty() && *promised.earliest_end <= by &&
        promised.arrived_at + kNotBefore <= by)
      promised.asked_to_destroy = true;
}

void SimulatedLife::given(Promised& promised, const std::string& class_name, bool is_answered) {
  const KeptFor& kept = class_named(class_name);
  const UnixMillis end = promised.ended_at + days(kept.days);
  promised.condemned = false;  // what locks saves
  promised.end.reset();
  if (is_answered) promised.end = end;
  promised.is_in_compliance_mode = kept.is_in_compliance_mode;
  if (is_answered || !promised.earliest_end)
    promised.earliest_end = end;
  else
    promised.earliest_end = std::min(*promised.earliest_end, end);
}

bool SimulatedLife::must_be_refused(const Promised& promised, const std::string& class_name,
                                    bool bypass) const {
  const bool is_in_force = promised.end && now() + slack() < *promised.end;
  if (!is_in_force || (bypass && !promised.is_in_compliance_mode)) return false;
  const KeptFor& asked = class_named(class_name);
  return promised.ended_at + days(asked.days) < *promised.end ||
         (promised.is_in_compliance_mode && !asked.is_in_compliance_mode);
}

SimulatedLife::Promised* SimulatedLife::any(bool (*wanted)(const Promised&)) {
  std::vector<Promised*> found;
  for (auto& [call_sid, promised] : book_)
    if (wanted(promised)) found.push_back(&promised);
  return found.empty() ? nullptr : found[rig_.random.below(found.size())];
}

std::optional<Recording> SimulatedLife::known(const Promised& promised) {
  rig_.workspace = promised.workspace;
  return must(rig_.find(promised.call.call_sid));
}

}  // namespace holdfast::testing
