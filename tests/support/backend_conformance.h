// What every back-end must do, whatever it is made of. Each back-end's test calls
// check_conformance and check_conformance_under_faults with a maker of fresh rigs.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/digest.h"
#include "tests/support/faults.h"
#include "tests/support/faulty_backend.h"
#include "tests/support/seeded_random.h"
#include "tests/support/test_permit.h"
#include "tiers/backend.h"

namespace holdfast {

// A fresh, empty medium and an Io whose faults can be aimed.
class BackendRig {
 public:
  BackendRig() {
    IoOptions options;
    options.faults = &io_faults;
    io = Io::open(options).value();
  }
  virtual ~BackendRig() = default;
  virtual PackBackend& backend() = 0;
  // False where the file system below has no medium behind its cache (tmpfs).
  virtual bool can_prove() const { return true; }

  AimedFaults io_faults;
  std::unique_ptr<Io> io;
};
using MakeBackendRig = std::function<std::unique_ptr<BackendRig>()>;

// Delivers `text` in pieces of at most `piece` bytes.
inline PackSource source_of(const std::string& text, size_t piece = 100'000) {
  return [&text, piece](const ByteSink& sink) -> Status {
    for (size_t at = 0; at < text.size(); at += piece)
      HOLDFAST_TRY(sink(as_bytes(std::string_view(text).substr(at, piece))));
    return {};
  };
}

inline Bytes size_of(const std::string& text) { return Bytes(static_cast<int64_t>(text.size())); }

// The bytes of each range.
inline Result<std::vector<std::string>> read_ranges(PackSession& session, Io& io,
                                                    const PackLocation& location,
                                                    const std::vector<PackRange>& ranges) {
  std::vector<std::string> out(ranges.size());
  size_t last = 0;
  HOLDFAST_TRY(session.read(io, location, ranges, [&](size_t index, ByteSpan bytes) -> Status {
    BOOST_TEST(index >= last);  // in order
    last = index;
    out.at(index) += as_text(bytes);
    return {};
  }));
  return out;
}

inline Result<std::string> read_whole(PackSession& session, Io& io, const PackLocation& location,
                                      Bytes size) {
  HOLDFAST_ASSIGN(parts, read_ranges(session, io, location, {{Bytes(0), size}}));
  return parts.front();
}

template <typename T>
bool fails_with(const Result<T>& result, Code code) {
  return !result.ok() && result.error().code == code;
}

inline void check_bytes_come_back(const MakeBackendRig& make) {
  SeededRandom random;
  for (const size_t size :
       {size_t{1}, size_t{4095}, size_t{262'144}, size_t{262'145}, size_t{3'000'001}}) {
    const auto rig = make();
    const std::string pack = random.bytes(size);
    auto session = rig->backend().attach(*rig->io).value();
    const auto location =
        session->append(*rig->io, random.id<PackId>(), size_of(pack), source_of(pack));
    BOOST_REQUIRE(location.ok());
    BOOST_TEST((read_whole(*session, *rig->io, *location, size_of(pack)).value() == pack));

    const auto third = static_cast<int64_t>(size / 3);
    const std::vector<PackRange> ranges = {
        {Bytes(0), Bytes(third)}, {Bytes(third), Bytes(0)}, {Bytes(2 * third), Bytes(third)}};
    const auto parts = read_ranges(*session, *rig->io, *location, ranges).value();
    BOOST_TEST((parts[0] == pack.substr(0, size / 3)));
    BOOST_TEST(parts[1].empty());
    BOOST_TEST((parts[2] == pack.substr(2 * (size / 3), size / 3)));
  }
}

inline void check_verification(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  const std::string pack = random.bytes(1'000'000);
  auto session = rig->backend().attach(*rig->io).value();
  const auto location =
      session->append(*rig->io, random.id<PackId>(), size_of(pack), source_of(pack)).value();
  const auto mode = session->verify(*rig->io, location, size_of(pack), sha256(pack));
  BOOST_REQUIRE(mode.ok());
  BOOST_TEST((*mode != VerifyMode::kNone) == rig->can_prove());
  BOOST_TEST(fails_with(session->verify(*rig->io, location, size_of(pack), sha256("other")),
                        Code::kCorrupt));
  BOOST_TEST(fails_with(session->verify(*rig->io, location, Bytes(999'999), sha256(pack)),
                        Code::kCorrupt));
}

inline void check_refusals(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  Io& io = *rig->io;
  const std::string pack = random.bytes(500'000);
  auto session = rig->backend().attach(io).value();
  const PackLocation location =
      session->append(io, random.id<PackId>(), size_of(pack), source_of(pack)).value();

  const auto read = [&](const std::vector<PackRange>& ranges) {
    return read_ranges(*session, io, location, ranges);
  };
  BOOST_TEST(fails_with(read({{Bytes(10), Bytes(10)}, {Bytes(0), Bytes(5)}}), Code::kInvalid));
  BOOST_TEST(fails_with(read({{Bytes(0), Bytes(10)}, {Bytes(9), Bytes(5)}}), Code::kInvalid));
  BOOST_TEST(fails_with(read({{Bytes(499'999), Bytes(2)}}), Code::kIo));
  const Status stopped =
      session->read(io, location, {{Bytes(0), size_of(pack)}}, [](size_t, ByteSpan) -> Status {
        return Error{Code::kExhausted, "the reader has had enough"};
      });
  BOOST_TEST(fails_with(stopped, Code::kExhausted));
  for (const char* nowhere : {"", "../../etc/passwd", "/etc/passwd", "packs/../x.tar"})
    BOOST_TEST(!read_ranges(*session, io, nowhere, {{Bytes(0), Bytes(1)}}).ok());
}

inline void check_failed_appends_leave_nothing(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  Io& io = *rig->io;
  const PackId id = random.id<PackId>();
  const std::string pack = random.bytes(700'000);
  auto session = rig->backend().attach(io).value();
  BOOST_TEST(!session->append(io, id, Bytes(700'001), source_of(pack)).ok());
  BOOST_TEST(!session->append(io, id, Bytes(699'999), source_of(pack)).ok());
  const auto refused = session->append(io, id, size_of(pack), [&](const ByteSink& sink) -> Status {
    HOLDFAST_TRY(sink(as_bytes(std::string_view(pack).substr(0, 300'000))));
    return Error{Code::kLocked, "the source changed its mind"};
  });
  BOOST_TEST(fails_with(refused, Code::kLocked));
  // The same pack goes on as if nothing had been.
  const auto location = session->append(io, id, size_of(pack), source_of(pack));
  BOOST_REQUIRE(location.ok());
  BOOST_TEST((read_whole(*session, io, *location, size_of(pack)).value() == pack));
}

inline void check_repeated_append_replaces(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  Io& io = *rig->io;
  const PackId id = random.id<PackId>();
  auto session = rig->backend().attach(io).value();
  const std::string first = random.bytes(400'000);
  const std::string second = random.bytes(300'000);
  BOOST_REQUIRE(session->append(io, id, size_of(first), source_of(first)).ok());
  const auto location = session->append(io, id, size_of(second), source_of(second)).value();
  BOOST_TEST((read_whole(*session, io, location, size_of(second)).value() == second));
  BOOST_TEST(session->verify(io, location, size_of(second), sha256(second)).ok());
}

inline void check_removal(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  Io& io = *rig->io;
  const PackId id = random.id<PackId>();
  const std::string pack = random.bytes(100'000);
  auto session = rig->backend().attach(io).value();
  const auto location = session->append(io, id, size_of(pack), source_of(pack)).value();
  const MediumId medium = rig->backend().medium();
  BOOST_TEST(fails_with(session->remove(io, location, Guard::permit(random.id<PackId>(), medium)),
                        Code::kInvalid));
  BOOST_TEST(fails_with(session->remove(io, location, Guard::permit(id, random.id<MediumId>())),
                        Code::kInvalid));
  BOOST_TEST((read_whole(*session, io, location, size_of(pack)).value() == pack));
  BOOST_TEST(session->remove(io, location, Guard::permit(id, medium)).ok());
  BOOST_TEST(fails_with(read_whole(*session, io, location, size_of(pack)), Code::kNotFound));
  BOOST_TEST(
      fails_with(session->verify(io, location, size_of(pack), sha256(pack)), Code::kNotFound));
  BOOST_TEST(session->remove(io, location, Guard::permit(id, medium)).ok());  // gone already
}

// Good bytes take a bad copy's place, or nothing happens; a lost one comes back.
inline void check_replacement(const MakeBackendRig& make) {
  std::unique_ptr<BackendRig> rig = make();
  Io& io = *rig->io;
  PackBackend& backend = rig->backend();
  SeededRandom random;
  const PackId id = random.id<PackId>();
  const std::string good = random.bytes(400'000);
  std::string bad = good;
  bad[1234] = static_cast<char>(bad[1234] ^ 1);
  auto session = backend.attach(io).value();
  const PackLocation first = session->append(io, id, size_of(bad), source_of(bad)).value();
  const PackRepairPermit permit = Guard::repair_permit(id, backend.medium());
  const PackRepairPermit other = Guard::repair_permit(random.id<PackId>(), backend.medium());
  BOOST_TEST((session->replace(io, first, size_of(good), sha256(good), source_of(good), other)
                  .error()
                  .code == Code::kInvalid));
  // What comes is bad, too: the old one is where it was.
  BOOST_TEST(
      !session->replace(io, first, size_of(good), sha256(good), source_of(bad), permit).ok());
  BOOST_TEST((read_whole(*session, io, first, size_of(bad)).value() == bad));
  auto replaced = session->replace(io, first, size_of(good), sha256(good), source_of(good), permit);
  if (!rig->can_prove()) {
    BOOST_TEST((replaced.error().code == Code::kUnavailable));
    return;
  }
  const ReplacedPack done = std::move(replaced).value();
  BOOST_TEST((done.mode != VerifyMode::kNone));
  BOOST_TEST((read_whole(*session, io, done.location, size_of(good)).value() == good));
  BOOST_TEST(session->verify(io, done.location, size_of(good), sha256(good)).ok());
  const PackReleasePermit gone = Guard::permit(id, backend.medium());
  BOOST_TEST(session->remove(io, done.location, gone).ok());
  const ReplacedPack back =
      session->replace(io, done.location, size_of(good), sha256(good), source_of(good), permit)
          .value();
  BOOST_TEST((read_whole(*session, io, back.location, size_of(good)).value() == good));
}

inline void check_probe(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  Io& io = *rig->io;
  auto session = rig->backend().attach(io).value();
  const std::string pack = random.bytes(100'000);
  const PackId id = random.id<PackId>();
  const auto location = session->append(io, id, size_of(pack), source_of(pack)).value();
  for (int i = 0; i < 3; ++i) BOOST_TEST(session->probe(io).ok());
  BOOST_TEST((read_whole(*session, io, location, size_of(pack)).value() == pack));
}

inline void check_packs_outlive_the_session(const MakeBackendRig& make) {
  SeededRandom random;
  const auto rig = make();
  Io& io = *rig->io;
  std::vector<std::string> packs;
  std::vector<PackLocation> locations;
  for (int i = 0; i < 8; ++i) {
    auto session = rig->backend().attach(io).value();
    packs.push_back(random.bytes(10'000 + random.below(300'000)));
    locations.push_back(
        session->append(io, random.id<PackId>(), size_of(packs.back()), source_of(packs.back()))
            .value());
  }
  auto session = rig->backend().attach(io).value();
  for (size_t i = 0; i < packs.size(); ++i)
    BOOST_TEST((read_whole(*session, io, locations[i], size_of(packs[i])).value() == packs[i]));
}

inline void check_conformance(const MakeBackendRig& make) {
  check_bytes_come_back(make);
  check_verification(make);
  check_refusals(make);
  check_failed_appends_leave_nothing(make);
  check_repeated_append_replaces(make);
  check_removal(make);
  check_replacement(make);
  check_probe(make);
  check_packs_outlive_the_session(make);
}

// The life of one pack; stops at the first error. `location` is set once append said so.
inline Status live_one_pack(PackBackend& backend, Io& io, const PackId& id, const std::string& pack,
                            std::optional<PackLocation>& location) {
  HOLDFAST_ASSIGN(session, backend.attach(io));
  HOLDFAST_ASSIGN(at, session->append(io, id, size_of(pack), source_of(pack, 30'000)));
  location = at;
  HOLDFAST_TRY(session->verify(io, at, size_of(pack), sha256(pack)));
  HOLDFAST_ASSIGN(back, read_whole(*session, io, at, size_of(pack)));
  BOOST_TEST((back == pack));  // what is delivered as success is right
  return {};
}

// One fault at point n of the back-end's own calls (`in_io` false) or of the file
// operations below it, for n = 0, 1, 2 … until none fires; then the same code without faults.
inline void check_faults_at_every_point(const MakeBackendRig& make, bool in_io) {
  SeededRandom random;
  bool fired = true;
  int n = 0;
  for (; fired; ++n) {
    const auto rig = make();
    const PackId id = random.id<PackId>();
    const std::string pack = random.bytes(600'000);
    FaultAt fault(n);
    if (n % 2 == 1) fault.tear_writes();
    AimedFaults none;
    AimedFaults& decorator_faults = none;
    FaultyBackend faulty(rig->backend(), decorator_faults);
    (in_io ? rig->io_faults : decorator_faults).aim(&fault);
    std::optional<PackLocation> location;
    const Status failed = live_one_pack(faulty, *rig->io, id, pack, location);
    rig->io_faults.aim(nullptr);
    decorator_faults.aim(nullptr);
    fired = fault.fired();
    BOOST_TEST_CONTEXT("fault at point " << n << ", " << fault.fired_at()) {
      if (location) {  // append said that the pack is durable: it is
        auto session = rig->backend().attach(*rig->io).value();
        BOOST_TEST(session->verify(*rig->io, *location, size_of(pack), sha256(pack)).ok());
      }
      const Status again = live_one_pack(faulty, *rig->io, id, pack, location);
      BOOST_TEST(again.ok(), (again.ok() ? "" : again.error().message));
      auto session = rig->backend().attach(*rig->io).value();
      const auto permit = Guard::permit(id, rig->backend().medium());
      BOOST_TEST(session->remove(*rig->io, *location, permit).ok());
    }
    if (!fired) BOOST_TEST(failed.ok());
  }
  BOOST_TEST(n > 5);
  BOOST_TEST_MESSAGE((in_io ? "file" : "back-end") << " points tried: " << n - 1);
}

}  // namespace holdfast
