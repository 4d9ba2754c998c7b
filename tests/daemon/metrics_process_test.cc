// /metrics of the real daemon: who may read it, that it is sound, that it agrees with its page, and
// that dashboard and alerts name nothing that is not there.
#include <sys/wait.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "base/clock.h"
#include "tests/support/call_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr const char* kWorkspace = "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b";

// What `pattern`'s first group finds in the text.
std::set<std::string> found(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::set<std::string> words;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    words.insert((*it)[1]);
  return words;
}

std::string with_tail(std::string name) {
  static const std::regex kTail("_(bucket|sum|count)$");
  return std::regex_replace(name, kTail, "");
}

// A daemon that serves, and its page.
struct Watched {
  TemporaryDirectory directory;
  DaemonProcess daemon{HOLDFASTD, directory / "archive", {}};
  Watched() { daemon.start(); }

  std::string page() {
    TestClient admin(by_socket(daemon.admin_socket()));
    const HttpResponse answer = admin.get("/metrics");
    BOOST_REQUIRE_MESSAGE(answer.status == 200, answer.body);
    BOOST_TEST(answer.header("content-type").value() == "text/plain; version=0.0.4; charset=utf-8");
    return answer.body;
  }
};

bool has_promtool() {
  if (std::system("command -v promtool >/dev/null") == 0) return true;
  std::cout << "skipped: this machine has no promtool\n";
  return false;
}

// A line of the exposition format: a comment of ours, or a name, labels and a number.
bool is_sound(const std::string& line) {
  static const std::regex kSound(
      "# (HELP|TYPE) [a-z][a-z0-9_]* .+|"
      "[a-z][a-z0-9_]*(\\{([a-z_]+=\"[^\"\\\\]*\",?)+\\})? [-+0-9.e]+(Inf)?");
  return std::regex_match(line, kSound);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_process)

