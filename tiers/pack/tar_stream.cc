#include "tiers/pack/tar_stream.h"

#include <algorithm>

namespace holdfast::pack {
namespace {

bool all_zero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

Error TarStream::corrupt(const std::string& what) const {
  return Error{Code::kCorrupt, what + " at offset " + std::to_string(offset_.count)};
}

bool TarStream::between_entries() const {
  return (place_ == Place::kHeader && header_.empty()) || place_ == Place::kEnd;
}

Status TarStream::push(ByteSpan bytes) {
  while (!bytes.empty()) {
    size_t used = 0;
    if (place_ == Place::kHeader) {
      HOLDFAST_ASSIGN(taken, take_header(bytes));
      used = taken;
    } else if (place_ == Place::kEnd) {
      used = bytes.size();
      if (!all_zero(bytes)) return corrupt("bytes behind the end of the tar");
      end_zeros_ += Bytes(static_cast<int64_t>(used));
    } else {
      used = static_cast<size_t>(std::min(left_, static_cast<int64_t>(bytes.size())));
      ByteSpan piece = bytes.first(used);
      if (place_ == Place::kBody) HOLDFAST_TRY(receiver_.body(piece));
      if (place_ == Place::kPadding && !all_zero(piece)) return corrupt("padding is not zero");
      left_ -= static_cast<int64_t>(used);
    }
    offset_ += Bytes(static_cast<int64_t>(used));
    bytes = bytes.subspan(used);
    if (place_ == Place::kBody && left_ == 0) HOLDFAST_TRY(leave_body());
    if (place_ == Place::kPadding && left_ == 0) place_ = Place::kHeader;
  }
  return Status();
}

// Takes bytes up to the next block boundary of the header and looks whether it is whole.
Result<size_t> TarStream::take_header(ByteSpan bytes) {
  size_t block = static_cast<size_t>(kTarBlock);
  size_t used = std::min(bytes.size(), block - header_.size() % block);
  header_ += as_text(bytes.first(used));
  if (header_.size() % block != 0) return used;
  if (header_.size() == block && all_zero(as_bytes(header_))) {
    header_.clear();
    place_ = Place::kEnd;
    end_zeros_ = Bytes(kTarBlock);
    return used;
  }
  Result<std::optional<TarEntry>> parsed = parse_tar_header(as_bytes(header_));
  if (!parsed.ok()) return corrupt(parsed.error().message);
  if (!*parsed) return used;
  std::string header;
  header.swap(header_);
  body_ = (*parsed)->size;
  left_ = body_.count;
  place_ = Place::kBody;
  Bytes body_offset = offset_ + Bytes(static_cast<int64_t>(used));
  Bytes header_offset(body_offset.count - static_cast<int64_t>(header.size()));
  HOLDFAST_TRY(receiver_.begin({*std::move(*parsed), header, header_offset, body_offset}));
  return used;
}

Status TarStream::leave_body() {
  HOLDFAST_TRY(receiver_.end());
  left_ = tar_padding(body_);
  place_ = Place::kPadding;
  return Status();
}

}  // namespace holdfast::pack
