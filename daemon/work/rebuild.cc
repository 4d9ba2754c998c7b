#include "daemon/work/rebuild.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/log.h"
#include "daemon/work/backup.h"
#include "daemon/work/rebuild_adopt.h"
#include "daemon/work/rebuild_scan.h"
#include "index/commands/media.h"
#include "index/commands/recovery.h"
#include "index/read/status.h"
#include "index/rebuild/settle.h"
#include "io/text_file.h"
#include "io/tree.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr char kReportName[] = "rebuild-report.jsonl";

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// A medium that is there, and what is needed to read it.
struct AttachedMedium {
  Label label;
  Tier tier = Tier::kStandard;
  std::string path;
};

class Rebuild {
 public:
  Rebuild(const Config& config, Clock& clock, Random& random, const RebuildOptions& options)
      : config_(config),
        clock_(clock),
        random_(random),
        options_(options),
        directory_(rebuild_directory(config)),
        index_path_(config.state_dir + "/index.db"),
        new_index_path_(directory_ + "/index.db") {}

  Result<RebuildReport> run() {
    HOLDFAST_ASSIGN(io, Io::open(options_.open.io));
    io_ = std::move(io);
    HOLDFAST_ASSIGN(state, io_->open_root(config_.state_dir));
    state_ = std::move(state);
    HOLDFAST_ASSIGN(lock, lock_index(index_path_));
    lock_ = std::move(lock);
    HOLDFAST_TRY(read_labels());
    HOLDFAST_TRY(begin());
    HOLDFAST_TRY(scan());
    HOLDFAST_TRY(find_secrets());
    HOLDFAST_TRY(replay());
    HOLDFAST_TRY(settle());
    HOLDFAST_TRY(write_report());
    HOLDFAST_TRY(publish());
    return std::move(report_);
  }

 private:
  Status read_labels();
  Status read_label_of(const std::string& path, Tier tier);
  Status begin();
  Status set_aside();
  Status scan();
  Status find_secrets();
  Status replay();
  Status take_up_media(Writer& writer);
  Status give_up_lost(Writer& writer);
  Status take_up(Writer& writer, const AttachedMedium& medium);
  Status decide(Writer& writer, CatalogueSource& source, bool anew);
  Status hold_adopted(Writer& writer);
  Status settle();
  Status write_report();
  Status publish();

  bool is_without(Tier tier) const {
    return std::find(options_.without.begin(), options_.without.end(), tier) !=
           options_.without.end();
  }
  bool is_lost(const MediumRow& row) const {
    return std::any_of(options_.lost.begin(), options_.lost.end(), [&](const std::string& named) {
      return named == row.name || named == row.medium.text();
    });
  }
  const AttachedMedium* attached(const MediumId& medium) const {
    for (const AttachedMedium& one : media_)
      if (one.label.medium == medium) return &one;
    return nullptr;
  }
  const AttachedMedium* attached(Tier tier) const {
    for (const AttachedMedium& one : media_)
      if (one.tier == tier) return &one;
    return nullptr;
  }

  const Config& config_;
  Clock& clock_;
  Random& random_;
  const RebuildOptions& options_;
  const std::string directory_;
  const std::string index_path_;
  const std::string new_index_path_;
  std::unique_ptr<Io> io_;
  Fd state_;
  std::shared_ptr<void> lock_;
  std::optional<ArchiveId> archive_;
  std::vector<AttachedMedium> media_;
  std::unique_ptr<MediumRoot> standard_root_;
  std::unique_ptr<StandardTree> standard_;
  std::vector<std::unique_ptr<MediumRoot>> roots_;  // of packs
  std::vector<std::unique_ptr<PackBackend>> packs_;
  SystemSleeper system_sleeper_;
  RebuildAdopt::Backends backends_;
  std::optional<Catalogue> catalogue_;
  RebuildReport report_;
};

// --- What is there

