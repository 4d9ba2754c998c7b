#include "daemon/work/policy_change.h"

#include <fmt/format.h>

#include "base/log.h"
#include "index/commands/policy.h"
#include "index/read/status.h"

namespace holdfast {
namespace {

constexpr int64_t kRowsPerCommand = 1000;  // others write in between

std::string rule_text(const PolicyRule& rule) {
  return fmt::format("{} {} {} {} {}", rule.standard_copy_after.count,
                     rule.standard_release_after.count, rule.warm_copy_after.count,
                     rule.warm_release_after.count, rule.to_cold ? "cold" : "stays");
}

}  // namespace

std::string policy_text(const PolicySettings& policy) {
  std::string text = rule_text(policy.common);
  for (const auto& [workspace, rule] : policy.own)
    text += fmt::format("; {} {}", workspace.text(), rule_text(rule));
  return text + fmt::format("; seal {} cold {} copies {}", policy.pack_seal_after.count,
                            policy.has_cold ? 1 : 0, policy.copies_before_release);
}

Result<bool> apply_policy_change(const Archive& archive) {
  const std::string text = policy_text(archive.policy());
  std::optional<std::string> known;
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(found, find_setting(*index, kPolicySetting));
    known = std::move(found);
  }
  if (known && *known == text) return false;
  int64_t hastened = 0;
  for (;;) {
    HOLDFAST_ASSIGN(some, archive.writer.call(hasten_recordings(kRowsPerCommand)));
    hastened += some;
    if (some < kRowsPerCommand) break;
  }
  HOLDFAST_TRY(archive.writer.call(hasten_packs()));
  HOLDFAST_TRY(archive.writer.call(set_policy_setting(text)));
  if (known)
    log::info("the policy's rules have changed: {} recordings are looked at under the new ones",
              hastened);
  return true;
}

}  // namespace holdfast
