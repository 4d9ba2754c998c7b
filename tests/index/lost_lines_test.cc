// P3 and P6 over a ledger that has lost lines in both places: the index is made all the same, and
// where what is left of the ledger contradicts itself, the lock wins.
#include <algorithm>
#include <filesystem>

#include "index/commands/clock.h"
#include "index/commands/recovery.h"
#include "index/commands/relabel.h"
#include "index/commands/retention.h"
#include "index/read/holds.h"
#include "tests/index/archive.h"
#include "tests/index/segment_text.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

// Each decision has a segment of its own, so that it can be lost alone.
struct Rig : Archive {
  Rig() {
    segment_bytes_max = Bytes(1);
    furnish();
    must(writer->call(begin_clock("system")));
  }
  std::string segment_of(const std::string& kind, int nth = 0) const {
    std::vector<fs::path> segments;
    for (const auto& entry : fs::directory_iterator(directory / "ledger/decisions"))
      segments.push_back(entry.path());
    std::sort(segments.begin(), segments.end());
    for (const fs::path& path : segments) {
      const std::string text = segment_text(path);
      if (text.find("\"k\":\"" + kind + "\"") != std::string::npos && nth-- == 0)
        return path.filename().string();
    }
    return "";
  }
  // Neither place has the nth line of the kind any more.
  void lose(const std::string& kind, int nth = 0) {
    stop();
    const std::string name = segment_of(kind, nth);
    BOOST_REQUIRE_MESSAGE(!name.empty(), "there is no line " << kind);
    fs::remove(directory / ("ledger/decisions/" + name));
    fs::remove(directory / ("mirror/decisions/" + name));
  }
  void remake() {
    stop();
    for (const char* name : {"index.db", "index.db-wal", "index.db-shm"})
      fs::remove(directory / name);
    start();
  }
  HoldRow hold(const IngestRow& row) {
    PlaceHold wish;
    wish.recording = row.recording;
    wish.workspace_no = workspace_no;
    wish.matter = "Case 1";
    wish.who = "uid:0";
    return must(writer->call(place_hold(wish)));
  }
  void release(const HoldRow& held) {
    must(writer->call(release_hold(held.hold, "settled", "uid:0")));
  }
  void set(const std::string& name, const std::string& keep,
           RetentionMode mode = RetentionMode::kGovernance) {
    SetRetentionClass wish;
    wish.name = name;
    wish.rule = {mode, RetentionEvent::kCallEnd, *parse_period(keep)};
    wish.who = "uid:0";
    must(writer->call(set_retention_class(wish)));
  }
  void retain(const IngestRow& row, std::optional<std::string> name, bool bypass = false) {
    AssignRetention wish;
    wish.recording = row.recording_no;
    wish.name = std::move(name);
    wish.bypass = bypass;
    if (bypass) wish.reason = "consent was withdrawn";
    wish.who = "uid:0";
    must(writer->call(assign_retention(wish)));
  }
  void begin_end(const IngestRow& row) {
    must(writer->call(condemn(row.recording_no, "uid:0")));
    must(writer->call(begin_destroying(row.recording_no, "uid:0")));
    for (const ReleasePermit& permit : must(writer->call(permit_destruction(row.recording_no))))
      must(writer->call(copy_gone(row.recording_no, permit.part(), permit.medium())));
  }
  void destroy(const IngestRow& row) {
    begin_end(row);
    must(writer->call(finish_destroyed(row.recording_no, "uid:0")));
  }
  // As the call's recorder would, which knows nothing of recordings.
  Result<IngestOutcome> retry(const IngestRow& row) {
    return writer->call(ingest_recording(ingest_row(row.call_sid), "key:test"));
  }
  RecordingRow row_of_id(const IngestRow& row) {
    return must(find_recording_row(*index, row.recording)).value();
  }
  bool is_known(const IngestRow& row) {
    return must(find_recording_row(*index, row.recording)).has_value();
  }
  int64_t contradicted() { return writer->agreement().contradicted; }
};

BOOST_AUTO_TEST_SUITE(lost_lines)

