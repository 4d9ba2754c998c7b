// `holdfast`: reads the line, connects, does the one command, tells failures, ends with the
// exit code of base/result.cc's table.
#include <cstdio>
#include <fstream>
#include <optional>

#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/completion.h"
#include "cli/manual.h"
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

// For the package's build and for shells, hence in no list of commands:
//   holdfast completion bash|zsh    to standard output
//   holdfast manual DIR             a file for each page
// Nothing: the line asks for something else.
std::optional<int> describe_itself(const std::vector<std::string>& words,
                                   const Commands& commands) {
  if (words.size() != 2) return std::nullopt;
  if (words[0] == "completion" && (words[1] == "bash" || words[1] == "zsh")) {
    const CommandDescription program = describe(commands);
    const std::string text =
        words[1] == "bash" ? bash_completion(program) : zsh_completion(program);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  if (words[0] != "manual") return std::nullopt;
  for (const ManualPage& page : manual_pages(describe(commands))) {
    std::ofstream file(words[1] + "/" + page.name, std::ios::binary);
    file << page.text;
    if (file.close(), !file) {
      std::fprintf(stderr, "holdfast: %s/%s could not be written\n", words[1].c_str(),
                   page.name.c_str());
      return kExitFailure;
    }
  }
  return 0;
}

int run(int argc, const char* const* argv) {
  const Commands commands = all_commands();
  if (const auto described = describe_itself({argv + 1, argv + argc}, commands))
    return finish(*described);
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
