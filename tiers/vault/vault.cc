#include "tiers/vault/vault.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "io/publish.h"
#include "io/tree.h"
#include "tiers/pack_file.h"

namespace holdfast {
namespace {

constexpr const char* kDirectory = "vault";
constexpr size_t kNumberDigits = 10;

struct VaultPosition {
  int64_t number = 0;  // in the order of appending, from 1
  PackId pack;
};

PackLocation location_of(const VaultPosition& position) {
  return fmt::format("{:010}-{}.tar", position.number, position.pack.text());
}

std::string path_of(const PackLocation& location) {
  return std::string(kDirectory) + "/" + location;
}

// kInvalid for a location that we never gave.
Result<VaultPosition> position_at(const std::string& location) {
  VaultPosition position;
  if (location.size() > kNumberDigits + 1 + kIdLength) {
    const char* digits_end = location.data() + kNumberDigits;
    const auto [end, error] = std::from_chars(location.data(), digits_end, position.number);
    const Result<PackId> pack = PackId::from_text(location.substr(kNumberDigits + 1, kIdLength));
    if (error == std::errc() && end == digits_end && position.number >= 1 && pack.ok()) {
      position.pack = *pack;
      if (location_of(position) == location) return position;
    }
  }
  return Error{Code::kInvalid, "\"" + location + "\" is no place of a pack in a vault"};
}

// Calls `see` for every name on the medium.
Status each_name(Io& io, int root_fd, const std::function<Status(const std::string&)>& see) {
  const Result<Fd> directory = open_directory_beneath(io, root_fd, kDirectory);
  if (!directory.ok() && directory.error().code == Code::kNotFound) return {};
  if (!directory.ok()) return directory.error();
  return each_entry(io, directory->get(), [&](const DirectoryEntry& entry) -> Result<bool> {
    HOLDFAST_TRY(see(entry.name));
    return true;
  });
}

class VaultSession final : public PackSession {
 public:
  VaultSession(MediumRoot& root, Millis detach_time, Sleeper& sleeper, std::atomic<bool>& attached)
      : root_(root), detach_time_(detach_time), sleeper_(sleeper), attached_(attached) {}

  ~VaultSession() override {
    sleeper_.sleep(detach_time_);
    root_.close();
    attached_ = false;
  }

  // Checks the label and finds the end of what is written.
  Status begin(Io& io) {
    HOLDFAST_ASSIGN(root, root_.checked(io));
    std::vector<std::string> torn;
    HOLDFAST_TRY(each_name(io, root->get(), [&](const std::string& name) -> Status {
      if (is_temporary_name(name)) torn.push_back(path_of(name));
      if (const Result<VaultPosition> position = position_at(name); position.ok())
        last_number_ = std::max(last_number_, position->number);
      return {};
    }));
    // Nobody else writes here while the session is open: these are a crash's.
    for (const std::string& path : torn) HOLDFAST_TRY(unlink_durably(io, root->get(), path));
    return {};
  }

  Result<PackLocation> append(Io& io, const PackId& pack, Bytes size,
                              const PackSource& source) override {
    const PackLocation location = location_of({last_number_ + 1, pack});
    HOLDFAST_TRY(append_pack_file(io, root_, path_of(location), size, source));
    ++last_number_;
    // The pack is durable: what an interrupted append of it left behind is only in the way, and
    // failing to remove it costs nothing but room.
    if (const Status removed = remove_leftovers(io, pack, location); !removed.ok())
      log::warning("vault {}: an earlier, unfinished copy of pack {} stays: {}",
                   root_.medium().text(), pack.text(), removed.error().message);
    return location;
  }

  Status read(Io& io, const PackLocation& location, const std::vector<PackRange>& ranges,
              const RangeSink& sink) override {
    HOLDFAST_TRY(position_at(location));
    return read_pack_file(io, root_, path_of(location), ranges, sink);
  }

