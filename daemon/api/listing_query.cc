#include "daemon/api/listing_query.h"

#include <algorithm>
#include <map>

#include "base/time_text.h"
#include "daemon/api/views.h"

namespace holdfast::api {
namespace {

// A boolean of JSON is meant as the words of a query string.
std::optional<std::string> text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return std::string(value.get_bool() ? "true" : "false");
  return std::nullopt;
}

}  // namespace

std::vector<Parameter> listing_filters() {
  const auto text = [](std::string_view name, std::string_view about,
                       std::vector<std::string_view> allowed = {}) {
    return Parameter{name, ParameterType::kText, about, false, 0, 0, std::move(allowed)};
  };
  const auto typed = [](std::string_view name, ParameterType type, std::string_view about) {
    return Parameter{name, type, about, false, 0, 0, {}};
  };
  return {text("tier", "Only of this tier.", {"standard", "warm", "cold"}),
          typed("from", ParameterType::kTime, "Started at or after."),
          typed("to", ParameterType::kTime, "Started before."),
          typed("held", ParameterType::kBoolean, "Only with, or without, a hold."),
          text("direction", "Only of this direction.", {"inbound", "outbound"}),
          typed("flagged", ParameterType::kBoolean, "Only with, or without, a flag of ingest."),
          text("q",
               "Words, all of which the call's id or attributes must have; \"spri*\" is a "
               "begin."),
          text("from_number", "Only calls from this number or address."),
          text("to_number", "Only calls to this number or address."),
          text("tag", "Only calls with this tag."),
          text("consent", "Only calls whose consent says this word, such as true."),
          typed("agent", ParameterType::kWorkspace,
                "Only calls that this agent (service_id) handled.")};
}

Filters parameters_of(const Call& call) {
  return [&call](std::string_view name) { return call.query(name); };
}

Filters members_of(const json::object& query, std::vector<http::FieldError>& wrong) {
  const std::vector<Parameter> known = listing_filters();
  std::map<std::string, std::string, std::less<>> values;
  for (const auto& [key, value] : query) {
    const std::string name(key);
    const auto refuse = [&, &input = value](std::string message, std::string type) {
      wrong.push_back({{"body", "query", name}, std::move(message), std::move(type), input});
    };
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Parameter& one) { return one.name == name; });
    const std::optional<std::string> text = text_of(value);
    if (found == known.end())
      refuse("is not a filter of the listing", "extra_forbidden");
    else if (!text)
      refuse("must be a text, or true or false", "value_error");
    else if (auto message = wrong_value(*found, *text))
      refuse(*std::move(message), "value_error");
    else
      values.emplace(name, *text);
  }
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

Result<ListFilter> filter_of(WorkspaceNo workspace, const Filters& filters) {
  ListFilter filter;
  filter.workspace_no = workspace;
  if (const auto tier = filters("tier")) {
    HOLDFAST_ASSIGN(value, tier_from(*tier));
    filter.tier = value;
  }
  if (const auto direction = filters("direction")) filter.direction = direction_from(*direction);
  if (const auto from = filters("from")) {
    HOLDFAST_ASSIGN(time, from_iso(*from));
    filter.from = time;
  }
  if (const auto to = filters("to")) {
    HOLDFAST_ASSIGN(time, from_iso(*to));
    filter.to = time;
  }
  if (const auto held = filters("held")) filter.held = *held == "true";
  if (const auto flagged = filters("flagged")) filter.flagged = *flagged == "true";
  if (const auto agent = filters("agent")) {
    HOLDFAST_ASSIGN(service, WorkspaceId::from_text(*agent));
    filter.service = service;
  }
  filter.search.words = filters("q").value_or("");
  filter.search.from = filters("from_number");
  filter.search.to = filters("to_number");
  filter.search.tag = filters("tag");
  filter.search.consent = filters("consent");
  return filter;
}

json::object told_filter(const Filters& filters) {
  json::object told;
  for (std::string_view name : {"tier", "from", "to", "held", "direction", "flagged", "agent"})
    if (const auto value = filters(name)) told[name] = *value;
  json::array searched;
  for (std::string_view name : {"q", "from_number", "to_number", "tag", "consent"})
    if (filters(name)) searched.emplace_back(name);
  if (!searched.empty()) told["searched"] = std::move(searched);
  return told;
}

std::string list_cursor(const ListKey& key) {
  return make_cursor(key.started_at.count, std::to_string(key.recording_no.value));
}

Result<ListKey> list_key(std::string_view cursor) {
  const std::optional<Cursor> read = read_cursor(cursor);
  const std::optional<int64_t> number = read ? decimal(read->b) : std::nullopt;
  if (!number) return Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"};
  return ListKey{UnixMillis(read->a), RecordingNo(*number)};
}

}  // namespace holdfast::api
