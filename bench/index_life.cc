#include "bench/index_life.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "base/time_text.h"
#include "index/commands/copies.h"
#include "index/commands/holds.h"
#include "index/commands/ingest.h"
#include "index/commands/keys.h"
#include "index/commands/media.h"
#include "index/commands/packs.h"
#include "index/read/attributes.h"

namespace holdfast::bench {
namespace {

constexpr uint64_t kSeed = 1;
constexpr UnixMillis kBegin(1'735'689'600'000);  // 2025-01-01
constexpr Millis kBetweenCalls = Millis(86'400'000 / kCallsPerDay);
constexpr int64_t kHeldEvery = 100;
constexpr int64_t kFlaggedEvery = 500;
constexpr const char* kWho = "key:bench";
constexpr int64_t kExtraBegin = int64_t{1} << 40;  // recordings of live_rate() are other ones

enum What : uint64_t { kSid, kAgent, kCaller, kCallee, kTag, kOtherTag, kMood, kLength, kDigest };

template <typename Identifier>
Identifier drawn(int64_t i, uint64_t what) {
  Identifier id;
  const uint64_t words[2] = {spread(i, what), spread(i, what + 100)};
  std::memcpy(id.bytes.data(), words, sizeof words);
  return id;
}

std::string number_text(uint64_t number) {
  const std::string digits = std::to_string(100'000'000 + number % 900'000'000);
  return "+4930" + digits;
}

// As a platform writes it: some 400 bytes.
std::string metadata_of(int64_t i, UnixMillis start, UnixMillis end, const WorkspaceId& workspace) {
  const json::object metadata{
      {"call_sid", call_sid_of(i)},
      {"workspace_id", workspace.text()},
      {"service_id", agent_of(i).text()},
      {"direction", "inbound"},
      {"call_start_iso", to_iso(start)},
      {"call_end_iso", to_iso(end)},
      {"from", caller_of(i)},
      {"to", number_text(spread(i, kCallee) % 50)},
      {"tags", {tag_of(i), "tag" + std::to_string(spread(i, kOtherTag) % kTags)}},
      {"consent", true},
      {"order", order_of(i)},
      {"mood", spread(i, kMood) % 2 == 0 ? kCommonWord : "neutral"}};
  return json::serialize(metadata);
}

FileRow file_of(int64_t i, const char* name, Channel channel, int bytes_per_ms, Millis length) {
  FileRow file;
  file.name = name;
  file.size = Bytes(length.count * bytes_per_ms);
  for (size_t at = 0; at < file.sha256.bytes.size(); at += 8) {
    const uint64_t word = spread(i, kDigest + 1000 * static_cast<uint64_t>(channel) + at);
    std::memcpy(file.sha256.bytes.data() + at, &word, 8);
  }
  file.channel = channel;
  file.format = channel == Channel::kInbound ? "mulaw" : "pcm16";
  file.sample_rate = channel == Channel::kInbound ? 8000 : 16'000;
  file.tracks = 1;
  file.duration = length;
  return file;
}

}  // namespace

// splitmix64.
uint64_t spread(int64_t i, uint64_t what) {
  uint64_t z = static_cast<uint64_t>(i) + kSeed + (what + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::string call_sid_of(int64_t i) {
  return "CA" + to_hex(ByteSpan(drawn<RecordingId>(i, kSid).bytes));
}
std::string order_of(int64_t i) { return "order" + std::to_string(7'000'000 + i); }
std::string caller_of(int64_t i) {
  const uint64_t callers = static_cast<uint64_t>(i) / 16 + 1;
  return number_text(spread(static_cast<int64_t>(spread(i, kCaller) % callers), kCaller));
}
std::string tag_of(int64_t i) { return "tag" + std::to_string(spread(i, kTag) % kTags); }
WorkspaceId agent_of(int64_t i) {
  return drawn<WorkspaceId>(static_cast<int64_t>(spread(i, kAgent) % kAgents), kAgent);
}
UnixMillis started_at(int64_t i) { return kBegin + Millis(i * kBetweenCalls.count); }

Result<std::optional<IngestRow>> Life::NoSource::find_ingest(const RecordingId&, int) {
  return std::optional<IngestRow>();
}
Result<std::optional<SealedPack>> Life::NoSource::find_pack(const PackId&, const MediumId&) {
  return std::optional<SealedPack>();
}

void Life::Drawn::fill(MutableByteSpan out) {
  const int64_t n = drawn_++;
  for (size_t at = 0; at < out.size(); ++at)
    out[at] = static_cast<std::byte>(spread(n, 5000 + at / 8) >> (at % 8 * 8));
}

Life::Life(const std::string& root)
    : root_(root), index_path_(root + "/index.db"), clock_(kBegin) {}

Result<std::unique_ptr<Life>> Life::begin(const std::string& root) {
  std::unique_ptr<Life> life(new Life(root));
  HOLDFAST_TRY(life->furnish());
  return life;
}

Result<std::unique_ptr<Life>> Life::kept(const std::string& root) {
  std::unique_ptr<Life> life(new Life(root));
  HOLDFAST_TRY(life->find_numbers());
  return life;
}

// Recordings came in the order of i, those of live_rate() in between.
Status Life::find_numbers() {
  HOLDFAST_ASSIGN(index, Database::open_read_only(index_path_));
  Statement rows = index.prepare(
      "SELECT workspace_no, recording_no, call_sid FROM recording ORDER BY recording_no");
  for (;;) {
    HOLDFAST_ASSIGN(more, rows.step());
    if (!more) return Status();
    workspace_no_ = WorkspaceNo(rows.next<int64_t>());
    const auto number = rows.next<RecordingNo>();
    if (rows.next<std::string>() == call_sid_of(size())) numbers_.push_back(number);
  }
}

Status Life::furnish() {
  std::filesystem::create_directories(root_ + "/mirror");
  WriterOptions options;
  options.index_path = index_path_;
  options.secrets_path = root_ + "/secrets.db";
  options.ledger.directory = root_ + "/ledger";
  options.ledger.mirror_directory = root_ + "/mirror";
  options.ledger.mirror_same_device = true;
  HOLDFAST_ASSIGN(writer, Writer::start(options, clock_, random_, source_));
  writer_ = std::move(writer);
  for (MediumId* medium : {&standard_, &warm_, &cold_}) {
    *medium = random_.id<MediumId>();
    MediumRow row;
    row.medium = *medium;
    row.tier = medium == &standard_ ? Tier::kStandard
               : medium == &warm_   ? Tier::kWarm
                                    : Tier::kCold;
    row.kind = medium == &standard_ ? "disk" : "pack";
    row.name = "bench";
    HOLDFAST_TRY(writer_->call(register_medium(row, kWho)));
  }
  workspace_ = random_.id<WorkspaceId>();
  HOLDFAST_ASSIGN(added, writer_->call(add_workspace(workspace_, "bench", kWho)));
  workspace_no_ = added.workspace_no;
  return Status();
}

Result<IngestRow> Life::row(int64_t i) {
  IngestRow row;
  HOLDFAST_ASSIGN(number, writer_->next_recording_no());
  const Millis length(30'000 + static_cast<int64_t>(spread(i, kLength) % 300'000));
  row.recording = drawn<RecordingId>(i, 200);
  row.recording_no = number;
  row.workspace = workspace_;
  row.call_sid = call_sid_of(i);
  row.service = agent_of(i);
  row.direction = Direction::kInbound;
  row.started_at = i < kExtraBegin ? started_at(i) : clock_.now();
  row.ended_at = row.started_at + length;
  row.received_at = row.ended_at;
  row.day = day_of(row.started_at);
  row.duration = length;
  row.flags = i % kFlaggedEvery == 7 ? static_cast<int32_t>(Flag::kDurationMismatch) : 0;
  row.medium = standard_;
  row.files = {file_of(i, "inbound.ulaw", Channel::kInbound, 8, length),
               file_of(i, "outbound.pcm", Channel::kOutbound, 32, length)};
  row.metadata = metadata_of(i, row.started_at, row.ended_at, workspace_);
  row.search = search_text(attributes_of(parse_json(*row.metadata).value().get_object()));
  row.next_action_at = row.ended_at + days(kStandardDays);
  return row;
}

Status Life::hold(WriteTxn& txn, const IngestRow& row) {
  PlaceHold request;
  request.recording = row.recording;
  request.workspace_no = workspace_no_;
  request.matter = "Case " + std::to_string(row.recording_no.value % 10);
  request.who = kWho;
  HOLDFAST_ASSIGN(placed, place_hold(std::move(request)).apply(txn));
  static_cast<void>(placed);
  return Status();
}

// A verified pack of the recordings on warm.
Status Life::pack(WriteTxn& txn, const std::vector<IngestRow>& rows, const PackId& id) {
  OpenPack open;
  open.pack = id;
  open.cohort = "open";
  open.target = warm_;
  open.next_action_at = clock_.now();
  HOLDFAST_ASSIGN(opened, open_pack(open).apply(txn));
  static_cast<void>(opened);
  SealedPack sealed;
  sealed.pack = id;
  sealed.medium = warm_;
  sealed.location = id.text() + ".tar";
  sealed.sha256 = rows[0].files[0].sha256;
  std::vector<PartKey> members;
  int64_t offset = 1024;
  for (const IngestRow& row : rows) {
    const Bytes audio(row.files[0].size.count + row.files[1].size.count / 2);
    members.push_back({row.recording_no, 1});
    sealed.members.push_back({row.recording, 1, {Bytes(offset), audio}, {Bytes(offset), audio}});
    offset += audio.count;
  }
  sealed.size = Bytes(offset);
  HOLDFAST_ASSIGN(assigned, assign_members(id, std::move(members)).apply(txn));
  if (!assigned.skipped.empty()) return Error{Code::kConflict, "a member was skipped"};
  HOLDFAST_ASSIGN(packed, seal_pack(std::move(sealed), kWho).apply(txn));
  static_cast<void>(packed);
  HOLDFAST_TRY(pack_verified(id, warm_, VerifyMode::kDirect, kWho).apply(txn));
  for (const IngestRow& row : rows)
    HOLDFAST_TRY(set_recording_action(row.recording_no, row.next_action_at).apply(txn));
  return Status();
}

Status Life::add_batch() {
  const int64_t first = size();
  clock_.jump_to(started_at(first + kBatch));
  std::vector<IngestRow> rows;
  for (int64_t i = first; i < first + kBatch; ++i) {
    HOLDFAST_ASSIGN(made, row(i));
    rows.push_back(std::move(made));
  }
  const auto id = drawn<PackId>(first, 300);
  Command<void> command{"add recordings", [&](WriteTxn& txn) -> Result<void> {
                          for (size_t i = 0; i < rows.size(); ++i) {
                            HOLDFAST_ASSIGN(taken, ingest_recording(rows[i], kWho).apply(txn));
                            static_cast<void>(taken);
                            HOLDFAST_TRY(mark_placed(rows[i].recording_no, 1).apply(txn));
                            if (i % kHeldEvery == 3) HOLDFAST_TRY(hold(txn, rows[i]));
                          }
                          return pack(txn, rows, id);
                        }};
  HOLDFAST_TRY(writer_->call(std::move(command)));
  for (const IngestRow& row : rows) numbers_.push_back(row.recording_no);
  packs_.push_back(id);
  return Status();
}

// On cold as well; then the plain copies go. Policy looks at them again in a year.
Status Life::archive(WriteTxn& txn, int64_t first) {
  const PackId& id = packs_[static_cast<size_t>(first / kBatch)];
  HOLDFAST_TRY(pack_copied(id, cold_, id.text(), kWho).apply(txn));
  HOLDFAST_TRY(pack_verified(id, cold_, VerifyMode::kDirect, kWho).apply(txn));
  for (int64_t i = first; i < first + kBatch; ++i) {
    HOLDFAST_ASSIGN(permit, release_copy(number(i), 1, standard_, {}, kWho).apply(txn));
    static_cast<void>(permit);
    HOLDFAST_TRY(copy_gone(number(i), 1, standard_).apply(txn));
    HOLDFAST_TRY(set_recording_action(number(i), started_at(i) + days(365)).apply(txn));
  }
  return Status();
}

Status Life::age_batch(int64_t first) {
  return writer_->call(Command<void>{
      "archive recordings", [&](WriteTxn& txn) -> Result<void> { return archive(txn, first); }});
}

Status Life::grow(int64_t count) {
  while (size() < count) {
    HOLDFAST_TRY(add_batch());
    const int64_t old = size() - kBatch - kStandardDays * kCallsPerDay;
    if (old >= 0) HOLDFAST_TRY(age_batch(old));
  }
  return Status();
}

Result<double> Life::live_rate(int64_t count) {
  std::vector<IngestRow> rows;
  for (int64_t n = 0; n < count; ++n) {
    HOLDFAST_ASSIGN(made, row(kExtraBegin + extra_++));
    rows.push_back(std::move(made));
  }
  std::mutex mutex;
  std::condition_variable changed;
  int under_way = 0;
  Status outcome;
  const SystemClock real;
  const Millis begun = real.monotonic();
  for (IngestRow& row : rows) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return under_way < kInFlight; });
    ++under_way;
    lock.unlock();
    writer_->submit<IngestOutcome>(ingest_recording(std::move(row), kWho),
                                   [&](Result<IngestOutcome> done) {
                                     const std::lock_guard guard(mutex);
                                     --under_way;
                                     if (!done.ok() && outcome.ok()) outcome = done.error();
                                     changed.notify_one();
                                   });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return under_way == 0; });
  HOLDFAST_TRY(outcome);
  const Millis taken(real.monotonic().count - begun.count);
  return static_cast<double>(count) * 1000 / static_cast<double>(std::max<int64_t>(taken.count, 1));
}

}  // namespace holdfast::bench
