#include "base/types.h"

#include <algorithm>

namespace holdfast {
namespace {

constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Regroups `text`, whose characters carry `bits` bits each, into bytes.
// Unused low bits must be zero, so that one value has one spelling.
Status decode_power_of_two(std::string_view text, std::string_view alphabet, int bits,
                           MutableByteSpan out) {
  const size_t expected =
      (out.size() * 8 + static_cast<size_t>(bits) - 1) / static_cast<size_t>(bits);
  if (text.size() != expected)
    return Error{Code::kInvalid, "expected " + std::to_string(expected) + " characters, not " +
                                     std::to_string(text.size())};
  uint32_t buffer = 0;
  int held = 0;
  size_t written = 0;
  for (char c : text) {
    const size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos)
      return Error{Code::kInvalid, "a character is outside the alphabet"};
    buffer = (buffer << bits) | static_cast<uint32_t>(digit);
    held += bits;
    if (held >= 8 && written < out.size()) {
      held -= 8;
      out[written++] = static_cast<std::byte>(buffer >> held);
      buffer &= (1u << held) - 1;
    }
  }
  if (buffer != 0)
    return Error{Code::kInvalid, "the last character carries bits that must be zero"};
  return {};
}

std::string encode_power_of_two(ByteSpan bytes, std::string_view alphabet, int bits) {
  std::string out;
  uint32_t buffer = 0;
  int held = 0;
  for (std::byte b : bytes) {
    buffer = (buffer << 8) | std::to_integer<uint32_t>(b);
    held += 8;
    while (held >= bits) {
      held -= bits;
      out += alphabet[buffer >> held];
      buffer &= (1u << held) - 1;
    }
  }
  if (held > 0) out += alphabet[(buffer << (bits - held)) & ((1u << bits) - 1)];
  return out;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string to_hex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::byte b : bytes) {
    out += kDigits[std::to_integer<int>(b) >> 4];
    out += kDigits[std::to_integer<int>(b) & 15];
  }
  return out;
}

Status from_hex(std::string_view text, MutableByteSpan out) {
  if (text.size() != out.size() * 2)
    return Error{Code::kInvalid, "expected " + std::to_string(out.size() * 2) +
                                     " hexadecimal digits, not " + std::to_string(text.size())};
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return Error{Code::kInvalid, "not hexadecimal"};
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return {};
}

std::string to_base32(ByteSpan bytes) { return encode_power_of_two(bytes, kBase32, 5); }

Status from_base32(std::string_view text, MutableByteSpan out) {
  return decode_power_of_two(text, kBase32, 5, out);
}

std::string to_base64url(ByteSpan bytes) { return encode_power_of_two(bytes, kBase64Url, 6); }

Result<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return Error{Code::kInvalid, "not base64url"};
  std::string out(text.size() * 6 / 8, '\0');
  MutableByteSpan bytes(reinterpret_cast<std::byte*>(out.data()), out.size());
  HOLDFAST_TRY(decode_power_of_two(text, kBase64Url, 6, bytes));
  return out;
}

Result<Digest> Digest::from_hex(std::string_view text) {
  Digest digest;
  HOLDFAST_TRY(holdfast::from_hex(text, digest.bytes));
  return digest;
}

Result<Digest> Digest::from_blob(ByteSpan blob) {
  if (blob.size() != 32)
    return Error{Code::kCorrupt, "a digest has 32 bytes, not " + std::to_string(blob.size())};
  Digest digest;
  std::memcpy(digest.bytes.data(), blob.data(), blob.size());
  return digest;
}

std::string WorkspaceId::text() const {
  std::string hex = to_hex(bytes);
  for (size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
  return hex;
}

Result<WorkspaceId> WorkspaceId::from_text(std::string_view text) {
  const Error wrong{Code::kInvalid,
                    "a workspace is a UUID such as 3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e"};
  if (text.size() != 36) return wrong;
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return wrong;
    if (!dash) hex += text[i];
  }
  WorkspaceId id;
  if (!from_hex(hex, id.bytes).ok()) return wrong;
  return id;
}

Result<WorkspaceId> WorkspaceId::from_blob(ByteSpan blob) {
  if (blob.size() != 16)
    return Error{Code::kCorrupt, "a workspace id has 16 bytes, not " + std::to_string(blob.size())};
  WorkspaceId id;
  std::memcpy(id.bytes.data(), blob.data(), blob.size());
  return id;
}

bool is_call_sid(std::string_view text) {
  if (text.empty() || text.size() > 128 || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_name_character(c) || c == ':'; });
}

bool is_file_name(std::string_view text) {
  if (text.empty() || text.size() > 128 || text.front() == '.') return false;
  return std::all_of(text.begin(), text.end(), is_name_character);
}

bool is_reserved_file_name(std::string_view text) {
  static constexpr std::string_view kReserved[] = {"recording.json", "stereo.wav", "stereo.flac",
                                                   "stereo.mp3",     "mono.wav",   "mono.mp3"};
  if (std::find(std::begin(kReserved), std::end(kReserved), text) != std::end(kReserved))
    return true;
  return text.ends_with(".head") || text.ends_with(".tail");
}

}  // namespace holdfast
