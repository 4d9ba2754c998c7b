// Main and mirror: opening them, finding out whether one is a prefix of the
// other, and bringing the one that is behind up to date.
//
// The two places hold the same segments, byte for byte. A chain is linked by
// digests: if the last line of one is a line of the other, all before agree too.
#include <fcntl.h>

#include <algorithm>

#include "base/log.h"
#include "io/publish.h"
#include "io/tree.h"
#include "ledger/place.h"

namespace holdfast {
namespace {

constexpr mode_t kDirectoryMode = 0750;

// Opens a directory by path; made when its parent is there.
Result<Fd> open_or_make_root(Io& io, const std::string& path) {
  Result<Fd> root = io.open_root(path);
  if (root.ok() || root.error().code != Code::kNotFound) return root;
  const size_t end = path.find_last_not_of('/');
  const SplitPath split = split_path(std::string_view(path).substr(0, end + 1));
  HOLDFAST_ASSIGN(parent, open_or_make_root(io, split.parent.empty() ? "/" : split.parent));
  return make_directories_beneath(io, parent.get(), split.name, kDirectoryMode);
}

// Publishes segment `first_n` of `from` in `to`, as far as it counts and is durable.
Status copy_segment(Io& io, int from, int to, int64_t first_n, const DurableEnd& end) {
  HOLDFAST_ASSIGN(segment, Segment::open(io, from, first_n));
  const bool compressed = segment.compressed();
  Bytes length = segment.size();
  if (!compressed) {
    HOLDFAST_ASSIGN(voided, void_after(io, from, first_n));
    if (voided) length = std::min(length, voided->offset);
    if (first_n == end.segment) length = std::min(length, end.bytes);
  }
  const std::string name = segment_name(first_n, compressed);
  HOLDFAST_ASSIGN(fd, io.open(from, name, O_RDONLY));
  if (compressed) {
    HOLDFAST_ASSIGN(status, status_of(fd.get(), name));
    length = Bytes(status.st_size);
  }
  PublishOptions options;
  options.if_exists = IfExists::kReplace;
  options.size = length;
  const Result<Published> published = publish_file(
      io, to, name, options,
      [&](const ByteSink& sink) { return read_through(io, fd.get(), Bytes(0), length, sink); });
  if (!published.ok()) return published.error();
  if (!compressed) return {};
  const Status removed = unlink_durably(io, to, segment_name(first_n, false));
  return !removed.ok() && removed.error().code != Code::kNotFound ? removed : Status();
}

Result<bool> is_compressed_in(Io& io, int dir_fd, int64_t first_n) {
  Result<Segment> segment = Segment::open(io, dir_fd, first_n);
  if (segment.ok()) return segment->compressed();
  if (segment.error().code == Code::kNotFound) return false;
  return segment.error();
}

Result<std::vector<std::string>> note_names(Io& io, int dir_fd) {
  std::vector<std::string> names;
  HOLDFAST_ASSIGN(entries, list_directory(io, dir_fd));
  for (DirectoryEntry& entry : entries)
    if (!is_temporary_name(entry.name)) names.push_back(std::move(entry.name));
  return names;
}

// Publishes the files of `from` that `to` has not.
Status copy_missing(Io& io, int from, int to) {
  HOLDFAST_ASSIGN(have, note_names(io, to));
  HOLDFAST_ASSIGN(all, note_names(io, from));
  for (const std::string& name : all) {
    if (std::binary_search(have.begin(), have.end(), name)) continue;
    HOLDFAST_ASSIGN(fd, io.open(from, name, O_RDONLY | O_NONBLOCK));
    HOLDFAST_ASSIGN(status, status_of(fd.get(), name));
    PublishOptions options;
    options.size = Bytes(status.st_size);
    const Result<Published> published =
        publish_file(io, to, name, options, [&](const ByteSink& sink) {
          return read_through(io, fd.get(), Bytes(0), *options.size, sink);
        });
    if (!published.ok()) return published.error();
  }
  return {};
}

}  // namespace

// The main directory is opened once: readers in other threads know it by its
// descriptor. The mirror may have been mounted since, so it is opened anew.
Status Ledger::open_directories(Place& place) {
  const bool is_mirror = &place == mirror_.get();
  if (!is_mirror && place.root) return {};
  HOLDFAST_ASSIGN(root, open_or_make_root(io_, place.path));
  if (is_mirror && !options_.mirror_same_device) {
    HOLDFAST_ASSIGN(here, status_of(root.get(), place.path));
    HOLDFAST_ASSIGN(there, status_of(main_->root.get(), main_->path));
    if (here.st_dev == there.st_dev)
      return Error{Code::kInvalid, "the mirror " + place.path + " is on the same device as " +
                                       main_->path + " (mirror_same_device allows it)"};
  }
  HOLDFAST_ASSIGN(decisions, make_directories_beneath(io_, root.get(), "decisions"));
  HOLDFAST_ASSIGN(notes, make_directories_beneath(io_, root.get(), "notes"));
  place.decisions = std::move(decisions);
  place.notes = std::move(notes);
  place.root = std::move(root);
  return {};
}

Status Ledger::open_chain(Place& place, const Place& other) {
  HOLDFAST_ASSIGN(directory, io_.duplicate(place.decisions));
  ChainOptions options;
  options.segment_bytes_max = options_.segment_bytes_max;
  options.name = place.name;
  options.kept_whole = true;
  options.other_directory = other.decisions ? other.decisions.get() : -1;
  HOLDFAST_ASSIGN(chain, Chain::open(io_, std::move(directory), options));
  place.chain = std::move(chain);
  place.down.clear();
  return {};
}

Status Ledger::open_places() {
  HOLDFAST_TRY(open_directories(*main_));
  Status mirror = open_directories(*mirror_);
  if (!mirror.ok() && mirror.error().code == Code::kInvalid) return mirror;
  HOLDFAST_TRY(open_chain(*main_, *mirror_));
  report_.torn_decisions = main_->chain->report().torn;
  if (mirror.ok()) mirror = open_chain(*mirror_, *main_);
  if (mirror.ok()) {
    report_.torn_mirror = mirror_->chain->report().torn;
    mirror = agree_at_start();
  }
  if (!main_->up()) return mirror;  // it was behind and could not be completed
  if (!mirror.ok()) {
    put_down(*mirror_, mirror.error());
    report_.mirror_down = mirror.error().message;
  }
  report_.gaps = main_->chain->report().gaps;
  return {};
}

void Ledger::put_down(Place& place, const Error& reason) {
  place.chain.reset();
  place.down = reason.message;
  last_try_ = clock_.monotonic();
  log::error("ledger: {} is down: {}", place.name, reason.message);
}

// Whether the last line of `behind` is a line of `ahead`.
Result<bool> Ledger::is_prefix(const Place& behind, const Place& ahead) {
  const int64_t n = behind.chain->last_n();
  if (n == 0) return true;
  if (n == ahead.chain->last_n()) return behind.chain->head() == ahead.chain->head();
  ReadOptions options;
  options.from_n = options.to_n = n;
  options.end = ahead.chain->end();
  bool found = false;
  HOLDFAST_TRY(read_chain(io_, ahead.decisions.get(), options, [&](const Line& line) {
    found = line.n == n && line.digest == behind.chain->head();
    return Result<bool>(false);
  }));
  return found;
}

// After an error main is usable without the mirror if it is still up.
Status Ledger::agree_at_start() {
  const int64_t main_n = main_->chain->last_n();
  const int64_t mirror_n = mirror_->chain->last_n();
  Place& behind = main_n < mirror_n ? *main_ : *mirror_;
  Place& ahead = main_n < mirror_n ? *mirror_ : *main_;
  HOLDFAST_ASSIGN(agree, is_prefix(behind, ahead));
  if (!agree) {
    report_.fork = "line " + std::to_string(behind.chain->last_n()) + " of " + behind.name +
                   " is not a line of " + ahead.name;
    log::error("ledger: fork: {}", report_.fork);
    return {};
  }
  if (main_n != mirror_n) {
    HOLDFAST_TRY(complete(behind, ahead));
    int64_t& count =
        main_n < mirror_n ? report_.lines_completed_in_main : report_.lines_completed_in_mirror;
    count = std::max(main_n, mirror_n) - std::min(main_n, mirror_n);
  }
  HOLDFAST_TRY(heal(*main_, *mirror_));
  HOLDFAST_TRY(heal(*mirror_, *main_));
  return complete_notes();
}

// Copies the segments of `ahead` from the one where `behind` ends, then opens
// `behind` anew, which verifies what was copied.
Status Ledger::complete(Place& behind, Place& ahead) {
  const int64_t last_n = behind.chain->last_n();
  const DurableEnd end = ahead.chain->end();
  behind.chain.reset();
  HOLDFAST_ASSIGN(segments, list_segments(io_, ahead.decisions.get()));
  const auto after = std::upper_bound(segments.begin(), segments.end(), last_n);
  if (after - segments.begin() > 1) segments.erase(segments.begin(), after - 1);
  for (const int64_t first_n : segments) {
    if (first_n > end.segment) break;
    HOLDFAST_ASSIGN(whole, is_compressed_in(io_, behind.decisions.get(), first_n));
    if (whole) continue;  // sealed there: it has all of it
    HOLDFAST_TRY(copy_segment(io_, ahead.decisions.get(), behind.decisions.get(), first_n, end));
  }
  HOLDFAST_TRY(open_chain(behind, ahead));
  if (behind.chain->head() == ahead.chain->head()) return {};
  behind.chain.reset();
  return Error{Code::kCorrupt, "complete " + behind.name + " from " + ahead.name +
                                   ": they still differ after line " + std::to_string(last_n)};
}

// Segments that are missing in the midst of `place` are brought back from `other`. Opening the
// chain anew verifies them; if they do not fit, they go again and the gap stays.
Status Ledger::heal(Place& place, Place& other) {
  if (place.chain->report().gaps.empty()) return {};
  const DurableEnd end = other.chain->end();
  HOLDFAST_ASSIGN(have, list_segments(io_, place.decisions.get()));
  HOLDFAST_ASSIGN(all, list_segments(io_, other.decisions.get()));
  std::vector<int64_t> missing;
  for (const int64_t first_n : all)
    if (first_n <= end.segment && !std::binary_search(have.begin(), have.end(), first_n))
      missing.push_back(first_n);
  if (missing.empty()) return {};
  place.chain.reset();
  for (const int64_t first_n : missing)
    HOLDFAST_TRY(copy_segment(io_, other.decisions.get(), place.decisions.get(), first_n, end));
  if (const Status fits = open_chain(place, other); !fits.ok()) {
    log::error("ledger: segments of {} do not heal {}: {}", other.name, place.name,
               fits.error().message);
    for (const int64_t first_n : missing)
      for (const bool compressed : {false, true})
        if (Status gone =
                unlink_durably(io_, place.decisions.get(), segment_name(first_n, compressed));
            !gone.ok() && gone.error().code != Code::kNotFound)
          return gone;
    return open_chain(place, other);
  }
  log::warning("ledger: {} segments that {} had lost were brought back from {}", missing.size(),
               place.name, other.name);
  report_.segments_healed += static_cast<int64_t>(missing.size());
  return {};
}

// A note that one place lacks is copied from the other; what was erased is in neither.
Status Ledger::complete_notes() {
  if (!main_->up() || !mirror_->up()) return {};
  HOLDFAST_TRY(copy_missing(io_, main_->notes.get(), mirror_->notes.get()));
  return copy_missing(io_, mirror_->notes.get(), main_->notes.get());
}

// Opens a place that is down and completes it from the other. It may not be
// ahead: the other has gone on, and the index with it.
Status Ledger::restore(Place& place, Place& other) {
  const auto bring_back = [&]() -> Status {
    if (!other.up()) return Error{Code::kUnavailable, "neither place of the ledger is there"};
    HOLDFAST_TRY(open_directories(place));
    HOLDFAST_TRY(open_chain(place, other));
    HOLDFAST_ASSIGN(prefix, is_prefix(place, other));
    if (!prefix || place.chain->last_n() > other.chain->last_n())
      return Error{Code::kConflict, place.name + " has lines that " + other.name + " has not"};
    if (place.chain->last_n() != other.chain->last_n()) HOLDFAST_TRY(complete(place, other));
    return complete_notes();
  };
  const Status status = bring_back();
  if (!status.ok())
    put_down(place, status.error());
  else
    log::info("ledger: {} is up to date again", place.name);
  return status;
}

Status Ledger::tend() {
  if (unknown_ || !report_.fork.empty()) return accepts();
  if (!main_->up()) HOLDFAST_TRY(restore(*main_, *mirror_));
  if (!mirror_->up()) HOLDFAST_TRY(restore(*mirror_, *main_));
  set_ends();
  return {};
}

}  // namespace holdfast
