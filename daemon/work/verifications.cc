#include "daemon/work/verifications.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/placing.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

bool is_over(const Verification& one) { return one.state == Verification::State::kDone; }

// A recording before a pack, a pack before a medium.
int rank(const VerificationRequest& request) {
  if (request.recording) return 0;
  return request.pack ? 1 : 2;
}

std::string part_text(const RecordingId& recording, int part) {
  return "recording " + recording.text() + " part " + std::to_string(part);
}

}  // namespace

std::string_view word(Verification::State state) {
  switch (state) {
    case Verification::State::kQueued:
      return "queued";
    case Verification::State::kRunning:
      return "running";
    case Verification::State::kDone:
      return "done";
  }
  return "done";
}

Result<Verification> Verifications::ask(VerificationRequest request) {
  std::lock_guard lock(mutex_);
  if (entries_.size() >= limits::kVerificationsMax) {
    const auto over = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& one) { return is_over(one.shown); });
    if (over == entries_.end())
      return Error{Code::kExhausted, std::to_string(limits::kVerificationsMax) +
                                         " verifications are under way; try again later"};
    entries_.erase(over);
  }
  Entry entry;
  entry.shown.id = archive_.random.id<VerificationId>();
  entry.shown.request = std::move(request);
  entry.shown.asked_at = archive_.clock.now();
  entries_.push_back(std::move(entry));
  ++asked_;
  return entries_.back().shown;
}

std::optional<Verification> Verifications::find(const VerificationId& id) const {
  std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_)
    if (entry.shown.id == id) return entry.shown;
  return std::nullopt;
}

std::vector<Verification> Verifications::list() const {
  std::lock_guard lock(mutex_);
  std::vector<Verification> all;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
    all.push_back(entry->shown);
  return all;
}

Verifications::Entry* Verifications::most_urgent() {
  std::lock_guard lock(mutex_);
  Entry* first = nullptr;
  for (Entry& entry : entries_) {
    if (is_over(entry.shown)) continue;
    if (first == nullptr || rank(entry.shown.request) < rank(first->shown.request)) first = &entry;
  }
  if (first != nullptr) first->shown.state = Verification::State::kRunning;
  return first;
}

Result<bool> Verifications::run_once(Io& io) {
  Entry* entry = most_urgent();
  if (entry == nullptr) return false;
  Cursor& cursor = entry->cursor;
  if (cursor.targets.empty()) {
    Status filled =
        cursor.begun && !cursor.has_more ? Status() : fill(io, entry->shown.request, cursor);
    cursor.begun = true;
    if (!filled.ok() || cursor.targets.empty()) {
      end(*entry, filled.ok() ? "" : filled.error().message);
      return true;
    }
  }
  const Target target = std::move(cursor.targets.front());
  cursor.targets.pop_front();
  auto check = target.plain ? check_plain_copy(io, archive_, *target.plain)
                            : check_pack_copy(io, archive_, target.pack, target.medium);
  if (!check.ok()) {
    end(*entry, check.error().message);
    return true;
  }
  keep(*entry, target, *check);
  if (cursor.targets.empty() && !cursor.has_more) end(*entry, "");
  return true;
}

Status Verifications::fill(Io& io, const VerificationRequest& request, Cursor& cursor) {
  // One that came in a moment ago: without a place it would have no copy to be read.
  if (request.recording) HOLDFAST_TRY(Placing(archive_).place_now(io, *request.recording));
  HOLDFAST_ASSIGN(index, archive_.index.take());
  if (request.recording) return add_recording(*index, *request.recording, cursor);
  if (request.pack) return add_pack(*index, *request.pack, cursor);
  return add_page(*index, *request.medium, cursor);
}

