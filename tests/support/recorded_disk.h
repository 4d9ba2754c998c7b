// A disk that remembers what it was asked, in order, and can be built again as any crash may have
// left it. In the spirit of ALICE and CrashMonkey, below the I/O layer and below SQLite: a program
// that links recorded_disk.cc has its file calls of libc pass through it.
//
//   Recording recording = record(root, [&] { ... mark(1) ... });
//   CrashStates states(recording);
//   for each cut, for each choice of what reached the disk: build(...) somewhere, recover, look
//
// What a crash may leave: an operation that a sync covered has happened; of the others any subset
// has, in any order, and a write may be torn or leave zeros in its place.
//
//   data of a file       covered by fsync or fdatasync of that file
//   a name (create, mkdir, rename, unlink)    covered by fsync of the directory it is in; a rename,
//                        which is atomic, by that of either. That of the file itself covers none.
//
// Only calls are seen: no io_uring (IoOptions::force_fallback), no mapped memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/seeded_random.h"

namespace holdfast::testing {

struct DiskOperation {
  enum class Kind { kCreate, kMakeDirectory, kWrite, kTruncate, kRename, kUnlink, kSync };
  Kind kind = Kind::kSync;
  int node = 0;  // the file or directory that is created, written, moved, removed or synced
  int parent = 0;
  std::string name;  // in `parent`; of a rename: the name that it had
  int to_parent = 0;
  std::string to_name;
  int64_t offset = 0;  // of a write; of a truncation: the length
  std::string bytes;

  bool is_of_data() const { return kind == Kind::kWrite || kind == Kind::kTruncate; }
  std::string text() const;
};

// Files and directories by number; 0 is the root.
struct DiskImage {
  std::map<int, std::string> files;                       // their bytes
  std::map<int, std::map<std::string, int>> directories;  // their entries

  void apply(const DiskOperation& operation);
  // Writes all that is reachable from the root below `path`, which is emptied first.
  void build(const std::string& path) const;
  // One text for all that is reachable: images of one text are the same.
  std::string text() const;
};

struct Recording {
  DiskImage before;
  std::vector<DiskOperation> operations;
  std::map<int, size_t> marks;  // mark → how many operations came before it
};

// Of everything below `root` while `work` goes on, by any thread, but for files whose names end
// with one of `without`: they say nothing. What is there already is durable.
Recording record(const std::string& root, const std::vector<std::string>& without,
                 const std::function<void()>& work);
// While true, every fourth read or write of a file is interrupted (EINTR) and every fourth does
// half of what it is asked, as the kernel may at any time. Any thread.
void make_calls_unruly(bool unruly);
// From here on, something is promised. Within record(), any thread.
void mark(int what);

// What became of an operation that no sync covered.
enum class Fate { kLost, kDone, kTorn, kZeros };

struct CrashState {
  size_t cut = 0;                // operations [0, cut) were asked for
  std::map<size_t, Fate> fates;  // of those among them that no sync covered; others: kLost
};

class CrashStates {
 public:
  explicit CrashStates(const Recording& recording);

  // Where to cut: before each sync, and at the end. Any subset that a crash between two of them
  // leaves is a subset of the later one.
  const std::vector<size_t>& cuts() const { return cuts_; }
  // Operations before `cut` that no sync before it covers.
  std::vector<size_t> uncovered(size_t cut) const;
  // All subsets of up to three operations that happened, and of up to three that did not, the rest
  // otherwise; each write of the few also torn, and as zeros. The first two: none, and all.
  std::vector<CrashState> states(size_t cut) const;
  // Nothing, everything, and others of states() up to `most` in all (0: all), as `random` chooses.
  // Where more than 32 operations are open, such as the frames of a large commit, the others are
  // drawn (0: 5,000): of states(), a prefix whose last write may be torn, or any half.
  std::vector<CrashState> some_states(size_t cut, size_t most, SeededRandom& random) const;
  DiskImage image(const CrashState& state) const;
  std::string text(const CrashState& state) const;

 private:
  bool is_covered(size_t operation, size_t cut) const;
  CrashState drawn(size_t cut, const std::vector<size_t>& open, SeededRandom& random) const;

  const Recording& recording_;
  std::vector<size_t> cuts_;
};

}  // namespace holdfast::testing
