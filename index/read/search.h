// Search: the words by which a recording is found, and how they are asked for.
//
// Each recording has one row in the FTS5 table recording_search, of the same number, written and
// deleted with its own row. Words are compared without case and accents (unicode61). A page of a
// search is in the order of recording_no, newest arrival first: the order in which FTS5 holds its
// lists, so that any page, however deep, costs what one page costs.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "index/read/records.h"

namespace holdfast {

inline constexpr int kSearchWordsMax = 32;               // of one query
inline constexpr size_t kSearchTextBytesMax = 16 << 10;  // of each field of SearchText

// What is searched beside the call's id, UTF-8. Telephone numbers are as normal_number() has them.
struct SearchText {
  std::string from;     // the number or address that called
  std::string to;       // the one that was called
  std::string tags;     // as the platform gave them, a comma between two
  std::string consent;  // "true", "false", or the platform's word for it
  std::string words;    // every other attribute's text and numbers
};

// What a person or program asks for: every word, and every field that is given, must be there.
struct SearchQuery {
  std::string
      words;  // between blanks; in the call's id or any attribute; "spri*": any word so begun
  std::optional<std::string> from;
  std::optional<std::string> to;
  std::optional<std::string> tag;
  std::optional<std::string> consent;

  bool is_empty() const { return words.empty() && !from && !to && !tag && !consent; }
};

// Digits alone where `text` is a telephone number however it is written ("+49 (30) 12-34"); any
// other address as it is.
std::string normal_number(std::string_view text);

// The expression for FTS5's MATCH; within one workspace when it is given. kInvalid when a part of
// the query holds no letter or digit, or when there are more than kSearchWordsMax words.
Result<std::string> match_expression(const SearchQuery& query,
                                     const std::optional<WorkspaceNo>& workspace);

// The token that keeps workspaces apart, in the column `scope`.
std::string search_scope(WorkspaceNo workspace);

}  // namespace holdfast
