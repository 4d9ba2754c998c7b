#include "daemon/work/open_archive.h"

#include <filesystem>

#include "base/log.h"
#include "daemon/work/incoming.h"
#include "daemon/work/media_source.h"
#include "daemon/work/medium_sight.h"
#include "daemon/work/rebuild.h"
#include "daemon/work/remover.h"
#include "index/commands/clock.h"
#include "index/commands/keys.h"
#include "index/commands/media.h"
#include "index/commands/recovery.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"
#include "index/read/status.h"

namespace holdfast {
namespace {

constexpr char kHowToLabel[] =
    " (is it mounted? a new one is labelled with: holdfastd --init --config FILE)";

bool is_away(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kNotFound;
}

// A medium has one tier for ever: another one's path in the configuration is a mistake there.
Status check_tier(const MediumRow& medium, Tier tier, const std::string& what) {
  if (medium.tier == tier) return {};
  return Error{Code::kConflict, what + ": " + medium_text(medium) + " is registered as " +
                                    medium.kind + " of tier " + std::string(word(medium.tier))};
}

}  // namespace

OpenedArchive::OpenedArchive(const Config& config, Clock& clock, Random& random)
    : live_(config), config_(live_.config()), clock_(clock), random_(random) {}

// The reverse of open(): the writer finishes what is queued before anything it stands on goes.
OpenedArchive::~OpenedArchive() {
  if (cold_keeper_) cold_keeper_->close();
  if (warm_keeper_) warm_keeper_->close();
  if (mirror_keeper_) mirror_keeper_->close();
  if (writer_) writer_->stop();
}

Result<std::unique_ptr<OpenedArchive>> OpenedArchive::open(const Config& config, Clock& clock,
                                                           Random& random,
                                                           const OpenOptions& options) {
  std::unique_ptr<OpenedArchive> opened(new OpenedArchive(config, clock, random));
  HOLDFAST_ASSIGN(io, Io::open(options.io));
  opened->io_ = std::move(io);
  HOLDFAST_ASSIGN(source_io, Io::open(options.io));
  opened->source_io_ = std::move(source_io);
  HOLDFAST_TRY(opened->open_standard());
  HOLDFAST_TRY(opened->open_writer(options));
  HOLDFAST_TRY(opened->open_packs(options));
  HOLDFAST_TRY(opened->recover());
  return opened;
}

void OpenedArchive::apply(Config next) {
  standard_root_->set_reserve(next.disk_reserve);
  warm_root_->set_reserve(next.disk_reserve);
  if (mirror_root_) mirror_root_->set_reserve(next.disk_reserve);
  if (cold_) cold_->set_reserve(next.disk_reserve);
  if (cold_keeper_ && next.cold) cold_keeper_->set_linger(next.cold->linger);
  gate_->apply(next);
  live_.replace(std::move(next));
}

Status OpenedArchive::open_standard() {
  auto label = read_label(*io_, config_.standard.path);
  if (!label.ok())
    return label.error().within("the standard medium at " + config_.standard.path + kHowToLabel);
  // Before anything is written or replayed: what the index lies beside must be the medium it
  // speaks of.
  // An index that only a writer can open is asked once more when it is open.
  const auto expected = remembered_medium(config_.state_dir, config_.standard.path);
  if (expected.ok() && *expected && (*expected)->medium != label->medium)
    return Error{Code::kUnavailable, "the standard medium at " + config_.standard.path +
                                         ": expected " + medium_text(**expected) + ", found " +
                                         label->name + " (" + label->medium.text() + ")"};
  id_ = label->archive;
  standard_root_ = std::make_unique<MediumRoot>(config_.standard.path, id_, label->medium);
  standard_root_->set_reserve(config_.disk_reserve);
  standard_ = std::make_unique<StandardTree>(*standard_root_);
  return standard_->prepare(*io_);
}

Status OpenedArchive::open_writer(const OpenOptions& open_options) {
  HOLDFAST_TRY(check_system_clock(clock_.now()));
  HOLDFAST_TRY(refuse_without_index());
  Sleeper& sleeper = open_options.sleeper ? *open_options.sleeper : system_sleeper_;
  shelf_ = std::make_unique<PackShelf>(*source_io_, config_, sleeper);
  source_ = std::make_unique<MediaSource>(*source_io_, *standard_, shelf_.get());
  HOLDFAST_ASSIGN(reserve, SpaceReserve::open(config_.state_dir, open_options.reserve));
  reserve_ = std::move(reserve);
  standard_root_->respect(*reserve_);
  WriterOptions options;
  options.reserve = reserve_.get();
  options.index_path = config_.state_dir + "/index.db";
  options.secrets_path = config_.state_dir + "/secrets.db";
  options.archive = id_;
  options.ledger.directory = config_.state_dir + "/ledger";
  options.ledger.mirror_directory = config_.mirror_dir;
  options.ledger.mirror_same_device = config_.mirror_same_device;
  options.io = open_options.io;
  options.before_commit = open_options.before_commit;
  options.recovered = [this] { changes_.reset(); };
  HOLDFAST_ASSIGN(writer, Writer::start(options, clock_, random_, *source_));
  writer_ = std::move(writer);
  // From now on the packs are the mover's: what it has not finished yet is not to be tidied away.
  source_->leave_packs();
  shelf_.reset();
  report_.agreement = writer_->agreement();
  // Of an archive that has decided something, the time is known by its ledger, or to a person.
  if (report_.agreement.ledger_last == 0) HOLDFAST_TRY(writer_->call(begin_clock("system")));
  const LedgerOpenReport& found = report_.agreement.ledger;
  if (found.segments_healed > 0)
    HOLDFAST_TRY(writer_->call(ledger_healed(found.segments_healed, "system")));
  index_ = std::make_unique<IndexPool>(options.index_path, options.secrets_path);
  HOLDFAST_TRY(hold_over_gaps(found.gaps));
  if (found.torn_decisions.count > 0)
    log::warning("ledger: an unfinished last line of {} bytes was cut", found.torn_decisions.count);
  if (!found.mirror_down.empty())
    log::warning("ledger: the mirror is not there: {}", found.mirror_down);
  if (!found.fork.empty()) log::error("ledger and mirror contradict each other: {}", found.fork);
  digests_ = std::make_unique<DigestMemory>(clock_);
  return {};
}

// Without its index an archive that holds something is not started: what is on the media would look
// like nothing, and a recorder's retry like a new call.
Status OpenedArchive::refuse_without_index() {
  std::error_code error;
  const std::string path = config_.state_dir + "/index.db";
  const std::string how = "with the daemon stopped: holdfastd rebuild --config " +
                          (config_.source_path.empty() ? "FILE" : config_.source_path);
  if (std::filesystem::exists(rebuild_directory(config_), error) &&
      !std::filesystem::exists(path, error))
    return Error{Code::kConflict, "a rebuild of the index was begun and has to be ended, " + how};
  if (std::filesystem::exists(path, error)) {
    // What a rebuild gathered is of no use beside an index, and full of people's data.
    std::filesystem::remove_all(rebuild_directory(config_), error);
    return {};
  }
  // What cannot be looked into may hold something.
  const auto holds_something = [&](const std::string& directory) {
    std::filesystem::directory_iterator entry(directory, error);
    if (error) return error != std::errc::no_such_file_or_directory;
    for (const auto& one : entry)
      if (!one.path().filename().string().starts_with('.')) return true;
    return false;
  };
  for (const std::string& directory :
       {config_.state_dir + "/ledger/decisions", config_.mirror_dir + "/decisions",
        config_.standard.path + "/standard", config_.warm.path + "/packs"})
    if (holds_something(directory))
      return Error{Code::kConflict, "there is no index at " + path + ", and " + directory +
                                        " is not empty, or cannot be looked into. Put a backup of "
                                        "it there, or have it made anew " +
                                        how};
  return {};
}

// A missing decision may be a hold: everything is held until a person has looked.
Status OpenedArchive::hold_over_gaps(const std::vector<ChainGap>& gaps) {
  if (gaps.empty()) return {};
  std::vector<ChainGap> uncovered;
  {
    HOLDFAST_ASSIGN(index, index_->take());
    HOLDFAST_ASSIGN(found, uncovered_gaps(*index, gaps));
    uncovered = std::move(found);
  }
  for (const ChainGap& gap : gaps)
    log::error("ledger: the decisions between {} and {} are missing", gap.after_n, gap.before_n);
  if (uncovered.empty()) return {};
  log::error("ledger: everything is held under the matter recovery until a person releases it");
  return writer_->call(begin_recovery(std::move(uncovered), "decisions were lost", "system"));
}

Status OpenedArchive::open_packs(const OpenOptions& options) {
  Sleeper& sleeper = options.sleeper ? *options.sleeper : system_sleeper_;
  const auto reached = [&](PackBackend& backend) -> PackBackend& {
    if (!options.around_backend) return backend;
    return *around_backends_.emplace_back(options.around_backend(backend));
  };
  gate_ = std::make_unique<Gate>(config_, clock_, sleeper);
  {
    HOLDFAST_ASSIGN(index, index_->take());
    HOLDFAST_ASSIGN(pauses, list_pauses(*index));
    gate_->set_pauses(std::move(pauses));
  }
  HOLDFAST_ASSIGN(standard, take_up(config_.standard.path, Tier::kStandard));
  if (standard != standard_root_->medium())
    return Error{Code::kUnavailable, "the standard medium at " + config_.standard.path +
                                         ": expected " + standard.text() + ", found " +
                                         standard_root_->medium().text()};
  HOLDFAST_ASSIGN(warm, take_up(config_.warm.path, Tier::kWarm));
  warm_root_ = std::make_unique<MediumRoot>(config_.warm.path, id_, warm);
  warm_root_->set_reserve(config_.disk_reserve);
  warm_root_->respect(*reserve_);
  warm_ = std::make_unique<PackDirectory>(*warm_root_);
  watched_warm_ = std::make_unique<WatchedBackend>(reached(*warm_), gate_->health(Tier::kWarm));
  warm_keeper_ = std::make_unique<SessionKeeper>(*watched_warm_, clock_, Millis(0));
  if (!config_.warm.mirror.empty()) {
    HOLDFAST_ASSIGN(mirror, take_up(config_.warm.mirror, Tier::kWarm));
    mirror_root_ = std::make_unique<MediumRoot>(config_.warm.mirror, id_, mirror);
    mirror_root_->set_reserve(config_.disk_reserve);
    mirror_ = std::make_unique<PackDirectory>(*mirror_root_);
    mirror_keeper_ = std::make_unique<SessionKeeper>(reached(*mirror_), clock_, Millis(0));
  }
  if (config_.cold) {
    HOLDFAST_ASSIGN(cold, take_up(config_.cold->path, Tier::kCold));
    const VaultTimes times{config_.cold->attach_time, config_.cold->detach_time};
    cold_ = std::make_unique<Vault>(config_.cold->path, id_, cold, times, sleeper);
    cold_->set_reserve(config_.disk_reserve);
    cold_->respect(*reserve_);
    watched_cold_ = std::make_unique<WatchedBackend>(reached(*cold_), gate_->health(Tier::kCold));
    cold_keeper_ = std::make_unique<SessionKeeper>(*watched_cold_, clock_, config_.cold->linger);
  }
  archive_ = std::make_unique<Archive>(Archive{live_,
                                               clock_,
                                               random_,
                                               id_,
                                               *standard_root_,
                                               *standard_,
                                               *writer_,
                                               *index_,
                                               *source_,
                                               *digests_,
                                               changes_,
                                               part_turns_,
                                               live_parts_,
                                               placing_,
                                               left_parts_,
                                               left_in_trash_,
                                               live_calls_,
                                               recalls_,
                                               *reserve_,
                                               *gate_,
                                               meters_,
                                               warm_keeper_.get(),
                                               cold_keeper_.get(),
                                               mirror_keeper_.get()});
  return {};
}

// The medium that belongs at the path. What the index remembers of the path decides, and the label
// only confirms it: a disk that is absent or another is the expected one being offline, never
// another medium of its tier. Of a path that is new (the configuration was edited, a medium was
// just labelled) the label decides, and is remembered.
Result<MediumId> OpenedArchive::take_up(const std::string& path, Tier tier) {
  const std::string what = "the " + std::string(word(tier)) + " medium at " + path;
  const std::string place = place_of(path);
  HOLDFAST_ASSIGN(index, index_->take());
  HOLDFAST_ASSIGN(expected, find_medium_at(*index, place));
  if (expected) {
    HOLDFAST_TRY(check_tier(*expected, tier, what));
    const MediumSight sight = look_at_medium(*io_, path, ExpectedMedium{id_, *expected});
    if (!sight.is_online()) log::error("{} is offline: {}", what, sight.problem);
    return expected->medium;
  }
  auto label = read_label(*io_, path);
  if (!label.ok()) return label.error().within(what + (is_away(label.error()) ? kHowToLabel : ""));
  if (label->archive != id_)
    return Error{Code::kConflict, what + " belongs to another archive, " + label->archive.text()};
  HOLDFAST_ASSIGN(known, find_medium(*index, label->medium));
  if (known) {
    HOLDFAST_TRY(check_tier(*known, tier, what));
  } else {
    MediumRow row;
    row.medium = label->medium;
    row.tier = tier;
    row.kind = label->kind;
    row.name = label->name;
    HOLDFAST_TRY(writer_->call(register_medium(row, "system")));
  }
  HOLDFAST_TRY(writer_->call(place_medium(label->medium, place, "system")));
  return label->medium;
}

Status OpenedArchive::recover() {
  if (report_.agreement.contradicted > 0)
    log::error(
        "ledger: {} decisions were not applied, a lock stands against them whose end was lost",
        report_.agreement.contradicted);
  if (report_.agreement.replayed > 0)
    HOLDFAST_TRY(writer_->call(plan_verifications(
        standard_root_->medium(),
        mirror_root_ ? std::optional<MediumId>(mirror_root_->medium()) : std::nullopt)));
  Remover remover(*archive_);
  HOLDFAST_ASSIGN(settled, settle_incoming(*io_, *archive_));
  report_.incoming = settled;
  HOLDFAST_TRY(writer_->view_ledger());  // the marks of what was placed are there
  HOLDFAST_TRY(recover_staged());
  HOLDFAST_TRY(standard_->discard_repairs(*io_));
  if (Status hastened = hasten_restores(); !hastened.ok())
    log::warning("queued restores wait for their next tries: {}", hastened.error().message);
  return remover.resume(*io_);
}

// Whoever starts it again has perhaps mended what they failed at, and people wait.
Status OpenedArchive::hasten_restores() {
  {
    HOLDFAST_ASSIGN(index, index_->take());
    HOLDFAST_ASSIGN(some_wait, has_waiting_restores(*index, archive_->clock.now()));
    if (!some_wait) return {};
  }
  return writer_->call(restores_wait_no_more());
}

// A staged copy that no row speaks of: a crash came before its commit; the restore stages it anew.
Status OpenedArchive::recover_staged() {
  HOLDFAST_ASSIGN(entries, standard_->list_staged(*io_));
  for (const StagedEntry& entry : entries) {
    bool known = false;
    {
      HOLDFAST_ASSIGN(index, index_->take());
      HOLDFAST_ASSIGN(recording, find_recording(*index, entry.part.recording));
      if (recording)
        for (const CopyRow& copy : recording->copies)
          known |=
              copy.part == entry.part.part && copy.medium == standard_root_->medium() && !copy.pack;
    }
    if (!known) HOLDFAST_TRY(standard_->discard_staged(*io_, entry.part));
  }
  return {};
}

}  // namespace holdfast
