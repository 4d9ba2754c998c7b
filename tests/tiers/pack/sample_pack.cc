#include "tests/tiers/pack/sample_pack.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/json.h"
#include "tests/support/synthetic_audio.h"

namespace holdfast::pack::testing {
namespace {

using holdfast::testing::g711_bytes;
using holdfast::testing::noise_bytes;
using holdfast::testing::pcm16_bytes;
using holdfast::testing::synthetic_samples;
using holdfast::testing::wav_bytes;
using holdfast::testing::WavOptions;

// A failure here is one of the test itself.
template <typename T>
T must(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "sample pack: %s\n", result.error().message.c_str());
  std::abort();
}

Result<Fd> memory_file(const std::string& bytes) {
  Fd fd(memfd_create("original", MFD_CLOEXEC));
  if (!fd) return system_error(errno, "memfd_create");
  if (write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return system_error(errno, "write to memory");
  return Result<Fd>(std::move(fd));
}

std::string metadata(const char* inbound_format, const char* outbound_format) {
  return std::string("{\"call_sid\":\"CA0001\",\"inbound_format\":\"") + inbound_format +
         "\",\"inbound_sample_rate\":8000,\"outbound_format\":\"" + outbound_format +
         "\",\"outbound_sample_rate\":16000,\"duration_seconds\":1.5}\n";
}

std::string wav(const std::string& data, int tag, int channels, int bits) {
  WavOptions options;
  options.format_tag = tag;
  options.channels = channels;
  options.bits_per_sample = bits;
  options.list_chunk_before = true;
  options.extensible = bits == 24;
  return wav_bytes(data, options);
}

std::map<std::string, std::string> ugly_files(uint32_t seed) {
  std::string sound = pcm16_bytes(synthetic_samples(5'000, seed, 8'000));
  WavOptions unfinished;
  unfinished.declared_data_bytes = 0;
  WavOptions lying;
  lying.declared_data_bytes = 4'000'000'000;
  WavOptions floating;
  floating.format_tag = 3;
  floating.bits_per_sample = 32;
  WavOptions with_tail;
  with_tail.channels = 2;
  with_tail.after = "LIST....and what a recorder wrote behind";
  return {
      {"inbound.ulaw", ""},
      {"outbound.pcm", sound + "x"},
      {"recording.1.wav", wav_bytes(sound, unfinished)},
      {"recording.2.wav", wav_bytes(sound + "x", lying)},
      {"recording.3.wav", wav_bytes(sound.substr(0, 4'000), floating)},
      {"recording.4.wav", wav_bytes(sound + "xyz", with_tail)},
      {"recording.5.wav", wav_bytes("", WavOptions())},
      {"recording.6.wav", "RIFF and then nothing that a WAV would have"},
      {"recording.7.wav", ""},
      {"recording.8.wav", wav_bytes(sound.substr(0, 1), WavOptions())},
      {"recording.9.wav", wav(noise_bytes(900, seed), 1, 9, 8)},
      {"recording.raw", "x"},
      {"transcript.1.txt", ""},
  };
}

}  // namespace

SampleMember member_of(uint32_t number, int part, std::map<std::string, std::string> files) {
  SampleMember member;
  for (size_t i = 0; i < member.recording_id.bytes.size(); ++i)
    member.recording_id.bytes[i] = static_cast<std::byte>(number * 37 + i * 11);
  member.part = part;
  member.files = std::move(files);
  json::array list;
  for (const auto& [name, bytes] : member.files)
    list.push_back(json::object{{"channel", "none"},
                                {"name", name},
                                {"sha256", sha256(bytes).hex()},
                                {"size", static_cast<int64_t>(bytes.size())}});
  member.recording_json = canonical(json::object{{"call_sid", "CA000" + std::to_string(number)},
                                                 {"files", list},
                                                 {"format", 1},
                                                 {"part", part},
                                                 {"recording", member.recording_id.text()},
                                                 {"recording_no", number}}) +
                          "\n";
  return member;
}

std::vector<SampleMember> sample_members(uint32_t seed) {
  std::vector<int16_t> sound = synthetic_samples(12'000, seed, 8'000);
  std::string pcm = pcm16_bytes(sound);
  std::string mulaw = g711_bytes(sound, SampleForm::kMulaw);
  std::string alaw = g711_bytes(sound, SampleForm::kAlaw);
  std::string noise = noise_bytes(6'000, seed);
  std::string long_name = "recording." + std::string(114, '1') + ".wav";
  std::vector<SampleMember> members;
  members.push_back(member_of(1, 1,
                              {{"inbound.ulaw", mulaw},
                               {"outbound.pcm", pcm},
                               {"transcript.txt", "caller: hello\nagent: good morning\n"},
                               {"metadata.json", metadata("mulaw", "pcm16")}}));
  members.push_back(member_of(2, 1,
                              {{"inbound.raw", alaw},
                               {"outbound.raw", noise},
                               {"recording.mp3", noise},
                               {"metadata.json", metadata("alaw", "pcm16")}}));
  members.push_back(member_of(2, 2, ugly_files(seed)));
  members.push_back(member_of(3, 1,
                              {{"inbound.ulaw", mulaw},
                               {"inbound.ulaw.flac", "an original of that name"},
                               {"outbound.pcm", pcm},
                               {"outbound.pcm.zst", "another"},
                               {"transcript.json", "{}"},
                               {"transcript.json.zst", "a third"},
                               {"metadata.json", "{\"call_sid\":"},
                               {"metadata.json.zst", "a fourth"}}));
  members.push_back(member_of(4, 1, {{"metadata.json", metadata("mulaw", "mulaw")}}));
  members.push_back(member_of(5, 1000,
                              {{"recording.1.wav", wav(mulaw, 7, 1, 8)},
                               {"recording.2.wav", wav(alaw, 6, 2, 8)},
                               {"recording.3.wav", wav(noise, 1, 1, 8)},
                               {"recording.4.wav", wav(noise, 1, 2, 24)},
                               {"recording.5.wav", wav(pcm, 1, 2, 16)},
                               {long_name, wav(pcm, 1, 1, 16)}}));
  // An original that looks like metadata, as the last of the audio.
  members.push_back(member_of(6, 1, {{"metadata.json.zst", "a fifth"}}));
  return members;
}

PackId sample_pack_id() {
  PackId id;
  for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return id;
}

PackPlan plan_of(const std::vector<SampleMember>& members) {
  PackPlan plan;
  plan.pack_id = sample_pack_id();
  plan.archive_id.bytes.fill(std::byte{0x42});
  plan.sealed_at = UnixMillis(1'795'233'600'123);
  for (const SampleMember& member : members) {
    PlannedPart part;
    part.recording_id = member.recording_id;
    part.part = member.part;
    part.recording_json = member.recording_json;
    for (const auto& file : member.files) {
      std::string bytes = file.second;
      part.files.push_back({file.first, Bytes(static_cast<int64_t>(bytes.size())), sha256(bytes),
                            [bytes](Io&) { return memory_file(bytes); }});
    }
    plan.parts.push_back(std::move(part));
  }
  return plan;
}

std::unique_ptr<Io> open_io() { return must(Io::open()); }

Fd open_scratch_directory() {
  const char* directory = std::getenv("TMPDIR");
  return must(open_root(directory != nullptr ? directory : "/tmp"));
}

SamplePack make_pack(const std::vector<SampleMember>& members) {
  std::unique_ptr<Io> io = open_io();
  BuiltPack built = must(build_pack(*io, plan_of(members), open_scratch_directory().get()));
  SamplePack pack;
  pack.parts = built.parts();
  pack.sha256 = must(
      built.write(*io, [&pack](ByteSpan bytes) { return pack.bytes += as_text(bytes), Status(); }));
  return pack;
}

RangeReader reader_of(const std::string& bytes, size_t step) {
  return [&bytes, step](const PackRange& range, const ByteSink& sink) -> Status {
    size_t end = static_cast<size_t>(range.offset.count + range.length.count);
    if (end > bytes.size()) return Error{Code::kIo, "a range behind the end"};
    for (size_t at = static_cast<size_t>(range.offset.count); at < end; at += step)
      HOLDFAST_TRY(sink(as_bytes(bytes).subspan(at, std::min(step, end - at))));
    return Status();
  };
}

std::vector<ExpectedFile> expected_files(const SampleMember& member) {
  std::vector<ExpectedFile> files;
  for (const auto& [name, bytes] : member.files)
    if (name != kMetadataName)
      files.push_back({name, Bytes(static_cast<int64_t>(bytes.size())), sha256(bytes)});
  return files;
}

std::vector<std::string> names_of(const SampleMember& member) {
  std::vector<std::string> names;
  for (const auto& file : member.files) names.push_back(file.first);
  return names;
}

Result<std::map<std::string, std::string>> extract(const std::string& range,
                                                   const SampleMember& member,
                                                   const std::vector<ExpectedFile>& wanted,
                                                   size_t step) {
  std::map<std::string, std::string> proven;
  std::string current;
  FileReceiver receiver{
      [&](const ExpectedFile&) { return current.clear(), Status(); },
      [&](ByteSpan bytes) { return current += as_text(bytes), Status(); },
      [&](const ExpectedFile& file) { return proven[file.name] = current, Status(); }};
  PartExtractor extractor(member.recording_id, member.part, names_of(member), wanted, receiver);
  for (size_t at = 0; at < range.size(); at += step)
    HOLDFAST_TRY(extractor.push(as_bytes(range).subspan(at, std::min(step, range.size() - at))));
  HOLDFAST_TRY(extractor.finish());
  return proven;
}

}  // namespace holdfast::pack::testing
