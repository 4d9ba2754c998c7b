// GET and HEAD …/download/{filename}: the bytes of one file.
#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "daemon/api/access_memory.h"
#include "daemon/api/handlers.h"
#include "daemon/api/link_book.h"
#include "daemon/api/links.h"
#include "daemon/api/ready_files.h"
#include "daemon/api/restoring.h"
#include "daemon/api/views.h"
#include "daemon/http/file_semantics.h"
#include "daemon/work/file_reader.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast::api {
namespace {

constexpr std::string_view kMetadataName = "metadata.json";

// "<name>", or "+<n>/<name>" for a file of part n > 1 (contracts, "File names").
struct WantedFile {
  std::optional<int> part;
  std::string_view name;
};

// Nothing when it is outside the grammar.
std::optional<WantedFile> parse_wanted(std::string_view text) {
  WantedFile wanted{std::nullopt, text};
  if (const size_t slash = text.find('/'); text.starts_with('+') && slash != text.npos) {
    const std::string_view number = text.substr(1, slash - 1);
    const std::optional<int64_t> part = decimal(number);
    if (!part || *part < 2 || *part > limits::kPartsMax || number.front() == '0')
      return std::nullopt;
    wanted = {static_cast<int>(*part), text.substr(slash + 1)};
  }
  if (!is_file_name(wanted.name)) return std::nullopt;
  return wanted;
}

struct Download {
  Recording recording;
  FileRow file;
  http::FileFacts facts;
  http::FilePlan plan;
};

http::FileFacts facts_of(const Call& call, const Recording& recording, const FileRow& file) {
  http::FileFacts facts;
  facts.size = file.size;
  facts.etag = file.sha256.hex();
  facts.last_modified = recording.received_at;
  facts.content_type = std::string(media_type(file.name));
  facts.sha256 = file.sha256;
  if (call.actor.link && call.actor.link->attachment)
    facts.download_name = recording.call_sid + "-" + file.name;
  return facts;
}

// A restore link follows its own restore: 202 until it is staged, then good for its ttl, then
// never again. What is answered from the index at every tier does not wait, but ends likewise.
// True when the call was answered.
bool answered_restore_link(const CallPtr& call, const Recording& recording, bool from_index) {
  const http::Link& link = *call->actor.link;
  auto restore = find_restore(call->index(), *link.restore);
  if (!restore.ok()) return call->fail(restore.error()), true;
  const auto expired = [&] {
    call->answer(http::problem_response(403, "link-expired", "the restored copy's time is up"));
    return true;
  };
  if (!*restore || (*restore)->recording_no != recording.recording_no) return expired();
  const RestoreRow& row = **restore;
  if (row.state == RestoreState::kQueued || row.state == RestoreState::kRecalling) {
    if (!from_index) report_archived(call, recording, row);
    return !from_index;
  }
  if (row.state == RestoreState::kFailed)
    return call->fail(Error{Code::kCorrupt, "the recording could not be restored"}), true;
  if (!row.staged_at || row.state != RestoreState::kStaged) return expired();
  const UnixMillis good_until = *row.staged_at + seconds(*link.restore_ttl_s);
  if (call->services.archive.clock.now() >= good_until) return expired();
  return false;
}

// What is told once for a minute of ranges: this link, or this actor, and this file.
std::string access_key(const Call& call, const Download& download) {
  return call.actor.who + " " + download.recording.recording.text() + "/" + download.file.name;
}

// P4: the line is durable before the first byte; further ranges within the minute are counted.
void audited(const CallPtr& call, const Download& download,
             std::function<void(const CallPtr&)> next) {
  AccessMemory& memory = call->services.access;
  const std::string key = access_key(*call, download);
  if (memory.is_open(key, Bytes(download.plan.length))) return next(call);
  json::object details{{"file", download.file.name}, {"part", download.file.part}};
  if (call->actor.link) details["minted_by"] = call->actor.link->minted_by;
  LineDraft more = access_line(*call, "access.more", download.recording.recording, details);
  with_audit(call,
             access_line(*call, "file.open", download.recording.recording, std::move(details)),
             [key, more = std::move(more), next = std::move(next)](const CallPtr& caller) {
               caller->services.access.opened(key, more);
               if (const auto& link = caller->actor.link)
                 caller->services.links.used(link->jti, caller->services.archive.clock.now());
               next(caller);
             });
}

// metadata.json is answered from the index at every tier.
void send_metadata(const CallPtr& call, const Download& download) {
  auto text = find_metadata(call->index(), download.recording.recording_no);
  if (!text.ok()) return call->fail(text.error());
  if (!*text) return call->fail(Error{Code::kNotFound, "the call came without metadata.json"});
  http::Response response;
  response.status = download.plan.status;
  response.headers = download.plan.headers;
  response.body = (*text)->substr(static_cast<size_t>(download.plan.offset),
                                  static_cast<size_t>(download.plan.length));
  call->answer(std::move(response));
}

// The next request through the same link finds it open.
void keep_ready(const Call& call, const Download& download, std::shared_ptr<const Fd> fd) {
  const std::optional<http::Link>& link = call.actor.link;
  if (!link || link->restore) return;
  call.services.ready_files.keep(
      call.request().target, ReadyFile{call.changes, UnixMillis(link->expires_at_s * 1000),
                                       access_key(call, download), download.facts, std::move(fd)});
}

void send_file(const CallPtr& call, const Download& download) {
  with_worker<Fd>(
      call,
      [archive = call->services.archive, download](Io& io) {
        return open_file(io, archive, download.recording, download.file);
      },
      [download](const CallPtr& caller, Result<Fd> opened) {
        // It was there a moment ago: its copy is leaving, and the next look says where it is.
        if (!opened.ok() && opened.error().code == Code::kNotFound)
          return caller->fail(
              Error{Code::kUnavailable, "the file is moving to another tier; try again"});
        if (!opened.ok()) return caller->fail(opened.error());
        auto keeper = std::make_shared<Fd>(std::move(opened).value());
        keep_ready(*caller, download, keeper);
        http::FileResponse response;
        response.status = download.plan.status;
        response.headers = download.plan.headers;
        response.fd = keeper->get();
        response.keeper = keeper;
        response.offset = download.plan.offset;
        response.length = download.plan.length;
        caller->exchange->respond_file(std::move(response));
      });
}

void send(const CallPtr& call, Download download) {
  const http::FilePlan& plan = download.plan;
  const bool bytes =
      (plan.status == 200 || plan.status == 206) && call->request().method == http::Method::kGet;
  if (!bytes) {
    // HEAD tells the length that GET would have, and opens nothing; 304, 412 and 416 have none.
    http::FileResponse response;
    response.status = plan.status;
    response.headers = plan.headers;
    response.length = plan.length;
    return call->exchange->respond_file(std::move(response));
  }
  audited(call, download, [download](const CallPtr& caller) {
    if (download.file.name == kMetadataName) return send_metadata(caller, download);
    send_file(caller, download);
  });
}

}  // namespace

