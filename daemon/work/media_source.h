// Where replayed decisions find what their lines only name: recording.json and
// metadata.json on the standard tier, trailers of packs.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "daemon/work/pack_shelf.h"
#include "index/decisions.h"
#include "tiers/disk/standard_tree.h"

namespace holdfast {

// Thread rule: any thread: a writer that recovers may look while an entry is adopted.
class MediaSource final : public DecisionSource {
 public:
  // All outlive this. Without `packs` none is found.
  MediaSource(Io& io, StandardTree& standard, PackShelf* packs = nullptr)
      : io_(io), standard_(standard), packs_(packs) {}

  // From now on packs are not looked at, but for those that somebody expects a line about. Before
  // there is a second thread.
  void leave_packs() { packs_ = nullptr; }
  // A pack whose line is about to be decided: if the commit then fails, the writer replays the
  // line, and must know what is in the pack. Any thread.
  void expect(SealedPack pack);
  void expect_no_more(const PackId& pack);

  Result<std::optional<IngestRow>> find_ingest(const RecordingId& recording, int part) override;
  Result<std::optional<SealedPack>> find_pack(const PackId& pack, const MediumId& medium) override;

 private:
  Result<std::optional<IngestRow>> read(const std::string& directory);
  Status walk();

  std::mutex mutex_;  // of what follows, but for expected_
  Io& io_;
  StandardTree& standard_;
  PackShelf* packs_;
  std::mutex expected_mutex_;
  std::map<std::pair<PackId, MediumId>, SealedPack> expected_;
  // Where placed parts lie, by id: filled by one walk, when a line first needs it.
  std::optional<std::map<PartId, std::string>> placed_;
};

}  // namespace holdfast
