// P6: the index is replaceable. What media show and the ledger says makes it anew, row by row; a
// rebuild that is killed goes on; and nothing is ever destroyed by one.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/work/rebuild_rig.h"

namespace holdfast::testing {
namespace {

BOOST_AUTO_TEST_SUITE(P6_rebuild)

BOOST_AUTO_TEST_CASE(P6_a_deleted_index_comes_back_row_by_row) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  const TableDump before = rig.dump();
  const std::set<std::string> media = rig.media();
  rig.lose_index();
  const RebuildReport report = must(rig.try_rebuild());
  check_same_rows(before, dump_index(rig.index_path()));
  BOOST_TEST((rig.media() == media));  // it only reads
  BOOST_TEST(report.unlocated == 0);
  BOOST_TEST(report.adopted == 0);
  BOOST_TEST(!report.recovery);
  BOOST_TEST(!std::filesystem::exists(rebuild_directory(rig.config)));
  rig.open();
  BOOST_TEST(rig.staged_files().empty());  // what was staged is asked for again
  rig.check_calls();
}

// What goes on after a rebuild is what would have gone on.
BOOST_AUTO_TEST_CASE(P6_work_goes_on_where_it_was) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  rig.lose_index();
  rig.rebuild();
  rig.clock.advance(days(2));
  rig.run_mover();
  rig.clock.advance(days(2));
  rig.run_mover();
  for (const TestCall* call : {&rig.on_warm, &rig.on_both, &rig.on_standard})
    BOOST_TEST((rig.state_on(*call, Tier::kCold) == CopyState::kVerified), call->call_sid);
  rig.check_calls();
}

BOOST_AUTO_TEST_CASE(P6_a_rebuild_killed_anywhere_goes_on) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  const TableDump before = rig.dump();
  const std::set<std::string> media = rig.media();
  int kills = 0;
  for (int n = 0;; n += 1 + n / 12) {
    rig.lose_index();
    FaultAt fault(n, true);
    rig.faults.aim(&fault);
    const auto killed = rig.try_rebuild();
    rig.faults.aim(nullptr);
    if (!fault.fired()) break;
    BOOST_TEST_CONTEXT("killed at " << n << ", " << fault.fired_at()) {
      ++kills;
      // No daemon takes what is half there for an index.
      if (!killed.ok() && !std::filesystem::exists(rig.index_path()))
        BOOST_TEST((code_of(rig.try_open()) == Code::kConflict));
      if (!std::filesystem::exists(rig.index_path())) must(rig.try_rebuild());
      check_same_rows(before, dump_index(rig.index_path()));
      BOOST_TEST((rig.media() == media));
    }
  }
  BOOST_TEST(kills > 20);
}

// Tells through a pipe that another operation begins, and lets it be.
class ToldPoints final : public Faults {
 public:
  explicit ToldPoints(int pipe) : pipe_(pipe) {}
  Status at(std::string_view) override {
    if (::write(pipe_, "x", 1) != 1) ::_exit(2);
    return {};
  }
  size_t torn_bytes(size_t) override { return 0; }

 private:
  const int pipe_;
};

// How a rebuild in a process of its own ended that was killed once it had begun so many operations;
// the signal lands wherever the process is by then.
int status_after_kill(RebuildRig& rig, int points) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    ToldPoints told(ends[1]);
    rig.faults.aim(&told);
    ::_exit(rig.try_rebuild().ok() ? 0 : 1);
  }
  ::close(ends[1]);
  char one = 0;
  for (int seen = 0; seen < points && ::read(ends[0], &one, 1) == 1;) ++seen;
  ::kill(child, SIGKILL);
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  ::close(ends[0]);
  return status;
}

