// Callbacks: promised with a restore, durable with its end, signed, tried again, parked.
#include "daemon/work/deliverer.h"

#include <condition_variable>
#include <thread>

#include "daemon/outbound/signature.h"
#include "index/commands/outbox.h"
#include "index/secrets.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

constexpr char kUrl[] = "https://crm.example.com/done";

void allow(Config& config) { config.outbound.hosts = {"crm.example.com", "slow.example.com"}; }

// Others, in memory: they take what comes and answer as they are told.
struct Others {
  std::vector<outbound::Post> taken;
  std::function<Result<int>(const outbound::Post&)> answer = [](const outbound::Post&) {
    return Result<int>(200);
  };
  std::string address = "93.184.216.34";

  Deliverer::Ways ways() {
    Deliverer::Ways ways;
    ways.resolve = [this](const std::string&) -> Result<std::vector<IpAddress>> {
      HOLDFAST_ASSIGN(one, IpAddress::from_text(address));
      return std::vector{one};
    };
    ways.post = [this](const std::vector<outbound::Post>& posts, const outbound::PostOptions&) {
      std::vector<Result<int>> answers;
      for (const outbound::Post& post : posts) {
        taken.push_back(post);
        answers.push_back(answer(post));
      }
      return answers;
    };
    return ways;
  }
};

std::string header(const outbound::Post& post, const std::string& name) {
  for (const auto& [key, value] : post.headers)
    if (key == name) return value;
  return "";
}

json::object body(const outbound::Post& post) { return must(parse_json(post.body)).as_object(); }

struct Rig : ArchiveFixture {
  Rig() : ArchiveFixture(allow) {}

  RestoreId ask_with(const TestCall& call, const std::string& who, const std::string& url) {
    RequestRestore request;
    request.recording = recording(call).recording_no;
    request.restore = random.id<RestoreId>();
    request.who = who;
    request.callback_url = url;
    return must(archive().writer.call(request_restore(request))).restore.restore;
  }
  void deliver() { Deliverer(archive(), others.ways()).run(); }
  std::vector<MessageRow> messages(bool parked_only = false) {
    auto index = must(archive().index.take());
    return must(list_messages(*index, {std::nullopt, parked_only, std::nullopt}, 1000));
  }
  OutboxCount count() {
    auto index = must(archive().index.take());
    return must(outbox_count(*index));
  }

  Others others;
};

BOOST_AUTO_TEST_SUITE(callbacks)

BOOST_AUTO_TEST_CASE(each_waiter_that_named_a_url_is_called_once) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId restore = rig.ask_with(call, "key:one", kUrl);
  rig.ask_with(call, "key:two", std::string(kUrl) + "?two");
  rig.ask_with(call, "key:three", "");
  rig.ask_with(call, "key:four", kUrl);
  BOOST_TEST(must(rig.archive().writer.call(cancel_waiter(restore, "key:four"))) == false);
  rig.deliver();
  BOOST_TEST(rig.others.taken.empty());  // nothing has happened yet
  rig.run_restorers();
  BOOST_TEST(rig.messages().size() == 2u);
  rig.deliver();
  rig.deliver();
  BOOST_REQUIRE(rig.others.taken.size() == 2u);
  const json::object told = body(rig.others.taken.front());
  BOOST_TEST(told.at("type").get_string() == "recording.restored");
  const json::object& data = told.at("data").get_object();
  BOOST_TEST(data.at("call_sid").get_string() == call.call_sid);
  BOOST_TEST(data.at("restore_id").get_string() == restore.text());
  BOOST_TEST(data.contains("expires_at"));
  BOOST_TEST(rig.messages().empty());
}

// Who cancelled and asks again is asked again what to call.
BOOST_AUTO_TEST_CASE(a_wish_that_was_taken_back_leaves_no_url_behind) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId restore = rig.ask_with(call, "key:one", kUrl);
  rig.ask_with(call, "key:two", "");
  BOOST_TEST(must(rig.archive().writer.call(cancel_waiter(restore, "key:one"))) == false);
  rig.ask_with(call, "key:one", "");
  rig.run_restorers();
  BOOST_TEST(rig.messages().empty());
}

