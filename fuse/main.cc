// holdfast-fuse MOUNTPOINT --config FILE [--foreground]
//
// The read-only view of the archive, in a process of its own with less right than the daemon.
// Exit codes: those of base/result.cc; 2 for wrong usage.
#include <getopt.h>

#include <cstdio>
#include <string>

#include "base/config.h"
#include "base/log.h"
#include "fuse/session.h"

namespace {

constexpr const char* kUsage =
    "holdfast-fuse MOUNTPOINT --config FILE [--foreground]\n"
    "\n"
    "Shows the archive as /<workspace>/<yyyy>/<mm>/<dd>/<call_sid>/<files>, read-only.\n"
    "Looking recalls nothing: an archived file opens with \"Remote I/O error\"; ask for it with\n"
    "`holdfast restore`. Opens are written to the audit ledger first, so they need the daemon.\n"
    "\n"
    "  --config FILE   the daemon's configuration\n"
    "  --foreground    stay attached to the terminal (systemd, debugging)\n"
    "  --version       print the version\n"
    "  --help          print this\n"
    "\n"
    "End it with SIGTERM, Ctrl-C or: fusermount3 -u MOUNTPOINT\n";

struct Arguments {
  std::string config_path;
  holdfast::MountOptions mount;
};

// Nothing: a text was printed, and `exit_code` says how to end.
std::optional<Arguments> parse(int count, char** values, int& exit_code) {
  static const option kOptions[] = {{"config", required_argument, nullptr, 'c'},
                                    {"foreground", no_argument, nullptr, 'f'},
                                    {"version", no_argument, nullptr, 'v'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  Arguments arguments;
  exit_code = 0;
  for (int found = 0; (found = getopt_long(count, values, "", kOptions, nullptr)) != -1;) {
    switch (found) {
      case 'c':
        arguments.config_path = optarg;
        break;
      case 'f':
        arguments.mount.foreground = true;
        break;
      case 'v':
        std::puts("holdfast-fuse " HOLDFAST_VERSION);
        return std::nullopt;
      case 'h':
        std::fputs(kUsage, stdout);
        return std::nullopt;
      default:
        exit_code = 2;
        return std::nullopt;  // getopt said what is wrong
    }
  }
  if (count - optind != 1 || arguments.config_path.empty()) {
    std::fputs(kUsage, stderr);
    exit_code = 2;
    return std::nullopt;
  }
  arguments.mount.mount_point = values[optind];
  return arguments;
}

int fail(const holdfast::Error& error) {
  holdfast::log::write(holdfast::log::Level::kError, error.message);
  return holdfast::traits(error.code).exit_code;
}

}  // namespace

int main(int count, char** values) {
  int exit_code = 0;
  const std::optional<Arguments> arguments = parse(count, values, exit_code);
  if (!arguments.has_value()) return exit_code;
  const holdfast::Result<holdfast::Config> config = holdfast::load_config(arguments->config_path);
  if (!config.ok()) return fail(config.error());
  const holdfast::Status served = holdfast::serve_mount(*config, arguments->mount);
  return served.ok() ? 0 : fail(served.error());
}