// The same with a process that dies by SIGKILL, so that SQLite's own writes are cut as well.
BOOST_AUTO_TEST_CASE(P6_P7_kill_9_amid_a_rebuild_loses_nothing) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  const TableDump before = rig.dump();
  rig.lose_index();
  const int points_before = rig.faults.points();
  must(rig.try_rebuild());
  const int points = rig.faults.points() - points_before;
  BOOST_TEST(points > 20);
  int killed = 0;
  for (int round = 0; round < 25; ++round) {
    rig.lose_index();
    while (!std::filesystem::exists(rig.index_path())) {
      const auto when = static_cast<int>(rig.random.below(static_cast<uint64_t>(points) + 1));
      const int status = status_after_kill(rig, when);
      killed += WIFSIGNALED(status) ? 1 : 0;
      BOOST_TEST((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    }
    check_same_rows(before, dump_index(rig.index_path()));
  }
  BOOST_TEST(killed > 0);
  std::cout << killed << " rebuilds were killed\n";
}

// One fault, after which everything works again: told, and no worse for it.
void check_faults(int error_number, const RebuildOptions& options) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  const TableDump before = rig.dump();
  for (int n = 0;; n += 1 + n / 8) {
    rig.lose_index();
    FaultAt fault(n, false, error_number);
    rig.faults.aim(&fault);
    const auto tried = rig.try_rebuild(options);
    rig.faults.aim(nullptr);
    if (!fault.fired()) break;
    BOOST_TEST_CONTEXT("fault at " << n << ", " << fault.fired_at()) {
      if (!std::filesystem::exists(rig.index_path())) {
        must(rig.try_rebuild());
      }
      static_cast<void>(tried);
      check_same_rows(before, dump_index(rig.index_path()));
    }
  }
}

BOOST_AUTO_TEST_CASE(P6_a_fault_amid_a_rebuild_is_told) { check_faults(EIO, RebuildOptions()); }

// What a dying disk does not give back may be skipped; what the system refuses for a moment is
// there.
BOOST_AUTO_TEST_CASE(P6_nothing_is_skipped_for_want_of_a_descriptor) {
  RebuildOptions options;
  options.skip_unreadable = true;
  check_faults(EMFILE, options);
}

BOOST_AUTO_TEST_CASE(P6_one_unreadable_entry_of_the_trash_is_skipped_when_asked_for) {
  namespace fs = std::filesystem;
  RebuildRig rig;
  const TestCall call = rig.ingest();
  const Recording known = rig.recording(call);
  const PartId part{known.recording, 1};
  const std::string& root = rig.config.standard.path;
  const std::string trash = root + "/standard/.trash/" + part.text();
  rig.close();
  // As a loss of power leaves it on its way there, before any decision.
  fs::rename(root + "/" + Place{known.home, known.day, known.call_sid, 1}.directory(), trash);
  int skipped = 0;
  for (int n = 0;; ++n) {
    const auto rebuild_with = [&](bool skip, NthFails& fault) {
      RebuildOptions options;
      options.anew = true;
      options.skip_unreadable = skip;
      rig.faults.aim(&fault);
      auto tried = rig.try_rebuild(options);
      rig.faults.aim(nullptr);
      return tried;
    };
    NthFails fault("read", n);
    const auto refused = rebuild_with(false, fault);
    if (!fault.fired()) break;
    if (refused.ok() || refused.error().message.find(".trash/") == std::string::npos) continue;
    BOOST_TEST((code_of(refused) == Code::kIo));
    BOOST_TEST(refused.error().message.find("--skip-unreadable") != std::string::npos);
    NthFails again("read", n);
    const RebuildReport report = must(rebuild_with(true, again));
    std::ifstream file(report.report_path);
    const std::string lines(std::istreambuf_iterator<char>(file), {});
    BOOST_TEST(lines.find(".trash/" + part.text()) != std::string::npos);
    ++skipped;
  }
  BOOST_TEST(skipped > 0);
  RebuildOptions anew;
  anew.anew = true;
  rig.rebuild(anew);
  BOOST_TEST(rig.is_whole(call));
}

// The line of a sealing is durable, its commit fails, and the pack is written and sealed anew: two
// lines seal one pack, with two digests.
BOOST_AUTO_TEST_CASE(P6_a_commit_that_failed_amid_a_move_stops_no_rebuild) {
  bool failed = true;
  for (int n = 0; failed; ++n) {
    RebuildRig rig;
    if (!rig.can_verify()) return;
    int left = -1;
    rig.close();
    rig.before_commit = [&]() -> Status {
      if (left-- != 0) return {};
      return Error{Code::kIo, "injected: the commit fails"};
    };
    rig.open();
    const TestCall call = rig.ingest();
    rig.clock.advance(rig.config.standard.copy_after);
    rig.run_mover();
    rig.clock.advance(rig.config.warm.pack_seal_after);
    left = n;
    for (int turn = 0; turn < 20; ++turn) static_cast<void>(rig.mover->run_once(*rig.io).ok());
    failed = left < 0;
    left = -1;
    BOOST_TEST_CONTEXT("commit " << n << (failed ? " fails" : ": there are no more")) {
      for (int round = 0; round < 4; ++round, rig.clock.advance(minutes(20))) rig.run_mover();
      BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
      const TableDump before = rig.dump();
      rig.lose_index();
      must(rig.try_rebuild());
      check_same_rows(before, dump_index(rig.index_path()));
      rig.open();
      BOOST_TEST(rig.is_kept(call));
    }
    BOOST_TEST_REQUIRE(n < 50);
  }
}

