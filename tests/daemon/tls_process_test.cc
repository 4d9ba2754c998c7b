// The real daemon behind TLS: what stock clients and our own get, what a reload changes, and what
// is refused before anybody connects.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/support/daemon_process.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Place {
  TemporaryDirectory directory;
  TestAuthority authority{directory.path()};
  IssuedFiles files = authority.issue("server");

  Settings settings() const {
    return {{"http.tls_certificate", "\"" + files.certificate + "\""},
            {"http.tls_key", "\"" + files.key + "\""}};
  }
  // Its exit code; its words in `out`.
  int run(const std::string& line, std::string* out = nullptr) const {
    const std::string file = directory / "out";
    const int status = std::system((line + " >" + file + " 2>&1 </dev/null").c_str());
    if (out != nullptr) *out = read_all(file);
    return WEXITSTATUS(status);
  }
};

// The subject of the certificate that new connections are shown.
std::string shown_by(const Place& place, const DaemonProcess& daemon) {
  std::string out;
  place.run("openssl s_client -connect 127.0.0.1:" + std::to_string(daemon.port()) + " -CAfile " +
                place.authority.file(),
            &out);
  const size_t at = out.find("subject=");
  return at == std::string::npos ? out : out.substr(at, out.find('\n', at) - at);
}

bool has(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null").c_str()) == 0;
}

std::string new_key(const DaemonProcess& daemon, const std::string& scope) {
  TestClient admin(by_socket(daemon.admin_socket()));
  const HttpResponse made =
      admin.post("/v1/operator/api-keys", json::object{{"scopes", json::array{scope}}});
  BOOST_REQUIRE_MESSAGE(made.status == 201, made.body);
  return std::string(made.parsed().value().as_object().at("api_key").as_string());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tls_process)

BOOST_AUTO_TEST_CASE(stock_clients_and_ours_are_served) {
  if (!has("openssl") || !has("curl")) {
    std::cout << "skipped: this machine has no openssl or no curl\n";
    return;
  }
  const Place place;
  DaemonProcess daemon(HOLDFASTD, place.directory / "archive", place.settings());
  daemon.trust(place.authority.file());
  daemon.start();
  std::string out;
  BOOST_TEST(
      place.run("curl -sS --cacert " + place.authority.file() + " " + daemon.url() + "/readyz",
                &out) == 0);
  BOOST_TEST(out == "{\"status\":\"ready\"}");
  BOOST_TEST(place.run("curl -sS " + daemon.url() + "/readyz", &out) == 60);  // not trusted
  BOOST_TEST(place.run("curl -sS --cacert " + place.authority.file() + " --tls-max 1.1 " +
                       daemon.url() + "/readyz") == 35);
  BOOST_TEST(place.run("curl -sS -o /dev/null -w %{http_code} http://127.0.0.1:" +
                           std::to_string(daemon.port()) + "/readyz",
                       &out) == 0);
  BOOST_TEST(out == "400");
  BOOST_TEST(shown_by(place, daemon) == "subject=CN = archive.test");

  // Links lead back to where they can be used.
  const std::string key = new_key(daemon, "admin");
  std::ofstream(place.directory / "key") << key;
  const std::string ours = std::string(HOLDFAST_PROGRAM) + " --url " + daemon.url() +
                           " --key-file " + place.directory / "key";
  BOOST_TEST(place.run(ours + " --cacert " + place.authority.file() + " status", &out) == 0, out);
  BOOST_TEST(place.run("HOLDFAST_CACERT=" + place.authority.file() + " " + ours + " status") == 0);
  BOOST_TEST(place.run(ours + " status", &out) == 13);
  BOOST_TEST(out.find("its certificate is not trusted") != std::string::npos, out);
  BOOST_TEST(out.find("--cacert") != std::string::npos, out);
  BOOST_TEST(place.run(ours + " --cacert /nowhere.pem status", &out) == 3, out);
}

