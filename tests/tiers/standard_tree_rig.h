// A standard tier in a temporary directory, with calls to put into it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/faults.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_permit.h"
#include "tiers/disk/standard_tree.h"
#include "tiers/read/digest_memory.h"

namespace holdfast {

// One part with the bytes that it should have.
struct TestPart {
  RecordingDescription description;
  std::map<std::string, std::string> files;

  PartId id() const { return description.part_id(); }
  Place place() const { return description.place(); }
};

class StandardRig {
 public:
  StandardRig() {
    label_ = Label{random.id<ArchiveId>(), random.id<MediumId>(), "standard", "disk",
                   UnixMillis(1'790'000'000'000)};
    restart();
    BOOST_REQUIRE(init_label(*io, directory.path(), label_).ok());
    BOOST_REQUIRE(tree->prepare(*io).ok());
  }

  // What lies in .incoming, each as it is.
  Result<std::vector<IncomingEntry>> list_incoming() {
    HOLDFAST_ASSIGN(parts, tree->incoming_parts(*io));
    std::vector<IncomingEntry> entries;
    for (const PartId& part : parts) {
      HOLDFAST_ASSIGN(entry, tree->incoming_entry(*io, part));
      entries.push_back(std::move(entry));
    }
    return entries;
  }

  // As a new process would: new descriptors, no memory, no faults.
  void restart() {
    faults.aim(nullptr);
    IoOptions options;
    options.faults = &faults;
    io = Io::open(options).value();
    root = std::make_unique<MediumRoot>(directory.path(), label_.archive, label_.medium);
    tree = std::make_unique<StandardTree>(*root);
  }

  ReleasePermit permit(const PartId& part) const {
    return Guard::permit(part.recording, part.part, label_.medium);
  }

  TestPart make_part(const std::string& call_sid = "CA1", int part = 1) {
    TestPart out;
    out.description.archive = label_.archive;
    out.description.recording = random.id<RecordingId>();
    out.description.number = RecordingNo(7);
    out.description.call_sid = call_sid;
    out.description.part = part;
    out.description.day = CalendarDay{2026, 11, 21};
    out.description.received_at = UnixMillis(1'795'232'160'123);
    out.files = {{"inbound.ulaw", random.bytes(150'000 + random.below(300'000))},
                 {"metadata.json", "{\"call_sid\":\"CA1\"}"},
                 {"outbound.pcm", random.bytes(random.below(50'000))}};
    for (const auto& [name, bytes] : out.files)
      out.description.files.push_back(
          {name, Bytes(static_cast<int64_t>(bytes.size())), sha256(bytes), Channel::kNone});
    return out;
  }
  // A later part of the same recording.
  TestPart make_later_part(const TestPart& first, int part) {
    TestPart out = make_part(first.description.call_sid, part);
    out.description.recording = first.description.recording;
    return out;
  }

  // All steps up to durable.
  Status ingest(const TestPart& part) {
    HOLDFAST_ASSIGN(writer, tree->begin(*io, part.id()));
    HOLDFAST_TRY(write_files(writer, part));
    return writer.finish(*io, part.description);
  }
  Status ingest_and_place(const TestPart& part) {
    HOLDFAST_TRY(ingest(part));
    return tree->place(*io, part.id(), part.place());
  }
  Status stage(const TestPart& part) {
    HOLDFAST_ASSIGN(writer, tree->begin_staged(*io, part.id()));
    HOLDFAST_TRY(write_files(writer, part));
    return tree->publish_staged(*io, {&writer}).front();
  }

  // The part as it is when it has the writer's files.
  static RecordingDescription describing(const PartWriter& writer, const TestPart& part) {
    RecordingDescription description = part.description;
    description.files = writer.files();
    return description;
  }

  // The first file through a spool directory, the others streamed.
  Status write_files(PartWriter& writer, const TestPart& part) {
    bool from_spool = true;
    HOLDFAST_ASSIGN(spool_fd, open_root(spool.path()));
    for (const auto& [name, bytes] : part.files) {
      if (from_spool) {
        std::ofstream(spool / name, std::ios::binary | std::ios::trunc) << bytes;
        HOLDFAST_TRY(writer.copy_in(*io, spool_fd, name, Bytes(1 << 20)));
        from_spool = false;
        continue;
      }
      HOLDFAST_ASSIGN(file, writer.create(*io, name, Bytes(1 << 20)));
      const size_t half = bytes.size() / 2;
      HOLDFAST_TRY(file->append(*io, as_bytes(std::string_view(bytes).substr(0, half))));
      HOLDFAST_TRY(file->append(*io, as_bytes(std::string_view(bytes).substr(half))));
      HOLDFAST_TRY(file->finish(*io));
    }
    return {};
  }

  // Every file of the part can be read from `where` and is what it should be.
  bool is_readable(const TestPart& part, const std::string& where) {
    DigestMemory memory(clock);
    for (const RecordedFile& file : part.description.files) {
      const auto fd = tree->open_for_read(*io, where, file.name, file.size);
      if (!fd.ok() || !ensure_digest(*io, *fd, file.size, file.sha256, memory).ok()) return false;
    }
    return true;
  }
  bool is_placed(const TestPart& part) {
    const auto found = tree->read_description(*io, part.place().directory());
    return found.ok() && *found == part.description && is_readable(part, part.place().directory());
  }

  // Every file below the medium's root but the label, as relative paths.
  std::set<std::string> all_files() const {
    std::set<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path()))
      if (!entry.is_directory() && entry.path().filename() != "holdfast-label.json")
        files.insert(std::filesystem::relative(entry.path(), directory.path()).string());
    return files;
  }
  std::set<std::string> files_of(const TestPart& part, const std::string& where) const {
    std::set<std::string> files{where + "/recording.json"};
    for (const auto& [name, bytes] : part.files) files.insert(where + "/" + name);
    return files;
  }

  SeededRandom random;
  ManualClock clock{UnixMillis(1'790'000'000'000)};
  TemporaryDirectory directory;
  TemporaryDirectory spool;
  AimedFaults faults;
  std::unique_ptr<Io> io;
  std::unique_ptr<MediumRoot> root;
  std::unique_ptr<StandardTree> tree;

 private:
  Label label_;
};

}  // namespace holdfast
