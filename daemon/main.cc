// holdfastd: reads its configuration, opens the archive, serves.
//
//   holdfastd --config FILE                 serve
//   holdfastd --config FILE --check-config  say whether the file is right
//   holdfastd --config FILE --init          make directories and label the media, then exit
//   holdfastd rebuild --config FILE         make the index anew (rebuild_command.h)
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/rebuild_command.h"

namespace {

using namespace holdfast;

enum class Mode { kServe, kCheck, kInit };

struct Arguments {
  std::string config = "/etc/holdfast/holdfast.toml";
  Mode mode = Mode::kServe;
};

constexpr char kUsage[] =
    "usage: holdfastd [--config FILE] [--check-config | --init | --version | --help]\n"
    "       holdfastd rebuild [--help]\n"
    "\n"
    "  --config FILE    the configuration (default /etc/holdfast/holdfast.toml)\n"
    "  --check-config   say whether the configuration is right, and exit\n"
    "  --init           make the directories and label media that carry no label yet, and exit\n";

// Nothing: `exit_code` says how to end.
bool parse(int count, char** words, Arguments& arguments, int& exit_code) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--config" && i + 1 < count) {
      arguments.config = words[++i];
    } else if (word == "--check-config") {
      arguments.mode = Mode::kCheck;
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

}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "rebuild") == 0) {
    ::umask(0027);
    return run_rebuild_command(std::vector<std::string>(words + 2, words + count));
  }
  Arguments arguments;
  int exit_code = 0;
  if (!parse(count, words, arguments, exit_code)) return exit_code;
  // Files are the daemon's own unless a mode says that the mount's group may read them.
  ::umask(0027);

  Result<Config> config = load_config(arguments.config);
  if (!config.ok()) return fail(config.error());
  if (arguments.mode == Mode::kCheck) {
    std::printf("%s is right\n", arguments.config.c_str());
    return 0;
  }
  SystemClock clock;
  SystemRandom random;
  if (arguments.mode == Mode::kInit) {
    Result<std::unique_ptr<Io>> io = Io::open();
    if (!io.ok()) return fail(io.error());
    Status made = init_archive(**io, *config, clock, random);
    return made.ok() ? 0 : fail(made.error());
  }
  Result<std::unique_ptr<Daemon>> daemon = Daemon::start(*config, clock, random);
  if (!daemon.ok()) return fail(daemon.error());
  const Status served = (*daemon)->run();
  daemon->reset();
  if (!served.ok()) return fail(served.error());
  log::info("stopped");
  return 0;
}
