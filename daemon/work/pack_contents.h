// What a pack says of itself, as rows of the index: its members and where they
// lie in it, and each part's metadata. Two ranges are read: contents and metadata.
#pragma once

#include <functional>

#include "index/decisions.h"
#include "tiers/backend.h"
#include "tiers/pack/reader.h"

namespace holdfast {

// A reader of one pack's ranges in an open session, which outlives it.
pack::RangeReader range_reader(Io& io, PackSession& session, const PackLocation& location);

// Members and spans; `sha256` stays zeros, since only the ledger or a read of every byte knows it.
// kCorrupt; kConflict when the pack is another archive's or not the one that its name says.
Result<SealedPack> read_sealed_pack(Io& io, PackSession& session, const ShownPack& shown,
                                    const MediumId& medium, const ArchiveId& archive);
// Each part's metadata; what was seen counts only when this returns ok.
Status each_packed_part(Io& io, PackSession& session, const ShownPack& shown,
                        const pack::PartMetadataSink& see);
// Every byte of the pack, held against its trailer; gives the digest of the whole.
Result<Digest> digest_pack(Io& io, PackSession& session, const ShownPack& shown);

}  // namespace holdfast
