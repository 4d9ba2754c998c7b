// holdfast put: a directory becomes a recording.
//
// The files are sent as one multipart/form-data, read from disk while they are sent. The
// daemon's answer tells the SHA-256 of what it has made durable; it is compared with the files
// here, so that "stored" means: what lies in the directory is what the archive keeps.
#include <fmt/format.h>

#include <algorithm>

#include "base/file_name.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/words.h"
#include "io/digest.h"
#include "io/io.h"
#include "io/tree.h"

namespace holdfast::cli {
namespace {

constexpr const char* kMetadata = "metadata.json";

// The names of the directory's files, metadata.json first: what it forbids is then known
// before the audio is sent.
Result<std::vector<std::string>> files_in(Io& io, int directory_fd, bool needs_metadata) {
  std::vector<std::string> names;
  const auto visit = [&names](const DirectoryEntry& entry) -> Result<bool> {
    if (entry.type != DT_REG)
      return Error{Code::kInvalid,
                   fmt::format("\"{}\" is not a regular file; a recording's directory holds "
                               "nothing else",
                               entry.name)};
    if (!is_file_name(entry.name) || is_reserved_file_name(entry.name))
      return Error{Code::kInvalid,
                   fmt::format("\"{}\" cannot be a recording's file: expected 1 to 128 of "
                               "A-Z a-z 0-9 . _ -, no dot first, and no reserved name",
                               entry.name)};
    if (names.size() == static_cast<size_t>(limits::kFilesPerPartMax))
      return Error{Code::kTooLarge, fmt::format("a recording has at most {} files at a time",
                                                limits::kFilesPerPartMax)};
    names.push_back(entry.name);
    return true;
  };
  HOLDFAST_TRY(each_entry(io, directory_fd, visit));
  std::sort(names.begin(), names.end());
  auto metadata = std::find(names.begin(), names.end(), kMetadata);
  if (metadata == names.end())
    metadata = std::find_if(names.begin(), names.end(), is_later_metadata);
  if (metadata == names.end() && needs_metadata)
    return Error{Code::kNotFound,
                 "metadata.json is missing (metadata.2.json and so on for a later part); it names "
                 "the call and describes its audio"};
  if (names.empty()) return Error{Code::kNotFound, "there is no file"};
  if (metadata != names.end()) std::rotate(names.begin(), metadata, metadata + 1);
  return names;
}

class PutCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"put",
            "Store directories as recordings",
            "Sends the files of each directory as one recording. metadata.json must be among\n"
            "them, since it names the call; with --call it may be absent, as in a later part\n"
            "of a known call (a transcript, another segment), which may bring metadata.2.json\n"
            "of its own. When a directory is \"stored\", its files, index row and ledger line\n"
            "are durable and their digests were compared. Sending the same bytes again is\n"
            "\"unchanged\"; other bytes under a known name are refused: a correction has a name\n"
            "of its own. A failing directory does not keep back the ones after it.",
            {"holdfast put ./CA8d1f0c2b", "holdfast put ./second --call CA8d1f0c2b",
             "holdfast put incoming/* --json"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("DIR", directories_, "Directories, one recording each");
    arguments.option("--call", "CALL", call_,
                     "The call's id (call_sid), instead of metadata.json's; one directory only");
  }

  Status run(Session& session) override {
    if (!call_.empty() && directories_.size() > 1)
      return Error{Code::kInvalid, "put: --call names one call, but there are several directories"};
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings"}));
    HOLDFAST_ASSIGN(io, Io::open());
    for (const std::string& directory : directories_) {
      const Status stored = put(session, *io, path, directory);
      if (!stored.ok()) session.report(stored.error().within("put " + directory));
    }
    return {};
  }

 private:
  Status put(Session& session, Io& io, const std::string& path, const std::string& directory) {
    HOLDFAST_ASSIGN(root, open_root(directory));
    HOLDFAST_ASSIGN(names, files_in(io, root.get(), call_.empty()));
    HttpRequest request;
    request.method = "POST";
    request.path = path;
    if (!call_.empty()) request.form_fields.emplace_back("call_sid", call_);
    int64_t bytes = 0;
    for (const std::string& name : names) {
      request.form_files.push_back({"file", name, directory + "/" + name});
      HOLDFAST_ASSIGN(fd, open_beneath(root.get(), name, O_RDONLY));
      HOLDFAST_ASSIGN(status, status_of(fd.get(), name));
      bytes += status.st_size;
    }
    Progress progress(session.clock(), look_of_stderr(), to_stderr, directory);
    request.on_transfer = [&](int64_t sent, int64_t) { progress.at(sent, bytes); };
    auto answered = session.client().request(request);
    progress.end();
    if (!answered.ok()) return answered.error();
    const HttpResponse response = *std::move(answered);
    HOLDFAST_ASSIGN(value, response.parsed());
    HOLDFAST_ASSIGN(answer, object_of(value, "store"));
    HOLDFAST_TRY(compare(io, root.get(), names, *answer));
    if (session.json()) return session.print_json(response), Status();
    std::string line =
        fmt::format("{}: {} as recording {} part {}, {} files, {}", text_of(*answer, "call_sid"),
                    text_of(*answer, "status"), text_of(*answer, "recording_id"),
                    text_of(*answer, "part"), names.size(), size_in_words(total_size(*answer)));
    if (const std::string flags = list_of(*answer, "flags"); flags != "-")
      line += "; flagged: " + flags;
    session.print(line);
    return {};
  }

  static int64_t total_size(const json::object& answer) {
    int64_t total = 0;
    for (const json::object* file : objects_of(answer, "files"))
      total += static_cast<int64_t>(number_of(*file, "size"));
    return total;
  }

  // Every file here is a file there with the same SHA-256.
  static Status compare(Io& io, int directory_fd, const std::vector<std::string>& names,
                        const json::object& answer) {
    const auto stored = objects_of(answer, "files");
    for (const std::string& name : names) {
      const auto same_name = [&name](const json::object* file) {
        return text_of(*file, "name") == name;
      };
      const auto found = std::find_if(stored.begin(), stored.end(), same_name);
      if (found == stored.end())
        return Error{Code::kCorrupt, "the archive's answer does not name " + name};
      HOLDFAST_ASSIGN(sha256, need_string(**found, "sha256"));
      HOLDFAST_ASSIGN(fd, open_beneath(directory_fd, name, O_RDONLY));
      HOLDFAST_ASSIGN(status, status_of(fd.get(), name));
      HOLDFAST_ASSIGN(digest, digest_file(io, fd.get(), Bytes(status.st_size)));
      if (digest.hex() != sha256)
        return Error{Code::kCorrupt,
                     fmt::format("{} has SHA-256 {} here and {} in the archive; was it written to "
                                 "while it was sent?",
                                 name, digest.hex(), printable(sha256))};
    }
    return {};
  }

  std::vector<std::string> directories_;
  std::string call_;
};

}  // namespace

std::unique_ptr<Command> put_command() { return std::make_unique<PutCommand>(); }

}  // namespace holdfast::cli
