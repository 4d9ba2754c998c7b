// One part's original files out of its ranges of a pack, each proven by its digest, into a
// directory that no reader looks at yet.
#pragma once

#include <functional>
#include <vector>

#include "index/read/records.h"
#include "tiers/backend.h"
#include "tiers/disk/part_writer.h"
#include "tiers/pack/part_extractor.h"

namespace holdfast {

// The ranges of the copy's pack that hold the part; the copy lies in a pack.
std::vector<PackRange> ranges_of(const CopyRow& copy);

// What failed to write: how an error of the target is told, so that it blames no copy.
using TargetError = std::function<Error(const Error&)>;

// Writes the part's files, not recording.json; the writer is not finished. `feed` pushes the
// ranges. kCorrupt when a file is not what the index acknowledged.
Status extract_part(Io& io, PartWriter& writer, const Recording& recording, int part,
                    const TargetError& of_target,
                    const std::function<Status(pack::PartExtractor&)>& feed);

// Pushes the ranges as the session gives them.
Status feed_ranges(Io& io, PackSession& session, const PackLocation& location,
                   const std::vector<PackRange>& ranges, pack::PartExtractor& extractor);

}  // namespace holdfast
