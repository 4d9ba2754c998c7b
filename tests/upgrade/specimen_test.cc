// Upgrades: a whole archive that the first release wrote (index and secrets of schema 1, ledger
// and mirror, plain files, packs, a vault) is unpacked, opened by this program, read to the last
// byte, and rebuilt. It is never made again once it is frozen: a format that changes must still
// read it.
//
//   tests/upgrade/golden/archive-1.tar.zst   state/, mirror/, standard/, warm/, cold/
//   tests/upgrade/golden/archive-1.json      what is in it
//
// The other formats have specimens of their own: tests/ledger/golden, tests/tiers/golden, and the
// link in tests/http/signed_link_test.cc.
//
// scripts/make-specimens makes both files, by the last test below, as long as they are not frozen.
#include <sys/wait.h>

#include "index/schema_text.h"
#include "io/digest.h"
#include "tests/work/rebuild_rig.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kGolden[] = "tests/upgrade/golden/archive-1";

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Of the first schema: while it is not frozen, a specimen of an earlier draft says nothing.
std::string first_schema() {
  return sha256(std::string(schema::kTables1) + std::string(schema::kTriggers1) +
                std::string(schema::kSecrets1))
      .hex();
}

class Specimen {
 public:
  Specimen() {
    const Result<json::value> facts = parse_json(text_of_file(std::string(kGolden) + ".json"));
    BOOST_REQUIRE_MESSAGE(facts.ok(), "no specimen");
    facts_ = facts->as_object();
  }
  bool is_of_this_draft() const {
    if (facts_.at("frozen").as_bool() || facts_.at("schema").as_string() == first_schema())
      return true;
    std::cout << "skipped: the specimen is of an earlier draft of schema 1; scripts/make-specimens "
                 "makes it anew\n";
    return false;
  }
  const json::array& calls() const { return facts_.at("calls").as_array(); }
  ArchiveId archive() const {
    return must(ArchiveId::from_text(std::string(facts_.at("archive").as_string())));
  }
  UnixMillis now() const { return UnixMillis(facts_.at("now").as_int64()); }
  WorkspaceId workspace() const {
    return must(WorkspaceId::from_text(std::string(facts_.at("workspace").as_string())));
  }

 private:
  json::object facts_;
};

