#include "tiers/pack/codec.h"

#include <zstd.h>

#include <algorithm>
#include <cassert>

#include "audio/wav.h"

namespace holdfast::pack {
namespace {

// Texts of a few KiB gain nothing beyond it, and an odd-sized hour of PCM stays quick.
constexpr int kZstdLevel = 9;
// A reader never needs more memory than this window, 8 MiB; level 9 takes 4 MiB.
constexpr int kZstdWindowLogMax = 23;

class StoredTransform final : public ByteTransform {
 public:
  explicit StoredTransform(ByteSink output) : output_(std::move(output)) {}
  Status write(ByteSpan bytes) override { return bytes.empty() ? Status() : output_(bytes); }
  Status finish() override { return Status(); }

 private:
  const ByteSink output_;
};

struct CompressorDeleter {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct DecompressorDeleter {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// One frame with its content size and checksum.
class ZstdCompressor final : public ByteTransform {
 public:
  explicit ZstdCompressor(ByteSink output) : output_(std::move(output)) {}

  Status start(Bytes length) {
    context_.reset(ZSTD_createCCtx());
    if (!context_) return Error{Code::kInvalid, "encode zstd: no memory"};
    for (size_t code : {ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel),
                        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1),
                        ZSTD_CCtx_setPledgedSrcSize(context_.get(),
                                                    static_cast<unsigned long long>(length.count))})
      if (ZSTD_isError(code) != 0) return failed(code);
    buffer_.resize(ZSTD_CStreamOutSize());
    return Status();
  }

  Status write(ByteSpan bytes) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (in.pos < in.size) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      size_t code = ZSTD_compressStream2(context_.get(), &out, &in, ZSTD_e_continue);
      if (ZSTD_isError(code) != 0) return failed(code);
      if (out.pos > 0) HOLDFAST_TRY(output_(ByteSpan(buffer_).first(out.pos)));
    }
    return Status();
  }

  Status finish() override {
    ZSTD_inBuffer in{nullptr, 0, 0};
    for (size_t left = 1; left > 0;) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      left = ZSTD_compressStream2(context_.get(), &out, &in, ZSTD_e_end);
      if (ZSTD_isError(left) != 0) return failed(left);
      if (out.pos > 0) HOLDFAST_TRY(output_(ByteSpan(buffer_).first(out.pos)));
    }
    return Status();
  }

 private:
  static Error failed(size_t code) {
    return Error{Code::kInvalid, std::string("encode zstd: ") + ZSTD_getErrorName(code)};
  }

  const ByteSink output_;
  std::unique_ptr<ZSTD_CCtx, CompressorDeleter> context_;
  std::vector<std::byte> buffer_;
};

class ZstdDecompressor final : public ByteTransform {
 public:
  explicit ZstdDecompressor(ByteSink output) : output_(std::move(output)) {}

  Status start() {
    context_.reset(ZSTD_createDCtx());
    if (!context_) return Error{Code::kIo, "decode zstd: no memory"};
    size_t code = ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
    if (ZSTD_isError(code) != 0) return failed(code);
    buffer_.resize(ZSTD_DStreamOutSize());
    return Status();
  }

  Status write(ByteSpan bytes) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool more = false;
    while (in.pos < in.size || more) {
      if (complete_) return Error{Code::kCorrupt, "decode zstd: bytes behind the frame"};
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      size_t code = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(code) != 0) return failed(code);
      complete_ = code == 0;
      more = !complete_ && out.pos == out.size;
      if (out.pos > 0) HOLDFAST_TRY(output_(ByteSpan(buffer_).first(out.pos)));
    }
    return Status();
  }

  Status finish() override {
    if (!complete_) return Error{Code::kCorrupt, "decode zstd: the frame is cut"};
    return Status();
  }

 private:
  static Error failed(size_t code) {
    return Error{Code::kCorrupt, std::string("decode zstd: ") + ZSTD_getErrorName(code)};
  }

  const ByteSink output_;
  std::unique_ptr<ZSTD_DCtx, DecompressorDeleter> context_;
  std::vector<std::byte> buffer_;
  bool complete_ = false;
};

template <typename Coder>
class FlacTransform final : public ByteTransform {
 public:
  explicit FlacTransform(std::unique_ptr<Coder> coder) : coder_(std::move(coder)) {}
  Status write(ByteSpan bytes) override { return coder_->write(bytes); }
  Status finish() override { return coder_->finish(); }

 private:
  std::unique_ptr<Coder> coder_;
};

Encoding zstd_encoding() {
  Encoding encoding;
  encoding.codec = Codec::kZstd;
  return encoding;
}

Encoding choose_raw(std::string_view file_name, const AudioClaims& claims, Bytes length) {
  const ChannelClaim* claim = claims.of(file_name);
  Encoding encoding;
  encoding.codec = Codec::kFlac;
  encoding.flac.form = raw_sample_form(file_name, claim);
  if (encoding.flac.form == SampleForm::kNone || length.count == 0 ||
      length.count % bytes_per_sample(encoding.flac.form) != 0)
    return zstd_encoding();
  encoding.flac.sample_rate_hz = raw_sample_rate_hz(encoding.flac.form, claim);
  return encoding;
}

