// Makes a pack in two stages.
//
// Stage 1, build_pack: every file is read once, encoded into a scratch file, read back, decoded and
// compared with its SHA-256, by one or more encoders at a time. From then on the size of the pack
// and every offset are known and nothing can go wrong with the sources any more.
// Stage 2, BuiltPack::write: the tar is streamed into a back-end, bodies from the
// scratch file. It may run any number of times and always gives the same bytes.
//
// Invariants: no encoding is kept that did not give the original back; no audio file is ever
// in memory (metadata.json is, at most limits::kMetadataBytesMax); the scratch files, one of each
// encoder, have no names and are gone with the BuiltPack; equal plans give equal packs, however
// many encoders there are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/types.h"
#include "io/fd.h"
#include "io/io.h"
#include "tiers/backend.h"
#include "tiers/pack/codec.h"
#include "tiers/pack/plan.h"

namespace holdfast::pack {

struct StoredFile {
  std::string name;  // the original's
  Codec codec = Codec::kStored;
  Bytes stored_bytes;  // of all its pieces, without tar headers
};

// Where one part lies in the pack. Ranges begin at a tar header and end behind a padding: they
// are what PartExtractor takes.
struct StoredPart {
  RecordingId recording_id;
  int part = 1;
  Bytes offset;  // of its files without the metadata; length 0 when there are none
  Bytes length;
  Bytes metadata_offset;  // of metadata.json and recording.json
  Bytes metadata_length;
  std::vector<StoredFile> files;  // in the plan's order
};

class BuiltPack {
 public:
  BuiltPack(BuiltPack&&) = default;
  BuiltPack& operator=(BuiltPack&&) = default;

  const PackId& pack_id() const { return pack_id_; }
  // Of the whole pack: a multiple of kPackAlignment.
  Bytes size() const { return size_; }
  Bytes metadata_offset() const { return metadata_offset_; }
  Bytes metadata_length() const { return metadata_length_; }
  const std::vector<StoredPart>& parts() const { return parts_; }

  // Stage 2. Writes exactly size() bytes and gives their SHA-256. kCorrupt when the scratch
  // file no longer holds what was proven; the sink's error otherwise.
  Result<Digest> write(Io& io, const ByteSink& sink) const;

 private:
  friend class PackBuilder;
  BuiltPack() = default;

  // One entry of the tar, below the pack's directory.
  struct Entry {
    // Where the body is: in `text`, in the scratch file, or nowhere.
    enum class Body : int8_t { kText, kScratch, kZeros, kTrailer };
    std::string path;
    std::string text;
    Body body = Body::kText;
    Bytes size;
    size_t scratch = 0;  // of scratches_
    Bytes scratch_offset;
    Digest sha256;
  };
  Result<std::string> header_of(const Entry& entry) const;
  Status write_body(Io& io, const Entry& entry, const ByteSink& sink) const;

  PackId pack_id_;
  ArchiveId archive_id_;
  UnixMillis sealed_at_;
  Bytes size_;
  Bytes metadata_offset_;
  Bytes metadata_length_;
  Bytes contents_offset_;
  std::vector<Entry> entries_;
  std::vector<StoredPart> parts_;
  std::vector<Fd> scratches_;
};

struct BuildOptions {
  int encoders = 1;  // threads, the caller's included; each takes at most 24 MiB for its work
  // Asked before each file by whichever encoder takes it; its error ends the building. Empty: none.
  std::function<Status()> before_each_file;
};

// Stage 1. `scratch_directory_fd` names a directory with room for the encoded files.
// kCorrupt, naming recording and file, when a source is not what its size and SHA-256
// say (P5); kNoSpace; kInvalid for a plan outside the limits.
Result<BuiltPack> build_pack(Io& io, PackPlan plan, int scratch_directory_fd,
                             const BuildOptions& options = BuildOptions());

}  // namespace holdfast::pack
