// Configurations for tests: the least one, one with a line more, and what is said of them.
#pragma once

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "base/config.h"
#include "tests/support/files.h"

namespace holdfast {

// Directory of one test's configuration file, removed at the end.
class Place {
 public:
  Place() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "holdfast-config-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~Place() { std::filesystem::remove_all(directory_); }
  std::string file() const { return directory_ + "/holdfast.toml"; }
  const std::string& directory() const { return directory_; }

  Result<Config> load(const std::string& text) const {
    std::ofstream(file()) << text;
    return load_config(file());
  }
  // The error without the directory: "holdfast.toml:3: ...".
  std::string complaint(const std::string& text) const {
    const Result<Config> config = load(text);
    if (config.ok()) return "accepted";
    const std::string& message = config.error().message;
    BOOST_TEST(message.starts_with(directory_ + "/"), message);
    return message.substr(directory_.size() + 1);
  }

 private:
  std::string directory_;
};

constexpr const char* kLeast =
    "[archive]\nstate_dir = 'state'\nmirror_dir = 'mirror'\n"
    "[standard]\npath = 'standard'\n[warm]\npath = 'warm'\n";

// kLeast with `line` added to `section`.
inline std::string with(const std::string& section, const std::string& line) {
  std::string text = kLeast;
  const std::string head = section == "workspace" ? "[[workspace]]\n" : "[" + section + "]\n";
  if (text.find(head) == std::string::npos) {
    text += head;
    if (section == "cold") text += "path = 'cold'\n";
    if (section == "workspace") text += "id = '00000000-0000-4000-8000-000000000001'\n";
  }
  return text.insert(text.find(head) + head.size(), line + "\n");
}

inline std::set<std::string> words_after(const std::string& text, const std::string& mark) {
  BOOST_REQUIRE_MESSAGE(text.find(mark) != std::string::npos, text);
  std::istringstream in(text.substr(text.find(mark) + mark.size()));
  std::set<std::string> words;
  for (std::string word; in >> word;) {
    if (word.back() == ',') word.pop_back();
    words.insert(word);
  }
  return words;
}

// "section.key" of everything that load_config reads, from its own mouth.
inline std::set<std::string> known_keys() {
  const Place place;
  std::set<std::string> keys;
  for (const std::string& section :
       words_after(place.complaint("[nonsense]\n" + std::string(kLeast)), "there are "))
    for (const std::string& key :
         words_after(place.complaint(with(section, "nonsense = 1")), "[" + section + "] has "))
      keys.insert(section + "." + key);
  return keys;
}

}  // namespace holdfast
