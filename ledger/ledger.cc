#include "ledger/ledger.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "io/tree.h"
#include "ledger/place.h"

namespace holdfast {
namespace {

// The voiding line for a batch that failed: it takes the numbers of the batch
// with it and follows what the batch should have followed.
Result<Batch> voiding_batch(const Clock& clock, const Batch& batch, const Void& voided) {
  LineDraft draft;
  draft.kind = std::string(kVoidKind);
  draft.who = "system";
  draft.details["segment"] = voided.segment;
  draft.details["offset"] = voided.offset.count;
  draft.details["from"] = voided.from;
  draft.details["to"] = voided.to;
  Batch voiding(clock, batch.last_n(), batch.base_head());
  HOLDFAST_ASSIGN(n, voiding.stage(draft));
  assert(n == voided.to + 1);
  static_cast<void>(n);
  return voiding;
}

}  // namespace

Ledger::Ledger(Io& io, const Clock& clock, LedgerOptions options)
    : io_(io),
      clock_(clock),
      options_(std::move(options)),
      main_(std::make_unique<Place>("decisions", options_.directory)),
      mirror_(std::make_unique<Place>("the mirror of decisions", options_.mirror_directory)),
      last_try_(clock.monotonic()) {}

Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(Io& io, const Clock& clock,
                                             const LedgerOptions& options) {
  if (options.directory.empty() || options.mirror_directory.empty())
    return Error{Code::kInvalid, "open the ledger: it needs a directory and one for the mirror"};
  std::unique_ptr<Ledger> ledger(new Ledger(io, clock, options));
  if (Status status = ledger->open_places(); !status.ok())
    return status.error().within("open the ledger " + options.directory);
  if (Status status = ledger->open_access(); !status.ok())
    return status.error().within("open the ledger " + options.directory);
  const Chain& chain = *ledger->main_->chain;
  ledger->decisions_batch_.emplace(clock, chain.last_n(), chain.head());
  ledger->set_ends();
  return ledger;
}

LedgerState Ledger::state() const {
  if (unknown_) return LedgerState::kUnknown;
  if (!report_.fork.empty()) return LedgerState::kForked;
  if (!main_->up() || !mirror_->up()) return LedgerState::kBehind;
  return report_.gaps.empty() ? LedgerState::kReady : LedgerState::kGap;
}

Status Ledger::accepts() const {
  if (unknown_)
    return Error{Code::kUnavailable,
                 "ledger: the outcome of an earlier batch is unknown; it must be opened anew"};
  if (!report_.fork.empty())
    return Error{Code::kUnavailable, "ledger: read-only, main and mirror differ: " + report_.fork};
  return {};
}

int64_t Ledger::last_decision() const { return decisions_batch_->first_n() - 1; }

Result<int64_t> Ledger::stage(const LineDraft& draft) {
  HOLDFAST_TRY(accepts());
  return decisions_batch_->stage(draft);
}

Result<int64_t> Ledger::stage_access(const LineDraft& draft) {
  if (access_ == nullptr) HOLDFAST_TRY(open_access());
  return access_batch_->stage(draft);
}

void Ledger::rollback() {
  decisions_batch_->clear();
  if (access_batch_) access_batch_->clear();
}

Status Ledger::commit() {
  Status status = begin_commit();
  end_commit();
  return status;
}

Status Ledger::begin_commit() {
  Status status = commit_access();
  if (status.ok()) status = commit_decisions();
  return status;
}

void Ledger::end_commit() {
  if (std::exchange(mirror_syncs_, false)) {
    // Main has the batch, and that is enough for one that waited for nothing more.
    if (const Status status = mirror_->chain->end_append(*decisions_batch_); !status.ok())
      put_down(*mirror_, status.error());
    decided(false);
  }
  rollback();  // what is still staged did not become a line
}

Status Ledger::open_access() {
  if (!access_directory_) {
    HOLDFAST_ASSIGN(directory, make_directories_beneath(io_, main_->root.get(), "access"));
    access_directory_ = std::move(directory);
  }
  HOLDFAST_ASSIGN(directory, io_.duplicate(access_directory_));
  ChainOptions options;
  options.segment_bytes_max = options_.segment_bytes_max;
  options.name = "access";
  HOLDFAST_ASSIGN(chain, Chain::open(io_, std::move(directory), options));
  access_ = std::move(chain);
  report_.torn_access += access_->report().torn;
  access_batch_.emplace(clock_, access_->last_n(), access_->head());
  set_ends();
  return {};
}

Status Ledger::commit_access() {
  if (!access_batch_ || access_batch_->empty()) return {};
  const bool roll = access_->roll_due(*access_batch_);
  Status status = access_->append(*access_batch_, roll);
  if (status.ok()) {
    access_batch_->restart(access_->last_n(), access_->head());
    set_ends();
    if (!roll) return {};
    if (Status sealed = access_->compress_sealed(); !sealed.ok())
      log::warning("access: a sealed segment stays uncompressed: {}", sealed.error().message);
    return {};
  }
  const Void voided = access_->void_for(*access_batch_);
  HOLDFAST_ASSIGN(voiding, voiding_batch(clock_, *access_batch_, voided));
  const Status made = access_->begin_voiding(voiding, voided);
  if (made.ok()) {
    access_batch_->restart(access_->last_n(), access_->head());
    set_ends();
    return status;
  }
  // The next access line opens the chain anew. Lines that may turn out to be there
  // tell of accesses that were refused, which does no harm.
  access_.reset();
  access_batch_.reset();
  return Error{Code::kUnavailable, status.error().message + "; " + made.error().message};
}

Status Ledger::append_access(const std::vector<LineDraft>& drafts) {
  assert(!access_batch_ || access_batch_->empty());
  for (const LineDraft& draft : drafts) {
    const Result<int64_t> n = stage_access(draft);
    if (n.ok()) continue;
    if (access_batch_) access_batch_->clear();
    return n.error();
  }
  Status status = commit_access();
  if (access_batch_) access_batch_->clear();
  return status;
}

Result<int> Ledger::drop_access_before(UnixMillis before) {
  if (access_ == nullptr) HOLDFAST_TRY(open_access());
  return access_->drop_before(before);
}

Status Ledger::commit_decisions() {
  if (decisions_batch_->empty()) return {};
  HOLDFAST_TRY(accepts());
  const bool needs_both = decisions_batch_->weakening();
  const bool due = clock_.monotonic().count - last_try_.count >= options_.mirror_retry.count;
  if (state() == LedgerState::kBehind && (needs_both || due)) {
    const Status restored = tend();
    if (needs_both && !restored.ok())
      return Error{Code::kUnavailable,
                   "a decision that weakens protection needs ledger and mirror: " +
                       restored.error().message};
  }
  HOLDFAST_ASSIGN(rolled, append_decisions());
  if (!mirror_syncs_) decided(rolled);
  return {};
}

// Main first, then the mirror, whose sync goes on when main is enough. Gives whether a new segment
// was begun. A place that fails is down if the other holds the batch and that is enough; else the
// batch is voided.
Result<bool> Ledger::append_decisions() {
  const Batch& batch = *decisions_batch_;
  const bool needs_both = batch.weakening();
  const bool roll = (main_->up() ? main_ : mirror_)->chain->roll_due(batch);
  std::optional<Error> main_failure;
  bool durable = false;
  if (main_->up()) {
    Status status = main_->chain->append(batch, roll);
    durable = status.ok();
    if (!status.ok()) main_failure = status.error();
    if (main_failure && (needs_both || !mirror_->up()))
      HOLDFAST_TRY(void_batch(*main_, *main_failure));
  }
  if (mirror_->up()) {
    const bool goes_on = durable && !needs_both && !roll && !mirror_->chain->roll_due(batch);
    Status status =
        goes_on ? mirror_->chain->begin_append(batch) : mirror_->chain->append(batch, roll);
    mirror_syncs_ = goes_on && status.ok();
    if (!status.ok() && (needs_both || !durable))
      HOLDFAST_TRY(void_batch(*mirror_, status.error()));
    if (!status.ok()) put_down(*mirror_, status.error());
  }
  if (main_failure) put_down(*main_, *main_failure);
  return roll;
}

// Answers with `failure` once a voiding line is durable in one place; the other
// gets it too, or is down and gets it when it comes back.
Status Ledger::void_batch(const Place& failed_at, Error failure) {
  const Void voided = failed_at.chain->void_for(*decisions_batch_);
  HOLDFAST_ASSIGN(voiding, voiding_batch(clock_, *decisions_batch_, voided));
  bool durable = false;
  std::string reasons;
  for (Place* place : {main_.get(), mirror_.get()}) {
    if (!place->up()) continue;
    const Status status = place->chain->begin_voiding(voiding, voided);
    durable = durable || status.ok();
    if (status.ok()) continue;
    reasons += "; " + status.error().message;
    put_down(*place, status.error());
  }
  decisions_batch_->restart(voiding.last_n(), voiding.head());
  if (!durable) {
    unknown_ = true;
    return Error{Code::kUnavailable,
                 "the outcome of a batch is unknown: " + failure.message + reasons};
  }
  compression_due_ = true;
  set_ends();
  return failure;
}

void Ledger::decided(bool rolled) {
  decisions_batch_->restart(decisions_batch_->last_n(), decisions_batch_->head());
  set_ends();
  if (!rolled && !compression_due_) return;
  compression_due_ = false;
  for (Place* place : {main_.get(), mirror_.get()}) {
    if (!place->up()) continue;
    if (Status sealed = place->chain->compress_sealed(); !sealed.ok())
      log::warning("{}: a sealed segment stays uncompressed: {}", place->name,
                   sealed.error().message);
  }
}

Status Ledger::replay(int64_t from_n, const LineVisitor& visit) {
  const Place& place = main_->up() || !mirror_->up() ? *main_ : *mirror_;
  ReadOptions options;
  options.from_n = from_n;
  if (place.up()) options.end = place.chain->end();
  return read_chain(io_, place.decisions.get(), options, visit);
}

void Ledger::set_ends() {
  std::lock_guard lock(ends_mutex_);
  if (main_->up()) decisions_end_ = main_->chain->end();
  if (access_) access_end_ = access_->end();
}

DurableEnd Ledger::decisions_end() const {
  std::lock_guard lock(ends_mutex_);
  return decisions_end_;
}

DurableEnd Ledger::access_end() const {
  std::lock_guard lock(ends_mutex_);
  return access_end_;
}

int Ledger::decisions_fd() const { return main_->decisions.get(); }
int Ledger::access_fd() const { return access_directory_.get(); }

}  // namespace holdfast
