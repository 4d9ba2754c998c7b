// The tree as questions to the index, without a kernel: pages, names, what is shown and what not.
#include "fuse/tree.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/fuse/small_archive.h"

using namespace holdfast;

namespace {

const CalendarDay kDay{2026, 11, 20};

struct Names {
  std::vector<std::string> names;
  size_t largest_answer = 0;
};

// Lists a directory the way the kernel does: until an answer is empty.
Names list_all(const Tree& tree, Database& index, const Node& directory, int limit) {
  Names all;
  int64_t cookie = 0;
  for (;;) {
    size_t answered = 0;
    const Status listed = tree.list(index, directory, cookie, limit, [&](const Entry& entry) {
      BOOST_TEST(entry.cookie > cookie);
      cookie = entry.cookie;
      all.names.push_back(entry.name);
      ++answered;
      return true;
    });
    BOOST_REQUIRE(listed.ok());
    all.largest_answer = std::max(all.largest_answer, answered);
    if (answered == 0) return all;
  }
}

Node look_up(const Tree& tree, Database& index, std::vector<std::string> path) {
  Node node = Node::root();
  for (const std::string& name : path) {
    const Result<struct stat> found = tree.lookup(index, node, name);
    BOOST_REQUIRE_MESSAGE(found.ok(), name);
    node = *node_of(found->st_ino);
  }
  return node;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_directory_comes_in_pages_and_is_whole) {
  SmallArchive archive;
  archive.add_many(kDay, 1000);
  const Tree tree(Ownership{});
  const Node day = Node::calendar(NodeKind::kDay, WorkspaceNo(1), kDay);
  const Names listed = list_all(tree, archive.writer(), day, 37);
  BOOST_TEST(listed.names.size() == 1000u);
  BOOST_TEST(std::set<std::string>(listed.names.begin(), listed.names.end()).size() == 1000u);
  BOOST_TEST(listed.largest_answer == 37u);
}

BOOST_AUTO_TEST_CASE(a_cookie_stays_good_while_calls_come_in) {
  SmallArchive archive;
  archive.add_many(kDay, 10);
  const Tree tree(Ownership{});
  const Node day = Node::calendar(NodeKind::kDay, WorkspaceNo(1), kDay);
  int64_t cookie = 0;
  std::vector<std::string> names;
  const auto take = [&](const Entry& entry) {
    cookie = entry.cookie;
    names.push_back(entry.name);
    return true;
  };
  BOOST_REQUIRE(tree.list(archive.writer(), day, cookie, 4, take).ok());
  archive.add_many(kDay, 10);
  for (size_t before = 0; before != names.size();) {
    before = names.size();
    BOOST_REQUIRE(tree.list(archive.writer(), day, cookie, 4, take).ok());
  }
  BOOST_TEST(names.size() == 20u);
  BOOST_TEST(std::set<std::string>(names.begin(), names.end()).size() == 20u);
}

BOOST_AUTO_TEST_CASE(a_page_of_what_is_being_destroyed_does_not_end_the_listing) {
  SmallArchive archive;
  archive.add_many(kDay, 20);
  BOOST_REQUIRE(archive.writer().execute("UPDATE recording SET state = 2").ok());
  BOOST_REQUIRE(
      archive.writer().execute("UPDATE recording SET state = 3 WHERE recording_no <= 15").ok());
  const Tree tree(Ownership{});
  const Node day = Node::calendar(NodeKind::kDay, WorkspaceNo(1), kDay);
  // The five that are left are condemned, and so still there.
  BOOST_TEST(list_all(tree, archive.writer(), day, 4).names.size() == 5u);
  BOOST_TEST(!tree.lookup(archive.writer(), day, "many-3").ok());
  BOOST_TEST(!tree.attributes(archive.writer(), Node::call(RecordingNo(3))).ok());
  BOOST_TEST(tree.lookup(archive.writer(), day, "many-17").ok());
}

BOOST_AUTO_TEST_CASE(years_months_and_days_are_those_with_calls) {
  SmallArchive archive;
  for (const CalendarDay day : {CalendarDay{2024, 2, 29}, CalendarDay{2026, 1, 1},
                                CalendarDay{2026, 11, 19}, CalendarDay{2026, 11, 20}})
    archive.add_many(day, 2);
  const Tree tree(Ownership{});
  Database& index = archive.writer();
  const std::string workspace = archive.workspace(1).text();
  const auto names = [&](std::vector<std::string> path) {
    return fmt::format("{}",
                       fmt::join(list_all(tree, index, look_up(tree, index, path), 2).names, " "));
  };
  BOOST_TEST(names({workspace}) == "2024 2026");
  BOOST_TEST(names({workspace, "2026"}) == "01 11");
  BOOST_TEST(names({workspace, "2026", "11"}) == "19 20");
  BOOST_TEST(names({workspace, "2026", "11", "19"}) == "many-5 many-6");
  BOOST_TEST(names({archive.workspace(2).text()}) == "");
}

BOOST_AUTO_TEST_CASE(a_name_has_one_spelling) {
  SmallArchive archive;
  const CallSpec call{.call_sid = "CA1", .files = {{"inbound.ulaw", "abc"}}};
  const RecordingNo number = archive.add_call(call);
  archive.add_part(number, 2, {{"inbound.2.ulaw", "d"}});
  const Tree tree(Ownership{});
  Database& index = archive.writer();
  const std::string workspace = archive.workspace(1).text();
  std::string upper = workspace;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  const auto missing = [&](const Node& parent, const std::string& name) {
    const Result<struct stat> found = tree.lookup(index, parent, name);
    return !found.ok() && found.error().code == Code::kNotFound;
  };
  for (const std::string& name : {upper, std::string("x"), std::string("..")})
    BOOST_TEST(missing(Node::root(), name), name);
  const Node of_workspace = look_up(tree, index, {workspace});
  for (const char* name : {"26", "02026", "2026 ", "+2026", "20x6", "2025", "0000"})
    BOOST_TEST(missing(of_workspace, name), name);
  const Node month = look_up(tree, index, {workspace, "2026", "11"});
  for (const char* name : {"0", "00", "32", "1", "-1", "020"})
    BOOST_TEST(missing(month, name), name);
  const Node node = look_up(tree, index, {workspace, "2026", "11", "20", "CA1"});
  for (const char* name : {"+1", "+02", "+3", "+", "recording.json", "inbound.2.ulaw"})
    BOOST_TEST(missing(node, name), name);
  look_up(tree, index, {workspace, "2026", "11", "20", "CA1", "+2", "inbound.2.ulaw"});
  // A call is found under its own day alone.
  const Node other_day = Node::calendar(NodeKind::kDay, WorkspaceNo(1), CalendarDay{2026, 11, 19});
  BOOST_TEST(missing(other_day, "CA1"));
}

BOOST_AUTO_TEST_CASE(a_matter_lists_what_it_holds_across_days) {
  SmallArchive archive;
  const CallSpec call{.call_sid = "CA1", .files = {{"inbound.ulaw", "abc"}}};
  const MatterId matter = archive.hold(archive.add_call(call), "case 1");
  const Tree tree(Ownership{1, 2, 3});
  Database& index = archive.writer();
  const Names root = list_all(tree, index, Node::root(), 10);
  BOOST_TEST(std::count(root.names.begin(), root.names.end(), ".holds") == 0);
  const Node node = look_up(tree, index, {".holds", matter.text()});
  BOOST_TEST(tree.attributes(index, node)->st_gid == 3u);
  const std::string name = held_name(archive.workspace(1), "CA1");
  const Names held = list_all(tree, index, node, 10);
  BOOST_REQUIRE(held.names.size() == 1u);
  BOOST_TEST(held.names.front() == name);
  const Result<struct stat> link = tree.lookup(index, node, name);
  BOOST_REQUIRE(link.ok());
  BOOST_TEST(*tree.link_target(index, *node_of(link->st_ino)) ==
             "../../" + archive.call_path(call));
  BOOST_TEST(tree.attributes(index, *node_of(link->st_ino)).ok());

  BOOST_REQUIRE(index.execute("UPDATE hold SET released_at = 5, released_by = 'uid:0'").ok());
  BOOST_TEST(!tree.lookup(index, node, name).ok());
  BOOST_TEST(list_all(tree, index, node, 10).names.empty());
}
