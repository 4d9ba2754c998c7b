// Reads a tar that is pushed in, in pieces of any size.
//
//   header → body → padding → header … → (a zero block) end, where only zeros may follow
//
// Bounded memory: a header (kTarHeaderBytesMax). Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <string>

#include "base/types.h"
#include "io/stream.h"
#include "tiers/pack/tar.h"

namespace holdfast::pack {

// An entry that begins. Offsets count what was pushed since the start.
struct TarMember {
  TarEntry entry;
  std::string_view header;  // its bytes, a pax header in front included; valid during the call
  Bytes header_offset;
  Bytes body_offset;
};

struct TarReceiver {
  std::function<Status(const TarMember&)> begin;
  ByteSink body;
  std::function<Status()> end;  // behind the last byte of the body, before its padding
};

class TarStream {
 public:
  explicit TarStream(TarReceiver receiver) : receiver_(std::move(receiver)) {}

  // kCorrupt, with the offset, when the bytes are not a tar; the receiver's error otherwise.
  Status push(ByteSpan bytes);
  // True at a header's first byte or behind the end: no entry is cut.
  bool between_entries() const;
  // Bytes pushed so far.
  Bytes offset() const { return offset_; }
  // Zero bytes behind the last entry.
  Bytes end_zeros() const { return end_zeros_; }

 private:
  enum class Place : int8_t { kHeader, kBody, kPadding, kEnd };
  Result<size_t> take_header(ByteSpan bytes);
  Status leave_body();
  Error corrupt(const std::string& what) const;

  const TarReceiver receiver_;
  Place place_ = Place::kHeader;
  std::string header_;  // what there is of it
  Bytes body_;          // of the current entry
  int64_t left_ = 0;    // of the body or the padding
  Bytes offset_;
  Bytes end_zeros_;
};

}  // namespace holdfast::pack
