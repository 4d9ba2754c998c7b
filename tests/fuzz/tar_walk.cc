// A walk over a tar that anybody may have made: the same entries whatever the pieces in which it
// arrives, each with the very bytes that lie where it says; and whoever reads a pack by such walks
// (verifier, extractor, metadata region) ends with a word, not with a crash.
//
//   input = cuts(3) how(1) tar
//
// With `how` odd the checksums of headers are put right first, so that a changed field is looked at
// and not the checksum alone.
#include <algorithm>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"
#include "tiers/pack/part_extractor.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/reader.h"
#include "tiers/pack/tar_stream.h"
#include "tiers/pack/verifier.h"

namespace holdfast::fuzz {
namespace {

constexpr size_t kBlock = 512;

void put_checksums_right(std::string& tar) {
  constexpr size_t kChecksum = 148;  // where it stands in a header, eight bytes
  constexpr size_t kMagic = 257;
  for (size_t at = 0; at + kBlock <= tar.size(); at += kBlock) {
    if (tar.compare(at + kMagic, 5, "ustar") != 0) continue;
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < kBlock; ++i)
      if (i < kChecksum || i >= kChecksum + 8) sum += static_cast<unsigned char>(tar[at + i]);
    char digits[16];
    std::snprintf(digits, sizeof digits, "%06o", sum & 0777777);
    tar.replace(at + kChecksum, 7, digits, 7);
    tar[at + kChecksum + 7] = ' ';
  }
}

struct Member {
  std::string path;
  int64_t size = 0;
  int64_t header_offset = 0;
  int64_t body_offset = 0;
  std::string body;
  bool ended = false;
  bool operator==(const Member&) const = default;
};

struct Walk {
  std::vector<Member> members;
  std::string error;
  bool between = false;
  int64_t end_zeros = 0;
};

// `push` takes the pieces of `tar`, each in memory of its own, until it refuses one.
template <typename Push>
Status in_pieces(std::string_view tar, Cuts* cuts, const Push& push) {
  for (size_t at = 0; at < tar.size();) {
    const std::string piece(cuts == nullptr ? tar.substr(at) : cuts->next(tar, at));
    HOLDFAST_TRY(push(as_bytes(piece)));
    at += piece.size();
  }
  return {};
}

Walk walk(std::string_view tar, Cuts* cuts) {
  Walk found;
  pack::TarReceiver receiver;
  receiver.begin = [&](const pack::TarMember& member) {
    found.members.push_back({member.entry.path, member.entry.size.count, member.header_offset.count,
                             member.body_offset.count, "", false});
    expect(tar.substr(static_cast<size_t>(member.header_offset.count), member.header.size()) ==
               member.header,
           "a header is the bytes that lie where it says");
    return Status();
  };
  receiver.body = [&](ByteSpan bytes) {
    found.members.back().body += as_text(bytes);
    return Status();
  };
  receiver.end = [&] {
    found.members.back().ended = true;
    return Status();
  };
  pack::TarStream stream(std::move(receiver));
  const Status walked = in_pieces(tar, cuts, [&](ByteSpan piece) { return stream.push(piece); });
  if (!walked.ok()) {
    // Where in the tar it was noticed goes by the pieces.
    const std::string& message = walked.error().message;
    found.error = message.substr(0, message.rfind(" at offset "));
    return found;
  }
  expect(stream.offset().count == static_cast<int64_t>(tar.size()), "every byte is counted");
  found.between = stream.between_entries();
  found.end_zeros = stream.end_zeros().count;
  return found;
}

void expect_members_lie_in(std::string_view tar, const Walk& found) {
  int64_t end = 0;
  for (const Member& member : found.members) {
    expect(member.header_offset == end, "entries lie one behind the other");
    expect(member.header_offset % 512 == 0 && member.body_offset % 512 == 0 &&
               member.body_offset > member.header_offset,
           "headers are blocks");
    const auto body = static_cast<size_t>(member.body_offset);
    expect(body <= tar.size() && member.size >= 0, "a body begins in the tar");
    expect(tar.substr(body, member.body.size()) == member.body,
           "a body is the bytes that lie where it says");
    expect(!member.ended || static_cast<int64_t>(member.body.size()) == member.size,
           "a body that ends has its length");
    expect(static_cast<int64_t>(member.body.size()) <= member.size, "no body is too long");
    if (!member.ended) continue;
    end = member.body_offset + member.size + pack::tar_padding(Bytes(member.size));
  }
}

// What the first payload of the tar says it is, or anything.
pack::PayloadPath part_of(const Walk& found) {
  for (const Member& member : found.members)
    if (auto path = pack::parse_payload_path(member.path); path.ok()) return *path;
  return {};
}

void read_as_pack(std::string_view tar, const Walk& found, Cuts& cuts) {
  pack::PackVerifier verifier;
  if (in_pieces(tar, &cuts, [&](ByteSpan piece) { return verifier.push(piece); }).ok()) {
    const auto verified = verifier.finish();
    expect(!verified.ok() || verified->trailer.pack_size.count == static_cast<int64_t>(tar.size()),
           "a verified pack is the whole of the tar");
  }

  const pack::PayloadPath part = part_of(found);
  std::vector<pack::ExpectedFile> wanted;
  const std::vector<std::string> names = {"inbound.ulaw", "outbound.pcm", "metadata.json",
                                          part.stored_name};
  for (const Member& member : found.members)
    if (member.path.ends_with("/" + names.back()))
      wanted = {{names.back(), Bytes(member.size), Digest()}};
  pack::FileReceiver receiver{
      [](const pack::ExpectedFile&) { return Status(); }, [](ByteSpan) { return Status(); },
      [](const pack::ExpectedFile&) {
        expect(false, "a file whose digest differs is never said to be complete");
        return Status();
      }};
  pack::PartExtractor extractor(part.recording_id, part.part, names, wanted, receiver);
  if (in_pieces(tar, &cuts, [&](ByteSpan piece) { return extractor.push(piece); }).ok())
    static_cast<void>(extractor.finish().ok());

  const auto read = [&](const PackRange& range, const ByteSink& sink) -> Status {
    const size_t begin = std::min(static_cast<size_t>(range.offset.count), tar.size());
    return in_pieces(tar.substr(begin, static_cast<size_t>(range.length.count)), &cuts, sink);
  };
  const auto metadata =
      pack::read_part_metadata(read, {Bytes(0), Bytes(static_cast<int64_t>(tar.size()))});
  if (!metadata.ok()) return;
  bool is_there = false;
  for (const Member& member : found.members)
    is_there = is_there || member.body == metadata->recording_json;
  expect(is_there, "recording.json is a body of the tar");
}

}  // namespace

void tar_walk(ByteSpan bytes) {
  Input input(bytes);
  Cuts cuts(input);
  const bool put_right = input.byte() % 2 == 1;
  std::string tar(input.rest());
  if (put_right) put_checksums_right(tar);

  const Walk whole = walk(tar, nullptr);
  const Walk pieces = walk(tar, &cuts);
  expect(whole.error == pieces.error, "a tar ends alike in one piece and in many",
         whole.error + " / " + pieces.error);
  expect(whole.members == pieces.members, "entries are the same in one piece and in many");
  expect(whole.between == pieces.between && whole.end_zeros == pieces.end_zeros,
         "the end is the same in one piece and in many");
  expect_members_lie_in(tar, whole);
  read_as_pack(tar, whole, cuts);
}

}  // namespace holdfast::fuzz
