// A small archive with everything in it that a rebuild has to bring back.
#pragma once

#include "index/commands/relabel.h"
#include "index/commands/retention.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/index_dump.h"

namespace holdfast::testing {

class RebuildRig : public ArchiveFixture {
 public:
  explicit RebuildRig(const Change& change = Change(), uint64_t seed = test_seed())
      : ArchiveFixture(change, seed) {}

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
    give_classes();
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
    retain(on_cold, "law");
    retain(on_warm, "year");
    retain(on_warm, "month", true);
    retain(on_both, std::nullopt);
    staged = on_warm;
    must(ask(staged, hours(1000)));
    run_restorers();
  }
  // New recordings are given a class that locks nothing.
  void give_classes() {
    const auto set = [&](const char* name, const char* keep, RetentionMode mode) {
      SetRetentionClass wish;
      wish.name = name;
      wish.rule = {mode, RetentionEvent::kCallEnd, parse_period(keep).value()};
      wish.who = "uid:0";
      must(archive().writer.call(set_retention_class(wish)));
    };
    set("none", "0d", RetentionMode::kGovernance);
    set("year", "1y", RetentionMode::kGovernance);
    set("year", "2y", RetentionMode::kGovernance);
    set("month", "1mo", RetentionMode::kGovernance);
    set("law", "10y", RetentionMode::kCompliance);
    set("ever", "forever", RetentionMode::kCompliance);
    must(archive().writer.call(set_retention_default(std::nullopt, "none", "uid:0")));
    must(archive().writer.call(set_retention_default(workspaces[1], "ever", "uid:0")));
  }
  void retain(const TestCall& call, std::optional<std::string> name, bool bypass = false) {
    AssignRetention wish;
    wish.recording = recording(call).recording_no;
    wish.name = std::move(name);
    wish.bypass = bypass;
    if (bypass) wish.reason = "consent was withdrawn";
    wish.who = "key:test";
    must(archive().writer.call(assign_retention(wish)));
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
