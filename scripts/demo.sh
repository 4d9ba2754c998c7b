# Sourced by scripts/run --demo: the whole life of recordings, played without a person.
# shellcheck shell=bash disable=SC2154 # set by lib.sh
#
# A step is a function that sets `measured` to a few words and fails when something did not hold;
# it may use everything of lib.sh. `step TITLE FUNCTION` runs it and prints one line. The first
# step that does not hold ends the demo, and scripts/run then exits 1.

step_number=0
step() {
  local title=$1 from
  shift
  step_number=$((step_number + 1))
  measured=
  from=$(now)
  if ! "$@"; then
    printf '%2d  FAILED  %-46s %s\n' "$step_number" "$title" "$measured"
    say "The logs are $archive/holdfastd.log and $archive/holdfast-fuse.log; the last lines:"
    tail -n 10 "$archive"/*.log 2>/dev/null
    die "step $step_number did not hold: $title"
  fi
  printf '%2d  ok      %-46s %s (%s)\n' "$step_number" "$title" "$measured" "$(elapsed_since "$from")"
}

# Waits until COMMAND succeeds, at most SECONDS: hold_within SECONDS COMMAND...
hold_within() {
  local most=$1
  shift
  wait_until "$most" "$daemon_pid" "$@"
}

step_start() {
  start_daemon
  make_key
  measured="$address"
}

step_calls_come_in() {
  make_calls --apart 1
  hold_within 60 all_calls_are_listed || return 1
  measured="$(wc -l <"$archive/calls") calls, $(awk '{ s += $3 } END { printf "%.0f MB", s / 1e6 }' "$archive/calls")"
}
all_calls_are_listed() {
  local listed
  listed=$("$bin/holdfast" ls --json | jq '.items | length')
  [ "$listed" -eq "$(wc -l <"$archive/calls")" ]
}

step_mount() {
  start_mount || { measured=$no_mount; return 1; }
  measured="$mount_point, as $(ps -o user= -p "$mount_pid" | tr -d ' ')"
}

step_stop() {
  stop_archive || return 1
  ! mount_is_up || { measured="still mounted"; return 1; }
  measured="unmounted, nothing left running"
}

play_demo() {
  use_archive "$var/demo"
  rm -rf "${archive:?}"
  write_config port=0 standard_copy=3s standard_release=6s warm_copy=10s warm_release=12s \
    seal=2s policy=250ms attach=1s keep=1min
  step "the daemon starts on an empty archive" step_start
  step "calls come in through the spool" step_calls_come_in
  step "the archive is browsed as a directory" step_mount
  step "everything stops cleanly" step_stop
  say "Every step held."
}
