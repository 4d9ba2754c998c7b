// The one way in which bytes leave the archive: with a permit from the guard,
// through the trash, and the row last.
//
//   permit committed → move_to_trash → empty_trash_entry → copy_gone committed
//
// Every step may be repeated; start-up finds rows in `releasing` and goes on here.
#pragma once

#include "daemon/work/archive.h"
#include "index/read/work.h"

namespace holdfast {

class Remover {
 public:
  explicit Remover(const Archive& archive) : archive_(archive) {}

  // Asks the guard and removes the part's plain copy from the standard tier (P2). kLocked when
  // too few verified copies lie elsewhere: nothing was removed.
  Status release_standard(Io& io, const Recording& recording, int part, const std::string& who);

  // The same for a pack on one medium.
  Status release_pack_from(Io& io, const PackId& pack, const MediumId& medium,
                           const std::string& who);
  // On the warm medium, and on its mirror.
  Status release_warm_pack(Io& io, const PackId& pack, const std::string& who);

  // A pack that was found bad before it was ever verified: its bytes go, its members may join
  // another pack. kLocked when one of them has no other good copy: nothing was removed.
  Status abandon_pack(Io& io, const PackId& pack, const MediumId& medium, const std::string& who);

  // The committed permit's bytes go.
  Status remove_plain(Io& io, const Recording& recording, const ReleasePermit& permit);
  Status remove_pack(Io& io, const PackReleasePermit& permit, const PackLocation& location);

  // A condemned or destroying recording: the second commit, then every copy that can go. What lies
  // in a pack stays until the pack is rewritten: the recording stays `destroying` so long.
  Status destroy(Io& io, RecordingNo recording, const std::string& who);

  // All that are condemned: the mover's way, so that one thread alone removes. False when one of
  // them could not be destroyed; the others were.
  Result<bool> destroy_condemned(Io& io);

  // A restore's staged copies, once their time is up or their recording is destroyed.
  Status evict(Io& io, const RestoreRow& restore);

  // What was begun and not finished when the process ended. Once, at start.
  Status resume(Io& io);
  // Of it, every removal that is under way: after one failed, too. False when one failed again; it
  // holds up no other.
  Result<bool> resume_removals(Io& io);
  // Of them, the plain copies alone.
  Result<bool> resume_releasing(Io& io);
  // What lies in the trash, and no decision speaks of it, is put back. What cannot be is in
  // Archive::left_in_trash, and its copy quarantined when its medium does not give it back whole.
  // The first error that passes soon, or is not the medium's.
  Status settle_trash(Io& io);

 private:
  // Where the pack lies on the medium; nothing when it does not.
  Result<std::optional<PackLocation>> location_on(const PackId& pack, const MediumId& medium);
  Result<bool> was_declared_lost(const MediumId& medium);
  Result<bool> destroy_all(Io& io, RecordingState state);
  Result<bool> resume_packs(Io& io);
  Status go_on_releasing(Io& io, const PlainCopy& copy);
  Result<std::optional<Recording>> find(const RecordingId& recording);
  // `kept`: why it stays there; nothing when it does not, or is to leave.
  Status put_back(Io& io, const PartId& part, std::optional<Error>& kept);
  Status put_back_in_turn(Io& io, const PartId& part, std::optional<Error>& kept);

  Archive archive_;
};

}  // namespace holdfast
