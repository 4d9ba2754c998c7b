#include "cli/table.h"

#include <algorithm>
#include <cassert>

namespace holdfast::cli {
namespace {

// Code points, which is what a terminal shows for the texts we print.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::flush(std::FILE* out) {
  widths_.resize(columns_.size());
  if (!titled_)
    for (size_t i = 0; i < columns_.size(); ++i) widths_[i] = width_of(columns_[i].title);
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], width_of(row[i]));
  if (!titled_) {
    std::vector<std::string> titles;
    for (const Column& column : columns_) titles.push_back(column.title);
    print_row(titles, out);
    titled_ = true;
  }
  for (const auto& row : rows_) print_row(row, out);
  rows_.clear();
}

void Table::print_row(const std::vector<std::string>& cells, std::FILE* out) const {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    const std::string space(widths_[i] - width_of(cells[i]), ' ');
    line += columns_[i].align == Align::kRight ? space + cells[i] : cells[i] + space;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), out);
}

}  // namespace holdfast::cli