BOOST_AUTO_TEST_CASE(a_restore_that_fails_is_told) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId restore = rig.ask_with(call, "key:one", kUrl);
  must(rig.archive().writer.call(restore_failed(restore, "its pack is gone")));
  must(rig.archive().writer.call(restore_failed(restore, "its pack is gone")));
  rig.deliver();
  BOOST_REQUIRE(rig.others.taken.size() == 1u);
  const json::object told = body(rig.others.taken.front());
  BOOST_TEST(told.at("type").get_string() == "recording.restore_failed");
  BOOST_TEST(told.at("data").at("error").get_string() == "no copy of it could be read");
}

BOOST_AUTO_TEST_CASE(a_message_is_signed_by_the_secrets_in_force) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.ask_with(call, "key:one", kUrl);
  rig.run_restorers();
  const WorkspaceNo workspace_no = rig.recording(call).workspace_no;
  rig.others.answer = [](const outbound::Post&) { return Result<int>(500); };
  const auto check = [&](size_t signatures) {
    rig.others.taken.clear();
    rig.clock.advance(minutes(1));
    rig.deliver();
    BOOST_REQUIRE(rig.others.taken.size() == 1u);
    const outbound::Post& post = rig.others.taken.front();
    auto index = must(rig.archive().index.take());
    std::vector<std::string> secrets;
    for (const WebhookSecret& one : must(webhook_secrets(*index, workspace_no, rig.clock.now())))
      secrets.push_back(one.secret);
    BOOST_TEST(secrets.size() == signatures);
    const std::string id = header(post, "webhook-id");
    const int64_t timestamp_s = rig.clock.now().count / 1000;
    BOOST_TEST(header(post, "webhook-timestamp") == std::to_string(timestamp_s));
    BOOST_TEST(header(post, "webhook-signature") ==
               outbound::signature({id, timestamp_s, post.body}, secrets));
    return id;
  };
  const std::string id = check(1);
  must(rig.archive().writer.call(rotate_webhook_secret(workspace_no, "uid:0")));
  BOOST_TEST(check(2) == id);  // the same message
  rig.clock.advance(hours(25));
  BOOST_TEST(check(1) == id);
}

// A tenant whose receiver is dead fills its own share alone, and delays nobody else's news.
BOOST_AUTO_TEST_CASE(a_dead_receiver_takes_nothing_from_another_workspace) {
  Rig rig;
  const WorkspaceNo dead = rig.recording(rig.ingest()).workspace_no;
  const auto other_id = rig.random.id<WorkspaceId>();
  must(rig.archive().writer.call(add_workspace(other_id, "other", "uid:0")));
  const WorkspaceNo other{dead.value + 1};
  const auto enqueue = [&](WorkspaceNo workspace_no, const std::string& url, int count) {
    must(rig.archive().writer.call(Command<void>{
        "enqueue", [=](WriteTxn& txn) -> Status {
          for (int i = 0; i < count; ++i)
            HOLDFAST_TRY(enqueue_message(txn, {workspace_no, RecordingNo(1), url, "test", {}}));
          return {};
        }}));
  };
  enqueue(dead, "https://slow.example.com/", limits::kOutboxMax);
  rig.clock.advance(seconds(1));
  enqueue(other, kUrl, 1);
  rig.others.answer = [](const outbound::Post& post) {
    const bool is_dead = post.target.host == "slow.example.com";
    return is_dead ? Result<int>(Error{Code::kUnavailable, "no connection"}) : Result<int>(204);
  };
  auto index = must(rig.archive().index.take());
  BOOST_TEST(must(has_messages(*index, dead, limits::kOutboxMax)));
  BOOST_TEST(!must(has_messages(*index, other, 2)));
  rig.deliver();
  BOOST_TEST(!must(has_messages(*index, other, 1)));
  BOOST_TEST(must(has_messages(*index, dead, limits::kOutboxMax)));

  // No request of its own may name a callback now.
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  RequestRestore request;
  request.recording = rig.recording(call).recording_no;
  request.restore = rig.random.id<RestoreId>();
  request.who = "key:one";
  request.callback_url = kUrl;
  const auto refused = rig.archive().writer.call(request_restore(request));
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == Code::kExhausted));
}

