#include "base/config_change.h"

#include <algorithm>
#include <iterator>

namespace holdfast {
namespace {

struct LiveKey {
  std::string_view key;
  void (*take)(Config& running, const Config& next);
};

#define HOLDFAST_LIVE_KEY(key, member)                                             \
  LiveKey {                                                                        \
    key, [](Config& running, const Config& next) { running.member = next.member; } \
  }
// Of a cold tier that both have; that there is one at all waits for the next start.
#define HOLDFAST_LIVE_COLD_KEY(name)                                       \
  LiveKey {                                                                \
    "cold." #name, [](Config& running, const Config& next) {               \
      if (running.cold && next.cold) running.cold->name = next.cold->name; \
    }                                                                      \
  }

// Of listeners that speak TLS, before and after; whether they do waits for the next start.
#define HOLDFAST_LIVE_TLS_KEY(name)                                                  \
  LiveKey {                                                                          \
    "http.tls_" #name, [](Config& running, const Config& next) {                     \
      if (running.tls.is_on() && next.tls.is_on()) running.tls.name = next.tls.name; \
    }                                                                                \
  }

const LiveKey kLiveKeys[] = {
    HOLDFAST_LIVE_TLS_KEY(certificate),
    HOLDFAST_LIVE_TLS_KEY(key),
    HOLDFAST_LIVE_TLS_KEY(client_ca),
    HOLDFAST_LIVE_TLS_KEY(client),
    HOLDFAST_LIVE_KEY("http.public_url", public_url),
    HOLDFAST_LIVE_KEY("standard.copy_after", standard.copy_after),
    HOLDFAST_LIVE_KEY("standard.release_after", standard.release_after),
    HOLDFAST_LIVE_KEY("standard.watermark_high", standard.watermark_high),
    HOLDFAST_LIVE_KEY("standard.watermark_low", standard.watermark_low),
    HOLDFAST_LIVE_KEY("standard.full_at", standard.full_at),
    HOLDFAST_LIVE_KEY("warm.copy_after", warm.copy_after),
    HOLDFAST_LIVE_KEY("warm.release_after", warm.release_after),
    HOLDFAST_LIVE_KEY("warm.pack_size_max", warm.pack_size_max),
    HOLDFAST_LIVE_KEY("warm.pack_members_max", warm.pack_members_max),
    HOLDFAST_LIVE_KEY("warm.pack_seal_after", warm.pack_seal_after),
    HOLDFAST_LIVE_KEY("warm.cohort_per_workspace", warm.cohort_per_workspace),
    HOLDFAST_LIVE_KEY("warm.rate_max", warm.rate_max),
    HOLDFAST_LIVE_KEY("warm.window", warm.window),
    HOLDFAST_LIVE_COLD_KEY(linger),
    HOLDFAST_LIVE_COLD_KEY(rate_max),
    HOLDFAST_LIVE_COLD_KEY(window),
    HOLDFAST_LIVE_KEY("policy.copies_before_release", copies_before_release),
    HOLDFAST_LIVE_KEY("policy.policy_interval", policy_interval),
    HOLDFAST_LIVE_KEY("policy.disk_reserve", disk_reserve),
    HOLDFAST_LIVE_KEY("policy.compact_below", compact_below),
    HOLDFAST_LIVE_KEY("policy.erase_within", erase_within),
    HOLDFAST_LIVE_KEY("scrub.every", scrub.every),
    HOLDFAST_LIVE_KEY("scrub.rate_max", scrub.rate_max),
    HOLDFAST_LIVE_KEY("restore.keep_default", keep_default),
    HOLDFAST_LIVE_KEY("restore.staging_max", staging_max),
    HOLDFAST_LIVE_KEY("restore.recalls_per_key_hour", recalls_per_key_hour),
    HOLDFAST_LIVE_KEY("outbound.hosts", outbound.hosts),
    HOLDFAST_LIVE_KEY("outbound.networks", outbound.networks),
    HOLDFAST_LIVE_KEY("outbound.plaintext", outbound.plaintext),
    HOLDFAST_LIVE_KEY("outbound.ca_file", outbound.ca_file),
    HOLDFAST_LIVE_KEY("outbound.timeout", outbound.timeout),
    HOLDFAST_LIVE_KEY("links.link_life", link_life),
    HOLDFAST_LIVE_KEY("backup.every", backup.every),
    HOLDFAST_LIVE_KEY("backup.keep", backup.keep),
    HOLDFAST_LIVE_KEY("expiry.enabled", expiry.enabled),
    HOLDFAST_LIVE_KEY("expiry.rate_per_hour", expiry.rate_per_hour),
    HOLDFAST_LIVE_KEY("expiry.not_before", expiry.not_before),
    HOLDFAST_LIVE_KEY("expiry.breaker_percent", expiry.breaker_percent),
    HOLDFAST_LIVE_KEY("expiry.breaker_count", expiry.breaker_count),
    HOLDFAST_LIVE_KEY("workspace", workspaces),
    HOLDFAST_LIVE_KEY("log.level", log_level),
};

// "workspace[<id>].cold" is of "workspace".
std::string_view table_name(std::string_view key) { return key.substr(0, key.find('[')); }

const std::string* find(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

bool differ(const std::string* one, const std::string* other) {
  if (one == nullptr || other == nullptr) return one != other;
  return *one != *other;
}

}  // namespace

bool is_live_key(std::string_view key) {
  return std::any_of(std::begin(kLiveKeys), std::end(kLiveKeys),
                     [&](const LiveKey& live) { return live.key == table_name(key); });
}

ConfigChange change_config(const Config& running, const Config& next) {
  ConfigChange change;
  change.config = running;
  for (const LiveKey& live : kLiveKeys) live.take(change.config, next);
  // Two copies need a cold tier that runs, not one that only the next start will have.
  const bool needs_cold = next.copies_before_release > 1 && !running.cold;
  if (needs_cold) change.config.copies_before_release = running.copies_before_release;
  change.config.source_text = next.source_text;

  // What runs, key by key: of keys that wait, the value that is in force.
  std::map<std::string, std::string>& in_force = change.config.values;
  std::map<std::string, std::string> all = running.values;
  all.insert(next.values.begin(), next.values.end());
  for (const auto& [key, value] : all) {
    const std::string* const new_value = find(next.values, key);
    if (!differ(find(running.values, key), new_value)) continue;
    const bool waits =
        !is_live_key(key) || (needs_cold && key == "policy.copies_before_release") ||
        (key.starts_with("cold.") && running.cold.has_value() != next.cold.has_value()) ||
        (key.starts_with("http.tls_") && running.tls.is_on() != next.tls.is_on());
    (waits ? change.waiting : change.applied).push_back(key);
    if (waits) continue;
    if (new_value == nullptr)
      in_force.erase(key);
    else
      in_force[key] = *new_value;
  }
  return change;
}

std::string key_listing(const std::vector<std::string>& keys) {
  constexpr size_t kMost = 12;
  std::string text;
  for (size_t i = 0; i < std::min(keys.size(), kMost); ++i) text += (i == 0 ? "" : ", ") + keys[i];
  if (keys.size() > kMost) text += " and " + std::to_string(keys.size() - kMost) + " more";
  return text;
}

}  // namespace holdfast
