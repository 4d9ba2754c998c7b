// The table of what is cut at every point.
#pragma once

#include <functional>
#include <vector>

#include "tests/crash/point_rig.h"

namespace holdfast::testing {

struct Operation {
  const char* name;
  std::function<void(PointRig&)> prepare;
  std::function<void(PointRig&)> act;     // what may fail on its way; sets what was acknowledged
  std::function<void(PointRig&)> finish;  // the same code without faults, and what must be then
  bool is_offline = false;                // no daemon runs from `prepare` until `finish`
};

std::vector<Operation> operations();

}  // namespace holdfast::testing
