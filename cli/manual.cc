#include "cli/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/arguments.h"

namespace holdfast::cli {
namespace {

// Text that roff reads as itself. Hyphens stay what can be typed.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string page_name(const CommandDescription& command) {
  std::string name = "holdfast " + command.path;
  while (name.ends_with(' ')) name.pop_back();
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string full_name(const CommandDescription& command) {
  return command.path.empty() ? "holdfast" : "holdfast " + command.path;
}

std::string value_of(const OptionDescription& option) {
  return option.placeholder.empty() ? "" : " " + italic(option.placeholder);
}

std::string usage(const CommandDescription& command) {
  std::string text = bold(full_name(command));
  const bool has_free = std::any_of(command.options.begin(), command.options.end(),
                                    [](const OptionDescription& one) { return !one.required; });
  if (has_free || !command.connection.empty()) text += " [" + italic("OPTION") + "]...";
  for (const OptionDescription& option : command.options)
    if (option.required) text += " " + bold(option.names.back()) + value_of(option);
  for (const OptionDescription& positional : command.positionals) {
    const std::string name = italic(positional.names[0]) + (positional.repeats ? "..." : "");
    text += positional.required ? " " + name : " [" + name + "]";
  }
  if (!command.commands.empty()) text += " " + italic("COMMAND") + " ...";
  return text + "\n";
}

std::string option_list(const std::vector<OptionDescription>& options) {
  std::string text;
  for (const OptionDescription& option : options) {
    std::string names;
    for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
    text += ".TP\n" + names + value_of(option) + "\n" + roff(option.help) + ".\n";
  }
  return text;
}

// Lines that were broken for a terminal are one paragraph; an empty line ends it.
std::string paragraphs(std::string_view text) {
  std::string out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    out += line.empty() ? ".PP\n" : roff(line) + "\n";
    at = end + 1;
  }
  while (out.ends_with(".PP\n")) out.resize(out.size() - 4);
  return out;
}

std::string literal(const std::string& lines) { return ".PP\n.nf\n" + roff(lines) + "\n.fi\n"; }

std::string head(const CommandDescription& command) {
  std::string summary = command.summary;
  while (summary.ends_with('.')) summary.pop_back();
  if (summary.size() > 1 && std::islower(static_cast<unsigned char>(summary[1])) != 0)
    summary[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(summary[0])));
  return fmt::format(".\\\" Made by `holdfast manual`.\n.TH {} 1 \"\" \"Holdfast " HOLDFAST_VERSION
                     "\" \"Holdfast\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}",
                     upper(page_name(command)), roff(page_name(command)), roff(summary),
                     usage(command));
}

std::string command_list(const CommandDescription& command) {
  std::string text = ".SH COMMANDS\n";
  for (const CommandDescription& child : command.commands)
    text += ".TP\n" + bold(full_name(child)) + "\n" + roff(child.summary) + ".\n";
  return text;
}

std::string see_also(const CommandDescription& command, const CommandDescription& program) {
  std::vector<std::string> pages;
  if (!command.path.empty()) pages.push_back(bold("holdfast") + "(1)");
  const auto& near =
      command.commands.empty() ? std::vector<CommandDescription>() : command.commands;
  for (const CommandDescription& child : near) pages.push_back(bold(page_name(child)) + "(1)");
  if (command.path.find(' ') != std::string::npos)
    for (const CommandDescription& group : program.commands)
      if (command.path.starts_with(group.name + " "))
        pages.push_back(bold(page_name(group)) + "(1)");
  pages.push_back(bold("holdfastd") + "(8)");
  std::string text = ".SH SEE ALSO\n";
  for (size_t i = 0; i < pages.size(); ++i)
    text += pages[i] + (i + 1 < pages.size() ? ",\n" : "\n");
  return text;
}

std::string command_page(const CommandDescription& command, const CommandDescription& program) {
  std::string text = head(command);
  if (!command.commands.empty()) {
    text += ".SH DESCRIPTION\n" + roff(command.summary) + ".\n" + command_list(command);
  } else {
    text += ".SH DESCRIPTION\n" + paragraphs(command.text);
    if (!command.options.empty()) text += ".SH OPTIONS\n" + option_list(command.options);
    text += ".PP\nThe options of the connection and " + bold("--json") + " are those of " +
            bold("holdfast") + "(1), as are the exit codes.\n.SH EXAMPLES\n";
    std::string examples;
    for (const std::string& example : command.examples) examples += example + "\n";
    examples.resize(examples.empty() ? 0 : examples.size() - 1);
    text += literal(examples).substr(4);  // a section's first paragraph needs no .PP
  }
  return text + see_also(command, program);
}

std::string program_page(const CommandDescription& program) {
  std::string exit_codes = exit_code_meanings();
  exit_codes.erase(0, exit_codes.find('\n') + 1);
  return head(program) + ".SH DESCRIPTION\n" + paragraphs(program.text) + command_list(program) +
         ".SH OPTIONS\nThey may stand before or after the command.\n" +
         option_list(program.connection) + option_list(program.options) + ".SH EXIT STATUS\n" +
         literal(exit_codes).substr(4) +
         ".SH ENVIRONMENT\n"
         ".TP\n\\fBHOLDFAST_SOCKET\\fR, \\fBHOLDFAST_KEY\\fR, \\fBHOLDFAST_WORKSPACE\\fR\n"
         "What \\fB\\-\\-socket\\fR, \\fB\\-\\-key\\fR and \\fB\\-\\-workspace\\fR say when they "
         "are not given.\n"
         ".SH FILES\n.TP\n\\fI/run/holdfast/admin.sock\\fR\n"
         "The administrators\\(aq socket of \\fBholdfastd\\fR(8): root, the daemon\\(aqs user and "
         "the group holdfast\\-admin need no key there.\n" +
         see_also(program, program);
}

void add_pages(const CommandDescription& command, const CommandDescription& program,
               std::vector<ManualPage>& pages) {
  pages.push_back({page_name(command) + ".1", command_page(command, program)});
  for (const CommandDescription& child : command.commands) add_pages(child, program, pages);
}

}  // namespace

std::vector<ManualPage> manual_pages(const CommandDescription& program) {
  std::vector<ManualPage> pages{{"holdfast.1", program_page(program)}};
  for (const CommandDescription& command : program.commands) add_pages(command, program, pages);
  return pages;
}

}  // namespace holdfast::cli
