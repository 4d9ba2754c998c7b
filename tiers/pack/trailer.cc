#include "tiers/pack/trailer.h"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <cassert>
#include <optional>

namespace holdfast::pack {
namespace {

constexpr std::string_view kMagic = "holdfast-pack ";
constexpr std::string_view kVersionLine = "holdfast-pack 1\n";
constexpr size_t kCheckedBytes = 497;  // what the CRC covers: all before its own line

std::string crc_line(std::string_view checked) {
  boost::crc_32_type crc;
  crc.process_bytes(checked.data(), checked.size());
  return fmt::format("crc32 {:08x}\n", crc.checksum());
}

Error bad_trailer(std::string_view what) {
  return Error{Code::kCorrupt, "pack trailer: " + std::string(what)};
}

// Takes fixed-width fields off the front of a text; any mismatch makes it failed for good.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (take(expected.size()) != expected) ok_ = false;
  }
  Bytes bytes() { return Bytes(number()); }
  int64_t number() {
    int64_t value = 0;
    for (char c : take(20)) {
      if (c < '0' || c > '9' || value > (INT64_MAX - 9) / 10) return ok_ = false, 0;
      value = value * 10 + (c - '0');
    }
    return value;
  }
  template <typename Identifier>
  Identifier id() {
    Result<Identifier> value = Identifier::from_text(take(26));
    if (!value.ok()) return ok_ = false, Identifier();
    return *value;
  }
  Digest digest() {
    Result<Digest> value = Digest::from_hex(take(64));
    if (!value.ok()) return ok_ = false, Digest();
    return *value;
  }
  bool ok() const { return ok_; }

 private:
  std::string_view take(size_t count) {
    if (rest_.size() < count) return ok_ = false, std::string_view();
    std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string render(const Trailer& trailer) {
  std::string text(kVersionLine);
  text += fmt::format("archive {}\n", trailer.archive_id.text());
  text += fmt::format("pack {}\n", trailer.pack_id.text());
  text += fmt::format("sealed {:020}\n", trailer.sealed_at.count);
  text += fmt::format("size {:020}\n", trailer.pack_size.count);
  text += fmt::format("before {}\n", trailer.before_sha256.hex());
  text += fmt::format("metadata {:020} {:020} {}\n", trailer.metadata_offset.count,
                      trailer.metadata_length.count, trailer.metadata_sha256.hex());
  text += fmt::format("contents {:020} {:020} {}\n", trailer.contents_offset.count,
                      trailer.contents_length.count, trailer.contents_sha256.hex());
  assert(text.size() < kCheckedBytes);
  text.resize(kCheckedBytes - 1, ' ');
  text += '\n';
  text += crc_line(text);
  assert(text.size() == static_cast<size_t>(kTrailerBytes));
  return text;
}

Result<Trailer> parse_trailer(ByteSpan bytes) {
  std::string_view text = as_text(bytes);
  if (text.size() != static_cast<size_t>(kTrailerBytes))
    return bad_trailer("it has " + std::to_string(text.size()) + " bytes, not 512");
  std::string checksum = crc_line(text.substr(0, kCheckedBytes));
  if (text.substr(kCheckedBytes, checksum.size()) != checksum)
    return bad_trailer("its CRC differs");
  if (text.substr(0, kMagic.size()) == kMagic &&
      text.substr(0, kVersionLine.size()) != kVersionLine)
    return Error{Code::kInvalid, "pack trailer: a format later than version 1"};

  Fields fields(text);
  Trailer trailer;
  fields.literal(kVersionLine);
  fields.literal("archive ");
  trailer.archive_id = fields.id<ArchiveId>();
  fields.literal("\npack ");
  trailer.pack_id = fields.id<PackId>();
  fields.literal("\nsealed ");
  trailer.sealed_at = UnixMillis(fields.number());
  fields.literal("\nsize ");
  trailer.pack_size = fields.bytes();
  fields.literal("\nbefore ");
  trailer.before_sha256 = fields.digest();
  fields.literal("\nmetadata ");
  trailer.metadata_offset = fields.bytes();
  fields.literal(" ");
  trailer.metadata_length = fields.bytes();
  fields.literal(" ");
  trailer.metadata_sha256 = fields.digest();
  fields.literal("\ncontents ");
  trailer.contents_offset = fields.bytes();
  fields.literal(" ");
  trailer.contents_length = fields.bytes();
  fields.literal(" ");
  trailer.contents_sha256 = fields.digest();
  // One trailer has one spelling.
  if (!fields.ok() || render(trailer) != text) return bad_trailer("its layout is not version 1's");
  return trailer;
}

}  // namespace holdfast::pack
