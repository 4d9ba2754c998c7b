#include "index/commands/pauses.h"

#include <algorithm>

namespace holdfast {
namespace {

std::string scope_of(std::optional<Tier> tier) { return std::string(tier ? word(*tier) : "all"); }

LineDraft pause_line(std::string_view kind, std::optional<Tier> tier, const std::string& who) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.on = scope_of(tier);
  line.weight = Weight::kNeutral;
  return line;
}

}  // namespace

Command<std::vector<PauseRow>> pause_moves(std::optional<Tier> tier, std::string reason,
                                           std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<std::vector<PauseRow>> {
    HOLDFAST_ASSIGN(pauses, list_pauses(txn.index()));
    const auto same = [&](const PauseRow& pause) { return pause.tier == tier; };
    if (std::any_of(pauses.begin(), pauses.end(), same)) return pauses;
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    LineDraft line = pause_line(decision::kMovesPaused, tier, who);
    if (!note.empty()) line.details["reason"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return list_pauses(txn.index());
  };
  return {"pause what moves", apply};
}

Command<std::vector<PauseRow>> resume_moves(std::optional<Tier> tier, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<std::vector<PauseRow>> {
    HOLDFAST_ASSIGN(pauses, list_pauses(txn.index()));
    for (const PauseRow& pause : pauses)
      if (!tier || pause.tier == tier)
        HOLDFAST_TRY(txn.decide(pause_line(decision::kMovesResumed, pause.tier, who)));
    return list_pauses(txn.index());
  };
  return {"resume what moves", apply};
}

}  // namespace holdfast
