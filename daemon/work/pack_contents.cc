#include "daemon/work/pack_contents.h"

#include "io/digest.h"

namespace holdfast {

pack::RangeReader range_reader(Io& io, PackSession& session, const PackLocation& location) {
  return [&io, &session, location](const PackRange& range, const ByteSink& sink) {
    return session.read(io, location, {range}, [&](size_t, ByteSpan bytes) { return sink(bytes); });
  };
}

Result<SealedPack> read_sealed_pack(Io& io, PackSession& session, const ShownPack& shown,
                                    const MediumId& medium, const ArchiveId& archive) {
  const pack::RangeReader read = range_reader(io, session, shown.location);
  HOLDFAST_ASSIGN(trailer, pack::read_trailer(read, shown.size));
  if (trailer.archive_id != archive)
    return Error{Code::kConflict, "it belongs to another archive, " + trailer.archive_id.text()};
  if (trailer.pack_id != shown.pack)
    return Error{Code::kConflict, "it is pack " + trailer.pack_id.text()};
  HOLDFAST_ASSIGN(contents, pack::read_contents(read, trailer));
  HOLDFAST_ASSIGN(spans, pack::part_spans(trailer, contents));
  SealedPack sealed;
  sealed.pack = shown.pack;
  sealed.medium = medium;
  sealed.location = shown.location;
  sealed.size = shown.size;
  for (const pack::PartSpan& span : spans)
    sealed.members.push_back(SealedMember{span.recording_id,
                                          span.part,
                                          {span.audio.offset, span.audio.length},
                                          {span.metadata.offset, span.metadata.length}});
  return sealed;
}

Status each_packed_part(Io& io, PackSession& session, const ShownPack& shown,
                        const pack::PartMetadataSink& see) {
  const pack::RangeReader read = range_reader(io, session, shown.location);
  HOLDFAST_ASSIGN(trailer, pack::read_trailer(read, shown.size));
  return pack::read_metadata_region(read, trailer, see);
}

Result<Digest> digest_pack(Io& io, PackSession& session, const ShownPack& shown) {
  const pack::RangeReader read = range_reader(io, session, shown.location);
  HOLDFAST_ASSIGN(trailer, pack::read_trailer(read, shown.size));
  // The trailer's own 512 bytes and the end of the tar come after what its digest covers.
  const int64_t covered = shown.size.count - pack::kPackEndBytes + 512;
  Sha256 before;
  Sha256 whole;
  int64_t position = 0;
  HOLDFAST_TRY(read(PackRange{Bytes(0), shown.size}, [&](ByteSpan bytes) -> Status {
    whole.update(bytes);
    if (position < covered)
      before.update(bytes.first(static_cast<size_t>(
          std::min<int64_t>(covered - position, static_cast<int64_t>(bytes.size())))));
    position += static_cast<int64_t>(bytes.size());
    return {};
  }));
  if (before.finish() != trailer.before_sha256)
    return Error{Code::kCorrupt, "its bytes differ from the digest in its trailer"};
  return whole.finish();
}

}  // namespace holdfast
