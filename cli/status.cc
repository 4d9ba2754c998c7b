// holdfast status: the archive at a glance.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// "planned 3, copying 1" of an object of counts.
std::string counts_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_object()) return "-";
  std::string text;
  for (const auto& member : value->as_object()) {
    const std::string_view name = member.key();
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", printable(name), text_of(value->as_object(), name));
  }
  return text.empty() ? "-" : text;
}

constexpr size_t kDateWidth = 10;  // of "2026-11-21 03:36"

// Cut to a terminal's width at a character's edge.
std::string in_width(std::string text) {
  constexpr size_t kWidth = 80;
  if (text.size() <= kWidth) return text;
  size_t end = kWidth - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

class StatusCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"status",
            "The archive at a glance: what needs a person, tiers, copies, moves",
            "Says first what needs a person, the worst first, since when, and what to do. Then\n"
            "what lies on each tier and how full its media are, how many bytes have only a\n"
            "single copy so far, what is moving and being restored, and how the ledger stands.\n"
            "It fits one screen: of what needs a person it shows five lines; --all shows them\n"
            "whole, and the rest.",
            {"holdfast status", "holdfast status --all",
             "holdfast status --json | jq -r '.attention[].code'"}};
  }
  void declare(Arguments& arguments) override {
    arguments.flag("--all", all_, "Show everything that needs a person, in whole lines");
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(answer, session.get("/v1/status"));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(status, object_of(answer.value, "status"));
    print_attention(session, *status);
    print_head(session, *status);
    print_tiers(*status);
    print_work(session, *status);
    return {};
  }

 private:
  static constexpr size_t kShown = 4;  // of what needs a person: the whole then has 24 lines

  void print_attention(Session& session, const json::object& status) const {
    const auto list = objects_of(status, "attention");
    if (list.empty()) return session.print("Nothing needs a person.");
    session.print(fmt::format("Needs a person: {}", list.size()));
    for (size_t i = 0; i < list.size(); ++i) {
      if (!all_ && i == kShown) {
        session.print(fmt::format("  and {} more: holdfast status --all", list.size() - i));
        break;
      }
      const json::object& one = *list[i];
      print_line(session, fmt::format("{:<8} {}", text_of(one, "severity"), text_of(one, "text")));
      print_line(session, fmt::format("         since {}: {}", time_of(one, "since").substr(0, 16),
                                      text_of(one, "action")));
    }
    session.print("");
  }

  void print_line(Session& session, const std::string& line) const {
    session.print(all_ ? line : in_width(line));
  }

  static void print_head(Session& session, const json::object& status) {
    session.print(in_width(fmt::format(
        "Holdfast {}, {} since {} UTC, archive {}", text_of(status, "version"),
        text_of(status, "state"), time_of(status, "started_at"), text_of(status, "archive_id"))));
  }

  static void print_tiers(const json::object& status) {
    Table table({{"TIER"},
                 {"RECORDINGS", Table::Align::kRight},
                 {"SIZE", Table::Align::kRight},
                 {"MEDIUM"},
                 {"STATE"},
                 {"FREE", Table::Align::kRight},
                 {"OF", Table::Align::kRight},
                 {"READ SINCE"}});
    for (const json::object* tier : objects_of(status, "tiers"))
      table.add({text_of(*tier, "tier"), text_of(*tier, "recordings"), size_of(*tier, "bytes"),
                 text_of(*tier, "medium"), text_of(*tier, "medium_state"),
                 size_of(*tier, "free_bytes"), size_of(*tier, "total_bytes"),
                 time_of(*tier, "oldest_unverified_at").substr(0, kDateWidth)});
    table.flush(stdout);
  }

  // "off, 12 due", "on, 0 due, stopped".
  static std::string expiry_words(const json::object& status) {
    const json::value* expiry = status.if_contains("expiry");
    if (expiry == nullptr || !expiry->is_object()) return "-";
    const json::object& of = expiry->as_object();
    return fmt::format("{}, {} due{}", text_of(of, "enabled") == "yes" ? "on" : "off",
                       text_of(of, "due"), text_of(of, "stopped") == "yes" ? ", stopped" : "");
  }

  static void print_work(Session& session, const json::object& status) {
    const auto pauses = objects_of(status, "pauses");
    session.print("Single copy  " + size_of(status, "single_copy_bytes") + ", open packs " +
                  text_of(status, "open_packs"));
    session.print("Held         " + text_of(status, "held"));
    session.print("Moves        " + counts_of(status, "moves"));
    if (!pauses.empty())
      session.print(in_width(
          "Paused       " + pause_words(*pauses.front()) +
          (pauses.size() > 1 ? fmt::format(" and {} more", pauses.size() - 1) : std::string())));
    session.print("Restores     " + counts_of(status, "restores"));
    session.print("Expiry       " + expiry_words(status));
    session.print("Ledger       " + counts_of(status, "ledger"));
    session.print("Last backup  " + time_of(status, "last_backup_at"));
  }

  bool all_ = false;
};

}  // namespace

std::unique_ptr<Command> status_command() { return std::make_unique<StatusCommand>(); }

}  // namespace holdfast::cli
