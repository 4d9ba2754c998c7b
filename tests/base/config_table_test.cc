// Every key that there is, held against every kind of mistake: wrong type, misspelt, twice; and the
// file itself. What is asked here holds for keys that are added later, too.
#include <sys/stat.h>

#include <algorithm>

#include "tests/base/config_rig.h"

using namespace holdfast;

namespace {

std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }
std::string name_of(const std::string& key) { return key.substr(key.find('.') + 1); }

// The configuration that has the line in the key's section, in the place of the key if it is there.
std::string with_key(const std::string& key, const std::string& line) {
  std::string text = with(section_of(key), line);
  const std::string other = "\n" + name_of(key) + " = ";
  const size_t added = text.find("\n" + line + "\n") + line.size() + 1;
  const size_t begin = text.find(other, added);
  const size_t section_ends = text.find("\n[", added);
  if (begin != std::string::npos && begin < section_ends)
    text.erase(begin, text.find('\n', begin + 1) - begin);
  return text;
}

int line_number(const std::string& text, const std::string& line) {
  const size_t at = ("\n" + text).find("\n" + line + "\n");
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_table)

BOOST_AUTO_TEST_CASE(a_value_of_a_wrong_type_is_told_by_line_and_key) {
  const Place place;
  for (const std::string& key : known_keys()) {
    // No key takes a date.
    const std::string line = name_of(key) + " = 1979-05-27";
    const std::string text = with_key(key, line);
    const std::string complaint = place.complaint(text);
    const std::string start =
        "holdfast.toml:" + std::to_string(line_number(text, line)) + ": " + key + ": expected ";
    BOOST_TEST(complaint.starts_with(start), key << ": " << complaint << " instead of " << start);
    BOOST_TEST(complaint.ends_with(", got a date or time"), key << ": " << complaint);
  }
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_value_is_refused_where_not_every_text_is_one) {
  const Place place;
  // Any text is a group, a user or a directory.
  const std::set<std::string> free = {
      "archive.mount_group",  "archive.mount_user", "archive.admin_group", "outbound.ca_file",
      "http.tls_certificate", "http.tls_key",       "http.tls_client_ca",  "warm.mirror"};
  for (const std::string& key : known_keys()) {
    if (free.count(key) > 0 || key.ends_with("_dir") || key.ends_with("path")) continue;
    const std::string complaint = place.complaint(with_key(key, name_of(key) + " = 'nonsense'"));
    BOOST_TEST(complaint.find(": " + key + ": expected ") != std::string::npos,
               key << ": " << complaint);
    BOOST_TEST(complaint.find("got \"nonsense\"") != std::string::npos, key << ": " << complaint);
  }
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_refused) {
  const Place place;
  for (const std::string& key : known_keys())
    for (const char* number : {"-1", "9223372036854775807", "1e300"}) {
      const std::string complaint = place.complaint(with_key(key, name_of(key) + " = " + number));
      BOOST_TEST(complaint.find(": " + key + ": expected ") != std::string::npos,
                 key << " = " << number << ": " << complaint);
    }
}

BOOST_AUTO_TEST_CASE(a_misspelt_key_is_told_with_the_one_that_was_meant) {
  const Place place;
  for (const std::string& key : known_keys()) {
    std::string wrong = name_of(key);
    if (wrong.size() < 3) continue;  // "id": what would be near?
    wrong.insert(wrong.size() / 2, "x");
    const std::string line = wrong + " = 1";
    const std::string text = with(section_of(key), line);
    const std::string start = "holdfast.toml:" + std::to_string(line_number(text, line)) + ": " +
                              section_of(key) + "." + wrong + ": unknown key; did you mean \"" +
                              name_of(key) + "\"? ";
    const std::string complaint = place.complaint(text);
    BOOST_TEST(complaint.starts_with(start), complaint << " instead of " << start);
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_stands_twice_is_refused_by_line) {
  const Place place;
  for (const std::string& key : known_keys()) {
    const std::string line = name_of(key) + " = 'x'";
    const std::string text = with_key(key, line + "\n" + line);
    const std::string complaint = place.complaint(text);
    BOOST_TEST(complaint.starts_with("holdfast.toml:"), key << ": " << complaint);
    BOOST_TEST(complaint.find(": not TOML: ") != std::string::npos, key << ": " << complaint);
    BOOST_TEST(complaint.find(name_of(key)) != std::string::npos, key << ": " << complaint);
  }
}

BOOST_AUTO_TEST_CASE(files_from_other_systems_are_read) {
  const Place place;
  std::string windows;
  for (const char c : std::string(kLeast))
    windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  BOOST_TEST(place.load(windows).ok());
  BOOST_TEST(place.load("\xEF\xBB\xBF" + std::string(kLeast)).ok());
  BOOST_TEST(place.load("\xEF\xBB\xBF" + windows).ok());
  std::string text = windows;
  text.insert(text.find("mirror_dir"), "workers = 'x'\r\n");
  BOOST_TEST(place.complaint(text).starts_with("holdfast.toml:3: archive.workers: "));
  // UTF-16 is not TOML, and is told so.
  BOOST_TEST(place.complaint(std::string("\xFF\xFE[\0a\0]\0", 8)).find("not TOML") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_told) {
  const Place place;
  const auto failure = [](const Result<Config>& config) {
    BOOST_REQUIRE(!config.ok());
    return config.error();
  };
  BOOST_TEST((failure(load_config(place.directory() + "/absent")).code == Code::kNotFound));
  BOOST_TEST((failure(load_config(place.directory())).code == Code::kIo));
  BOOST_TEST(failure(load_config(place.directory())).message.find(place.directory()) !=
             std::string::npos);
  if (::geteuid() != 0) {
    BOOST_TEST(place.load(kLeast).ok());
    ::chmod(place.file().c_str(), 0);
    const Error closed = failure(load_config(place.file()));
    BOOST_TEST(closed.message.find("Permission denied") != std::string::npos, closed.message);
    ::chmod(place.file().c_str(), 0600);
  }
  std::ofstream(place.file()) << std::string(2 << 20, '\n');
  BOOST_TEST(failure(load_config(place.file())).message.find("1 MiB") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
