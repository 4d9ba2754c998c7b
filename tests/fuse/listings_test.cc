// Which directories the kernel may keep listings of, without a kernel.
#include "fuse/listings.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace holdfast;

namespace {

using Directories = std::set<uint64_t>;

// The next one, dropped by a kernel that needs no time.
uint64_t drop_next(Listings& listings) {
  const std::optional<Drop> next = listings.next_drop();
  BOOST_REQUIRE(next.has_value());
  listings.dropped(next->directory);
  return next->directory;
}

// All that passes now, in order.
std::vector<uint64_t> passing(Listings& listings) {
  std::vector<uint64_t> found;
  constexpr uint64_t kLast = 1'000;
  BOOST_REQUIRE(listings.hand_out(kLast, false).ok());
  for (;;) {
    const uint64_t next = drop_next(listings);
    if (next == kLast) return found;
    found.push_back(next);
  }
}

// Forgets all that is kept, in the order in which it came.
std::vector<uint64_t> kept(Listings& listings) {
  listings.drop_all_listings();
  return passing(listings);
}

// Counts drops; one of a directory that hangs waits until it is let go.
class CountingKernel final : public KernelNotices {
 public:
  void drop_listing(uint64_t directory) override {
    std::unique_lock lock(mutex_);
    ++begun_[directory];
    changed_.notify_all();
    changed_.wait(lock, [&] { return !hanging_.contains(directory); });
    told_.push_back({directory, ""});
    changed_.notify_all();
  }
  void drop_entry(uint64_t parent, const std::string& name) override {
    std::lock_guard lock(mutex_);
    told_.push_back({parent, name});
  }

