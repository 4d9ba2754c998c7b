// What a crash or a fault leaves behind: torn tails, voided batches, half sealings.
#include "tests/ledger/rig.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

// Everything below a directory, to be put back before each try.
class Snapshot {
 public:
  explicit Snapshot(const std::string& from) : from_(from) {
    fs::copy(from_, copy_.path(), fs::copy_options::recursive);
  }
  void restore() const {
    fs::remove_all(from_);
    fs::copy(copy_.path(), from_, fs::copy_options::recursive);
  }

 private:
  std::string from_;
  TemporaryDirectory copy_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(P7_a_torn_last_line_is_cut_at_every_byte_and_told) {
  LedgerRig rig;
  rig.open();
  for (const int64_t value : {1, 2, 3}) must(rig.decide(value));
  rig.ledger.reset();
  const std::string whole = contents_of(rig.main_segment(1));
  for (size_t length = 0; length <= whole.size(); ++length) {
    const std::string part = whole.substr(0, length);
    const auto lines = std::count(part.begin(), part.end(), '\n');
    const size_t valid = lines == 0 ? 0 : part.rfind('\n') + 1;
    for (const char* place : {"ledger/decisions", "mirror/decisions"}) {
      fs::remove_all(rig.directory / place);
      fs::create_directories(rig.directory / place);
      write_file(rig.directory / place + "/" + segment_name(1, false), part);
    }
    rig.open();
    BOOST_REQUIRE(rig.ledger->last_decision() == lines);
    BOOST_REQUIRE(rig.ledger->open_report().torn_decisions.count ==
                  static_cast<int64_t>(length - valid));
    BOOST_REQUIRE(rig.decide(9).value() == lines + 1);
    BOOST_REQUIRE(rig.values().size() == static_cast<size_t>(lines) + 1);
    BOOST_REQUIRE(!rig.verify("ledger/decisions").broken);
  }
}

BOOST_AUTO_TEST_CASE(P7_a_torn_main_is_completed_from_the_mirror_at_every_byte) {
  LedgerRig rig;
  rig.open();
  for (const int64_t value : {1, 2, 3}) must(rig.decide(value));
  rig.ledger.reset();
  const std::string whole = contents_of(rig.main_segment(1));
  for (size_t length = 0; length <= whole.size(); length += 7) {
    for (const bool tear_main : {true, false}) {
      write_file(rig.main_segment(1), tear_main ? whole.substr(0, length) : whole);
      write_file(rig.mirror_segment(1), tear_main ? whole : whole.substr(0, length));
      rig.open();
      BOOST_REQUIRE(rig.ledger->last_decision() == 3);
      BOOST_REQUIRE((rig.ledger->state() == LedgerState::kReady));
      rig.ledger.reset();
      BOOST_REQUIRE(contents_of(rig.main_segment(1)) == whole);
      BOOST_REQUIRE(contents_of(rig.mirror_segment(1)) == whole);
    }
  }
}

BOOST_AUTO_TEST_CASE(P7_zeros_after_the_last_line_are_a_torn_tail) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  rig.ledger.reset();
  const std::string whole = contents_of(rig.main_segment(1));
  write_file(rig.main_segment(1), whole + std::string(5'000'000, '\0'));
  rig.open();
  BOOST_TEST(rig.ledger->open_report().torn_decisions.count == 5'000'000);
  BOOST_TEST(rig.values() == std::vector<int64_t>{1});
}

BOOST_AUTO_TEST_CASE(P7_a_batch_whose_middle_was_never_written_is_cut_whole) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  rig.clock.advance(Millis(1));
  for (const int64_t value : {2, 3, 4}) must(rig.ledger->stage(draft_of("hold", value)));
  must(rig.ledger->commit());
  rig.ledger.reset();
  std::string text = contents_of(rig.main_segment(1));
  text.replace(text.find("\"n\":2"), 5, std::string(5, '\0'));
  write_file(rig.main_segment(1), text);
  write_file(rig.mirror_segment(1), text);
  rig.open();
  BOOST_TEST(rig.values() == std::vector<int64_t>{1});
}

BOOST_AUTO_TEST_CASE(damage_to_lines_that_counted_is_never_cut_as_torn) {
  LedgerRig rig;
  rig.open();
  for (const int64_t value : {1, 2, 3, 4}) {
    must(rig.decide(value));
    rig.clock.advance(Millis(1));
  }
  rig.ledger.reset();
  std::string text = contents_of(rig.main_segment(1));
  text[text.find("\"n\":2") + 4] = '7';
  write_file(rig.main_segment(1), text);
  const auto opened = rig.try_open();
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST((opened.error().code == Code::kCorrupt));
  BOOST_TEST(contents_of(rig.main_segment(1)) == text);
}

