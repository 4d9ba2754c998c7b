#include "fuse/inode.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace holdfast {

namespace {

enum : uint64_t { kRecordings = 0, kCalendar = 1, kMatters = 2, kHeldCalls = 3 };
constexpr int kClassShift = 61;
constexpr uint64_t kClassMask = (uint64_t{1} << kClassShift) - 1;
constexpr int kFileBits = 7;
constexpr int kPartBits = 10;
constexpr int kDayBits = 27;
constexpr int kHeldNoBits = 41;

static_assert(limits::kFilesPerPartMax < (1 << kFileBits));
static_assert(limits::kPartsMax < (1 << kPartBits));
static_assert(99'991'231 < (1 << kDayBits));

constexpr uint64_t mask(int bits) { return (uint64_t{1} << bits) - 1; }
constexpr uint64_t of_class(uint64_t which, uint64_t rest) {
  return which << kClassShift | (rest & kClassMask);
}

uint64_t pack_recording(RecordingNo number, int part, int file) {
  return of_class(kRecordings, static_cast<uint64_t>(number.value) << (kPartBits + kFileBits) |
                                   static_cast<uint64_t>(part) << kFileBits |
                                   static_cast<uint64_t>(file));
}

Error no_such(uint64_t inode) {
  return Error{Code::kNotFound, fmt::format("inode {}: there is no such node", inode)};
}

Result<Node> recording_node(uint64_t inode) {
  const auto number = static_cast<int64_t>(inode >> (kPartBits + kFileBits));
  const int part = static_cast<int>(inode >> kFileBits & mask(kPartBits));
  const int file = static_cast<int>(inode & mask(kFileBits));
  if (number == 0) {
    if (inode == kRootInode) return Node::root();
    if (inode == kHoldsInode) return Node::holds();
    return no_such(inode);
  }
  const RecordingNo recording_no(number);
  if (part == 0 && file == 0) return Node::call(recording_no);
  if (part > 1 && file == 0) return Node::part_directory(recording_no, part);
  if (part > 0 && file > 0) return Node::file_of(recording_no, part, file);
  return no_such(inode);
}

Result<Node> calendar_node(uint64_t inode, uint64_t rest) {
  const WorkspaceNo workspace_no(static_cast<int64_t>(rest >> kDayBits));
  const int packed = static_cast<int>(rest & mask(kDayBits));
  const CalendarDay day{packed / 10'000, packed / 100 % 100, packed % 100};
  if (workspace_no.value == 0) return no_such(inode);
  NodeKind kind = NodeKind::kDay;
  if (packed == 0)
    kind = NodeKind::kWorkspace;
  else if (day.month == 0 && day.day == 0)
    kind = NodeKind::kYear;
  else if (day.day == 0)
    kind = NodeKind::kMonth;
  else if (day.month == 0 || day.year == 0)
    return no_such(inode);
  return Node::calendar(kind, workspace_no, day);
}

}  // namespace

Node Node::holds() {
  Node node;
  node.kind = NodeKind::kHolds;
  return node;
}

Node Node::workspace(WorkspaceNo workspace_no) {
  return calendar(NodeKind::kWorkspace, workspace_no, CalendarDay{0, 0, 0});
}

Node Node::calendar(NodeKind kind, WorkspaceNo workspace_no, CalendarDay day) {
  Node node;
  node.kind = kind;
  node.workspace_no = workspace_no;
  node.day = day;
  return node;
}

Node Node::call(RecordingNo recording_no) {
  Node node;
  node.kind = NodeKind::kCall;
  node.recording_no = recording_no;
  return node;
}

Node Node::part_directory(RecordingNo recording_no, int part) {
  Node node = call(recording_no);
  node.kind = NodeKind::kPart;
  node.part = part;
  return node;
}

Node Node::file_of(RecordingNo recording_no, int part, int file) {
  Node node = part_directory(recording_no, part);
  node.kind = NodeKind::kFile;
  node.file = file;
  return node;
}

Node Node::matter(const MatterId& matter) {
  Node node;
  node.kind = NodeKind::kMatter;
  node.matter_bits = holdfast::matter_bits(matter);
  return node;
}

Node Node::held_call(const MatterId& matter, RecordingNo recording_no) {
  Node node = call(recording_no);
  node.kind = NodeKind::kHeldCall;
  node.matter_bits = holdfast::matter_bits(matter) >> kHeldNoBits;
  return node;
}

uint64_t matter_bits(const MatterId& matter) {
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof bits; ++i)
    bits = bits << 8 | static_cast<uint64_t>(matter.bytes[i]);
  return bits >> (64 - kClassShift);
}

uint64_t inode_of(const Node& node) {
  switch (node.kind) {
    case NodeKind::kRoot:
      return kRootInode;
    case NodeKind::kHolds:
      return kHoldsInode;
    case NodeKind::kWorkspace:
    case NodeKind::kYear:
    case NodeKind::kMonth:
    case NodeKind::kDay:
      return of_class(kCalendar, static_cast<uint64_t>(node.workspace_no.value) << kDayBits |
                                     static_cast<uint64_t>(node.day.packed()));
    case NodeKind::kCall:
      return pack_recording(node.recording_no, 0, 0);
    case NodeKind::kPart:
      return pack_recording(node.recording_no, node.part, 0);
    case NodeKind::kFile:
      return pack_recording(node.recording_no, node.part, node.file);
    case NodeKind::kMatter:
      return of_class(kMatters, node.matter_bits);
    case NodeKind::kHeldCall:
      return of_class(kHeldCalls, node.matter_bits << kHeldNoBits |
                                      static_cast<uint64_t>(node.recording_no.value));
  }
  assert(false);
  return kRootInode;
}

Result<Node> node_of(uint64_t inode) {
  const uint64_t rest = inode & kClassMask;
  switch (inode >> kClassShift) {
    case kRecordings:
      return recording_node(inode);
    case kCalendar:
      return calendar_node(inode, rest);
    case kMatters: {
      Node node;
      node.kind = NodeKind::kMatter;
      node.matter_bits = rest;
      return node;
    }
    case kHeldCalls: {
      Node node = Node::call(RecordingNo(static_cast<int64_t>(rest & mask(kHeldNoBits))));
      node.kind = NodeKind::kHeldCall;
      node.matter_bits = rest >> kHeldNoBits;
      return node;
    }
    default:
      return no_such(inode);
  }
}

}  // namespace holdfast
