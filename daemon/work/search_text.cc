#include "daemon/work/search_text.h"

namespace holdfast {
namespace {

void add(std::string& text, std::string_view piece) {
  if (piece.empty() || text.size() + piece.size() + 2 > kSearchTextBytesMax) return;
  if (!text.empty()) text += ", ";
  text += piece;
}

// The scalars of `value`, however deep. parse_json bounds the depth.
void add_scalars(std::string& text, const json::value& value) {
  if (value.is_string()) {
    add(text, value.get_string());
  } else if (value.is_array()) {
    for (const json::value& item : value.get_array()) add_scalars(text, item);
  } else if (value.is_object()) {
    for (const json::key_value_pair& member : value.get_object()) add_scalars(text, member.value());
  } else if (!value.is_null()) {
    add(text, canonical(value));
  }
}

}  // namespace

SearchText search_text(const json::object& attributes) {
  SearchText search;
  for (const json::key_value_pair& member : attributes) {
    const std::string_view key = member.key();
    if (key == "from" || key == "to") {
      std::string address;
      add_scalars(address, member.value());
      (key == "from" ? search.from : search.to) = normal_number(address);
    } else if (key == "tags") {
      add_scalars(search.tags, member.value());
    } else if (key == "consent") {
      add_scalars(search.consent, member.value());
    } else {
      add_scalars(search.words, member.value());
    }
  }
  return search;
}

}  // namespace holdfast
