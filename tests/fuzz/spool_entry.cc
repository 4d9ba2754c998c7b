// Spool entries of any names and contents: each ends in the archive or among the rejected, whole,
// and never in both or in neither; taken again it changes nothing.
//
//   input = call LF (name LF kind(1) length(2) content)*
//
// The workspace of metadata.json is kSampleWorkspace, which stands for one of this run alone.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "base/log.h"
#include "daemon/work/file_reader.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/spool.h"
#include "index/commands/keys.h"
#include "index/read/recordings.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"
#include "tests/support/manual_sleeper.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSampleWorkspace = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";
constexpr int kEntriesOfOneArchive = 500;  // then its directory has grown enough

template <typename T>
T must(Result<T> result, std::string_view what) {
  expect(result.ok(), what, result.ok() ? "" : result.error().message);
  return std::move(result).value();
}
void must(const Status& status, std::string_view what) {
  expect(status.ok(), what, status.ok() ? "" : status.error().message);
}

// An archive in a directory of its own; each run has a workspace of its own in it.
class World {
 public:
  World() {
    log::set_level(log::Level::kError);  // what is rejected would be told, one by one
    config_.state_dir = directory_ / "state";
    config_.run_dir = directory_ / "run";
    config_.spool_dir = directory_ / "spool";
    config_.mirror_dir = directory_ / "mirror";
    config_.mirror_same_device = true;
    config_.backup.path = config_.mirror_dir + "/backup";
    config_.standard.path = directory_ / "standard";
    config_.warm.path = directory_ / "warm";
    IoOptions options;
    options.force_fallback = true;
    io_ = must(Io::open(options), "files can be used");
    must(init_archive(*io_, config_, clock_, random_), "an archive can be made");
    OpenOptions open;
    open.io = options;
    open.sleeper = &sleeper_;
    opened_ = must(OpenedArchive::open(config_, clock_, random_, open), "an archive can be opened");
    fs::create_directories(config_.spool_dir);
  }

  // For the next run; nothing is left of the one before.
  void begin() {
    workspace_ = random_.id<WorkspaceId>();
    must(archive().writer.call(add_workspace(workspace_, "ws" + std::to_string(++runs_), "uid:0")),
         "a workspace can be added");
  }
  bool is_worn() const { return runs_ >= kEntriesOfOneArchive; }

  const Archive& archive() const { return opened_->archive(); }
  const std::string& spool() const { return config_.spool_dir; }
  std::string workspace() const { return workspace_.text(); }
  std::string path(const std::string& call) const {
    return spool() + "/" + workspace() + "/" + call;
  }
  std::string rejected(const std::string& call, int n) const {
    return spool() + "/rejected/" + workspace() + "/" + call + "." + std::to_string(n);
  }
  void take(const std::string& call) {
    SpoolEntries entries(archive(), spool());
    must(entries.take(*io_, workspace() + "/" + call), "an entry is taken, rejected or left");
    const std::string incoming = config_.standard.path + "/standard/.incoming";
    expect(!fs::exists(incoming) || fs::is_empty(incoming), "nothing is left half-way");
  }
  bool scan_finds(const std::string& call) {
    SpoolEntries entries(archive(), spool());
    const SpoolScan found = must(entries.scan(*io_, 100), "the spool can be scanned");
    return std::find(found.entries.begin(), found.entries.end(), workspace() + "/" + call) !=
           found.entries.end();
  }
  std::optional<Recording> find(const std::string& call) {
    auto index = must(archive().index.take(), "the index can be read");
    const auto row = must(find_workspace(*index, workspace_), "the workspace can be looked up");
    expect(row.has_value(), "the workspace is known");
    return must(find_recording(*index, row->workspace_no, call), "a call can be looked up");
  }
  std::string read(const Recording& recording, const FileRow& file) {
    const Fd fd = must(open_file(*io_, archive(), recording, file), "an archived file can be read");
    std::string text(static_cast<size_t>(file.size.count), '\0');
    const MutableByteSpan out(reinterpret_cast<std::byte*>(text.data()), text.size());
    if (!text.empty())
      must(io_->read_exactly(fd.get(), Bytes(0), out), "an archived file has its bytes");
    return text;
  }

 private:
  TemporaryDirectory directory_;
  Config config_;
  ManualClock clock_{UnixMillis(1'795'000'000'000)};
  SeededRandom random_{1};
  ManualSleeper sleeper_{clock_};
  std::unique_ptr<Io> io_;
  std::unique_ptr<OpenedArchive> opened_;
  WorkspaceId workspace_;
  int runs_ = 0;
};

