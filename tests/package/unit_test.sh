#!/usr/bin/env bash
# The units as systemd judges them: no complaint, and the daemon's sandbox at 1.5 or lower.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
command -v systemd-analyze >/dev/null || { say "skipped: this machine has no systemd-analyze"; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# verify wants the programs to be there, and reads the manual's pages that are named.
for unit in holdfastd.service holdfastd.socket holdfast-mount.service; do
  sed -E 's#(=[-+!:]*)/usr/(s?bin)/holdfast[a-z-]*#\1/bin/true#; /^Documentation=/d' \
    "$root/systemd/$unit" >"$place/$unit"
done
verdict=$(systemd-analyze verify --man=no "$place"/holdfast* 2>&1 | grep -F "$place" || true)
[ -z "$verdict" ] || { printf '%s\n' "$verdict"; die "systemd-analyze verify complains"; }

limit=15
score=$(systemd-analyze security --offline=yes --no-pager "$place/holdfastd.service" |
  sed -n 's/.*Overall exposure level for [^:]*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p')
[ -n "$score" ] || die "systemd-analyze security gives no figure"
[ "$((10#$score))" -le $limit ] || {
  systemd-analyze security --offline=yes --no-pager "$place/holdfastd.service"
  die "the exposure of holdfastd.service is $score tenths, more than $limit"
}
systemd-analyze security --offline=yes --no-pager --threshold=$limit "$place/holdfastd.service" >/dev/null ||
  die "systemd-analyze security refuses holdfastd.service"
say "holdfastd.service: exposure $((10#$score / 10)).$((10#$score % 10))"
