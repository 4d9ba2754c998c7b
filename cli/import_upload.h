// One call of a tree, sent by the one way in: POST …/recordings, as `holdfast put` does it.
#pragma once

#include <string>

#include "cli/import_walk.h"
#include "client/http_client.h"
#include "io/io.h"

namespace holdfast::cli {

// What the event's time is taken from.
enum class Times {
  kPath,   // {yyyy} to {MM} or {SS}, or {epoch}; otherwise there is none
  kDay,    // the same, and a day without a time is told as its first moment
  kMtime,  // the call ended when its newest file was last written to
};

// metadata.json of a call that has none: what the path says, and nothing else; the same tree gives
// the same bytes at any time. kInvalid when the path tells a time that does not exist.
Result<std::string> metadata_of(const ImportCall& call, Times times);

struct Uploaded {
  bool was_there = false;  // the archive had these bytes
  std::string recording;
};

// Sends the call's files; its answer is compared with the digests of the files here. `root` is the
// tree's. Errors: as `put`'s.
Result<Uploaded> upload_call(HttpClient& client, Io& io, const Fd& root, const std::string& path,
                             const ImportCall& call, Times times);

}  // namespace holdfast::cli
