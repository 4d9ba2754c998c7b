#!/usr/bin/env bash
# The mount over many recordings beside the same tree on the file system below it: the same paths
# and the same files, copied, on one ext4; by turns in one run.
#
#   bench/mount.sh [COUNT] [--tiny] [--programs DIR] [--rounds N] [--files N] [--image FILE]
#
# COUNT calls (100,000) of 8 kB of audio and a metadata.json, in four workspaces and on 25 days of
# each; --files calls (2,000) of 480 kB; and one of 512 MB. All are on the standard tier. A line for
# each command: milliseconds of both, how fast ours is beside the other (1.0: as fast), and
# milliseconds of processor (of the command, the mount and the daemon); medians of the rounds.
# *Cold* is after the kernel dropped its caches, ours in a mount that has just begun; *warm* is the
# same command once more.
#
# --image keeps the disk with both trees in a file: the next run with it fills nothing.
#
# --tiny says nothing of speed: it shows that both trees are the same, name by name and byte by
# byte. Needs FUSE and, for the caches, root; 77 where they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

count=100000 files=2000 file_bytes=480000 large_bytes=512000000 rounds=3 tiny='' image=''
while [ $# -gt 0 ]; do
  case $1 in
    --tiny) tiny=yes count=120 files=6 large_bytes=3000000 rounds=1 ;;
    --programs) bin=$(realpath "$2") && shift ;;
    --rounds) rounds=$2 && shift ;;
    --files) files=$2 && shift ;;
    --image) image=$(realpath "$2") && shift ;;
    [0-9]*) count=$1 ;;
    *) die "unknown option \"$1\"" ;;
  esac
  shift
done
patience=900  # seconds of one command
[ -c /dev/fuse ] || { say "skipped: this machine has no /dev/fuse"; exit 77; }
[ -n "$tiny" ] || [ -w /proc/sys/vm/drop_caches ] ||
  { say "skipped: only root drops the kernel's caches"; exit 77; }

place=$(mktemp -d "${TMPDIR:-/var/tmp}/holdfast-bench-XXXXXX")
disk=$place/disk
# shellcheck disable=SC2317 # reached through the trap
on_exit() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  stop_archive || status=1
  if mountpoint -q "$disk"; then umount "$disk" || umount -l "$disk" || status=1; fi
  rm -rf --one-file-system "$place"
  exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT TERM HUP
mkdir "$disk"
chmod 755 "$place" "$disk"  # the mount's user goes through them
use_archive "$disk/archive"
native=$disk/native

# An ext4 of their own, in a file on the disk. While it is filled, nobody waits for the disk; from
# then on a sync is one again.
mount_disk() {
  image=${image:-$place/image}
  if [ ! -e "$image" ]; then
    truncate -s 24G "$image"
    mkfs.ext4 -q -F -i 8192 "$image"
  fi
  mount -o loop,barrier=0,noinit_itable "$image" "$disk" 2>/dev/null ||
    say "no loop device can be mounted here: the trees are on the disk of $place"
}
settle_disk() {
  sync
  ! mountpoint -q "$disk" || mount -o remount,barrier=1 "$disk"
}

# --- Both trees

# Nothing leaves the standard tier, and nobody scrubs meanwhile.
fill() {
  write_config port=0 policy=1h standard_copy=20000d standard_release=20001d warm_copy=20002d \
    warm_release=20003d
  printf '\n[scrub]\nevery = "365d"\n' >>"$config"
  local what
  for what in "$count 8000" "$files $file_bytes" "1 $large_bytes"; do
    # shellcheck disable=SC2086 # two words
    timeout 3600 "$bin/bench_fill" $what "$config" 2>>"$archive/fill.log" ||
      { tail -n 5 "$archive/fill.log" >&2; die "the archive could not be filled"; }
  done
}

