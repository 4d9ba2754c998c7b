// Thousands of recordings to a directory, each below its call's id.
//
//   listed → looked at ──complete on disk──▶ done
//              │ readable ──▶ fetched ──▶ done
//              └ archived ──▶ asked back in bulk ──▶ waited for ──▶ fetched ──▶ done
//
// What is complete on disk with the right digests asks for nothing, so that the same line goes on
// where an earlier one ended. Memory is that of the ids that wait for their restores.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"

namespace holdfast::cli {

struct GetMany {
  std::string calls_file;          // "-": standard input; empty: by filters
  std::vector<NameValue> filters;  // as `ls` gives them
  std::string output;              // made when missing
  int jobs = 4;                    // calls fetched at one time
  bool wait = true;                // for archived ones
  Millis timeout;                  // for all of them
};

// Failures are reported, and the others go on. An error: the list cannot be read, or the daemon
// does not answer it.
Status get_many(Session& session, const GetMany& wish);

}  // namespace holdfast::cli
