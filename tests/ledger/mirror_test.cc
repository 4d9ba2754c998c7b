// Main and mirror: what each must hold, and how they come to agree again.
#include "tests/ledger/rig.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

using Values = std::vector<int64_t>;

// The mirror's disk is pulled: its path is a file now.
void pull_mirror(LedgerRig& rig) {
  fs::rename(rig.directory / "mirror", rig.directory / "pulled");
  write_file(rig.directory / "mirror", "not a directory");
}
void plug_mirror(LedgerRig& rig) {
  fs::remove(rig.directory / "mirror");
  fs::rename(rig.directory / "pulled", rig.directory / "mirror");
}

}  // namespace

BOOST_AUTO_TEST_CASE(both_places_hold_the_same_bytes) {
  LedgerRig rig;
  rig.open();
  for (const int64_t value : {1, 2, 3}) must(rig.decide(value));
  BOOST_TEST(contents_of(rig.main_segment(1)) == contents_of(rig.mirror_segment(1)));
  BOOST_TEST((rig.ledger->state() == LedgerState::kReady));
}

BOOST_AUTO_TEST_CASE(the_same_device_is_refused_unless_allowed) {
  LedgerRig rig;
  rig.options.mirror_same_device = false;
  const auto opened = rig.try_open();
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST((opened.error().code == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(without_the_mirror_only_protection_is_decided) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  rig.ledger.reset();
  pull_mirror(rig);
  rig.open();
  BOOST_TEST((rig.ledger->state() == LedgerState::kBehind));
  BOOST_TEST(!rig.ledger->open_report().mirror_down.empty());
  BOOST_TEST(rig.decide(2).value() == 2);
  const Result<int64_t> refused = rig.decide(3, Weight::kWeakening);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == Code::kUnavailable));
  BOOST_TEST(rig.decide(4).value() == 3);  // nothing had been written
  BOOST_TEST(rig.values() == (Values{1, 2, 4}));
  // It comes back, is completed, and weakening decisions are taken again.
  plug_mirror(rig);
  BOOST_TEST(rig.decide(5, Weight::kWeakening).ok());
  BOOST_TEST((rig.ledger->state() == LedgerState::kReady));
  rig.check_agreement();
}

BOOST_AUTO_TEST_CASE(a_mirror_that_comes_back_is_completed_after_a_while_by_itself) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(500);
  rig.open();
  must(rig.decide(1));
  rig.ledger.reset();
  pull_mirror(rig);
  rig.open();
  for (int64_t value = 2; value <= 8; ++value) must(rig.decide(value));
  plug_mirror(rig);
  must(rig.decide(9));
  BOOST_TEST((rig.ledger->state() == LedgerState::kBehind));  // not tried at every commit
  rig.clock.advance(rig.options.mirror_retry);
  must(rig.decide(10));
  BOOST_TEST((rig.ledger->state() == LedgerState::kReady));
  rig.check_agreement();
  BOOST_TEST(rig.values().size() == 10U);
}

BOOST_AUTO_TEST_CASE(a_mirror_behind_is_completed_at_start) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(500);
  rig.open();
  for (int64_t value = 1; value <= 9; ++value) must(rig.decide(value));
  rig.ledger.reset();
  fs::remove_all(rig.directory / "mirror");
  rig.open();
  BOOST_TEST(rig.ledger->open_report().lines_completed_in_mirror == 9);
  rig.check_agreement();
}

BOOST_AUTO_TEST_CASE(P6_a_lost_main_is_completed_from_the_mirror) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(500);
  rig.open();
  Values expected;
  SystemRandom random;
  for (int64_t value = 1; value <= 9; ++value) {
    must(rig.decide(value));
    expected.push_back(value);
  }
  const Ledger::Note note = must(rig.ledger->write_note(random, "why"));
  rig.ledger.reset();
  fs::remove_all(rig.directory / "ledger");
  rig.open();
  BOOST_TEST(rig.ledger->open_report().lines_completed_in_main == 9);
  BOOST_TEST(rig.values() == expected);
  BOOST_TEST(must(rig.ledger->read_note(note.hash)) == "why");
  rig.check_agreement();
}

