// Every bound of the product in one place, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::limits {

// Files and I/O
constexpr size_t kIoBlock =
    256 * 1024;  // one read or write; tape's block, and large enough for HDD streaming
constexpr unsigned kIoDepth = 16;  // operations in flight per worker: keeps an SSD and a RAID busy
constexpr int64_t kFileBytesMax =
    int64_t{64} << 30;  // one file of a recording: 16 h of 8-channel 48 kHz PCM and to spare
constexpr int kFilesPerPartMax = 64;            // channels, transcripts and corrections of one part
constexpr size_t kUnsyncedFilesMax = 3;         // of a part, open until they are synced together
constexpr int kPartsMax = 1000;                 // pauses and corrections of one call
constexpr int64_t kMetadataBytesMax = 1 << 20;  // metadata.json is kept in the index
constexpr size_t kCallSidBytesMax = 128;
constexpr size_t kFileNameBytesMax = 128;

// Packs (design.md, Moves)
constexpr int64_t kPackBytesMax =
    int64_t{1} << 30;  // sealed at this size: seconds to write, minutes to recall from tape
constexpr int kPackMembersMax = 10'000;
constexpr int kOpenPacksMax = 64;    // a 65th cohort seals the oldest
constexpr int kPackEncodersMax = 2;  // threads that encode one pack: ingest needs cores, too
constexpr int64_t kPackContentsBytesMax = int64_t{64}
                                          << 20;  // contents.jsonl read into memory by a rebuild

// Writer and ledger
constexpr size_t kWriterQueue = 4096;  // commands waiting for the writer; beyond it callers get 503
constexpr size_t kWriterBatch = 256;   // commands made durable by one pair of syncs
constexpr int64_t kSegmentBytesMax = int64_t{16} << 20;  // a start writes the last one anew
constexpr size_t kLedgerLineBytesMax = 16 * 1024;
constexpr size_t kErrorBytesMax = 500;  // kept in a row of the last error of a try, for people

constexpr int64_t kReserveBytes =
    int64_t{48} << 20;  // kept back on the state directory's disk: a start, ten thousand decisions
constexpr int64_t kReserveLowBytes =
    int64_t{24} << 20;  // less than this left: the reserve is given up; a start needs a segment
constexpr int kReserveInodes = 256;    // the same in inodes: each reason (a note) takes one
constexpr int kReserveInodesLow = 64;  // less than this left: they are given up

// Workers
constexpr size_t kPlacingQueue = 1024;  // acknowledged parts that wait to be placed by a lane
constexpr size_t kWorkerQueue = 1024;   // jobs waiting for a worker; the loop refuses more with 503
constexpr size_t kReplyQueue =
    65'536;  // replies waiting for the loop; workers wait when it is full

// HTTP
constexpr int kConnectionsMax = 12'288;  // unless http.connections_max says otherwise
constexpr size_t kRequestHeadBytesMax = 16 * 1024;
constexpr size_t kRequestTargetBytesMax = 8 * 1024;
constexpr size_t kRequestHeadersMax = 64;
constexpr size_t kJsonBodyBytesMax = 1 << 20;
constexpr size_t kMultipartHeadBytesMax = 4096;
constexpr size_t kConnectionBufferBytes = 64 * 1024;  // the fixed per-connection budget
constexpr int64_t kHandshakeTimeoutMs = 10'000;       // of TLS, from accept to its end
constexpr int64_t kHeadTimeoutMs =
    10'000;  // from the first byte of a request to the end of its head
constexpr int64_t kIdleTimeoutMs = 60'000;  // between requests
// Fewer bytes than this within a stall limit are no progress: one byte every 29 s would hold a
// connection for ever.
constexpr size_t kProgressBytes = 1024;
constexpr int64_t kBodyStallTimeoutMs = 30'000;  // no progress of an upload
constexpr int64_t kSendStallTimeoutMs = 30'000;  // no progress of a download
// One connection's share of a loop turn: large enough that the call's cost does not matter, small
// enough that a fast reader does not keep others waiting.
constexpr int64_t kSendBytesPerTurn = 2 << 20;
constexpr int kPageItemsMax = 1000;  // rows of one listing page
constexpr int64_t kPreferWaitSecondsMax = 60;
constexpr size_t kReasonBytesMax =
    4000;  // free text beside a hold, a release or a deletion: a note, not a file

