// The configuration: what is read, what is refused and in which words, and that its page,
// its example and its code name the same keys.
#include "base/config.h"

#include <regex>
#include <set>

#include "tests/base/config_rig.h"

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(the_least_configuration_has_the_defaults) {
  const Place place;
  const Config config = place.load(kLeast).value();
  BOOST_TEST(config.source_path == place.file());
  BOOST_TEST(config.state_dir == place.directory() + "/state");
  BOOST_TEST(config.run_dir == place.directory() + "/state/run");
  BOOST_TEST(config.spool_dir == place.directory() + "/state/spool");
  BOOST_TEST(config.standard.path == place.directory() + "/standard");
  BOOST_TEST(config.listen_port == 8480);
  BOOST_TEST((config.standard.copy_after == minutes(15)));
  BOOST_TEST((config.warm.pack_size_max == Bytes(int64_t{1} << 30)));
  BOOST_TEST(!config.cold.has_value());
}

BOOST_AUTO_TEST_CASE(every_value_arrives) {
  const Place place;
  const Config config = place
                            .load(R"(
[archive]
state_dir = "/s"
run_dir = "r/../run/"
spool_dir = "/spool"
mirror_dir = "/m"
mirror_same_device = true
mount_group = "browse"
admin_group = "admins"
workers = 3
[http]
listen_address = "0.0.0.0"
listen_port = 0
connections_max = 500
plaintext_beyond_loopback = true
public_url = "https://archive.example.com/"
[standard]
path = "/a"
copy_after = "2s"
release_after = "3s"
watermark_high = 70
watermark_low = 60
full_at = 95
[warm]
path = "/b"
copy_after = "4s"
release_after = "5s"
pack_size_max = "64MiB"
pack_members_max = 7
pack_seal_after = "250ms"
cohort_per_workspace = true
rate_max = "50MiB"
window = "22:00-06:00"
[cold]
kind = "vault"
path = "/c"
attach_time = "6s"
detach_time = "7s"
linger = "8s"
rate_max = "1MiB"
window = "sat-sun 00:00-24:00"
[policy]
copies_before_release = 2
policy_interval = "1s"
disk_reserve = "20GiB"
[restore]
keep_default = "2h"
staging_max = "1TiB"
recalls_per_key_hour = 9
[links]
link_life = "2min"
[expiry]
enabled = true
rate_per_hour = 5
not_before = "90d"
breaker_percent = 1
breaker_count = 77
[[workspace]]
id = "00000000-0000-4000-8000-000000000001"
standard_copy_after = "3s"
standard_release_after = "4s"
warm_copy_after = "5s"
warm_release_after = "6s"
cold = false
keep_default = "7s"
quota = "500GiB"
on_quota = "refuse"
[[workspace]]
id = "00000000-0000-4000-8000-000000000002"
warm_release_after = "8s"
)")
                            .value();
  BOOST_TEST(config.run_dir == place.directory() + "/run");
  BOOST_TEST(config.spool_dir == "/spool");
  BOOST_TEST(config.mirror_same_device);
  BOOST_TEST(config.mount_group == "browse");
  BOOST_TEST(config.admin_group == "admins");
  BOOST_TEST(config.workers == 3);
  BOOST_TEST(config.listen_address == "0.0.0.0");
  BOOST_TEST(config.listen_port == 0);
  BOOST_TEST(config.connections_max == 500);
  BOOST_TEST(config.expiry.enabled);
  BOOST_TEST(config.expiry.rate_per_hour == 5);
  BOOST_TEST((config.expiry.not_before == days(90)));
  BOOST_TEST(config.expiry.breaker_percent == 1);
  BOOST_TEST(config.expiry.breaker_count == 77);
  BOOST_TEST(config.public_url == "https://archive.example.com");
  BOOST_TEST((config.standard.copy_after == seconds(2)));
  BOOST_TEST((config.standard.release_after == seconds(3)));
  BOOST_TEST(config.standard.watermark_high == 70);
  BOOST_TEST(config.standard.watermark_low == 60);
  BOOST_TEST(config.standard.full_at == 95);
  BOOST_TEST((config.warm.rate_max == Bytes(50 << 20)));
  BOOST_TEST(config.warm.window.text() == "22:00-06:00");
  BOOST_TEST((config.warm.copy_after == seconds(4)));
  BOOST_TEST((config.warm.release_after == seconds(5)));
  BOOST_TEST((config.warm.pack_size_max == Bytes(64 << 20)));
  BOOST_TEST(config.warm.pack_members_max == 7);
  BOOST_TEST((config.warm.pack_seal_after == Millis(250)));
  BOOST_TEST(config.warm.cohort_per_workspace);
  BOOST_REQUIRE(config.cold.has_value());
  BOOST_TEST(config.cold->path == "/c");
  BOOST_TEST((config.cold->attach_time == seconds(6)));
  BOOST_TEST((config.cold->detach_time == seconds(7)));
  BOOST_TEST((config.cold->linger == seconds(8)));
  BOOST_TEST((config.cold->rate_max == Bytes(1 << 20)));
  BOOST_TEST(config.cold->window.text() == "sat-sun 00:00-24:00");
  BOOST_TEST(config.copies_before_release == 2);
  BOOST_TEST((config.policy_interval == seconds(1)));
  BOOST_TEST((config.disk_reserve == Bytes(int64_t{20} << 30)));
  BOOST_TEST((config.keep_default == hours(2)));
  BOOST_TEST((config.staging_max == Bytes(int64_t{1} << 40)));
  BOOST_TEST(config.recalls_per_key_hour == 9);
  BOOST_TEST((config.link_life == minutes(2)));
  BOOST_REQUIRE_EQUAL(config.workspaces.size(), 2);
  const WorkspaceConfig& own = config.workspaces[0];
  BOOST_TEST(own.workspace.text() == "00000000-0000-4000-8000-000000000001");
  BOOST_TEST((own.standard_copy_after == seconds(3)));
  BOOST_TEST((own.standard_release_after == seconds(4)));
  BOOST_TEST((own.warm_copy_after == seconds(5)));
  BOOST_TEST((own.warm_release_after == seconds(6)));
  BOOST_TEST(!own.cold);
  BOOST_TEST((config.keep_default_of(own.workspace) == seconds(7)));
  BOOST_TEST((config.quota_of(own.workspace) == Bytes(int64_t{500} << 30)));
  // What a section leaves out is as for all.
  const WorkspaceConfig& other = config.workspaces[1];
  BOOST_TEST((other.standard_copy_after == config.standard.copy_after));
  BOOST_TEST((other.warm_release_after == seconds(8)));
  BOOST_TEST(other.cold);
  BOOST_TEST((config.keep_default_of(other.workspace) == config.keep_default));
  BOOST_TEST(!config.quota_of(other.workspace));
  BOOST_TEST(!config.quota_of(WorkspaceId()));
  BOOST_TEST((config.keep_default_of(WorkspaceId()) == config.keep_default));
}

