#include "tiers/pack/contents.h"

#include "base/json.h"

namespace holdfast::pack {
namespace {

Result<ContentsLine> parse_line(std::string_view text) {
  HOLDFAST_ASSIGN(value, parse_json(text));
  if (!value.is_object()) return Error{Code::kInvalid, "not an object"};
  const json::object& object = value.get_object();
  ContentsLine line;
  HOLDFAST_ASSIGN(path, need_string(object, "path"));
  HOLDFAST_ASSIGN(original, need_string(object, "original"));
  HOLDFAST_ASSIGN(codec_word, need_string(object, "codec"));
  HOLDFAST_ASSIGN(piece_word, need_string(object, "piece"));
  HOLDFAST_ASSIGN(form_word, find_string(object, "form"));
  HOLDFAST_ASSIGN(offset, need_integer(object, "offset"));
  HOLDFAST_ASSIGN(length, need_integer(object, "length"));
  HOLDFAST_ASSIGN(sha256, need_string(object, "sha256"));
  HOLDFAST_ASSIGN(codec, codec_from(codec_word));
  HOLDFAST_ASSIGN(piece, piece_from(piece_word));
  HOLDFAST_ASSIGN(digest, Digest::from_hex(sha256));
  if (offset < 0 || length < 0) return Error{Code::kInvalid, "a negative offset or length"};
  if (form_word) {
    HOLDFAST_ASSIGN(form, sample_form_from(*form_word));
    line.form = form;
  }
  line.path = std::move(path);
  line.original = std::move(original);
  line.codec = codec;
  line.piece = piece;
  line.offset = Bytes(offset);
  line.length = Bytes(length);
  line.sha256 = digest;
  return line;
}

}  // namespace

std::string render(const ContentsLine& line) {
  json::object object;
  object["path"] = line.path;
  object["original"] = line.original;
  object["codec"] = std::string(word(line.codec));
  object["piece"] = std::string(word(line.piece));
  if (line.form != SampleForm::kNone) object["form"] = std::string(word(line.form));
  object["offset"] = line.offset.count;
  object["length"] = line.length.count;
  object["sha256"] = line.sha256.hex();
  return canonical(object) + "\n";
}

Result<std::vector<ContentsLine>> parse_contents(std::string_view text) {
  std::vector<ContentsLine> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string where = "contents.jsonl line " + std::to_string(lines.size() + 1);
    if (end == std::string_view::npos)
      return Error{Code::kCorrupt, where + " does not end with a line feed"};
    Result<ContentsLine> line = parse_line(text.substr(0, end));
    if (!line.ok()) return Error{Code::kCorrupt, where + ": " + line.error().message};
    lines.push_back(std::move(*line));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace holdfast::pack
