// The order of a pack's entries is fixed, so the verifier is a walk over them:
//
//   bagit.txt → README.txt → payload* → manifest → bag-info → contents → tagmanifest → pad →
//   trailer → two zero blocks
//
// Each later file speaks about earlier ones and is compared when it is complete. The trailer's
// digest over all before it covers what no manifest does: headers, paddings and pad.
#include "tiers/pack/verifier.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/limits.h"
#include "io/digest.h"
#include "tiers/pack/bag.h"
#include "tiers/pack/contents.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/plan.h"
#include "tiers/pack/tar_stream.h"

namespace holdfast::pack {
namespace {

// The files beside the payload in their order; the payload stands before the manifest.
constexpr std::array<std::string_view, 8> kTagPaths = {
    "bagit.txt",    "holdfast/README.txt",     "manifest-sha256.txt",
    "bag-info.txt", "holdfast/contents.jsonl", "tagmanifest-sha256.txt",
    "holdfast/pad", "holdfast/trailer"};
constexpr size_t kManifest = 2;
constexpr size_t kBagInfo = 3;
constexpr size_t kContents = 4;
constexpr size_t kTagManifest = 5;
constexpr size_t kPad = 6;
// The trailer's own bytes and the two zero blocks: the digest over all before ends here.
constexpr size_t kHeldBytes = static_cast<size_t>(kPackEndBytes - kTarBlock);

Error disproven(const std::string& what) { return Error{Code::kCorrupt, "verify pack: " + what}; }

bool same_files(const std::vector<BagFile>& a, const std::vector<BagFile>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.path == y.path && x.sha256 == y.sha256;
  });
}

}  // namespace

class PackVerifier::State {
 public:
  State()
      : tar_(TarReceiver{[this](const TarMember& member) { return begin(member); },
                         [this](ByteSpan bytes) { return take_body(bytes); },
                         [this] { return end(); }}) {}

  Status push(ByteSpan bytes) {
    whole_.update(bytes);
    feed_before(bytes);
    return tar_.push(bytes);
  }

  Result<VerifiedPack> finish() {
    if (next_tag_ != kTagPaths.size() || !tar_.between_entries())
      return disproven("it ends early, after " + std::to_string(tar_.offset().count) + " bytes");
    if (tar_.end_zeros().count != 2 * kTarBlock || tar_.offset().count % kPackAlignment != 0)
      return disproven("it does not end with two zero blocks at a multiple of 256 KiB");
    HOLDFAST_ASSIGN(trailer, parse_trailer(as_bytes(text_)));
    HOLDFAST_TRY(check_trailer(trailer));
    return VerifiedPack{trailer, whole_.finish(), static_cast<int64_t>(payload_.size())};
  }

 private:
  // Keeps the last kHeldBytes back from the digest.
  void feed_before(ByteSpan bytes) {
    if (bytes.size() >= kHeldBytes) {
      before_.update(as_bytes(held_));
      before_.update(bytes.first(bytes.size() - kHeldBytes));
      held_ = as_text(bytes.last(kHeldBytes));
      return;
    }
    held_ += as_text(bytes);
    if (held_.size() <= kHeldBytes) return;
    size_t excess = held_.size() - kHeldBytes;
    before_.update(as_bytes(held_).first(excess));
    held_.erase(0, excess);
  }

  Status begin(const TarMember& member) {
    const std::string& path = member.entry.path;
    if (top_.empty()) {
      top_ = path.substr(0, path.find('/')) + "/";
      mtime_seconds_ = member.entry.mtime_seconds;
    }
    if (path.compare(0, top_.size(), top_) != 0 || member.entry.mtime_seconds != mtime_seconds_)
      return disproven(path + " does not belong here");
    path_ = path.substr(top_.size());
    text_.clear();
    digest_ = Sha256();
    if (next_tag_ < kTagPaths.size() && path_ == kTagPaths[next_tag_]) return begin_tag(member);
    if (next_tag_ != kManifest) return disproven(path + " is not what comes next");
    HOLDFAST_ASSIGN(payload, parse_payload_path(path));
    return begin_payload(member, payload);
  }

  Status begin_tag(const TarMember& member) {
    current_tag_ = next_tag_++;
    if (current_tag_ == kManifest) metadata_end_ = member.header_offset;
    if (current_tag_ == kContents) contents_offset_ = member.body_offset;
    if (current_tag_ != kPad && member.entry.size.count > limits::kPackContentsBytesMax)
      return disproven(path_ + " has " + std::to_string(member.entry.size.count) + " bytes");
    return Status();
  }

  Status begin_payload(const TarMember& member, const PayloadPath& path) {
    current_tag_ = kTagPaths.size();
    HOLDFAST_TRY(look_for_metadata(member, path.stored_name));
    for (Region& region : metadata_)
      if (region.begun) region.digest.update(as_bytes(member.header));
    ContentsLine line;
    line.path = path_;
    line.offset = member.body_offset;
    line.length = member.entry.size;
    payload_.push_back(std::move(line));
    payload_bytes_ += member.entry.size;
    return Status();
  }

  // The metadata region is, per part, metadata.json and recording.json. An original among the
  // audio may be called metadata.json.zst, but none recording.json: so the region begins with the
  // first recording.json or with the entry before it, and the trailer says which.
  Status look_for_metadata(const TarMember& member, std::string_view name) {
    bool metadata = name.substr(0, kMetadataName.size()) == kMetadataName;
    Region& before_recording = metadata_[0];
    Region& at_recording = metadata_[1];
    if (at_recording.begun)
      return metadata || name == kRecordingName
                 ? Status()
                 : Status(disproven(member.entry.path + " is behind the metadata"));
    if (name == kRecordingName) at_recording = Region{true, member.header_offset, Sha256()};
    if (name != kRecordingName) before_recording = Region{metadata, member.header_offset, Sha256()};
    return Status();
  }

