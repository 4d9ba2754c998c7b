#include "daemon/doctor_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "daemon/doctor.h"
#include "daemon/service_user.h"

namespace holdfast {
namespace {

constexpr char kUsage[] =
    "usage: holdfastd doctor [--config FILE] [--user NAME] [--json]\n"
    "\n"
    "Says whether this machine is as the archive needs it. Looks and changes nothing.\n"
    "\n"
    "  --config FILE  the configuration (default /etc/holdfast/holdfast.toml)\n"
    "  --user NAME    look at files as this user (root; default: the user it is)\n"
    "  --json         the findings as JSON\n";

struct Arguments {
  std::string config = "/etc/holdfast/holdfast.toml";
  std::string user;
  bool json = false;
};

// Empty: they are right.
std::string parse(const std::vector<std::string>& words, Arguments& arguments) {
  for (size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "--config" && has_value)
      arguments.config = words[++i];
    else if (words[i] == "--user" && has_value)
      arguments.user = words[++i];
    else if (words[i] == "--json")
      arguments.json = true;
    else
      return "do not know \"" + words[i] + "\"";
  }
  return "";
}

Findings examine(const Arguments& arguments) {
  Findings findings;
  check_machine(findings);
  const Result<Config> config = load_config(arguments.config);
  if (!config.ok()) {
    findings.push_back({Health::kFail, "configuration", config.error().message,
                        "docs/configuration.md has every key"});
    return findings;
  }
  findings.push_back({Health::kOk, "configuration", arguments.config + " is right", ""});
  check_service(*config, findings);
  check_secrets(*config, SystemClock().now(), findings);
  // What follows is seen as the daemon sees it; credentials are handed to it.
  if (!arguments.user.empty()) {
    if (Status changed = become(arguments.user); !changed.ok()) {
      findings.push_back({Health::kFail, "user", changed.error().message,
                          "root asks, and the user is there (systemd-sysusers)"});
      return findings;
    }
  } else if (::geteuid() == 0) {
    findings.push_back({Health::kWarn, "user",
                        "root may do everything: what the daemon's user may "
                        "not was not seen",
                        "--user holdfast"});
  }
  check_tls_access(*config, SystemClock().now(), findings);
  const Result<std::unique_ptr<Io>> io = Io::open();
  if (io.ok()) check_storage(**io, *config, findings);
  return findings;
}

void print_json(const Findings& findings) {
  json::array items;
  for (const DoctorFinding& one : findings)
    items.push_back(json::object{{"health", word(one.health)},
                                 {"check", one.check},
                                 {"what", one.what},
                                 {"advice", one.advice}});
  std::fputs((canonical(json::object{{"findings", std::move(items)}}) + "\n").c_str(), stdout);
}

void print(const Findings& findings) {
  for (const DoctorFinding& one : findings) {
    std::fputs(fmt::format("{:<4}  {:<20}  {}\n", word(one.health), one.check, one.what).c_str(),
               stdout);
    if (!one.advice.empty())
      std::fputs(fmt::format("{:<28}→ {}\n", "", one.advice).c_str(), stdout);
  }
}

}  // namespace

int run_doctor_command(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "--help") return std::fputs(kUsage, stdout), 0;
  Arguments arguments;
  if (const std::string wrong = parse(words, arguments); !wrong.empty()) {
    std::fputs(("holdfastd doctor: " + wrong + "\n" + kUsage).c_str(), stderr);
    return 2;
  }
  const Findings findings = examine(arguments);
  arguments.json ? print_json(findings) : print(findings);
  const bool fails = std::any_of(findings.begin(), findings.end(), [](const DoctorFinding& one) {
    return one.health == Health::kFail;
  });
  return fails ? traits(Code::kConflict).exit_code : 0;
}

}  // namespace holdfast
