#!/usr/bin/env bash
# The story of `scripts/run --demo` as a test: play_demo.sh DIRECTORY-OF-PROGRAMS
set -euo pipefail
programs=$(realpath "$1")
. "$(dirname "$0")/../../scripts/lib.sh"
bin=$programs
for tool in asterisk flite; do
  [ "$tool" = asterisk ] && [ -d /usr/share/asterisk/sounds ] && continue
  command -v "$tool" >/dev/null || { say "skipped: no $tool, so no sample calls of real speech"; exit 77; }
done
var=$(mktemp -d "${TMPDIR:-/var/tmp}/holdfast-demo-XXXXXX")
chmod 755 "$var"
on_exit() {
  local status=$?
  stop_archive || status=1
  rm -rf "$var"
  exit "$status"
}
trap on_exit EXIT
if why=$(prepare_fuse) && [ -n "$why" ]; then
  say "skipped: $why"
  exit 77
fi
. "$root/scripts/demo.sh"
play_demo
