#include "bench/index_questions.h"

#include <algorithm>
#include <chrono>

#include "index/read/listing.h"
#include "index/read/recordings.h"
#include "index/read/work.h"

namespace holdfast::bench {
namespace {

using Numbers = std::vector<RecordingNo>;

double now_us() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A recording of the archive, another one for each n.
int64_t some(const Life& life, int64_t n) {
  return static_cast<int64_t>(spread(n, 9000) % static_cast<uint64_t>(life.size()));
}

Numbers numbers_of(const std::vector<RecordingRow>& rows) {
  Numbers numbers;
  for (const RecordingRow& row : rows) numbers.push_back(row.recording_no);
  return numbers;
}

Result<Numbers> list(Database& index, const Life& life, ListFilter filter) {
  filter.workspace_no = life.workspace_no();
  HOLDFAST_ASSIGN(page, list_recordings(index, filter));
  return numbers_of(page.rows);
}

ListKey key_of(const Life& life, int64_t i) { return ListKey{started_at(i), life.number(i)}; }

Result<Numbers> point_look_up(Database& index, const Life& life, int64_t n) {
  HOLDFAST_ASSIGN(found, find_recording(index, life.workspace_no(), call_sid_of(some(life, n))));
  return found ? Numbers{found->recording_no} : Numbers{};
}

Result<Numbers> first_page(Database& index, const Life& life, int64_t) {
  return list(index, life, {});
}

Result<Numbers> deep_page(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.after = key_of(life, some(life, n));
  return list(index, life, filter);
}

Result<Numbers> by_word(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.search.words = order_of(some(life, n));
  return list(index, life, filter);
}

Result<Numbers> by_number(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.search.from = caller_of(some(life, n));
  return list(index, life, filter);
}

Result<Numbers> by_tag(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.search.tag = tag_of(some(life, n));
  return list(index, life, filter);
}

Result<Numbers> common_word(Database& index, const Life& life, int64_t) {
  ListFilter filter;
  filter.search.words = kCommonWord;
  return list(index, life, filter);
}

Result<Numbers> common_word_deep(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.search.words = kCommonWord;
  filter.after = key_of(life, some(life, n));
  return list(index, life, filter);
}

// All words so begun: half of all recordings.
Result<Numbers> common_prefix(Database& index, const Life& life, int64_t) {
  ListFilter filter;
  filter.search.words = "satis*";
  return list(index, life, filter);
}

// A word with every filter that is tested on what was found.
Result<Numbers> word_and_agent(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.search.words = kCommonWord;
  filter.service = agent_of(some(life, n));
  return list(index, life, filter);
}

// A word and a week, anywhere in the archive's life.
Result<Numbers> word_and_week(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.search.words = kCommonWord;
  filter.from = started_at(some(life, n));
  filter.to = *filter.from + days(7);
  return list(index, life, filter);
}

// A month of one agent's calls that left the standard tier and are held.
Result<Numbers> combined(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.service = agent_of(some(life, n));
  filter.to = started_at(some(life, n));
  filter.from = *filter.to - days(30);
  filter.tier = Tier::kWarm;
  filter.held = true;
  return list(index, life, filter);
}

Result<Numbers> by_agent(Database& index, const Life& life, int64_t n) {
  ListFilter filter;
  filter.service = agent_of(some(life, n));
  return list(index, life, filter);
}

Result<Numbers> held(Database& index, const Life& life, int64_t) {
  ListFilter filter;
  filter.held = true;
  return list(index, life, filter);
}

// One in 500.
Result<Numbers> flagged(Database& index, const Life& life, int64_t) {
  ListFilter filter;
  filter.flagged = true;
  return list(index, life, filter);
}

// The three newest days of all.
Result<Numbers> on_standard_oldest_first(Database& index, const Life& life, int64_t) {
  ListFilter filter;
  filter.tier = Tier::kStandard;
  filter.newest_first = false;
  return list(index, life, filter);
}

// There are none.
Result<Numbers> condemned(Database& index, const Life& life, int64_t) {
  ListFilter filter;
  filter.state = RecordingState::kCondemned;
  return list(index, life, filter);
}

// Among all that were archived, the first thousand of a week.
Result<Numbers> due_scan(Database& index, const Life& life, int64_t n) {
  const int64_t archived = std::max<int64_t>(life.size() - 2 * kStandardDays * kCallsPerDay, 1);
  const int64_t first = some(life, n) % archived;
  const UnixMillis from = started_at(first) + days(365);
  HOLDFAST_ASSIGN(rows, planned_recordings(index, Tier::kWarm, from, from + days(7), 1000));
  return numbers_of(rows);
}

// A new connection, and one look-up through it.
Result<Numbers> open_anew(Database&, const Life& life, int64_t n) {
  HOLDFAST_ASSIGN(index, Database::open_read_only(life.index_path()));
  return point_look_up(index, life, n);
}

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<size_t>(static_cast<double>(sorted.size() - 1) * share)];
}

}  // namespace

const std::vector<Question>& questions() {
  static const std::vector<Question> all = {
      {"open and look up", open_anew},
      {"point look-up", point_look_up},
      {"list, first page", first_page},
      {"list, deep", deep_page},
      {"an agent's calls", by_agent},
      {"held", held},
      {"flagged (1 in 500)", flagged},
      {"on standard, oldest first", on_standard_oldest_first},
      {"condemned (none)", condemned},
      {"agent+month+tier+held", combined},
      {"word of one recording", by_word},
      {"caller's number", by_number},
      {"tag (1 in 20)", by_tag},
      {"common word, first page", common_word},
      {"common word, deep", common_word_deep},
      {"common prefix", common_prefix},
      {"common word+agent", word_and_agent},
      {"common word+week", word_and_week},
      {"1,000 due", due_scan},
  };
  return all;
}

Result<Answer> measure(const Question& question, Database& index, const Life& life) {
  Answer answer;
  std::vector<double> taken_us;
  const double begun = now_us();
  for (int n = 0; n < kTimesMax; ++n) {
    if (n >= kHashed && now_us() - begun > kSecondsMax * 1e6) break;
    const double before = now_us();
    HOLDFAST_ASSIGN(found, question.ask(index, life, n));
    taken_us.push_back(now_us() - before);
    if (n == 0) answer.rows = found.size();
    for (const RecordingNo number : found)
      if (n < kHashed) answer.hash = answer.hash * 31 + static_cast<uint64_t>(number.value);
  }
  std::sort(taken_us.begin(), taken_us.end());
  answer.median_us = at_share(taken_us, 0.5);
  answer.p95_us = at_share(taken_us, 0.95);
  return answer;
}

}  // namespace holdfast::bench
