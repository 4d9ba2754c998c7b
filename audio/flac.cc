// Two objects around libFLAC's callbacks. Its callbacks can only say "abort": the reason is
// kept here and told by the call that ran into it.
#include "audio/flac.h"

#include <FLAC/metadata.h>
#include <FLAC/stream_decoder.h>
#include <FLAC/stream_encoder.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "audio/g711.h"

// libFLAC has this one in no header and keeps it for those who declare it themselves
// (https://github.com/xiph/flac/issues/547).
// NOLINTNEXTLINE(bugprone-reserved-identifier): the library's own name
extern "C" FLAC__bool FLAC__stream_encoder_set_do_md5(FLAC__StreamEncoder* encoder,
                                                      FLAC__bool value);

namespace holdfast {
namespace {

constexpr char kFormComment[] = "HOLDFAST_FORM";
constexpr int kChannelsMax = 8;
constexpr int32_t kRateHzMax = 655'350;  // beyond it only libFLAC 1.4 and later decode
constexpr int32_t kRateHzUntold = 8'000;
constexpr uint32_t kCompressionLevel = 5;   // what Tuning leaves open
constexpr uint32_t kBlockFramesMax = 4096;  // docs/pack-format.md
constexpr size_t kBatchFrames = 4096;       // given to libFLAC at once
// No frame and no metadata block that our encoder writes comes near to this: 4,096
// frames of 8 channels of 24 bits are 98,304 bytes.
constexpr size_t kFrameBytesMax = 256 * 1024;

uint32_t bits_of(SampleForm form) { return static_cast<uint32_t>(bytes_per_sample(form)) * 8; }

bool is_g711(SampleForm form) { return form == SampleForm::kMulaw || form == SampleForm::kAlaw; }

// How libFLAC is set for a form: the bytes and the time of each setting and of those beside it are
// in docs/performance.md, "Packing".
struct Tuning {
  uint32_t block_frames = 0;
  uint32_t predictor_order_max = 0;  // of linear prediction; 0: libFLAC's fixed predictors alone
  uint32_t partition_order_max = 0;  // a block's residual has up to 2 to this power of parts
};

// The noise floor of G.711 wants long blocks with many parts; linear prediction finds next to
// nothing in it. In PCM speech alternates with silence: blocks of 64 ms follow it.
Tuning tuning_of(SampleForm form, int32_t rate_hz) {
  if (is_g711(form)) return {kBlockFramesMax, 0, 6};
  uint32_t frames = 512;
  while (frames < kBlockFramesMax && int64_t{frames} * 1000 < int64_t{rate_hz} * 64) frames *= 2;
  return {frames, 10, 4};
}

int32_t byte_at(const std::byte* bytes, size_t i) { return std::to_integer<int32_t>(bytes[i]); }

// Samples from their bytes, a loop for each form so that the compiler can make vectors of it.
// `rank` is the table of a G.711 form, else null.
void samples_from(SampleForm form, const G711Table* rank, ByteSpan bytes, FLAC__int32* out) {
  const std::byte* in = bytes.data();
  const size_t count = bytes.size() / static_cast<size_t>(bytes_per_sample(form));
  switch (form) {
    case SampleForm::kPcm16:
      for (size_t i = 0; i < count; ++i)
        out[i] = static_cast<int16_t>(byte_at(in, 2 * i) | byte_at(in, 2 * i + 1) << 8);
      break;
    case SampleForm::kPcm24:
      for (size_t i = 0; i < count; ++i) {
        const int32_t high = byte_at(in, 3 * i + 2);
        out[i] = (byte_at(in, 3 * i) | byte_at(in, 3 * i + 1) << 8 | high << 16) -
                 ((high & 0x80) != 0 ? 1 << 24 : 0);
      }
      break;
    case SampleForm::kPcm8:
      for (size_t i = 0; i < count; ++i) out[i] = byte_at(in, i) - 128;
      break;
    case SampleForm::kMulaw:
    case SampleForm::kAlaw:
      for (size_t i = 0; i < count; ++i)
        out[i] = (*rank)[static_cast<size_t>(byte_at(in, i))] - 128;
      break;
    case SampleForm::kNone:
      break;
  }
}

// The inverse for one channel out of `stride`: its samples' bytes, each `stride` samples from the
// one before. A constant where there is one channel, whose loops so become vectors, too.
template <typename Stride>
void bytes_from(SampleForm form, const G711Table* code, const FLAC__int32* samples, size_t count,
                Stride stride, std::byte* out) {
  const auto byte = [](int32_t value) { return static_cast<std::byte>(value & 0xFF); };
  const size_t step = stride * static_cast<size_t>(bytes_per_sample(form));
  switch (form) {
    case SampleForm::kPcm16:
      for (size_t i = 0; i < count; ++i) {
        out[i * step] = byte(samples[i]);
        out[i * step + 1] = byte(samples[i] >> 8);
      }
      break;
    case SampleForm::kPcm24:
      for (size_t i = 0; i < count; ++i) {
        out[i * step] = byte(samples[i]);
        out[i * step + 1] = byte(samples[i] >> 8);
        out[i * step + 2] = byte(samples[i] >> 16);
      }
      break;
    case SampleForm::kPcm8:
      for (size_t i = 0; i < count; ++i) out[i * step] = byte(samples[i] + 128);
      break;
    case SampleForm::kMulaw:
    case SampleForm::kAlaw:
      for (size_t i = 0; i < count; ++i)
        out[i * step] = byte((*code)[static_cast<size_t>(samples[i] + 128) & 0xFF]);
      break;
    case SampleForm::kNone:
      break;
  }
}

struct EncoderDeleter {
  void operator()(FLAC__StreamEncoder* encoder) const { FLAC__stream_encoder_delete(encoder); }
};
struct DecoderDeleter {
  void operator()(FLAC__StreamDecoder* decoder) const { FLAC__stream_decoder_delete(decoder); }
};
struct MetadataDeleter {
  void operator()(FLAC__StreamMetadata* block) const { FLAC__metadata_object_delete(block); }
};

class Encoder final : public FlacEncoder {
 public:
  Encoder(const FlacFormat& format, Output output)
      : format_(format),
        output_(std::move(output)),
        frame_bytes_(static_cast<size_t>(bytes_per_sample(format.form) * format.channels)),
        rank_(is_g711(format.form) ? &g711_rank_of_code(format.form) : nullptr) {}

