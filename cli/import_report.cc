#include "cli/import_report.h"

#include <fmt/format.h>

#include <cerrno>

namespace holdfast::cli {
namespace {

// A message may hold bytes of a name that are no UTF-8: JSON takes none of these.
std::string told_text(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return out;
}

constexpr int64_t kToldMax = 20;  // failures on standard error; a file has all of them

}  // namespace

Result<std::unique_ptr<ImportReport>> ImportReport::open(const std::string& path, bool append) {
  std::FILE* file = nullptr;
  if (!path.empty()) {
    file = std::fopen(path.c_str(), append ? "ae" : "we");
    if (file == nullptr) return system_error(errno, "write the report " + path);
  }
  return std::unique_ptr<ImportReport>(new ImportReport(file, path));
}

ImportReport::~ImportReport() {
  if (file_ != nullptr) std::fclose(file_);
}

void ImportReport::write(const json::object& line) {
  if (file_ == nullptr) return;
  std::fputs((canonical(line) + "\n").c_str(), file_);
  std::fflush(file_);  // a run that is killed leaves what it found
}

void ImportReport::tell(Session& session, const Error& error) {
  if (told_++ < kToldMax || session.exit_code() == 0) return session.report(error);
  ++untold_;
}

void ImportReport::failed(Session& session, const ImportCall& call, const Error& error) {
  json::array files;
  for (const ImportFile& file : call.files) files.emplace_back(told_path(file.source));
  write({{"call", call.place.call},
         {"directory", told_path(call.directory())},
         {"files", std::move(files)},
         {"error", traits(error.code).word},
         {"message", told_text(error.message)}});
  tell(session, error.within("import " + call.place.call));
}

void ImportReport::left(Session& session, const std::string& path, Left why,
                        const std::string& detail) {
  ++left_[std::string(word(why))];
  json::object line{{"path", told_path(path)}, {"error", word(why)}};
  if (!detail.empty()) line["message"] = told_text(detail);
  write(line);
  if (why == Left::kAmbiguous)
    tell(session,
         Error{Code::kInvalid, told_path(path) + ": the pattern reads it in several ways"});
  if (why == Left::kUnreadable) tell(session, Error{Code::kIo, told_path(path) + ": " + detail});
}

void ImportReport::end(Session& session) {
  if (untold_ > 0)
    session.remark(fmt::format("and {} more failures{}", untold_,
                               file_ == nullptr ? "; --report FILE lists all of them" : ""));
  untold_ = 0;
}

json::object ImportReport::counts() const {
  json::object counts;
  for (const auto& [why, count] : left_) counts[why] = count;
  return counts;
}

std::string ImportReport::in_words() const {
  std::string text;
  for (const auto& [why, count] : left_)
    text += fmt::format("{}{} {}", text.empty() ? "; left: " : ", ", count, why);
  return text;
}

Status ImportReport::close() {
  if (file_ == nullptr) return {};
  const bool bad = std::ferror(file_) != 0;
  const bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  if (bad || !closed)
    return Error{Code::kIo, "the report " + path_ + " could not be written whole"};
  return {};
}

}  // namespace holdfast::cli
