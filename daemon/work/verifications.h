// Verifications that a person asked for: of a recording, of a pack, of a medium.
//
//   queued ──first copy──▶ running ──last copy──▶ done
//
// They are run by the scrub's thread, copy by copy: a recording's before a pack's, a pack's before
// a medium's, so that nobody waits for a whole medium. They live in memory: a restart forgets them,
// and whoever asked asks again (what was found bad is quarantined, and that stays).
//
// Bounds: limits::kVerificationsMax are kept, the oldest that are over go first; of the findings of
// each limits::kFindingsKept, the bad ones first.
#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/copy_check.h"

namespace holdfast {

using VerificationId = Id<struct VerificationTag>;

// One of the three is given.
struct VerificationRequest {
  std::optional<RecordingNo> recording;
  std::optional<PackId> pack;
  std::optional<MediumId> medium;
  std::string object;  // as it was asked for, for people
  std::string who;
};

struct CopyFinding {
  std::string object;  // "recording <id> part 1", "pack <id>"
  MediumId medium;
  Tier tier = Tier::kStandard;
  Verdict verdict = Verdict::kSound;
  std::string why;
};

struct Verification {
  enum class State { kQueued, kRunning, kDone };
  VerificationId id;
  VerificationRequest request;
  State state = State::kQueued;
  UnixMillis asked_at;
  std::optional<UnixMillis> ended_at;
  int64_t sound = 0;
  int64_t bad = 0;
  int64_t unproven = 0;
  Bytes bytes;
  std::vector<CopyFinding> findings;
  std::string error;  // why it ended before its end
};
std::string_view word(Verification::State state);

class Verifications {
 public:
  explicit Verifications(const Archive& archive) : archive_(archive) {}

  // kExhausted while limits::kVerificationsMax are under way. Any thread.
  Result<Verification> ask(VerificationRequest request);
  std::optional<Verification> find(const VerificationId& id) const;  // any thread
  std::vector<Verification> list() const;                            // newest first; any thread
  bool is_asked() const { return asked_ > 0; }                       // any thread

  // Reads one copy for whom it is most urgent. False when nothing is asked for. Thread rule: one
  // thread.
  Result<bool> run_once(Io& io);

 private:
  // A copy to be read.
  struct Target {
    std::optional<PlainCopyKey> plain;  // none: the pack
    PackId pack;
    MediumId medium;
    Tier tier = Tier::kStandard;
    std::string object;
  };
  // How far one is; the thread that runs it alone looks at it.
  struct Cursor {
    bool begun = false;
    std::deque<Target> targets;
    bool has_more = false;  // of a medium: another page
    PlainCopyKey after_plain{RecordingNo(0), 0};
    int64_t after_pack = 0;
  };
  struct Entry {
    Verification shown;
    Cursor cursor;
  };

  Entry* most_urgent();
  Status fill(Io& io, const VerificationRequest& request, Cursor& cursor);
  Status add_recording(Database& index, RecordingNo number, Cursor& cursor);
  Status add_pack(Database& index, const PackId& pack, Cursor& cursor);
  Status add_page(Database& index, const MediumId& medium, Cursor& cursor);
  Result<Target> plain_target(Database& index, const PlainCopyKey& key);
  void keep(Entry& entry, const Target& target, const CopyCheck& check);
  void end(Entry& entry, const std::string& error);

  Archive archive_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // oldest first; an entry that is not over is never taken out
  std::atomic<int> asked_{0};
};

}  // namespace holdfast
