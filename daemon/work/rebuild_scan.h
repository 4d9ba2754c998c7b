// The first step of a rebuild: what every medium shows goes into the catalogue.
// Each walk is taken up again where it was killed.
#pragma once

#include "daemon/work/rebuild.h"
#include "index/rebuild/catalogue.h"
#include "tiers/backend.h"
#include "tiers/disk/standard_tree.h"

namespace holdfast {

// The world's faults end a rebuild's reading; what a file says wrongly is a finding.
bool is_worlds(const Error& why, const RebuildOptions& options);
// The error, with what can be done about a dying disk.
Error with_way_out(const Error& error);

class RebuildScan {
 public:
  // All outlive this.
  RebuildScan(Io& io, Catalogue& catalogue, const RebuildOptions& options, ArchiveId archive)
      : io_(io), catalogue_(catalogue), options_(options), archive_(archive) {}

  // Plain files: placed, in .incoming, and in the trash. Staged copies are start-up's to clear.
  Status standard(StandardTree& tree);
  // Two ranges of each pack. A pack that another medium has shown is noted by its place alone.
  Status packs(PackBackend& backend);

 private:
  Status day(StandardTree& tree, const std::string& directory);
  Status loose_ends(StandardTree& tree);
  Status note_plain(StandardTree& tree, const std::string& directory, PlainWhere where,
                    const RecordingDescription& description);
  Result<std::optional<std::string>> metadata_of(StandardTree& tree, const std::string& directory,
                                                 const RecordingDescription& description);
  Status pack(PackSession& session, const ShownPack& shown, const MediumId& medium);
  void tell(const std::string& step, const std::string& detail);

  Io& io_;
  Catalogue& catalogue_;
  const RebuildOptions& options_;
  const ArchiveId archive_;
  int64_t seen_ = 0;
};

}  // namespace holdfast
