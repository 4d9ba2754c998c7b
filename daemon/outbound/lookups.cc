#include "daemon/outbound/lookups.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace holdfast::outbound {
namespace {

// One name that is looked up. Under the board's mutex.
struct Lookup {
  std::optional<Lookups::Answer> answer;
};

Error no_answer(const std::string& host, const std::string& why) {
  return Error{Code::kUnavailable, "look up " + host + ": " + why};
}

}  // namespace

struct Lookups::Board {
  Board(Resolver function, size_t bound) : resolve(std::move(function)), most(bound) {}

  const Resolver resolve;
  const size_t most;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::shared_ptr<Lookup>> under_way;
  bool stopped = false;

  // The look-up of this name that is under way, begun if there is none. With the mutex.
  static Result<std::shared_ptr<Lookup>> begin(const std::shared_ptr<Board>& board,
                                               const std::string& host);
  void run(const std::string& host, const std::shared_ptr<Lookup>& lookup);
};

Result<std::shared_ptr<Lookup>> Lookups::Board::begin(const std::shared_ptr<Board>& board,
                                                      const std::string& host) {
  if (const auto found = board->under_way.find(host); found != board->under_way.end())
    return found->second;
  if (board->under_way.size() >= board->most)
    return no_answer(host, std::to_string(board->most) +
                               " other names are being looked up and have no answer yet; see what "
                               "the name servers of /etc/resolv.conf do");
  auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([board, host, lookup] { board->run(host, lookup); }).detach();
  } catch (const std::system_error& error) {
    return no_answer(host, std::string("no thread for it: ") + error.what());
  }
  board->under_way.emplace(host, lookup);
  return lookup;
}

void Lookups::Board::run(const std::string& host, const std::shared_ptr<Lookup>& lookup) {
  Answer answer = resolve(host);
  const std::lock_guard lock(mutex);
  lookup->answer = std::move(answer);
  under_way.erase(host);
  changed.notify_all();
}

Lookups::Lookups(Resolver resolve, size_t most)
    : board_(std::make_shared<Board>(std::move(resolve), most)) {}

Lookups::~Lookups() { request_stop(); }

std::map<std::string, Lookups::Answer> Lookups::resolve_all(const std::vector<std::string>& hosts,
                                                            Millis timeout) {
  std::map<std::string, Answer> answers;
  std::map<std::string, std::shared_ptr<Lookup>> asked;
  std::unique_lock lock(board_->mutex);
  for (const std::string& host : hosts) {
    if (answers.contains(host) || asked.contains(host)) continue;
    const auto begun = Board::begin(board_, host);
    if (begun.ok())
      asked.emplace(host, *begun);
    else
      answers.emplace(host, begun.error());
  }
  board_->changed.wait_for(lock, std::chrono::milliseconds(timeout.count), [&] {
    return board_->stopped || std::all_of(asked.begin(), asked.end(), [](const auto& one) {
             return one.second->answer.has_value();
           });
  });
  for (const auto& [host, lookup] : asked) {
    if (lookup->answer)
      answers.emplace(host, *lookup->answer);
    else
      answers.emplace(host, no_answer(host, board_->stopped ? "the daemon stops"
                                                            : "no answer within " +
                                                                  std::to_string(timeout.count) +
                                                                  " ms (outbound.timeout)"));
  }
  return answers;
}

void Lookups::request_stop() {
  const std::lock_guard lock(board_->mutex);
  board_->stopped = true;
  board_->changed.notify_all();
}

size_t Lookups::under_way() const {
  const std::lock_guard lock(board_->mutex);
  return board_->under_way.size();
}

}  // namespace holdfast::outbound
