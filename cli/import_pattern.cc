#include "cli/import_pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/types.h"

namespace holdfast::cli {
namespace {

constexpr size_t kPatternBytesMax = 1024;
constexpr size_t kSegmentsMax = 32;
constexpr size_t kTokensMax = 32;  // of one segment
// Steps of reading one segment: names have at most 255 bytes, and sane patterns need some hundred.
// What needs more is told as ambiguous.
constexpr int kStepsMax = 20'000;

struct Named {
  std::string_view name;
  Field field;
};
constexpr Named kNames[] = {
    {"call", Field::kCall},
    {"workspace", Field::kWorkspace},
    {"service", Field::kService},
    {"yyyy", Field::kYear},
    {"mm", Field::kMonth},
    {"dd", Field::kDay},
    {"HH", Field::kHour},
    {"MM", Field::kMinute},
    {"SS", Field::kSecond},
    {"epoch", Field::kEpoch},
    {"direction", Field::kDirection},
    {"from", Field::kFrom},
    {"to", Field::kTo},
    {"channel", Field::kChannel},
    {"ext", Field::kExt},
    {"file", Field::kFile},
};

struct Layout {
  std::string_view name;
  std::string_view pattern;
};
constexpr Layout kLayouts[] = {
    {"asterisk-monitor", "**/{call}-{channel}.{ext}"},  // Monitor(): <name>-in.wav, <name>-out.wav
    {"asterisk-mixmonitor", "**/{call}.{ext}"},         // MixMonitor(): one file
    {"twilio", "**/{call}/*.{ext}"},                    // CA…/RE….wav
    {"holdfast", "**/{call}/{file}"},  // as the spool takes it, and `get` writes it
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool all_of(std::string_view text, bool (*test)(char)) {
  return std::all_of(text.begin(), text.end(), test);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The fewest and the most bytes of a field.
struct Length {
  size_t least;
  size_t most;
};
Length length_of(Field field) {
  switch (field) {
    case Field::kCall:
    case Field::kFile:
      return {1, 128};
    case Field::kWorkspace:
    case Field::kService:
      return {36, 36};
    case Field::kYear:
      return {4, 4};
    case Field::kMonth:
    case Field::kDay:
    case Field::kHour:
    case Field::kMinute:
    case Field::kSecond:
      return {2, 2};
    case Field::kEpoch:
      return {9, 10};
    case Field::kDirection:
    case Field::kChannel:
      return {1, 9};
    case Field::kFrom:
    case Field::kTo:
      return {1, 32};
    case Field::kExt:
      return {1, 8};
  }
  return {0, 0};
}

bool may_be(Field field, std::string_view text) {
  switch (field) {
    case Field::kCall:
      return is_call_sid(text);
    case Field::kFile:
      return is_file_name(text) && !is_reserved_file_name(text);
    case Field::kWorkspace:
    case Field::kService:
      return WorkspaceId::from_text(text).ok();
    case Field::kYear:
    case Field::kMonth:
    case Field::kDay:
    case Field::kHour:
    case Field::kMinute:
    case Field::kSecond:
    case Field::kEpoch:
      return all_of(text, is_digit);
    case Field::kDirection:
      return !direction_of(text).empty();
    case Field::kChannel:
      return !channel_of(text).empty();
    case Field::kFrom:
    case Field::kTo:
      return all_of(text, [](char c) { return is_alnum(c) || c == '+' || c == '*' || c == '#'; });
    case Field::kExt:
      return all_of(text, is_alnum);
  }
  return false;
}

}  // namespace

std::string_view channel_of(std::string_view word) {
  static constexpr std::string_view kIn[] = {"in", "inbound", "rx", "caller", "customer", "left"};
  static constexpr std::string_view kOut[] = {"out", "outbound", "tx", "agent", "right"};
  static constexpr std::string_view kBoth[] = {"mix",    "mixed", "both",
                                               "stereo", "mono",  "recording"};
  const std::string small = lower(word);
  if (std::find(std::begin(kIn), std::end(kIn), small) != std::end(kIn)) return "inbound";
  if (std::find(std::begin(kOut), std::end(kOut), small) != std::end(kOut)) return "outbound";
  if (std::find(std::begin(kBoth), std::end(kBoth), small) != std::end(kBoth)) return "recording";
  return "";
}

std::string_view direction_of(std::string_view word) {
  const std::string small = lower(word);
  if (small == "in" || small == "inbound" || small == "incoming") return "inbound";
  if (small == "out" || small == "outbound" || small == "outgoing") return "outbound";
  return "";
}

Result<ImportPattern::Segment> ImportPattern::parse_segment(std::string_view text) {
  Segment segment;
  if (text == "**") return segment;
  if (text.empty() || text == "." || text == "..")
    return Error{Code::kInvalid, fmt::format("\"{}\" is no segment of a path", text)};
  for (size_t at = 0; at < text.size();) {
    Token token;
    if (text[at] == '*') {
      token.kind = Token::Kind::kAny;
      if (!segment.empty() && segment.back().kind == Token::Kind::kAny)
        return Error{Code::kInvalid, "\"**\" stands for directories, alone between two \"/\""};
      ++at;
    } else if (text[at] == '{') {
      const size_t end = text.find('}', at);
      if (end == std::string_view::npos) return Error{Code::kInvalid, "a \"{\" is not closed"};
      const std::string_view name = text.substr(at + 1, end - at - 1);
      const auto* const known = std::find_if(std::begin(kNames), std::end(kNames),
                                             [&](const Named& one) { return one.name == name; });
      if (known == std::end(kNames)) {
        std::string names;
        for (const Named& one : kNames) names += fmt::format(" {{{}}}", one.name);
        return Error{Code::kInvalid,
                     fmt::format("there is no field {{{}}}; there are:{}", name, names)};
      }
      token.kind = Token::Kind::kField;
      token.field = known->field;
      at = end + 1;
    } else {
      const size_t end = std::min(text.find_first_of("*{", at), text.size());
      token.text = text.substr(at, end - at);
      if (token.text.find('}') != std::string::npos)
        return Error{Code::kInvalid, "a \"}\" without its \"{\""};
      at = end;
    }
    segment.push_back(std::move(token));
    if (segment.size() > kTokensMax)
      return Error{Code::kInvalid, fmt::format("more than {} pieces in a segment", kTokensMax)};
  }
  return segment;
}

Result<ImportPattern> ImportPattern::parse(std::string_view text) {
  ImportPattern pattern;
  pattern.text_ = text;
  const auto within = [&](const Error& error) {
    return error.within(fmt::format("the pattern \"{}\"", text));
  };
  if (text.empty() || text.size() > kPatternBytesMax)
    return within(Error{Code::kInvalid, fmt::format("1 to {} bytes", kPatternBytesMax)});
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('/', at), text.size());
    auto segment = parse_segment(text.substr(at, end - at));
    if (!segment.ok()) return within(segment.error());
    pattern.segments_.push_back(*std::move(segment));
    at = end + 1;
  }
  if (const Status checked = pattern.check(); !checked.ok()) return within(checked.error());
  return pattern;
}

Status ImportPattern::check() const {
  if (segments_.size() > kSegmentsMax)
    return Error{Code::kInvalid, fmt::format("more than {} segments", kSegmentsMax)};
  std::array<int, kFields> times{};
  int anywhere = 0;
  for (size_t i = 0; i < segments_.size(); ++i) {
    const bool last = i + 1 == segments_.size();
    anywhere += segments_[i].empty();
    if (last && segments_[i].empty())
      return Error{Code::kInvalid, "\"**\" cannot be last: it stands for directories"};
    for (const Token& token : segments_[i]) {
      if (token.kind != Token::Kind::kField) continue;
      const Field field = token.field;
      const std::string_view name =
          kNames[static_cast<size_t>(
                     std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const Named& one) { return one.field == field; }) -
                     std::begin(kNames))]
              .name;
      if (++times[static_cast<size_t>(field)] > 1)
        return Error{Code::kInvalid, fmt::format("{{{}}} stands there twice", name)};
      const bool of_files =
          field == Field::kChannel || field == Field::kExt || field == Field::kFile;
      if (of_files && !last)
        return Error{Code::kInvalid,
                     fmt::format("{{{}}} belongs to the last segment: the files of a call lie in "
                                 "one directory",
                                 name)};
      if (field == Field::kFile && segments_[i].size() != 1)
        return Error{Code::kInvalid, "{file} is the whole name of a file: it stands alone"};
    }
  }
  if (anywhere > 1) return Error{Code::kInvalid, "\"**\" stands there twice"};
  if (!has(Field::kCall)) return Error{Code::kInvalid, "{call} is missing"};
  if (!has(Field::kFile) && !has(Field::kExt))
    return Error{Code::kInvalid, "{ext} is missing: a file is named by its channel and this"};
  return {};
}

