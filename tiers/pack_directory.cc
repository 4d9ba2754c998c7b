#include "tiers/pack_directory.h"

#include <algorithm>
#include <vector>

#include "io/tree.h"
#include "tiers/pack_file.h"

namespace holdfast {
namespace {

// Two characters of base32 spread a million packs over a thousand directories.
PackLocation location_of(const PackId& pack) {
  const std::string text = pack.text();
  return "packs/" + text.substr(0, 2) + "/" + text + ".tar";
}

constexpr size_t kIdBegin = 9;  // behind "packs/ab/"

// The pack that a location speaks of; kInvalid for a location that we never gave.
Result<PackId> pack_at(const PackLocation& location) {
  if (location.size() > kIdBegin + kIdLength) {
    const Result<PackId> pack = PackId::from_text(location.substr(kIdBegin, kIdLength));
    if (pack.ok() && location_of(*pack) == location) return *pack;
  }
  return Error{Code::kInvalid, "\"" + location + "\" is no place of a pack in a directory"};
}

// Where a repaired pack is written before it takes its place.
std::string beside_of(const PackLocation& location) {
  return location.substr(0, kIdBegin) + "repair-" + location.substr(kIdBegin);
}

class PackDirectorySession final : public PackSession {
 public:
  explicit PackDirectorySession(MediumRoot& root) : root_(root) {}

  Result<PackLocation> append(Io& io, const PackId& pack, Bytes size,
                              const PackSource& source) override {
    const PackLocation location = location_of(pack);
    HOLDFAST_TRY(append_pack_file(io, root_, location, size, source));
    return location;
  }

  Status read(Io& io, const PackLocation& location, const std::vector<PackRange>& ranges,
              const RangeSink& sink) override {
    HOLDFAST_TRY(pack_at(location));
    return read_pack_file(io, root_, location, ranges, sink);
  }

  Result<VerifyMode> verify(Io& io, const PackLocation& location, Bytes size,
                            const Digest& digest) override {
    HOLDFAST_TRY(pack_at(location));
    return verify_pack_file(io, root_, location, size, digest);
  }

  // The list passes over what is written beside: its name is no pack's.
  Result<ReplacedPack> replace(Io& io, const PackLocation& bad, Bytes size, const Digest& digest,
                               const PackSource& source, const PackRepairPermit& permit) override {
    HOLDFAST_ASSIGN(pack, pack_at(bad));
    if (permit.medium() != root_.medium() || permit.pack() != pack)
      return Error{Code::kInvalid,
                   "repair " + bad + ": the permit speaks of another pack or medium"};
    HOLDFAST_ASSIGN(mode, replace_pack_file(io, root_, bad, beside_of(bad), size, digest, source));
    return ReplacedPack{bad, mode};
  }

  // By directory, so that what is held in memory is a 1,024th of all.
  Status list(Io& io, const std::function<Status(const ShownPack&)>& see) override {
    HOLDFAST_ASSIGN(root, root_.checked(io));
    const Result<Fd> packs = open_directory_beneath(io, root->get(), "packs");
    if (!packs.ok() && packs.error().code == Code::kNotFound) return {};
    if (!packs.ok()) return packs.error();
    HOLDFAST_ASSIGN(shelves, list_directory(io, packs->get()));
    for (const DirectoryEntry& shelf : shelves) {
      if (shelf.type != DT_DIR) continue;
      HOLDFAST_ASSIGN(directory, open_directory_beneath(io, packs->get(), shelf.name));
      HOLDFAST_ASSIGN(entries, list_directory(io, directory.get()));
      for (const DirectoryEntry& entry : entries) {
        const PackLocation location = "packs/" + shelf.name + "/" + entry.name;
        const Result<PackId> pack = pack_at(location);
        if (!pack.ok()) continue;
        HOLDFAST_ASSIGN(size, pack_file_size(io, root_, location));
        HOLDFAST_TRY(see({*pack, location, size}));
      }
    }
    return {};
  }

  Status probe(Io& io) override { return probe_pack_files(io, root_); }

  Status remove(Io& io, const PackLocation& location, const PackReleasePermit& permit) override {
    HOLDFAST_ASSIGN(pack, pack_at(location));
    // What an interrupted repair left beside it goes first.
    HOLDFAST_TRY(remove_pack_file(io, root_, beside_of(location), pack, permit));
    return remove_pack_file(io, root_, location, pack, permit);
  }

 private:
  MediumRoot& root_;
};

}  // namespace

Result<std::unique_ptr<PackSession>> PackDirectory::attach(Io& io) {
  HOLDFAST_TRY(root_.checked(io));
  return std::unique_ptr<PackSession>(new PackDirectorySession(root_));
}

}  // namespace holdfast
