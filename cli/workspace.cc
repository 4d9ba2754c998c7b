// holdfast workspace: the tenants.
#include <fmt/format.h>

#include "base/config.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// A random UUID (RFC 9562, version 4).
std::string new_workspace_id() {
  SystemRandom random;
  auto id = random.id<WorkspaceId>();
  id.bytes[6] = (id.bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  id.bytes[8] = (id.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  return id.text();
}

class WorkspaceAddCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"workspace add",
            "Add a workspace (a tenant)",
            "Adds the workspace with this UUID, or with a new random one. A workspace that exists\n"
            "already is left as it is and that is no error.",
            {"holdfast workspace add --slug acme",
             "holdfast workspace add 3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("UUID", id_, "The workspace's UUID; a new one when absent", false);
    arguments.option("--slug", "NAME", slug_, "A short name for people");
  }

  Status run(Session& session) override {
    const std::string id = id_.empty() ? new_workspace_id() : id_;
    HOLDFAST_TRY(check_workspace(id));
    json::object body{{"workspace_id", id}};
    if (!slug_.empty()) body["slug"] = slug_;
    auto answer = session.call("POST", "/v1/workspaces", body);
    if (!answer.ok()) return answer.error().within("add workspace " + id);
    if (session.json()) return session.print_json(answer->response), Status();
    session.print(
        fmt::format("{}: {}", id, answer->response.status == 201 ? "added" : "exists already"));
    return {};
  }

 private:
  std::string id_;
  std::string slug_;
};

class WorkspaceListCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"workspace list",
            "List the workspaces",
            "Shows each workspace with what it keeps.",
            {"holdfast workspace list",
             "holdfast workspace list --json | jq -r '.items[].workspace_id'"}};
  }
  void declare(Arguments&) override {}

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(answer, session.get("/v1/workspaces"));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(workspaces, object_of(answer.value, "list the workspaces"));
    Table table({{"WORKSPACE"},
                 {"SLUG"},
                 {"RECORDINGS", Table::Align::kRight},
                 {"SIZE", Table::Align::kRight},
                 {"QUOTA", Table::Align::kRight}});
    for (const json::object* item : objects_of(*workspaces, "items"))
      table.add({text_of(*item, "workspace_id"), text_of(*item, "slug"),
                 text_of(*item, "recordings"), size_of(*item, "bytes"),
                 size_of(*item, "quota_bytes")});
    table.flush(stdout);
    return {};
  }
};

class WorkspaceShowCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"workspace show",
            "Show what a workspace keeps and may keep",
            "Recordings and bytes on each tier, what is held, what has a single copy, and the\n"
            "quota of the configuration with what is left of it.",
            {"holdfast workspace show",
             "holdfast workspace show 3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("UUID", id_, "The workspace; the run's own when absent", false);
  }

  Status run(Session& session) override {
    if (id_.empty()) {
      HOLDFAST_ASSIGN(own, session.workspace());
      id_ = own;
    }
    HOLDFAST_TRY(check_workspace(id_));
    HOLDFAST_ASSIGN(answer, session.get(path_of({"v1", id_, "usage"})));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(usage, object_of(answer.value, "usage"));
    session.print(fmt::format("workspace    {}", text_of(*usage, "workspace_id")));
    session.print(fmt::format("recordings   {}, {}", text_of(*usage, "recordings"),
                              size_of(*usage, "bytes")));
    for (const json::object* tier : objects_of(*usage, "tiers"))
      session.print(fmt::format("  {:<10} {}, {}", text_of(*tier, "tier"),
                                text_of(*tier, "recordings"), size_of(*tier, "bytes")));
    session.print(fmt::format("held         {}", text_of(*usage, "held")));
    session.print(fmt::format("flagged      {}", text_of(*usage, "flagged")));
    session.print(fmt::format("destroying   {}", text_of(*usage, "destroying")));
    session.print(fmt::format("single copy  {}", size_of(*usage, "single_copy_bytes")));
    const std::string quota = size_of(*usage, "quota_bytes");
    session.print(quota == "-" ? "quota        none"
                               : fmt::format("quota        {}, {} left", quota,
                                             size_of(*usage, "quota_left_bytes")));
    return {};
  }

 private:
  std::string id_;
};

class WorkspaceSetCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"workspace set",
            "Change a workspace's own settings",
            "--link-life says how long the links minted in it are good, unless the request says\n"
            "otherwise: 1s to 24h, or \"default\" for what the configuration says.",
            {"holdfast workspace set 3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b --link-life 30min",
             "holdfast workspace set 3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b --link-life default"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("UUID", id_, "The workspace");
    arguments.option("--link-life", "TIME", link_life_, "Life of its links, or default", true,
                     [](const std::string& text) -> Status {
                       if (text == "default") return {};
                       return check_duration(text);
                     });
  }

  Status run(Session& session) override {
    HOLDFAST_TRY(check_workspace(id_));
    json::object body{{"link_life_seconds", nullptr}};
    if (link_life_ != "default") {
      HOLDFAST_ASSIGN(life, parse_duration(link_life_));
      body["link_life_seconds"] = life.count / 1000;
    }
    auto answer = session.call("PATCH", path_of({"v1", "workspaces", id_}), body);
    if (!answer.ok()) return answer.error().within("change workspace " + id_);
    if (session.json()) return session.print_json(answer->response), Status();
    session.print(fmt::format("{}: links live {}", id_,
                              link_life_ == "default" ? "as configured" : link_life_));
    return {};
  }

 private:
  std::string id_;
  std::string link_life_;
};

}  // namespace

std::unique_ptr<Command> workspace_show_command() {
  return std::make_unique<WorkspaceShowCommand>();
}
std::unique_ptr<Command> workspace_set_command() { return std::make_unique<WorkspaceSetCommand>(); }
std::unique_ptr<Command> workspace_add_command() { return std::make_unique<WorkspaceAddCommand>(); }
std::unique_ptr<Command> workspace_list_command() {
  return std::make_unique<WorkspaceListCommand>();
}

}  // namespace holdfast::cli
