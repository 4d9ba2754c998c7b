// Imports: a client that brings a tree in says how far it is; whoever may write can look on.
//
//   added (running) → told of progress, again and again → finished | failed | cancelled
//
// The row is the client's memory: where it goes on after it was killed (`cursor`), and nothing
// that is stored depends on it. Every recording comes in by the one ingest path, with its line.
#include <algorithm>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/event_streams.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/commands/imports.h"
#include "index/read/status.h"

namespace holdfast::api {
namespace {

json::value number_or_null(const std::optional<int64_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string(text));
}

json::object import_view(const ImportRow& row) {
  const ImportProgress& progress = row.progress;
  return {{"import_id", row.import.text()},
          {"label", row.label},
          {"source", row.source},
          {"state", word(row.state)},
          {"started_by", row.who},
          {"calls_total", number_or_null(progress.calls_total)},
          {"bytes_total", number_or_null(progress.bytes_total)},
          {"calls_done", progress.calls_done},
          {"calls_stored", progress.calls_stored},
          {"calls_already", progress.calls_already},
          {"calls_failed", progress.calls_failed},
          {"bytes_done", progress.bytes_done},
          {"cursor", progress.cursor},
          {"error", text_or_null(progress.error)},
          {"created_at", to_iso(row.created_at)},
          {"updated_at", to_iso(row.updated_at)},
          {"ended_at", iso_or_null(row.ended_at)}};
}

Result<std::string> short_text(const json::object& body, std::string_view key, size_t bytes_max) {
  HOLDFAST_ASSIGN(text, find_string(body, key));
  if (text.value_or("").size() <= bytes_max) return text.value_or("");
  return Error{Code::kInvalid, "\"" + std::string(key) + "\" must have at most " +
                                   std::to_string(bytes_max) + " bytes"};
}

// A count that the body names takes the place of `count`.
Status read_count(const json::object& body, std::string_view key, int64_t& count) {
  HOLDFAST_ASSIGN(number, find_integer(body, key));
  if (!number) return {};
  if (*number < 0) return Error{Code::kInvalid, "\"" + std::string(key) + "\" must be 0 or more"};
  count = *number;
  return {};
}

Status read_total(const json::object& body, std::string_view key, std::optional<int64_t>& total) {
  int64_t number = -1;
  HOLDFAST_TRY(read_count(body, key, number));
  if (number >= 0) total = number;
  return {};
}

// What the body leaves out stays as it was.
Status read_progress(const json::object& body, ImportProgress& progress) {
  HOLDFAST_TRY(read_total(body, "calls_total", progress.calls_total));
  HOLDFAST_TRY(read_total(body, "bytes_total", progress.bytes_total));
  HOLDFAST_TRY(read_count(body, "calls_stored", progress.calls_stored));
  HOLDFAST_TRY(read_count(body, "calls_already", progress.calls_already));
  HOLDFAST_TRY(read_count(body, "calls_failed", progress.calls_failed));
  HOLDFAST_TRY(read_count(body, "bytes_done", progress.bytes_done));
  progress.calls_done = progress.calls_stored + progress.calls_already + progress.calls_failed;
  if (body.contains("cursor")) {
    HOLDFAST_ASSIGN(cursor, short_text(body, "cursor", limits::kImportCursorBytesMax));
    progress.cursor = cursor;
  }
  if (body.contains("error")) {
    HOLDFAST_ASSIGN(error, short_text(body, "error", limits::kReasonBytesMax));
    progress.error = error;
  }
  return {};
}

// The import that the path names, or nothing: the call was answered.
std::optional<ImportRow> need_import(Call& call) {
  const Result<ImportId> id = ImportId::from_text(call.named("import_id"));
  auto found = find_import(call.index(), *id);
  if (!found.ok()) {
    call.fail(found.error());
    return std::nullopt;
  }
  if (!*found || (*found)->workspace_no != call.workspace->workspace_no) {
    call.fail(Error{Code::kNotFound, "there is no such import in this workspace"});
    return std::nullopt;
  }
  return *std::move(found);
}

Watch watch_import(Database& index, const ImportId& import) {
  return [&index, import]() -> Result<std::optional<Watched>> {
    HOLDFAST_ASSIGN(row, find_import(index, import));
    if (!row) return std::optional<Watched>();
    Watched seen;
    seen.state = word(row->state);
    seen.is_over = row->state != ImportState::kRunning;
    json::object view = import_view(*row);
    seen.progress = json::serialize(view);
    seen.view = [view = std::move(view)]() -> Result<json::object> { return view; };
    return std::optional<Watched>(std::move(seen));
  };
}

}  // namespace