BOOST_AUTO_TEST_CASE(P3_P6_a_hold_whose_release_was_lost_stands_against_a_destruction) {
  Rig rig;
  const IngestRow kept = rig.ingest("CA1");
  rig.release(rig.hold(kept));
  must(rig.writer->call(condemn(kept.recording_no, "uid:0")));
  rig.lose("hold.released");
  rig.remake();
  BOOST_TEST((rig.row_of(kept.recording_no).state == RecordingState::kLive));
  BOOST_TEST(rig.row_of(kept.recording_no).holds == 1);
  BOOST_TEST(rig.contradicted() == 1);
}

BOOST_AUTO_TEST_CASE(P6_a_second_hold_of_one_matter_is_no_obstacle) {
  Rig rig;
  const IngestRow row = rig.ingest("CA1");
  rig.release(rig.hold(row));
  rig.hold(row);
  rig.lose("hold.released");
  rig.remake();
  BOOST_TEST(rig.row_of(row.recording_no).holds == 1);
  BOOST_TEST(must(holds_of_recording(*rig.index, row.recording)).size() == 1U);
}

BOOST_AUTO_TEST_CASE(P3_P6_a_class_whose_rule_was_lost_is_not_shortened) {
  Rig rig;
  rig.set("year", "1y");
  rig.set("month", "1mo");
  const IngestRow row = rig.ingest("CA1");
  rig.retain(row, "year");
  const auto end = rig.row_of(row.recording_no).retain_until;
  rig.retain(row, "month", true);
  rig.lose("retention-class.set");
  rig.remake();
  BOOST_TEST((rig.row_of(row.recording_no).retain_until == end));
  BOOST_TEST(rig.contradicted() == 1);
  BOOST_TEST(rig.count("SELECT count(*) FROM retention_bypass") == 0);
}

BOOST_AUTO_TEST_CASE(P3_P6_retention_whose_bypass_was_lost_stands) {
  Rig rig;
  rig.set("year", "1y");
  const IngestRow kept = rig.ingest("CA1");
  const IngestRow gone = rig.ingest("CA2");
  for (const IngestRow* row : {&kept, &gone}) {
    rig.retain(*row, "year");
    rig.retain(*row, std::nullopt, true);
  }
  must(rig.writer->call(condemn(kept.recording_no, "uid:0")));
  rig.destroy(gone);
  rig.lose("recording.retained", 3);
  rig.lose("recording.retained", 1);
  rig.remake();
  BOOST_TEST((rig.row_of(kept.recording_no).state == RecordingState::kLive));
  BOOST_TEST(rig.row_of(kept.recording_no).retain_until.has_value());
  // Its bytes are gone: the row says so, and stays.
  BOOST_TEST(rig.row_of(gone.recording_no).retain_until.has_value());
  BOOST_TEST(rig.count("SELECT count(*) FROM copy WHERE state <> 5 AND recording_no = " +
                       std::to_string(gone.recording_no.value)) == 0);
  BOOST_TEST(rig.count("SELECT count(*) FROM quarantine") == 1);
  BOOST_TEST(rig.count("SELECT count(*) FROM tombstone") == 1);
}

BOOST_AUTO_TEST_CASE(P6_what_was_destroyed_is_gone_whichever_step_was_lost) {
  for (const char* lost : {"recording.condemned", "recording.destroying", "hold.released"})
    for (const bool shown : {true, false}) {
      BOOST_TEST_CONTEXT(lost << (shown ? "" : ", no medium shows it")) {
        Rig rig;
        const IngestRow row = rig.ingest("CA1");
        rig.release(rig.hold(row));
        rig.destroy(row);
        rig.lose(lost);
        if (!shown) rig.source.go_blind();
        rig.remake();
        BOOST_TEST(!rig.is_known(row));
        BOOST_TEST(rig.count("SELECT count(*) FROM tombstone") == 1);
        BOOST_TEST(rig.count("SELECT count(*) FROM hold WHERE released_at IS NULL") == 0);
      }
    }
}

