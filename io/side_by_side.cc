#include "io/side_by_side.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"

namespace holdfast {
namespace {

constexpr std::chrono::seconds kLooksEvery{1};  // whether those that are waited for still live

}  // namespace

// How many others there are.
size_t SideBySide::ready(int most) {
  const auto wanted = static_cast<size_t>(std::clamp(most, 1, threads_) - 1);
  while (others_.size() < wanted) {
    auto opened = Io::open();
    if (!opened.ok()) {
      log::warning("the work goes on with one thread less: {}", opened.error().message);
      break;
    }
    others_.push_back(std::move(opened).value());
  }
  return std::min(wanted, others_.size());
}

uint64_t SideBySide::beats() const {
  uint64_t sum = 0;
  for (const std::unique_ptr<Io>& other : others_) sum += other->pulse().beats();
  return sum;
}

void SideBySide::run(Io& io, int most, const std::function<void(Io&)>& work) {
  std::mutex mutex;
  std::condition_variable ended;
  size_t running = ready(most);
  const auto end_one = [&] {
    const std::lock_guard lock(mutex);
    --running;
    ended.notify_one();
  };
  std::vector<std::thread> threads;
  for (size_t i = 0, count = running; i < count; ++i) {
    try {
      threads.emplace_back([&work, &end_one, &own = *others_[i]] {
        work(own);
        end_one();
      });
    } catch (const std::system_error& error) {
      log::warning("the work goes on with one thread less: {}", error.what());
      end_one();
    }
  }
  work(io);
  {
    std::unique_lock lock(mutex);
    for (uint64_t seen = beats();
         !ended.wait_for(lock, kLooksEvery, [&] { return running == 0; });) {
      const uint64_t now = beats();
      if (now != seen) io.pulse().beat();
      seen = now;
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace holdfast
