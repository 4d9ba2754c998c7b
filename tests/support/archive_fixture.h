// A whole archive in one process: media in a temporary directory on a file system that can be
// re-read past the page cache, a manual clock, synthetic calls, and the work of the daemon's
// lanes done by hand, one turn at a time.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/work/file_reader.h"
#include "daemon/work/ingest.h"
#include "daemon/work/open_archive.h"
#include "daemon/work/rebuild.h"
#include "daemon/work/recall_forecast.h"
#include "daemon/work/restorer.h"
#include "index/commands/destruction.h"
#include "index/commands/holds.h"
#include "index/commands/keys.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"
#include "index/read/work.h"
#include "io/uncached.h"
#include "tests/support/faults.h"
#include "tests/support/manual_sleeper.h"
#include "tests/support/movers.h"
#include "tests/support/must.h"
#include "tests/support/seeded_random.h"
#include "tests/support/synthetic_audio.h"
#include "tests/support/temporary_directory.h"

namespace holdfast {

// The seeded bytes, for threads. Thread rule: any thread.
class SharedRandom final : public Random {
 public:
  explicit SharedRandom(uint64_t seed) : random_(seed) {}
  void fill(MutableByteSpan out) override {
    std::lock_guard lock(mutex_);
    random_.fill(out);
  }
  uint64_t below(uint64_t bound) {
    std::lock_guard lock(mutex_);
    return random_.below(bound);
  }

 private:
  std::mutex mutex_;
  SeededRandom random_;
};

// A call with the bytes that it should have for ever.
struct TestCall {
  std::string call_sid;
  std::map<std::string, std::string> files;

  Bytes bytes() const {
    Bytes sum;
    for (const auto& [name, content] : files) sum += Bytes(static_cast<int64_t>(content.size()));
    return sum;
  }
};

// What one archive of a test is given. Many that live shortly are given little.
struct FixtureOptions {
  uint64_t seed = test_seed();
  size_t samples = 4000;  // of the inbound side of a call; twice as many of the other one
  bool with_ring = true;  // of the test's own Io
  Bytes reserve{limits::kReserveBytes};
};

class ArchiveFixture {
 public:
  using Change = std::function<void(Config&)>;

  ArchiveFixture() : ArchiveFixture(Change()) {}
  explicit ArchiveFixture(const Change& change) : ArchiveFixture(change, FixtureOptions()) {}
  ArchiveFixture(const Change& change, uint64_t seed)
      : ArchiveFixture(change, FixtureOptions{.seed = seed}) {}
  ArchiveFixture(const Change& change, const FixtureOptions& options)
      : random(options.seed), directory(parent_directory()), options_(options) {
    config.state_dir = directory / "state";
    config.run_dir = directory / "run";
    config.spool_dir = directory / "spool";
    config.mirror_dir = directory / "mirror";
    config.mirror_same_device = true;
    config.backup.path = config.mirror_dir + "/backup";
    config.standard.path = directory / "standard";
    config.standard.copy_after = minutes(1);
    config.standard.release_after = hours(1);
    config.warm.path = directory / "warm";
    config.warm.pack_seal_after = minutes(5);
    config.warm.copy_after = hours(2);
    config.warm.release_after = hours(3);
    config.cold.emplace();
    config.cold->path = directory / "cold";
    config.cold->linger = Millis(0);
    if (change) change(config);
    workspace = random.id<WorkspaceId>();
    make_io();
    must(init_archive(*io, config, clock, random));
    open();
    must(archive().writer.call(add_workspace(workspace, "test", "uid:0")));
  }

