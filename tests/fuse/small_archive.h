// An archive made by hand for the mount's tests: an index with the product's own schema, a
// standard tree with files, and a configuration; no daemon. Rows are written directly, so that
// every state of a recording can be had without living through it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/read/records.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace holdfast {

struct CallSpec {
  int workspace = 1;  // 1 or 2
  CalendarDay day{2026, 11, 20};
  std::string call_sid;
  std::map<std::string, std::string> files;  // name → bytes
  bool placed = true;                        // false: still in .incoming
};

class SmallArchive {
 public:
  SmallArchive();

  RecordingNo add_call(const CallSpec& call);
  void add_part(RecordingNo number, int part, const std::map<std::string, std::string>& files);
  // `count` calls of workspace 1 on `day` with one empty file each, of which nothing is on disk.
  void add_many(CalendarDay day, int count);
  // To a pack on the warm medium; the plain files go.
  void archive(RecordingNo number);
  // The result of a restore lies in staged/.
  void stage(RecordingNo number);
  // To another workspace, 1 or 2; its files stay.
  void move(RecordingNo number, int workspace);
  void condemn(RecordingNo number);
  void begin_destroying(RecordingNo number);  // of a condemned one
  MatterId hold(RecordingNo number, const std::string& matter);
  void set_expiry(RecordingNo number, UnixMillis at);

  // As the daemon stops and starts: the writing connection.
  void stop_writer() { writer_.reset(); }
  void start_writer();
  Database& writer() { return *writer_; }

  WorkspaceId workspace(int which) const;
  std::string day_path(const CallSpec& call) const;   // "<workspace>/yyyy/mm/dd"
  std::string call_path(const CallSpec& call) const;  // day_path/<call_sid>
  // Where a file of part 1 of a placed call really lies.
  std::string plain_path(const CallSpec& call, const std::string& file) const;

  std::string path() const { return directory_.path(); }
  std::string state_dir() const { return directory_ / "state"; }
  std::string index_path() const { return state_dir() + "/index.db"; }
  std::string standard_path() const { return directory_ / "standard"; }
  std::string mount_point() const { return directory_ / "mnt"; }
  std::string config_path() const { return directory_ / "holdfast.toml"; }
  std::string mount_socket() const { return directory_ / "run" + "/mount.sock"; }
  SeededRandom& random() { return random_; }

 private:
  struct Known {
    CallSpec call;
    RecordingId id;
    std::map<int, std::map<std::string, std::string>> parts;
  };
  void run(const std::string& sql);
  template <typename... Values>
  void run(std::string_view sql, const Values&... values);
  void write_part(const Known& known, int part, const std::string& directory);
  void insert_part(RecordingNo number, int part, const std::map<std::string, std::string>& files,
                   bool placed);

  TemporaryDirectory directory_;
  SeededRandom random_;
  std::optional<Database> writer_;
  std::map<RecordingNo, Known> known_;
  int64_t next_no_ = 1;
};

void write_file(const std::string& path, const std::string& bytes);
std::string read_file(const std::string& path);

}  // namespace holdfast
