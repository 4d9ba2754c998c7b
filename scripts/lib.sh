# Sourced by the scripts beside it: where things are, and how to speak.
# shellcheck shell=bash disable=SC2034 # the scripts use what is set here

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root
# Packages' names of files may be UTF-8 (libarchive crashes without it), messages are English.
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Runs a command as root: directly, or by sudo when it asks nothing.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# Seconds since the epoch with a fraction, for "took 1.2 s".
now() { printf '%s' "$EPOCHREALTIME"; }
elapsed_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", to - from }'; }

# Tests make many thousand files durable, one after the other. Where we may mount, they do so on a
# file system of their own whose blocks are in memory: the same system calls, the same kernel code,
# and nobody waits for a disk that others use, too.
mount_test_disk() {
  local available
  available=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  if [ -n "${TMPDIR:-}" ] || [ "$(id -u)" -ne 0 ] || [ "$available" -lt 12 ]; then return 0; fi
  test_disk=$(mktemp -d /dev/shm/holdfast-test-XXXXXX)
  mkdir "$test_disk/mounted"
  if truncate -s 6G "$test_disk/image" && mkfs.ext4 -q -F "$test_disk/image" &&
    mount -o loop "$test_disk/image" "$test_disk/mounted" 2>/dev/null; then
    chmod 1777 "$test_disk/mounted"
    chmod 755 "$test_disk"
    export TMPDIR=$test_disk/mounted
  else
    say "no loop device can be mounted here: the tests use the disk of /tmp"
    unmount_test_disk
  fi
}

unmount_test_disk() {
  [ -n "${test_disk:-}" ] || return 0
  if mountpoint -q "$test_disk/mounted"; then umount -l "$test_disk/mounted"; fi
  rm -rf --one-file-system "$test_disk"
  test_disk=
}

# Everything that scripts/run makes and starts.
#
# One archive at a time: `use_archive DIR` names the directory, `start_daemon` and `start_mount`
# start its two processes, `stop_archive` stops what was started, in reverse. The processes get
# a session of their own, so that Ctrl-C reaches only the script, which then stops them in order;
# and they get SIGTERM when the script itself is killed.

bin=$root/build/release/bin
# What the two processes run under (scripts/valgrind), and how many times longer everything may
# take then: ages and patience alike.
under=()
pace=1
sample_workspace=3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e
daemon_pid=
mount_pid=

# As root the mount runs as this user; otherwise as the user of the script.
mount_user=$(id -un)
mount_group=$(id -gn)
become=(setpriv --pdeathsig TERM --)
if [ "$(id -u)" -eq 0 ]; then
  mount_user=nobody
  mount_group=$(id -gn "$mount_user")
  become=(setpriv --reuid "$mount_user" --regid "$mount_group" --clear-groups --pdeathsig TERM --)
fi
as_mount_user() { "${become[@]}" "$@"; }

# The directory of all archives, ./var. Where the mount's user cannot reach the clone (below
# /root, say), ./var becomes a link to a directory below /var/tmp.
var=$root/var
make_var() {
  mkdir -p "$var" 2>/dev/null || true
  if ! as_mount_user test -x "$var" 2>/dev/null && [ ! -L "$var" ]; then
    rmdir "$var" 2>/dev/null || die "$var cannot be reached by the user $mount_user; move it away"
    local elsewhere
    elsewhere=/var/tmp/holdfast-$(printf '%s' "$root" | cksum | cut -d' ' -f1)
    ln -s "$elsewhere" "$var"
  fi
  mkdir -p "$(readlink -f "$var")"
  chmod 755 "$(readlink -f "$var")"
  var=$(readlink -f "$var")
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# use_archive DIR: the archive the functions below speak of.
use_archive() {
  archive=$1
  config=$archive/holdfast.toml
  mount_point=$archive/mnt
  export HOLDFAST_SOCKET=$archive/run/admin.sock
  export HOLDFAST_WORKSPACE=$sample_workspace
}

# The embedded default configuration: every tier below one directory, and ages so short that the
# whole life of a recording can be watched. `write_config key=value...` overrides an age or a port.
write_config() {
  local port=8480 standard_copy=30s standard_release=1min warm_copy=2min warm_release=3min
  local seal=20s policy=2s attach=2s keep=10min
  local "$@"
  mkdir -p "$archive"
  cat >"$config" <<TOML
# Written by scripts/run, which keeps it as it is once it is there. docs/configuration.md has a
# line for every key. The ages are those of a demonstration.
[archive]
state_dir = "state"
run_dir = "run"
spool_dir = "spool"
mirror_dir = "mirror"
mirror_same_device = true
mount_group = "$mount_group"
mount_user = "$mount_user"

[http]
listen_port = $port

[standard]
path = "standard"
copy_after = "$standard_copy"
release_after = "$standard_release"

[warm]
path = "warm"
copy_after = "$warm_copy"
release_after = "$warm_release"
pack_seal_after = "$seal"

[cold]
kind = "vault"
path = "vault"
attach_time = "$attach"

[policy]
policy_interval = "$policy"

[restore]
keep_default = "$keep"
TOML
}

# Waits until the command succeeds; gives up after the seconds, or when the process is gone.
# wait_until SECONDS PID COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1)) pid=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$pid" 2>/dev/null; then return 1; fi
    sleep 0.05
  done
}

