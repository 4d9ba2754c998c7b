#include "index/decisions.h"

#include <array>
#include <utility>

#include "index/decisions_apply.h"
#include "index/details.h"

namespace holdfast {
namespace {

using Apply = Status (*)(WriteTxn&, const Decision&, DecisionSource&);

constexpr std::array<std::pair<std::string_view, Apply>, 41> kKinds = {{
    {decision::kIngested, apply::ingested},
    {decision::kCondemned, apply::condemned},
    {decision::kDestroying, apply::destroying},
    {decision::kDestroyed, apply::destroyed},
    {decision::kRelabelled, apply::relabelled},
    {decision::kHoldPlaced, apply::hold_placed},
    {decision::kHoldReleased, apply::hold_released},
    {decision::kWorkspaceAdded, apply::workspace_added},
    {decision::kWorkspaceChanged, apply::workspace_changed},
    {decision::kKeyCreated, apply::key_created},
    {decision::kKeyRevoked, apply::key_revoked},
    {decision::kLinkRevoked, apply::link_revoked},
    {decision::kSigningKeyRotated, apply::signing_key_rotated},
    {decision::kWebhookSecretRotated, apply::webhook_secret_rotated},
    {decision::kMediumRegistered, apply::medium_registered},
    {decision::kMediumPlaced, apply::medium_placed},
    {decision::kMediumState, apply::medium_state},
    {decision::kPackSealed, apply::pack_sealed},
    {decision::kPackCopied, apply::pack_copied},
    {decision::kPackVerified, apply::pack_verified},
    {decision::kPackReleased, apply::pack_released},
    {decision::kCopyReleased, apply::copy_released},
    {decision::kCopyQuarantined, apply::copy_quarantined},
    {decision::kCopyRepaired, apply::copy_repaired},
    {decision::kPackRepaired, apply::pack_repaired},
    {decision::kPackRewritten, apply::pack_rewritten},
    {decision::kMovesPaused, apply::moves_paused},
    {decision::kMovesResumed, apply::moves_resumed},
    {decision::kConfigApplied, apply::config_applied},
    {decision::kLedgerHealed, apply::ledger_healed},
    {decision::kLedgerBegun, apply::ledger_begun},
    {decision::kRecoveryBegun, apply::recovery_begun},
    {decision::kMatterReleased, apply::matter_released},
    {decision::kIndexRebuilt, apply::index_rebuilt},
    {decision::kRetentionClassSet, apply::retention_class_set},
    {decision::kRetentionDefaultSet, apply::retention_default_set},
    {decision::kRetained, apply::retained},
    {decision::kClockBegun, apply::clock_set},
    {decision::kClockAccepted, apply::clock_set},
    {decision::kClockKept, apply::clock_kept},
    {decision::kExpiryAccepted, apply::expiry_accepted},
}};

}  // namespace

Status apply_decision(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  for (const auto& [kind, apply] : kKinds)
    if (kind == line.kind) return apply(txn, line, source);
  return Error{Code::kInvalid, "a decision of kind \"" + line.kind +
                                   "\" is not known to this program; install the newer Holdfast"};
}

}  // namespace holdfast
