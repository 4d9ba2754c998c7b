// What the access chain tells in sums instead of line by line.
//
// Further ranges through one link (or by one key on one file) within a minute of
// the first are counted, and told by one line `access.more` at the minute's end;
// the first line counts as disclosure of the whole file. Refusals without a
// valid credential are one line per source, route and minute, with their count.
//
// Bounded: beyond kEntriesMax open minutes, every access is a line of its own, and refusals are one
// line per route and minute, so that a flood from many addresses does not fill the ledger.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "ledger/line.h"

namespace holdfast::api {

// Thread rule: loop thread only.
class AccessMemory {
 public:
  // `submit` takes lines whose fate nobody waits for.
  AccessMemory(const Clock& clock, std::function<void(LineDraft)> submit)
      : clock_(clock), submit_(std::move(submit)) {}

  // True when `key` (link or actor, and file) was told within the last minute: the access is
  // counted and may go on at once. False: the caller makes its line durable, then calls opened().
  bool is_open(const std::string& key, Bytes bytes);
  // The line of `key` is durable: a minute begins. `more` is the line to tell the rest with;
  // its details get count and bytes.
  void opened(const std::string& key, LineDraft more);

  // A refusal. `source` is the address without its port; `who` the actor, "none" without a valid
  // credential. When too many minutes are open, all further sources of a route are told together.
  void refused(const std::string& source, std::string_view route, int status,
               const std::string& who = "none");

  // Tells what minutes that are over have gathered. Called every few seconds, and with
  // `all` at stop.
  void flush(bool all = false);

 private:
  static constexpr size_t kEntriesMax = 65'536;

  struct Minute {
    Millis began;
    int64_t count = 0;
    int64_t bytes = 0;
    LineDraft line;
  };

  void tell(Minute& minute);

  const Clock& clock_;
  std::function<void(LineDraft)> submit_;
  std::map<std::string, Minute, std::less<>> minutes_;
};

}  // namespace holdfast::api