BOOST_AUTO_TEST_CASE(who_does_not_take_it_is_asked_for_three_days_and_then_parked) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.ask_with(call, "key:one", kUrl);
  rig.run_restorers();
  rig.others.answer = [](const outbound::Post&) {
    return Result<int>(Error{Code::kUnavailable, "no connection"});
  };
  const UnixMillis began = rig.clock.now();
  std::vector<int64_t> pauses_ms;
  while (rig.count().parked == 0 && pauses_ms.size() < 100) {
    rig.deliver();
    if (rig.count().parked > 0) break;
    const MessageRow row = rig.messages().front();
    BOOST_TEST(row.error == "no connection");
    pauses_ms.push_back(row.not_before.count - rig.clock.now().count);
    rig.clock.advance(Millis(pauses_ms.back()));
  }
  BOOST_TEST(std::is_sorted(pauses_ms.begin(), pauses_ms.end()));
  BOOST_TEST(pauses_ms.front() == limits::kOutboxRetryMs);
  BOOST_TEST(pauses_ms.back() == limits::kOutboxRetryMsMax);
  BOOST_TEST((rig.clock.now() <= began + days(3)));
  BOOST_TEST((rig.clock.now() > began + days(2)));
  // Parked, it is let alone until a person says otherwise.
  rig.others.taken.clear();
  rig.clock.advance(days(10));
  rig.deliver();
  BOOST_TEST(rig.others.taken.empty());
  BOOST_TEST(rig.messages(true).size() == 1u);
  BOOST_TEST(must(rig.archive().writer.call(retry_messages({}))) == 1);
  rig.others.answer = [](const outbound::Post&) { return Result<int>(204); };
  rig.deliver();
  BOOST_TEST(rig.count().waiting == 0);
  BOOST_TEST(rig.count().parked == 0);
}

BOOST_AUTO_TEST_CASE(gone_is_gone) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.ask_with(call, "key:one", kUrl);
  rig.run_restorers();
  rig.others.answer = [](const outbound::Post&) { return Result<int>(410); };
  rig.deliver();
  BOOST_TEST(rig.count().parked == 1);
  BOOST_TEST(must(rig.archive().writer.call(drop_messages({}))) == 1);
  BOOST_TEST(rig.count().waiting == 0);
}

// The configuration in force decides, and the addresses of the moment: not those of the request.
BOOST_AUTO_TEST_CASE(what_may_be_called_is_asked_anew_for_each_call) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.ask_with(call, "key:one", kUrl);
  rig.ask_with(call, "key:two", "https://unlisted.example.com/");
  rig.run_restorers();
  rig.others.address = "127.0.0.1";
  rig.deliver();
  BOOST_TEST(rig.others.taken.empty());
  for (const MessageRow& row : rig.messages()) BOOST_TEST(row.attempts == 1);
  rig.others.address = "93.184.216.34";
  rig.clock.advance(minutes(1));
  rig.deliver();
  BOOST_REQUIRE(rig.others.taken.size() == 1u);
  BOOST_TEST(rig.others.taken.front().target.url == kUrl);
}

// Of a host that never answers, a few at a time: the others have their turn in the same batch.
BOOST_AUTO_TEST_CASE(one_host_does_not_fill_a_batch) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  for (int i = 0; i < 40; ++i)
    rig.ask_with(call, "key:" + std::to_string(i), "https://slow.example.com/");
  rig.ask_with(call, "key:last", kUrl);
  rig.run_restorers();
  std::vector<size_t> batches;
  Deliverer::Ways ways = rig.others.ways();
  ways.post = [&, post = ways.post](const std::vector<outbound::Post>& posts,
                                    const outbound::PostOptions& options) {
    batches.push_back(posts.size());
    return post(posts, options);
  };
  Deliverer(rig.archive(), ways).run();
  BOOST_TEST(batches.front() == static_cast<size_t>(limits::kOutboxPerHost) + 1);
  BOOST_TEST(rig.count().waiting == 0);
}

