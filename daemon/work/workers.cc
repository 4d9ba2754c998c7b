#include "daemon/work/workers.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "base/limits.h"

namespace holdfast {

Workers::Workers() : queue_(limits::kWorkerQueue) {}

Result<std::unique_ptr<Workers>> Workers::start(int count, const IoOptions& options) {
  if (count <= 0) count = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::unique_ptr<Workers> workers(new Workers());
  for (int i = 0; i < count; ++i) {
    HOLDFAST_ASSIGN(io, Io::open(options));
    workers->ios_.push_back(std::move(io));
  }
  for (std::unique_ptr<Io>& io : workers->ios_) {
    workers->threads_.emplace_back([queue = &workers->queue_, io = io.get()] {
      pthread_setname_np(pthread_self(), "hf-worker");
      while (std::optional<Job> job = queue->pop()) {
        io->pulse().begin();
        (*job)(*io);
        io->pulse().end();
      }
    });
  }
  return workers;
}

Workers::~Workers() {
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
}

std::vector<const Pulse*> Workers::pulses() const {
  std::vector<const Pulse*> pulses;
  for (const std::unique_ptr<Io>& io : ios_) pulses.push_back(&io->pulse());
  return pulses;
}

bool Workers::submit(Job job) { return queue_.try_push(job); }

Result<std::unique_ptr<LaneThread>> LaneThread::start(std::string name, Millis interval,
                                                      const IoOptions& options, Turn turn) {
  std::unique_ptr<LaneThread> lane(new LaneThread());
  HOLDFAST_ASSIGN(io, Io::open(options));
  lane->io_ = std::move(io);
  lane->interval_ = interval;
  lane->thread_ = std::thread([self = lane.get(), turn = std::move(turn), name = std::move(name)] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    self->run(turn);
  });
  return lane;
}

void LaneThread::run(const Turn& turn) {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, std::chrono::milliseconds(interval_.count),
                   [&] { return kicked_ || stop_; });
    if (stop_) break;
    kicked_ = false;
    lock.unlock();
    io_->pulse().begin();
    turn(*io_);
    io_->pulse().end();
    lock.lock();
  }
}

void LaneThread::kick() {
  std::lock_guard lock(mutex_);
  kicked_ = true;
  wake_.notify_one();
}

void LaneThread::set_interval(Millis interval) {
  std::lock_guard lock(mutex_);
  interval_ = interval;
  kicked_ = true;  // the wait under way has the old one
  wake_.notify_one();
}

void LaneThread::request_stop() {
  std::lock_guard lock(mutex_);
  stop_ = true;
  wake_.notify_one();
}

LaneThread::~LaneThread() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace holdfast
