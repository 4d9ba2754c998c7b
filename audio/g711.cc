#include "audio/g711.h"

#include <cassert>

namespace holdfast {
namespace {

// mu-law: 0x00 to 0x7F rise from -32,124 to -0, 0x80 to 0xFF fall from +32,124 to +0.
constexpr uint8_t mulaw_rank(int code) {
  return static_cast<uint8_t>(code < 128 ? code : 383 - code);
}

// A-law has its even bits inverted; the sign bit is set for positive amplitudes.
constexpr uint8_t alaw_rank(int code) {
  int plain = code ^ 0x55;
  return static_cast<uint8_t>((plain & 0x80) != 0 ? plain : 127 - plain);
}

struct Tables {
  G711Table rank_of_code{};
  G711Table code_of_rank{};
};

constexpr Tables make(uint8_t (*rank)(int)) {
  Tables tables;
  for (int code = 0; code < 256; ++code) {
    uint8_t at = rank(code);
    tables.rank_of_code[static_cast<size_t>(code)] = at;
    tables.code_of_rank[at] = static_cast<uint8_t>(code);
  }
  return tables;
}

constexpr Tables kMulaw = make(mulaw_rank);
constexpr Tables kAlaw = make(alaw_rank);

const Tables& tables_of(SampleForm law) {
  assert(law == SampleForm::kMulaw || law == SampleForm::kAlaw);
  return law == SampleForm::kMulaw ? kMulaw : kAlaw;
}

}  // namespace

const G711Table& g711_rank_of_code(SampleForm law) { return tables_of(law).rank_of_code; }
const G711Table& g711_code_of_rank(SampleForm law) { return tables_of(law).code_of_rank; }

int g711_amplitude(SampleForm law, uint8_t code) {
  assert(law == SampleForm::kMulaw || law == SampleForm::kAlaw);
  if (law == SampleForm::kMulaw) {
    int plain = ~code & 0xFF;
    int exponent = plain >> 4 & 7;
    int magnitude = (((plain & 15) << 3) + 0x84) << exponent;
    return (plain & 0x80) != 0 ? 0x84 - magnitude : magnitude - 0x84;
  }
  int plain = code ^ 0x55;
  int exponent = plain >> 4 & 7;
  int magnitude = ((plain & 15) << 4) + 8;
  if (exponent > 0) magnitude = (magnitude + 0x100) << (exponent - 1);
  return (plain & 0x80) != 0 ? magnitude : -magnitude;
}

}  // namespace holdfast
