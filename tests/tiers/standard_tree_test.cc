// The standard tier: ingest, placement, removal and staging as they should go.
#include "tiers/disk/standard_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/limits.h"
#include "tests/support/failing_sync.h"
#include "tests/tiers/standard_tree_rig.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

template <typename T>
Code code_of(const Result<T>& result) {
  BOOST_REQUIRE(!result.ok());
  return result.error().code;
}

// Changes the file when it is first read: somebody still writes to what was handed over.
class ChangeWhileRead final : public Faults {
 public:
  explicit ChangeWhileRead(std::string path) : path_(std::move(path)) {}
  Status at(std::string_view point) override {
    if (point == "read" && !done_) {
      done_ = true;
      std::ofstream(path_, std::ios::app) << "more";
    }
    return {};
  }
  bool done() const { return done_; }

 private:
  std::string path_;
  bool done_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_part_is_readable_in_incoming_and_at_its_place) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  BOOST_REQUIRE(rig.ingest(part).ok());
  BOOST_TEST(rig.is_readable(part, incoming_directory(part.id())));
  BOOST_REQUIRE(rig.tree->place(*rig.io, part.id(), part.place()).ok());
  BOOST_TEST(rig.is_placed(part));
  BOOST_TEST((rig.all_files() == rig.files_of(part, part.place().directory())));
  BOOST_TEST(rig.tree->place(*rig.io, part.id(), part.place()).ok());  // again
  BOOST_TEST(rig.is_placed(part));
}

BOOST_AUTO_TEST_CASE(later_parts_lie_within_the_calls_directory_in_any_order) {
  StandardRig rig;
  const TestPart first = rig.make_part();
  const TestPart second = rig.make_later_part(first, 2);
  BOOST_REQUIRE(rig.ingest_and_place(second).ok());
  BOOST_TEST(rig.is_placed(second));
  BOOST_REQUIRE(rig.ingest_and_place(first).ok());
  BOOST_TEST(rig.is_placed(first));
  BOOST_TEST(rig.is_placed(second));

  // The first may leave while the second stays, and come back.
  BOOST_REQUIRE(rig.tree->move_to_trash(*rig.io, first.place(), rig.permit(first.id())).ok());
  BOOST_TEST(!rig.is_placed(first));
  BOOST_TEST(rig.is_placed(second));
  BOOST_REQUIRE(rig.tree->restore_from_trash(*rig.io, first.id(), first.place()).ok());
  BOOST_TEST(rig.is_placed(first));
  BOOST_TEST(rig.is_placed(second));
}

