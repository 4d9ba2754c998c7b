// The real `holdfast` against a scripted daemon.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/result.h"
#include "tests/support/fake_daemon/fake_daemon.h"
#include "tests/support/fake_daemon/run_program.h"

namespace holdfast {

constexpr const char* kWorkspace = "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b";

// "/v1/<workspace>/<rest>".
inline std::string in_workspace(const std::string& rest) {
  return std::string("/v1/") + kWorkspace + "/" + rest;
}
inline const std::string kRecordings = in_workspace("recordings");

// An answer of that status.
inline FakeAnswer fake_answer(int status, const std::string& body) {
  FakeAnswer answer;
  answer.status = status;
  answer.body = body;
  return answer;
}

struct CliRig {
  FakeDaemon daemon;
  TemporaryDirectory directory;  // where the program runs

  // `holdfast ARGUMENTS…` over the socket, in the workspace.
  ProgramRun run(std::vector<std::string> arguments) const {
    return run_bare(std::move(arguments), {"HOLDFAST_SOCKET=" + daemon.socket_path(),
                                           std::string("HOLDFAST_WORKSPACE=") + kWorkspace});
  }
  // With this environment only.
  ProgramRun run_bare(std::vector<std::string> arguments,
                      const std::vector<std::string>& environment) const {
    arguments.insert(arguments.begin(), HOLDFAST_PROGRAM);
    return run_program(arguments, environment, directory.path());
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(directory / name, std::ios::binary) << bytes;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(directory / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

// It ended well and complained of nothing.
inline void check_done(const ProgramRun& run) {
  BOOST_TEST(run.exit_code == 0, run.err);
  BOOST_TEST(run.err == "");
}

// One line on standard error that holds `text`, and the code's exit code.
inline void check_failed(const ProgramRun& run, Code code, const std::string& text) {
  BOOST_TEST(run.exit_code == traits(code).exit_code, run.err);
  BOOST_TEST(run.err.starts_with("holdfast: "), run.err);
  BOOST_TEST(run.err.find(text) != std::string::npos, run.err);
  BOOST_TEST(std::count(run.err.begin(), run.err.end(), '\n') == 1, run.err);
}

// The line of `text` that begins with `start`, words separated by one space.
inline std::string line_of(const std::string& text, const std::string& start) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line;
    for (size_t i = at; i < end; ++i)
      if (text[i] != ' ' || line.empty() || line.back() != ' ') line += text[i];
    while (!line.empty() && line.front() == ' ') line.erase(0, 1);
    if (line.starts_with(start)) return line;
    at = end + 1;
  }
  return "no line begins with " + start + " in:\n" + text;
}

}  // namespace holdfast
