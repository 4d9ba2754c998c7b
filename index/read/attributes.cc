#include "index/read/attributes.h"

namespace holdfast {
namespace {

constexpr std::string_view kContractKeys[] = {"call_sid",
                                              "workspace_id",
                                              "service_id",
                                              "direction",
                                              "duration_seconds",
                                              "inbound_format",
                                              "inbound_sample_rate",
                                              "outbound_format",
                                              "outbound_sample_rate",
                                              "tts_provider",
                                              "call_start_iso",
                                              "call_end_iso",
                                              "inbound_size_bytes",
                                              "outbound_size_bytes",
                                              "media_start_epoch_ms"};

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

bool is_contract_key(std::string_view key) {
  for (std::string_view known : kContractKeys)
    if (known == key) return true;
  return false;
}

json::object attributes_of(const json::object& metadata) {
  json::object attributes;
  for (const json::key_value_pair& member : metadata)
    if (!is_contract_key(member.key())) attributes.emplace(member.key(), member.value());
  return attributes;
}

void merge_patch(json::object& target, const json::object& patch) {
  for (const json::key_value_pair& member : patch) {
    if (member.value().is_null()) {
      target.erase(member.key());
      continue;
    }
    if (!member.value().is_object()) {
      target.insert_or_assign(member.key(), member.value());
      continue;
    }
    json::value& below = target[member.key()];
    if (!below.is_object()) below = json::object();
    merge_patch(below.get_object(), member.value().get_object());
  }
}

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
