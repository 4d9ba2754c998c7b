#include "index/writer.h"

#include <fcntl.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <thread>

#include "base/bounded_queue.h"
#include "index/read/status.h"
#include "index/rows.h"
#include "index/writer_core.h"

namespace holdfast {
namespace {

// Numbers reserved by one command; what is left of a block at a stop is a gap.
constexpr int64_t kNumberBlock = 1024;

// A source for decisions that name nothing outside their line.
class NoSource final : public DecisionSource {
 public:
  Result<std::optional<IngestRow>> find_ingest(const RecordingId&, int) override {
    return std::optional<IngestRow>();
  }
  Result<std::optional<SealedPack>> find_pack(const PackId&, const MediumId&) override {
    return std::optional<SealedPack>();
  }
};

// Takes kNumberBlock numbers and gives the first.
Command<int64_t> reserve_numbers() {
  return {"reserve recording numbers", [](WriteTxn& txn) -> Result<int64_t> {
            Statement statement = txn.index().prepare(
                "INSERT INTO setting (name, value) VALUES ('recording_no_end', ?1) "
                "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + ?2 "
                "RETURNING CAST(value AS INTEGER)");
            statement.bind(std::to_string(kNumberBlock + 1), kNumberBlock);
            HOLDFAST_ASSIGN(row, statement.step());
            if (!row) return Error{Code::kCorrupt, "reserve recording numbers: no row"};
            const auto end = statement.next<int64_t>();
            HOLDFAST_TRY(statement.step());
            return end - kNumberBlock;
          }};
}

Result<Fd> duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return system_error(errno, "duplicate a descriptor of the ledger");
  return copy;
}

}  // namespace

Status WriteTxn::decide(LineDraft line, DecisionSource& source) {
  HOLDFAST_TRY(ledger_.accepts());
  if (line.weight == Weight::kWeakening) HOLDFAST_TRY(refuse_while_decisions_are_missing());
  // What could not be a line must not change a row.
  HOLDFAST_TRY(format_line(line, INT64_MAX, now_, Digest()));
  const Decision decided = {now_, line.kind, line.who, line.on.value_or(""), line.details};
  HOLDFAST_TRY(apply_decision(*this, decided, source));
  lines_.push_back(std::move(line));
  return Status();
}

// A missing line may be a hold. Where the index was brought up to date over the gap, that line is
// not in the rows even when it has come back since.
Status WriteTxn::refuse_while_decisions_are_missing() {
  HOLDFAST_ASSIGN(missed, find_setting(index_, kMissedDecisions));
  std::string where = missed.value_or("");
  for (const ChainGap& gap : ledger_.open_report().gaps)
    where += std::to_string(gap.after_n) + "-" + std::to_string(gap.before_n) + ",";
  // Start-up holds everything under the matter recovery before it lets anybody in.
  while (!where.empty()) {
    const size_t end = where.find(',');
    const std::string gap = where.substr(0, end);
    HOLDFAST_ASSIGN(covered, rows::is_covered_gap(index_, gap));
    if (!covered)
      return Error{Code::kUnavailable,
                   "decisions " + gap +
                       " are missing, and one of them may be a hold: nothing is released or "
                       "destroyed. Bring the segment back into ledger/decisions or its mirror and "
                       "start again" +
                       (missed ? "; the index was made without them: have it rebuilt" : "")};
    where.erase(0, end + 1);
  }
  return Status();
}

Status WriteTxn::decide(LineDraft line) {
  NoSource none;
  return decide(std::move(line), none);
}

Result<std::string> WriteTxn::write_note(std::string_view text) {
  if (text.empty()) return std::string();
  HOLDFAST_TRY(ledger_.accepts());  // else no line will ever name it
  HOLDFAST_ASSIGN(note, ledger_.write_note(random_, text));
  notes_.push_back(note.hash);
  HOLDFAST_TRY(
      index_.prepare("INSERT INTO note (hash, text) VALUES (?1, ?2)").bind(note.hash, text).run());
  return note.hash;
}

