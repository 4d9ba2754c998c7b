// What the tests of the ledger stand on: a ledger in a temporary directory, with
// a clock of its own and faults that can be aimed.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "tests/support/faults.h"
#include "tests/support/must.h"
#include "tests/support/temporary_directory.h"

namespace holdfast {

constexpr int64_t kStartMs = 1'795'000'000'000;  // 2026-11-18T10:26:40Z

inline LineDraft draft_of(const std::string& kind, int64_t value,
                          Weight weight = Weight::kProtecting) {
  LineDraft draft;
  draft.kind = kind;
  draft.who = "key:abc";
  draft.on = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
  draft.details["value"] = value;
  draft.weight = weight;
  return draft;
}

inline std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// These tests sync ten thousand times and none depends on the medium: in memory if possible.
inline std::string fast_directory() {
  const char* wanted = std::getenv("TMPDIR");
  if (wanted != nullptr) return wanted;
  std::error_code error;
  return std::filesystem::is_directory("/dev/shm", error) ? "/dev/shm" : "/tmp";
}

struct LedgerRig {
  LedgerRig() : clock(UnixMillis(kStartMs)) {
    IoOptions io_options;
    io_options.faults = &faults;
    io = Io::open(io_options).value();
    options.directory = directory / "ledger";
    options.mirror_directory = directory / "mirror";
    options.mirror_same_device = true;
  }

  Result<std::unique_ptr<Ledger>> try_open() { return Ledger::open(*io, clock, options); }
  void open() {
    ledger.reset();
    ledger = must(try_open());
  }
  // One batch of one line; its n.
  Result<int64_t> decide(int64_t value, Weight weight = Weight::kProtecting) {
    HOLDFAST_ASSIGN(n, ledger->stage(draft_of("hold", value, weight)));
    HOLDFAST_TRY(ledger->commit());
    return n;
  }
  // details.value of every decision that counts, voiding lines left out.
  std::vector<int64_t> values() {
    std::vector<int64_t> found;
    must(ledger->replay(1, [&](const Line& line) -> Result<bool> {
      if (line.kind != kVoidKind) found.push_back(line.details.at("value").as_int64());
      return true;
    }));
    return found;
  }
  ChainReport verify(const std::string& relative) {
    const Fd fd = must(open_root(directory / relative));
    return must(verify_chain(*io, fd.get(), nullptr));
  }
  std::string main_segment(int64_t first_n) const {
    return directory / ("ledger/decisions/" + segment_name(first_n, false));
  }
  std::string mirror_segment(int64_t first_n) const {
    return directory / ("mirror/decisions/" + segment_name(first_n, false));
  }
  // Both places hold the same chain, and it verifies.
  void check_agreement() {
    const ChainReport main = verify("ledger/decisions");
    const ChainReport mirror = verify("mirror/decisions");
    BOOST_TEST(!main.broken);
    BOOST_TEST(!mirror.broken);
    BOOST_TEST(main.gaps.empty());
    BOOST_TEST(main.last_n == mirror.last_n);
    BOOST_TEST((main.head == mirror.head));
  }

  TemporaryDirectory directory{fast_directory()};
  ManualClock clock;
  AimedFaults faults;
  std::unique_ptr<Io> io;
  LedgerOptions options;
  std::unique_ptr<Ledger> ledger;
};

}  // namespace holdfast
