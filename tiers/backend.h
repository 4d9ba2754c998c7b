// The one interface of everything that keeps packs: a warm directory, a vault,
// later a tape and an object store.
//
// It suits a sequential medium and a remote one: there is no seek and no rename,
// and a list only for a rebuild. A pack is appended whole, read by ascending ranges, verified by
// re-reading the medium, and removed by permit. Everything happens inside a
// session; attaching may cost minutes (a robot fetches a cartridge), so callers
// group their work and keep a session while they have any.
//
// Retry, rate limit and fault injection are decorators of this interface.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/permit.h"
#include "base/result.h"
#include "base/rows.h"
#include "base/types.h"
#include "io/io.h"

namespace holdfast {

// Where a pack lies on its medium. Only the back-end that gave it reads it: a
// file name, a tape file number, an object key. Kept in the index.
using PackLocation = std::string;

// `length` bytes from `offset` of the pack's own bytes.
struct PackRange {
  Bytes offset;
  Bytes length;
};

// Writes the whole pack into the sink, in order. Called once per append.
using PackSource = std::function<Status(const ByteSink&)>;
// Receives the bytes of ranges[index] in order.
using RangeSink = std::function<Status(size_t index, ByteSpan)>;

// Receives bytes that lie at `offset` of the pack.
using PieceSink = std::function<Status(Bytes offset, ByteSpan)>;

// A pack that a medium shows.
struct ShownPack {
  PackId pack;
  PackLocation location;
  Bytes size;
};

// A pack that was written anew and re-read.
struct ReplacedPack {
  PackLocation location;  // where it lies now
  VerifyMode mode = VerifyMode::kNone;
};

// A session is used by one thread at a time.
class PackSession {
 public:
  virtual ~PackSession() = default;

  // Appends one pack of exactly `size` bytes and returns where it lies once data
  // and directory entry are durable. Idempotent by pack id: what an interrupted
  // append of the same pack left behind is replaced. kNoSpace, kIo, or the
  // source's own error, after which nothing of the pack is visible.
  virtual Result<PackLocation> append(Io& io, const PackId& pack, Bytes size,
                                      const PackSource& source) = 0;

  // Delivers the ranges, which ascend and do not overlap, in that order.
  // kNotFound when no pack lies there; kIo when the medium ends early.
  virtual Status read(Io& io, const PackLocation& location, const std::vector<PackRange>& ranges,
                      const RangeSink& sink) = 0;

  // Delivers what the medium still gives of a pack that is known to be bad, in pieces that ascend;
  // what it does not give is left out, and a piece may come twice. kNotFound when no pack lies
  // there; kUnavailable when the medium is away; or the sink's error. Such a pack's errors say
  // nothing new about the back-end.
  virtual Status read_remains(Io& io, const PackLocation& location, Bytes size,
                              const PieceSink& sink);

  // Re-reads the whole pack from the medium, not from the page cache, and
  // compares size and SHA-256. kCorrupt when they differ. The mode says how the cache was avoided.
  virtual Result<VerifyMode> verify(Io& io, const PackLocation& location, Bytes size,
                                    const Digest& digest) = 0;

  // Writes the pack anew where a bad copy of it lies, or should lie: beside it, and only when what
  // was written was re-read from the medium with the right digest does it take the bad one's place.
  // Idempotent by pack id. kUnavailable when nothing can be re-read here past the page cache;
  // otherwise as append and verify. After an error the bad copy is where it was.
  virtual Result<ReplacedPack> replace(Io& io, const PackLocation& bad, Bytes size,
                                       const Digest& digest, const PackSource& source,
                                       const PackRepairPermit& permit) = 0;

  // Every complete pack on the medium, in the order in which it is best read. For a rebuild alone:
  // normal work knows from the index what lies where. What is no pack is passed over.
  virtual Status list(Io& io, const std::function<Status(const ShownPack&)>& see);

  // Whether the medium works: its label is there, and a few bytes that are written come back from
  // it. Leaves nothing behind.
  virtual Status probe(Io& io) = 0;

  // Removes the pack. No error when it is gone already.
  virtual Status remove(Io& io, const PackLocation& location, const PackReleasePermit& permit) = 0;
};

inline Status PackSession::list(Io&, const std::function<Status(const ShownPack&)>&) {
  return Error{Code::kInvalid, "this medium gives no list of its packs"};
}

// Thread rule: attach may be called from any thread; at most one session is
// open per medium at a time (a second attach waits or answers kUnavailable, as the back-end says).
class PackBackend {
 public:
  virtual ~PackBackend() = default;
  virtual MediumId medium() const = 0;
  virtual Tier tier() const = 0;
  virtual std::string_view kind() const = 0;  // "pack", "vault", "tape", "s3"
  // The label is checked at every attach: kUnavailable ("offline") when it is
  // absent or another's. Such a medium is never written to.
  virtual Result<std::unique_ptr<PackSession>> attach(Io& io) = 0;
};

}  // namespace holdfast
