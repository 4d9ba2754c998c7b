// How the index answers as it grows.
//
//   bench_index [--keep] SIZE...      such as 10000 100000 1000000; multiples of 1,000, ascending
//   bench_index --ask DIRECTORY       asks an archive that --keep left, as it is
//
// One archive grows (bench/index_life.h) and is asked the same at each size, through the product's
// own readers, a connection with SQLite's usual 2 MiB of cache; the machine's page cache is warm.
// Pages have 100 rows. There is no peer to run beside: the yardstick is the same question at the
// smallest size. Prints parameters, medians in microseconds and their ratio to the smallest size,
// the bytes that each table takes, and a hash of what was found. --keep leaves the archive.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "bench/index_questions.h"
#include "bench/scratch.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
namespace fs = std::filesystem;

struct Column {
  int64_t size = 0;
  double filled_per_second = 0;
  double live_per_second = 0;
  std::vector<Answer> answers;
};

Status ask_all(const Life& life, Column& column) {
  HOLDFAST_ASSIGN(index, Database::open_read_only(life.index_path()));
  for (const Question& question : questions()) {
    HOLDFAST_ASSIGN(answer, measure(question, index, life));
    column.answers.push_back(answer);
  }
  return Status();
}

Result<Column> measure_at(Life& life, int64_t size, int64_t live) {
  Column column;
  const SystemClock real;
  const int64_t before = life.size();
  const Millis begun = real.monotonic();
  HOLDFAST_TRY(life.grow(size));
  const Millis taken(real.monotonic().count - begun.count);
  column.size = size;
  column.filled_per_second = static_cast<double>(size - before) * 1000 /
                             static_cast<double>(std::max<int64_t>(taken.count, 1));
  HOLDFAST_ASSIGN(rate, life.live_rate(live));
  column.live_per_second = rate;
  HOLDFAST_TRY(ask_all(life, column));
  std::fprintf(stderr, "# %lld recordings measured\n", static_cast<long long>(size));
  return column;
}

void print_line(const std::string& name, const std::vector<double>& values) {
  std::printf("%-26s", name.c_str());
  for (size_t i = 0; i < values.size(); ++i) {
    std::printf(" %11.0f", values[i]);
    if (i > 0 && values[0] > 0) std::printf(" %6.2f", values[i] / values[0]);
    if (i > 0 && values[0] <= 0) std::printf(" %6s", "-");
  }
  std::printf("\n");
}

void print_table(const std::vector<Column>& columns) {
  const auto line = [&](const std::string& name, const auto& value) {
    std::vector<double> values;
    for (const Column& column : columns) values.push_back(value(column));
    print_line(name, values);
  };
  line("recordings", [](const Column& c) { return static_cast<double>(c.size); });
  if (columns[0].live_per_second > 0) {
    line("filled, per second", [](const Column& c) { return c.filled_per_second; });
    line("ingested one by one, /s", [](const Column& c) { return c.live_per_second; });
  }
  std::printf("median, microseconds\n");
  for (size_t q = 0; q < questions().size(); ++q)
    line(questions()[q].name, [q](const Column& c) { return c.answers[q].median_us; });
  std::printf("95 %%, microseconds\n");
  for (size_t q = 0; q < questions().size(); ++q)
    line(questions()[q].name, [q](const Column& c) { return c.answers[q].p95_us; });
  std::printf("rows found\n");
  for (size_t q = 0; q < questions().size(); ++q)
    line(questions()[q].name,
         [q](const Column& c) { return static_cast<double>(c.answers[q].rows); });
  uint64_t hash = 0;
  for (const Column& column : columns)
    for (const Answer& answer : column.answers) hash = hash * 31 + answer.hash;
  std::printf("# found: %016llx\n", static_cast<unsigned long long>(hash));
}

// Bytes of each table, its indexes beside it, from dbstat: by its pages, since the bytes that it
// sums itself have 32 bits (SQLite 3.40), and 10 million recordings have more metadata than that.
Status print_bytes(const Life& life) {
  HOLDFAST_ASSIGN(index, Database::open_read_only(life.index_path()));
  std::map<std::string, std::pair<int64_t, int64_t>> bytes;  // of rows, of indexes
  Statement statement = index.prepare(
      "SELECT coalesce(s.tbl_name, d.name), coalesce(s.type = 'index', 0), "
      "sum(d.pageno) * (SELECT page_size FROM pragma_page_size) "
      "FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE "
      "GROUP BY 1, 2");
  int64_t all = 0;
  for (;;) {
    HOLDFAST_ASSIGN(more, statement.step());
    if (!more) break;
    const auto table = statement.next<std::string>();
    const bool is_index = statement.next<bool>();
    const auto size = statement.next<int64_t>();
    (is_index ? bytes[table].second : bytes[table].first) += size;
    all += size;
  }
  const auto count = static_cast<double>(life.size());
  std::printf("bytes per recording at %lld    %11s %11s\n", static_cast<long long>(life.size()),
              "rows", "indexes");
  for (const auto& [table, sizes] : bytes)
    if (static_cast<double>(sizes.first + sizes.second) / count >= 0.5)
      std::printf("%-34s %11.1f %11.1f\n", table.c_str(), static_cast<double>(sizes.first) / count,
                  static_cast<double>(sizes.second) / count);
  std::printf("%-34s %11.1f\n", "index.db", static_cast<double>(all) / count);
  return Status();
}

Status run(const std::string& root, const std::vector<int64_t>& sizes) {
  HOLDFAST_ASSIGN(life, Life::begin(root));
  // Enough for a rate, and few beside the archive.
  const int64_t live = std::min<int64_t>(2000, sizes.front());
  std::printf("# %lld calls a day, %lld agents, %lld live ingests with %d in flight, SQLite %s\n",
              static_cast<long long>(kCallsPerDay), static_cast<long long>(kAgents),
              static_cast<long long>(live), Life::kInFlight, sqlite3_libversion());
  std::vector<Column> columns;
  for (const int64_t size : sizes) {
    HOLDFAST_ASSIGN(column, measure_at(*life, size, live));
    columns.push_back(std::move(column));
  }
  print_table(columns);
  return print_bytes(*life);
}

Status ask_kept(const std::string& root) {
  HOLDFAST_ASSIGN(life, Life::kept(root));
  Column column;
  column.size = life->size();
  HOLDFAST_TRY(ask_all(*life, column));
  print_table({column});
  return print_bytes(*life);
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::string(words[1]) == "--ask") {
    return exit_status_of("index", ask_kept(words[2]));
  }
  std::vector<int64_t> sizes;
  bool keep = false;
  bool wrong = false;
  for (int i = 1; i < count; ++i) {
    if (std::string(words[i]) == "--keep") {
      keep = true;
      continue;
    }
    const int64_t size = std::atoll(words[i]);
    wrong =
        wrong || size < 1 || size % Life::kBatch != 0 || (!sizes.empty() && size <= sizes.back());
    sizes.push_back(size);
  }
  if (sizes.empty() || wrong) {
    std::fprintf(stderr, "usage: bench_index [--keep] SIZE...   multiples of %lld, ascending\n",
                 static_cast<long long>(Life::kBatch));
    return 2;
  }
  const char* temporary = std::getenv("TMPDIR");
  std::string root =
      std::string(temporary != nullptr ? temporary : "/var/tmp") + "/holdfast-index-XXXXXX";
  if (::mkdtemp(root.data()) == nullptr) return std::perror("bench_index: make a directory"), 1;
  const Status done = run(root, sizes);
  if (keep)
    std::printf("# kept: %s\n", root.c_str());
  else
    fs::remove_all(root);
  return exit_status_of("index", done);
}