  Status start() {
    encoder_.reset(FLAC__stream_encoder_new());
    comment_.reset(FLAC__metadata_object_new(FLAC__METADATA_TYPE_VORBIS_COMMENT));
    std::string text = std::string(kFormComment) + "=" + std::string(word(format_.form));
    FLAC__StreamMetadata_VorbisComment_Entry entry;
    entry.length = static_cast<FLAC__uint32>(text.size());
    entry.entry = reinterpret_cast<FLAC__byte*>(text.data());
    if (!encoder_ || !comment_ ||
        !FLAC__metadata_object_vorbiscomment_append_comment(comment_.get(), entry, /*copy=*/true))
      return failed("start");
    FLAC__StreamEncoder* encoder = encoder_.get();
    int32_t rate = format_.sample_rate_hz;
    if (rate < 1 || rate > kRateHzMax) rate = kRateHzUntold;
    const Tuning tuning = tuning_of(format_.form, rate);
    FLAC__StreamMetadata* blocks[] = {comment_.get()};
    bool set =
        FLAC__stream_encoder_set_compression_level(encoder, kCompressionLevel) &&
        FLAC__stream_encoder_set_blocksize(encoder, tuning.block_frames) &&
        FLAC__stream_encoder_set_max_lpc_order(encoder, tuning.predictor_order_max) &&
        FLAC__stream_encoder_set_max_residual_partition_order(encoder,
                                                              tuning.partition_order_max) &&
        // Finds two channels that are the same, which the full search does no better.
        FLAC__stream_encoder_set_loose_mid_side_stereo(encoder, true) &&
        FLAC__stream_encoder_set_do_md5(encoder, false) &&  // see the header
        FLAC__stream_encoder_set_streamable_subset(encoder, false) &&
        FLAC__stream_encoder_set_channels(encoder, static_cast<uint32_t>(format_.channels)) &&
        FLAC__stream_encoder_set_bits_per_sample(encoder, bits_of(format_.form)) &&
        FLAC__stream_encoder_set_sample_rate(encoder, static_cast<uint32_t>(rate)) &&
        FLAC__stream_encoder_set_metadata(encoder, blocks, 1);
    if (!set || FLAC__stream_encoder_init_stream(encoder, on_write, on_seek, on_tell, nullptr,
                                                 this) != FLAC__STREAM_ENCODER_INIT_STATUS_OK)
      return failed("start");
    return Status();
  }

