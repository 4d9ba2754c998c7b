// Permits for tests of the tiers alone. In the product only index/guard.h makes one;
// a program that links the index must not include this file.
#pragma once

#include "base/permit.h"

namespace holdfast {

class Guard {
 public:
  static ReleasePermit permit(RecordingId recording, int part, MediumId medium) {
    return ReleasePermit(recording, part, medium);
  }
  static PackReleasePermit permit(PackId pack, MediumId medium) {
    return PackReleasePermit(pack, medium);
  }
  static CopyRepairPermit repair_permit(RecordingId recording, int part, MediumId medium) {
    return CopyRepairPermit(recording, part, medium);
  }
  static PackRepairPermit repair_permit(PackId pack, MediumId medium) {
    return PackRepairPermit(pack, medium);
  }
};

}  // namespace holdfast
