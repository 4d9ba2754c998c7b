// What the clients of a daemon were promised: the answers they got, kept outside of it, and held
// against it after every crash.
//
// A promise begins with its answer: 200 and 201 of an upload, a spool entry that is gone, 201 of
// a hold, 202 of a deletion. What was asked and never answered may have happened or not.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/call_files.h"

namespace holdfast::testing {

struct Promised {
  CallFiles call;
  bool stored = false;                // acknowledged, or seen
  bool asked_to_delete = false;       // from then on it may be gone
  bool deleted = false;               // acknowledged
  bool hold_asked = false;            // some hold was asked for, whatever came of it
  std::map<std::string, bool> holds;  // acknowledged ones: true while nobody asked for release
  bool spooled = false;               // came by the spool
  std::set<std::string> read;         // files whose bytes were given out
};

// Thread rule: every method may be called from any thread.
class Oracle {
 public:
  void offered(const CallFiles& call, bool spooled);
  void stored(const std::string& call_sid);
  void asks_to_delete(const std::string& call_sid);
  void deleted(const std::string& call_sid);
  // A deletion that was refused for a hold did not happen.
  void refused_to_delete(const std::string& call_sid);
  void asks_to_hold(const std::string& call_sid);
  void held(const std::string& call_sid, const std::string& hold_id);
  void asks_to_release(const std::string& call_sid, const std::string& hold_id);

  void read(const std::string& call_sid, const std::string& file);

  // A stored call that nobody asked to delete.
  std::optional<CallFiles> any_living(uint64_t choice) const;
  // One to delete: no hold was ever asked for on it.
  std::optional<CallFiles> any_unheld(uint64_t choice) const;
  // A hold in force and its call.
  std::optional<std::pair<CallFiles, std::string>> any_hold(uint64_t choice) const;
  std::vector<CallFiles> unanswered() const;
  std::map<std::string, Promised> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Promised> calls_;
};

}  // namespace holdfast::testing
