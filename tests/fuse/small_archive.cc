#include "tests/fuse/small_archive.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "io/digest.h"
#include "tiers/read/place.h"

namespace holdfast {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kStandardMedium = 1;
constexpr int64_t kWarmMedium = 2;
constexpr int64_t kNoon = 12 * 3600 * 1000;
constexpr int64_t kLength = 90'500;

void require(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}

template <typename T>
T require(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

UnixMillis noon(CalendarDay day) {
  return UnixMillis(
      require(from_iso(fmt::format("{:04}-{:02}-{:02}T00:00:00Z", day.year, day.month, day.day)))
          .count +
      kNoon);
}

}  // namespace

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void SmallArchive::run(const std::string& sql) { require(writer_->execute(sql)); }

template <typename... Values>
void SmallArchive::run(std::string_view sql, const Values&... values) {
  Statement statement = writer_->prepare(sql);
  statement.bind(values...);
  require(statement.run());
}

SmallArchive::SmallArchive() {
  ::chmod(directory_.path().c_str(), 0755);  // for tests that drop to another user
  for (const char* name : {"state", "run", "standard", "mnt", "mirror", "warm"})
    fs::create_directories(directory_ / name);
  write_file(config_path(), fmt::format("[archive]\n"
                                        "state_dir = \"{0}/state\"\n"
                                        "run_dir = \"{0}/run\"\n"
                                        "mirror_dir = \"{0}/mirror\"\n"
                                        "mirror_same_device = true\n"
                                        "[standard]\n"
                                        "path = \"{0}/standard\"\n"
                                        "[warm]\n"
                                        "path = \"{0}/warm\"\n",
                                        directory_.path()));
  start_writer();
  for (const int which : {1, 2})
    run("INSERT INTO workspace (workspace_no, workspace_id, name, created_at) "
        "VALUES (?1, ?2, '', 1)",
        which, workspace(which));
  run("INSERT INTO medium (medium_no, medium_id, tier, kind, name, state, registered_at) "
      "VALUES (?1, ?2, 0, 'disk', 'standard', 0, 1)",
      kStandardMedium, random_.id<MediumId>());
  run("INSERT INTO medium (medium_no, medium_id, tier, kind, name, state, registered_at) "
      "VALUES (?1, ?2, 1, 'pack', 'warm', 0, 1)",
      kWarmMedium, random_.id<MediumId>());
  run("INSERT INTO pack (pack_no, pack_id, cohort, target_no, state, opened_at, sealed_at, size, "
      "sha256) VALUES (1, ?1, 'open', ?2, 1, 1, 2, 262144, zeroblob(32))",
      random_.id<PackId>(), kWarmMedium);
  run("INSERT INTO pack_copy (pack_no, medium_no, location, state, copied_at, verified_at, "
      "verify_mode) VALUES (1, ?1, 'p', 2, 2, 2, 1)",
      kWarmMedium);
}

void SmallArchive::start_writer() {
  writer_.reset();
  writer_.emplace(require(open_for_writing(index_path(), WriteOptions{})));
}

WorkspaceId SmallArchive::workspace(int which) const {
  return require(
      WorkspaceId::from_text(fmt::format("0198c2de-0000-7000-8000-00000000000{}", which)));
}

std::string SmallArchive::day_path(const CallSpec& call) const {
  return workspace(call.workspace).text() + "/" + call.day.path();
}

std::string SmallArchive::call_path(const CallSpec& call) const {
  return day_path(call) + "/" + call.call_sid;
}

std::string SmallArchive::plain_path(const CallSpec& call, const std::string& file) const {
  return standard_path() + "/" +
         Place{workspace(call.workspace), call.day, call.call_sid, 1}.directory() + "/" + file;
}

void SmallArchive::write_part(const Known& known, int part, const std::string& directory) {
  const std::string where = standard_path() + "/" + directory;
  fs::create_directories(where);
  for (const auto& [name, bytes] : known.parts.at(part)) write_file(where + "/" + name, bytes);
}

void SmallArchive::insert_part(RecordingNo number, int part,
                               const std::map<std::string, std::string>& files, bool placed) {
  int64_t total = 0;
  for (const auto& [name, bytes] : files) total += static_cast<int64_t>(bytes.size());
  run("INSERT INTO part (recording_no, part, bytes, received_at, placed) "
      "VALUES (?1, ?2, ?3, 1, ?4)",
      number, part, total, placed);
  for (const auto& [name, bytes] : files)
    run("INSERT INTO file (recording_no, part, name, size, sha256, channel, format, sample_rate) "
        "VALUES (?1, ?2, ?3, ?4, ?5, 0, '', 0)",
        number, part, name, static_cast<int64_t>(bytes.size()), sha256(bytes));
  run("INSERT INTO copy (recording_no, part, medium_no, state, original, copied_at) "
      "VALUES (?1, ?2, ?3, 1, 1, 1)",
      number, part, kStandardMedium);
}

RecordingNo SmallArchive::add_call(const CallSpec& call) {
  const RecordingNo number(next_no_++);
  Known known{call, random_.id<RecordingId>(), {{1, call.files}}};
  const UnixMillis start = noon(call.day);
  const RecordingState state = call.placed ? RecordingState::kLive : RecordingState::kCommitted;
  run("INSERT INTO recording (recording_no, recording_id, workspace_no, call_sid, started_at, "
      "ended_at, received_at, day, state, flags, tier, parts, bytes) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, 1, 0)",
      number, known.id, call.workspace, call.call_sid, start, start + Millis(kLength),
      start + minutes(5), call.day.packed(), state);
  insert_part(number, 1, call.files, call.placed);
  const auto metadata = call.files.find("metadata.json");
  if (metadata != call.files.end())
    run("INSERT INTO metadata (recording_no, bytes) VALUES (?1, ?2)", number,
        as_bytes(metadata->second));
  write_part(known, 1,
             call.placed ? Place{workspace(call.workspace), call.day, call.call_sid, 1}.directory()
                         : incoming_directory(PartId{known.id, 1}));
  known_.emplace(number, std::move(known));
  return number;
}

void SmallArchive::add_part(RecordingNo number, int part,
                            const std::map<std::string, std::string>& files) {
  Known& known = known_.at(number);
  known.parts[part] = files;
  insert_part(number, part, files, true);
  run("UPDATE recording SET parts = ?2 WHERE recording_no = ?1", number, part);
  const CallSpec& call = known.call;
  write_part(known, part,
             Place{workspace(call.workspace), call.day, call.call_sid, part}.directory());
}

void SmallArchive::add_many(CalendarDay day, int count) {
  const int64_t first = next_no_;
  const std::string last = std::to_string(next_no_ + count - 1);
  next_no_ += count;
  run("BEGIN");
  const std::string numbers = fmt::format(
      "WITH RECURSIVE numbers(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM numbers WHERE n < {}) ",
      first, last);
  run(numbers +
      fmt::format("INSERT INTO recording (recording_no, recording_id, workspace_no, call_sid, "
                  "started_at, ended_at, received_at, day, state, flags, tier, parts, bytes) "
                  "SELECT n, randomblob(16), 1, 'many-' || n, {0}, {0}, {0}, {1}, 1, 0, 0, 1, 0 "
                  "FROM numbers",
                  noon(day).count, day.packed()));
  run(numbers +
      "INSERT INTO part (recording_no, part, bytes, received_at, placed) "
      "SELECT n, 1, 0, 1, 1 FROM numbers");
  run(numbers +
      "INSERT INTO file (recording_no, part, name, size, sha256, channel, format, "
      "sample_rate) SELECT n, 1, 'inbound.ulaw', 0, zeroblob(32), 1, '', 0 FROM numbers");
  run("COMMIT");
}

void SmallArchive::archive(RecordingNo number) {
  Known& known = known_.at(number);
  for (const auto& [part, files] : known.parts) {
    run("INSERT INTO copy (recording_no, part, medium_no, pack_no, audio_offset, audio_length, "
        "metadata_offset, metadata_length, state, copied_at, verified_at, verify_mode) "
        "VALUES (?1, ?2, ?3, 1, 0, 1, 1, 1, 2, 2, 2, 1)",
        number, part, kWarmMedium);
    run("DELETE FROM copy WHERE recording_no = ?1 AND part = ?2 AND medium_no = ?3", number, part,
        kStandardMedium);
  }
  run("UPDATE recording SET tier = 1 WHERE recording_no = ?1", number);
  const CallSpec& call = known.call;
  fs::remove_all(standard_path() + "/" +
                 Place{workspace(call.workspace), call.day, call.call_sid, 1}.directory());
}

void SmallArchive::stage(RecordingNo number) {
  const Known& known = known_.at(number);
  for (const auto& [part, files] : known.parts) {
    write_part(known, part, staged_directory(PartId{known.id, part}));
    run("INSERT INTO copy (recording_no, part, medium_no, state) VALUES (?1, ?2, ?3, 4)", number,
        part, kStandardMedium);
  }
  run("INSERT INTO restore (restore_id, recording_no, workspace_no, state, priority, tier, bytes, "
      "keep_ms, started_by, requested_at, staged_at, expires_at, not_before) "
      "VALUES (?1, ?2, ?3, 2, 1, 1, 1, 86400000, 'key:a', 1000, 61000, 86461000, 0)",
      random_.id<RestoreId>(), number, known.call.workspace);
}

void SmallArchive::move(RecordingNo number, int workspace) {
  run("UPDATE recording SET home_no = workspace_no, workspace_no = (SELECT workspace_no "
      "FROM workspace WHERE workspace_id = ?2) WHERE recording_no = ?1",
      number, this->workspace(workspace));
}

void SmallArchive::condemn(RecordingNo number) {
  run("UPDATE recording SET state = 2 WHERE recording_no = ?1", number);
}

void SmallArchive::begin_destroying(RecordingNo number) {
  run("UPDATE recording SET state = 3 WHERE recording_no = ?1", number);
}

MatterId SmallArchive::hold(RecordingNo number, const std::string& matter) {
  const Known& known = known_.at(number);
  const MatterId id = random_.id<MatterId>();
  run("INSERT INTO matter (matter_id, workspace_no, name, note, created_at) "
      "VALUES (?1, ?2, ?3, '', 1)",
      id, known.call.workspace, matter);
  run("INSERT INTO hold (hold_id, recording_no, recording_id, matter_id, note, placed_by, "
      "placed_at) VALUES (?1, ?2, ?3, ?4, '', 'uid:0', 1)",
      random_.id<HoldId>(), number, known.id, id);
  return id;
}

void SmallArchive::set_expiry(RecordingNo number, UnixMillis at) {
  run("UPDATE recording SET retain_until = ?2, expires_at = ?2 WHERE recording_no = ?1", number,
      at);
}

}  // namespace holdfast