daemon_is_ready() {
  [ -s "$archive/run/http.port" ] &&
    curl -fsS -o /dev/null --max-time $((2 * pace)) "http://127.0.0.1:$(cat "$archive/run/http.port")/readyz"
}

# Starts holdfastd; sets $address. The first start makes and labels the directories (--init).
start_daemon() {
  local from
  from=$(now)
  if [ ! -e "$archive/state/index.db" ]; then
    "$bin/holdfastd" --config "$config" --init >>"$archive/holdfastd.log" 2>&1 ||
      { tail -n 5 "$archive/holdfastd.log" >&2; die "holdfastd --init failed"; }
  fi
  rm -f "$archive/run/http.port"
  setsid setpriv --pdeathsig TERM -- "${under[@]}" "$bin/holdfastd" --config "$config" \
    </dev/null >>"$archive/holdfastd.log" 2>&1 &
  daemon_pid=$!
  if ! wait_until $((30 * pace)) "$daemon_pid" daemon_is_ready; then
    tail -n 20 "$archive/holdfastd.log" >&2
    die "holdfastd is not ready; its log is $archive/holdfastd.log"
  fi
  address=http://127.0.0.1:$(cat "$archive/run/http.port")
  started_in=$(elapsed_since "$from")
}

# What stands in the way of a mount, in words; nothing when nothing does. As root it opens
# /dev/fuse and user_allow_other to other users, as Debian's udev rule and an administrator would.
prepare_fuse() {
  [ -c /dev/fuse ] || { say "this machine has no /dev/fuse"; return; }
  if [ "$(id -u)" -eq 0 ]; then
    if ! as_mount_user test -w /dev/fuse; then
      say "Opening /dev/fuse to all users (mode 0666, as Debian's udev rule does)." >&2
      chmod 0666 /dev/fuse || true
    fi
    if ! grep -qx user_allow_other /etc/fuse.conf 2>/dev/null; then
      say "Adding user_allow_other to /etc/fuse.conf, so that others than $mount_user see the mount." >&2
      echo user_allow_other >>/etc/fuse.conf
    fi
  fi
  as_mount_user test -w /dev/fuse || { say "/dev/fuse is not accessible"; return; }
}

mount_is_up() { mountpoint -q "$mount_point"; }

# Starts holdfast-fuse; false, with a reason in $no_mount, where this machine allows none.
start_mount() {
  local program=$bin/holdfast-fuse
  no_mount=$(prepare_fuse)
  [ -z "$no_mount" ] || return 1
  mkdir -p "$mount_point"
  if [ "$(id -u)" -eq 0 ]; then
    chown "$mount_user:$mount_group" "$mount_point"
    if ! as_mount_user test -x "$program"; then
      install -D -m 755 "$program" "$archive/bin/holdfast-fuse"
      program=$archive/bin/holdfast-fuse
    fi
  fi
  setsid "${become[@]}" "${under[@]}" "$program" "$mount_point" --config "$config" --foreground \
    </dev/null >>"$archive/holdfast-fuse.log" 2>&1 &
  mount_pid=$!
  if ! wait_until $((15 * pace)) "$mount_pid" mount_is_up; then
    no_mount="holdfast-fuse did not mount: $(tail -n 1 "$archive/holdfast-fuse.log")"
    stop_mount
    return 1
  fi
}

# stop_process NAME PID SECONDS: SIGTERM, and SIGKILL when it takes longer. False, with a reason,
# unless the process ended by itself and said that all was well.
stop_process() {
  local name=$1 pid=$2 deadline=$((SECONDS + $3 * pace)) status=0
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "$name does not stop; it is killed" >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
    sleep 0.05
  done
  wait "$pid" 2>/dev/null || status=$?
  [ "$status" -eq 0 ] || { say "$name ended with status $status" >&2; return 1; }
}

stop_mount() {
  local status=0
  if [ -n "$mount_pid" ]; then
    stop_process holdfast-fuse "$mount_pid" 10 || status=1
    mount_pid=
  fi
  if mount_is_up 2>/dev/null; then
    fusermount3 -u -z "$mount_point" 2>/dev/null || umount -l "$mount_point" || status=1
  fi
  return $status
}

stop_daemon() {
  [ -n "$daemon_pid" ] || return 0
  local pid=$daemon_pid
  daemon_pid=
  stop_process holdfastd "$pid" 30
}

# Unmounted first, so that nobody reads through a daemon that goes. True when all ended by itself.
stop_archive() {
  local status=0
  stop_mount || status=1
  stop_daemon || status=1
  return $status
}

# An API key of the sample workspace that may do everything but administer; kept in $archive/key.
make_key() {
  if [ ! -s "$archive/key" ]; then
    "$bin/holdfast" workspace add "$sample_workspace" --slug sample >/dev/null
    (umask 077 && "$bin/holdfast" key create --name sample --scopes \
      calls:read,recordings:download,recordings:write,recordings:restore,recordings:delete,holds:place,holds:release,audit:read \
      2>/dev/null >"$archive/key") || { rm -f "$archive/key"; die "no API key could be made"; }
  fi
  key=$(cat "$archive/key")
}

# make_calls OPTIONS...: sample calls into the spool, as a recorder would; their list is
# $archive/calls ("call_sid seconds bytes" a line).
make_calls() {
  "$bin/holdfast-sample-calls" --out "$archive/spool" --workspace "$sample_workspace" "$@" \
    >"$archive/calls"
}
