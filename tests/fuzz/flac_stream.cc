// FLAC: any samples come back as they were, and any bytes that claim to be a stream are refused or
// give the same bytes whatever the pieces in which they arrive.
//
//   input = cuts(3) 0 stream
//         | cuts(3) 1 form(1) channels(1) rate(4) samples
#include "audio/flac.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

constexpr size_t kOutputBytesMax = 4 << 20;  // a short stream may say much

struct Decoded {
  std::string bytes;
  bool ok = false;
  std::string error;
};

Decoded decode(std::string_view stream, Cuts* cuts) {
  Decoded decoded;
  bool is_over = false;
  auto decoder = FlacDecoder::create([&](ByteSpan bytes) -> Status {
    decoded.bytes += as_text(bytes);
    is_over = decoded.bytes.size() > kOutputBytesMax;
    return is_over ? Status(Error{Code::kTooLarge, "enough"}) : Status();
  });
  expect(decoder.ok(), "a decoder can be made");
  for (size_t at = 0; at < stream.size();) {
    const std::string piece(cuts == nullptr ? stream.substr(at) : cuts->next(stream, at));
    const Status written = (*decoder)->write(as_bytes(piece));
    if (!written.ok()) {
      expect(is_over ? written.error().code == Code::kTooLarge
                     : written.error().code == Code::kCorrupt,
             "a stream that is none is corrupt", written.error().message);
      decoded.error = written.error().message;
      return decoded;
    }
    at += piece.size();
  }
  const Status finished = (*decoder)->finish();
  expect(finished.ok() || is_over || finished.error().code == Code::kCorrupt,
         "a stream that ends early is corrupt");
  decoded.ok = finished.ok();
  if (!finished.ok()) decoded.error = finished.error().message;
  return decoded;
}

void expect_round_trip(Input& input, Cuts& cuts) {
  constexpr SampleForm kForms[] = {SampleForm::kPcm16, SampleForm::kPcm8, SampleForm::kPcm24,
                                   SampleForm::kMulaw, SampleForm::kAlaw};
  FlacFormat format;
  format.form = kForms[input.byte() % 5];
  format.channels = input.byte() % 10;
  format.sample_rate_hz = static_cast<int32_t>(input.number(4));
  std::string stream;
  FlacEncoder::Output output;
  output.append = [&](ByteSpan bytes) { return stream += as_text(bytes), Status(); };
  output.rewrite = [&](Bytes offset, ByteSpan bytes) {
    const auto at = static_cast<size_t>(offset.count);
    expect(offset.count >= 0 && at + bytes.size() <= stream.size(),
           "a header is there to be rewritten");
    stream.replace(at, bytes.size(), as_text(bytes));
    return Status();
  };
  auto encoder = FlacEncoder::create(format, output);
  expect(encoder.ok() == flac_can_encode(format), "what can be encoded is known before");
  if (!encoder.ok()) return;
  const std::string_view samples = input.rest();
  for (size_t at = 0; at < samples.size();) {
    const std::string_view piece = cuts.next(samples, at);
    expect((*encoder)->write(as_bytes(piece)).ok(), "any samples can be encoded");
    at += piece.size();
  }
  const auto frame = static_cast<size_t>(bytes_per_sample(format.form) * format.channels);
  const bool is_whole = samples.size() % frame == 0;
  const Status finished = (*encoder)->finish();
  expect(finished.ok() == is_whole, "whole frames are encoded, and no others");
  if (!is_whole || samples.empty()) return;  // an empty stream tells no length, and is none
  const Decoded decoded = decode(stream, &cuts);
  expect(decoded.ok && decoded.bytes == samples, "samples come back as they were", decoded.error);
}

}  // namespace

void flac_stream(ByteSpan bytes) {
  Input input(bytes);
  Cuts cuts(input);
  if (input.byte() % 2 == 1) return expect_round_trip(input, cuts);
  const std::string_view stream = input.rest();
  const Decoded whole = decode(stream, nullptr);
  const Decoded pieces = decode(stream, &cuts);
  expect(whole.ok == pieces.ok, "a stream is judged alike in one piece and in many");
  if (whole.ok)
    expect(whole.bytes == pieces.bytes, "a stream is the same in one piece and in many");
}

}  // namespace holdfast::fuzz
