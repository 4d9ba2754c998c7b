// P6 and P7 for decisions: an index that is missing, older or cut off is brought
// to the same rows by the ledger, by the same functions that live commands use.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "index/commands/clock.h"
#include "index/commands/relabel.h"
#include "index/commands/retention.h"
#include "index/read/holds.h"
#include "index/read/status.h"
#include "index/secrets.h"
#include "tests/index/archive.h"
#include "tests/index/segment_text.h"

namespace holdfast {
namespace {

// All rows that decisions make, as text. What has no line is left out: when policy looks again,
// whether files were renamed into place, what is planned, and rows of copies that are going (all of
// a recording's, once its destruction has begun).
std::vector<std::string> rows_of_decisions(Database& index) {
  const char* const queries[] = {
      "SELECT 'workspace', workspace_no, hex(workspace_id), name FROM workspace ORDER BY 2",
      "SELECT 'key', hex(key_id), workspace_no, scopes, created_at, expires_at, revoked_at "
      "FROM api_key ORDER BY 2",
      "SELECT 'revoked', kind, hex(mark), revoked_at FROM link_revocation ORDER BY 2, 3",
      "SELECT 'medium', medium_no, hex(medium_id), tier, kind, name FROM medium ORDER BY 2",
      "SELECT 'recording', recording_no, hex(recording_id), workspace_no, "
      "coalesce(home_no, workspace_no), hex(service_id), call_sid, started_at, "
      "ended_at, day, duration_ms, iif(state = 0, 1, state), flags, iif(state = 3, 0, tier), "
      "holds, parts, bytes, class_no, retain_until, expires_at, arrived_at, "
      "iif(state = 3, 0, single_copy_bytes) FROM recording ORDER BY 2",
      "SELECT 'class', class_no, name, version, mode, event, amount, unit, created_at, created_by "
      "FROM retention_class ORDER BY 2",
      "SELECT 'default', workspace_no, class FROM retention_default ORDER BY 2",
      "SELECT 'bypass', recording_no FROM retention_bypass ORDER BY 2",
      "SELECT 'relabel', * FROM relabel ORDER BY recording_no, relabel_no",
      "SELECT 'former', hex(mark), hex(recording_id), at FROM former_address ORDER BY 2",
      "SELECT 'search', rowid, scope, call_sid, caller, callee, tags, consent, words "
      "FROM recording_search ORDER BY 2",
      "SELECT 'metadata', recording_no, hex(bytes) FROM metadata ORDER BY 2",
      "SELECT 'part', recording_no, part, bytes, iif((SELECT state FROM recording r WHERE "
      "r.recording_no = p.recording_no) = 3, 0, copies) FROM part p ORDER BY 2, 3",
      "SELECT 'file', recording_no, part, name, size, hex(sha256), channel FROM file "
      "ORDER BY 2, 3, 4",
      "SELECT 'pack', hex(pack_id), size, hex(sha256), sealed_at, members, bytes FROM pack "
      "WHERE state <> 0 ORDER BY 2",
      "SELECT 'copy', recording_no, part, medium_no, audio_offset, audio_length, "
      "metadata_offset, state, original, copied_at, verified_at, verify_mode FROM copy "
      "WHERE state IN (1, 2, 5) AND (SELECT state FROM recording r "
      "WHERE r.recording_no = copy.recording_no) <> 3 ORDER BY 2, 3, 4",
      "SELECT 'matter', hex(matter_id), workspace_no, name, holds FROM matter ORDER BY 2",
      "SELECT 'hold', hex(hold_id), recording_no, hex(recording_id), hex(matter_id), note, "
      "placed_by, placed_at, release_note, released_by, released_at FROM hold ORDER BY 2",
      "SELECT 'note', hash, text FROM note ORDER BY 2",
      "SELECT 'tombstone', hex(mark), hex(recording_id), at FROM tombstone ORDER BY 2",
      "SELECT 'quarantine', recording_no, part, medium_no, reason, at FROM quarantine ORDER BY 6",
      "SELECT 'tally', workspace_no, sum(recordings), sum(bytes), sum(held), sum(flagged), "
      "sum(destroying) FROM tally GROUP BY workspace_no ORDER BY 2",
  };
  std::vector<std::string> rows;
  for (const char* query : queries) {
    Statement statement = index.prepare(query);
    while (must(statement.step())) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(statement.raw()); ++i)
        row += (i == 0 ? "" : "|") +
               (statement.is_null(i) ? "null" : statement.column<std::string>(i));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// What triggers counted is what there is.
void check_totals(Database& index) {
  Statement statement = index.prepare(
      "SELECT t.workspace_no, t.tier FROM tally t WHERE (t.recordings, t.bytes, t.held, t.flagged, "
      "t.single_copy_bytes, t.destroying) IS NOT (SELECT count(*), coalesce(sum(r.bytes), 0), "
      "coalesce(sum(r.holds > 0), 0), coalesce(sum(r.flags <> 0), 0), "
      "coalesce(sum((SELECT coalesce(sum(p.bytes), 0) FROM part p "
      "WHERE p.recording_no = r.recording_no AND 1 = (SELECT count(*) FROM copy c "
      "WHERE c.recording_no = p.recording_no AND c.part = p.part AND (c.state = 2 "
      "OR (c.state = 1 AND c.original = 1))))), 0), coalesce(sum(r.state IN (2, 3)), 0) "
      "FROM recording r WHERE r.tier = t.tier "
      "AND (t.workspace_no = 0 OR r.workspace_no = t.workspace_no))");
  while (must(statement.step()))
    BOOST_ERROR("the totals of workspace " << statement.column<int>(0) << ", tier "
                                           << statement.column<int>(1) << " are wrong");
}

void check_same(const std::vector<std::string>& expected, const std::vector<std::string>& found) {
  for (size_t i = 0; i < std::min(expected.size(), found.size()); ++i)
    if (expected[i] != found[i]) {
      BOOST_ERROR("row " << i << "\n  expected " << expected[i] << "\n  found    " << found[i]);
      return;
    }
  BOOST_TEST(expected.size() == found.size());
}

// A life of an archive, decided by the seed.
class Story {
 public:
  explicit Story(Archive& archive) : archive_(archive) {
    must(archive_.writer->call(begin_clock("system")));
  }

  void step() {
    archive_.clock.advance(seconds(1 + static_cast<int64_t>(pick(4000))));
    switch (pick(15)) {
      case 0:
      case 1:
      case 2:
        living_.push_back(archive_.ingest("CA" + std::to_string(next_++)));
        return;
      case 3:
        return add_part_somewhere();
      case 4:
        return place_somewhere();
      case 5:
        return release_some_hold();
      case 6:
        return pack_some();
      case 7:
        return copy_some_pack();
      case 8:
        return destroy_some();
      case 9:
        return keys_and_links();
      case 10:
        return quarantine_some();
      case 11:
        return relabel_some();
      case 12:
        return retain_some();
      case 13:
        return move_clock();
      default:
        return release_some_pack();
    }
  }

 private:
  size_t pick(size_t bound) { return static_cast<size_t>(archive_.random.below(bound)); }
  const IngestRow* some() { return living_.empty() ? nullptr : &living_[pick(living_.size())]; }

  void add_part_somewhere() {
    const IngestRow* row = some();
    if (row == nullptr) return;
    IngestRow part = *row;
    part.part = archive_.row_of(row->recording_no).parts + 1;
    part.metadata.reset();
    part.received_at = archive_.clock.now();
    part.files = {archive_.file("transcript." + std::to_string(part.part) + ".json", 50)};
    part.flags = static_cast<int32_t>(Flag::kSizeMismatch);
    const auto now_state = must(find_recording_row(*archive_.index, row->recording_no))->state;
    if (now_state == RecordingState::kCondemned) {
      BOOST_CHECK(code_of(archive_.writer->call(add_part(part, "key:b"))) == Code::kConflict);
      return;
    }
    archive_.source.keep(part);
    must(archive_.writer->call(add_part(part, "key:b")));
    if (pick(2) == 0) must(archive_.writer->call(mark_placed(row->recording_no, part.part)));
  }
  void place_somewhere() {
    const IngestRow* row = some();
    if (row == nullptr) return;
    PlaceHold hold;
    hold.recording = row->recording;
    hold.workspace_no = archive_.workspace_no;
    hold.matter = "Matter " + std::to_string(pick(3));
    hold.reason = pick(2) == 0 ? "" : "reason " + std::to_string(next_++);
    hold.who = "uid:1000";
    holds_.push_back(must(archive_.writer->call(place_hold(hold))).hold);
  }
  void release_some_hold() {
    if (holds_.empty()) return;
    const auto released =
        archive_.writer->call(release_hold(holds_[pick(holds_.size())], "settled", "uid:1000"));
    if (!released.ok()) BOOST_CHECK(released.error().code == Code::kConflict);
  }
  void pack_some() {
    std::vector<IngestRow> members;
    for (const IngestRow& row : living_) {
      const auto recording = must(find_recording(*archive_.index, row.recording_no));
      const bool plain = recording->copies.size() == 1 ||
                         (recording->parts > 1 &&
                          recording->copies.size() == static_cast<size_t>(recording->parts));
      if (plain && recording->state == RecordingState::kLive && pick(2) == 0 &&
          recording->copies[0].state == CopyState::kCopied && recording->copies[0].original)
        members.push_back(row);
    }
    if (members.empty()) return;
    packs_.push_back(archive_.pack_up(members).pack);
    for (const IngestRow& row : members)
      if (pick(2) == 0) archive_.release_plain(row.recording_no);
  }
  void copy_some_pack() {
    if (packs_.empty()) return;
    const PackId pack = packs_[pick(packs_.size())];
    const auto copies = must(pack_copies(*archive_.index, pack));
    if (copies.size() == 1 && copies[0].state == CopyState::kVerified) archive_.copy_to_cold(pack);
  }
  void release_some_pack() {
    if (packs_.empty()) return;
    const PackId pack = packs_[pick(packs_.size())];
    if (!archive_.writer->call(release_pack(pack, archive_.warm, {}, "system")).ok()) return;
    if (pick(2) == 0) must(archive_.writer->call(pack_gone(pack, archive_.warm)));
  }
  void destroy_some() {
    const IngestRow* row = some();
    if (row == nullptr) return;
    const RecordingNo number = row->recording_no;
    if (!archive_.writer->call(condemn(number, "key:d")).ok()) return;
    if (pick(3) == 0) return;  // a later hold may still cancel it
    must(archive_.writer->call(begin_destroying(number, "key:d")));
    const auto permits = must(archive_.writer->call(permit_destruction(number)));
    for (const ReleasePermit& permit : permits)
      must(archive_.writer->call(copy_gone(number, permit.part(), permit.medium())));
    const auto finished = archive_.writer->call(finish_destroyed(number, "key:d"));
    if (!finished.ok()) BOOST_CHECK(finished.error().code == Code::kConflict);  // lies in a pack
    const RecordingId gone = row->recording;
    std::erase_if(living_, [&](const IngestRow& other) { return other.recording == gone; });
  }
  void relabel_some() {
    const IngestRow* row = some();
    if (row == nullptr) return;
    Relabel request;
    request.recording = row->recording_no;
    request.reason = "reason " + std::to_string(next_++);
    request.who = "key:r";
    if (pick(2) == 0) request.attributes = json::object{{"campaign", "c" + std::to_string(next_)}};
    request.sets_service = pick(2) == 0;
    if (pick(2) == 0) request.service = archive_.random.id<WorkspaceId>();
    if (pick(2) == 0) request.workspace = pick(2) == 0 ? archive_.workspace : elsewhere();
    const auto done = archive_.writer->call(relabel(std::move(request)));
    if (!done.ok()) BOOST_CHECK(done.error().code == Code::kConflict);  // on its way out
  }
  // Classes, defaults, and what a recording is given: longer or shorter, with a bypass or without.
  void retain_some() {
    static constexpr PeriodUnit kUnits[] = {PeriodUnit::kDays, PeriodUnit::kMonths,
                                            PeriodUnit::kForever};
    SetRetentionClass wish;
    wish.name = "class-" + std::to_string(pick(3));
    wish.rule.mode = pick(4) == 0 ? RetentionMode::kCompliance : RetentionMode::kGovernance;
    wish.rule.event = pick(2) == 0 ? RetentionEvent::kReceived : RetentionEvent::kCallEnd;
    wish.rule.period = {static_cast<int64_t>(pick(3)), kUnits[pick(12) == 0 ? 2 : pick(2)]};
    wish.who = "uid:1000";
    must(archive_.writer->call(set_retention_class(wish)));
    if (pick(3) == 0) {
      const std::optional<WorkspaceId> of =
          pick(2) == 0 ? std::nullopt : std::optional(archive_.workspace);
      const std::optional<std::string> name =
          pick(2) == 0 ? std::nullopt : std::optional(wish.name);
      must(archive_.writer->call(set_retention_default(of, name, "uid:1000")));
    }
    const IngestRow* row = some();
    if (row == nullptr) return;
    AssignRetention assign;
    assign.recording = row->recording_no;
    if (pick(4) != 0) assign.name = wish.name;
    assign.bypass = pick(2) == 0;
    if (assign.bypass) assign.reason = "reason " + std::to_string(next_++);
    assign.who = "uid:1000";
    const auto done = archive_.writer->call(assign_retention(assign));
    if (!done.ok()) BOOST_CHECK(done.error().code == Code::kLocked);  // it would shorten one
  }
  void move_clock() {
    const auto clock = must(find_clock(*archive_.index));
    BOOST_REQUIRE(clock.has_value());
    ComplianceState state = clock->state;
    state.system = archive_.clock.now();
    state.now = std::max(state.now, archive_.clock.now() - hours(static_cast<int64_t>(pick(90))));
    BOOST_TEST(must(archive_.writer->call(keep_clock(state, clock->epoch))));
    if (pick(4) == 0) must(archive_.writer->call(note_clock(state.now, clock->epoch, "system")));
    if (pick(8) == 0) must(archive_.writer->call(accept_clock("it is right", "uid:1000")));
  }
  WorkspaceId elsewhere() {
    if (!elsewhere_) {
      elsewhere_ = archive_.random.id<WorkspaceId>();
      must(archive_.writer->call(add_workspace(*elsewhere_, "sales", "uid:0")));
    }
    return *elsewhere_;
  }
  void quarantine_some() {
    const IngestRow* row = some();
    if (row == nullptr || pick(3) != 0) return;
    must(archive_.writer->call(copy_quarantined(row->recording_no, 1, archive_.standard,
                                                std::nullopt, "digest differs", "system")));
  }
  void keys_and_links() {
    NewApiKey key;
    key.key = archive_.random.id<KeyId>();
    key.name = "key " + std::to_string(next_++);
    key.scopes = 3;
    archive_.random.fill(key.hash.bytes);
    if (pick(2) == 0) key.workspace = archive_.random.id<WorkspaceId>();
    if (pick(2) == 0) key.expires_at = archive_.clock.now() + days(1);
    const ApiKeyRow made = must(archive_.writer->call(create_api_key(key, "uid:0")));
    if (pick(2) == 0) must(archive_.writer->call(revoke_api_key(key.key, "uid:0")));
    LinkRevocation revoked;
    revoked.jti = archive_.random.id<LinkId>();
    revoked.workspace_no = made.workspace_no;
    must(archive_.writer->call(revoke_link(revoked, "uid:0")));
    if (made.workspace) must(archive_.writer->call(rotate_signing_key(made.workspace_no, "uid:0")));
  }

  Archive& archive_;
  std::vector<IngestRow> living_;
  std::vector<HoldId> holds_;
  std::vector<PackId> packs_;
  std::optional<WorkspaceId> elsewhere_;
  int next_ = 0;
};

void copy_index(Archive& archive, const std::string& suffix) {
  namespace fs = std::filesystem;
  for (const char* name : {"index.db", "index.db-wal"})
    fs::copy_file(archive.directory / name, archive.directory / (name + suffix),
                  fs::copy_options::overwrite_existing);
}
void put_back_index(Archive& archive, const std::string& suffix) {
  namespace fs = std::filesystem;
  fs::remove(archive.directory / "index.db-shm");
  for (const char* name : {"index.db", "index.db-wal"})
    fs::copy_file(archive.directory / (name + suffix), archive.directory / name,
                  fs::copy_options::overwrite_existing);
}
void remove_index(Archive& archive) {
  for (const char* name : {"index.db", "index.db-wal", "index.db-shm"})
    std::filesystem::remove(archive.directory / name);
}

BOOST_AUTO_TEST_SUITE(replay)

BOOST_AUTO_TEST_CASE(P6_an_older_index_catches_up) {
  Archive archive;
  archive.furnish();
  Story story(archive);
  const int steps = 120;
  const int copied_at = static_cast<int>(archive.random.below(steps));
  for (int i = 0; i < steps; ++i) {
    story.step();
    if (i != copied_at) continue;
    archive.stop();
    copy_index(archive, ".older");
    archive.start();
  }
  const auto expected = rows_of_decisions(*archive.index);
  check_totals(*archive.index);
  archive.stop();
  put_back_index(archive, ".older");
  archive.start();
  BOOST_TEST(archive.writer->agreement().replayed >= 0);
  BOOST_TEST(archive.writer->agreement().unlocated == 0);
  check_same(expected, rows_of_decisions(*archive.index));
  check_totals(*archive.index);
}

BOOST_AUTO_TEST_CASE(P6_a_missing_index_is_made_again) {
  Archive archive;
  archive.furnish();
  Story story(archive);
  for (int i = 0; i < 120; ++i) story.step();
  const auto expected = rows_of_decisions(*archive.index);
  check_totals(*archive.index);
  archive.stop();
  remove_index(archive);
  archive.start();
  const AgreementReport& report = archive.writer->agreement();
  BOOST_TEST(report.index_created);
  BOOST_TEST(report.applied_seq == 0);
  BOOST_TEST(report.replayed == report.ledger_last);
  check_same(expected, rows_of_decisions(*archive.index));
  check_totals(*archive.index);
  // And it goes on: a second start has nothing to replay.
  archive.restart();
  BOOST_TEST(archive.writer->agreement().replayed == 0);
  check_same(expected, rows_of_decisions(*archive.index));
  check_totals(*archive.index);
}

// P3, P6: without media every recording is a locked row, its holds stand, and nothing of the
// destructions that were under way goes on.
BOOST_AUTO_TEST_CASE(P6_a_missing_index_without_media_destroys_nothing) {
  Archive archive;
  archive.furnish();
  const IngestRow held = archive.ingest("CA-held");
  PlaceHold hold;
  hold.recording = held.recording;
  hold.workspace_no = archive.workspace_no;
  hold.matter = "Case 1";
  hold.who = "uid:0";
  must(archive.writer->call(place_hold(hold)));
  const IngestRow condemned = archive.ingest("CA-condemned");
  must(archive.writer->call(condemn(condemned.recording_no, "uid:0")));
  const IngestRow destroying = archive.ingest("CA-destroying");
  must(archive.writer->call(condemn(destroying.recording_no, "uid:0")));
  must(archive.writer->call(begin_destroying(destroying.recording_no, "uid:0")));
  const IngestRow released = archive.ingest("CA-released");
  const SealedPack pack = archive.pack_up({released});
  archive.release_plain(released.recording_no);
  archive.stop();
  remove_index(archive);
  archive.source.go_blind();
  archive.start();
  BOOST_TEST(archive.writer->agreement().unlocated == 4);
  for (const IngestRow* row : {&held, &condemned, &destroying, &released}) {
    const RecordingRow found = archive.row_of(row->recording_no);
    BOOST_CHECK(found.state == RecordingState::kUnlocated);
    BOOST_CHECK(found.workspace == archive.workspace);
    BOOST_CHECK(code_of(archive.writer->call(condemn(row->recording_no, "uid:0"))) ==
                Code::kLocked);
  }
  BOOST_TEST(archive.row_of(held.recording_no).holds == 1);
  BOOST_TEST(!must(find_pack(*archive.index, pack.pack)).has_value());
}

// An ingest line whose files came and went leaves no row, only the tombstone.
BOOST_AUTO_TEST_CASE(P6_what_was_destroyed_stays_destroyed) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest("CA1");
  must(archive.writer->call(condemn(row.recording_no, "uid:0")));
  must(archive.writer->call(begin_destroying(row.recording_no, "uid:0")));
  for (const ReleasePermit& permit :
       must(archive.writer->call(permit_destruction(row.recording_no))))
    must(archive.writer->call(copy_gone(row.recording_no, permit.part(), permit.medium())));
  must(archive.writer->call(finish_destroyed(row.recording_no, "uid:0")));
  archive.stop();
  remove_index(archive);
  archive.source.go_blind();
  archive.start();
  BOOST_TEST(!must(find_recording(*archive.index, row.recording)).has_value());
  IngestRow again = archive.ingest_row("CA1");
  BOOST_CHECK(code_of(archive.writer->call(ingest_recording(again, "key:a"))) == Code::kConflict);
}

// A missing line may be a hold: nothing weakens while it is missing, and with an index that was
// made without it not even when it has come back.
BOOST_AUTO_TEST_CASE(while_decisions_are_missing_nothing_is_destroyed) {
  namespace fs = std::filesystem;
  for (const bool index_lost : {false, true}) {
    Archive archive;
    archive.segment_bytes_max = Bytes(1);  // a segment for each batch
    archive.furnish();
    const IngestRow row = archive.ingest("CA1");
    for (const char* call : {"CA2", "CA3"}) archive.ingest(call);
    archive.stop();
    std::vector<fs::path> segments;
    for (const auto& entry : fs::directory_iterator(archive.directory / "ledger/decisions"))
      segments.push_back(entry.path().filename());
    std::sort(segments.begin(), segments.end());
    BOOST_TEST_REQUIRE(segments.size() > 3U);
    const fs::path lost = segments[segments.size() - 2];
    const fs::path kept = archive.directory / "kept";
    fs::rename(fs::path(archive.directory / "ledger/decisions") / lost, kept);
    fs::remove(fs::path(archive.directory / "mirror/decisions") / lost);
    if (index_lost) remove_index(archive);
    archive.start();
    must(archive.writer->call(mark_placed(row.recording_no, 1)));  // has no line to be replayed
    const auto condemned = [&] { return archive.writer->call(condemn(row.recording_no, "uid:0")); };
    const auto refused = condemned();
    BOOST_REQUIRE(!refused.ok());
    BOOST_TEST((refused.error().code == Code::kUnavailable), refused.error().message);
    archive.ingest("CA4");  // what protects goes on
    archive.stop();
    fs::rename(kept, fs::path(archive.directory / "mirror/decisions") / lost);
    archive.start();
    BOOST_TEST(archive.writer->agreement().ledger.segments_healed == 1);
    BOOST_TEST(condemned().ok() == !index_lost);
  }
}

// Whichever segment is lost in both places, the index is made, and nothing that is locked by what
// is left, or was alive in truth, is on its way out.
BOOST_AUTO_TEST_CASE(P3_P6_no_lost_segment_stops_a_replay) {
  namespace fs = std::filesystem;
  Archive archive;
  archive.segment_bytes_max = Bytes(1);  // a segment for each batch
  archive.furnish();
  Story story(archive);
  for (int i = 0; i < 90; ++i) story.step();
  std::vector<RecordingId> alive;
  {
    Statement rows =
        archive.index->prepare("SELECT recording_id FROM recording WHERE state IN (0, 1)");
    while (must(rows.step())) alive.push_back(rows.next<RecordingId>());
  }
  archive.stop();
  for (const char* place : {"ledger", "mirror"})
    fs::copy(archive.directory / place, archive.directory / (std::string(place) + ".whole"),
             fs::copy_options::recursive);
  std::vector<fs::path> segments;
  for (const auto& entry : fs::directory_iterator(archive.directory / "ledger/decisions"))
    segments.push_back(entry.path().filename());
  std::sort(segments.begin(), segments.end());
  BOOST_TEST_REQUIRE(segments.size() > 50U);
  for (size_t lost = 1; lost < segments.size(); ++lost) {
    const std::string text =
        segment_text(archive.directory / ("ledger.whole/decisions/" + segments[lost].string()));
    BOOST_TEST_CONTEXT("lost: " << text) {
      for (const char* place : {"ledger", "mirror"}) {
        fs::remove_all(archive.directory / place);
        fs::copy(archive.directory / (std::string(place) + ".whole"), archive.directory / place,
                 fs::copy_options::recursive);
        fs::remove(archive.directory /
                   (std::string(place) + "/decisions/" + segments[lost].string()));
      }
      remove_index(archive);
      const Status started = archive.try_start();
      BOOST_TEST(started.ok(), (started.ok() ? "" : started.error().message));
      if (!started.ok()) continue;
      archive.start_reading();
      BOOST_TEST(
          archive.count("SELECT count(*) FROM recording WHERE state IN (2, 3) AND (holds > 0 "
                        "OR retain_until > (SELECT now FROM compliance_clock))") == 0);
      BOOST_TEST(archive.count("SELECT count(*) FROM retention_bypass") == 0);
      for (const RecordingId& recording : alive) {
        const auto row = must(find_recording_row(*archive.index, recording));
        BOOST_TEST((!row || row->state != RecordingState::kDestroying));
      }
      check_totals(*archive.index);
      archive.stop();
    }
  }
}

// The two files do not commit together: an older secrets.db learns that a key was retired.
BOOST_AUTO_TEST_CASE(older_secrets_catch_up) {
  namespace fs = std::filesystem;
  Archive archive;
  archive.furnish();
  BOOST_TEST(must(archive.writer->call(ensure_signing_key(archive.workspace_no, "uid:0"))) == 1);
  archive.stop();
  for (const char* name : {"secrets.db", "secrets.db-wal"})
    fs::copy_file(archive.directory / name, archive.directory / (std::string(name) + ".older"));
  archive.start();
  BOOST_TEST(must(archive.writer->call(rotate_signing_key(archive.workspace_no, "uid:0"))) == 2);
  archive.ingest("CA1");
  archive.stop();
  fs::remove(archive.directory / "secrets.db-shm");
  for (const char* name : {"secrets.db", "secrets.db-wal"})
    fs::copy_file(archive.directory / (std::string(name) + ".older"), archive.directory / name,
                  fs::copy_options::overwrite_existing);
  archive.start();
  const auto key = must(find_signing_key(*archive.index, archive.workspace_no, 1));
  BOOST_REQUIRE(key.has_value());
  BOOST_TEST(key->retired_at.has_value());
  BOOST_TEST(!must(current_signing_key(*archive.index, archive.workspace_no)).has_value());
  // The lost key 2 is not there; a fresh one is made and signs.
  must(archive.writer->call(ensure_signing_key(archive.workspace_no, "uid:0")));
  BOOST_TEST(must(current_signing_key(*archive.index, archive.workspace_no)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
