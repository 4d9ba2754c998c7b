// The small formats inside a pack: tar headers, trailer, contents, manifests, paths, README.
#include <boost/test/unit_test.hpp>
#include <cstdio>

#include "tiers/pack/bag.h"
#include "tiers/pack/codec.h"
#include "tiers/pack/contents.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/readme.h"
#include "tiers/pack/tar.h"
#include "tiers/pack/tar_stream.h"
#include "tiers/pack/trailer.h"

using namespace holdfast;
using namespace holdfast::pack;

BOOST_AUTO_TEST_SUITE(pack_formats)

BOOST_AUTO_TEST_CASE(tar_headers_go_both_ways) {
  for (size_t name : {size_t{1}, size_t{99}, size_t{100}, size_t{101}, size_t{200}}) {
    for (int64_t size : {int64_t{0}, int64_t{1}, int64_t{9} << 30}) {
      TarEntry entry{"top/directory/" + std::string(name, 'n'), Bytes(size), 1'700'000'000};
      std::string header = tar_header(entry).value();
      BOOST_TEST(header.size() % 512 == 0u);
      BOOST_TEST(header == tar_header(entry).value());
      TarEntry parsed = parse_tar_header(as_bytes(header)).value().value();
      BOOST_TEST(parsed.path == entry.path);
      BOOST_TEST(parsed.size.count == size);
      BOOST_TEST(parsed.mtime_seconds == entry.mtime_seconds);
      if (header.size() > 512)
        BOOST_TEST(!parse_tar_header(as_bytes(header).first(512)).value().has_value());
    }
  }
  BOOST_TEST(!tar_header({"", Bytes(0), 0}).ok());
  BOOST_TEST(!tar_header({"\xc3\xa4", Bytes(0), 0}).ok());
  BOOST_TEST(!parse_tar_header(as_bytes(std::string(kTarHeaderBytesMax, 'x'))).ok());
}

BOOST_AUTO_TEST_CASE(a_tar_of_links_or_directories_is_refused) {
  std::string header = tar_header({"a", Bytes(0), 0}).value();
  auto with_type = [&](char type) {
    std::string changed = header;
    changed[156] = type;
    unsigned sum = 0;
    for (size_t i = 0; i < 512; ++i)
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(changed[i]);
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum & 0x3FFFFu);
    changed.replace(148, 7, text, 7);
    return changed;
  };
  BOOST_TEST(parse_tar_header(as_bytes(with_type('0'))).ok());
  for (char type : {'1', '2', '3', '4', '5', '6'})
    BOOST_TEST(!parse_tar_header(as_bytes(with_type(type))).ok(), type);
}

BOOST_AUTO_TEST_CASE(trailers_go_both_ways) {
  Trailer trailer;
  trailer.pack_id.bytes.fill(std::byte{3});
  trailer.sealed_at = UnixMillis(1);
  trailer.pack_size = Bytes(262'144);
  trailer.metadata_offset = Bytes(INT64_MAX / 100);
  trailer.contents_sha256.bytes.fill(std::byte{0xab});
  std::string text = render(trailer);
  BOOST_TEST(text.size() == 512u);
  BOOST_TEST((parse_trailer(as_bytes(text)).value() == trailer));
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    BOOST_REQUIRE(!parse_trailer(as_bytes(changed)).ok());
  }
  BOOST_TEST(!parse_trailer(as_bytes(text.substr(1))).ok());
  BOOST_TEST(!parse_trailer(as_bytes(std::string(512, '\0'))).ok());
}

BOOST_AUTO_TEST_CASE(contents_lines_go_both_ways) {
  ContentsLine line{"data/x.1/a.wav.flac", "a.wav",    Codec::kFlac, Piece::kSamples,
                    SampleForm::kMulaw,    Bytes(512), Bytes(77),    Digest()};
  std::string text = render(line);
  BOOST_TEST(text ==
             "{\"codec\":\"flac\",\"form\":\"mulaw\",\"length\":77,\"offset\":512,\"original\":"
             "\"a.wav\",\"path\":\"data/x.1/a.wav.flac\",\"piece\":\"samples\",\"sha256\":\"" +
                 std::string(64, '0') + "\"}\n");
  std::vector<ContentsLine> parsed = parse_contents(text + text).value();
  BOOST_TEST(parsed.size() == 2u);
  BOOST_TEST(render(parsed[1]) == text);
  for (const char* bad : {"x", "{}\n", "[]\n", "\n"})
    BOOST_TEST((parse_contents(bad).error().code == Code::kCorrupt));
  for (const char* word : {"\"flac\"", "\"samples\"", "\"mulaw\""}) {
    std::string unknown = text;
    unknown.replace(unknown.find(word) + 1, 1, "?");
    BOOST_TEST((parse_contents(unknown).error().code == Code::kCorrupt), word);
  }
}

