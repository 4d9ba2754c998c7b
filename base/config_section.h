// How one file of TOML is read: a `Document` that keeps the first complaint, and `Section`s that
// hand out the values of one table. Internal to base/config.cc, the only file that includes toml++.
//
// A `Section` remembers three things: the first error, the keys that were asked for, and therefore
// which keys of the file nobody knows.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config.h"
#include "base/nearest_word.h"

// Header-only and without exceptions: the packaged library was built to throw.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace holdfast {

// The value as the operator wrote it, short enough for one line.
inline std::string as_written(const toml::node* node) {
  if (node == nullptr) return "its default";
  if (const auto* text = node->as_string()) return "\"" + text->get().substr(0, 80) + "\"";
  if (const auto* number = node->as_integer()) return std::to_string(number->get());
  if (const auto* number = node->as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node->as_boolean()) return truth->get() ? "true" : "false";
  if (node->is_table()) return "a table";
  if (node->is_array()) return "an array";
  return "a date or time";
}

inline int64_t line_of(const toml::node* node) {
  return node == nullptr ? 0 : static_cast<int64_t>(node->source().begin.line);
}

inline std::string listing(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

// "did you mean \"copy_after\"? ", or nothing.
inline std::string suggestion(std::string_view word, const std::vector<std::string>& words) {
  const auto meant = nearest_word(word, words);
  return meant ? "did you mean \"" + *meant + "\"? " : "";
}

// The file being read. Keeps the first error and nothing after it.
class Document {
 public:
  Document(std::string path, toml::table root) : path_(std::move(path)), root_(std::move(root)) {}

  const toml::table& root() const { return root_; }
  const std::string& path() const { return path_; }

  // `line` 0: the file as a whole.
  void refuse(int64_t line, std::string_view key, std::string_view complaint) {
    if (!first_error_.ok()) return;
    const std::string where = line > 0 ? fmt::format("{}:{}", path_, line) : path_;
    first_error_ = Error{Code::kInvalid, fmt::format("{}: {}: {}", where, key, complaint)};
  }
  const Status& first_error() const { return first_error_; }

 private:
  std::string path_;
  toml::table root_;
  Status first_error_;
};

// One table of the file. Every reader leaves `out` alone when its key is absent.
class Section {
 public:
  Section(Document& document, std::string name)
      : Section(document, name, document.root().get(name)) {}

  // One table of several that have the name; null: it is absent.
  Section(Document& document, std::string name, const toml::node* node)
      : document_(document), name_(std::move(name)), node_(node) {
    if (node_ == nullptr) return;
    table_ = node_->as_table();
    if (table_ == nullptr)
      document_.refuse(line_of(node_), name_,
                       fmt::format("expected a section [{}], got {}", name_, as_written(node_)));
  }

  bool present() const { return table_ != nullptr; }

  void read(std::string_view key, std::string& out) {
    read_with(key, "a text in quotes", [&](const toml::node& node) {
      const auto* text = node.as_string();
      if (text != nullptr) out = text->get();
      return text != nullptr;
    });
  }

  void read(std::string_view key, bool& out) {
    read_with(key, "true or false", [&](const toml::node& node) {
      const auto* truth = node.as_boolean();
      if (truth != nullptr) out = truth->get();
      return truth != nullptr;
    });
  }

  struct Range {
    int64_t least;
    int64_t most;
  };
  void read(std::string_view key, int& out, Range range) {
    const std::string expected =
        fmt::format("a whole number from {} to {}", range.least, range.most);
    read_with(key, expected, [&](const toml::node& node) {
      const auto* number = node.as_integer();
      if (number == nullptr || number->get() < range.least || number->get() > range.most)
        return false;
      out = static_cast<int>(number->get());
      return true;
    });
  }

  struct Span {
    Millis least{0};
    Millis most = days(36'500);
    std::string_view words = "a duration such as \"15min\"";
  };
  void read(std::string_view key, Millis& out, const Span& span) {
    read_with(key, span.words, [&](const toml::node& node) {
      const auto* text = node.as_string();
      if (text == nullptr) return false;
      const Result<Millis> value = parse_duration(text->get());
      if (!value.ok() || *value < span.least || *value > span.most) return false;
      out = *value;
      return true;
    });
  }
  void read(std::string_view key, Millis& out) { read(key, out, Span{}); }

  void read(std::string_view key, TimeWindow& out) {
    read_with(key, "times such as \"22:00-06:00\" or \"sat-sun 00:00-24:00\" (UTC)",
              [&](const toml::node& node) {
                const auto* text = node.as_string();
                if (text == nullptr) return false;
                Result<TimeWindow> value = TimeWindow::from_text(text->get());
                if (!value.ok()) return false;
                out = *std::move(value);
                return true;
              });
  }

  struct Amount {
    Bytes least;
    Bytes most;
    std::string_view words;
  };
  void read(std::string_view key, Bytes& out, const Amount& amount) {
    read_with(key, amount.words, [&](const toml::node& node) {
      const auto* text = node.as_string();
      if (text == nullptr) return false;
      const Result<Bytes> value = parse_size(text->get());
      if (!value.ok() || *value < amount.least || *value > amount.most) return false;
      out = *value;
      return true;
    });
  }

  // A directory; made absolute, a relative one from the directory of the configuration.
  void read_path(std::string_view key, std::string& out) {
    read_with(key, "a directory in quotes", [&](const toml::node& node) {
      const auto* text = node.as_string();
      if (text == nullptr || text->get().empty() || text->get().find('\0') != std::string::npos)
        return false;
      const std::filesystem::path base = std::filesystem::path(document_.path()).parent_path();
      std::filesystem::path path = (base / text->get()).lexically_normal();
      if (!path.has_filename()) path = path.parent_path();  // "a/b/" and "a/b" are one place
      out = path.string();
      return true;
    });
  }
  void need_path(std::string_view key, std::string& out) {
    read_path(key, out);
    if (find(key) == nullptr) refuse(key, "expected a directory in quotes, got nothing");
  }

  // Texts in brackets; `take` says whether one of them is right, and keeps it.
  template <typename Take>
  void read_list(std::string_view key, std::string_view expected, Take take) {
    read_with(key, expected, [&](const toml::node& node) {
      const auto* array = node.as_array();
      if (array == nullptr) return false;
      for (const toml::node& item : *array) {
        const auto* text = item.as_string();
        if (text == nullptr || !take(text->get())) return false;
      }
      return true;
    });
  }

  // A complaint about a value that is well-formed and still wrong.
  void refuse(std::string_view key, std::string_view complaint) {
    const toml::node* const node = find(key);
    document_.refuse(line_of(node != nullptr ? node : node_), fmt::format("{}.{}", name_, key),
                     complaint);
  }
  // "expected <what>, got <the value>"
  void refuse_value(std::string_view key, std::string_view what) {
    refuse(key, fmt::format("expected {}, got {}", what, as_written(find(key))));
  }

  // Refuses, by name, the keys that no reader asked for.
  void finish() {
    if (table_ == nullptr) return;
    for (const auto& [key, node] : *table_) {
      const std::string_view name = key.str();
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        document_.refuse(line_of(&node), fmt::format("{}.{}", name_, name),
                         fmt::format("unknown key; {}[{}] has {}", suggestion(name, known_), name_,
                                     listing(known_)));
    }
  }

 private:
  const toml::node* find(std::string_view key) const {
    return table_ == nullptr ? nullptr : table_->get(key);
  }

  template <typename Take>
  void read_with(std::string_view key, std::string_view expected, Take take) {
    known_.emplace_back(key);
    const toml::node* const node = find(key);
    if (node != nullptr && !take(*node)) refuse_value(key, expected);
  }

  Document& document_;
  const std::string name_;
  const toml::node* node_;
  const toml::table* table_ = nullptr;
  std::vector<std::string> known_;
};

}  // namespace holdfast
