// Gives the original files of one part back from its ranges of a pack.
//
//   between entries → header → body → padding → between entries …
//
// Bytes are pushed in as the medium delivers them (PackSession::read), in pieces of any size.
// Each original is decoded, digested and compared with its size and SHA-256 before it is said
// to be complete (P5). Bounded memory.
//
// Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/types.h"
#include "tiers/backend.h"

namespace holdfast::pack {

struct ExpectedFile {
  std::string name;
  Bytes size;
  Digest sha256;
};

// Receives the files one after another.
struct FileReceiver {
  std::function<Status(const ExpectedFile&)> begin;
  ByteSink write;
  // Called only when size and SHA-256 of what was written are right. Until then the bytes
  // are not proven: keep them where no reader finds them.
  std::function<Status(const ExpectedFile&)> end;
};

class PartExtractor {
 public:
  // `names` are the names of every original of the part that lies in the pushed ranges (a
  // stored name is told from an encoded one by them); only `wanted` are delivered.
  // recording.json may be wanted like any other.
  PartExtractor(RecordingId recording, int part, std::vector<std::string> names,
                std::vector<ExpectedFile> wanted, FileReceiver receiver);
  ~PartExtractor();
  PartExtractor(PartExtractor&&) noexcept;
  PartExtractor& operator=(PartExtractor&&) noexcept;

  // kCorrupt when the bytes are not this part's entries or a wanted file is not what it should
  // be; the receiver's error otherwise. After an error the extractor is not used again.
  Status push(ByteSpan bytes);
  // Ends a range; the next push begins another one of the same part. kCorrupt amid an entry.
  Status end_range();
  // kCorrupt, naming it, when a wanted file was not there.
  Status finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::pack
