// The walls of the house, checked against the sources themselves: who may include whom, that
// every source is built, that files stay short, and that each library has its one place.
// The rules are docs/design.md ("The house") and CONTRIBUTING.md; the table below is the only
// place in code that states them.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

// What each room may include besides itself. A room is a directory, or a pair of files that
// stands alone (daemon/loop); the longest name that fits is the room of a file.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"io", {"base"}},
    {"ledger", {"io", "base"}},
    {"audio", {"io", "base"}},
    {"index/read", {"io", "base"}},
    {"index", {"index/read", "ledger", "io", "base"}},
    {"tiers/read", {"io", "base"}},
    {"tiers", {"tiers/read", "audio", "io", "base"}},
    {"client", {"io", "base"}},
    {"cli", {"client", "io", "base"}},
    {"fuse", {"index/read", "tiers/read", "client", "io", "base"}},
    {"daemon/loop", {"base"}},
    {"daemon/http", {"daemon/loop", "io", "base"}},
    {"daemon/outbound", {"base"}},
    {"daemon/work",
     {"daemon/outbound", "daemon/loop", "index", "index/read", "tiers", "tiers/read", "audio",
      "ledger", "io", "base"}},
    {"daemon/api",
     {"daemon/work", "daemon/outbound", "daemon/http", "daemon/loop", "index", "index/read",
      "tiers", "tiers/read", "audio", "ledger", "io", "base"}},
    {"daemon",
     {"daemon/api", "daemon/work", "daemon/http", "daemon/loop", "index", "index/read", "tiers",
      "tiers/read", "audio", "ledger", "io", "base"}},
};

// Libraries that stay behind one wall: header → where it may be included (libcurl: where the
// archive is called, and where it calls). Tests and benchmarks may include anything.
const std::multimap<std::string, std::string> kPlaces = {
    {"sqlite3.h", "index/"},
    {"toml++/", "base/config_section.h"},
    {"CLI/", "cli/"},
    {"boost/beast", "daemon/http/"},
    {"liburing.h", "io/"},
    {"archive", "tiers/"},
    {"FLAC/", "audio/"},
    {"fuse", "fuse/"},
    {"curl/", "client/"},
    {"curl/", "daemon/outbound/"},
    {"prometheus/", "daemon/api/metrics."},
    {"boost/json", "base/json."},
};

constexpr size_t kLinesMax = 600;

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  BOOST_REQUIRE_MESSAGE(in.good(), path);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_ours(const fs::path& directory) {
  const std::string name = directory.filename().string();
  return !name.starts_with("build") && name != "var" && name != "node_modules" && name != "dist" &&
         (!name.starts_with(".") || name == ".ci");
}

