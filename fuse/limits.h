// The bounds of the mount's own process, each with its reason. What both processes share is in
// base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::mount_limits {

// Threads that answer the kernel. An open waits for the daemon's ledger, so a few may stand still
// while the rest go on listing; each costs a stack and one request buffer.
constexpr unsigned kThreadsMax = 16;
// Files open through the mount at once; one more is refused with EAGAIN. Each costs a descriptor.
constexpr size_t kOpenFilesMax = 8192;
// Whole-file digests computed at once (P5). Each owns a ring and its buffers of 4 MiB; two keep
// a disk busy and leave cores to the rest.
constexpr int kDigestsMax = 2;
// Entries fetched from the index for one readdir request. The kernel asks for a page or two of
// entries at a time and comes back, so no directory is ever held whole.
constexpr int kEntriesPerRequest = 128;
// Seconds for which the kernel may keep an entry or attribute. Long: the daemon's changes
// invalidate what they touch, and while the daemon is down nothing changes.
constexpr double kCacheSeconds = 3600;
// The same below /.holds, where nobody is told of a change.
constexpr double kHoldsCacheSeconds = 1;
// Directories whose listings the kernel may keep at once: some 50 bytes each here, and 4 KiB and
// more in the kernel. One more, and the oldest is dropped.
constexpr size_t kKeptListingsMax = 1'000'000;
// Directories whose listings wait to be dropped. A drop takes microseconds unless somebody hangs in
// a listing of that directory; when so many wait, a listing is refused with EAGAIN.
constexpr size_t kPassingListingsMax = 65'536;
// Threads that drop. One would do, but each directory in which somebody hangs holds one.
constexpr size_t kDroppers = 8;
// Whoever has a drop made waits so long without any progress, and then goes on without it.
constexpr int64_t kDropPatienceMs = 2'000;
// The same at the stop, for drops under way; then requests are answered no longer.
constexpr int64_t kStopPatienceMs = 1'000;
// An audit line takes one fdatasync; a daemon that needs longer is told as unavailable.
constexpr int64_t kOpenTimeoutMs = 10'000;
// A long poll is renewed after this long; the daemon's cap is 30 s.
constexpr int64_t kPollSeconds = 25;
// After the link broke: the pause before the next try.
constexpr int64_t kReconnectMs = 1'000;
// Between two polls: what a busy ingest changes meanwhile comes in one batch.
constexpr int64_t kPollPauseMs = 50;
// How often an open looks again when a part moved between the index and the disk.
constexpr int kLocateTriesMax = 3;

}  // namespace holdfast::mount_limits