// The heart of the writer's rule: for every point at which the world can fail,
// an acknowledged batch is there after a restart, and a batch that was answered
// with an error is not, unless the answer was "outcome unknown".
BOOST_AUTO_TEST_CASE(P1_a_fault_at_any_point_of_a_commit_never_lies) {
  for (const Weight weight : {Weight::kProtecting, Weight::kWeakening})
    for (const bool all_after : {false, true})
      for (const bool tear : {false, true})
        for (int n = 0;; ++n) {
          LedgerRig rig;
          rig.open();
          must(rig.decide(1));
          FaultAt fault(n, all_after);
          if (tear) fault.tear_writes();
          rig.faults.aim(&fault);
          must(rig.ledger->stage(draft_of("release", 2, weight)));
          must(rig.ledger->stage(draft_of("release", 3, weight)));
          const Status committed = rig.ledger->commit();
          const bool unknown = rig.ledger->state() == LedgerState::kUnknown;
          rig.faults.aim(nullptr);
          const auto context = [&] {
            return "point " + std::to_string(n) + " (" + fault.fired_at() + "), all after " +
                   std::to_string(all_after) + ", torn " + std::to_string(tear);
          };
          if (!fault.fired()) BOOST_TEST(committed.ok());
          if (unknown) BOOST_TEST((committed.error().code == Code::kUnavailable));
          std::vector<int64_t> expected{1};
          if (committed.ok()) expected = {1, 2, 3};
          if (!unknown) {
            BOOST_TEST(rig.values() == expected, context());
            // The ledger goes on: the next decision counts, also a weakening one.
            rig.clock.advance(minutes(1));
            must(rig.decide(4, Weight::kWeakening));
            expected.push_back(4);
            BOOST_TEST(rig.values() == expected, context());
          } else {
            BOOST_TEST(!rig.ledger->stage(draft_of("hold", 4)).ok());
          }
          rig.open();
          BOOST_TEST((rig.ledger->state() == LedgerState::kReady), context());
          const std::vector<int64_t> found = rig.values();
          if (unknown) {  // any prefix of the batch: each line is a command of its own
            const std::vector<int64_t> whole{1, 2, 3};
            BOOST_TEST((!found.empty() && found.size() <= 3 &&
                        std::equal(found.begin(), found.end(), whole.begin())));
          } else {
            BOOST_TEST(found == expected, context());
          }
          must(rig.decide(5));
          rig.check_agreement();
          if (!fault.fired()) break;
        }
}

BOOST_AUTO_TEST_CASE(P1_a_fault_at_any_point_of_sealing_loses_nothing) {
  for (const bool all_after : {false, true})
    for (int n = 0;; ++n) {
      LedgerRig rig;
      rig.options.segment_bytes_max = Bytes(500);
      rig.open();
      std::vector<int64_t> expected;
      for (int64_t value = 1; value <= 3; ++value) {
        must(rig.decide(value));
        expected.push_back(value);
      }
      FaultAt fault(n, all_after);
      rig.faults.aim(&fault);
      for (int64_t value = 4; value <= 6; ++value)
        if (rig.ledger->state() != LedgerState::kUnknown && rig.decide(value).ok())
          expected.push_back(value);
      const bool unknown = rig.ledger->state() == LedgerState::kUnknown;
      rig.faults.aim(nullptr);
      rig.open();
      std::vector<int64_t> found = rig.values();
      // What was never acknowledged may be there only when the answer was "unknown".
      if (unknown && found.size() == expected.size() + 1) found.pop_back();
      BOOST_TEST(found == expected, "point " << n << ", " << fault.fired_at());
      must(rig.decide(7));
      rig.check_agreement();
      if (!fault.fired()) break;
    }
}