Result<ImportPattern> ImportPattern::of_layout(std::string_view layout) {
  for (const Layout& known : kLayouts)
    if (known.name == layout) return parse(known.pattern);
  return Error{Code::kInvalid, fmt::format("there is no layout {}", layout)};
}

std::vector<std::string> ImportPattern::layouts() {
  std::vector<std::string> names;
  for (const Layout& known : kLayouts) names.emplace_back(known.name);
  return names;
}

bool ImportPattern::has(Field field) const {
  for (const Segment& segment : segments_)
    for (const Token& token : segment)
      if (token.kind == Token::Kind::kField && token.field == field) return true;
  return false;
}

// Reads one segment in every way, until two are found that say different things. Where the rest
// of the name cannot be read is remembered, so that no dead end is walked into twice.
struct ImportPattern::Reader {
  const Segment& segment;
  std::string_view name;
  PathFields fields;
  std::vector<PathFields> readings{};
  std::vector<bool> dead = std::vector<bool>((segment.size() + 1) * (name.size() + 1));
  int steps = 0;

  bool is_enough() const { return readings.size() > 1 || steps > kStepsMax; }

  // True when the rest could be read.
  bool from(size_t token, size_t at) {
    if (is_enough()) return true;
    ++steps;
    if (token == segment.size()) {
      if (at != name.size()) return false;
      if (std::find(readings.begin(), readings.end(), fields) == readings.end())
        readings.push_back(fields);
      return true;
    }
    const size_t place = token * (name.size() + 1) + at;
    if (dead[place]) return false;
    const bool any = step(segment[token], token, at);
    if (!any && !is_enough()) dead[place] = true;
    return any;
  }

