#include "cli/import_upload.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/time_text.h"
#include "cli/words.h"
#include "io/digest.h"
#include "io/tree.h"

namespace holdfast::cli {
namespace {

constexpr const char* kMetadata = "metadata.json";

bool has_metadata(const ImportCall& call) {
  return std::any_of(call.files.begin(), call.files.end(),
                     [](const ImportFile& file) { return file.name == kMetadata; });
}

// When the call began, as the path says.
Result<std::optional<UnixMillis>> start_of(const PathFields& fields, Times times) {
  if (const std::string& epoch = fields[Field::kEpoch]; !epoch.empty())
    return std::optional(UnixMillis(std::stoll(epoch) * 1000));
  for (const Field field : {Field::kYear, Field::kMonth, Field::kDay})
    if (fields[field].empty()) return std::optional<UnixMillis>();
  const bool has_time = !fields[Field::kHour].empty() && !fields[Field::kMinute].empty();
  const auto or_zero = [](const std::string& text) { return text.empty() ? "00" : text; };
  const std::string text = fmt::format(
      "{}-{}-{}T{}:{}:{}Z", fields[Field::kYear], fields[Field::kMonth], fields[Field::kDay],
      has_time ? fields[Field::kHour] : "00", has_time ? fields[Field::kMinute] : "00",
      has_time ? or_zero(fields[Field::kSecond]) : "00");
  const Result<UnixMillis> at = from_iso(text);
  if (!at.ok()) return Error{Code::kInvalid, "its path tells a time that does not exist: " + text};
  if (!has_time && times != Times::kDay) return std::optional<UnixMillis>();
  return std::optional(*at);
}

// Every file here is a file there with the same SHA-256.
Status compare(Io& io, const std::vector<Fd>& fds, const ImportCall& call,
               const json::object& answer) {
  const auto stored = objects_of(answer, "files");
  for (size_t i = 0; i < call.files.size(); ++i) {
    const std::string& name = call.files[i].name;
    const auto found = std::find_if(stored.begin(), stored.end(), [&](const json::object* file) {
      return text_of(*file, "name") == name;
    });
    if (found == stored.end())
      return Error{Code::kCorrupt, "the archive's answer does not name " + name};
    HOLDFAST_ASSIGN(sha256, need_string(**found, "sha256"));
    HOLDFAST_ASSIGN(status, status_of(fds[i].get(), name));
    HOLDFAST_ASSIGN(digest, digest_file(io, fds[i].get(), Bytes(status.st_size)));
    if (digest.hex() != sha256)
      return Error{Code::kCorrupt,
                   fmt::format("{} has SHA-256 {} here and {} in the archive; was it written to "
                               "while it was sent?",
                               told_path(call.files[i].source), digest.hex(), printable(sha256))};
  }
  return {};
}

}  // namespace

Result<std::string> metadata_of(const ImportCall& call, Times times) {
  const PathFields& fields = call.fields;
  json::object metadata{{"call_sid", call.place.call}};
  if (!fields[Field::kDirection].empty())
    metadata["direction"] = std::string(direction_of(fields[Field::kDirection]));
  if (!fields[Field::kService].empty()) metadata["service_id"] = fields[Field::kService];
  if (!fields[Field::kFrom].empty()) metadata["from"] = fields[Field::kFrom];
  if (!fields[Field::kTo].empty()) metadata["to"] = fields[Field::kTo];
  HOLDFAST_ASSIGN(start, start_of(fields, times));
  if (start) metadata["call_start_iso"] = to_iso(*start);
  if (times == Times::kMtime) {
    UnixMillis newest;
    for (const ImportFile& file : call.files) newest = std::max(newest, file.changed_at);
    metadata["call_end_iso"] = to_iso(newest);
  }
  for (const ImportFile& file : call.files)
    for (const std::string_view channel : {"inbound", "outbound"})
      if (file.name.starts_with(std::string(channel) + "."))
        metadata[std::string(channel) + "_size_bytes"] = file.size.count;
  return canonical(metadata);
}

Result<Uploaded> upload_call(HttpClient& client, Io& io, const Fd& root, const std::string& path,
                             const ImportCall& call, Times times) {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.form_fields.emplace_back("call_sid", call.place.call);
  if (!has_metadata(call)) {
    HOLDFAST_ASSIGN(metadata, metadata_of(call, times));
    request.form_fields.emplace_back(kMetadata, metadata);  // a part named by its field
  }
  // Files are opened here, below the root and through no link, and sent from what was opened.
  const std::string directory = call.directory();
  std::vector<Fd> fds;
  for (const ImportFile& file : call.files) {
    const std::string relative = directory.empty() ? file.source : directory + "/" + file.source;
    auto fd = io.open(root.get(), relative, O_RDONLY | O_NONBLOCK);
    if (!fd.ok()) return fd.error().within("read " + told_path(relative));
    HOLDFAST_ASSIGN(status, status_of(fd->get(), relative));
    if (!S_ISREG(status.st_mode))
      return Error{Code::kInvalid, told_path(relative) + " is no regular file any more"};
    request.form_files.push_back({"file", file.name, fmt::format("/proc/self/fd/{}", fd->get())});
    fds.push_back(*std::move(fd));
  }
  HOLDFAST_ASSIGN(response, client.request(request));
  HOLDFAST_ASSIGN(value, response.parsed());
  HOLDFAST_ASSIGN(answer, object_of(value, "store"));
  HOLDFAST_TRY(compare(io, fds, call, *answer));
  return Uploaded{text_of(*answer, "status") == "unchanged", text_of(*answer, "recording_id")};
}

}  // namespace holdfast::cli
