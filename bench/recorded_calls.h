// Calls that lie in a directory, as recorders leave them, and how they come into an archive.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/time_text.h"
#include "bench/uploads.h"
#include "daemon/work/ingest.h"
#include "io/stream.h"

namespace holdfast::bench {

namespace fs = std::filesystem;

struct Call {
  std::string sid;
  fs::path directory;
};

// Noise with pauses: no better to compress than speech, and the same each time.
inline void make_synthetic(const fs::path& directory, int calls, int seconds, uint32_t seed) {
  std::mt19937 generator(seed);
  for (int call = 0; call < calls; ++call) {
    const fs::path path = directory / ("CA" + std::to_string(call));
    fs::create_directories(path);
    std::string pcm;
    for (int i = 0; i < 16'000 * seconds; ++i) {
      const bool pause = i / 16'000 % 3 == 0;
      const auto sample =
          static_cast<int16_t>(pause ? 0 : static_cast<int>(generator() % 4001) - 2000);
      pcm += static_cast<char>(sample & 0xff);
      pcm += static_cast<char>((sample >> 8) & 0xff);
    }
    std::ofstream(path / "outbound.pcm", std::ios::binary) << pcm;
  }
}

// In the order of their names, so that a run repeats.
inline std::vector<Call> calls_below(const fs::path& directory) {
  std::vector<Call> calls;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) continue;
    const bool has_files =
        std::any_of(fs::directory_iterator(entry.path()), fs::directory_iterator(),
                    [](const fs::directory_entry& file) { return file.is_regular_file(); });
    if (has_files) calls.push_back({entry.path().filename(), entry.path()});
  }
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.directory < b.directory; });
  return calls;
}

// The recorder's metadata.json is left out: it names the workspace that it was made for.
constexpr const char* kMetadata = "metadata.json";

inline Status copy_file(Io& io, IngestDraft& draft, const fs::path& path) {
  const std::string name = path.filename();
  const Bytes size(static_cast<int64_t>(fs::file_size(path)));
  HOLDFAST_ASSIGN(root, open_root(path.parent_path()));
  HOLDFAST_ASSIGN(source, open_beneath(root.get(), name, O_RDONLY));
  HOLDFAST_ASSIGN(file, draft.writer().create(io, name, size));
  HOLDFAST_TRY(read_through(io, source.get(), Bytes(0), size,
                            [&](ByteSpan bytes) { return file->append(io, bytes); }));
  HOLDFAST_TRY(file->finish(io));
  return {};
}

inline Status take_in(Io& io, const Archive& archive, const WorkspaceId& workspace,
                      const Call& call) {
  const UnixMillis end = archive.clock.now();
  Ingest ingest(archive);
  HOLDFAST_ASSIGN(draft, ingest.begin(io, IngestRequest{workspace, call.sid, "key:bench"}));
  for (const fs::directory_entry& file : fs::directory_iterator(call.directory))
    if (file.is_regular_file() && file.path().filename() != kMetadata)
      HOLDFAST_TRY(copy_file(io, *draft, file.path()));
  const std::string metadata =
      json::serialize(json::object{{"call_sid", call.sid},
                                   {"workspace_id", workspace.text()},
                                   {"call_start_iso", to_iso(end - seconds(4))},
                                   {"call_end_iso", to_iso(end)}});
  HOLDFAST_ASSIGN(file, draft->writer().create(io, kMetadata, Bytes(limits::kMetadataBytesMax)));
  HOLDFAST_TRY(file->append(io, as_bytes(metadata)));
  HOLDFAST_TRY(file->finish(io));
  HOLDFAST_TRY(ingest.accept(io, std::move(draft)));
  return {};
}

// By kWriters threads, which share the writer's syncs.
inline Status take_in_all(const Archive& archive, const WorkspaceId& workspace,
                          const std::vector<Call>& calls) {
  return by_writers(0, static_cast<int>(calls.size()), [&](Io& io, int number) {
    return take_in(io, archive, workspace, calls[static_cast<size_t>(number)]);
  });
}

// Bytes of the calls' files.
inline int64_t bytes_of(const std::vector<Call>& calls) {
  int64_t bytes = 0;
  for (const Call& call : calls)
    for (const fs::directory_entry& file : fs::directory_iterator(call.directory))
      bytes += static_cast<int64_t>(file.file_size());
  return bytes;
}

}  // namespace holdfast::bench