Status Rebuild::read_label_of(const std::string& path, Tier tier) {
  const std::string what = "rebuild: the " + std::string(word(tier)) + " medium at " + path;
  auto label = read_label(*io_, path);
  if (!label.ok() && tier != Tier::kStandard && is_without(tier)) return {};
  if (!label.ok())
    return Error{
        Code::kUnavailable,
        what + " is not there: " + label.error().message +
            (tier == Tier::kStandard
                 ? " (mount it; or, when it is destroyed, label a new one with: holdfastd --init)"
                 : " (mount it; or say --without " + std::string(word(tier)) +
                       ": what lies there alone stays unlocated until the next rebuild)")};
  if (archive_ && *archive_ != label->archive)
    return Error{Code::kConflict, what + " is of another archive, " + label->archive.text() +
                                      ", than " + media_.front().path + ", " + archive_->text() +
                                      ": put the right one there, or correct the configuration"};
  archive_ = label->archive;
  media_.push_back(AttachedMedium{*std::move(label), tier, path});
  return {};
}

Status Rebuild::read_labels() {
  HOLDFAST_TRY(read_label_of(config_.standard.path, Tier::kStandard));
  HOLDFAST_TRY(read_label_of(config_.warm.path, Tier::kWarm));
  if (!config_.warm.mirror.empty()) HOLDFAST_TRY(read_label_of(config_.warm.mirror, Tier::kWarm));
  if (config_.cold) HOLDFAST_TRY(read_label_of(config_.cold->path, Tier::kCold));
  Sleeper& sleeper = options_.open.sleeper ? *options_.open.sleeper : system_sleeper_;
  for (const AttachedMedium& medium : media_) {
    const MediumId& id = medium.label.medium;
    if (medium.tier == Tier::kStandard) {
      standard_root_ = std::make_unique<MediumRoot>(medium.path, *archive_, id);
      standard_ = std::make_unique<StandardTree>(*standard_root_);
    } else if (medium.tier == Tier::kWarm) {
      roots_.push_back(std::make_unique<MediumRoot>(medium.path, *archive_, id));
      packs_.push_back(std::make_unique<PackDirectory>(*roots_.back()));
      backends_.emplace(id, packs_.back().get());
    } else {
      const VaultTimes times{config_.cold->attach_time, config_.cold->detach_time};
      packs_.push_back(std::make_unique<Vault>(medium.path, *archive_, id, times, sleeper));
      backends_.emplace(id, packs_.back().get());
    }
  }
  if (options_.open.around_backend)
    for (auto& [id, backend] : backends_)
      backend = packs_.emplace_back(options_.open.around_backend(*backend)).get();
  return {};
}

Status Rebuild::begin() {
  const bool under_way = exists(directory_);
  if (exists(index_path_)) {
    // Killed between the rename of the new index and the end: only the tidying is left.
    if (under_way && !exists(new_index_path_) && !options_.anew) {
      HOLDFAST_TRY(remove_tree(*io_, state_.get(), "rebuild"));
      return Error{Code::kConflict, "rebuild: the index is rebuilt already; start the daemon"};
    }
    if (!options_.anew)
      return Error{Code::kConflict,
                   "rebuild: there is an index, " + index_path_ +
                       ": start the daemon, which brings an older one up to date. If it is damaged "
                       "or lacks something, say --anew: it is set aside as " +
                       index_path_ + ".before-rebuild"};
    HOLDFAST_TRY(set_aside());
  }
  HOLDFAST_ASSIGN(made, make_directories_beneath(*io_, state_.get(), "rebuild", 0750));
  static_cast<void>(made);
  HOLDFAST_TRY(standard_->prepare(*io_));
  HOLDFAST_ASSIGN(catalogue, Catalogue::open(directory_ + "/catalogue.db"));
  catalogue_.emplace(std::move(catalogue));
  HOLDFAST_ASSIGN(known, catalogue_->media());
  const auto was_walked = [&](const AttachedMedium& medium) {
    return std::any_of(known.begin(), known.end(),
                       [&](const ShownMedium& one) { return one.medium == medium.label.medium; });
  };
  // What was replayed without a medium that is there now lacks what it shows.
  if (!std::all_of(media_.begin(), media_.end(), was_walked))
    for (const char* name : {"rebuild/index.db", "rebuild/index.db-wal", "rebuild/index.db-shm",
                             "rebuild/index.db-journal"}) {
      const Status removed = unlink_durably(*io_, state_.get(), name);
      if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
    }
  for (const AttachedMedium& medium : media_)
    HOLDFAST_TRY(catalogue_->note(ShownMedium{medium.label.medium, medium.tier, medium.label.kind,
                                              medium.label.name, place_of(medium.path)}));
  return {};
}

