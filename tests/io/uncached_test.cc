// P2: a re-read comes from the medium. Needs root for the loop and tmpfs mounts.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <random>

#include "io/publish.h"
#include "io/text_file.h"
#include "io/uncached.h"
#include "tests/support/faults.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;

namespace {

constexpr unsigned kSeed = 7;

std::string random_bytes(size_t length) {
  std::mt19937 generator(kSeed);
  std::string bytes(length, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

// A file system mounted for one test, or nothing when that is not allowed here.
class Mounted {
 public:
  Mounted(const std::string& path, const std::string& command) : path_(path) {
    mounted_ = ::geteuid() == 0 && std::system(command.c_str()) == 0;
    if (!mounted_) BOOST_TEST_MESSAGE("skipped: cannot mount (" << command << ")");
  }
  ~Mounted() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_;
};

std::string make_directory(const std::string& path) {
  BOOST_REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  return path;
}

// Every odd size is delivered with the right bytes in the mode that is expected.
void expect_mode(Io& io, const std::string& path, VerifyMode expected) {
  BOOST_TEST_MESSAGE("seed " << kSeed);
  const Fd root = open_root(path).value();
  const size_t block = limits::kIoBlock;
  for (const size_t size : {size_t{1}, size_t{4096}, size_t{5000}, block, block * 3 + 1}) {
    const std::string bytes = random_bytes(size);
    const std::string name = "f" + std::to_string(size);
    BOOST_REQUIRE(publish_text(io, root.get(), name, bytes).ok());
    const Result<UncachedDigest> found =
        digest_uncached(io, root.get(), name, Bytes(static_cast<int64_t>(size)));
    BOOST_REQUIRE_MESSAGE(found.ok(), (found.ok() ? "" : found.error().message));
    BOOST_TEST(word(found->mode) == word(expected));
    BOOST_TEST((found->digest == sha256(bytes)));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(P2_ext4_and_xfs_are_read_directly) {
  const auto io = Io::open().value();
  const auto fallback = [] {
    IoOptions options;
    options.force_fallback = true;
    return Io::open(options).value();
  }();
  for (const std::string kind : {"ext4 -q", "xfs -q"}) {
    TemporaryDirectory directory;
    const std::string image = directory / "image";
    const std::string path = make_directory(directory / "mnt");
    Mounted mounted(path, "truncate -s 320M " + image + " && mkfs." + kind + " " + image +
                              " && mount -o loop " + image + " " + path);
    if (!mounted) continue;
    expect_mode(*io, path, VerifyMode::kDirect);
    expect_mode(*fallback, make_directory(path + "/pread"), VerifyMode::kDirect);
  }
}

BOOST_AUTO_TEST_CASE(P2_a_direct_read_sees_the_medium_and_not_the_page_cache) {
  TemporaryDirectory directory;
  const std::string image = directory / "image";
  const std::string path = make_directory(directory / "mnt");
  Mounted mounted(path, "truncate -s 32M " + image + " && mkfs.ext4 -q " + image +
                            " && mount -o loop " + image + " " + path);
  if (!mounted) return;
  const auto io = Io::open().value();
  const Fd root = open_root(path).value();
  const std::string bytes(8192, 'A');
  BOOST_REQUIRE(publish_text(*io, root.get(), "a", bytes).ok());
  BOOST_REQUIRE(read_text(*io, root.get(), "a", Bytes(8192)).value() == bytes);  // cached
  // Behind the back of the file system, its medium changes.
  BOOST_REQUIRE(
      std::system(("sync; d=$(losetup -n -O NAME -j " + image + "); o=$(filefrag -v " + path +
                   "/a | awk '$1==\"0:\"{print $4+0}'); printf B | dd of=$d bs=1 "
                   "seek=$((o*1024)) conv=notrunc oflag=seek_bytes,sync 2>/dev/null || "
                   "exit 1")
                      .c_str()) == 0);
  const std::string cached = read_text(*io, root.get(), "a", Bytes(8192)).value();
  const Result<UncachedDigest> found = digest_uncached(*io, root.get(), "a", Bytes(8192));
  BOOST_REQUIRE(found.ok());
  BOOST_TEST(word(found->mode) == "direct");
  std::string changed = bytes;
  changed[0] = 'B';
  BOOST_TEST((cached == bytes));
  BOOST_TEST((found->digest == sha256(changed)));
}

BOOST_AUTO_TEST_CASE(P2_tmpfs_has_no_medium_and_does_not_satisfy) {
  TemporaryDirectory directory;
  const std::string path = make_directory(directory / "mnt");
  Mounted mounted(path, "mount -t tmpfs -o size=16m tmpfs " + path);
  if (!mounted) return;
  expect_mode(*Io::open().value(), path, VerifyMode::kNone);
}

BOOST_AUTO_TEST_CASE(P2_overlay_answers_as_the_file_system_below_does) {
  TemporaryDirectory directory;
  const std::string image = directory / "image";
  const std::string below = make_directory(directory / "below");
  const std::string path = make_directory(directory / "mnt");
  Mounted disk(below, "truncate -s 32M " + image + " && mkfs.ext4 -q " + image +
                          " && mount -o loop " + image + " " + below);
  if (!disk) return;
  for (const char* part : {"/lower", "/upper", "/work"}) make_directory(below + part);
  Mounted mounted(path, "mount -t overlay -o lowerdir=" + below + "/lower,upperdir=" + below +
                            "/upper,workdir=" + below + "/work overlay " + path);
  if (!mounted) return;
  const auto io = Io::open().value();
  const Fd root = open_root(path).value();
  BOOST_REQUIRE(publish_text(*io, root.get(), "a", "12345").ok());
  const Result<UncachedDigest> found = digest_uncached(*io, root.get(), "a", Bytes(5));
  BOOST_REQUIRE(found.ok());
  BOOST_TEST_MESSAGE("overlay on ext4: " << word(found->mode));
  BOOST_TEST((found->mode == VerifyMode::kDirect || found->mode == VerifyMode::kDropped));
  BOOST_TEST((found->digest == sha256("12345")));
}

BOOST_AUTO_TEST_CASE(P2_a_file_of_another_size_is_corrupt) {
  TemporaryDirectory directory;
  const auto io = Io::open().value();
  const Fd root = open_root(directory.path()).value();
  BOOST_REQUIRE(publish_text(*io, root.get(), "a", "12345").ok());
  for (const int64_t size : {0, 4, 6, 4096})
    BOOST_TEST((digest_uncached(*io, root.get(), "a", Bytes(size)).error().code == Code::kCorrupt));
  BOOST_TEST((digest_uncached(*io, root.get(), "b", Bytes(5)).error().code == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(P2_a_fault_at_any_point_of_a_re_read_is_an_error) {
  TemporaryDirectory directory;
  const std::string bytes = random_bytes(limits::kIoBlock * 2 + 5);
  for (int n = 0;; ++n) {
    AimedFaults hook;
    IoOptions options;
    options.faults = &hook;
    const auto io = Io::open(options).value();
    const Fd root = open_root(directory.path()).value();
    PublishOptions replace;
    replace.if_exists = IfExists::kReplace;
    BOOST_REQUIRE(publish_text(*io, root.get(), "a", bytes, replace).ok());
    FaultAt fault(n);
    hook.aim(&fault);
    const Result<UncachedDigest> found =
        digest_uncached(*io, root.get(), "a", Bytes(static_cast<int64_t>(bytes.size())));
    BOOST_TEST(found.ok() == !fault.fired());
    if (!fault.fired()) break;
  }
}
