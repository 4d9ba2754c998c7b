#include "tests/hostile/range_oracle.h"

#include <algorithm>

namespace holdfast::hostile {
namespace {

std::string_view without_zeros(std::string_view digits) {
  const size_t at = digits.find_first_not_of('0');
  return at == std::string_view::npos ? "0" : digits.substr(at);
}

// The digits at the front of `text`, which loses them.
std::string take_digits(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string digits(text.substr(0, end));
  text.remove_prefix(end);
  return digits;
}

bool take_space(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(end);
  return end > 0;
}

// int-range = first-pos "-" [ last-pos ], suffix-range = "-" suffix-length. Nothing else at the
// front of `text`, or an int-range that ends before it begins, is one.
std::optional<RangeSpec> take_spec(std::string_view& text) {
  RangeSpec spec;
  std::string first = take_digits(text);
  if (text.empty() || text.front() != '-') return std::nullopt;
  text.remove_prefix(1);
  std::string last = take_digits(text);
  if (first.empty() && last.empty()) return std::nullopt;
  if (!first.empty() && !last.empty() && is_less(last, first)) return std::nullopt;
  if (!first.empty()) spec.first = std::move(first);
  if (!last.empty()) spec.last = std::move(last);
  return spec;
}

bool is_unit_of_bytes(std::string_view unit) {
  // Names of range units are case-insensitive (14.1).
  constexpr std::string_view kLower = "bytes";
  constexpr std::string_view kUpper = "BYTES";
  if (unit.size() != kLower.size()) return false;
  for (size_t i = 0; i < unit.size(); ++i)
    if (unit[i] != kLower[i] && unit[i] != kUpper[i]) return false;
  return true;
}

// a + b in decimal.
std::string sum(std::string_view a, std::string_view b) {
  std::string out;
  int carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    const int x = i < a.size() ? a[a.size() - 1 - i] - '0' : 0;
    const int y = i < b.size() ? b[b.size() - 1 - i] - '0' : 0;
    out.insert(out.begin(), static_cast<char>('0' + (x + y + carry) % 10));
    carry = (x + y + carry) / 10;
  }
  return out;
}

}  // namespace

bool is_less(std::string_view a, std::string_view b) {
  a = without_zeros(a);
  b = without_zeros(b);
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

ReadRange read_range_field(std::string_view field) {
  ReadRange read;
  const size_t equals = field.find('=');
  if (equals == std::string_view::npos || !is_unit_of_bytes(field.substr(0, equals))) return read;
  std::string_view rest = field.substr(equals + 1);
  bool has_space = take_space(rest);
  size_t elements = 0;
  while (true) {
    ++elements;
    if (!rest.empty() && rest.front() != ',') {
      auto spec = take_spec(rest);
      if (!spec) return {};
      read.specs.push_back(*std::move(spec));
    }
    has_space = take_space(rest) || has_space;
    if (rest.empty()) break;
    if (rest.front() != ',') return {};
    rest.remove_prefix(1);
    take_space(rest);
  }
  if (read.specs.empty()) return {};
  read.reading = elements > 1 ? RangeReading::kSeveral
                 : has_space  ? RangeReading::kWithSpace
                              : RangeReading::kSingle;
  return read;
}

bool is_satisfiable(const RangeSpec& spec, const std::string& size) {
  if (spec.first) return is_less(*spec.first, size);
  return is_less("0", *spec.last);
}

bool wants(const RangeSpec& spec, const std::string& size, const std::string& position) {
  if (!is_less(position, size)) return false;
  if (!spec.first) return !is_less(sum(position, *spec.last), size);
  return !is_less(position, *spec.first) && (!spec.last || !is_less(*spec.last, position));
}

}  // namespace holdfast::hostile
