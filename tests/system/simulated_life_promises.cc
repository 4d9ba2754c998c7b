// The promises, held against a simulated life: at each step, at intervals, and at its end.
#include <sys/wait.h>

#include <algorithm>

#include "tests/system/simulated_life.h"

namespace holdfast::testing {
namespace {

constexpr int kChecksAStep = 20;  // recordings that one check() of a long life looks at
constexpr int kDearEvery = 25;    // steps of a brief life
constexpr size_t kPacksUnpacked = 3;

// Of each part each copy that may count: whether it was verified, whether ingest wrote it, and
// where it lies (docs/media.md), if in a pack.
constexpr const char* kEveryCopy =
    "SELECT r.call_sid, r.state, r.holds, p.part, c.state = 2, c.state = 1 AND c.original, "
    "CASE WHEN c.pack_no IS NULL THEN '' ELSE coalesce(m.place || "
    "iif(m.tier = 2, '/vault/', '/') || k.location, 'nowhere') END "
    "FROM recording r JOIN part p ON p.recording_no = r.recording_no "
    "LEFT JOIN copy c ON c.recording_no = p.recording_no AND c.part = p.part "
    "AND c.state IN (1, 2) "
    "LEFT JOIN medium m ON m.medium_no = c.medium_no "
    "LEFT JOIN pack_copy k ON k.pack_no = c.pack_no AND k.medium_no = c.medium_no "
    "WHERE r.call_sid IS NOT NULL";

}  // namespace

bool SimulatedLife::counts(const CopyRow& copy) {
  return copy.state == CopyState::kVerified || (copy.state == CopyState::kCopied && copy.original);
}

void SimulatedLife::check() {
  if (shape_.is_brief) {
    check_rows();
    check_one_lock();
    if (++checks_ % kDearEvery == 0) check_dear();
    return;
  }
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
  BOOST_TEST(lives, call_sid << " is no longer live, and nobody asked for that, or it is held");
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
std::string SimulatedLife::file_of(const CopyRow& copy) {
  if (copy.tier == Tier::kCold) return rig_.config.cold->path + "/vault/" + copy.location;
  const bool is_main = copy.medium == rig_.archive().warm->backend().medium();
  return (is_main ? rig_.config.warm.path : rig_.config.warm.mirror) + "/" + copy.location;
}

// P1, P2, P3, P9 of everybody by one look at the index, and whether the packs that count are there.
void SimulatedLife::check_rows() {
  struct Row {
    RecordingState state = RecordingState::kLive;
    int64_t holds = 0;
    std::map<int64_t, bool> parts;  // whether one of its copies counts
  };
  std::map<std::string, Row> rows;
  {
    auto index = must(rig_.archive().index.take());
    Statement statement = index->prepare(kEveryCopy);
    while (must(statement.step())) {
      Row& row = rows[statement.next<std::string>()];
      row.state = statement.next<RecordingState>();
      row.holds = statement.next<int64_t>();
      bool& is_kept = row.parts[statement.next<int64_t>()];
      if (is_kept || statement.is_null(4)) continue;
      const auto is_verified = statement.next<int64_t>() != 0;
      const auto is_original = statement.next<int64_t>() != 0;
      const auto path = statement.next<std::string>();
      is_kept =
          path.empty() ? is_verified || is_original : is_verified && std::filesystem::exists(path);
    }
  }
  for (const auto& [call_sid, promised] : book_) {
    if (!promised.must_be_there()) continue;
    const auto found = rows.find(call_sid);
    BOOST_TEST((found != rows.end()), call_sid << " was promised and is gone");
    if (found == rows.end()) continue;
    const Row& row = found->second;
    const bool lives =
        row.state == RecordingState::kLive || row.state == RecordingState::kCommitted;
    BOOST_TEST(lives, call_sid << " is no longer live, and nobody asked for that, or it is held");
    BOOST_TEST(row.holds >= static_cast<int64_t>(promised.holds.size()),
               call_sid << " lost a hold");
    for (const auto& [part, is_kept] : row.parts)
      BOOST_TEST(is_kept, call_sid << " part " << part << " has no copy that counts");
  }
}

// P3: one that is held or retained is not condemned.
void SimulatedLife::check_one_lock() {
  std::vector<const Promised*> locked;
  for (const auto& [call_sid, promised] : book_)
    if (promised.stored &&
        (!promised.holds.empty() ||
         (promised.end && !promised.asked_to_destroy && now() + slack() < *promised.end)))
      locked.push_back(&promised);
  if (locked.empty()) return;
  const Promised& promised = *locked[rig_.random.below(locked.size())];
  const std::optional<Recording> found = known(promised);
  // That it is there check_rows() has said; one that waits for its place is refused as that.
  if (!found || found->state == RecordingState::kCommitted) return;
  const auto condemned = rig_.archive().writer.call(condemn(found->recording_no, "key:test"));
  BOOST_TEST((!condemned.ok() && condemned.error().code == Code::kLocked),
             promised.call.call_sid << " is locked and was condemned");
  ++done_["locks tried"];
}

// Every byte that can be read now (P4, P5), and the chains.
void SimulatedLife::check_dear() {
  for (const auto& [call_sid, promised] : book_)
    if (promised.must_be_there()) {
      check_there(promised);
      read(promised);
    }
  check_chains();
}

// P6: the index is lost, and what a rebuild makes of the media and the ledger takes its place. Of
// every second life the ledger's decisions are lost with it, and their mirror takes their place.
void SimulatedLife::lose_the_index() {
  rig_.end_process();
  rig_.lose_index();
  if (shape_.seed % 2 == 0) {
    std::filesystem::remove_all(rig_.config.state_dir + "/ledger/decisions");
    ++done_["ledger lost"];
  }
  const RebuildReport report = rig_.rebuild();
  BOOST_TEST(report.unlocated == 0);
  BOOST_TEST(!report.recovery);
  check_rows();
  ++done_["rebuilt"];
}

// The compliance clock lost time at each kill. Somebody puts it right, and some days after the last
// end everything is gone that nothing keeps.
void SimulatedLife::let_expiry_end() {
  must(rig_.archive().writer.call(accept_clock("compared with two others", "uid:0")));
  for (int64_t left = days(12).count; left > 0; left -= kTick.count) {
    rig_.clock.advance(kTick);
    expire();
    operator_looks_at_expiry();
  }
  all_ended_until_ = rig_.clock.now() - days(2);
}

void SimulatedLife::settle() {
  all_media_come_back();
  restart();
  if (shape_.is_brief) lose_the_index();
  let_expiry_end();
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
  if (!shape_.is_brief) check_packs_with_stock_tools();
}

void SimulatedLife::check_gone(const Promised& promised) {
  const bool has_expired = promised.must_have_expired() && *promised.end <= all_ended_until_;
  if (!promised.must_be_gone() && !has_expired) return;
  const std::optional<Recording> found = known(promised);
  const std::string& call_sid = promised.call.call_sid;
  // In a pack it is a hole of the index: the row stays until the pack is written anew.
  if (found)
    BOOST_TEST((found->state == RecordingState::kDestroying),
               call_sid << (has_expired ? " is past its end" : " was deleted"));
  for (const std::string& path : rig_.standard_files("metadata.json"))
    BOOST_TEST(path.find("/" + call_sid + "/") == std::string::npos, path << " was deleted");
  BOOST_TEST(!offer(promised, promised.call).ok(), call_sid << " was deleted and taken again");
  ++done_[has_expired ? "gone by its end" : "gone for good"];
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
  std::set<int64_t> lines;
  Sha256 story;
  const LineVisitor note = [&](const Line& line) {
    story.update(as_bytes(std::to_string(line.n) + " " + std::to_string(line.t.count) + " " +
                          line.kind + " " + line.who + " " + line.on.value_or("") + "\n"));
    if (const auto* read = line.details.if_contains("read")) lines.insert(read->as_int64());
    return Result<bool>(true);
  };
  for (const auto& [directory, end] : {std::pair(view.decisions.get(), view.decisions_end),
                                       std::pair(view.access.get(), view.access_end)}) {
    const ChainReport report = must(verify_chain(*rig_.io, directory, note, end));
    BOOST_TEST(!report.broken.has_value());
    BOOST_TEST(report.gaps.empty());
  }
  BOOST_TEST(
      std::includes(lines.begin(), lines.end(), lines_promised_.begin(), lines_promised_.end()),
      "the ledger lost the line of a read");
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
