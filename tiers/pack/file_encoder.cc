#include "tiers/pack/file_encoder.h"

#include <algorithm>
#include <string>

#include "audio/wav.h"

namespace holdfast::pack {
namespace {

// The choice and what to fall back to.
std::vector<Encoding> attempts(const Encoding& choice, const PlannedFile& file,
                               const std::function<bool(std::string_view)>& is_name) {
  std::vector<Encoding> list;
  if (!collides(file.name, choice, file.size, is_name)) {
    list.push_back(choice);
    Encoding zstd;
    zstd.codec = Codec::kZstd;
    if (choice.codec == Codec::kFlac && !collides(file.name, zstd, file.size, is_name))
      list.push_back(zstd);
  }
  list.push_back(Encoding());
  return list;
}

}  // namespace

Result<std::vector<EncodedPiece>> FileEncoder::encode(
    const PlannedFile& file, const AudioClaims& claims,
    const std::function<bool(std::string_view)>& is_name) {
  HOLDFAST_ASSIGN(source, file.open(io_));
  HOLDFAST_ASSIGN(status, status_of(source.get(), file.name));
  if (status.st_size != file.size.count)
    return Error{Code::kCorrupt, "has " + std::to_string(status.st_size) + " bytes, not " +
                                     std::to_string(file.size.count)};
  std::vector<std::byte> first(
      static_cast<size_t>(std::min<int64_t>(file.size.count, kWavHeadBytes)));
  HOLDFAST_TRY(io_.read_exactly(source.get(), Bytes(0), first));
  Encoding choice = choose_encoding(file.name, claims, first, file.size);
  bool is_source_right = false;
  for (const Encoding& encoding : attempts(choice, file, is_name)) {
    Result<std::vector<EncodedPiece>> pieces = encode_as(encoding, file, source.get());
    // An encoder that does not take these bytes says kInvalid: the next one may.
    if (!pieces.ok() && pieces.error().code == Code::kInvalid) continue;
    if (!pieces.ok()) return std::move(pieces).error();
    HOLDFAST_ASSIGN(proven, prove(*pieces, file.sha256));
    if (proven) {
      end_ = pieces->back().scratch_offset + pieces->back().length;
      return std::move(*pieces);
    }
    if (is_source_right) continue;
    HOLDFAST_ASSIGN(digest, digest_file(io_, source.get(), file.size));
    if (digest != file.sha256) return Error{Code::kCorrupt, "its bytes differ from their SHA-256"};
    is_source_right = true;
  }
  return Error{Code::kCorrupt, "the scratch file does not give back what was written to it"};
}

Result<std::vector<EncodedPiece>> FileEncoder::encode_as(const Encoding& encoding,
                                                         const PlannedFile& file, int source_fd) {
  std::vector<EncodedPiece> encoded;
  Bytes source_offset;
  Bytes end = end_;  // an attempt that fails is written over
  for (const StoredPiece& piece : pieces_of(file.name, encoding, file.size)) {
    Result<EncodedPiece> done = encode_piece(piece, encoding.flac, source_fd, source_offset);
    if (!done.ok()) {
      end_ = end;
      return std::move(done).error();
    }
    end_ = done->scratch_offset + done->length;
    source_offset += piece.original_length;
    encoded.push_back(std::move(*done));
  }
  end_ = end;
  return encoded;
}

Result<EncodedPiece> FileEncoder::encode_piece(const StoredPiece& piece, const FlacFormat& flac,
                                               int source_fd, Bytes source_offset) {
  struct Rewrite {
    Bytes offset;
    std::vector<std::byte> bytes;
  };
  StreamWriter::Options options;
  options.offset = end_;
  StreamWriter writer(io_, scratch_fd_, options);
  // What FLAC puts into its header last; done when nothing else is in flight.
  std::vector<Rewrite> rewrites;
  FlacEncoder::Output output{
      [&writer](ByteSpan bytes) { return writer.append(bytes); },
      [&rewrites](Bytes offset, ByteSpan bytes) {
        rewrites.push_back({offset, std::vector<std::byte>(bytes.begin(), bytes.end())});
        return Status();
      }};
  HOLDFAST_ASSIGN(encoder, make_encoder(piece.codec, flac, piece.original_length, output));
  HOLDFAST_TRY(read_through(io_, source_fd, source_offset, piece.original_length,
                            [&](ByteSpan bytes) { return encoder->write(bytes); }));
  HOLDFAST_TRY(encoder->finish());
  HOLDFAST_TRY(writer.finish());
  for (const Rewrite& rewrite : rewrites)
    HOLDFAST_TRY(io_.write_all(scratch_fd_, end_ + rewrite.offset, rewrite.bytes));
  EncodedPiece done;
  done.piece = piece;
  if (piece.codec == Codec::kFlac) done.form = flac.form;
  done.scratch_offset = end_;
  done.length = writer.size();
  return done;
}

Result<bool> FileEncoder::prove(std::vector<EncodedPiece>& pieces, const Digest& original) {
  // What is stored as it is needs one digest, not two of the same bytes.
  const bool is_verbatim =
      pieces.front().piece.piece == Piece::kWhole && pieces.front().piece.codec == Codec::kStored;
  Sha256 decoded;
  for (EncodedPiece& piece : pieces) {
    Sha256 stored;
    HOLDFAST_ASSIGN(decoder, make_decoder(piece.piece.codec, [&decoded](ByteSpan bytes) {
                      return decoded.update(bytes), Status();
                    }));
    // A decoder's refusal disproves the encoding; an error of the scratch file is an error.
    Status decoding;
    HOLDFAST_TRY(
        read_through(io_, scratch_fd_, piece.scratch_offset, piece.length, [&](ByteSpan bytes) {
          if (!is_verbatim) stored.update(bytes);
          if (decoding.ok()) decoding = decoder->write(bytes);
          return Status();
        }));
    if (decoding.ok()) decoding = decoder->finish();
    if (!decoding.ok()) return false;
    if (!is_verbatim) piece.sha256 = stored.finish();
  }
  const Digest given_back = decoded.finish();
  if (is_verbatim) pieces.front().sha256 = given_back;
  return given_back == original;
}

}  // namespace holdfast::pack
