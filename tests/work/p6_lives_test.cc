// P6 by random lives: calls come in, get further parts, are moved to another workspace, given
// classes, held and released, packed, moved to cold, asked back, destroyed, and the packs they
// leave are written anew; some work is left half done. Then the index is lost, and what a rebuild
// makes is compared with what it was, row by row.
//
// HOLDFAST_SEEDS says how many lives (default 4); HOLDFAST_TEST_SEED is the seed of the first, and
// each one's is printed.
#include <algorithm>
#include <cstdlib>

#include "daemon/work/compactor.h"
#include "daemon/work/repairer.h"
#include "tests/support/sanitized.h"
#include "tests/work/rebuild_rig.h"

namespace holdfast::testing {
namespace {

constexpr int kSteps = 70;
constexpr uint64_t kLivesByDefault = kSanitized ? 1 : 4;

uint64_t lives() {
  const char* given = std::getenv("HOLDFAST_SEEDS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : kLivesByDefault;
}

// Packs small enough that there are many; a mirror of warm in every other life.
ArchiveFixture::Change shape(uint64_t seed) {
  return [seed](Config& config) {
    config.warm.pack_members_max = 5;
    config.compact_below = 90;
    if (seed % 2 == 0) config.warm.mirror = config.warm.path + "-2";
  };
}

// What no line and no medium tells, beside what is left out of every comparison.
Exceptions untold(bool is_destroying) {
  Exceptions except;
  except.columns["copy"] = {"copied_at"};  // of a pack, when it was verified later: told as then
  except.columns["pack_copy"].insert("copied_at");  // the same
  except.columns["note"].insert("erased_at");       // its text is gone from both
  // Of what is being destroyed no medium tells the files any more whose bytes have gone, nor which
  // tier they were on. Nobody can read it either way, its destruction goes on, and with it the
  // tally is right again.
  if (is_destroying) except.tables.insert("tally");
  except.told["recording"] = {{"tier", "iif(t.state = 3, 0, t.tier)"},
                              {"single_copy_bytes", "iif(t.state = 3, 0, t.single_copy_bytes)"}};
  except.rows["file"] = "recording_no NOT IN (SELECT recording_no FROM recording WHERE state = 3)";
  return except;
}

class Life {
 public:
  explicit Life(uint64_t seed) : rig_(shape(seed), seed), choice_(seed) {
    rig_.workspaces = {rig_.workspace, rig_.random.id<WorkspaceId>()};
    must(rig_.archive().writer.call(add_workspace(rig_.workspaces[1], "neighbour", "uid:0")));
    rig_.give_classes();
  }

  bool can_live() { return rig_.can_verify(); }

  void step() {
    using Self = Life;
    struct Choice {
      void (Self::*act)();
      const char* name;
      uint64_t weight;
    };
    static constexpr Choice kChoices[] = {
        {&Self::ingest, "ingest", 20},       {&Self::add_part, "part", 6},
        {&Self::relabel, "relabel", 6},      {&Self::hold, "hold", 6},
        {&Self::release, "release", 4},      {&Self::retain, "retention", 8},
        {&Self::set_default, "default", 2},  {&Self::destroy, "destroy", 7},
        {&Self::condemn_only, "condemn", 3}, {&Self::pass, "time", 18},
        {&Self::move, "mover", 12},          {&Self::restore, "restore", 5},
        {&Self::rewrite, "rewrite", 6},      {&Self::begin_anew, "start", 2},
    };
    uint64_t sum = 0;
    for (const Choice& choice : kChoices) sum += choice.weight;
    uint64_t at = choice_.below(sum);
    const Choice* chosen = kChoices;
    while (at >= chosen->weight) at -= (chosen++)->weight;
    BOOST_TEST_CONTEXT(chosen->name) { (this->*chosen->act)(); }
    ++done_[chosen->name];
  }

  void lose_and_rebuild() {
    // A start ends the destructions whose last copy has left with its pack.
    rig_.reopen();
    static_cast<void>(must(rig_.mover->run_once(*rig_.io)));
    rig_.close();
    const Exceptions except = untold(is_destroying());
    const TableDump before = dump_index(rig_.index_path(), except);
    const std::set<std::string> media = media_files();
    rig_.lose_index();
    const RebuildReport report = must(rig_.try_rebuild());
    check_same_rows(before, dump_index(rig_.index_path(), except));
    BOOST_TEST((media_files() == media));  // it only reads
    BOOST_TEST(report.unlocated == 0);
    BOOST_TEST(!report.recovery);
    rig_.open();
    for (const Entry& entry : book_) {
      rig_.workspace = entry.workspace;
      const auto found = must(rig_.find(entry.call.call_sid));
      if (entry.is_condemned) continue;
      BOOST_TEST_REQUIRE(found.has_value(), entry.call.call_sid << " is not known any more");
      BOOST_TEST(rig_.is_kept(entry.call), entry.call.call_sid << " does not come back whole");
    }
  }

  std::string tally() const {
    std::string text = std::to_string(book_.size()) + " calls:";
    for (const auto& [what, count] : done_) text += " " + what + " " + std::to_string(count) + ",";
    text.back() = '.';
    return text;
  }

 private:
  // Somebody's destruction is left half done.
  bool is_destroying() {
    Database index = must(Database::open_read_only(rig_.index_path()));
    Statement statement = index.prepare("SELECT 1 FROM recording WHERE state = 3");
    return must(statement.step());
  }
  struct Entry {
    TestCall call;
    WorkspaceId workspace;
    bool is_condemned = false;  // and perhaps gone
    std::vector<HoldId> holds;  // in force, each once
  };

  // One that somebody may do something with; its workspace is the rig's from now on.
  Entry* any() {
    std::vector<Entry*> living;
    for (Entry& entry : book_)
      if (!entry.is_condemned) living.push_back(&entry);
    if (living.empty()) return nullptr;
    Entry* entry = living[choice_.below(living.size())];
    rig_.workspace = entry->workspace;
    return entry;
  }
  // What the state of the recording forbids is no concern of this test.
  template <typename R>
  static bool is_done(const R& result) {
    if (result.ok()) return true;
    const Code code = result.error().code;
    BOOST_TEST((code == Code::kLocked || code == Code::kConflict), result.error().message);
    return false;
  }

  void ingest() {
    Entry entry;
    entry.workspace = rig_.workspaces[choice_.below(2)];
    rig_.workspace = entry.workspace;
    entry.call = rig_.ingest();
    book_.push_back(std::move(entry));
  }
  void add_part() {
    Entry* entry = any();
    if (entry != nullptr)
      rig_.add_part(entry->call, "transcript." + std::to_string(++parts_) + ".txt");
  }
  void relabel() {
    Entry* entry = any();
    if (entry == nullptr) return;
    Relabel request;
    request.recording = rig_.recording(entry->call).recording_no;
    const uint64_t what = choice_.below(3);
    if (what == 0) request.workspace = rig_.workspaces[choice_.below(2)];
    if (what != 1)
      request.attributes = json::object{{"campaign", "number " + std::to_string(choice_.below(5))}};
    if (what == 1) {
      request.sets_service = true;
      if (choice_.below(2) == 0) request.service = rig_.random.id<WorkspaceId>();
    }
    request.reason = "it was labelled wrongly";
    request.who = "key:test";
    const auto to = request.workspace;
    if (is_done(rig_.archive().writer.call(holdfast::relabel(std::move(request)))) && to)
      entry->workspace = *to;
  }
  void hold() {
    Entry* entry = any();
    if (entry == nullptr) return;
    const auto placed = rig_.hold(entry->call, "matter " + std::to_string(choice_.below(4)));
    // A hold of a matter that has one is that one.
    if (is_done(placed) && std::ranges::find(entry->holds, placed->hold) == entry->holds.end())
      entry->holds.push_back(placed->hold);
  }
  void release() {
    Entry* entry = any();
    if (entry == nullptr || entry->holds.empty()) return;
    must(rig_.archive().writer.call(release_hold(entry->holds.back(), "settled", "key:test")));
    entry->holds.pop_back();
  }
  void retain() {
    static const char* const kNames[] = {"none", "month", "year", "law"};
    Entry* entry = any();
    if (entry == nullptr) return;
    AssignRetention wish;
    wish.recording = rig_.recording(entry->call).recording_no;
    if (choice_.below(5) != 0) wish.name = kNames[choice_.below(4)];
    wish.bypass = choice_.below(2) == 0;
    if (wish.bypass) wish.reason = "consent was withdrawn";
    wish.who = "key:test";
    static_cast<void>(is_done(rig_.archive().writer.call(assign_retention(wish))));
  }
  void set_default() {
    const auto workspace = rig_.workspaces[choice_.below(2)];
    std::optional<std::string> name;
    if (choice_.below(2) == 0) name = choice_.below(2) == 0 ? "none" : "month";
    must(rig_.archive().writer.call(set_retention_default(workspace, name, "uid:0")));
  }
  void destroy() {
    Entry* entry = any();
    if (entry != nullptr && is_done(rig_.destroy(entry->call))) entry->is_condemned = true;
  }
  // The second commit is the mover's, if it comes to that.
  void condemn_only() {
    Entry* entry = any();
    if (entry == nullptr) return;
    const RecordingNo number = rig_.recording(entry->call).recording_no;
    if (is_done(rig_.archive().writer.call(condemn(number, "key:test"))))
      entry->is_condemned = true;
  }
  void pass() {
    const Millis spans[] = {minutes(2), minutes(10), hours(2), hours(5), days(2)};
    rig_.clock.advance(spans[choice_.below(std::size(spans))]);
    move();
  }
  void move() {
    for (uint64_t left = 1 + choice_.below(8); left > 0; --left)
      if (!must(rig_.mover->run_once(*rig_.io))) return;
  }
  void restore() {
    Entry* entry = any();
    if (entry == nullptr || rig_.is_readable(entry->call)) return;
    static_cast<void>(is_done(rig_.ask(entry->call, hours(50))));
    if (choice_.below(3) != 0) rig_.run_restorers();
  }
  void rewrite() {
    Compactor compactor(rig_.archive());
    for (uint64_t left = 1 + choice_.below(6); left > 0; --left)
      if (!must(compactor.run_once(*rig_.io))) break;
    Repairer repairer(rig_.archive());  // the packs that the mirror lacks
    static_cast<void>(must(repairer.run_once(*rig_.io)));
  }
  void begin_anew() { rig_.reopen(); }

  std::set<std::string> media_files() const {
    std::set<std::string> files = rig_.media();
    if (!rig_.config.warm.mirror.empty()) files.merge(rig_.files_below(rig_.config.warm.mirror));
    return files;
  }

  RebuildRig rig_;
  SeededRandom choice_;
  std::vector<Entry> book_;
  int parts_ = 0;
  std::map<std::string, int> done_;
};

BOOST_AUTO_TEST_SUITE(P6_rebuild)

BOOST_AUTO_TEST_CASE(P6_random_lives_come_back_row_by_row) {
  for (uint64_t n = 0; n < lives(); ++n) {
    const uint64_t seed = test_seed() + n;
    BOOST_TEST_CONTEXT("HOLDFAST_TEST_SEED=" << seed << " HOLDFAST_SEEDS=1") {
      Life life(seed);
      if (!life.can_live()) return;
      for (int step = 0; step < kSteps; ++step) BOOST_TEST_CONTEXT("step " << step) {
          life.step();
        }
      life.lose_and_rebuild();
      std::cout << "seed " << seed << ": " << life.tally() << "\n";
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
