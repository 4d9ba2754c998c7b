#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "base/config.h"
#include "base/time_text.h"
#include "base/types.h"
#include "cli/description.h"

namespace holdfast::cli {
namespace {

constexpr const char* kAbout =
    "holdfast, the operator's hand on a Holdfast archive of recorded calls.\n"
    "It speaks to holdfastd over its administrators' socket, or to a URL with an API key.";

constexpr const char* kConnectionGroup = "Connection";

// Declares a command's arguments with CLI11.
class AppArguments final : public Arguments {
 public:
  explicit AppArguments(CLI::App& app) : app_(app) {}

  void positional(std::string_view name, std::string& value, std::string_view help,
                  bool required) override {
    app_.add_option(std::string(name), value, std::string(help))->required(required)->type_name("");
  }
  void positionals(std::string_view name, std::vector<std::string>& values, std::string_view help,
                   bool required) override {
    app_.add_option(std::string(name), values, std::string(help))
        ->required(required)
        ->type_name("");
  }
  void repeated(std::string_view names, std::string_view placeholder,
                std::vector<std::string>& values, std::string_view help) override {
    app_.add_option(std::string(names), values, std::string(help))
        ->type_name(std::string(placeholder))
        ->allow_extra_args(false);
  }
  void option(std::string_view names, std::string_view placeholder, std::string& value,
              std::string_view help, bool required, Check check) override {
    CLI::Option* option = app_.add_option(std::string(names), value, std::string(help))
                              ->required(required)
                              ->type_name(std::string(placeholder));
    if (check)
      option->check(CLI::Validator(
          [check = std::move(check)](std::string& text) {
            const Status status = check(text);
            return status.ok() ? std::string() : status.error().message;
          },
          ""));
  }
  void number(std::string_view names, std::string_view placeholder, int64_t& value, int64_t least,
              int64_t most, std::string_view help) override {
    app_.add_option(std::string(names), value, std::string(help))
        ->type_name(std::string(placeholder))
        ->check(CLI::Validator(CLI::Range(least, most)).description(""));
  }
  void choice(std::string_view names, std::string& value, std::vector<std::string> words,
              std::string_view help, bool required) override {
    const std::string placeholder = CLI::detail::join(words, "|");
    app_.add_option(std::string(names), value, std::string(help))
        ->required(required)
        ->type_name(placeholder)
        ->check(CLI::Validator(CLI::IsMember(std::move(words))).description(""));
  }
  void flag(std::string_view names, bool& value, std::string_view help) override {
    app_.add_flag(std::string(names), value, std::string(help));
  }