  bool in_payload() const { return current_tag_ == kTagPaths.size(); }

  Status take_body(ByteSpan bytes) {
    digest_.update(bytes);
    if (in_payload()) {
      for (Region& region : metadata_)
        if (region.begun) region.digest.update(bytes);
      return Status();
    }
    if (current_tag_ != kPad) return text_ += as_text(bytes), Status();
    bool zero = std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == std::byte{0}; });
    return zero ? Status() : Status(disproven("the pad is not zero"));
  }

  Status end() {
    Digest digest = digest_.finish();
    if (in_payload()) {
      payload_.back().sha256 = digest;
      std::string zeros(static_cast<size_t>(tar_padding(payload_.back().length)), '\0');
      for (Region& region : metadata_)
        if (region.begun) region.digest.update(as_bytes(zeros));
      return Status();
    }
    if (current_tag_ < kTagManifest) tags_.push_back({path_, digest});
    if (current_tag_ == kManifest) return check_manifest();
    if (current_tag_ == kBagInfo) bag_info_ = text_;
    if (current_tag_ == kContents) return check_contents(digest);
    if (current_tag_ == kTagManifest) return check_tag_manifest();
    if (current_tag_ == 0 && text_ != bagit_txt()) return disproven("bagit.txt is not BagIt 1.0's");
    return Status();
  }

  Status check_manifest() {
    HOLDFAST_ASSIGN(files, parse_manifest(text_));
    std::vector<BagFile> present;
    for (const ContentsLine& line : payload_) present.push_back({line.path, line.sha256});
    if (same_files(files, present)) return Status();
    for (size_t i = 0; i < std::min(files.size(), present.size()); ++i)
      if (files[i].path != present[i].path || files[i].sha256 != present[i].sha256)
        return disproven(present[i].path + " differs from the manifest");
    return disproven("the manifest lists " + std::to_string(files.size()) + " files, there are " +
                     std::to_string(present.size()));
  }

  Status check_contents(const Digest& digest) {
    contents_sha256_ = digest;
    contents_length_ = Bytes(static_cast<int64_t>(text_.size()));
    HOLDFAST_ASSIGN(lines, parse_contents(text_));
    bool same = std::equal(lines.begin(), lines.end(), payload_.begin(), payload_.end(),
                           [](const ContentsLine& a, const ContentsLine& b) {
                             return a.path == b.path && a.offset == b.offset &&
                                    a.length == b.length && a.sha256 == b.sha256;
                           });
    return same ? Status() : Status(disproven("contents.jsonl differs from what is there"));
  }

  Status check_tag_manifest() {
    HOLDFAST_ASSIGN(files, parse_manifest(text_));
    return same_files(files, tags_) ? Status()
                                    : Status(disproven("a tag file differs from the tagmanifest"));
  }

  Status check_trailer(const Trailer& trailer) {
    before_.update(as_bytes(held_).first(held_.size() - kHeldBytes));
    if (before_.finish() != trailer.before_sha256)
      return disproven("the bytes before the trailer differ from their digest");
    if (trailer.pack_size != tar_.offset() || top_ != trailer.pack_id.text() + "/" ||
        mtime_seconds_ != trailer.sealed_at.count / 1000)
      return disproven("the trailer speaks of another pack");
    HOLDFAST_TRY(check_metadata(trailer));
    if (trailer.contents_offset != contents_offset_ ||
        trailer.contents_length != contents_length_ || trailer.contents_sha256 != contents_sha256_)
      return disproven("contents.jsonl is not what the trailer says");
    BagInfo info{trailer.pack_id, trailer.archive_id, trailer.sealed_at, payload_bytes_,
                 static_cast<int64_t>(payload_.size())};
    if (bag_info_ != bag_info_txt(info))
      return disproven("bag-info.txt differs from what is there");
    return Status();
  }

  Status check_metadata(const Trailer& trailer) {
    for (Region& region : metadata_) {
      if (!region.begun || region.offset != trailer.metadata_offset) continue;
      if (trailer.metadata_length.count == metadata_end_.count - region.offset.count &&
          trailer.metadata_sha256 == region.digest.finish())
        return Status();
    }
    return disproven("the metadata are not what the trailer says");
  }

  // What may be the metadata region; it ends where the manifest begins.
  struct Region {
    bool begun = false;
    Bytes offset;
    Sha256 digest;
  };

  Sha256 whole_;
  Sha256 before_;
  std::string held_;

  // Of the walk.
  std::string top_;  // "<pack_id>/"
  int64_t mtime_seconds_ = 0;
  size_t next_tag_ = 0;     // of kTagPaths
  size_t current_tag_ = 0;  // kTagPaths.size() in the payload
  std::string path_;        // of the current entry, below top_
  std::string text_;        // of the current tag file
  Sha256 digest_;

  // What was seen, to be compared with what is said.
  std::vector<ContentsLine> payload_;
  std::vector<BagFile> tags_;
  Bytes payload_bytes_;
  std::string bag_info_;
  std::array<Region, 2> metadata_;
  Bytes metadata_end_;
  Bytes contents_offset_;
  Bytes contents_length_;
  Digest contents_sha256_;

  TarStream tar_;
};

PackVerifier::PackVerifier() : state_(std::make_unique<State>()) {}
PackVerifier::~PackVerifier() = default;
PackVerifier::PackVerifier(PackVerifier&&) noexcept = default;
PackVerifier& PackVerifier::operator=(PackVerifier&&) noexcept = default;

Status PackVerifier::push(ByteSpan bytes) { return state_->push(bytes); }
Result<VerifiedPack> PackVerifier::finish() { return state_->finish(); }

}  // namespace holdfast::pack