BOOST_AUTO_TEST_CASE(another_recording_is_never_placed_over_one) {
  StandardRig rig;
  const TestPart first = rig.make_part("CA1");
  const TestPart other = rig.make_part("CA1");
  BOOST_REQUIRE(rig.ingest_and_place(first).ok());
  BOOST_REQUIRE(rig.ingest(other).ok());
  BOOST_TEST((code_of(rig.tree->place(*rig.io, other.id(), other.place())) == Code::kConflict));
  TestPart foreign = rig.make_part("CA1", 2);
  BOOST_REQUIRE(rig.ingest(foreign).ok());
  BOOST_TEST((code_of(rig.tree->place(*rig.io, foreign.id(), foreign.place())) == Code::kConflict));
  BOOST_TEST(rig.is_placed(first));
  const TestPart never = rig.make_part("CA2");
  BOOST_TEST((code_of(rig.tree->place(*rig.io, never.id(), never.place())) == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(only_regular_files_with_one_link_are_taken_in) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  PartWriter writer = rig.tree->begin(*rig.io, part.id()).value();
  const Fd spool = open_root(rig.spool.path()).value();
  const auto take = [&](const std::string& name, int64_t most = 100) {
    return writer.copy_in(*rig.io, spool, name, Bytes(most));
  };
  std::ofstream(rig.spool / "plain.wav") << "0123456789";
  fs::create_symlink("plain.wav", rig.spool / "link.wav");
  fs::create_hard_link(rig.spool / "plain.wav", rig.spool / "second.wav");
  fs::create_directory(rig.spool / "directory.wav");
  BOOST_REQUIRE(::mkfifo((rig.spool / "fifo.wav").c_str(), 0600) == 0);
  BOOST_TEST((code_of(take("link.wav")) == Code::kForbidden));
  BOOST_TEST((code_of(take("second.wav")) == Code::kInvalid));
  BOOST_TEST((code_of(take("directory.wav")) == Code::kInvalid));
  BOOST_TEST((code_of(take("fifo.wav")) == Code::kInvalid));
  BOOST_TEST((code_of(take("absent.wav")) == Code::kNotFound));
  BOOST_TEST((code_of(take("../plain.wav")) == Code::kInvalid));
  fs::remove(rig.spool / "second.wav");
  BOOST_TEST((code_of(take("plain.wav", 9)) == Code::kTooLarge));
  BOOST_REQUIRE(take("plain.wav", 10).ok());
  BOOST_TEST(writer.files().size() == 1u);
  BOOST_TEST((writer.files()[0].sha256 == sha256("0123456789")));
  BOOST_TEST((code_of(take("plain.wav")) == Code::kConflict));  // the name is taken
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_while_it_is_taken_in_is_refused) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  PartWriter writer = rig.tree->begin(*rig.io, part.id()).value();
  const Fd spool = open_root(rig.spool.path()).value();
  std::ofstream(rig.spool / "growing.wav") << rig.random.bytes(400'000);
  ChangeWhileRead change(rig.spool / "growing.wav");
  rig.faults.aim(&change);
  const auto taken = writer.copy_in(*rig.io, spool, "growing.wav", Bytes(1 << 20));
  rig.faults.aim(nullptr);
  BOOST_REQUIRE(change.done());
  BOOST_TEST((code_of(taken) == Code::kConflict));
  // Half of a file is left: the part cannot be finished with it.
  BOOST_TEST((code_of(writer.finish(*rig.io, rig.describing(writer, part))) == Code::kConflict));
  BOOST_TEST(writer.drop(*rig.io, "growing.wav").ok());
  BOOST_TEST(writer.copy_in(*rig.io, spool, "growing.wav", Bytes(1 << 20)).ok());
  BOOST_TEST(writer.finish(*rig.io, rig.describing(writer, part)).ok());
}

// Whichever it is: of a file that is synced because many are open, of one at the end, of the names.
BOOST_AUTO_TEST_CASE(p7_a_part_of_which_a_sync_failed_is_never_finished) {
  constexpr int kFiles = 5;  // more than wait for their sync at once
  static_assert(kFiles > limits::kUnsyncedFilesMax);
  for (int n = 0;; ++n) {
    StandardRig rig;
    const TestPart part = rig.make_part();
    PartWriter writer = rig.tree->begin(*rig.io, part.id()).value();
    FailingSync fault(n);
    rig.faults.aim(&fault);
    for (int i = 0; i < kFiles; ++i) {
      const std::string name = std::to_string(i) + ".wav";
      auto file = writer.create(*rig.io, name, Bytes(100)).value();
      BOOST_TEST(file->append(*rig.io, as_bytes("sound")).ok());
      if (!file->finish(*rig.io).ok()) BOOST_TEST(writer.drop(*rig.io, name).ok());
    }
    const Status finished = writer.finish(*rig.io, rig.describing(writer, part));
    rig.faults.aim(nullptr);
    BOOST_TEST(finished.ok() == !fault.fired(), "sync " << n);
    if (!fault.fired()) {
      BOOST_TEST(n == kFiles + 3);  // each once, recording.json, and the two directories
      return;
    }
    BOOST_TEST(!writer.finish(*rig.io, rig.describing(writer, part)).ok());
  }
}

BOOST_AUTO_TEST_CASE(a_part_refuses_bad_names_too_many_bytes_and_false_descriptions) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  PartWriter writer = rig.tree->begin(*rig.io, part.id()).value();
  for (const char* name : {"", ".hidden", "a/b", "recording.json", "x.head", "x.tail"})
    BOOST_TEST((code_of(writer.create(*rig.io, name, Bytes(5))) == Code::kInvalid), name);
  auto file = writer.create(*rig.io, "a.wav", Bytes(5)).value();
  BOOST_TEST(file->append(*rig.io, as_bytes("12345")).ok());
  BOOST_TEST((code_of(file->append(*rig.io, as_bytes("6"))) == Code::kTooLarge));
  BOOST_TEST((code_of(writer.finish(*rig.io, rig.describing(writer, part))) ==
              Code::kConflict));  // a.wav is open
  BOOST_TEST(file->finish(*rig.io).ok());
  BOOST_TEST((code_of(writer.finish(*rig.io, part.description)) == Code::kInvalid));
  BOOST_TEST(writer.abort(*rig.io).ok());
  BOOST_TEST(rig.all_files().empty());
}

BOOST_AUTO_TEST_CASE(beginning_anew_forgets_the_first_try) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  {
    PartWriter writer = rig.tree->begin(*rig.io, part.id()).value();
    auto file = writer.create(*rig.io, "stray.wav", Bytes(100)).value();
    BOOST_REQUIRE(file->append(*rig.io, as_bytes("half")).ok());
  }
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  BOOST_TEST((rig.all_files() == rig.files_of(part, part.place().directory())));
}

