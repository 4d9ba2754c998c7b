// Several users of one medium: one at a time, and an attach that fails is made once for all who
// waited for it.
#include "daemon/work/session_keeper.h"

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

// Attaches when `wait` has ended, and never with success.
class AwayBackend final : public PackBackend {
 public:
  explicit AwayBackend(std::function<void()> wait) : wait_(std::move(wait)) {}
  MediumId medium() const override { return MediumId(); }
  Tier tier() const override { return Tier::kCold; }
  std::string_view kind() const override { return "vault"; }
  Result<std::unique_ptr<PackSession>> attach(Io&) override {
    ++attaches;
    wait_();
    return Error{Code::kUnavailable, "nobody answers"};
  }

  std::atomic<int> attaches{0};

 private:
  const std::function<void()> wait_;
};

BOOST_AUTO_TEST_SUITE(session_keepers)

BOOST_AUTO_TEST_CASE(who_waited_for_an_attach_shares_its_failure) {
  constexpr int kOthers = 3;
  std::atomic<int> begun{0};
  SessionKeeper* keeper = nullptr;
  // Until all the others wait.
  AwayBackend backend([&] {
    while (keeper->waiting() < kOthers && begun > 0) std::this_thread::yield();
  });
  const ManualClock clock(UnixMillis(0));
  SessionKeeper kept(backend, clock, seconds(1));
  keeper = &kept;
  std::atomic<int> refused{0};
  const auto use = [&] {
    auto io = Io::open();
    if (!io.ok()) return;
    ++begun;
    const Status used = kept.use(**io, [](PackSession&) { return Status(); });
    if (!used.ok() && used.error().code == Code::kUnavailable) ++refused;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i <= kOthers; ++i) threads.emplace_back(use);
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(refused == kOthers + 1);
  BOOST_TEST(backend.attaches == 1);
  // Who comes later asks anew.
  begun = 0;
  auto io = must(Io::open());
  BOOST_TEST(!kept.use(*io, [](PackSession&) { return Status(); }).ok());
  BOOST_TEST(backend.attaches == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
