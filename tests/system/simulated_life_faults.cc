// What goes wrong in a simulated life: operations on files and commits that fail, deaths, rot,
// media that are away, a clock that is set wrong.
#include <array>
#include <cerrno>

#include "tests/system/simulated_life.h"

namespace holdfast::testing {
namespace {

constexpr uint64_t kFaultPoints = 120;  // a fault strikes one of so many operations on files
constexpr uint64_t kFaultCommits = 6;   // or one of so many commits
constexpr int kRotTries = 20;           // recordings that are looked at for one that may rot
constexpr std::array<int, 3> kErrors{EIO, ENOSPC, EMFILE};
constexpr uint64_t kWrongByDays = 4000;  // the clock, forwards or backwards

}  // namespace

// A fault of its files, or (in a brief life) of its commits: once, or from there on, as for a
// process that dies there.
void SimulatedLife::do_with_faults(Action action) {
  const bool dies = rig_.random.below(2) == 0;
  const bool at_commit = shape_.is_brief && rig_.random.below(4) == 0;
  const uint64_t points = at_commit ? kFaultCommits : kFaultPoints;
  const int error = shape_.is_brief ? kErrors[rig_.random.below(kErrors.size())] : EIO;
  FaultAt fault(static_cast<int>(rig_.random.below(points)), dies, error);
  if (rig_.random.below(2) == 0) fault.tear_writes();
  AimedFaults& aimed = at_commit ? commits_ : rig_.faults;
  aimed.aim(&fault);
  fault_about_ = true;
  (this->*action)();
  aimed.aim(nullptr);
  ++done_[dies ? "killed" : "one failure"];
  // After one failure it may go on as it is, when it still takes commands.
  const bool goes_on = !dies && !book_.empty() && rig_.random.below(2) == 0;
  const RecordingNo number{1};
  const bool takes_commands =
      goes_on && rig_.archive().writer.call(set_recording_action(number, std::nullopt)).ok();
  if (!takes_commands) restart();
  fault_about_ = false;
}

void SimulatedLife::restart() {
  rig_.end_process();
  rig_.reopen();
  BOOST_TEST(rig_.unsettled().empty());  // P7: what was under way is settled by start-up
}

// A bit of a copy flips that is not the last good one: verified copies never rot on cold here, on
// warm only where the pack lies on cold too, plain files only where a pack has them. One that is
// not verified yet may: whoever counts it must look first.
void SimulatedLife::a_copy_rots() {
  for (int left = kRotTries; left > 0; --left) {
    const Promised* promised = any([](const Promised& one) { return one.must_be_there(); });
    const std::optional<Recording> found = promised ? known(*promised) : std::nullopt;
    if (!found) continue;
    if (rots_unproven(*found)) {
      ++done_["rotten before its proof"];
      return;
    }
    if (!rots(*found)) continue;
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
    if (copy.part != 1 || !counts(copy) || copy.tier != Tier::kWarm) continue;
    if (!verified_on(Tier::kCold)) continue;
    flip_in_pack(copy);
    rotten_in_pack_ = found.call_sid;
    return true;
  }
  for (const CopyRow& copy : found.copies) {
    if (copy.part != 1 || !counts(copy) || copy.tier != Tier::kStandard) continue;
    if (!verified_on(Tier::kWarm)) continue;
    for (const std::string& path : rig_.standard_files("outbound.pcm")) {
      if (path.find("/" + found.call_sid + "/") == std::string::npos) continue;
      rig_.flip_byte(path, 0);
      rotten_.insert(found.call_sid);
      return true;
    }
  }
  return false;
}

// Its move is to re-read it next. What a rewriting makes is left alone: it has no move.
bool SimulatedLife::rots_unproven(const Recording& found) {
  auto index = must(rig_.archive().index.take());
  for (const CopyRow& copy : found.copies) {
    if (!copy.pack || copy.state != CopyState::kCopied) continue;
    for (const MoveRow& move : must(moves_of_pack(*index, *copy.pack))) {
      if (move.to != copy.medium || move.state != MoveState::kCopied) continue;
      flip_in_pack(copy);
      return true;
    }
  }
  return false;
}

// In what it keeps of the call, or anywhere: most of a small pack is its end and what pads it.
void SimulatedLife::flip_in_pack(const CopyRow& copy) {
  const std::string path = file_of(copy);
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path));
  const bool is_of_call = copy.audio && copy.audio->length.count > 0 && rig_.random.below(4) != 0;
  const PackSpan span = is_of_call ? *copy.audio : PackSpan{Bytes(0), Bytes(size)};
  const auto within = rig_.random.below(static_cast<uint64_t>(span.length.count));
  rig_.flip_byte(path, span.offset.count + static_cast<int64_t>(within));
}

// The label is gone, as below an empty mount point, until it comes back.
void SimulatedLife::a_medium_comes_and_goes() {
  if (!away_.empty() && rig_.random.below(3) != 0) return all_media_come_back();
  std::vector<std::string> roots{rig_.config.warm.path, rig_.config.cold->path};
  if (!rig_.config.warm.mirror.empty()) roots.push_back(rig_.config.warm.mirror);
  const std::string& root = roots[rig_.random.below(roots.size())];
  if (!away_.insert(root).second) return;
  std::filesystem::rename(label_of(root), root + "/away");
  ++done_["medium away"];
}

void SimulatedLife::all_media_come_back() {
  for (const std::string& root : away_) std::filesystem::rename(root + "/away", label_of(root));
  away_.clear();
}

// P9: by the system's clock everything has ended, or nothing will. The expirer looks at it, and
// perhaps a start; then it is put right.
void SimulatedLife::the_clock_is_wrong() {
  const auto wrong_by = static_cast<int64_t>(rig_.random.below(2 * kWrongByDays)) -
                        static_cast<int64_t>(kWrongByDays);
  rig_.clock.jump_to(std::max(kEarliestSystemTime, now() + days(wrong_by)));
  if (rig_.random.below(2) == 0) restart();
  for (uint64_t left = 1 + rig_.random.below(3); left > 0; --left) {
    expire();
    rig_.clock.advance(minutes(10));
  }
  rig_.clock.jump_to(now());
  was_ever_wrong_ = true;
}

// What a good clock would say.
UnixMillis SimulatedLife::now() const { return began_ + rig_.clock.monotonic(); }

Millis SimulatedLife::slack() const {
  if (!was_ever_wrong_) return Millis(0);
  return Millis(rig_.clock.monotonic().count / 100 + hours(1).count);
}

std::string SimulatedLife::label_of(const std::string& root) {
  return root + "/holdfast-label.json";
}

}  // namespace holdfast::testing
