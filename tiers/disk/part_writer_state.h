// What a PartWriter holds, for itself and for the StandardTree that makes and publishes it.
#pragma once

#include <string>
#include <vector>

#include "tiers/disk/part_writer.h"

namespace holdfast {

struct PartWriter::State {
  PartId part;
  Fd parent;         // standard/.incoming or staged
  std::string name;  // of the directory within it
  Fd directory;
  std::vector<RecordedFile> files;  // finished ones
  size_t begun = 0;                 // files that were made, finished or not
  bool finished = false;

  // A new file below the directory; kInvalid for a bad name, kConflict when it is there.
  Result<Fd> make_file(Io& io, const std::string& name);
  // Are these the finished files, by name, size and digest?
  bool has_exactly(const std::vector<RecordedFile>& described) const;
};

}  // namespace holdfast
