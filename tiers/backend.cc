#include "tiers/backend.h"

#include <algorithm>

namespace holdfast {
namespace {

constexpr int64_t kPieceBytes = int64_t{256} << 10;
constexpr int64_t kStepBytes = 4096;  // a sector of a disk that has large ones
// Steps that a medium may refuse before whole pieces are left out: each may cost it seconds.
constexpr int kRefusedStepsMax = 1000;

// Reads one bad pack's pieces.
class Remains {
 public:
  Remains(Io& io, PackSession& session, const PackLocation& location, const PieceSink& sink)
      : io_(io), session_(session), location_(location), sink_(sink) {}

  Status give(const PackRange& piece) {
    HOLDFAST_ASSIGN(given, try_to_give(piece));
    if (given) return {};
    const int64_t end = piece.offset.count + piece.length.count;
    for (int64_t at = piece.offset.count; at < end && refused_ < kRefusedStepsMax;
         at += kStepBytes) {
      HOLDFAST_ASSIGN(step, try_to_give({Bytes(at), Bytes(std::min(kStepBytes, end - at))}));
      refused_ += step ? 0 : 1;
    }
    return {};
  }

 private:
  // False: the medium does not give it.
  Result<bool> try_to_give(const PackRange& range) {
    Status taken;
    Bytes at = range.offset;
    const Status read = session_.read(io_, location_, {range}, [&](size_t, ByteSpan bytes) {
      taken = sink_(at, bytes);
      at += Bytes(static_cast<int64_t>(bytes.size()));
      return taken;
    });
    if (read.ok()) return true;
    if (!taken.ok()) return taken.error();
    const Code code = read.error().code;
    if (code == Code::kIo || code == Code::kCorrupt) return false;
    return read.error();
  }

  Io& io_;
  PackSession& session_;
  const PackLocation& location_;
  const PieceSink& sink_;
  int refused_ = 0;
};

}  // namespace

Status PackSession::read_remains(Io& io, const PackLocation& location, Bytes size,
                                 const PieceSink& sink) {
  Remains remains(io, *this, location, sink);
  for (int64_t at = 0; at < size.count; at += kPieceBytes)
    HOLDFAST_TRY(remains.give({Bytes(at), Bytes(std::min(kPieceBytes, size.count - at))}));
  return {};
}

}  // namespace holdfast
