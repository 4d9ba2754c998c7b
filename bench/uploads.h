// Calls that come in as uploads go: the one way in (daemon/work/ingest.h), from memory, by several
// threads at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/time_text.h"
#include "daemon/work/ingest.h"

namespace holdfast::bench {

constexpr int kWriters = 8;

struct Upload {
  WorkspaceId workspace;
  std::string call_sid;
  UnixMillis end;  // of a call of a minute
  std::string_view sound;
};

inline Status write_file(Io& io, IngestDraft& draft, const std::string& name,
                         std::string_view bytes) {
  constexpr size_t kPiece = 64 * 1024;  // an upload comes in pieces
  HOLDFAST_ASSIGN(file, draft.writer().create(io, name, Bytes(limits::kFileBytesMax)));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size())))
    HOLDFAST_TRY(file->append(io, as_bytes(bytes.substr(0, kPiece))));
  HOLDFAST_TRY(file->finish(io));
  return {};
}

// Until it is acknowledged, and in its place where no lane brings it there.
inline Status take_in(Io& io, const Archive& archive, const Upload& upload) {
  const json::object metadata{{"call_sid", upload.call_sid},
                              {"workspace_id", upload.workspace.text()},
                              {"direction", "inbound"},
                              {"call_start_iso", to_iso(upload.end - seconds(60))},
                              {"call_end_iso", to_iso(upload.end)},
                              {"from", "+493012345678"},
                              {"note", std::string(180, 'n')}};
  Ingest ingest(archive);
  HOLDFAST_ASSIGN(draft,
                  ingest.begin(io, IngestRequest{upload.workspace, upload.call_sid, "key:bench"}));
  HOLDFAST_TRY(write_file(io, *draft, "inbound.ulaw", upload.sound));
  HOLDFAST_TRY(write_file(io, *draft, "metadata.json", json::serialize(metadata)));
  HOLDFAST_TRY(ingest.accept(io, std::move(draft)));
  return {};
}

// Calls `work` for each number from `from` to before `to`, by kWriters threads with an Io each.
inline Status by_writers(int from, int to, const std::function<Status(Io&, int)>& work) {
  std::atomic<int> next = from;
  std::vector<Status> outcomes(kWriters);
  std::vector<std::thread> threads;
  for (Status& outcome : outcomes)
    threads.emplace_back([&] {
      Result<std::unique_ptr<Io>> io = Io::open();
      if (!io.ok()) outcome = io.error();
      for (int n = next++; n < to && outcome.ok(); n = next++) outcome = work(**io, n);
    });
  for (std::thread& thread : threads) thread.join();
  for (Status& outcome : outcomes) HOLDFAST_TRY(std::move(outcome));
  return {};
}

}  // namespace holdfast::bench