BOOST_AUTO_TEST_CASE(manifests_go_both_ways) {
  std::vector<BagFile> files = {{"data/a", Digest()}, {"data/b c", Digest()}};
  std::vector<BagFile> parsed = parse_manifest(manifest_txt(files)).value();
  BOOST_TEST(parsed.size() == 2u);
  BOOST_TEST(parsed[1].path == "data/b c");
  for (const char* bad : {"x\n", "00 data\n"}) BOOST_TEST(!parse_manifest(bad).ok());
  std::string no_end = manifest_txt(files);
  no_end.pop_back();
  BOOST_TEST(!parse_manifest(no_end).ok());
}

BOOST_AUTO_TEST_CASE(payload_paths_have_one_spelling) {
  PackId pack;
  RecordingId recording;
  recording.bytes.fill(std::byte{9});
  std::string path = pack.text() + "/" + part_directory(recording, 12) + "inbound.ulaw.flac";
  PayloadPath parsed = parse_payload_path(path).value();
  BOOST_TEST((parsed.recording_id == recording));
  BOOST_TEST(parsed.part == 12);
  BOOST_TEST(parsed.stored_name == "inbound.ulaw.flac");
  std::string zeros = path;
  zeros.replace(zeros.find(".12/"), 4, ".012/");
  std::string negative = path;
  negative.replace(negative.find(".12/"), 4, ".-1/");
  for (const std::string& bad :
       {zeros, negative, path.substr(1), pack.text() + "/data/x/y", std::string(), "/" + path})
    BOOST_TEST((parse_payload_path(bad).error().code == Code::kCorrupt), bad);
}

BOOST_AUTO_TEST_CASE(zstd_streams_are_whole_or_corrupt) {
  for (size_t length : {size_t{0}, size_t{1}, size_t{500'000}}) {
    std::string original(length, 'z');
    for (size_t i = 0; i < length; i += 3) original[i] = static_cast<char>(i * i >> 4);
    std::string stored;
    auto append = [&stored](ByteSpan bytes) { return stored += as_text(bytes), Status(); };
    auto encoder = make_encoder(Codec::kZstd, FlacFormat(), Bytes(static_cast<int64_t>(length)),
                                {append, nullptr});
    BOOST_REQUIRE((*encoder)->write(as_bytes(original)).ok());
    BOOST_REQUIRE((*encoder)->finish().ok());
    auto decode = [](const std::string& bytes, std::string& out) -> Status {
      HOLDFAST_ASSIGN(decoder, make_decoder(Codec::kZstd, [&out](ByteSpan piece) {
                        return out += as_text(piece), Status();
                      }));
      HOLDFAST_TRY(decoder->write(as_bytes(bytes)));
      return decoder->finish();
    };
    std::string out;
    BOOST_TEST(decode(stored, out).ok());
    BOOST_TEST((out == original));
    BOOST_TEST(!decode(stored.substr(0, stored.size() - 1), out).ok());
    BOOST_TEST(!decode(stored + "x", out).ok());
    BOOST_TEST(!decode(stored + std::string(4, '\0'), out).ok());
    BOOST_TEST(!decode("", out).ok());
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_length_is_refused_by_zstd) {
  auto encoder = make_encoder(Codec::kZstd, FlacFormat(), Bytes(5),
                              {[](ByteSpan) { return Status(); }, nullptr});
  Status written = (*encoder)->write(as_bytes("1234"));
  if (written.ok()) written = (*encoder)->finish();
  BOOST_TEST((written.error().code == Code::kInvalid));
}

BOOST_AUTO_TEST_CASE(tar_streams_end_with_zeros_only) {
  TarReceiver nothing{[](const TarMember&) { return Status(); }, [](ByteSpan) { return Status(); },
                      [] { return Status(); }};
  std::string tar = tar_header({"a", Bytes(3), 0}).value() + "abc" + std::string(509, '\0');
  TarStream good(nothing);
  BOOST_TEST(good.push(as_bytes(tar + std::string(1024, '\0'))).ok());
  BOOST_TEST(good.between_entries());
  BOOST_TEST(good.end_zeros().count == 1024);
  TarStream behind(nothing);
  BOOST_TEST(!behind.push(as_bytes(tar + std::string(1024, '\0') + "x")).ok());
  std::string padded = tar;
  padded.back() = 'x';
  TarStream padding(nothing);
  BOOST_TEST(!padding.push(as_bytes(padded)).ok());
  TarStream cut(nothing);
  BOOST_TEST(cut.push(as_bytes(tar.substr(0, 514))).ok());
  BOOST_TEST(!cut.between_entries());
}

BOOST_AUTO_TEST_CASE(the_readme_is_plain_text) {
  for (char c : readme_txt()) BOOST_REQUIRE(c == '\n' || (c >= ' ' && c <= '~'));
}

BOOST_AUTO_TEST_SUITE_END()
