// One of the two places of the decisions: the main directory or the mirror. Of
// the ledger's own files only.
#pragma once

#include <memory>
#include <string>

#include "ledger/ledger.h"

namespace holdfast {

// Up: `chain` is there and all its lines are durable. Down: it is not, and `down` says why.
struct Ledger::Place {
  Place(std::string name_of_chain, std::string path_of_root)
      : name(std::move(name_of_chain)), path(std::move(path_of_root)) {}

  bool up() const { return chain != nullptr; }

  const std::string name;
  const std::string path;
  Fd root;
  Fd decisions;
  Fd notes;
  std::unique_ptr<Chain> chain;
  std::string down = "not opened";
};

}  // namespace holdfast
