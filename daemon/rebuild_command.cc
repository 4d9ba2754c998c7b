#include "daemon/rebuild_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/run_lock.h"
#include "daemon/work/rebuild.h"

namespace holdfast {
namespace {

constexpr char kUsage[] =
    "usage: holdfastd rebuild [--config FILE] [--anew] [--lost MEDIUM]… [--without TIER]… "
    "[--json]\n"
    "\n"
    "Makes index.db anew from the media and the ledger. The daemon must be stopped. Media are "
    "only\n"
    "read. A rebuild that was killed goes on where it was.\n"
    "\n"
    "  --config FILE     the configuration (default /etc/holdfast/holdfast.toml)\n"
    "  --anew            set an index that is there aside, as index.db.before-rebuild\n"
    "  --lost MEDIUM     this medium (id or name) is destroyed: what lay on it is gone\n"
    "  --without TIER    warm or cold: do not wait for its medium; what lies there alone stays\n"
    "                    unlocated until the next rebuild\n"
    "  --skip-unreadable go on without what a dying disk does not give back\n"
    "  --json            progress and summary as JSON lines\n";

struct Arguments {
  std::string config = "/etc/holdfast/holdfast.toml";
  RebuildOptions rebuild;
  bool json = false;
};

// Empty: they are right.
std::string parse(const std::vector<std::string>& words, Arguments& arguments) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_value = i + 1 < words.size();
    if (word == "--config" && has_value) {
      arguments.config = words[++i];
    } else if (word == "--anew") {
      arguments.rebuild.anew = true;
    } else if (word == "--lost" && has_value) {
      arguments.rebuild.lost.push_back(words[++i]);
    } else if (word == "--without" && has_value) {
      const Result<Tier> tier = tier_from(words[++i]);
      if (!tier.ok() || *tier == Tier::kStandard) return "--without takes warm or cold";
      arguments.rebuild.without.push_back(*tier);
    } else if (word == "--skip-unreadable") {
      arguments.rebuild.skip_unreadable = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else {
      return "do not know \"" + word + "\"";
    }
  }
  return "";
}

// A line that is written over on a terminal, JSON lines otherwise; at most one a second, and one
// whenever the step changes.
class ProgressLine {
 public:
  ProgressLine(const Clock& clock, bool json)
      : clock_(clock), bar_(!json && ::isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (bar_ && shown_) std::fputs("\n", stderr);
  }
  void show(const RebuildProgress& progress) {
    const Millis now = clock_.monotonic();
    if (progress.step == step_ && now.count - last_.count < limits::kRebuildProgressMs) return;
    if (progress.step != step_) began_ = now;
    const bool new_step = progress.step != step_;
    step_ = progress.step;
    last_ = now;
    const double elapsed = static_cast<double>(now.count - began_.count) / 1000;
    const double rate = elapsed > 0 ? static_cast<double>(progress.done) / elapsed : 0;
    if (!bar_) return tell_json(progress, rate);
    if (new_step && shown_) std::fputs("\n", stderr);
    const std::string of = progress.total > 0 ? fmt::format(" of {}", progress.total) : "";
    std::fputs(fmt::format("\r\033[K{:<14} {}{}  {:.0f}/s  {}", step_, progress.done, of, rate,
                           progress.detail)
                   .c_str(),
               stderr);
    shown_ = true;
  }

 private:
  void tell_json(const RebuildProgress& progress, double rate) {
    json::object line{{"step", progress.step},
                      {"done", progress.done},
                      {"per_second", static_cast<int64_t>(rate)}};
    if (progress.total > 0) line["total"] = progress.total;
    if (!progress.detail.empty()) line["detail"] = progress.detail;
    std::fputs((json::serialize(line) + "\n").c_str(), stderr);
  }