Result<std::optional<std::string>> WriteTxn::read_note(std::string_view hash) {
  if (hash.empty()) return std::optional<std::string>();
  {
    Statement statement = index_.prepare("SELECT text FROM note WHERE hash = ?1");
    statement.bind(hash);
    HOLDFAST_ASSIGN(found, statement.step());
    if (found) return statement.next<std::optional<std::string>>();
  }
  // The index is younger than the note: it takes it from the ledger, once.
  auto text = ledger_.read_note(hash);
  if (!text.ok() && text.error().code != Code::kNotFound) return text.error();
  std::optional<std::string> known;
  if (text.ok()) known = std::move(text).value();
  HOLDFAST_TRY(
      index_.prepare("INSERT INTO note (hash, text) VALUES (?1, ?2)").bind(hash, known).run());
  return known;
}

Status WriteTxn::erase_note(std::string_view hash) {
  if (hash.empty()) return Status();
  const Status erased = ledger_.erase_note(hash);
  if (!erased.ok() && erased.error().code != Code::kNotFound) return erased;
  return index_.prepare("UPDATE note SET text = NULL, erased_at = ?2 WHERE hash = ?1")
      .bind(hash, now_)
      .run();
}

Digest WriteTxn::tombstone(const WorkspaceId& workspace, std::string_view call_sid) const {
  // The workspace has a fixed length, so the two cannot run into each other.
  std::string message(as_text(workspace.bytes));
  message += call_sid;
  Digest mark;
  unsigned length = 0;
  HMAC(EVP_sha256(), tombstone_key_.data(), static_cast<int>(tombstone_key_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(mark.bytes.data()), &length);
  assert(length == mark.bytes.size());
  return mark;
}

// The thread, its queue and what is told to other threads.
struct Writer::Front {
  Front(WriterOptions options, const Clock& clock, Random& random, DecisionSource& source)
      : core(std::move(options), clock, random, source), queue(core.options().queue) {}

  static std::unique_ptr<Core::Item> item_of(Queued queued) {
    auto item = std::make_unique<Core::Item>();
    // The error of a command is told in its context.
    item->apply = [name = queued.name, apply = std::move(queued.apply)](WriteTxn& txn) -> Status {
      Status applied = apply(txn);
      if (!applied.ok()) return applied.error().within(name);
      return applied;
    };
    item->name = std::move(queued.name);
    item->done = std::move(queued.done);
    return item;
  }

  void take(std::unique_ptr<Core::Item> item, IfFull if_full) {
    // push() drops what it could not take, so that the answer is kept apart.
    Done done = item->done;
    const bool taken =
        if_full == IfFull::kWait ? queue.push(std::move(item)) : queue.try_push(item);
    if (taken) return;
    if (stopped) return done(has_stopped());
    done(Error{Code::kExhausted, "too many changes are waiting for the writer; try later"});
  }

  void take_all(std::vector<Queued> commands) {
    Core::Items items;
    std::vector<Done> answers;
    for (Queued& one : commands) {
      answers.push_back(one.done);
      items.push_back(item_of(std::move(one)));
    }
    if (queue.push_all(std::move(items))) return;
    for (const Done& answer : answers) answer(has_stopped());
  }

  static Error has_stopped() { return Error{Code::kUnavailable, "the writer has stopped"}; }

  void run() {
    for (;;) {
      Core::Items items = queue.pop_batch(core.options().batch);
      if (items.empty()) return core.close();
      core.run(std::move(items));
    }
  }

  Core core;
  BoundedQueue<std::unique_ptr<Core::Item>> queue;
  std::thread thread;
  std::atomic<bool> stopped{false};
  std::mutex stop_mutex;

  std::mutex numbers_mutex;
  int64_t next_number = 0;
  int64_t numbers_end = 0;
};

Writer::Writer(std::unique_ptr<Front> front) : front_(std::move(front)) {}

Result<std::unique_ptr<Writer>> Writer::start(WriterOptions options, const Clock& clock,
                                              Random& random, DecisionSource& source) {
  auto front = std::make_unique<Front>(std::move(options), clock, random, source);
  HOLDFAST_TRY(front->core.open());
  Front* running = front.get();
  running->thread = std::thread([running] { running->run(); });
  return std::unique_ptr<Writer>(new Writer(std::move(front)));
}

Writer::~Writer() { stop(); }

void Writer::stop() {
  std::lock_guard lock(front_->stop_mutex);
  front_->stopped = true;
  front_->queue.close();
  if (front_->thread.joinable()) front_->thread.join();
}

void Writer::enqueue(Queued queued, IfFull if_full) {
  front_->take(Front::item_of(std::move(queued)), if_full);
}

void Writer::enqueue_all(std::vector<Queued> queued) { front_->take_all(std::move(queued)); }

void Writer::submit_access(LineDraft line, std::function<void(Status)> done) {
  auto item = std::make_unique<Core::Item>();
  item->name = "access";
  item->access = std::move(line);
  item->done = std::move(done);
  front_->take(std::move(item), IfFull::kRefuse);
}

Status Writer::call_access(LineDraft line) {
  auto promise = std::make_shared<std::promise<Status>>();
  std::future<Status> future = promise->get_future();
  auto item = std::make_unique<Core::Item>();
  item->name = "access";
  item->access = std::move(line);
  item->done = [promise](Status outcome) { promise->set_value(std::move(outcome)); };
  front_->take(std::move(item), IfFull::kWait);
  return future.get();
}

void Writer::probe(std::function<void()> answered) {
  auto item = std::make_unique<Core::Item>();
  item->name = "probe";
  item->use = [](Ledger&) { return Status(); };
  item->done = [answered = std::move(answered)](const Status& outcome) {
    if (outcome.ok() || outcome.error().code != Code::kExhausted) answered();
  };
  front_->take(std::move(item), IfFull::kRefuse);
}

Status Writer::use_ledger(std::function<Status(Ledger&)> use) {
  auto promise = std::make_shared<std::promise<Status>>();
  std::future<Status> future = promise->get_future();
  auto item = std::make_unique<Core::Item>();
  item->name = "use the ledger";
  item->use = std::move(use);
  item->done = [promise](Status outcome) { promise->set_value(std::move(outcome)); };
  front_->take(std::move(item), IfFull::kWait);
  return future.get();
}

Status Writer::use_index(std::function<Status(Database&)> use) {
  auto promise = std::make_shared<std::promise<Status>>();
  std::future<Status> future = promise->get_future();
  auto item = std::make_unique<Core::Item>();
  item->name = "use the index";
  item->use_index = std::move(use);
  item->done = [promise](Status outcome) { promise->set_value(std::move(outcome)); };
  front_->take(std::move(item), IfFull::kWait);
  return future.get();
}

Result<LedgerView> Writer::view_ledger() {
  LedgerView view;
  HOLDFAST_TRY(use_ledger([&view](Ledger& ledger) -> Status {
    HOLDFAST_ASSIGN(decisions, duplicate(ledger.decisions_fd()));
    HOLDFAST_ASSIGN(access, duplicate(ledger.access_fd()));
    view.decisions = std::move(decisions);
    view.access = std::move(access);
    view.decisions_end = ledger.decisions_end();
    view.access_end = ledger.access_end();
    view.state = ledger.state();
    return Status();
  }));
  return view;
}

Result<int> Writer::drop_access_before(UnixMillis before) {
  int dropped = 0;
  HOLDFAST_TRY(use_ledger([&dropped, before](Ledger& ledger) -> Status {
    HOLDFAST_ASSIGN(segments, ledger.drop_access_before(before));
    dropped = segments;
    return Status();
  }));
  return dropped;
}

Result<RecordingNo> Writer::next_recording_no() {
  std::lock_guard lock(front_->numbers_mutex);
  if (front_->next_number == front_->numbers_end) {
    HOLDFAST_ASSIGN(first, call(reserve_numbers()));
    front_->next_number = first;
    front_->numbers_end = first + kNumberBlock;
  }
  return RecordingNo(front_->next_number++);
}

const AgreementReport& Writer::agreement() const { return front_->core.agreement(); }

WriterCounters Writer::counters() const { return front_->core.counters(); }

bool Writer::is_forked() const { return front_->core.is_forked(); }

bool Writer::is_recovering() const { return front_->core.is_recovering(); }

uint64_t Writer::changes() const { return front_->core.changes(); }

}  // namespace holdfast
