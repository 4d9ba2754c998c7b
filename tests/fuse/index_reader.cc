// index_reader INDEX UID GID: becomes that user and counts the index's recordings once per line
// of its input, through the mount's own pool. A program of its own, since SQLite's table of open
// files must not be shared with the owner's process by a fork.
#include <grp.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "fuse/index_pool.h"

int main(int count, char** values) {
  using namespace holdfast;
  if (count != 4) return 2;
  const auto uid = static_cast<uid_t>(std::atoi(values[2]));
  const auto gid = static_cast<gid_t>(std::atoi(values[3]));
  if (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) return 1;
  IndexPool pool(values[1]);
  for (std::string line; std::getline(std::cin, line);) {
    const Result<int64_t> counted = pool.read([](Database& index) -> Result<int64_t> {
      Statement statement = index.prepare("SELECT count(*) FROM recording");
      HOLDFAST_ASSIGN(row, statement.step());
      return row ? statement.next<int64_t>() : int64_t{-1};
    });
    if (!counted.ok()) std::cerr << counted.error().message << std::endl;
    std::cout << (counted.ok() ? *counted : -1) << std::endl;
  }
  return 0;
}
