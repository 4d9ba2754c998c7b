// The token bucket: a rate that holds on average, whatever the pieces are.
#include "base/token_bucket.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/seeded_random.h"

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(token_bucket)

BOOST_AUTO_TEST_CASE(without_a_rate_nothing_waits) {
  TokenBucket bucket(Bytes(0));
  bucket.take(Bytes(int64_t{1} << 60), Millis(5));
  BOOST_TEST(bucket.wait(Millis(5)).count == 0);
  BOOST_TEST(!bucket.is_limited());
}

BOOST_AUTO_TEST_CASE(a_second_is_saved_and_no_more) {
  TokenBucket bucket(Bytes(1000));
  const Millis now = hours(5);  // a long rest saves one second
  bucket.take(Bytes(1000), now);
  BOOST_TEST(bucket.wait(now).count == 0);
  bucket.take(Bytes(500), now);
  BOOST_TEST(bucket.wait(now).count == 500);
  BOOST_TEST(bucket.wait(Millis(now.count + 500)).count == 0);
}

BOOST_AUTO_TEST_CASE(a_large_piece_costs_its_time) {
  TokenBucket bucket(Bytes(int64_t{1} << 20));
  bucket.take(Bytes(int64_t{1} << 40), hours(1));
  BOOST_TEST(bucket.wait(hours(1)).count == ((int64_t{1} << 20) - 1) * 1000);
}

BOOST_AUTO_TEST_CASE(the_rate_holds_for_pieces_of_any_size) {
  SeededRandom random;
  for (const int64_t rate : {int64_t{7}, int64_t{1} << 20, int64_t{200} << 20}) {
    TokenBucket bucket{Bytes(rate)};
    Millis now = hours(1);
    int64_t sent = 0;
    for (int i = 0; i < 1000; ++i) {
      now = Millis(now.count + bucket.wait(now).count);
      const auto piece = static_cast<int64_t>(1 + random.below(static_cast<uint64_t>(rate)));
      bucket.take(Bytes(piece), now);
      sent += piece;
      const int64_t elapsed = now.count - hours(1).count;
      BOOST_TEST(sent <= (elapsed + 1000) * rate / 1000 + rate + 1);  // a division each
    }
    const int64_t elapsed = now.count - hours(1).count;
    BOOST_TEST(sent * 1000 / rate >= elapsed);
  }
}

BOOST_AUTO_TEST_SUITE_END()
