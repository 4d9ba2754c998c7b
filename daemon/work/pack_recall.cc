#include "daemon/work/pack_recall.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "daemon/work/interruption.h"
#include "daemon/work/quarantine.h"
#include "io/digest.h"
#include "io/stream.h"

namespace holdfast {

Result<Fd> open_scratch(Io& io, const Archive& archive) {
  HOLDFAST_ASSIGN(root, archive.standard_root.checked(io));
  auto unnamed = io.open(root->get(), ".", O_TMPFILE | O_RDWR, 0600);
  if (unnamed.ok() || unnamed.error().system_errno != EOPNOTSUPP) return unnamed;
  // A file system without them: a name that is removed at once does the same.
  const std::string name = ".scratch-" + archive.random.id<PackId>().text();
  HOLDFAST_ASSIGN(named, io.open(root->get(), name, O_RDWR | O_CREAT | O_EXCL, 0600));
  HOLDFAST_TRY(io.unlink(root->get(), name));
  return Result<Fd>(std::move(named));
}

namespace {

// Every byte of the copy into the file. `is_target` tells whose error it was.
Status read_whole(Io& io, SessionKeeper& keeper, const PackRow& pack, const PackCopyRow& copy,
                  const Fd& file, bool& is_target) {
  Sha256 digest;
  Bytes position;
  HOLDFAST_TRY(keeper.use(io, [&](PackSession& session) {
    return session.read(io, copy.location, {PackRange{Bytes(0), pack.size}},
                        [&](size_t, ByteSpan bytes) -> Status {
                          digest.update(bytes);
                          Status written = io.write_all(file.get(), position, bytes);
                          is_target |= !written.ok();
                          position += Bytes(static_cast<int64_t>(bytes.size()));
                          return written;
                        });
  }));
  if (digest.finish() == pack.sha256) return {};
  return Error{Code::kCorrupt, "pack " + pack.pack.text() + " differs from its SHA-256"};
}

}  // namespace

std::vector<PackCopyRow> recall_sources(const Archive& archive,
                                        const std::vector<PackCopyRow>& copies,
                                        const std::optional<MediumId>& except) {
  std::vector<PackCopyRow> sources;
  for (const PackCopyRow& copy : copies)
    if (copy.state == CopyState::kVerified && copy.medium_state != MediumState::kLost &&
        (!except || copy.medium != *except) && archive.keeper_of(copy.medium) != nullptr)
      sources.push_back(copy);
  std::stable_sort(sources.begin(), sources.end(),
                   [](const PackCopyRow& a, const PackCopyRow& b) { return a.tier < b.tier; });
  return sources;
}

Result<RecalledPack> recall_pack(Io& io, const Archive& archive, const PackRow& pack,
                                 const std::vector<PackCopyRow>& copies) {
  HOLDFAST_TRY(archive.standard_root.require_room(io, pack.size));
  Error last{Code::kCorrupt, "pack " + pack.pack.text() + " has no good copy left"};
  for (const PackCopyRow& copy : copies) {
    if (const auto why = archive.gate.stopped(copy.tier)) {
      last = Error{Code::kUnavailable, *why};
      continue;
    }
    const Interruptible pauses(io, at_pause(archive.gate, copy.tier));
    HOLDFAST_ASSIGN(file, open_scratch(io, archive));
    bool is_target = false;
    Status read = read_whole(io, *archive.keeper_of(copy.medium), pack, copy, file, is_target);
    if (read.ok()) return RecalledPack{std::move(file), pack.size};
    const Error& error = read.error();
    if (is_target) return error;
    if (error.code == Code::kCorrupt)
      HOLDFAST_TRY(quarantine_pack(archive, pack.pack, copy.medium, error.message));
    else
      last = Error{Code::kUnavailable, error.message, error.system_errno};
  }
  return last;
}

Result<RecalledPack> recall_remains(Io& io, const Archive& archive, const PackRow& pack,
                                    const PackCopyRow& bad) {
  SessionKeeper* keeper = archive.keeper_of(bad.medium);
  if (keeper == nullptr)
    return Error{Code::kUnavailable, "medium " + bad.medium.text() + " is not attached"};
  HOLDFAST_TRY(archive.standard_root.require_room(io, pack.size));
  const Interruptible pauses(io, at_pause(archive.gate, bad.tier));
  HOLDFAST_ASSIGN(file, open_scratch(io, archive));
  HOLDFAST_TRY(io.truncate(file.get(), pack.size, "what is left of pack " + pack.pack.text()));
  HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) {
    return session.read_remains(io, bad.location, pack.size, [&](Bytes at, ByteSpan bytes) {
      return io.write_all(file.get(), at, bytes);
    });
  }));
  return RecalledPack{std::move(file), pack.size};
}

PackSource source_of(Io& io, const RecalledPack& recalled) {
  return [&io, &recalled](const ByteSink& sink) {
    return read_through(io, recalled.file.get(), Bytes(0), recalled.size, sink);
  };
}

}  // namespace holdfast
