#include "ledger/reader.h"

#include <algorithm>

#include "base/time_text.h"
#include "ledger/link.h"
#include "ledger/segment.h"

namespace holdfast {
namespace {

Result<std::optional<Void>> void_at_start(Io& io, Segment& segment) {
  HOLDFAST_ASSIGN(text, segment.first_line(io));
  if (!text) return std::optional<Void>();
  const Result<Line> line = parse_line(*text);
  if (!line.ok()) return std::optional<Void>();  // whoever reads that segment will say so
  return void_of(*line);
}

// A segment and how much of it a reader may see; nothing when it has been removed.
struct View {
  Segment segment;
  Bytes limit;
};

Result<std::optional<View>> view_of(Io& io, int dir_fd, int64_t first_n,
                                    const std::optional<DurableEnd>& end) {
  if (end && first_n > end->segment) return std::optional<View>();
  Result<Segment> segment = Segment::open(io, dir_fd, first_n);
  if (!segment.ok() && segment.error().code == Code::kNotFound) return std::optional<View>();
  if (!segment.ok()) return segment.error();
  View view{std::move(segment).value(), Bytes(0)};
  view.limit = view.segment.size();
  if (end && first_n == end->segment) {
    view.limit = std::min(view.limit, end->bytes);
    return std::optional(std::move(view));
  }
  if (view.segment.compressed()) return std::optional(std::move(view));  // cut when it was sealed
  HOLDFAST_ASSIGN(voided, void_after(io, dir_fd, first_n));
  if (voided) view.limit = std::min(view.limit, voided->offset);
  return std::optional(std::move(view));
}

// Whether a segment whose first line is of `time` may hold lines of the range:
// all lines of a segment are of one UTC day.
bool may_hold(UnixMillis time, const ReadOptions& options) {
  if (options.since && day_of(time) < day_of(*options.since)) return false;
  return !options.until || time.count < options.until->count;
}

Result<bool> is_of_interest(Io& io, View& view, const ReadOptions& options) {
  if (!options.since && !options.until) return true;
  HOLDFAST_ASSIGN(text, view.segment.first_line(io));
  if (!text) return false;
  const Result<Line> line = parse_line(*text);
  if (!line.ok()) return true;  // reading it will say where
  return may_hold(line->t, options);
}

class ChainReading {
 public:
  ChainReading(Io& io, int dir_fd, const ReadOptions& options, const LineVisitor& visit)
      : io_(io), dir_fd_(dir_fd), options_(options), visit_(visit) {}

  Status run() {
    HOLDFAST_ASSIGN(segments, list_segments(io_, dir_fd_));
    keep_range(segments);
    if (newest_first()) std::reverse(segments.begin(), segments.end());
    for (const int64_t first_n : segments) {
      HOLDFAST_ASSIGN(view, view_of(io_, dir_fd_, first_n, options_.end));
      if (!view) continue;
      HOLDFAST_ASSIGN(wanted, is_of_interest(io_, *view, options_));
      if (!wanted) continue;
      HOLDFAST_ASSIGN(go_on, newest_first() ? backward(*view) : forward(*view));
      if (!go_on) break;
    }
    return {};
  }

 private:
  bool newest_first() const { return options_.order == ReadOptions::Order::kNewestFirst; }

  // Drops the segments that the numbers asked for cannot lie in.
  void keep_range(std::vector<int64_t>& segments) const {
    if (options_.to_n)
      std::erase_if(segments, [&](int64_t first_n) { return first_n > *options_.to_n; });
    if (!options_.from_n) return;
    const auto after = std::upper_bound(segments.begin(), segments.end(), *options_.from_n);
    if (after - segments.begin() > 1) segments.erase(segments.begin(), after - 1);
  }

  Result<bool> forward(View& view) {
    for (Bytes at(0); at < view.limit;) {
      HOLDFAST_ASSIGN(piece, view.segment.piece_at(io_, at, view.limit));
      if (piece.text.empty()) return true;  // torn: the writer has not come to its end
      HOLDFAST_ASSIGN(go_on, each_line_of(piece, [&](Bytes offset, std::string_view text) {
                        return pass(view, offset, text);
                      }));
      if (!go_on) return false;
      at = piece.end();
    }
    return true;
  }

  Result<bool> backward(View& view) {
    HOLDFAST_ASSIGN(end, view.segment.end_of_lines(io_, view.limit));
    while (end.count > 0) {
      HOLDFAST_ASSIGN(piece, view.segment.piece_before(io_, end));
      std::vector<std::pair<Bytes, std::string_view>> lines;
      HOLDFAST_ASSIGN(whole, each_line_of(piece, [&](Bytes offset, std::string_view text) {
                        lines.emplace_back(offset, text);
                        return Result<bool>(true);
                      }));
      static_cast<void>(whole);
      for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        HOLDFAST_ASSIGN(go_on, pass(view, line->first, line->second));
        if (!go_on) return false;
      }
      end = piece.offset;
    }
    return true;
  }

