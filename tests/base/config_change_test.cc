// What of a new configuration a running daemon takes, and that nothing else is said to be in force.
#include "base/config_change.h"

#include <algorithm>
#include <regex>

#include "tests/base/config_rig.h"

using namespace holdfast;

namespace {

const std::string kCold = "[cold]\npath = 'cold'\n";

struct Changed {
  Place place;
  Config running;
  Config next;
  ConfigChange change;

  Changed(const std::string& before, const std::string& after)
      : running(place.load(before).value()),
        next(place.load(after).value()),
        change(change_config(running, next)) {}
};

bool has(const std::vector<std::string>& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_change)

BOOST_AUTO_TEST_CASE(ages_change_and_directories_wait) {
  const std::string before = std::string(kLeast) + kCold;
  const Changed one(before,
                    std::regex_replace(before, std::regex("path = 'standard'"),
                                       "path = 'elsewhere'\ncopy_after = '1min'\nfull_at = 95") +
                        "window = '20:00-06:00'\nattach_time = '9s'\n");
  BOOST_TEST(key_listing(one.change.applied) ==
             "cold.window, standard.copy_after, standard.full_at");
  BOOST_TEST(key_listing(one.change.waiting) == "cold.attach_time, standard.path");
  const Config& config = one.change.config;
  BOOST_TEST((config.standard.copy_after == minutes(1)));
  BOOST_TEST(config.standard.full_at == 95);
  BOOST_TEST(config.standard.path == one.running.standard.path);
  BOOST_TEST(config.cold->window.text() == "20:00-06:00");
  BOOST_TEST(config.cold->attach_time.count == 0);
  // What waits still waits the next time, and what is in force is not told again.
  const ConfigChange again = change_config(config, one.next);
  BOOST_TEST(again.applied.empty());
  BOOST_TEST(key_listing(again.waiting) == "cold.attach_time, standard.path");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_taken_out_goes_back_to_its_default) {
  const Changed one(with("links", "link_life = '5min'") + "[log]\nlevel = 'debug'\n", kLeast);
  BOOST_TEST(key_listing(one.change.applied) == "links.link_life, log.level");
  BOOST_TEST((one.change.config.link_life == hours(1)));
  BOOST_TEST(one.change.config.log_level == "info");
  BOOST_TEST(one.change.waiting.empty());
}

BOOST_AUTO_TEST_CASE(a_cold_tier_comes_and_goes_at_a_start) {
  const std::string with_cold = std::string(kLeast) + kCold + "rate_max = '1MiB'\n" +
                                "[policy]\ncopies_before_release = 2\npolicy_interval = '5s'\n";
  const Changed comes(kLeast, with_cold);
  BOOST_TEST(!comes.change.config.cold.has_value());
  BOOST_TEST(comes.change.config.copies_before_release == 1);  // there is none yet to hold a second
  BOOST_TEST((comes.change.config.policy_interval == seconds(5)));
  BOOST_TEST(key_listing(comes.change.waiting) ==
             "cold.path, cold.rate_max, policy.copies_before_release");
  const Changed goes(with_cold, kLeast);
  BOOST_TEST(goes.change.config.cold.has_value());
  BOOST_TEST(has(goes.change.waiting, "cold.path"));
  BOOST_TEST(has(goes.change.waiting, "cold.rate_max"));
}

BOOST_AUTO_TEST_CASE(files_of_tls_change_and_tls_itself_comes_and_goes_at_a_start) {
  const std::string tls = with("http", "tls_certificate = 'a.pem'\ntls_key = 'a.key'");
  const std::string other = with("http", "tls_certificate = 'b.pem'\ntls_key = 'b.key'");
  const Changed files(tls, other);
  BOOST_TEST(key_listing(files.change.applied) == "http.tls_certificate, http.tls_key");
  BOOST_TEST(files.change.config.tls.key == files.next.tls.key);
  for (const auto& [before, after] :
       {std::pair<std::string, std::string>(kLeast, tls), {tls, kLeast}}) {
    const Changed one(before, after);
    BOOST_TEST(key_listing(one.change.waiting) == "http.tls_certificate, http.tls_key");
    BOOST_TEST(one.change.config.tls.certificate == one.running.tls.certificate);
    BOOST_TEST(one.change.config.tls.key == one.running.tls.key);
  }
}

BOOST_AUTO_TEST_CASE(rules_of_workspaces_change_as_a_whole) {
  const std::string rule = "[[workspace]]\nid = '00000000-0000-4000-8000-000000000001'\n";
  const Changed one(kLeast + rule, kLeast + rule + "cold = false\n");
  BOOST_TEST(key_listing(one.change.applied) ==
             "workspace[00000000-0000-4000-8000-000000000001].cold");
  BOOST_REQUIRE_EQUAL(one.change.config.workspaces.size(), 1);
  BOOST_TEST(!one.change.config.workspaces[0].cold);
}

BOOST_AUTO_TEST_CASE(the_same_file_changes_nothing) {
  const Changed one(kLeast, kLeast + std::string("# a word\n"));
  BOOST_TEST(one.change.applied.empty());
  BOOST_TEST(one.change.waiting.empty());
  BOOST_TEST(one.change.config.source_text == one.next.source_text);
}

// Where a medium lies, who listens and who may ask cannot change under a daemon that runs.
BOOST_AUTO_TEST_CASE(what_only_a_start_can_change) {
  for (const std::string& key : known_keys()) {
    const bool fixed = key.starts_with("archive.") || key.ends_with("path") ||
                       key.starts_with("http.listen") || key == "cold.kind";
    if (fixed) BOOST_TEST(!is_live_key(key), key);
  }
  for (const char* key : {"standard.copy_after", "warm.window", "links.link_life", "log.level",
                          "workspace[x].cold", "restore.staging_max"})
    BOOST_TEST(is_live_key(key), key);
}

BOOST_AUTO_TEST_CASE(long_lists_are_cut) {
  std::vector<std::string> keys(20, "a.b");
  BOOST_TEST(key_listing(keys).ends_with("a.b and 8 more"));
  BOOST_TEST(key_listing({}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
