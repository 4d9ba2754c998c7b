// P6 where decisions were lost: everything that may have been held is, until a person says
// otherwise; and what is not this archive's, or not this program's, is refused with what to do.
#include <sqlite3.h>

#include "daemon/work/backup.h"
#include "daemon/work/pack_shelf.h"
#include "index/commands/recovery.h"
#include "index/read/holds.h"
#include "tests/work/rebuild_rig.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

class RecoveryRig : public RebuildRig {
 public:
  using RebuildRig::RebuildRig;

  void lose_ledger() {
    close();
    fs::remove_all(config.state_dir + "/ledger");
    fs::remove_all(config.mirror_dir);
    fs::create_directories(config.mirror_dir);
  }
  Status condemn_now(const TestCall& call) {
    auto done = archive().writer.call(condemn(recording(call).recording_no, "key:test"));
    return done.ok() ? Status() : Status(done.error());
  }
  RecoveryState recovery() {
    auto index = must(archive().index.take());
    return must(recovery_state(*index));
  }
  std::string ledger_text() const {
    std::string lines;
    for (const std::string& path : files_below(config.state_dir + "/ledger/decisions")) {
      std::ifstream file(path);
      lines.append(std::istreambuf_iterator<char>(file), {});
    }
    return lines;
  }
  // Takes a segment from the midst of both places; gives where it was put.
  std::string lose_a_segment() {
    close();
    std::vector<fs::path> segments;
    for (const auto& entry : fs::directory_iterator(config.state_dir + "/ledger/decisions"))
      segments.push_back(entry.path().filename());
    std::sort(segments.begin(), segments.end());
    BOOST_TEST_REQUIRE(segments.size() > 2U);
    lost_segment = segments[1];
    fs::rename(fs::path(config.state_dir + "/ledger/decisions") / lost_segment,
               fs::path(directory / "kept"));
    fs::remove(fs::path(config.mirror_dir + "/decisions") / lost_segment);
    return directory / "kept";
  }
  // Days pass, so that the ledger has a segment for each.
  void days_of_calls() {
    for (int day = 0; day < 4; ++day) {
      calls.push_back(ingest());
      clock.advance(days(1));
    }
  }

  fs::path lost_segment;
  std::vector<TestCall> calls;
};

BOOST_AUTO_TEST_SUITE(P6_recovery)

BOOST_AUTO_TEST_CASE(P6_with_the_ledger_gone_everything_found_is_held) {
  RecoveryRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  rig.lose_ledger();
  rig.lose_index();
  const RebuildReport report = rig.rebuild();
  BOOST_TEST(report.ledger_begun);
  BOOST_TEST(report.recovery);
  BOOST_TEST(report.adopted > 0);
  BOOST_TEST(rig.ledger_text().starts_with(R"({"details":{"reason":"lost"},"k":"ledger.begun")"));
  // The call that was moved is where it was taken in: that it moved was a decision.
  for (const TestCall* call : {&rig.on_cold, &rig.on_warm, &rig.on_both, &rig.on_standard,
                               &rig.condemned_and_held, &rig.moved}) {
    BOOST_TEST(rig.is_kept(*call), call->call_sid);
    BOOST_TEST((code_of(rig.condemn_now(*call)) == Code::kLocked));
  }
  BOOST_TEST(rig.recovery().in_force);
  // Packs are verified anew; nothing is released, however old it is.
  const auto copies = [&] {
    std::set<std::string> files = rig.files_below(rig.config.standard.path + "/standard");
    files.merge(rig.files_below(rig.config.warm.path));
    files.merge(rig.files_below(rig.config.cold->path));
    return files.size();
  };
  const size_t files = copies();
  rig.clock.advance(days(400));
  rig.run_mover();
  BOOST_TEST(copies() >= files);
  BOOST_TEST((rig.state_on(rig.on_both, Tier::kStandard).has_value()));

  const int64_t released =
      must(rig.archive().writer.call(release_recovery("looked at it all", "uid:0")));
  BOOST_TEST(released > 0);
  BOOST_TEST(!rig.recovery().in_force);
  rig.clock.advance(days(2));
  rig.run_mover();
  BOOST_TEST((!rig.state_on(rig.on_both, Tier::kStandard).has_value()));
  must(rig.condemn_now(rig.on_both));
}