// Killed, and the index lost, after the last of its bytes went and before that was told: told as
// done, unless some of it may be somewhere all the same.
BOOST_AUTO_TEST_CASE(P3_P6_a_destruction_that_left_no_byte_is_told_as_done) {
  namespace fs = std::filesystem;
  for (const std::string left : {"nothing", "a medium away", "a file in the trash", "a pack"}) {
    BOOST_TEST_CONTEXT(left) {
      RebuildRig rig;
      const TestCall call = rig.ingest();
      const Recording known = rig.recording(call);
      must(rig.archive().writer.call(condemn(known.recording_no, "key:test")));
      must(rig.archive().writer.call(begin_destroying(known.recording_no, "key:test")));
      rig.close();
      fs::remove_all(rig.config.standard.path + "/standard/" + rig.workspace.text());
      if (left == "a file in the trash") {
        const std::string trash =
            rig.config.standard.path + "/standard/.trash/" + known.recording.text() + ".1";
        fs::create_directories(trash);
        std::ofstream(trash + "/inbound.ulaw") << "what a kill left";
      }
      if (left == "a pack") {
        const std::string pack = rig.random.id<PackId>().text();
        const std::string shelf = rig.config.warm.path + "/packs/" + pack.substr(0, 2);
        fs::create_directories(shelf);
        std::ofstream(shelf + "/" + pack + ".tar") << "it cannot be read whose bytes these are";
      }
      rig.lose_index();
      RebuildOptions options;
      if (left == "a medium away") {
        fs::rename(rig.config.warm.path, rig.config.warm.path + "-away");
        options.without = {Tier::kWarm};
      }
      const RebuildReport report = must(rig.try_rebuild(options));
      BOOST_TEST(report.unlocated == (left == "nothing" ? 0 : 1));
      if (left == "a medium away") fs::rename(rig.config.warm.path + "-away", rig.config.warm.path);
      rig.open();
      BOOST_TEST(!must(rig.find(call.call_sid)));
      BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
    }
  }
}