BOOST_AUTO_TEST_CASE(a_fork_is_read_only_until_a_person_decides) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  rig.ledger.reset();
  fs::copy(rig.directory / "mirror", rig.directory / "other", fs::copy_options::recursive);
  rig.open();
  must(rig.decide(2));
  rig.ledger.reset();
  // The mirror went another way: a second machine wrote to a copy of it.
  {
    LedgerRig second;
    second.options.directory = rig.directory / "other";
    second.options.mirror_directory = second.directory / "m";
    second.open();
    must(second.decide(77));
  }
  fs::remove_all(rig.directory / "mirror");
  fs::rename(rig.directory / "other", rig.directory / "mirror");
  rig.open();
  BOOST_TEST((rig.ledger->state() == LedgerState::kForked));
  BOOST_TEST(!rig.ledger->open_report().fork.empty());
  BOOST_TEST((rig.ledger->stage(draft_of("hold", 3)).error().code == Code::kUnavailable));
  SystemRandom random;
  BOOST_TEST(!rig.ledger->write_note(random, "x").ok());
  BOOST_TEST(rig.values() == (Values{1, 2}));  // reading goes on
  BOOST_TEST(rig.ledger->append_access({draft_of("list", 1)}).ok());
}

BOOST_AUTO_TEST_CASE(a_voided_batch_that_reached_the_mirror_is_no_fork) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  // Everything of the mirror fails from its fdatasync on: its file has the batch.
  FaultAt fault(3);  // main: write, fdatasync; mirror: write, fdatasync
  rig.faults.aim(&fault);
  const Result<int64_t> failed = rig.decide(2, Weight::kWeakening);
  rig.faults.aim(nullptr);
  BOOST_REQUIRE(fault.fired_at() == "fdatasync");
  BOOST_REQUIRE(!failed.ok());
  must(rig.decide(3, Weight::kWeakening));
  BOOST_TEST(rig.values() == (Values{1, 3}));
  rig.check_agreement();
}

