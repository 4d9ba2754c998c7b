#include "daemon/work/open_archive.h"

#include "base/log.h"
#include "daemon/work/ingest.h"
#include "daemon/work/media_source.h"
#include "daemon/work/remover.h"
#include "index/commands/ingest.h"
#include "index/commands/media.h"
#include "index/read/recordings.h"
#include "index/read/status.h"

namespace holdfast {
namespace {

constexpr int kPage = 1000;

constexpr std::string_view kHowToLabel =
    " (is it mounted? a new one is labelled with: holdfastd --init --config FILE)";

bool is_away(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kNotFound;
}

}  // namespace

OpenedArchive::OpenedArchive(const Config& config, Clock& clock, Random& random)
    : config_(config), clock_(clock), random_(random), policy_(policy_settings(config)) {}

// The reverse of open(): the writer finishes what is queued before anything it stands on goes.
OpenedArchive::~OpenedArchive() {
  if (cold_keeper_) cold_keeper_->close();
  if (warm_keeper_) warm_keeper_->close();
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
  HOLDFAST_TRY(opened->open_packs(options.sleeper ? *options.sleeper : opened->system_sleeper_));
  HOLDFAST_TRY(opened->recover());
  return opened;
}

Status OpenedArchive::open_standard() {
  auto label = read_label(*io_, config_.standard.path);
  if (!label.ok())
    return label.error().within("the standard medium at " + config_.standard.path +
                                std::string(kHowToLabel));
  id_ = label->archive;
  standard_root_ = std::make_unique<MediumRoot>(config_.standard.path, id_, label->medium);
  standard_ = std::make_unique<StandardTree>(*standard_root_);
  return standard_->prepare(*io_);
}

Status OpenedArchive::open_writer(const OpenOptions& open_options) {
  source_ = std::make_unique<MediaSource>(*source_io_, *standard_);
  WriterOptions options;
  options.index_path = config_.state_dir + "/index.db";
  options.secrets_path = config_.state_dir + "/secrets.db";
  options.archive = id_;
  options.ledger.directory = config_.state_dir + "/ledger";
  options.ledger.mirror_directory = config_.mirror_dir;
  options.ledger.mirror_same_device = config_.mirror_same_device;
  options.io = open_options.io;
  options.before_commit = open_options.before_commit;
  HOLDFAST_ASSIGN(writer, Writer::start(options, clock_, random_, *source_));
  writer_ = std::move(writer);
  report_.agreement = writer_->agreement();
  const LedgerOpenReport& found = report_.agreement.ledger;
  if (found.torn_decisions.count > 0)
    log::warning("ledger: an unfinished last line of {} bytes was cut", found.torn_decisions.count);
  if (!found.mirror_down.empty())
    log::warning("ledger: the mirror is not there: {}", found.mirror_down);
  if (!found.fork.empty()) log::error("ledger and mirror contradict each other: {}", found.fork);
  index_ = std::make_unique<IndexPool>(options.index_path, options.secrets_path);
  digests_ = std::make_unique<DigestMemory>(clock_);
  return {};
}

Status OpenedArchive::open_packs(Sleeper& sleeper) {
  HOLDFAST_TRY(take_up(config_.standard.path, Tier::kStandard));
  HOLDFAST_ASSIGN(warm, take_up(config_.warm.path, Tier::kWarm));
  warm_root_ = std::make_unique<MediumRoot>(config_.warm.path, id_, warm);
  warm_ = std::make_unique<PackDirectory>(*warm_root_);
  warm_keeper_ = std::make_unique<SessionKeeper>(*warm_, clock_, Millis(0));
  if (config_.cold) {
    HOLDFAST_ASSIGN(cold, take_up(config_.cold->path, Tier::kCold));
    const VaultTimes times{config_.cold->attach_time, config_.cold->detach_time};
    cold_ = std::make_unique<Vault>(config_.cold->path, id_, cold, times, sleeper);
    cold_keeper_ = std::make_unique<SessionKeeper>(*cold_, clock_, config_.cold->linger);
  }
  archive_ = std::make_unique<Archive>(Archive{
      config_, policy_, clock_, random_, id_, *standard_root_, *standard_, *writer_, *index_,
      *source_, *digests_, changes_, part_turns_, warm_keeper_.get(), cold_keeper_.get()});
  return {};
}

// The medium at the path, registered: by its label, or, while it is away, the newest of that tier
// that the index knows.
Result<MediumId> OpenedArchive::take_up(const std::string& path, Tier tier) {
  HOLDFAST_ASSIGN(index, index_->take());
  auto label = read_label(*io_, path);
  if (label.ok()) {
    if (label->archive != id_)
      return Error{Code::kConflict, "the medium at " + path + " belongs to another archive, " +
                                        label->archive.text()};
    HOLDFAST_ASSIGN(known, find_medium(*index, label->medium));
    if (known) return label->medium;
    MediumRow row;
    row.medium = label->medium;
    row.tier = tier;
    row.kind = label->kind;
    row.name = label->name;
    HOLDFAST_TRY(writer_->call(register_medium(row, "system")));
    return label->medium;
  }
  const std::string what = "the " + std::string(word(tier)) + " medium at " + path;
  if (!is_away(label.error())) return label.error().within(what);
  HOLDFAST_ASSIGN(media, list_media(*index));
  const MediumRow* newest = nullptr;
  for (const MediumRow& medium : media) {
    const bool gone = medium.state == MediumState::kLost || medium.state == MediumState::kRetired;
    if (medium.tier != tier || gone) continue;
    if (newest == nullptr || medium.registered_at >= newest->registered_at) newest = &medium;
  }
  if (newest == nullptr) return label.error().within(what + std::string(kHowToLabel));
  log::warning("{} is offline: {}", what, label.error().message);
  return newest->medium;
}

Status OpenedArchive::recover() {
  Remover remover(*archive_);
  HOLDFAST_TRY(recover_incoming());
  HOLDFAST_TRY(recover_unplaced());
  HOLDFAST_TRY(recover_staged());
  return remover.resume(*io_);
}

// What was received and not acknowledged: a complete entry is adopted, a partial one goes. One that
// a row speaks of is placed by recover_unplaced.
Status OpenedArchive::recover_incoming() {
  Ingest ingest(*archive_);
  HOLDFAST_ASSIGN(entries, standard_->list_incoming(*io_));
  for (const IncomingEntry& entry : entries) {
    bool known = false;
    {
      HOLDFAST_ASSIGN(index, index_->take());
      HOLDFAST_ASSIGN(recording, find_recording(*index, entry.part.recording));
      if (recording)
        for (const PartRow& part : recording->part_rows) known |= part.part == entry.part.part;
    }
    if (known) continue;
    if (!entry.description) {
      HOLDFAST_TRY(standard_->discard_incoming(*io_, entry.part));
      ++report_.discarded;
      continue;
    }
    if (Status adopted = ingest.adopt(*io_, *entry.description); !adopted.ok())
      log::warning("adopt {}: {}", entry.part.text(), adopted.error().message);
    else
      ++report_.adopted;
  }
  return {};
}

Status OpenedArchive::recover_unplaced() {
  Ingest ingest(*archive_);
  while (true) {
    std::vector<UnplacedPart> parts;
    {
      HOLDFAST_ASSIGN(index, index_->take());
      HOLDFAST_ASSIGN(found, list_unplaced(*index, kPage));
      parts = std::move(found);
    }
    int placed = 0;
    for (const UnplacedPart& part : parts) {
      if (Status done = ingest.place(*io_, part.recording, part.part); !done.ok())
        log::error("place recording {}: {}", part.recording.recording.text(), done.error().message);
      else
        ++placed;
    }
    report_.placed += placed;
    // A part that cannot be placed stays visible as unplaced; it does not keep the others waiting.
    if (parts.size() < static_cast<size_t>(kPage) || placed == 0) return {};
  }
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