BOOST_AUTO_TEST_CASE(a_reload_shows_a_new_certificate_and_refuses_a_wrong_one) {
  const Place place;
  DaemonProcess daemon(HOLDFASTD, place.directory / "archive", place.settings());
  daemon.trust(place.authority.file());
  daemon.start();
  Endpoint endpoint = by_key(daemon.url(), "");
  endpoint.ca_file = place.authority.file();
  TestClient kept(endpoint);  // one connection, kept alive through it all
  BOOST_TEST(kept.get("/livez").status == 200);

  const auto reload = [&](const std::string& told) {
    ::kill(daemon.pid(), SIGHUP);
    BOOST_TEST(eventually([&] { return daemon.log_tail().find(told) != std::string::npos; }),
               told << " in " << daemon.log_tail());
  };
  IssueOptions renewed;
  renewed.subject = "renewed.test";
  place.authority.issue("server", renewed);
  reload("new connections are shown the certificate CN=renewed.test");
  BOOST_TEST(shown_by(place, daemon) == "subject=CN = renewed.test");

  const IssuedFiles other = place.authority.issue("other");
  std::filesystem::copy_file(other.key, place.files.key,
                             std::filesystem::copy_options::overwrite_existing);
  reload("the configuration stays as it was: private key " + place.files.key);
  BOOST_TEST(shown_by(place, daemon) == "subject=CN = renewed.test");
  std::filesystem::remove(place.files.key);
  reload("there is no such file");
  BOOST_TEST(shown_by(place, daemon) == "subject=CN = renewed.test");
  BOOST_TEST(kept.get("/livez").status == 200);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(wrong_files_are_refused_before_anybody_connects) {
  const Place place;
  const DaemonProcess daemon(HOLDFASTD, place.directory / "archive", place.settings());
  const std::string program =
      std::string(HOLDFASTD) + " --config " + (place.directory / "archive/holdfast.toml");
  BOOST_TEST(place.run(program + " --check-config") == 0);
  const auto refused = [&](const std::string& file, const std::string& words, int exit_code,
                           const std::vector<std::string>& modes) {
    for (const std::string& mode : modes) {
      std::string out;
      BOOST_TEST(place.run(program + mode, &out) == exit_code, out);
      BOOST_TEST(out.find(file) != std::string::npos, out);
      BOOST_TEST(out.find(words) != std::string::npos, out);
    }
  };
  ::chmod(place.files.key.c_str(), 0644);
  const std::vector<std::string> both = {" --check-config", ""};
  refused(place.files.key, "its mode should be 0600 or 0640", 5, both);
  IssueOptions past;
  past.from_seconds = -7200;
  past.until_seconds = -3600;
  place.authority.issue("server", past);
  std::string out;
  BOOST_TEST(place.run(program + " --check-config", &out) == 0, out);  // but it is told
  BOOST_TEST(out.find(place.files.certificate) != std::string::npos, out);
  BOOST_TEST(out.find("has expired") != std::string::npos, out);
  const IssuedFiles other = place.authority.issue("other");
  place.authority.issue("server");
  std::filesystem::copy_file(other.key, place.files.key,
                             std::filesystem::copy_options::overwrite_existing);
  refused(place.files.key, "is not the key of certificate", 7, both);
}

// The spool and the mount need no certificate.
BOOST_AUTO_TEST_CASE(an_expired_certificate_keeps_no_archive_from_starting_and_reloading) {
  Place place;
  IssueOptions past;
  past.from_seconds = -7200;
  past.until_seconds = -3600;
  place.files = place.authority.issue("server", past);
  Settings settings = place.settings();
  settings["standard.copy_after"] = "\"1h\"";
  DaemonProcess daemon(HOLDFASTD, place.directory / "archive", settings);
  daemon.launch();
  TestClient admin(by_socket(daemon.admin_socket()));
  BOOST_TEST(eventually([&] { return admin.get("/readyz").status == 200; }));
  const std::string attention = canonical(admin.get_object("/v1/status").at("attention"));
  BOOST_TEST(attention.find("certificate-expired") != std::string::npos, attention);
  BOOST_TEST(daemon.log_tail().find("clients will refuse it") != std::string::npos);

  // It keeps no other key from changing, either; another that is not in force is refused.
  const auto reload = [&](const std::string& told) {
    ::kill(daemon.pid(), SIGHUP);
    BOOST_TEST(eventually([&] { return daemon.log_tail().find(told) != std::string::npos; }),
               told << " in " << daemon.log_tail());
  };
  const std::string file = place.directory / "archive/holdfast.toml";
  std::string text = read_all(file);
  const std::string_view before = "copy_after = \"1h\"";
  BOOST_REQUIRE_MESSAGE(text.find(before) != std::string::npos, text);
  std::ofstream(file) << text.replace(text.find(before), before.size(), "copy_after = \"2h\"");
  reload("in force now: standard.copy_after");
  past.subject = "other.test";
  place.authority.issue("server", past);
  reload("the configuration stays as it was: certificate " + place.files.certificate);
}

// As ExecReload= looks at it: systemd shows the daemon's credentials to the daemon alone.
BOOST_AUTO_TEST_CASE(a_credential_that_is_not_seen_keeps_nothing_from_being_right) {
  const Place place;
  Settings settings = place.settings();
  settings["http.tls_key"] = "\"credential:tls.key\"";
  const DaemonProcess daemon(HOLDFASTD, place.directory / "archive", settings);
  const std::string check = std::string(HOLDFASTD) + " --check-config --config " +
                            (place.directory / "archive/holdfast.toml");
  std::string out;
  BOOST_TEST(place.run(check, &out) == 0, out);
  BOOST_TEST(out.find("credentials/tls.key is not looked at here") != std::string::npos, out);
  // One that is seen is looked at.
  const std::string credentials = place.directory / "archive/credentials";
  std::filesystem::create_directory(credentials);
  std::filesystem::copy_file(place.files.key, credentials + "/tls.key");
  BOOST_TEST(place.run(check, &out) == 0, out);
  BOOST_TEST(out.find("not looked at") == std::string::npos, out);
  std::filesystem::copy_file(place.authority.issue("other").key, credentials + "/tls.key",
                             std::filesystem::copy_options::overwrite_existing);
  BOOST_TEST(place.run(check, &out) == 7, out);
}

BOOST_AUTO_TEST_SUITE_END()