// From here on no daemon starts until the rebuild is through. The -wal first: an index without its
// last rows is an older one, which is replayed; a -wal beside another index would be its ruin.
Status Rebuild::set_aside() {
  HOLDFAST_TRY(remove_tree(*io_, state_.get(), "rebuild"));
  for (const char* suffix : {"-wal", "-shm", "", "-journal"}) {
    const std::string name = std::string("index.db") + suffix;
    if (!exists(config_.state_dir + "/" + name)) continue;
    const std::string to = std::string("index.db.before-rebuild") + suffix;
    HOLDFAST_TRY(rename_durably(*io_, state_.get(), name, to, IfExists::kReplace));
  }
  return {};
}

Status Rebuild::scan() {
  RebuildScan scan(*io_, *catalogue_, options_, *archive_);
  HOLDFAST_TRY(scan.standard(*standard_));
  for (const auto& [medium, backend] : backends_) HOLDFAST_TRY(scan.packs(*backend));
  HOLDFAST_ASSIGN(counts, catalogue_->counts());
  report_.parts = counts.parts;
  report_.packs = counts.packs;
  return {};
}

// Secrets that are gone come from the newest backup; its revocations are older than the ledger's,
// which are replayed.
Status Rebuild::find_secrets() {
  const std::string path = config_.state_dir + "/secrets.db";
  if (exists(path)) {
    HOLDFAST_ASSIGN(from, catalogue_->progress("secrets"));
    report_.secrets_lost = from == "lost";
    if (from && from != "lost") report_.secrets_from = *from;
    return {};
  }
  // A -wal that outlived its database would be played into the next one.
  for (const char* name : {"secrets.db-wal", "secrets.db-shm", "secrets.db-journal"}) {
    const Status removed = unlink_durably(*io_, state_.get(), name);
    if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  }
  HOLDFAST_ASSIGN(backup, newest_backup(*io_, config_.backup.path));
  if (backup) {
    HOLDFAST_TRY(catalogue_->set_progress("secrets", backup->directory));
    HOLDFAST_TRY(restore_secrets(*io_, *backup, state_));
    report_.secrets_from = backup->directory;
    return {};
  }
  HOLDFAST_TRY(catalogue_->set_progress("secrets", "lost"));
  report_.secrets_lost = true;
  return {};
}

// --- Decisions

Status Rebuild::replay() {
  CatalogueSource source(*catalogue_, options_);
  source.set_total(report_.parts);
  WriterOptions options;
  options.index_path = new_index_path_;
  options.secrets_path = config_.state_dir + "/secrets.db";
  options.archive = *archive_;
  options.ledger.directory = config_.state_dir + "/ledger";
  options.ledger.mirror_directory = config_.mirror_dir;
  options.ledger.mirror_same_device = config_.mirror_same_device;
  options.io = options_.open.io;
  options.before_commit = options_.open.before_commit;
  if (options_.progress)
    options_.progress(RebuildProgress{"replay", 0, report_.parts, "the ledger"});
  HOLDFAST_ASSIGN(writer, Writer::start(options, clock_, random_, source));
  const AgreementReport& found = writer->agreement();
  if (!found.ledger.fork.empty())
    return Error{Code::kConflict,
                 "rebuild: ledger and mirror contradict each other: " + found.ledger.fork +
                     ". Decide which of " + config_.state_dir + "/ledger/decisions and " +
                     config_.mirror_dir +
                     "/decisions is right, move the other one aside, and rebuild again"};
  report_.decisions = found.ledger_last;
  report_.contradicted = found.contradicted;
  HOLDFAST_ASSIGN(begun, catalogue_->progress("ledger"));
  const bool anew = found.ledger_last == 0 || begun.has_value();
  HOLDFAST_TRY(decide(*writer, source, anew && report_.parts > 0));
  writer->stop();
  return {};
}

