#include "cli/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/words.h"

namespace holdfast::cli {
namespace {

constexpr const char* kDefaultSocket = "/run/holdfast/admin.sock";
constexpr size_t kKeyBytesMax = 4096;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The first line of the file.
Result<std::string> read_key(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return system_error(errno, "read the key file " + path);
  char text[kKeyBytesMax + 1];
  const size_t length = std::fread(text, 1, sizeof text, file);
  const int failure = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  if (failure != 0) return system_error(failure, "read the key file " + path);
  std::string key(text, length);
  key.erase(std::min(key.size(), key.find_first_of("\r\n")));
  if (key.empty() || key.size() > kKeyBytesMax)
    return Error{
        Code::kInvalid,
        fmt::format("the key file {}: expected the API key alone on its first line", path)};
  return key;
}

Result<Endpoint> endpoint_of(const GlobalOptions& options) {
  Endpoint endpoint;
  if (!options.url.empty()) {
    endpoint.url = options.url;
    if (!options.plaintext && is_clear_text_beyond_loopback(options.url))
      return Error{Code::kInvalid,
                   fmt::format("{}: the API key would go there in clear text: expected an https:// "
                               "URL, or --plaintext where the network is trusted",
                               endpoint.url)};
    const auto said = [](const std::string& option, const char* name) {
      return option.empty() ? environment(name) : option;
    };
    endpoint.ca_file = said(options.ca_file, "HOLDFAST_CACERT");
    endpoint.certificate = said(options.certificate, "HOLDFAST_CERT");
    endpoint.certificate_key = said(options.certificate_key, "HOLDFAST_CERT_KEY");
    endpoint.key = options.key;
    if (endpoint.key.empty() && !options.key_file.empty()) {
      HOLDFAST_ASSIGN(key, read_key(options.key_file));
      endpoint.key = key;
    }
    if (endpoint.key.empty()) endpoint.key = environment("HOLDFAST_KEY");
    if (endpoint.key.empty())
      return Error{Code::kUnauthenticated,
                   fmt::format("{} needs an API key: give --key-file FILE, --key KEY or "
                               "$HOLDFAST_KEY",
                               endpoint.url)};
    return endpoint;
  }
  endpoint.socket_path = options.socket_path;
  if (endpoint.socket_path.empty()) endpoint.socket_path = environment("HOLDFAST_SOCKET");
  if (endpoint.socket_path.empty()) endpoint.socket_path = kDefaultSocket;
  return endpoint;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const GlobalOptions& options, Clock& clock) {
  HOLDFAST_ASSIGN(endpoint, endpoint_of(options));
  return std::unique_ptr<Session>(new Session(std::move(endpoint), options, clock));
}

Session::Session(Endpoint endpoint, const GlobalOptions& options, Clock& clock)
    : client_(std::move(endpoint)),
      clock_(clock),
      workspace_(options.workspace.empty() ? environment("HOLDFAST_WORKSPACE") : options.workspace),
      json_(options.json) {}

Result<std::string> Session::workspace() {
  if (!workspace_.empty()) {
    HOLDFAST_TRY(check_workspace(workspace_));
    return workspace_;
  }
  auto answer = get("/v1/workspaces");
  if (!answer.ok()) {
    if (answer.error().code == Code::kUnavailable) return answer.error();
    return answer.error().within(
        "no --workspace and no $HOLDFAST_WORKSPACE was given, and the workspaces cannot be listed");
  }
  HOLDFAST_ASSIGN(object, object_of(answer->value, "list the workspaces"));
  std::string names;
  const auto items = objects_of(*object, "items");
  for (const json::object* item : items) {
    if (!names.empty()) names += ", ";
    names += text_of(*item, "workspace_id");
  }
  if (items.size() == 1) return workspace_ = names;
  if (items.empty())
    return Error{Code::kNotFound,
                 "there is no workspace yet: make one with \"holdfast workspace add UUID\""};
  return Error{Code::kInvalid,
               fmt::format("which workspace? Give --workspace UUID; there are: {}", names)};
}

Result<std::string> Session::workspace_path(const std::vector<std::string_view>& segments) {
  HOLDFAST_ASSIGN(id, workspace());
  return path_of({"v1", id}) + path_of(segments);
}

Result<Session::Answer> Session::get(std::string path, std::vector<NameValue> query) {
  HttpRequest request;
  request.path = std::move(path);
  request.query = std::move(query);
  HOLDFAST_ASSIGN(response, client_.request(request));
  HOLDFAST_ASSIGN(value, response.parsed());
  return Answer{std::move(response), std::move(value)};
}

Result<Session::Answer> Session::call(std::string method, std::string path,
                                      const json::object& body) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  if (!body.empty()) request.body = canonical(body);
  HOLDFAST_ASSIGN(response, client_.request(request));
  if (response.body.empty()) return Answer{std::move(response), json::object()};
  HOLDFAST_ASSIGN(value, response.parsed());
  return Answer{std::move(response), std::move(value)};
}

void Session::print_json(const HttpResponse& response) {
  std::fwrite(response.body.data(), 1, response.body.size(), stdout);
  if (response.body.empty() || response.body.back() != '\n') std::fputc('\n', stdout);
}

void Session::print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void Session::remark(std::string_view line) {
  std::fflush(stdout);  // on a terminal both appear in the order in which they were said
  fmt::print(stderr, "{}\n", line);
}

void Session::report(const Error& error) {
  std::fflush(stdout);  // what was done comes before what failed
  const std::string line = fmt::format("holdfast: {}\n", printable(error.message));
  std::fwrite(line.data(), 1, line.size(), stderr);
  if (exit_code_ == 0) exit_code_ = traits(error.code).exit_code;
}

}  // namespace holdfast::cli
