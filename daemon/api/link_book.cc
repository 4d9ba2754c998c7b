#include "daemon/api/link_book.h"

#include "base/limits.h"
#include "base/log.h"

namespace holdfast::api {

void LinkBook::minted(LinkRow link) {
  if (waiting_.minted.size() >= limits::kLinksWaitingMax) return;
  waiting_.minted.push_back(std::move(link));
  if (waiting_.minted.size() % limits::kLinksNotedBatch == 0) flush();
}

void LinkBook::used(const LinkId& jti, UnixMillis now) {
  if (waiting_.used.size() >= limits::kLinksWaitingMax) return;
  waiting_.used.emplace_back(jti, now);
  if (waiting_.used.size() % limits::kLinksNotedBatch == 0) flush();
}

void LinkBook::flush(std::function<void(Status)> then) {
  // An empty one still waits for those under way: the writer takes one after the other.
  if (waiting_.minted.empty() && waiting_.used.empty() && !then) return;
  auto news = std::make_shared<LinkNews>(std::exchange(waiting_, LinkNews()));
  const auto noted = [this, news, then](Result<void> outcome) {
    auto kept = std::make_shared<Status>(outcome.ok() ? Status() : Status(outcome.error()));
    loop_.post([this, news, kept, then] {
      settle(*news, *kept);
      if (then) then(*kept);
    });
  };
  writer_.submit(note_links(*news), std::function<void(Result<void>)>(noted));
}

// What could not be noted comes before what came since.
void LinkBook::settle(const LinkNews& news, const Status& done) {
  if (done.ok()) return;
  log::warning("note {} links for listings: {}", news.minted.size(), done.error().message);
  LinkNews later = std::exchange(waiting_, news);
  for (LinkRow& link : later.minted)
    if (waiting_.minted.size() < limits::kLinksWaitingMax)
      waiting_.minted.push_back(std::move(link));
  for (auto& use : later.used)
    if (waiting_.used.size() < limits::kLinksWaitingMax) waiting_.used.push_back(use);
}

}  // namespace holdfast::api
