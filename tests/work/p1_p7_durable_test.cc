// P1 and P7: the process dies at a point of its I/O; what it acknowledged is there, byte for byte,
// and what was under way settles by the code that normal work runs.
#include <algorithm>
#include <numeric>
#include <thread>

#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

// From the point on nothing reaches a file. The points of one clean run, thinned by seed to at
// most `most`, always with the first and the last.
template <typename Prepare, typename Work, typename Check>
void die_at_points(ArchiveFixture& rig, size_t most, Prepare prepare, Work work, Check check) {
  prepare();
  const int before = rig.faults.points();
  work();
  const int points = rig.faults.points() - before;
  check();
  BOOST_REQUIRE_GT(points, 0);
  std::vector<int> chosen(static_cast<size_t>(points));
  std::iota(chosen.begin(), chosen.end(), 0);
  while (chosen.size() > most)
    chosen.erase(chosen.begin() + 1 +
                 static_cast<std::ptrdiff_t>(rig.random.below(chosen.size() - 2)));
  size_t fired = 0;  // later runs may have fewer points: directories are there already
  for (const int point : chosen) {
    BOOST_TEST_CONTEXT("the process dies at point " << point << " of " << points) {
      prepare();
      FaultAt death(point, true);
      if (point % 2 == 0) death.tear_writes();
      rig.faults.aim(&death);
      work();
      fired += death.fired() ? 1 : 0;
      rig.reopen();
      check();
      BOOST_TEST(rig.unsettled().empty());
    }
  }
  BOOST_TEST(fired * 2 >= chosen.size());
}

void turns_of_the_mover(ArchiveFixture& rig) {
  for (int turn = 0; turn < 20; ++turn) {
    const Result<bool> worked = rig.mover->run_once(*rig.io);
    if (!worked.ok() || !*worked) return;
  }
}

BOOST_AUTO_TEST_SUITE(P1_no_acknowledged_byte_is_lost)

BOOST_AUTO_TEST_CASE(what_was_acknowledged_is_there_after_a_crash) {
  ArchiveFixture rig;
  std::vector<TestCall> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(rig.ingest());
  rig.reopen();
  for (const TestCall& call : calls) BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(an_ingest_that_dies_anywhere_is_acknowledged_and_whole_or_can_be_repeated) {
  ArchiveFixture rig;
  TestCall call;
  bool acknowledged = false;
  std::vector<TestCall> all;
  die_at_points(
      rig, 25, [&] { call = rig.make_call(); }, [&] { acknowledged = rig.try_ingest(call).ok(); },
      [&] {
        if (acknowledged) BOOST_TEST(rig.is_whole(call));
        if (rig.is_known(call)) BOOST_TEST(rig.is_whole(call));
        const Ingested again = must(rig.try_ingest(call));
        BOOST_TEST((!acknowledged || again.verdict == IngestVerdict::kSame));
        BOOST_TEST(rig.is_whole(call));
        all.push_back(call);
      });
  for (const TestCall& one : all) BOOST_TEST(rig.is_whole(one));
}

BOOST_AUTO_TEST_CASE(a_single_failed_operation_is_answered_and_leaves_nothing_behind) {
  ArchiveFixture rig;
  for (int point = 0; point < 400; ++point) {
    const TestCall call = rig.make_call();
    FaultAt fault(point);
    rig.faults.aim(&fault);
    const Result<Ingested> outcome = rig.try_ingest(call);
    rig.faults.aim(nullptr);
    if (!fault.fired()) {
      BOOST_TEST(outcome.ok());
      BOOST_TEST(point > 10);
      break;
    }
    BOOST_TEST_CONTEXT("fault at point " << point << ", " << fault.fired_at()) {
      if (outcome.ok()) BOOST_TEST(rig.is_whole(call));
      const Result<Ingested> again = rig.try_ingest(call);
      BOOST_REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().message));
      BOOST_TEST(rig.is_whole(call));
    }
  }
  rig.reopen();
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_after_its_lines_are_durable_takes_effect) {
  ArchiveFixture rig;
  bool fails = false;
  rig.before_commit = [&]() -> Status {
    if (!fails) return {};
    return Error{Code::kIo, "injected: the commit fails"};
  };
  rig.reopen();
  rig.ingest();  // reserves numbers, which needs a commit of its own
  const TestCall call = rig.make_call();
  fails = true;
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kUnavailable));
  rig.crash();
  fails = false;
  rig.open();
  BOOST_TEST(rig.is_known(call));
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST((must(rig.try_ingest(call)).verdict == IngestVerdict::kSame));
  BOOST_TEST(rig.unsettled().empty());
}