  Status write(ByteSpan bytes) override {
    if (!partial_.empty()) {
      size_t missing = std::min(frame_bytes_ - partial_.size(), bytes.size());
      partial_.insert(partial_.end(), bytes.begin(), bytes.begin() + static_cast<long>(missing));
      bytes = bytes.subspan(missing);
      if (partial_.size() < frame_bytes_) return Status();
      std::vector<std::byte> frame;
      frame.swap(partial_);
      HOLDFAST_TRY(write_frames(frame));
    }
    size_t whole = bytes.size() - bytes.size() % frame_bytes_;
    HOLDFAST_TRY(write_frames(bytes.first(whole)));
    partial_.assign(bytes.begin() + static_cast<long>(whole), bytes.end());
    return Status();
  }

  Status finish() override {
    if (!partial_.empty())
      return Error{Code::kInvalid, "encode FLAC: " + std::to_string(partial_.size()) +
                                       " bytes after the last whole frame"};
    if (!FLAC__stream_encoder_finish(encoder_.get())) return failed("finish");
    if (!error_.ok()) return error_;
    return Status();
  }

 private:
  Status write_frames(ByteSpan bytes) {
    while (!bytes.empty()) {
      ByteSpan batch = bytes.first(std::min(bytes.size(), kBatchFrames * frame_bytes_));
      bytes = bytes.subspan(batch.size());
      samples_.resize(batch.size() / static_cast<size_t>(bytes_per_sample(format_.form)));
      samples_from(format_.form, rank_, batch, samples_.data());
      const auto frames = static_cast<uint32_t>(batch.size() / frame_bytes_);
      const FLAC__int32* const only[] = {samples_.data()};
      if (format_.channels == 1
              ? !FLAC__stream_encoder_process(encoder_.get(), only, frames)
              : !FLAC__stream_encoder_process_interleaved(encoder_.get(), samples_.data(), frames))
        return failed("write");
    }
    return Status();
  }

  Error failed(const char* step) const {
    if (!error_.ok()) return error_.error();
    std::string state =
        encoder_ ? FLAC__stream_encoder_get_resolved_state_string(encoder_.get()) : "no memory";
    return Error{Code::kInvalid, std::string("encode FLAC (") + step + "): " + state};
  }

  static Encoder& self(void* client) { return *static_cast<Encoder*>(client); }

  static FLAC__StreamEncoderWriteStatus on_write(const FLAC__StreamEncoder*,
                                                 const FLAC__byte bytes[], size_t size, uint32_t,
                                                 uint32_t, void* client) {
    Encoder& encoder = self(client);
    ByteSpan span(reinterpret_cast<const std::byte*>(bytes), size);
    if (encoder.position_ == encoder.end_) {
      encoder.error_ = encoder.output_.append(span);
      encoder.end_ += static_cast<int64_t>(size);
    } else {
      encoder.error_ = encoder.output_.rewrite(Bytes(encoder.position_), span);
    }
    encoder.position_ += static_cast<int64_t>(size);
    return encoder.error_.ok() ? FLAC__STREAM_ENCODER_WRITE_STATUS_OK
                               : FLAC__STREAM_ENCODER_WRITE_STATUS_FATAL_ERROR;
  }

  static FLAC__StreamEncoderSeekStatus on_seek(const FLAC__StreamEncoder*, FLAC__uint64 offset,
                                               void* client) {
    self(client).position_ = static_cast<int64_t>(offset);
    return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
  }

  static FLAC__StreamEncoderTellStatus on_tell(const FLAC__StreamEncoder*, FLAC__uint64* offset,
                                               void* client) {
    *offset = static_cast<FLAC__uint64>(self(client).position_);
    return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
  }

