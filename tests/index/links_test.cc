// Links as listings know them, and a workspace's own life of links.
#include "index/commands/links.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(links)

BOOST_AUTO_TEST_CASE(links_are_noted_listed_and_forgotten) {
  Archive archive;
  archive.furnish();
  const IngestRow row = archive.ingest_row("CA1");
  must(archive.writer->call(ingest_recording(row, "key:a")));
  const auto recording = must(find_recording(*archive.index, row.recording));
  LinkNews news;
  for (int i = 0; i < 3; ++i) {
    LinkRow link;
    link.jti = archive.random.id<LinkId>();
    link.workspace_no = recording->workspace_no;
    link.recording_no = recording->recording_no;
    link.file = "inbound.ulaw";
    link.kid = 1;
    link.minted_by = "uid0";
    link.minted_at = archive.clock.now();
    link.expires_at = archive.clock.now() + seconds(10 + i);
    news.minted.push_back(link);
  }
  news.used.emplace_back(news.minted[0].jti, archive.clock.now());
  must(archive.writer->call(note_links(news)));
  must(archive.writer->call(note_links(news)));  // an outcome that was unknown is noted again
  const auto listed = [&](UnixMillis now, std::optional<int64_t> before = std::nullopt) {
    return must(list_links(*archive.index, recording->workspace_no, now, before, 10));
  };
  const auto all = listed(archive.clock.now());
  BOOST_TEST_REQUIRE(all.size() == 3U);
  BOOST_CHECK(all[2].jti == news.minted[0].jti);
  BOOST_TEST(all[2].used_at.has_value());
  BOOST_TEST(!all[0].used_at.has_value());
  BOOST_TEST(all[0].call_sid == "CA1");
  BOOST_TEST(listed(archive.clock.now(), all[0].link_no).size() == 2U);
  BOOST_TEST(listed(archive.clock.now() + seconds(11)).size() == 1U);
  // The rows of what has expired go with the next that are noted.
  archive.clock.advance(seconds(11));
  must(archive.writer->call(note_links({})));
  BOOST_TEST(listed(UnixMillis(0)).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_workspace_changes_the_life_of_its_links) {
  Archive archive;
  archive.furnish();
  const auto workspace = archive.random.id<WorkspaceId>();
  const auto set = [&](std::optional<Millis> life) {
    return archive.writer->call(set_link_life(workspace, life, "uid:0"));
  };
  BOOST_CHECK(code_of(set(minutes(30))) == Code::kNotFound);
  must(archive.writer->call(add_workspace(workspace, "acme", "uid:0")));
  BOOST_CHECK(must(set(minutes(30))).link_life == minutes(30));
  BOOST_CHECK(must(find_workspace(*archive.index, workspace))->link_life == minutes(30));
  BOOST_CHECK(code_of(set(Millis(0))) == Code::kInvalid);
  BOOST_CHECK(code_of(set(hours(25))) == Code::kInvalid);
  must(set(std::nullopt));
  BOOST_TEST(!must(find_workspace(*archive.index, workspace))->link_life.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
