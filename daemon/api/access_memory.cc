#include "daemon/api/access_memory.h"

namespace holdfast::api {

bool AccessMemory::is_open(const std::string& key, Bytes bytes) {
  const auto found = minutes_.find(key);
  if (found == minutes_.end()) return false;
  if (clock_.monotonic().count - found->second.began.count >= minutes(1).count) return false;
  ++found->second.count;
  found->second.bytes += bytes.count;
  return true;
}

void AccessMemory::opened(const std::string& key, LineDraft more) {
  if (const auto found = minutes_.find(key); found != minutes_.end()) {
    tell(found->second);
    minutes_.erase(found);
  }
  if (minutes_.size() >= kEntriesMax) return;
  minutes_.emplace(key, Minute{clock_.monotonic(), 0, 0, std::move(more)});
}

void AccessMemory::refused(const std::string& source, std::string_view route, int status,
                           const std::string& who) {
  const auto key_of = [&](const std::string& from) {
    return "refused " + who + " " + from + " " + std::string(route);
  };
  const bool full = minutes_.size() >= kEntriesMax && minutes_.count(key_of(source)) == 0;
  const bool crowd = full && who == "none";
  const std::string key = key_of(crowd ? "many" : source);
  if (const auto found = minutes_.find(key); found != minutes_.end()) {
    ++found->second.count;
    return;
  }
  LineDraft line{"refused", who, std::nullopt, {}, Weight::kNeutral};
  line.details = {{"source", crowd ? "many" : source}, {"route", route}, {"status", status}};
  submit_(line);
  if (full && !crowd) return;
  line.kind = "refused.more";
  minutes_.emplace(key, Minute{clock_.monotonic(), 0, 0, std::move(line)});
}

void AccessMemory::flush(bool all) {
  for (auto minute = minutes_.begin(); minute != minutes_.end();) {
    const bool over = clock_.monotonic().count - minute->second.began.count >= minutes(1).count;
    if (!over && !all) {
      ++minute;
      continue;
    }
    tell(minute->second);
    minute = minutes_.erase(minute);
  }
}

void AccessMemory::tell(Minute& minute) {
  if (minute.count == 0) return;
  minute.line.details["count"] = minute.count;
  if (minute.bytes > 0) minute.line.details["bytes"] = minute.bytes;
  submit_(std::move(minute.line));
}

}  // namespace holdfast::api
