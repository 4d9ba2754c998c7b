// What should move, when and why: one pure function over rows. The mover does
// what it says and `holdfast plan` prints it, so a dry run cannot differ from
// the real one.
//
// The two edges, each with two ages (copy early, release late); an age counts
// from the call's end, to the second:
//
//   standard ──copy_after──▶ a place in an open pack of its cohort
//                              │ seals at size, members or age, or when the tier is full;
//                              │ written to warm
//   standard ──release_after─▶ removed, once enough verified copies lie elsewhere
//   warm     ──copy_after────▶ the whole pack copied to cold   (oldest member's age)
//   warm     ──release_after─▶ the pack removed there          (youngest member's age)
//   staged   ──keep_until────▶ evicted
//
// Invariants:
// - No step releases anything with fewer than `copies_before_release` verified
//   copies on other media (P2); the guard asks the index again before it permits.
// - At most `open_packs_max` packs are open after the steps were done.
// - Equal input gives equal output, step for step.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/limits.h"
#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// At which ages the recordings of a workspace move.
struct PolicyRule {
  Millis standard_copy_after = minutes(15);
  Millis standard_release_after = days(3);
  Millis warm_copy_after = days(30);
  Millis warm_release_after = days(31);
  bool to_cold = true;  // false: never
  bool operator==(const PolicyRule&) const = default;
};

struct PolicySettings {
  PolicyRule common;
  std::map<WorkspaceId, PolicyRule> own;  // of workspaces that have a rule of their own
  const PolicyRule& rule_of(const WorkspaceId& workspace) const;

  bool has_cold = false;
  Bytes pack_bytes_max{limits::kPackBytesMax};
  int pack_members_max = limits::kPackMembersMax;
  Millis pack_seal_after = hours(6);
  int open_packs_max = limits::kOpenPacksMax;
  bool cohort_per_workspace = false;
  int copies_before_release = 1;
  // Watermarks of the standard tier in percent: above `high`, what is verified
  // elsewhere is released before its age, oldest first, until `low` is reached.
  int watermark_high_percent = 90;
  int watermark_low_percent = 80;
  int full_percent = 97;  // above it nothing comes in, unless something can leave
};
PolicySettings policy_settings(const Config& config);

// The pack a recording may share: those who will leave it together.
struct CohortInput {
  std::string_view retention_class;      // empty: "none"
  std::optional<UnixMillis> expires_at;  // absent: nothing says when it may leave
  bool held = false;                     // a held recording leaves at an unknown time
  WorkspaceId workspace;
};
// "<class>/<yyyy-mm>" or "<class>/open", then the ages of its workspace's rule when that is not the
// common one, then "/<workspace>" when so configured.
std::string cohort_key(const CohortInput& input, const PolicySettings& settings);

// One part with a copy on the standard tier.
struct PolicyPart {
  RecordingId recording;
  int part = 1;
  Bytes bytes;                 // of all its files
  UnixMillis age_from;         // the call's end, or received_at
  PolicyRule rule;             // of its workspace
  std::string cohort;          // cohort_key
  std::optional<PackId> pack;  // the open or sealed pack that has a place for it
  int verified_newer = 0;      // verified copies on media of slower tiers
};

// A pack that gathers members; nothing of it is on media yet.
struct PolicyOpenPack {
  PackId pack;
  std::string cohort;
  Bytes bytes;
  int members = 0;
  UnixMillis opened_at;
};

// A sealed pack with a verified copy on warm.
struct PolicyWarmPack {
  PackId pack;
  Bytes bytes;
  int members = 0;
  // When the first of its members is due on cold, and the last may leave warm; beside each the age
  // that makes it so. Members of one cohort have one rule, unless the configuration has changed.
  UnixMillis copy_at;
  Millis copy_age{0};
  UnixMillis release_at;
  Millis release_age{0};
  bool to_cold = true;     // false: a member of it never goes there
  bool on_cold = false;    // a copy on cold exists or is being made
  int verified_newer = 0;  // verified copies on media of slower tiers
};
// Another member, whose age counts from `age_from`.
void add_member(PolicyWarmPack& pack, UnixMillis age_from, const PolicyRule& rule);

struct PolicyStaged {
  RecordingId recording;
  int part = 1;
  Bytes bytes;
  UnixMillis keep_until;
};

struct PolicySpace {
  Bytes used;
  Bytes total;
};

struct PolicyInput {
  std::vector<PolicyPart> standard;
  std::vector<PolicyOpenPack> open_packs;  // all of them
  std::vector<PolicyWarmPack> warm_packs;
  std::vector<PolicyStaged> staged;
  std::optional<PolicySpace> standard_space;  // absent: watermarks are not looked at
};

// Names of the steps are on the wire (`holdfast plan --json`).
enum class StepKind : int8_t {
  kAssignToPack,
  kSealPack,
  kReleaseStandard,
  kCopyPackToCold,
  kReleaseWarmPack,
  kEvictStaged,
};
std::string_view word(StepKind kind);  // "assign-to-pack", "seal-pack", …

// The way from one tier to the next slower one.
enum class Edge : int8_t { kStandardToWarm, kWarmToCold };
constexpr std::array<Edge, 2> kEdges = {Edge::kStandardToWarm, Edge::kWarmToCold};
struct EdgeEnds {
  Tier from;
  Tier to;
};
EdgeEnds ends_of(Edge edge);
// The edge on which a step copies, or whose source it releases; nothing: none.
std::optional<Edge> edge_of(StepKind kind);

// A pack that exists, or the nth one that this plan opens.
struct PackRef {
  std::optional<PackId> existing;
  int fresh = -1;  // 0, 1, … when `existing` is absent: the mover maps it to the id it makes
  bool operator==(const PackRef&) const = default;
};

struct PlannedStep {
  StepKind kind = StepKind::kAssignToPack;
  // Which of the three is set follows from the kind: assign has a part, a pack
  // and a cohort; seal, copy and release-warm a pack; release-standard and evict a part.
  std::optional<RecordingId> recording;
  int part = 0;
  std::optional<PackRef> pack;
  std::string cohort;
  UnixMillis when;  // since when it is due; not later than `until`
  std::string why;  // a sentence for people
  Bytes bytes;
  bool operator==(const PlannedStep&) const = default;
};

// More of the tier is used than the high watermark says: what is verified elsewhere leaves early.
bool is_over_high_watermark(const PolicySpace& space, const PolicySettings& settings);

// More than the hard mark.
bool is_over_full_mark(const PolicySpace& space, const PolicySettings& settings);

// The steps that are due at `until` (the mover passes the time it is; plan may
// look ahead), in the order in which they should be done: assign, seal,
// release-standard, copy-to-cold, release-warm, evict; oldest first within each.
std::vector<PlannedStep> plan_steps(const PolicyInput& input, const PolicySettings& settings,
                                    UnixMillis until);

// When policy must look at a row again: what the index keeps as next_action_at,
// so that a scan costs what is due. Nothing: only an event (a copy verified, a
// pack sealed, a hold) can make the row due; its writer asks again. A recording's is the
// earliest of its parts'.
std::optional<UnixMillis> next_action_at(const PolicyPart& row, const PolicySettings& settings);
std::optional<UnixMillis> next_action_at(const PolicyOpenPack& row, const PolicySettings& settings);
std::optional<UnixMillis> next_action_at(const PolicyWarmPack& row, const PolicySettings& settings);

}  // namespace holdfast
