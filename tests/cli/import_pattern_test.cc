// The pattern language of import, and the walk of trees that are not ours.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/json.h"
#include "cli/import_upload.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    segments.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return segments;
}

// "call=CA1 channel=in …" of the fields that are set; "none", "ambiguous".
std::string reading_of(const std::string& pattern, std::string_view path) {
  const auto parsed = ImportPattern::parse(pattern);
  BOOST_TEST_REQUIRE(parsed.ok(), pattern);
  PathFields fields;
  const Reading reading = parsed->read(segments_of(path), fields);
  if (reading == Reading::kNone) return "none";
  if (reading == Reading::kAmbiguous) return "ambiguous";
  std::string text = fields[Field::kCall];
  for (const Field field :
       {Field::kYear, Field::kMonth, Field::kDay, Field::kHour, Field::kEpoch, Field::kFrom,
        Field::kTo, Field::kDirection, Field::kChannel, Field::kExt, Field::kFile})
    if (!fields[field].empty()) text += " " + fields[field];
  return text;
}

BOOST_AUTO_TEST_SUITE(import_pattern)

BOOST_AUTO_TEST_CASE(paths_are_read) {
  const std::string uuid = "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b";
  const std::string full = "{workspace}/{yyyy}/{mm}/{dd}/{call}_{channel}.{ext}";
  const struct {
    std::string pattern;
    std::string path;
    std::string expected;
  } kTable[] = {
      {full, uuid + "/2024/01/31/CA7_in.wav", "CA7 2024 01 31 in wav"},
      {full, uuid + "/2024/01/31/a_b_out.WAV", "a_b 2024 01 31 out WAV"},
      {full, uuid + "/2024/01/31/CA7_sideways.wav", "none"},
      {full, uuid + "/24/01/31/CA7_in.wav", "none"},
      {full, "not-a-uuid/2024/01/31/CA7_in.wav", "none"},
      {full, uuid + "/2024/01/CA7_in.wav", "none"},
      {full, uuid + "/2024/01/31/x/CA7_in.wav", "none"},
      {"**/{call}-{channel}.{ext}", "1704110400.12-in.wav", "1704110400.12 in wav"},
      {"**/{call}-{channel}.{ext}", "a/b/c/x-200-100-out.gsm", "x-200-100 out gsm"},
      {"**/{call}-{channel}.{ext}", "a/b/c/x-200-100.gsm", "none"},
      {"a/**/z/{call}.{ext}", "a/z/q.wav", "q wav"},
      {"a/**/z/{call}.{ext}", "a/b/z/z/q.wav", "q wav"},
      {"a/**/z/{call}.{ext}", "b/z/q.wav", "none"},
      {"**/{call}/*.{ext}", "x/CA1/RE5.mp3", "CA1 mp3"},
      {"**/{call}/*.{ext}", "RE5.mp3", "none"},
      {"**/{call}/{file}", "ws/CA1/metadata.json", "CA1 metadata.json"},
      {"**/{call}/{file}", "ws/CA1/recording.json", "none"},
      {"**/{call}/{file}", "ws/CA1/+2", "none"},
      {"{epoch}-{from}-{to}-{call}.{ext}", "1704110400-+4930123-200-c1.wav",
       "c1 1704110400 +4930123 200 wav"},
      {"{direction}-{call}.{ext}", "OUT-c1.wav", "c1 OUT wav"},
      {"{call}{from}.{ext}", "abc.wav", "ambiguous"},
      {"*_{call}.{ext}", "a_b_c.wav", "ambiguous"},
      {"*-{call}.{ext}", "a_b-c.wav", "c wav"},
      {"*-*_{call}.{ext}", "a-b-c_d.wav", "d wav"},  // however "*" is read, it says the same
      {"{call}.{ext}", "a.tar.gz", "a.tar gz"},
      {"{call}.{ext}", ".wav", "none"},
      {"{call}.{ext}", "...wav", "none"},  // ".." is no call
      {"{call}.{ext}", "a b.wav", "none"},
      {"{call}.{ext}", "a\nb.wav", "none"},
      {"{call}.{ext}", "\xff\xfe.wav", "none"},
      {"*.{call}.{ext}", "\xff\xfe.c.wav", "c wav"},
      {"{call}.{ext}", std::string(128, 'x') + ".wav", std::string(128, 'x') + " wav"},
      {"{call}.{ext}", std::string(129, 'x') + ".wav", "none"},
  };
  for (const auto& row : kTable)
    BOOST_TEST(reading_of(row.pattern, row.path) == row.expected, row.pattern << " " << row.path);
}

