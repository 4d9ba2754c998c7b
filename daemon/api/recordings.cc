#include "index/read/recordings.h"

#include <algorithm>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/links.h"
#include "daemon/api/listing_query.h"
#include "daemon/api/restoring.h"
#include "daemon/api/views.h"
#include "daemon/work/file_reader.h"
#include "daemon/work/metadata.h"
#include "daemon/work/placing.h"
#include "daemon/work/segments.h"
#include "index/commands/destruction.h"
#include "index/read/holds.h"
#include "index/read/listing.h"
#include "index/read/status.h"

namespace holdfast::api {
namespace {

Result<ListFilter> page_of(const Call& call) {
  HOLDFAST_ASSIGN(filter, filter_of(call.workspace->workspace_no, parameters_of(call)));
  filter.limit = static_cast<int>(call.query_integer("limit").value_or(100));
  if (const auto cursor = call.query("cursor")) {
    HOLDFAST_ASSIGN(after, list_key(*cursor));
    filter.after = after;
  }
  return filter;
}

// What the list was asked, for the ledger.
json::object told_page(const Call& call) {
  json::object told = told_filter(parameters_of(call));
  if (const auto limit = call.query("limit")) told["limit"] = *limit;
  return told;
}

void answer_page(const CallPtr& call, const ListPage& page) {
  json::array items;
  for (const RecordingRow& row : page.rows)
    if (row.state != RecordingState::kDestroying) items.push_back(recording_view(row));
  LineDraft line{"list", call->actor.who, std::nullopt, {}, Weight::kNeutral};
  line.details = {{"workspace", call->workspace->workspace.text()},
                  {"filter", told_page(*call)},
                  {"count", static_cast<int64_t>(items.size())}};
  json::object body{{"items", std::move(items)}, {"next_cursor", nullptr}};
  if (page.next) body["next_cursor"] = list_cursor(*page.next);
  with_audit(call, std::move(line),
             [body = std::move(body)](const CallPtr& audited) { audited->answer(200, body); });
}

}  // namespace

// A filter that few rows pass scans: that is a worker's, not the loop's.
void list_recordings_call(CallPtr call) {
  auto filter = page_of(*call);
  if (!filter.ok()) return call->fail(filter.error());
  with_worker<ListPage>(
      call,
      [archive = call->services.archive, filter = *filter](Io&) -> Result<ListPage> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        return list_recordings(*index, filter);
      },
      [](const CallPtr& done, Result<ListPage> page) {
        if (!page.ok()) return done->fail(page.error());
        answer_page(done, *page);
      });
}

void show_recording(CallPtr call) {
  std::optional<Recording> recording = need_recording(*call, true);
  if (!recording) return;
  auto holds = holds_of_recording(call->index(), recording->recording);
  auto media = list_media(call->index());
  if (!holds.ok()) return call->fail(holds.error());
  if (!media.ok()) return call->fail(media.error());
  auto relabels = relabels_of(call->index(), recording->recording_no);
  if (!relabels.ok()) return call->fail(relabels.error());
  json::object view = full_view(*call, {*recording, *holds, *relabels, *media});
  with_audit(call, access_line(*call, "meta", recording->recording),
             [view = std::move(view)](const CallPtr& audited) { audited->answer(200, view); });
}

void recording_urls(CallPtr call) {
  std::optional<Recording> recording = need_recording(*call);
  if (!recording) return;
  const Archive& archive = call->services.archive;
  if (!is_available(archive, *recording)) {
    if (call->request().method == http::Method::kHead)
      return report_archived(call, *recording, recording->restore);
    return start_restore(call, *std::move(recording), RestoreWish(), recording_urls);
  }
  Millis life = link_life(*call);
  if (const auto asked = call->query_integer("expires_in")) life = seconds(*asked);
  answer_urls(call, *recording, life, call->query_bool("attachment").value_or(false));
}

namespace {

// What the channel's first file is; an absent channel has no format, no rate and no bytes.
void describe_channel(const FileRow* file, ChannelFormat& channel) {
  if (file == nullptr) {
    channel = ChannelFormat();
    return;
  }
  channel.size_bytes = file->size.count;
  if (channel.format.empty()) channel.format = file->format;
  if (channel.sample_rate == 0) channel.sample_rate = file->sample_rate;
}

}  // namespace

void recording_metadata(CallPtr call) {
  std::optional<Recording> recording = need_recording(*call);
  if (!recording) return;
  auto text = find_metadata(call->index(), recording->recording_no);
  if (!text.ok()) return call->fail(text.error());
  CallMetadata metadata;
  if (*text) {
    auto parsed = parse_metadata(**text);
    if (!parsed.ok()) return call->fail(parsed.error());
    metadata = *std::move(parsed);
  }
  auto attributes = effective_attributes(call->index(), recording->recording_no);
  if (!attributes.ok()) return call->fail(attributes.error());
  metadata.call_sid = recording->call_sid;
  // Decisions override what the metadata says; its own bytes are metadata.json.
  metadata.service = recording->service;
  metadata.attributes = *std::move(attributes);
  // What the files are is known better than what was said of them.
  describe_channel(first_file(recording->files, Channel::kInbound), metadata.inbound);
  describe_channel(first_file(recording->files, Channel::kOutbound), metadata.outbound);
  if (!metadata.duration_seconds && recording->duration)
    metadata.duration_seconds = static_cast<double>(recording->duration->count) / 1000;
  if (!metadata.started_at) metadata.started_at = recording->started_at;
  if (!metadata.ended_at) metadata.ended_at = recording->ended_at;
  json::object body = describe(metadata, recording->workspace);
  with_audit(call, access_line(*call, "meta", recording->recording),
             [body = std::move(body)](const CallPtr& audited) { audited->answer(200, body); });
}

// The first commit answers; the mover makes the second, and a lock that comes before it still
// cancels the destruction.
void delete_recording(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto reason = find_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (reason->value_or("").size() > limits::kReasonBytesMax)
      return caller->fail(Error{Code::kInvalid, "\"reason\" must have at most 4000 bytes"});
    std::optional<Recording> recording = need_recording(*caller, true);
    if (!recording) return;
    const auto answer = [](const CallPtr& done, const RecordingRow& row) {
      done->answer(202, json::object{{"status", holdfast::word(row.state)},
                                     {"recording_id", row.recording.text()}});
    };
    if (recording->state == RecordingState::kDestroying) return answer(caller, *recording);
    auto command = condemn(recording->recording_no, caller->actor.who, reason->value_or(""),
                           recording->workspace_no);
    const auto decide = [answer, command = std::move(command)](const CallPtr& placed) {
      with_command(placed, command, [answer](const CallPtr& done, const RecordingRow& row) {
        done->services.run_policy_now();
        answer(done, row);
      });
    };
    const auto& parts = recording->part_rows;
    if (std::all_of(parts.begin(), parts.end(), [](const PartRow& part) { return part.placed; }))
      return decide(caller);
    // It came in a moment ago. What cannot be placed now is told by the command.
    with_worker<void>(
        caller,
        [archive = caller->services.archive, number = recording->recording_no](Io& io) {
          return Placing(archive).place_now(io, number);
        },
        [decide](const CallPtr& placed, const Status&) { decide(placed); });
  });
}

}  // namespace holdfast::api
