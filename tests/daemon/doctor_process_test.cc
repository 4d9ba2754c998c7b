// holdfastd doctor and holdfast doctor, the programs: what they print and how they end.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Ran {
  int exit_code = 0;
  std::string out;
};

Ran run(const TemporaryDirectory& directory, const std::string& line) {
  const std::string file = directory / "out";
  const int status = std::system((line + " >" + file + " 2>&1 </dev/null").c_str());
  std::ifstream in(file);
  return {WEXITSTATUS(status), {std::istreambuf_iterator<char>(in), {}}};
}

// How many findings of the program's JSON have this health.
int count(const Ran& ran, std::string_view health) {
  const auto parsed = parse_json(ran.out.substr(0, ran.out.find('\n')));
  BOOST_REQUIRE_MESSAGE(parsed.ok(), ran.out);
  int found = 0;
  for (const json::value& one : parsed->at("findings").as_array())
    found += one.at("health").as_string() == health;
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_process)

BOOST_AUTO_TEST_CASE(a_wrong_configuration_fails_and_is_told) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "wrong.toml") << "[archive]\nstate_dir = 'a'\nmirror_dir = 'b'\n"
                                             "[standard]\npath = 'c'\ncopy_afer = '1s'\n"
                                             "[warm]\npath = 'd'\n";
  const std::string program = HOLDFASTD;
  const Ran daemon = run(directory, program + " doctor --config " + directory / "wrong.toml");
  BOOST_TEST(daemon.exit_code == 7);
  BOOST_TEST(daemon.out.find("fail  configuration") != std::string::npos, daemon.out);
  BOOST_TEST(daemon.out.find("did you mean \"copy_after\"") != std::string::npos, daemon.out);
  const Ran ours = run(directory, std::string(HOLDFAST_PROGRAM) + " doctor --offline --config " +
                                      directory / "wrong.toml");
  BOOST_TEST(ours.exit_code == 7);
  BOOST_TEST(ours.out.find("did you mean \"copy_after\"") != std::string::npos, ours.out);
  BOOST_TEST(run(directory, program + " doctor --nonsense").exit_code == 2);
  BOOST_TEST(run(directory, program + " doctor --help").exit_code == 0);
}

// Root can read everything; what counts is what the daemon's user can.
BOOST_AUTO_TEST_CASE(a_key_that_the_daemon_cannot_read_is_told) {
  if (::geteuid() != 0) return;  // another user's eyes can be had by root alone
  const TemporaryDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  const TestAuthority authority(directory.path());
  const IssuedFiles files = authority.issue("server");
  std::filesystem::permissions(files.certificate, std::filesystem::perms(0644));
  const DaemonProcess daemon(HOLDFASTD, directory / "archive",
                             {{"http.tls_certificate", "\"" + files.certificate + "\""},
                              {"http.tls_key", "\"" + files.key + "\""}});
  const std::string line =
      std::string(HOLDFASTD) + " doctor --config " + (directory / "archive/holdfast.toml");
  const Ran root = run(directory, line);
  BOOST_TEST(root.out.find("CN=archive.test, good until") != std::string::npos, root.out);
  const Ran user = run(directory, line + " --user nobody");
  BOOST_TEST(
      user.out.find("private key " + files.key + ": this user cannot read it") != std::string::npos,
      user.out);
  // Whose directories they are not sees nothing of them, and says so once.
  BOOST_TEST(user.out.find("directories and media cannot be looked at") != std::string::npos,
             user.out);
  BOOST_TEST(user.out.find("is another user's than") == std::string::npos, user.out);
  BOOST_TEST(user.out.find("warn  tls") != std::string::npos, user.out);
  // The same of the daemon's user: it will not start.
  BOOST_REQUIRE(run(directory, "chown -R nobody " + (directory / "archive")).exit_code == 0);
  const Ran own = run(directory, line + " --user nobody");
  BOOST_TEST(own.out.find("fail  tls") != std::string::npos, own.out);
  BOOST_TEST(own.out.find("directories and media cannot") == std::string::npos, own.out);
}

BOOST_AUTO_TEST_CASE(what_the_running_archive_says_is_among_the_findings) {
  const TemporaryDirectory directory;
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {});
  const std::string ours = std::string(HOLDFAST_PROGRAM) + " doctor --json --config " +
                           directory / "archive/holdfast.toml" + " --socket " +
                           daemon.admin_socket();
  const Ran stopped = run(directory, ours);
  BOOST_TEST(stopped.out.find("is holdfastd running?") != std::string::npos, stopped.out);
  daemon.start();
  const Ran sound = run(directory, ours);
  BOOST_TEST(sound.out.find("nothing needs a person") != std::string::npos, sound.out);
  const int fails = count(sound, "fail");  // of this machine
  BOOST_TEST(sound.exit_code == (fails > 0 ? 7 : 0));
  std::filesystem::rename(directory / "archive/vault", directory / "archive/away");
  const Ran away = run(directory, ours);
  BOOST_TEST(away.exit_code == 7);
  BOOST_TEST(count(away, "fail") > fails);
  BOOST_TEST(away.out.find("the cold medium at ") != std::string::npos, away.out);
}

BOOST_AUTO_TEST_SUITE_END()
