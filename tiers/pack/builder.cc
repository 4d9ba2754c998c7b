// Stage 1: encodes every member into scratch files and lays the pack out.
//
// The position only grows: an entry is placed when its size is known, so that all that is behind
// it may speak of its offset.
#include <fcntl.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include "base/limits.h"
#include "tiers/pack/bag.h"
#include "tiers/pack/contents.h"
#include "tiers/pack/encoders.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/readme.h"
#include "tiers/pack/tar.h"
#include "tiers/pack/trailer.h"
#include "tiers/pack/writer.h"

namespace holdfast::pack {
namespace {

Error invalid(const std::string& what) { return Error{Code::kInvalid, "plan of a pack: " + what}; }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Status check_part(const PlannedPart& part) {
  std::string id = part.recording_id.text() + "." + std::to_string(part.part);
  if (part.part < 1 || part.part > limits::kPartsMax) return invalid("part number of " + id);
  if (part.files.size() > static_cast<size_t>(limits::kFilesPerPartMax))
    return invalid("too many files in " + id);
  if (part.recording_json.empty() ||
      part.recording_json.size() > static_cast<size_t>(limits::kMetadataBytesMax))
    return invalid("size of recording.json of " + id);
  std::set<std::string_view> names;
  for (const PlannedFile& file : part.files) {
    if (!is_file_name(file.name) || file.name == kRecordingName || ends_with(file.name, ".head") ||
        ends_with(file.name, ".tail"))
      return invalid("file name \"" + file.name + "\" in " + id);
    if (!names.insert(file.name).second) return invalid("two files " + file.name + " in " + id);
    int64_t most = file.name == kMetadataName ? limits::kMetadataBytesMax : limits::kFileBytesMax;
    if (file.size.count < 0 || file.size.count > most)
      return invalid("size of " + file.name + " in " + id);
    if (!file.open) return invalid("no way to open " + file.name + " in " + id);
  }
  return Status();
}

Status check_plan(const PackPlan& plan) {
  if (plan.parts.empty() || plan.parts.size() > static_cast<size_t>(limits::kPackMembersMax))
    return invalid(std::to_string(plan.parts.size()) + " members");
  if (plan.sealed_at.count < 0) return invalid("sealed before 1970");
  std::set<std::pair<RecordingId, int>> members;
  for (const PlannedPart& part : plan.parts) {
    HOLDFAST_TRY(check_part(part));
    if (!members.insert({part.recording_id, part.part}).second)
      return invalid("two members " + part.recording_id.text() + "." + std::to_string(part.part));
  }
  return Status();
}

// A file without a name, so that nothing is left behind by a crash.
Result<Fd> open_scratch(Io& io, int directory_fd, const PackId& pack) {
  Result<Fd> unnamed = io.open(directory_fd, ".", O_TMPFILE | O_RDWR, 0600);
  if (unnamed.ok() || unnamed.error().system_errno != EOPNOTSUPP) return unnamed;
  // Some file systems have no O_TMPFILE: a name that is removed at once does the same.
  std::string name = ".scratch-" + pack.text();
  Status removed = io.unlink(directory_fd, name);  // of a crash in between
  if (!removed.ok() && removed.error().code != Code::kNotFound) return std::move(removed).error();
  HOLDFAST_ASSIGN(named, io.open(directory_fd, name, O_RDWR | O_CREAT | O_EXCL, 0600));
  HOLDFAST_TRY(io.unlink(directory_fd, name));
  return Result<Fd>(std::move(named));
}

}  // namespace

class PackBuilder {
 public:
  PackBuilder(Io& io, PackPlan plan, const BuildOptions& options)
      : io_(io), plan_(std::move(plan)), options_(options) {}

  Result<BuiltPack> run(int scratch_directory_fd) {
    HOLDFAST_TRY(check_plan(plan_));
    pack_.pack_id_ = plan_.pack_id;
    pack_.archive_id_ = plan_.archive_id;
    pack_.sealed_at_ = plan_.sealed_at;
    HOLDFAST_TRY(encode(scratch_directory_fd));

    HOLDFAST_TRY(add_tag("bagit.txt", bagit_txt()));
    HOLDFAST_TRY(add_tag("holdfast/README.txt", readme_txt()));
    for (const PlannedPart& part : plan_.parts) HOLDFAST_TRY(add_audio(part));
    pack_.metadata_offset_ = position_;
    for (size_t i = 0; i < plan_.parts.size(); ++i)
      HOLDFAST_TRY(add_metadata(plan_.parts[i], pack_.parts_[i]));
    pack_.metadata_length_ = Bytes(position_.count - pack_.metadata_offset_.count);
    HOLDFAST_TRY(add_tag("manifest-sha256.txt", manifest_txt(payload_)));
    HOLDFAST_TRY(add_tag("bag-info.txt",
                         bag_info_txt({plan_.pack_id, plan_.archive_id, plan_.sealed_at,
                                       payload_bytes_, static_cast<int64_t>(payload_.size())})));
    HOLDFAST_ASSIGN(contents_offset, add_tag_at("holdfast/contents.jsonl", contents_));
    pack_.contents_offset_ = contents_offset;
    HOLDFAST_ASSIGN(tag_manifest, place(text_entry("tagmanifest-sha256.txt", manifest_txt(tags_))));
    static_cast<void>(tag_manifest);
    HOLDFAST_TRY(add_end());
    return std::move(pack_);
  }

