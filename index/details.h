// The details of decision lines: strong types out of JSON. Internal to index/.
#pragma once

#include "base/json.h"
#include "base/types.h"

namespace holdfast::details {

template <typename T>
Result<T> need_id(const json::object& details, std::string_view key) {
  HOLDFAST_ASSIGN(text, need_string(details, key));
  return T::from_text(text);
}

template <typename T>
Result<std::optional<T>> find_id(const json::object& details, std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(details, key));
  if (!text) return std::optional<T>();
  HOLDFAST_ASSIGN(id, T::from_text(*text));
  return std::optional<T>(id);
}

inline Result<Digest> need_digest(const json::object& details, std::string_view key) {
  HOLDFAST_ASSIGN(text, need_string(details, key));
  return Digest::from_hex(text);
}

inline Result<std::optional<Digest>> find_digest(const json::object& details,
                                                 std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(details, key));
  if (!text) return std::optional<Digest>();
  HOLDFAST_ASSIGN(digest, Digest::from_hex(*text));
  return std::optional<Digest>(digest);
}

// The value of one of the words 0 … last of base/rows.h.
template <typename Word>
Result<Word> need_word(const json::object& details, std::string_view key, Word last) {
  HOLDFAST_ASSIGN(text, need_string(details, key));
  for (int value = 0; value <= static_cast<int>(last); ++value)
    if (word(static_cast<Word>(value)) == text) return static_cast<Word>(value);
  return Error{Code::kInvalid, std::string(key) + ": \"" + text + "\" is no word of it"};
}

// A note's hash: absent when there was no text.
inline Result<std::string> note_of(const json::object& details, std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(details, key));
  return text.value_or("");
}

}  // namespace holdfast::details
