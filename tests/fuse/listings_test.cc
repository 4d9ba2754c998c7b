// Which directories the kernel may keep listings of, without a kernel.
#include "fuse/listings.h"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace holdfast;

namespace {

using Directories = std::deque<uint64_t>;

// All that passes now, in order.
std::vector<uint64_t> passing(Listings& listings) {
  std::vector<uint64_t> found;
  constexpr uint64_t kLast = 1'000;
  BOOST_REQUIRE(listings.hand_out(kLast, false).ok());
  for (;;) {
    const std::optional<uint64_t> next = listings.next_passing();
    BOOST_REQUIRE(next.has_value());
    if (*next == kLast) return found;
    found.push_back(*next);
  }
}

class CountingCache final : public KernelCache {
 public:
  void drop_listing(uint64_t directory) override {
    std::lock_guard lock(mutex_);
    dropped_.push_back(directory);
    changed_.notify_all();
  }
  void drop_entry(uint64_t, const std::string&) override {}
  void drop_all_listings() override {}
  void keep_listings(bool) override {}

  std::vector<uint64_t> wait_for_dropped(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return dropped_.size() >= count; });
    return dropped_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> dropped_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_is_kept_before_changes_are_told) {
  Listings listings;
  BOOST_TEST(listings.hand_out(7, true).ok());
  BOOST_TEST(passing(listings) == std::vector<uint64_t>{7}, boost::test_tools::per_element());
  BOOST_TEST(listings.take_kept().empty());
  listings.keep(true);
  BOOST_TEST(listings.hand_out(7, true).ok());
  BOOST_TEST(listings.hand_out(8, false).ok());  // nobody tells of this one
  BOOST_TEST(passing(listings) == std::vector<uint64_t>{8}, boost::test_tools::per_element());
  listings.keep(false);
  BOOST_TEST(listings.hand_out(9, true).ok());
  BOOST_TEST(passing(listings) == std::vector<uint64_t>{9}, boost::test_tools::per_element());
  BOOST_TEST(listings.take_kept() == Directories{7}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_directory_is_kept_once_until_it_is_taken) {
  Listings listings;
  listings.keep(true);
  for (const uint64_t directory : Directories{3, 1, 2, 1, 3})
    BOOST_TEST(listings.hand_out(directory, true).ok());
  BOOST_TEST(listings.take_kept() == (Directories{3, 1, 2}), boost::test_tools::per_element());
  BOOST_TEST(listings.take_kept().empty());
  BOOST_TEST(listings.hand_out(1, true).ok());
  BOOST_TEST(listings.take_kept() == Directories{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_too_many_pushes_the_oldest_out) {
  Listings listings({.kept_max = 3});
  listings.keep(true);
  for (const uint64_t directory : Directories{1, 2, 3, 2, 4, 5})
    BOOST_TEST(listings.hand_out(directory, true).ok());
  BOOST_TEST(passing(listings) == (std::vector<uint64_t>{1, 2}), boost::test_tools::per_element());
  BOOST_TEST(listings.take_kept() == (Directories{3, 4, 5}), boost::test_tools::per_element());
}

// What cannot be recorded is not given, and pushes nothing out.
BOOST_AUTO_TEST_CASE(a_listing_is_refused_when_too_many_wait) {
  Listings listings({.kept_max = 1, .passing_max = 2});
  listings.keep(true);
  BOOST_TEST(listings.hand_out(1, true).ok());
  for (const uint64_t directory : Directories{2, 3, 2})
    BOOST_TEST(listings.hand_out(directory, false).ok());
  BOOST_TEST((listings.hand_out(4, false).error().code == Code::kExhausted));
  BOOST_TEST((listings.hand_out(5, true).error().code == Code::kExhausted));
  BOOST_TEST(listings.hand_out(1, true).ok());
  BOOST_TEST(*listings.next_passing() == 2u);
  BOOST_TEST(listings.hand_out(5, true).ok());
  BOOST_TEST(*listings.next_passing() == 3u);
  BOOST_TEST(*listings.next_passing() == 1u);
  BOOST_TEST(listings.take_kept() == Directories{5}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_thread_drops_what_passes) {
  Listings listings({.kept_max = 1});
  CountingCache kernel;
  ListingDropper dropper(listings, kernel);
  dropper.start();
  BOOST_TEST(listings.hand_out(1, true).ok());
  listings.keep(true);
  for (const uint64_t directory : Directories{2, 3, 4})
    BOOST_TEST(listings.hand_out(directory, true).ok());
  BOOST_TEST(kernel.wait_for_dropped(3) == (std::vector<uint64_t>{1, 2, 3}),
             boost::test_tools::per_element());
  dropper.stop();
  BOOST_TEST(!listings.next_passing().has_value());
}
