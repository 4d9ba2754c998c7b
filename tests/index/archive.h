// A small archive for the tests of the index: a writer with its ledger in a
// temporary directory, media that exist as rows, and a source that remembers what
// "lies on the media" for replay.
#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "index/commands/copies.h"
#include "index/commands/destruction.h"
#include "index/commands/holds.h"
#include "index/commands/ingest.h"
#include "index/commands/keys.h"
#include "index/commands/media.h"
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/commands/restores.h"
#include "index/read/listing.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"
#include "index/read/work.h"
#include "index/writer.h"
#include "tests/support/faults.h"
#include "tests/support/must.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace holdfast {

// Thread rule: any thread.
class KeptSource final : public DecisionSource {
 public:
  Result<std::optional<IngestRow>> find_ingest(const RecordingId& recording, int part) override {
    std::lock_guard lock(mutex_);
    const auto found = ingests_.find({recording, part});
    if (blind_ || found == ingests_.end()) return std::optional<IngestRow>();
    return std::optional<IngestRow>(found->second);
  }
  Result<std::optional<SealedPack>> find_pack(const PackId& pack, const MediumId&) override {
    std::lock_guard lock(mutex_);
    const auto found = packs_.find(pack);
    if (blind_ || found == packs_.end()) return std::optional<SealedPack>();
    return std::optional<SealedPack>(found->second);
  }
  void keep(const IngestRow& row) {
    std::lock_guard lock(mutex_);
    ingests_[{row.recording, row.part}] = row;
  }
  void keep(const SealedPack& pack) {
    std::lock_guard lock(mutex_);
    packs_[pack.pack] = pack;
  }
  // As when no medium shows the part any more.
  void forget(const IngestRow& row) {
    std::lock_guard lock(mutex_);
    ingests_.erase({row.recording, row.part});
  }
  void go_blind() { blind_ = true; }  // as when every medium is gone

 private:
  std::mutex mutex_;
  bool blind_ = false;
  std::map<std::pair<RecordingId, int>, IngestRow> ingests_;
  std::map<PackId, SealedPack> packs_;
};

constexpr int64_t kStart = 1'790'000'000'000;  // 2026-09-21

class Archive {
 public:
  Archive() : clock(UnixMillis(kStart)), random(test_seed()), writer_random(test_seed() + 1) {
    workspace = random.id<WorkspaceId>();
    standard = random.id<MediumId>();
    warm = random.id<MediumId>();
    cold = random.id<MediumId>();
  }

  WriterOptions options() {
    WriterOptions out;
    out.index_path = directory / "index.db";
    out.secrets_path = directory / "secrets.db";
    out.ledger.directory = directory / "ledger";
    out.ledger.mirror_directory = directory / "mirror";
    out.ledger.mirror_same_device = true;
    out.ledger.segment_bytes_max = segment_bytes_max;
    out.io.faults = &faults;
    out.io.force_fallback = !with_ring;
    out.before_commit = before_commit;
    out.recovered = recovered;
    return out;
  }

  Status try_start() {
    std::filesystem::create_directories(directory / "mirror");
    auto started = Writer::start(options(), clock, writer_random, source);
    if (!started.ok()) return started.error();
    writer = std::move(started).value();
    return Status();
  }
  void start() {
    must(try_start());
    start_reading();
  }
  void start_reading() {
    ReadOnlyOptions read;
    read.secrets_path = directory / "secrets.db";
    index.emplace(must(Database::open_read_only(directory / "index.db", read)));
  }
  void stop() {
    index.reset();
    writer.reset();
  }
  void restart() {
    stop();
    start();
  }
  // Three media and a workspace.
  void furnish() {
    start();
    add_medium(standard, Tier::kStandard, "disk");
    add_medium(warm, Tier::kWarm, "pack");
    add_medium(cold, Tier::kCold, "vault");
    workspace_no = must(writer->call(add_workspace(workspace, "support", "uid:0"))).workspace_no;
  }
  void add_medium(const MediumId& medium, Tier tier, const std::string& kind) {
    MediumRow row;
    row.medium = medium;
    row.tier = tier;
    row.kind = kind;
    row.name = kind + "-1";
    must(writer->call(register_medium(row, "uid:0")));
  }

