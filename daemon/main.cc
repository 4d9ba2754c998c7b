// holdfastd: reads its configuration, opens the archive, serves.
//
//   holdfastd --config FILE                 serve
//   holdfastd --config FILE --check-config  say whether the file is right
//   holdfastd --config FILE --check-places  and whether its directories are there and usable
//   holdfastd --config FILE --init          make directories and label the media, then exit
//   holdfastd --config FILE --print-unit    what systemd must know of the file (unit_text.h)
//   holdfastd rebuild --config FILE         make the index anew (rebuild_command.h)
//   holdfastd doctor --config FILE          say whether the machine is as it should be (doctor.h)
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/allocator.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/doctor_command.h"
#include "daemon/journal.h"
#include "daemon/place_check.h"
#include "daemon/rebuild_command.h"
#include "daemon/service_user.h"
#include "daemon/tls_check.h"
#include "daemon/unit_text.h"

namespace {

using namespace holdfast;

enum class Mode { kServe, kCheck, kCheckPlaces, kInit, kPrintUnit };

struct Arguments {
  std::string config = "/etc/holdfast/holdfast.toml";
  Mode mode = Mode::kServe;
  std::string user;  // empty: as the user it is
};

constexpr char kUsage[] =
    "usage: holdfastd [--config FILE] [--user NAME] [--check-config | --check-places | --init |\n"
    "                 --print-unit | --version | --help]\n"
    "       holdfastd rebuild [--help]\n"
    "       holdfastd doctor [--help]\n"
    "\n"
    "  --config FILE    the configuration (default /etc/holdfast/holdfast.toml)\n"
    "  --check-config   say whether the configuration is right, and exit\n"
    "  --check-places   say also whether its directories are there, writable and labelled, and "
    "exit\n"
    "  --init           make the directories and label media that carry no label yet, and exit\n"
    "  --print-unit     print what systemd must know of the configuration, and exit\n"
    "  --user NAME      do so as this user; with --init, give it the directories first (root)\n";

// Nothing: `exit_code` says how to end.
bool parse(int count, char** words, Arguments& arguments, int& exit_code) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--config" && i + 1 < count) {
      arguments.config = words[++i];
    } else if (word == "--user" && i + 1 < count) {
      arguments.user = words[++i];
    } else if (word == "--check-config") {
      arguments.mode = Mode::kCheck;
    } else if (word == "--check-places") {
      arguments.mode = Mode::kCheckPlaces;
    } else if (word == "--print-unit") {
      arguments.mode = Mode::kPrintUnit;
    } else if (word == "--init") {
      arguments.mode = Mode::kInit;
    } else if (word == "--help" || word == "--version") {
      std::fputs(word == "--help" ? kUsage : "holdfastd " HOLDFAST_VERSION "\n", stdout);
      exit_code = 0;
      return false;
    } else {
      std::fprintf(stderr, "holdfastd: do not know \"%s\"\n%s", word.c_str(), kUsage);
      exit_code = 2;
      return false;
    }
  }
  return true;
}

int fail(const Error& error) {
  log::error("{}", error.message);
  return traits(error.code).exit_code;
}

int check(const Config& config) {
  Result<std::unique_ptr<Io>> io = Io::open();
  if (!io.ok()) return fail(io.error());
  int exit_code = 0;
  for (const CheckedPlace& place : check_places(**io, config)) {
    std::printf("%-20s %s: %s\n", place.key.c_str(), place.path.c_str(), place.finding.c_str());
    if (exit_code == 0 && !place.status.ok())
      exit_code = traits(place.status.error().code).exit_code;
  }
  return exit_code;
}

int init(const Config& config, Clock& clock, Random& random) {
  Result<std::unique_ptr<Io>> io = Io::open();
  if (!io.ok()) return fail(io.error());
  const Status made = init_archive(**io, config, clock, random);
  return made.ok() ? 0 : fail(made.error());
}

int print_unit(const Config& config) {
  const Result<std::string> text = unit_text(config);
  if (!text.ok()) return fail(text.error());
  std::fputs(text->c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "rebuild") == 0) {
    ::umask(0027);
    return run_rebuild_command(std::vector<std::string>(words + 2, words + count));
  }
  if (count > 1 && std::strcmp(words[1], "doctor") == 0)
    return run_doctor_command(std::vector<std::string>(words + 2, words + count));
  Arguments arguments;
  int exit_code = 0;
  if (!parse(count, words, arguments, exit_code)) return exit_code;
  // Files are the daemon's own unless a mode says that the mount's group may read them.
  ::umask(0027);

  Result<Config> config = load_config(arguments.config);
  if (!config.ok()) return fail(config.error());
  SystemClock clock;
  if (arguments.mode == Mode::kCheck) {
    const TlsCheck tls = check_tls_files(*config, clock.now());
    if (!tls.status.ok()) return fail(tls.status.error());
    if (!tls.remark.empty()) log::warning("{}", tls.remark);
    std::printf("%s is right\n", arguments.config.c_str());
    return 0;
  }
  if (arguments.mode == Mode::kPrintUnit) return print_unit(*config);
  if (!arguments.user.empty()) {
    if (arguments.mode == Mode::kInit)
      if (Status given = give_directories(*config, arguments.user); !given.ok())
        return fail(given.error());
    if (Status changed = become(arguments.user); !changed.ok()) return fail(changed.error());
  }
  SystemRandom random;
  if (arguments.mode == Mode::kCheckPlaces) return check(*config);
  if (arguments.mode == Mode::kInit) return init(*config, clock, random);
  log_to_journal();
  log::set_level(log::level_of(config->log_level).value_or(log::Level::kInfo));
  keep_freed_memory();
  Result<std::unique_ptr<Daemon>> daemon = Daemon::start(*config, clock, random);
  if (!daemon.ok()) return fail(daemon.error());
  const Status served = (*daemon)->run();
  daemon->reset();
  if (!served.ok()) return fail(served.error());
  log::info("stopped");
  return 0;
}