Status Rebuild::decide(Writer& writer, CatalogueSource& source, bool anew) {
  HOLDFAST_ASSIGN(begun, catalogue_->progress("ledger"));
  if (anew && !begun) HOLDFAST_TRY(catalogue_->set_progress("ledger", "lost"));
  if (anew && writer.agreement().ledger_last == 0) HOLDFAST_TRY(writer.call(begin_ledger(kWho)));
  report_.ledger_begun = anew;
  HOLDFAST_TRY(take_up_media(writer));
  HOLDFAST_TRY(catalogue_->attach_index(new_index_path_));
  RebuildAdopt adopt(*io_, *catalogue_, writer, source, backends_, options_);
  HOLDFAST_TRY(adopt.run(attached(Tier::kStandard)->label.medium, anew, report_));

  ReadOnlyOptions read;
  HOLDFAST_ASSIGN(index, Database::open_read_only(new_index_path_, read));
  HOLDFAST_ASSIGN(gaps, uncovered_gaps(index, writer.agreement().ledger.gaps));
  HOLDFAST_ASSIGN(adopted, catalogue_->progress("adopted"));
  HOLDFAST_ASSIGN(held, catalogue_->progress("held"));
  // Where a gap that a person has judged explains what is adopted, that alone is held.
  const bool explained = !writer.agreement().ledger.gaps.empty() && gaps.empty() && !anew;
  if (adopted && explained) {
    HOLDFAST_TRY(hold_adopted(writer));
  } else if ((anew || adopted || !gaps.empty()) && !held) {
    HOLDFAST_TRY(writer.call(
        begin_recovery(gaps, anew ? "the ledger was lost" : "decisions were lost", kWho)));
    HOLDFAST_TRY(catalogue_->set_progress("held", "yes"));
  }
  HOLDFAST_ASSIGN(recovery, recovery_state(index));
  report_.recovery = recovery.in_force;
  HOLDFAST_ASSIGN(noted, catalogue_->progress("noted"));
  if (!noted) HOLDFAST_TRY(writer.call(index_rebuilt(kWho)));
  return catalogue_->set_progress("noted", "yes");
}

Status Rebuild::hold_adopted(Writer& writer) {
  std::set<RecordingId> adopted;
  HOLDFAST_TRY(catalogue_->each_finding([&](const Finding& finding) -> Status {
    if (finding.kind != "adopted") return {};
    HOLDFAST_ASSIGN(part, PartId::from_text(finding.object));
    adopted.insert(part.recording);
    return {};
  }));
  for (const RecordingId& recording : adopted)
    HOLDFAST_TRY(writer.call(hold_for_recovery(recording, kWho)));
  return {};
}

Status Rebuild::take_up_media(Writer& writer) {
  HOLDFAST_TRY(give_up_lost(writer));
  for (const AttachedMedium& medium : media_) HOLDFAST_TRY(take_up(writer, medium));
  return {};
}

Status Rebuild::give_up_lost(Writer& writer) {
  HOLDFAST_ASSIGN(index, Database::open_read_only(new_index_path_));
  HOLDFAST_ASSIGN(rows, list_media(index));
  for (const std::string& named : options_.lost) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const MediumRow& one) {
      return one.medium.text() == named || (one.name == named && !attached(one.medium));
    });
    if (row == rows.end())
      return Error{Code::kNotFound, "rebuild: --lost " + named +
                                        ": the ledger knows no medium "
                                        "of that id or name that is away"};
    if (attached(row->medium) != nullptr)
      return Error{Code::kConflict,
                   "rebuild: --lost " + named + ": it is there, at " + attached(row->medium)->path};
    HOLDFAST_TRY(writer.call(set_medium_state(row->medium, MediumState::kLost, kWho)));
  }
  return {};
}

