// SIGHUP: the configuration file is read anew, and what of it can change at run time changes.
//
//   serving ──SIGHUP──▶ RELOADING=1, the file is read and checked
//     wrong ──────────────────────────▶ told with file, line and key; nothing has changed
//     as it was ──────────────────────▶ nothing to do
//     right ──▶ its digest is a decision ──▶ in force, key by key ──▶ rows are looked at anew
//   and READY=1 at every one of these ends.
//
// A SIGHUP that comes while the archive is opened, or during a reload, is answered after it.
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cinttypes>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/work/policy_change.h"
#include "index/commands/keys.h"
#include "io/digest.h"

namespace holdfast {
namespace {

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t micros =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
  ::sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, micros);
}

std::string summary(const ConfigChange& change) {
  std::string text = "the configuration was read anew";
  if (change.applied.empty() && change.waiting.empty()) return text + ": it says the same";
  if (!change.applied.empty()) text += "; in force now: " + key_listing(change.applied);
  if (!change.waiting.empty())
    text += "; takes effect at the next start: " + key_listing(change.waiting);
  return text;
}

}  // namespace

void Daemon::reload() {
  if (stopping_) return;
  if (api_ == nullptr || reloading_) {
    reload_asked_ = true;
    return;
  }
  reloading_ = true;
  reload_asked_ = false;
  notify_reloading();
  const Config& running = opened_->archive().config();
  Result<Config> next = load_config(config_.source_path);
  if (!next.ok()) return reloaded(next.error());
  auto change = std::make_shared<ConfigChange>(change_config(running, *next));
  if (next->source_text == running.source_text) return reloaded(*change);
  if (++reloads_ > limits::kReloadsMax)
    return reloaded(Error{Code::kExhausted,
                          "too many changes of the configuration in one run; it "
                          "takes effect at the next start"});
  opened_->archive().writer.submit<void>(
      config_applied(sha256(next->source_text), "system"), [this, change](Status decided) {
        loop_->post([this, change, decided = std::move(decided)] {
          if (!decided.ok()) return reloaded(decided.error());
          take_config(*change);
          reloaded(*change);
        });
      });
}

void Daemon::take_config(const ConfigChange& change) {
  if (stopping_) return;
  opened_->apply(change.config);
  log::set_level(log::level_of(change.config.log_level).value_or(log::Level::kInfo));
  services_->public_url = public_url_of(change.config);
  mover_lane_->set_interval(change.config.policy_interval);
  review_rows();
}

void Daemon::reloaded(const Result<ConfigChange>& change) {
  reloading_ = false;
  if (stopping_) return;
  const std::string text = change.ok()
                               ? summary(*change)
                               : "the configuration stays as it was: " + change.error().message;
  if (change.ok())
    log::info("{}", text);
  else
    log::error("{}", text);
  ::sd_notifyf(0, "READY=1\nSTATUS=%s", text.c_str());
  if (reload_asked_) reload();
}

// Rows that were reckoned by other rules are due now. At a start, too: the file may have changed
// while nothing ran.
void Daemon::review_rows() {
  const bool taken = workers_->submit([this](Io&) {
    const Result<bool> changed = apply_policy_change(opened_->archive());
    if (!changed.ok())
      log::error("look at recordings under new rules: {}; the next start does it",
                 changed.error().message);
    else if (*changed)  // by the loop: a stop takes the lanes down before it waits for workers
      loop_->post([this] { mover_lane_->kick(); });
  });
  if (!taken) log::warning("no worker is free to look at recordings under new rules");
}

}  // namespace holdfast
