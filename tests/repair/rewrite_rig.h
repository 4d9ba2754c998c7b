// A repair rig with the compactor, for packs of which members are destroyed.
#pragma once

#include "daemon/work/compactor.h"
#include "tests/repair/repair_rig.h"

namespace holdfast {

class RewriteRig : public RepairRig {
 public:
  RewriteRig() = default;
  explicit RewriteRig(const Change& change) : RepairRig(change) {}

  std::vector<TestCall> make_calls(int count) {
    std::vector<TestCall> calls;
    for (int i = 0; i < count; ++i) calls.push_back(ingest());
    return calls;
  }
  // Its second commit is made; what is left of it lies in packs.
  void begin_to_destroy(const TestCall& call) {
    must(destroy(call));
    BOOST_REQUIRE((recording(call).state == RecordingState::kDestroying));
  }
  // Whether any file of a pack has the bytes of the recording's id: every entry of it is named so.
  bool is_on(const std::string& root, const RecordingId& recording) const {
    for (const std::string& path : files_below(root))
      if (bytes_of(path).find(recording.text()) != std::string::npos) return true;
    return false;
  }
  std::vector<RewriteRow> rewrites() {
    auto index = must(archive().index.take());
    std::vector<RewriteRow> rows = must(rewrites_under_way(*index, clock.now() + days(100), 100));
    for (RewriteRow& row : must(rewrites_set_back(*index, clock.now() + days(100), 100)))
      rows.push_back(std::move(row));
    return rows;
  }
};

}  // namespace holdfast
