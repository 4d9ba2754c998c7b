// A recording that was moved to another workspace: its files stay where they are, and everything
// that reads, moves, packs, restores or removes them finds them there.
#include <filesystem>

#include "daemon/work/remover.h"
#include "index/commands/relabel.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

struct TwoTenants : ArchiveFixture {
  TwoTenants() : first(workspace), second(random.id<WorkspaceId>()) {
    must(archive().writer.call(add_workspace(second, "second", "uid:0")));
  }

  void move(const TestCall& call) {
    workspace = first;
    Relabel request;
    request.recording = recording(call).recording_no;
    request.workspace = second;
    request.attributes = json::object{{"campaign", "autumn"}};
    request.reason = "it came in under the wrong tenant";
    request.who = "uid:0";
    must(archive().writer.call(relabel(std::move(request))));
    workspace = second;  // from here on the rig asks there
  }
  std::string first_tree() const { return config.standard.path + "/standard/" + first.text(); }
  std::string second_tree() const { return config.standard.path + "/standard/" + second.text(); }

  WorkspaceId first;
  WorkspaceId second;
};

TestCall later_part(const TestCall& call, const std::string& name) {
  TestCall later;
  later.call_sid = call.call_sid;
  later.files[name] = "caller: hello, " + name;
  return later;
}

BOOST_AUTO_TEST_SUITE(relabelled)

