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
    printf '%2d  FAILED  %-52s %s\n' "$step_number" "$title" "$measured"
    say "The logs are $archive/holdfastd.log and $archive/holdfast-fuse.log; the last lines:"
    tail -n 10 -- "$archive"/*.log
    die "step $step_number did not hold: $title"
  fi
  printf '%2d  ok      %-52s %s (%s)\n' "$step_number" "$title" "$measured" "$(elapsed_since "$from")"
}

# Waits until COMMAND succeeds, at most SECONDS: hold_within SECONDS COMMAND...
hold_within() {
  local most=$(($1 * pace))
  shift
  wait_until "$most" "$daemon_pid" "$@"
}

# GET by the API key: api PATH [curl options]; the body on standard output.
api() {
  local path=$1
  shift
  curl -sS -H "Authorization: Bearer $key" "$@" "$address/v1/$sample_workspace/$path"
}
status_of() { api "$@" -o /dev/null -w '%{http_code}'; }
call_number() { sed -n "$1p" "$archive/calls" | cut -d' ' -f1; }
megabytes() { awk -v n="$1" 'BEGIN { printf "%.1f MB", n / 1e6 }'; }
sha256_of() { sha256sum "$1" | cut -d' ' -f1; }
expected_sha256() { awk -v name="$1/$2" '$2 == name { print $1 }' "$archive/sha256"; }
calls_on() { "$bin/holdfast" ls --all --json --tier "$1" | jq -s '[.[].items[]] | length'; }

step_start() {
  start_daemon
  make_key
  measured="$address, ready in $started_in"
}

step_calls_come_in() {
  # Made beside the spool first, so that what every byte should be is known before it goes in.
  "$bin/holdfast-sample-calls" --out "$archive/made" --workspace "$sample_workspace" --apart 1 \
    >"$archive/calls"
  (cd "$archive/made/$sample_workspace" && find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum) \
    >"$archive/sha256"
  all=$(wc -l <"$archive/calls")
  spooled=$((all - 2))
  mkdir -p "$archive/spool/$sample_workspace"
  local n call from_directory to_directory
  for n in $(seq "$spooled"); do
    call=$(call_number "$n")
    from_directory=$archive/made/$sample_workspace/$call
    to_directory=$archive/spool/$sample_workspace/$call
    mkdir "$to_directory"
    cp "$from_directory"/inbound.* "$from_directory"/outbound.* "$to_directory"
    cp "$from_directory/metadata.json" "$to_directory/.metadata.json"
    mv "$to_directory/.metadata.json" "$to_directory/metadata.json"
  done
  hold_within 60 listed "$spooled" || return 1
  measured="$spooled calls of $(awk -v n="$spooled" 'NR <= n { s += $2 } END { printf "%.0f s", s }' "$archive/calls") in all"
}
listed() { [ "$("$bin/holdfast" ls --all --json | jq -s '[.[].items[]] | length')" -eq "$1" ]; }

step_upload() {
  local call directory
  call=$(call_number $((all - 1)))
  directory=$archive/made/$sample_workspace/$call
  [ "$(api recordings -o "$archive/answer" -w '%{http_code}' -F "a=@$directory/inbound.ulaw" \
    -F "b=@$directory/outbound.pcm" -F "c=@$directory/metadata.json")" = 201 ] || return 1
  [ "$(api recordings -o "$archive/answer" -w '%{http_code}' -F "a=@$directory/inbound.ulaw" \
    -F "b=@$directory/outbound.pcm" -F "c=@$directory/metadata.json")" = 200 ] || return 1
  [ "$(api recordings -o "$archive/answer" -w '%{http_code}' -F "a=@$directory/outbound.pcm;filename=inbound.ulaw" \
    -F "c=@$directory/metadata.json")" = 409 ] || return 1
  "$bin/holdfast" put "$archive/made/$sample_workspace/$(call_number "$all")" >/dev/null || return 1
  listed "$all" || return 1
  measured="201; again 200; other bytes 409; holdfast put: stored"
}

step_download() {
  local call url
  call=$(call_number "$all")
  api "recordings/$call/urls" >"$archive/answer"
  url=$(jq -r .inbound_url "$archive/answer")
  curl -sS -o "$archive/inbound" "$url" || return 1
  [ "$(sha256_of "$archive/inbound")" = "$(expected_sha256 "$call" inbound.ulaw)" ] || return 1
  [ "$(curl -sS -o "$archive/part" -w '%{http_code}' -r 1000-1999 "$url")" = 206 ] || return 1
  cmp -s "$archive/part" <(tail -c +1001 "$archive/inbound" | head -c 1000) || return 1
  local forged=${url%?}
  [ "$(curl -sS -o /dev/null -w '%{http_code}' "$forged")" = 403 ] || return 1
  measured="$(wc -c <"$archive/inbound") bytes by signed link, a range 206, a forged link 403"
}

# The links of a jti are dead at the next request; those of another are as good as before.
step_link_revocation() {
  local call url jti other
  call=$(call_number "$all")
  other=$(api "recordings/$call/urls" | jq -r .metadata_url)
  url=$(api "recordings/$call/urls" | jq -r .inbound_url)
  jti=$(sed -n 's/.*[?&]jti=\([^&]*\).*/\1/p' <<<"$url")
  answers_200 "$url" || return 1
  [ "$(curl -sS -o "$archive/answer" -w '%{http_code}' --unix-socket "$archive/run/admin.sock" \
    "http://archive/v1/$sample_workspace/link-revocations" -d "{\"jti\":\"$jti\"}")" = 201 ] || return 1
  [ "$(curl -sS -o /dev/null -w '%{http_code}' "$url")" = 403 ] || return 1
  answers_200 "$other" || return 1
  measured="200, revoked, 403 at the next request; another link still 200"
}