 private:
  CLI::App& app_;
};

// On the program and on every command, so that they may stand before or after its name.
void declare_global(CLI::App& app, GlobalOptions& options) {
  app.set_help_flag("-h,--help", "This text");
  app.add_option("--socket", options.socket_path,
                 "holdfastd's socket [$HOLDFAST_SOCKET or /run/holdfast/admin.sock]")
      ->type_name("PATH")
      ->group(kConnectionGroup);
  app.add_option("--url", options.url, "Speak to this URL instead; needs a key")
      ->type_name("URL")
      ->group(kConnectionGroup);
  app.add_option("--key-file", options.key_file, "A file with the API key on its first line")
      ->type_name("FILE")
      ->group(kConnectionGroup);
  app.add_option("--key", options.key,
                 "The API key [$HOLDFAST_KEY]; other users can see it in the process list")
      ->type_name("KEY")
      ->group(kConnectionGroup);
  app.add_flag("--plaintext", options.plaintext,
               "Send the key to an http:// URL beyond this machine, in clear text")
      ->group(kConnectionGroup);
  app.add_option("--cacert", options.ca_file,
                 "Certificates to trust of an https URL [$HOLDFAST_CACERT or the system's]")
      ->type_name("FILE")
      ->group(kConnectionGroup);
  app.add_option("--cert", options.certificate,
                 "The certificate to show a daemon that asks for one [$HOLDFAST_CERT]")
      ->type_name("FILE")
      ->group(kConnectionGroup);
  app.add_option("--cert-key", options.certificate_key,
                 "Its private key [$HOLDFAST_CERT_KEY or the same file]")
      ->type_name("FILE")
      ->group(kConnectionGroup);
  app.add_option("--workspace", options.workspace,
                 "The workspace [$HOLDFAST_WORKSPACE or the only one there is]")
      ->type_name("UUID")
      ->group(kConnectionGroup);
  app.add_flag("--json", options.json, "Print the daemon's JSON instead of text for people")
      ->group(kConnectionGroup);
}

std::string lesson_text(const Lesson& lesson) {
  std::string text = "Examples:\n";
  for (const std::string_view example : lesson.examples) text += fmt::format("  {}\n", example);
  return text + "\n" + exit_code_lesson();
}

// "medium init" → the command "init" of the group "medium".
CLI::App* add_app(CLI::App& program, std::map<std::string, CLI::App*>& groups,
                  const Lesson& lesson) {
  CLI::App* parent = &program;
  std::string_view name = lesson.name;
  if (const size_t space = name.find(' '); space != name.npos) {
    const std::string group(name.substr(0, space));
    name.remove_prefix(space + 1);
    parent = groups[group];
    if (parent == nullptr) {
      parent = groups[group] = program.add_subcommand(group, std::string(group_summary(group)));
      parent->group("Commands");
      parent->set_help_flag("-h,--help", "This text");
      parent->require_subcommand(1);
      parent->footer("holdfast " + group + " COMMAND --help tells more.");
    }
  }
  CLI::App* app = parent->add_subcommand(std::string(name), std::string(lesson.summary));
  // The list of commands shows the summary; the command's own help tells the rest too.
  const std::string text = fmt::format("{}\n\n{}\n", lesson.summary, lesson.text);
  app->group("Commands");
  app->footer(lesson_text(lesson));
  app->preparse_callback([app, text](size_t) { app->description(text); });
  return app;
}

// One line: what is wrong, and where the right way is taught.
std::string complaint(const CLI::App& program, const CLI::ParseError& error) {
  std::string name = "holdfast";
  const CLI::App* app = &program;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().back();
    name += " " + app->get_name();
  }
  std::string what = error.what();
  if (error.get_name() == "RequiredError" && what.starts_with("A subcommand")) {
    // CLI11 complains of the missing command even where an unknown one was given.
    const auto unknown = app->remaining();
    what = unknown.empty() ? "which command?" : "there is no command " + unknown.front();
  }
  for (char& c : what)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return fmt::format("holdfast: {} (see \"{} --help\")\n", what, name);
}

}  // namespace

std::string exit_code_lesson() {
  std::string text =
      "Exit codes:\n  0 done, 1 holdfast itself failed, 2 the command line is wrong,\n ";
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i) {
    const CodeTraits& row = traits(static_cast<Code>(i));
    text += fmt::format(" {} {}", row.exit_code, row.word);
    if (i == static_cast<int>(Code::kIo)) break;
    text += (i % 6 == 5) ? ",\n " : ",";
  }
  return text;
}

std::string exit_code_meanings() {
  const auto meaning = [](Code code) -> std::string_view {
    switch (code) {
      case Code::kInvalid:
        return "the request or a file is malformed; the message says what would be right";
      case Code::kUnauthenticated:
        return "no key, or one that is unknown, expired or revoked";
      case Code::kForbidden:
        return "the key may not do this";
      case Code::kNotFound:
        return "no such recording, hold, key or file here";
      case Code::kConflict:
        return "it exists in a state that forbids this";
      case Code::kLocked:
        return "a legal hold or retention forbids this";
      case Code::kArchived:
        return "the bytes are on warm or cold; a restore is under way";
      case Code::kTooLarge:
        return "over a documented limit";
      case Code::kExhausted:
        return "a budget is used up; try later";
      case Code::kNoSpace:
        return "the medium is full";
      case Code::kUnavailable:
        return "the daemon cannot be reached or is not ready; try later";
      case Code::kCorrupt:
        return "bytes differ from their digest, or a chain of the ledger is broken";
      case Code::kIo:
        return "the system or the connection failed";
    }
    return "";
  };
  std::string text =
      "Exit codes:\n"
      "   0  done\n"
      "   1  holdfast itself failed, such as standard output that cannot be written\n"
      "   2  the command line is wrong";
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i) {
    const auto code = static_cast<Code>(i);
    text +=
        fmt::format("\n  {:>2}  {}: {}", traits(code).exit_code, traits(code).word, meaning(code));
  }
  return text;
}