BOOST_AUTO_TEST_CASE(a_wrong_pattern_is_refused_with_its_reason) {
  const struct {
    std::string pattern;
    std::string reason;
  } kTable[] = {
      {"", "1 to 1024"},
      {"a.{ext}", "{call} is missing"},
      {"{call}", "{ext} is missing"},
      {"{call}/{call}.{ext}", "{call} stands there twice"},
      {"{channel}/{call}.{ext}", "{channel} belongs to the last segment"},
      {"{call}/x{file}", "{file} is the whole name"},
      {"{call}/{file}/x.{ext}", "{file} belongs to the last"},
      {"**/**/{call}.{ext}", "\"**\" stands there twice"},
      {"{call}/**", "\"**\" cannot be last"},
      {"{call}**.{ext}", "\"**\" stands for directories"},
      {"{nobody}/{call}.{ext}", "no field {nobody}"},
      {"{call", "is not closed"},
      {"call}.{ext}", "without its"},
      {"/{call}.{ext}", "no segment"},
      {"../{call}.{ext}", "no segment"},
      {"a//{call}.{ext}", "no segment"},
      {std::string(1025, 'x'), "1 to 1024"},
  };
  for (const auto& row : kTable) {
    const auto parsed = ImportPattern::parse(row.pattern);
    BOOST_TEST_REQUIRE(!parsed.ok(), row.pattern);
    BOOST_TEST((parsed.error().code == Code::kInvalid));
    BOOST_TEST(parsed.error().message.find(row.reason) != std::string::npos,
               parsed.error().message);
  }
  for (const std::string& layout : ImportPattern::layouts())
    BOOST_TEST(ImportPattern::of_layout(layout).ok(), layout);
}

// A name made to cost much costs a bounded number of steps, and is not taken for something.
BOOST_AUTO_TEST_CASE(hostile_names_cost_little) {
  std::string pattern = "*a";
  for (int i = 0; i < 8; ++i) pattern += "*a";
  pattern += "{call}x{from}y{to}.{ext}";
  const std::string name(250, 'a');
  BOOST_TEST((reading_of(pattern, name) == "none" || reading_of(pattern, name) == "ambiguous"));
  BOOST_TEST(reading_of("{call}{from}{to}.{ext}", std::string(150, 'b') + ".wav") == "ambiguous");
}

// Whatever bytes a name has, reading it neither fails nor gives a field what it may not have.
BOOST_AUTO_TEST_CASE(any_bytes_are_read) {
  SeededRandom random;
  const auto pattern = ImportPattern::parse("**/{call}_{channel}.{ext}");
  for (int i = 0; i < 2000; ++i) {
    std::string name = random.bytes(1 + static_cast<size_t>(i) % 40);
    if (i % 3 == 0) name += "_in.wav";
    PathFields fields;
    if (pattern->read({name}, fields) != Reading::kOne) continue;
    BOOST_TEST(is_call_sid(fields[Field::kCall]));
  }
}

BOOST_AUTO_TEST_SUITE_END()

// --- The walk

