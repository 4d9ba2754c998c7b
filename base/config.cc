// Which keys the configuration has, and what their values may be; it is checked whole. The order of
// the calls in `read_*` is the order of docs/configuration.md.
#include "base/config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "base/config_section.h"
#include "base/limits.h"
#include "base/log.h"

namespace holdfast {
namespace {

constexpr size_t kConfigBytesMax = 1 << 20;  // a larger file is not a configuration

struct Unit {
  std::string_view name;
  int64_t factor;
};

// A whole number and a unit of `units`, without spaces; nothing when it is not one or overflows.
std::optional<int64_t> parse_quantity(std::string_view text, std::initializer_list<Unit> units) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view name(rest, static_cast<size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > std::numeric_limits<int64_t>::max() / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

bool is_ip_address(const std::string& address) {
  in6_addr buffer;
  return inet_pton(AF_INET, address.c_str(), &buffer) == 1 ||
         inet_pton(AF_INET6, address.c_str(), &buffer) == 1;
}

void read_archive(Document& document, Config& config) {
  Section section(document, "archive");
  section.need_path("state_dir", config.state_dir);
  config.run_dir = config.state_dir + "/run";
  section.read_path("run_dir", config.run_dir);
  config.spool_dir = config.state_dir + "/spool";
  section.read_path("spool_dir", config.spool_dir);
  section.need_path("mirror_dir", config.mirror_dir);
  section.read("mirror_same_device", config.mirror_same_device);
  section.read("mount_group", config.mount_group);
  section.read("mount_user", config.mount_user);
  section.read("admin_group", config.admin_group);
  section.read("workers", config.workers, {.least = 0, .most = 256});
  section.finish();
}

// What the files hold is looked at by whoever needs them (io/certificate.h).
void read_tls(Section& section, TlsConfig& tls) {
  section.read_secret_path("tls_certificate", tls.certificate);
  section.read_secret_path("tls_key", tls.key);
  if (tls.certificate.empty() && !tls.key.empty())
    section.refuse_value("tls_key", "a tls_certificate beside it");
  if (!tls.certificate.empty() && tls.key.empty())
    section.refuse_value("tls_certificate", "the tls_key of it beside it");
  section.read_secret_path("tls_client_ca", tls.client_ca);
  section.read("tls_client", tls.client);
  if (tls.client != "none" && tls.client != "optional" && tls.client != "required")
    section.refuse_value("tls_client", "\"none\", \"optional\" or \"required\"");
  if (tls.client != "none" && tls.client_ca.empty())
    section.refuse_value("tls_client", "\"none\", since there is no tls_client_ca");
  if (tls.client != "none" && !tls.is_on())
    section.refuse_value("tls_client", "\"none\", since there is no tls_certificate");
}

void read_http(Document& document, Config& config) {
  Section section(document, "http");
  section.read("listen_address", config.listen_address);
  if (!is_ip_address(config.listen_address))
    section.refuse_value("listen_address", "an IP address such as \"127.0.0.1\"");
  section.read("listen_port", config.listen_port, {.least = 0, .most = 65'535});
  read_tls(section, config.tls);
  section.read("plaintext_beyond_loopback", config.plaintext_beyond_loopback);
  if (!config.plaintext_beyond_loopback && !config.tls.is_on() &&
      !is_loopback(config.listen_address))
    section.refuse_value("listen_address",
                         "a loopback address (or tls_certificate and tls_key; or "
                         "plaintext_beyond_loopback = true, when a TLS proxy stands in front)");
  section.read("connections_max", config.connections_max, {.least = 128, .most = 1'000'000});
  section.read("public_url", config.public_url);
  const std::string& url = config.public_url;
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    section.refuse_value("public_url", "a URL such as \"https://archive.example.com\"");
  while (!config.public_url.empty() && config.public_url.back() == '/')
    config.public_url.pop_back();
  section.finish();
}

void read_standard(Document& document, Config& config) {
  Section section(document, "standard");
  section.need_path("path", config.standard.path);
  section.read("copy_after", config.standard.copy_after);
  section.read("release_after", config.standard.release_after);
  if (config.standard.release_after < config.standard.copy_after)
    section.refuse_value("release_after", "at least standard.copy_after");
  section.read("watermark_high", config.standard.watermark_high, {.least = 1, .most = 99});
  section.read("watermark_low", config.standard.watermark_low, {.least = 1, .most = 99});
  if (config.standard.watermark_low >= config.standard.watermark_high)
    section.refuse_value("watermark_low", "less than standard.watermark_high");
  section.read("full_at", config.standard.full_at, {.least = 1, .most = 99});
  if (config.standard.full_at < config.standard.watermark_high)
    section.refuse_value("full_at", "at least standard.watermark_high");
  section.finish();
}

// How fast moves may go, and when.
void read_pace(Section& section, Bytes& rate_max, TimeWindow& window) {
  section.read("rate_max", rate_max,
               {.least = Bytes(0),
                .most = Bytes(int64_t{1} << 40),
                .words = "a size, such as \"50MiB\", for each second"});
  section.read("window", window);
}

void read_warm(Document& document, Config& config) {
  Section section(document, "warm");
  section.need_path("path", config.warm.path);
  section.read_path("mirror", config.warm.mirror);
  section.read("copy_after", config.warm.copy_after);
  if (config.warm.copy_after < config.standard.copy_after)
    section.refuse_value("copy_after", "at least standard.copy_after");
  section.read("release_after", config.warm.release_after);
  if (config.warm.release_after < config.warm.copy_after)
    section.refuse_value("release_after", "at least warm.copy_after");
  section.read("pack_size_max", config.warm.pack_size_max,
               {.least = Bytes(int64_t{1} << 18),
                .most = Bytes(limits::kPackBytesMax),
                .words = "a size from \"256KiB\" to \"1GiB\""});
  section.read("pack_members_max", config.warm.pack_members_max,
               {.least = 1, .most = limits::kPackMembersMax});
  section.read("pack_seal_after", config.warm.pack_seal_after);
  section.read("cohort_per_workspace", config.warm.cohort_per_workspace);
  read_pace(section, config.warm.rate_max, config.warm.window);
  section.finish();
}

void read_cold(Document& document, Config& config) {
  Section section(document, "cold");
  Config::Cold cold;
  section.read("kind", cold.kind);
  if (cold.kind != "vault") section.refuse_value("kind", "\"vault\"");
  if (section.present()) section.need_path("path", cold.path);
  section.read("attach_time", cold.attach_time);
  section.read("detach_time", cold.detach_time);
  section.read("linger", cold.linger);
  read_pace(section, cold.rate_max, cold.window);
  section.finish();
  if (section.present()) config.cold = std::move(cold);
}

// One of [[workspace]], held against the ages that hold for all.
WorkspaceConfig read_workspace(Document& document, const Config& config, const toml::node& node) {
  Section section(document, "workspace", &node);
  WorkspaceConfig own;
  std::string id;
  section.read("id", id);
  const Result<WorkspaceId> workspace = WorkspaceId::from_text(id);
  if (workspace.ok())
    own.workspace = *workspace;
  else
    section.refuse_value("id", "a workspace's UUID");
  for (const WorkspaceConfig& other : config.workspaces)
    if (other.workspace == own.workspace)
      section.refuse_value("id", "one [[workspace]] of each id");
  Millis standard_copy = config.standard.copy_after;
  Millis standard_release = config.standard.release_after;
  Millis warm_copy = config.warm.copy_after;
  Millis warm_release = config.warm.release_after;
  section.read("standard_copy_after", standard_copy);
  section.read("standard_release_after", standard_release);
  if (standard_release < standard_copy)
    section.refuse_value("standard_release_after", "at least its standard_copy_after");
  section.read("warm_copy_after", warm_copy);
  if (warm_copy < standard_copy)
    section.refuse_value("warm_copy_after", "at least its standard_copy_after");
  section.read("warm_release_after", warm_release);
  if (warm_release < warm_copy)
    section.refuse_value("warm_release_after", "at least its warm_copy_after");
  section.read("cold", own.cold);
  Millis keep = config.keep_default;
  section.read("keep_default", keep,
               {.least = seconds(1), .words = "a duration of at least \"1s\""});
  Bytes quota{0};
  section.read("quota", quota,
               {.least = Bytes(0),
                .most = Bytes(std::numeric_limits<int64_t>::max()),
                .words = "a size such as \"500GiB\"; \"0\": nothing comes in"});
  if (const toml::table* table = node.as_table(); table != nullptr && table->contains("quota"))
    own.quota = quota;
  std::string on_quota = "refuse";
  section.read("on_quota", on_quota);
  if (on_quota != "refuse") section.refuse_value("on_quota", "\"refuse\"");
  section.finish();
  own.standard_copy_after = standard_copy;
  own.standard_release_after = standard_release;
  own.warm_copy_after = warm_copy;
  own.warm_release_after = warm_release;
  own.keep_default = keep;
  return own;
}

void read_workspaces(Document& document, Config& config) {
  const toml::node* const node = document.root().get("workspace");
  if (node == nullptr) return;
  const toml::array* const all = node->as_array();
  if (all == nullptr || !all->is_array_of_tables())
    return document.refuse(
        line_of(node), "workspace",
        fmt::format("expected sections [[workspace]], got {}", as_written(node)));
  for (const toml::node& one : *all)
    config.workspaces.push_back(read_workspace(document, config, one));
}

void read_policy(Document& document, Config& config) {
  Section section(document, "policy");
  section.read("copies_before_release", config.copies_before_release, {.least = 1, .most = 2});
  if (config.copies_before_release > 1 && !config.cold)
    section.refuse_value("copies_before_release", "1, since there is no [cold] to hold a second");
  section.read(
      "policy_interval", config.policy_interval,
      {.least = Millis(100), .most = hours(24), .words = "a duration from \"100ms\" to \"24h\""});
  section.read(
      "disk_reserve", config.disk_reserve,
      {.least = Bytes(0), .most = Bytes(int64_t{1} << 50), .words = "a size such as \"1GiB\""});
  section.read("compact_below", config.compact_below, {.least = 0, .most = 100});
  section.read("erase_within", config.erase_within);
  section.finish();
}

void read_scrub(Document& document, Config& config) {
  Section section(document, "scrub");
  section.read(
      "every", config.scrub.every,
      {.least = seconds(1), .most = days(365), .words = "a duration from \"1s\" to \"365d\""});
  section.read("rate_max", config.scrub.rate_max,
               {.least = Bytes(0),
                .most = Bytes(int64_t{1} << 40),
                .words = "a size, such as \"32MiB\", for each second"});
  section.finish();
}

void read_restore_and_links(Document& document, Config& config) {
  Section restore(document, "restore");
  restore.read("keep_default", config.keep_default,
               {.least = seconds(1), .words = "a duration of at least \"1s\""});
  restore.read("staging_max", config.staging_max,
               {.least = Bytes(1 << 20),
                .most = Bytes(std::numeric_limits<int64_t>::max()),
                .words = "a size of at least \"1MiB\""});
  restore.read("recalls_per_key_hour", config.recalls_per_key_hour,
               {.least = 1, .most = 1'000'000});
  restore.finish();

  Section links(document, "links");
  links.read("link_life", config.link_life,
             {.least = seconds(1),
              .most = seconds(limits::kLinkLifeSecondsMax),
              .words = "a duration from \"1s\" to \"24h\""});
  links.finish();
}

void read_outbound(Document& document, Config& config) {
  Section section(document, "outbound");
  section.read_list("hosts", "host names such as [\"crm.example.com\", \"*.example.org\"]",
                    [&](const std::string& name) {
                      config.outbound.hosts.push_back(name);
                      return is_host_pattern(name);
                    });
  section.read_list("networks", "networks such as [\"10.0.0.0/8\", \"fd00::/8\"]",
                    [&](const std::string& text) {
                      Result<IpNetwork> network = IpNetwork::from_text(text);
                      if (network.ok()) config.outbound.networks.push_back(*network);
                      return network.ok();
                    });
  section.read("plaintext", config.outbound.plaintext);
  section.read_path("ca_file", config.outbound.ca_file);
  section.read(
      "timeout", config.outbound.timeout,
      {.least = seconds(1), .most = minutes(1), .words = "a duration from \"1s\" to \"1min\""});
  section.finish();
}

void read_backup(Document& document, Config& config) {
  Section section(document, "backup");
  section.read("every", config.backup.every,
               {.least = Millis(0),
                .most = days(31),
                .words = "a duration up to \"31d\"; \"0s\": only when asked for"});
  config.backup.path = config.mirror_dir + "/backup";
  section.read_path("path", config.backup.path);
  section.read("keep", config.backup.keep, {.least = 1, .most = limits::kBackupsKeptMax});
  section.finish();
}

void read_expiry(Document& document, Config& config) {
  Section section(document, "expiry");
  section.read("enabled", config.expiry.enabled);
  section.read("rate_per_hour", config.expiry.rate_per_hour, {.least = 1, .most = 1'000'000});
  section.read("not_before", config.expiry.not_before);
  section.read("breaker_percent", config.expiry.breaker_percent, {.least = 1, .most = 100});
  section.read("breaker_count", config.expiry.breaker_count, {.least = 1, .most = 100'000'000});
  section.finish();
}

// Media and directories must not be one place, nor lie in each other: what is
// released from one tier would be gone from the other.
void check_places(Document& document, const Config& config) {
  struct Place {
    std::string_view section, key;
    const std::string& path;
  };
  std::vector<Place> places = {{"archive", "spool_dir", config.spool_dir},
                               {"archive", "mirror_dir", config.mirror_dir},
                               {"standard", "path", config.standard.path},
                               {"warm", "path", config.warm.path}};
  if (!config.warm.mirror.empty()) places.push_back({"warm", "mirror", config.warm.mirror});
  if (config.cold) places.push_back({"cold", "path", config.cold->path});
  const auto within = [](const std::string& inner, const std::string& outer) {
    return inner == outer || inner.starts_with(outer.ends_with('/') ? outer : outer + "/");
  };
  for (size_t i = 0; i < places.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (within(places[i].path, places[j].path) || within(places[j].path, places[i].path))
        Section(document, std::string(places[i].section))
            .refuse_value(places[i].key,
                          fmt::format("a directory apart from {}.{} (\"{}\")", places[j].section,
                                      places[j].key, places[j].path));
}

void read_log(Document& document, Config& config) {
  Section section(document, "log");
  section.read("level", config.log_level);
  if (!log::level_of(config.log_level))
    section.refuse_value("level", "one of " + listing(log::level_words()));
  section.finish();
}

void refuse_unknown_sections(Document& document) {
  static const std::vector<std::string> kSections = {
      "archive", "http",      "standard", "warm",     "cold",   "policy", "restore",
      "links",   "workspace", "backup",   "outbound", "expiry", "log",    "scrub"};
  for (const auto& [key, node] : document.root())
    if (std::find(kSections.begin(), kSections.end(), key.str()) == kSections.end())
      document.refuse(line_of(&node), key.str(),
                      fmt::format("unknown section; {}there are {}",
                                  suggestion(key.str(), kSections), listing(kSections)));
}

// A value whole, as Config::values has it.
std::string written_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return "\"" + text->get() + "\"";
  return as_written(&node);
}

void note_values(const toml::table& table, const std::string& prefix, Config& config) {
  for (const auto& [key, node] : table)
    config.values[prefix + "." + std::string(key.str())] = written_text(node);
}

// Sections are all that the file has by now, and [[workspace]] is an array of them.
void note_values(const Document& document, Config& config) {
  for (const auto& [section, node] : document.root()) {
    const std::string name(section.str());
    if (const toml::table* table = node.as_table()) note_values(*table, name, config);
    const toml::array* const tables = node.as_array();
    if (tables == nullptr) continue;
    for (const toml::node& one : *tables)
      if (const toml::table* table = one.as_table())
        note_values(*table, name + "[" + (*table)["id"].value_or<std::string>("") + "]", config);
  }
}

Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open the configuration " + path);
  std::string text;
  char buffer[8192];
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
  } while ((got > 0 && text.size() <= kConfigBytesMax) || (got < 0 && errno == EINTR));
  const int read_errno = errno;
  ::close(fd);
  if (got < 0) return system_error(read_errno, "read the configuration " + path);
  if (text.size() > kConfigBytesMax)
    return Error{Code::kInvalid, path + ": larger than 1 MiB, not a configuration"};
  return text;
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  const auto value = parse_quantity(
      text, {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}});
  if (!value)
    return Error{Code::kInvalid,
                 "expected a duration such as \"15min\" (ms, s, min, h, d), got \"" +
                     std::string(text) + "\""};
  return Millis(*value);
}

Result<Bytes> parse_size(std::string_view text) {
  const auto value = parse_quantity(text, {{"", 1},
                                           {"KiB", int64_t{1} << 10},
                                           {"MiB", int64_t{1} << 20},
                                           {"GiB", int64_t{1} << 30},
                                           {"TiB", int64_t{1} << 40}});
  if (!value)
    return Error{Code::kInvalid, "expected a size such as \"64MiB\" (KiB, MiB, GiB, TiB), got \"" +
                                     std::string(text) + "\""};
  return Bytes(*value);
}

Millis Config::keep_default_of(const WorkspaceId& workspace) const {
  for (const WorkspaceConfig& own : workspaces)
    if (own.workspace == workspace) return own.keep_default;
  return keep_default;
}

std::optional<Bytes> Config::quota_of(const WorkspaceId& workspace) const {
  for (const WorkspaceConfig& own : workspaces)
    if (own.workspace == workspace) return own.quota;
  return std::nullopt;
}

Result<Config> load_config(const std::string& path) {
  std::error_code no_directory;
  const std::string absolute = std::filesystem::absolute(path, no_directory).string();
  if (no_directory) return system_error(no_directory.value(), "find the configuration " + path);
  HOLDFAST_ASSIGN(text, read_file(absolute));
  toml::parse_result parsed = toml::parse(text, absolute);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return Error{Code::kInvalid, fmt::format("{}:{}: not TOML: {}", absolute,
                                             error.source().begin.line, error.description())};
  }
  Document document(absolute, std::move(parsed).table());
  Config config;
  config.source_path = absolute;
  config.source_text = std::move(text);
  refuse_unknown_sections(document);
  read_archive(document, config);
  read_http(document, config);
  read_standard(document, config);
  read_warm(document, config);
  read_cold(document, config);
  read_policy(document, config);
  read_restore_and_links(document, config);
  read_outbound(document, config);
  read_scrub(document, config);
  read_backup(document, config);
  read_expiry(document, config);
  read_workspaces(document, config);
  read_log(document, config);
  if (document.first_error().ok()) check_places(document, config);
  if (!document.first_error().ok()) return document.first_error().error();
  note_values(document, config);
  return config;
}

}  // namespace holdfast
