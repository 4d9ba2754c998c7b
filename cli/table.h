// Aligned columns for people. Rows are printed page by page, so that a listing of any length
// needs the memory of one page; columns only ever grow wider.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace holdfast::cli {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // `cells` has one text for every column.
  void add(std::vector<std::string> cells);
  // Prints what was added since the last time; the titles once, before the first row.
  void flush(std::FILE* out);

 private:
  void print_row(const std::vector<std::string>& cells, std::FILE* out) const;

  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> widths_;
  bool titled_ = false;
};

}  // namespace holdfast::cli
