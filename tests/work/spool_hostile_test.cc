// What recorders do wrong: they die half-way, replace files while they are read, leave things that
// are no files, and have clocks that were never set.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <set>

#include "base/limits.h"
#include "daemon/work/metadata.h"
#include "tests/work/spool_rig.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(spool_hostile)

BOOST_FIXTURE_TEST_CASE(what_is_no_plain_file_is_refused, SpoolRig) {
  const auto refused = [&](const std::function<void(const std::string&)>& make) {
    const TestCall call = make_call();
    make(put(call) + "/inbound.1.wav");
    is_rejected(call.call_sid);
    BOOST_TEST(!is_known(call));
  };
  // Nobody ever writes to it: an open that waited would wait for ever.
  refused([](const std::string& path) { BOOST_TEST(::mkfifo(path.c_str(), 0600) == 0); });
  refused([](const std::string& path) { fs::create_directory(path); });
  refused([](const std::string& path) { fs::create_symlink("/dev/zero", path); });
  refused([](const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // The path is longer than an address may be: bound below the working directory's descriptor.
    const int directory = ::open(fs::path(path).parent_path().c_str(), O_PATH | O_CLOEXEC);
    const std::string short_path = "/proc/self/fd/" + std::to_string(directory) + "/inbound.1.wav";
    short_path.copy(address.sun_path, sizeof address.sun_path - 1);
    BOOST_TEST(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(directory);
    ::close(fd);
  });
  if (::geteuid() == 0)
    refused([](const std::string& path) {
      if (::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 5)) != 0)
        std::ofstream(path + " x");  // no devices here: another name that is refused
    });
}

BOOST_FIXTURE_TEST_CASE(names_at_the_limits, SpoolRig) {
  TestCall call = make_call();
  const std::string longest = std::string(limits::kFileNameBytesMax - 4, 'n') + ".wav";
  call.files[longest] = "RIFF";
  put(call);
  must(take(call.call_sid));
  BOOST_TEST(is_whole(call));
  for (const std::string& name :
       {"n" + longest, std::string("..."), std::string(".wav"), std::string("caf\xC3\xA9.wav"),
        std::string("\xFF.wav"), std::string("stereo.wav"), std::string("a.tail"),
        std::string("a:b.wav")}) {
    TestCall other = make_call();
    other.files[name] = "x";
    put(other);
    is_rejected(other.call_sid);
    BOOST_TEST(!is_known(other));
  }
  TestCall sid = make_call();
  sid.call_sid = std::string(limits::kCallSidBytesMax, 'S');
  sid.files["metadata.json"] = "{\"call_sid\":\"" + sid.call_sid + "\"}";
  put(sid);
  must(take(sid.call_sid));
  BOOST_TEST(is_whole(sid));
  put(make_call(), "S" + sid.call_sid);
  is_rejected("S" + sid.call_sid);
}

// Whatever the instant at which a recorder replaces a file: its bytes are in the archive, in the
// spool, or among the rejected, never gone.
BOOST_FIXTURE_TEST_CASE(a_replaced_file_is_never_lost, SpoolRig) {
  class ReplaceAt final : public Faults {
   public:
    ReplaceAt(int n, std::string from, std::string to)
        : n_(n), from_(std::move(from)), to_(std::move(to)) {}
    Status at(std::string_view) override {
      if (n_-- != 0) return {};
      replaced = true;
      std::error_code gone;  // the entry may have left its place already
      fs::rename(from_, to_, gone);
      happened = !gone;
      return {};
    }
    bool replaced = false;
    bool happened = false;

   private:
    int n_;
    const std::string from_;
    const std::string to_;
  };
  bool done = false;
  int kept = 0;
  for (int n = 0; !done && n < 400; ++n) {
    const std::string marked = "bytes that the recorder put there later, " + std::to_string(n);
    const TestCall call = make_call();
    const std::string where = put(call);
    const std::string other = directory / "other";
    std::ofstream(other, std::ios::binary) << marked;
    ReplaceAt replace(n, other, where + "/outbound.pcm");
    faults.aim(&replace);
    (void)take(call.call_sid);
    faults.aim(nullptr);
    done = !replace.replaced;
    if (!replace.happened) continue;
    for (int turn = 0; turn < 3; ++turn)
      for (const std::string& entry : scan()) (void)take(entry.substr(entry.find('/') + 1));
    bool found = false;
    for (const char* root : {"/spool", "/standard"}) {
      const std::string below = directory.path() + root;
      if (!fs::exists(below)) continue;
      for (const auto& file : fs::recursive_directory_iterator(below)) {
        if (!file.is_regular_file() || file.path().filename() != "outbound.pcm") continue;
        std::ifstream in(file.path(), std::ios::binary);
        found = found || std::string(std::istreambuf_iterator<char>(in), {}) == marked;
      }
    }
    BOOST_TEST(found, "replaced at point " << n);
    kept += found;
    fs::remove_all(config.spool_dir + "/rejected");
    fs::remove_all(where);
  }
  BOOST_TEST(done);
  BOOST_TEST(kept > 3);
}

