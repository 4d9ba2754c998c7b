// Hostile requests made by hand: what we make of each, and why nginx makes something else of it
// where it does. Sections are of RFC 9112 unless RFC 9110 is named.
#pragma once

#include <string>
#include <vector>

#include "tests/hostile/conversation.h"

namespace holdfast::hostile {

struct Hostile {
  std::string name;
  std::string bytes;
  Outcome ours;
  std::string differs;  // why nginx's outcome is another; "" when it is the same
};

std::vector<Hostile> hostile_requests();

}  // namespace holdfast::hostile
