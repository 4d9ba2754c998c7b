// A recording's files on the way to a directory: which there are, and where each one goes.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "client/download.h"

namespace holdfast::cli {

struct Wanted {
  std::string name;
  int64_t part = 1;
  ExpectedFile expected;

  // "inbound.ulaw", "+2/notes.json": below the directory. To the daemon the name alone is
  // enough, since the parts of a recording share no name.
  std::string relative() const;
};

// All files of a recording as the daemon tells it. The daemon's word decides where we write: it is
// checked like any other input.
Result<std::vector<Wanted>> wanted_files(const json::object& recording);

// The directory `name`, made when missing, with a +n/ for each later part that is wanted.
Result<Fd> open_output(Io& io, const std::string& name, const std::vector<Wanted>& wanted);

}  // namespace holdfast::cli
