#include "daemon/unit_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

namespace holdfast {
namespace {

bool is_within(std::string_view path, std::string_view directory) {
  return path == directory ||
         (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

bool is_within_any(std::string_view path, std::initializer_list<std::string_view> directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [&](std::string_view directory) { return is_within(path, directory); });
}

// As one word of a unit: specifiers doubled, quotes and backslashes escaped.
std::string word(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '%') quoted += '%';
    quoted += c;
  }
  return quoted + "\"";
}

// The mounts that a path may lie on, the path itself first.
void add_mounts(std::string path, std::set<std::string>& units) {
  while (path.size() > 1) {
    units.insert(mount_unit(path));
    path.resize(std::max<size_t>(1, path.rfind('/')));
  }
}

}  // namespace

std::string mount_unit(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return "-.mount";
  std::string name;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == ':' || c == '_' || (c == '.' && !name.empty());
    if (c == '/')
      name += '-';
    else if (plain)
      name += c;
    else
      name += fmt::format("\\x{:02x}", byte);
  }
  return name + ".mount";
}

Result<std::string> unit_text(const Config& config) {
  const std::vector<std::string> needed = {config.state_dir, config.standard.path};
  std::vector<std::string> welcome = {config.spool_dir, config.mirror_dir, config.warm.path};
  if (!config.warm.mirror.empty()) welcome.push_back(config.warm.mirror);
  if (config.cold) welcome.push_back(config.cold->path);
  if (!is_within(config.backup.path, config.mirror_dir)) welcome.push_back(config.backup.path);
  std::vector<std::string> all = needed;
  all.insert(all.end(), welcome.begin(), welcome.end());
  if (!is_within(config.run_dir, "/run")) all.push_back(config.run_dir);

  std::string text =
      fmt::format("# Made from {} by holdfast-media-generator.\n[Unit]\n", config.source_path);
  std::set<std::string> mounts;
  for (const std::string& path : welcome) add_mounts(path, mounts);
  for (const std::string& path : needed) text += "RequiresMountsFor=" + word(path) + "\n";
  for (const std::string& unit : mounts) text += "After=" + unit + "\n";
  text += "\n[Service]\n";
  bool in_home = false;
  for (const std::string& path : all) {
    if (std::any_of(path.begin(), path.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
      return Error{Code::kInvalid,
                   "a directory with control characters in its name cannot stand in "
                   "a unit of systemd; give it another name"};
    in_home |= is_within_any(path, {"/home", "/root", "/run/user"});
    if (is_within_any(path, {"/home", "/root", "/run/user", "/tmp", "/var/tmp"}))
      text += "BindPaths=" + word("-" + path) + "\n";
    text += "ReadWritePaths=" + word("-" + path) + "\n";
  }
  if (in_home)
    text += "# Nothing else of the users' directories is to be seen.\nProtectHome=tmpfs\n";
  return text;
}

}  // namespace holdfast