BOOST_AUTO_TEST_CASE(what_happens_is_counted) {
  Watched watched;
  TestClient admin(by_socket(watched.daemon.admin_socket()));
  BOOST_REQUIRE(admin.post("/v1/workspaces", json::object{{"workspace_id", kWorkspace}}).status ==
                201);
  SeededRandom random(7);
  const CallFiles call =
      make_call(watched.directory.path(), kWorkspace, {SystemClock().now(), 16'000}, random);
  BOOST_REQUIRE(admin.send(upload_of(call)).status == 201);
  BOOST_REQUIRE(admin.send(upload_of(call)).status == 200);  // the same again
  BOOST_TEST(admin.get("/nowhere").status == 404);
  const std::string page = watched.page();
  int64_t bytes = 0;
  for (const auto& [name, content] : call.contents) bytes += static_cast<int64_t>(content.size());
  for (const std::string& line :
       {std::string("holdfast_tier_recordings{tier=\"standard\"} 1\n"),
        "holdfast_tier_bytes{tier=\"standard\"} " + std::to_string(bytes) + "\n",
        "holdfast_tier_single_copy_bytes{tier=\"standard\"} " + std::to_string(bytes) + "\n",
        std::string("holdfast_ingest_total{result=\"stored\",way=\"http\"} 1\n"),
        std::string("holdfast_ingest_total{result=\"already\",way=\"http\"} 1\n"),
        "holdfast_ingested_bytes_total{way=\"http\"} " + std::to_string(bytes) + "\n",
        std::string("holdfast_http_requests_total{class=\"ingest\",status=\"2xx\"} 2\n"),
        std::string("holdfast_http_requests_total{class=\"unknown\",status=\"4xx\"} 1\n"),
        std::string("holdfast_workspaces 1\n"), std::string("holdfast_ledger_in_step 1\n"),
        std::string("holdfast_ledger_lag_lines 0\n"),
        std::string("holdfast_medium_online{medium=\"warm-1\",tier=\"warm\"} 1\n"),
        std::string("holdfast_attention{code=\"moves-failed\",severity=\"warning\"} 0\n"),
        std::string("holdfast_tls_certificate_end_seconds 0\n")})
    BOOST_TEST(page.find(line) != std::string::npos, line << " is not in\n" << page);
}

BOOST_AUTO_TEST_CASE(only_who_may_reads_it) {
  Watched watched;
  TestClient admin(by_socket(watched.daemon.admin_socket()));
  const auto key_with = [&](const std::string& path, const std::string& scope) {
    const HttpResponse made = admin.post(path, json::object{{"scopes", json::array{scope}}});
    BOOST_REQUIRE_MESSAGE(made.status == 201, made.body);
    return std::string(made.parsed().value().as_object().at("api_key").as_string());
  };
  const auto status_for = [&](const std::string& key) {
    return TestClient(by_key(watched.daemon.url(), key)).get("/metrics").status;
  };
  const std::string keys = std::string("/v1/") + kWorkspace + "/api-keys";
  BOOST_TEST(status_for("") == 401);
  BOOST_TEST(status_for(key_with("/v1/operator/api-keys", "metrics:read")) == 200);
  BOOST_TEST(status_for(key_with("/v1/operator/api-keys", "admin")) == 403);
  BOOST_TEST(status_for(key_with(keys, "metrics:read")) == 403);  // of one workspace
  // It opens nothing else.
  const std::string key = key_with("/v1/operator/api-keys", "metrics:read");
  BOOST_TEST(TestClient(by_key(watched.daemon.url(), key)).get("/v1/status").status == 403);
}

BOOST_AUTO_TEST_CASE(what_needs_a_person_is_told_everywhere) {
  Watched watched;
  TestClient admin(by_socket(watched.daemon.admin_socket()));
  BOOST_TEST(admin.post("/v1/moves/pause", json::object{{"tier", "warm"}}).status == 200);
  std::filesystem::rename(watched.directory / "archive/vault", watched.directory / "archive/away");
  const std::string page = watched.page();
  for (const char* line : {"holdfast_attention{code=\"moves-paused\",severity=\"notice\"} 1\n",
                           "holdfast_attention{code=\"medium-offline\",severity=\"critical\"} 1\n",
                           "holdfast_edge_paused{edge=\"standard-warm\"} 1\n"})
    BOOST_TEST(page.find(line) != std::string::npos, line << " is not in\n" << page);
  const json::object first = admin.get_object("/v1/status");
  const json::array& list = first.at("attention").as_array();
  BOOST_REQUIRE(list.size() == 2u);
  BOOST_TEST(list[0].at("code").as_string() == "medium-offline");  // the worst first
  BOOST_TEST(list[0].at("severity").as_string() == "critical");
  BOOST_TEST(list[1].at("code").as_string() == "moves-paused");
  // "Since" stays what it was when it was first seen.
  const json::object second = admin.get_object("/v1/status");
  BOOST_TEST(canonical(second.at("attention")) == canonical(first.at("attention")));
  std::filesystem::rename(watched.directory / "archive/away", watched.directory / "archive/vault");
  BOOST_TEST(admin.get_object("/v1/status").at("attention").as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_page_is_sound_and_documented) {
  Watched watched;
  const std::string page = watched.page();
  std::istringstream lines(page);
  std::set<std::string> series;
  for (std::string line; std::getline(lines, line);) {
    BOOST_TEST(is_sound(line), line);
    if (line.front() == '#') continue;
    BOOST_TEST(series.insert(line.substr(0, line.find(' '))).second, "twice: " << line);
  }
  const std::set<std::string> told = found(page, "# TYPE ([a-z_]+) ");
  BOOST_TEST(told.size() > 40u);
  for (const std::string& name : series)
    BOOST_TEST(told.count(with_tail(name.substr(0, name.find('{')))) == 1u, name);
  const std::string guide = text_of("docs/monitoring.md");
  BOOST_TEST(found(guide, "\\n\\| `(holdfast_[a-z_]+)` \\|") == told,
             boost::test_tools::per_element());
  BOOST_TEST(found(guide, "\\n\\| `([a-z-]+)` \\| (?:critical|warning|notice) \\|") ==
                 found(page, "holdfast_attention\\{code=\"([a-z-]+)\""),
             boost::test_tools::per_element());
  if (!has_promtool()) return;
  std::ofstream(watched.directory / "page") << page;
  BOOST_TEST(std::system(("promtool check metrics <" + watched.directory / "page").c_str()) == 0);
}

BOOST_AUTO_TEST_CASE(dashboard_and_alerts_name_what_there_is) {
  Watched watched;
  const std::set<std::string> told = found(watched.page(), "# TYPE ([a-z_]+) ");
  for (const char* file : {"systemd/grafana-dashboard.json", "systemd/holdfast-alerts.yml"}) {
    const std::set<std::string> named = found(text_of(file), "(holdfast_[a-z_]+)");
    BOOST_TEST(named.size() > 5u, file);
    for (const std::string& name : named)
      BOOST_TEST(told.count(with_tail(name)) == 1u, file << " names " << name);
  }
  const auto dashboard = parse_json(text_of("systemd/grafana-dashboard.json"));
  BOOST_REQUIRE(dashboard.ok());
  BOOST_TEST(dashboard->at("panels").as_array().size() > 15u);
  if (!has_promtool()) return;
  BOOST_TEST(std::system("promtool check rules systemd/holdfast-alerts.yml") == 0);
}

// Every event that the code names is on the page, and the other way round.
BOOST_AUTO_TEST_CASE(events_are_documented) {
  std::set<std::string> named;
  for (const char* directory : {"daemon", "tiers", "index", "ledger", "io"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (entry.path().extension() != ".cc") continue;
      const auto here = found(text_of(entry.path().string()),
                              "log::event\\(\\s*log::Level::k[A-Za-z]+,\\s*\"([a-z.]+)\"");
      named.insert(here.begin(), here.end());
    }
  BOOST_TEST(found(text_of("docs/monitoring.md"), "\\n\\| `([a-z]+\\.[a-z]+)` \\|") == named,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
