// Search: what is found, what is not, and that no query is ever taken for syntax.
#include "index/read/search.h"

#include <algorithm>

#include "index/read/attributes.h"
#include "index/read/listing.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(searching)

struct Library : Archive {
  Library() { furnish(); }

  RecordingNo add(const std::string& call_sid, SearchText search) {
    clock.advance(seconds(1));
    IngestRow row = ingest_row(call_sid);
    row.search = std::move(search);
    must(writer->call(ingest_recording(row, "key:a")));
    must(writer->call(mark_placed(row.recording_no, 1)));
    source.keep(row);
    return row.recording_no;
  }
  std::vector<RecordingNo> find(const SearchQuery& query) {
    ListFilter filter;
    filter.workspace_no = workspace_no;
    filter.search = query;
    filter.limit = 2;
    return walk(*index, filter);
  }
  std::vector<RecordingNo> find(const std::string& words) {
    SearchQuery query;
    query.words = words;
    return find(query);
  }
};

BOOST_AUTO_TEST_CASE(every_word_must_be_there) {
  Library library;
  const RecordingNo refund =
      library.add("CA1", {"49301234", "4989777", "billing, refund", "true", "Frühling 7"});
  const RecordingNo other = library.add("CA2", {"49301234", "sip:a@example.org", "", "false", ""});
  using Found = std::vector<RecordingNo>;
  BOOST_TEST((library.find("refund") == Found{refund}));
  BOOST_TEST((library.find("REFUND fruhling") == Found{refund}));
  BOOST_TEST((library.find("frü*") == Found{refund}));
  BOOST_TEST((library.find("fr") == Found{}));
  BOOST_TEST((library.find("refund CA2") == Found{}));
  BOOST_TEST((library.find("ca2") == Found{other}));
  BOOST_TEST((library.find("+49301234") == Found{other, refund}));  // newest arrival first
  BOOST_TEST((library.find("example.org") == Found{other}));
  BOOST_TEST((library.find("true") == Found{}));  // consent is no word
  SearchQuery query;
  query.from = "+49 (30) 12-34";
  BOOST_TEST((library.find(query) == Found{other, refund}));
  query.consent = "true";
  BOOST_TEST((library.find(query) == Found{refund}));
  query = {};
  query.tag = "Billing";
  BOOST_TEST((library.find(query) == Found{refund}));
  query.to = "+49 30 1234";
  BOOST_TEST((library.find(query) == Found{}));
}

// However deep an attribute's value is; its keys and its nulls are no words.
BOOST_AUTO_TEST_CASE(every_scalar_of_an_attribute_is_found) {
  const json::object attributes{
      {"order",
       json::object{{"number", 4711}, {"paid", true}, {"by", json::array{"card", nullptr}}}},
      {"tags", json::array{"billing", json::object{{"group", "refund"}}}},
      {"consent", json::object{{"given", true}}},
      {"from", "+49 (30) 12-34"}};
  const SearchText text = search_text(attributes);
  BOOST_TEST(text.words == "4711, true, card");
  BOOST_TEST(text.tags == "billing, refund");
  BOOST_TEST(text.consent == "true");
  BOOST_TEST(text.from == "49301234");
}

BOOST_AUTO_TEST_CASE(a_search_is_never_syntax) {
  Library library;
  library.add("CA1", {"", "", "", "", "one two"});
  for (const char* words :
       {"one OR nine", "NOT nine", "one NEAR two nine", "{scope} : w2", "scope:w1 nine",
        "one\"nine", "\"", "* one", "(nine", "one;nine", "^nine", "-", "tags : one"}) {
    SearchQuery query;
    query.words = words;
    ListFilter filter;
    filter.workspace_no = library.workspace_no;
    filter.search = query;
    const auto page = list_recordings(*library.index, filter);
    if (page.ok())
      BOOST_TEST(page->rows.empty(), words << " found something");
    else
      BOOST_TEST((page.error().code == Code::kInvalid), words << ": " << page.error().message);
  }
  std::string many;
  for (int i = 0; i <= kSearchWordsMax; ++i) many += " w" + std::to_string(i);
  ListFilter filter;
  filter.search.words = many;
  BOOST_TEST((code_of(list_recordings(*library.index, filter)) == Code::kInvalid));
  filter.search.words = "   ";
  filter.search.tag = "";
  BOOST_TEST((code_of(list_recordings(*library.index, filter)) == Code::kInvalid));
}

