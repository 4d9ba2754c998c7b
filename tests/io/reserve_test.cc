// Space kept back: given up when the disk is nearly full, taken back when there is room.
#include "io/reserve.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(reserve)

BOOST_AUTO_TEST_CASE(it_is_given_up_and_taken_back) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 8);
  if (!disk.is_mounted()) return;
  const SpaceReserve::Options options{Bytes(2 << 20), Bytes(512 << 10)};
  auto kept = SpaceReserve::open(disk.path(), options);
  BOOST_REQUIRE(kept.ok());
  SpaceReserve& reserve = **kept;
  const auto left = [&] {
    return static_cast<int64_t>(std::filesystem::space(disk.path()).available);
  };
  BOOST_TEST(left() <= int64_t{6} << 20);
  BOOST_TEST(reserve.room().ok());
  BOOST_TEST(!reserve.room(Bytes(5 << 20)).ok());

  // Who can wait is refused long before the reserve is needed.
  disk.fill(1 << 20);
  reserve.keep();
  BOOST_TEST(reserve.is_whole());
  const Status refused = reserve.room();
  BOOST_REQUIRE(!refused.ok());
  BOOST_CHECK(refused.error().code == Code::kNoSpace);

  disk.fill();
  BOOST_TEST(left() < 256 << 10);
  reserve.keep();
  BOOST_TEST(!reserve.is_whole());
  BOOST_TEST(left() >= int64_t{2} << 20);
  BOOST_TEST(!reserve.room().ok());  // what was given up is not for them
  reserve.keep();
  BOOST_TEST(!reserve.is_whole());

  disk.clear();
  reserve.keep();
  BOOST_TEST(reserve.is_whole());
  BOOST_TEST(reserve.room().ok());
}

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_at_the_start_has_none) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 8);
  if (!disk.is_mounted()) return;
  disk.fill(1 << 20);
  auto reserve = SpaceReserve::open(disk.path(), {Bytes(2 << 20), Bytes(512 << 10)});
  BOOST_REQUIRE(reserve.ok());
  BOOST_TEST(!(*reserve)->is_whole());
  BOOST_TEST(!(*reserve)->room().ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
