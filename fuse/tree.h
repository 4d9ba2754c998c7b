// The tree that people see, as questions to the index:
//
//   /<workspace>/<yyyy>/<mm>/<dd>/<call_sid>/<files>          part 1
//   /<workspace>/<yyyy>/<mm>/<dd>/<call_sid>/+<n>/<files>     part n > 1
//   /.holds/<matter_id>/<workspace>_<call_sid>                symlinks; .holds is not listed
//
// Committed, live and condemned recordings are there; what is being destroyed is not. Nothing is
// kept between two calls: an inode says what to ask, a cookie where a listing goes on.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fuse/inode.h"
#include "index/read/database.h"

namespace holdfast {

// Whom the nodes belong to. Modes are 0550 and 0440.
struct Ownership {
  uid_t uid = 0;
  gid_t gid = 0;             // mount_group
  gid_t compliance_gid = 0;  // of /.holds and what is in it
};

struct Entry {
  std::string name;
  struct stat status {};
  // Where a listing goes on after this entry: more than 0, stable while other entries come and go.
  int64_t cookie = 0;
};

// Takes the entries in order; false stops.
using EntrySink = std::function<bool(const Entry&)>;

// A recording as the mount may show it.
bool is_visible(const RecordingRow& row);
// The name of a recording among a matter's symlinks.
std::string held_name(const WorkspaceId& workspace, std::string_view call_sid);
// The files of one part, by name: the inode's file number counts them from 1.
std::vector<FileRow> files_of_part(const std::vector<FileRow>& files, int part);

// Thread rule: any thread; each call uses the connection it is given.
class Tree {
 public:
  explicit Tree(Ownership ownership) : ownership_(ownership) {}

  // kNotFound when the node is not there (any more).
  Result<struct stat> attributes(Database& index, const Node& node) const;
  Result<struct stat> lookup(Database& index, const Node& parent, std::string_view name) const;
  // Entries after `cookie` (0: from the start), without "." and "..", at most `limit` of them.
  // Fewer than `limit` and the sink was content: that was the end.
  Status list(Database& index, const Node& directory, int64_t cookie, int limit,
              const EntrySink& sink) const;
  // The target of a symlink below /.holds, relative to the symlink.
  Result<std::string> link_target(Database& index, const Node& link) const;

 private:
  struct stat directory_status(const Node& node, UnixMillis modified) const;
  struct stat call_status(const RecordingRow& row, const Node& node) const;
  struct stat file_status(const RecordingRow& row, const Node& node, Bytes size) const;
  struct stat link_status(const RecordingRow& row, const Node& node) const;
  struct stat calendar_status(const Node& node) const;

  Result<struct stat> lookup_calendar(Database& index, const Node& parent,
                                      std::string_view name) const;
  Result<struct stat> lookup_in_call(Database& index, const Node& parent,
                                     std::string_view name) const;
  Result<struct stat> lookup_held(Database& index, const Node& matter, std::string_view name) const;
  Status list_calendar(Database& index, const Node& directory, int64_t cookie,
                       const EntrySink& sink) const;
  Status list_calls(Database& index, const Node& day, int64_t cookie, int limit,
                    const EntrySink& sink) const;
  Status list_call(Database& index, const Node& call, int64_t cookie, int limit,
                   const EntrySink& sink) const;
  Status list_matters_of(Database& index, int64_t cookie, int limit, const EntrySink& sink) const;
  Status list_held(Database& index, const Node& matter, int64_t cookie, int limit,
                   const EntrySink& sink) const;

  const Ownership ownership_;
};

}  // namespace holdfast
