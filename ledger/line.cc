#include "ledger/line.h"

#include <algorithm>

#include "base/limits.h"
#include "io/digest.h"

namespace holdfast {
namespace {

bool is_kind(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

Error corrupt_line(std::string_view reason) {
  return Error{Code::kCorrupt, "ledger line: " + std::string(reason)};
}

Result<int64_t> positive(const json::object& object, std::string_view key, int64_t least) {
  HOLDFAST_ASSIGN(value, need_integer(object, key));
  if (value < least) return Error{Code::kInvalid, "\"" + std::string(key) + "\" is too small"};
  return value;
}

Result<Line> line_from(const json::object& object) {
  Line line;
  HOLDFAST_ASSIGN(n, positive(object, "n", 1));
  HOLDFAST_ASSIGN(t, positive(object, "t", 0));
  HOLDFAST_ASSIGN(kind, need_string(object, "k"));
  HOLDFAST_ASSIGN(who, need_string(object, "who"));
  HOLDFAST_ASSIGN(on, find_string(object, "on"));
  HOLDFAST_ASSIGN(p, need_string(object, "p"));
  HOLDFAST_ASSIGN(previous, Digest::from_hex(p));
  if (!is_kind(kind)) return Error{Code::kInvalid, "malformed kind"};
  if (who.empty()) return Error{Code::kInvalid, "\"who\" is empty"};
  if (previous.hex() != p) return Error{Code::kInvalid, "\"p\" is not in lower case"};
  size_t members = on ? 6 : 5;
  if (const json::value* details = object.if_contains("details")) {
    if (!details->is_object() || details->get_object().empty())
      return Error{Code::kInvalid, "\"details\" must be an object with members"};
    line.details = details->get_object();
    ++members;
  }
  if (object.size() != members) return Error{Code::kInvalid, "a member that does not belong"};
  line.n = n;
  line.t = UnixMillis(t);
  line.kind = std::move(kind);
  line.who = std::move(who);
  line.on = std::move(on);
  line.previous = previous;
  return line;
}

}  // namespace

Result<std::string> format_line(const LineDraft& draft, int64_t n, UnixMillis t,
                                const Digest& previous) {
  if (!is_kind(draft.kind))
    return Error{Code::kInvalid, "ledger line: \"" + draft.kind + "\" is not a kind"};
  if (draft.who.empty())
    return Error{Code::kInvalid, "ledger line " + draft.kind + ": who is empty"};
  json::object object;
  object["n"] = n;
  object["t"] = t.count;
  object["k"] = draft.kind;
  object["who"] = draft.who;
  if (draft.on) object["on"] = *draft.on;
  if (!draft.details.empty()) object["details"] = draft.details;
  object["p"] = previous.hex();
  std::string text = canonical(object);
  if (text.size() > limits::kLedgerLineBytesMax)
    return Error{Code::kTooLarge, "ledger line " + draft.kind + ": " + std::to_string(text.size()) +
                                      " bytes, over " +
                                      std::to_string(limits::kLedgerLineBytesMax)};
  return text;
}

Result<Line> parse_line(std::string_view text) {
  Result<json::value> value = parse_json(text);
  if (!value.ok()) return corrupt_line(value.error().message);
  if (!value->is_object()) return corrupt_line("not an object");
  Result<Line> line = line_from(value->get_object());
  if (!line.ok()) return corrupt_line(line.error().message);
  if (canonical(*value) != text) return corrupt_line("not in canonical form");
  line->text = std::string(text);
  line->digest = sha256(text);
  return line;
}

Result<std::optional<Void>> void_of(const Line& line) {
  if (line.kind != kVoidKind) return std::optional<Void>();
  Void result;
  const auto read = [&]() -> Status {
    HOLDFAST_ASSIGN(segment, positive(line.details, "segment", 1));
    HOLDFAST_ASSIGN(offset, positive(line.details, "offset", 0));
    HOLDFAST_ASSIGN(from, positive(line.details, "from", 1));
    HOLDFAST_ASSIGN(to, positive(line.details, "to", from));
    if (to != line.n - 1) return Error{Code::kInvalid, "\"to\" is not the number before its own"};
    result = Void{segment, Bytes(offset), from, to};
    return {};
  };
  if (Status status = read(); !status.ok()) return corrupt_line("void: " + status.error().message);
  return std::optional<Void>(result);
}

}  // namespace holdfast
