// Signed links that were minted and may be good: what listings show. A link needs no row here to be
// good, and none to be revoked (docs/signed-links.md).
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

struct LinkRow {
  int64_t link_no = 0;  // in the order of noting
  LinkId jti;
  WorkspaceNo workspace_no;
  RecordingNo recording_no;
  std::string call_sid;  // filled when read
  std::string file;
  int64_t kid = 0;        // the signing key
  std::string minted_by;  // an API key's id, or "uid<n>"
  UnixMillis minted_at;
  UnixMillis expires_at;              // of a restore link: its cap
  std::optional<RestoreId> restore;   // which a restore link waits for
  std::optional<UnixMillis> used_at;  // last, to the minute
};

// Links of a workspace whose expiry is after `now`, newest first, from those before `before` (a
// link_no; none: from the newest). Revoked ones are among them: see is_link_revoked. One whose
// recording is gone is not.
Result<std::vector<LinkRow>> list_links(Database& index, WorkspaceNo workspace_no, UnixMillis now,
                                        std::optional<int64_t> before, int limit);

}  // namespace holdfast