  void hang(uint64_t directory) {
    std::lock_guard lock(mutex_);
    hanging_.insert(directory);
  }
  void let_go(uint64_t directory) {
    std::lock_guard lock(mutex_);
    hanging_.erase(directory);
    changed_.notify_all();
  }
  void wait_until_begun(uint64_t directory, int times = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_[directory] >= times; });
  }
  // In their order; listings have no name.
  std::vector<std::pair<uint64_t, std::string>> told() {
    std::lock_guard lock(mutex_);
    return told_;
  }
  // The directories whose listings were dropped, when there are so many.
  Directories wait_for_dropped(size_t count) {
    std::unique_lock lock(mutex_);
    Directories dropped;
    changed_.wait(lock, [&] {
      for (const auto& [directory, name] : told_)
        if (name.empty()) dropped.insert(directory);
      return dropped.size() >= count;
    });
    return dropped;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, int> begun_;
  Directories hanging_;
  std::vector<std::pair<uint64_t, std::string>> told_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_is_kept_before_changes_are_told) {
  Listings listings;
  BOOST_TEST(listings.hand_out(7, true).ok());
  BOOST_TEST(passing(listings) == std::vector<uint64_t>{7}, boost::test_tools::per_element());
  BOOST_TEST(kept(listings).empty());
  listings.keep_listings(true);
  BOOST_TEST(listings.hand_out(7, true).ok());
  BOOST_TEST(listings.hand_out(8, false).ok());  // nobody tells of this one
  BOOST_TEST(passing(listings) == std::vector<uint64_t>{8}, boost::test_tools::per_element());
  listings.keep_listings(false);
  BOOST_TEST(listings.hand_out(9, true).ok());
  BOOST_TEST(passing(listings) == std::vector<uint64_t>{9}, boost::test_tools::per_element());
  BOOST_TEST(kept(listings) == (std::vector<uint64_t>{7}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_directory_is_kept_once_until_it_is_taken) {
  Listings listings;
  listings.keep_listings(true);
  for (const uint64_t directory : std::vector<uint64_t>{3, 1, 2, 1, 3})
    BOOST_TEST(listings.hand_out(directory, true).ok());
  BOOST_TEST(kept(listings) == (std::vector<uint64_t>{3, 1, 2}), boost::test_tools::per_element());
  BOOST_TEST(kept(listings).empty());
  BOOST_TEST(listings.hand_out(1, true).ok());
  BOOST_TEST(kept(listings) == (std::vector<uint64_t>{1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_too_many_pushes_the_oldest_out) {
  Listings listings({.kept_max = 3});
  listings.keep_listings(true);
  for (const uint64_t directory : std::vector<uint64_t>{1, 2, 3, 2, 4, 5})
    BOOST_TEST(listings.hand_out(directory, true).ok());
  BOOST_TEST(passing(listings) == (std::vector<uint64_t>{1, 2}), boost::test_tools::per_element());
  BOOST_TEST(kept(listings) == (std::vector<uint64_t>{3, 4, 5}), boost::test_tools::per_element());
}

// What cannot be recorded is not given, and pushes nothing out.
BOOST_AUTO_TEST_CASE(a_listing_is_refused_when_too_many_wait) {
  Listings listings({.kept_max = 1, .passing_max = 2});
  listings.keep_listings(true);
  BOOST_TEST(listings.hand_out(1, true).ok());
  for (const uint64_t directory : std::vector<uint64_t>{2, 3, 2})
    BOOST_TEST(listings.hand_out(directory, false).ok());
  BOOST_TEST((listings.hand_out(4, false).error().code == Code::kExhausted));
  BOOST_TEST((listings.hand_out(5, true).error().code == Code::kExhausted));
  BOOST_TEST(listings.hand_out(1, true).ok());
  BOOST_TEST(drop_next(listings) == 2u);
  BOOST_TEST(listings.hand_out(5, true).ok());
  BOOST_TEST(drop_next(listings) == 3u);
  BOOST_TEST(drop_next(listings) == 1u);
  BOOST_TEST(kept(listings) == (std::vector<uint64_t>{5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(threads_drop_what_passes) {
  Listings listings({.kept_max = 1});
  CountingKernel kernel;
  ListingDropper dropper(listings, kernel);
  dropper.start();
  BOOST_TEST(listings.hand_out(1, true).ok());
  listings.keep_listings(true);
  for (const uint64_t directory : {2u, 3u, 4u}) BOOST_TEST(listings.hand_out(directory, true).ok());
  BOOST_TEST(kernel.wait_for_dropped(3) == (Directories{1, 2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(dropper.stop(hours(1)));
  BOOST_TEST(!listings.next_drop().has_value());
}

BOOST_AUTO_TEST_CASE(what_is_told_is_dropped_when_it_has_settled) {
  Listings listings({.patience = hours(1)});
  CountingKernel kernel;
  ListingDropper dropper(listings, kernel);
  dropper.start();
  Directories all;
  for (uint64_t directory = 1; directory <= 100; ++directory) {
    listings.drop_listing(directory);
    all.insert(directory);
  }
  listings.settle();
  BOOST_TEST(kernel.wait_for_dropped(0) == all, boost::test_tools::per_element());
  listings.keep_listings(true);
  for (const uint64_t directory : {201u, 202u}) BOOST_TEST(listings.hand_out(directory, true).ok());
  listings.drop_all_listings();
  listings.settle();
  BOOST_TEST(kernel.wait_for_dropped(0).size() == 102u);
}

BOOST_AUTO_TEST_CASE(entries_are_dropped_before_their_listing) {
  Listings listings;
  listings.drop_entry(7, "a");
  listings.drop_entry(7, "b");
  listings.drop_listing(7);
  CountingKernel kernel;
  ListingDropper dropper(listings, kernel);
  dropper.start();
  listings.settle();
  const std::vector<std::pair<uint64_t, std::string>> expected = {{7, "a"}, {7, "b"}, {7, ""}};
  BOOST_TEST((kernel.told() == expected));
}

// It holds one thread, and whoever waits for it only once.
BOOST_AUTO_TEST_CASE(a_directory_that_hangs_holds_up_no_other) {
  Listings listings({.patience = Millis(1)});
  CountingKernel kernel;
  kernel.hang(7);
  ListingDropper dropper(listings, kernel);
  dropper.start();
  listings.drop_listing(7);
  kernel.wait_until_begun(7);
  listings.settle();
  for (uint64_t other = 100; other < 200; ++other) {
    listings.drop_listing(7);  // the next time it is its turn
    BOOST_TEST(listings.hand_out(7, false).ok());
    listings.drop_listing(other);
    listings.settle();
  }
  BOOST_TEST(kernel.wait_for_dropped(100).size() == 100u);
  BOOST_TEST(!dropper.stop(Millis(1)));
  kernel.let_go(7);
  BOOST_TEST(dropper.stop(hours(1)));
  BOOST_TEST(kernel.wait_for_dropped(0).contains(7));
}

// What was told while it was being dropped may have come too late for that drop.
BOOST_AUTO_TEST_CASE(a_directory_is_dropped_once_more_when_it_is_told_meanwhile) {
  Listings listings({.patience = hours(1)});
  CountingKernel kernel;
  kernel.hang(7);
  ListingDropper dropper(listings, kernel);
  dropper.start();
  listings.drop_listing(7);
  kernel.wait_until_begun(7);
  listings.drop_listing(7);
  kernel.let_go(7);
  kernel.wait_until_begun(7, 2);
  listings.settle();
  BOOST_TEST(kernel.told().size() == 2u);
}

// Half of the room is for what is handed out; nobody drops here, and only the end lets go.
BOOST_AUTO_TEST_CASE(the_end_interrupts_whoever_drops_everything) {
  Listings listings({.passing_max = 4, .patience = hours(1)});
  listings.keep_listings(true);
  for (const uint64_t directory : {1u, 2u, 3u, 4u, 5u})
    BOOST_TEST(listings.hand_out(directory, true).ok());
  std::thread all([&] {
    listings.drop_all_listings();
    listings.settle();
  });
  listings.close();
  all.join();
  for (const uint64_t directory : {11u, 12u}) BOOST_TEST(listings.hand_out(directory, false).ok());
}
