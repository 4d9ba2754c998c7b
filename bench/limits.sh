#!/usr/bin/env bash
# What the hardware gives, beside which every other figure stands: the disk in sequence and at syncs,
# digests on one core, a copy through the loopback device, a copy into memory.
#
#   bench/limits.sh [--tiny]
#
# Of the disk that $TMPDIR, or /var/tmp, lies on. --tiny says nothing of speed. Needs fio; 77 where
# it is missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

seconds=5 bytes=1G
if [ "${1:-}" = --tiny ]; then seconds=1 bytes=8M; fi
for tool in fio jq openssl; do
  command -v "$tool" >/dev/null || { say "skipped: no $tool"; exit 77; }
done
place=$(mktemp -d "${TMPDIR:-/var/tmp}/holdfast-bench-XXXXXX")
memory=$(mktemp -d /dev/shm/holdfast-bench-XXXXXX)
peer=
on_exit() {
  local status=$?
  # It ends with its sender, which may be before this.
  if [ -n "$peer" ] && kill -0 "$peer" 2>/dev/null; then kill "$peer"; fi
  rm -rf "$place" "$memory"
  exit "$status"
}
trap on_exit EXIT

# figure WORDS UNIT COMMAND...: a line with the whole number that the command prints. What fails
# is told with its own words.
figure() {
  local words=$1 unit=$2 number
  shift 2
  number=$("$@" 2>"$place/errors") || { cat "$place/errors" >&2; die "$words: not measured"; }
  [[ $number =~ ^[1-9][0-9]*$ ]] || { cat "$place/errors" >&2; die "$words: \"$number\" is no figure"; }
  printf '%-44s %12s %s\n' "$words" "$number" "$unit"
}
# job SIDE VALUE OPTION...: one run of fio; VALUE, in jq's words, of its reads or writes.
job() {
  local side=$1 value=$2
  shift 2
  fio --name=limits --output-format=json --runtime="$seconds" --time_based --group_reporting "$@" |
    jq -r ".jobs[0].$side | $value | floor"
}
megabytes='.bw_bytes / 1e6'
digest() {
  openssl speed -seconds "$seconds" -mr -bytes 262144 -evp sha256 |
    awk -F: '/^\+F/ { printf "%.0f", $NF / 1e6 }'
}

say "$(nproc) cores; $place on $(stat -f -c %T "$place"); Linux $(uname -r)"
for jobs in 1 8; do
  figure "fdatasync after 4 kB, $jobs at once" "a second" job write .iops --directory="$place" \
    --rw=write --bs=4k --fdatasync=1 --numjobs="$jobs" --size="$bytes" --filesize=8M
done
for side in write read; do
  figure "disk, $side in sequence" MB/s job "$side" "$megabytes" --directory="$place" --rw="$side" \
    --bs=1m --size="$bytes" --direct=1 --ioengine=io_uring --iodepth=16
  figure "memory (tmpfs), $side" MB/s job "$side" "$megabytes" --directory="$memory" --rw="$side" \
    --bs=1m --size="$bytes" --ioengine=psync
done
figure "SHA-256, one core" MB/s digest
# The sender's time is one core's, the receiver's the other's.
port=$((20000 + RANDOM % 10000))
# Whoever connects to see takes the place of the sender.
is_listening() { grep -qi ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp; }
fio --name=receive --rw=read --bs=256k --size=1T --runtime=$((seconds + 5)) --time_based \
  --ioengine=net --listen --protocol=tcp --port="$port" >"$place/receive" 2>&1 &
peer=$!
wait_until 10 "$peer" is_listening || { cat "$place/receive" >&2; die "fio does not listen"; }
figure "copy through loopback, one connection" MB/s job write "$megabytes" --rw=write --bs=256k \
  --size=1T --ioengine=net --hostname=127.0.0.1 --protocol=tcp --port="$port"
