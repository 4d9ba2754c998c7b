// What is known of minted links for those who list them, and a workspace's own rule for their life.
#pragma once

#include "index/read/links.h"
#include "index/writer.h"

namespace holdfast {

// Rows alone, and no line: the access chain has told each minting and each use.
struct LinkNews {
  std::vector<LinkRow> minted;                      // link_no and call_sid are not read
  std::vector<std::pair<LinkId, UnixMillis>> used;  // after they were minted
};
// Idempotent. Forgets expired links, and the oldest beyond limits::kLinksListedMax.
Command<void> note_links(LinkNews news);

// How long links minted in the workspace are good unless the request says; none: as configured.
// kInvalid outside 1 s to limits::kLinkLifeSecondsMax, kNotFound. Decision workspace.changed; none
// when it is so already.
Command<WorkspaceRow> set_link_life(WorkspaceId workspace, std::optional<Millis> life,
                                    std::string who);

}  // namespace holdfast
