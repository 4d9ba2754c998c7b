// What the kernel keeps of the mounted view, and what it forgets when the archive changes.
#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

#include "fuse/tree.h"
#include "tests/fuse/hanging_lister.h"
#include "tests/fuse/mounted_view.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

FakeAnswer answer_of(const json::value& body) {
  return {200, canonical(body), "application/json", {}, std::string::npos, false};
}

// Waits until the view has asked for changes so: what it was answered before is applied then.
void wait_until_asked_so(FakeDaemon& daemon, const std::string& query) {
  const auto is_so = [&](const FakeRequest& request) { return request.query.starts_with(query); };
  for (size_t seen = 0;;) {
    const std::vector<FakeRequest> asked = daemon.asked();
    if (std::any_of(asked.begin() + static_cast<std::ptrdiff_t>(seen), asked.end(), is_so)) return;
    seen = asked.size();
    daemon.wait_until_asked(seen + 1);
  }
}

// A mounted archive whose daemon tells what the test says.
struct ToldView {
  explicit ToldView(Stage& on) : stage(on) {
    stage.daemon->on("GET /mount/changes", kQuiet);
    view.emplace(stage.archive);
    wait_until_asked_so(*stage.daemon, "since=1&wait=25");
  }

  // Return when it is applied.
  void tell(const std::string& kind, const CallSpec& call, RecordingNo number) {
    tell(json::object{{"seq", ++seq},
                      {"reset", false},
                      {"changes",
                       {json::object{{"recording_no", number.value},
                                     {"workspace", stage.archive.workspace(call.workspace).text()},
                                     {"day", call.day.path()},
                                     {"call_sid", call.call_sid},
                                     {"kind", kind}}}}});
  }
  void tell_reset() {
    tell(json::object{{"seq", ++seq}, {"reset", true}, {"changes", json::array()}});
  }
  void tell(const json::value& batch) {
    const json::object quiet{{"seq", seq}, {"reset", false}, {"changes", json::array()}};
    stage.daemon->on("GET /mount/changes", {answer_of(batch), answer_of(quiet)});
    wait_until_asked_so(*stage.daemon, fmt::format("since={}&", seq));
  }

  Stage& stage;
  std::optional<ViewProcess> view;
  int64_t seq = 1;
};

// Lists until the names are these: of what nobody tells, the kernel may have the last listing for
// as long as a thread needs to drop it.
void list_until(const std::string& directory, const Names& expected) {
  while (names_in(directory) != expected) std::this_thread::yield();
}