  const FlacFormat format_;
  const Output output_;
  const size_t frame_bytes_;
  const G711Table* const rank_;
  std::unique_ptr<FLAC__StreamMetadata, MetadataDeleter> comment_;  // outlives the encoder
  std::unique_ptr<FLAC__StreamEncoder, EncoderDeleter> encoder_;
  std::vector<std::byte> partial_;    // less than a frame
  std::vector<FLAC__int32> samples_;  // of one batch
  int64_t position_ = 0;
  int64_t end_ = 0;
  Status error_;
};

// libFLAC pulls, media push. Bytes are kept until a whole frame is certainly there
// (kFrameBytesMax, or the stream's end), so that a pull never runs dry.
class Decoder final : public FlacDecoder {
 public:
  explicit Decoder(Output output) : output_(std::move(output)) {}

  Status start() {
    decoder_.reset(FLAC__stream_decoder_new());
    if (!decoder_) return Error{Code::kIo, "decode FLAC: no memory"};
    FLAC__StreamDecoder* decoder = decoder_.get();
    bool set =
        FLAC__stream_decoder_set_md5_checking(decoder, false) &&  // see the header
        FLAC__stream_decoder_set_metadata_respond(decoder, FLAC__METADATA_TYPE_VORBIS_COMMENT);
    if (!set || FLAC__stream_decoder_init_stream(decoder, on_read, nullptr, nullptr, nullptr,
                                                 nullptr, on_frame, on_metadata, on_error,
                                                 this) != FLAC__STREAM_DECODER_INIT_STATUS_OK)
      return Error{Code::kIo, "decode FLAC: the decoder does not start"};
    return Status();
  }

  Status write(ByteSpan bytes) override {
    while (!bytes.empty()) {
      ByteSpan piece = bytes.first(std::min(bytes.size(), kFrameBytesMax));
      bytes = bytes.subspan(piece.size());
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<long>(taken_));
      taken_ = 0;
      pending_.insert(pending_.end(), piece.begin(), piece.end());
      while (pending_.size() - taken_ >= kFrameBytesMax && !at_end()) HOLDFAST_TRY(step());
      if (at_end()) taken_ = pending_.size();
    }
    return Status();
  }

  Status finish() override {
    ended_ = true;
    while (!at_end()) HOLDFAST_TRY(step());
    if (!stream_info_ || decoded_ != stream_info_->total_samples)
      return corrupt("it ends after " + std::to_string(decoded_) + " samples");
    if (!FLAC__stream_decoder_finish(decoder_.get())) return corrupt("it does not end well");
    return Status();
  }

 private:
  static Error corrupt(const std::string& what) {
    return Error{Code::kCorrupt, "decode FLAC: " + what};
  }

  bool at_end() const {
    return FLAC__stream_decoder_get_state(decoder_.get()) == FLAC__STREAM_DECODER_END_OF_STREAM;
  }

  Status step() {
    bool processed = FLAC__stream_decoder_process_single(decoder_.get());
    if (!error_.ok()) return error_;
    FLAC__StreamDecoderState state = FLAC__stream_decoder_get_state(decoder_.get());
    if (!processed || state > FLAC__STREAM_DECODER_END_OF_STREAM)
      return corrupt(FLAC__StreamDecoderStateString[state]);
    return Status();
  }

  void fail(Error error) {
    if (error_.ok()) error_ = std::move(error);
  }

  void take_stream_info(const FLAC__StreamMetadata_StreamInfo& info) {
    size_t bytes = size_t{info.max_blocksize} * info.channels * ((info.bits_per_sample + 7) / 8);
    if (info.total_samples == 0) return fail(corrupt("it tells no length"));
    if (bytes > kFrameBytesMax / 2) return fail(corrupt("its frames are larger than ours"));
    stream_info_ = info;
  }

  void take_comment(const FLAC__StreamMetadata_VorbisComment& comments) {
    for (uint32_t i = 0; i < comments.num_comments; ++i) {
      const FLAC__StreamMetadata_VorbisComment_Entry& entry = comments.comments[i];
      std::string_view text(reinterpret_cast<const char*>(entry.entry), entry.length);
      size_t equals = text.find('=');
      if (equals == std::string_view::npos || text.substr(0, equals) != kFormComment) continue;
      Result<SampleForm> form = sample_form_from(text.substr(equals + 1));
      if (!form.ok()) return fail(corrupt(form.error().message));
      form_ = *form;
      code_ = is_g711(form_) ? &g711_code_of_rank(form_) : nullptr;
    }
  }

