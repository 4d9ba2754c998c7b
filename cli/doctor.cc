// holdfast doctor: is everything as it should be? What the machine shows is asked of holdfastd
// itself, which looks as the daemon would; what the archive says, of the daemon that runs.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

constexpr const char* kInstalled = "/usr/sbin/holdfastd";
constexpr size_t kAnswerBytesMax = 1 << 20;

// Beside this program, as it is built, or where the package puts it.
std::string daemon_program() {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string beside = (own.parent_path() / "holdfastd").string();
  return !error && ::access(beside.c_str(), X_OK) == 0 ? beside : kInstalled;
}

// What the program prints; its exit code tells nothing more than that.
Result<std::string> output_of(std::vector<std::string> words) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "make a pipe");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while (child > 0 && text.size() < kAnswerBytesMax &&
         ((got = ::read(ends[0], buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR)))
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0) return Error{Code::kIo, "start " + words.front()};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return Error{Code::kNotFound, words.front() + ": cannot be started; is holdfastd installed?"};
  return text;
}

class DoctorCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"doctor",
            "Is everything as it should be: machine, configuration, disks, certificates, archive",
            "Looks and changes nothing. First the machine: kernel, io_uring, FUSE, clock, the\n"
            "configuration, certificates and credentials, directories and their owners, labels,\n"
            "space, and whether disks can be read past the page cache; then what the running\n"
            "daemon says needs a person. Each line is ok, warn or fail, with what would be right.\n"
            "It ends with 0 unless something fails. Root gives --user, so that directories are\n"
            "looked at as the daemon does.",
            {"holdfast doctor", "holdfast doctor --user holdfast", "holdfast doctor --json"}};
  }
  void declare(Arguments& arguments) override {
    arguments.option("--config", "FILE", config_,
                     "The configuration [/etc/holdfast/holdfast.toml]");
    arguments.option("--user", "NAME", user_, "Look at directories as this user; needs root");
    arguments.flag("--offline", offline_, "Do not ask the daemon");
  }

  Status run(Session& session) override {
    std::vector<std::string> words = {daemon_program(), "doctor", "--json"};
    if (!config_.empty()) words.insert(words.end(), {"--config", config_});
    if (!user_.empty()) words.insert(words.end(), {"--user", user_});
    HOLDFAST_ASSIGN(text, output_of(words));
    auto said = parse_json(text);
    if (!said.ok()) return said.error().within("read what " + words.front() + " says");
    HOLDFAST_ASSIGN(machine, object_of(*said, "doctor"));
    json::array findings;
    for (const json::object* one : objects_of(*machine, "findings")) findings.push_back(*one);
    if (!offline_) ask_daemon(session, findings);
    tell(session, findings);
    for (const json::value& one : findings)
      if (text_of(one.as_object(), "health") == "fail")
        return Error{Code::kConflict, "not everything is as it should be"};
    return {};
  }

 private:
  static void ask_daemon(Session& session, json::array& findings) {
    const auto add = [&](std::string_view health, std::string_view what, std::string_view advice) {
      findings.push_back(json::object{
          {"health", health}, {"check", "archive"}, {"what", what}, {"advice", advice}});
    };
    const auto answer = session.get("/v1/status");
    if (!answer.ok())
      return add("warn", answer.error().message, "systemctl start holdfastd; or --offline");
    const json::object* status = answer->value.if_object();
    if (status == nullptr) return add("fail", "its status cannot be read", "");
    for (const json::object* one : objects_of(*status, "attention")) {
      const bool fails = text_of(*one, "severity") == "critical";
      add(fails ? "fail" : "warn", text_of(*one, "text"), text_of(*one, "action"));
    }
    if (const std::string version = text_of(*status, "version"); version != HOLDFAST_VERSION)
      add("warn", "the daemon that runs is version " + version + ", this program " HOLDFAST_VERSION,
          "systemctl restart holdfastd");
    if (objects_of(*status, "attention").empty()) add("ok", "nothing needs a person", "");
  }

  static void tell(Session& session, const json::array& findings) {
    if (session.json()) return session.print(canonical(json::object{{"findings", findings}}));
    for (const json::value& value : findings) {
      const json::object& one = value.as_object();
      session.print(fmt::format("{:<4}  {:<19}  {}", text_of(one, "health"), text_of(one, "check"),
                                text_of(one, "what")));
      if (const json::value* advice = one.if_contains("advice");
          advice != nullptr && advice->is_string() && !advice->as_string().empty())
        session.print(fmt::format("{:<27}-> {}", "", text_of(one, "advice")));
    }
  }

  std::string config_;
  std::string user_;
  bool offline_ = false;
};

}  // namespace

std::unique_ptr<Command> doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace holdfast::cli
