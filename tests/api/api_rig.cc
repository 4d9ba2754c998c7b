#include "tests/api/api_rig.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "base/clock.h"

namespace holdfast::testing {
namespace {

Settings long_ages() {
  return {{"standard.copy_after", "\"1h\""},
          {"standard.release_after", "\"2h\""},
          {"warm.copy_after", "\"30d\""},
          {"warm.release_after", "\"31d\""},
          {"warm.pack_seal_after", "\"1s\""},
          {"policy.policy_interval", "\"100ms\""},
          {"restore.keep_default", "\"10min\""},
          {"outbound.hosts", "[\"127.0.0.1\", \"archive.example\"]"},
          {"outbound.networks", "[\"127.0.0.0/8\"]"},
          {"outbound.plaintext", "true"},
          {"restore.recalls_per_key_hour", std::to_string(kRecallsPerHour)},
          {"links.link_life", "\"2s\""}};
}

const json::array kAllButAdmin{"calls:read",         "recordings:download", "recordings:write",
                               "recordings:restore", "recordings:delete",   "holds:place",
                               "holds:release"};

DaemonProcess& started(DaemonProcess& daemon) {
  daemon.start();
  return daemon;
}

}  // namespace

ApiRig& ApiRig::instance() {
  static ApiRig rig;
  return rig;
}

ApiRig::ApiRig()
    : daemon_(HOLDFASTD, directory_ / "archive", long_ages()),
      admin_(by_socket(started(daemon_).admin_socket())),
      owner_key_(add_workspace(kWorkspace)),
      owner_(with_key(owner_key_)),
      neighbour_(with_key(add_workspace(kNeighbour))) {}

std::string ApiRig::add_workspace(std::string_view workspace) {
  if (admin_.post("/v1/workspaces", json::object{{"workspace_id", workspace}}).status != 201)
    throw std::runtime_error("no workspace could be added");
  return make_key(kAllButAdmin, workspace).text;
}

ApiRig::NewKey ApiRig::make_key(const json::array& scopes, std::string_view workspace,
                                std::optional<UnixMillis> expires_at) {
  json::object wish{{"name", "test"}, {"scopes", scopes}};
  if (expires_at) wish["expires_at"] = to_iso(*expires_at);
  const HttpResponse answer = admin_.post("/v1/" + std::string(workspace) + "/api-keys", wish);
  if (answer.status != 201) throw std::runtime_error("no key: " + answer.body);
  return {member(answer, "id"), member(answer, "api_key")};
}

CallFiles ApiRig::write_call(Millis ended_before, size_t audio_bytes) {
  return make_call(directory_ / "calls", kWorkspace,
                   {SystemClock().now() - ended_before, audio_bytes}, random_);
}

CallFiles ApiRig::stored(Millis ended_before, size_t audio_bytes) {
  const CallFiles call = write_call(ended_before, audio_bytes);
  const HttpResponse answer = owner_.send(upload_of(call));
  if (answer.status != 201) throw std::runtime_error("upload: " + answer.body);
  return call;
}

CallFiles ApiRig::on_tier(std::string_view tier) {
  const CallFiles call = stored(tier == "standard" ? Millis(0)
                                : tier == "warm"   ? days(1)
                                                   : days(60));
  const bool there = eventually(
      [&] { return admin_.get_object(path_of_call(call)).at("tier").get_string() == tier; });
  if (!there) throw std::runtime_error("no move to " + std::string(tier) + daemon_.log_tail());
  return call;
}

std::vector<json::object> ApiRig::lines(std::string_view chain, const CallFiles& call) {
  const json::object page =
      admin_.get_object("/v1/audit?limit=1000&chain=" + std::string(chain) +
                        "&workspace=" + call.workspace + "&call_sid=" + call.call_sid);
  std::vector<json::object> lines;
  for (const json::value& line : page.at("items").get_array()) lines.push_back(line.get_object());
  return {lines.rbegin(), lines.rend()};
}

int ApiRig::count(std::string_view chain, const CallFiles& call, std::string_view kind) {
  int found = 0;
  for (const json::object& line : lines(chain, call)) found += line.at("kind").get_string() == kind;
  return found;
}

std::string ApiRig::recording_id(const CallFiles& call) {
  return std::string(admin_.get_object(path_of_call(call)).at("recording_id").get_string());
}

size_t ApiRig::restores() {
  return admin_.get_object("/v1/" + std::string(kWorkspace) + "/restores?limit=1000")
      .at("items")
      .get_array()
      .size();
}

std::string problem_of(const HttpResponse& answer) {
  constexpr std::string_view kFront = "urn:holdfast:problem:";
  const std::string type = member(answer, "type");
  return type.starts_with(kFront) ? type.substr(kFront.size()) : "";
}

std::string member(const HttpResponse& answer, std::string_view name) {
  const auto body = answer.parsed();
  if (!body.ok() || !body->is_object()) return "";
  const json::value* value = body->get_object().if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->get_string());
}

std::string target_of(const std::string& url) {
  return url.substr(url.find('/', std::string_view("http://").size()));
}

RawConnection::RawConnection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
}

RawConnection::~RawConnection() { ::close(fd_); }

void RawConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("cannot send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string RawConnection::read_some(size_t most) {
  std::string bytes(most, '\0');
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

std::string RawConnection::read_all() {
  std::string all;
  while (true) {
    const std::string some = read_some();
    if (some.empty()) return all;
    all += some;
  }
}

}  // namespace holdfast::testing
