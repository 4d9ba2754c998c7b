#include "tests/support/daemon_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace holdfast::testing {
namespace {

int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string config_text(const Settings& settings) {
  Settings all = {{"archive.state_dir", "\"state\""},
                  {"archive.run_dir", "\"run\""},
                  {"archive.spool_dir", "\"spool\""},
                  {"archive.mirror_dir", "\"mirror\""},
                  {"archive.mirror_same_device", "true"},
                  {"http.listen_port", "0"},
                  {"standard.path", "\"standard\""},
                  {"warm.path", "\"warm\""},
                  {"cold.kind", "\"vault\""},
                  {"cold.path", "\"vault\""}};
  for (const auto& [name, value] : settings) all.insert_or_assign(name, value);
  std::string text;
  std::string section;
  for (const auto& [name, value] : all) {
    const size_t dot = name.find('.');
    if (name.substr(0, dot) != section) {
      section = name.substr(0, dot);
      text += "[" + section + "]\n";
    }
    text += name.substr(dot + 1) + " = " + value + "\n";
  }
  return text;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// How a process ended: its exit code, or 128 and the signal's number.
int how_it_ended(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return how_it_ended(status);
}

}  // namespace

DaemonProcess::DaemonProcess(std::string program, std::string directory, const Settings& settings)
    : program_(std::move(program)),
      directory_(std::move(directory)),
      scheme_(settings.count("http.tls_certificate") > 0 ? "https://" : "http://") {
  std::filesystem::create_directories(directory_);
  std::ofstream(directory_ + "/holdfast.toml") << config_text(settings);
  if (const int code = wait_for(spawn({"--init"})); code != 0)
    fail("holdfastd --init ended with " + std::to_string(code));
}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0) kill();
}

pid_t DaemonProcess::spawn(const std::vector<std::string>& words) const {
  std::vector<std::string> all = {program_, "--config", directory_ + "/holdfast.toml"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string log = directory_ + "/holdfastd.log";
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the test ended in between
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execv(program_.c_str(), arguments.data());
  ::_exit(127);
}

void DaemonProcess::start() {
  launch();
  await_ready();
}

void DaemonProcess::launch() {
  const std::string port_file = directory_ + "/run/http.port";
  std::filesystem::remove(port_file);  // the one before told another port
  pid_ = spawn({});
  const bool listens = eventually([&] {
    if (has_ended()) fail("holdfastd ended while it started");
    const std::string text = read_text(port_file);
    if (text.empty() || text.back() != '\n') return false;
    port_ = std::stoi(text);
    url_ = scheme_ + "127.0.0.1:" + std::to_string(port_);
    return true;
  });
  if (!listens) fail("holdfastd does not listen after a minute");
}

void DaemonProcess::await_ready() {
  const bool ready = eventually([&] {
    if (has_ended()) fail("holdfastd ended while it started");
    HttpRequest request;
    request.path = "/readyz";
    request.timeout = seconds(10);
    Endpoint endpoint = by_key(url_, "");
    endpoint.ca_file = ca_file_;
    const auto answer = HttpClient(endpoint).send(request);
    return answer.ok() && answer->status == 200;
  });
  if (!ready) fail("holdfastd is not ready after a minute");
}

void DaemonProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ended_with_ = wait_for(pid_);
  pid_ = 0;
}

bool DaemonProcess::has_ended() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  ended_with_ = how_it_ended(status);
  pid_ = 0;
  return true;
}

bool DaemonProcess::has_died() const {
  if (pid_ <= 0) return true;
  siginfo_t ended = {};
  const int looked = ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
  return looked == 0 && ended.si_pid == pid_;
}

int DaemonProcess::stop() {
  ::kill(pid_, SIGTERM);
  if (!eventually([&] { return has_ended(); })) fail("holdfastd has not stopped after a minute");
  return ended_with_;
}

std::string DaemonProcess::log_tail() const {
  const std::string text = read_text(directory_ + "/holdfastd.log");
  constexpr size_t kTail = 6000;
  return text.size() <= kTail ? text : text.substr(text.size() - kTail);
}

void DaemonProcess::fail(const std::string& what) const {
  throw std::runtime_error(what + "; the end of its log:\n" + log_tail());
}

Result<HttpResponse> TestClient::try_send(const HttpRequest& request) {
  HttpRequest bounded = request;
  if (bounded.timeout.count == 0) bounded.timeout = minutes(2);
  return http_.send(bounded);
}

HttpResponse TestClient::send(const HttpRequest& request) {
  Result<HttpResponse> answer = try_send(request);
  if (!answer.ok())
    throw std::runtime_error(request.method + " " + request.path + ": " + answer.error().message);
  return *std::move(answer);
}

HttpResponse TestClient::get(const std::string& path, std::vector<NameValue> headers) {
  HttpRequest request;
  request.path = path;
  request.headers = std::move(headers);
  return send(request);
}

HttpResponse TestClient::head(const std::string& path, std::vector<NameValue> headers) {
  HttpRequest request;
  request.method = "HEAD";
  request.path = path;
  request.headers = std::move(headers);
  return send(request);
}

HttpResponse TestClient::remove(const std::string& path) {
  HttpRequest request;
  request.method = "DELETE";
  request.path = path;
  return send(request);
}

HttpResponse TestClient::post(const std::string& path, const json::value& body) {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.body = canonical(body);
  return send(request);
}

json::object TestClient::get_object(const std::string& path, int status) {
  const HttpResponse answer = get(path);
  auto body = answer.parsed();
  if (answer.status != status || !body.ok() || !body->is_object())
    throw std::runtime_error("GET " + path + ": " + std::to_string(answer.status) + " " +
                             answer.body.substr(0, 500));
  return body->get_object();
}

Endpoint by_socket(const std::string& path) {
  Endpoint endpoint;
  endpoint.socket_path = path;
  return endpoint;
}

Endpoint by_key(const std::string& url, const std::string& key) {
  Endpoint endpoint;
  endpoint.url = url;
  endpoint.key = key;
  return endpoint;
}

Patience::Patience(Millis limit) : deadline_ms_(monotonic_ms() + limit.count) {}

bool Patience::rest() {
  if (monotonic_ms() >= deadline_ms_) return false;
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return true;
}

}  // namespace holdfast::testing