// An index from before the destruction catches up over the loss.
BOOST_AUTO_TEST_CASE(P6_an_older_index_learns_of_a_destruction_of_which_a_step_was_lost) {
  for (const char* lost : {"recording.condemned", "recording.destroying"}) {
    Rig rig;
    const IngestRow row = rig.ingest("CA1");
    rig.stop();
    for (const char* name : {"index.db", "index.db-wal"})
      fs::copy_file(rig.directory / name, rig.directory / (std::string(name) + ".older"));
    rig.start();
    rig.destroy(row);
    rig.lose(lost);
    fs::remove(rig.directory / "index.db-shm");
    for (const char* name : {"index.db", "index.db-wal"})
      fs::copy_file(rig.directory / (std::string(name) + ".older"), rig.directory / name,
                    fs::copy_options::overwrite_existing);
    rig.start();
    BOOST_TEST(!rig.is_known(row));
  }
}

// Everything was held in the midst of a destruction, which then went on to its end.
BOOST_AUTO_TEST_CASE(P6_recovery_in_the_midst_of_a_destruction_rebuilds) {
  for (const bool shown : {true, false}) {
    Rig rig;
    const IngestRow row = rig.ingest("CA1");
    const IngestRow other = rig.ingest("CA2");
    rig.begin_end(row);
    must(rig.writer->call(begin_recovery({}, "decisions were lost", "system")));
    must(rig.writer->call(finish_destroyed(row.recording_no, "uid:0")));
    rig.stop();
    if (!shown) rig.source.go_blind();
    rig.remake();
    BOOST_TEST(!rig.is_known(row));
    BOOST_TEST(rig.row_of(other.recording_no).holds == 1);
    BOOST_TEST(rig.count("SELECT holds FROM matter") == 1);
    BOOST_TEST(rig.contradicted() == 0);
  }
}

// The bytes are gone, and the index with them, before the last line could be written.
BOOST_AUTO_TEST_CASE(P3_P6_a_destruction_that_had_begun_refuses_a_retry_though_no_medium_shows_it) {
  Rig rig;
  const IngestRow row = rig.ingest("CA1");
  rig.begin_end(row);
  rig.stop();
  rig.source.go_blind();
  for (int round = 0; round < 2; ++round) {
    rig.remake();
    BOOST_TEST((rig.row_of_id(row).state == RecordingState::kUnlocated));
    BOOST_TEST((code_of(rig.retry(row)) == Code::kConflict));
  }
  const RecordingNo number = rig.row_of_id(row).recording_no;
  BOOST_TEST(must(rig.writer->call(finish_unseen_destruction(number, "system"))));
  BOOST_TEST(!rig.is_known(row));
  rig.remake();
  BOOST_TEST(!rig.is_known(row));
  BOOST_TEST(rig.count("SELECT count(*) FROM tombstone") == 1);
  BOOST_TEST((code_of(rig.retry(row)) == Code::kConflict));
}

// A rebuild, which sees no medium show it, has the tombstone from the first of its lines already.
BOOST_AUTO_TEST_CASE(P6_a_tombstone_has_the_time_of_the_destructions_last_line) {
  for (const bool shown : {true, false}) {
    Rig rig;
    const IngestRow row = rig.ingest("CA1");
    rig.begin_end(row);
    rig.clock.advance(hours(5));
    must(rig.writer->call(finish_destroyed(row.recording_no, "uid:0")));
    const int64_t ended = rig.clock.now().count;
    BOOST_TEST(rig.count("SELECT at FROM tombstone") == ended);
    rig.stop();
    if (!shown) rig.source.go_blind();
    rig.remake();
    BOOST_TEST(!rig.is_known(row));
    BOOST_TEST(rig.count("SELECT at FROM tombstone") == ended);
  }
}