// The new ledger says it all: a second loss of the index finds the same.
BOOST_AUTO_TEST_CASE(P6_a_ledger_begun_anew_rebuilds_as_well) {
  RecoveryRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  rig.lose_ledger();
  rig.lose_index();
  rig.rebuild();
  rig.run_mover();
  const TableDump before = rig.dump();
  rig.lose_index();
  const RebuildReport again = must(rig.try_rebuild());
  BOOST_TEST(!again.ledger_begun);
  BOOST_TEST(again.adopted == 0);
  check_same_rows(before, dump_index(rig.index_path()));
}

BOOST_AUTO_TEST_CASE(P6_killed_while_it_begins_a_ledger_it_still_holds_everything) {
  RecoveryRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  for (int n = 0;; n += 1 + n / 12) {
    rig.lose_ledger();
    rig.lose_index();
    fs::remove_all(rebuild_directory(rig.config));
    FaultAt fault(n, true);
    rig.faults.aim(&fault);
    const auto killed = rig.try_rebuild();
    rig.faults.aim(nullptr);
    if (!fault.fired()) break;
    BOOST_TEST_CONTEXT("killed at " << n << ", " << fault.fired_at()) {
      if (!fs::exists(rig.index_path())) must(rig.try_rebuild());
      static_cast<void>(killed);
      rig.open();
      for (const TestCall* call : {&rig.on_cold, &rig.on_warm, &rig.on_standard})
        BOOST_TEST((code_of(rig.condemn_now(*call)) == Code::kLocked));
    }
  }
}

// Decisions that neither place has may have been holds.
BOOST_AUTO_TEST_CASE(P6_over_a_gap_everything_is_held_until_a_person_releases_it) {
  for (const bool index_lost : {false, true}) {
    RecoveryRig rig;
    rig.days_of_calls();
    rig.lose_a_segment();
    if (index_lost) {
      rig.lose_index();
      const RebuildReport report = rig.rebuild();
      BOOST_TEST(report.recovery);
    } else {
      rig.open();
    }
    BOOST_TEST(rig.recovery().in_force);
    for (const TestCall& call : rig.calls) {
      BOOST_TEST(rig.is_known(call), call.call_sid);
      BOOST_TEST((code_of(rig.condemn_now(call)) == Code::kLocked));
    }
    // What comes afterwards is nobody's guess: it is not held.
    const TestCall next = rig.ingest();
    must(rig.condemn_now(next));
    // The same gap is not told twice, and a person's word stands over restarts and rebuilds.
    must(rig.archive().writer.call(release_recovery("nothing was held in those days", "uid:0")));
    rig.reopen();
    BOOST_TEST(!rig.recovery().in_force);
    must(rig.condemn_now(rig.calls[0]));
    rig.lose_index();
    rig.rebuild();
    // What only the lost lines knew of is held by itself.
    BOOST_TEST(rig.recovery().holds <= 1);
    BOOST_TEST(rig.recording(rig.calls[3]).holds == 0);
  }
}

