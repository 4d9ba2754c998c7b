// SIGHUP: the configuration file is read anew, and what of it can change at run time changes.
//
//   serving ──SIGHUP──▶ RELOADING=1, the file is read and checked
//     wrong ──────────────────────────▶ told with file, line and key; nothing has changed
//     as it was ──────────────────────▶ nothing to do
//     right ──▶ its digest is a decision ──▶ in force, key by key ──▶ rows are looked at anew
//   and READY=1 at every one of these ends.
//
// The certificate and its key are read anew, too, whatever the file says: wrong ones are told, and
// nothing has changed.
//
// A SIGHUP that comes while the archive is opened, or during a reload, is answered after it.
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cinttypes>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "base/time_text.h"
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
  std::shared_ptr<const http::TlsContext> tls;
  if (change->config.tls.is_on()) {
    auto loaded = http::TlsContext::load(change->config.tls, std::nullopt);
    if (!loaded.ok()) return reloaded(loaded.error());
    tls = *std::move(loaded);
    // One that is in use and has expired since keeps no other key from changing.
    const auto& before = server_->tls();
    if (before == nullptr || !(before->facts() == tls->facts()))
      if (Status good = check_in_force(tls->facts(), change->config.tls.certificate, clock_.now());
          !good.ok())
        return reloaded(good.error());
  }
  if (next->source_text == running.source_text) {
    use_tls(std::move(tls));
    return reloaded(*change);
  }
  if (++reloads_ > limits::kReloadsMax)
    return reloaded(Error{Code::kExhausted,
                          "too many changes of the configuration in one run; it "
                          "takes effect at the next start"});
  opened_->archive().writer.submit<void>(
      config_applied(sha256(next->source_text), "system"), [this, change, tls](Status decided) {
        loop_->post([this, change, tls, decided = std::move(decided)] {
          if (!decided.ok()) return reloaded(decided.error());
          if (!stopping_) use_tls(tls);
          take_config(*change);
          reloaded(*change);
        });
      });
}

// Null: the listeners speak plain text.
void Daemon::use_tls(std::shared_ptr<const http::TlsContext> tls) {
  if (tls == nullptr) return;
  const auto& before = server_->tls();
  const CertificateFacts& facts = tls->facts();
  if (before == nullptr || before->facts().not_after != facts.not_after ||
      before->facts().subject != facts.subject)
    log::event(log::Level::kInfo, "tls.certificate", {{"CERTIFICATE", facts.subject}},
               "new connections are shown the certificate {}, good until {}", facts.subject,
               to_iso(facts.not_after));
  if (facts.not_after <= clock_.now() || clock_.now() < facts.not_before)
    log::error("the certificate {} is in force from {} to {}, not now: clients will refuse it",
               facts.subject, to_iso(facts.not_before), to_iso(facts.not_after));
  server_->use_tls(std::move(tls));
}

void Daemon::take_config(const ConfigChange& change) {
  if (stopping_) return;
  opened_->apply(change.config);
  log::set_level(log::level_of(change.config.log_level).value_or(log::Level::kInfo));
  services_->public_url = public_url_of(change.config);
  mover_lane_->set_interval(change.config.policy_interval);
  for (const auto& lane : edge_lanes_) lane->set_interval(change.config.policy_interval);
  expiry_lane_->set_interval(change.config.policy_interval);
  repair_lane_->set_interval(change.config.policy_interval);
  scrub_lane_->kick();  // another period, or another rate
  review_rows();
}

void Daemon::reloaded(const Result<ConfigChange>& change) {
  reloading_ = false;
  if (stopping_) return;
  const std::string text = change.ok()
                               ? summary(*change)
                               : "the configuration stays as it was: " + change.error().message;
  if (change.ok())
    log::event(log::Level::kInfo, "config.reloaded", {}, "{}", text);
  else
    log::event(log::Level::kError, "config.refused", {}, "{}", text);
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