// Every file of the repository, as paths from its root.
const std::vector<std::string>& all_files() {
  static const std::vector<std::string> kFiles = [] {
    std::vector<std::string> files;
    for (auto it = fs::recursive_directory_iterator("."); it != fs::end(it); ++it) {
      if (it->is_directory() && !is_ours(it->path())) it.disable_recursion_pending();
      if (it->is_regular_file()) files.push_back(it->path().lexically_normal().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }();
  return kFiles;
}

bool is_source(const std::string& path) { return path.ends_with(".cc") || path.ends_with(".h"); }

bool is_test(const std::string& path) {
  return path.starts_with("tests/") || path.starts_with("bench/");
}

// The longest room whose name `path` begins with; empty when it stands in none.
std::string room_of(const std::string& path) {
  std::string best;
  for (const auto& [room, allowed] : kMayInclude) {
    const bool inside = path.starts_with(room + "/") || path.starts_with(room + ".");
    if (inside && room.size() > best.size()) best = room;
  }
  return best;
}

// The names between the quotes (or angle brackets) of the #include lines.
std::vector<std::string> includes_of(const std::string& text, const char* pattern) {
  std::vector<std::string> names;
  const std::regex line(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it)
    names.push_back((*it)[1]);
  return names;
}

// Source text without comments and string literals, so that words in them do not count.
std::string code_only(const std::string& text) {
  static const std::regex kQuiet(R"re("(?:[^"\\\n]|\\.)*"|//[^\n]*)re");
  return std::regex_replace(text, kQuiet, "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(house)

BOOST_AUTO_TEST_CASE(every_include_keeps_to_the_table) {
  size_t seen = 0;
  for (const std::string& path : all_files()) {
    if (!is_source(path) || is_test(path)) continue;
    const std::string room = room_of(path);
    BOOST_TEST(!room.empty(), path << " stands in no room of the table");
    if (room.empty()) continue;
    for (const std::string& name : includes_of(read_all(path), "\n#include \"([^\"]+)\"")) {
      ++seen;
      BOOST_TEST(fs::exists(name), path << " includes " << name << ", which is not from the root");
      const std::string target = room_of(name);
      BOOST_TEST((target == room || kMayInclude.at(room).count(target) > 0),
                 path << " (" << room << ") may not include " << name << " (" << target << ")");
    }
  }
  BOOST_TEST(seen > 50u);
}

// Whether `path` may include the system header `name`.
bool is_in_its_place(const std::string& path, const std::string& name) {
  bool has_places = false;
  for (const auto& [library, place] : kPlaces) {
    if (!name.starts_with(library)) continue;
    if (path.starts_with(place)) return true;
    has_places = true;
  }
  return !has_places;
}

BOOST_AUTO_TEST_CASE(every_library_stays_behind_its_wall) {
  for (const std::string& path : all_files()) {
    if (!is_source(path) || is_test(path)) continue;
    for (const std::string& name : includes_of(read_all(path), "\n#include <([^>]+)>"))
      BOOST_TEST(is_in_its_place(path, name), path << " includes <" << name
                                                   << ">, which has its "
                                                      "place elsewhere");
  }
}

// A source is named in the list of its directory (or the nearest above), or in any list by its
// path from the root: tests/support holds sources that several programs share.
BOOST_AUTO_TEST_CASE(every_source_is_built) {
  std::map<std::string, std::set<std::string>> words_of;  // list file → its words
  for (const std::string& path : all_files()) {
    if (!path.ends_with("CMakeLists.txt") && !path.ends_with(".cmake")) continue;
    std::istringstream words(std::regex_replace(read_all(path), std::regex("[()]"), " "));
    words_of[path] = {std::istream_iterator<std::string>(words), {}};
  }
  const auto named_from_the_root = [&](const std::string& path) {
    for (const auto& [list, words] : words_of)
      if (words.count("${CMAKE_SOURCE_DIR}/" + path) > 0) return true;
    return false;
  };
  for (const std::string& path : all_files()) {
    if (!path.ends_with(".cc")) continue;
    fs::path directory = fs::path(path).parent_path();
    while (!directory.empty() && !fs::exists(directory / "CMakeLists.txt"))
      directory = directory.parent_path();
    const std::string list = (directory / "CMakeLists.txt").string();
    const std::string name = fs::relative(path, directory.empty() ? "." : directory).string();
    BOOST_TEST((words_of[list].count(name) > 0 || named_from_the_root(path)),
               path << " is not named in " << list);
  }
}

BOOST_AUTO_TEST_CASE(files_stay_short) {
  for (const std::string& path : all_files()) {
    if (!is_source(path)) continue;
    const std::string text = read_all(path);
    const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    BOOST_TEST(lines <= kLinesMax, path << " has " << lines << " lines, more than " << kLinesMax);
  }
}

BOOST_AUTO_TEST_CASE(names_say_what_a_thing_is) {
  const std::regex vague("(^|[/_-])(utils?|common|helpers?|managers?|factory|misc)([._/-]|$)");
  for (const std::string& path : all_files())
    BOOST_TEST(!std::regex_search(path, vague), path << " has a name that says nothing");
}

BOOST_AUTO_TEST_CASE(our_code_does_not_throw) {
  // Memory that runs out ends the process, as operator new would.
  const std::regex word("\\bthrow\\b(?! std::bad_alloc)");
  for (const std::string& path : all_files())
    if (is_source(path) && !is_test(path))
      BOOST_TEST(!std::regex_search(code_only(read_all(path)), word),
                 path << " throws; our code returns a Result");
}

BOOST_AUTO_TEST_CASE(headers_are_guarded) {
  for (const std::string& path : all_files())
    if (path.ends_with(".h"))
      BOOST_TEST(read_all(path).find("\n#pragma once\n") != std::string::npos, path);
}

// The repository speaks of the product alone, and holds nothing unfinished.
// The words are put together here, so that this file does not hold them itself.
// Of programs that share no more than the rooms below them.
bool are_never_linked(const std::string& one, const std::string& other) {
  const auto program_of = [](const std::string& path) -> std::string {
    const std::string top = path.substr(0, path.find('/'));
    return top == "daemon" || top == "fuse" || top == "cli" ? top : "";
  };
  const std::string program = program_of(one);
  return !program.empty() && !program_of(other).empty() && program != program_of(other);
}

// Two types of one name in one namespace are one type to the linker: whichever copy of an inline
// function it keeps works on the bytes of the other.
BOOST_AUTO_TEST_CASE(a_name_means_one_type) {
  const std::regex space("(^|\\n)namespace ([a-z:]+) \\{");
  const std::regex type(
      "\\n(?:struct|class|enum class) ([A-Za-z]+)(?: final)?(?: : [^{;\\n]*)? \\{");
  std::map<std::string, std::string> places;
  for (const std::string& path : all_files()) {
    if (!path.ends_with(".h") || path.starts_with("tests/") || path.starts_with("bench/")) continue;
    const std::string text = read_all(path);
    std::smatch found;
    if (!std::regex_search(text, found, space)) continue;
    const std::string inside = found[2].str();
    for (std::sregex_iterator one(text.begin(), text.end(), type), end; one != end; ++one) {
      const auto [before, is_new] = places.emplace(inside + "::" + (*one)[1].str(), path);
      BOOST_TEST((is_new || are_never_linked(before->second, path)),
                 before->first << " is in " << before->second << " and in " << path);
    }
  }
  BOOST_TEST(places.size() > 300U);
}

BOOST_AUTO_TEST_CASE(no_word_that_does_not_belong) {
  const std::vector<std::string> banned = {
      std::string("TO") + "DO",
      std::string("FIX") + "ME",
      std::string("XX") + "X:",
      std::string("not ") + "implemented yet",
  };
  for (const std::string& path : all_files()) {
    if (path.ends_with(".wav") || path.ends_with(".tar")) continue;
    const std::string text = read_all(path);
    for (const std::string& word : banned)
      BOOST_TEST(text.find(word) == std::string::npos, path << " says \"" << word << "\"");
  }
}

BOOST_AUTO_TEST_CASE(the_licence_is_apache_2) {
  const std::string licence = read_all("LICENSE");
  BOOST_TEST(licence.find("Apache License") != std::string::npos);
  BOOST_TEST(licence.find("Version 2.0, January 2004") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