  Status take_frame(const FLAC__Frame& frame, const FLAC__int32* const channels[]) {
    if (form_ == SampleForm::kNone || !stream_info_)
      return corrupt(std::string("it has no comment ") + kFormComment);
    if (frame.header.bits_per_sample != bits_of(form_) ||
        frame.header.channels != stream_info_->channels)
      return corrupt("a frame has another form than the stream");
    const auto width = static_cast<size_t>(bytes_per_sample(form_));
    const size_t count = frame.header.channels;
    bytes_.resize(frame.header.blocksize * count * width);
    if (count == 1) {
      bytes_from(form_, code_, channels[0], frame.header.blocksize,
                 std::integral_constant<size_t, 1>(), bytes_.data());
    } else {
      for (size_t channel = 0; channel < count; ++channel)
        bytes_from(form_, code_, channels[channel], frame.header.blocksize, count,
                   bytes_.data() + channel * width);
    }
    decoded_ += frame.header.blocksize;
    return output_(bytes_);
  }

  static Decoder& self(void* client) { return *static_cast<Decoder*>(client); }

  static FLAC__StreamDecoderReadStatus on_read(const FLAC__StreamDecoder*, FLAC__byte buffer[],
                                               size_t* size, void* client) {
    Decoder& decoder = self(client);
    size_t there = decoder.pending_.size() - decoder.taken_;
    *size = std::min(*size, there);
    if (*size == 0) {
      if (decoder.ended_) return FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
      decoder.fail(corrupt("a block is larger than ours"));
      return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    }
    std::memcpy(buffer, decoder.pending_.data() + decoder.taken_, *size);
    decoder.taken_ += *size;
    return FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
  }

  static FLAC__StreamDecoderWriteStatus on_frame(const FLAC__StreamDecoder*,
                                                 const FLAC__Frame* frame,
                                                 const FLAC__int32* const channels[],
                                                 void* client) {
    Decoder& decoder = self(client);
    Status taken = decoder.error_.ok() ? decoder.take_frame(*frame, channels) : decoder.error_;
    if (taken.ok()) return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
    decoder.fail(taken.error());
    return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
  }

  static void on_metadata(const FLAC__StreamDecoder*, const FLAC__StreamMetadata* block,
                          void* client) {
    if (block->type == FLAC__METADATA_TYPE_STREAMINFO)
      self(client).take_stream_info(block->data.stream_info);
    if (block->type == FLAC__METADATA_TYPE_VORBIS_COMMENT)
      self(client).take_comment(block->data.vorbis_comment);
  }

  static void on_error(const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus status,
                       void* client) {
    self(client).fail(corrupt(FLAC__StreamDecoderErrorStatusString[status]));
  }

  const Output output_;
  std::unique_ptr<FLAC__StreamDecoder, DecoderDeleter> decoder_;
  std::vector<std::byte> pending_;  // at most 2 * kFrameBytesMax
  size_t taken_ = 0;                // of pending_, already given to libFLAC
  bool ended_ = false;
  std::optional<FLAC__StreamMetadata_StreamInfo> stream_info_;
  SampleForm form_ = SampleForm::kNone;
  const G711Table* code_ = nullptr;
  uint64_t decoded_ = 0;          // frames
  std::vector<std::byte> bytes_;  // of one FLAC frame
  Status error_;
};

}  // namespace

bool flac_can_encode(const FlacFormat& format) {
  return format.form != SampleForm::kNone && format.channels >= 1 &&
         format.channels <= kChannelsMax;
}

Result<std::unique_ptr<FlacEncoder>> FlacEncoder::create(const FlacFormat& format, Output output) {
  if (!flac_can_encode(format))
    return Error{Code::kInvalid, "encode FLAC: " + std::to_string(format.channels) +
                                     " channels of form " + std::string(word(format.form))};
  auto encoder = std::make_unique<Encoder>(format, std::move(output));
  HOLDFAST_TRY(encoder->start());
  return std::unique_ptr<FlacEncoder>(std::move(encoder));
}

Result<std::unique_ptr<FlacDecoder>> FlacDecoder::create(Output output) {
  auto decoder = std::make_unique<Decoder>(std::move(output));
  HOLDFAST_TRY(decoder->start());
  return std::unique_ptr<FlacDecoder>(std::move(decoder));
}

}  // namespace holdfast
