#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace holdfast::cli {
namespace {

using Visit = std::function<void(const CommandDescription&)>;

void for_each(const CommandDescription& command, const Visit& visit) {
  visit(command);
  for (const CommandDescription& child : command.commands) for_each(child, visit);
}

std::vector<OptionDescription> all_options(const CommandDescription& command) {
  std::vector<OptionDescription> all = command.options;
  all.insert(all.end(), command.connection.begin(), command.connection.end());
  return all;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

std::vector<std::string> command_names(const CommandDescription& command) {
  std::vector<std::string> names;
  for (const CommandDescription& child : command.commands) names.push_back(child.name);
  return names;
}

// --- bash

// What completes a value: "" when nothing does.
std::string bash_words(const OptionDescription& option) {
  if (!option.choices.empty()) return "-W '" + joined(option.choices, " ") + "'";
  if (is_directory(option)) return "-d";
  return is_file(option) ? "-f" : "";
}

// case "command option" in … for every option with a value.
std::string bash_values(const CommandDescription& program) {
  std::string text;
  for_each(program, [&](const CommandDescription& command) {
    for (const OptionDescription& option : all_options(command)) {
      if (option.placeholder.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names)
        patterns.push_back("'" + command.path + " " + name + "'");
      text += fmt::format("    {}) values=\"{}\" takes=1 ;;\n", joined(patterns, " | "),
                          bash_words(option));
    }
  });
  return text;
}

std::string bash_commands(const CommandDescription& program) {
  std::string text;
  for_each(program, [&](const CommandDescription& command) {
    std::vector<std::string> options;
    for (const OptionDescription& option : all_options(command))
      options.insert(options.end(), option.names.begin(), option.names.end());
    std::string values;
    for (const OptionDescription& positional : command.positionals)
      if (values.empty()) values = bash_words(positional);
    if (!command.commands.empty()) values = "-W '" + joined(command_names(command), " ") + "'";
    text += fmt::format("    '{}') options='{}' values=\"{}\" ;;\n", command.path,
                        joined(options, " "), values);
  });
  return text;
}

std::string bash_paths(const CommandDescription& program) {
  std::vector<std::string> patterns;
  for_each(program, [&](const CommandDescription& command) {
    if (!command.path.empty()) patterns.push_back("'" + command.path + "'");
  });
  return joined(patterns, " | ");
}

// --- zsh

// Within single quotes, in a description between brackets or after a colon.
std::string zsh_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += ' ';
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    if (c == '\'')
      escaped += "'\\''";
    else
      escaped += c;
  }
  return escaped;
}

std::string zsh_action(const OptionDescription& option) {
  if (!option.choices.empty()) return "(" + joined(option.choices, " ") + ")";
  if (is_directory(option)) return "_files -/";
  return is_file(option) ? "_files" : " ";
}

std::string zsh_option(const OptionDescription& option) {
  const std::string names = joined(option.names, " ");
  std::string spec = option.repeats ? "'*'" : fmt::format("'({})'", names);
  spec += option.names.size() == 1 ? option.names[0] : "{" + joined(option.names, ",") + "}";
  spec += fmt::format("'[{}]", zsh_text(option.help));
  if (!option.placeholder.empty())
    spec += fmt::format(":{}:{}", zsh_text(option.choices.empty() ? option.placeholder : "word"),
                        zsh_action(option));
  return spec + "'";
}

std::string zsh_function(const CommandDescription& command) {
  std::string name = command.path.empty() ? "" : "_" + command.path;
  std::replace(name.begin(), name.end(), ' ', '_');
  std::string text = fmt::format("_holdfast{}() {{\n", name);
  if (!command.commands.empty()) {
    text +=
        "  local curcontext=$curcontext state line\n"
        "  typeset -A opt_args\n"
        "  local -a commands=(\n";
    for (const CommandDescription& child : command.commands)
      text += fmt::format("    '{}:{}'\n", child.name, zsh_text(child.summary));
    text += "  )\n";
  }
  text += command.commands.empty() ? "  _arguments -s -S" : "  _arguments -C -s -S";
  for (const OptionDescription& option : all_options(command))
    text += " \\\n    " + zsh_option(option);
  if (!command.commands.empty()) {
    text += " \\\n    '1: :->command' \\\n    '*:: :->rest'\n";
    text += fmt::format(
        "  case $state in\n"
        "    command) _describe command commands ;;\n"
        "    rest) (( $+functions[_holdfast{}_$line[1]] )) && _holdfast{}_$line[1] ;;\n"
        "  esac\n}}\n",
        name, name);
    return text;
  }
  int number = 1;
  for (const OptionDescription& positional : command.positionals)
    text +=
        fmt::format(" \\\n    '{}:{}{}:{}'", positional.repeats ? "*" : std::to_string(number++),
                    positional.required || positional.repeats ? "" : ":",
                    zsh_text(positional.names[0]), zsh_action(positional));
  return text + "\n}\n";
}

}  // namespace

std::string bash_completion(const CommandDescription& program) {
  return fmt::format(R"(# bash completion for holdfast; made by `holdfast completion bash`.
_holdfast() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
  local command= before= word i options= values= takes=
  # bash splits --tier=warm into three words.
  if [ "$cur" = = ]; then
    cur=
  elif [ "$prev" = = ]; then
    prev=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    _holdfast_value "$command" "$before"
    if [ -z "$takes" ]; then
      case "${{command:+$command }}$word" in
        {}) command="${{command:+$command }}$word" ;;
      esac
    fi
    before=$word
  done
  _holdfast_value "$command" "$prev"
  if [ -z "$takes" ]; then
    case "$command" in
{}    esac
    case "$cur" in
      -*) values="-W '$options'" ;;
    esac
  fi
  COMPREPLY=()
  [ -n "$values" ] || return 0
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(eval "compgen $values -- \"\$cur\"")
  case "$values" in
    -[df]) compopt -o filenames 2>/dev/null ;;
  esac
}}
# What an option of a command takes: sets `takes`, and `values` for compgen.
_holdfast_value() {{
  takes= values=
  case "$1 $2" in
{}  esac
}}
complete -F _holdfast holdfast
)",
                     bash_paths(program), bash_commands(program), bash_values(program));
}

std::string zsh_completion(const CommandDescription& program) {
  std::string text = "#compdef holdfast\n# Made by `holdfast completion zsh`.\n\n";
  for_each(program, [&](const CommandDescription& command) { text += zsh_function(command); });
  return text + "\n_holdfast \"$@\"\n";
}

}  // namespace holdfast::cli