  Result<bool> pass(const View& view, Bytes offset, std::string_view text) {
    Result<Line> line = parse_line(text);
    if (!line.ok())
      return line.error().within(segment_name(view.segment.first_n(), view.segment.compressed()) +
                                 " at byte " + std::to_string(offset.count));
    if (options_.from_n && line->n < *options_.from_n) return !newest_first();
    if (options_.to_n && line->n > *options_.to_n) return newest_first();
    if (options_.end && line->n > options_.end->last_n) return newest_first();
    if (options_.since && line->t < *options_.since) return true;
    if (options_.until && line->t >= *options_.until) return true;
    return visit_(*line);
  }

  Io& io_;
  const int dir_fd_;
  const ReadOptions& options_;
  const LineVisitor& visit_;
};

// The state of verify_chain: one pass over all segments.
class Verification {
 public:
  Verification(Io& io, int dir_fd, const LineVisitor& visit, const std::optional<DurableEnd>& end)
      : io_(io), dir_fd_(dir_fd), visit_(visit), end_(end) {}

  Result<ChainReport> run() {
    HOLDFAST_ASSIGN(segments, list_segments(io_, dir_fd_));
    for (const int64_t first_n : segments) {
      HOLDFAST_ASSIGN(view, view_of(io_, dir_fd_, first_n, end_));
      if (!view) continue;
      ++report_.segments;
      HOLDFAST_ASSIGN(go_on, verify(*view, first_n == segments.back()));
      if (!go_on) break;
    }
    report_.last_n = links_.last_n();
    report_.head = links_.head();
    return report_;
  }

 private:
  Result<bool> verify(View& view, bool is_last) {
    Bytes at(0);
    while (at < view.limit) {
      Result<Segment::Piece> piece = view.segment.piece_at(io_, at, view.limit);
      if (!piece.ok() && piece.error().code == Code::kCorrupt)
        return broken(view, at, piece.error().message);
      if (!piece.ok()) return piece.error();
      if (piece->text.empty()) break;
      HOLDFAST_ASSIGN(go_on, each_line_of(*piece, [&](Bytes offset, std::string_view text) {
                        return check(view, offset, text);
                      }));
      if (!go_on) return false;
      at = piece->end();
    }
    if (at == view.limit) return true;
    if (!is_last) return broken(view, at, "the segment ends within a line");
    report_.torn = Bytes(view.limit.count - at.count);
    return true;
  }

  Result<bool> check(const View& view, Bytes offset, std::string_view text) {
    const Result<Line> line = parse_line(text);
    if (!line.ok()) return broken(view, offset, line.error().message);
    const int64_t after = links_.last_n();
    const LinkChecker::Verdict verdict =
        links_.check(*line, view.segment.first_n(), offset.count == 0);
    if (verdict == LinkChecker::Verdict::kBroken) return broken(view, offset, links_.reason());
    if (verdict == LinkChecker::Verdict::kGap) report_.gaps.push_back(ChainGap{after, line->n});
    if (report_.lines++ == 0) report_.first_n = line->n;
    if (line->kind == kVoidKind) ++report_.voids;
    if (!visit_) return true;
    return visit_(*line);
  }

  bool broken(const View& view, Bytes offset, std::string reason) {
    report_.broken = ChainReport::Broken{view.segment.first_n(), offset, std::move(reason)};
    return false;
  }

  Io& io_;
  const int dir_fd_;
  const LineVisitor& visit_;
  const std::optional<DurableEnd>& end_;
  LinkChecker links_;
  ChainReport report_;
};

}  // namespace

Result<std::optional<Void>> void_after(Io& io, int dir_fd, int64_t first_n) {
  HOLDFAST_ASSIGN(segments, list_segments(io, dir_fd));
  const auto next = std::upper_bound(segments.begin(), segments.end(), first_n);
  if (next == segments.end()) return std::optional<Void>();
  Result<Segment> segment = Segment::open(io, dir_fd, *next);
  if (!segment.ok() && segment.error().code == Code::kNotFound) return std::optional<Void>();
  if (!segment.ok()) return segment.error();
  HOLDFAST_ASSIGN(voided, void_at_start(io, *segment));
  if (voided && voided->segment != first_n) voided.reset();
  return voided;
}

Status read_chain(Io& io, int dir_fd, const ReadOptions& options, const LineVisitor& visit) {
  return ChainReading(io, dir_fd, options, visit).run();
}

Result<ChainReport> verify_chain(Io& io, int dir_fd, const LineVisitor& visit,
                                 const std::optional<DurableEnd>& end) {
  return Verification(io, dir_fd, visit, end).run();
}

}  // namespace holdfast
