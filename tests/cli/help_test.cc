// --help teaches: every command, every option, examples, exit codes. And wrong lines.
#include "tests/cli/cli_rig.h"

namespace holdfast {
namespace {

struct Expected {
  std::vector<std::string> command;
  std::vector<std::string> options;
};

const std::vector<Expected>& commands() {
  static const std::vector<Expected> kCommands = {
      {{"status"}, {"--all"}},
      {{"doctor"}, {"--config", "--user", "--offline"}},
      {{"put"}, {"DIR", "--call"}},
      {{"import"},
       {"DIR", "--pattern", "--layout", "--times", "--dry-run", "--jobs", "--label", "--resume",
        "--new", "--report", "--patience"}},
      {{"ls"},
       {"--tier", "--from", "--to", "--held", "--direction", "--flagged", "--limit", "--cursor",
        "--all"}},
      {{"show"}, {"CALL"}},
      {{"get"},
       {"CALL", "FILE", "--output", "--wait", "--timeout", "--calls", "--jobs", "--no-wait"}},
      {{"restore"},
       {"CALL", "--priority", "--keep-hours", "--wait", "--timeout", "--list", "--state", "--limit",
        "--cursor", "--all", "--callback"}},
      {{"moves"},
       {"--state", "--failed", "--run", "--retry", "--all-failed", "--pause", "--reason",
        "--resume", "--limit", "--cursor", "--all"}},
      {{"plan"}, {"--at"}},
      {{"relabel"}, {"CALL", "--agent", "--set", "--unset", "--to-workspace", "--reason"}},
      {{"hold"}, {"CALL", "--matter", "--reason", "--list", "--limit", "--cursor", "--all"}},
      {{"release"}, {"CALL", "--hold", "--reason"}},
      {{"rm"}, {"CALL", "--reason", "--yes"}},
      {{"retention", "ls"}, {}},
      {{"retention", "set"}, {"CLASS", "--keep", "--mode", "--from"}},
      {{"retention", "default"}, {"CLASS", "--of", "--none"}},
      {{"retention", "assign"}, {"CALL", "--class", "--none", "--bypass-governance", "--reason"}},
      {{"expire"}, {"--dry-run", "--at", "--limit", "--accept", "--reason"}},
      {{"clock"}, {"accept", "--reason"}},
      {{"audit"},
       {"--chain", "--recording", "--call", "--actor", "--from", "--to", "--check", "--limit",
        "--cursor", "--all"}},
      {{"medium", "list"}, {}},
      {{"medium", "init"}, {"--kind", "--tier", "--name", "--path"}},
      {{"key", "create"}, {"--scopes", "--expires", "--name", "--operator"}},
      {{"key", "list"}, {"--operator"}},
      {{"key", "revoke"}, {"ID", "--operator"}},
      {{"key", "rotate-links"}, {}},
      {{"links"}, {"WORKSPACE", "--revoke", "--limit", "--cursor", "--all"}},
      {{"callbacks"},
       {"--parked", "--retry", "--drop", "--secret", "--rotate-secret", "--limit", "--cursor",
        "--all"}},
      {{"workspace", "add"}, {"UUID", "--slug"}},
      {{"workspace", "list"}, {}},
      {{"workspace", "show"}, {"UUID"}},
      {{"workspace", "set"}, {"UUID", "--link-life"}},
      {{"mount"}, {"DIR", "--config", "--foreground"}},
  };
  return kCommands;
}

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(help)

BOOST_AUTO_TEST_CASE(the_program_lists_every_command_and_explains_every_exit_code) {
  CliRig rig;
  const ProgramRun run = rig.run({"--help"});
  check_done(run);
  for (const Expected& one : commands())
    BOOST_TEST(run.out.find("\n  " + one.command[0] + " ") != std::string::npos, one.command[0]);
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i) {
    const CodeTraits& row = traits(static_cast<Code>(i));
    const std::string line = line_of(run.out, std::to_string(row.exit_code) + " ");
    BOOST_TEST(line.starts_with(std::to_string(row.exit_code) + " " + std::string(row.word) + ": "),
               line);
  }
}

BOOST_AUTO_TEST_CASE(every_command_teaches) {
  CliRig rig;
  for (const Expected& one : commands()) {
    std::vector<std::string> line = one.command;
    line.push_back("--help");
    const ProgramRun run = rig.run(line);
    check_done(run);
    std::string name = "holdfast";
    for (const std::string& word : one.command) name += " " + word;
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(run.out.find("Usage: " + name) != std::string::npos, run.out);
      for (const std::string& option : one.options)
        BOOST_TEST((run.out.find("\n  " + option + " ") != std::string::npos ||
                    run.out.find("," + option + " ") != std::string::npos),
                   option);
      for (const char* option :
           {"--socket", "--url", "--key", "--key-file", "--workspace", "--json", "-h,--help"})
        BOOST_TEST(run.out.find(option) != std::string::npos, option);
      const size_t examples = run.out.find("Examples:\n");
      BOOST_REQUIRE(examples != std::string::npos);
      BOOST_TEST(count(run.out.substr(examples), "\n  " + name + " ") +
                     count(run.out.substr(examples), "\n  " + name + "\n") >=
                 2u);
      BOOST_TEST(run.out.find("9 archived") != std::string::npos);
      BOOST_TEST(rig.daemon.asked().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_page_has_every_command_and_option) {
  std::ifstream in("docs/cli.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  for (const Expected& one : commands()) {
    std::string name = "holdfast";
    for (const std::string& word : one.command) name += " " + word;
    const size_t begin = page.find("\n## " + name + "\n");
    BOOST_TEST(begin != std::string::npos, name);
    if (begin == std::string::npos) continue;
    const std::string section = page.substr(begin, page.find("\n## ", begin + 1) - begin);
    BOOST_TEST(section.find("$ " + name) != std::string::npos, name << " has no example");
    for (const std::string& option : one.options)
      BOOST_TEST(section.find(option) != std::string::npos, name << " does not tell of " << option);
  }
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i) {
    const CodeTraits& row = traits(static_cast<Code>(i));
    const std::string start = "| " + std::to_string(row.exit_code) + " | " + std::string(row.word);
    BOOST_TEST(page.find(start) != std::string::npos, start);
  }
}

BOOST_AUTO_TEST_CASE(the_version_is_told) {
  CliRig rig;
  const ProgramRun run = rig.run({"--version"});
  check_done(run);
  BOOST_TEST(run.out == "holdfast " HOLDFAST_VERSION "\n");
}

BOOST_AUTO_TEST_CASE(a_wrong_line_says_what_would_be_right) {
  struct Wrong {
    std::vector<std::string> line;
    std::string says;
  };
  const std::vector<Wrong> wrong = {
      {{}, "which command?"},
      {{"fly"}, "there is no command fly"},
      {{"medium"}, "holdfast medium --help"},
      {{"show"}, "CALL is required"},
      {{"show", "a", "b"}, "b"},
      {{"ls", "--tier", "hot"}, "standard,warm,cold"},
      {{"ls", "--from", "yesterday"}, "2026-11-21T09:00:00Z"},
      {{"ls", "--limit", "0"}, "1 to 1000"},
      {{"get", "CA1", "--timeout", "soon"}, "15min"},
      {{"release", "CA1", "--hold", "1", "--reason", "x"}, "26 characters"},
      {{"key", "create", "--scopes", "calls:read,fly"}, "fly"},
      {{"moves", "--no-such-option"}, "--no-such-option"},
      {{"audit", "--recording", "CA1"}, "26 characters"},
  };
  CliRig rig;
  for (const Wrong& one : wrong) {
    const ProgramRun run = rig.run(one.line);
    BOOST_TEST(run.exit_code == 2, run.err);
    BOOST_TEST(run.out == "");
    BOOST_TEST(run.err.starts_with("holdfast: "), run.err);
    BOOST_TEST(run.err.find(one.says) != std::string::npos, run.err);
    BOOST_TEST(run.err.find("--help") != std::string::npos, run.err);
    BOOST_TEST(std::count(run.err.begin(), run.err.end(), '\n') == 1, run.err);
  }
  BOOST_TEST(rig.daemon.asked().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
