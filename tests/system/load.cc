#include "tests/system/load.h"

#include <chrono>

#include "base/clock.h"

namespace holdfast::testing {
namespace {

constexpr size_t kSmallBytes = 4000;
constexpr size_t kLargeBytes = 200'000;

// The time of an ended call: some are old enough to be moved at once, some are fresh.
CallShape shape_of(SeededRandom& random) {
  const UnixMillis now = SystemClock().now();
  return {now - Millis(static_cast<int64_t>(random.below(4000))),
          random.below(8) == 0 ? kLargeBytes : kSmallBytes + random.below(8000) * 2};
}

// 503 says that the daemon is busy or that the outcome is unknown: no promise either way.
bool is_no_promise(const Load& load, int status) {
  return status == 503 || status == 507 || (status == 500 && load.disks_fail);
}

// An acknowledged call whose files a failing disk keeps in .incoming is not deleted before they are
// in their place: no promise either.
bool is_to_be_placed(const Load& load, const HttpResponse& answer) {
  return load.disks_fail && answer.status == 409 &&
         answer.body.find("not in their place yet") != std::string::npos;
}

void upload_calls(Load& load, SeededRandom random) {
  TestClient client(by_key(load.daemon.url(), load.key));
  while (!load.over) {
    const CallFiles call = make_call(load.calls, load.workspace, shape_of(random), random);
    load.oracle.offered(call, false);
    const auto answer = client.try_send(upload_of(call));
    if (!answer.ok()) return;
    if (answer->status == 201)
      load.oracle.stored(call.call_sid);
    else if (!is_no_promise(load, answer->status))
      load.complain("upload answered " + std::to_string(answer->status) + " " + answer->body);
  }
}

// As a recorder on the same machine: files first, metadata.json is renamed in.
void spool_calls(Load& load, SeededRandom random) {
  namespace fs = std::filesystem;
  while (!load.over) {
    const CallFiles call = make_call(load.calls, load.workspace, shape_of(random), random);
    const std::string entry =
        load.daemon.directory() + "/spool/" + load.workspace + "/" + call.call_sid;
    load.oracle.offered(call, true);
    fs::create_directories(entry);
    for (const auto& [name, bytes] : call.contents)
      if (name != "metadata.json") fs::copy_file(call.directory + "/" + name, entry + "/" + name);
    fs::copy_file(call.directory + "/metadata.json", entry + "/.metadata.json");
    fs::rename(entry + "/.metadata.json", entry + "/metadata.json");
    eventually([&] { return load.over || !fs::exists(entry); });
    if (!fs::exists(entry)) load.oracle.stored(call.call_sid);
  }
}

void read_calls(Load& load, SeededRandom random) {
  // As an operator, whose recalls have no budget.
  TestClient client(by_socket(load.daemon.admin_socket()));
  const std::string names[] = {"inbound.ulaw", "outbound.pcm", "metadata.json"};
  while (!load.over) {
    const auto call = load.oracle.any_living(random.below(UINT64_MAX));
    if (call)
      (void)download(load, client, *call, names[random.below(3)]);
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void hold_calls(Load& load, SeededRandom random) {
  TestClient client(by_key(load.daemon.url(), load.key));
  while (!load.over) {
    if (random.below(3) == 0) {
      const auto hold = load.oracle.any_hold(random.below(UINT64_MAX));
      if (!hold) continue;
      load.oracle.asks_to_release(hold->first.call_sid, hold->second);
      HttpRequest request;
      request.method = "DELETE";
      request.path = path_of_call(hold->first, "/holds/" + hold->second);
      const auto answer = client.try_send(request);
      if (!answer.ok()) return;
      if (answer->status != 200 && !is_no_promise(load, answer->status))
        load.complain("release answered " + std::to_string(answer->status) + " " + answer->body);
      continue;
    }
    const auto call = load.oracle.any_living(random.below(UINT64_MAX));
    if (!call) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    load.oracle.asks_to_hold(call->call_sid);
    HttpRequest request;
    request.method = "POST";
    request.path = path_of_call(*call, "/holds");
    request.body = canonical(
        json::object{{"matter", "crash " + std::to_string(random.below(5))}, {"reason", "test"}});
    const auto answer = client.try_send(request);
    if (!answer.ok()) return;
    if (answer->status == 201) {
      const auto body = answer->parsed();
      load.oracle.held(call->call_sid, std::string(body->at("hold_id").get_string()));
    } else if (answer->status != 409 && answer->status != 404 &&
               !is_no_promise(load, answer->status)) {
      load.complain("hold answered " + std::to_string(answer->status) + " " + answer->body);
    }
  }
}

void delete_calls(Load& load, SeededRandom random) {
  TestClient client(by_key(load.daemon.url(), load.key));
  while (!load.over) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + random.below(30)));
    // Now and then one that is held: it must be refused.
    const auto held = load.oracle.any_hold(random.below(UINT64_MAX));
    const bool try_held = held && random.below(4) == 0;
    const auto call =
        try_held ? std::optional(held->first) : load.oracle.any_unheld(random.below(UINT64_MAX));
    if (!call) continue;
    load.oracle.asks_to_delete(call->call_sid);
    HttpRequest request;
    request.method = "DELETE";
    request.path = path_of_call(*call);
    const auto answer = client.try_send(request);
    if (!answer.ok()) return;
    if (answer->status == 202)
      load.oracle.deleted(call->call_sid);
    else if (answer->status == 409 && answer->body.find("legal-hold") != std::string::npos)
      load.oracle.refused_to_delete(call->call_sid);
    else if (is_to_be_placed(load, *answer))
      continue;
    else if (!is_no_promise(load, answer->status))
      load.complain("delete answered " + std::to_string(answer->status) + " " + answer->body);
  }
}

}  // namespace

void Load::complain(const std::string& what) {
  std::lock_guard lock(mutex);
  wrong.push_back(what);
}

std::optional<std::string> download(Load& load, TestClient& client, const CallFiles& call,
                                    const std::string& name) {
  HttpRequest request;
  request.path = path_of_call(call, "/download/" + name);
  const auto answer = client.try_send(request);
  // A connection that ends early is an error of the transfer: never taken for the whole file.
  if (!answer.ok()) return std::nullopt;
  const std::string what = "GET " + request.path + " answered " + std::to_string(answer->status);
  if (answer->status == 200) {
    load.oracle.read(call.call_sid, name);
    if (answer->body != call.contents.at(name))
      load.complain(what + " with other bytes (" + std::to_string(answer->body.size()) + ")");
    return answer->body;
  }
  // 202 archived; 404 when somebody deleted it meanwhile; 503 busy.
  if (answer->status != 202 && answer->status != 404 && !is_no_promise(load, answer->status))
    load.complain(what + " " + answer->body);
  return std::nullopt;
}

std::vector<std::thread> press(Load& load, uint64_t seed) {
  std::vector<std::thread> threads;
  const auto start = [&](void (*client)(Load&, SeededRandom)) {
    threads.emplace_back(client, std::ref(load), SeededRandom(seed * 16 + threads.size()));
  };
  start(upload_calls);
  start(upload_calls);
  start(spool_calls);
  start(read_calls);
  start(read_calls);
  start(hold_calls);
  start(delete_calls);
  return threads;
}

}  // namespace holdfast::testing