// Unlocated for another reason, held, or retained: nothing says that it is gone.
BOOST_AUTO_TEST_CASE(P3_P6_what_is_locked_or_was_not_going_stays_unlocated) {
  for (const std::string why : {"not going", "held", "retained", "nothing"}) {
    BOOST_TEST_CONTEXT(why) {
      Rig rig;
      rig.set("year", "1y");
      const IngestRow row = rig.ingest("CA1");
      if (why == "retained") {
        rig.retain(row, "year");
        rig.retain(row, std::nullopt, true);
      }
      if (why != "not going") rig.begin_end(row);
      if (why == "retained") rig.lose("recording.retained", 1);
      rig.stop();
      rig.source.go_blind();
      rig.remake();
      if (why == "held")
        must(rig.writer->call(begin_recovery({}, "decisions were lost", "system")));
      const RecordingNo number = rig.row_of_id(row).recording_no;
      if (why == "retained") BOOST_TEST(rig.row_of_id(row).retain_until.has_value());
      const bool finished = must(rig.writer->call(finish_unseen_destruction(number, "system")));
      BOOST_TEST(finished == (why == "nothing"));
      BOOST_TEST(rig.is_known(row) == (why != "nothing"));
    }
  }
}

// What was said of the call goes with it.
BOOST_AUTO_TEST_CASE(P3_P6_the_notes_of_a_destruction_that_nobody_sees_are_erased) {
  Rig rig;
  const IngestRow row = rig.ingest("CA1");
  const auto notes = [&] {
    const fs::directory_iterator all(rig.directory / "ledger/notes");
    return std::distance(fs::begin(all), fs::end(all));
  };
  const auto before = notes();
  Relabel wish;
  wish.recording = row.recording_no;
  wish.attributes = json::object{{"campaign", "a secret one"}};
  wish.reason = "the caller said so";
  wish.who = "key:test";
  must(rig.writer->call(relabel(std::move(wish))));
  BOOST_TEST(notes() > before);
  rig.begin_end(row);
  rig.stop();
  rig.source.go_blind();
  rig.remake();
  const RecordingNo number = rig.row_of_id(row).recording_no;
  BOOST_TEST(must(rig.writer->call(finish_unseen_destruction(number, "system"))));
  BOOST_TEST(notes() == before);
}

// The first part is gone, a later one is not: it tells the call, and has to go as well.
BOOST_AUTO_TEST_CASE(P3_P6_what_is_left_of_a_destruction_that_had_begun_goes_on_to_go) {
  Rig rig;
  const IngestRow row = rig.ingest("CA1");
  IngestRow later = row;
  later.part = 2;
  later.files = {rig.file("transcript.txt", 300)};
  later.metadata.reset();
  rig.source.keep(later);
  must(rig.writer->call(add_part(later, "key:test")));
  must(rig.writer->call(mark_placed(row.recording_no, 2)));
  rig.begin_end(row);
  rig.stop();
  rig.source.forget(row);
  rig.remake();
  const RecordingRow found = rig.row_of_id(row);
  BOOST_TEST((found.state == RecordingState::kDestroying));
  BOOST_TEST(found.call_sid == row.call_sid);
  BOOST_TEST((code_of(rig.retry(row)) == Code::kConflict));
}

// What media show is taken up again by a line that names no class.
BOOST_AUTO_TEST_CASE(P3_P6_retention_outlives_the_line_of_its_ingest) {
  for (const RetentionMode mode : {RetentionMode::kGovernance, RetentionMode::kCompliance}) {
    Rig rig;
    rig.set("year", "1y", mode);
    const IngestRow row = rig.ingest("CA1");
    rig.retain(row, "year");
    const auto end = rig.row_of(row.recording_no).retain_until;
    rig.lose("recording.ingested");
    rig.remake();
    BOOST_TEST((rig.row_of(row.recording_no).state == RecordingState::kUnlocated));
    const RecordingNo number = rig.row_of(row.recording_no).recording_no;
    must(rig.writer->call(adopt_part(AdoptPart{row, true}, "system")));
    for (int round = 0; round < 2; ++round, rig.remake()) {
      const auto found = must(find_recording_row(*rig.index, row.recording)).value();
      BOOST_TEST((found.recording_no == number));
      BOOST_TEST((found.retain_until == end));
      BOOST_TEST(found.retention_class.value() == "year");
      BOOST_TEST(found.call_sid == row.call_sid);
      BOOST_TEST((code_of(rig.run_sql("UPDATE recording SET state = 2")) == Code::kLocked));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
