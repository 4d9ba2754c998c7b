// Stage 2: streams a pack that is laid out (builder.cc) into a sink.
#include "tiers/pack/writer.h"

#include <algorithm>
#include <array>

#include "tiers/pack/tar.h"
#include "tiers/pack/trailer.h"

namespace holdfast::pack {
namespace {

Status write_zeros(int64_t count, const ByteSink& sink) {
  static constexpr std::array<std::byte, 64 * 1024> kZeros{};
  while (count > 0) {
    int64_t step = std::min<int64_t>(count, kZeros.size());
    HOLDFAST_TRY(sink(ByteSpan(kZeros).first(static_cast<size_t>(step))));
    count -= step;
  }
  return Status();
}

}  // namespace

Result<std::string> BuiltPack::header_of(const Entry& entry) const {
  return tar_header({pack_id_.text() + "/" + entry.path, entry.size, sealed_at_.count / 1000});
}

Status BuiltPack::write_body(Io& io, const Entry& entry, const ByteSink& sink) const {
  switch (entry.body) {
    case Entry::Body::kText:
      return entry.text.empty() ? Status() : sink(as_bytes(entry.text));
    case Entry::Body::kZeros:
      return write_zeros(entry.size.count, sink);
    case Entry::Body::kScratch:
      break;
    case Entry::Body::kTrailer:
      return Error{Code::kInvalid, "a trailer is written by its own step"};
  }
  Sha256 digest;
  HOLDFAST_TRY(read_through(io, scratches_[entry.scratch].get(), entry.scratch_offset, entry.size,
                            [&](ByteSpan bytes) {
                              digest.update(bytes);
                              return sink(bytes);
                            }));
  if (digest.finish() != entry.sha256)
    return Error{Code::kCorrupt,
                 "write pack " + pack_id_.text() + ": the scratch file changed at " + entry.path};
  return Status();
}

Result<Digest> BuiltPack::write(Io& io, const ByteSink& sink) const {
  Sha256 whole;
  Sha256 metadata;
  Bytes position;
  Trailer trailer{pack_id_,         archive_id_,      sealed_at_,       size_,
                  Digest(),         metadata_offset_, metadata_length_, Digest(),
                  contents_offset_, Bytes(0),         Digest()};
  Bytes metadata_end = metadata_offset_ + metadata_length_;
  // Entries never straddle the metadata region's bounds.
  ByteSink out = [&](ByteSpan bytes) {
    whole.update(bytes);
    if (position >= metadata_offset_ && position < metadata_end) metadata.update(bytes);
    position += Bytes(static_cast<int64_t>(bytes.size()));
    return sink(bytes);
  };
  for (const Entry& entry : entries_) {
    HOLDFAST_ASSIGN(header, header_of(entry));
    HOLDFAST_TRY(out(as_bytes(header)));
    if (position == contents_offset_) {
      trailer.contents_length = entry.size;
      trailer.contents_sha256 = entry.sha256;
    }
    if (entry.body == Entry::Body::kTrailer) {
      trailer.before_sha256 = whole.so_far();
      trailer.metadata_sha256 = metadata.finish();
      HOLDFAST_TRY(out(as_bytes(render(trailer))));
    } else {
      HOLDFAST_TRY(write_body(io, entry, out));
    }
    HOLDFAST_TRY(write_zeros(tar_padding(entry.size), out));
  }
  HOLDFAST_TRY(write_zeros(2 * kTarBlock, out));
  if (position != size_)
    return Error{Code::kCorrupt, "write pack " + pack_id_.text() + ": " +
                                     std::to_string(position.count) + " bytes were written, not " +
                                     std::to_string(size_.count)};
  return whole.finish();
}

}  // namespace holdfast::pack