// Nothing of it could be acknowledged, and since its outcome would be unknown, all of it would
// stay.
BOOST_AUTO_TEST_CASE(while_the_writer_cannot_recover_no_ingest_leaves_anything_behind) {
  ArchiveFixture rig;
  bool fails = false;
  rig.before_commit = [&]() -> Status {
    if (!std::exchange(fails, false)) return {};
    return Error{Code::kIo, "injected: the commit fails"};
  };
  rig.reopen();
  rig.ingest();                                 // reserves numbers, which needs a commit of its own
  const auto io = must(Io::open(IoOptions()));  // the world fails for the writer alone
  const TestCall unknown = rig.make_call();
  EachFails no_opens("open");  // of its ledger, when it recovers
  fails = true;
  rig.faults.aim(&no_opens);
  BOOST_TEST((code_of(rig.try_ingest(*io, unknown)) == Code::kUnavailable));
  BOOST_TEST(rig.archive().writer.is_recovering());
  const std::set<std::string> left = rig.unsettled();
  BOOST_TEST(!left.empty());  // it may have been decided
  const TestCall call = rig.make_call();
  for (int tries = 0; tries < 3; ++tries)
    BOOST_TEST((code_of(rig.try_ingest(*io, call)) == Code::kUnavailable));
  BOOST_TEST((rig.unsettled() == left));
  rig.faults.aim(nullptr);
  BOOST_TEST((must(rig.try_ingest(call)).verdict == IngestVerdict::kNew));
  BOOST_TEST((must(rig.try_ingest(unknown)).verdict == IngestVerdict::kSame));
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.is_whole(unknown));
}

BOOST_AUTO_TEST_CASE(parts_that_come_at_once_are_all_kept) {
  ArchiveFixture rig;
  const TestCall first = rig.ingest();
  constexpr int kThreads = 6;
  std::vector<TestCall> parts;
  for (int i = 0; i < kThreads; ++i) {
    TestCall part;
    part.call_sid = first.call_sid;
    part.files["segment." + std::to_string(i) + ".bin"] =
        testing::noise_bytes(40'000, static_cast<uint32_t>(i));
    parts.push_back(std::move(part));
  }
  std::vector<Result<Ingested>> outcomes(kThreads, Result<Ingested>(Ingested()));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      auto io = Io::open();
      if (io.ok())
        outcomes[i] = rig.try_ingest(**io, parts[i]);
      else
        outcomes[i] = io.error();
    });
  for (std::thread& thread : threads) thread.join();
  std::set<int> numbers;
  for (size_t i = 0; i < kThreads; ++i) {
    BOOST_REQUIRE_MESSAGE(outcomes[i].ok(), (outcomes[i].ok() ? "" : outcomes[i].error().message));
    numbers.insert(outcomes[i]->part);
  }
  BOOST_TEST(numbers.size() == size_t{kThreads});
  for (int turn = 0; turn < 2; ++turn) {
    for (const TestCall& part : parts) BOOST_TEST(rig.is_whole(part));
    BOOST_TEST(rig.is_whole(first));
    rig.reopen();
  }
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(the_same_call_that_comes_at_once_in_several_pieces_is_kept_whole) {
  ArchiveFixture rig;
  constexpr int kThreads = 4;
  std::vector<TestCall> pieces;
  for (int i = 0; i < kThreads; ++i) {
    TestCall piece;
    piece.call_sid = "CAonce";
    piece.files["piece." + std::to_string(i) + ".bin"] =
        testing::noise_bytes(30'000, static_cast<uint32_t>(i));
    pieces.push_back(std::move(piece));
  }
  std::vector<Result<Ingested>> outcomes(kThreads, Result<Ingested>(Ingested()));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      auto io = Io::open();
      if (io.ok())
        outcomes[i] = rig.try_ingest(**io, pieces[i]);
      else
        outcomes[i] = io.error();
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kThreads; ++i) {
    BOOST_REQUIRE_MESSAGE(outcomes[i].ok(), (outcomes[i].ok() ? "" : outcomes[i].error().message));
    BOOST_TEST(rig.is_whole(pieces[i]));
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(P7_a_restart_continues)

BOOST_AUTO_TEST_CASE(a_complete_entry_of_incoming_without_a_row_is_adopted) {
  ArchiveFixture rig;
  const TestCall call = rig.make_call();
  // The ledger cannot be written: the entry is finished, and nothing acknowledges it.
  bool fails = false;
  rig.before_commit = [&]() -> Status {
    if (fails) return Error{Code::kIo, "injected: the commit fails"};
    return {};
  };
  rig.reopen();
  const TestCall before = rig.ingest();  // reserves numbers, which needs a commit of its own
  // At rest, so that the copies are whole.
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::remove_all(rig.directory / to);
    std::filesystem::copy(rig.directory / from, rig.directory / to,
                          std::filesystem::copy_options::recursive);
  };
  for (const std::string name : {"state", "mirror"}) copy(name, name + ".before");
  fails = true;
  BOOST_TEST(!rig.try_ingest(call).ok());
  rig.crash();
  fails = false;
  // Index and ledger of before: the rows and lines of that ingest are gone, its files are not.
  for (const std::string name : {"state", "mirror"}) copy(name + ".before", name);
  rig.open();
  BOOST_TEST(rig.report().incoming.adopted == 1);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.is_whole(before));
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(packing_that_dies_anywhere_goes_on) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  TestCall call;
  die_at_points(
      rig, 15,
      [&] {
        call = rig.ingest();
        rig.clock.advance(rig.config.standard.copy_after);
        rig.run_mover();
        rig.clock.advance(rig.config.warm.pack_seal_after);
      },
      [&] { turns_of_the_mover(rig); },
      [&] {
        BOOST_TEST(rig.is_whole(call));
        for (int i = 0; i < 4; ++i, rig.clock.advance(minutes(10))) rig.run_mover();
        BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
        BOOST_TEST(rig.is_whole(call));
      });
}

