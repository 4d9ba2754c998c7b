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
  if [ -n "$peer" ]; then
    kill "$peer" 2>/dev/null || true
    wait "$peer" 2>/dev/null || true
  fi
  rm -rf "$place" "$memory"
  exit "$status"
}
trap on_exit EXIT

# job NAME SIDE KEY OPTION...: one run of fio; KEY (bw_bytes, iops) of its reads or writes.
job() {
  local name=$1 side=$2 key=$3
  shift 3
  fio --name="$name" --output-format=json --runtime="$seconds" --time_based --size="$bytes" \
    --group_reporting "$@" 2>/dev/null | jq -r ".jobs[0].$side.$key | floor"
}
line() { printf '%-44s %12s %s\n' "$1" "$2" "$3"; }
megabytes() { awk -v b="$1" 'BEGIN { printf "%.0f", b / 1e6 }'; }

say "$(nproc) cores; $place on $(stat -f -c %T "$place"); Linux $(uname -r)"
for jobs in 1 8; do
  line "fdatasync after 4 kB, $jobs at once" \
    "$(job sync write iops --directory="$place" --rw=write --bs=4k --fdatasync=1 \
      --numjobs="$jobs" --filesize=8M)" "a second"
done
for side in write read; do
  line "disk, $side in sequence" "$(megabytes "$(job sequence "$side" bw_bytes \
    --directory="$place" --rw="$side" --bs=1m --direct=1 --ioengine=io_uring --iodepth=16)")" MB/s
  line "memory (tmpfs), $side" "$(megabytes "$(job memory "$side" bw_bytes \
    --directory="$memory" --rw="$side" --bs=1m --ioengine=psync)")" MB/s
done
line "SHA-256, one core" "$(openssl speed -seconds "$seconds" -mr -bytes 262144 -evp sha256 2>/dev/null |
  awk -F: '/^\+F/ { printf "%.0f", $NF / 1e6 }')" MB/s
# The sender's time is one core's, the receiver's the other's.
port=$((20000 + RANDOM % 10000))
# Whoever connects to see takes the place of the sender.
is_listening() { grep -qi ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp; }
fio --name=receive --rw=read --bs=256k --size=1T --runtime=$((seconds + 5)) --time_based \
  --ioengine=net --listen --protocol=tcp --port="$port" --output="$place/receive" >/dev/null 2>&1 &
peer=$!
wait_until 10 "$peer" is_listening || die "fio does not listen"
line "copy through loopback, one connection" "$(megabytes "$(fio --name=send --output-format=json \
  --rw=write --bs=256k --size=1T --runtime="$seconds" --time_based --ioengine=net \
  --hostname=127.0.0.1 --protocol=tcp --port="$port" 2>/dev/null |
  jq -r '.jobs[0].write.bw_bytes | floor')")" MB/s
