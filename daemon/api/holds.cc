#include "index/commands/holds.h"
#include "base/limits.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/read/holds.h"
#include "index/read/listing.h"
#include "index/read/recordings.h"

namespace holdfast::api {
namespace {

constexpr size_t kMatterBytesMax = 200;

void publish_change(const CallPtr& call, const Recording& recording) {
  call->services.archive.changes.publish({Change::Kind::kChanged, recording.recording_no,
                                          recording.workspace, recording.day, recording.call_sid});
}

}  // namespace

void place_hold_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto matter = need_string(body, "matter");
    if (!matter.ok()) return caller->fail(matter.error());
    auto reason = find_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (matter->empty() || matter->size() > kMatterBytesMax ||
        reason->value_or("").size() > limits::kReasonBytesMax)
      return caller->fail(
          Error{Code::kInvalid, "\"matter\" must have 1 to 200 bytes, \"reason\" at most 4000"});
    std::optional<Recording> recording = need_recording(*caller, true);
    if (!recording) return;
    PlaceHold request{recording->recording, caller->workspace->workspace_no, *matter,
                      reason->value_or(""), caller->actor.who};
    // A destroying recording is found, so that the answer can say that it is too late.
    if (recording->state == RecordingState::kDestroying)
      return caller->answer(http::problem_response(
          409, "already-destroyed", "the recording is being destroyed; a hold comes too late"));
    with_command(caller, place_hold(std::move(request)),
                 [recording = *recording](const CallPtr& done, const HoldRow& hold) {
                   publish_change(done, recording);
                   done->answer(201, hold_view(*done, hold, recording.call_sid));
                 });
  });
}

void list_recording_holds(CallPtr call) {
  std::optional<Recording> recording = need_recording(*call, true);
  if (!recording) return;
  auto holds = holds_of_recording(call->index(), recording->recording);
  if (!holds.ok()) return call->fail(holds.error());
  json::array items;
  for (const HoldRow& hold : *holds) items.push_back(hold_view(*call, hold, recording->call_sid));
  call->answer(200, json::object{{"items", std::move(items)}});
}

namespace {

struct Placed {
  HoldRow hold;
  std::string call_sid;
};

struct HoldPage {
  std::vector<Placed> holds;
  std::optional<std::string> next;
};

struct HoldQuestion {
  WorkspaceNo workspace_no;
  std::optional<std::string> matter;
  std::optional<Cursor> cursor;
  size_t limit = 100;
};

const Error kForeignCursor{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"};

// The call that a hold was placed on; empty once the recording is destroyed.
Result<std::string> call_of(Database& index, const HoldRow& hold) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, hold.recording_no));
  return row ? row->call_sid : std::string();
}

// By placement; the cursor is the last hold of the page before.
Result<HoldPage> page_of_matter(Database& index, const HoldQuestion& question) {
  HOLDFAST_ASSIGN(matter, find_matter(index, question.workspace_no, *question.matter));
  if (!matter) return Error{Code::kNotFound, "the workspace has no such matter"};
  std::optional<HoldKey> after;
  if (question.cursor) {
    const Result<HoldId> id = HoldId::from_text(question.cursor->b);
    if (!id.ok()) return kForeignCursor;
    after = HoldKey{UnixMillis(question.cursor->a), *id};
  }
  const int limit = static_cast<int>(question.limit);
  HOLDFAST_ASSIGN(holds, holds_of_matter(index, matter->matter, after, limit));
  HoldPage page;
  for (const HoldRow& hold : holds) {
    HOLDFAST_ASSIGN(call_sid, call_of(index, hold));
    page.holds.push_back({hold, call_sid});
  }
  if (holds.size() == question.limit)
    page.next = make_cursor(holds.back().placed_at.count, holds.back().hold.text());
  return page;
}

