// The tree of another recorder, read in a stable order: what `holdfast import` sends.
//
// Of each directory the files come first, as calls in the order of their ids, then its
// directories, each by the bytes of its name. Memory is that of the names of one directory and of
// those above it. Nothing of the tree is opened but directories, and nothing is changed; links are
// never followed, and what is no regular file is told and left.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "cli/import_pattern.h"
#include "io/io.h"

namespace holdfast::cli {

// A call's place in the order: all before it have been seen.
struct ImportPlace {
  std::vector<std::string> directory;  // segments below the root
  std::string call;
  auto operator<=>(const ImportPlace&) const = default;

  // As text: segments and call with "/" between, bytes but A-Z a-z 0-9 . _ : - percent-encoded.
  std::string text() const;
  static Result<ImportPlace> from_text(std::string_view text);
};

// A path for people, reports and cursors: as above.
std::string told_path(std::string_view path);

struct ImportFile {
  std::string source;  // its name in the directory
  std::string name;    // as the archive shall know it
  Bytes size;
  UnixMillis changed_at;
};

struct ImportCall {
  ImportPlace place;
  PathFields fields;  // of its first file, without channel, ext and file
  std::vector<ImportFile> files;
  Bytes bytes;
  std::string wrong;  // why it cannot be imported; empty: it can

  std::string directory() const;  // "a/b", "" for the root
};

// Why a file, or a directory, was passed over.
enum class Left {
  kNoMatch,         // the pattern does not read its path
  kAmbiguous,       // it reads it in several ways
  kOtherWorkspace,  // {workspace} is another one
  kNotAFile,        // a link, socket, pipe or device
  kUnreadable,      // a directory that cannot be listed, or is too deep
};
std::string_view word(Left why);

struct WalkSight {
  // False: stop.
  std::function<Result<bool>(ImportCall&&)> on_call;
  std::function<void(const std::string& path, Left why, const std::string& detail)> on_left;
};

struct WalkQuestion {
  std::string root;
  const ImportPattern& pattern;
  std::string workspace;             // the only one whose calls are wanted
  std::optional<ImportPlace> after;  // go on behind this call
};

// kNotFound and kIo when the root itself cannot be read, and what on_call answers.
Status walk_tree(Io& io, const WalkQuestion& question, const WalkSight& sight);

}  // namespace holdfast::cli