// A host that gives no answer has one turn in a run, however much waits for it.
BOOST_AUTO_TEST_CASE(a_silent_host_starves_nobody) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  for (int i = 0; i < 100; ++i)
    rig.ask_with(call, "key:" + std::to_string(i), "https://slow.example.com/");
  rig.ask_with(call, "key:last", kUrl);
  rig.run_restorers();
  rig.others.answer = [](const outbound::Post& post) {
    if (post.target.host == "slow.example.com")
      return Result<int>(Error{Code::kUnavailable, "out of time"});
    return Result<int>(200);
  };
  rig.deliver();
  BOOST_TEST(rig.others.taken.size() == static_cast<size_t>(limits::kOutboxPerHost) + 1);
  BOOST_TEST(rig.count().waiting == 100);
}

// kill -9 at any moment: a callback is durable with the end of its restore, or neither is; one that
// was taken and not yet settled goes again, under the same id.
BOOST_AUTO_TEST_CASE(a_restart_goes_on) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId restore = rig.ask_with(call, "key:one", kUrl);
  rig.reopen();
  rig.run_restorers();
  rig.reopen();
  BOOST_TEST((rig.restore(restore).state == RestoreState::kStaged));
  BOOST_TEST(rig.messages().size() == 1u);
  Deliverer::Ways ways = rig.others.ways();
  ways.post = [&, post = ways.post](const std::vector<outbound::Post>& posts,
                                    const outbound::PostOptions& options) {
    auto answers = post(posts, options);
    rig.archive().writer.stop();  // dies between the answer and the row
    return answers;
  };
  Deliverer(rig.archive(), ways).run();
  rig.reopen();
  rig.deliver();
  BOOST_REQUIRE(rig.others.taken.size() == 2u);
  BOOST_TEST(header(rig.others.taken[0], "webhook-id") ==
             header(rig.others.taken[1], "webhook-id"));
  BOOST_TEST(rig.others.taken[0].body == rig.others.taken[1].body);
  BOOST_TEST(rig.count().waiting == 0);
}

// A name server that is silent: a stop goes on without it, and the message was not tried.
BOOST_AUTO_TEST_CASE(a_stop_waits_for_no_look_up) {
  Rig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.ask_with(call, "key:one", kUrl);
  rig.run_restorers();
  struct Silence {  // outlives the deliverer, as the look-up does
    std::mutex mutex;
    std::condition_variable changed;
    bool asked = false;
    bool over = false;
    bool ended = false;
  };
  const auto silence = std::make_shared<Silence>();
  const auto wait_until = [&](bool Silence::*flag) {
    std::unique_lock lock(silence->mutex);
    silence->changed.wait(lock, [&] { return (*silence).*flag; });
  };
  Deliverer::Ways ways = rig.others.ways();
  ways.resolve = [silence](const std::string&) -> Result<std::vector<IpAddress>> {
    std::unique_lock lock(silence->mutex);
    silence->asked = true;
    silence->changed.notify_all();
    silence->changed.wait(lock, [&] { return silence->over; });
    silence->ended = true;
    silence->changed.notify_all();
    return Error{Code::kUnavailable, "nobody knows that name"};
  };
  {
    Deliverer deliverer(rig.archive(), ways);
    std::thread lane([&] { deliverer.run(); });
    wait_until(&Silence::asked);
    deliverer.request_stop();
    lane.join();
  }
  BOOST_TEST(rig.others.taken.empty());
  const std::vector<MessageRow> waiting = rig.messages();
  BOOST_REQUIRE(waiting.size() == 1u);
  BOOST_TEST(waiting.front().attempts == 0);
  rig.deliver();
  BOOST_TEST(rig.others.taken.size() == 1u);
  {
    const std::lock_guard lock(silence->mutex);
    silence->over = true;
    silence->changed.notify_all();
  }
  wait_until(&Silence::ended);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
