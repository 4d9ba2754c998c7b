// Verifications that an operator asks for, and the copies that are quarantined.
#include "daemon/work/verifications.h"

#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "index/read/recordings.h"
#include "index/read/repairs.h"
#include "index/read/status.h"
#include "index/read/work.h"

namespace holdfast::api {
namespace {

json::value time_or_null(const std::optional<UnixMillis>& at) {
  return at ? json::value(to_iso(*at)) : json::value(nullptr);
}

json::object verification_view(const Verification& one) {
  return {{"verification_id", one.id.text()},
          {"object", one.request.object},
          {"asked_by", one.request.who},
          {"state", word(one.state)},
          {"asked_at", to_iso(one.asked_at)},
          {"ended_at", time_or_null(one.ended_at)},
          {"sound", one.sound},
          {"bad", one.bad},
          {"unproven", one.unproven},
          {"bytes", one.bytes.count},
          {"error", one.error.empty() ? json::value(nullptr) : json::value(one.error)}};
}

json::object whole_view(const Verification& one) {
  json::object view = verification_view(one);
  json::array findings;
  for (const CopyFinding& finding : one.findings)
    findings.push_back(json::object{
        {"object", finding.object},
        {"medium_id", finding.medium.text()},
        {"tier", holdfast::word(finding.tier)},
        {"verdict", word(finding.verdict)},
        {"why", finding.why.empty() ? json::value(nullptr) : json::value(finding.why)}});
  view["findings"] = std::move(findings);
  return view;
}

template <typename T>
Result<std::optional<T>> id_in(const json::object& body, std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(body, key));
  if (!text) return std::optional<T>();
  const auto id = T::from_text(*text);
  if (!id.ok())
    return Error{Code::kInvalid,
                 "\"" + std::string(key) + "\" must be an id of 26 letters and digits"};
  return std::optional<T>(*id);
}

Error unknown(const std::string& object) { return Error{Code::kNotFound, "there is no " + object}; }

Result<VerificationRequest> parse_request(Database& index, const json::object& body) {
  HOLDFAST_ASSIGN(recording, id_in<RecordingId>(body, "recording_id"));
  HOLDFAST_ASSIGN(pack, id_in<PackId>(body, "pack_id"));
  HOLDFAST_ASSIGN(medium, id_in<MediumId>(body, "medium_id"));
  if (recording.has_value() + pack.has_value() + medium.has_value() != 1)
    return Error{Code::kInvalid,
                 "exactly one of \"recording_id\", \"pack_id\" and \"medium_id\" must be given"};
  VerificationRequest request;
  request.pack = pack;
  request.medium = medium;
  if (recording) {
    request.object = "recording " + recording->text();
    HOLDFAST_ASSIGN(row, find_recording_row(index, *recording));
    if (!row) return unknown(request.object);
    request.recording = row->recording_no;
  } else if (pack) {
    request.object = "pack " + pack->text();
    HOLDFAST_ASSIGN(row, find_pack(index, *pack));
    if (!row) return unknown(request.object);
  } else {
    request.object = "medium " + medium->text();
    HOLDFAST_ASSIGN(row, find_medium(index, *medium));
    if (!row) return unknown(request.object);
  }
  return request;
}

std::string object_of(const QuarantineRow& row, const std::optional<RecordingRow>& recording) {
  if (row.pack) return "pack " + row.pack->text();
  if (!recording) return "a recording that is gone";
  return "recording " + recording->recording.text() + " part " + std::to_string(row.part);
}

Result<json::array> quarantine_view(const Archive& archive, int64_t after, int limit) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  HOLDFAST_ASSIGN(rows, open_quarantines(*index, after, limit));
  json::array items;
  for (const QuarantineRow& row : rows) {
    std::optional<RecordingRow> recording;
    if (row.recording_no) {
      HOLDFAST_ASSIGN(found, find_recording_row(*index, *row.recording_no));
      recording = std::move(found);
    }
    items.push_back(
        json::object{{"quarantine_no", row.quarantine_no},
                     {"object", object_of(row, recording)},
                     {"medium_id", row.medium.text()},
                     {"tier", holdfast::word(row.tier)},
                     {"reason", row.reason},
                     {"at", to_iso(row.at)},
                     {"attempts", row.attempts},
                     {"error", row.error.empty() ? json::value(nullptr) : json::value(row.error)}});
  }
  return items;
}

}  // namespace

void request_verification_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto request = parse_request(caller->index(), body);
    if (!request.ok()) return caller->fail(request.error());
    request->who = caller->actor.who;
    auto asked = caller->services.verifications->ask(*std::move(request));
    if (!asked.ok()) return caller->fail(asked.error());
    caller->services.wake_scrub();
    caller->answer(202, whole_view(*asked));
  });
}

void show_verification_call(CallPtr call) {
  const auto id = VerificationId::from_text(call->named("verification_id"));
  const auto found =
      id.ok() ? call->services.verifications->find(*id) : std::optional<Verification>();
  if (!found)
    return call->fail(
        Error{Code::kNotFound, "there is no such verification; a restart forgets them"});
  call->answer(200, whole_view(*found));
}

void list_verifications_call(CallPtr call) {
  json::array items;
  for (const Verification& one : call->services.verifications->list())
    items.push_back(verification_view(one));
  call->answer(200, json::object{{"items", std::move(items)}});
}

void list_quarantine_call(CallPtr call) {
  const int limit = static_cast<int>(call->query_integer("limit").value_or(100));
  const int64_t after = call->query_integer("after").value_or(0);
  with_worker<json::array>(
      call,
      [archive = call->services.archive, after, limit](Io&) {
        return quarantine_view(archive, after, limit);
      },
      [](const CallPtr& done, Result<json::array> items) {
        if (!items.ok()) return done->fail(items.error());
        done->answer(200, json::object{{"items", *std::move(items)}});
      });
}

}  // namespace holdfast::api
