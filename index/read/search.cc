#include "index/read/search.h"

#include <algorithm>

namespace holdfast {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A letter or digit, of ASCII or of another alphabet: what FTS5 makes tokens of.
bool is_word_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// FTS5's string: between double quotes, a quote within doubled. It is a phrase, never syntax.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

Status add_term(std::string& expression, std::string_view columns, std::string_view term) {
  const bool is_prefix = term.ends_with('*');
  if (is_prefix) term.remove_suffix(1);
  if (std::none_of(term.begin(), term.end(), is_word_byte))
    return Error{Code::kInvalid, "each word of a search must have a letter or a digit; \"" +
                                     std::string(term) + "\" has none"};
  if (term.find('\0') != std::string_view::npos)
    return Error{Code::kInvalid, "a search must have no NUL"};
  if (!expression.empty()) expression += " AND ";
  expression += std::string(columns) + " : " + quoted(term) + (is_prefix ? " *" : "");
  return Status();
}

}  // namespace

std::string normal_number(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_digit(c))
      digits += c;
    else if (std::string_view("+-()./ ").find(c) == std::string_view::npos)
      return std::string(text);
  }
  return digits.empty() ? std::string(text) : digits;
}

std::string search_scope(WorkspaceNo workspace) { return "w" + std::to_string(workspace.value); }

Result<std::string> match_expression(const SearchQuery& query,
                                     const std::optional<WorkspaceNo>& workspace) {
  std::string expression;
  if (workspace) HOLDFAST_TRY(add_term(expression, "{scope}", search_scope(*workspace)));
  int words = 0;
  for (size_t at = 0; at < query.words.size();) {
    const auto begin = std::find_if_not(query.words.begin() + static_cast<ptrdiff_t>(at),
                                        query.words.end(), is_blank);
    const auto end = std::find_if(begin, query.words.end(), is_blank);
    at = static_cast<size_t>(end - query.words.begin());
    if (begin == end) break;
    if (++words > kSearchWordsMax)
      return Error{Code::kInvalid,
                   "a search must have at most " + std::to_string(kSearchWordsMax) + " words"};
    HOLDFAST_TRY(add_term(expression, "{call_sid caller callee tags words}",
                          std::string_view(&*begin, static_cast<size_t>(end - begin))));
  }
  if (query.from) HOLDFAST_TRY(add_term(expression, "{caller}", normal_number(*query.from)));
  if (query.to) HOLDFAST_TRY(add_term(expression, "{callee}", normal_number(*query.to)));
  if (query.tag) HOLDFAST_TRY(add_term(expression, "{tags}", *query.tag));
  if (query.consent) HOLDFAST_TRY(add_term(expression, "{consent}", *query.consent));
  return expression;
}

}  // namespace holdfast
