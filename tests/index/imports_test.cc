// Imports as rows, and the quota where the row is made.
#include "index/commands/imports.h"

#include "base/limits.h"
#include "index/read/status.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(imports)

NewImport wanted(Archive& archive) {
  NewImport import;
  import.import = archive.random.id<ImportId>();
  import.workspace_no = archive.workspace_no;
  import.who = "key:test";
  import.source = "mark";
  return import;
}

BOOST_AUTO_TEST_CASE(an_import_goes_its_states_and_its_counts_grow) {
  Archive archive;
  archive.furnish();
  const ImportRow row = must(archive.writer->call(add_import(wanted(archive))));
  BOOST_TEST((row.state == ImportState::kRunning));
  BOOST_TEST(!row.progress.calls_total);
  ImportProgress progress;
  progress.calls_total = 5;
  progress.calls_done = 3;
  progress.calls_stored = 1;
  progress.calls_already = 1;
  progress.calls_failed = 1;
  progress.cursor = "a/b";
  const auto change = [&](ImportState state) {
    return archive.writer->call(change_import(row.import, progress, state));
  };
  BOOST_TEST((must(change(ImportState::kRunning)).progress == progress));
  progress.calls_done = 4;
  BOOST_CHECK(code_of(change(ImportState::kRunning)) == Code::kInvalid);  // they do not add up
  progress.calls_done = 2;
  progress.calls_stored = 0;
  BOOST_CHECK(code_of(change(ImportState::kRunning)) == Code::kInvalid);  // less than it was
  progress.calls_done = 5;
  progress.calls_stored = 3;
  const ImportRow over = must(change(ImportState::kFinished));
  BOOST_TEST(over.ended_at.has_value());
  BOOST_TEST((must(change(ImportState::kFinished)).state == ImportState::kFinished));  // the same
  BOOST_CHECK(code_of(change(ImportState::kRunning)) == Code::kConflict);
  BOOST_CHECK(code_of(archive.writer->call(
                  change_import(archive.random.id<ImportId>(), progress, ImportState::kRunning))) ==
              Code::kNotFound);
  archive.restart();
  BOOST_TEST((must(find_import(*archive.index, row.import))->progress == progress));
}

BOOST_AUTO_TEST_CASE(a_listing_is_newest_first_and_the_oldest_that_are_over_go) {
  Archive archive;
  archive.furnish();
  std::vector<ImportId> ids;
  for (int i = 0; i < limits::kImportsKept; ++i) {
    const ImportRow row = must(archive.writer->call(add_import(wanted(archive))));
    ids.push_back(row.import);
    if (i != 1) continue;
    must(archive.writer->call(change_import(row.import, {}, ImportState::kFinished)));
  }
  BOOST_TEST(must(archive.writer->call(add_import(wanted(archive)))).import_no > 0);
  BOOST_TEST(!must(find_import(*archive.index, ids[1])));  // it made room
  BOOST_TEST(must(find_import(*archive.index, ids[0])).has_value());
  BOOST_CHECK(code_of(archive.writer->call(add_import(wanted(archive)))) == Code::kExhausted);
  const ImportQuestion question{archive.workspace_no, ImportState::kRunning, {}, 2};
  const auto page = must(list_imports(*archive.index, question));
  BOOST_TEST_REQUIRE(page.size() == 2U);
  BOOST_TEST(page[0].import_no > page[1].import_no);
  const ImportQuestion next{archive.workspace_no, {}, page[1].import_no, 1};
  BOOST_TEST(must(list_imports(*archive.index, next))[0].import_no < page[1].import_no);
}

BOOST_AUTO_TEST_CASE(a_quota_is_exact_and_what_is_known_needs_none) {
  Archive archive;
  archive.furnish();
  const auto ingest = [&](const IngestRow& row, int64_t quota) {
    return archive.writer->call(ingest_recording(row, "key:test", Bytes(quota)));
  };
  const IngestRow first = archive.ingest_row("CA1");  // 3000 bytes
  const auto refused = ingest(first, 2999);
  BOOST_TEST_REQUIRE(!refused.ok());
  BOOST_CHECK(refused.error().code == Code::kNoSpace);
  BOOST_TEST(refused.error().message.find("over-quota:") != std::string::npos);
  must(ingest(first, 3000));
  BOOST_TEST((must(workspace_bytes(*archive.index, archive.workspace_no)) == Bytes(3000)));
  BOOST_CHECK(must(ingest(first, 0)).verdict == IngestVerdict::kSame);
  BOOST_CHECK(code_of(ingest(archive.ingest_row("CA2"), 3000)) == Code::kNoSpace);
  IngestRow part = archive.ingest_row("CA1");
  part.recording = first.recording;
  part.files = {archive.file("transcript.json", 10)};
  part.metadata.reset();
  part.part = 2;
  BOOST_CHECK(code_of(archive.writer->call(add_part(part, "key:test", Bytes(3009)))) ==
              Code::kNoSpace);
  must(archive.writer->call(add_part(part, "key:test", Bytes(3010))));
  BOOST_TEST((must(workspace_bytes(*archive.index, archive.workspace_no)) == Bytes(3010)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
