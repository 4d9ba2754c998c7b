#include "ledger/chain.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/time_text.h"
#include "io/text_file.h"
#include "io/tree.h"
#include "ledger/link.h"

namespace holdfast {
namespace {

constexpr mode_t kSegmentMode = 0640;

Bytes length_of(std::string_view text) { return Bytes(static_cast<int64_t>(text.size())); }

// Whether what follows the first line that does not fit can be the rest of one
// batch that was never durable: lines of one batch share their time. Anything
// else is damage to lines that counted, and cutting it would lose decisions.
Result<bool> is_torn_batch(Io& io, Segment& segment, Bytes from, Bytes limit) {
  std::set<int64_t> times;
  for (Bytes at = from; at < limit && times.size() < 2;) {
    HOLDFAST_ASSIGN(piece, segment.piece_at(io, at, limit));
    if (piece.text.empty()) break;
    HOLDFAST_ASSIGN(whole, each_line_of(piece, [&](Bytes, std::string_view text) -> Result<bool> {
                      if (const Result<Line> line = parse_line(text); line.ok())
                        times.insert(line->t.count);
                      return times.size() < 2;
                    }));
    static_cast<void>(whole);
    at = piece.end();
  }
  return times.size() < 2;
}

struct Scan {
  Bytes valid;      // the end of the last line that fits
  UnixMillis time;  // of the first line
  std::string broken;
};

// Reads the lines of a plain segment up to `limit` as long as they fit.
Result<Scan> scan_segment(Io& io, Segment& segment, Bytes limit, LinkChecker& links,
                          std::vector<ChainGap>& gaps) {
  Scan scan;
  bool more = true;
  while (more && scan.valid < limit) {
    HOLDFAST_ASSIGN(piece, segment.piece_at(io, scan.valid, limit));
    if (piece.text.empty()) break;
    HOLDFAST_ASSIGN(
        whole, each_line_of(piece, [&](Bytes offset, std::string_view text) -> Result<bool> {
          const bool first = offset.count == 0;
          const Result<Line> line = parse_line(text);
          const int64_t after = links.last_n();
          const LinkChecker::Verdict verdict = line.ok()
                                                   ? links.check(*line, segment.first_n(), first)
                                                   : LinkChecker::Verdict::kBroken;
          if (verdict == LinkChecker::Verdict::kBroken) {
            scan.broken = line.ok() ? links.reason() : line.error().message;
            return false;
          }
          if (verdict == LinkChecker::Verdict::kGap) gaps.push_back(ChainGap{after, line->n});
          if (first) scan.time = line->t;
          scan.valid = offset + length_of(text) + Bytes(1);
          return true;
        }));
    more = whole;
  }
  return scan;
}

}  // namespace

Chain::Chain(Io& io, Fd directory, ChainOptions options)
    : io_(io), directory_(std::move(directory)), options_(std::move(options)) {}

Chain::~Chain() = default;

Result<std::unique_ptr<Chain>> Chain::open(Io& io, Fd directory, ChainOptions options) {
  std::unique_ptr<Chain> chain(new Chain(io, std::move(directory), std::move(options)));
  if (Status status = chain->recover(); !status.ok())
    return status.error().within("open " + chain->options_.name);
  // What cannot be compressed now stays readable as it is.
  if (Status status = chain->compress_sealed(); !status.ok())
    log::warning("{}: sealed segments stay uncompressed: {}", chain->options_.name,
                 status.error().message);
  return chain;
}

Status Chain::recover() {
  HOLDFAST_ASSIGN(segments, list_segments(io_, directory_.get()));
  while (!segments.empty()) {
    HOLDFAST_ASSIGN(last, Segment::open(io_, directory_.get(), segments.back()));
    if (last.compressed()) return recover_sealed(segments);
    segments.pop_back();
    HOLDFAST_TRY(recover_sealed(segments));
    HOLDFAST_ASSIGN(has_lines, recover_last(last));
    if (has_lines) return {};
  }
  return recover_sealed({});
}

// Learns where the sealed segments end, from what they say of themselves, and
// whether they follow each other. Their lines are checked by verify_chain.
Status Chain::recover_sealed(const std::vector<int64_t>& segments) {
  last_n_ = 0;
  head_ = Digest();
  set_end(0, Bytes(0));
  report_.gaps.clear();
  sealed_.clear();
  for (const int64_t first_n : segments) {
    HOLDFAST_ASSIGN(segment, Segment::open(io_, directory_.get(), first_n));
    if (first_n != last_n_ + 1 && (last_n_ != 0 || options_.kept_whole)) {
      HOLDFAST_ASSIGN(text, segment.first_line(io_));
      Result<Line> line = text ? parse_line(*text) : Result<Line>(Error{Code::kCorrupt, "empty"});
      if (!line.ok()) return line.error().within(segment_name(first_n, segment.compressed()));
      HOLDFAST_ASSIGN(voided, void_of(*line));
      if (!voided || voided->from != last_n_ + 1)
        report_.gaps.push_back(ChainGap{last_n_, first_n});
    }
    Bytes end = segment.size();
    if (segment.compressed()) {
      last_n_ = segment.summary().last_n;
      head_ = segment.summary().head;
    } else {
      // Its sealing was interrupted: how much of it counts is said by the next.
      HOLDFAST_ASSIGN(voided, void_after(io_, directory_.get(), first_n));
      LinkChecker links;
      std::vector<ChainGap> ignored;  // looked for above
      const Bytes limit = voided ? std::min(end, voided->offset) : end;
      HOLDFAST_ASSIGN(scan, scan_segment(io_, segment, limit, links, ignored));
      if (scan.valid != limit)
        return Error{Code::kCorrupt, segment_name(first_n, false) + " at byte " +
                                         std::to_string(scan.valid.count) + ": " + scan.broken};
      sealed_.push_back(Sealed{first_n, scan.valid});
      end = scan.valid;
      if (scan.valid.count == 0) continue;
      last_n_ = links.last_n();
      head_ = links.head();
    }
    set_end(first_n, end);
  }
  return {};
}

// False when the segment has no line that counts: it is removed, and the one
// before it is the last.
Result<bool> Chain::recover_last(Segment& segment) {
  const int64_t first_n = segment.first_n();
  std::optional<Void> voided;
  if (options_.other_directory >= 0) {
    HOLDFAST_ASSIGN(other, void_after(io_, options_.other_directory, first_n));
    voided = other;
  }
  const Bytes limit = voided ? std::min(segment.size(), voided->offset) : segment.size();
  const bool begins = last_n_ == 0 && !options_.kept_whole;
  LinkChecker links = begins ? LinkChecker() : LinkChecker(last_n_, head_);
  HOLDFAST_ASSIGN(scan, scan_segment(io_, segment, limit, links, report_.gaps));
  HOLDFAST_ASSIGN(torn, is_torn_batch(io_, segment, scan.valid, limit));
  if (!torn)
    return Error{Code::kCorrupt, segment_name(first_n, false) + " at byte " +
                                     std::to_string(scan.valid.count) + ": " + scan.broken};
  report_.torn += Bytes(segment.size().count - scan.valid.count);
  if (scan.valid.count == 0) {
    HOLDFAST_TRY(unlink_durably(io_, directory_.get(), segment_name(first_n, false)));
    return false;
  }
  HOLDFAST_TRY(settle(segment, scan.valid));
  last_n_ = links.last_n();
  head_ = links.head();
  active_first_ = first_n;
  active_bytes_ = scan.valid;
  active_time_ = scan.time;
  set_end(first_n, scan.valid);
  return true;
}

// Rewrites the valid lines of the last segment, so that they are on the disk for
// sure, and opens it for appending.
Status Chain::settle(Segment& segment, Bytes valid) {
  PublishOptions options;
  options.mode = kSegmentMode;
  options.if_exists = IfExists::kReplace;
  options.size = valid;
  const std::string name = segment_name(segment.first_n(), false);
  const Result<Published> published =
      publish_file(io_, directory_.get(), name, options, [&](const ByteSink& sink) -> Status {
        for (Bytes at(0); at < valid;) {
          HOLDFAST_ASSIGN(piece, segment.piece_at(io_, at, valid));
          HOLDFAST_TRY(sink(as_bytes(piece.text)));
          at = piece.end();
        }
        return {};
      });
  if (!published.ok()) return published.error();
  HOLDFAST_ASSIGN(fd, io_.open(directory_.get(), name, O_WRONLY));
  active_ = std::move(fd);
  return {};
}

bool Chain::roll_due(const Batch& batch) const {
  if (!active_) return true;
  if (day_of(batch.time()) != day_of(active_time_)) return true;
  return active_bytes_ + length_of(batch.text()) > options_.segment_bytes_max;
}

Status Chain::append(const Batch& batch, bool roll) {
  HOLDFAST_TRY(check_not_failed());
  const auto write_and_sync = [&]() -> Status {
    const bool begin = roll || !active_;
    if (begin) HOLDFAST_TRY(begin_segment(batch));
    HOLDFAST_TRY(write(batch));
    HOLDFAST_TRY(io_.sync_data(active_.get(), segment_name(active_first_, false)));
    if (begin) HOLDFAST_TRY(sync_directory(io_, directory_.get(), options_.name));
    return {};
  };
  return appended(batch, write_and_sync());
}

Status Chain::begin_append(const Batch& batch) {
  HOLDFAST_TRY(check_not_failed());
  if (Status written = write(batch); !written.ok()) return appended(batch, std::move(written));
  syncing_.emplace(io_);
  syncing_->add_data(active_.get(), segment_name(active_first_, false));
  return {};
}

Status Chain::end_append(const Batch& batch) {
  Status synced = syncing_->wait();
  syncing_.reset();
  return appended(batch, std::move(synced));
}

Status Chain::check_not_failed() const {
  if (!failed_) return {};
  return Error{Code::kUnavailable, "append to " + options_.name + ": an earlier append failed"};
}

Status Chain::appended(const Batch& batch, Status outcome) {
  if (outcome.ok()) {
    active_bytes_ += length_of(batch.text());
    last_n_ = batch.last_n();
    head_ = batch.head();
    set_end(active_first_, active_bytes_);
    return {};
  }
  // From here on the file is only read: see the file comment.
  active_.reset();
  failed_ = Failed{active_first_, active_bytes_};
  return outcome.error().within("append to " + options_.name);
}

Status Chain::begin_segment(const Batch& batch) {
  if (active_) seal_active(active_bytes_);
  active_first_ = batch.first_n();
  active_bytes_ = Bytes(0);
  active_time_ = batch.time();
  HOLDFAST_ASSIGN(fd, io_.open(directory_.get(), segment_name(active_first_, false),
                               O_WRONLY | O_CREAT | O_EXCL, kSegmentMode));
  active_ = std::move(fd);
  return {};
}

Status Chain::write(const Batch& batch) {
  return io_.write_all(active_.get(), active_bytes_, as_bytes(batch.text()));
}

void Chain::seal_active(Bytes valid) {
  sealed_.push_back(Sealed{active_first_, valid});
  active_.reset();
}

Void Chain::void_for(const Batch& batch) const {
  Void result;
  result.segment = failed_ ? failed_->segment : active_first_;
  result.offset = failed_ ? failed_->offset : active_bytes_;
  result.from = batch.first_n();
  result.to = batch.last_n();
  return result;
}

Status Chain::begin_voiding(const Batch& batch, const Void& voided) {
  PublishOptions options;
  options.mode = kSegmentMode;
  const std::string name = segment_name(batch.first_n(), false);
  if (!failed_) failed_ = Failed{active_first_, active_bytes_};
  active_.reset();
  HOLDFAST_TRY(publish_text(io_, directory_.get(), name, batch.text(), options));
  HOLDFAST_ASSIGN(fd, io_.open(directory_.get(), name, O_WRONLY));
  const bool is_voided = active_first_ == voided.segment;
  if (active_first_ != 0)
    sealed_.push_back(Sealed{active_first_, is_voided ? voided.offset : active_bytes_});
  active_ = std::move(fd);
  active_first_ = batch.first_n();
  active_bytes_ = length_of(batch.text());
  active_time_ = batch.time();
  failed_.reset();
  last_n_ = batch.last_n();
  head_ = batch.head();
  set_end(active_first_, active_bytes_);
  return {};
}

Status Chain::compress_sealed() {
  while (!sealed_.empty()) {
    const Sealed sealed = sealed_.front();
    HOLDFAST_TRY(compress_segment(io_, directory_.get(), sealed.first_n, sealed.valid));
    sealed_.erase(sealed_.begin());
  }
  return {};
}

Result<int> Chain::drop_before(UnixMillis before) {
  HOLDFAST_ASSIGN(segments, list_segments(io_, directory_.get()));
  int dropped = 0;
  for (const int64_t first_n : segments) {
    if (first_n == end().segment) break;
    HOLDFAST_ASSIGN(segment, Segment::open(io_, directory_.get(), first_n));
    HOLDFAST_ASSIGN(text, segment.first_line(io_));
    if (!text) break;
    HOLDFAST_ASSIGN(line, parse_line(*text));
    // All its lines are of one day; that day must have passed wholly.
    if (day_of(line.t) >= day_of(before)) break;
    const Status removed =
        unlink_durably(io_, directory_.get(), segment_name(first_n, segment.compressed()));
    if (!removed.ok()) return removed.error();
    std::erase_if(sealed_, [&](const Sealed& sealed) { return sealed.first_n == first_n; });
    ++dropped;
  }
  return dropped;
}

DurableEnd Chain::end() const {
  std::lock_guard lock(end_mutex_);
  return end_;
}

void Chain::set_end(int64_t segment, Bytes bytes) {
  std::lock_guard lock(end_mutex_);
  end_ = DurableEnd{segment, bytes, last_n_};
}

}  // namespace holdfast
