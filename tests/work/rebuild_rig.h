// A small archive with everything in it that a rebuild has to bring back.
#pragma once

#include "index/commands/relabel.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/index_dump.h"

namespace holdfast::testing {

class RebuildRig : public ArchiveFixture {
 public:
  explicit RebuildRig(const Change& change = Change()) : ArchiveFixture(change) {}

  std::string index_path() const { return config.state_dir + "/index.db"; }
  TableDump dump() {
    close();
    return dump_index(index_path());
  }
  std::set<std::string> media() const {
    std::set<std::string> files = files_below(config.standard.path);
    files.merge(files_below(config.warm.path));
    files.merge(files_below(config.cold->path));
    return files;
  }
  // One call at every place of its life.
  void live() {
    workspaces = {workspace, random.id<WorkspaceId>()};
    must(archive().writer.call(add_workspace(workspaces[1], "neighbour", "uid:0")));
    on_cold = ingest();
    destroyed_in_pack = ingest();
    moved = ingest();
    must(hold(on_cold, "a matter that goes on"));
    const HoldRow over = must(hold(moved, "a matter that is over"));
    must(archive().writer.call(release_hold(over.hold, "settled", "key:test")));
    relabel_to(moved, workspaces[1]);
    to_cold();
    workspace = workspaces[0];
    must(destroy(destroyed_in_pack));
    on_warm = ingest();
    to_warm();
    on_both = ingest();
    add_part(on_both, "transcript.txt");
    pack();
    on_standard = ingest();
    destroyed = ingest();
    must(destroy(destroyed));
    condemned_and_held = ingest();
    must(archive().writer.call(condemn(recording(condemned_and_held).recording_no, "key:test")));
    must(hold(condemned_and_held, "a hold in time"));
    staged = on_warm;
    must(ask(staged, hours(1000)));
    run_restorers();
  }
  void relabel_to(const TestCall& call, const WorkspaceId& to) {
    Relabel request;
    request.recording = recording(call).recording_no;
    request.workspace = to;
    request.attributes = json::object{{"campaign", "found again"}};
    request.reason = "wrong tenant";
    request.who = "key:test";
    must(archive().writer.call(relabel(std::move(request))));
  }
  void add_part(TestCall& call, const std::string& name) {
    TestCall part;
    part.call_sid = call.call_sid;
    part.files[name] = "what was said, in words";
    must(try_ingest(part));
    call.files.merge(part.files);
  }
  // Every call that was not destroyed comes back whole; the others do not.
  void check_calls() {
    workspace = workspaces[0];
    for (const TestCall* call : {&on_cold, &on_warm, &on_both, &on_standard, &condemned_and_held})
      BOOST_TEST(is_kept(*call), call->call_sid << " does not come back whole");
    for (const TestCall* call : {&destroyed, &destroyed_in_pack}) {
      const auto found = must(find(call->call_sid));
      if (found) BOOST_TEST((found->state == RecordingState::kDestroying));
      BOOST_TEST((code_of(try_ingest(*call)) == Code::kConflict), call->call_sid);
    }
    BOOST_TEST((code_of(try_ingest(moved)) == Code::kConflict));  // its former address
    BOOST_TEST((code_of(archive().writer.call(
                    condemn(recording(on_cold).recording_no, "key:test"))) == Code::kLocked));
    workspace = workspaces[1];
    BOOST_TEST(is_kept(moved));
    workspace = workspaces[0];
  }

  std::vector<WorkspaceId> workspaces;
  TestCall on_cold, on_warm, on_both, on_standard;
  TestCall destroyed, destroyed_in_pack, condemned_and_held, moved, staged;
};

}  // namespace holdfast::testing