// Links and keys
constexpr size_t kReadyFilesMax = 1024;  // kept open for links that are asked again
constexpr int64_t kLinkLifeSecondsMax = 24 * 3600;
constexpr int64_t kRestoreLinkCapSeconds =
    30 * 24 * 3600;                          // exp of a restore link: the longest life of any
constexpr size_t kLinksNotedBatch = 1024;    // minted links that are noted for listings at once ...
constexpr int64_t kLinksNotedMs = 1000;      // ... or after this
constexpr size_t kLinksWaitingMax = 65'536;  // while they cannot be noted; beyond it none is listed
constexpr int64_t kLinksListedMax = 1'000'000;  // the oldest go first: 200 MB of the index
constexpr int kSigningKeysLive = 2;  // of a workspace: the one that signs and the one before it
constexpr int kRecallsPerKeyPerHour = 100;  // unless configured: restore.recalls_per_key_hour

// Restores
constexpr int kBulkRestoreMax = 1000;      // recordings of one bulk request: a page of the listing
constexpr int kBulkRestoreChunk = 250;     // of them in one command: others write in between
constexpr int kEventStreamsPerActor = 16;  // open event streams of one key: a client's restores
constexpr int kEventStreamsMax = 512;      // of all: an eighth of the connections
constexpr int64_t kEventHeartbeatMs = 15'000;  // a silent stream says that it lives
constexpr int64_t kEventProgressMs = 1000;     // how often a recall under way is looked at

constexpr int64_t kGroupsKeptMs = 60'000;  // a user's groups are asked anew after this
constexpr size_t kGroupsKept = 256;        // users whose groups are kept

// Policy
constexpr int kPolicyScanRows = 1000;       // due rows of one scan
constexpr int kMoveAttemptsBackoffCap = 8;  // 2^8 minutes between tries at most
constexpr int kFirstVerifyTriesMax =
    3;  // of a new pack: a cable may be wrong once; then its members are packed anew
constexpr int kSuspendFailures = 5;  // of a back-end within kSuspendWithinMs: then it is let alone
constexpr int64_t kSuspendWithinMs = 10 * 60'000;
constexpr int64_t kProbeWaitMs =
    60'000;  // until a suspended back-end is probed; then twice that, …
constexpr int64_t kProbeWaitMsMax = 32 * 60'000;
constexpr int kRecallSamplesKept = 512;  // history for the estimate, per medium
constexpr int64_t kWarmBoundSeconds = 3 * 3600;
constexpr int64_t kColdBoundSeconds = 12 * 3600;

// Attention
constexpr int64_t kCertificateSoonMs =
    int64_t{21} * 24 * 3'600'000;   // before its end: a renewal that fails is seen in time
constexpr int kAttentionKept = 64;  // lines of one look: what is more is told as a number
// Verify and repair
constexpr int kVerifyReadsMax = 3;   // of a copy that its medium does not give: then it is bad
constexpr int kRepairsPerTurn = 16;  // a turn stays short enough to notice a stop
constexpr int kScrubPage = 16;  // copies looked up at once; between two of them others go first
constexpr int64_t kScrubBacklogMax = 10'000;    // copies whose turn has come are counted up to this
constexpr int64_t kRepairWaitMs = 10 * 60'000;  // until a repair is tried again; then twice that, …
constexpr int64_t kRepairWaitMsMax = 24 * 3'600'000;
constexpr size_t kVerificationsMax = 64;  // that are kept; one more is refused while none is over
constexpr size_t kFindingsKept = 1000;    // of a verification, the bad ones first

// Stop and watchdog
constexpr int64_t kDrainMs = 20'000;  // at a stop: an answer that takes longer is cut
constexpr int64_t kStopMs =
    60'000;  // of a whole stop: what still runs then (a step of a move on a dead disk) is given up,
             // as kill -9 would; the unit's TimeoutStopSec is longer