Encoding choose_wav(ByteSpan first, Bytes length) {
  Result<WavHeader> header = read_wav_header(first, length);
  if (!header.ok() || header->frames() == 0) return zstd_encoding();
  Encoding encoding;
  encoding.codec = Codec::kFlac;
  encoding.flac.form = header->form();
  encoding.flac.channels = header->channels;
  if (header->sample_rate_hz <= INT32_MAX)
    encoding.flac.sample_rate_hz = static_cast<int32_t>(header->sample_rate_hz);
  encoding.head = header->data_offset;
  encoding.tail =
      Bytes(length.count - header->data_offset.count - header->frames() * header->block_align);
  return flac_can_encode(encoding.flac) ? encoding : zstd_encoding();
}

}  // namespace

std::string_view word(Codec codec) {
  switch (codec) {
    case Codec::kStored:
      return "stored";
    case Codec::kZstd:
      return "zstd";
    case Codec::kFlac:
      return "flac";
  }
  return "stored";
}

Result<Codec> codec_from(std::string_view text) {
  for (Codec codec : {Codec::kStored, Codec::kZstd, Codec::kFlac})
    if (text == word(codec)) return codec;
  return Error{Code::kInvalid, "codec \"" + std::string(text) + "\" is none of stored, zstd, flac"};
}

std::string_view word(Piece piece) {
  switch (piece) {
    case Piece::kWhole:
      return "whole";
    case Piece::kHead:
      return "head";
    case Piece::kSamples:
      return "samples";
    case Piece::kTail:
      return "tail";
  }
  return "whole";
}

Result<Piece> piece_from(std::string_view text) {
  for (Piece piece : {Piece::kWhole, Piece::kHead, Piece::kSamples, Piece::kTail})
    if (text == word(piece)) return piece;
  return Error{Code::kInvalid,
               "piece \"" + std::string(text) + "\" is none of whole, head, samples, tail"};
}

Encoding choose_encoding(std::string_view file_name, const AudioClaims& claims, ByteSpan first,
                         Bytes length) {
  switch (file_kind(file_name)) {
    case FileKind::kRawAudio:
      return choose_raw(file_name, claims, length);
    case FileKind::kWav:
      return choose_wav(first, length);
    case FileKind::kCompressedAudio:
    case FileKind::kCompressed:
      return Encoding();
    case FileKind::kText:
    case FileKind::kOther:
      break;
  }
  return zstd_encoding();
}

std::vector<StoredPiece> pieces_of(std::string_view file_name, const Encoding& encoding,
                                   Bytes length) {
  std::string name(file_name);
  std::vector<StoredPiece> pieces;
  switch (encoding.codec) {
    case Codec::kStored:
      pieces.push_back({name, Piece::kWhole, Codec::kStored, length});
      break;
    case Codec::kZstd:
      pieces.push_back({name + ".zst", Piece::kWhole, Codec::kZstd, length});
      break;
    case Codec::kFlac: {
      Bytes samples(length.count - encoding.head.count - encoding.tail.count);
      assert(samples.count > 0);
      if (encoding.head.count > 0)
        pieces.push_back({name + ".head", Piece::kHead, Codec::kStored, encoding.head});
      pieces.push_back({name + ".flac", Piece::kSamples, Codec::kFlac, samples});
      if (encoding.tail.count > 0)
        pieces.push_back({name + ".tail", Piece::kTail, Codec::kStored, encoding.tail});
      break;
    }
  }
  return pieces;
}

bool collides(std::string_view file_name, const Encoding& encoding, Bytes length,
              const std::function<bool(std::string_view)>& is_name) {
  std::vector<StoredPiece> pieces = pieces_of(file_name, encoding, length);
  return std::any_of(pieces.begin(), pieces.end(), [&](const StoredPiece& piece) {
    return piece.stored_name != file_name && is_name(piece.stored_name);
  });
}

Result<std::unique_ptr<ByteTransform>> make_encoder(Codec codec, const FlacFormat& flac,
                                                    Bytes length, FlacEncoder::Output output) {
  switch (codec) {
    case Codec::kStored:
      break;
    case Codec::kZstd: {
      auto compressor = std::make_unique<ZstdCompressor>(std::move(output.append));
      HOLDFAST_TRY(compressor->start(length));
      return std::unique_ptr<ByteTransform>(std::move(compressor));
    }
    case Codec::kFlac: {
      HOLDFAST_ASSIGN(encoder, FlacEncoder::create(flac, std::move(output)));
      return std::unique_ptr<ByteTransform>(
          std::make_unique<FlacTransform<FlacEncoder>>(std::move(encoder)));
    }
  }
  return std::unique_ptr<ByteTransform>(
      std::make_unique<StoredTransform>(std::move(output.append)));
}

Result<std::unique_ptr<ByteTransform>> make_decoder(Codec codec, ByteSink output) {
  switch (codec) {
    case Codec::kStored:
      break;
    case Codec::kZstd: {
      auto decompressor = std::make_unique<ZstdDecompressor>(std::move(output));
      HOLDFAST_TRY(decompressor->start());
      return std::unique_ptr<ByteTransform>(std::move(decompressor));
    }
    case Codec::kFlac: {
      HOLDFAST_ASSIGN(decoder, FlacDecoder::create(std::move(output)));
      return std::unique_ptr<ByteTransform>(
          std::make_unique<FlacTransform<FlacDecoder>>(std::move(decoder)));
    }
  }
  return std::unique_ptr<ByteTransform>(std::make_unique<StoredTransform>(std::move(output)));
}

}  // namespace holdfast::pack