// Nothing that weakens is told while decisions are missing: the rebuild goes on without.
BOOST_AUTO_TEST_CASE(P3_P6_over_a_gap_a_destruction_that_had_begun_is_not_told_as_done) {
  RecoveryRig rig;
  rig.days_of_calls();
  const Recording known = rig.recording(rig.calls[3]);
  must(rig.archive().writer.call(condemn(known.recording_no, "key:test")));
  must(rig.archive().writer.call(begin_destroying(known.recording_no, "key:test")));
  rig.close();
  for (const std::string& file : rig.files_below(rig.config.standard.path + "/standard"))
    if (file.find("/" + known.call_sid + "/") != std::string::npos) fs::remove(file);
  rig.lose_a_segment();
  rig.lose_index();
  const RebuildReport report = rig.rebuild();
  BOOST_TEST(report.recovery);
  BOOST_TEST(report.unlocated >= 1);
  BOOST_TEST((code_of(rig.try_ingest(rig.calls[3])) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(P6_an_index_of_another_archive_is_refused) {
  RebuildRig rig;
  rig.ingest();
  const std::set<std::string> media = rig.media();
  rig.close();
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open(rig.index_path().c_str(), &handle) == SQLITE_OK);
  const std::string foreign = "UPDATE setting SET value = '" + rig.random.id<ArchiveId>().text() +
                              "' WHERE name = 'archive_id'";
  BOOST_REQUIRE(sqlite3_exec(handle, foreign.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  const Status refused = rig.try_open();
  BOOST_TEST((code_of(refused) == Code::kInvalid));
  BOOST_TEST(refused.error().message.find("index of archive") != std::string::npos);
  BOOST_TEST(refused.error().message.find("rebuild") != std::string::npos);
  BOOST_TEST((rig.media() == media));
}

BOOST_AUTO_TEST_CASE(P6_an_index_of_a_newer_schema_is_refused) {
  RebuildRig rig;
  rig.ingest();
  rig.close();
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open(rig.index_path().c_str(), &handle) == SQLITE_OK);
  BOOST_REQUIRE(sqlite3_exec(handle, "PRAGMA user_version = 999", nullptr, nullptr, nullptr) ==
                SQLITE_OK);
  sqlite3_close(handle);
  const std::set<std::string> media = rig.media();
  const Status refused = rig.try_open();
  BOOST_TEST((code_of(refused) == Code::kInvalid));
  BOOST_TEST(refused.error().message.find("install the newer Holdfast") != std::string::npos);
  BOOST_TEST((rig.media() == media));
}

BOOST_AUTO_TEST_CASE(P6_a_forked_ledger_is_refused) {
  RebuildRig rig;
  rig.ingest();
  rig.close();
  const std::string mirror = rig.config.mirror_dir;
  fs::copy(mirror, mirror + ".old", fs::copy_options::recursive);
  rig.open();
  rig.ingest();
  rig.close();
  // The mirror of another history: what was written since is other lines.
  fs::remove_all(mirror);
  fs::rename(mirror + ".old", mirror);
  const std::string main = rig.config.state_dir + "/ledger";
  fs::rename(main, main + ".kept");
  rig.lose_index();
  rig.rebuild();
  rig.ingest();
  rig.close();
  fs::remove_all(main);
  fs::rename(main + ".kept", main);
  const std::set<std::string> media = rig.media();
  rig.lose_index();
  const auto refused = rig.try_rebuild();
  BOOST_TEST((code_of(refused) == Code::kConflict));
  BOOST_TEST(refused.error().message.find("move the other one aside") != std::string::npos);
  BOOST_TEST((rig.media() == media));
}

BOOST_AUTO_TEST_CASE(P6_media_of_two_archives_are_refused) {
  RebuildRig rig;
  rig.ingest();
  rig.lose_index();
  fs::rename(rig.config.warm.path, rig.config.warm.path + ".own");
  fs::create_directory(rig.config.warm.path);
  must(init_label(*rig.io, rig.config.warm.path,
                  Label{rig.random.id<ArchiveId>(), rig.random.id<MediumId>(), "warm-1", "pack",
                        rig.clock.now()}));
  const auto refused = rig.try_rebuild();
  BOOST_TEST((code_of(refused) == Code::kConflict));
  BOOST_TEST(refused.error().message.find("another archive") != std::string::npos);
}

// --- Backups

BOOST_AUTO_TEST_CASE(P6_an_index_from_a_backup_is_brought_up_to_date) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  const TestCall early = rig.ingest();
  const BackupInfo backup = must(Backups(rig.archive()).now(*rig.io));
  rig.live();
  rig.to_warm();  // taken in, packed and released since
  const TableDump before = rig.dump();
  rig.lose_index();
  fs::remove(rig.config.state_dir + "/secrets.db");
  fs::remove(rig.config.state_dir + "/secrets.db-wal");
  fs::remove(rig.config.state_dir + "/secrets.db-shm");
  fs::copy_file(backup.directory + "/index.db", rig.index_path());
  fs::copy_file(backup.directory + "/secrets.db", rig.config.state_dir + "/secrets.db");
  rig.open();
  {
    auto index = must(rig.archive().index.take());
    Statement lost = index->prepare("SELECT count(*) FROM recording WHERE state = 4");
    BOOST_TEST_REQUIRE(must(lost.step()));
    BOOST_TEST(lost.next<int>() == 0);
  }
  BOOST_TEST(rig.is_kept(early));
  rig.check_calls();
  static_cast<void>(before);
}

// A pack that lies in two places: one that cannot be opened just now says nothing about the other.
BOOST_AUTO_TEST_CASE(P6_a_replay_short_of_descriptors_takes_a_pack_from_its_other_place_or_waits) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.clock.advance(hours(1));
  rig.run_mover();
  const Recording known = rig.recording(call);
  std::multiset<PackId> packs;
  for (const CopyRow& copy : known.copies)
    if (copy.pack) packs.insert(*copy.pack);
  BOOST_TEST_REQUIRE(packs.count(*packs.begin()) == 2U);
  const ArchiveId archive = rig.archive().id;
  rig.close();
  const auto find = [&](Faults* faults) {
    PackShelf shelf(*rig.io, rig.config, rig.sleeper);
    rig.faults.aim(faults);
    auto found = shelf.find(*packs.begin(), archive);
    rig.faults.aim(nullptr);
    return found;
  };
  const SealedPack whole = must(find(nullptr)).value();
  int from_other = 0;
  for (const bool other_is_bad : {false, true}) {
    if (other_is_bad)
      for (const std::string& path : rig.files_below(rig.config.cold->path))
        if (path.ends_with(".tar")) fs::resize_file(path, 0);
    for (int n = 0;; ++n) {
      FaultAt fault(n, false, EMFILE);
      const auto found = find(&fault);
      if (!fault.fired()) break;
      BOOST_TEST_CONTEXT("no descriptor at " << n << ", " << fault.fired_at()) {
        if (found.ok()) {
          BOOST_TEST_REQUIRE(found->has_value());  // never: "no medium shows it"
          BOOST_TEST((*found)->members.size() == whole.members.size());
          from_other += other_is_bad ? 0 : 1;
        } else {
          BOOST_TEST(found.error().system_errno == EMFILE);
        }
      }
    }
  }
  BOOST_TEST(from_other > 0);
}

// --- An index that was left amid a change, before or after it was kept in a log

// As a process that was killed amid a large transaction leaves the database: the first half of it
// is in the file, and the journal that takes it back lies beside.
void leave_amid_a_change(const std::string& path) {
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  const auto run = [&](const char* sql) {
    BOOST_REQUIRE_MESSAGE(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK,
                          sql << ": " << sqlite3_errmsg(handle));
  };
  run("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; PRAGMA foreign_keys = OFF");
  run("BEGIN; DELETE FROM setting; UPDATE recording SET call_sid = 'CAwrong' || recording_no");
  run("CREATE TABLE bulk (a)");
  run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
      "INSERT INTO bulk SELECT randomblob(1000) FROM n");
  for (const char* suffix : {"", "-journal"}) fs::copy_file(path + suffix, path + ".left" + suffix);
  run("ROLLBACK");
  sqlite3_close(handle);
  for (const char* suffix : {"", "-journal"}) fs::rename(path + ".left" + suffix, path + suffix);
}

