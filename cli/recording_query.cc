#include "cli/recording_query.h"

namespace holdfast::cli {

void RecordingQuery::declare(Arguments& arguments) {
  arguments.option("--from-number", "NUMBER", from_number, "Calls from this number");
  arguments.option("--to-number", "NUMBER", to_number, "Calls to this number");
  arguments.option("--tag", "TAG", tag, "Calls with this tag");
  arguments.option("--consent", "WORD", consent, "Calls whose consent says this");
  arguments.option("--agent", "UUID", agent, "Calls that this agent (service_id) handled");
  arguments.choice("--tier", tier, {"standard", "warm", "cold"}, "Only this tier");
  arguments.option("--from", "TIME", from, "Calls that started at this time or later", false,
                   check_time);
  arguments.option("--to", "TIME", to, "Calls that started before this time", false, check_time);
  arguments.choice("--held", held, {"yes", "no"}, "Only with, or without, a legal hold");
  arguments.choice("--direction", direction, {"inbound", "outbound"}, "Only these calls");
  arguments.flag("--flagged", flagged, "Only recordings that ingest flagged");
}

std::vector<NameValue> RecordingQuery::given() const {
  std::string is_held;
  if (!held.empty()) is_held = held == "yes" ? "true" : "false";
  std::vector<NameValue> filters;
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"tier", tier},
                                    {"from", from},
                                    {"to", to},
                                    {"held", is_held},
                                    {"direction", direction},
                                    {"q", words},
                                    {"from_number", from_number},
                                    {"to_number", to_number},
                                    {"tag", tag},
                                    {"consent", consent},
                                    {"agent", agent}})
    if (!value.empty()) filters.emplace_back(name, value);
  if (flagged) filters.emplace_back("flagged", "true");
  return filters;
}

json::object RecordingQuery::as_json() const {
  json::object query;
  for (const auto& [name, value] : given()) {
    if (name == "held" || name == "flagged")
      query[name] = value == "true";
    else
      query[name] = value;
  }
  return query;
}

}  // namespace holdfast::cli