  const Clock& clock_;
  const bool bar_;
  bool shown_ = false;
  std::string step_;
  Millis began_;
  Millis last_;
};

void tell_json(const RebuildReport& report, double seconds) {
  const json::object summary{{"recordings", report.recordings},
                             {"parts", report.parts},
                             {"packs", report.packs},
                             {"decisions", report.decisions},
                             {"unlocated", report.unlocated},
                             {"contradicted", report.contradicted},
                             {"adopted", report.adopted},
                             {"findings", report.findings},
                             {"recovery", report.recovery},
                             {"ledger_begun", report.ledger_begun},
                             {"secrets_lost", report.secrets_lost},
                             {"secrets_from", report.secrets_from},
                             {"marks_lost", report.marks_lost},
                             {"report", report.report_path},
                             {"seconds", seconds}};
  std::fputs((json::serialize(summary) + "\n").c_str(), stdout);
}

void tell(const RebuildReport& report, double seconds) {
  std::string text = fmt::format(
      "The index is rebuilt: {} recordings, from {} parts and {} packs on media and {} decisions, "
      "in {:.1f} s.\n",
      report.recordings, report.parts, report.packs, report.decisions, seconds);
  if (report.unlocated > 0)
    text += fmt::format(
        "\n{} recordings are UNLOCATED: the ledger speaks of them and no medium that was read "
        "shows them.\nThey stay locked. Attach the medium that has them and rebuild with --anew.\n",
        report.unlocated);
  if (report.contradicted > 0)
    text += fmt::format(
        "\n{} decisions were not applied: a lock stands against them, whose end was lost with "
        "other "
        "lines.\nThe lock is kept.\n",
        report.contradicted);
  if (report.ledger_begun)
    text +=
        "\nThe ledger was gone in both places: a new one was begun. Holds, destructions and "
        "relabellings\nof before are not known any more.\n";
  if (report.recovery)
    text +=
        "\nDecisions were lost, and one of them may have been a hold: everything is held under the "
        "matter\n\"recovery\". Nothing expires, nothing is released, until a person says\n\n"
        "    holdfast release --matter recovery --reason \"…\"\n";
  if (report.secrets_lost)
    text +=
        "\nsecrets.db was gone, and no backup of it was found: API keys have to be made anew "
        "(holdfast key),\nlinks that were given out are dead, and new signing keys are made as "
        "they "
        "are needed.\n";
  if (report.marks_lost > 0)
    text += fmt::format(
        "{} destroyed calls are not recognised any more: a recorder that sends one of them again "
        "will have\nit archived as a new call.\n",
        report.marks_lost);
  if (!report.secrets_from.empty())
    text += "\nsecrets.db was taken from " + report.secrets_from + ".\n";
  if (report.findings > 0)
    text += fmt::format("\n{} things to look at: {}\n", report.findings, report.report_path);
  text += "\nStart the daemon: systemctl start holdfastd\n";
  std::fputs(text.c_str(), stdout);
}

int fail(const Error& error) {
  log::error("{}", error.message);
  return traits(error.code).exit_code;
}

// A bare host has none of them; labels are --init's alone.
Status make_directories(const Config& config) {
  for (const std::string& path : {config.state_dir, config.run_dir, config.mirror_dir}) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return system_error(error.value(), "make directory " + path);
  }
  return {};
}

}  // namespace

int run_rebuild_command(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "--help") return std::fputs(kUsage, stdout), 0;
  Arguments arguments;
  if (const std::string wrong = parse(words, arguments); !wrong.empty()) {
    std::fputs(("holdfastd rebuild: " + wrong + "\n" + kUsage).c_str(), stderr);
    return 2;
  }
  const Result<Config> config = load_config(arguments.config);
  if (!config.ok()) return fail(config.error());
  if (Status made = make_directories(*config); !made.ok()) return fail(made.error());
  const Result<Fd> lock = lock_run_dir(*config);
  if (!lock.ok()) return fail(lock.error());
  SystemClock clock;
  SystemRandom random;
  const Millis began = clock.monotonic();
  Result<RebuildReport> report = [&] {
    ProgressLine line(clock, arguments.json);
    arguments.rebuild.progress = [&line](const RebuildProgress& progress) { line.show(progress); };
    return rebuild_archive(*config, clock, random, arguments.rebuild);
  }();
  if (!report.ok()) return fail(report.error());
  const double seconds = static_cast<double>(clock.monotonic().count - began.count) / 1000;
  arguments.json ? tell_json(*report, seconds) : tell(*report, seconds);
  return 0;
}

}  // namespace holdfast
