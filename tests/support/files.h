// Files and directories as a test looks at them.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace holdfast {

// What is in it; nothing when it cannot be opened.
inline std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The same of a file that must be there.
inline std::string text_of(const std::string& path) {
  BOOST_REQUIRE_MESSAGE(std::filesystem::exists(path), path);
  return read_all(path);
}

// The paths of all that lies below a directory, at any depth.
inline std::set<std::string> all_below(const std::string& directory) {
  std::set<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    paths.insert(entry.path().string());
  return paths;
}

}  // namespace holdfast
