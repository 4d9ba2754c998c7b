// The one lock check. Nothing removes a copy without a permit, nothing makes a
// permit but this class, and a permit leaves the writer only after the
// transaction that it was given in is committed (it is the result of a command).
//
// P2: a copy is released only when enough newer copies on other media were
//     re-read past the page cache (verify mode direct or dropped).
// P3: what is held or retained is not destroyed. The same rules stand a second time as
//     triggers inside the transaction (index/schema.cc), so that a mistake here
//     fails instead of destroying.
#pragma once

#include "base/permit.h"
#include "index/read/records.h"
#include "index/writer.h"

namespace holdfast {

struct ReleasePolicy {
  int copies_required = 1;  // newer verified copies on other media; 1 or more
};

// Thread rule: within a command, on the writer's thread.
class Guard {
 public:
  // The part's copy on the medium may go. kLocked when a verified copy is missing elsewhere;
  // kNotFound when there is no such copy. Of a destroying recording every copy may go. Idempotent:
  // a copy that is releasing already gets a permit again (start-up carries on).
  static Result<ReleasePermit> check_release(WriteTxn& txn, RecordingNo recording, int part,
                                             const MediumId& medium, const ReleasePolicy& policy);
  // The same for a whole pack: every living member needs its verified copies elsewhere.
  static Result<PackReleasePermit> check_pack_release(WriteTxn& txn, const PackId& pack,
                                                      const MediumId& medium,
                                                      const ReleasePolicy& policy);
  // A pack that was found bad before it was ever verified may go: its members still are where they
  // came from. kLocked when one of them has no other original or verified copy; kConflict when
  // the pack is not quarantined there, or was verified there once.
  static Result<PackReleasePermit> check_pack_abandon(WriteTxn& txn, const PackId& pack,
                                                      const MediumId& medium);
  // A staged copy may go: the copy it was made from is still there.
  static Result<ReleasePermit> check_staged_release(WriteTxn& txn, RecordingNo recording, int part,
                                                    const MediumId& medium);
  // The part's quarantined copy on the medium may give way to proven bytes in its place. kLocked
  // unless another verified copy stands; kConflict when it is not quarantined.
  static Result<CopyRepairPermit> check_copy_repair(WriteTxn& txn, RecordingNo recording, int part,
                                                    const MediumId& medium);
  // The same for a whole pack.
  static Result<PackRepairPermit> check_pack_repair(WriteTxn& txn, const PackId& pack,
                                                    const MediumId& medium);
  // The pack on the medium may go, since another took its place there: no living recording's copy
  // is in it any more. kLocked otherwise.
  static Result<PackReleasePermit> check_pack_rewritten(WriteTxn& txn, const PackId& pack,
                                                        const MediumId& medium);
  // What a medium that was declared lost had of the pack may be forgotten: each living member has a
  // verified copy on another that is not lost, however old. kLocked otherwise; kConflict when the
  // medium was not declared lost.
  static Result<PackReleasePermit> check_pack_lost(WriteTxn& txn, const PackId& pack,
                                                   const MediumId& medium);
  // A pack that a rewriting wrote and that no row speaks of may go. kConflict otherwise.
  static Result<PackReleasePermit> check_stray_pack(WriteTxn& txn, const PackId& pack,
                                                    const MediumId& medium);
  // The recording may be condemned or destroyed: no hold, no retention that has not ended by the
  // compliance clock and the system's, and its place is known. kLocked otherwise, naming the
  // matters' ids and the retention; told as "retention: …" when that alone forbids it.
  static Status check_destroy(WriteTxn& txn, RecordingNo recording);
};

}  // namespace holdfast
