// The ring and what stands on it: the same results with io_uring and without.
#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <random>

#include "io/io.h"
#include "tests/support/faults.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;

namespace {

constexpr unsigned kSeed = 20261121;

std::string random_bytes(size_t length) {
  std::mt19937 generator(kSeed);
  std::string bytes(length, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

struct RingRig {
  explicit RingRig(bool fallback, Faults* faults = nullptr) {
    IoOptions options;
    options.force_fallback = fallback;
    options.faults = faults;
    io = Io::open(options).value();
    root = open_root(directory.path()).value();
  }
  Fd create(const std::string& name) {
    return io->open(root.get(), name, O_RDWR | O_CREAT | O_EXCL, 0600).value();
  }
  std::string contents(const std::string& name) const {
    std::ifstream file(directory / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  TemporaryDirectory directory;
  std::unique_ptr<Io> io;
  Fd root;
};

bool uring_allowed() {
  if (Io::open().value()->ring_kind() == "io_uring") return true;
  BOOST_TEST_MESSAGE("skipped: this kernel forbids io_uring");
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(io_uring_is_used_where_the_kernel_allows_it) {
  if (!uring_allowed()) return;
  BOOST_TEST(RingRig(false).io->ring_kind() == "io_uring");
  BOOST_TEST(RingRig(true).io->ring_kind() == "pread");
}

BOOST_AUTO_TEST_CASE(streams_keep_sixteen_operations_in_flight) {
  if (!uring_allowed()) return;
  BOOST_TEST_MESSAGE("seed " << kSeed);
  const std::string bytes = random_bytes(limits::kIoBlock * 40 + 123);
  RingRig writing(false);
  Fd fd = writing.create("a");
  StreamWriter writer(*writing.io, fd.get());
  BOOST_TEST(writer.append(as_bytes(bytes)).ok());
  BOOST_TEST(writer.finish().ok());
  BOOST_TEST(writing.io->counters().in_flight_max >= 16U);

  RingRig reading(false);
  std::string back;
  BOOST_TEST(read_through(*reading.io, fd.get(), Bytes(0),
                          Bytes(static_cast<int64_t>(bytes.size())),
                          [&](ByteSpan piece) -> Status {
                            back += as_text(piece);
                            return {};
                          })
                 .ok());
  BOOST_TEST(reading.io->counters().in_flight_max >= 16U);
  BOOST_TEST((back == bytes));
}

// The kernel may give or take less than it was asked for, and be interrupted.
BOOST_AUTO_TEST_CASE(short_and_interrupted_transfers_reach_nobody) {
  BOOST_TEST_MESSAGE("seed " << kSeed);
  const std::string bytes = random_bytes(limits::kIoBlock * 20 + 123);
  for (const bool fallback : {false, true}) {
    Disturbing disturbing;
    RingRig rig(fallback, &disturbing);
    Fd fd = rig.create("a");
    StreamWriter writer(*rig.io, fd.get());
    BOOST_TEST(writer.append(as_bytes(bytes)).ok());
    BOOST_TEST(writer.finish().ok());
    BOOST_TEST((rig.contents("a") == bytes));
    const int64_t written = disturbing.transfers();
    BOOST_TEST(written > 2 * rig.io->counters().writes);  // each was gone on with
    std::string back;
    BOOST_TEST(read_through(*rig.io, fd.get(), Bytes(0), Bytes(static_cast<int64_t>(bytes.size())),
                            [&](ByteSpan piece) -> Status {
                              back += as_text(piece);
                              return {};
                            })
                   .ok());
    BOOST_TEST((back == bytes));
    BOOST_TEST(disturbing.transfers() - written > 2 * rig.io->counters().reads);
    BOOST_TEST(rig.io->sync(fd.get(), "a").ok());
  }
}

BOOST_AUTO_TEST_CASE(both_rings_write_and_read_the_same_bytes_at_every_odd_size) {
  BOOST_TEST_MESSAGE("seed " << kSeed);
  const size_t block = limits::kIoBlock;
  const std::string bytes = random_bytes(3 * block + 5000);
  for (const bool fallback : {false, true}) {
    RingRig rig(fallback);
    for (const size_t size : {size_t{0}, size_t{1}, size_t{4095}, block - 1, block, block + 1,
                              3 * block, bytes.size()}) {
      const std::string name = "f" + std::to_string(size);
      Fd fd = rig.create(name);
      StreamWriter::Options options;
      options.digest = true;
      StreamWriter writer(*rig.io, fd.get(), options);
      for (size_t at = 0; at < size; at += 4999)  // odd pieces, across blocks
        BOOST_REQUIRE(
            writer.append(as_bytes(bytes).subspan(at, std::min<size_t>(4999, size - at))).ok());
      BOOST_REQUIRE(writer.finish().ok());
      BOOST_TEST((rig.contents(name) == bytes.substr(0, size)));
      BOOST_TEST((writer.digest() == sha256(bytes.substr(0, size))));
      const Bytes length(static_cast<int64_t>(size));
      BOOST_TEST((digest_file(*rig.io, fd.get(), length).value() == writer.digest()));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_range_is_delivered_from_its_offset) {
  const std::string bytes = random_bytes(1'000'000);
  for (const bool fallback : {false, true}) {
    RingRig rig(fallback);
    Fd fd = rig.create("a");
    BOOST_REQUIRE(rig.io->write_all(fd.get(), Bytes(0), as_bytes(bytes)).ok());
    std::string back;
    BOOST_TEST(read_through(*rig.io, fd.get(), Bytes(12'345), Bytes(700'001),
                            [&](ByteSpan piece) -> Status {
                              back += as_text(piece);
                              return {};
                            })
                   .ok());
    BOOST_TEST((back == bytes.substr(12'345, 700'001)));
  }
}

BOOST_AUTO_TEST_CASE(a_short_file_is_an_error_and_never_zeros) {
  const std::string bytes = random_bytes(limits::kIoBlock + 10);
  for (const bool fallback : {false, true}) {
    RingRig rig(fallback);
    Fd fd = rig.create("a");
    BOOST_REQUIRE(rig.io->write_all(fd.get(), Bytes(0), as_bytes(bytes)).ok());
    const Bytes more(static_cast<int64_t>(bytes.size()) + 1);
    size_t delivered = 0;
    const Status status =
        read_through(*rig.io, fd.get(), Bytes(0), more, [&](ByteSpan piece) -> Status {
          delivered += piece.size();
          return {};
        });
    BOOST_REQUIRE(!status.ok());
    BOOST_TEST((status.error().code == Code::kCorrupt));
    BOOST_TEST(delivered == limits::kIoBlock);  // the last block was not passed on
    BOOST_TEST((digest_file(*rig.io, fd.get(), more).error().code == Code::kCorrupt));
  }
}

BOOST_AUTO_TEST_CASE(a_sink_may_write_through_the_same_io) {
  const std::string bytes = random_bytes(limits::kIoBlock * 50 + 77);
  for (const bool fallback : {false, true}) {
    RingRig rig(fallback);
    Fd from = rig.create("from");
    Fd to = rig.create("to");
    BOOST_REQUIRE(rig.io->write_all(from.get(), Bytes(0), as_bytes(bytes)).ok());
    const Result<Digest> digest = copy_file_contents(*rig.io, from.get(), to.get(),
                                                     Bytes(static_cast<int64_t>(bytes.size())));
    BOOST_REQUIRE(digest.ok());
    BOOST_TEST((*digest == sha256(bytes)));
    BOOST_TEST((rig.contents("to") == bytes));
  }
}

BOOST_AUTO_TEST_CASE(three_writers_and_a_reader_share_one_io) {
  const std::string bytes = random_bytes(limits::kIoBlock * 40 + 3);
  RingRig rig(false);
  Fd from = rig.create("from");
  BOOST_REQUIRE(rig.io->write_all(from.get(), Bytes(0), as_bytes(bytes)).ok());
  Fd fds[3] = {rig.create("0"), rig.create("1"), rig.create("2")};
  {
    StreamWriter a(*rig.io, fds[0].get()), b(*rig.io, fds[1].get()), c(*rig.io, fds[2].get());
    BOOST_TEST(read_through(*rig.io, from.get(), Bytes(0),
                            Bytes(static_cast<int64_t>(bytes.size())),
                            [&](ByteSpan piece) -> Status {
                              HOLDFAST_TRY(a.append(piece));
                              HOLDFAST_TRY(b.append(piece));
                              return c.append(piece);
                            })
                   .ok());
    BOOST_TEST((a.finish().ok() && b.finish().ok() && c.finish().ok()));
  }
  for (const char* name : {"0", "1", "2"}) BOOST_TEST((rig.contents(name) == bytes));
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_point_of_a_copy_is_an_honest_error) {
  const std::string bytes = random_bytes(limits::kIoBlock * 5 + 77);
  int faults_fired = 0;
  for (int n = 0;; ++n) {
    AimedFaults hook;
    RingRig rig(n % 2 == 0, &hook);
    Fd from = rig.create("from");
    Fd to = rig.create("to");
    BOOST_REQUIRE(rig.io->write_all(from.get(), Bytes(0), as_bytes(bytes)).ok());
    FaultAt fault(n);
    hook.aim(&fault);
    const Result<Digest> digest = copy_file_contents(*rig.io, from.get(), to.get(),
                                                     Bytes(static_cast<int64_t>(bytes.size())));
    BOOST_TEST(digest.ok() == !fault.fired());
    if (!fault.fired()) break;
    BOOST_TEST((digest.error().code == Code::kIo));
    ++faults_fired;
  }
  BOOST_TEST(faults_fired == 12);  // six reads, six writes
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_as_such) {
  RingRig rig(false);
  Result<Fd> full = open_root("/dev");
  BOOST_REQUIRE(full.ok());
  Result<Fd> fd = rig.io->open(full->get(), "full", O_WRONLY);
  if (!fd.ok()) {
    BOOST_TEST_MESSAGE("skipped: no /dev/full");
    return;
  }
  const std::string bytes = random_bytes(limits::kIoBlock * 20);
  StreamWriter writer(*rig.io, fd->get());
  Status status = writer.append(as_bytes(bytes));
  if (status.ok()) status = writer.finish();
  BOOST_REQUIRE(!status.ok());
  BOOST_TEST((status.error().code == Code::kNoSpace));
  BOOST_TEST((writer.append(as_bytes("more")).error().code == Code::kNoSpace));  // for good
}