  Result<VerifyMode> verify(Io& io, const PackLocation& location, Bytes size,
                            const Digest& digest) override {
    HOLDFAST_TRY(position_at(location));
    return verify_pack_file(io, root_, path_of(location), size, digest);
  }

  // Behind the last pack, as every other; what lay before it of the pack goes then.
  Result<ReplacedPack> replace(Io& io, const PackLocation& bad, Bytes size, const Digest& digest,
                               const PackSource& source, const PackRepairPermit& permit) override {
    HOLDFAST_ASSIGN(position, position_at(bad));
    const PackId& pack = position.pack;
    if (permit.medium() != root_.medium() || permit.pack() != pack)
      return Error{Code::kInvalid,
                   "repair " + bad + ": the permit speaks of another pack or medium"};
    const PackLocation location = location_of({last_number_ + 1, pack});
    const std::string path = path_of(location);
    Result<VerifyMode> mode = replace_pack_file(io, root_, path, path, size, digest, source);
    if (!mode.ok()) {
      // It was never a copy of anything: nobody was told of it.
      HOLDFAST_ASSIGN(root, root_.current(io));
      const Status removed = unlink_durably(io, root->get(), path);
      if (!removed.ok() && removed.error().code != Code::kNotFound) ++last_number_;
      return mode.error();
    }
    ++last_number_;
    HOLDFAST_TRY(remove_leftovers(io, pack, location));
    return ReplacedPack{location, *mode};
  }

  // In the order of writing.
  Status list(Io& io, const std::function<Status(const ShownPack&)>& see) override {
    HOLDFAST_ASSIGN(root, root_.current(io));
    std::vector<std::string> names;
    HOLDFAST_TRY(each_name(io, root->get(), [&](const std::string& name) -> Status {
      if (position_at(name).ok()) names.push_back(name);
      return {};
    }));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      HOLDFAST_ASSIGN(position, position_at(name));
      HOLDFAST_ASSIGN(size, pack_file_size(io, root_, path_of(name)));
      HOLDFAST_TRY(see({position.pack, name, size}));
    }
    return {};
  }

  Status probe(Io& io) override { return probe_pack_files(io, root_); }

  Status remove(Io& io, const PackLocation& location, const PackReleasePermit& permit) override {
    HOLDFAST_ASSIGN(position, position_at(location));
    return remove_pack_file(io, root_, path_of(location), position.pack, permit);
  }

 private:
  Status remove_leftovers(Io& io, const PackId& pack, const PackLocation& kept) {
    HOLDFAST_ASSIGN(root, root_.current(io));
    std::vector<std::string> leftovers;
    HOLDFAST_TRY(each_name(io, root->get(), [&](const std::string& name) -> Status {
      const Result<VaultPosition> position = position_at(name);
      if (position.ok() && position->pack == pack && name != kept)
        leftovers.push_back(path_of(name));
      return {};
    }));
    for (const std::string& path : leftovers) HOLDFAST_TRY(unlink_durably(io, root->get(), path));
    return {};
  }

  MediumRoot& root_;
  const Millis detach_time_;
  Sleeper& sleeper_;
  std::atomic<bool>& attached_;
  int64_t last_number_ = 0;
};

}  // namespace

Vault::Vault(std::string path, ArchiveId archive, MediumId medium, VaultTimes times,
             Sleeper& sleeper)
    : root_(std::move(path), archive, medium), times_(times), sleeper_(sleeper) {}

Result<std::unique_ptr<PackSession>> Vault::attach(Io& io) {
  if (attached_.exchange(true))
    return Error{Code::kUnavailable,
                 "attach vault " + root_.medium().text() + ": a session is open already"};
  sleeper_.sleep(times_.attach);
  auto session = std::make_unique<VaultSession>(root_, times_.detach, sleeper_, attached_);
  HOLDFAST_TRY(session->begin(io));  // its destructor detaches
  return std::unique_ptr<PackSession>(std::move(session));
}

}  // namespace holdfast
