// Reads one copy back from its medium, past the page cache, and holds it against its digests: what
// the scrub and a verification on demand do.
//
//   right     the row is told when
//   wrong     quarantined (daemon/work/quarantine.h); the repairer finds it
//   unproven  the medium is away, or keeps what is read in memory: nothing is known, nothing
//   changes
//
// A medium that does not give a copy's bytes (kIo) is asked limits::kVerifyReadsMax times, one that
// does not have it twice; when its label is there all the while, the copy is bad.
#pragma once

#include "daemon/work/archive.h"
#include "index/read/repairs.h"

namespace holdfast {

enum class Verdict {
  kSound,
  kBad,
  kUnproven,
  kGone  // there is no such copy any more, or it is on its way out
};
std::string_view word(Verdict verdict);

struct CopyCheck {
  Verdict verdict = Verdict::kGone;
  std::string why;  // of what is not sound
  Bytes bytes;      // that were read
};

// An error says that the index, and not the copy, could not answer. Any thread but the loop's.
Result<CopyCheck> check_plain_copy(Io& io, const Archive& archive, const PlainCopyKey& key);
Result<CopyCheck> check_pack_copy(Io& io, const Archive& archive, const PackId& pack,
                                  const MediumId& medium);

// recording.json and every file of the part in `directory` of the standard medium. kCorrupt or
// kNotFound when one is not what the index acknowledged. kNone: part of it could not be read past
// the page cache.
Result<VerifyMode> reread_part(Io& io, const Archive& archive, const std::string& directory,
                               const Recording& recording, int part);
// The pack as it lies; asked as often as it takes to tell a bad copy from a bad moment. Any error
// but kCorrupt says that nothing is known.
Result<VerifyMode> reread_pack(Io& io, const Archive& archive, const PackRow& pack,
                               const PackCopyRow& copy);

}  // namespace holdfast
