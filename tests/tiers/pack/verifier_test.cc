// A pack is found to be whole, or what is wrong with it is.
#include "tiers/pack/verifier.h"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>

#include "tests/tiers/pack/sample_pack.h"

using namespace holdfast;
using namespace holdfast::pack;
using namespace holdfast::pack::testing;

namespace {

Result<VerifiedPack> verify(std::string_view bytes, size_t step = 65'536) {
  PackVerifier verifier;
  for (size_t at = 0; at < bytes.size(); at += step)
    HOLDFAST_TRY(verifier.push(as_bytes(bytes.substr(at, step))));
  return verifier.finish();
}

// Small on purpose: every codec once.
const SamplePack& small_pack() {
  static const SamplePack pack = make_pack(sample_members(11));
  return pack;
}

void require_corrupt(const std::string& bytes, const std::string& what) {
  Result<VerifiedPack> verified = verify(bytes);
  BOOST_REQUIRE_MESSAGE(!verified.ok(), what << " was not found");
  Code code = verified.error().code;
  BOOST_TEST((code == Code::kCorrupt || code == Code::kInvalid), verified.error().message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_verifier)

BOOST_AUTO_TEST_CASE(a_whole_pack_is_verified_whatever_the_steps) {
  const SamplePack& pack = small_pack();
  for (size_t step : {size_t{1}, size_t{511}, size_t{1536}, size_t{65'536}, pack.bytes.size()}) {
    VerifiedPack verified = verify(pack.bytes, step).value();
    BOOST_TEST((verified.sha256 == pack.sha256));
    BOOST_TEST((verified.trailer.pack_id == sample_pack_id()));
    BOOST_TEST(verified.trailer.pack_size.count == static_cast<int64_t>(pack.bytes.size()));
  }
}

BOOST_AUTO_TEST_CASE(truncation_at_every_block_is_found) {
  const std::string& bytes = small_pack().bytes;
  for (size_t length = 0; length < bytes.size(); length += 512)
    require_corrupt(bytes.substr(0, length), "a cut at " + std::to_string(length));
  require_corrupt(bytes.substr(0, bytes.size() - 1), "a cut of one byte");
}

BOOST_AUTO_TEST_CASE(added_bytes_are_found) {
  const std::string& bytes = small_pack().bytes;
  require_corrupt(bytes + std::string(1, '\0'), "one zero");
  require_corrupt(bytes + std::string(262'144, '\0'), "a block of zeros");
  require_corrupt(bytes + "x", "one byte");
  require_corrupt(bytes + bytes, "the pack twice");
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_anywhere_is_found) {
  uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::string bytes = small_pack().bytes;
  std::vector<size_t> places;
  // Every byte of the first header and of the trailer's, one of each block, and any others.
  for (size_t at = 0; at < 512; ++at) places.push_back(at);
  for (size_t at = bytes.size() - 2048; at < bytes.size() - 1024; ++at) places.push_back(at);
  for (size_t at = 0; at < bytes.size(); at += 512) places.push_back(at + random() % 512);
  for (int i = 0; i < 500; ++i) places.push_back(random() % bytes.size());
  for (size_t at : places) {
    char kept = bytes[at];
    bytes[at] = static_cast<char>(kept ^ (1 << (random() % 8)));
    require_corrupt(bytes, "a flipped bit at " + std::to_string(at));
    bytes[at] = kept;
  }
  BOOST_TEST(verify(bytes).ok());
}

BOOST_AUTO_TEST_CASE(blocks_that_changed_places_are_found) {
  std::string bytes = small_pack().bytes;
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    size_t a = random() % (bytes.size() / 512) * 512;
    size_t b = random() % (bytes.size() / 512) * 512;
    std::string swapped = bytes;
    swapped.replace(a, 512, bytes, b, 512);
    swapped.replace(b, 512, bytes, a, 512);
    if (swapped != bytes) require_corrupt(swapped, "a swap");
  }
}

BOOST_AUTO_TEST_SUITE_END()
