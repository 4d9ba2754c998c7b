// The inodes of the mount: each node has one, each number one node, and none ever changes.
#include "fuse/inode.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <vector>

#include "base/limits.h"
#include "tests/support/seeded_random.h"

using namespace holdfast;

BOOST_AUTO_TEST_CASE(every_node_comes_back_from_its_number) {
  SeededRandom random;
  std::vector<Node> nodes = {Node::root(), Node::holds()};
  for (const int64_t number : {int64_t{1}, int64_t{2}, (int64_t{1} << 41) - 1}) {
    const RecordingNo recording(number);
    nodes.push_back(Node::call(recording));
    for (const int part : {1, 2, limits::kPartsMax}) {
      if (part > 1) nodes.push_back(Node::part_directory(recording, part));
      for (const int file : {1, 2, limits::kFilesPerPartMax})
        nodes.push_back(Node::file_of(recording, part, file));
    }
    const MatterId matter = random.id<MatterId>();
    nodes.push_back(Node::matter(matter));
    nodes.push_back(Node::held_call(matter, recording));
    const WorkspaceNo workspace(number);
    nodes.push_back(Node::workspace(WorkspaceNo(number % 1'000'000 + 1)));
    for (const int year : {1970, 2026, 9999}) {
      const WorkspaceNo owner(number % 1000 + 1);
      nodes.push_back(Node::calendar(NodeKind::kYear, owner, CalendarDay{year, 0, 0}));
      nodes.push_back(Node::calendar(NodeKind::kMonth, owner, CalendarDay{year, 12, 0}));
      nodes.push_back(Node::calendar(NodeKind::kDay, owner, CalendarDay{year, 12, 31}));
    }
  }
  for (const Node& node : nodes) {
    const uint64_t inode = inode_of(node);
    BOOST_TEST((inode >> 63) == 0u);
    const Result<Node> back = node_of(inode);
    BOOST_REQUIRE(back.ok());
    BOOST_TEST((*back == node));
  }
}

BOOST_AUTO_TEST_CASE(no_two_nodes_share_a_number) {
  std::set<uint64_t> seen = {kRootInode, kHoldsInode};
  size_t made = seen.size();
  const auto add = [&](const Node& node) {
    seen.insert(inode_of(node));
    ++made;
  };
  for (int64_t number = 1; number <= 40; ++number) {
    add(Node::call(RecordingNo(number)));
    for (int part = 1; part <= 5; ++part) {
      if (part > 1) add(Node::part_directory(RecordingNo(number), part));
      for (int file = 1; file <= limits::kFilesPerPartMax; ++file)
        add(Node::file_of(RecordingNo(number), part, file));
    }
    add(Node::workspace(WorkspaceNo(number)));
    for (int month = 0; month <= 12; ++month)
      for (int day = 0; day <= (month == 0 ? 0 : 31); ++day)
        add(Node::calendar(month == 0 ? NodeKind::kYear
                           : day == 0 ? NodeKind::kMonth
                                      : NodeKind::kDay,
                           WorkspaceNo(number), CalendarDay{2026, month, day}));
  }
  BOOST_TEST(seen.size() == made);
}

BOOST_AUTO_TEST_CASE(the_layout_is_fixed) {
  // What a backup remembers of an inode must still be true after an upgrade.
  BOOST_TEST(inode_of(Node::root()) == 1u);
  BOOST_TEST(inode_of(Node::holds()) == 2u);
  BOOST_TEST(inode_of(Node::call(RecordingNo(5))) == 5u << 17);
  BOOST_TEST(inode_of(Node::part_directory(RecordingNo(5), 3)) == ((5u << 17) | (3u << 7)));
  BOOST_TEST(inode_of(Node::file_of(RecordingNo(5), 3, 2)) == ((5u << 17) | (3u << 7) | 2u));
  BOOST_TEST(inode_of(Node::calendar(NodeKind::kDay, WorkspaceNo(7), CalendarDay{2026, 11, 21})) ==
             ((uint64_t{1} << 61) | (uint64_t{7} << 27) | 20261121u));
}

BOOST_AUTO_TEST_CASE(numbers_that_no_node_has_are_refused) {
  for (const uint64_t inode :
       {uint64_t{0}, uint64_t{3}, uint64_t{127}, (uint64_t{5} << 17) | 1, (uint64_t{5} << 17) | 128,
        uint64_t{1} << 61, (uint64_t{1} << 61) | (uint64_t{7} << 27) | 20260021, uint64_t{1} << 63,
        ~uint64_t{0}}) {
    const Result<Node> node = node_of(inode);
    BOOST_TEST(!node.ok(), inode);
    if (!node.ok()) BOOST_TEST((node.error().code == Code::kNotFound));
  }
}
