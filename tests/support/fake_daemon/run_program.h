// Runs a program to its end and gives what it said.
#pragma once

#include <string>
#include <vector>

namespace holdfast {

struct ProgramRun {
  int exit_code = -1;  // -1: ended by a signal
  std::string out;
  std::string err;
};

// `arguments` begins with the program's path. `environment` ("NAME=value") is all it gets
// beside PATH and what sanitizers read. `directory`, when not empty, is where it runs.
// `stdout_path`, when not empty, is opened as its standard output. Throws when it cannot be run.
ProgramRun run_program(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment = {},
                       const std::string& directory = "", const std::string& stdout_path = "");

}  // namespace holdfast