// False, told, where there is nothing to unpack it with.
bool unpack(const std::string& directory) {
  fs::create_directories(directory);
  const std::string command =
      "tar -x -I zstd -f '" + std::string(kGolden) + ".tar.zst' -C '" + directory + "'";
  const int status = std::system(command.c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  std::cout << "skipped: tar and zstd do not unpack the specimen here\n";
  return false;
}

// The archive of the specimen, opened in place of the one that the fixture makes.
class UpgradeRig : public RebuildRig {
 public:
  bool take(const Specimen& specimen) {
    close();
    for (const char* name : {"state", "mirror", "standard", "warm", "cold"})
      fs::remove_all(directory / name);
    if (!unpack(directory.path())) return false;
    clock.jump_to(specimen.now());
    workspace = specimen.workspace();
    return true;
  }
  void check(const Specimen& specimen) {
    BOOST_TEST((archive().id == specimen.archive()));
    for (const json::value& value : specimen.calls()) {
      const json::object& fact = value.as_object();
      TestCall call;
      call.call_sid = std::string(fact.at("call_sid").as_string());
      BOOST_TEST_CONTEXT(call.call_sid) { check(call, fact); }
    }
  }
  TableDump index_of_this_version() {
    Exceptions all;
    return dump_index(index_path(), all);
  }

 private:
  void check(const TestCall& call, const json::object& fact) {
    if (fact.at("destroyed").as_bool()) {
      const auto found = must(find(call.call_sid));
      if (found) BOOST_TEST((found->state == RecordingState::kDestroying));
      const TestCall again = make_call(call.call_sid);
      BOOST_TEST((code_of(try_ingest(again)) == Code::kConflict));
      return;
    }
    const Recording found = recording(call);
    BOOST_TEST((found.holds > 0) == fact.at("held").as_bool());
    BOOST_TEST((word(found.tier) == std::string(fact.at("tier").as_string())));
    if (!is_readable(call)) {
      must(ask(call));
      run_restorers();
    }
    for (const auto& file : fact.at("files").as_object()) {
      const Result<std::string> bytes = read(call, std::string(file.key()));
      BOOST_REQUIRE_MESSAGE(bytes.ok(), (bytes.ok() ? "" : bytes.error().message));
      BOOST_TEST(sha256(*bytes).hex() == std::string(file.value().as_string()));
    }
  }
};

BOOST_AUTO_TEST_SUITE(upgrade)

BOOST_AUTO_TEST_CASE(an_archive_of_the_first_release_is_opened) {
  const Specimen specimen;
  if (!specimen.is_of_this_draft()) return;
  UpgradeRig rig;
  if (!rig.take(specimen)) return;
  rig.open();
  BOOST_TEST(rig.report().agreement.replayed == 0);
  rig.check(specimen);
  // It lives on.
  const TestCall next = rig.ingest("CAnext");
  BOOST_TEST(rig.is_whole(next));
}

BOOST_AUTO_TEST_CASE(P10_an_archive_of_the_first_release_is_rebuilt) {
  const Specimen specimen;
  if (!specimen.is_of_this_draft()) return;
  UpgradeRig rig;
  if (!rig.take(specimen)) return;
  rig.lose_index();
  const RebuildReport report = rig.rebuild();
  BOOST_TEST(report.unlocated == 0);
  BOOST_TEST(report.adopted == 0);
  rig.check(specimen);
}

// Whatever migrations made of it, it is what this program makes of nothing.
BOOST_AUTO_TEST_CASE(a_migrated_index_has_the_schema_of_a_new_one) {
  const Specimen specimen;
  if (!specimen.is_of_this_draft()) return;
  UpgradeRig rig;
  const auto schema_of = [&] {
    rig.close();
    sqlite3* handle = nullptr;
    BOOST_REQUIRE(sqlite3_open(rig.index_path().c_str(), &handle) == SQLITE_OK);
    const auto rows = column_of_rows(
        handle, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1, 2");
    sqlite3_close(handle);
    return rows;
  };
  const std::vector<std::string> fresh = schema_of();
  if (!rig.take(specimen)) return;
  rig.open();
  BOOST_TEST(schema_of() == fresh, boost::test_tools::per_element());
}

// Not a test: the generator behind scripts/make-specimens.
BOOST_AUTO_TEST_CASE(make_specimen) {
  const char* target = std::getenv("HOLDFAST_MAKE_SPECIMEN");
  if (target == nullptr) return;
  RebuildRig rig;
  BOOST_REQUIRE(rig.can_verify());
  rig.live();
  json::array calls;
  const auto tell = [&](const TestCall& call, bool destroyed) {
    json::object fact{{"call_sid", call.call_sid}, {"destroyed", destroyed}};
    if (!destroyed) {
      const Recording found = rig.recording(call);
      json::object files;
      for (const auto& [name, bytes] : call.files) files[name] = sha256(bytes).hex();
      fact["files"] = std::move(files);
      fact["held"] = found.holds > 0;
      fact["tier"] = word(found.tier);
    }
    calls.push_back(std::move(fact));
  };
  for (const TestCall* call :
       {&rig.on_cold, &rig.on_warm, &rig.on_both, &rig.on_standard, &rig.condemned_and_held})
    tell(*call, false);
  for (const TestCall* call : {&rig.destroyed, &rig.destroyed_in_pack}) tell(*call, true);
  const json::object facts{{"archive", rig.archive().id.text()},
                           {"calls", std::move(calls)},
                           {"frozen", false},
                           {"now", rig.clock.now().count},
                           {"schema", first_schema()},
                           {"workspace", rig.workspaces[0].text()}};
  rig.close();
  fs::create_directories(target);
  for (const char* name : {"state", "mirror", "standard", "warm", "cold"})
    fs::copy(rig.directory / name, fs::path(target) / name, fs::copy_options::recursive);
  for (const char* name :
       {"state/reserve", "state/index.db.lock", "state/index.db-shm", "state/secrets.db-shm"})
    fs::remove(fs::path(target) / name);
  std::ofstream(fs::path(target) / "facts.json") << canonical(facts) << "\n";
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
