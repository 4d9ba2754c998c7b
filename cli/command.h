// What a command of `holdfast` is, without naming the library that reads the command line:
// only arguments.cc includes CLI11 (11 s of compile time each).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast::cli {

class Session;

// Says whether one value is well formed; the error's message says what would be right.
using Check = std::function<Status(const std::string& value)>;

// Where a command declares what it takes. The values are written when the line is parsed and
// live as long as the command.
class Arguments {
 public:
  virtual ~Arguments() = default;
  virtual void positional(std::string_view name, std::string& value, std::string_view help,
                          bool required = true) = 0;
  virtual void positionals(std::string_view name, std::vector<std::string>& values,
                           std::string_view help, bool required = true) = 0;
  // `names` as CLI11 reads them: "-o,--output". `placeholder` stands for the value in the help.
  virtual void option(std::string_view names, std::string_view placeholder, std::string& value,
                      std::string_view help, bool required = false, Check check = nullptr) = 0;
  // One value each time the option stands.
  virtual void repeated(std::string_view names, std::string_view placeholder,
                        std::vector<std::string>& values, std::string_view help) = 0;
  virtual void number(std::string_view names, std::string_view placeholder, int64_t& value,
                      int64_t least, int64_t most, std::string_view help) = 0;
  virtual void choice(std::string_view names, std::string& value, std::vector<std::string> words,
                      std::string_view help, bool required = false) = 0;
  virtual void flag(std::string_view names, bool& value, std::string_view help) = 0;
};

// What `--help` teaches: what the command does, and examples that can be typed.
struct Lesson {
  std::string_view name;     // "ls", or "medium init" for a command of a group
  std::string_view summary;  // one line, for the list of commands
  std::string_view text;     // what it does, in sentences
  std::vector<std::string_view> examples;
};

class Command {
 public:
  virtual ~Command() = default;
  virtual Lesson lesson() const = 0;
  virtual void declare(Arguments& arguments) = 0;
  // Does it. An error is told by main, once; a command that goes on after a failure (several
  // directories, several calls) tells it with Session::report and returns success.
  virtual Status run(Session& session) = 0;
};

using Commands = std::vector<std::unique_ptr<Command>>;

// Every command, in the order of the help.
Commands all_commands();

// A group of commands ("medium") in one line.
std::string_view group_summary(std::string_view group);

// Ready checks.
Status check_time(const std::string& value);      // ISO 8601
Status check_duration(const std::string& value);  // "30d"
Status check_id(const std::string& value);        // 26 characters of base32
Status check_workspace(const std::string& value);

}  // namespace holdfast::cli
