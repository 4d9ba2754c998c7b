#include "tests/fuse/mounted_view.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "io/fd.h"

namespace holdfast {

namespace fs = std::filesystem;

const std::string kQuiet = R"({"seq":1,"reset":false,"changes":[]})";

void Stage::attach_daemon() {
  daemon.emplace();
  daemon->on("POST /mount/opens", "{}");
  daemon->on("GET /mount/changes",
             {{200, kQuiet, "application/json", {}, std::string::npos, false},
              {200, kQuiet, "application/json", {}, std::string::npos, true}});
  fs::remove(archive.mount_socket());
  fs::create_symlink(daemon->socket_path(), archive.mount_socket());
}

std::vector<json::object> Stage::opens() const {
  std::vector<json::object> bodies;
  for (const FakeRequest& request : daemon->asked())
    if (request.path == "/mount/opens") bodies.push_back(parse_json(request.body)->as_object());
  return bodies;
}

CallSpec Stage::sample_call(const std::string& call_sid, size_t bytes) {
  return CallSpec{.call_sid = call_sid,
                  .files = {{"inbound.ulaw", archive.random().bytes(bytes)},
                            {"outbound.pcm", archive.random().bytes(2 * bytes)},
                            {"metadata.json", "{\"call_sid\":\"" + call_sid + "\"}"}}};
}

boost::test_tools::assertion_result CanMount::operator()(boost::unit_test::test_unit_id) const {
  const std::string obstacle = mount_obstacle();
  if (obstacle.empty()) return true;
  std::cout << "skipped: " << obstacle << "\n";
  return false;
}

ProgramRun run_tool(std::vector<std::string> command) {
  command.insert(command.begin(), "/usr/bin/env");
  return run_program(command);
}

int open_error(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? 0 : errno;
}

std::string read_or_errno(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return "open: " + std::string(std::strerror(errno));
  std::string bytes;
  char block[10'000];
  for (;;) {
    const ssize_t got = ::read(fd.get(), block, sizeof block);
    if (got < 0) return "read: " + std::string(std::strerror(errno));
    if (got == 0) return bytes;
    bytes.append(block, static_cast<size_t>(got));
  }
}

struct stat status_at(const std::string& path) {
  struct stat status {};
  BOOST_REQUIRE_MESSAGE(::lstat(path.c_str(), &status) == 0, path);
  return status;
}

std::string xattr(const std::string& path, const std::string& name) {
  char value[512];
  const ssize_t got = ::getxattr(path.c_str(), name.c_str(), value, sizeof value);
  if (got < 0) return errno == ENODATA ? "absent" : std::strerror(errno);
  return std::string(value, static_cast<size_t>(got));
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace holdfast
