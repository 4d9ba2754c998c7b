// Space kept back: given up when the disk is nearly full, taken back when there is room.
#include "io/reserve.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

namespace holdfast {
namespace {

int64_t must_spare(SpaceReserve& reserve) {
  const Result<Bytes> spare = reserve.spare();
  BOOST_REQUIRE(spare.ok());
  return spare->count;
}

BOOST_AUTO_TEST_SUITE(reserve)

BOOST_AUTO_TEST_CASE(it_is_given_up_and_taken_back) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 8);
  if (!disk.is_mounted()) return;
  const SpaceReserve::Options options{Bytes(2 << 20), Bytes(512 << 10), 16, 4};
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
  auto reserve = SpaceReserve::open(disk.path(), {Bytes(2 << 20), Bytes(512 << 10), 16, 4});
  BOOST_REQUIRE(reserve.ok());
  BOOST_TEST(!(*reserve)->is_whole());
  BOOST_TEST(!(*reserve)->room().ok());
}

// What was kept through the stop is given up by the start that needs it.
BOOST_AUTO_TEST_CASE(a_disk_that_filled_up_while_nobody_looked) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 8);
  if (!disk.is_mounted()) return;
  const SpaceReserve::Options options{Bytes(2 << 20), Bytes(512 << 10), 16, 4};
  BOOST_REQUIRE(SpaceReserve::open(disk.path(), options).ok());
  disk.fill();
  auto reserve = SpaceReserve::open(disk.path(), options);
  BOOST_REQUIRE(reserve.ok());
  BOOST_TEST(!(*reserve)->is_whole());
  BOOST_TEST(std::filesystem::space(disk.path()).available >= 2u << 20);
}

BOOST_AUTO_TEST_CASE(inodes_are_kept_like_bytes) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 8, 100);
  if (!disk.is_mounted()) return;
  const SpaceReserve::Options options{Bytes(2 << 20), Bytes(512 << 10), 16, 4};
  auto kept = SpaceReserve::open(disk.path(), options);
  BOOST_REQUIRE(kept.ok());
  SpaceReserve& reserve = **kept;
  BOOST_TEST(reserve.room().ok());
  const auto others_take = [&](int count) {
    for (int n = 0; n < count; ++n)
      std::ofstream(disk.path() + "/theirs" + std::to_string(n)).flush();
  };
  // Of 100 the root, the reserve, its directory and 16 files are taken.
  others_take(70);
  reserve.keep();
  BOOST_TEST(reserve.is_whole());
  const Status refused = reserve.room();
  BOOST_REQUIRE(!refused.ok());
  BOOST_CHECK(refused.error().code == Code::kNoSpace);
  BOOST_TEST(refused.error().message.find("11 inodes left") != std::string::npos,
             refused.error().message);
  BOOST_TEST(must_spare(reserve) == 0);

  others_take(100);
  reserve.keep();
  BOOST_TEST(!reserve.is_whole());
  std::ofstream needed(disk.path() + "/needed");
  BOOST_TEST(needed.good());
  BOOST_TEST(!reserve.room().ok());
  for (int n = 0; n < 100; ++n)
    std::filesystem::remove(disk.path() + "/theirs" + std::to_string(n));
  BOOST_TEST(reserve.room().ok());  // who asks takes it back
  BOOST_TEST(reserve.is_whole());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