BOOST_AUTO_TEST_CASE(P6_an_index_left_amid_a_change_is_taken_back_at_a_start) {
  RebuildRig rig;
  const TestCall call = rig.ingest();
  const TableDump before = rig.dump();
  leave_amid_a_change(rig.index_path());
  rig.open();
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(!fs::exists(rig.index_path() + "-journal"));
  check_same_rows(before, rig.dump());
}

// The journal of another index would be played into the new one.
BOOST_AUTO_TEST_CASE(P6_what_lay_beside_a_lost_index_is_not_played_into_the_new_one) {
  for (const bool is_index_lost : {true, false}) {
    RebuildRig rig;
    const TestCall call = rig.ingest();
    const TableDump before = rig.dump();
    leave_amid_a_change(rig.index_path());
    RebuildOptions options;
    options.anew = !is_index_lost;
    if (is_index_lost) rig.lose_index();
    BOOST_TEST_REQUIRE(fs::exists(rig.index_path() + "-journal"));
    must(rig.try_rebuild(options));
    BOOST_TEST(!fs::exists(rig.index_path() + "-journal"));
    // What was set aside is whole with it.
    BOOST_TEST(fs::exists(rig.index_path() + ".before-rebuild-journal") == !is_index_lost);
    check_same_rows(before, dump_index(rig.index_path()));
    rig.open();
    BOOST_TEST(rig.is_whole(call));
  }
}