BOOST_AUTO_TEST_CASE(a_release_that_dies_anywhere_goes_on) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  TestCall call;
  die_at_points(
      rig, 12,
      [&] {
        call = rig.ingest();
        rig.pack();
        rig.clock.advance(rig.config.standard.release_after);
      },
      [&] { turns_of_the_mover(rig); },
      [&] {
        BOOST_TEST(rig.is_kept(call));
        rig.clock.advance(minutes(10));
        rig.run_mover();
        BOOST_TEST(rig.standard_files("recording.json").empty());
        rig.clock.advance(hours(25));
        rig.run_mover();
        BOOST_TEST(rig.staged_files().empty());
      });
}

BOOST_AUTO_TEST_CASE(the_way_to_cold_that_dies_anywhere_goes_on) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  TestCall call;
  die_at_points(
      rig, 12,
      [&] {
        call = rig.ingest();
        rig.to_warm();
        rig.clock.advance(rig.config.warm.release_after);
      },
      [&] { turns_of_the_mover(rig); },
      [&] {
        for (int i = 0; i < 4; ++i, rig.clock.advance(minutes(10))) rig.run_mover();
        BOOST_TEST((rig.recording(call).tier == Tier::kCold));
        BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
        BOOST_TEST(rig.is_kept(call));
        rig.clock.advance(hours(25));
        rig.run_mover();
      });
}

BOOST_AUTO_TEST_CASE(a_recall_that_dies_anywhere_goes_on) {
  ArchiveFixture rig([](Config& config) {
    config.warm.copy_after = days(1000);
    config.warm.release_after = days(1001);
  });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  die_at_points(
      rig, 12, [&] { must(rig.ask(call, hours(1))); },
      [&] {
        Restorer restorer(rig.archive(), Tier::kWarm);
        static_cast<void>(restorer.run_once(*rig.io).ok());
      },
      [&] {
        rig.clock.advance(minutes(5));
        rig.run_restorers();
        BOOST_TEST(rig.is_whole(call));
        rig.clock.advance(hours(2));
        rig.run_mover();
        BOOST_TEST(!rig.is_readable(call));
        BOOST_TEST(rig.staged_files().empty());
      });
}

BOOST_AUTO_TEST_CASE(a_destruction_that_dies_anywhere_is_finished) {
  ArchiveFixture rig;
  TestCall call;
  const TestCall other = rig.ingest();
  bool condemned = false;
  bool unknown = false;  // the answer: it may take effect
  die_at_points(
      rig, 15, [&] { call = rig.ingest(); },
      [&] {
        const RecordingNo number = rig.recording(call).recording_no;
        const auto outcome = rig.archive().writer.call(condemn(number, "key:test"));
        condemned = outcome.ok();
        unknown = !outcome.ok() && outcome.error().code == Code::kUnavailable;
        if (condemned)
          static_cast<void>(Remover(rig.archive()).destroy(*rig.io, number, "key:test").ok());
      },
      [&] {
        if (condemned)
          BOOST_TEST(!rig.is_known(call));
        else if (!unknown || rig.is_known(call))
          BOOST_TEST(rig.is_whole(call));
        BOOST_TEST(rig.is_whole(other));
        BOOST_TEST(rig.unsettled().empty());
      });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