// Somebody's rm, before the index was lost: a copy that its medium does not show counts for none.
BOOST_AUTO_TEST_CASE(P6_a_copy_that_its_medium_does_not_show_is_bad) {
  for (const Tier gone : {Tier::kStandard, Tier::kCold}) {
    RebuildRig rig;
    if (!rig.can_verify()) return;
    const TestCall call = rig.ingest();
    rig.pack();
    std::string path = rig.config.standard.path + "/standard/" + rig.workspace.text();
    if (gone == Tier::kCold) {
      rig.release_standard();
      // Not so long that warm is left.
      rig.clock.advance(
          Millis(rig.config.warm.copy_after.count - rig.config.standard.release_after.count));
      rig.run_mover();
      path = rig.config.cold->path + "/vault";
    }
    BOOST_REQUIRE(rig.state_on(call, gone).has_value());
    BOOST_REQUIRE((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
    rig.close();
    std::filesystem::remove_all(path);
    rig.lose_index();
    const RebuildReport report = must(rig.try_rebuild());
    BOOST_TEST(report.unlocated == 0);
    rig.open();
    BOOST_TEST((rig.state_on(call, gone) == CopyState::kQuarantined));
    BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
    BOOST_TEST(rig.is_known(call));
  }
}

// A person put them back from elsewhere. They are told of, taken in by nobody, and not removed.
BOOST_AUTO_TEST_CASE(P3_P6_files_of_what_was_destroyed_are_told_and_left) {
  namespace fs = std::filesystem;
  RebuildRig rig;
  const TestCall call = rig.ingest();
  const std::string below = rig.config.standard.path + "/standard/" + rig.workspace.text();
  const std::string kept = rig.config.state_dir + ".kept";
  fs::copy(below, kept, fs::copy_options::recursive);
  must(rig.destroy(call));
  rig.close();
  fs::remove_all(below);
  fs::copy(kept, below, fs::copy_options::recursive);
  const std::set<std::string> files = rig.files_below(rig.config.standard.path);
  rig.lose_index();
  const RebuildReport report = must(rig.try_rebuild());
  BOOST_TEST(report.adopted == 0);
  std::ifstream file(report.report_path);
  const std::string lines(std::istreambuf_iterator<char>(file), {});
  BOOST_TEST(lines.find(R"("kind":"destroyed")") != std::string::npos);
  BOOST_TEST((rig.files_below(rig.config.standard.path) == files));
  rig.open();
  BOOST_TEST(!must(rig.find(call.call_sid)));
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
}

BOOST_AUTO_TEST_CASE(P6_without_its_index_no_daemon_starts) {
  RebuildRig rig;
  rig.ingest();
  rig.lose_index();
  const Status refused = rig.try_open();
  BOOST_TEST((code_of(refused) == Code::kConflict));
  BOOST_TEST(refused.error().message.find("holdfastd rebuild") != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(rig.index_path()));
}

BOOST_AUTO_TEST_CASE(P6_an_index_that_is_there_is_not_replaced_unasked) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  const TableDump before = rig.dump();
  const auto refused = rig.try_rebuild();
  BOOST_TEST((code_of(refused) == Code::kConflict));
  BOOST_TEST(refused.error().message.find("--anew") != std::string::npos);
  RebuildOptions options;
  options.anew = true;
  must(rig.try_rebuild(options));
  check_same_rows(before, dump_index(rig.index_path()));
  BOOST_TEST(std::filesystem::exists(rig.index_path() + ".before-rebuild"));
}

// The disaster: the standard disk and the state directory are gone; the warm and cold media and the
// mirror are not.
BOOST_AUTO_TEST_CASE(P6_the_standard_disk_and_the_state_are_destroyed) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  rig.close();
  std::filesystem::remove_all(rig.config.standard.path);
  std::filesystem::remove_all(rig.config.state_dir);
  must(init_archive(*rig.io, rig.config, rig.clock, rig.random));
  // Which disk this is it does not guess.
  const auto refused = rig.try_rebuild();
  BOOST_TEST((code_of(refused) == Code::kConflict));
  BOOST_TEST(refused.error().message.find("--lost") != std::string::npos);
  RebuildOptions options;
  const std::string& text = refused.error().message;
  options.lost = {text.substr(text.find("--lost ") + 7)};
  const RebuildReport report = rig.rebuild(options);
  // Only there: on_standard, condemned_and_held.
  BOOST_TEST(report.unlocated == 2);
  BOOST_TEST(report.secrets_lost);
  BOOST_TEST(report.marks_lost == 1);  // of `destroyed`, whose call nobody knows any more
  BOOST_TEST(!report.recovery);
  for (const TestCall* call : {&rig.on_cold, &rig.on_warm, &rig.on_both})
    BOOST_TEST(rig.is_kept(*call), call->call_sid);
  BOOST_TEST((code_of(rig.try_ingest(rig.destroyed_in_pack)) == Code::kConflict));
  BOOST_TEST((code_of(rig.try_ingest(rig.moved)) == Code::kConflict));
  BOOST_TEST((code_of(rig.archive().writer.call(
                  condemn(rig.recording(rig.on_cold).recording_no, "key:test"))) == Code::kLocked));
  std::ifstream file(report.report_path);
  const std::string lines(std::istreambuf_iterator<char>(file), {});
  BOOST_TEST(lines.find(R"("kind":"unlocated")") != std::string::npos);
  // It lives on: calls come in and move.
  const TestCall next = rig.ingest("CAafterwards");
  rig.to_cold();
  BOOST_TEST(rig.is_kept(next));
}

BOOST_AUTO_TEST_CASE(P6_a_medium_that_is_away_is_waited_for) {
  RebuildRig rig;
  if (!rig.can_verify()) return;
  rig.live();
  const TableDump before = rig.dump();
  rig.lose_index();
  const std::string warm = rig.config.warm.path;
  std::filesystem::rename(warm, warm + ".away");
  std::filesystem::create_directory(warm);
  BOOST_TEST((code_of(rig.try_rebuild()) == Code::kUnavailable));
  RebuildOptions without;
  without.without = {Tier::kWarm};
  const RebuildReport partly = must(rig.try_rebuild(without));
  BOOST_TEST(partly.unlocated == 1);  // on_warm alone
  // Back again: nothing was forgotten.
  std::filesystem::remove(warm);
  std::filesystem::rename(warm + ".away", warm);
  RebuildOptions anew;
  anew.anew = true;
  must(rig.try_rebuild(anew));
  check_same_rows(before, dump_index(rig.index_path()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
