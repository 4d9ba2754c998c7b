// The index's rows of a part, made from what lies beside its files: the same for
// a live ingest, an adopted entry, a replayed line and a rebuild.
#pragma once

#include <optional>
#include <string>

#include "index/decisions.h"
#include "tiers/disk/recording_json.h"

namespace holdfast {

// `metadata_text` is metadata.json of part 1, or nothing. kInvalid when it is not what ingest
// would have taken. next_action_at is left empty: only ingest decides it.
Result<IngestRow> ingest_row(const RecordingDescription& description,
                             std::optional<std::string> metadata_text, const MediumId& medium);

}  // namespace holdfast
