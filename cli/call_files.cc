#include "cli/call_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/words.h"
#include "io/tree.h"

namespace holdfast::cli {
namespace {

Result<Wanted> wanted_of(const json::object& file) {
  Wanted wanted;
  HOLDFAST_ASSIGN(name, need_string(file, "name"));
  HOLDFAST_ASSIGN(part, find_integer(file, "part"));
  HOLDFAST_ASSIGN(size, need_integer(file, "size"));
  HOLDFAST_ASSIGN(sha256, need_string(file, "sha256"));
  HOLDFAST_ASSIGN(digest, Digest::from_hex(sha256));
  if (!is_file_name(name)) return Error{Code::kInvalid, "not a file's name: " + printable(name)};
  wanted.name = name;
  wanted.part = part.value_or(1);
  wanted.expected = ExpectedFile{Bytes(size), digest};
  return wanted;
}

}  // namespace

std::string Wanted::relative() const {
  return part == 1 ? name : fmt::format("+{}/{}", part, name);
}

Result<std::vector<Wanted>> wanted_files(const json::object& recording) {
  std::vector<Wanted> all;
  for (const json::object* file : objects_of(recording, "files")) {
    HOLDFAST_ASSIGN(wanted, wanted_of(*file));
    all.push_back(std::move(wanted));
  }
  return all;
}

Result<Fd> open_output(Io& io, const std::string& name, const std::vector<Wanted>& wanted) {
  std::error_code failure;
  std::filesystem::create_directories(name, failure);
  if (failure) return system_error(failure.value(), "make the directory " + name);
  HOLDFAST_ASSIGN(directory, open_root(name));
  for (const Wanted& file : wanted)
    if (file.part > 1)
      HOLDFAST_TRY(make_directories_beneath(io, directory.get(), fmt::format("+{}", file.part)));
  return directory;
}

}  // namespace holdfast::cli
