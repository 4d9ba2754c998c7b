// Configurations: a wrong one is refused with its line, a right one keeps what holds between its
// values, and the same text always gives the same.
//
//   input = TOML
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/config.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

// A file in memory with a path.
class TextFile {
 public:
  explicit TextFile(std::string_view text) : fd_(::memfd_create("configuration", MFD_CLOEXEC)) {
    expect(fd_ >= 0 && ::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
           "a file can be made");
  }
  ~TextFile() { ::close(fd_); }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

// "path:12: …", or "path: section.key: …" of what the file lacks.
void expect_complaint(const Error& error, const std::string& path, std::string_view text) {
  expect(error.code == Code::kInvalid, "a wrong configuration is invalid", error.message);
  expect(error.message.starts_with(path + ":"), "a complaint names the file", error.message);
  const std::string rest = error.message.substr(path.size() + 1);
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  if (!rest.empty() && rest.front() != ' ') {
    const long long line = std::atoll(rest.c_str());
    expect(line >= 1 && line <= lines, "a complaint names a line of the file", error.message);
    expect(rest.find(": ") != std::string::npos && rest.size() > rest.find(": ") + 2,
           "a complaint says more than the line", error.message);
    return;
  }
  const bool is_about_absent = rest.ends_with("got nothing") || rest.ends_with("got its default");
  expect(is_about_absent || rest.find("larger than") != std::string::npos,
         "a complaint about what stands there names its line", error.message);
}

void expect_ages(const Config& config) {
  expect(config.standard.copy_after <= config.standard.release_after &&
             config.standard.copy_after <= config.warm.copy_after &&
             config.warm.copy_after <= config.warm.release_after,
         "nothing leaves before it is copied");
  for (const WorkspaceConfig& own : config.workspaces)
    expect(own.standard_copy_after <= own.standard_release_after &&
               own.standard_copy_after <= own.warm_copy_after &&
               own.warm_copy_after <= own.warm_release_after && own.keep_default > Millis(0) &&
               (!own.quota || own.quota->count >= 0),
           "nothing of a workspace leaves before it is copied");
  expect(config.standard.watermark_low < config.standard.watermark_high &&
             config.standard.watermark_high <= config.standard.full_at,
         "watermarks ascend");
  expect(config.copies_before_release >= 1 && config.copies_before_release <= (config.cold ? 2 : 1),
         "as many copies are wanted as there can be");
  expect(config.backup.keep >= 1 && config.workers >= 0 && config.keep_default > Millis(0) &&
             config.link_life > Millis(0),
         "numbers are in their ranges");
}

void expect_places(const Config& config) {
  std::vector<std::string> places = {config.spool_dir, config.mirror_dir, config.standard.path,
                                     config.warm.path};
  if (!config.warm.mirror.empty()) places.push_back(config.warm.mirror);
  if (config.cold) places.push_back(config.cold->path);
  for (size_t i = 0; i < places.size(); ++i) {
    expect(places[i].starts_with("/"), "directories are absolute", places[i]);
    for (size_t j = 0; j < places.size(); ++j)
      expect(i == j || !(places[i] + "/").starts_with(places[j] + "/"), "directories lie apart",
             places[i]);
  }
  const bool is_open = config.listen_address.starts_with("127.") ||
                       config.listen_address == "::1" || config.tls.is_on() ||
                       config.plaintext_beyond_loopback;
  expect(is_open, "plain text stays on the machine unless it is wanted", config.listen_address);
  expect(config.tls.certificate.empty() == config.tls.key.empty(), "a certificate has its key");
}

}  // namespace

void configuration(ByteSpan bytes) {
  const std::string_view text = as_text(bytes);
  const TextFile file(text);
  const auto config = load_config(file.path());
  const auto again = load_config(file.path());
  expect(config.ok() == again.ok(), "a configuration is judged alike twice");
  if (!config.ok()) {
    expect(config.error().message == again.error().message, "a complaint is the same twice");
    return expect_complaint(config.error(), file.path(), text);
  }
  expect(config->values == again->values && config->source_text == text,
         "a configuration is read alike twice");
  expect_ages(*config);
  expect_places(*config);
}

}  // namespace holdfast::fuzz