// Pages of a search, filtered too, while recordings arrive; of one workspace alone.
BOOST_AUTO_TEST_CASE(a_search_pages_to_any_depth) {
  Library library;
  std::vector<RecordingNo> wanted;
  for (int i = 0; i < 40; ++i) {
    const bool is_wanted = library.random.below(2) == 0;
    const RecordingNo number =
        library.add("CA" + std::to_string(i), {"", "", is_wanted ? "sale" : "other", "", ""});
    if (is_wanted) wanted.insert(wanted.begin(), number);
  }
  ListFilter filter;
  filter.workspace_no = library.workspace_no;
  filter.search.tag = "sale";
  filter.tier = Tier::kStandard;
  filter.limit = 3;
  int added = 0;
  const auto seen = walk(*library.index, filter, [&] {
    library.add("new" + std::to_string(added++), {"", "", "sale", "", ""});
  });
  BOOST_TEST((seen == wanted));
  filter.workspace_no = WorkspaceNo(library.workspace_no.value + 1);
  BOOST_TEST(walk(*library.index, filter).empty());
}

// A search within a time finds what a look at every row finds, though calls arrive in any order.
BOOST_AUTO_TEST_CASE(a_search_within_a_time_finds_the_same) {
  Library library;
  std::vector<RecordingRow> rows;
  for (int i = 0; i < 60; ++i) {
    library.clock.jump_to(
        UnixMillis(kStart + static_cast<int64_t>(library.random.below(40 * 24)) * 3'600'000));
    rows.push_back(library.row_of(
        library.add("CA" + std::to_string(i), {"", "", i % 3 == 0 ? "sale" : "other", "", ""})));
  }
  const auto some_time = [&]() -> std::optional<UnixMillis> {
    if (library.random.below(4) == 0) return std::nullopt;
    return UnixMillis(kStart + static_cast<int64_t>(library.random.below(42 * 24)) * 3'600'000);
  };
  for (int round = 0; round < 50; ++round) {
    ListFilter filter;
    filter.workspace_no = library.workspace_no;
    filter.search.tag = "sale";
    filter.from = some_time();
    filter.to = some_time();
    filter.newest_first = round % 2 == 0;
    filter.limit = 3;
    std::vector<RecordingNo> wanted;
    for (size_t i = 0; i < rows.size(); i += 3)
      if ((!filter.from || rows[i].started_at >= *filter.from) &&
          (!filter.to || rows[i].started_at < *filter.to))
        wanted.push_back(rows[i].recording_no);
    if (filter.newest_first) std::reverse(wanted.begin(), wanted.end());
    BOOST_TEST((walk(*library.index, filter) == wanted));
  }
}

BOOST_AUTO_TEST_CASE(what_is_destroyed_is_not_found) {
  Library library;
  const RecordingNo number = library.add("CA1", {"", "", "secret", "", ""});
  BOOST_TEST(library.find("secret").size() == 1U);
  must(library.writer->call(condemn(number, "uid:0")));
  must(library.writer->call(begin_destroying(number, "uid:0")));
  must(library.writer->call(permit_destruction(number)));
  must(library.writer->call(copy_gone(number, 1, library.standard)));
  must(library.writer->call(finish_destroyed(number, "uid:0")));
  BOOST_TEST(library.find("secret").empty());
  Statement rows = library.index->prepare("SELECT count(*) FROM recording_search");
  BOOST_TEST(must(rows.step()));
  BOOST_TEST(rows.column<int64_t>(0) == 0);
}

BOOST_AUTO_TEST_CASE(an_agents_calls_are_listed_alone) {
  Library library;
  ListFilter filter;
  filter.workspace_no = library.workspace_no;
  filter.service = library.random.id<WorkspaceId>();
  IngestRow row = library.ingest_row("CA1");
  row.service = filter.service;
  must(library.writer->call(ingest_recording(row, "key:a")));
  library.add("CA2", {});
  BOOST_TEST((walk(*library.index, filter) == std::vector<RecordingNo>{row.recording_no}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