Status Verifications::add_recording(Database& index, RecordingNo number, Cursor& cursor) {
  HOLDFAST_ASSIGN(recording, find_recording(index, number));
  if (!recording) return Error{Code::kNotFound, "the recording is gone"};
  for (const CopyRow& copy : recording->copies) {
    if (copy.state == CopyState::kPlanned) continue;
    Target target{std::nullopt, PackId(), copy.medium, copy.tier,
                  part_text(recording->recording, copy.part)};
    if (copy.pack) {
      target.pack = *copy.pack;
      target.object = "pack " + copy.pack->text();
      // Two parts of it may lie in one pack.
      const bool is_known =
          std::any_of(cursor.targets.begin(), cursor.targets.end(), [&](const Target& other) {
            return !other.plain && other.pack == target.pack && other.medium == target.medium;
          });
      if (is_known) continue;
    } else {
      target.plain = PlainCopyKey{number, copy.part};
    }
    cursor.targets.push_back(std::move(target));
  }
  return {};
}

Status Verifications::add_pack(Database& index, const PackId& pack, Cursor& cursor) {
  HOLDFAST_ASSIGN(copies, pack_copies(index, pack));
  if (copies.empty()) return Error{Code::kNotFound, "pack " + pack.text() + " lies nowhere"};
  for (const PackCopyRow& copy : copies)
    cursor.targets.push_back({std::nullopt, pack, copy.medium, copy.tier, "pack " + pack.text()});
  return {};
}

Result<Verifications::Target> Verifications::plain_target(Database& index,
                                                          const PlainCopyKey& key) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, key.recording_no));
  Target target;
  target.plain = key;
  target.medium = archive_.standard_medium();
  target.object = row ? part_text(row->recording, key.part) : "a recording that is gone";
  return target;
}

Status Verifications::add_page(Database& index, const MediumId& medium, Cursor& cursor) {
  constexpr int kPage = limits::kScrubPage;
  HOLDFAST_ASSIGN(row, find_medium(index, medium));
  if (!row) return Error{Code::kNotFound, "there is no medium " + medium.text()};
  size_t found = 0;
  if (medium == archive_.standard_medium()) {
    HOLDFAST_ASSIGN(plain, plain_copies_on(index, medium, cursor.after_plain, kPage));
    for (const PlainCopyKey& key : plain) {
      HOLDFAST_ASSIGN(target, plain_target(index, key));
      cursor.targets.push_back(std::move(target));
      cursor.after_plain = key;
    }
    found = plain.size();
  } else {
    HOLDFAST_ASSIGN(packs, packs_on(index, medium, cursor.after_pack, kPage));
    for (const NumberedPack& one : packs) {
      cursor.targets.push_back(
          {std::nullopt, one.pack, medium, row->tier, "pack " + one.pack.text()});
      cursor.after_pack = one.pack_no;
    }
    found = packs.size();
  }
  cursor.has_more = found == static_cast<size_t>(kPage);
  return {};
}

void Verifications::keep(Entry& entry, const Target& target, const CopyCheck& check) {
  std::lock_guard lock(mutex_);
  Verification& shown = entry.shown;
  shown.bytes += check.bytes;
  if (check.verdict == Verdict::kGone) return;
  shown.sound += check.verdict == Verdict::kSound;
  shown.bad += check.verdict == Verdict::kBad;
  shown.unproven += check.verdict == Verdict::kUnproven;
  std::vector<CopyFinding>& findings = shown.findings;
  CopyFinding finding{target.object, target.medium, target.tier, check.verdict, check.why};
  // What is not sound stands before what is, and is kept in its place when there are too many.
  const auto at = std::find_if(findings.begin(), findings.end(), [](const CopyFinding& one) {
    return one.verdict == Verdict::kSound;
  });
  if (check.verdict == Verdict::kSound)
    findings.push_back(std::move(finding));
  else
    findings.insert(at, std::move(finding));
  if (findings.size() > limits::kFindingsKept) findings.pop_back();
}

void Verifications::end(Entry& entry, const std::string& error) {
  std::lock_guard lock(mutex_);
  entry.cursor = Cursor();
  Verification& shown = entry.shown;
  shown.state = Verification::State::kDone;
  shown.ended_at = archive_.clock.now();
  shown.error = error;
  --asked_;
  if (shown.bad > 0 || !error.empty())
    log::warning("verification of {}: {} bad copies{}{}", shown.request.object, shown.bad,
                 error.empty() ? "" : ", ended by an error: ", error);
  else
    log::info("verification of {}: {} copies are sound, {} could not be read", shown.request.object,
              shown.sound, shown.unproven);
}

}  // namespace holdfast