constexpr int64_t kWriterSilentMs = 60'000;  // the writer answers within this, or the watchdog is
                                             // let bark: a disk's own timeout and one retry
constexpr int64_t kThreadSilentMs =
    60 * 60'000;  // of a lane or worker at work that does no I/O: the longest attach, or wait for
                  // another lane with the medium, to spare
constexpr int kReloadsMax = 10'000;  // changed configurations kept until the next start

// Ingest
constexpr size_t kImportCursorBytesMax = 8192;  // PATH_MAX, each byte percent-encoded, and to spare
constexpr size_t kImportTextBytesMax = 200;     // label and source of an import
constexpr int kImportsKept = 1000;  // of a workspace; the oldest that are over go when one is added
constexpr int64_t kIncomingSweepMs = 60'000;  // how often .incoming is looked through for leftovers

// Spool
constexpr int kSpoolThreads =
    4;  // entries taken at once: while one waits for its syncs another is copied
constexpr int64_t kSpoolStaleMs = 3'600'000;  // an entry without metadata.json: told after this
constexpr size_t kSpoolQueue =
    4096;  // entries noticed and not yet taken; beyond it a full scan follows

// Calls to others: callbacks
constexpr size_t kOutboundUrlBytesMax = 2048;
constexpr size_t kOutboundAnswerBytesMax =
    64 * 1024;                    // of an answer; nobody reads it: the rest is cut off
constexpr int kOutboxBatch = 16;  // messages under way at once, of one host at most kOutboxPerHost
constexpr int kOutboxPerHost = 4;
constexpr size_t kLookupsMax =
    32;  // look-ups of names under way: those that hang included, since nobody can end them
constexpr int kOutboxLook = 256;  // due messages of each workspace among which a batch is chosen
// Messages of one workspace that wait or are parked: with so many, none of its requests may name a
// callback.
constexpr int kOutboxMax = 10'000;
constexpr int64_t kOutboxRetryMs = 5'000;  // until the second try; then four times that, ...
constexpr int64_t kOutboxRetryMsMax = 6 * 3'600'000;
constexpr int64_t kOutboxGiveUpMs =
    int64_t{3} * 24 * 3'600'000;                             // then it is parked (contracts, 5)
constexpr int64_t kWebhookSecretOverlapMs = 24 * 3'600'000;  // an older secret signs along

// Retention and expiry
constexpr int kRetentionClassesMax = 1000;  // versions of all classes: they are never deleted
constexpr size_t kRetentionNameBytesMax = 64;
constexpr int64_t kExpiryBatch = 100;             // recordings that one command condemns
constexpr int64_t kExpiryBreakerLeast = 10;       // so many a day never open the breaker
constexpr int64_t kExpiryCountMax = 100'000;      // due ones are counted up to this
constexpr int64_t kExpiryDayMs = 24 * 3'600'000;  // of the breaker, on the compliance clock
constexpr int64_t kClockJumpMs =
    60'000;  // by which the system clock may differ from run time between two looks: NTP's steps
constexpr int64_t kClockCreditMs = 15 * 60'000;     // caught up at once after being off, at most
constexpr int64_t kClockGainPart = 100;             // a hundredth of run time is gained besides
constexpr int64_t kClockKeptMs = 60'000;            // how often the compliance clock is kept
constexpr int64_t kClockNotedMs = 24 * 3'600'000;   // ... and noted in the ledger, for a rebuild
constexpr int64_t kClockBehindMs = 24 * 3'600'000;  // further behind: told by status

// Backup and rebuild
constexpr int kBackupStepPages = 512;   // copied between two batches of the writer: 2 MiB, some ms
constexpr int kBackupsKeptMax = 1000;   // backup.keep
constexpr size_t kRebuildBatch = 1000;  // parts, members or lines that one transaction takes
constexpr int64_t kRebuildProgressMs = 1000;  // how often a rebuild says how far it is

}  // namespace holdfast::limits
