#include "index/commands/policy.h"

#include "index/rows.h"

namespace holdfast {

Command<int64_t> hasten_recordings(int64_t rows) {
  const auto apply = [rows](WriteTxn& txn) -> Result<int64_t> {
    int64_t hastened = 0;
    for (const Tier tier : {Tier::kStandard, Tier::kWarm, Tier::kCold}) {
      Statement statement = txn.index().prepare(
          "UPDATE recording SET next_action_at = ?2 WHERE recording_no IN (SELECT recording_no "
          "FROM recording INDEXED BY recording_due WHERE tier = ?1 AND next_action_at > ?2 "
          "LIMIT ?3) RETURNING 1");
      statement.bind(tier, txn.now(), rows - hastened);
      for (;;) {
        HOLDFAST_ASSIGN(row, statement.step());
        if (!row) break;
        ++hastened;
      }
    }
    return hastened;
  };
  return {"look at recordings under new rules", apply};
}

Command<void> hasten_packs() {
  const auto apply = [](WriteTxn& txn) -> Status {
    return rows::run(txn.index(),
                     "UPDATE pack SET next_action_at = ?1 WHERE state < 2 "
                     "AND coalesce(next_action_at, ?1 + 1) > ?1",
                     txn.now());
  };
  return {"look at packs under new rules", apply};
}

Command<void> set_policy_setting(std::string text) {
  const auto apply = [text](WriteTxn& txn) -> Status {
    return rows::store_setting(txn.index(), kPolicySetting, text);
  };
  return {"keep the policy's rules", apply};
}

}  // namespace holdfast