# The standard tier has what the mount shows, and a recording.json beside it.
copy_to_native() {
  mkdir "$native"
  (cd "$archive/standard/standard" && tar --exclude recording.json -cf - ./*-*) | tar -C "$native" -xf -
}

# Every path, and the size of files, sorted.
tree_of() {
  (cd "$1" && find . -mindepth 1 \( -type d -printf 'd %P\n' -o -printf '%y %P %s\n' \) | sort)
}

# compare_trees: the same names, and the same bytes of what will be read.
compare_trees() {
  tree_of "$mount_point" >"$place/tree.ours"
  tree_of "$native" >"$place/tree.native"
  cmp "$place/tree.ours" "$place/tree.native" || die "the mount and the native tree differ"
  sed -n "s/^f \(.*\) $file_bytes\$/\1/p" "$place/tree.ours" | tr '\n' '\0' >"$place/files"
  sed -n "s/^f \(.*\) $large_bytes\$/\1/p" "$place/tree.ours" | tr '\n' '\0' >"$place/large"
  [ "$(tr -dc '\0' <"$place/files" | wc -c)" -eq "$files" ] || die "$files files were expected"
  local list
  for list in files large; do
    [ "$(read_all "$mount_point" $list | sha256sum)" = "$(read_all "$native" $list | sha256sum)" ] ||
      die "the mount and the native tree have different bytes"
  done
  say "$(grep -c ^d "$place/tree.ours") directories and $(grep -c ^f "$place/tree.ours") files," \
    "both trees the same: sha256 $(sha256sum <"$place/tree.ours" | cut -c1-16)"
}

# --- What is measured: WHAT TREE

walk() { find "$1" >/dev/null; }
list() { ls -lR "$1" >/dev/null; }
read_all() { (cd "$1" && xargs -0 cat <"$place/$2"); }
cat_files() { read_all "$1" files >/dev/null; }
cat_large() { read_all "$1" large >/dev/null; }

# Of the kernel's two copies of the large file, the mount's own is dropped: what is read is in
# memory, and comes through the mount.
drop_large() {
  [ "$1" = "$mount_point" ] || return 0
  (cd "$1" && xargs -0 -I{} dd if={} iflag=nocache count=0 status=none <"$place/large")
}

drop_caches() {
  [ -z "$tiny" ] || return 0
  sync
  echo 3 >/proc/sys/vm/drop_caches
}

# A mount that has just begun, and nothing cached.
make_cold() {
  if [ "$1" = "$mount_point" ]; then
    stop_mount || die "the mount did not stop"
    drop_caches
    start_mount || die "$no_mount"
  else
    drop_caches
  fi
}

# Processor time so far of the mount and the daemon, in ms.
server_ms() {
  awk -v hz="$(getconf CLK_TCK)" '{ t += $14 + $15 } END { print t * 1000 / hz }' \
    "/proc/$mount_pid/stat" "/proc/$daemon_pid/stat"
}

# timed NAME SIDE COMMAND TREE: adds the milliseconds to those of the name and side, and those of
# processor: of the command, the mount and the daemon. The command runs in a process of its own, so
# that a bound ends it.
timed() {
  local before spent
  before=$(server_ms)
  # shellcheck disable=SC2016 # the inner shell expands them
  spent=$(timeout "$patience" bash -c '
    set -euo pipefail
    eval "$1"
    place=$2 TIMEFORMAT="%R %U %S"
    { time "$3" "$4" 2>&3; } 3>&2 2>&1
  ' timed "$(declare -f read_all "$3")" "$place" "$3" "$4") || die "$1: $2 did not end well"
  awk -v before="$before" -v after="$(server_ms)" -v ms="$place/ms.$1.$2" -v cpu="$place/cpu.$1.$2" \
    '{ print $1 * 1000 >>ms; print ($2 + $3) * 1000 + after - before >>cpu }' <<<"$spent"
}

measure() {
  local side tree
  for side in native ours; do
    tree=$native
    [ $side = native ] || tree=$mount_point
    make_cold "$tree"
    timed find-cold $side walk "$tree"
    timed find-warm $side walk "$tree"
    make_cold "$tree"
    timed ls-cold $side list "$tree"
    timed ls-warm $side list "$tree"
    make_cold "$tree"
    timed cat-cold $side cat_files "$tree"
    timed cat-warm $side cat_files "$tree"
    cat_large "$tree"
    drop_large "$tree"
    timed large $side cat_large "$tree"
  done
}

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

print_line() {
  local name=$1 words=$2
  awk -v words="$words" -v a="$(median <"$place/ms.$name.ours")" \
    -v b="$(median <"$place/ms.$name.native")" -v ca="$(median <"$place/cpu.$name.ours")" \
    -v cb="$(median <"$place/cpu.$name.native")" \
    'BEGIN { printf("%-33s %8.0f %8.0f %6.2f %10.0f %8.0f\n", words, a, b, b / a, ca, cb) }'
}

[ -n "$tiny" ] || mount_disk
if [ ! -e "$native.is-whole" ]; then
  fill
  copy_to_native
  touch "$native.is-whole"
fi
settle_disk
start_daemon
start_mount || { say "skipped: $no_mount"; exit 77; }
compare_trees
say "$rounds rounds, on $(stat -f -c %T "$disk"); Linux $(uname -r); $(nproc) cores"
for _ in $(seq "$rounds"); do measure; done
say ""
say "                                  milliseconds               of processor"
say "                                      ours   native  ratio       ours   native"
print_line find-cold "find, cold"
print_line find-warm "find, warm"
print_line ls-cold "ls -lR, cold"
print_line ls-warm "ls -lR, warm"
print_line cat-cold "cat $files of $file_bytes bytes, cold"
print_line cat-warm "cat $files of $file_bytes bytes, warm"
print_line large "cat 1 of $large_bytes bytes ¹"
say ""
say "1. Its bytes are in memory, but not in the mount's own pages."
