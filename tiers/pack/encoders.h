// Several encoders at work on one plan: each takes the next job that nobody has, and writes what it
// encodes into a scratch file of its own. Who did which job shows in nothing but `scratch`.
#pragma once

#include <functional>
#include <vector>

#include "io/fd.h"
#include "tiers/pack/file_encoder.h"

namespace holdfast::pack {

struct EncodedFile {
  size_t scratch = 0;  // of the scratch files given to encode_all
  std::vector<EncodedPiece> pieces;
};

// One job. Called by several threads at once, each with its own Io and encoder.
using EncodeJob =
    std::function<Result<std::vector<EncodedPiece>>(size_t job, Io& io, FileEncoder& encoder)>;

// Does jobs 0 to `jobs` - 1 with one thread per scratch file, this one (with `io`) included, and
// gives their results in order. Nothing is begun after an error, and the error of the lowest job
// is returned. A thread or an Io that cannot be had leaves its share to the others.
Result<std::vector<EncodedFile>> encode_all(Io& io, const std::vector<Fd>& scratches, size_t jobs,
                                            const EncodeJob& encode);

}  // namespace holdfast::pack
