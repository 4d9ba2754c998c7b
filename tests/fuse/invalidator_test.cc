// What the kernel is told to forget, and what the daemon's answers may look like.
#include "fuse/invalidator.h"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <set>

#include "fuse/http_daemon_link.h"
#include "fuse/inode.h"
#include "fuse/limits.h"
#include "tests/fuse/small_archive.h"

using namespace holdfast;

namespace {

class RecordingCache final : public KernelCache {
 public:
  void drop_listing(uint64_t directory) override { listings.insert(directory); }
  void drop_entry(uint64_t parent, const std::string& name) override {
    entries.emplace(parent, name);
  }
  void drop_all_listings() override { ++all; }
  void keep_listings(bool keep) override { keeps.push_back(keep); }
  void settle() override {}

  std::set<uint64_t> listings;
  std::set<std::pair<uint64_t, std::string>> entries;
  int all = 0;
  std::vector<bool> keeps;
};

// Answers from a script and waits when it is at its end, as a long poll does.
class ScriptedLink final : public DaemonLink {
 public:
  explicit ScriptedLink(std::vector<Result<ChangeBatch>> answers) : answers_(std::move(answers)) {}

  Status record_open(const OpenNotice&) override { return Status(); }
  Result<ChangeBatch> changes(int64_t since, Millis wait) override {
    std::unique_lock lock(mutex_);
    asked.push_back(since);
    waits.push_back(wait);
    if (asked.size() > answers_.size()) {
      at_end_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return cancelled_; });
      return Error{Code::kUnavailable, "cancelled"};
    }
    return answers_[asked.size() - 1];
  }
  void cancel_changes() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  void wait_until_told() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return at_end_; });
  }

  std::vector<int64_t> asked;
  std::vector<Millis> waits;

 private:
  const std::vector<Result<ChangeBatch>> answers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool at_end_ = false;
  bool cancelled_ = false;
};

const CallSpec kCall{.call_sid = "CA1", .files = {{"inbound.ulaw", "abc"}}};

Change change_of(const SmallArchive& archive, Change::Kind kind) {
  return Change{kind, RecordingNo(1), archive.workspace(1), kCall.day, "CA1"};
}

uint64_t level(NodeKind kind, CalendarDay day) {
  return inode_of(Node::calendar(kind, WorkspaceNo(1), day));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_new_call_makes_its_day_and_all_above_stale) {
  SmallArchive archive;
  archive.add_call(kCall);
  IndexPool index(archive.index_path());
  ScriptedLink link({});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  BOOST_REQUIRE(invalidator.apply({7, false, {change_of(archive, Change::Kind::kAdded)}}).ok());
  const std::set<uint64_t> expected = {kRootInode,
                                       inode_of(Node::workspace(WorkspaceNo(1))),
                                       level(NodeKind::kYear, {2026, 0, 0}),
                                       level(NodeKind::kMonth, {2026, 11, 0}),
                                       level(NodeKind::kDay, {2026, 11, 20}),
                                       inode_of(Node::call(RecordingNo(1)))};
  BOOST_TEST(kernel.listings == expected, boost::test_tools::per_element());
  BOOST_TEST(kernel.entries.empty());
  BOOST_TEST(kernel.all == 0);
}