// The names that are read through a directory that is open already.
Names names_of(DIR* directory) {
  Names names;
  ::rewinddir(directory);
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(what_the_kernel_keeps, *boost::unit_test::precondition(CanMount()))

BOOST_AUTO_TEST_CASE(a_listing_is_the_kernels_until_its_change_is_told) {
  Stage stage;
  const CallSpec first = stage.sample_call("CA1");
  const RecordingNo number = stage.archive.add_call(first);
  const std::string day = stage.in_view(stage.archive.day_path(first));
  ToldView view(stage);
  BOOST_TEST(names_in(day) == Names{"CA1"}, boost::test_tools::per_element());
  const CallSpec second = stage.sample_call("CA2");
  const RecordingNo other = stage.archive.add_call(second);
  BOOST_TEST(names_in(day) == Names{"CA1"}, boost::test_tools::per_element());  // not asked again
  view.tell("added", second, other);
  BOOST_TEST(names_in(day) == (Names{"CA1", "CA2"}), boost::test_tools::per_element());

  stage.archive.condemn(number);
  stage.archive.begin_destroying(number);
  BOOST_TEST(names_in(day) == (Names{"CA1", "CA2"}), boost::test_tools::per_element());
  view.tell("removed", first, number);
  BOOST_TEST(names_in(day) == Names{"CA2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changes_reach_what_the_kernel_has_cached) {
  Stage stage;
  const CallSpec first = stage.sample_call("CA1");
  const RecordingNo number = stage.archive.add_call(first);
  ToldView view(stage);
  const std::string year = stage.in_view(stage.archive.workspace(1).text() + "/2027");
  const std::string call = stage.in_view(stage.archive.call_path(first));
  BOOST_TEST(names_in(stage.in_view(stage.archive.workspace(1).text())).size() == 1u);
  BOOST_TEST(!fs::exists(year));
  CallSpec later = stage.sample_call("CA3");
  later.day = CalendarDay{2027, 1, 2};
  view.tell("added", later, stage.archive.add_call(later));
  BOOST_TEST(fs::exists(stage.file_of(later, "inbound.ulaw")));
  BOOST_TEST(names_in(stage.in_view(stage.archive.workspace(1).text())).size() == 2u);

  BOOST_TEST(names_in(call).size() == 3u);
  stage.archive.add_part(number, 2, {{"inbound.2.ulaw", "more"}});
  view.tell("changed", first, number);
  BOOST_TEST(names_in(call).size() == 4u);

  BOOST_TEST(fs::exists(stage.file_of(first, "inbound.ulaw")));
  stage.archive.condemn(number);
  stage.archive.begin_destroying(number);
  view.tell("removed", first, number);
  BOOST_TEST(!fs::exists(stage.file_of(first, "inbound.ulaw")));
}

// Also what somebody has open, or works in: the kernel does not forget those with their parents.
BOOST_AUTO_TEST_CASE(a_reset_drops_every_listing) {
  Stage stage;
  const CallSpec first = stage.sample_call("CA1");
  const RecordingNo number = stage.archive.add_call(first);
  ToldView view(stage);
  const std::string day = stage.in_view(stage.archive.day_path(first));
  const DirectoryStream open(::opendir(day.c_str()));
  BOOST_REQUIRE(open != nullptr);
  BOOST_TEST(names_of(open.get()).size() == 1u);
  BOOST_TEST(names_in(stage.in_view(stage.archive.call_path(first))).size() == 3u);
  stage.archive.add_call(stage.sample_call("CA2"));
  stage.archive.add_part(number, 2, {{"inbound.2.ulaw", "more"}});
  BOOST_TEST(names_of(open.get()).size() == 1u);
  view.tell_reset();
  BOOST_TEST(names_of(open.get()).size() == 2u);
  BOOST_TEST(names_in(day).size() == 2u);
  BOOST_TEST(names_in(stage.in_view(stage.archive.call_path(first))).size() == 4u);
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_while_nobody_tells_changes) {
  Stage stage;
  const CallSpec first = stage.sample_call("CA1");
  stage.archive.add_call(first);
  const std::string day = stage.in_view(stage.archive.day_path(first));
  ToldView view(stage);
  BOOST_TEST(names_in(day).size() == 1u);
  stage.daemon.reset();
  while (count_of(view.view->log(), "no changes from the daemon") == 0) std::this_thread::yield();
  stage.archive.add_call(stage.sample_call("CA2"));
  BOOST_TEST(names_in(day) == (Names{"CA1", "CA2"}), boost::test_tools::per_element());
  stage.archive.add_call(stage.sample_call("CA3"));
  list_until(day, {"CA1", "CA2", "CA3"});

  stage.attach_daemon();
  while (count_of(view.view->log(), "tells changes again") == 0) std::this_thread::yield();
  BOOST_TEST(names_in(day).size() == 3u);
  stage.archive.add_call(stage.sample_call("CA4"));
  BOOST_TEST(names_in(day).size() == 3u);  // kept again
}

// Holds and workspaces without recordings: nobody tells of them, so their listings are not kept.
BOOST_AUTO_TEST_CASE(what_nobody_tells_is_asked_each_time) {
  Stage stage;
  const RecordingNo number = stage.archive.add_call(stage.sample_call("CA1"));
  const MatterId matter = stage.archive.hold(number, "case 1");
  const ToldView view(stage);
  const std::string of_matter = stage.in_view(".holds/" + matter.text());
  const std::string held = held_name(stage.archive.workspace(1), "CA1");
  BOOST_TEST(names_in(of_matter) == Names{held}, boost::test_tools::per_element());
  BOOST_TEST(names_in(stage.in_view(".holds")).size() == 1u);
  Names matters = {matter.text(), stage.archive.hold(number, "case 2").text()};
  std::sort(matters.begin(), matters.end());
  list_until(stage.in_view(".holds"), matters);
  BOOST_REQUIRE(stage.archive.writer()
                    .execute("UPDATE hold SET released_at = 5, released_by = 'uid:0'")
                    .ok());
  list_until(of_matter, {});

  const std::string root = stage.archive.mount_point();
  Names workspaces = names_in(root);
  BOOST_TEST(workspaces.size() == 2u);
  workspaces.push_back(stage.archive.workspace(3).text());
  BOOST_REQUIRE(stage.archive.writer()
                    .execute("INSERT INTO workspace (workspace_id, name, created_at) VALUES "
                             "(x'0198c2de000070008000000000000003', '', 1)")
                    .ok());
  list_until(root, workspaces);
}

// A listing that is under way when a change is told is read in part before it and in part after;
// nothing of it may stay.
BOOST_AUTO_TEST_CASE(a_change_reaches_listings_under_way) {
  Stage stage;
  CallSpec call = stage.sample_call("CA0", 10);
  stage.archive.add_many(call.day, 500);  // several pages
  stage.archive.add_call(call);
  const std::string day = stage.in_view(stage.archive.day_path(call));
  ToldView view(stage);
  std::atomic<bool> done{false};
  std::vector<std::thread> listers;
  for (int i = 0; i < 2; ++i)
    listers.emplace_back([&] {
      while (!done) names_in(day);
    });
  for (size_t round = 1; round <= 30; ++round) {
    call.call_sid = fmt::format("CA{}", round);
    view.tell("added", call, stage.archive.add_call(call));
    const Names names = names_in(day);
    BOOST_TEST(names.size() == 501 + round);
    BOOST_TEST(std::count(names.begin(), names.end(), call.call_sid) == 1);
  }
  done = true;
  for (std::thread& lister : listers) lister.join();
}

// Others are told of changes meanwhile, and the view goes when it is told to.
BOOST_AUTO_TEST_CASE(a_program_that_hangs_in_a_listing_holds_up_no_other) {
  if (const std::string obstacle = HangingLister::obstacle(); !obstacle.empty()) {
    std::cout << "skipped: " << obstacle << "\n";
    return;
  }
  Stage stage;
  const CallSpec first = stage.sample_call("CA1");
  stage.archive.add_call(first);
  const std::string day = stage.in_view(stage.archive.day_path(first));
  ToldView view(stage);
  BOOST_TEST(names_in(day) == Names{"CA1"}, boost::test_tools::per_element());
  HangingLister hanging(stage.archive.mount_point());
  Names names = {"CA1"};
  for (const char* call_sid : {"CA2", "CA3"}) {
    const CallSpec call = stage.sample_call(call_sid);
    view.tell("added", call, stage.archive.add_call(call));  // the root's listing changes as well
    names.push_back(call_sid);
    BOOST_TEST(names_in(day) == names, boost::test_tools::per_element());
  }
  view.view->send(SIGTERM);
  while (is_mounted(stage.archive.mount_point())) std::this_thread::yield();
  hanging.let_go();
  BOOST_TEST(view.view->stop(0) == 0, view.view->log());
}

BOOST_AUTO_TEST_SUITE_END()
