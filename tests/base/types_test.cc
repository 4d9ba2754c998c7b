// Identifiers and digests as text: one value, one spelling; names that cannot leave their
// directory.
#include "base/types.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

using namespace holdfast;

namespace {

std::string random_bytes(std::mt19937& generator, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(types)

// RFC 4648, section 10.
BOOST_AUTO_TEST_CASE(encodings_agree_with_the_rfc) {
  BOOST_TEST(to_base32(as_bytes("foobar")) == "mzxw6ytboi");
  BOOST_TEST(to_base32(as_bytes("foob")) == "mzxw6yq");
  BOOST_TEST(to_base64url(as_bytes("foobar")) == "Zm9vYmFy");
  BOOST_TEST(to_base64url(as_bytes("fooba")) == "Zm9vYmE");
  BOOST_TEST(to_base64url(as_bytes("\xfb\xff")) == "-_8");
  BOOST_TEST(to_hex(as_bytes("\x0f\xa0")) == "0fa0");
}

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded) {
  const unsigned seed = 20261121;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 generator(seed);
  for (size_t size = 0; size < 70; ++size) {
    const std::string bytes = random_bytes(generator, size);
    BOOST_TEST(from_base64url(to_base64url(as_bytes(bytes))).value() == bytes);
    std::string out(size, '\0');
    const MutableByteSpan span(reinterpret_cast<std::byte*>(out.data()), out.size());
    BOOST_TEST(from_base32(to_base32(as_bytes(bytes)), span).ok());
    BOOST_TEST(out == bytes);
    out.assign(size, '\0');
    BOOST_TEST(from_hex(to_hex(as_bytes(bytes)), span).ok());
    BOOST_TEST(out == bytes);
  }
}

BOOST_AUTO_TEST_CASE(one_value_has_one_spelling) {
  const std::string text(26, 'a');
  BOOST_TEST(RecordingId::from_text(text).value().text() == text);
  BOOST_TEST(!RecordingId::from_text(std::string(25, 'a') + "b").ok());  // unused bits set
  BOOST_TEST(RecordingId::from_text(std::string(25, 'a') + "e").ok());
  BOOST_TEST(!RecordingId::from_text(std::string(26, 'A')).ok());
  BOOST_TEST(!RecordingId::from_text(std::string(27, 'a')).ok());
  BOOST_TEST(!RecordingId::from_text(std::string(25, 'a') + "1").ok());
  BOOST_TEST(!from_base64url("Zm9vYmF").ok());  // the last character carries set bits
  BOOST_TEST(!from_base64url("Zm9vY").ok());
  BOOST_TEST(!from_base64url("Zm9=").ok());
}

BOOST_AUTO_TEST_CASE(digests_and_blobs_have_their_length) {
  const std::string hex(64, 'e');
  BOOST_TEST(Digest::from_hex(hex).value().hex() == hex);
  BOOST_TEST(!Digest::from_hex(hex + "0").ok());
  BOOST_TEST(!Digest::from_hex(std::string(63, 'e') + "g").ok());
  BOOST_TEST(Digest::from_blob(as_bytes(std::string(32, 'x'))).ok());
  BOOST_TEST(!Digest::from_blob(as_bytes(std::string(31, 'x'))).ok());
  PackId pack;
  pack.bytes.fill(std::byte{7});
  BOOST_TEST((PackId::from_blob(pack.bytes).value() == pack));
  BOOST_TEST((PackId::from_blob(as_bytes("short")).error().code == Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(a_workspace_is_a_uuid) {
  const std::string text = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";
  BOOST_TEST(WorkspaceId::from_text(text).value().text() == text);
  BOOST_TEST(WorkspaceId::from_text("3F2B8C1E-5A77-4E0B-9D0C-2F6A1B7C8D9E").value().text() == text);
  for (const char* wrong :
       {"", "3f2b8c1e5a774e0b9d0c2f6a1b7c8d9e", "../../../../../../../../../../../..",
        "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9", "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9g",
        "3f2b8c1e-5a77-4e0b-9d0c+2f6a1b7c8d9e"})
    BOOST_TEST(!WorkspaceId::from_text(wrong).ok(), wrong);
}

BOOST_AUTO_TEST_CASE(call_sids) {
  for (const char* right : {"CA0123456789abcdef", "a", "...", "x:y_z-1.2"})
    BOOST_TEST(is_call_sid(right), right);
  for (const char* wrong : {"", ".", "..", "a/b", "a b", "a%2fb", "caf\xc3\xa9", "a\n"})
    BOOST_TEST(!is_call_sid(wrong), wrong);
  BOOST_TEST(is_call_sid(std::string(128, 'a')));
  BOOST_TEST(!is_call_sid(std::string(129, 'a')));
  BOOST_TEST(!is_call_sid(std::string_view("a\0b", 3)));
}

BOOST_AUTO_TEST_CASE(file_names) {
  for (const char* right : {"inbound.ulaw", "recording.2.wav", "a", "-"})
    BOOST_TEST(is_file_name(right), right);
  for (const char* wrong : {"", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "a b"})
    BOOST_TEST(!is_file_name(wrong), wrong);
  BOOST_TEST(!is_file_name(std::string(129, 'a')));
  for (const char* reserved : {"recording.json", "stereo.wav", "mono.mp3", "x.head", "x.tail"})
    BOOST_TEST(is_reserved_file_name(reserved), reserved);
  BOOST_TEST(!is_reserved_file_name("inbound.ulaw"));
}

BOOST_AUTO_TEST_SUITE_END()
