// What systemd is told of a configuration; and where this machine has systemd, that it reads it so.
#include "daemon/unit_text.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>

#include "tests/support/temporary_directory.h"

using namespace holdfast;

namespace {

Config config() {
  Config config;
  config.source_path = "/etc/holdfast/holdfast.toml";
  config.state_dir = "/var/lib/holdfast";
  config.run_dir = "/run/holdfast";
  config.spool_dir = "/var/spool/holdfast";
  config.mirror_dir = "/mnt/hdd/mirror";
  config.standard.path = "/mnt/ssd";
  config.warm.path = "/mnt/hdd/packs";
  config.cold.emplace();
  config.cold->path = "/media/my vault-1";
  return config;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unit)

BOOST_AUTO_TEST_CASE(the_media_are_writable_and_waited_for) {
  const std::string text = unit_text(config()).value();
  for (const char* line :
       {"RequiresMountsFor=\"/var/lib/holdfast\"", "RequiresMountsFor=\"/mnt/ssd\"",
        "After=mnt-hdd-packs.mount", "After=mnt-hdd-mirror.mount", "After=mnt-hdd.mount",
        "After=mnt.mount", "After=media-my\\x20vault\\x2d1.mount", "ReadWritePaths=\"-/mnt/ssd\"",
        "ReadWritePaths=\"-/mnt/hdd/packs\"", "ReadWritePaths=\"-/mnt/hdd/mirror\"",
        "ReadWritePaths=\"-/media/my vault-1\"", "ReadWritePaths=\"-/var/spool/holdfast\""})
    BOOST_TEST(has_line(text, line), line << " is not in\n" << text);
  // A medium that may be away is not needed, and /run/holdfast is systemd's own.
  BOOST_TEST(text.find("RequiresMountsFor=\"/mnt/hdd") == std::string::npos);
  BOOST_TEST(text.find("/run/holdfast") == std::string::npos);
  BOOST_TEST(text.find("ProtectHome") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_the_sandbox_hides_is_bound_in) {
  Config in_home = config();
  in_home.warm.path = "/home/archive/warm";
  in_home.spool_dir = "/tmp/spool";
  const std::string text = unit_text(in_home).value();
  for (const char* line : {"BindPaths=\"-/home/archive/warm\"", "BindPaths=\"-/tmp/spool\"",
                           "ReadWritePaths=\"-/home/archive/warm\"", "ProtectHome=tmpfs"})
    BOOST_TEST(has_line(text, line), line << " is not in\n" << text);
  in_home.warm.path = "/homes/archive";
  BOOST_TEST(unit_text(in_home).value().find("ProtectHome") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_unit_reads_as_its_own_is_escaped) {
  Config odd = config();
  odd.warm.path = "/mnt/100% \"\\";
  const std::string text = unit_text(odd).value();
  BOOST_TEST(has_line(text, "ReadWritePaths=\"-/mnt/100%% \\\"\\\\\""), text);
  odd.warm.path = "/mnt/two\nlines";
  BOOST_TEST((unit_text(odd).error().code == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(names_of_mount_units) {
  BOOST_TEST(mount_unit("/") == "-.mount");
  BOOST_TEST(mount_unit("/mnt/a-b/.c.d") == "mnt-a\\x2db-.c.d.mount");
  BOOST_TEST(mount_unit("/.hidden") == "\\x2ehidden.mount");
  BOOST_TEST(mount_unit("/\xC3\xA9/") == "\\xc3\\xa9.mount");
}

// systemd-escape says what the names are.
BOOST_AUTO_TEST_CASE(systemd_gives_them_the_same_names) {
  if (std::system("command -v systemd-escape >/dev/null") != 0) {
    BOOST_TEST_MESSAGE("skipped: this machine has no systemd-escape");
    return;
  }
  const TemporaryDirectory directory;
  for (const char* path : {"/mnt/hdd/packs", "/media/my vault-1", "/.hidden", "/a/.b", "/100%",
                           "/x:y_z", "/\xC3\xA9"}) {
    const std::string out = directory / "out";
    BOOST_REQUIRE(
        std::system(
            ("systemd-escape --path --suffix=mount '" + std::string(path) + "' >" + out).c_str()) ==
        0);
    std::string name;
    std::getline(std::ifstream(out), name);
    BOOST_TEST(mount_unit(path) == name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
