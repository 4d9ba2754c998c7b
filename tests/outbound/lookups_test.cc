// Look-ups of names: a name server that is silent holds up nobody for longer than the limit.
#include "daemon/outbound/lookups.h"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

using namespace holdfast;
using namespace holdfast::outbound;

namespace {

constexpr Millis kForEver = hours(24);

// A name server that is silent for some names until the test lets it go. It outlives the look-ups.
class SilentServer {
 public:
  Resolver resolver() {
    return [this](const std::string& host) -> Result<std::vector<IpAddress>> {
      std::unique_lock lock(mutex_);
      ++asked_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !silent_.contains(host); });
      HOLDFAST_ASSIGN(address, IpAddress::from_text("93.184.216.34"));
      return std::vector{address};
    };
  }
  void be_silent_for(const std::string& host) {
    const std::lock_guard lock(mutex_);
    silent_.insert(host);
  }
  void let_go(const Lookups& lookups) {
    {
      const std::lock_guard lock(mutex_);
      silent_.clear();
      changed_.notify_all();
    }
    while (lookups.under_way() > 0) std::this_thread::yield();
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void await_asked(int times) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> silent_;
  int asked_ = 0;
};

bool is_answered(const std::map<std::string, Lookups::Answer>& answers, const std::string& host) {
  const auto found = answers.find(host);
  BOOST_REQUIRE_MESSAGE(found != answers.end(), "nothing was said of " << host);
  if (!found->second.ok()) BOOST_TEST((found->second.error().code == Code::kUnavailable));
  return found->second.ok();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lookups)

BOOST_AUTO_TEST_CASE(each_name_gets_its_answer) {
  SilentServer server;
  Lookups lookups(server.resolver());
  const auto answers = lookups.resolve_all({"a.example", "b.example", "a.example"}, kForEver);
  BOOST_TEST(answers.size() == 2u);
  BOOST_TEST(is_answered(answers, "a.example"));
  BOOST_TEST(is_answered(answers, "b.example"));
  BOOST_TEST(server.asked() == 2);
}

BOOST_AUTO_TEST_CASE(a_silent_server_is_not_waited_for) {
  SilentServer server;
  Lookups lookups(server.resolver());
  server.be_silent_for("slow.example");
  BOOST_TEST(is_answered(lookups.resolve_all({"quick.example"}, kForEver), "quick.example"));
  const auto answers = lookups.resolve_all({"slow.example"}, Millis(1));
  BOOST_TEST(!is_answered(answers, "slow.example"));
  BOOST_TEST(answers.at("slow.example").error().message.find("outbound.timeout") !=
             std::string::npos);
  server.await_asked(2);
  // The one that hangs is waited for again, not begun anew.
  BOOST_TEST(!is_answered(lookups.resolve_all({"slow.example"}, Millis(1)), "slow.example"));
  BOOST_TEST(lookups.under_way() == 1u);
  server.let_go(lookups);
  BOOST_TEST(server.asked() == 2);
  // What it said too late was thrown away.
  BOOST_TEST(is_answered(lookups.resolve_all({"slow.example"}, kForEver), "slow.example"));
  BOOST_TEST(server.asked() == 3);
}

BOOST_AUTO_TEST_CASE(those_that_hang_are_bounded) {
  SilentServer server;
  Lookups lookups(server.resolver(), 2);
  for (const char* host : {"one.example", "two.example"}) server.be_silent_for(host);
  const auto answers =
      lookups.resolve_all({"one.example", "two.example", "third.example"}, Millis(1));
  for (const char* host : {"one.example", "two.example", "third.example"})
    BOOST_TEST(!is_answered(answers, host), host);
  BOOST_TEST(answers.at("third.example").error().message.find("2 other names") !=
             std::string::npos);
  BOOST_TEST(lookups.under_way() == 2u);
  server.let_go(lookups);
  BOOST_TEST(is_answered(lookups.resolve_all({"third.example"}, kForEver), "third.example"));
}

BOOST_AUTO_TEST_CASE(a_stop_waits_for_none) {
  SilentServer server;
  Lookups lookups(server.resolver());
  server.be_silent_for("slow.example");
  std::map<std::string, Lookups::Answer> answers;
  std::thread asking([&] { answers = lookups.resolve_all({"slow.example"}, kForEver); });
  server.await_asked(1);
  lookups.request_stop();
  asking.join();  // and not in a day
  BOOST_TEST(!is_answered(answers, "slow.example"));
  // Nor does who asks after it.
  BOOST_TEST(!is_answered(lookups.resolve_all({"slow.example"}, kForEver), "slow.example"));
  server.let_go(lookups);
}

// The daemon's own threads are gone when the answer comes at last.
BOOST_AUTO_TEST_CASE(a_look_up_may_outlive_who_asked) {
  SilentServer server;
  server.be_silent_for("slow.example");
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  {
    const Resolver inner = server.resolver();
    Lookups lookups([&, inner](const std::string& host) {
      auto answer = inner(host);
      const std::lock_guard lock(mutex);
      ended = true;
      changed.notify_all();
      return answer;
    });
    BOOST_TEST(!is_answered(lookups.resolve_all({"slow.example"}, Millis(1)), "slow.example"));
    server.await_asked(1);
  }
  Lookups none(server.resolver());
  server.let_go(none);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return ended; });
  BOOST_TEST(ended);
}

BOOST_AUTO_TEST_SUITE_END()