BOOST_AUTO_TEST_CASE(P6_a_rebuild_takes_lost_secrets_from_the_newest_backup) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  must(Backups(rig.archive()).now(*rig.io));
  rig.lose_index();
  for (const char* name : {"/secrets.db", "/secrets.db-wal", "/secrets.db-shm"})
    fs::remove(rig.config.state_dir + name);
  const RebuildReport report = rig.rebuild();
  BOOST_TEST(!report.secrets_lost);
  BOOST_TEST(!report.secrets_from.empty());
  rig.check_calls();
}

BOOST_AUTO_TEST_CASE(backups_are_whole_and_few) {
  RebuildRig rig([](Config& config) { config.backup.keep = 3; });
  rig.ingest();
  Backups backups(rig.archive());
  backups.run(*rig.io);
  const auto first = backups.standing().last;
  BOOST_TEST_REQUIRE(first.has_value());
  backups.run(*rig.io);  // not due
  BOOST_TEST((backups.standing().last->directory == first->directory));
  for (int day = 0; day < 5; ++day) {
    rig.ingest();
    rig.clock.advance(days(1));
    backups.run(*rig.io);
  }
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(rig.config.backup.path)) {
    names.push_back(entry.path().filename());
    for (const char* file : {"index.db", "secrets.db", "manifest.json"}) {
      const auto mode = fs::status(entry.path() / file).permissions();
      BOOST_TEST(((mode & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none));
    }
  }
  BOOST_TEST(names.size() == 3);
  const auto last = must(newest_backup(*rig.io, rig.config.backup.path));
  BOOST_TEST_REQUIRE(last.has_value());
  BOOST_TEST(last->applied_seq > first->applied_seq);
  std::ifstream file(last->directory + "/index.db", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  BOOST_TEST((sha256(bytes) == last->index_sha256));
}

// The copy takes in what is written while it is made, and does not begin again.
BOOST_AUTO_TEST_CASE(a_backup_is_consistent_while_others_write) {
  RebuildRig rig;
  for (int n = 0; n < 50; ++n) rig.ingest();
  std::atomic<bool> done = false;
  std::thread recorder([&] {
    auto own_io = must(Io::open());
    while (!done) must(rig.try_ingest(*own_io, rig.make_call()));
  });
  Backups backups(rig.archive());
  const auto made = backups.now(*rig.io);
  done = true;
  recorder.join();
  const BackupInfo backup = must(made);
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open((backup.directory + "/index.db").c_str(), &handle) == SQLITE_OK);
  BOOST_TEST(column_of_rows(handle, "PRAGMA integrity_check")[0] == "ok");
  BOOST_TEST(column_of_rows(handle, "PRAGMA foreign_key_check").empty());
  BOOST_TEST(column_of_rows(handle, "SELECT value FROM setting WHERE name = 'applied_seq'")[0] ==
             std::to_string(backup.applied_seq));
  sqlite3_close(handle);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
