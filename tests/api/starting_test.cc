// What a daemon answers before it serves, and of a call before it is acknowledged.
#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

// Another process's transaction on an index: whoever wants to write waits for its end.
class ForeignTransaction {
 public:
  explicit ForeignTransaction(const std::string& path) {
    BOOST_REQUIRE_EQUAL(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
    run("BEGIN EXCLUSIVE");
  }
  ~ForeignTransaction() {
    run("ROLLBACK");
    sqlite3_close(database_);
  }
  ForeignTransaction(const ForeignTransaction&) = delete;
  ForeignTransaction& operator=(const ForeignTransaction&) = delete;

 private:
  void run(const char* sql) {
    BOOST_TEST(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  sqlite3* database_ = nullptr;
};

BOOST_AUTO_TEST_CASE(a_daemon_that_opens_its_archive_says_so) {
  TemporaryDirectory directory;
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {});
  {
    const ForeignTransaction busy(directory / "archive/state/index.db");
    daemon.launch();
    TestClient client(by_socket(daemon.admin_socket()));
    BOOST_TEST(client.get("/livez").status == 200);
    for (const char* path : {"/readyz", "/v1/status", "/no/such/path"}) {
      const HttpResponse answer = client.get(path);
      BOOST_TEST(answer.status == 503, path);
      BOOST_TEST(problem_of(answer) == "starting");
    }
  }
  daemon.await_ready();
  TestClient client(by_socket(daemon.admin_socket()));
  BOOST_TEST(client.get("/v1/status").status == 200);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(one_daemon_has_a_run_directory) {
  TemporaryDirectory directory;
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {});
  daemon.start();
  const std::string said = directory / "second.log";
  const std::string second = std::string(HOLDFASTD) + " --config " +
                             (directory / "archive/holdfast.toml") + " >" + said + " 2>&1";
  BOOST_TEST(std::system(second.c_str()) != 0);
  // Refused before it looks at a socket: two that start at once never take each other's.
  std::ifstream file(said);
  const std::string words(std::istreambuf_iterator<char>(file), {});
  BOOST_TEST(words.find("another holdfastd has") != std::string::npos, words);
  // The first one's sockets are still its own.
  TestClient client(by_socket(daemon.admin_socket()));
  BOOST_TEST(client.get("/v1/status").status == 200);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_call_that_is_coming_in_is_not_ready) {
  const CallFiles call = rig().write_call();
  const std::string path = path_of_call(call, "/urls");
  BOOST_TEST(rig().owner().get(path).status == 404);
  const std::string begin =
      "--b\r\nContent-Disposition: form-data; name=\"call_sid\"\r\n\r\n" + call.call_sid + "\r\n";
  std::string rest;
  for (const auto& [name, bytes] : call.contents)
    rest += "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" + name + "\"\r\n\r\n" +
            bytes + "\r\n";
  rest += "--b--\r\n";
  RawConnection upload(rig().daemon().port());
  upload.write("POST /v1/" + std::string(kWorkspace) +
               "/recordings HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " +
               rig().owner_key() + "\r\nContent-Type: multipart/form-data; boundary=b\r\n" +
               "Content-Length: " + std::to_string(begin.size() + rest.size()) + "\r\n\r\n" +
               begin + rest.substr(0, rest.size() / 2));
  HttpResponse answer;
  BOOST_TEST(eventually([&] {
    answer = rig().owner().get(path);
    return answer.status == 409;
  }));
  BOOST_TEST(problem_of(answer) == "not-ready");
  // Another workspace's call of that name is none of its business.
  BOOST_TEST(rig()
                 .neighbour()
                 .get("/v1/" + std::string(kNeighbour) + "/recordings/" + call.call_sid + "/urls")
                 .status == 404);
  upload.write(rest.substr(rest.size() / 2));
  BOOST_TEST(upload.read_all().starts_with("HTTP/1.1 201"));
  BOOST_TEST(rig().owner().get(path).status == 200);
}

}  // namespace
}  // namespace holdfast::testing