  FileRow file(const std::string& name, int64_t size) {
    FileRow out;
    out.name = name;
    out.size = Bytes(size);
    random.fill(out.sha256.bytes);
    out.channel = name.starts_with("inbound") ? Channel::kInbound : Channel::kOutbound;
    out.format = "mulaw";
    out.sample_rate = 8000;
    return out;
  }
  IngestRow ingest_row(const std::string& call_sid) {
    IngestRow row;
    row.recording = random.id<RecordingId>();
    row.recording_no = must(writer->next_recording_no());
    row.workspace = workspace;
    row.call_sid = call_sid;
    row.direction = Direction::kInbound;
    row.ended_at = clock.now();
    row.started_at = clock.now() - minutes(3);
    row.received_at = clock.now();
    row.day = day_of(row.started_at);
    row.duration = minutes(3);
    row.medium = standard;
    row.files = {file("inbound.ulaw", 1000), file("outbound.pcm", 2000)};
    row.metadata = "{\"call_sid\":\"" + call_sid + "\"}";
    row.next_action_at = clock.now() + minutes(15);
    return row;
  }
  // Acknowledged and in its place.
  IngestRow ingest(const std::string& call_sid) {
    IngestRow row = ingest_row(call_sid);
    source.keep(row);
    must(writer->call(ingest_recording(row, "key:test")));
    must(writer->call(mark_placed(row.recording_no, 1)));
    return row;
  }
  // A sealed and verified pack of the recordings' first parts on warm.
  SealedPack pack_up(const std::vector<IngestRow>& rows) {
    OpenPack open;
    open.pack = random.id<PackId>();
    open.cohort = "open";
    open.target = warm;
    open.next_action_at = clock.now() + hours(6);
    must(writer->call(open_pack(open)));
    std::vector<PartKey> members;
    for (const IngestRow& row : rows) members.push_back({row.recording_no, 1});
    must(writer->call(assign_members(open.pack, members)));
    const SealedPack sealed = seal_of(open.pack, rows);
    source.keep(sealed);
    must(writer->call(seal_pack(sealed, "system")));
    must(writer->call(pack_verified(open.pack, warm, VerifyMode::kDirect, "system")));
    return sealed;
  }
  SealedPack seal_of(const PackId& pack, const std::vector<IngestRow>& rows) {
    SealedPack out;
    out.pack = pack;
    out.medium = warm;
    out.location = pack.text() + ".tar";
    out.size = Bytes(1 << 20);
    random.fill(out.sha256.bytes);
    int64_t offset = 1024;
    for (const IngestRow& row : rows) {
      out.members.push_back(
          {row.recording, 1, {Bytes(offset), Bytes(700)}, {Bytes(offset + 100'000), Bytes(200)}});
      offset += 700;
    }
    return out;
  }
  // The warm pack on cold as well, verified.
  void copy_to_cold(const PackId& pack) {
    must(writer->call(pack_copied(pack, cold, "7", "system")));
    must(writer->call(pack_verified(pack, cold, VerifyMode::kDropped, "system")));
  }
  void release_plain(RecordingNo recording) {
    must(writer->call(release_copy(recording, 1, standard, {}, "system")));
    must(writer->call(copy_gone(recording, 1, standard)));
  }

  // Runs SQL on the writing connection, as a faulty command would.
  Status run_sql(const std::string& sql) {
    Command<void> command{"sql", [sql](WriteTxn& txn) { return txn.index().execute(sql); }};
    return writer->call(std::move(command));
  }
  RecordingRow row_of(RecordingNo recording) {
    auto row = must(find_recording_row(*index, recording));
    BOOST_REQUIRE(row.has_value());
    return *row;
  }
  int64_t count(const std::string& sql) {
    Statement statement = index->prepare(sql);
    BOOST_REQUIRE(must(statement.step()));
    return statement.next<int64_t>();
  }

  TemporaryDirectory directory;
  ManualClock clock;
  SeededRandom random;         // of the test's thread
  SeededRandom writer_random;  // of the writer's
  AimedFaults faults;
  bool with_ring = false;  // of the writer's Io: many archives are opened, and each ring costs time
  KeptSource source;
  Bytes segment_bytes_max{limits::kSegmentBytesMax};
  std::function<Status()> before_commit;
  std::function<void()> recovered;
  WorkspaceId workspace;
  WorkspaceNo workspace_no;
  MediumId standard;
  MediumId warm;
  MediumId cold;
  std::unique_ptr<Writer> writer;
  std::optional<Database> index;
};

// Every page of a listing, one after the other, with `between` called between two.
inline std::vector<RecordingNo> walk(Database& index, ListFilter filter,
                                     const std::function<void()>& between = {}) {
  std::vector<RecordingNo> seen;
  for (;;) {
    const ListPage page = must(list_recordings(index, filter));
    for (const RecordingRow& row : page.rows) seen.push_back(row.recording_no);
    if (!page.next) return seen;
    BOOST_REQUIRE(page.rows.size() == static_cast<size_t>(filter.limit));
    filter.after = page.next;
    if (between) between();
  }
}

}  // namespace holdfast