BOOST_AUTO_TEST_CASE(P7_a_fault_at_any_point_of_opening_is_an_error_and_harmless) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(500);
  rig.open();
  for (int64_t value = 1; value <= 5; ++value) must(rig.decide(value));
  must(rig.ledger->append_access({draft_of("file.open", 1)}));
  rig.ledger.reset();
  // A torn tail in main and a mirror that is behind: opening has something to do.
  const std::string last = rig.main_segment(5);
  BOOST_REQUIRE(fs::exists(last));
  write_file(last, contents_of(last) + "{\"torn");
  fs::remove(rig.mirror_segment(5));
  const Snapshot before(rig.directory.path());
  for (int n = 0;; ++n) {
    before.restore();
    FaultAt fault(n, n % 2 == 1);
    rig.faults.aim(&fault);
    const auto opened = rig.try_open();
    rig.faults.aim(nullptr);
    rig.open();
    BOOST_TEST(rig.values() == (std::vector<int64_t>{1, 2, 3, 4, 5}), "point " << n);
    BOOST_TEST((rig.ledger->state() == LedgerState::kReady));
    rig.check_agreement();
    rig.ledger.reset();
    if (!fault.fired()) {
      BOOST_TEST(opened.ok());
      break;
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failed_append_begins_a_segment_that_voids_it) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  must(rig.decide(2));
  const auto size = static_cast<int64_t>(fs::file_size(rig.main_segment(1)));
  FaultAt fault(1);  // 0 is the write, 1 the fdatasync: the bytes are in the file
  rig.faults.aim(&fault);
  const Result<int64_t> failed = rig.decide(3, Weight::kWeakening);
  rig.faults.aim(nullptr);
  BOOST_REQUIRE(fault.fired_at() == "fdatasync");
  BOOST_TEST((failed.error().code == Code::kIo));
  BOOST_TEST(rig.decide(4).value() == 5);  // 3 was the batch, 4 the line that voids it
  std::vector<Line> lines;
  must(rig.ledger->replay(1, [&](const Line& line) -> Result<bool> {
    lines.push_back(line);
    return true;
  }));
  BOOST_REQUIRE(lines.size() == 4U);
  const std::optional<Void> voided = must(void_of(lines[2]));
  BOOST_REQUIRE(voided.has_value());
  BOOST_TEST(lines[2].n == 4);
  BOOST_TEST(voided->segment == 1);
  BOOST_TEST(voided->offset.count == size);
  BOOST_TEST(voided->from == 3);
  BOOST_TEST(voided->to == 3);
  BOOST_TEST((lines[2].previous == lines[1].digest));
  rig.check_agreement();
  const ChainReport report = rig.verify("ledger/decisions");
  BOOST_TEST(report.voids == 1);
  BOOST_TEST(report.lines == 4);
}

BOOST_AUTO_TEST_CASE(readers_honour_a_void_while_the_old_segment_is_still_plain) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  FaultAt fault(1);
  rig.faults.aim(&fault);
  BOOST_REQUIRE(!rig.decide(2, Weight::kWeakening).ok());
  rig.faults.aim(nullptr);
  // The failed segment holds the line of the failed batch, whole.
  const std::string old = contents_of(rig.main_segment(1));
  BOOST_TEST(std::count(old.begin(), old.end(), '\n') == 2);
  const ChainReport report = rig.verify("ledger/decisions");
  BOOST_TEST(!report.broken);
  BOOST_TEST(report.lines == 2);  // line 1 and the void
  BOOST_TEST(rig.values() == std::vector<int64_t>{1});
}

BOOST_AUTO_TEST_CASE(P4_a_fault_at_any_point_of_an_access_line_never_lies) {
  for (const bool all_after : {false, true})
    for (int n = 0;; ++n) {
      LedgerRig rig;
      rig.open();
      must(rig.ledger->append_access({draft_of("file.open", 1)}));
      FaultAt fault(n, all_after);
      rig.faults.aim(&fault);
      const bool ok =
          rig.ledger->append_access({draft_of("file.open", 2), draft_of("list", 3)}).ok();
      rig.faults.aim(nullptr);
      must(rig.ledger->append_access({draft_of("file.open", 4)}));
      rig.open();
      must(rig.ledger->append_access({draft_of("file.open", 5)}));
      std::vector<int64_t> found;
      must(read_chain(*rig.io, rig.ledger->access_fd(), ReadOptions(),
                      [&](const Line& line) -> Result<bool> {
                        if (line.kind != kVoidKind)
                          found.push_back(line.details.at("value").as_int64());
                        return true;
                      }));
      // Acknowledged lines are there; others may be, since nobody was given anything.
      for (const int64_t value :
           ok ? std::vector<int64_t>{1, 2, 3, 4, 5} : std::vector<int64_t>{1, 4, 5})
        BOOST_TEST(std::count(found.begin(), found.end(), value) == 1,
                   "value " << value << ", point " << n << ", " << fault.fired_at());
      BOOST_TEST(!rig.verify("ledger/access").broken);
      if (!fault.fired()) break;
    }
}
