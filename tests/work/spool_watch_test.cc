// The spool's watcher with a real loop, real workers and inotify: what the scan at start did not
// see is told by the kernel.
#include <atomic>
#include <boost/test/unit_test.hpp>

#include "daemon/work/spool.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

class WatchRig : public ArchiveFixture {
 public:
  WatchRig()
      : loop_(must(Loop::create())),
        workers_(must(Workers::start(2, IoOptions()))),
        entries_(archive(), config.spool_dir),
        spool_(std::make_unique<Spool>(*loop_, *workers_, entries_, config.spool_dir)) {
    fs::create_directories(config.spool_dir);
  }
  // The reverse of the daemon's start.
  ~WatchRig() {
    workers_.reset();
    spool_.reset();
    poll_.reset();
    loop_.reset();
  }

  std::string directory_of(const TestCall& call) const {
    return config.spool_dir + "/" + workspace.text() + "/" + call.call_sid;
  }
  void put_files(const TestCall& call) const {
    fs::create_directories(directory_of(call));
    for (const auto& [name, content] : call.files)
      if (name != "metadata.json")
        std::ofstream(directory_of(call) + "/" + name, std::ios::binary) << content;
  }
  // As recorders do: written elsewhere, renamed in.
  void complete(const TestCall& call) const {
    const std::string written = directory / call.call_sid + ".metadata";
    std::ofstream(written, std::ios::binary) << call.files.at("metadata.json");
    fs::rename(written, directory_of(call) + "/metadata.json");
  }
  bool has_left(const TestCall& call) const { return !fs::exists(directory_of(call)); }

  // The steps are taken one after another, each when its condition holds; false when one of them
  // did not come to hold in time (far less than the minute after which the spool is scanned again).
  struct Step {
    std::function<void()> act;
    std::function<bool()> until;
  };
  bool run(std::vector<Step> steps, int turns_max = 4000) {
    size_t at = 0;
    int turns = 0;
    const Status started = spool_->start();
    if (!started.ok()) return false;
    if (!steps.empty()) steps[0].act();
    poll_ = loop_->every(Millis(5), [&] {
      while (at < steps.size() && steps[at].until()) {
        if (++at < steps.size()) steps[at].act();
      }
      if (at < steps.size() && ++turns < turns_max) return;
      spool_->stop();
      loop_->stop();
    });
    loop_->run();
    return at == steps.size();
  }

  Workers& workers() { return *workers_; }

 private:
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Workers> workers_;
  SpoolEntries entries_;
  std::unique_ptr<Spool> spool_;
  Timer poll_;
};

BOOST_AUTO_TEST_SUITE(spool_watch)

BOOST_FIXTURE_TEST_CASE(entries_are_noticed_when_they_are_complete, WatchRig) {
  const TestCall before = make_call();
  const TestCall at_once = make_call();
  const TestCall slow = make_call();
  const TestCall again = make_call();
  put_files(before);
  complete(before);
  const bool all = run({
      {[] {}, [&] { return has_left(before); }},  // by the scan at start
      {[&] { put_files(at_once), complete(at_once); }, [&] { return has_left(at_once); }},
      // The directory is watched long before metadata.json comes.
      {[&] { put_files(slow), put_files(again); }, [] { return true; }},
      {[&] { complete(slow); }, [&] { return has_left(slow); }},
      {[&] { complete(again); }, [&] { return has_left(again); }},
      // The recorder comes again with the same call.
      // An entry has left its place before its last file is gone.
      {[&] { put_files(slow), complete(slow); },
       [&] { return has_left(slow) && files_below(config.spool_dir).empty(); }},
  });
  BOOST_TEST(all);
  for (const TestCall* call : {&before, &at_once, &slow, &again}) BOOST_TEST(is_whole(*call));
  BOOST_TEST(files_below(config.spool_dir).empty());
}

// A recorder's whole backlog: more than our queue holds. It is taken without the minute's scan, in
// bounded descriptors; other work gets its turn all the while, and so does another workspace.
BOOST_FIXTURE_TEST_CASE(a_backlog_is_taken_and_holds_nothing_up, WatchRig) {
  constexpr int kEntries = 10'000;
  const std::string unknown = config.spool_dir + "/00000000-0000-4000-8000-000000000001/";
  fs::create_directories(unknown);
  for (int i = 0; i < kEntries; ++i) {
    const std::string entry = unknown + "CA" + std::to_string(i);
    fs::create_directory(entry);
    std::ofstream(entry + "/metadata.json") << "{}";
  }
  const TestCall good = make_call();
  put_files(good);
  complete(good);
  const auto descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = descriptors();
  std::atomic<int> asked{0};
  std::atomic<int> answered{0};
  int refused = 0;
  int64_t most = 0;
  size_t left_when_good_came_in = 0;
  const auto left = [&] {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(unknown), fs::directory_iterator()));
  };
  const bool all = run({{[] {},
                         [&] {
                           // Another's job: it must be taken, and come to its turn.
                           ++asked;
                           if (!workers().submit([&](Io&) { ++answered; })) ++refused;
                           most = std::max<int64_t>(most, descriptors() - before);
                           if (left_when_good_came_in == 0 && has_left(good))
                             left_when_good_came_in = left();
                           return asked % 50 == 0 && left() == 0;
                         }}},
                       60'000);
  BOOST_TEST(all);
  BOOST_TEST(refused == 0);
  BOOST_TEST(asked - answered < 100);
  BOOST_TEST(most < 64);
  BOOST_TEST(is_whole(good));
  BOOST_TEST(left_when_good_came_in > kEntries / 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
