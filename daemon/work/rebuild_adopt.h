// The third step of a rebuild: with all decisions replayed, what media show is
// held against the rows, and where they differ a decision is written.
//
// Thread rule: one thread; the writer's own touches the catalogue only while this one waits for it.
#pragma once

#include <map>
#include <memory>

#include "daemon/work/rebuild.h"
#include "index/rebuild/catalogue.h"
#include "index/writer.h"

namespace holdfast {

// Rows of decisions out of the catalogue.
class CatalogueSource final : public DecisionSource {
 public:
  // Both outlive this.
  CatalogueSource(Catalogue& catalogue, const RebuildOptions& options)
      : catalogue_(catalogue), options_(options) {}
  void set_total(int64_t parts) { total_ = parts; }

  Result<std::optional<IngestRow>> find_ingest(const RecordingId& recording, int part) override;
  Result<std::optional<SealedPack>> find_pack(const PackId& pack, const MediumId& medium) override;
  Result<bool> shows(const RecordingId& recording, int part) override;

 private:
  Catalogue& catalogue_;
  const RebuildOptions& options_;
  int64_t total_ = 0;
  int64_t asked_ = 0;
};

class RebuildAdopt {
 public:
  using Backends = std::map<MediumId, PackBackend*>;
  // All outlive this.
  RebuildAdopt(Io& io, Catalogue& catalogue, Writer& writer, CatalogueSource& source,
               const Backends& backends, const RebuildOptions& options)
      : io_(io),
        catalogue_(catalogue),
        writer_(writer),
        source_(source),
        backends_(backends),
        options_(options) {}

  // A new ledger where the old one is gone. `anew`: all that is found is taken in; else what no
  // decision speaks of.
  Status run(const MediumId& standard, bool anew, RebuildReport& report);

 private:
  Status finish_destructions();
  Status quarantine_missing();
  Status adopt_parts(const MediumId& standard, RebuildReport& report);
  Status adopt_packs(bool anew);
  Result<bool> adopt_pack_whole(const PackId& pack);
  Status remake_marks_of_calls(RebuildReport& report);

  Io& io_;
  Catalogue& catalogue_;
  Writer& writer_;
  CatalogueSource& source_;
  const Backends& backends_;
  const RebuildOptions& options_;
  int64_t done_ = 0;
};

}  // namespace holdfast
