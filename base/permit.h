// ReleasePermit: the guard's answer, and the only thing with which a copy can
// be removed. One guard, one removal, held together by type: only index/guard
// makes a permit (after its row is committed), and every remove_copy wants one.
#pragma once

#include "base/types.h"

namespace holdfast {

class ReleasePermit {
 public:
  ReleasePermit(ReleasePermit&&) = default;
  ReleasePermit& operator=(ReleasePermit&&) = default;
  ReleasePermit(const ReleasePermit&) = delete;
  ReleasePermit& operator=(const ReleasePermit&) = delete;

  const RecordingId& recording() const { return recording_; }
  int part() const { return part_; }
  const MediumId& medium() const { return medium_; }

 private:
  friend class Guard;  // index/guard.h; nobody else
  ReleasePermit(RecordingId recording, int part, MediumId medium)
      : recording_(recording), part_(part), medium_(medium) {}

  RecordingId recording_;
  int part_;
  MediumId medium_;
};

// The same for a whole pack on one medium: every living member's copy there may go.
class PackReleasePermit {
 public:
  PackReleasePermit(PackReleasePermit&&) = default;
  PackReleasePermit& operator=(PackReleasePermit&&) = default;
  PackReleasePermit(const PackReleasePermit&) = delete;
  PackReleasePermit& operator=(const PackReleasePermit&) = delete;

  const PackId& pack() const { return pack_; }
  const MediumId& medium() const { return medium_; }

 private:
  friend class Guard;
  PackReleasePermit(PackId pack, MediumId medium) : pack_(pack), medium_(medium) {}

  PackId pack_;
  MediumId medium_;
};

// A bad copy may give way, in its place, to bytes that were proven: another verified copy stands.
class CopyRepairPermit {
 public:
  CopyRepairPermit(CopyRepairPermit&&) = default;
  CopyRepairPermit& operator=(CopyRepairPermit&&) = default;
  CopyRepairPermit(const CopyRepairPermit&) = delete;
  CopyRepairPermit& operator=(const CopyRepairPermit&) = delete;

  const RecordingId& recording() const { return recording_; }
  int part() const { return part_; }
  const MediumId& medium() const { return medium_; }

 private:
  friend class Guard;
  CopyRepairPermit(RecordingId recording, int part, MediumId medium)
      : recording_(recording), part_(part), medium_(medium) {}

  RecordingId recording_;
  int part_;
  MediumId medium_;
};

// The same for a whole pack on one medium.
class PackRepairPermit {
 public:
  PackRepairPermit(PackRepairPermit&&) = default;
  PackRepairPermit& operator=(PackRepairPermit&&) = default;
  PackRepairPermit(const PackRepairPermit&) = delete;
  PackRepairPermit& operator=(const PackRepairPermit&) = delete;

  const PackId& pack() const { return pack_; }
  const MediumId& medium() const { return medium_; }

 private:
  friend class Guard;
  PackRepairPermit(PackId pack, MediumId medium) : pack_(pack), medium_(medium) {}

  PackId pack_;
  MediumId medium_;
};

}  // namespace holdfast
