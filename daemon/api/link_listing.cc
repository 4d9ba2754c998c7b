// Live links, for those who want to know what is out there; revoking one by its jti; and how long
// the links of a workspace live.
#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/link_book.h"
#include "daemon/api/views.h"
#include "index/commands/keys.h"
#include "index/commands/links.h"
#include "index/read/recordings.h"

namespace holdfast::api {
namespace {

json::object link_view(const LinkRow& link) {
  return {{"jti", link.jti.text()},
          {"call_sid", link.call_sid},
          {"file", link.file},
          {"kid", link.kid},
          {"minted_by", link.minted_by},
          {"minted_at", to_iso(link.minted_at)},
          {"expires_at", to_iso(link.expires_at)},
          {"restore_id",
           link.restore ? json::value(json::string(link.restore->text())) : json::value(nullptr)},
          {"used_at", iso_or_null(link.used_at)}};
}

// The id of the minting API key; zeros for a local operator, whom no key revocation concerns.
KeyId minting_key(const LinkRow& link) {
  const Result<KeyId> key = KeyId::from_text(link.minted_by);
  return key.ok() ? *key : KeyId();
}

struct LinkQuestion {
  WorkspaceNo workspace_no;
  std::optional<int64_t> before;
  UnixMillis now;
  size_t limit = 100;
};

Result<json::object> page_of(Database& index, const LinkQuestion& question) {
  // One more row tells whether there is another page.
  HOLDFAST_ASSIGN(rows, list_links(index, question.workspace_no, question.now, question.before,
                                   static_cast<int>(question.limit) + 1));
  json::object page{{"items", nullptr}, {"next_cursor", nullptr}};
  if (rows.size() > question.limit) {
    rows.resize(question.limit);
    page["next_cursor"] = make_cursor(rows.back().link_no, "");
  }
  json::array items;
  for (const LinkRow& row : rows) {
    const LinkMarks marks{row.jti, row.workspace_no, row.kid, minting_key(row)};
    HOLDFAST_ASSIGN(revoked, is_link_revoked(index, marks));
    if (!revoked) items.push_back(link_view(row));
  }
  page["items"] = std::move(items);
  return page;
}

// A listing names calls: it is told in the ledger as that of the recordings is.
void answer_listing(const CallPtr& call, json::object page) {
  LineDraft line{"list", call->actor.who, std::nullopt, {}, Weight::kNeutral};
  line.details = {{"what", "links"},
                  {"workspace", call->workspace->workspace.text()},
                  {"count", static_cast<int64_t>(page.at("items").get_array().size())}};
  with_audit(call, std::move(line),
             [page = std::move(page)](const CallPtr& audited) { audited->answer(200, page); });
}

}  // namespace

void list_links_call(CallPtr call) {
  LinkQuestion question;
  question.workspace_no = call->workspace->workspace_no;
  question.now = call->services.archive.clock.now();
  question.limit = static_cast<size_t>(call->query_integer("limit").value_or(100));
  if (const auto text = call->query("cursor")) {
    const std::optional<Cursor> cursor = read_cursor(*text);
    if (!cursor || !cursor->b.empty())
      return call->fail(Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"});
    question.before = cursor->a;
  }
  call->services.links.flush([call, question](const Status& noted) {
    if (!noted.ok()) return call->fail(noted.error().within("list links"));
    with_worker<json::object>(
        call,
        [archive = call->services.archive, question](Io&) -> Result<json::object> {
          HOLDFAST_ASSIGN(index, archive.index.take());
          return page_of(*index, question);
        },
        [](const CallPtr& done, Result<json::object> page) {
          if (!page.ok()) return done->fail(page.error());
          answer_listing(done, *std::move(page));
        });
  });
}

// Whether the link is listed or not: a revocation needs no row, and one that is not ours is none.
void revoke_link_call(CallPtr call) {
  LinkRevocation revocation;
  revocation.workspace_no = call->workspace->workspace_no;
  const Result<LinkId> jti = LinkId::from_text(call->named("jti"));
  revocation.jti = *jti;
  with_command(call, revoke_link(revocation, call->actor.who), [](const CallPtr& done) {
    done->answer(200, json::object{{"status", "revoked"}});
  });
}

void change_workspace_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    const auto answer = [](const CallPtr& done, const WorkspaceRow& row) {
      done->answer(200, workspace_view(row));
    };
    auto asked = find_integer(body, "link_life_seconds");
    if (!asked.ok()) return caller->fail(asked.error());
    if (*asked && (**asked < 1 || **asked > limits::kLinkLifeSecondsMax))
      return caller->fail(
          Error{Code::kInvalid, "\"link_life_seconds\" must be 1 to 86400, or null"});
    if (!body.contains("link_life_seconds")) return answer(caller, *caller->workspace);
    const std::optional<Millis> life = *asked ? std::optional(seconds(**asked)) : std::nullopt;
    with_command(caller, set_link_life(caller->workspace->workspace, life, caller->actor.who),
                 answer);
  });
}

}  // namespace holdfast::api
