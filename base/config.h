// The configuration: one TOML file. docs/configuration.md has a line for every key.
//
// Durations are strings: "15min", "3d", "6h", "45s", "250ms". Sizes: "1GiB", "64MiB", "512".
// A wrong file is refused whole: the error names file, line, key and what would be right.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_network.h"
#include "base/limits.h"
#include "base/time_window.h"
#include "base/types.h"

namespace holdfast {

// [cold]. It stands before Config, since clang 14 cannot make an optional of a nested struct
// with default members before the outer one is complete.
struct ColdConfig {
  std::string kind = "vault";
  std::string path;
  Millis attach_time{0};  // what a session's opening costs, on top of what the medium takes
  Millis detach_time{0};
  Millis linger = seconds(30);  // a session stays open this long without work
  Bytes rate_max{0};            // a second, of what moves write and read; 0: as fast as it goes
  TimeWindow window;            // when moves may begin
};

// [[workspace]]: its own rule; what its section leaves out is as for all.
struct WorkspaceConfig {
  WorkspaceId workspace;
  Millis standard_copy_after;
  Millis standard_release_after;
  Millis warm_copy_after;
  Millis warm_release_after;
  bool cold = true;  // false: never to cold
  Millis keep_default;
  std::optional<Bytes> quota;  // of original bytes on all tiers; none: no bound
};

// [http] tls_*: TLS on every TCP listener, when there is a certificate.
struct TlsConfig {
  std::string certificate;      // a PEM file: the server's certificate, then those above it
  std::string key;              // a PEM file, closed to others
  std::string client_ca;        // a PEM file: whose certificates clients may show
  std::string client = "none";  // or "optional", "required"

  bool is_on() const { return !certificate.empty(); }
};

struct Config {
  // [archive]
  std::string state_dir;   // index.db, secrets.db, ledger/, sockets when run_dir is not set
  std::string run_dir;     // admin.sock, mount.sock
  std::string spool_dir;   // spool/<workspace>/<call_sid>/
  std::string mirror_dir;  // second directory of decisions, on another device
  bool mirror_same_device = false;
  std::string mount_group;  // group that may read index and standard tier; empty: nobody else
  std::string mount_user;   // user that the mount runs as: it may speak for other users
  std::string admin_group = "holdfast-admin";  // group that needs no key on admin.sock
  int workers = 0;                             // 0: one per core

  // [http]
  std::string listen_address = "127.0.0.1";
  int listen_port = 8480;  // 0: any free port, told in the log and in run_dir/http.port
  bool plaintext_beyond_loopback = false;  // a TLS proxy stands in front, or the network is trusted
  TlsConfig tls;
  int connections_max = limits::kConnectionsMax;  // at once, on all sockets
  std::string public_url;  // what signed links begin with; empty: http(s)://<address>:<port>

  // [standard]
  struct Standard {
    std::string path;  // a labelled directory tree; must be on one file system with its .incoming
    Millis copy_after = minutes(15);  // standard → warm: copied this long after the call's end
    Millis release_after = days(3);   // standard → warm: released this long after the call's end
    // In percent of its file system: above `high`, what is verified elsewhere leaves early, until
    // `low` is reached; above `full_at`, ingest is refused when nothing more can leave.
    int watermark_high = 90;
    int watermark_low = 80;
    int full_at = 97;
  } standard;

  // [warm]
  struct Warm {
    std::string path;
    std::string mirror;            // a second directory with the same packs; empty: none
    Millis copy_after = days(30);  // warm → cold
    Millis release_after = days(31);
    Bytes pack_size_max{int64_t{1} << 30};
    int pack_members_max = 10'000;
    Millis pack_seal_after = hours(6);
    bool cohort_per_workspace = false;
    Bytes rate_max{0};  // as in ColdConfig
    TimeWindow window;
  } warm;

  // [cold]: absent when there is no cold tier
  using Cold = ColdConfig;
  std::optional<Cold> cold;

  std::vector<WorkspaceConfig> workspaces;  // those with rules of their own
  // How long a restored copy of the workspace stays when nobody says.
  Millis keep_default_of(const WorkspaceId& workspace) const;
  // How many original bytes the workspace may keep; none: no bound.
  std::optional<Bytes> quota_of(const WorkspaceId& workspace) const;

  // [policy]
  int copies_before_release = 1;         // newer verified copies on other media; 1 or 2
  Millis policy_interval = minutes(1);   // how often due rows are looked for
  Bytes disk_reserve{int64_t{1} << 30};  // what moves and restores leave free on every medium

  // A pack with destroyed members is written anew without them when less than this share of it
  // lives, in percent, or when its first member has waited so long.
  int compact_below = 70;
  Millis erase_within = days(30);

  // [scrub]: every copy is read back from its medium
  struct Scrub {
    Millis every = days(30);            // at least this often
    Bytes rate_max{int64_t{32} << 20};  // a second, of all media together; 0: as fast as it goes
  } scrub;

  // [restore]
  Millis keep_default = hours(24);
  Bytes staging_max{int64_t{64} << 30};  // space that staged copies may take together
  int recalls_per_key_hour = limits::kRecallsPerKeyPerHour;

  // [outbound]: calls that the archive makes to others
  struct Outbound {
    std::vector<std::string> hosts;   // names that may be called, "*.example.com" for those below
    std::vector<IpNetwork> networks;  // private ones that may be called all the same
    bool plaintext = false;           // http:// is accepted, too
    std::string ca_file;              // certificates to trust; empty: the system's
    Millis timeout = seconds(10);     // of one call, from its beginning to its end
  } outbound;

  // [links]
  Millis link_life = hours(1);

  // [backup]: copies of index.db and secrets.db
  struct Backup {
    Millis every = hours(24);  // 0: only when asked for
    std::string path;          // a directory on another device; unless said, backup/ in mirror_dir
    int keep = 7;              // the newest this many stay
  } backup;

  // [expiry]: automatic destruction of what retention no longer keeps
  struct Expiry {
    bool enabled = false;          // a person switches it on
    int rate_per_hour = 1000;      // recordings
    Millis not_before = days(30);  // nothing goes before this long after it came in
    int breaker_percent = 2;       // of all recordings: more due in a day waits for a person
    int breaker_count = 10'000;    // so many due in a day, too
  } expiry;

  // [log]
  std::string log_level = "info";  // one of log::level_words()

  // The file as read: a decision line names its SHA-256. `values` has each key that it sets, as
  // written: "standard.copy_after" → "\"15min\"", "workspace[<id>].cold" → "false".
  std::string source_path;
  std::string source_text;
  std::map<std::string, std::string> values;
};

// Reads and checks `path`. kInvalid: "holdfast.toml:12: standard.copy_after: expected a
// duration such as \"15min\", got 15". Unknown keys and sections are refused by name.
Result<Config> load_config(const std::string& path);

// "15min" → 900,000 ms; units ms, s, min, h, d; a whole number, 0 or more.
Result<Millis> parse_duration(std::string_view text);
// "1GiB"; units none (bytes), KiB, MiB, GiB, TiB; a whole number, 0 or more.
Result<Bytes> parse_size(std::string_view text);

}  // namespace holdfast