Status Rebuild::take_up(Writer& writer, const AttachedMedium& medium) {
  HOLDFAST_ASSIGN(index, Database::open_read_only(new_index_path_));
  const std::string place = place_of(medium.path);
  HOLDFAST_ASSIGN(expected, find_medium_at(index, place));
  if (expected && expected->medium != medium.label.medium &&
      expected->state != MediumState::kLost && expected->state != MediumState::kRetired)
    return Error{Code::kConflict,
                 "rebuild: at " + medium.path + " belongs " + expected->name + " (" +
                     expected->medium.text() + "), found " + medium.label.name + " (" +
                     medium.label.medium.text() +
                     "). Put the right one there and go on; or, when it is destroyed, say: "
                     "holdfastd rebuild --lost " +
                     expected->medium.text()};
  MediumRow row;
  row.medium = medium.label.medium;
  row.tier = medium.tier;
  row.kind = medium.label.kind;
  row.name = medium.label.name;
  HOLDFAST_TRY(writer.call(register_medium(row, kWho)));
  return writer.call(place_medium(medium.label.medium, place, kWho));
}

// --- The end

Status Rebuild::settle() {
  if (options_.progress) options_.progress(RebuildProgress{"settle", 0, 0, ""});
  {
    SettleOptions options;
    options.catalogue_path = directory_ + "/catalogue.db";
    options.standard = attached(Tier::kStandard)->label.medium;
    if (const AttachedMedium* warm = attached(Tier::kWarm)) options.warm = warm->label.medium;
    options.copy_after = config_.standard.copy_after;
    for (const WorkspaceConfig& own : config_.workspaces)
      options.own_copy_after.emplace_back(own.workspace, own.standard_copy_after);
    options.now = clock_.now();
    HOLDFAST_ASSIGN(index, open_for_writing(new_index_path_, WriteOptions()));
    HOLDFAST_TRY(settle_rebuilt_index(index, options));
  }
  HOLDFAST_TRY(catalogue_->note_leftovers());
  HOLDFAST_ASSIGN(index, Database::open_read_only(new_index_path_));
  HOLDFAST_ASSIGN(totals, rebuilt_totals(index));
  report_.recordings = totals.recordings;
  report_.unlocated = totals.unlocated;
  HOLDFAST_ASSIGN(counts, catalogue_->counts());
  report_.findings = counts.findings;
  return {};
}

Status Rebuild::write_report() {
  PublishOptions options;
  options.if_exists = IfExists::kReplace;
  const auto source = [&](const ByteSink& sink) -> Status {
    const auto line = [&](json::object object) -> Status {
      const std::string text = canonical(object) + "\n";
      return sink(as_bytes(text));
    };
    HOLDFAST_TRY(catalogue_->each_finding([&](const Finding& finding) {
      json::object object{{"kind", finding.kind}, {"object", finding.object}};
      if (!finding.place.empty()) object["place"] = finding.place;
      object["detail"] = finding.detail;
      return line(std::move(object));
    }));
    return line({{"kind", "summary"},
                 {"recordings", report_.recordings},
                 {"parts", report_.parts},
                 {"packs", report_.packs},
                 {"decisions", report_.decisions},
                 {"unlocated", report_.unlocated},
                 {"contradicted", report_.contradicted},
                 {"adopted", report_.adopted},
                 {"recovery", report_.recovery}});
  };
  const auto published = publish_file(*io_, state_.get(), kReportName, options, source);
  if (!published.ok()) return published.error().within("rebuild: write the report");
  report_.report_path = config_.state_dir + "/" + kReportName;
  return {};
}

Status Rebuild::publish() {
  catalogue_.reset();
  HOLDFAST_TRY(settle_into_one_file(new_index_path_));
  // A -wal of the index that was lost would be played into this one, and so would a -journal.
  for (const char* name : {"index.db-wal", "index.db-shm", "index.db-journal"}) {
    const Status removed = unlink_durably(*io_, state_.get(), name);
    if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  }
  HOLDFAST_TRY(
      rename_durably(*io_, state_.get(), "rebuild/index.db", "index.db", IfExists::kRefuse));
  return remove_tree(*io_, state_.get(), "rebuild");
}

}  // namespace

std::string rebuild_directory(const Config& config) { return config.state_dir + "/rebuild"; }

Result<RebuildReport> rebuild_archive(const Config& config, Clock& clock, Random& random,
                                      const RebuildOptions& options) {
  return Rebuild(config, clock, random, options).run();
}

}  // namespace holdfast
