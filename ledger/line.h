// One line of the ledger, as bytes and as a value. docs/ledger.md has the grammar.
//
//   {"details":{…},"k":"hold","n":17,"on":"…","p":"<64 hex>","t":1795000000000,"who":"key:…"}
//
// Canonical JSON (base/json.h). `on` is absent when the line is about nothing in
// particular, `details` when there are none. `p` is the SHA-256 of the previous
// line without its line feed, 64 zeros in the first. Never a phone number, a call
// id or free text: those are notes (ledger/notes.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/types.h"

namespace holdfast {

// What a decision does to the safety of recordings, and so where it must be
// durable before it is acknowledged: protecting and neutral ones in one place
// (main or mirror), weakening ones (release, shorten, expire, condemn, erase) in both.
enum class Weight { kProtecting, kNeutral, kWeakening };

// What a caller gives; n, t and p are added when it is staged.
struct LineDraft {
  std::string kind;               // k: "hold", "link.mint" …; [a-z0-9.-], 1 to 64
  std::string who;                // "key:<id>", "uid:1000", "system"
  std::optional<std::string> on;  // recording_id, pack id …
  json::object details;
  Weight weight = Weight::kProtecting;
};

struct Line {
  int64_t n = 0;  // 1, 2, …; numbers of voided lines are not used again
  UnixMillis t;
  std::string kind;
  std::string who;
  std::optional<std::string> on;
  json::object details;
  Digest previous;   // p
  Digest digest;     // of this line's text: the next one's p
  std::string text;  // as it stands in the segment, without LF
};

// kInvalid when kind or who is malformed, kTooLarge over limits::kLedgerLineBytesMax.
Result<std::string> format_line(const LineDraft& draft, int64_t n, UnixMillis t,
                                const Digest& previous);
// kCorrupt unless `text` is exactly a canonical line.
Result<Line> parse_line(std::string_view text);

// The first line of a segment that was begun because an append to `segment`
// failed: what lies in that segment from `offset` on never counted, and neither
// do the numbers from `from` to `to`.
constexpr std::string_view kVoidKind = "void";
struct Void {
  int64_t segment = 0;  // first_n of the older segment
  Bytes offset;
  int64_t from = 0;
  int64_t to = 0;
};
// Nothing when the line is of another kind; kCorrupt when it is a malformed void.
Result<std::optional<Void>> void_of(const Line& line);

}  // namespace holdfast