  // --- The process
  Status try_open() {
    OpenOptions options;
    options.io.faults = &faults;
    options.io.force_fallback = true;  // a ring of its own for each of many openings costs time
    options.sleeper = other_sleeper_ != nullptr ? other_sleeper_ : &sleeper;
    options.before_commit = before_commit;
    options.around_backend = around_backend;
    options.reserve.size = options_.reserve;
    options.reserve.low = Bytes(options_.reserve.count / 2);
    options.reserve.inodes = 8;  // each opening of a new archive makes them
    options.reserve.inodes_low = 4;
    auto opened = OpenedArchive::open(config, clock, random, options);
    if (!opened.ok()) return opened.error();
    opened_ = std::move(opened).value();
    mover = std::make_unique<Movers>(opened_->archive());
    ingest_path = std::make_unique<Ingest>(opened_->archive());
    return {};
  }
  void open() { must(try_open()); }
  // The index is gone, as after a crash of its disk: what holdfastd rebuild does.
  Result<RebuildReport> try_rebuild(RebuildOptions options = RebuildOptions()) {
    close();
    options.open.io.faults = &faults;
    options.open.io.force_fallback = true;
    options.open.sleeper = other_sleeper_ != nullptr ? other_sleeper_ : &sleeper;
    options.open.before_commit = before_commit;
    options.open.around_backend = around_backend;
    return rebuild_archive(config, clock, random, options);
  }
  RebuildReport rebuild(const RebuildOptions& options = RebuildOptions()) {
    RebuildReport report = must(try_rebuild(options));
    open();
    return report;
  }
  void lose_index() {
    close();
    for (const char* name : {"/index.db", "/index.db-wal", "/index.db-shm"})
      std::filesystem::remove(config.state_dir + name);
  }
  // A clean stop.
  void close() {
    mover.reset();
    ingest_path.reset();
    opened_.reset();
  }
  // Nothing reaches a file any more; then the process is gone.
  void crash() {
    FaultAt dead(0, true);
    faults.aim(&dead);
    mover.reset();
    ingest_path.reset();
    opened_.reset();
    make_io();
    faults.aim(nullptr);
  }
  void reopen() {
    crash();
    open();
  }
  // From now on `other` is waited with; the process begins anew.
  void sleep_with(Sleeper& other) {
    other_sleeper_ = &other;
    reopen();
  }
  const Archive& archive() { return opened_->archive(); }
  // As a reload does.
  void apply(const Config& next) { opened_->apply(next); }
  const OpenReport& report() { return opened_->report(); }

