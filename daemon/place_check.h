// `holdfastd --check-places`: whether the directories of a right configuration are there and
// usable, by the user who asks. Looks and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"
#include "io/io.h"

namespace holdfast {

struct CheckedPlace {
  std::string key;  // "standard.path"
  std::string path;
  std::string finding;  // "labelled standard-1 of archive …, writable", or what is wrong
  Status status;        // kNotFound: absent; kForbidden: not writable; kUnavailable: no label;
                        // kConflict: another archive's, or the mirror on state_dir's device
};

std::vector<CheckedPlace> check_places(Io& io, const Config& config);

}  // namespace holdfast
