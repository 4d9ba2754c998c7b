#include "tiers/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <list>
#include <tuple>

#include "base/time_text.h"

namespace holdfast {
namespace {

UnixMillis copy_due(const PolicyPart& part) {
  return part.age_from + part.rule.standard_copy_after;
}
UnixMillis release_due(const PolicyPart& part) {
  return part.age_from + part.rule.standard_release_after;
}

bool is_enough(int verified_newer, const PolicySettings& settings) {
  return verified_newer >= std::max(1, settings.copies_before_release);
}

double percent_used(const PolicySpace& space) {
  return static_cast<double>(space.used.count) * 100.0 / static_cast<double>(space.total.count);
}

std::string_view whose_rule(const PolicyPart& part, const PolicySettings& settings) {
  return part.rule == settings.common ? "" : " (the rule of its workspace)";
}

std::string copies_words(int copies) {
  return copies == 1 ? "1 verified copy lies" : fmt::format("{} verified copies lie", copies);
}

bool is_full(Bytes bytes, int members, const PolicySettings& settings) {
  return bytes >= settings.pack_bytes_max || members >= settings.pack_members_max;
}

// The packs that gather members, as they will be while the plan is carried out.
class OpenPacks {
 public:
  OpenPacks(const std::vector<PolicyOpenPack>& rows, const PolicySettings& settings,
            UnixMillis until)
      : settings_(settings), until_(until) {
    for (const PolicyOpenPack& row : rows)
      open_.push_back({PackRef{row.pack, -1}, row.cohort, row.bytes, row.members, row.opened_at});
    open_.sort([](const Open& a, const Open& b) {
      return std::tie(a.opened_at, a.ref.existing) < std::tie(b.opened_at, b.ref.existing);
    });
  }

  // The pack that takes `part`; what must make room for it is sealed.
  PackRef take(const PolicyPart& part) {
    auto it = std::find_if(open_.begin(), open_.end(),
                           [&](const Open& open) { return open.cohort == part.cohort; });
    if (it != open_.end() && it->members > 0 &&
        (it->bytes + part.bytes > settings_.pack_bytes_max ||
         it->members >= settings_.pack_members_max)) {
      seal(it, until_, "it has no room for the next recording of its cohort");
      it = open_.end();
    }
    if (it == open_.end()) {
      if (static_cast<int>(open_.size()) >= settings_.open_packs_max)
        seal(open_.begin(), until_,
             fmt::format("{} packs are open and another cohort needs one", open_.size()));
      it = open_.insert(open_.end(),
                        {PackRef{std::nullopt, fresh_++}, part.cohort, Bytes(0), 0, until_});
    }
    it->bytes += part.bytes;
    ++it->members;
    return it->ref;
  }

  // Seals what is full or has gathered for long enough; in a hurry, whatever has a member.
  void seal_due(bool in_a_hurry) {
    for (auto it = open_.begin(); it != open_.end();) {
      const auto next = std::next(it);
      const UnixMillis due = it->opened_at + settings_.pack_seal_after;
      if (it->members > 0 && is_full(it->bytes, it->members, settings_))
        seal(it, std::min(due, until_), "it is full");
      else if (it->members > 0 && due <= until_)
        seal(it, due, "it has gathered for " + to_words(settings_.pack_seal_after));
      else if (it->members > 0 && in_a_hurry)
        seal(it, until_,
             "the standard tier is full, and nothing leaves it before it lies elsewhere");
      it = next;
    }
  }

  const std::vector<PlannedStep>& seals() const { return seals_; }

 private:
  struct Open {
    PackRef ref;
    std::string cohort;
    Bytes bytes;
    int members = 0;
    UnixMillis opened_at;
  };

  void seal(std::list<Open>::iterator it, UnixMillis when, const std::string& reason) {
    PlannedStep step;
    step.kind = StepKind::kSealPack;
    step.pack = it->ref;
    step.cohort = it->cohort;
    step.when = when;
    step.bytes = it->bytes;
    step.why = fmt::format("The pack of {} members is sealed and written to warm: {}.", it->members,
                           reason);
    seals_.push_back(std::move(step));
    open_.erase(it);
  }

