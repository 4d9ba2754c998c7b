#include "daemon/api/links.h"

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/link_book.h"
#include "daemon/api/views.h"
#include "daemon/work/segments.h"
#include "index/commands/keys.h"
#include "index/read/recordings.h"
#include "index/secrets.h"

namespace holdfast::api {
namespace {

// The workspace's keys out of secrets.db, for one request.
class IndexKeys final : public http::SigningKeys {
 public:
  IndexKeys(Database& index, const WorkspaceRow& workspace)
      : index_(index), workspace_(workspace) {}

  std::optional<http::SigningKey> find(const WorkspaceId& workspace, int64_t kid) const override {
    if (workspace != workspace_.workspace) return std::nullopt;
    auto found = find_signing_key(index_, workspace_.workspace_no, kid);
    if (!found.ok()) failure_ = found.error();
    if (!found.ok() || !*found) return std::nullopt;
    auto key = http::derive_signing_key(as_bytes((*found)->secret), workspace, kid);
    if (!key.ok()) return std::nullopt;
    return *key;
  }
  // Why a key could not be looked for.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Database& index_;
  const WorkspaceRow& workspace_;
  mutable std::optional<Error> failure_;
};

// The id of the minting API key; zeros for a local operator, whom no key revocation concerns.
KeyId minting_key(const http::Link& link) {
  const Result<KeyId> key = KeyId::from_text(link.minted_by);
  return key.ok() ? *key : KeyId();
}

// "key:<id>" is told as the id, "uid:0" as "uid0" (docs/signed-links.md).
std::string minter(const Actor& actor) {
  if (actor.key) return actor.key->key.text();
  std::string who = actor.who;
  std::erase(who, ':');
  return who;
}

// For those who list links; the access chain has them already.
void note_minted(Call& call, const Recording& recording, const LinkTerms& terms,
                 const std::vector<MintedLink>& links) {
  for (size_t i = 0; i < links.size(); ++i) {
    LinkRow row;
    row.jti = links[i].jti;
    row.workspace_no = recording.workspace_no;
    row.recording_no = recording.recording_no;
    row.file = recording.files[i].name;
    row.kid = links[i].kid;
    row.minted_by = minter(call.actor);
    row.minted_at = call.services.archive.clock.now();
    row.expires_at = terms.expires_at;
    row.restore = terms.restore;
    call.services.links.minted(std::move(row));
  }
}

LinkVerdict failed(const Error& why) {
  LinkVerdict verdict;
  verdict.refusal = http::problem_response(why);
  return verdict;
}

LinkVerdict refused(int status, std::string_view word, std::string_view detail) {
  LinkVerdict verdict;
  verdict.refusal = http::problem_response(status, word, detail);
  return verdict;
}

}  // namespace

LinkVerdict judge_link(const Call& call) {
  const auto named = call.path.find("workspace_id");
  const Result<WorkspaceId> id = WorkspaceId::from_text(named->second);
  // Whatever is wrong with a link, the answer tells nothing about what exists.
  if (!id.ok()) return refused(403, "bad-link", "the link is not one of ours");
  auto workspace = find_workspace(call.services.index, *id);
  if (!workspace.ok()) return failed(workspace.error());
  if (!*workspace) return refused(403, "bad-link", "the link is not one of ours");

  const IndexKeys keys(call.services.index, **workspace);
  const UnixMillis now = call.services.archive.clock.now();
  const http::LinkCheck check = http::check_link(call.request(), *id, now, keys);
  if (keys.failure()) return failed(*keys.failure());
  if (check.state == http::LinkState::kBad)
    return refused(403, "bad-link", "the link is not one of ours");
  if (check.state == http::LinkState::kExpired)
    return refused(403, "link-expired", "the link has expired");
  const LinkMarks marks{check.link.jti, (*workspace)->workspace_no, check.link.kid,
                        minting_key(check.link)};
  auto revoked = is_link_revoked(call.services.index, marks);
  if (!revoked.ok()) return failed(revoked.error());
  // As of a key that was dropped with its revocation: a link that is not ours any more.
  if (*revoked) return refused(403, "bad-link", "the link is not one of ours");
  LinkVerdict verdict;
  verdict.link = check.link;
  verdict.workspace = *std::move(workspace);
  return verdict;
}

Result<std::vector<MintedLink>> mint_links(Call& call, const std::string& call_sid,
                                           const std::vector<FileRow>& files,
                                           const LinkTerms& terms) {
  HOLDFAST_ASSIGN(current, current_signing_key(call.index(), call.workspace->workspace_no));
  if (!current) return Error{Code::kUnavailable, "the workspace has no signing key yet"};
  HOLDFAST_ASSIGN(key, http::derive_signing_key(as_bytes(current->secret),
                                                call.workspace->workspace, current->kid));
  std::vector<MintedLink> minted;
  for (const FileRow& file : files) {
    http::Link link;
    link.kid = current->kid;
    link.minted_by = minter(call.actor);
    link.expires_at_s = terms.expires_at.count / 1000;
    link.jti = call.services.archive.random.id<LinkId>();
    link.restore = terms.restore;
    if (terms.restore) link.restore_ttl_s = terms.restore_ttl.count / 1000;
    link.attachment = terms.attachment;
    const std::string path = "/v1/" + call.workspace->workspace.text() + "/recordings/" +
                             http::percent_encode(call_sid) + "/download/" +
                             (file.part > 1 ? "+" + std::to_string(file.part) + "/" : "") +
                             http::percent_encode(file.name);
    HOLDFAST_ASSIGN(query, http::mint_link(key, call.workspace->workspace, path, link));
    minted.push_back({call.services.public_url + path + "?" + query, link.jti, link.kid});
  }
  return minted;
}

void with_minted_links(CallPtr call, const Recording& recording, LinkTerms terms,
                       std::function<void(const CallPtr&, const std::vector<MintedLink>&)> next) {
  const auto mint = [recording, terms, next](const CallPtr& caller) {
    auto minted = mint_links(*caller, recording.call_sid, recording.files, terms);
    if (!minted.ok()) return caller->fail(minted.error());
    json::array jtis;
    for (const MintedLink& link : *minted) jtis.emplace_back(link.jti.text());
    LineDraft line =
        access_line(*caller, "link.mint", recording.recording,
                    {{"jti", std::move(jtis)}, {"exp", terms.expires_at.count / 1000}});
    with_audit(caller, std::move(line),
               [next, recording, terms, links = *minted](const CallPtr& audited) {
                 note_minted(*audited, recording, terms, links);
                 next(audited, links);
               });
  };
  if (!call->actor.may(Scope::kCallsRead) && !call->actor.may(Scope::kRecordingsDownload))
    return next(call, {});
  auto current = current_signing_key(call->index(), call->workspace->workspace_no);
  if (!current.ok()) return call->fail(current.error());
  if (*current) return mint(call);
  with_command(call, ensure_signing_key(call->workspace->workspace_no, call->actor.who),
               [mint](const CallPtr& caller, int64_t) { mint(caller); });
}

Millis link_life(const Call& call) {
  return call.workspace->link_life.value_or(call.services.archive.config().link_life);
}

void answer_urls(const CallPtr& call, const Recording& recording, Millis life, bool attachment) {
  LinkTerms terms;
  terms.expires_at = call->services.archive.clock.now() + life;
  terms.attachment = attachment;
  with_minted_links(
      call, recording, terms,
      [recording, terms](const CallPtr& minted, const std::vector<MintedLink>& links) {
        json::object body;
        body["call_sid"] = recording.call_sid;
        body["status"] = "available";
        add_links(body, recording, links);
        body["expires_at"] = to_iso(terms.expires_at);
        minted->answer(200, body);
      });
}

void add_links(json::object& body, const Recording& recording,
               const std::vector<MintedLink>& links) {
  for (std::string_view link : {"inbound_url", "outbound_url", "metadata_url"})
    body[link] = nullptr;
  const FileRow* inbound = first_file(recording.files, Channel::kInbound);
  const FileRow* outbound = first_file(recording.files, Channel::kOutbound);
  json::array files;
  for (size_t i = 0; i < links.size(); ++i) {
    const FileRow& file = recording.files[i];
    json::object view = file_view(file);
    view["url"] = links[i].url;
    files.push_back(std::move(view));
    if (&file == inbound) body["inbound_url"] = links[i].url;
    if (&file == outbound) body["outbound_url"] = links[i].url;
    if (file.name == "metadata.json") body["metadata_url"] = links[i].url;
  }
  body["files"] = std::move(files);
}

void revoke_links(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    LinkRevocation revocation;
    revocation.workspace_no = caller->workspace->workspace_no;
    const auto parse = [&]() -> Status {
      HOLDFAST_ASSIGN(jti, find_string(body, "jti"));
      HOLDFAST_ASSIGN(kid, find_integer(body, "kid"));
      HOLDFAST_ASSIGN(key, find_string(body, "key_id"));
      if (jti.has_value() + kid.has_value() + key.has_value() != 1)
        return Error{Code::kInvalid, "give exactly one of jti, kid and key_id"};
      if (kid && *kid < 1) return Error{Code::kInvalid, "\"kid\" must be 1 or more"};
      if (jti) {
        HOLDFAST_ASSIGN(id, LinkId::from_text(*jti));
        revocation.jti = id;
      }
      if (key) {
        HOLDFAST_ASSIGN(id, KeyId::from_text(*key));
        HOLDFAST_ASSIGN(row, find_api_key(caller->index(), id));
        if (!row || row->workspace != caller->workspace->workspace)
          return Error{Code::kNotFound, "this workspace has no such API key"};
        revocation.key = id;
      }
      revocation.kid = kid;
      return {};
    };
    if (Status parsed = parse(); !parsed.ok()) return caller->fail(parsed.error());
    with_command(caller, revoke_link(revocation, caller->actor.who), [](const CallPtr& done) {
      done->answer(201, json::object{{"status", "revoked"}});
    });
  });
}

void rotate_signing_key_call(CallPtr call) {
  Command<int64_t> command = rotate_signing_key(call->workspace->workspace_no, call->actor.who);
  with_command(std::move(call), std::move(command), [](const CallPtr& done, int64_t kid) {
    done->answer(201, json::object{{"kid", kid}});
  });
}

}  // namespace holdfast::api
