// One pack as one file below a medium's root: what the warm directory and the
// vault have in common.
#pragma once

#include <string>

#include "tiers/backend.h"
#include "tiers/label.h"

namespace holdfast {

// Publishes the pack at `path`, whose directories are made durably. The label is
// checked first. What an interrupted append left at `path` is replaced. kNoSpace when it would use
// up the medium's reserve.
Status append_pack_file(Io& io, MediumRoot& root, const std::string& path, Bytes size,
                        const PackSource& source);

// kInvalid unless the ranges ascend without overlap; kNotFound; kIo beyond the file's end.
Status read_pack_file(Io& io, MediumRoot& root, const std::string& path,
                      const std::vector<PackRange>& ranges, const RangeSink& sink);

// kCorrupt when size or digest differ. VerifyMode::kNone where the page cache could not be
// avoided: such a read proves nothing, and pack_verified refuses it.
Result<VerifyMode> verify_pack_file(Io& io, MediumRoot& root, const std::string& path, Bytes size,
                                    const Digest& digest);

// The pack is written to `beside`, in the directory of `path`, re-read, and renamed to `path`,
// which it replaces. As PackSession::replace.
Result<VerifyMode> replace_pack_file(Io& io, MediumRoot& root, const std::string& path,
                                     const std::string& beside, Bytes size, const Digest& digest,
                                     const PackSource& source);

// Publishes a small file below the root, reads it back from the medium and removes it. kCorrupt
// when it came back with other bytes.
Status probe_pack_files(Io& io, MediumRoot& root);

// Checks permit and label, then unlinks durably. No error when it is gone already.
Status remove_pack_file(Io& io, MediumRoot& root, const std::string& path, const PackId& pack,
                        const PackReleasePermit& permit);

// The size of the pack at `path`; kNotFound when there is none.
Result<Bytes> pack_file_size(Io& io, MediumRoot& root, const std::string& path);

}  // namespace holdfast
