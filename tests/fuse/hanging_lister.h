// A program that hangs in the middle of a listing and keeps the directory's lock: the page into
// which the kernel copies the names does not come (userfaultfd(2)) until it is let go.
#pragma once

#include <string>
#include <thread>

#include "io/fd.h"

namespace holdfast {

class HangingLister {
 public:
  // Why nobody can hang so here; empty: it can.
  static std::string obstacle();

  // Returns when it hangs. Throws when it cannot.
  explicit HangingLister(const std::string& directory);
  ~HangingLister() { let_go(); }
  HangingLister(const HangingLister&) = delete;
  HangingLister& operator=(const HangingLister&) = delete;

  // Returns when its listing has ended.
  void let_go();

 private:
  Fd faults_;
  Fd directory_;
  void* page_ = nullptr;
  std::thread lister_;
};

}  // namespace holdfast
