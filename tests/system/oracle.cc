#include "tests/system/oracle.h"

namespace holdfast::testing {

void Oracle::offered(const CallFiles& call, bool spooled) {
  std::lock_guard lock(mutex_);
  calls_[call.call_sid].call = call;
  calls_[call.call_sid].spooled = spooled;
}

void Oracle::stored(const std::string& call_sid) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).stored = true;
}

void Oracle::read(const std::string& call_sid, const std::string& file) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).read.insert(file);
}

void Oracle::asks_to_delete(const std::string& call_sid) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).asked_to_delete = true;
}

void Oracle::deleted(const std::string& call_sid) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).deleted = true;
}

void Oracle::refused_to_delete(const std::string& call_sid) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).asked_to_delete = false;
}

void Oracle::asks_to_hold(const std::string& call_sid) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).hold_asked = true;
}

void Oracle::held(const std::string& call_sid, const std::string& hold_id) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).holds[hold_id] = true;
}

void Oracle::asks_to_release(const std::string& call_sid, const std::string& hold_id) {
  std::lock_guard lock(mutex_);
  calls_.at(call_sid).holds[hold_id] = false;
}

std::optional<CallFiles> Oracle::any_living(uint64_t choice) const {
  std::lock_guard lock(mutex_);
  std::vector<const Promised*> fitting;
  for (const auto& [call_sid, promised] : calls_)
    if (promised.stored && !promised.asked_to_delete) fitting.push_back(&promised);
  if (fitting.empty()) return std::nullopt;
  return fitting[choice % fitting.size()]->call;
}

std::optional<CallFiles> Oracle::any_unheld(uint64_t choice) const {
  std::lock_guard lock(mutex_);
  std::vector<const Promised*> fitting;
  for (const auto& [call_sid, promised] : calls_)
    if (promised.stored && !promised.asked_to_delete && !promised.hold_asked)
      fitting.push_back(&promised);
  if (fitting.empty()) return std::nullopt;
  return fitting[choice % fitting.size()]->call;
}

std::optional<std::pair<CallFiles, std::string>> Oracle::any_hold(uint64_t choice) const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<const Promised*, std::string>> fitting;
  for (const auto& [call_sid, promised] : calls_)
    for (const auto& [hold, in_force] : promised.holds)
      if (in_force) fitting.emplace_back(&promised, hold);
  if (fitting.empty()) return std::nullopt;
  const auto& chosen = fitting[choice % fitting.size()];
  return std::pair(chosen.first->call, chosen.second);
}

std::vector<CallFiles> Oracle::unanswered() const {
  std::lock_guard lock(mutex_);
  std::vector<CallFiles> calls;
  for (const auto& [call_sid, promised] : calls_)
    if (!promised.stored && !promised.spooled) calls.push_back(promised.call);
  return calls;
}

std::map<std::string, Promised> Oracle::all() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

}  // namespace holdfast::testing