World& world() {
  static std::unique_ptr<World> current;
  if (!current || current->is_worn()) {
    current.reset();
    current = std::make_unique<World>();
  }
  current->begin();
  return *current;
}

enum class Kind { kFile, kLink, kDirectory };
struct SpoolFile {
  Kind kind = Kind::kFile;
  std::string content;
};
struct Entry {
  std::string call;
  std::map<std::string, SpoolFile> files;

  bool is_complete() const {
    return std::any_of(files.begin(), files.end(),
                       [](const auto& file) { return is_spool_complete_by(file.first); });
  }
};

// Names that a directory can hold.
bool can_be_a_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.size() <= 255 &&
         text.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

Entry entry_of(Input& input, const std::string& workspace) {
  constexpr size_t kFilesMax = 12;
  Entry entry;
  entry.call = input.line();
  while (!input.empty() && entry.files.size() < kFilesMax) {
    const std::string name(input.line());
    SpoolFile file;
    const uint8_t kind = input.byte();
    file.kind = kind == 1 ? Kind::kLink : kind == 2 ? Kind::kDirectory : Kind::kFile;
    file.content = input.take(input.number(2));
    for (size_t at = 0; (at = file.content.find(kSampleWorkspace, at)) != std::string::npos;)
      file.content.replace(at, workspace.size(), workspace);
    if (can_be_a_name(name)) entry.files.emplace(name, std::move(file));
  }
  return entry;
}

void put(const Entry& entry, const std::string& path) {
  fs::create_directories(path);
  for (const auto& [name, file] : entry.files) {
    const std::string target = path + "/" + name;
    if (file.kind == Kind::kLink) fs::create_symlink("metadata.json", target);
    if (file.kind == Kind::kDirectory) fs::create_directory(target);
    if (file.kind == Kind::kFile) std::ofstream(target, std::ios::binary) << file.content;
  }
}

// Every file lies in the directory as it was put there, and no other.
void expect_lies_in(const Entry& entry, const std::string& path) {
  expect(static_cast<size_t>(std::distance(fs::directory_iterator(path), {})) == entry.files.size(),
         "a directory of the spool holds what was put there", path);
  for (const auto& [name, file] : entry.files) {
    if (file.kind != Kind::kFile) continue;
    std::ifstream in(path + "/" + name, std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(in), {});
    expect(in.good() || in.eof(), "a file is where it was put", name);
    expect(content == file.content, "a file in the spool is as it was put there", name);
  }
}

void expect_archived(World& world, const Entry& entry) {
  const auto known = world.find(entry.call);
  expect(known.has_value(), "an entry is archived or rejected");
  expect(known->files.size() == entry.files.size(), "every file of an entry is archived");
  for (const FileRow& row : known->files) {
    const auto file = entry.files.find(row.name);
    expect(file != entry.files.end() && file->second.kind == Kind::kFile, "only files are archived",
           row.name);
    expect(world.read(*known, row) == file->second.content, "a file is archived as it was",
           row.name);
  }
}

// What is archived stays as it is, whatever comes under its name.
void take_again(World& world, const Entry& entry) {
  put(entry, world.path(entry.call));
  world.take(entry.call);
  expect(!fs::exists(world.path(entry.call)), "the same entry again is taken");
  expect_archived(world, entry);

  Entry changed = entry;
  changed.files.begin()->second.content += "\n";
  put(changed, world.path(entry.call));
  world.take(entry.call);
  expect_archived(world, entry);
  expect_lies_in(changed, world.rejected(entry.call, 1));
}

}  // namespace

void spool_entry(ByteSpan bytes) {
  Input input(bytes);
  World& here = world();
  const Entry entry = entry_of(input, here.workspace());
  if (!can_be_a_name(entry.call)) return;
  const std::string path = here.path(entry.call);
  put(entry, path);
  expect(here.scan_finds(entry.call) == entry.is_complete(), "a scan finds what is complete");
  here.take(entry.call);
  if (!entry.is_complete()) {
    expect_lies_in(entry, path);
    fs::remove_all(path);
    return;
  }
  expect(!fs::exists(path), "a complete entry leaves the spool");
  const std::string rejected = here.rejected(entry.call, 1);
  if (!fs::exists(rejected)) {
    expect_archived(here, entry);
    return take_again(here, entry);
  }
  expect_lies_in(entry, rejected);
  expect(fs::exists(rejected + ".reason.txt") && fs::file_size(rejected + ".reason.txt") > 1,
         "a rejected entry has its reason beside it");
  expect(!is_call_sid(entry.call) || !here.find(entry.call), "what is rejected is not archived");
}

}  // namespace holdfast::fuzz
