// The command line, read. The only user of CLI11 is arguments.cc.
#pragma once

#include <string>

#include "cli/command.h"

namespace holdfast::cli {

// What is common to all commands.
struct GlobalOptions {
  std::string socket_path;  // empty: not given
  std::string url;
  std::string key;
  std::string key_file;
  std::string ca_file;
  std::string certificate;
  std::string certificate_key;
  std::string workspace;
  bool plaintext = false;  // the key may go to a URL in clear text
  bool json = false;
};

struct Parsed {
  Command* command = nullptr;  // null: the line asked for help or the version, or was wrong
  GlobalOptions options;
  int exit_code = 0;  // when there is no command
};

// Reads the line; prints help to standard output and complaints to standard error.
Parsed parse(int argc, const char* const* argv, const Commands& commands);

// The exit codes of base/result.cc's table: in a few lines, and with what they mean.
std::string exit_code_lesson();
std::string exit_code_meanings();

constexpr int kExitFailure = 1;  // a failure of the tool itself
constexpr int kExitUsage = 2;    // a line that cannot be read

}  // namespace holdfast::cli
