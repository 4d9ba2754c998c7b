// Strong types: an id of one kind is never taken for an id of another, a count
// of bytes never for a time. Construction is explicit everywhere.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast {

// Milliseconds since 1970-01-01T00:00:00Z. Negative values do not occur.
struct UnixMillis {
  int64_t count = 0;
  constexpr UnixMillis() = default;
  constexpr explicit UnixMillis(int64_t ms) : count(ms) {}
  auto operator<=>(const UnixMillis&) const = default;
};

// A length of time in milliseconds.
struct Millis {
  int64_t count = 0;
  constexpr Millis() = default;
  constexpr explicit Millis(int64_t ms) : count(ms) {}
  auto operator<=>(const Millis&) const = default;
};
constexpr Millis seconds(int64_t n) { return Millis(n * 1000); }
constexpr Millis minutes(int64_t n) { return seconds(n * 60); }
constexpr Millis hours(int64_t n) { return minutes(n * 60); }
constexpr Millis days(int64_t n) { return hours(n * 24); }
constexpr int64_t kDayMs = days(1).count;  // of UTC, which Unix time takes for 86,400 s, always
constexpr UnixMillis operator+(UnixMillis t, Millis d) { return UnixMillis(t.count + d.count); }
constexpr UnixMillis operator-(UnixMillis t, Millis d) { return UnixMillis(t.count - d.count); }
constexpr Millis operator-(UnixMillis a, UnixMillis b) { return Millis(a.count - b.count); }

// A number of bytes, 0 or more.
struct Bytes {
  int64_t count = 0;
  constexpr Bytes() = default;
  constexpr explicit Bytes(int64_t n) : count(n) {}
  auto operator<=>(const Bytes&) const = default;
  Bytes& operator+=(Bytes other) { return count += other.count, *this; }
};
constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.count + b.count); }

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;
inline ByteSpan as_bytes(std::string_view text) {
  return ByteSpan(reinterpret_cast<const std::byte*>(text.data()), text.size());
}
inline std::string_view as_text(ByteSpan bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Lower-case hexadecimal, two characters a byte.
std::string to_hex(ByteSpan bytes);
// kInvalid unless `text` is exactly 2 * out.size() hexadecimal digits (either case).
Status from_hex(std::string_view text, MutableByteSpan out);
// RFC 4648 base32 alphabet in lower case (a-z2-7), no padding.
std::string to_base32(ByteSpan bytes);
// kInvalid unless `text` is exactly the base32 of out.size() bytes, with zero
// in the unused low bits: one id has one spelling.
Status from_base32(std::string_view text, MutableByteSpan out);
// RFC 4648 base64url without padding.
std::string to_base64url(ByteSpan bytes);
Result<std::string> from_base64url(std::string_view text);

// A SHA-256 digest.
struct Digest {
  std::array<std::byte, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
  std::string hex() const { return to_hex(bytes); }
  static Result<Digest> from_hex(std::string_view text);
  static Result<Digest> from_blob(ByteSpan blob);  // exactly 32 bytes
};

constexpr size_t kIdLength = 26;  // of its text
// A random 128-bit identifier; its text is 26 characters of lower-case base32.
template <typename Tag>
struct Id {
  std::array<std::byte, 16> bytes{};
  auto operator<=>(const Id&) const = default;
  std::string text() const { return to_base32(bytes); }
  static Result<Id> from_text(std::string_view text) {
    Id id;
    HOLDFAST_TRY(from_base32(text, id.bytes));
    return id;
  }
  static Result<Id> from_blob(ByteSpan blob) {
    if (blob.size() != 16)
      return Error{Code::kCorrupt, "an id has 16 bytes, not " + std::to_string(blob.size())};
    Id id;
    std::memcpy(id.bytes.data(), blob.data(), 16);
    return id;
  }
};
using RecordingId = Id<struct RecordingTag>;
using PackId = Id<struct PackTag>;
using MediumId = Id<struct MediumTag>;
using ArchiveId = Id<struct ArchiveTag>;
using RestoreId = Id<struct RestoreTag>;
using MatterId = Id<struct MatterTag>;
using HoldId = Id<struct HoldTag>;
using KeyId = Id<struct KeyTag>;
using LinkId = Id<struct LinkTag>;  // jti of a signed link

// A tenant: a UUID (RFC 9562), kept in its 16 bytes, told in lower case.
struct WorkspaceId {
  std::array<std::byte, 16> bytes{};
  auto operator<=>(const WorkspaceId&) const = default;
  std::string text() const;
  // 8-4-4-4-12 hexadecimal digits, either case; kInvalid otherwise.
  static Result<WorkspaceId> from_text(std::string_view text);
  static Result<WorkspaceId> from_blob(ByteSpan blob);
};

// The mount's inode and the key of a recording's rows; reserved in blocks, gaps are fine.
struct RecordingNo {
  int64_t value = 0;
  constexpr RecordingNo() = default;
  constexpr explicit RecordingNo(int64_t n) : value(n) {}
  auto operator<=>(const RecordingNo&) const = default;
};

// 1 to 128 bytes of [A-Za-z0-9._:-], never "." or ".." (contracts, section 1).
bool is_call_sid(std::string_view text);
// 1 to 128 bytes of [A-Za-z0-9._-], no leading dot (contracts: File names).
// Says nothing about reserved names; see is_reserved_file_name.
bool is_file_name(std::string_view text);
// recording.json, *.head, *.tail and the names of renderings.
bool is_reserved_file_name(std::string_view text);

}  // namespace holdfast

template <typename Tag>
struct std::hash<holdfast::Id<Tag>> {
  size_t operator()(const holdfast::Id<Tag>& id) const noexcept {
    size_t value;  // the bytes are random already
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
