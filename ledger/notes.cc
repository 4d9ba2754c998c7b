// Notes: what lines must not carry, one small file each, in both places.
//
// The file is salt (16 bytes) ‖ text, and its name the SHA-256 of these bytes, so
// that `sha256sum` checks it. Without the salt a short text could be guessed from
// the digest in the line after the note is erased.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "io/text_file.h"
#include "io/tree.h"
#include "ledger/place.h"

namespace holdfast {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kNoteBytesMax = 64 * 1024;  // a reason or a matter's description, not a file

Status check_hash(std::string_view hash) {
  const Result<Digest> digest = Digest::from_hex(hash);
  if (digest.ok() && digest->hex() == hash) return {};
  return Error{Code::kInvalid, "note: a name is 64 lower-case hexadecimal digits"};
}

}  // namespace

Result<Ledger::Note> Ledger::write_note(Random& random, std::string_view text) {
  HOLDFAST_TRY(accepts());
  if (text.size() > kNoteBytesMax)
    return Error{Code::kTooLarge, "note: " + std::to_string(text.size()) + " bytes, over " +
                                      std::to_string(kNoteBytesMax)};
  std::array<std::byte, kSaltBytes> salt;
  random.fill(salt);
  std::string bytes(as_text(salt));
  bytes += text;
  const Note note{sha256(bytes).hex(), to_hex(salt)};
  bool durable = false;
  std::vector<std::pair<Place*, Error>> failed;
  for (Place* place : {main_.get(), mirror_.get()}) {
    if (!place->up()) continue;
    const Status written = publish_text(io_, place->notes.get(), note.hash, bytes);
    durable = durable || written.ok();
    if (!written.ok()) failed.emplace_back(place, written.error());
  }
  if (!durable)
    return failed.empty() ? Error{Code::kUnavailable, "note: no place is there"}
                          : failed.front().second;
  // The place that did not take it is completed when it comes back.
  for (const auto& [place, error] : failed) put_down(*place, error);
  return note;
}

Result<std::string> Ledger::read_note(std::string_view hash) {
  HOLDFAST_TRY(check_hash(hash));
  Result<std::string> bytes = Error{Code::kNotFound, "note " + std::string(hash) + ": none"};
  for (Place* place : {main_.get(), mirror_.get()}) {
    if (!place->notes) continue;
    bytes = read_text(io_, place->notes.get(), hash, Bytes(kSaltBytes + kNoteBytesMax));
    if (bytes.ok() || bytes.error().code != Code::kNotFound) break;
  }
  if (!bytes.ok()) return bytes.error();
  if (sha256(*bytes).hex() != hash || bytes->size() < kSaltBytes)
    return Error{Code::kCorrupt, "note " + std::string(hash) + ": its bytes have another digest"};
  return bytes->substr(kSaltBytes);
}

// Mirror first: what a crash in between leaves stands in main alone, is copied
// back to the mirror, and the erasure, never acknowledged, is asked for again.
Status Ledger::erase_note(std::string_view hash) {
  HOLDFAST_TRY(check_hash(hash));
  HOLDFAST_TRY(accepts());
  if (Status both = tend(); !both.ok())
    return Error{Code::kUnavailable, "erase note " + std::string(hash) +
                                         ": both places are needed: " + both.error().message};
  int erased = 0;
  for (Place* place : {mirror_.get(), main_.get()}) {
    const Status status = unlink_durably(io_, place->notes.get(), hash);
    if (!status.ok() && status.error().code != Code::kNotFound) return status;
    if (status.ok()) ++erased;
  }
  if (erased == 0) return Error{Code::kNotFound, "note " + std::string(hash) + ": none"};
  return {};
}

}  // namespace holdfast
