// Every back-end passes the one conformance suite, and survives a fault at every point.
#include <sys/vfs.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/backend_conformance.h"
#include "tests/support/manual_sleeper.h"
#include "tests/support/memory_backend.h"
#include "tests/support/temporary_directory.h"
#include "tiers/pack_directory.h"
#include "tiers/vault/vault.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

constexpr UnixMillis kStart(1'790'000'000'000);

bool is_memory_file_system(const std::string& path) {
  struct statfs status = {};
  BOOST_REQUIRE(::statfs(path.c_str(), &status) == 0);
  return status.f_type == 0x01021994;
}

struct MemoryRig final : BackendRig {
  PackBackend& backend() override { return backend_; }
  MemoryBackend backend_{SeededRandom(1).id<MediumId>()};
};

// A labelled directory.
struct MediumRig : BackendRig {
  MediumRig(Tier tier_of_medium, std::string kind) {
    SeededRandom random(2);
    label = Label{random.id<ArchiveId>(), random.id<MediumId>(), std::string(word(tier_of_medium)),
                  std::move(kind), kStart};
    BOOST_REQUIRE(init_label(*io, directory.path(), label).ok());
  }
  bool can_prove() const override { return !is_memory_file_system(directory.path()); }

  TemporaryDirectory directory;
  Label label;
};

struct DirectoryRig final : MediumRig {
  DirectoryRig() : MediumRig(Tier::kWarm, "pack") {}
  PackBackend& backend() override { return backend_; }
  MediumRoot root{directory.path(), label.archive, label.medium};
  PackDirectory backend_{root};
};

struct VaultRig final : MediumRig {
  VaultRig() : MediumRig(Tier::kCold, "vault") {}
  PackBackend& backend() override { return vault; }
  ManualClock clock{kStart};
  ManualSleeper sleeper{clock};
  Vault vault{directory.path(), label.archive, label.medium, VaultTimes{seconds(90), seconds(30)},
              sleeper};
};

template <typename Rig>
std::unique_ptr<BackendRig> make_rig() {
  return std::make_unique<Rig>();
}

}  // namespace

BOOST_AUTO_TEST_CASE(memory_conforms) { check_conformance(make_rig<MemoryRig>); }
BOOST_AUTO_TEST_CASE(pack_directory_conforms) { check_conformance(make_rig<DirectoryRig>); }
BOOST_AUTO_TEST_CASE(vault_conforms) { check_conformance(make_rig<VaultRig>); }

BOOST_AUTO_TEST_CASE(p1_no_fault_of_a_back_end_loses_a_durable_pack) {
  check_faults_at_every_point(make_rig<MemoryRig>, false);
  check_faults_at_every_point(make_rig<DirectoryRig>, false);
  check_faults_at_every_point(make_rig<VaultRig>, false);
}

BOOST_AUTO_TEST_CASE(p1_no_fault_of_a_file_operation_loses_a_durable_pack) {
  check_faults_at_every_point(make_rig<DirectoryRig>, true);
  check_faults_at_every_point(make_rig<VaultRig>, true);
}

BOOST_AUTO_TEST_CASE(a_medium_without_its_label_is_offline_and_not_written_to) {
  DirectoryRig rig;
  auto session = rig.backend().attach(*rig.io).value();
  fs::remove(rig.directory / std::string(kLabelFileName));  // as if it were unmounted
  BOOST_TEST(fails_with(rig.backend().attach(*rig.io), Code::kUnavailable));
  const std::string pack(1000, 'x');
  BOOST_TEST(fails_with(
      session->append(*rig.io, SeededRandom(3).id<PackId>(), size_of(pack), source_of(pack)),
      Code::kUnavailable));
  BOOST_TEST(!fs::exists(rig.directory / "packs"));

  VaultRig vault;
  fs::remove(vault.directory / std::string(kLabelFileName));
  BOOST_TEST(fails_with(vault.backend().attach(*vault.io), Code::kUnavailable));
}

BOOST_AUTO_TEST_CASE(p5_a_changed_byte_on_the_medium_is_found) {
  SeededRandom random;
  DirectoryRig rig;
  const std::string pack = random.bytes(900'000);
  auto session = rig.backend().attach(*rig.io).value();
  const PackLocation location =
      session->append(*rig.io, random.id<PackId>(), size_of(pack), source_of(pack)).value();
  const auto at = static_cast<std::streamoff>(random.below(pack.size()));
  {
    std::fstream file(rig.directory / location, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.put(static_cast<char>(pack[static_cast<size_t>(at)] ^ 1));
  }
  BOOST_TEST(
      fails_with(session->verify(*rig.io, location, size_of(pack), sha256(pack)), Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_vault_costs_its_times_and_has_one_session) {
  VaultRig rig;
  const UnixMillis before = rig.clock.now();
  auto session = rig.backend().attach(*rig.io).value();
  BOOST_TEST((rig.clock.now() - before).count == seconds(90).count);
  BOOST_TEST(fails_with(rig.backend().attach(*rig.io), Code::kUnavailable));
  BOOST_TEST((rig.clock.now() - before).count == seconds(90).count);  // refused at once
  session.reset();
  BOOST_TEST((rig.clock.now() - before).count == seconds(120).count);
  BOOST_TEST(rig.backend().attach(*rig.io).ok());
}

BOOST_AUTO_TEST_CASE(a_vault_that_could_not_be_attached_can_be_tried_again) {
  VaultRig rig;
  FaultAt fault(0);
  rig.io_faults.aim(&fault);
  BOOST_TEST(!rig.backend().attach(*rig.io).ok());
  BOOST_TEST(fault.fired());
  rig.io_faults.aim(nullptr);
  BOOST_TEST(rig.backend().attach(*rig.io).ok());
}

BOOST_AUTO_TEST_CASE(locations_of_a_vault_sort_in_the_order_of_appending) {
  SeededRandom random;
  VaultRig rig;
  std::vector<PackLocation> locations;
  for (int i = 0; i < 12; ++i) {
    auto session = rig.backend().attach(*rig.io).value();
    const std::string pack = random.bytes(100);
    locations.push_back(
        session->append(*rig.io, random.id<PackId>(), size_of(pack), source_of(pack)).value());
  }
  BOOST_TEST(std::is_sorted(locations.begin(), locations.end()));
  BOOST_TEST((std::set<PackLocation>(locations.begin(), locations.end()).size() == 12u));
}
