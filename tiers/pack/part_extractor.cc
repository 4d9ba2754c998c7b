#include "tiers/pack/part_extractor.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "io/digest.h"
#include "tiers/pack/codec.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/plan.h"
#include "tiers/pack/tar_stream.h"

namespace holdfast::pack {
namespace {

constexpr size_t kGathered = size_t{256} << 10;  // of an original, before it is handed on

// Which piece of which original a stored name is.
struct NamedPiece {
  std::string original;
  Piece piece = Piece::kWhole;
  Codec codec = Codec::kStored;
};

// A name of the part stands for itself: encoded names that would be one are never given
// (collides in codec.h).
std::optional<NamedPiece> piece_named(const std::string& stored,
                                      const std::set<std::string>& names) {
  if (names.count(stored) > 0) return NamedPiece{stored, Piece::kWhole, Codec::kStored};
  struct Suffix {
    std::string_view text;
    Piece piece;
    Codec codec;
  };
  static constexpr Suffix kSuffixes[] = {{".zst", Piece::kWhole, Codec::kZstd},
                                         {".head", Piece::kHead, Codec::kStored},
                                         {".flac", Piece::kSamples, Codec::kFlac},
                                         {".tail", Piece::kTail, Codec::kStored}};
  for (const Suffix& suffix : kSuffixes) {
    if (stored.size() <= suffix.text.size()) continue;
    std::string base = stored.substr(0, stored.size() - suffix.text.size());
    if (base + std::string(suffix.text) == stored && names.count(base) > 0)
      return NamedPiece{base, suffix.piece, suffix.codec};
  }
  return std::nullopt;
}

}  // namespace

class PartExtractor::State {
 public:
  State(RecordingId recording, int part, std::vector<std::string> names,
        std::vector<ExpectedFile> wanted, FileReceiver receiver)
      : recording_(recording),
        part_(part),
        names_(names.begin(), names.end()),
        wanted_(std::move(wanted)),
        receiver_(std::move(receiver)),
        done_(wanted_.size(), false) {
    names_.insert(std::string(kRecordingName));
    restart();
  }

  Status push(ByteSpan bytes) { return told(tar_->push(bytes)); }

  Status end_range() {
    if (!tar_->between_entries() || tar_->end_zeros().count > 0)
      return told(Error{Code::kCorrupt, "the range does not end with an entry"});
    HOLDFAST_TRY(told(finish_file()));
    restart();
    return Status();
  }

  Status finish() {
    HOLDFAST_TRY(end_range());
    for (size_t i = 0; i < wanted_.size(); ++i)
      if (!done_[i]) return told(Error{Code::kCorrupt, wanted_[i].name + " is not there"});
    return Status();
  }

 private:
  void restart() {
    TarReceiver receiver;
    receiver.begin = [this](const TarMember& member) { return begin_piece(member.entry); };
    receiver.body = [this](ByteSpan bytes) { return decoder_ ? decoder_->write(bytes) : Status(); };
    receiver.end = [this] {
      if (!decoder_) return Status();
      Status finished = decoder_->finish();
      decoder_.reset();
      return finished;
    };
    tar_.emplace(std::move(receiver));
  }

  Status begin_piece(const TarEntry& entry) {
    HOLDFAST_ASSIGN(path, parse_payload_path(entry.path));
    if (path.recording_id != recording_ || path.part != part_)
      return Error{Code::kCorrupt, entry.path + " belongs to another part"};
    std::optional<NamedPiece> named = piece_named(path.stored_name, names_);
    if (!named)
      return Error{Code::kCorrupt, entry.path + " is no file that this part is known to have"};
    if (named->original != open_name_) {
      HOLDFAST_TRY(finish_file());
      open_name_ = named->original;
      last_piece_.reset();
      HOLDFAST_TRY(begin_file());
    }
    if (last_piece_ && (*last_piece_ == Piece::kWhole || named->piece <= *last_piece_))
      return Error{Code::kCorrupt, entry.path + " is out of order"};
    last_piece_ = named->piece;
    if (!open_file_) return Status();  // not wanted: its bytes are passed over
    HOLDFAST_ASSIGN(decoder, make_decoder(named->codec,
                                          [this](ByteSpan bytes) { return take_original(bytes); }));
    decoder_ = std::move(decoder);
    return Status();
  }

  Status begin_file() {
    for (size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i].name != open_name_) continue;
      if (done_[i]) return Error{Code::kCorrupt, open_name_ + " is there twice"};
      open_file_ = i;
      length_ = Bytes(0);
      return receiver_.begin(wanted_[i]);
    }
    return Status();
  }

  Status take_original(ByteSpan bytes) {
    const ExpectedFile& file = wanted_[*open_file_];
    length_ += Bytes(static_cast<int64_t>(bytes.size()));
    // A lying stream must not fill the disk before its digest is looked at.
    if (length_ > file.size) return Error{Code::kCorrupt, file.name + " is longer than it was"};
    // Decoders give a frame or a few KiB at a time: as many writes would cost more than they carry.
    gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
    return gathered_.size() < kGathered ? Status() : hand_on_gathered();
  }

  Status hand_on_gathered() {
    if (gathered_.empty()) return Status();
    digest_.update(gathered_);
    Status handed = receiver_.write(gathered_);
    gathered_.clear();
    return handed;
  }

  Status finish_file() {
    open_name_.clear();
    if (!open_file_) return Status();
    size_t index = *std::exchange(open_file_, std::nullopt);
    const ExpectedFile& file = wanted_[index];
    HOLDFAST_TRY(hand_on_gathered());
    Digest digest = digest_.finish();
    if (length_ != file.size || digest != file.sha256)
      return Error{Code::kCorrupt, file.name + " differs from its size or SHA-256"};
    done_[index] = true;
    return receiver_.end(file);
  }

  Status told(Status status) const {
    if (status.ok()) return status;
    return status.error().within("extract recording " + recording_.text() + "." +
                                 std::to_string(part_));
  }

  const RecordingId recording_;
  const int part_;
  std::set<std::string> names_;
  const std::vector<ExpectedFile> wanted_;
  const FileReceiver receiver_;
  std::vector<bool> done_;

  std::optional<TarStream> tar_;
  std::string open_name_;            // the original whose pieces are coming; empty before the first
  std::optional<size_t> open_file_;  // its place in wanted_; nothing when it is passed over
  std::optional<Piece> last_piece_;
  std::unique_ptr<ByteTransform> decoder_;
  Sha256 digest_;
  Bytes length_;
  std::vector<std::byte> gathered_;  // of the open file, not handed on yet
};

PartExtractor::PartExtractor(RecordingId recording, int part, std::vector<std::string> names,
                             std::vector<ExpectedFile> wanted, FileReceiver receiver)
    : state_(std::make_unique<State>(recording, part, std::move(names), std::move(wanted),
                                     std::move(receiver))) {}
PartExtractor::~PartExtractor() = default;
PartExtractor::PartExtractor(PartExtractor&&) noexcept = default;
PartExtractor& PartExtractor::operator=(PartExtractor&&) noexcept = default;

Status PartExtractor::push(ByteSpan bytes) { return state_->push(bytes); }
Status PartExtractor::end_range() { return state_->end_range(); }
Status PartExtractor::finish() { return state_->finish(); }

}  // namespace holdfast::pack