BOOST_AUTO_TEST_CASE(a_main_that_fails_leaves_protection_to_the_mirror_and_comes_back) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  FaultAt fault(1);  // main's fdatasync
  rig.faults.aim(&fault);
  BOOST_TEST(rig.decide(2).ok());
  rig.faults.aim(nullptr);
  BOOST_TEST((rig.ledger->state() == LedgerState::kBehind));
  BOOST_TEST(rig.values() == (Values{1, 2}));  // told from the mirror
  BOOST_TEST(rig.ledger->decisions_end().last_n == 1);
  must(rig.decide(3));
  must(rig.decide(4, Weight::kWeakening));  // brings main back first
  BOOST_TEST((rig.ledger->state() == LedgerState::kReady));
  BOOST_TEST(rig.ledger->decisions_end().last_n == 4);
  rig.check_agreement();
  rig.open();
  BOOST_TEST(rig.values() == (Values{1, 2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(a_missing_segment_comes_back_from_the_other_place) {
  for (const char* place : {"ledger", "mirror"}) {
    LedgerRig rig;
    rig.options.segment_bytes_max = Bytes(300);
    rig.open();
    for (int64_t value = 1; value <= 9; ++value) must(rig.decide(value));
    rig.ledger.reset();
    for (const int64_t first_n : {1, 4})
      fs::remove(rig.directory /
                 (std::string(place) + "/decisions/" + segment_name(first_n, true)));
    rig.open();
    BOOST_TEST(rig.ledger->open_report().gaps.empty());
    BOOST_TEST(rig.ledger->open_report().segments_healed == 2);
    BOOST_TEST((rig.ledger->state() == LedgerState::kReady));
    rig.check_agreement();
    BOOST_TEST(rig.values() == (Values{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

// Another chain's segment of that name heals nothing, and does no harm.
BOOST_AUTO_TEST_CASE(a_segment_that_does_not_fit_heals_nothing) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(300);
  rig.open();
  for (int64_t value = 1; value <= 9; ++value) must(rig.decide(value));
  rig.ledger.reset();
  fs::remove(rig.directory / ("ledger/decisions/" + segment_name(4, true)));
  fs::copy_file(rig.directory / ("mirror/decisions/" + segment_name(5, true)),
                rig.directory / ("mirror/decisions/" + segment_name(4, true)),
                fs::copy_options::overwrite_existing);
  const auto opened = rig.try_open();
  if (opened.ok()) BOOST_TEST((*opened)->open_report().gaps.size() == 1U);
  BOOST_TEST(!fs::exists(rig.directory / ("ledger/decisions/" + segment_name(4, true))));
}

BOOST_AUTO_TEST_CASE(a_segment_missing_in_both_places_is_a_gap_and_told) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(300);
  rig.open();
  for (int64_t value = 1; value <= 9; ++value) must(rig.decide(value));
  rig.ledger.reset();
  const auto lose = [&](int64_t first_n) {
    for (const char* place : {"ledger", "mirror"})
      fs::remove(rig.directory /
                 (std::string(place) + "/decisions/" + segment_name(first_n, true)));
  };
  lose(4);
  rig.open();
  BOOST_REQUIRE(rig.ledger->open_report().gaps.size() == 1U);
  BOOST_TEST(rig.ledger->open_report().gaps[0].after_n == 3);
  BOOST_TEST(rig.ledger->open_report().gaps[0].before_n == 5);
  BOOST_TEST((rig.ledger->state() == LedgerState::kGap));
  const ChainReport report = rig.verify("ledger/decisions");
  BOOST_REQUIRE(report.gaps.size() == 1U);
  BOOST_TEST(!report.broken);
  // Also the beginning must be there.
  rig.ledger.reset();
  lose(1);
  rig.open();
  BOOST_TEST(rig.ledger->open_report().gaps.size() == 2U);
}

BOOST_AUTO_TEST_CASE(notes_are_in_both_places_and_can_be_erased) {
  LedgerRig rig;
  rig.open();
  SystemRandom random;
  const Ledger::Note note = must(rig.ledger->write_note(random, "the caller's name"));
  BOOST_TEST(note.hash.size() == 64U);
  const std::string file = contents_of(rig.directory / ("ledger/notes/" + note.hash));
  BOOST_TEST(to_hex(as_bytes(file.substr(0, 16))) == note.salt);
  BOOST_TEST(file.substr(16) == "the caller's name");
  BOOST_TEST(contents_of(rig.directory / ("mirror/notes/" + note.hash)) == file);
  BOOST_TEST(must(rig.ledger->read_note(note.hash)) == "the caller's name");
  BOOST_TEST((rig.ledger->read_note("../../etc/passwd").error().code == Code::kInvalid));
  // A copy that was tampered with is not shown.
  write_file(rig.directory / ("ledger/notes/" + note.hash), file + "!");
  BOOST_TEST((rig.ledger->read_note(note.hash).error().code == Code::kCorrupt));
  BOOST_TEST(rig.ledger->erase_note(note.hash).ok());
  BOOST_TEST((rig.ledger->read_note(note.hash).error().code == Code::kNotFound));
  BOOST_TEST((rig.ledger->erase_note(note.hash).error().code == Code::kNotFound));
  BOOST_TEST(!fs::exists(rig.directory / ("mirror/notes/" + note.hash)));
}

BOOST_AUTO_TEST_CASE(a_note_is_erased_from_both_places_or_not_at_all) {
  LedgerRig rig;
  rig.open();
  SystemRandom random;
  const Ledger::Note first = must(rig.ledger->write_note(random, "first"));
  rig.ledger.reset();
  pull_mirror(rig);
  rig.open();
  BOOST_TEST((rig.ledger->erase_note(first.hash).error().code == Code::kUnavailable));
  const Ledger::Note second = must(rig.ledger->write_note(random, "second"));
  plug_mirror(rig);
  must(rig.ledger->tend());
  BOOST_TEST(fs::exists(rig.directory / ("mirror/notes/" + second.hash)));
  BOOST_TEST(rig.ledger->erase_note(first.hash).ok());
}