BOOST_AUTO_TEST_CASE(a_changed_call_leaves_its_day_alone) {
  SmallArchive archive;
  archive.add_call(kCall);
  IndexPool index(archive.index_path());
  ScriptedLink link({});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  BOOST_REQUIRE(invalidator.apply({7, false, {change_of(archive, Change::Kind::kChanged)}}).ok());
  BOOST_TEST(kernel.listings == std::set<uint64_t>{inode_of(Node::call(RecordingNo(1)))},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_last_call_of_a_day_takes_the_empty_levels_along) {
  SmallArchive archive;
  archive.add_many(CalendarDay{2026, 1, 1}, 1);  // the year stays
  IndexPool index(archive.index_path());
  ScriptedLink link({});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  BOOST_REQUIRE(invalidator.apply({7, false, {change_of(archive, Change::Kind::kRemoved)}}).ok());
  const std::set<std::pair<uint64_t, std::string>> expected = {
      {level(NodeKind::kDay, {2026, 11, 20}), "CA1"},
      {level(NodeKind::kMonth, {2026, 11, 0}), "20"},
      {level(NodeKind::kYear, {2026, 0, 0}), "11"}};
  BOOST_TEST((kernel.entries == expected));
}

BOOST_AUTO_TEST_CASE(after_a_broken_link_everything_is_dropped_once) {
  SmallArchive archive;
  IndexPool index(archive.index_path());
  const ChangeBatch quiet{9, false, {}};
  ScriptedLink link({quiet, Error{Code::kUnavailable, "down"}, ChangeBatch{2, false, {}}});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  invalidator.start();
  link.wait_until_told();
  invalidator.stop();
  BOOST_TEST(kernel.all == 2);              // when it broke, and when it was there again
  BOOST_TEST(kernel.entries.size() == 2u);  // one per workspace
  BOOST_TEST(link.asked == (std::vector<int64_t>{0, 9, 9, 2}), boost::test_tools::per_element());
}

// Nobody tells changes until the first answer, which nobody waits for, and while the link is
// broken.
BOOST_AUTO_TEST_CASE(listings_are_kept_only_while_changes_are_told) {
  SmallArchive archive;
  IndexPool index(archive.index_path());
  const Error down{Code::kUnavailable, "down"};
  ScriptedLink link({down, ChangeBatch{9, false, {}}, down, ChangeBatch{9, false, {}}});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  invalidator.start();
  link.wait_until_told();
  invalidator.stop();
  BOOST_TEST(kernel.keeps == (std::vector<bool>{true, false, true}),
             boost::test_tools::per_element());
  const Millis poll = seconds(mount_limits::kPollSeconds);
  BOOST_TEST((link.waits == std::vector<Millis>{Millis(0), Millis(0), poll, Millis(0), poll}));
}

BOOST_AUTO_TEST_CASE(without_an_index_nothing_counts_as_told) {
  SmallArchive archive;
  IndexPool index(archive.path() + "/nothing");
  ScriptedLink link({ChangeBatch{9, true, {}}});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  invalidator.start();
  link.wait_until_told();
  invalidator.stop();
  BOOST_TEST(kernel.keeps.empty());
  BOOST_TEST(link.asked == (std::vector<int64_t>{0, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_sequence_that_goes_back_is_a_reset) {
  SmallArchive archive;
  IndexPool index(archive.index_path());
  ScriptedLink link({ChangeBatch{9, false, {}}, ChangeBatch{3, false, {}}});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  invalidator.start();
  link.wait_until_told();
  invalidator.stop();
  BOOST_TEST(kernel.all == 1);
}

// It counts from 1 again, and may have come further than the one before it.
BOOST_AUTO_TEST_CASE(an_answer_of_another_run_is_a_reset) {
  SmallArchive archive;
  IndexPool index(archive.index_path());
  ScriptedLink link({ChangeBatch{9, false, {}, "a"}, ChangeBatch{9, false, {}, "a"},
                     ChangeBatch{12, false, {}, "b"}, ChangeBatch{12, false, {}, "b"}});
  RecordingCache kernel;
  Invalidator invalidator(link, index, kernel);
  invalidator.start();
  link.wait_until_told();
  invalidator.stop();
  BOOST_TEST(kernel.all == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_is_taken_only_in_its_own_shape) {
  const auto parsed = [](const std::string& text) { return parse_changes(*parse_json(text)); };
  const std::string item =
      R"({"recording_no":5,"workspace":"0198c2de-0000-7000-8000-000000000001",)"
      R"("day":"2026/11/20","call_sid":"CA1","kind":"added"})";
  const Result<ChangeBatch> good = parsed(R"({"seq":4,"reset":false,"changes":[)" + item + "]}");
  BOOST_REQUIRE(good.ok());
  BOOST_TEST(good->run.empty());
  BOOST_TEST(parsed(R"({"run":"a1","seq":4,"changes":[]})")->run == "a1");
  BOOST_TEST(!parsed(R"({"run":1,"seq":4,"changes":[]})").ok());
  BOOST_REQUIRE(good->changes.size() == 1u);
  BOOST_TEST((good->changes[0].day == CalendarDay{2026, 11, 20}));
  BOOST_TEST(good->changes[0].recording_no.value == 5);

  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"2026/11/20", "2026/11/2"},
           {"2026/11/20", "2026/11/20x"},
           {"added", "moved"},
           {"CA1", "../CA1"},
           {"\"recording_no\":5", "\"recording_no\":\"5\""},
           {"000000000001", "00000000000"}}) {
    std::string bad = item;
    bad.replace(bad.find(from), from.size(), to);
    BOOST_TEST(!parsed(R"({"seq":4,"reset":false,"changes":[)" + bad + "]}").ok(), bad);
  }
  BOOST_TEST(!parsed(R"({"reset":false,"changes":[]})").ok());
  BOOST_TEST(!parsed(R"({"seq":4,"reset":false})").ok());
  BOOST_TEST(!parsed("[]").ok());
}
