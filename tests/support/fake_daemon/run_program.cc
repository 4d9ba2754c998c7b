#include "tests/support/fake_daemon/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace holdfast {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    read_end = ends[0], write_end = ends[1];
  }
  ~Pipe() {
    ::close(read_end);
    if (write_end >= 0) ::close(write_end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_write_end() { ::close(std::exchange(write_end, -1)); }
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Both to their ends, in whatever order they speak.
void read_both(int out_fd, int err_fd, ProgramRun& run) {
  pollfd watched[2] = {{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}};
  std::string* texts[2] = {&run.out, &run.err};
  int open = 2;
  while (open > 0) {
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) throw std::runtime_error("poll failed");
    for (int i = 0; i < 2; ++i) {
      if (watched[i].fd < 0 || watched[i].revents == 0) continue;
      char block[65536];
      const ssize_t got = ::read(watched[i].fd, block, sizeof block);
      if (got > 0) {
        texts[i]->append(block, static_cast<size_t>(got));
      } else {
        watched[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

ProgramRun run_program(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment, const std::string& directory,
                       const std::string& stdout_path) {
  std::vector<std::string> arguments_copy = arguments;
  std::vector<std::string> environment_copy = environment;
  for (const char* name : {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name))
      environment_copy.push_back(std::string(name) + "=" + value);
  const std::vector<char*> argv = pointers_to(arguments_copy);
  const std::vector<char*> envp = pointers_to(environment_copy);
  Pipe out;
  Pipe err;
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {  // only async-signal-safe calls until exec
    int out_fd = out.write_end;
    if (!stdout_path.empty()) out_fd = ::open(stdout_path.c_str(), O_WRONLY | O_CLOEXEC);
    if (out_fd < 0 || ::dup2(out_fd, 1) < 0 || ::dup2(err.write_end, 2) < 0 ||
        (!directory.empty() && ::chdir(directory.c_str()) != 0))
      ::_exit(126);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  out.close_write_end();
  err.close_write_end();
  ProgramRun run;
  read_both(out.read_end, err.read_end, run);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error("waitpid failed");
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (run.exit_code == 127) throw std::runtime_error("cannot run " + arguments[0]);
  return run;
}

}  // namespace holdfast