// P6: without an index nobody knows what was acknowledged. What was finished is never told as
// something that start-up may discard, however damaged it is.
BOOST_AUTO_TEST_CASE(p6_incoming_entries_are_complete_or_never_finished_or_left_alone) {
  StandardRig rig;
  const TestPart whole = rig.make_part("CA1");
  const TestPart short_file = rig.make_part("CA2");
  const TestPart torn = rig.make_part("CA3");
  const TestPart lost_file = rig.make_part("CA4");
  const TestPart oversized = rig.make_part("CA5");
  const TestPart unfinished = rig.make_part("CA6");
  for (const TestPart* part : {&whole, &short_file, &torn, &lost_file, &oversized})
    BOOST_REQUIRE(rig.ingest(*part).ok());
  BOOST_REQUIRE(rig.tree->begin(*rig.io, unfinished.id()).ok());
  const auto path = [&](const TestPart& part, const std::string& name) {
    return rig.directory / (incoming_directory(part.id()) + "/" + name);
  };
  fs::resize_file(path(short_file, "inbound.ulaw"), 10);
  fs::resize_file(path(torn, "recording.json"), 10);
  fs::remove(path(lost_file, "metadata.json"));
  fs::resize_file(path(oversized, "recording.json"), 1 << 20);
  fs::create_directory(rig.directory / "standard/.incoming/foreign");
  const auto entries = rig.list_incoming().value();
  BOOST_REQUIRE(entries.size() == 6u);
  for (const IncomingEntry& entry : entries) {
    const bool is_whole = entry.part == whole.id();
    BOOST_TEST(entry.description.has_value() == is_whole);
    BOOST_TEST(entry.damage.empty() == (is_whole || entry.part == unfinished.id()));
    if (entry.description) BOOST_TEST((*entry.description == whole.description));
  }
  BOOST_TEST(rig.tree->discard_incoming(*rig.io, unfinished.id()).ok());
  BOOST_TEST(rig.list_incoming()->size() == 5u);
}

// What of it is on the disk nobody knows: it does not look complete to whoever finds it.
BOOST_AUTO_TEST_CASE(p1_a_part_whose_sync_failed_has_no_description) {
  StandardRig rig;
  const TestPart part = rig.make_part("CA1");
  EachFails no_syncs("fsync");
  AimedFaults faults;
  IoOptions options;
  options.faults = &faults;
  rig.io = Io::open(options).value();
  PartWriter writer = rig.tree->begin(*rig.io, part.id()).value();
  BOOST_REQUIRE(rig.write_files(writer, part).ok());
  faults.aim(&no_syncs);
  BOOST_TEST(!writer.finish(*rig.io, part.description).ok());
  faults.aim(nullptr);
  const auto entries = rig.list_incoming().value();
  BOOST_REQUIRE(entries.size() == 1u);
  BOOST_TEST(!entries.front().description.has_value());
  BOOST_TEST(entries.front().damage.empty());
}