  const PolicySettings& settings_;
  const UnixMillis until_;
  std::list<Open> open_;  // oldest first
  int fresh_ = 0;
  std::vector<PlannedStep> seals_;
};

std::vector<const PolicyPart*> oldest_first(const std::vector<PolicyPart>& parts) {
  std::vector<const PolicyPart*> sorted;
  sorted.reserve(parts.size());
  for (const PolicyPart& part : parts) sorted.push_back(&part);
  std::sort(sorted.begin(), sorted.end(), [](const PolicyPart* a, const PolicyPart* b) {
    return std::tie(a->age_from, a->recording, a->part) <
           std::tie(b->age_from, b->recording, b->part);
  });
  return sorted;
}

PlannedStep part_step(StepKind kind, const RecordingId& recording, int part, UnixMillis when,
                      Bytes bytes, std::string why) {
  PlannedStep step;
  step.kind = kind;
  step.recording = recording;
  step.part = part;
  step.when = when;
  step.bytes = bytes;
  step.why = std::move(why);
  return step;
}

void plan_packing(const std::vector<const PolicyPart*>& parts, const PolicyInput& input,
                  const PolicySettings& settings, UnixMillis until,
                  std::vector<PlannedStep>& steps) {
  OpenPacks packs(input.open_packs, settings, until);
  for (const PolicyPart* part : parts) {
    if (part->pack || copy_due(*part) > until) continue;
    PlannedStep step = part_step(
        StepKind::kAssignToPack, part->recording, part->part, copy_due(*part), part->bytes,
        fmt::format("The call ended {} before{}: its first copy on warm is due.",
                    to_words(part->rule.standard_copy_after), whose_rule(*part, settings)));
    step.cohort = part->cohort;
    step.pack = packs.take(*part);
    steps.push_back(std::move(step));
  }
  packs.seal_due(input.standard_space && is_over_full_mark(*input.standard_space, settings));
  steps.insert(steps.end(), packs.seals().begin(), packs.seals().end());
}

void plan_standard_releases(const std::vector<const PolicyPart*>& parts, const PolicyInput& input,
                            const PolicySettings& settings, UnixMillis until,
                            std::vector<PlannedStep>& steps) {
  Bytes freed;
  for (const PolicyPart* part : parts) {
    if (!is_enough(part->verified_newer, settings) || release_due(*part) > until) continue;
    freed += part->bytes;
    steps.push_back(part_step(
        StepKind::kReleaseStandard, part->recording, part->part, release_due(*part), part->bytes,
        fmt::format("The call ended {} before{} and {} elsewhere.",
                    to_words(part->rule.standard_release_after), whose_rule(*part, settings),
                    copies_words(part->verified_newer))));
  }
  if (!input.standard_space) return;
  PolicySpace space = *input.standard_space;
  space.used = Bytes(space.used.count - freed.count);
  if (!is_over_high_watermark(space, settings)) return;
  for (const PolicyPart* part : parts) {
    if (percent_used(space) <= settings.watermark_low_percent) return;
    if (!is_enough(part->verified_newer, settings) || release_due(*part) <= until) continue;
    space.used = Bytes(space.used.count - part->bytes.count);
    steps.push_back(part_step(
        StepKind::kReleaseStandard, part->recording, part->part, until, part->bytes,
        fmt::format("The standard tier is over its high watermark of {} % and {} elsewhere.",
                    settings.watermark_high_percent, copies_words(part->verified_newer))));
  }
}

std::optional<UnixMillis> cold_copy_due(const PolicyWarmPack& pack,
                                        const PolicySettings& settings) {
  if (!settings.has_cold || !pack.to_cold || pack.on_cold) return std::nullopt;
  return pack.copy_at;
}

std::optional<UnixMillis> warm_release_due(const PolicyWarmPack& pack,
                                           const PolicySettings& settings) {
  // A pack that came to cold before somebody said "never" keeps its copy on warm.
  if (!pack.to_cold || !is_enough(pack.verified_newer, settings)) return std::nullopt;
  return pack.release_at;
}

void plan_warm_packs(const PolicyInput& input, const PolicySettings& settings, UnixMillis until,
                     std::vector<PlannedStep>& steps) {
  const auto pack_step = [&](StepKind kind, const PolicyWarmPack& pack, UnixMillis when,
                             std::string why) {
    PlannedStep step;
    step.kind = kind;
    step.pack = PackRef{pack.pack, -1};
    step.when = when;
    step.bytes = pack.bytes;
    step.why = std::move(why);
    steps.push_back(std::move(step));
  };
  for (const PolicyWarmPack& pack : input.warm_packs) {
    if (const auto due = cold_copy_due(pack, settings); due && *due <= until)
      pack_step(StepKind::kCopyPackToCold, pack, *due,
                fmt::format("Its oldest call ended {} before: its copy on cold is due.",
                            to_words(pack.copy_age)));
    if (const auto due = warm_release_due(pack, settings); due && *due <= until)
      pack_step(StepKind::kReleaseWarmPack, pack, *due,
                fmt::format("Its youngest call ended {} before and {} on cold.",
                            to_words(pack.release_age), copies_words(pack.verified_newer)));
  }
}

// By kind, then by time, then by what: one order for equal input.
void put_in_order(std::vector<PlannedStep>& steps) {
  std::stable_sort(steps.begin(), steps.end(), [](const PlannedStep& a, const PlannedStep& b) {
    const auto key = [](const PlannedStep& step) {
      return std::tuple(step.kind, step.when, step.recording, step.part,
                        step.pack ? step.pack->existing : std::nullopt,
                        step.pack ? step.pack->fresh : -1);
    };
    return key(a) < key(b);
  });
}

}  // namespace

PolicySettings policy_settings(const Config& config) {
  PolicySettings settings;
  settings.common.standard_copy_after = config.standard.copy_after;
  settings.common.standard_release_after = config.standard.release_after;
  settings.common.warm_copy_after = config.warm.copy_after;
  settings.common.warm_release_after = config.warm.release_after;
  for (const WorkspaceConfig& workspace : config.workspaces)
    settings.own[workspace.workspace] =
        PolicyRule{workspace.standard_copy_after, workspace.standard_release_after,
                   workspace.warm_copy_after, workspace.warm_release_after, workspace.cold};
  settings.has_cold = config.cold.has_value();
  settings.pack_bytes_max = config.warm.pack_size_max;
  settings.pack_members_max = config.warm.pack_members_max;
  settings.pack_seal_after = config.warm.pack_seal_after;
  settings.cohort_per_workspace = config.warm.cohort_per_workspace;
  settings.copies_before_release = config.copies_before_release;
  settings.watermark_high_percent = config.standard.watermark_high;
  settings.watermark_low_percent = config.standard.watermark_low;
  settings.full_percent = config.standard.full_at;
  return settings;
}

const PolicyRule& PolicySettings::rule_of(const WorkspaceId& workspace) const {
  const auto found = own.find(workspace);
  return found == own.end() ? common : found->second;
}

void add_member(PolicyWarmPack& pack, UnixMillis age_from, const PolicyRule& rule) {
  const UnixMillis copy_at = age_from + rule.warm_copy_after;
  const UnixMillis release_at = age_from + rule.warm_release_after;
  if (pack.members == 0 || copy_at < pack.copy_at) {
    pack.copy_at = copy_at;
    pack.copy_age = rule.warm_copy_after;
  }
  if (pack.members == 0 || release_at > pack.release_at) {
    pack.release_at = release_at;
    pack.release_age = rule.warm_release_after;
  }
  pack.to_cold &= rule.to_cold;
  ++pack.members;
}

std::string cohort_key(const CohortInput& input, const PolicySettings& settings) {
  std::string key(input.retention_class.empty() ? "none" : input.retention_class);
  if (input.expires_at && !input.held) {
    const CalendarDay day = day_of(*input.expires_at);
    key += fmt::format("/{:04}-{:02}", day.year, day.month);
  } else {
    key += "/open";
  }
  // Those who leave at other ages go into other packs.
  if (const PolicyRule& rule = settings.rule_of(input.workspace); rule != settings.common)
    key += fmt::format("/{}-{}-{}-{}ms", rule.standard_copy_after.count,
                       rule.standard_release_after.count, rule.warm_copy_after.count,
                       rule.to_cold ? std::to_string(rule.warm_release_after.count) : "stays");
  if (settings.cohort_per_workspace) key += "/" + input.workspace.text();
  return key;
}

std::string_view word(StepKind kind) {
  static constexpr std::array<std::string_view, 6> kWords = {
      "assign-to-pack",    "seal-pack",         "release-standard",
      "copy-pack-to-cold", "release-warm-pack", "evict-staged"};
  return kWords[static_cast<size_t>(kind)];
}

EdgeEnds ends_of(Edge edge) {
  if (edge == Edge::kStandardToWarm) return {Tier::kStandard, Tier::kWarm};
  return {Tier::kWarm, Tier::kCold};
}

std::optional<Edge> edge_of(StepKind kind) {
  switch (kind) {
    case StepKind::kAssignToPack:
    case StepKind::kSealPack:
    case StepKind::kReleaseStandard:
      return Edge::kStandardToWarm;
    case StepKind::kCopyPackToCold:
    case StepKind::kReleaseWarmPack:
      return Edge::kWarmToCold;
    case StepKind::kEvictStaged:
      break;
  }
  return std::nullopt;
}

bool is_over_full_mark(const PolicySpace& space, const PolicySettings& settings) {
  return space.total.count > 0 && percent_used(space) > settings.full_percent;
}

bool is_over_high_watermark(const PolicySpace& space, const PolicySettings& settings) {
  return space.total.count > 0 && percent_used(space) > settings.watermark_high_percent;
}

std::vector<PlannedStep> plan_steps(const PolicyInput& input, const PolicySettings& settings,
                                    UnixMillis until) {
  assert(settings.open_packs_max >= 1 && settings.pack_members_max >= 1);
  std::vector<PlannedStep> steps;
  const std::vector<const PolicyPart*> parts = oldest_first(input.standard);
  plan_packing(parts, input, settings, until, steps);
  plan_standard_releases(parts, input, settings, until, steps);
  plan_warm_packs(input, settings, until, steps);
  for (const PolicyStaged& staged : input.staged)
    if (staged.keep_until <= until)
      steps.push_back(part_step(StepKind::kEvictStaged, staged.recording, staged.part,
                                staged.keep_until, staged.bytes,
                                "The time for which the restored copy is kept is over."));
  put_in_order(steps);
  return steps;
}

std::optional<UnixMillis> next_action_at(const PolicyPart& part, const PolicySettings& settings) {
  if (!part.pack) return copy_due(part);
  if (is_enough(part.verified_newer, settings)) return release_due(part);
  return std::nullopt;
}

std::optional<UnixMillis> next_action_at(const PolicyOpenPack& pack,
                                         const PolicySettings& settings) {
  if (pack.members == 0) return std::nullopt;
  if (is_full(pack.bytes, pack.members, settings)) return pack.opened_at;
  return pack.opened_at + settings.pack_seal_after;
}

std::optional<UnixMillis> next_action_at(const PolicyWarmPack& pack,
                                         const PolicySettings& settings) {
  const std::optional<UnixMillis> copy = cold_copy_due(pack, settings);
  const std::optional<UnixMillis> release = warm_release_due(pack, settings);
  if (copy && release) return std::min(*copy, *release);
  return copy ? copy : release;
}

}  // namespace holdfast