// By held recording, newest first, whatever matter the holds are of; the cursor is the last
// recording of the page before. A recording's holds stand on one page together.
Result<HoldPage> page_of_workspace(Database& index, const HoldQuestion& question) {
  ListFilter filter;
  filter.workspace_no = question.workspace_no;
  filter.held = true;
  filter.limit = static_cast<int>(question.limit);
  if (question.cursor) {
    const std::optional<int64_t> number = decimal(question.cursor->b);
    if (!number) return kForeignCursor;
    filter.after = ListKey{UnixMillis(question.cursor->a), RecordingNo(*number)};
  }
  HOLDFAST_ASSIGN(recordings, list_recordings(index, filter));
  HoldPage page;
  std::optional<ListKey> next = recordings.next;
  const RecordingRow* last = nullptr;
  for (const RecordingRow& recording : recordings.rows) {
    HOLDFAST_ASSIGN(holds, holds_of_recording(index, recording.recording));
    std::erase_if(holds, [](const HoldRow& hold) { return hold.released_at.has_value(); });
    if (last != nullptr && page.holds.size() + holds.size() > question.limit) {
      next = ListKey{last->started_at, last->recording_no};
      break;
    }
    for (HoldRow& hold : holds) page.holds.push_back({std::move(hold), recording.call_sid});
    last = &recording;
  }
  if (next)
    page.next = make_cursor(next->started_at.count, std::to_string(next->recording_no.value));
  return page;
}

}  // namespace

void list_holds_call(CallPtr call) {
  HoldQuestion question;
  question.workspace_no = call->workspace->workspace_no;
  question.matter = call->query("matter");
  question.limit = static_cast<size_t>(call->query_integer("limit").value_or(100));
  if (const auto text = call->query("cursor")) {
    question.cursor = read_cursor(*text);
    if (!question.cursor) return call->fail(kForeignCursor);
  }
  with_worker<HoldPage>(
      call,
      [archive = call->services.archive, question](Io&) -> Result<HoldPage> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        return question.matter ? page_of_matter(*index, question)
                               : page_of_workspace(*index, question);
      },
      [](const CallPtr& done, Result<HoldPage> page) {
        if (!page.ok()) return done->fail(page.error());
        json::array items;
        for (const Placed& placed : page->holds)
          items.push_back(hold_view(*done, placed.hold, placed.call_sid));
        // The matter's name is a person's words: that one was asked for is told, not which.
        LineDraft line{"list.holds", done->actor.who, std::nullopt, {}, Weight::kNeutral};
        line.details = {{"workspace", done->workspace->workspace.text()},
                        {"by_matter", done->query("matter").has_value()},
                        {"count", static_cast<int64_t>(items.size())}};
        json::object body{{"items", std::move(items)}, {"next_cursor", nullptr}};
        if (page->next) body["next_cursor"] = *page->next;
        with_audit(done, std::move(line), [body = std::move(body)](const CallPtr& audited) {
          audited->answer(200, body);
        });
      });
}

void release_hold_call(CallPtr call) {
  const Result<HoldId> id = HoldId::from_text(call->named("hold_id"));
  with_json_body(std::move(call), [id](const CallPtr& caller, const json::object& body) {
    auto reason = find_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (reason->value_or("").size() > limits::kReasonBytesMax)
      return caller->fail(Error{Code::kInvalid, "\"reason\" must have at most 4000 bytes"});
    std::optional<Recording> recording = need_recording(*caller, true);
    if (!recording) return;
    auto hold = find_hold(caller->index(), *id);
    if (!hold.ok()) return caller->fail(hold.error());
    if (!*hold || (*hold)->recording != recording->recording)
      return caller->fail(Error{Code::kNotFound, "this recording has no such hold"});
    if (is_anothers(*caller, **hold))
      return caller->fail(Error{Code::kForbidden,
                                "the hold came along from another workspace: only an operator "
                                "releases it"});
    with_command(caller, release_hold(*id, reason->value_or(""), caller->actor.who),
                 [recording = *recording](const CallPtr& done, const HoldRow& released) {
                   publish_change(done, recording);
                   done->answer(200, hold_view(*done, released, recording.call_sid));
                 });
  });
}

}  // namespace holdfast::api
