// A whole pack, from where it lies well, in a file without a name on the standard medium: what a
// repair, a mirror and a rewriting are made from.
//
// One session is used at a time: a pack is first brought here, and then written there, so that no
// two threads ever wait for each other's medium.
#pragma once

#include "daemon/work/archive.h"

namespace holdfast {

struct RecalledPack {
  Fd file;
  Bytes size;
};

// A file without a name on the standard medium: nothing of it is left after a crash. Any thread.
Result<Fd> open_scratch(Io& io, const Archive& archive);

// Reads the pack from the first of `copies` that gives every byte with the pack's digest; one that
// does not is quarantined. kCorrupt when none is left; kUnavailable when one may be read later;
// kNoSpace when the standard medium has no room for it.
Result<RecalledPack> recall_pack(Io& io, const Archive& archive, const PackRow& pack,
                                 const std::vector<PackCopyRow>& copies);
// What the medium still gives of a bad copy, where it lies in the pack; zeros are where it gives
// nothing. Only what is proven by a digest of its own may be taken from it. Errors are those of
// PackSession::read_remains, and kNoSpace.
Result<RecalledPack> recall_remains(Io& io, const Archive& archive, const PackRow& pack,
                                    const PackCopyRow& bad);
// The copies that a pack may be recalled from, best first: verified, on a medium that is attached,
// not on `except`.
std::vector<PackCopyRow> recall_sources(const Archive& archive,
                                        const std::vector<PackCopyRow>& copies,
                                        const std::optional<MediumId>& except);

// Writes the recalled bytes into the sink.
PackSource source_of(Io& io, const RecalledPack& recalled);

}  // namespace holdfast
