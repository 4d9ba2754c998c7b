// Which links are out there, and when they were last used: noted for listings, off the hot path.
//
//   minted, used ──kept here──▶ one command per limits::kLinksNotedBatch or kLinksNotedMs ──▶ index
//
// A link is told in the access chain before it is answered; that it is noted here costs its minting
// nothing. What a crash takes from here (a second's worth) is missing in listings alone: it is in
// the ledger, and its revocation needs no row. A listing flushes first, so it is whole.
#pragma once

#include <functional>
#include <map>

#include "daemon/loop.h"
#include "index/commands/links.h"

namespace holdfast::api {

// Thread rule: loop thread only.
class LinkBook {
 public:
  LinkBook(Writer& writer, Loop& loop) : writer_(writer), loop_(loop) {}

  void minted(LinkRow link);
  void used(const LinkId& jti, UnixMillis now);
  // Notes what waits. `then` runs on the loop, when all that came before is in the index; an error
  // says that some of it is not, and is kept for the next time.
  void flush(std::function<void(Status)> then = nullptr);

 private:
  void settle(const LinkNews& news, const Status& done);

  Writer& writer_;
  Loop& loop_;
  LinkNews waiting_;
};

}  // namespace holdfast::api
