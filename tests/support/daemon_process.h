// The real daemon in a directory of its own, for tests: configured, started, killed, started
// again; and a client that speaks to it.
//
//   DaemonProcess daemon(directory, settings);   // writes holdfast.toml, runs holdfastd --init
//   daemon.start();                              // returns when /readyz answers 200
//   daemon.kill();                               // SIGKILL, as a power cut for the process
//   daemon.start();                              // the same directory again
//
// It listens on 127.0.0.1, port 0, and dies with the test. What cannot be done throws
// std::runtime_error with the end of the daemon's log.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/http_client.h"

namespace holdfast::testing {

// "standard.copy_after" → "\"1s\"": the value as TOML writes it. What is not named has its default.
using Settings = std::map<std::string, std::string, std::less<>>;

// Every tier below `directory`; ages and intervals are the settings'.
class DaemonProcess {
 public:
  // `program` is the path of holdfastd.
  DaemonProcess(std::string program, std::string directory, const Settings& settings);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  // Whom to trust, when the settings give it a certificate: before start().
  void trust(std::string ca_file) { ca_file_ = std::move(ca_file); }

  // Waits until it serves, at most a minute.
  void start();
  // The same in two steps: it listens; it serves.
  void launch();
  void await_ready();
  void kill();
  // SIGTERM; the exit code. Throws when it has not ended after a minute.
  int stop();
  bool is_running() const { return pid_ > 0; }
  // Whether it has ended by itself since its start.
  bool has_died() const;
  // How the last one ended: its exit code, or 128 and the signal's number. 0 before one has.
  int ended_with() const { return ended_with_; }
  pid_t pid() const { return pid_; }

  const std::string& directory() const { return directory_; }
  const std::string& url() const { return url_; }
  std::string admin_socket() const { return directory_ + "/run/admin.sock"; }
  std::string mount_socket() const { return directory_ + "/run/mount.sock"; }
  // 127.0.0.1's port, for tests that write bytes themselves.
  int port() const { return port_; }
  // The last lines of its log.
  std::string log_tail() const;

 private:
  pid_t spawn(const std::vector<std::string>& words) const;
  bool has_ended();
  [[noreturn]] void fail(const std::string& what) const;

  const std::string program_;
  const std::string directory_;
  pid_t pid_ = 0;
  int ended_with_ = 0;
  int port_ = 0;
  std::string url_;
  const std::string scheme_;
  std::string ca_file_;
};

// One connection to a daemon. Thread rule: one thread at a time.
class TestClient {
 public:
  explicit TestClient(Endpoint endpoint) : http_(std::move(endpoint)) {}

  // The answer, whatever its status; throws when there is none.
  HttpResponse send(const HttpRequest& request);
  // The same, for those who expect that the daemon may die.
  Result<HttpResponse> try_send(const HttpRequest& request);

  HttpResponse get(const std::string& path, std::vector<NameValue> headers = {});
  HttpResponse head(const std::string& path, std::vector<NameValue> headers = {});
  HttpResponse remove(const std::string& path);
  HttpResponse post(const std::string& path, const json::value& body);
  // The body of a GET that must answer `status`; throws otherwise.
  json::object get_object(const std::string& path, int status = 200);

 private:
  HttpClient http_;
};

Endpoint by_socket(const std::string& path);
Endpoint by_key(const std::string& url, const std::string& key);

// Asks again every few milliseconds until `done` is true, at most `limit`; false when it never was.
template <typename Condition>
bool eventually(Condition done, Millis limit = minutes(1));

// For eventually(): a moment's rest; false when `limit` has passed since `began`.
class Patience {
 public:
  explicit Patience(Millis limit);
  bool rest();

 private:
  int64_t deadline_ms_;
};

template <typename Condition>
bool eventually(Condition done, Millis limit) {
  Patience patience(limit);
  while (!done())
    if (!patience.rest()) return false;
  return true;
}

}  // namespace holdfast::testing