# By the caller's number, as a person would write it, and by the call's id.
step_search() {
  local call number found
  call=$(call_number 3)
  number=$(jq -r .from "$archive/made/$sample_workspace/$call/metadata.json")
  found=$(api recordings -G --data-urlencode "from_number=$number" | jq -r '.items[].call_sid')
  grep -qx "$call" <<<"$found" || return 1
  [ "$("$bin/holdfast" ls "$call" --json | jq -r '.items[].call_sid')" = "$call" ] || return 1
  [ "$(api recordings -G --data-urlencode "q=nobody-said-this" | jq '.items | length')" -eq 0 ] || return 1
  measured="by number $(wc -l <<<"$found"), by id 1, by a word that nobody said 0"
}

# A decision puts it right; what lies on media stays as it came.
step_relabel() {
  local call
  call=$(call_number 4)
  "$bin/holdfast" relabel "$call" --set case=seen-by-a-visitor --reason "the demo" >/dev/null || return 1
  [ "$(api recordings -G --data-urlencode "q=seen-by-a-visitor" | jq -r '.items[].call_sid')" = "$call" ] || return 1
  api "recordings/$call/metadata" | jq -e '.attributes.case == "seen-by-a-visitor"' >/dev/null || return 1
  api "recordings/$call/download/metadata.json" -o "$archive/metadata" || return 1
  [ "$(sha256_of "$archive/metadata")" = "$(expected_sha256 "$call" metadata.json)" ] || return 1
  measured="found by its new attribute; metadata.json is as it came"
}

step_mount() {
  start_mount || { measured=$no_mount; return 1; }
  measured="as $(ps -o user= -p "$mount_pid" | tr -d ' '), $(find "$mount_point" -type f | wc -l) files"
}

step_hold() {
  held=$(call_number 1)
  "$bin/holdfast" hold "$held" --matter demo --reason "shown to a visitor" >/dev/null || return 1
  [ "$(status_of "recordings/$held" -X DELETE)" = 409 ] || return 1
  measured="DELETE answers 409"
}

step_delete() {
  local call directory
  call=$(call_number 2)
  directory=$archive/made/$sample_workspace/$call
  "$bin/holdfast" rm "$call" --reason "asked for" --yes >/dev/null || return 1
  hold_within 20 is_gone "$call" || return 1
  [ "$(api recordings -o "$archive/answer" -w '%{http_code}' -F "a=@$directory/inbound.ulaw" \
    -F "c=@$directory/metadata.json")" = 409 ] || return 1
  measured="gone, and a retry of its recorder answers 409"
}
# Where a pack has it already, `show` still says that it is being destroyed; nobody gets a byte of it.
is_gone() { [ "$(status_of "recordings/$1/download/metadata.json")" = 404 ]; }

step_plan() {
  "$bin/holdfast" plan --json --at "$(date -u -d "+1 hour" +%FT%TZ)" >"$archive/answer" || return 1
  measured="$(jq '.steps | length' "$archive/answer") steps within the hour; nothing was touched"
}

step_warm() {
  hold_within 60 left_standard || return 1
  local packs original
  packs=$(find "$archive/warm/packs" -name '*.tar' -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }')
  original=$("$bin/holdfast" ls --all --json | jq -s '[.[].items[].bytes] | add')
  measured="$(megabytes "$original") in packs of $(megabytes "$packs"), $(awk -v p="$packs" -v o="$original" 'BEGIN { printf "%.2fx", p / o }')"
}
left_standard() {
  [ "$(calls_on standard)" -eq 0 ] && [ -z "$(find "$archive/standard/standard" -name '*.pcm')" ]
}

