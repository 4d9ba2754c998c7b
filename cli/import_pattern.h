// Which call a file belongs to, by its path: the pattern of `holdfast import` (docs/import.md).
//
//   pattern = segment *( "/" segment )
//   segment = "**"                     any number of directories, also none; once, not last
//           | 1*( text | "*" | field )
//   field   = "{" name "}"             each name at most once
//
// "*" stands for any bytes of one segment, text for itself. A field takes only what its name
// allows, so that most patterns read a path in one way; a path that could be read in two ways is
// ambiguous and is not imported. {call} must be there. {channel}, {ext} and {file} belong to the
// last segment: the files of a call lie in one directory.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast::cli {

enum class Field {
  kCall,       // a call id: 1 to 128 of A-Z a-z 0-9 . _ : -
  kWorkspace,  // a UUID
  kService,    // a UUID: the agent (assistant)
  kYear,       // yyyy, 4 digits
  kMonth,      // mm
  kDay,        // dd
  kHour,       // HH, UTC as all times
  kMinute,     // MM
  kSecond,     // SS
  kEpoch,      // seconds since 1970, 9 or 10 digits
  kDirection,  // in, inbound, incoming, out, outbound, outgoing
  kFrom,       // 1 to 32 of 0-9 A-Z a-z + * #
  kTo,
  kChannel,  // a word of channel_of()
  kExt,      // 1 to 8 of A-Z a-z 0-9
  kFile,     // the file's name as the archive shall know it; alone in its segment
};
constexpr size_t kFields = static_cast<size_t>(Field::kFile) + 1;

// What a path says; fields that the pattern does not have are empty.
struct PathFields {
  std::array<std::string, kFields> text;
  std::string& operator[](Field field) { return text[static_cast<size_t>(field)]; }
  const std::string& operator[](Field field) const { return text[static_cast<size_t>(field)]; }
  bool operator==(const PathFields&) const = default;
};

enum class Reading { kNone, kOne, kAmbiguous };

class ImportPattern {
 public:
  // kInvalid says what is wrong with the text.
  static Result<ImportPattern> parse(std::string_view text);
  // The pattern of a known recorder: layouts().
  static Result<ImportPattern> of_layout(std::string_view layout);
  static std::vector<std::string> layouts();

  const std::string& text() const { return text_; }
  bool has(Field field) const;

  // Reads the path of a file, given by its segments below the tree's root. Costs a bounded number
  // of steps, whatever the names.
  Reading read(const std::vector<std::string_view>& path, PathFields& fields) const;

 private:
  struct Token {
    enum class Kind { kText, kAny, kField } kind = Kind::kText;
    std::string text;
    Field field = Field::kCall;
  };
  using Segment = std::vector<Token>;  // empty: "**"
  struct Reader;

  static Result<Segment> parse_segment(std::string_view text);
  Status check() const;

  std::string text_;
  std::vector<Segment> segments_;
};

// "inbound" (the caller's channel), "outbound" (the agent's) or "recording" (both in one file) for
// the words of recorders, in either case: in, rx, caller, …; "" for any other word.
std::string_view channel_of(std::string_view word);
// "inbound", "outbound" or "".
std::string_view direction_of(std::string_view word);

}  // namespace holdfast::cli