// Complete by its sizes: the digests say whether it is.
BOOST_AUTO_TEST_CASE(an_entry_is_proven_by_what_lies_on_the_medium) {
  StandardRig rig;
  const TestPart part = rig.make_part("CA1");
  BOOST_REQUIRE(rig.ingest(part).ok());
  const std::string file = rig.directory / (incoming_directory(part.id()) + "/inbound.ulaw");
  BOOST_TEST(rig.tree->prove_incoming(*rig.io, part.description).value().empty());
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "?";
  const std::string damage = rig.tree->prove_incoming(*rig.io, part.description).value();
  BOOST_TEST(damage.find("inbound.ulaw has another digest") != std::string::npos, damage);
  fs::remove(file);
  BOOST_TEST((code_of(rig.tree->prove_incoming(*rig.io, part.description)) == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(p3_nothing_leaves_without_the_right_permit) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  const TestPart other = rig.make_part("CA2");
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  const PartId id = part.id();
  const auto refused = [&](const ReleasePermit& permit) {
    return code_of(rig.tree->move_to_trash(*rig.io, part.place(), permit));
  };
  const MediumId elsewhere = rig.random.id<MediumId>();
  BOOST_TEST((refused(Guard::permit(id.recording, 1, elsewhere)) == Code::kInvalid));
  BOOST_TEST((refused(rig.permit(PartId{id.recording, 2})) == Code::kInvalid));
  BOOST_TEST((refused(rig.permit(other.id())) == Code::kConflict));
  BOOST_TEST((code_of(rig.tree->empty_trash_entry(
                  *rig.io, Guard::permit(id.recording, 1, elsewhere))) == Code::kInvalid));
  BOOST_TEST((code_of(rig.tree->remove_staged(
                  *rig.io, Guard::permit(id.recording, 1, elsewhere))) == Code::kInvalid));
  BOOST_TEST(rig.is_placed(part));
}

BOOST_AUTO_TEST_CASE(what_left_is_gone_and_takes_its_empty_days_along) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  const ReleasePermit permit = rig.permit(part.id());
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  for (int turn = 0; turn < 2; ++turn) {  // each step may be repeated
    BOOST_TEST(rig.tree->move_to_trash(*rig.io, part.place(), permit).ok());
    BOOST_TEST(!rig.is_placed(part));
    BOOST_TEST(rig.tree->list_trash(*rig.io)->size() == 1u);
    BOOST_TEST((rig.tree->list_trash(*rig.io)->front().description == part.description));
  }
  for (int turn = 0; turn < 2; ++turn)
    BOOST_TEST(rig.tree->empty_trash_entry(*rig.io, permit).ok());
  BOOST_TEST(rig.tree->move_to_trash(*rig.io, part.place(), permit).ok());
  BOOST_TEST(rig.all_files().empty());
  BOOST_TEST(rig.tree->list_trash(*rig.io)->empty());
  const fs::path workspace =
      fs::path(rig.directory.path()) / "standard" / part.description.workspace.text();
  BOOST_TEST(fs::exists(workspace));
  BOOST_TEST(fs::is_empty(workspace));
  // The same call may come again, and an old permit does not touch it.
  const TestPart again = rig.make_part();
  BOOST_REQUIRE(rig.ingest_and_place(again).ok());
  BOOST_TEST(!rig.tree->move_to_trash(*rig.io, part.place(), permit).ok());
  BOOST_TEST(rig.is_placed(again));
}

BOOST_AUTO_TEST_CASE(what_is_being_emptied_is_not_put_back_as_if_it_were_whole) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  BOOST_REQUIRE(rig.tree->move_to_trash(*rig.io, part.place(), rig.permit(part.id())).ok());
  fs::remove(rig.directory / ("standard/.trash/" + part.id().text() + "/recording.json"));
  BOOST_TEST(!rig.tree->list_trash(*rig.io)->front().description.has_value());
  BOOST_TEST(
      (code_of(rig.tree->restore_from_trash(*rig.io, part.id(), part.place())) == Code::kConflict));
  BOOST_TEST(!rig.is_placed(part));
}

