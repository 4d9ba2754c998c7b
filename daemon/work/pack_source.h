// What a pack is written from: the plain files of its members, compared with what the index
// acknowledged. A pack holds those bytes and no others.
#pragma once

#include "daemon/work/archive.h"
#include "index/read/records.h"
#include "tiers/pack/plan.h"

namespace holdfast {

// kCorrupt, naming what differs, unless recording.json speaks of the part and of just these files.
Status same_as_acknowledged(const RecordingDescription& description, const PartId& part,
                            const std::vector<FileRow>& files);

// The member for the pack writer: names, sizes and digests are the index's, so that the writer
// refuses other bytes; recording.json is that beside the files. kCorrupt when recording.json
// differs from the index's rows; kNotFound when it is not there; kUnavailable when the medium is
// away. The plan holds references to `archive`.
Result<pack::PlannedPart> planned_part(Io& io, const Archive& archive, const PackMemberRow& member);

// Reads the member's recording.json and every file of it. kCorrupt or kNotFound, naming what
// differs; any other error says nothing about the source.
Status check_source(Io& io, const Archive& archive, const PackMemberRow& member);

}  // namespace holdfast
