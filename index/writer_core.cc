#include "index/writer_core.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

#include "base/log.h"
#include "index/read/status.h"

namespace holdfast {
namespace {

// Decision lines that one transaction of a replay applies.
constexpr int64_t kReplayBatch = 1000;
// secrets.db is told of lines that do not concern it this seldom: each telling is one more sync.
constexpr int64_t kSecretsLag = 4096;
// Contradictions that a replay tells one by one; the report counts all.
constexpr int64_t kContradictionsTold = 20;

Result<int64_t> integer_setting(Database& index, std::string_view name) {
  HOLDFAST_ASSIGN(text, find_setting(index, name));
  if (!text) return int64_t{0};
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0)
    return Error{Code::kCorrupt, "read setting " + std::string(name) + ": not a number"};
  return value;
}

Status store_setting(Database& index, std::string_view name, std::string_view value) {
  return index
      .prepare(
          "INSERT INTO setting (name, value) VALUES (?1, ?2) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
      .bind(name, value)
      .run();
}

Result<std::optional<std::string>> find_secret(Database& index, std::string_view name) {
  Statement statement = index.prepare("SELECT value FROM secrets.secret_setting WHERE name = ?1");
  statement.bind(name);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(as_text(statement.blob(0)));
}

Status store_secret(Database& index, std::string_view name, std::string_view value) {
  return index
      .prepare(
          "INSERT INTO secrets.secret_setting (name, value) VALUES (?1, ?2) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
      .bind(name, as_bytes(value))
      .run();
}

}  // namespace

Writer::Core::Core(WriterOptions options, const Clock& clock, Random& random,
                   DecisionSource& source)
    : options_(std::move(options)), clock_(clock), random_(random), source_(source) {}

Status Writer::Core::open() {
  HOLDFAST_ASSIGN(io, Io::open(options_.io));
  io_ = std::move(io);
  HOLDFAST_TRY(open_ledger());
  HOLDFAST_TRY(open_index());
  agreement_.applied_seq = applied_seq_;
  agreement_.secrets_seq = secrets_seq_;
  HOLDFAST_TRY(check_archive());
  HOLDFAST_TRY(replay());
  at_start_ = agreement_;
  is_forked_ = ledger_->state() == LedgerState::kForked;
  return Status();
}

Status Writer::Core::open_ledger() {
  HOLDFAST_ASSIGN(ledger, Ledger::open(*io_, clock_, options_.ledger));
  ledger_ = std::move(ledger);
  agreement_.ledger = ledger_->open_report();
  return Status();
}

Status Writer::Core::open_index() {
  WriteOptions write;
  write.secrets_path = options_.secrets_path;
  write.mode = options_.index_mode;
  HOLDFAST_ASSIGN(index, open_for_writing(options_.index_path, write));
  index_.emplace(std::move(index));
  return read_settings();
}

Status Writer::Core::read_settings() {
  HOLDFAST_ASSIGN(created, find_setting(*index_, "created_at"));
  HOLDFAST_ASSIGN(applied, integer_setting(*index_, "applied_seq"));
  HOLDFAST_ASSIGN(key, find_secret(*index_, "tombstone_key"));
  HOLDFAST_ASSIGN(secrets_seq, find_secret(*index_, "applied_seq"));
  agreement_.index_created = !created.has_value();
  applied_seq_ = applied;
  secrets_seq_ = secrets_seq ? std::strtoll(secrets_seq->c_str(), nullptr, 10) : 0;
  if (created && key) {
    tombstone_key_ = *key;
    return Status();
  }
  HOLDFAST_ASSIGN(transaction, Transaction::begin(*index_));
  if (!created)
    HOLDFAST_TRY(store_setting(*index_, "created_at", std::to_string(clock_.now().count)));
  if (!key) {
    std::string fresh(32, '\0');
    random_.fill(MutableByteSpan(reinterpret_cast<std::byte*>(fresh.data()), fresh.size()));
    HOLDFAST_TRY(store_secret(*index_, "tombstone_key", fresh));
    key = std::move(fresh);
  }
  HOLDFAST_TRY(transaction.commit());
  tombstone_key_ = *key;
  return Status();
}

Status Writer::Core::check_archive() {
  if (!options_.archive) return Status();
  HOLDFAST_ASSIGN(known, find_setting(*index_, "archive_id"));
  if (known && *known != options_.archive->text())
    return Error{Code::kInvalid, "open " + options_.index_path + ": it is the index of archive " +
                                     *known + ", not of " + options_.archive->text() +
                                     ". Put the right one there, or move it away and rebuild: "
                                     "holdfastd rebuild"};
  if (known) return Status();
  return store_setting(*index_, "archive_id", options_.archive->text());
}

Status Writer::Core::replay() {
  agreement_.ledger_last = ledger_->last_decision();
  if (applied_seq_ > agreement_.ledger_last)
    return Error{Code::kCorrupt, "agree on " + options_.index_path + ": it has applied decision " +
                                     std::to_string(applied_seq_) + ", the ledger ends at " +
                                     std::to_string(agreement_.ledger_last)};
  const int64_t rows_end = applied_seq_;
  const int64_t from = std::min(applied_seq_, secrets_seq_) + 1;
  if (from > agreement_.ledger_last) return Status();
  HOLDFAST_ASSIGN(first, Transaction::begin(*index_));
  std::optional<Transaction> transaction(std::move(first));
  int64_t in_transaction = 0;
  int64_t last = from - 1;
  const auto finish = [&]() -> Status {
    HOLDFAST_TRY(store_seq(last, true));
    HOLDFAST_TRY(transaction->commit());
    ++changes_;
    transaction.reset();
    applied_seq_ = std::max(applied_seq_, last);
    secrets_seq_ = last;
    return Status();
  };
  const Status visited = ledger_->replay(from, [&](const Line& line) -> Result<bool> {
    HOLDFAST_TRY(replay_line(line));
    last = line.n;
    if (++in_transaction < kReplayBatch) return true;
    HOLDFAST_TRY(finish());
    HOLDFAST_ASSIGN(next, Transaction::begin(*index_));
    transaction.emplace(std::move(next));
    in_transaction = 0;
    return true;
  });
  if (!visited.ok()) return visited.error().within("replay the ledger");
  HOLDFAST_TRY(note_missed(rows_end));
  last = agreement_.ledger_last;
  return finish();
}

// Lines that were missing are not in the rows even when they come back.
Status Writer::Core::note_missed(int64_t rows_end) {
  HOLDFAST_ASSIGN(known, find_setting(*index_, kMissedDecisions));
  std::string missed = known.value_or("");
  for (const ChainGap& gap : ledger_->open_report().gaps)
    if (gap.before_n > rows_end)  // secrets.db alone may have needed what is before
      missed += std::to_string(gap.after_n) + "-" + std::to_string(gap.before_n) + ",";
  if (missed == known.value_or("")) return Status();
  return store_setting(*index_, kMissedDecisions, missed);
}

Status Writer::Core::replay_line(const Line& line) {
  if (line.kind == kVoidKind) return Status();
  // What the index has, secrets.db may lack: of all decisions only these two concern it.
  if (line.n <= applied_seq_ &&
      (line.n <= secrets_seq_ ||
       (line.kind != decision::kSigningKeyRotated && line.kind != decision::kLinkRevoked)))
    return Status();
  WriteTxn txn(*index_, *ledger_, random_, line.t, true, tombstone_key_);
  const Decision decided = {line.t, line.kind, line.who, line.on.value_or(""), line.details};
  if (Status applied = apply_decision(txn, decided, source_); !applied.ok())
    return applied.error().within("decision " + std::to_string(line.n) + " (" + line.kind + ")");
  ++agreement_.replayed;
  agreement_.unlocated += txn.unlocated_;
  if (txn.contradiction_.empty()) return Status();
  if (++agreement_.contradicted <= kContradictionsTold)
    log::warning("replay: decision {} ({}) was not applied, a lock stands against it: {}", line.n,
                 line.kind, txn.contradiction_);
  return Status();
}

Status Writer::Core::store_seq(int64_t n, bool secrets) {
  const std::string text = std::to_string(n);
  if (n > applied_seq_) HOLDFAST_TRY(store_setting(*index_, "applied_seq", text));
  if (secrets) HOLDFAST_TRY(store_secret(*index_, "applied_seq", text));
  return Status();
}

bool Writer::Core::recover() {
  log::warning("writer: opening index and ledger anew");
  index_.reset();
  if (ledger_ != nullptr && ledger_->state() == LedgerState::kUnknown) ledger_.reset();
  Status opened;
  if (ledger_ == nullptr) opened = open_ledger();
  if (opened.ok()) opened = open_index();
  if (opened.ok()) opened = settle_logs();
  if (opened.ok()) opened = replay();
  if (!opened.ok()) {
    log::error("writer: {}", opened.error().message);
    return false;
  }
  recovering_ = false;
  if (options_.recovered) options_.recovered();
  return true;
}

// A sync of a log may have failed: what the kernel still shows of it need not be on the disk, and
// the next sync would not say so. All of it is written into the databases, they are synced, and the
// logs begin anew. While somebody reads by an old state of a log, that waits.
Status Writer::Core::settle_logs() {
  for (const char* schema : {"main", "secrets"}) {
    const Status settled = settle_log(schema);
    if (settled.ok()) continue;
    if (settled.error().code != Code::kNoSpace) return settled;
    log::warning("writer: the logs of the index wait for room: {}", settled.error().message);
  }
  return Status();
}

// SQLite tells a reader in the way by a row, not by an error.
Status Writer::Core::settle_log(const std::string& schema) {
  Statement statement = index_->prepare("PRAGMA " + schema + ".wal_checkpoint(TRUNCATE)");
  HOLDFAST_ASSIGN(row, statement.step());
  if (!row || statement.next<int64_t>() != 0)
    return Error{Code::kUnavailable, "write the log of " + schema +
                                         " into its database: a reader still needs what is in it"};
  return Status();
}

void Writer::Core::run(Items items) {
  // What uses the ledger comes between batches, in its turn.
  Items batch;
  for (auto& item : items) {
    if (!item->use && !item->use_index) {
      batch.push_back(std::move(item));
      continue;
    }
    if (!batch.empty()) run_batch(batch);
    batch.clear();
    if (item->use_index) {
      item->done(recovering_ || !index_
                     ? Status(Error{Code::kUnavailable, "the index is being recovered"})
                     : item->use_index(*index_));
      continue;
    }
    item->done(ledger_ == nullptr ? Status(Error{Code::kUnavailable, "the ledger is not open"})
                                  : item->use(*ledger_));
  }
  if (!batch.empty()) run_batch(batch);
}

void Writer::Core::run_batch(Items& items) {
  make_and_answer(items);
  is_forked_ = ledger_ && ledger_->state() == LedgerState::kForked;
  is_recovering_ = recovering_;
}

void Writer::Core::make_and_answer(Items& items) {
  if (options_.reserve != nullptr) options_.reserve->keep();  // before a recovery, too: it writes
  if (recovering_ && !recover()) {
    Batch refused;
    refused.outcome = Outcome::kRefused;
    refused.error = {Code::kUnavailable, "the index is being recovered; try again"};
    return answer(items, refused);
  }
  clock_.freeze();
  const Batch batch = make_durable(items);
  clock_.thaw();
  if (batch.outcome == Outcome::kCommitted) {
    ++batches_;
    return answer(items, batch);
  }
  log::error("writer: {}", batch.error.message);
  // A batch whose rollback failed would be the next one's beginning.
  const bool is_stuck = index_ && sqlite3_get_autocommit(index_->handle()) == 0;
  recovering_ =
      is_stuck || batch.outcome == Outcome::kUnknown || ledger_->state() == LedgerState::kUnknown;
  is_recovering_ = recovering_;  // before anybody comes again
  if (!recovering_) return retry_apart(items, batch);
  answer(items, batch);
  recover();
}

// A refused batch: some of it may go on without the rest, which is answered.
void Writer::Core::retry_apart(Items& items, const Batch& refused) {
  Items rest;
  Items concerned;
  const bool mirror_down = ledger_->state() == LedgerState::kBehind;
  for (auto& item : items) {
    // Access lines need no index. With the mirror down, what weakens is refused, and the rest has
    // the one durable place that it needs.
    const bool goes_on =
        (item->access && !refused.access_durable) || (mirror_down && !item->weakening);
    (goes_on ? rest : concerned).push_back(std::move(item));
  }
  if (concerned.empty()) return answer(rest, refused);  // nothing to set aside: it is no use
  answer(concerned, refused);
  if (!rest.empty()) run_batch(rest);
}

// begin → apply → append, fdatasync → decided → commit, with the mirror's sync beside it.
Writer::Core::Batch Writer::Core::make_durable(Items& items) {
  Batch batch;
  const auto refuse = [&](const Error& why) {
    batch.outcome = Outcome::kRefused;
    batch.error = why;
    ledger_->rollback();
    erase_notes(notes_);
    return batch;
  };
  notes_.clear();
  bool tell_secrets = false;
  std::optional<Transaction> transaction;
  const Status filled = fill(items, transaction, tell_secrets);
  const bool has_access = stage_access(items);
  if (!filled.ok()) return refuse(filled.error());
  const bool has_lines = staged_seq_ != applied_seq_;
  if (has_lines || has_access) {
    const Status decided = ledger_->begin_commit();
    if (!decided.ok()) ledger_->end_commit();
    if (!decided.ok()) return refuse(decided.error());
    ++syncs_;
    batch.access_durable = true;
  }
  Status committed;
  if (transaction && options_.before_commit) committed = options_.before_commit();
  if (transaction && committed.ok()) committed = transaction->commit();
  ledger_->end_commit();  // the mirror was synced beside the index
  if (!transaction) return batch;
  // Without lines, too: of a commit whose sync has failed the log may hold all the same.
  if (!committed.ok()) {
    batch.outcome = Outcome::kUnknown;
    batch.error = {Code::kUnavailable, "outcome unknown: " + committed.error().message};
    return batch;
  }
  ++syncs_;
  applied_seq_ = staged_seq_;
  if (tell_secrets) secrets_seq_ = staged_seq_;
  return batch;
}

// Gives whether there are any.
bool Writer::Core::stage_access(Items& items) {
  bool any = false;
  for (auto& item : items) {
    if (!item->access) continue;
    auto staged = ledger_->stage_access(*item->access);
    item->outcome = staged.ok() ? Status() : Status(staged.error());
    any = any || staged.ok();
  }
  return any;
}

// Begins and applies the commands, if there are any, and stages their lines.
Status Writer::Core::fill(Items& items, std::optional<Transaction>& transaction,
                          bool& tell_secrets) {
  staged_seq_ = applied_seq_;
  const bool has_commands =
      std::any_of(items.begin(), items.end(), [](const auto& item) { return bool(item->apply); });
  if (!has_commands) return Status();
  bool secrets_touched = false;
  for (const Undo undo : {Undo::kBatch, Undo::kCommand}) {
    HOLDFAST_ASSIGN(begun, Transaction::begin(*index_));
    transaction.emplace(std::move(begun));
    secrets_touched = false;
    HOLDFAST_ASSIGN(applied, apply_all(items, undo, secrets_touched));
    if (applied) break;
    transaction.reset();
    ledger_->rollback();
    erase_notes(notes_);
    staged_seq_ = applied_seq_;
  }
  if (staged_seq_ == applied_seq_) return Status();
  tell_secrets = secrets_touched || staged_seq_ - secrets_seq_ > kSecretsLag;
  return store_seq(staged_seq_, tell_secrets);
}

namespace {

// Why a batch fails that SQLite has rolled back: of its commands nobody is refused for a reason of
// his own.
Error rolled_back(const Status& outcome) {
  if (outcome.ok()) return Error{Code::kIo, "the index rolled a batch of changes back"};
  const Error& why = outcome.error();
  if (why.code == Code::kIo || why.code == Code::kNoSpace || why.code == Code::kUnavailable)
    return why;
  return Error{Code::kIo, "the index rolled a batch of changes back: " + why.message};
}

}  // namespace

Result<bool> Writer::Core::apply_all(Items& items, Undo undo, bool& secrets_touched) {
  for (auto& item : items) {
    if (!item->apply) continue;
    HOLDFAST_ASSIGN(applied, apply_one(*item, undo, secrets_touched));
    if (!applied) return false;
  }
  return true;
}

// A failing command is undone alone. One that has changed nothing needs no undoing, and that is
// nearly always so: commands look before they change. An error of this function fails the batch.
Result<bool> Writer::Core::apply_one(Item& item, Undo undo, bool& secrets_touched) {
  std::optional<Savepoint> savepoint;
  if (undo == Undo::kCommand) {
    HOLDFAST_ASSIGN(begun, Savepoint::begin(*index_));
    savepoint.emplace(std::move(begun));
  }
  const int64_t changes_before = sqlite3_total_changes64(index_->handle());
  WriteTxn txn(*index_, *ledger_, random_, clock_.now(), false, tombstone_key_);
  item.outcome = item.apply(txn);
  if (sqlite3_get_autocommit(index_->handle()) != 0) {
    // SQLite rolled the whole transaction back (no memory, no room, an I/O error), whatever the
    // command made of it: nobody's rows are there.
    erase_notes(txn.notes_);
    return rolled_back(item.outcome);
  }
  if (!item.outcome.ok()) {
    erase_notes(txn.notes_);
    if (savepoint) HOLDFAST_TRY(savepoint->undo());
    return savepoint || sqlite3_total_changes64(index_->handle()) == changes_before;
  }
  notes_.insert(notes_.end(), txn.notes_.begin(), txn.notes_.end());
  item.weakening = std::any_of(txn.lines_.begin(), txn.lines_.end(), [](const LineDraft& line) {
    return line.weight == Weight::kWeakening;
  });
  HOLDFAST_TRY(stage_all(txn.lines_));
  secrets_touched = secrets_touched || txn.secrets_touched_;
  if (savepoint) HOLDFAST_TRY(savepoint->release());
  return true;
}

// Nobody will ever know the names of notes whose lines did not come about, and they may be about
// people.
void Writer::Core::erase_notes(std::vector<std::string>& notes) {
  if (notes.empty()) return;
  // Both places are needed; bringing one back is not for a refusal to wait for.
  const LedgerState state = ledger_->state();
  if (state != LedgerState::kReady && state != LedgerState::kGap) {
    log::warning("writer: {} notes of what was not decided stay: a place of the ledger is away",
                 notes.size());
    return notes.clear();
  }
  for (const std::string& hash : std::exchange(notes, {}))
    if (const Status erased = ledger_->erase_note(hash); !erased.ok())
      log::warning("writer: note {} of what was not decided stays: {}", hash,
                   erased.error().message);
}

Status Writer::Core::stage_all(const std::vector<LineDraft>& lines) {
  for (const LineDraft& line : lines) {
    HOLDFAST_ASSIGN(n, ledger_->stage(line));
    staged_seq_ = n;
  }
  return Status();
}

void Writer::Core::answer(Items& items, const Batch& batch) {
  if (std::any_of(items.begin(), items.end(), [](const auto& item) { return bool(item->apply); }))
    ++changes_;
  for (auto& item : items) {
    const bool own = batch.outcome == Outcome::kCommitted || (item->access && batch.access_durable);
    const Status& outcome = own ? item->outcome : Status(batch.error);
    if (outcome.ok()) ++(item->access ? access_lines_ : commands_);
    item->done(outcome);
  }
}

void Writer::Core::close() {
  if (!recovering_ && index_ && secrets_seq_ < applied_seq_) {
    // A start after a clean stop has nothing to replay. Failing here costs that replay only.
    if (Status stored = store_secret(*index_, "applied_seq", std::to_string(applied_seq_));
        !stored.ok())
      log::warning("writer: {}", stored.error().message);
  }
  index_.reset();
  ledger_.reset();
}

WriterCounters Writer::Core::counters() const {
  WriterCounters out;
  out.commands = commands_;
  out.batches = batches_;
  out.syncs = syncs_;
  out.access_lines = access_lines_;
  return out;
}

}  // namespace holdfast
