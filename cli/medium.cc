// holdfast medium: the places where copies lie.
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class MediumListCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"medium list",
            "List the media with their state and room",
            "A medium without its label is offline, never missing: an unmounted disk is not\n"
            "written to and what lies on it is not given up.",
            {"holdfast medium list", "holdfast medium list --json | jq '.items[].state'"}};
  }
  void declare(Arguments&) override {}

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(answer, session.get("/v1/media"));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(media, object_of(answer.value, "list the media"));
    Table table({{"MEDIUM"},
                 {"NAME"},
                 {"KIND"},
                 {"TIER"},
                 {"STATE"},
                 {"FREE", Table::Align::kRight},
                 {"OF", Table::Align::kRight},
                 {"LABELLED (UTC)"},
                 {"PATH"}});
    for (const json::object* medium : objects_of(*media, "items"))
      table.add({text_of(*medium, "medium_id"), text_of(*medium, "name"), text_of(*medium, "kind"),
                 text_of(*medium, "tier"), text_of(*medium, "state"),
                 size_of(*medium, "free_bytes"), size_of(*medium, "total_bytes"),
                 time_of(*medium, "registered_at"), text_of(*medium, "path")});
    table.flush(stdout);
    for (const json::object* medium : objects_of(*media, "items"))
      if (const std::string problem = text_of(*medium, "problem"); problem != "-")
        session.print(text_of(*medium, "name") + ": " + problem);
    for (const json::object* medium : objects_of(*media, "items")) {
      const json::value* suspended = medium->if_contains("suspended");
      if (suspended == nullptr || !suspended->is_object()) continue;
      const json::object& why = suspended->get_object();
      session.print(fmt::format("{}: suspended since {} UTC, probed at {} UTC: {}",
                                text_of(*medium, "name"), time_of(why, "since"),
                                time_of(why, "next_probe_at"), text_of(why, "error")));
    }
    return {};
  }
};

class MediumInitCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"medium init",
            "Label a directory as a new medium of this archive",
            "Writes the label (archive id, medium id) by which the archive knows its media. Only\n"
            "this command does. A directory with a label, this archive's or another's, is\n"
            "refused, and so is the path where another medium belongs (it may be unmounted),\n"
            "unless --replace says that the new one takes its place. The path is the daemon's,\n"
            "on the machine where it runs.",
            {"holdfast medium init --kind pack --tier warm --name warm-2 --path /srv/hdd2",
             "holdfast medium init --kind vault --tier cold --name vault-1 --path /mnt/vault"}};
  }
  void declare(Arguments& arguments) override {
    arguments.choice("--kind", kind_, {"disk", "pack", "vault"}, "The back-end", true);
    arguments.choice("--tier", tier_, {"standard", "warm", "cold"}, "Its tier", true);
    arguments.option("--name", "NAME", name_, "What people call it", true);
    arguments.option("--path", "PATH", path_, "An absolute path", true);
    arguments.flag("--replace", replace_, "In the place of the medium that belongs there");
  }

  Status run(Session& session) override {
    if (!std::filesystem::path(path_).is_absolute())
      return Error{Code::kInvalid,
                   fmt::format("medium init: expected an absolute --path, got {}", path_)};
    json::object body{{"kind", kind_}, {"tier", tier_}, {"name", name_}, {"path", path_}};
    if (replace_) body["replace"] = true;
    auto answer = session.call("POST", "/v1/media", body);
    if (!answer.ok()) return answer.error().within("label " + path_);
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(medium, object_of(answer->value, "label " + path_));
    session.print(fmt::format("{}: medium {}, {} for {}", printable(path_),
                              text_of(*medium, "medium_id"), kind_, tier_));
    return {};
  }

 private:
  std::string kind_;
  std::string tier_;
  std::string name_;
  std::string path_;
  bool replace_ = false;
};

class MediumPlaceCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"medium place",
            "Say at which path a labelled medium belongs",
            "The archive remembers which medium belongs at a path, so that a swapped disk is\n"
            "never taken for another: it stays offline until this command, or a new path in the\n"
            "configuration, says that it is meant. The medium must lie there now. A path of the\n"
            "configuration is looked at again when the daemon starts.",
            {"holdfast medium place g2h4j6k3l5z7x2c4v6b3n5m7qe --path /srv/hdd2"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("MEDIUM", medium_, "The medium's id");
    arguments.option("--path", "PATH", path_, "An absolute path", true);
  }

  Status run(Session& session) override {
    HOLDFAST_TRY(check_id(medium_));
    auto answer = session.call("POST", path_of({"v1", "media", medium_, "place"}),
                               json::object{{"path", path_}});
    if (!answer.ok()) return answer.error().within("place medium " + medium_);
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(medium, object_of(answer->value, "place medium " + medium_));
    session.print(fmt::format("{}: {} belongs there", printable(path_), text_of(*medium, "name")));
    return {};
  }

 private:
  std::string medium_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Command> medium_place_command() { return std::make_unique<MediumPlaceCommand>(); }
std::unique_ptr<Command> medium_list_command() { return std::make_unique<MediumListCommand>(); }
std::unique_ptr<Command> medium_init_command() { return std::make_unique<MediumInitCommand>(); }

}  // namespace holdfast::cli