 private:
  using Entry = BuiltPack::Entry;

  static Entry text_entry(std::string path, std::string text) {
    Entry entry;
    entry.path = std::move(path);
    entry.text = std::move(text);
    return entry;
  }

  // Puts an entry at the current position and gives the offset of its body.
  Result<Bytes> place(Entry entry) {
    if (entry.body == Entry::Body::kText) {
      entry.size = Bytes(static_cast<int64_t>(entry.text.size()));
      entry.sha256 = sha256(entry.text);
    }
    HOLDFAST_ASSIGN(header, pack_.header_of(entry));
    Bytes body = position_ + Bytes(static_cast<int64_t>(header.size()));
    position_ = body + entry.size + Bytes(tar_padding(entry.size));
    pack_.entries_.push_back(std::move(entry));
    return body;
  }

  Result<Bytes> add_tag_at(std::string path, std::string text) {
    tags_.push_back({path, sha256(text)});
    return place(text_entry(std::move(path), std::move(text)));
  }
  Status add_tag(std::string path, std::string text) {
    Result<Bytes> placed = add_tag_at(std::move(path), std::move(text));
    return placed.ok() ? Status() : Status(std::move(placed).error());
  }

  Status add_payload(Entry entry, ContentsLine line) {
    line.path = entry.path;
    HOLDFAST_ASSIGN(offset, place(std::move(entry)));
    const Entry& placed = pack_.entries_.back();
    line.offset = offset;
    line.length = placed.size;
    line.sha256 = placed.sha256;
    contents_ += render(line);
    payload_.push_back({placed.path, placed.sha256});
    payload_bytes_ += placed.size;
    return Status();
  }

  // Encodes every file of the plan, in the order of the plan's parts.
  Status encode(int scratch_directory_fd) {
    struct Job {
      const PlannedPart* part;
      const PlannedFile* file;
    };
    std::vector<Job> jobs;
    for (const PlannedPart& part : plan_.parts)
      for (const PlannedFile& file : part.files) jobs.push_back({&part, &file});
    for (int i = 0; i < options_.encoders; ++i) {
      HOLDFAST_ASSIGN(scratch, open_scratch(io_, scratch_directory_fd, plan_.pack_id));
      pack_.scratches_.push_back(std::move(scratch));
    }
    const auto one = [this, &jobs](size_t job, Io& io, FileEncoder& encoder) {
      return encode_file(io, encoder, *jobs[job].part, *jobs[job].file);
    };
    HOLDFAST_ASSIGN(files, encode_all(io_, pack_.scratches_, jobs.size(), one));
    for (size_t i = 0; i < jobs.size(); ++i) encoded_.emplace(jobs[i].file, std::move(files[i]));
    return Status();
  }

  // Thread rule: by several encoders at a time; changes nothing of the builder.
  Result<std::vector<EncodedPiece>> encode_file(Io& io, FileEncoder& encoder,
                                                const PlannedPart& part,
                                                const PlannedFile& file) const {
    if (options_.before_each_file) HOLDFAST_TRY(options_.before_each_file());
    const auto is_name = [&part](std::string_view name) {
      return name == kRecordingName ||
             std::any_of(part.files.begin(), part.files.end(),
                         [name](const PlannedFile& other) { return other.name == name; });
    };
    AudioClaims claims;
    if (file.name != kMetadataName) {
      HOLDFAST_ASSIGN(claimed, claims_of(io, part));
      claims = std::move(claimed);
    }
    Result<std::vector<EncodedPiece>> pieces = encoder.encode(file, claims, is_name);
    if (!pieces.ok()) return pieces.error().within(told(part, file.name));
    return pieces;
  }