  // --- Calls
  TestCall make_call(const std::string& call_sid = "") {
    TestCall call;
    call.call_sid = call_sid.empty() ? "CA" + std::to_string(++calls_made_) : call_sid;
    const auto seed = static_cast<uint32_t>(random.below(1'000'000));
    using testing::synthetic_samples;
    call.files["inbound.ulaw"] =
        testing::g711_bytes(synthetic_samples(options_.samples, seed, 8000), SampleForm::kMulaw);
    call.files["outbound.pcm"] =
        testing::pcm16_bytes(synthetic_samples(2 * options_.samples, seed + 1, 16'000));
    call.files["metadata.json"] = metadata(call.call_sid);
    return call;
  }
  std::string metadata(const std::string& call_sid) {
    const UnixMillis end = clock.now();
    json::object object;
    object["call_sid"] = call_sid;
    object["workspace_id"] = workspace.text();
    object["direction"] = "inbound";
    const auto length_ms = static_cast<int64_t>(options_.samples / 8);
    object["duration_seconds"] = static_cast<double>(length_ms) / 1000;
    object["inbound_format"] = "mulaw";
    object["inbound_sample_rate"] = 8000;
    object["outbound_format"] = "pcm16";
    object["outbound_sample_rate"] = 16'000;
    object["tts_provider"] = "none";
    object["call_start_iso"] = to_iso(end - Millis(length_ms));
    object["call_end_iso"] = to_iso(end);
    object["media_start_epoch_ms"] = static_cast<double>(end.count - length_ms);
    return json::serialize(object);
  }
  Result<Ingested> try_ingest(const TestCall& call) { return try_ingest(*io, call); }
  Result<Ingested> try_ingest(Io& with, const TestCall& call) {
    Ingest ingest(archive());
    HOLDFAST_ASSIGN(draft, ingest.begin(with, IngestRequest{workspace, call.call_sid, "key:test"}));
    for (const auto& [name, content] : call.files) {
      auto written = write_file(with, *draft, name, content);
      if (written.ok()) continue;
      HOLDFAST_TRY(ingest.abandon(with, std::move(draft)));
      return written.error();
    }
    Result<Ingested> accepted = ingest.accept(with, std::move(draft));
    static_cast<void>(
        archive().writer.view_ledger());  // waits its turn: the mark of its place is there
    return accepted;
  }
  TestCall ingest(const std::string& call_sid = "") {
    TestCall call = make_call(call_sid);
    must(try_ingest(call));
    return call;
  }

  Result<std::optional<Recording>> find(const std::string& call_sid) {
    HOLDFAST_ASSIGN(index, archive().index.take());
    HOLDFAST_ASSIGN(row, find_workspace(*index, workspace));
    if (!row) return std::optional<Recording>();
    return find_recording(*index, row->workspace_no, call_sid);
  }
  Result<Recording> try_recording(const TestCall& call) {
    HOLDFAST_ASSIGN(found, find(call.call_sid));
    BOOST_REQUIRE_MESSAGE(found, "the index does not know " + call.call_sid);
    return *std::move(found);
  }
  Recording recording(const TestCall& call) { return must(try_recording(call)); }
  bool is_known(const TestCall& call) { return must(find(call.call_sid)).has_value(); }

  // A file as a reader gets it.
  Result<std::string> read(const TestCall& call, const std::string& name) {
    const Recording known = recording(call);
    for (const FileRow& file : known.files) {
      if (file.name != name) continue;
      HOLDFAST_ASSIGN(fd, open_file(*io, archive(), known, file));
      std::string text(static_cast<size_t>(file.size.count), '\0');
      if (text.empty()) return text;
      MutableByteSpan out(reinterpret_cast<std::byte*>(text.data()), text.size());
      HOLDFAST_TRY(io->read_exactly(fd.get(), Bytes(0), out));
      return text;
    }
    return Error{Code::kNotFound, "the recording has no file " + name};
  }
  // Every file can be read now and has its bytes.
  bool is_whole(const TestCall& call) {
    for (const auto& [name, content] : call.files) {
      const Result<std::string> got = read(call, name);
      if (!got.ok()) {
        BOOST_TEST_MESSAGE(call.call_sid << "/" << name << ": " << got.error().message);
        return false;
      }
      if (*got != content) {
        BOOST_ERROR(call.call_sid + "/" + name + " came with other bytes");
        return false;
      }
    }
    return true;
  }
  bool is_readable(const TestCall& call) { return is_available(archive(), recording(call)); }
  // The same, brought back first when it is archived.
  bool is_kept(const TestCall& call) {
    if (!is_known(call)) return false;
    if (!is_readable(call)) {
      must(ask(call));
      run_restorers();
    }
    return is_whole(call);
  }

  // --- The lanes
  void run_mover() {
    for (int turn = 0; turn < 200; ++turn)
      if (!must(mover->run_once(*io))) return;
    BOOST_ERROR("the mover does not come to rest");
  }
  void run_restorers() {
    for (Tier tier : {Tier::kWarm, Tier::kCold}) {
      Restorer restorer(archive(), tier);
      for (int turn = 0; turn < 200 && must(restorer.run_once(*io)); ++turn) {
      }
    }
  }
  Result<RestoreOutcome> ask(const TestCall& call, Millis keep = hours(24),
                             const std::string& who = "key:test") {
    HOLDFAST_ASSIGN(known, try_recording(call));
    RequestRestore request;
    request.recording = known.recording_no;
    request.restore = random.id<RestoreId>();
    request.who = who;
    request.keep = keep;
    return archive().writer.call(request_restore(request));
  }
  RestoreRow restore(const RestoreId& id) {
    auto index = must(archive().index.take());
    return must(find_restore(*index, id)).value();
  }
  std::vector<MoveRow> moves() {
    auto index = must(archive().index.take());
    return must(list_moves(*index, std::nullopt, std::nullopt, 100));
  }

  // --- The life, in steps
  void pack() {  // sealed and verified on warm
    clock.advance(config.standard.copy_after);
    run_mover();
    clock.advance(config.warm.pack_seal_after);
    run_mover();
  }
  void release_standard() {
    clock.advance(config.standard.release_after);
    run_mover();
  }
  void to_warm() {
    pack();
    release_standard();
  }
  void to_cold() {
    to_warm();
    clock.advance(config.warm.release_after);
    run_mover();
  }
  // The state of part 1's copy on the tier; nothing when there is none.
  std::optional<CopyState> state_on(const TestCall& call, Tier tier) {
    const Recording known = recording(call);
    for (const CopyRow& copy : known.copies)
      if (copy.tier == tier && copy.part == 1) return copy.state;
    return std::nullopt;
  }

  // --- Holds and destruction
  Result<HoldRow> hold(const TestCall& call, const std::string& matter = "Smith v. Jones") {
    HOLDFAST_ASSIGN(known, try_recording(call));
    PlaceHold request;
    request.recording = known.recording;
    request.workspace_no = known.workspace_no;
    request.matter = matter;
    request.who = "key:test";
    return archive().writer.call(place_hold(request));
  }
  Status destroy(const TestCall& call) {
    HOLDFAST_ASSIGN(known, try_recording(call));
    const RecordingNo number = known.recording_no;
    HOLDFAST_TRY(archive().writer.call(condemn(number, "key:test")));
    return Remover(archive()).destroy(*io, number, "key:test");
  }

  // --- What lies on the media
  std::set<std::string> files_below(const std::string& root) const {
    std::set<std::string> files;
    if (!std::filesystem::exists(root)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
      if (!entry.is_directory() && entry.path().filename() != "holdfast-label.json")
        files.insert(entry.path().string());
    return files;
  }
  // Directories on the way, and their number, when nothing is under way: none.
  std::set<std::string> unsettled() const {
    std::set<std::string> files = files_below(config.standard.path + "/standard/.incoming");
    files.merge(files_below(config.standard.path + "/standard/.trash"));
    return files;
  }
  std::set<std::string> staged_files() const {
    return files_below(config.standard.path + "/staged");
  }
  // Every file of the standard tier with this name.
  std::vector<std::string> standard_files(const std::string& name) const {
    std::vector<std::string> found;
    for (const std::string& path : files_below(config.standard.path))
      if (path.ends_with("/" + name)) found.push_back(path);
    return found;
  }
  static void flip_byte(const std::string& path, int64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    BOOST_REQUIRE(file.good());
    file.seekg(offset);
    const char byte = static_cast<char>(file.get() ^ 0x01);
    file.seekp(offset);
    file.put(byte);
  }

  // False, told once, where the file system keeps no medium behind the page cache.
  bool can_verify() {
    const std::string path = directory / "probe";
    std::ofstream(path) << std::string(8192, 'x');
    const Fd root = must(open_root(directory.path()));
    const UncachedDigest digest = must(digest_uncached(*io, root.get(), "probe", Bytes(8192)));
    if (digest.mode != VerifyMode::kNone) return true;
    std::cout << "skipped: " << directory.path()
              << " cannot be re-read past the page cache, so nothing is ever released\n";
    return false;
  }

  Config config;
  ManualClock clock{UnixMillis(1'795'000'000'000)};
  SharedRandom random;
  ManualSleeper sleeper{clock};
  AimedFaults faults;
  std::function<Status()> before_commit;
  std::function<std::unique_ptr<PackBackend>(PackBackend&)> around_backend;
  TemporaryDirectory directory;
  WorkspaceId workspace;
  std::unique_ptr<Io> io;
  std::unique_ptr<Movers> mover;
  std::unique_ptr<Ingest> ingest_path;

 private:
  static std::string parent_directory() {
    const char* given = std::getenv("TMPDIR");
    return given != nullptr && *given != '\0' ? given : "/var/tmp";
  }
  void make_io() {
    IoOptions options;
    options.faults = &faults;
    options.force_fallback = !options_.with_ring;
    io = Io::open(options).value();
  }
  static Status write_file(Io& io, IngestDraft& draft, const std::string& name,
                           const std::string& content) {
    HOLDFAST_ASSIGN(file, draft.writer().create(io, name, Bytes(limits::kFileBytesMax)));
    HOLDFAST_TRY(file->append(io, as_bytes(content)));
    HOLDFAST_ASSIGN(finished, file->finish(io));
    static_cast<void>(finished);
    return {};
  }

  const FixtureOptions options_;
  Sleeper* other_sleeper_ = nullptr;
  std::unique_ptr<OpenedArchive> opened_;
  int calls_made_ = 0;
};

}  // namespace holdfast
