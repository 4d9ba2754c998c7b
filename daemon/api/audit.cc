// The chains, read for people: by recording, actor and time; and checked.
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/read/recordings.h"
#include "ledger/reader.h"

namespace holdfast::api {
namespace {

struct AuditQuestion {
  bool access = false;  // the chain of accesses, else of decisions
  std::optional<std::string> on;
  std::optional<std::string> actor;
  ReadOptions options;
  int64_t limit = 100;
};

json::object line_view(const Line& line) {
  json::object view{{"n", line.n}, {"t", to_iso(line.t)}, {"kind", line.kind}, {"who", line.who}};
  view["on"] = line.on ? json::value(json::string(*line.on)) : json::value(nullptr);
  view["details"] = line.details;
  view["digest"] = line.digest.hex();
  return view;
}

// A filter that few lines pass would read a long chain whole: it looks at so many and answers
// with a cursor to go on from.
constexpr int64_t kLinesLookedAtMax = 200'000;

Result<json::object> read_lines(Io& io, const LedgerView& ledger, AuditQuestion question) {
  question.options.order = ReadOptions::Order::kNewestFirst;
  question.options.end = question.access ? ledger.access_end : ledger.decisions_end;
  const int directory = question.access ? ledger.access.get() : ledger.decisions.get();
  json::array items;
  int64_t looked_at = 0;
  std::optional<int64_t> next;
  HOLDFAST_TRY(read_chain(io, directory, question.options, [&](const Line& line) -> Result<bool> {
    if (static_cast<int64_t>(items.size()) >= question.limit || ++looked_at > kLinesLookedAtMax) {
      next = line.n;
      return false;
    }
    const bool wanted = (!question.on || line.on == question.on) &&
                        (!question.actor || line.who == *question.actor);
    if (wanted) items.push_back(line_view(line));
    return true;
  }));
  json::object body{{"items", std::move(items)}, {"next_cursor", nullptr}};
  if (next) body["next_cursor"] = make_cursor(*next, "");
  return body;
}

json::object report_view(std::string_view name, const ChainReport& report) {
  json::object view{{"name", name},
                    {"first_n", report.first_n},
                    {"last_n", report.last_n},
                    {"lines", report.lines},
                    {"segments", report.segments},
                    {"voids", report.voids},
                    {"head", report.head.hex()},
                    {"ok", !report.broken && report.gaps.empty()},
                    {"broken_at", nullptr},
                    {"detail", nullptr}};
  if (report.broken) {
    view["broken_at"] =
        json::object{{"segment", report.broken->segment}, {"offset", report.broken->offset.count}};
    view["detail"] = report.broken->reason;
  } else if (!report.gaps.empty()) {
    view["detail"] = "lines are missing after n = " + std::to_string(report.gaps.front().after_n);
  }
  return view;
}

// Which recording the question is about: by its id, or by workspace and call.
Result<std::optional<std::string>> subject_of(Call& call) {
  if (const auto recording = call.query("recording")) return recording;
  const auto call_sid = call.query("call_sid");
  if (!call_sid) return std::optional<std::string>();
  const auto workspace = call.query("workspace");
  if (!workspace) return Error{Code::kInvalid, "\"call_sid\" needs \"workspace\" beside it"};
  HOLDFAST_ASSIGN(id, WorkspaceId::from_text(*workspace));
  HOLDFAST_ASSIGN(row, find_workspace(call.index(), id));
  if (!row) return Error{Code::kNotFound, "there is no such workspace"};
  HOLDFAST_ASSIGN(found, find_recording_row(call.index(), row->workspace_no, *call_sid));
  if (!found) return Error{Code::kNotFound, "there is no such recording; ask by its recording_id"};
  return std::optional<std::string>(found->recording.text());
}

}  // namespace

void audit_lines(CallPtr call) {
  AuditQuestion question;
  question.access = call->query("chain").value_or("decisions") == "access";
  auto subject = subject_of(*call);
  if (!subject.ok()) return call->fail(subject.error());
  question.on = *std::move(subject);
  question.actor = call->query("actor");
  question.options.since = call->query_time("from");
  question.options.until = call->query_time("to");
  question.limit = call->query_integer("limit").value_or(100);
  if (const auto text = call->query("cursor")) {
    const std::optional<Cursor> cursor = read_cursor(*text);
    if (!cursor)
      return call->fail(Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"});
    question.options.to_n = cursor->a;
  }
  with_worker<json::object>(
      call,
      [archive = call->services.archive, question](Io& io) -> Result<json::object> {
        HOLDFAST_ASSIGN(ledger, archive.writer.view_ledger());
        return read_lines(io, ledger, question);
      },
      [](const CallPtr& done, Result<json::object> body) {
        if (!body.ok()) return done->fail(body.error());
        done->answer(200, *std::move(body));
      });
}

// On a thread of its own, one at a time; it ends with the client's patience.
void audit_check(CallPtr call) {
  ChainCheck& checks = call->services.chain_check;
  Loop& loop = call->services.loop;
  const auto number = checks.start([call, &checks, &loop](Result<ChainReports> outcome) {
    auto kept = std::make_shared<Result<ChainReports>>(std::move(outcome));
    loop.post([call, &checks, kept] {
      checks.settle();
      const Result<ChainReports>& reports = *kept;
      if (!reports.ok()) return call->fail(reports.error());
      json::array chains{report_view("decisions", reports->decisions),
                         report_view("access", reports->access)};
      call->answer(200, json::object{{"chains", std::move(chains)}});
    });
  });
  if (!number)
    return call->fail(
        Error{Code::kConflict, "a check of the chains is under way; ask again when it is over"});
  call->exchange->on_disconnect([&checks, number = *number] { checks.cancel(number); });
}

}  // namespace holdfast::api
