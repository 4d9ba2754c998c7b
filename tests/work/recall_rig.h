// Calls that are archived on warm and asked back, and faults at a chosen operation of the lane.
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/work/recall_queue.h"
#include "daemon/work/restorer.h"
#include "io/side_by_side.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {

// Calls that are archived on warm, and asked back.
struct AskedRig : ArchiveFixture {
  // `large`: bytes of noise that the first one has in addition.
  explicit AskedRig(int count, int parts = 1, const FixtureOptions& options = FixtureOptions(),
                    size_t large = 0)
      : ArchiveFixture(Change(), options) {
    if (!can_verify()) return;
    for (int i = 0; i < count; ++i) {
      calls.push_back(ingest());
      for (int part = 2; part <= parts; ++part)
        add_part(calls.back(), part, i == 0 && part == parts ? large : 0);
    }
    to_warm();
    for (const TestCall& call : calls) asked.push_back(must(ask(call)).restore.restore);
  }
  void add_part(TestCall& call, int part, size_t noise) {
    TestCall later;
    later.call_sid = call.call_sid;
    std::string text = "part " + std::to_string(part);
    std::mt19937 random(1);
    while (text.size() < noise) text += static_cast<char>(random());
    later.files["notes." + std::to_string(part) + ".txt"] = text;
    must(try_ingest(later));
    call.files.insert(later.files.begin(), later.files.end());
  }
  int in_state(RestoreState state) {
    int count = 0;
    for (const RestoreId& one : asked) count += restore(one).state == state ? 1 : 0;
    return count;
  }
  int staged() { return in_state(RestoreState::kStaged); }
  // A turn of the warm lane while `fault` is asked.
  bool turn(Faults& fault) {
    Restorer restorer(archive(), Tier::kWarm);
    return turn(restorer, fault);
  }
  bool turn(Restorer& restorer, Faults& fault) {
    faults.aim(&fault);
    const bool worked = must(restorer.run_once(*io));
    faults.aim(nullptr);
    return worked;
  }
  // An Io of the lane's own: `fault` is not asked by the writer, and may call what asks the Io's of
  // others.
  static std::unique_ptr<Io> lane_io(Faults& fault) {
    IoOptions options;
    options.faults = &fault;
    return must(Io::open(options));
  }
  // As the lane has them.
  RecallBatch batch() {
    RecallQueue look(archive(), Tier::kWarm);
    return must(look.next(Bytes(INT64_MAX)));
  }

  // Turns of the warm lane with several threads, until there is nothing to do.
  void run_readers(int count) {
    Restorer restorer(archive(), Tier::kWarm, count);
    while (must(restorer.run_once(*io))) {
    }
  }
  std::vector<RecallSampleRow> samples() {
    auto index = must(archive().index.take());
    return must(recall_samples(*index, archive().warm->backend().medium()));
  }
  size_t files_of_staged() {
    size_t files = 0;
    for (size_t i = 0; i < calls.size(); ++i)
      if (restore(asked[i]).state == RestoreState::kStaged) files += calls[i].files.size();
    return files;
  }

  std::vector<TestCall> calls;
  std::vector<RestoreId> asked;
  SideBySide one_reader{1};
};

// At the n-th operation of a kind, from 0 on: something happens, or it fails.
class At final : public Faults {
 public:
  At(std::string point, int n, std::function<Status()> what)
      : point_(std::move(point)), n_(n), what_(std::move(what)) {}
  Status at(std::string_view point) override {
    if (point != point_ || seen_++ != n_) return {};
    return what_();
  }
  size_t torn_bytes(size_t) override { return 0; }

 private:
  const std::string point_;
  const int n_;
  const std::function<Status()> what_;
  int seen_ = 0;
};
inline Status fail() { return system_error(EIO, "injected fault"); }

}  // namespace holdfast
