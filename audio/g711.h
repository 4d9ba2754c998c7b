// The 256 codes of G.711 sorted by signed amplitude: a bijection that turns
// companded bytes into something that a linear predictor understands.
//
// Rank 0 is the most negative amplitude, rank 255 the most positive; the two
// zeros of mu-law are 127 (-0) and 128 (+0). FLAC is given rank - 128 as a signed
// 8-bit sample. Source: ITU-T G.711 (11/88), tables 1 and 2.
#pragma once

#include <array>
#include <cstdint>

#include "audio/sample_form.h"
#include "base/types.h"

namespace holdfast {

using G711Table = std::array<uint8_t, 256>;

// code → rank and rank → code; `law` is kMulaw or kAlaw.
const G711Table& g711_rank_of_code(SampleForm law);
const G711Table& g711_code_of_rank(SampleForm law);

// The linear amplitude of a code: mu-law within ±32,124, A-law within ±32,256.
int g711_amplitude(SampleForm law, uint8_t code);

}  // namespace holdfast