void download(CallPtr call) {
  const std::string& call_sid = call->named("call_sid");
  const std::string& name = call->named("filename");
  std::optional<Recording> recording;
  if (is_call_sid(call_sid)) {
    recording = need_recording(*call);
    if (!recording) return;
  } else {
    return call->fail(Error{Code::kNotFound, "there is no such recording"});
  }
  const std::optional<WantedFile> asked = parse_wanted(name);
  if (!asked)
    return call->answer(http::problem_response(
        400, "invalid-filename",
        "a file name is 1 to 128 of A-Z a-z 0-9 . _ - without a leading dot; that of a later part "
        "may have +<part>/ before it"));
  const auto file =
      std::find_if(recording->files.begin(), recording->files.end(), [&](const FileRow& row) {
        return row.name == asked->name && asked->part.value_or(row.part) == row.part;
      });
  if (file == recording->files.end())
    return call->fail(Error{Code::kNotFound, "the recording has no file " + name});

  Download wanted{*recording, *file, facts_of(*call, *recording, *file), {}};
  const bool from_index = asked->name == kMetadataName;
  if (call->actor.link && call->actor.link->restore &&
      answered_restore_link(call, *recording, from_index))
    return;
  if (!from_index && !readable_place(call->services.archive, *recording, file->part)) {
    const bool asks = call->request().method == http::Method::kGet && !call->actor.link;
    if (asks) return start_restore(call, *std::move(recording), RestoreWish(), download);
    // A link of an archived recording that nobody asked back tells so, and asks nothing (P8).
    return report_archived(call, *recording, recording->restore);
  }
  wanted.plan = http::plan_file(call->request(), wanted.facts);
  send(call, std::move(wanted));
}

}  // namespace holdfast::api
