#include "tests/system/simulated_life.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "index/read/listing.h"

namespace holdfast::testing {
namespace {

constexpr int kPagesOf = 7;        // rows: small pages, so that paging itself is tried
constexpr int kChecksAStep = 20;   // promises that one check() looks at
constexpr int kFaultPoints = 120;  // a fault strikes one of so many operations on files
constexpr int kRotTries = 20;      // recordings that are looked at for one that may rot
constexpr size_t kPacksUnpacked = 3;

// The product's own ages; packs small enough that several are under way.
void ages(Config& config) {
  const Config standard;
  config.standard.copy_after = standard.standard.copy_after;
  config.standard.release_after = standard.standard.release_after;
  config.warm.pack_seal_after = standard.warm.pack_seal_after;
  config.warm.pack_members_max = 12;
  config.warm.copy_after = standard.warm.copy_after;
  config.warm.release_after = standard.warm.release_after;
}

bool counts(const CopyRow& copy) {
  return copy.state == CopyState::kVerified || (copy.state == CopyState::kCopied && copy.original);
}

}  // namespace

SimulatedLife::SimulatedLife() : rig_(ages), workspaces_{rig_.workspace} {
  workspaces_.push_back(rig_.random.id<WorkspaceId>());
  must(rig_.archive().writer.call(add_workspace(workspaces_.back(), "neighbour", "uid:0")));
}

void SimulatedLife::step() {
  struct Choice {
    Action action;
    const char* name;
    uint64_t weight;
  };
  using Self = SimulatedLife;
  static constexpr std::array<Choice, 13> kChoices{{
      {&Self::recorder_brings_calls, "ingest", 18},
      {&Self::recorder_adds_a_part, "later part", 4},
      {&Self::recorder_comes_again, "retry", 4},
      {&Self::time_passes, "time", 18},
      {&Self::mover_turns, "mover", 22},
      {&Self::restorers_turn, "restorer", 8},
      {&Self::reviewer_asks_back, "restore", 8},
      {&Self::reviewer_reads, "read", 8},
      {&Self::reviewer_lists, "listing", 2},
      {&Self::compliance_holds, "hold", 4},
      {&Self::compliance_releases, "release", 2},
      {&Self::operator_deletes, "delete", 3},
      {&Self::a_copy_rots, "rot", 1},
  }};
  uint64_t sum = 0;
  for (const Choice& choice : kChoices) sum += choice.weight;
  uint64_t at = rig_.random.below(sum);
  const Choice* chosen = kChoices.begin();
  while (at >= chosen->weight) at -= (chosen++)->weight;
  ++done_[chosen->name];
  BOOST_TEST_CONTEXT(chosen->name) {
    if (rig_.random.below(12) == 0)
      do_with_faults(chosen->action);
    else
      (this->*chosen->action)();
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
    promised.stored = answered(offer(promised, promised.call), "ingest");
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
  promised->stored = true;
  promised->call = whole;
  promised->perhaps.files.clear();
}

void SimulatedLife::time_passes() {
  const std::array<Millis, 4> spans{minutes(1), minutes(30), hours(6), hours(36)};
  const auto span = static_cast<uint64_t>(spans[rig_.random.below(spans.size())].count);
  rig_.clock.advance(Millis(static_cast<int64_t>(1 + rig_.random.below(span))));
}

void SimulatedLife::mover_turns() {
  for (uint64_t left = 1 + rig_.random.below(6); left > 0; --left) {
    const Result<bool> worked = rig_.mover->run_once(*rig_.io);
    if (!answered(worked, "a turn of the mover") || !*worked) return;
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
  const std::optional<Recording> found = known(*promised);
  if (!found || is_available(rig_.archive(), *found)) return;
  const std::string who = "key:" + std::to_string(rig_.random.below(3));
  const Millis keep = hours(static_cast<int64_t>(1 + rig_.random.below(48)));
  static_cast<void>(answered(rig_.ask(promised->call, keep, who), "restore"));
}

void SimulatedLife::reviewer_reads() {
  const Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
  if (promised != nullptr) read(*promised);
}

// P5: the right bytes or an error, and the error only where a copy has rotted.
void SimulatedLife::read(const Promised& promised) {
  const std::optional<Recording> found = known(promised);
  if (!found || !is_available(rig_.archive(), *found)) return;
  for (const auto& [name, bytes] : promised.call.files) {
    const Result<std::string> got = rig_.read(promised.call, name);
    const std::string what = promised.call.call_sid + "/" + name;
    if (got.ok())
      BOOST_TEST((*got == bytes), what << " came with other bytes");
    else if (done_["rotten"] == 0 || got.error().code != Code::kCorrupt)
      static_cast<void>(answered(got, what));
    if (!got.ok()) return;
  }
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
  promised->hold_perhaps = fault_about_;
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

// P3: what is held is not condemned, whatever else is going on.
void SimulatedLife::operator_deletes() {
  const bool held_one = rig_.random.below(3) == 0;
  Promised* promised = held_one ? any([](const Promised& one) { return !one.holds.empty(); })
                                : any([](const Promised& one) { return one.must_be_there(); });
  if (promised == nullptr) return;
  const std::optional<Recording> found = known(*promised);
  if (!found) return;
  const auto condemned =
      rig_.archive().writer.call(condemn(found->recording_no, "key:test", "the caller asked"));
  if (!promised->holds.empty()) {
    BOOST_TEST(!condemned.ok(), promised->call.call_sid << " is held and was condemned");
    if (!condemned.ok() && condemned.error().code == Code::kLocked) ++done_["refused for a hold"];
    return;
  }
  if (!condemned.ok() && condemned.error().code == Code::kLocked && promised->hold_perhaps) return;
  promised->asked_to_destroy = true;
  promised->condemned = answered(condemned, "delete");
}

// A bit of a copy flips that is not the last good one: cold copies never rot here, warm ones only
// where the pack lies on cold too, plain files only where a pack has them.
void SimulatedLife::a_copy_rots() {
  for (int left = kRotTries; left > 0; --left) {
    const Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
    const std::optional<Recording> found = promised ? known(*promised) : std::nullopt;
    if (!found || !rots(*found)) continue;
    ++done_["rotten"];
    return read(*promised);
  }
}

bool SimulatedLife::rots(const Recording& found) {
  const auto verified_on = [&](Tier tier) {
    return std::any_of(found.copies.begin(), found.copies.end(), [&](const CopyRow& copy) {
      return copy.part == 1 && copy.tier == tier && copy.state == CopyState::kVerified;
    });
  };
  for (const CopyRow& copy : found.copies) {
    if (copy.part != 1 || !counts(copy)) continue;
    if (copy.tier == Tier::kWarm && verified_on(Tier::kCold)) {
      const auto size = static_cast<uint64_t>(std::filesystem::file_size(file_of(copy)));
      rig_.flip_byte(file_of(copy), static_cast<int64_t>(rig_.random.below(size)));
      return true;
    }
    if (copy.tier != Tier::kStandard || !verified_on(Tier::kWarm)) continue;
    for (const std::string& path : rig_.standard_files("outbound.pcm")) {
      if (path.find("/" + found.call_sid + "/") == std::string::npos) continue;
      rig_.flip_byte(path, 0);
      return true;
    }
  }
  return false;
}

// --- What goes wrong

void SimulatedLife::do_with_faults(Action action) {
  const bool dies = rig_.random.below(2) == 0;
  FaultAt fault(static_cast<int>(rig_.random.below(kFaultPoints)), dies);
  if (rig_.random.below(2) == 0) fault.tear_writes();
  rig_.faults.aim(&fault);
  fault_about_ = true;
  (this->*action)();
  rig_.faults.aim(nullptr);
  ++done_[dies ? "killed" : "one failure"];
  // After one failure it may go on as it is, when it still takes commands.
  const bool goes_on = !dies && !book_.empty() && rig_.random.below(2) == 0;
  const RecordingNo number{1};
  const bool takes_commands =
      goes_on && rig_.archive().writer.call(set_recording_action(number, std::nullopt)).ok();
  if (!takes_commands) restart();
  fault_about_ = false;
}

template <typename R>
bool SimulatedLife::answered(const R& result, const std::string& what) {
  if (result.ok()) return true;
  if (!fault_about_) BOOST_ERROR(what + ": " + result.error().message);
  return false;
}

void SimulatedLife::restart() {
  rig_.reopen();
  BOOST_TEST(rig_.unsettled().empty());  // P7: what was under way is settled by start-up
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

// --- The promises

void SimulatedLife::check() {
  for (int left = book_.empty() ? 0 : kChecksAStep; left > 0; --left)
    check_there(*any([](const Promised&) { return true; }));
}

void SimulatedLife::check_there(const Promised& promised) {
  if (!promised.must_be_there()) return;
  const std::string& call_sid = promised.call.call_sid;
  const std::optional<Recording> found = known(promised);
  BOOST_TEST(found.has_value(), call_sid << " was promised and is gone");
  if (!found) return;
  // Committed: acknowledged, and not in its place yet.
  const bool lives =
      found->state == RecordingState::kLive || found->state == RecordingState::kCommitted;
  BOOST_TEST((lives || promised.asked_to_destroy),
             call_sid << " is no longer live, and nobody asked for that");
  BOOST_TEST(found->holds >= static_cast<int>(promised.holds.size()), call_sid << " lost a hold");
  check_copies(promised, *found);
}

// P2: each part has a copy that counts, and it is on its medium: plain files from ingest, or a
// pack that was re-read past the page cache.
void SimulatedLife::check_copies(const Promised& promised, const Recording& found) {
  for (const PartRow& part : found.part_rows) {
    const bool kept =
        std::any_of(found.copies.begin(), found.copies.end(), [&](const CopyRow& copy) {
          if (copy.part != part.part || !counts(copy)) return false;
          if (!copy.pack) return true;
          return copy.verify_mode != VerifyMode::kNone && std::filesystem::exists(file_of(copy));
        });
    BOOST_TEST(kept, promised.call.call_sid << " part " << part.part << " has no copy that counts");
  }
}

// docs/media.md says where packs lie.
std::string SimulatedLife::file_of(const CopyRow& copy) const {
  if (copy.tier == Tier::kWarm) return rig_.config.warm.path + "/" + copy.location;
  return rig_.config.cold->path + "/vault/" + copy.location;
}

void SimulatedLife::settle() {
  restart();
  rig_.clock.advance(days(1));
  rig_.run_mover();
  rig_.run_restorers();
  rig_.clock.advance(days(3));  // what was asked back before has left again
  rig_.run_mover();
  for (const auto& [call_sid, promised] : book_) {
    check_there(promised);
    check_gone(promised);
    check_locked(promised);
  }
  check_every_byte();
  BOOST_TEST(rig_.unsettled().empty());
  check_chains();
  check_packs_with_stock_tools();
}

void SimulatedLife::check_gone(const Promised& promised) {
  if (!promised.must_be_gone()) return;
  const std::optional<Recording> found = known(promised);
  const std::string& call_sid = promised.call.call_sid;
  // In a pack it is a hole of the index: the row stays until the pack is written anew.
  if (found) BOOST_TEST((found->state == RecordingState::kDestroying), call_sid << " was deleted");
  for (const std::string& path : rig_.standard_files("metadata.json"))
    BOOST_TEST(path.find("/" + call_sid + "/") == std::string::npos, path << " was deleted");
  BOOST_TEST(!offer(promised, promised.call).ok(), call_sid << " was deleted and taken again");
  ++done_["gone for good"];
}

void SimulatedLife::check_locked(const Promised& promised) {
  if (promised.holds.empty()) return;
  const std::optional<Recording> found = known(promised);
  if (!found) return;
  const auto condemned = rig_.archive().writer.call(condemn(found->recording_no, "key:test"));
  BOOST_TEST((code_of(condemned) == Code::kLocked));
  ++done_["held at the end"];
}

void SimulatedLife::check_every_byte() {
  for (const auto& [call_sid, promised] : book_) {
    if (!promised.must_be_there()) continue;
    const std::optional<Recording> found = known(promised);
    if (found && !is_available(rig_.archive(), *found)) must(rig_.ask(promised.call));
  }
  // A rotten copy costs a try before the good one is read.
  for (int round = 0; round < 5; ++round) {
    rig_.run_restorers();
    rig_.clock.advance(minutes(20));
  }
  for (const auto& [call_sid, promised] : book_) {
    if (!promised.must_be_there()) continue;
    rig_.workspace = promised.workspace;
    const bool whole = rig_.is_whole(promised.call) || rig_.is_kept(promised.call);
    BOOST_TEST(whole, call_sid << " does not come back whole");
    ++done_["read back whole"];
  }
}

void SimulatedLife::check_chains() {
  const LedgerView view = must(rig_.archive().writer.view_ledger());
  for (const auto& [directory, end] : {std::pair(view.decisions.get(), view.decisions_end),
                                       std::pair(view.access.get(), view.access_end)}) {
    const ChainReport report = must(verify_chain(*rig_.io, directory, LineVisitor(), end));
    BOOST_TEST(!report.broken.has_value());
    BOOST_TEST(report.gaps.empty());
  }
}

void SimulatedLife::check_packs_with_stock_tools() {
  std::set<std::string> files = rig_.files_below(rig_.config.cold->path);
  files.merge(rig_.files_below(rig_.config.warm.path));
  std::vector<std::string> packs;
  for (const std::string& path : files)
    if (path.ends_with(".tar")) packs.push_back(path);
  BOOST_TEST(!packs.empty());
  for (size_t n = 0; n < std::min(kPacksUnpacked, packs.size()); ++n) {
    const std::string& pack = packs[rig_.random.below(packs.size())];
    // Its words matter only where it fails; tar says of each file that it is from the future.
    const std::string log = rig_.directory / "unpack.log";
    const std::string unpack = "sh tests/tiers/pack/unpack_with_stock_tools.sh '" + pack + "'";
    const int status = std::system(
        (unpack + " >" + log + " 2>&1 || { code=$?; cat " + log + "; exit $code; }").c_str());
    BOOST_TEST_REQUIRE(WIFEXITED(status));
    const bool rotten = pack.starts_with(rig_.config.warm.path) && done_["rotten"] > 0;
    if (WEXITSTATUS(status) == 77 || rotten) continue;
    BOOST_TEST(WEXITSTATUS(status) == 0, pack << " is not read by its README");
    ++done_["packs unpacked by stock tools"];
  }
}

int64_t SimulatedLife::restores_ever() {
  auto index = must(rig_.archive().index.take());
  Statement statement = index->prepare("SELECT count(*) FROM restore");
  BOOST_TEST_REQUIRE(must(statement.step()));
  return statement.next<int64_t>();
}

std::string SimulatedLife::tally() const {
  std::string text = std::to_string(book_.size()) + " calls in " +
                     std::to_string((rig_.clock.now().count - 1'795'000'000'000) / 86'400'000) +
                     " days:";
  for (const auto& [what, count] : done_) text += " " + what + " " + std::to_string(count) + ",";
  text.back() = '.';
  return text;
}

}  // namespace holdfast::testing
