// API keys and workspaces.
#include "index/commands/keys.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/read/recordings.h"
#include "io/digest.h"

namespace holdfast::api {
namespace {

constexpr std::string_view kKeyPrefix = "hf_";
constexpr size_t kKeyBytes = 32;
constexpr size_t kNameBytesMax = 200;

// "hf_" and 43 characters of base64url: 256 random bits. Only its hash is kept.
std::string new_key_text(Random& random) {
  std::array<std::byte, kKeyBytes> bytes{};
  random.fill(bytes);
  return std::string(kKeyPrefix) + to_base64url(bytes);
}

Result<int32_t> scopes_of(const json::object& body) {
  const json::value* value = body.if_contains("scopes");
  if (value == nullptr || !value->is_array() || value->get_array().empty())
    return Error{Code::kInvalid, "\"scopes\" must be a list of at least one scope"};
  int32_t mask = 0;
  for (const json::value& one : value->get_array()) {
    if (!one.is_string()) return Error{Code::kInvalid, "\"scopes\" must be a list of words"};
    HOLDFAST_ASSIGN(scope, scope_from(std::string_view(one.get_string())));
    mask |= static_cast<int32_t>(scope);
  }
  return mask;
}

Result<std::optional<UnixMillis>> expiry_of(const json::object& body, UnixMillis now) {
  HOLDFAST_ASSIGN(text, find_string(body, "expires_at"));
  if (!text) return std::optional<UnixMillis>();
  auto time = from_iso(*text);
  if (!time.ok()) return time.error().within("\"expires_at\"");
  if (*time <= now) return Error{Code::kInvalid, "\"expires_at\" must be in the future"};
  return std::optional<UnixMillis>(*time);
}

Result<NewApiKey> parse_key(const Call& call, const json::object& body) {
  NewApiKey key;
  key.key = call.services.archive.random.id<KeyId>();
  HOLDFAST_ASSIGN(scopes, scopes_of(body));
  key.scopes = scopes;
  // Nobody gives away more than they have.
  if ((scopes & ~call.actor.scopes) != 0)
    return Error{Code::kForbidden, "a key cannot mint a key with scopes that it lacks"};
  HOLDFAST_ASSIGN(expires_at, expiry_of(body, call.services.archive.clock.now()));
  key.expires_at = expires_at;
  HOLDFAST_ASSIGN(name, find_string(body, "name"));
  if (name.value_or("").size() > kNameBytesMax)
    return Error{Code::kInvalid, "\"name\" must have at most 200 bytes"};
  key.name = name.value_or("");
  return key;
}

}  // namespace

void create_key(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto key = parse_key(*caller, body);
    if (!key.ok()) return caller->fail(key.error());
    if (caller->workspace) key->workspace = caller->workspace->workspace;
    const std::string text = new_key_text(caller->services.archive.random);
    key->hash = sha256(text);
    with_command(caller, create_api_key(*key, caller->actor.who),
                 [text](const CallPtr& done, const ApiKeyRow& row) {
                   json::object view = key_view(row);
                   view["api_key"] = text;
                   http::Response response = http::json_response(201, std::move(view));
                   response.headers.set("cache-control", "no-store");
                   done->answer(std::move(response));
                 });
  });
}

void list_keys(CallPtr call) {
  auto rows =
      list_api_keys(call->index(), call->workspace ? call->workspace->workspace_no : WorkspaceNo());
  if (!rows.ok()) return call->fail(rows.error());
  json::array items;
  for (const ApiKeyRow& row : *rows) items.push_back(key_view(row));
  call->answer(200, json::object{{"items", std::move(items)}});
}

void revoke_key(CallPtr call) {
  const Result<KeyId> id = KeyId::from_text(call->named("key_id"));
  auto found = find_api_key(call->index(), *id);
  if (!found.ok()) return call->fail(found.error());
  const std::optional<WorkspaceId> workspace =
      call->workspace ? std::optional(call->workspace->workspace) : std::nullopt;
  if (!*found || (*found)->workspace != workspace)
    return call->fail(Error{Code::kNotFound, "there is no such API key here"});
  with_command(call, revoke_api_key(*id, call->actor.who),
               [](const CallPtr& done, const ApiKeyRow& row) { done->answer(200, key_view(row)); });
}

void add_workspace_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    const auto parse = [&]() -> Result<std::pair<WorkspaceId, std::string>> {
      HOLDFAST_ASSIGN(text, need_string(body, "workspace_id"));
      auto id = WorkspaceId::from_text(text);
      if (!id.ok()) return id.error().within("\"workspace_id\"");
      HOLDFAST_ASSIGN(slug, find_string(body, "slug"));
      if (slug.value_or("").size() > kNameBytesMax)
        return Error{Code::kInvalid, "\"slug\" must have at most 200 bytes"};
      return std::pair(*id, slug.value_or(""));
    };
    auto parsed = parse();
    if (!parsed.ok()) return caller->fail(parsed.error());
    auto known = find_workspace(caller->index(), parsed->first);
    if (!known.ok()) return caller->fail(known.error());
    const int status = *known ? 200 : 201;
    with_command(caller, add_workspace(parsed->first, parsed->second, caller->actor.who),
                 [status](const CallPtr& done, const WorkspaceRow& row) {
                   done->answer(status, workspace_view(row));
                 });
  });
}

}  // namespace holdfast::api
