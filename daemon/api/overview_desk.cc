#include "daemon/api/overview_desk.h"

#include <utility>

namespace holdfast::api {

OverviewDesk::OverviewDesk(Loop& loop, Workers& workers, Look look)
    : loop_(loop), workers_(workers), look_(std::move(look)) {}

void OverviewDesk::ask(Answer answer) {
  if (now_.size() + next_.size() >= kOverviewWaitersMax)
    return answer(
        Error{Code::kUnavailable, "too many wait for a look at the media; does one of them hang?"});
  next_.push_back(std::move(answer));
  if (now_.empty()) begin();
}

void OverviewDesk::begin() {
  now_ = std::exchange(next_, {});
  const bool taken = workers_.submit([self = shared_from_this()](Io& io) {
    auto seen = std::make_shared<const Result<Overview>>(self->look_(io));
    self->loop_.post([self, seen] { self->ended(*seen); });
  });
  if (!taken) ended(Error{Code::kUnavailable, "the workers are busy; try again in a moment"});
}

void OverviewDesk::ended(const Result<Overview>& seen) {
  // Emptied first: an answer may lead to another question.
  const std::vector<Answer> answered = std::exchange(now_, {});
  if (!next_.empty()) begin();
  for (const Answer& answer : answered) answer(seen);
}

}  // namespace holdfast::api