# The pack's own README, and nothing of ours: tar, flac, zstd, sha256sum.
step_unpack() {
  local pack
  pack=$(find "$archive/warm/packs" "$archive/vault" -name '*.tar' | head -n 1)
  [ -n "$pack" ] || return 1
  rm -rf "$archive/unpacked"
  mkdir "$archive/unpacked"
  tar -xf "$pack" -C "$archive/unpacked" || return 1
  (cd "$archive/unpacked"/* && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt) || return 1
  measured="$(find "$archive/unpacked" -name '*.flac' | wc -l) FLAC files, every digest of the bag holds"
}

step_cold() {
  hold_within 90 all_cold || return 1
  measured="$(find "$archive/vault" -name '*.tar' | wc -l) packs in the vault, none on warm"
}
all_cold() {
  [ "$(calls_on cold)" -eq $((all - 1)) ] && [ -z "$(find "$archive/warm/packs" -name '*.tar')" ]
}

step_looking() {
  local errors
  find "$mount_point" -type f -exec stat -c %s {} + >/dev/null || return 1
  # Into a pipe: GNU tar reads nothing when it sees that it writes to /dev/null.
  if tar -cf - -C "$mount_point" . 2>"$archive/tar.errors" | cat >/dev/null; then return 1; fi
  errors=$(grep -c 'Remote I/O error' "$archive/tar.errors")
  [ "$errors" -eq $((2 * (all - 1))) ] || { measured="$errors errors"; return 1; }
  api "recordings/$held/metadata" | jq -e '.duration_seconds > 0' >/dev/null || return 1
  [ "$(api restores | jq '.items | length')" -eq 0 ] || return 1
  measured="tar: $errors clear errors, metadata complete, no recall started"
}

step_restore() {
  local estimate url
  [ "$(api "recordings/$held/urls" -o "$archive/answer" -w '%{http_code}')" = 202 ] || return 1
  estimate=$(jq -r .estimated_seconds "$archive/answer")
  url=$(jq -r .inbound_url "$archive/answer")
  hold_within 60 answers_200 "$url" || return 1
  curl -sS -o "$archive/inbound" "$url" || return 1
  [ "$(sha256_of "$archive/inbound")" = "$(expected_sha256 "$held" inbound.ulaw)" ] || return 1
  measured="202, estimated $estimate s; back, and its link opens: every byte right"
}
answers_200() { [ "$(curl -sS -o /dev/null -w '%{http_code}' "$1")" = 200 ]; }

step_mounted_copy() {
  local directory
  directory=$(find "$mount_point" -type d -name "$held")
  [ "$(sha256_of "$directory/outbound.pcm")" = "$(expected_sha256 "$held" outbound.pcm)" ] || return 1
  if touch "$directory/new" 2>/dev/null; then return 1; fi
  measured="read through the mount, writing refused"
}

step_kill() {
  kill -KILL "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null || true
  start_daemon
  listed $((all - 1)) || return 1
  [ "$(status_of "recordings/$held" -X DELETE)" = 409 ] || return 1
  measured="ready again in $started_in, the hold still holds"
}

# Every call that is left comes back by one request, and is compared.
step_everything() {
  local call file
  awk '{ print $1 }' "$archive/calls" | grep -v "^$(call_number 2)\$" >"$archive/left"
  "$bin/holdfast" restore --tier cold --wait --timeout $((2 * pace))min --json \
    >"$archive/answer" 2>"$archive/progress" || return 1
  rm -rf "$archive/got"
  while read -r call; do
    "$bin/holdfast" get "$call" -o "$archive/got/$call" >/dev/null || return 1
    for file in inbound.ulaw outbound.pcm metadata.json; do
      [ "$(sha256_of "$archive/got/$call/$file")" = "$(expected_sha256 "$call" "$file")" ] || {
        measured="$call/$file differs"
        return 1
      }
    done
  done <"$archive/left"
  measured="$(find "$archive/got" -type f | wc -l) files, $(megabytes "$(du -sb "$archive/got" | cut -f1)"), every byte right"
}

step_audit() {
  "$bin/holdfast" audit --check >/dev/null || return 1
  "$bin/holdfast" audit --call "$held" --json | jq -e '[.items[].kind] | index("hold.placed")' >/dev/null || return 1
  measured="$("$bin/holdfast" audit --check --json | jq '[.chains[].lines] | add') lines, both chains whole"
}

step_stop() {
  stop_archive || return 1
  ! mount_is_up || { measured="still mounted"; return 1; }
  measured="unmounted, nothing left running"
}

play_demo() {
  use_archive "$var/demo"
  rm -rf "${archive:?}"
  write_config port=0 standard_copy=$((3 * pace))s standard_release=$((6 * pace))s \
    warm_copy=$((25 * pace))s warm_release=$((28 * pace))s seal=$((2 * pace))s policy=250ms \
    attach=1s keep=$((5 * pace))min
  step "the daemon starts on an empty archive" step_start
  step "calls come in through the spool" step_calls_come_in
  step "calls come in by HTTP and by holdfast put" step_upload
  step "a signed link gives the bytes" step_download
  step "a link is revoked" step_link_revocation
  step "calls are found by what is known of them" step_search
  step "a recording is relabelled" step_relabel
  step "the archive is browsed as a directory" step_mount
  step "a legal hold forbids deletion" step_hold
  step "a recording without a hold is destroyed" step_delete
  step "the policy says what it would do" step_plan
  step "recordings leave the SSD for packs" step_warm
  step "a pack is read with stock tools" step_unpack
  step "packs go to the offline vault" step_cold
  step "looking recalls nothing" step_looking
  step "an archived recording answers 202 and comes back" step_restore
  step "it is there in the mount too" step_mounted_copy
  step "the daemon is killed and continues" step_kill
  step "every recording is restored and compared" step_everything
  step "the ledger is checked" step_audit
  step "everything stops cleanly" step_stop
  say "Every step held."
}
