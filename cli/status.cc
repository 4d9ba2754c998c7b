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

class StatusCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"status",
            "The archive at a glance: tiers, copies, moves, and what needs a person",
            "Shows what lies on each tier and how full its media are, how many bytes have only a\n"
            "single copy so far, what is moving and being restored, how the ledger stands, and\n"
            "last, line by line, what needs attention.",
            {"holdfast status", "holdfast status --json"}};
  }
  void declare(Arguments&) override {}

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(answer, session.get("/v1/status"));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(status, object_of(answer.value, "status"));
    print_head(session, *status);
    print_tiers(*status);
    print_work(session, *status);
    return {};
  }

 private:
  static void print_head(Session& session, const json::object& status) {
    session.print(fmt::format("Holdfast {}, archive {}, {} since {} UTC",
                              text_of(status, "version"), text_of(status, "archive_id"),
                              text_of(status, "state"), time_of(status, "started_at")));
    session.print("");
  }

  static void print_tiers(const json::object& status) {
    Table table({{"TIER"},
                 {"RECORDINGS", Table::Align::kRight},
                 {"SIZE", Table::Align::kRight},
                 {"MEDIUM"},
                 {"STATE"},
                 {"FREE", Table::Align::kRight},
                 {"OF", Table::Align::kRight}});
    for (const json::object* tier : objects_of(status, "tiers"))
      table.add({text_of(*tier, "tier"), text_of(*tier, "recordings"), size_of(*tier, "bytes"),
                 text_of(*tier, "medium"), text_of(*tier, "medium_state"),
                 size_of(*tier, "free_bytes"), size_of(*tier, "total_bytes")});
    table.flush(stdout);
  }

  static void print_work(Session& session, const json::object& status) {
    session.print("");
    session.print("Single copy  " + size_of(status, "single_copy_bytes"));
    session.print("Held         " + text_of(status, "held"));
    session.print("Open packs   " + text_of(status, "open_packs"));
    session.print("Moves        " + counts_of(status, "moves"));
    for (const json::object* pause : objects_of(status, "pauses"))
      session.print("Paused       " + pause_words(*pause));
    session.print("Restores     " + counts_of(status, "restores"));
    session.print("Ledger       " + counts_of(status, "ledger"));
    session.print("Last backup  " + time_of(status, "last_backup_at"));
    const json::value* attention = status.if_contains("attention");
    if (attention == nullptr || !attention->is_array() || attention->as_array().empty()) {
      session.print("Attention    nothing");
      return;
    }
    session.print("Attention");
    for (const json::value& line : attention->as_array())
      session.print("  " +
                    printable(line.is_string() ? std::string(line.as_string()) : canonical(line)));
  }
};

}  // namespace

std::unique_ptr<Command> status_command() { return std::make_unique<StatusCommand>(); }

}  // namespace holdfast::cli