namespace {

// The tree of commands, with the place where each writes its values.
struct Program {
  CLI::App app{kAbout, "holdfast"};
  std::map<std::string, CLI::App*> groups;
  std::map<const CLI::App*, Command*> command_of;
};

void build(Program& built, const Commands& commands, GlobalOptions& options) {
  CLI::App& program = built.app;
  declare_global(program, options);
  program.set_version_flag("--version", std::string("holdfast " HOLDFAST_VERSION));
  program.require_subcommand(1);
  program.footer("holdfast COMMAND --help teaches each command with examples.\n\n" +
                 exit_code_meanings());
  auto formatter = std::make_shared<CLI::Formatter>();
  formatter->label("SUBCOMMAND", "COMMAND");
  program.formatter(formatter);  // the commands inherit it
  for (const auto& command : commands) {
    CLI::App* app = add_app(program, built.groups, command->lesson());
    declare_global(*app, options);
    AppArguments arguments(*app);
    command->declare(arguments);
    built.command_of[app] = command.get();
  }
}

OptionDescription describe(const CLI::Option& option) {
  OptionDescription described;
  if (option.get_positional()) {
    described.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  }
  described.help = option.get_description();
  described.required = option.get_required();
  if (option.get_items_expected_max() > 0) described.placeholder = option.get_type_name();
  // A choice is declared with its words between bars.
  if (described.placeholder.find('|') != std::string::npos)
    described.choices = CLI::detail::split(described.placeholder, '|');
  // A vector takes many; an option of it one each time.
  described.repeats = option.get_expected_max() > 1;
  return described;
}

CommandDescription describe(const CLI::App& app, const std::string& parent, const Program& built) {
  CommandDescription described;
  described.name = app.get_name();
  if (&app != &built.app) described.path = (parent.empty() ? "" : parent + " ") + app.get_name();
  described.summary = app.get_description();
  if (const auto found = built.command_of.find(&app); found != built.command_of.end()) {
    const Lesson lesson = found->second->lesson();
    described.summary = lesson.summary;
    described.text = lesson.text;
    described.examples.assign(lesson.examples.begin(), lesson.examples.end());
  }
  for (const CLI::Option* option : app.get_options()) {
    const OptionDescription one = describe(*option);
    if (option->get_positional())
      described.positionals.push_back(one);
    else if (option->get_group() == kConnectionGroup)
      described.connection.push_back(one);
    else
      described.options.push_back(one);
  }
  for (const CLI::App* child : app.get_subcommands({}))
    described.commands.push_back(describe(*child, described.path, built));
  return described;
}

}  // namespace

CommandDescription describe(const Commands& commands) {
  Program built;
  GlobalOptions options;
  build(built, commands, options);
  CommandDescription program = describe(built.app, "", built);
  program.text = kAbout;
  program.summary = "the operator's hand on a Holdfast archive of recorded calls";
  return program;
}

Parsed parse(int argc, const char* const* argv, const Commands& commands) {
  Parsed parsed;
  Program built;
  build(built, commands, parsed.options);
  CLI::App& program = built.app;
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // help or version was asked for
      parsed.exit_code = program.exit(error);
    } else {
      const std::string line = complaint(program, error);
      std::fwrite(line.data(), 1, line.size(), stderr);
      parsed.exit_code = kExitUsage;
    }
    return parsed;
  }
  const CLI::App* chosen = &program;
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().back();
  parsed.command = built.command_of.at(chosen);
  return parsed;
}

Status check_time(const std::string& value) {
  if (from_iso(value).ok()) return {};
  return Error{Code::kInvalid,
               fmt::format("expected a time such as 2026-11-21T09:00:00Z, got {}", value)};
}

Status check_duration(const std::string& value) {
  if (parse_duration(value).ok()) return {};
  return Error{Code::kInvalid,
               fmt::format("expected a length of time such as 15min, 6h or 30d, got {}", value)};
}

Status check_id(const std::string& value) {
  if (RecordingId::from_text(value).ok()) return {};
  return Error{Code::kInvalid,
               fmt::format("expected an id of 26 characters a-z and 2-7, got {}", value)};
}

Status check_workspace(const std::string& value) {
  if (WorkspaceId::from_text(value).ok()) return {};
  return Error{Code::kInvalid, fmt::format("expected a workspace's UUID such as "
                                           "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b, got {}",
                                           value)};
}

}  // namespace holdfast::cli
