#include "daemon/work/rebuild_adopt.h"

#include <future>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/ingest_row.h"
#include "daemon/work/pack_contents.h"
#include "daemon/work/rebuild_scan.h"
#include "index/commands/copies.h"
#include "index/commands/destruction.h"
#include "index/commands/packs.h"
#include "index/commands/recovery.h"

namespace holdfast {
namespace {

constexpr char kNotFound[] = "the rebuild did not find it on its medium";

}  // namespace

Result<std::optional<IngestRow>> CatalogueSource::find_ingest(const RecordingId& recording,
                                                              int part) {
  ++asked_;
  if (options_.progress && asked_ % 1000 == 0)
    options_.progress(RebuildProgress{"replay", asked_, total_, ""});
  HOLDFAST_ASSIGN(shown, catalogue_.find_part(recording, part));
  if (!shown) return std::optional<IngestRow>();
  auto description = parse_recording_json(shown->description);
  const PartId id{recording, part};
  const auto not_taken = [&](const std::string& why) -> Result<std::optional<IngestRow>> {
    HOLDFAST_TRY(catalogue_.note(Finding{"unusable-description", id.text(), "", why}));
    return std::optional<IngestRow>();
  };
  if (!description.ok()) return not_taken(description.error().message);
  if (description->part_id() != id) return not_taken("it speaks of another part");
  auto row = ingest_row(*description, std::move(shown->metadata), MediumId());
  if (!row.ok()) return not_taken(row.error().message);
  return std::optional<IngestRow>(std::move(row).value());
}

Result<std::optional<SealedPack>> CatalogueSource::find_pack(const PackId& pack,
                                                             const MediumId& medium) {
  return catalogue_.find_pack(pack, medium);
}

Result<bool> CatalogueSource::shows(const RecordingId& recording, int part) {
  return catalogue_.shows(recording, part);
}

Status RebuildAdopt::run(const MediumId& standard, bool anew, RebuildReport& report) {
  HOLDFAST_TRY(finish_destructions());
  HOLDFAST_TRY(quarantine_missing());
  HOLDFAST_TRY(adopt_parts(standard, report));
  HOLDFAST_TRY(adopt_packs(anew));
  return remake_marks_of_calls(report);
}

// The bytes went, and the index was lost before that was told.
Status RebuildAdopt::finish_destructions() {
  RecordingNo after;
  while (true) {
    HOLDFAST_ASSIGN(page, catalogue_.unseen_destructions(after, limits::kRebuildBatch));
    for (const RecordingNo recording : page) {
      after = recording;
      const auto finished = writer_.call(finish_unseen_destruction(recording, kWho));
      if (!finished.ok() && finished.error().code == Code::kUnavailable) {
        // Decisions are missing, or the mirror is: nothing that weakens is told now.
        log::warning("rebuild: destructions that had begun stay unlocated: {}",
                     finished.error().message);
        return {};
      }
      if (!finished.ok()) return finished.error();
    }
    if (page.size() < limits::kRebuildBatch) return {};
  }
}

// A copy that a decision speaks of and its medium does not show, though it is there.
Status RebuildAdopt::quarantine_missing() {
  RecordingNo after;
  while (true) {
    HOLDFAST_ASSIGN(page, catalogue_.missing_plain(after, limits::kRebuildBatch));
    for (const Catalogue::MissingPlain& one : page)
      HOLDFAST_TRY(
          writer_.call(copy_quarantined(one.recording_no, one.part, one.medium, std::nullopt,
                                        one.damage.empty() ? kNotFound : one.damage, kWho)));
    if (page.empty()) break;
    // A page may end amid a recording's parts; those done are missing no more.
    after = RecordingNo(page.back().recording_no.value - 1);
  }
  while (true) {
    HOLDFAST_ASSIGN(page, catalogue_.missing_packs(limits::kRebuildBatch));
    for (const Catalogue::MissingPack& one : page)
      HOLDFAST_TRY(writer_.call(pack_quarantined(one.pack, one.medium, kNotFound, kWho)));
    if (page.empty()) return {};
  }
}

// Many at once share the writer's syncs.
Status RebuildAdopt::adopt_parts(const MediumId& standard, RebuildReport& report) {
  KeyOfPart after;
  after.part = 0;
  while (true) {
    HOLDFAST_ASSIGN(page, catalogue_.unknown_parts(after, limits::kRebuildBatch));
    std::vector<std::pair<KeyOfPart, std::future<Status>>> waiting;
    for (const KeyOfPart& key : page) {
      after = key;
      HOLDFAST_ASSIGN(row, source_.find_ingest(key.recording, key.part));
      if (!row) continue;  // told as a finding
      HOLDFAST_ASSIGN(plain, catalogue_.stands_plain(key, standard));
      row->medium = standard;
      auto promise = std::make_shared<std::promise<Status>>();
      waiting.emplace_back(key, promise->get_future());
      writer_.submit<void>(adopt_part(AdoptPart{*std::move(row), plain}, kWho),
                           [promise](Status done) { promise->set_value(std::move(done)); });
    }
    for (auto& [key, future] : waiting) {
      const Status done = future.get();
      const PartId id{key.recording, key.part};
      if (done.ok()) {
        ++report.adopted;
        HOLDFAST_TRY(catalogue_.set_progress("adopted", "some"));
        HOLDFAST_TRY(catalogue_.note(
            Finding{"adopted", id.text(), "", "no decision speaks of it: held for recovery"}));
      } else if (done.error().code == Code::kConflict || done.error().code == Code::kInvalid ||
                 done.error().code == Code::kLocked) {
        HOLDFAST_TRY(catalogue_.note(Finding{"not-adopted", id.text(), "", done.error().message}));
      } else {
        return done;
      }
    }
    done_ += static_cast<int64_t>(page.size());
    if (options_.progress && !page.empty())
      options_.progress(RebuildProgress{"adopt", done_, 0, "parts"});
    if (page.size() < limits::kRebuildBatch) return {};
  }
}

Status RebuildAdopt::adopt_packs(bool anew) {
  PackId after;
  while (true) {
    HOLDFAST_ASSIGN(page, catalogue_.unknown_packs(after, !anew, limits::kRebuildBatch));
    for (const PackId& pack : page) {
      after = pack;
      if (options_.progress) options_.progress(RebuildProgress{"adopt", done_, 0, pack.text()});
      HOLDFAST_ASSIGN(adopted, adopt_pack_whole(pack));
      if (!adopted) continue;
      ++done_;
      HOLDFAST_TRY(catalogue_.set_progress("adopted", "some"));
    }
    if (page.size() < limits::kRebuildBatch) return {};
  }
}

// Its digest is nowhere but in its bytes: they are read, on the first medium that has them whole.
Result<bool> RebuildAdopt::adopt_pack_whole(const PackId& pack) {
  HOLDFAST_ASSIGN(places, catalogue_.places_of(pack));
  std::optional<Digest> digest;
  for (const auto& [medium, location] : places) {
    const auto backend = backends_.find(medium);
    if (backend == backends_.end()) continue;
    HOLDFAST_ASSIGN(sealed, catalogue_.find_pack(pack, medium));
    if (!sealed) continue;
    if (digest) {
      HOLDFAST_TRY(writer_.call(pack_copied(pack, medium, location, kWho)));
      continue;
    }
    HOLDFAST_ASSIGN(session, backend->second->attach(io_));
    const Result<Digest> read = digest_pack(io_, *session, ShownPack{pack, location, sealed->size});
    if (!read.ok() && is_worlds(read.error(), options_))
      return with_way_out(read.error().within("read pack " + location));
    if (!read.ok()) {
      HOLDFAST_TRY(
          catalogue_.note(Finding{"damaged-pack", pack.text(), location, read.error().message}));
      continue;
    }
    digest = *read;
    sealed->sha256 = *read;
    sealed->location = location;
    HOLDFAST_TRY(writer_.call(adopt_pack(*std::move(sealed), kWho)));
    HOLDFAST_TRY(catalogue_.note(
        Finding{"adopted-pack", pack.text(), location, "no decision speaks of it"}));
  }
  return digest.has_value();
}

// Under a key that was lost, marks recognise nobody; those whose calls are still known are made
// again. With the same key they are there already.
Status RebuildAdopt::remake_marks_of_calls(RebuildReport& report) {
  std::vector<RemadeMark> marks;
  const auto flush = [&]() -> Status {
    if (marks.empty()) return {};
    HOLDFAST_TRY(writer_.call(remake_marks(std::move(marks))));
    marks.clear();
    return {};
  };
  int64_t remade = 0;
  HOLDFAST_TRY(catalogue_.each_marked_call([&](const Catalogue::MarkedCall& call) -> Status {
    if (call.destroyed) ++remade;
    marks.push_back(
        RemadeMark{call.recording, call.workspace, call.call_sid, call.at, call.destroyed});
    return marks.size() < limits::kRebuildBatch ? Status() : flush();
  }));
  HOLDFAST_TRY(flush());
  if (!report.secrets_lost) return {};
  HOLDFAST_ASSIGN(tombstones, catalogue_.count_tombstones());
  report.marks_lost = std::max<int64_t>(0, tombstones - remade);
  return {};
}

}  // namespace holdfast