// As a copy that was made anew while an older one lay in the trash, and could not be read there.
BOOST_AUTO_TEST_CASE(what_lay_in_the_trash_keeps_no_later_copy_from_leaving) {
  for (const std::string damage : {"none", "recording.json", "no recording.json"}) {
    BOOST_TEST_CONTEXT(damage) {
      StandardRig rig;
      const TestPart part = rig.make_part();
      BOOST_REQUIRE(rig.ingest_and_place(part).ok());
      const std::string older = rig.directory / ("standard/.trash/" + part.id().text());
      fs::copy(rig.directory / part.place().directory(), older);
      if (damage == "recording.json") std::ofstream(older + "/recording.json") << "{";
      if (damage == "no recording.json") fs::remove(older + "/recording.json");
      const ReleasePermit permit = rig.permit(part.id());
      const Status moved = rig.tree->move_to_trash(*rig.io, part.place(), permit);
      BOOST_TEST(moved.ok(), (moved.ok() ? "" : moved.error().message));
      BOOST_TEST(rig.tree->empty_trash_entry(*rig.io, permit).ok());
      BOOST_TEST(rig.all_files().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_part_is_put_back_only_where_it_came_from_and_where_no_other_lies) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  BOOST_REQUIRE(rig.tree->move_to_trash(*rig.io, part.place(), rig.permit(part.id())).ok());
  const auto put_back = [&](const Place& place) {
    return rig.tree->restore_from_trash(*rig.io, part.id(), place);
  };
  BOOST_TEST((code_of(put_back(rig.make_part("CA2").place())) == Code::kConflict));
  // The call came anew meanwhile.
  const TestPart again = rig.make_part();
  BOOST_REQUIRE(rig.ingest_and_place(again).ok());
  BOOST_TEST((code_of(put_back(part.place())) == Code::kConflict));
  BOOST_TEST(rig.is_placed(again));
  BOOST_TEST((rig.tree->list_trash(*rig.io)->front().description == part.description));
  BOOST_REQUIRE(rig.tree->move_to_trash(*rig.io, again.place(), rig.permit(again.id())).ok());
  BOOST_TEST(put_back(part.place()).ok());
  BOOST_TEST(rig.is_placed(part));
}

BOOST_AUTO_TEST_CASE(a_part_is_not_placed_as_another) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  BOOST_REQUIRE(rig.ingest(part).ok());
  Place other = part.place();
  other.part = 2;
  BOOST_TEST((code_of(rig.tree->place(*rig.io, part.id(), other)) == Code::kInvalid));
  BOOST_TEST(rig.tree->place(*rig.io, part.id(), part.place()).ok());
  BOOST_TEST(rig.is_placed(part));
}

BOOST_AUTO_TEST_CASE(a_part_has_no_more_files_than_the_limit_and_no_reserved_one_is_dropped) {
  StandardRig rig;
  PartWriter writer = rig.tree->begin(*rig.io, rig.make_part().id()).value();
  const auto add = [&](const std::string& name) -> Status {
    HOLDFAST_ASSIGN(file, writer.create(*rig.io, name, Bytes(1)));
    HOLDFAST_ASSIGN(done, file->finish(*rig.io));
    static_cast<void>(done);
    return {};
  };
  for (int i = 0; i < limits::kFilesPerPartMax; ++i)
    BOOST_REQUIRE(add("f" + std::to_string(i)).ok());
  BOOST_TEST((code_of(add("one-more")) == Code::kTooLarge));
  BOOST_TEST((code_of(writer.drop(*rig.io, "recording.json")) == Code::kInvalid));
  BOOST_TEST(writer.drop(*rig.io, "f0").ok());
  BOOST_TEST(add("one-more").ok());
}

// The bytes that were read anew take a bad copy's place, with the permit for it and no other.
BOOST_AUTO_TEST_CASE(p3_a_repair_takes_the_place_of_its_own_part_alone) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  const PartId id = part.id();
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  const std::string bad = rig.directory / (part.place().directory() + "/inbound.ulaw");
  fs::resize_file(bad, 5);
  const MediumId medium = rig.permit(id).medium();
  const auto replace = [&](const CopyRepairPermit& permit) {
    return rig.tree->replace(*rig.io, id, part.place(), permit);
  };
  const CopyRepairPermit permit = Guard::repair_permit(id.recording, 1, medium);
  BOOST_TEST((code_of(replace(permit)) == Code::kConflict));  // nothing was written yet

  const auto write = [&] {
    PartWriter writer = rig.tree->begin_repair(*rig.io, id).value();
    BOOST_REQUIRE(rig.write_files(writer, part).ok());
    BOOST_REQUIRE(writer.finish(*rig.io, part.description).ok());
  };
  write();
  const RecordingId other = rig.random.id<RecordingId>();
  for (const CopyRepairPermit& wrong :
       {Guard::repair_permit(other, 1, medium), Guard::repair_permit(id.recording, 2, medium),
        Guard::repair_permit(id.recording, 1, rig.random.id<MediumId>())})
    BOOST_TEST((code_of(replace(wrong)) == Code::kInvalid));
  BOOST_TEST(fs::file_size(bad) == 5u);

  // Cut short after any of its steps, it is begun again from the start.
  bool fired = true;
  for (int n = 0; fired; ++n) {
    FaultAt fault(n);
    rig.faults.aim(&fault);
    const Status done = replace(permit);
    rig.faults.aim(nullptr);
    fired = fault.fired();
    if (!fired) BOOST_REQUIRE(done.ok());
    if (fired) write();
    BOOST_REQUIRE_LT(n, 1'000);
  }
  BOOST_TEST(rig.is_placed(part));
  BOOST_TEST((rig.all_files() == rig.files_of(part, part.place().directory())));

  // The call left and came anew: the copy that was bad is not there any more.
  write();
  BOOST_REQUIRE(rig.tree->move_to_trash(*rig.io, part.place(), rig.permit(id)).ok());
  const TestPart again = rig.make_part();
  BOOST_REQUIRE(rig.ingest_and_place(again).ok());
  BOOST_TEST((code_of(replace(permit)) == Code::kConflict));
  BOOST_TEST(rig.is_placed(again));
  BOOST_TEST(rig.tree->discard_repairs(*rig.io).ok());
  BOOST_TEST(!fs::exists(rig.directory / repair_directory(id)));
}

BOOST_AUTO_TEST_CASE(staged_copies_are_whole_or_not_there) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  PartWriter unfinished = rig.tree->begin_staged(*rig.io, part.id()).value();
  const auto file = unfinished.create(*rig.io, "caller.wav", Bytes(10)).value();
  BOOST_TEST(
      (code_of(rig.tree->publish_staged(*rig.io, {&unfinished}).front()) == Code::kConflict));
  BOOST_TEST(rig.tree->list_staged(*rig.io)->empty());
  for (int turn = 0; turn < 2; ++turn) {  // a staged copy is replaced
    BOOST_REQUIRE(rig.stage(part).ok());
    BOOST_TEST(rig.is_readable(part, staged_directory(part.id())));
  }
  const auto staged = rig.tree->list_staged(*rig.io).value();
  BOOST_REQUIRE(staged.size() == 1u);
  BOOST_TEST((staged[0].part == part.id()));
  int64_t bytes = 0;
  for (const auto& [name, contents] : part.files) bytes += static_cast<int64_t>(contents.size());
  BOOST_TEST(staged[0].bytes.count == bytes);
  for (int turn = 0; turn < 2; ++turn)
    BOOST_TEST(rig.tree->remove_staged(*rig.io, rig.permit(part.id())).ok());
  BOOST_TEST(rig.all_files().empty());
}