void add_import_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    NewImport wanted;
    const auto read = [&]() -> Status {
      HOLDFAST_ASSIGN(label, short_text(body, "label", limits::kImportTextBytesMax));
      HOLDFAST_ASSIGN(source, short_text(body, "source", limits::kImportTextBytesMax));
      wanted.label = label;
      wanted.source = source;
      HOLDFAST_TRY(read_total(body, "calls_total", wanted.calls_total));
      return read_total(body, "bytes_total", wanted.bytes_total);
    };
    if (const Status known = read(); !known.ok()) return caller->fail(known.error());
    wanted.import = caller->services.archive.random.id<ImportId>();
    wanted.workspace_no = caller->workspace->workspace_no;
    wanted.who = caller->actor.who;
    LineDraft line{"import.begin", caller->actor.who, std::nullopt, {}, Weight::kNeutral};
    line.details = {{"import", wanted.import.text()},
                    {"workspace", caller->workspace->workspace.text()}};
    with_audit(caller, std::move(line), [wanted](const CallPtr& audited) {
      with_command(audited, add_import(wanted), [](const CallPtr& done, const ImportRow& row) {
        done->answer(201, import_view(row));
      });
    });
  });
}

void change_import_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    const std::optional<ImportRow> row = need_import(*caller);
    if (!row) return;
    ImportProgress progress = row->progress;
    ImportState state = row->state;
    const auto read = [&]() -> Status {
      HOLDFAST_TRY(read_progress(body, progress));
      HOLDFAST_ASSIGN(text, find_string(body, "state"));
      const auto named = import_state_of(text.value_or(std::string(word(row->state))));
      if (!named)
        return Error{Code::kInvalid, "\"state\" must be running, finished, failed or cancelled"};
      state = *named;
      return {};
    };
    if (const Status known = read(); !known.ok()) return caller->fail(known.error());
    with_command(caller, change_import(row->import, std::move(progress), state),
                 [](const CallPtr& done, const ImportRow& changed) {
                   done->answer(200, import_view(changed));
                 });
  });
}

void show_import(CallPtr call) {
  const std::optional<ImportRow> row = need_import(*call);
  if (row) call->answer(200, import_view(*row));
}

void import_events_call(CallPtr call) {
  const std::optional<ImportRow> row = need_import(*call);
  if (!row) return;
  Services& services = call->services;
  services.event_streams.open(call->actor.who, watch_import(services.index, row->import),
                              call->exchange);
}

void list_imports_call(CallPtr call) {
  ImportQuestion question;
  question.workspace_no = call->workspace->workspace_no;
  if (const auto state = call->query("state")) question.state = import_state_of(*state);
  const auto limit = static_cast<size_t>(call->query_integer("limit").value_or(100));
  question.limit = static_cast<int>(limit) + 1;  // one more row tells of another page
  if (const auto text = call->query("cursor")) {
    const std::optional<Cursor> cursor = read_cursor(*text);
    if (!cursor || !cursor->b.empty())
      return call->fail(Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"});
    question.before = cursor->a;
  }
  with_worker<json::object>(
      call,
      [archive = call->services.archive, question, limit](Io&) -> Result<json::object> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        HOLDFAST_ASSIGN(rows, list_imports(*index, question));
        json::object page{{"items", nullptr}, {"next_cursor", nullptr}};
        if (rows.size() > limit) {
          rows.resize(limit);
          page["next_cursor"] = make_cursor(rows.back().import_no, "");
        }
        json::array items;
        for (const ImportRow& row : rows) items.push_back(import_view(row));
        page["items"] = std::move(items);
        return page;
      },
      [](const CallPtr& done, Result<json::object> page) {
        if (!page.ok()) return done->fail(page.error());
        done->answer(200, *std::move(page));
      });
}

// What the workspace keeps, from the counters; nothing is counted.
void usage_call(CallPtr call) {
  auto summary = status_summary(call->index(), call->workspace->workspace_no);
  if (!summary.ok()) return call->fail(summary.error());
  json::array tiers;
  TierTally all;
  for (size_t i = 0; i < summary->tiers.size(); ++i) {
    const TierTally& tally = summary->tiers[i];
    tiers.push_back(json::object{{"tier", holdfast::word(static_cast<Tier>(i))},
                                 {"recordings", tally.recordings},
                                 {"bytes", tally.bytes.count}});
    all.recordings += tally.recordings;
    all.bytes += tally.bytes;
    all.held += tally.held;
    all.flagged += tally.flagged;
    all.single_copy += tally.single_copy;
    all.destroying += tally.destroying;
  }
  const auto quota = call->services.archive.config().quota_of(call->workspace->workspace);
  json::object view{{"workspace_id", call->workspace->workspace.text()},
                    {"recordings", all.recordings},
                    {"bytes", all.bytes.count},
                    {"tiers", std::move(tiers)},
                    {"held", all.held},
                    {"flagged", all.flagged},
                    {"destroying", all.destroying},
                    {"single_copy_bytes", all.single_copy.count},
                    {"quota_bytes", nullptr},
                    {"quota_left_bytes", nullptr}};
  if (quota) {
    view["quota_bytes"] = quota->count;
    view["quota_left_bytes"] = std::max<int64_t>(0, quota->count - all.bytes.count);
  }
  call->answer(200, std::move(view));
}

}  // namespace holdfast::api
