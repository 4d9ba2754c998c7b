// `holdfast`: reads the line, connects, does the one command, tells failures, ends with the
// exit code of base/result.cc's table.
#include <cstdio>

#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/session.h"

namespace holdfast::cli {
namespace {

// Standard output that could not be written (disk full, pipe closed) is a failure too: a
// script must not take half a listing for a whole one.
int finish(int exit_code) {
  const bool whole = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (whole) return exit_code;
  std::fputs("holdfast: standard output could not be written\n", stderr);
  return exit_code == 0 ? kExitFailure : exit_code;
}

int run(int argc, const char* const* argv) {
  const Commands commands = all_commands();
  const Parsed parsed = parse(argc, argv, commands);
  if (parsed.command == nullptr) return finish(parsed.exit_code);
  SystemClock clock;
  auto session = Session::open(parsed.options, clock);
  if (!session.ok()) {
    std::fprintf(stderr, "holdfast: %s\n", session.error().message.c_str());
    return traits(session.error().code).exit_code;
  }
  const Status done = parsed.command->run(**session);
  if (!done.ok()) (*session)->report(done.error());
  return finish((*session)->exit_code());
}

}  // namespace
}  // namespace holdfast::cli

int main(int argc, char** argv) { return holdfast::cli::run(argc, argv); }
