#include "index/commands/links.h"

#include "base/limits.h"
#include "index/read/recordings.h"
#include "index/rows.h"

namespace holdfast {
namespace {

Status noted(WriteTxn& txn, const LinkNews& news) {
  Database& index = txn.index();
  for (const LinkRow& link : news.minted)
    HOLDFAST_TRY(rows::run(
        index,
        "INSERT INTO link (jti, workspace_no, recording_no, file, kid, minted_by, minted_at, "
        "expires_at, restore_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
        "ON CONFLICT (jti) DO NOTHING",
        link.jti, link.workspace_no.value, link.recording_no, link.file, link.kid, link.minted_by,
        link.minted_at, link.expires_at, link.restore));
  for (const auto& [jti, at] : news.used)
    HOLDFAST_TRY(rows::run(index, "UPDATE link SET used_at = ?2 WHERE jti = ?1", jti, at));
  // More go than can have come, so that the table shrinks to what is live.
  HOLDFAST_TRY(rows::run(index,
                         "DELETE FROM link WHERE link_no IN (SELECT link_no FROM link INDEXED BY "
                         "link_expires WHERE expires_at <= ?1 LIMIT ?2)",
                         txn.now(), static_cast<int64_t>(4 * limits::kLinksNotedBatch)));
  return rows::run(index, "DELETE FROM link WHERE link_no <= (SELECT max(link_no) FROM link) - ?1",
                   limits::kLinksListedMax);
}

}  // namespace

Command<void> note_links(LinkNews news) {
  return {"note links",
          [news = std::move(news)](WriteTxn& txn) -> Status { return noted(txn, news); }};
}

Command<WorkspaceRow> set_link_life(WorkspaceId workspace, std::optional<Millis> life,
                                    std::string who) {
  const auto apply = [workspace, life,
                      who = std::move(who)](WriteTxn& txn) -> Result<WorkspaceRow> {
    if (life && (*life < seconds(1) || *life > seconds(limits::kLinkLifeSecondsMax)))
      return Error{Code::kInvalid, "the life of a workspace's links is 1 s to 24 h"};
    HOLDFAST_ASSIGN(row, find_workspace(txn.index(), workspace));
    if (!row) return Error{Code::kNotFound, "there is no such workspace"};
    if (row->link_life == life) return *std::move(row);
    LineDraft line{
        std::string(decision::kWorkspaceChanged), who, workspace.text(), {}, Weight::kNeutral};
    if (life) line.details["link_life_ms"] = life->count;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    row->link_life = life;
    return *std::move(row);
  };
  return {"change a workspace", apply};
}

}  // namespace holdfast