  bool step(const Token& one, size_t token, size_t at) {
    if (one.kind == Token::Kind::kText)
      return name.substr(at).starts_with(one.text) && from(token + 1, at + one.text.size());
    const bool is_field = one.kind == Token::Kind::kField;
    const Length length = is_field ? length_of(one.field) : Length{0, name.size()};
    bool any = false;
    for (size_t n = length.least; n <= length.most && at + n <= name.size(); ++n) {
      if (is_enough()) return true;
      const std::string_view text = name.substr(at, n);
      if (is_field) {
        if (!may_be(one.field, text)) continue;
        fields[one.field] = text;
      }
      any = from(token + 1, at + n) || any;
    }
    if (is_field) fields[one.field].clear();
    return any;
  }
};

Reading ImportPattern::read(const std::vector<std::string_view>& path, PathFields& fields) const {
  const auto anywhere = std::find_if(segments_.begin(), segments_.end(),
                                     [](const Segment& segment) { return segment.empty(); });
  const auto before = static_cast<size_t>(anywhere - segments_.begin());
  const bool has_anywhere = anywhere != segments_.end();
  if (has_anywhere ? path.size() + 1 < segments_.size() : path.size() != segments_.size())
    return Reading::kNone;
  PathFields found;
  bool ambiguous = false;
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].empty()) continue;
    const size_t at = i < before ? i : path.size() - (segments_.size() - i);
    Reader reader{segments_[i], path[at], found};
    (void)reader.from(0, 0);
    if (reader.readings.empty())
      return reader.steps > kStepsMax ? Reading::kAmbiguous : Reading::kNone;
    ambiguous = ambiguous || reader.is_enough();
    found = reader.readings.front();
  }
  if (ambiguous) return Reading::kAmbiguous;
  fields = std::move(found);
  return Reading::kOne;
}

}  // namespace holdfast::cli
