// holdfast show: all that the archive knows of one recording.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class ShowCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"show",
            "Everything known of one recording: files, copies, retention, holds, restore",
            "Shows a recording with the digest of every file, the segments it was recorded in and\n"
            "the gaps between them, every copy with the medium it lies\n"
            "on and when it was last re-read and proven, every hold ever placed, and its restore.\n"
            "Showing recalls nothing.",
            {"holdfast show CA8d1f0c2b", "holdfast show CA8d1f0c2b --json | jq '.copies[].tier'"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CALL", call_, "The call's id (call_sid)");
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call_}));
    auto answer = session.get(path);
    if (!answer.ok()) return answer.error().within("show " + call_);
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(recording, object_of(answer->value, "show " + call_));
    print_facts(session, *recording);
    print_files(session, *recording);
    print_segments(session, *recording);
    print_copies(session, *recording);
    print_holds(session, *recording);
    print_relabels(session, *recording);
    return {};
  }

 private:
  static void print_facts(Session& session, const json::object& item) {
    session.print("Call       " + text_of(item, "call_sid"));
    session.print("Recording  " + text_of(item, "recording_id"));
    session.print("Agent      " + text_of(item, "service_id"));
    session.print(fmt::format("Started    {} UTC, {}, {}", time_of(item, "started_at"),
                              length_of(item, "duration_seconds"), text_of(item, "direction")));
    session.print(fmt::format("Received   {} UTC", time_of(item, "received_at")));
    session.print(fmt::format("Tier       {}, {}", text_of(item, "tier"), text_of(item, "state")));
    session.print(
        fmt::format("Size       {} in {} part(s)", size_of(item, "bytes"), text_of(item, "parts")));
    session.print("Flags      " + list_of(item, "flags"));
    const json::value* retention = item.if_contains("retention");
    const bool has_class = retention != nullptr && retention->is_object();
    session.print("Retention  " + (has_class ? retention_words(retention->as_object()) : "none"));
    const json::value* restore = item.if_contains("restore");
    if (restore != nullptr && restore->is_object()) {
      const json::object& job = restore->as_object();
      session.print(
          fmt::format("Restore    {}, {}", text_of(job, "restore_id"), text_of(job, "state")));
    } else {
      session.print("Restore    -");
    }
  }

  static void print_files(Session& session, const json::object& item) {
    session.print("\nFiles");
    Table table({{"NAME"},
                 {"PART", Table::Align::kRight},
                 {"SIZE", Table::Align::kRight},
                 {"CHANNEL"},
                 {"SHA-256"}});
    for (const json::object* file : objects_of(item, "files"))
      table.add({text_of(*file, "name"), text_of(*file, "part"), size_of(*file, "size"),
                 text_of(*file, "channel"), text_of(*file, "sha256")});
    table.flush(stdout);
  }

  // One recorded in a single piece needs no table of its pieces.
  static void print_segments(Session& session, const json::object& item) {
    const auto segments = objects_of(item, "segments");
    if (segments.size() < 2) return;
    session.print("\nSegments");
    Table table({{"SEGMENT", Table::Align::kRight},
                 {"PART", Table::Align::kRight},
                 {"STARTED (UTC)"},
                 {"LENGTH", Table::Align::kRight},
                 {"GAP BEFORE", Table::Align::kRight},
                 {"FILES"}});
    for (const json::object* segment : segments)
      table.add({text_of(*segment, "segment"), text_of(*segment, "part"),
                 time_of(*segment, "started_at"), length_of(*segment, "duration_seconds"),
                 length_of(*segment, "gap_seconds"), list_of(*segment, "files")});
    table.flush(stdout);
  }

  static void print_copies(Session& session, const json::object& item) {
    session.print("\nCopies");
    Table table({{"PART", Table::Align::kRight},
                 {"TIER"},
                 {"MEDIUM"},
                 {"KIND"},
                 {"STATE"},
                 {"PACK"},
                 {"VERIFIED (UTC)"},
                 {"HOW"}});
    for (const json::object* copy : objects_of(item, "copies"))
      table.add({text_of(*copy, "part"), text_of(*copy, "tier"), text_of(*copy, "medium"),
                 text_of(*copy, "medium_kind"), text_of(*copy, "state"), text_of(*copy, "pack_id"),
                 time_of(*copy, "verified_at"), text_of(*copy, "verify_mode")});
    table.flush(stdout);
  }

  static void print_holds(Session& session, const json::object& item) {
    const auto holds = objects_of(item, "holds");
    if (holds.empty()) return session.print("\nHolds      none");
    session.print("\nHolds");
    Table table({{"HOLD"}, {"MATTER"}, {"PLACED (UTC)"}, {"BY"}, {"RELEASED (UTC)"}});
    for (const json::object* hold : holds)
      table.add({text_of(*hold, "hold_id"), text_of(*hold, "matter"), time_of(*hold, "placed_at"),
                 text_of(*hold, "placed_by"), time_of(*hold, "released_at")});
    table.flush(stdout);
  }

  static void print_relabels(Session& session, const json::object& item) {
    const auto relabels = objects_of(item, "relabels");
    if (relabels.empty()) return;
    session.print("\nRelabelled");
    Table table({{"AT (UTC)"}, {"BY"}, {"AGENT"}, {"ATTRIBUTES"}, {"MOVED"}, {"REASON"}});
    for (const json::object* relabel : relabels) {
      const json::value* attributes = relabel->if_contains("attributes");
      const json::value* moved = relabel->if_contains("moved");
      const bool was_moved = moved != nullptr && moved->is_bool() && moved->get_bool();
      table.add({time_of(*relabel, "at"), text_of(*relabel, "by"),
                 relabel->contains("service_id") ? text_of(*relabel, "service_id") : "-",
                 attributes != nullptr ? printable(canonical(*attributes)) : "-",
                 was_moved ? "yes" : "-", text_of(*relabel, "reason")});
    }
    table.flush(stdout);
  }

  std::string call_;
};

}  // namespace

std::unique_ptr<Command> show_command() { return std::make_unique<ShowCommand>(); }

}  // namespace holdfast::cli
