// doctor: each fault is found by its own line, says what would be right, and nothing is touched.
#include "daemon/doctor.h"

#include <sys/stat.h>

#include <algorithm>

#include "tests/support/archive_fixture.h"
#include "tests/support/files.h"
#include "tests/support/test_certificates.h"

using namespace holdfast;

namespace {

// The findings of a check, as "warn: what → advice".
std::string told(const Findings& findings, const std::string& check) {
  std::string text;
  for (const DoctorFinding& one : findings)
    if (one.check == check)
      text += std::string(word(one.health)) + ": " + one.what + " -> " + one.advice + "\n";
  return text;
}

bool all_are_ok(const Findings& findings, const std::string& check) {
  return std::all_of(findings.begin(), findings.end(), [&](const DoctorFinding& one) {
    return one.check != check || one.health == Health::kOk;
  });
}

bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor)

BOOST_AUTO_TEST_CASE(kernels_are_judged_by_their_version) {
  BOOST_TEST((judge_kernel("6.1.0-13-amd64").health == Health::kOk));
  BOOST_TEST((judge_kernel("6.12.4").health == Health::kOk));
  BOOST_TEST((judge_kernel("5.10.0-26-amd64").health == Health::kWarn));
  BOOST_TEST((judge_kernel("5.5.19").health == Health::kFail));
  BOOST_TEST((judge_kernel("4.19.0").health == Health::kFail));
  BOOST_TEST((judge_kernel("unheard of").health == Health::kWarn));
  BOOST_TEST(contains(judge_kernel("4.19.0").what, "openat2"));
}

BOOST_AUTO_TEST_CASE(space_and_inodes_are_judged_by_what_is_scarcer) {
  const auto health = [](const Room& room) { return judge_room("space", "/x", room).health; };
  BOOST_TEST((health({1000, 500, 1000, 500}) == Health::kOk));
  BOOST_TEST((health({1000, 500, 0, 0}) == Health::kOk));  // no fixed number of inodes
  BOOST_TEST((health({1000, 99, 1000, 500}) == Health::kWarn));
  BOOST_TEST((health({1000, 500, 1000, 99}) == Health::kWarn));
  BOOST_TEST((health({1000, 19, 1000, 500}) == Health::kFail));
  BOOST_TEST((health({1000, 500, 1000, 0}) == Health::kFail));
  BOOST_TEST(judge_room("space", "/x", {1000, 500, 1000, 99}).what ==
             "/x: 50 % of its space and 9 % of its inodes are free");
}

BOOST_AUTO_TEST_CASE(a_sound_archive_has_no_fault_and_stays_as_it_is) {
  ArchiveFixture rig;
  for (const std::string& path : {rig.config.state_dir, rig.config.mirror_dir,
                                  rig.config.standard.path, rig.config.warm.path})
    ::chmod(path.c_str(), 0750);
  const auto before = all_below(rig.directory.path());
  Findings findings;
  check_storage(*rig.io, rig.config, findings);
  for (const DoctorFinding& one : findings) {
    const bool is_disk = one.check == "space" || one.check == "backup.path";  // this machine's own
    // A file system that cannot prove a copy is rightly told.
    const bool is_reread = contains(one.what, "page cache") && !rig.can_verify();
    BOOST_TEST((is_disk || is_reread || one.health == Health::kOk), one.check << ": " << one.what);
  }
  BOOST_TEST(findings.size() > 15u);
  BOOST_TEST((all_below(rig.directory.path()) == before));
}

BOOST_AUTO_TEST_CASE(faults_of_places_are_told_with_what_would_be_right) {
  ArchiveFixture rig;
  Config config = rig.config;
  ::chmod(config.state_dir.c_str(), 0755);
  ::chmod((config.state_dir + "/secrets.db").c_str(), 0640);
  ::chmod(config.warm.path.c_str(), 0755);
  config.spool_dir = rig.directory / "absent";
  config.backup.path = config.state_dir + "/backup";
  Findings findings;
  check_storage(*rig.io, config, findings);
  const std::string state = told(findings, "archive.state_dir");
  BOOST_TEST(contains(state, "has mode 0755 -> chmod 0750 " + config.state_dir), state);
  BOOST_TEST(contains(state, "secrets.db has mode 0640 -> chmod 0600 "), state);
  const std::string warm = told(findings, "warm.path");
  BOOST_TEST(contains(warm, "warn: " + config.warm.path + " has mode 0755"), warm);
  BOOST_TEST(contains(told(findings, "archive.spool_dir"), "fail: "));
  BOOST_TEST(contains(told(findings, "backup.path"), "warn: "), told(findings, "backup.path"));
}

BOOST_AUTO_TEST_CASE(secrets_are_looked_at) {
  const TemporaryDirectory directory;
  const testing::TestAuthority authority(directory.path());
  const UnixMillis now = SystemClock().now();
  Config config;
  config.source_path = directory / "holdfast.toml";
  const auto look = [&] {
    Findings findings;
    check_secrets(config, now, findings);
    check_tls_access(config, now, findings);
    return findings;
  };
  BOOST_TEST(all_are_ok(look(), "tls"));
  const testing::IssuedFiles files = authority.issue("server");
  config.tls.certificate = files.certificate;
  config.tls.key = files.key;
  BOOST_TEST(contains(told(look(), "tls"), "ok: CN=archive.test, good until "));
  testing::IssueOptions soon;
  soon.until_seconds = 20 * 24 * 3600;
  authority.issue("server", soon);
  BOOST_TEST(contains(told(look(), "tls"), "warn: CN=archive.test ends at "));
  ::chmod(files.key.c_str(), 0644);
  BOOST_TEST(contains(told(look(), "tls"), "fail: private key " + files.key), told(look(), "tls"));
  config.tls.client = "required";
  config.tls.client_ca = directory / "none.pem";
  BOOST_TEST(contains(told(look(), "tls.client_ca"), "fail: "));
  config.tls.client_ca = authority.file();
  BOOST_TEST(contains(told(look(), "tls.client_ca"), "ok: 1 certificates"));

  const std::string credentials = directory / "credentials";
  std::filesystem::create_directory(credentials);
  ::chmod(credentials.c_str(), 0755);
  BOOST_TEST(contains(told(look(), "credentials"), "fail: " + credentials + " is open to others"));
  ::chmod(credentials.c_str(), 0700);
  std::ofstream(credentials + "/a") << "secret";
  ::chmod((credentials + "/a").c_str(), 0644);
  BOOST_TEST(contains(told(look(), "credentials"), "-> chmod 0600 " + credentials + "/a"));
  ::chmod((credentials + "/a").c_str(), 0600);
  BOOST_TEST(all_are_ok(look(), "credentials"));
}

BOOST_AUTO_TEST_CASE(the_machine_is_told_line_by_line) {
  Findings findings;
  check_machine(findings);
  for (const char* check : {"kernel", "io_uring", "fuse", "clock"})
    BOOST_TEST(!told(findings, check).empty(), check);
  Config config;
  config.source_path = "/somewhere/else.toml";
  config.admin_group = "no-such-group-here";
  config.mount_user = "no-such-user-here";
  findings.clear();
  check_service(config, findings);
  BOOST_TEST(contains(told(findings, "archive.admin_group"), "warn: there is no group "));
  BOOST_TEST(contains(told(findings, "archive.mount_user"), "warn: there is no user "));
}

BOOST_AUTO_TEST_SUITE_END()
