// What needs a person: the one list behind `holdfast status`, GET /v1/status and the gauge
// holdfast_attention of /metrics.
//
// Each line has a code of the table below, which says how bad it is and what to do. A new reason to
// call somebody is a row there, and a few lines in attention.cc that find it in what was seen.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "daemon/api/overview.h"
#include "daemon/work/backup.h"
#include "daemon/work/spool.h"
#include "io/certificate.h"

namespace holdfast::api {

enum class Severity : int8_t {
  kCritical = 0,  // the archive does not do all of its work, or bytes are in danger: now
  kWarning = 1,   // it will come to that: today
  kNotice = 2,    // somebody wanted it so, and may have forgotten
};
std::string_view word(Severity severity);

struct AttentionCode {
  std::string_view code;
  Severity severity;
  std::string_view about;   // one line, for the documentation
  std::string_view action;  // what to do
};
// In the order in which they are told: the worst first.
std::span<const AttentionCode> attention_codes();

struct Attention {
  const AttentionCode* code = nullptr;
  std::string subject;  // which of several, such as a tier; not told apart from the text
  std::string text;
  std::optional<UnixMillis> since;
};

// What is looked at beside the overview.
struct Surroundings {
  const Config& config;
  const Gate& gate;
  StaleEntries stale;
  BackupStanding backup;
  std::optional<CertificateFacts> certificate;  // that new connections are shown
  std::optional<UnixMillis> mount_seen;         // when the mount asked last, in this run
  UnixMillis now;
};

// At most limits::kAttentionKept lines, the worst first.
std::vector<Attention> find_attention(const Overview& seen, const Surroundings& around);

// Remembers since when a line stands that cannot say so itself: since it was first seen, in this
// run. Any thread.
class AttentionBook {
 public:
  // Fills in `since`, and forgets what is over. Takes out what is worth a word only when it lasts.
  void date(std::vector<Attention>& list, UnixMillis now);

 private:
  std::mutex mutex_;
  std::map<std::string, UnixMillis> first_seen_;
};

json::array attention_view(const std::vector<Attention>& list);

}  // namespace holdfast::api
