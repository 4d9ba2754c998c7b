// holdfast key: the API keys of a workspace.
#include <fmt/format.h>

#include "base/config.h"
#include "base/rows.h"
#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// "calls:read,recordings:download" → its words.
Result<json::array> scopes_from(const std::string& text) {
  json::array scopes;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view scope = std::string_view(text).substr(begin, end - begin);
    HOLDFAST_TRY(scope_from(scope));
    scopes.emplace_back(scope);
    begin = end + 1;
  }
  return scopes;
}

// The keys of the workspace, or with --operator those of no workspace.
struct Owner {
  bool operators = false;

  void declare(Arguments& arguments) {
    arguments.flag("--operator", operators, "Keys of no workspace: they may do it in all");
  }
  Result<std::string> path(Session& session, const std::vector<std::string_view>& below = {}) {
    std::string path = path_of({"v1", "operator", "api-keys"});
    if (!operators) {
      HOLDFAST_ASSIGN(of_workspace, session.workspace_path({"api-keys"}));
      path = of_workspace;
    }
    return path + path_of(below);
  }
};

class KeyCreateCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "key create",
        "Create an API key; it is shown once",
        "Prints the key; only its hash is kept, so it cannot be shown again. With --operator it\n"
        "belongs to no workspace and works in all of them. Scopes:\n"
        "calls:read, recordings:download, recordings:write, recordings:restore,\n"
        "recordings:delete, holds:place, holds:release, retention:bypass-governance,\n"
        "audit:read, export, admin, metrics:read.",
        {"holdfast key create --scopes calls:read,recordings:download --expires 90d",
         "holdfast key create --scopes recordings:write --json | jq -r .api_key"}};
  }
  void declare(Arguments& arguments) override {
    arguments.option("--scopes", "LIST", scopes_, "What the key may do, with commas", true,
                     [](const std::string& text) -> Status {
                       HOLDFAST_TRY(scopes_from(text));
                       return {};
                     });
    arguments.option("--expires", "TIME", expires_,
                     "Valid this long, such as 90d; without end when absent", false,
                     check_duration);
    arguments.option("--name", "TEXT", name_, "What people call it");
    owner_.declare(arguments);
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, owner_.path(session));
    HOLDFAST_ASSIGN(scopes, scopes_from(scopes_));
    json::object body{{"scopes", std::move(scopes)}};
    if (!name_.empty()) body["name"] = name_;
    if (!expires_.empty()) {
      HOLDFAST_ASSIGN(life, parse_duration(expires_));
      body["expires_at"] = to_iso(session.clock().now() + life);
    }
    auto answer = session.call("POST", path, body);
    if (!answer.ok()) return answer.error().within("create a key");
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(key, object_of(answer->value, "create a key"));
    HOLDFAST_ASSIGN(secret, need_string(*key, "api_key"));
    session.print(printable(secret));
    const std::string expires = time_of(*key, "expires_at");
    session.remark(fmt::format(
        "Key {}: {}; {}. It is not shown again.", text_of(*key, "id"), list_of(*key, "scopes"),
        expires == "-" ? "it does not expire" : "it expires " + expires + " UTC"));
    return {};
  }

 private:
  std::string scopes_;
  std::string expires_;
  std::string name_;
  Owner owner_;
};

class KeyListCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"key list",
            "List a workspace's API keys, without their secrets",
            "Shows expired and revoked keys too.",
            {"holdfast key list", "holdfast key list --json | jq -r '.items[].id'"}};
  }
  void declare(Arguments& arguments) override { owner_.declare(arguments); }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, owner_.path(session));
    HOLDFAST_ASSIGN(answer, session.get(path));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(keys, object_of(answer.value, "list the keys"));
    Table table(
        {{"KEY"}, {"NAME"}, {"CREATED (UTC)"}, {"EXPIRES (UTC)"}, {"REVOKED (UTC)"}, {"SCOPES"}});
    for (const json::object* key : objects_of(*keys, "items"))
      table.add({text_of(*key, "id"), text_of(*key, "name"), time_of(*key, "created_at"),
                 time_of(*key, "expires_at"), time_of(*key, "revoked_at"),
                 list_of(*key, "scopes")});
    table.flush(stdout);
    return {};
  }

 private:
  Owner owner_;
};

class KeyRevokeCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"key revoke",
            "Revoke an API key, and the links it minted",
            "From now on the key is refused (unauthenticated). It cannot be brought back.",
            {"holdfast key revoke k7q2w5x3m4n6p2r7t5v3y6z4a2",
             "holdfast key revoke k7q2w5x3m4n6p2r7t5v3y6z4a2 --json"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("ID", id_, "The key's id, as \"key list\" shows it");
    owner_.declare(arguments);
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, owner_.path(session, {id_}));
    auto answer = session.call("DELETE", path, {});
    if (!answer.ok()) return answer.error().within("revoke key " + id_);
    if (session.json()) return session.print_json(answer->response), Status();
    session.print(fmt::format("{}: revoked", printable(id_)));
    return {};
  }

 private:
  std::string id_;
  Owner owner_;
};

class KeyRotateLinksCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"key rotate-links",
            "Make a new key that signs a workspace's links",
            "Links that were minted before stay good: two keys are live at a time. The next\n"
            "rotation is refused until the links of the older one have expired.",
            {"holdfast key rotate-links", "holdfast key rotate-links --json | jq .kid"}};
  }
  void declare(Arguments&) override {}

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, session.workspace_path({"signing-keys"}));
    auto answer = session.call("POST", path, {});
    if (!answer.ok()) return answer.error().within("rotate the key of links");
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(key, object_of(answer->value, "rotate the key of links"));
    session.print(fmt::format("signing key {}", text_of(*key, "kid")));
    return {};
  }
};

}  // namespace

std::unique_ptr<Command> key_rotate_links_command() {
  return std::make_unique<KeyRotateLinksCommand>();
}
std::unique_ptr<Command> key_create_command() { return std::make_unique<KeyCreateCommand>(); }
std::unique_ptr<Command> key_list_command() { return std::make_unique<KeyListCommand>(); }
std::unique_ptr<Command> key_revoke_command() { return std::make_unique<KeyRevokeCommand>(); }

}  // namespace holdfast::cli
