// Copies of the index, and the end of a recovery: what an operator does before and after a loss.
#include "daemon/work/backup.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "index/commands/recovery.h"

namespace holdfast::api {
namespace {

json::object backups_view(const Call& call) {
  const BackupStanding standing = call.services.backups->standing();
  const Config::Backup& settings = call.services.archive.config().backup;
  json::object view{{"path", settings.path},
                    {"every_seconds", settings.every.count / 1000},
                    {"running", standing.running},
                    {"pages_done", standing.pages_done},
                    {"pages_all", standing.pages_all},
                    {"error", nullptr},
                    {"last", nullptr}};
  if (!standing.error.empty()) view["error"] = standing.error;
  if (standing.last)
    view["last"] = json::object{
        {"directory", standing.last->directory},
        {"at", to_iso(standing.last->at)},
        {"applied_seq", standing.last->applied_seq},
        {"bytes", standing.last->index_size.count + standing.last->secrets_size.count}};
  return view;
}

}  // namespace

void show_backups_call(CallPtr call) { call->answer(200, backups_view(*call)); }

void run_backup_call(CallPtr call) {
  call->services.run_backup_now();
  call->answer(202, backups_view(*call));
}

void release_recovery_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto reason = need_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (reason->empty() || reason->size() > limits::kReasonBytesMax)
      return caller->fail(Error{Code::kInvalid, "\"reason\" must have 1 to 4000 bytes"});
    with_command(caller, release_recovery(*reason, caller->actor.who),
                 [](const CallPtr& done, int64_t holds) {
                   done->services.run_policy_now();
                   done->answer(200, json::object{{"released", holds}});
                 });
  });
}

}  // namespace holdfast::api
