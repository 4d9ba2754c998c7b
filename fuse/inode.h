// Inodes of the mount: every node is named by numbers that are in the index, so an inode is the
// same after a remount or a rebuild, and no table of inodes is kept in memory.
//
// 63 bits (the highest is 0: some archivers keep inodes in signed integers):
//
//   62 61                                                       0
//   0  0   recording_no (44 bits) | part (10) | file (7)
//            part 0, file 0    the call's directory
//            part n > 1, file 0   its directory +n
//            part n, file f > 0   the f-th file of the part by name
//            recording_no 0       1: the root   2: /.holds
//   0  1   workspace_no (34) | year*10000 + month*100 + day (27); absent levels are 0
//   1  0   the first 61 bits of the matter's id (random, so they do not meet)
//   1  1   the first 20 bits of the matter's id | recording_no (41): a symlink of a matter
#pragma once

#include <cstdint>

#include "base/types.h"
#include "index/read/records.h"

namespace holdfast {

enum class NodeKind {
  kRoot,
  kWorkspace,
  kYear,
  kMonth,
  kDay,
  kCall,
  kPart,  // +n
  kFile,
  kHolds,
  kMatter,
  kHeldCall,  // a symlink
};

// What an inode says. Fields that the kind does not need are 0.
struct Node {
  NodeKind kind = NodeKind::kRoot;
  WorkspaceNo workspace_no;
  CalendarDay day{0, 0, 0};  // kYear has month and day 0, kMonth day 0
  RecordingNo recording_no;
  int part = 0;              // 1 to limits::kPartsMax
  int file = 0;              // 1 to limits::kFilesPerPartMax
  uint64_t matter_bits = 0;  // kMatter: 61 bits; kHeldCall: 20 bits

  static Node root() { return Node{}; }
  static Node holds();
  static Node workspace(WorkspaceNo workspace_no);
  static Node calendar(NodeKind kind, WorkspaceNo workspace_no, CalendarDay day);
  static Node call(RecordingNo recording_no);
  static Node part_directory(RecordingNo recording_no, int part);
  static Node file_of(RecordingNo recording_no, int part, int file);
  static Node matter(const MatterId& matter);
  static Node held_call(const MatterId& matter, RecordingNo recording_no);

  bool is_directory() const { return kind != NodeKind::kFile && kind != NodeKind::kHeldCall; }
  bool operator==(const Node&) const = default;
};

constexpr uint64_t kRootInode = 1;
constexpr uint64_t kHoldsInode = 2;

// The node's number. Its fields are in range (see above): what the index gives is.
uint64_t inode_of(const Node& node);
// The node of a number; kNotFound for a number that inode_of never gives.
Result<Node> node_of(uint64_t inode);
// The bits of a matter's id that stand in the inode of its directory.
uint64_t matter_bits(const MatterId& matter);

}  // namespace holdfast
