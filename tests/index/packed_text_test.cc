// Text that a row keeps in fewer bytes.
#include "index/read/packed_text.h"

#include <boost/test/unit_test.hpp>

#include "base/limits.h"
#include "tests/support/must.h"
#include "tests/support/seeded_random.h"

namespace holdfast {
namespace {

const std::string kMetadata =
    R"({"call_sid":"CA0123456789abcdef0123456789abcdef",)"
    R"("workspace_id":"3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e","direction":"inbound",)"
    R"("call_start_iso":"2026-09-21T12:00:01.123Z","call_end_iso":"2026-09-21T12:03:01.123Z",)"
    R"("from":"+493012345678","to":"+493087654321","inbound_format":"mulaw",)"
    R"("inbound_sample_rate":8000,"outbound_format":"pcm16","outbound_sample_rate":16000})";

BOOST_AUTO_TEST_SUITE(packed_text)

BOOST_AUTO_TEST_CASE(what_is_unpacked_is_what_was_packed) {
  SeededRandom random(test_seed());
  std::string noise = random.bytes(4000);
  noise.front() = 'n';
  for (const std::string& text :
       {std::string(), std::string("{}"), kMetadata, noise, std::string(size_t{1} << 20, ' '),
        std::string("\x28\xb5\x2f\xfd is no JSON")})
    BOOST_TEST((must(unpack_text(pack_text(text))) == text));
}

BOOST_AUTO_TEST_CASE(metadata_of_a_call_takes_less_and_what_would_take_more_stays) {
  BOOST_TEST(pack_text(kMetadata).size() * 4 < kMetadata.size() * 3);
  BOOST_TEST(pack_text("{}") == "{}");
}

// Rows that another version wrote as they came.
BOOST_AUTO_TEST_CASE(plain_text_is_given_as_it_is) {
  BOOST_TEST(must(unpack_text(kMetadata)) == kMetadata);
}

BOOST_AUTO_TEST_CASE(a_damaged_frame_is_told) {
  const std::string frame = pack_text(kMetadata);
  for (size_t length = 4; length < frame.size(); ++length)
    BOOST_TEST((code_of(unpack_text(frame.substr(0, length))) == Code::kCorrupt));
  const std::string large = pack_text(std::string(size_t{limits::kMetadataBytesMax} + 1, ' '));
  BOOST_TEST((code_of(unpack_text(large)) == Code::kCorrupt));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