// One that cannot be made durable keeps the others back in nothing, and leaves nothing to be seen.
BOOST_AUTO_TEST_CASE(staged_copies_that_are_published_together_end_each_on_its_own) {
  class OneSync final : public Faults {
   public:
    explicit OneSync(size_t which) : which_(which) {}
    Status at(std::string_view point) override {
      if (point != "fsync" || syncs_++ != which_) return {};
      return system_error(EIO, "injected fault");
    }
    size_t torn_bytes(size_t) override { return 0; }

   private:
    const size_t which_;
    size_t syncs_ = 0;
  };
  StandardRig rig;
  std::vector<TestPart> parts;
  std::vector<PartWriter> writers;
  for (const char* call : {"CA1", "CA2", "CA3"}) {
    parts.push_back(rig.make_part(call));
    writers.push_back(rig.tree->begin_staged(*rig.io, parts.back().id()).value());
    BOOST_REQUIRE(rig.write_files(writers.back(), parts.back()).ok());
  }
  OneSync fault(parts[0].files.size() + 1);  // after the first one's files and its directory
  rig.faults.aim(&fault);
  const std::vector<Status> outcomes =
      rig.tree->publish_staged(*rig.io, {&writers[0], &writers[1], &writers[2]});
  rig.faults.aim(nullptr);
  BOOST_TEST(outcomes[0].ok());
  BOOST_TEST((code_of(outcomes[1]) == Code::kIo));
  BOOST_TEST(outcomes[2].ok());
  for (size_t i : {0u, 2u}) BOOST_TEST(rig.is_readable(parts[i], staged_directory(parts[i].id())));
  BOOST_TEST(!fs::exists(rig.directory / staged_directory(parts[1].id())));
  // What was not synced once is not synced again.
  BOOST_TEST((code_of(rig.tree->publish_staged(*rig.io, {&writers[1]}).front()) == Code::kIo));
}

