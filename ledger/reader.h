// Reading a chain: filtered, in either order, with bounded memory, also while the
// daemon appends; and checking it link by link.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/io.h"
#include "ledger/line.h"

namespace holdfast {

// How far a chain is durable: readers beside the writer stop here.
struct DurableEnd {
  int64_t segment = 0;  // first_n of the last segment; 0: the chain is empty
  Bytes bytes;          // of that segment
  int64_t last_n = 0;
};

// Return false to stop.
using LineVisitor = std::function<Result<bool>(const Line&)>;

struct ReadOptions {
  enum class Order { kOldestFirst, kNewestFirst };
  Order order = Order::kOldestFirst;
  std::optional<int64_t> from_n;    // inclusive
  std::optional<int64_t> to_n;      // inclusive
  std::optional<UnixMillis> since;  // inclusive
  std::optional<UnixMillis> until;  // exclusive
  std::optional<DurableEnd> end;    // nothing: up to the last whole line (nobody appends)
};

// Calls `visit` for each line that counts (voided ones do not). `dir_fd` is the
// chain's directory. kCorrupt when a line inside the chain cannot be parsed.
// Memory: a few MiB, whatever the chain's length.
// Thread rule: any thread, each with its own Io.
Status read_chain(Io& io, int dir_fd, const ReadOptions& options, const LineVisitor& visit);

// The voiding line for segment `first_n`, if the segment after it begins with one.
Result<std::optional<Void>> void_after(Io& io, int dir_fd, int64_t first_n);

struct ChainGap {
  int64_t after_n = 0;   // the last line before the gap
  int64_t before_n = 0;  // the first line after it
};

struct ChainReport {
  int64_t lines = 0;    // that count
  int64_t first_n = 0;  // 0: empty
  int64_t last_n = 0;
  Digest head;  // of the last line
  int64_t segments = 0;
  int64_t voids = 0;  // voiding lines met
  Bytes torn;         // bytes of an unfinished last line
  std::vector<ChainGap> gaps;
  struct Broken {
    int64_t segment = 0;  // first_n
    Bytes offset;         // of the line that does not fit
    std::string reason;
  };
  std::optional<Broken> broken;  // the first place where the chain does not hold
};

// Recomputes every p from the first line kept to the end, and calls `visit` (which
// may be empty) for each line before the broken place. A broken chain is not an
// error: the report says where. Errors are those of reading.
Result<ChainReport> verify_chain(Io& io, int dir_fd, const LineVisitor& visit,
                                 const std::optional<DurableEnd>& end = std::nullopt);

}  // namespace holdfast