struct Tree {
  TemporaryDirectory directory;
  void write(const std::string& path, const std::string& bytes = "x") const {
    const fs::path file = directory / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
};

struct Seen {
  std::vector<ImportCall> calls;
  std::multiset<std::string> left;  // "why path"
};

Seen walk(const Tree& tree, const std::string& pattern_text,
          std::optional<ImportPlace> after = std::nullopt) {
  const auto pattern = ImportPattern::parse(pattern_text);
  BOOST_TEST_REQUIRE(pattern.ok());
  const auto io = Io::open();
  Seen seen;
  const Status done = walk_tree(
      **io, {tree.directory.path(), *pattern, "3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b", after},
      {[&](ImportCall&& call) -> Result<bool> {
         seen.calls.push_back(std::move(call));
         return true;
       },
       [&](const std::string& path, Left why, const std::string&) {
         seen.left.insert(std::string(word(why)) + " " + told_path(path));
       }});
  BOOST_TEST(done.ok());
  return seen;
}

BOOST_AUTO_TEST_SUITE(import_walk)

BOOST_AUTO_TEST_CASE(files_of_a_call_are_one_call_in_a_stable_order) {
  Tree tree;
  for (const char* path : {"b/2-in.wav", "b/2-out.wav", "b/10-in.wav", "a.x/1-in.wav", "a/3-in.wav",
                           "a/sub/4-out.wav", "0-in.wav", "b/readme.txt"})
    tree.write(path);
  const Seen seen = walk(tree, "**/{call}-{channel}.{ext}");
  std::vector<std::string> order;
  for (const ImportCall& call : seen.calls) order.push_back(call.place.text());
  const std::vector<std::string> expected = {"0", "a/3", "a/sub/4", "a.x/1", "b/10", "b/2"};
  BOOST_TEST(order == expected, boost::test_tools::per_element());
  BOOST_TEST(seen.calls.back().files.size() == 2U);
  BOOST_TEST(seen.calls.back().files[0].name == "inbound.wav");
  BOOST_TEST(seen.calls.back().files[1].name == "outbound.wav");
  BOOST_TEST(seen.left.count("no-match b/readme.txt") == 1U);
}

// From behind any call on, exactly the later ones come: nothing is lost or doubled.
BOOST_AUTO_TEST_CASE(a_walk_goes_on_behind_any_call) {
  Tree tree;
  SeededRandom random;
  for (int i = 0; i < 60; ++i) {
    std::string path;
    for (uint64_t depth = random.below(4); depth > 0; --depth)
      path += std::string(1, static_cast<char>("ab.-"[random.below(2)])) +
              (random.below(2) == 0 ? "" : ".x") + "/";
    tree.write(path + "c" + std::to_string(random.below(30)) + "-in.wav");
  }
  const Seen all = walk(tree, "**/{call}-{channel}.{ext}");
  for (size_t i = 0; i < all.calls.size(); ++i) {
    const auto place = ImportPlace::from_text(all.calls[i].place.text());
    BOOST_TEST_REQUIRE(place.ok());
    BOOST_TEST((*place == all.calls[i].place));
    const Seen rest = walk(tree, "**/{call}-{channel}.{ext}", *place);
    BOOST_TEST_REQUIRE(rest.calls.size() == all.calls.size() - i - 1);
    for (size_t k = 0; k < rest.calls.size(); ++k)
      BOOST_TEST((rest.calls[k].place == all.calls[i + 1 + k].place));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_left_and_no_link_is_followed) {
  Tree tree;
  TemporaryDirectory elsewhere;
  std::ofstream(elsewhere / "9-in.wav") << "secret";
  tree.write("1-in.wav");
  fs::create_symlink(elsewhere / "9-in.wav", tree.directory / "2-in.wav");
  fs::create_directory_symlink(elsewhere.path(), tree.directory / "linked");
  fs::create_directory_symlink(tree.directory.path(), tree.directory / "loop");
  BOOST_REQUIRE(::mkfifo((tree.directory / "3-in.wav").c_str(), 0600) == 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = tree.directory / "4-in.wav";
  BOOST_REQUIRE(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  BOOST_REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
  tree.write(
      "od\xff"
      "d\n/5-in.wav");
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += "d/";
  tree.write(deep + "6-in.wav");
  const Seen seen = walk(tree, "**/{call}-{channel}.{ext}");
  BOOST_TEST(seen.calls.size() == 2U);
  for (const char* name : {"2-in.wav", "3-in.wav", "4-in.wav", "linked", "loop"})
    BOOST_TEST(seen.left.count(std::string("not-a-file ") + name) == 1U, name);
  BOOST_TEST(seen.calls.back().place.text() == "od%FFd%0A/5");
  size_t unreadable = 0;
  for (const std::string& line : seen.left) unreadable += line.starts_with("unreadable ");
  BOOST_TEST(unreadable == 1U);  // too deep; root reads everything else
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_read_holds_nothing_else_up) {
  if (::geteuid() == 0) {
    BOOST_TEST_MESSAGE("skipped: root reads everything");
    return;
  }
  Tree tree;
  tree.write("a/1-in.wav");
  tree.write("b/2-in.wav");
  ::chmod((tree.directory / "a").c_str(), 0);
  const Seen seen = walk(tree, "**/{call}-{channel}.{ext}");
  ::chmod((tree.directory / "a").c_str(), 0700);
  BOOST_TEST(seen.calls.size() == 1U);
  BOOST_TEST(seen.left.count("unreadable a/") == 1U);
}

BOOST_AUTO_TEST_CASE(calls_that_contradict_themselves_are_wrong) {
  Tree tree;
  tree.write("1/20240101-c1-in.wav");
  tree.write("1/20240102-c1-out.wav");
  tree.write("2/20240101-c2-in.wav");
  tree.write("2/20240101-c2-rx.wav");
  tree.write("3/20240101-c3-mix.wav");
  tree.write("3/20240101-c3-mono.wav");
  const Seen seen = walk(tree, "*/{yyyy}{mm}{dd}-{call}-{channel}.{ext}");
  BOOST_TEST_REQUIRE(seen.calls.size() == 3U);
  BOOST_TEST(seen.calls[0].wrong.find("different things") != std::string::npos);
  BOOST_TEST(seen.calls[1].wrong.find("same channel") != std::string::npos);
  BOOST_TEST(seen.calls[2].wrong == "");
  BOOST_TEST(seen.calls[2].files[1].name == "recording.2.wav");
}

BOOST_AUTO_TEST_CASE(metadata_says_what_the_path_says_and_no_more) {
  Tree tree;
  tree.write("20240131-out-4930-c1-in.wav", "12345");
  const std::string pattern = "{yyyy}{mm}{dd}-{direction}-{from}-{call}-{channel}.{ext}";
  const Seen seen = walk(tree, pattern);
  BOOST_TEST_REQUIRE(seen.calls.size() == 1U);
  const ImportCall& call = seen.calls[0];
  BOOST_TEST(*metadata_of(call, Times::kPath) ==
             R"({"call_sid":"c1","direction":"outbound","from":"4930","inbound_size_bytes":5})");
  BOOST_TEST(
      metadata_of(call, Times::kDay)->find(R"("call_start_iso":"2024-01-31T00:00:00.000Z")") !=
      std::string::npos);
  BOOST_TEST(metadata_of(call, Times::kMtime)->find("call_end_iso") != std::string::npos);
  Tree wrong;
  wrong.write("20240230-out-4930-c1-in.wav");
  const Seen never = walk(wrong, pattern);
  BOOST_TEST(!metadata_of(never.calls[0], Times::kPath).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::cli