BOOST_AUTO_TEST_CASE(a_rebuild_sees_what_is_placed_and_told_about_what_is_broken) {
  StandardRig rig;
  const TestPart first = rig.make_part("CA1");
  const TestPart second = rig.make_later_part(first, 2);
  const TestPart broken = rig.make_part("CA2");
  const TestPart incoming = rig.make_part("CA3");
  for (const TestPart* part : {&first, &second, &broken})
    BOOST_REQUIRE(rig.ingest_and_place(*part).ok());
  BOOST_REQUIRE(rig.ingest(incoming).ok());
  fs::resize_file(rig.directory / (broken.place().directory() + "/recording.json"), 5);
  std::map<std::string, bool> seen;
  BOOST_REQUIRE(rig.tree
                    ->each_placed(*rig.io,
                                  [&](std::string_view where, const auto& found) -> Status {
                                    seen[std::string(where)] = found.ok();
                                    return {};
                                  })
                    .ok());
  const std::map<std::string, bool> expected = {{first.place().directory(), true},
                                                {second.place().directory(), true},
                                                {broken.place().directory(), false}};
  BOOST_TEST((seen == expected));
}

BOOST_AUTO_TEST_CASE(a_standard_medium_without_its_label_takes_and_gives_up_nothing) {
  StandardRig rig;
  const TestPart part = rig.make_part();
  const TestPart other = rig.make_part("CA2");
  BOOST_REQUIRE(rig.ingest_and_place(part).ok());
  BOOST_REQUIRE(rig.ingest(other).ok());
  fs::rename(rig.directory / "holdfast-label.json", rig.directory / "away");
  BOOST_TEST((code_of(rig.tree->begin(*rig.io, part.id())) == Code::kUnavailable));
  BOOST_TEST((code_of(rig.tree->place(*rig.io, other.id(), other.place())) == Code::kUnavailable));
  BOOST_TEST((code_of(rig.tree->move_to_trash(*rig.io, part.place(), rig.permit(part.id()))) ==
              Code::kUnavailable));
  BOOST_TEST((code_of(rig.list_incoming()) == Code::kUnavailable));
  BOOST_TEST((code_of(rig.tree->list_trash(*rig.io)) == Code::kUnavailable));
  BOOST_TEST(rig.is_placed(part));  // what is held open can be read
}

BOOST_AUTO_TEST_CASE(the_free_space_is_that_of_the_medium) {
  StandardRig rig;
  const FreeSpace space = rig.tree->free_space(*rig.io).value();
  BOOST_TEST(space.total.count > 0);
  BOOST_TEST((space.available <= space.total));
}

// Calls of one day come and go from several threads: an emptied day is removed
// while another call is being placed in it.
BOOST_AUTO_TEST_CASE(calls_of_one_day_come_and_go_at_the_same_time) {
  StandardRig rig;
  constexpr int kThreads = 4;
  std::vector<TestPart> parts;
  for (int i = 0; i < kThreads; ++i) {
    parts.push_back(rig.make_part("CA" + std::to_string(i)));
    BOOST_REQUIRE(rig.ingest(parts.back()).ok());
  }
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (const TestPart& part : parts)
    threads.emplace_back([&rig, &failures, &part] {
      const auto io = Io::open().value();
      for (int turn = 0; turn < 20; ++turn) {
        const bool fine = rig.tree->place(*io, part.id(), part.place()).ok() &&
                          rig.tree->move_to_trash(*io, part.place(), rig.permit(part.id())).ok() &&
                          rig.tree->restore_from_trash(*io, part.id(), part.place()).ok();
        failures += fine ? 0 : 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(failures == 0);
  for (const TestPart& part : parts) BOOST_TEST(rig.is_placed(part));
}
