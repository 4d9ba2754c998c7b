#include "cli/import_walk.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/limits.h"
#include "io/tree.h"

namespace holdfast::cli {
namespace {

constexpr size_t kDepthMax = 64;  // deeper trees are loops of mounts, or hostile

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '-';
}

std::string encoded(std::string_view segment) {
  std::string out;
  for (const char c : segment)
    if (is_plain(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) {
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_value(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_value(text[i + 2]) : std::nullopt;
    if (text[i] != '%' || !high || !low)
      return Error{Code::kInvalid, "the import's cursor cannot be read"};
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

std::string joined(const std::vector<std::string>& segments, std::string_view name) {
  std::string path;
  for (const std::string& segment : segments) path += segment + "/";
  return path + std::string(name);
}

// The name that the archive gives a file by its channel: "inbound.wav", "recording.2.wav" for the
// second of a kind. Empty when there is none left.
std::string name_in_archive(const PathFields& fields, const std::set<std::string>& taken) {
  if (!fields[Field::kFile].empty()) return fields[Field::kFile];
  std::string ext = fields[Field::kExt];
  for (char& c : ext)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::string& channel = fields[Field::kChannel];
  const std::string base(channel.empty() ? "recording" : channel_of(channel));
  std::string name = base + "." + ext;
  for (int k = 2; taken.contains(name) && k <= limits::kFilesPerPartMax; ++k) {
    if (base != "recording") return "";
    name = fmt::format("{}.{}.{}", base, k, ext);
  }
  return taken.contains(name) || is_reserved_file_name(name) ? "" : name;
}

// What files of one call must agree in.
PathFields without_file(PathFields fields) {
  for (const Field field : {Field::kChannel, Field::kExt, Field::kFile}) fields[field].clear();
  return fields;
}

class Walk {
 public:
  Walk(Io& io, const WalkQuestion& question, const WalkSight& sight)
      : io_(io), question_(question), sight_(sight) {}

  Status run() {
    HOLDFAST_ASSIGN(root, open_root(question_.root));
    auto done = directory(root);
    if (!done.ok()) return done.error();
    return {};
  }

 private:
  struct Names {
    std::vector<std::string> files;
    std::vector<std::string> directories;
  };

  void left(std::string_view name, Left why, const std::string& detail = "") {
    sight_.on_left(joined(at_, name), why, detail);
  }

  Result<Names> list(const Fd& fd) {
    Names names;
    const auto visit = [&](const DirectoryEntry& entry) -> Result<bool> {
      if (entry.type == DT_REG)
        names.files.push_back(entry.name);
      else if (entry.type == DT_DIR)
        names.directories.push_back(entry.name);
      else if (is_wanted())
        left(entry.name, Left::kNotAFile);
      return true;
    };
    HOLDFAST_TRY(each_entry(io_, fd.get(), visit));
    std::sort(names.files.begin(), names.files.end());
    std::sort(names.directories.begin(), names.directories.end());
    return names;
  }

  // The files of the directory in hand were not all seen before.
  bool is_wanted() const { return !question_.after || at_ >= question_.after->directory; }

  // All of the subtree came before the cursor.
  bool is_behind() const {
    if (!question_.after) return false;
    const auto& cursor = question_.after->directory;
    const size_t n = std::min(at_.size(), cursor.size());
    return std::lexicographical_compare(at_.begin(), at_.begin() + static_cast<ptrdiff_t>(n),
                                        cursor.begin(), cursor.begin() + static_cast<ptrdiff_t>(n));
  }

  // False: it was told to stop.
  Result<bool> directory(const Fd& fd) {
    auto names = list(fd);
    if (!names.ok()) {
      if (at_.empty()) return names.error();
      left("", Left::kUnreadable, names.error().message);
      return true;
    }
    if (is_wanted()) {
      HOLDFAST_ASSIGN(more, files(fd, names->files));
      if (!more) return false;
    }
    names->files = {};
    for (std::string& name : names->directories) {
      at_.push_back(std::move(name));
      auto more = enter(fd);
      at_.pop_back();
      if (!more.ok() || !*more) return more;
    }
    return true;
  }

  Result<bool> enter(const Fd& parent) {
    if (is_behind()) return true;
    if (at_.size() > kDepthMax) {
      left("", Left::kUnreadable, "deeper than 64 directories");
      return true;
    }
    const auto fd = open_directory_beneath(io_, parent.get(), at_.back());
    if (fd.ok()) return directory(*fd);
    left("", Left::kUnreadable, fd.error().message);
    return true;
  }

  Result<bool> files(const Fd& fd, const std::vector<std::string>& names) {
    std::map<std::string, ImportCall> calls;
    for (const std::string& name : names) {
      std::vector<std::string_view> path(at_.begin(), at_.end());
      path.emplace_back(name);
      PathFields fields;
      const Reading reading = question_.pattern.read(path, fields);
      if (reading != Reading::kOne) {
        left(name, reading == Reading::kNone ? Left::kNoMatch : Left::kAmbiguous);
        continue;
      }
      const std::string& workspace = fields[Field::kWorkspace];
      if (!workspace.empty() && WorkspaceId::from_text(workspace)->text() != question_.workspace) {
        left(name, Left::kOtherWorkspace);
        continue;
      }
      take(fd, name, fields, calls[fields[Field::kCall]]);
    }
    for (auto& [id, call] : calls) {
      call.place = ImportPlace{at_, id};
      if (question_.after && call.place <= *question_.after) continue;
      HOLDFAST_ASSIGN(more, sight_.on_call(std::move(call)));
      if (!more) return false;
    }
    return true;
  }

  void take(const Fd& fd, const std::string& source, const PathFields& fields, ImportCall& call) {
    const auto wrong = [&](const std::string& why) {
      if (call.wrong.empty()) call.wrong = why;
    };
    if (call.files.empty())
      call.fields = without_file(fields);
    else if (call.fields != without_file(fields))
      wrong(fmt::format("its files {} and {} say different things of the call",
                        told_path(call.files.front().source), told_path(source)));
    if (call.files.size() == static_cast<size_t>(limits::kFilesPerPartMax))
      return wrong(fmt::format("more than {} files", limits::kFilesPerPartMax));
    std::set<std::string> taken;
    for (const ImportFile& file : call.files) taken.insert(file.name);
    ImportFile file;
    file.source = source;
    file.name = name_in_archive(fields, taken);
    if (file.name.empty())
      wrong(
          fmt::format("{} has no name of its own in the archive: another file of the call is "
                      "of the same channel, or the name is reserved",
                      told_path(source)));
    struct stat status {};
    if (::fstatat(fd.get(), source.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      wrong(system_error(errno, "look at " + told_path(source)).message);
    file.size = Bytes(status.st_size);
    file.changed_at =
        UnixMillis(int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000);
    call.bytes += file.size;
    call.files.push_back(std::move(file));
  }

  Io& io_;
  const WalkQuestion& question_;
  const WalkSight& sight_;
  std::vector<std::string> at_;  // the directory in hand
};

}  // namespace

std::string told_path(std::string_view path) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t end = std::min(path.find('/', at), path.size());
    out += encoded(path.substr(at, end - at));
    if (end == path.size()) return out;
    out += '/';
    at = end + 1;
  }
}

std::string ImportPlace::text() const { return told_path(joined(directory, call)); }

Result<ImportPlace> ImportPlace::from_text(std::string_view text) {
  ImportPlace place;
  for (size_t at = 0;;) {
    const size_t end = std::min(text.find('/', at), text.size());
    HOLDFAST_ASSIGN(segment, decoded(text.substr(at, end - at)));
    if (end == text.size()) {
      place.call = segment;
      return place;
    }
    place.directory.push_back(std::move(segment));
    at = end + 1;
  }
}

std::string ImportCall::directory() const {
  std::string path = joined(place.directory, "");
  if (!path.empty()) path.pop_back();
  return path;
}

Status walk_tree(Io& io, const WalkQuestion& question, const WalkSight& sight) {
  return Walk(io, question, sight).run();
}

std::string_view word(Left why) {
  switch (why) {
    case Left::kNoMatch:
      return "no-match";
    case Left::kAmbiguous:
      return "ambiguous";
    case Left::kOtherWorkspace:
      return "other-workspace";
    case Left::kNotAFile:
      return "not-a-file";
    case Left::kUnreadable:
      return "unreadable";
  }
  return "unknown";
}

}  // namespace holdfast::cli
