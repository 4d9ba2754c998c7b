// What was not imported: on standard error the first of it, in a file all of it, one JSON object
// a line: {"call":…,"directory":…,"files":[…],"error":…,"message":…} or {"path":…,"error":…}.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "base/json.h"
#include "cli/import_walk.h"
#include "cli/session.h"

namespace holdfast::cli {

// Thread rule: one thread.
class ImportReport {
 public:
  // `path` empty: no file. With `append` the lines of the run before stay.
  static Result<std::unique_ptr<ImportReport>> open(const std::string& path, bool append);
  ~ImportReport();
  ImportReport(const ImportReport&) = delete;
  ImportReport& operator=(const ImportReport&) = delete;

  void failed(Session& session, const ImportCall& call, const Error& error);
  // Files that no pattern reads are counted; those that could be somebody's call are failures.
  void left(Session& session, const std::string& path, Left why, const std::string& detail);
  // How many failures were not told on standard error.
  void end(Session& session);

  json::object counts() const;   // of files that were left, by why
  std::string in_words() const;  // "; left: 3 no-match, 1 ambiguous", or ""
  Status close();                // kIo when a line could not be written

 private:
  ImportReport(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  void write(const json::object& line);
  void tell(Session& session, const Error& error);

  std::FILE* file_ = nullptr;
  std::string path_;
  std::map<std::string, int64_t> left_;
  int64_t told_ = 0;
  int64_t untold_ = 0;
};

}  // namespace holdfast::cli