BOOST_AUTO_TEST_CASE(its_files_are_found_on_every_tier_whenever_it_was_moved) {
  using Step = void (*)(ArchiveFixture&);
  const std::pair<const char*, Step> kBefore[] = {
      {"standard", [](ArchiveFixture&) {}},
      {"packed", [](ArchiveFixture& rig) { rig.pack(); }},
      {"warm", [](ArchiveFixture& rig) { rig.to_warm(); }},
      {"cold", [](ArchiveFixture& rig) { rig.to_cold(); }}};
  for (const auto& [name, step] : kBefore) {
    BOOST_TEST_CONTEXT("moved while it was on " << name) {
      TwoTenants rig;
      if (!rig.can_verify()) return;
      TestCall call = rig.ingest();
      step(rig);
      rig.move(call);
      const TestCall later = later_part(call, "transcript.txt");
      BOOST_TEST(must(rig.try_ingest(later)).part == 2);
      call.files.insert(later.files.begin(), later.files.end());
      BOOST_TEST(rig.is_kept(call));
      BOOST_TEST(!std::filesystem::exists(rig.second_tree()));  // parts stay together
      rig.clock.advance(hours(25));
      rig.run_mover();
      rig.to_cold();
      rig.to_cold();
      BOOST_TEST(!rig.is_readable(call));
      BOOST_TEST(rig.files_below(rig.first_tree()).empty());
      must(rig.ask(call));
      rig.run_restorers();
      BOOST_TEST(rig.is_whole(call));
      rig.reopen();
      BOOST_TEST(rig.is_whole(call));
      BOOST_TEST(rig.unsettled().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_retry_where_it_was_makes_no_second_recording) {
  TwoTenants rig;
  const TestCall call = rig.ingest();
  rig.move(call);
  rig.workspace = rig.first;
  for (const TestCall& retry : {call, later_part(call, "transcript.txt")}) {
    const auto refused = rig.try_ingest(retry);
    BOOST_TEST((code_of(refused) == Code::kConflict));
    BOOST_TEST(refused.error().message.find("relabelled:") != std::string::npos);
  }
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.unsettled().empty());
  rig.workspace = rig.second;
  BOOST_TEST((must(rig.try_ingest(call)).verdict == IngestVerdict::kSame));
}

BOOST_AUTO_TEST_CASE(a_later_part_may_tell_either_workspace) {
  TwoTenants rig;
  const TestCall call = rig.ingest();
  rig.move(call);
  for (const WorkspaceId& told : {rig.first, rig.second}) {
    TestCall later = later_part(call, "note-" + told.text() + ".txt");
    const std::string number = told == rig.first ? "2" : "3";
    later.files["metadata." + number + ".json"] =
        "{\"workspace_id\":\"" + told.text() + "\",\"call_sid\":\"" + call.call_sid + "\"}";
    must(rig.try_ingest(later));
    BOOST_TEST(rig.is_whole(later));
  }
  TestCall foreign = later_part(call, "foreign.txt");
  foreign.files["metadata.4.json"] =
      "{\"workspace_id\":\"" + rig.random.id<WorkspaceId>().text() + "\"}";
  BOOST_TEST((code_of(rig.try_ingest(foreign)) == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(a_destruction_takes_the_files_where_they_are) {
  TwoTenants rig;
  const TestCall call = rig.ingest();
  must(rig.try_ingest(later_part(call, "transcript.txt")));
  rig.move(call);
  must(rig.destroy(call));
  BOOST_TEST(rig.files_below(rig.first_tree()).empty());
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(!rig.is_known(call));
  for (const WorkspaceId& workspace : {rig.second, rig.first}) {
    rig.workspace = workspace;
    const auto retry = rig.try_ingest(later_part(call, "transcript.txt"));
    BOOST_TEST((code_of(retry) == Code::kConflict));
    BOOST_TEST(retry.error().message.find("erased:") != std::string::npos, retry.error().message);
  }
}

// Between acknowledged and placed: the place is that of the workspace which took it in.
// Also when it dies between the words and the last line.
BOOST_AUTO_TEST_CASE(a_destruction_takes_what_was_said_of_it) {
  TwoTenants rig;
  const TestCall call = rig.ingest();
  const TestCall other = rig.ingest();
  rig.move(other);
  rig.move(call);
  const auto notes_with = [&](const std::string& word) {
    size_t found = 0;
    for (const std::string& place : {rig.config.state_dir + "/ledger/notes", rig.config.mirror_dir})
      for (const std::string& path : rig.files_below(place)) {
        std::ifstream in(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        found += path.find("/notes") != std::string::npos && text.find(word) != std::string::npos;
      }
    return found;
  };
  BOOST_TEST(notes_with("autumn") == 4u);  // two relabels, two places
  BOOST_TEST(notes_with("wrong tenant") == 4u);
  must(rig.destroy(call));
  rig.reopen();
  rig.run_mover();
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(notes_with("autumn") == 2u);
  BOOST_TEST(notes_with("wrong tenant") == 2u);
  BOOST_TEST(rig.is_known(other));
}

BOOST_AUTO_TEST_CASE(policy_looks_at_once_by_the_rule_of_the_new_workspace) {
  TwoTenants rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.run_mover();  // it is not due for a minute
  WorkspaceConfig rule;
  rule.workspace = rig.second;
  rule.standard_copy_after = Millis(0);
  rule.standard_release_after = rig.config.standard.release_after;
  rule.warm_copy_after = rig.config.warm.copy_after;
  rule.warm_release_after = rig.config.warm.release_after;
  rule.keep_default = rig.config.keep_default;
  rig.config.workspaces.push_back(rule);
  rig.reopen();
  rig.run_mover();
  const auto is_planned = [&] {
    for (const CopyRow& copy : rig.recording(call).copies)
      if (copy.pack) return true;
    return false;
  };
  BOOST_TEST(!is_planned());
  rig.move(call);
  rig.run_mover();
  BOOST_TEST(is_planned());
}

BOOST_AUTO_TEST_CASE(P7_one_that_was_moved_before_it_was_placed_is_placed) {
  TwoTenants rig;
  const TestCall call = rig.ingest();
  const Recording known = rig.recording(call);
  const Place place{known.home, known.day, known.call_sid, 1};
  const std::string root = rig.config.standard.path + "/";
  // As a crash right after the commit leaves it.
  std::filesystem::rename(root + place.directory(),
                          root + incoming_directory(PartId{known.recording, 1}));
  must(rig.archive().writer.call(
      Command<void>{"unplace", [](WriteTxn& txn) -> Status {
                      HOLDFAST_TRY(txn.index().execute("UPDATE part SET placed = 0"));
                      return txn.index().execute("UPDATE recording SET state = 0");
                    }}));
  rig.move(call);
  BOOST_TEST(rig.is_whole(call));
  rig.reopen();
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.unsettled().empty());
  BOOST_TEST(std::filesystem::exists(root + place.directory() + "/recording.json"));
}

BOOST_AUTO_TEST_CASE(P6_a_lost_index_finds_it_again) {
  TwoTenants rig;
  TestCall call = rig.ingest();
  rig.move(call);
  const TestCall later = later_part(call, "transcript.txt");
  must(rig.try_ingest(later));
  call.files.insert(later.files.begin(), later.files.end());
  rig.crash();
  rig.lose_index();
  rig.rebuild();
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST((rig.recording(call).home == rig.first));
  rig.workspace = rig.first;
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