BOOST_AUTO_TEST_CASE(mistakes_are_told_by_line_and_key_with_what_would_be_right) {
  const Place place;
  const struct {
    const char* section;
    const char* line;
    const char* expected;
  } kMistakes[] = {
      {"standard", "copy_after = 15",
       "holdfast.toml:5: standard.copy_after: expected a duration such as \"15min\", got 15"},
      {"standard", "copy_after = '15'",
       "holdfast.toml:5: standard.copy_after: expected a duration such as \"15min\", got \"15\""},
      {"standard", "copy_after = '4d'",
       "holdfast.toml:4: standard.release_after: expected at least standard.copy_after, got its "
       "default"},
      {"standard", "release_after = '1min'",
       "holdfast.toml:5: standard.release_after: expected at least standard.copy_after, got "
       "\"1min\""},
      {"standard", "copy_afer = '1min'",
       "holdfast.toml:5: standard.copy_afer: unknown key; did you mean \"copy_after\"? [standard] "
       "has "
       "path, copy_after, release_after, watermark_high, watermark_low, full_at"},
      {"standard", "watermark_high = 100",
       "holdfast.toml:5: standard.watermark_high: expected a whole number from 1 to 99, got 100"},
      {"standard", "watermark_low = 90",
       "holdfast.toml:5: standard.watermark_low: expected less than standard.watermark_high, got "
       "90"},
      {"standard", "full_at = 89",
       "holdfast.toml:5: standard.full_at: expected at least standard.watermark_high, got 89"},
      {"warm", "window = '22-6'",
       "holdfast.toml:7: warm.window: expected times such as \"22:00-06:00\" or \"sat-sun "
       "00:00-24:00\" (UTC), got \"22-6\""},
      {"cold", "rate_max = 50",
       "holdfast.toml:9: cold.rate_max: expected a size, such as \"50MiB\", for each second, got "
       "50"},
      {"warm", "release_after = '29d'",
       "holdfast.toml:7: warm.release_after: expected at least warm.copy_after, got \"29d\""},
      {"warm", "copy_after = '1min'",
       "holdfast.toml:7: warm.copy_after: expected at least standard.copy_after, got \"1min\""},
      {"warm", "pack_size_max = '2GiB'",
       "holdfast.toml:7: warm.pack_size_max: expected a size from \"256KiB\" to \"1GiB\", got "
       "\"2GiB\""},
      {"warm", "pack_members_max = 0",
       "holdfast.toml:7: warm.pack_members_max: expected a whole number from 1 to 10000, got 0"},
      {"warm", "cohort_per_workspace = 'yes'",
       "holdfast.toml:7: warm.cohort_per_workspace: expected true or false, got \"yes\""},
      {"archive", "spool_dir = ''",
       "holdfast.toml:2: archive.spool_dir: expected a directory in quotes, got \"\""},
      {"archive", "spool_dir = 'standard/spool'",
       "holdfast.toml:6: standard.path: expected a directory apart from archive.spool_dir "},
      {"archive", "spool_dir = 'warm/'",
       "holdfast.toml:8: warm.path: expected a directory apart from archive.spool_dir "},
      {"archive", "workers = [1]",
       "holdfast.toml:2: archive.workers: expected a whole number from 0 to 256, got an array"},
      {"http", "listen_port = 65536",
       "holdfast.toml:9: http.listen_port: expected a whole number from 0 to 65535, got 65536"},
      {"http", "listen_port = 84.5",
       "holdfast.toml:9: http.listen_port: expected a whole number from 0 to 65535, got 84.5"},
      {"http", "connections_max = 64",
       "holdfast.toml:9: http.connections_max: expected a whole number from 128 to 1000000, got "
       "64"},
      {"http", "listen_address = 'localhost'",
       "holdfast.toml:9: http.listen_address: expected an IP address such as \"127.0.0.1\", got "
       "\"localhost\""},
      {"http", "listen_address = '0.0.0.0'",
       "holdfast.toml:9: http.listen_address: expected a loopback address "},
      {"http", "tls_certificate = 'a.pem'",
       "holdfast.toml:9: http.tls_certificate: expected the tls_key of it beside it, got "
       "\"a.pem\""},
      {"http", "tls_key = 'a.key'",
       "holdfast.toml:9: http.tls_key: expected a tls_certificate beside it, got \"a.key\""},
      {"http", "tls_key = 'credential:a/b'",
       "holdfast.toml:9: http.tls_key: expected a file in quotes, or \"credential:NAME\""},
      {"http", "tls_client = 'always'",
       "holdfast.toml:9: http.tls_client: expected \"none\", \"optional\" or \"required\""},
      {"http", "tls_client = 'required'",
       "holdfast.toml:9: http.tls_client: expected \"none\", since there is no tls_client_ca"},
      {"http", "tls_client = 'required'\ntls_client_ca = 'ca.pem'",
       "holdfast.toml:9: http.tls_client: expected \"none\", since there is no tls_certificate"},
      {"http", "public_url = 'archive.example.com'",
       "holdfast.toml:9: http.public_url: expected a URL such as "},
      {"cold", "kind = 'tape'", "holdfast.toml:9: cold.kind: expected \"vault\", got \"tape\""},
      {"policy", "copies_before_release = 2",
       "holdfast.toml:9: policy.copies_before_release: expected 1, since there is no [cold]"},
      {"policy", "policy_interval = '0s'",
       "holdfast.toml:9: policy.policy_interval: expected a duration from \"100ms\" to \"24h\""},
      {"restore", "keep_default = '0s'",
       "holdfast.toml:9: restore.keep_default: expected a duration of at least \"1s\""},
      {"workspace", "warm_copy_after = '32d'",
       "holdfast.toml:8: workspace.warm_release_after: expected at least its warm_copy_after"},
      {"workspace", "standard_release_after = '1min'",
       "holdfast.toml:9: workspace.standard_release_after: expected at least its "
       "standard_copy_after, got \"1min\""},
      {"workspace", "warm_copy_after = '1min'",
       "holdfast.toml:9: workspace.warm_copy_after: expected at least its standard_copy_after, got "
       "\"1min\""},
      {"workspace", "cold = 'no'",
       "holdfast.toml:9: workspace.cold: expected true or false, got \"no\""},
      {"workspace", "on_quota = 'oldest'",
       "holdfast.toml:9: workspace.on_quota: expected \"refuse\", got \"oldest\""},
      {"links", "link_life = '25h'",
       "holdfast.toml:9: links.link_life: expected a duration from \"1s\" to \"24h\""},
      {"links", "link_life = 1979-05-27",
       "holdfast.toml:9: links.link_life: expected a duration from \"1s\" to \"24h\", got a date"},
  };
  for (const auto& mistake : kMistakes) {
    const std::string complaint = place.complaint(with(mistake.section, mistake.line));
    BOOST_TEST(complaint.starts_with(mistake.expected),
               mistake.line << " gave: " << complaint << "\n  instead of: " << mistake.expected);
  }
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_no_toml_is_told) {
  const Place place;
  BOOST_TEST(place.complaint("") ==
             "holdfast.toml: archive.state_dir: expected a directory in quotes, got nothing");
  BOOST_TEST(place.complaint("[archive]\nstate_dir = 's'\n") ==
             "holdfast.toml:1: archive.mirror_dir: expected a directory in quotes, got nothing");
  BOOST_TEST(place.complaint(std::string(kLeast) + "[cold]\n") ==
             "holdfast.toml:8: cold.path: expected a directory in quotes, got nothing");
  BOOST_TEST(place.complaint("standard = 3\n" + std::string(kLeast))
                 .starts_with("holdfast.toml:5: not TOML: "));
  BOOST_TEST(place.complaint("cold = 3\n" + std::string(kLeast)) ==
             "holdfast.toml:1: cold: expected a section [cold], got 3");
  BOOST_TEST(place.complaint(std::string(kLeast) + "[workspace]\nid = 'x'\n") ==
             "holdfast.toml:8: workspace: expected sections [[workspace]], got a table");
  BOOST_TEST(place.complaint(std::string(kLeast) + "[[workspace]]\nid = 'acme'\n") ==
             "holdfast.toml:9: workspace.id: expected a workspace's UUID, got \"acme\"");
  const std::string one = "[[workspace]]\nid = '00000000-0000-4000-8000-000000000001'\n";
  BOOST_TEST(place.complaint(kLeast + one + one) ==
             "holdfast.toml:11: workspace.id: expected one [[workspace]] of each id, got "
             "\"00000000-0000-4000-8000-000000000001\"");
  BOOST_TEST(place.complaint("[archive\n").starts_with("holdfast.toml:1: not TOML: "));
  BOOST_TEST(place.complaint("[archive]\nstate_dir = \"\xff\"\n")
                 .starts_with("holdfast.toml:2: not TOML: "));
  for (const char* wrong :
       {"[$x]", "[.x]", "[[.x]]", "[\x01]", "[a.]", "[a..b]", "[a.$]", "$ = 1", ".a = 1", "a. = 1",
        "a = {$ = 1}", "a = {.b = 1}", "= 1", "a", "a = \xef\xb3\xbf"})
    BOOST_TEST(place.complaint("# 1\n" + std::string(wrong) + "\n").find(": not TOML: ") == 15,
               wrong);
  BOOST_TEST(place.complaint("[wram]\n" + std::string(kLeast))
                 .starts_with("holdfast.toml:1: wram: unknown section; did you mean \"warm\"? "
                              "there are archive, "));
  const Result<Config> absent = load_config(place.directory() + "/absent.toml");
  BOOST_TEST((absent.error().code == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(tls_opens_other_addresses_and_finds_its_files) {
  const Place place;
  const std::string text =
      "listen_address = '0.0.0.0'\ntls_certificate = 'a.pem'\ntls_key = 'credential:b.key'\n"
      "tls_client_ca = '/etc/ca.pem'\ntls_client = 'optional'";
  ::unsetenv("CREDENTIALS_DIRECTORY");
  const Config beside = place.load(with("http", text)).value();
  BOOST_TEST(beside.tls.is_on());
  BOOST_TEST(beside.tls.certificate == place.directory() + "/a.pem");
  BOOST_TEST(beside.tls.key == place.directory() + "/credentials/b.key");
  BOOST_TEST(beside.tls.client_ca == "/etc/ca.pem");
  BOOST_TEST(beside.tls.client == "optional");
  ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/holdfastd.service", 1);
  const Config given = place.load(with("http", text)).value();
  ::unsetenv("CREDENTIALS_DIRECTORY");
  BOOST_TEST(given.tls.key == "/run/credentials/holdfastd.service/holdfast_b.key");
  BOOST_TEST(!place.load(kLeast).value().tls.is_on());
}

BOOST_AUTO_TEST_CASE(durations_and_sizes) {
  BOOST_TEST((parse_duration("15min").value() == minutes(15)));
  BOOST_TEST((parse_duration("0s").value() == Millis(0)));
  BOOST_TEST((parse_duration("250ms").value() == Millis(250)));
  for (const char* wrong : {"", "15", "min", "-1s", "+1s", "1.5h", " 1s", "1 s", "1s ", "1m", "1S",
                            "99999999999999999999s", "9223372036854775807d"})
    BOOST_TEST(!parse_duration(wrong).ok(), wrong);
  BOOST_TEST((parse_size("512").value() == Bytes(512)));
  BOOST_TEST((parse_size("1GiB").value() == Bytes(int64_t{1} << 30)));
  for (const char* wrong : {"", "GiB", "1GB", "1 GiB", "-1", "9223372036854775807KiB", "0x10"})
    BOOST_TEST(!parse_size(wrong).ok(), wrong);
}

BOOST_AUTO_TEST_CASE(the_packaged_configuration_is_valid_and_shows_every_key) {
  const Config config = load_config("systemd/holdfast.toml").value();
  BOOST_TEST(config.state_dir == "/var/lib/holdfast");
  BOOST_TEST(!config.mirror_same_device);
  const std::string text = text_of("systemd/holdfast.toml");
  for (const std::string& key : known_keys()) {
    const std::regex line("(^|\n)(# )?" + key.substr(key.find('.') + 1) + " = ");
    BOOST_TEST(std::regex_search(text, line), key);
  }
}

// What a comment shows as a default is the default: with every key uncommented, nothing changes.
BOOST_AUTO_TEST_CASE(the_commented_defaults_are_the_defaults) {
  const Place place;
  std::string text = text_of("systemd/holdfast.toml");
  text = std::regex_replace(text, std::regex("\n# ([a-z_]+ = |\\[)"), "\n$1");
  const Config shown = place.load(text).value();
  const Config bare = place.load(kLeast).value();
  BOOST_TEST(shown.admin_group == bare.admin_group);
  BOOST_TEST(shown.workers == bare.workers);
  BOOST_TEST(shown.listen_address == bare.listen_address);
  BOOST_TEST(shown.listen_port == bare.listen_port);
  BOOST_TEST(shown.plaintext_beyond_loopback == bare.plaintext_beyond_loopback);
  BOOST_TEST((shown.standard.copy_after == bare.standard.copy_after));
  BOOST_TEST((shown.standard.release_after == bare.standard.release_after));
  BOOST_TEST(shown.standard.watermark_high == bare.standard.watermark_high);
  BOOST_TEST(shown.standard.watermark_low == bare.standard.watermark_low);
  BOOST_TEST(shown.standard.full_at == bare.standard.full_at);
  BOOST_TEST((shown.warm.rate_max == bare.warm.rate_max));
  for (int64_t hour = 0; hour < 7 * 24; ++hour) {
    const UnixMillis then = UnixMillis(0) + hours(hour);
    BOOST_TEST((shown.warm.window.is_open(then) && shown.cold->window.is_open(then)));
  }
  BOOST_TEST((shown.warm.copy_after == bare.warm.copy_after));
  BOOST_TEST((shown.warm.release_after == bare.warm.release_after));
  BOOST_TEST((shown.warm.pack_size_max == bare.warm.pack_size_max));
  BOOST_TEST(shown.warm.pack_members_max == bare.warm.pack_members_max);
  BOOST_TEST((shown.warm.pack_seal_after == bare.warm.pack_seal_after));
  BOOST_TEST(shown.warm.cohort_per_workspace == bare.warm.cohort_per_workspace);
  BOOST_REQUIRE(shown.cold.has_value());
  BOOST_TEST((shown.cold->attach_time == Config::Cold().attach_time));
  BOOST_TEST((shown.cold->detach_time == Config::Cold().detach_time));
  BOOST_TEST((shown.cold->linger == Config::Cold().linger));
  BOOST_TEST((shown.cold->rate_max == Config::Cold().rate_max));
  BOOST_TEST(shown.copies_before_release == bare.copies_before_release);
  BOOST_TEST((shown.policy_interval == bare.policy_interval));
  BOOST_TEST((shown.disk_reserve == bare.disk_reserve));
  BOOST_TEST((shown.keep_default == bare.keep_default));
  BOOST_TEST((shown.staging_max == bare.staging_max));
  BOOST_TEST(shown.recalls_per_key_hour == bare.recalls_per_key_hour);
  BOOST_TEST((shown.link_life == bare.link_life));
  BOOST_TEST(shown.expiry.enabled == bare.expiry.enabled);
  BOOST_TEST(!bare.expiry.enabled);
  BOOST_TEST(shown.expiry.rate_per_hour == bare.expiry.rate_per_hour);
  BOOST_TEST((shown.expiry.not_before == bare.expiry.not_before));
  BOOST_TEST(shown.expiry.breaker_percent == bare.expiry.breaker_percent);
  BOOST_TEST(shown.expiry.breaker_count == bare.expiry.breaker_count);
  BOOST_TEST(shown.log_level == bare.log_level);
}

BOOST_AUTO_TEST_CASE(whom_the_archive_may_call_is_read_and_checked) {
  const Place place;
  const Config config =
      place.load(with("outbound", "networks = ['10.0.0.0/8', 'fd00::/8', '192.0.2.1']")).value();
  BOOST_REQUIRE(config.outbound.networks.size() == 3U);
  BOOST_TEST(config.outbound.networks[0].contains(IpAddress::from_text("10.1.2.3").value()));
  BOOST_TEST(config.outbound.networks[1].contains(IpAddress::from_text("fd12::1").value()));
  BOOST_TEST(!config.outbound.networks[2].contains(IpAddress::from_text("192.0.2.2").value()));
  for (const char* wrong : {"10.0.0.0/33", "10.0.0.1/8", "example.org", ""})
    BOOST_TEST(place.complaint(with("outbound", std::string("networks = ['") + wrong + "']"))
                       .find("networks such as") != std::string::npos,
               wrong);
}

BOOST_AUTO_TEST_CASE(the_page_documents_exactly_the_keys_there_are) {
  const std::string page = text_of("docs/configuration.md");
  const std::regex row("\n\\| `([a-z]+\\.[a-z_]+)` \\|");
  std::set<std::string> documented;
  for (std::sregex_iterator it(page.begin(), page.end(), row), end; it != end; ++it)
    documented.insert((*it)[1]);
  const std::set<std::string> known = known_keys();
  BOOST_TEST(known.size() > 30u);
  BOOST_TEST(documented == known, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
