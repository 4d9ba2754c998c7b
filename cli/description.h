// What the command line takes, as plain data: what shells complete and what the manual's pages say
// is made of it, so that neither can speak of an option that is not there.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace holdfast::cli {

struct OptionDescription {
  std::vector<std::string> names;  // "-o", "--output"; of a positional its one name, "CALL"
  std::string placeholder;         // "FILE"; empty: a flag
  std::string help;
  std::vector<std::string> choices;  // empty: anything
  bool required = false;
  bool repeats = false;  // a positional that takes several, an option that may stand again
};

struct CommandDescription {
  std::string name;  // "init"
  std::string path;  // "medium init"; empty: the program
  std::string summary;
  std::string text;                   // empty: of a group
  std::vector<std::string> examples;  // lines that can be typed
  std::vector<OptionDescription> options;
  std::vector<OptionDescription> connection;  // those that every command has
  std::vector<OptionDescription> positionals;
  std::vector<CommandDescription> commands;  // of the program, or of a group
};

// arguments.cc: from the same declarations that read the line.
CommandDescription describe(const Commands& commands);

// What a value is, by its placeholder: a shell completes names of files or directories.
bool is_file(const OptionDescription& option);
bool is_directory(const OptionDescription& option);

}  // namespace holdfast::cli