  Result<StoredFile> add_file(const PlannedPart& part, const PlannedFile& file) {
    EncodedFile& encoded = encoded_.at(&file);
    StoredFile stored{file.name, Codec::kStored, Bytes(0)};
    for (EncodedPiece& piece : encoded.pieces) {
      Entry entry;
      entry.path = part_directory(part.recording_id, part.part) + piece.piece.stored_name;
      entry.body = Entry::Body::kScratch;
      entry.size = piece.length;
      entry.scratch = encoded.scratch;
      entry.scratch_offset = piece.scratch_offset;
      entry.sha256 = piece.sha256;
      ContentsLine line;
      line.original = file.name;
      line.codec = piece.piece.codec;
      line.piece = piece.piece.piece;
      line.form = piece.form;
      HOLDFAST_TRY(add_payload(std::move(entry), std::move(line)));
      stored.stored_bytes += piece.length;
      if (piece.piece.codec != Codec::kStored) stored.codec = piece.piece.codec;
    }
    return stored;
  }

  Status add_audio(const PlannedPart& part) {
    StoredPart stored;
    stored.recording_id = part.recording_id;
    stored.part = part.part;
    stored.offset = position_;
    stored.files.resize(part.files.size());
    for (size_t i = 0; i < part.files.size(); ++i) {
      if (part.files[i].name == kMetadataName) continue;
      HOLDFAST_ASSIGN(file, add_file(part, part.files[i]));
      stored.files[i] = std::move(file);
    }
    stored.length = Bytes(position_.count - stored.offset.count);
    pack_.parts_.push_back(std::move(stored));
    return Status();
  }

  Status add_metadata(const PlannedPart& part, StoredPart& stored) {
    stored.metadata_offset = position_;
    for (size_t i = 0; i < part.files.size(); ++i) {
      if (part.files[i].name != kMetadataName) continue;
      HOLDFAST_ASSIGN(file, add_file(part, part.files[i]));
      stored.files[i] = std::move(file);
    }
    Entry entry;
    entry.path = part_directory(part.recording_id, part.part) + std::string(kRecordingName);
    entry.text = part.recording_json;
    ContentsLine line;
    line.original = std::string(kRecordingName);
    HOLDFAST_TRY(add_payload(std::move(entry), std::move(line)));
    stored.metadata_length = Bytes(position_.count - stored.metadata_offset.count);
    return Status();
  }

  // What metadata.json says about the audio. Its digest is checked when it is encoded.
  Result<AudioClaims> claims_of(Io& io, const PlannedPart& part) const {
    auto file = std::find_if(part.files.begin(), part.files.end(),
                             [](const PlannedFile& f) { return f.name == kMetadataName; });
    if (file == part.files.end()) return AudioClaims();
    Result<Fd> source = file->open(io);
    if (!source.ok()) return source.error().within(told(part, file->name));
    std::string text(static_cast<size_t>(file->size.count), '\0');
    Status read =
        io.read_exactly(source->get(), Bytes(0),
                        MutableByteSpan(reinterpret_cast<std::byte*>(text.data()), text.size()));
    if (!read.ok()) return read.error().within(told(part, file->name));
    return read_audio_claims(text);
  }

  Status add_end() {
    Bytes filled = position_ + Bytes(kTarBlock + kPackEndBytes);
    Entry pad;
    pad.path = "holdfast/pad";
    pad.body = Entry::Body::kZeros;
    pad.size = Bytes((kPackAlignment - filled.count % kPackAlignment) % kPackAlignment);
    HOLDFAST_ASSIGN(pad_body, place(std::move(pad)));
    Entry trailer;
    trailer.path = "holdfast/trailer";
    trailer.body = Entry::Body::kTrailer;
    trailer.size = Bytes(kTrailerBytes);
    HOLDFAST_ASSIGN(trailer_body, place(std::move(trailer)));
    pack_.size_ = position_ + Bytes(2 * kTarBlock);
    if (pack_.size_.count % kPackAlignment != 0 || pad_body.count % kTarBlock != 0 ||
        trailer_body.count != pack_.size_.count - kPackEndBytes + kTarBlock)
      return invalid("its end has no place for the trailer");
    return Status();
  }

  std::string told(const PlannedPart& part, const std::string& file) const {
    return "pack " + plan_.pack_id.text() + ", recording " + part.recording_id.text() + "." +
           std::to_string(part.part) + ", " + file;
  }

  Io& io_;
  const PackPlan plan_;
  const BuildOptions& options_;
  BuiltPack pack_;
  std::map<const PlannedFile*, EncodedFile> encoded_;
  Bytes position_;
  std::vector<BagFile> payload_;
  std::vector<BagFile> tags_;
  Bytes payload_bytes_;
  std::string contents_;
};

Result<BuiltPack> build_pack(Io& io, PackPlan plan, int scratch_directory_fd,
                             const BuildOptions& options) {
  assert(options.encoders >= 1);
  return PackBuilder(io, std::move(plan), options).run(scratch_directory_fd);
}

}  // namespace holdfast::pack
