// What of doctor is about the machine and its service manager.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/doctor.h"
#include "daemon/unit_text.h"

namespace holdfast {
namespace {

constexpr int64_t kClockErrorMaxMs = 1000;  // more than this is no time for retention to go by

void check_ring(Findings& findings) {
  const Result<std::unique_ptr<Io>> io = Io::open();
  if (!io.ok()) {
    findings.push_back({Health::kFail, "io_uring", io.error().message, "give it memory"});
  } else if ((*io)->ring_kind() == "io_uring") {
    findings.push_back({Health::kOk, "io_uring", "in use", ""});
  } else {
    findings.push_back(
        {Health::kWarn, "io_uring", "not allowed here: slower calls take its place",
         "kernel.io_uring_disabled=0 (sysctl), and a container that lets it through"});
  }
}

bool allows_others() {
  std::ifstream file("/etc/fuse.conf");
  for (std::string line; std::getline(file, line);)
    if (line == "user_allow_other") return true;
  return false;
}

void check_fuse(Findings& findings) {
  struct stat status {};
  const bool device = ::stat("/dev/fuse", &status) == 0 && S_ISCHR(status.st_mode);
  const bool program =
      ::access("/usr/bin/fusermount3", X_OK) == 0 || ::access("/bin/fusermount3", X_OK) == 0;
  if (!device)
    findings.push_back(
        {Health::kWarn, "fuse", "there is no /dev/fuse: no read-only mount", "modprobe fuse"});
  else if (!program)
    findings.push_back(
        {Health::kWarn, "fuse", "there is no fusermount3: no read-only mount", "install fuse3"});
  else if (!allows_others())
    findings.push_back({Health::kWarn, "fuse", "a mount shows nothing to other users",
                        "a line user_allow_other in /etc/fuse.conf"});
  else
    findings.push_back({Health::kOk, "fuse", "a mount can be made, and others may look", ""});
}

void check_clock(Findings& findings) {
  timex state{};
  const int verdict = ::adjtimex(&state);
  if (verdict < 0)
    findings.push_back(
        {Health::kWarn, "clock", "the kernel does not tell whether it is right", ""});
  else if (verdict == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    findings.push_back(
        {Health::kWarn, "clock", "it is not synchronised",
         "a time service (systemd-timesyncd or chrony) that has reached its servers"});
  else if (state.esterror / 1000 > kClockErrorMaxMs)
    findings.push_back({Health::kWarn, "clock",
                        "it may be wrong by " + std::to_string(state.esterror / 1000) + " ms",
                        "a time service whose servers can be reached"});
  else
    findings.push_back({Health::kOk, "clock", "synchronised", ""});
}

void check_group(const std::string& key, const std::string& name, const char* effect,
                 Findings& findings) {
  if (name.empty()) return;
  if (::getgrnam(name.c_str()) != nullptr)
    findings.push_back({Health::kOk, key, "group " + name + " is there", ""});
  else
    findings.push_back({Health::kWarn, key, "there is no group " + name + ": " + effect,
                        "groupadd --system " + name});
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// At boot and at daemon-reload the generator asks --print-unit; a path that was changed since is
// read-only for the daemon.
void check_unit(const Config& config, Findings& findings) {
  constexpr const char* kUnit = "/lib/systemd/system/holdfastd.service";
  constexpr const char* kDropIn = "/run/systemd/generator/holdfastd.service.d/50-media.conf";
  if (::access("/run/systemd/system", F_OK) != 0 || ::access(kUnit, F_OK) != 0) {
    findings.push_back({Health::kOk, "systemd", "it does not run the daemon here", ""});
    return;
  }
  if (config.source_path != "/etc/holdfast/holdfast.toml") {
    findings.push_back(
        {Health::kOk, "systemd", "the unit has another configuration: " + config.source_path, ""});
    return;
  }
  const Result<std::string> wanted = unit_text(config);
  if (!wanted.ok()) {
    findings.push_back({Health::kFail, "systemd", wanted.error().message, "another path"});
    return;
  }
  std::string there = read_text(kDropIn);
  while (there.ends_with("\n")) there.pop_back();
  std::string text = *wanted;
  while (text.ends_with("\n")) text.pop_back();
  if (there == text)
    findings.push_back({Health::kOk, "systemd", "it knows the directories of this file", ""});
  else
    findings.push_back({Health::kFail, "systemd", "it was told of other directories than these",
                        "systemctl daemon-reload; systemctl restart holdfastd"});
}

}  // namespace

std::string_view word(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarn:
      return "warn";
    case Health::kFail:
      return "fail";
  }
  return "unknown";
}

DoctorFinding judge_kernel(std::string_view release) {
  int major = 0;
  int minor = 0;
  const std::string text(release);
  if (std::sscanf(text.c_str(), "%d.%d", &major, &minor) != 2)
    return {Health::kWarn, "kernel", text + ": which version is that?", "Linux 6.1 or later"};
  if (major < 5 || (major == 5 && minor < 6))
    return {Health::kFail, "kernel",
            text + " lacks openat2(2), which keeps the daemon on its media", "Linux 6.1 or later"};
  if (major < 6)
    return {Health::kWarn, "kernel", text + " is older than what the archive is tested on",
            "Linux 6.1 or later"};
  return {Health::kOk, "kernel", text, ""};
}

void check_machine(Findings& findings) {
  utsname name{};
  if (::uname(&name) == 0) findings.push_back(judge_kernel(name.release));
  check_ring(findings);
  check_fuse(findings);
  check_clock(findings);
}

void check_service(const Config& config, Findings& findings) {
  check_group("archive.admin_group", config.admin_group, "only root may use the command line",
              findings);
  check_group("archive.mount_group", config.mount_group, "the mount cannot read the index",
              findings);
  if (!config.mount_user.empty()) {
    if (::getpwnam(config.mount_user.c_str()) != nullptr)
      findings.push_back({Health::kOk, "archive.mount_user", config.mount_user + " is there", ""});
    else
      findings.push_back({Health::kWarn, "archive.mount_user",
                          "there is no user " + config.mount_user + ": no read-only mount",
                          "systemd-sysusers, or another archive.mount_user"});
  }
  check_unit(config, findings);
}

}  // namespace holdfast