BOOST_FIXTURE_TEST_CASE(dead_entries_hide_no_complete_one_and_are_told, SpoolRig) {
  constexpr int kDead = 3000;
  // The archive's clock is not the file system's: an entry is as old as the test says.
  const auto touched = [&](int i, UnixMillis when) {
    const timespec time{when.count / 1000, 0};
    const timespec times[2] = {time, time};
    BOOST_TEST(::utimensat(AT_FDCWD, directory_of("dead-" + std::to_string(i)).c_str(), times, 0) ==
               0);
  };
  for (int i = 0; i < kDead; ++i) {
    fs::create_directories(directory_of("dead-" + std::to_string(i)));
    touched(i, clock.now());
  }
  const TestCall call = make_call();
  put(call);
  SpoolEntries entries(archive(), config.spool_dir);
  const SpoolScan found = must(entries.scan(*io, 100));
  BOOST_TEST_REQUIRE(found.entries.size() == 1U);
  BOOST_TEST(found.entries.front() == workspace.text() + "/" + call.call_sid);
  BOOST_TEST(found.incomplete.size() == 100U);
  BOOST_TEST(!found.more);
  BOOST_TEST(entries.stale().count == 0);
  const UnixMillis long_ago = clock.now() - Millis(limits::kSpoolStaleMs) - minutes(2);
  touched(7, long_ago);
  touched(8, long_ago + minutes(1));
  (void)must(entries.scan(*io, 100));
  BOOST_TEST(entries.stale().count == 2);
  BOOST_TEST(entries.stale().oldest == workspace.text() + "/dead-7");
  must(take("dead-7"));  // told, and left
  BOOST_TEST(fs::exists(directory_of("dead-7")));
}

BOOST_FIXTURE_TEST_CASE(a_scan_without_room_says_so_and_goes_on_with_the_next_workspace, SpoolRig) {
  const WorkspaceId first = workspace;
  for (int i = 0; i < 5; ++i) put(make_call());
  workspace = random.id<WorkspaceId>();
  for (int i = 0; i < 5; ++i) put(make_call());
  SpoolEntries entries(archive(), config.spool_dir);
  const SpoolScan one = must(entries.scan(*io, 4));
  const SpoolScan other = must(entries.scan(*io, 4));
  BOOST_TEST(one.more);
  BOOST_TEST(other.more);
  // Each workspace finds room, and another one begins the next time.
  for (const SpoolScan* scan : {&one, &other}) {
    std::set<std::string> seen;
    for (const std::string& entry : scan->entries) seen.insert(entry.substr(0, 36));
    BOOST_TEST(scan->entries.size() <= 4U);
    BOOST_TEST(seen.size() == 2U);
  }
  BOOST_TEST(one.entries[0].substr(0, 36) != other.entries[0].substr(0, 36));
  workspace = first;
}

BOOST_AUTO_TEST_CASE(times_that_cannot_be_are_flagged_and_not_used) {
  const UnixMillis received(1'795'000'000'000);
  const auto times = [&](const std::string& start, const std::string& end) {
    return event_times(must(parse_metadata("{\"call_start_iso\":\"" + start +
                                           "\",\"call_end_iso\":\"" + end + "\"}")),
                       received);
  };
  const auto flagged = [](const EventTimes& told, Flag flag) {
    return (told.flags & static_cast<int32_t>(flag)) != 0;
  };
  const EventTimes good = times("2026-11-18T11:00:00Z", "2026-11-18T11:05:00Z");
  BOOST_TEST(good.flags == 0);
  // A clock that was never set.
  const EventTimes never = times("1970-01-01T00:00:05Z", "1970-01-01T00:05:00Z");
  BOOST_TEST(flagged(never, Flag::kEventTimeAbsent));
  BOOST_CHECK(never.started_at == received);
  BOOST_CHECK(never.ended_at == received);
  const EventTimes ancient = times("0001-01-01T00:00:00Z", "2026-11-18T11:05:00Z");
  BOOST_TEST(flagged(ancient, Flag::kEventTimeAbsent));
  // A clock that was set back in mid-call: nothing may be due too early.
  const EventTimes back = times("2026-11-18T11:05:00Z", "2020-11-18T11:00:00Z");
  BOOST_TEST(flagged(back, Flag::kEventTimeAbsent));
  BOOST_CHECK(back.ended_at == received);
  const EventTimes future = times("2026-11-18T11:00:00Z", "2031-11-18T11:00:00Z");
  BOOST_TEST(flagged(future, Flag::kEventTimeInFuture));
  BOOST_CHECK(future.ended_at == received);
  const EventTimes none = event_times(must(parse_metadata("{}")), received);
  BOOST_TEST(flagged(none, Flag::kEventTimeAbsent));
  const CallMetadata negative = must(parse_metadata("{\"duration_seconds\":-3}"));
  BOOST_TEST(!negative.duration_seconds.has_value());
  BOOST_TEST(negative.incomplete);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
