// holdfast mount: the read-only view as a directory.
//
// The view is its own process with fewer rights; this command only becomes it.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "cli/commands.h"
#include "cli/session.h"

namespace holdfast::cli {
namespace {

// Beside this program when it is there (a build tree, /usr/bin), else from $PATH.
std::string program_path() {
  constexpr const char* kName = "holdfast-fuse";
  std::error_code failure;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (failure) return kName;
  const auto beside = self.parent_path() / kName;
  return std::filesystem::exists(beside, failure) ? beside.string() : kName;
}

class MountCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "mount",
        "Mount the read-only view of the archive",
        "Becomes holdfast-fuse, which shows the archive as\n"
        "/<workspace>/<yyyy>/<mm>/<dd>/<call_sid>/<files> with true sizes and times. Looking\n"
        "recalls nothing: an archived file opens with the error \"Remote I/O error\". The\n"
        "program stays in the foreground; Ctrl-C or \"fusermount3 -u DIR\" unmounts.",
        {"holdfast mount /mnt/holdfast", "holdfast mount ./var/mnt --config ./var/holdfast.toml"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("DIR", directory_, "An empty directory");
    arguments.option("--config", "FILE", config_,
                     "The daemon's configuration [/etc/holdfast/holdfast.toml]");
    arguments.flag("--foreground", foreground_, "Stay attached to the terminal");
  }

  Status run(Session&) override {
    if (!std::filesystem::is_directory(directory_))
      return Error{Code::kNotFound, fmt::format("mount {}: no such directory", directory_)};
    const std::string program = program_path();
    std::fflush(nullptr);
    // A null pointer ends the arguments: either of these two may be the last.
    const char* foreground = foreground_ ? "--foreground" : nullptr;
    execlp(program.c_str(), "holdfast-fuse", directory_.c_str(), "--config", config_.c_str(),
           foreground, static_cast<char*>(nullptr));
    return system_error(errno, fmt::format("mount {}: run {}", directory_, program));
  }

 private:
  std::string directory_;
  bool foreground_ = false;
  std::string config_ = "/etc/holdfast/holdfast.toml";
};

}  // namespace

std::unique_ptr<Command> mount_command() { return std::make_unique<MountCommand>(); }

}  // namespace holdfast::cli
