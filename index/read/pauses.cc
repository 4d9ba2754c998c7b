#include "index/read/pauses.h"

#include "base/json.h"

namespace holdfast {

Result<std::vector<PauseRow>> list_pauses(Database& index) {
  static constexpr std::string_view kPrefix = "pause.";
  Statement statement = index.prepare(
      "SELECT name, value FROM setting WHERE name >= 'pause.' AND name < 'pause/' ORDER BY name");
  std::vector<PauseRow> pauses;
  for (;;) {
    HOLDFAST_ASSIGN(more, statement.step());
    if (!more) return pauses;
    const auto name = statement.next<std::string>();
    HOLDFAST_ASSIGN(value, parse_json(statement.next<std::string>()));
    if (!value.is_object()) return Error{Code::kCorrupt, "the setting " + name + " is no object"};
    PauseRow pause;
    if (const std::string scope = name.substr(kPrefix.size()); scope != "all") {
      HOLDFAST_ASSIGN(tier, tier_from(scope));
      pause.tier = tier;
    }
    HOLDFAST_ASSIGN(since, need_integer(value.get_object(), "since"));
    HOLDFAST_ASSIGN(who, need_string(value.get_object(), "who"));
    HOLDFAST_ASSIGN(reason, need_string(value.get_object(), "reason"));
    pause.since = UnixMillis(since);
    pause.who = std::move(who);
    pause.reason = std::move(reason);
    pauses.push_back(std::move(pause));
  }
}

}  // namespace holdfast
