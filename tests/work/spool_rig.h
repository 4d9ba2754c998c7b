// A spool directory beside an archive, and its entries driven by hand.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "daemon/work/spool.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {

class SpoolRig : public ArchiveFixture {
 public:
  std::string directory_of(const std::string& name) const {
    return config.spool_dir + "/" + workspace.text() + "/" + name;
  }
  std::string put(const TestCall& call, const std::string& name) {
    const std::string where = directory_of(name);
    std::filesystem::create_directories(where);
    for (const auto& [file, content] : call.files)
      std::ofstream(where + "/" + file, std::ios::binary) << content;
    return where;
  }
  std::string put(const TestCall& call) { return put(call, call.call_sid); }
  std::vector<std::string> scan() {
    SpoolEntries entries(archive(), config.spool_dir);
    SpoolScan found = must(entries.scan(*io, 100));
    must(archive().writer.view_ledger());  // waits its turn: the marks of their places are there
    found.entries.insert(found.entries.end(), found.incomplete.begin(), found.incomplete.end());
    return found.entries;
  }
  Status take(const std::string& name) {
    SpoolEntries entries(archive(), config.spool_dir);
    return entries.take(*io, workspace.text() + "/" + name);
  }
  // The reason beside the rejected entry; empty when it was not rejected.
  std::string reason(const std::string& name) const {
    std::ifstream file(config.spool_dir + "/rejected/" + workspace.text() + "/" + name +
                       ".1.reason.txt");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void is_rejected(const std::string& name) {
    must(take(name));
    BOOST_TEST(!std::filesystem::exists(directory_of(name)));
    BOOST_TEST(!reason(name).empty());
    BOOST_TEST(unsettled().empty());
  }
};

}  // namespace holdfast
