#!/usr/bin/env bash
# The package's whole life inside a booted systemd: installed, initialised, started, used, watched,
# reloaded, mounted, upgraded, removed, purged.
#
#   booted_test.sh BUILD-DIRECTORY
#
# The system is a minimal Debian of mmdebstrap, made once and kept in the build directory; every run
# boots it anew with an overlay in memory, so nothing of a run is left.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
build=$(realpath "$1")
skip() { say "skipped: $*"; exit 77; }

[ "$(id -u)" -eq 0 ] || skip "booting a container needs root"
for tool in systemd-nspawn mmdebstrap dpkg-deb nsenter; do
  command -v $tool >/dev/null || skip "this machine has no $tool"
done
package=$(find "$build/package" -maxdepth 1 -name '*.deb' 2>/dev/null | head -n 1)
[ -n "$package" ] || skip "there is no package; test_package makes it"

# --- The system

system=$build/systemd-root
needs=$(dpkg-deb -f "$package" Depends | sed -E 's/ *\([^)]*\)//g; s/ *\|[^,]*//g; s/ //g')
needs=systemd,systemd-sysv,dbus,$needs
if [ "$(cat "$system.needs" 2>/dev/null)" != "$needs" ] || [ ! -x "$system/sbin/init" ]; then
  say "Making a minimal Debian (once): $needs"
  rm -rf "$system" "$system.needs"
  mmdebstrap --quiet --variant=minbase --include="$needs" bookworm "$system" >"$build/mmdebstrap.log" 2>&1 || {
    tail -n 5 "$build/mmdebstrap.log"
    skip "no Debian could be made: is its archive within reach?"
  }
  printf '%s' "$needs" >"$system.needs"
fi

work=$(mktemp -d)
machine=holdfast-$$
nspawn=
leader=
on_exit() {
  local status=$?
  trap - EXIT
  if [ $status -ne 0 ] && [ $status -ne 77 ] && [ -n "$leader" ]; then
    say "--- the journal's end:"
    inside journalctl --no-pager -n 40 -o short-monotonic || true
  fi
  if [ -n "$nspawn" ]; then
    [ -z "$leader" ] || inside systemctl --no-block poweroff 2>/dev/null || true
    for _ in $(seq 100); do
      kill -0 "$nspawn" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$nspawn" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit $status
}
trap on_exit EXIT

inside() { nsenter -t "$leader" -a -r -w "$@"; }

started=$(now)
cp "$package" "$work/holdfast.deb"
chmod 0666 /dev/fuse 2>/dev/null || true
fuse=()
[ -c /dev/fuse ] && fuse=(--bind=/dev/fuse)
setsid systemd-nspawn -q -D "$system" --volatile=overlay -M "$machine" --register=no --keep-unit --boot \
  --console=pipe --bind-ro="$work:/mnt/packages" "${fuse[@]}" </dev/null >"$work/console" 2>&1 &
nspawn=$!
for _ in $(seq 300); do
  kill -0 "$nspawn" 2>/dev/null || { tail -n 5 "$work/console"; skip "this machine boots no container"; }
  leader=$(pgrep -P "$nspawn" -f systemd | head -n 1 || true)
  [ -n "$leader" ] && inside systemctl is-system-running --wait 2>/dev/null | grep -qE 'running|degraded' && break
  sleep 0.1
done
[ -n "$leader" ] || skip "the container does not boot"

number=0
step() { # step TITLE FUNCTION; any command of the function that fails ends it
  number=$((number + 1))
  local from held=0
  from=$(now)
  set +e # a function that is judged on the spot would go on after a failure
  (
    set -e
    "$2"
  )
  held=$?
  set -e
  [ $held -eq 0 ] || die "step $number does not hold: $1"
  printf '%2d  ok  %s (%s)\n' $number "$1" "$(elapsed_since "$from")"
}
# Waits until a command holds, at most 30 s.
until_true() {
  for _ in $(seq 300); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  say "never held: $*"
  return 1
}
show() { inside systemctl show -P "$1" "${2:-holdfastd.service}"; }
main_pid() { show MainPID; }
is_active() { [ "$(show ActiveState)" = active ] && [ "$(show SubState)" = running ]; }
# Read whole before it is searched: who stops reading early fails the writer.
journal_has() {
  inside journalctl --no-pager -o cat -u "${2:-holdfastd.service}" >"$work/journal" && grep -qF -- "$1" "$work/journal"
}
write_inside() { inside sh -c "cat >'$1'"; }

workspace=3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e
config=/etc/holdfast/holdfast.toml

install_it() {
  inside dpkg -i /mnt/packages/holdfast.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; return 1; }
  grep -q 'it does not run yet' "$work/dpkg"
  [ "$(show UnitFileState)" = enabled ]
  [ "$(show ActiveState)" = inactive ]
  inside getent group holdfast-browse | grep -q 'holdfast'
  inside id holdfast >/dev/null
}

# Media on disks of their own: two are mounted, one is not there yet; a directory in /home, one with
# a blank in its name.
initialise() {
  inside mkdir -p /mnt/ssd '/mnt/hard disk' /mnt/vault /home/archive
  inside mount -t tmpfs -o size=256m ssd /mnt/ssd
  inside mount -t tmpfs -o size=256m hdd '/mnt/hard disk'
  write_inside $config <<'TOML'
[archive]
state_dir = "/var/lib/holdfast"
run_dir = "/run/holdfast"
spool_dir = "/var/spool/holdfast"
mirror_dir = "/home/archive/mirror"
mirror_same_device = true
mount_group = "holdfast-browse"
mount_user = "holdfast-mount"
[standard]
path = "/mnt/ssd/standard"
[warm]
path = "/mnt/hard disk/packs"
[cold]
path = "/mnt/vault"
[policy]
disk_reserve = "1MiB"
TOML
  inside holdfastd --check-config >/dev/null
  local code=0
  inside holdfastd --check-places --user holdfast >"$work/places" || code=$?
  [ $code -eq 6 ] || { cat "$work/places"; return 1; }  # directories are not there yet
  inside holdfastd --init --user holdfast 2>"$work/init" || { cat "$work/init"; return 1; }
  [ "$(inside stat -c %U:%G:%a /mnt/ssd/standard)" = holdfast:holdfast-browse:2750 ]
  [ "$(inside stat -c %U '/mnt/hard disk/packs')" = holdfast ]
  [ -z "$(inside find /var/lib/holdfast /mnt/ssd/standard '/mnt/hard disk/packs' -user root)" ]
  inside holdfastd --check-places --user holdfast >"$work/places" || { cat "$work/places"; return 1; }
  inside systemctl daemon-reload
}

start() {
  inside systemctl start holdfastd || return 1
  is_active
  show StatusText | grep -q '^serving on port '
  inside systemctl status holdfastd --no-pager >"$work/status"
  inside test -S /run/holdfast/admin.sock
}

# No capability, no new right, and nothing to write but the archive's own.
sandbox() {
  local pid
  pid=$(main_pid)
  inside grep -qE '^CapEff:\s0+$' "/proc/$pid/status"
  inside grep -qE '^CapBnd:\s0+$' "/proc/$pid/status"
  inside grep -qE '^NoNewPrivs:\s1$' "/proc/$pid/status"
  inside grep -qE '^Seccomp:\s2$' "/proc/$pid/status"
  local within=(inside nsenter -t "$pid" -m --)
  "${within[@]}" sh -c ': >/etc/tried' 2>/dev/null && return 1
  "${within[@]}" sh -c ': >/mnt/tried' 2>/dev/null && return 1
  "${within[@]}" sh -c ': >"/mnt/hard disk/packs/tried" && rm "/mnt/hard disk/packs/tried"'
  "${within[@]}" sh -c ': >/home/archive/mirror/tried && rm /home/archive/mirror/tried'
  journal_has 'io_uring' && return 1
  return 0
}

put_and_get() {
  inside sh -c 'mkdir -p /root/call && head -c 160000 /dev/urandom >/root/call/inbound.ulaw &&
    head -c 320000 /dev/urandom >/root/call/outbound.pcm'
  write_inside /root/call/metadata.json <<JSON
{"call_sid":"CA1","workspace_id":"$workspace","direction":"inbound","duration_seconds":20,
 "inbound_format":"mulaw","inbound_sample_rate":8000,"outbound_format":"pcm16","outbound_sample_rate":8000,
 "tts_provider":"none","call_start_iso":"2026-01-05T10:00:00Z","call_end_iso":"2026-01-05T10:00:20Z",
 "inbound_size_bytes":160000,"outbound_size_bytes":320000,"media_start_epoch_ms":1767607200000}
JSON
  inside holdfast workspace add $workspace --slug test >/dev/null
  inside holdfast put /root/call --call CA1 >/dev/null
  get_back
}
get_back() {
  inside rm -rf /root/got
  inside holdfast get CA1 -o /root/got >/dev/null
  inside cmp /root/call/inbound.ulaw /root/got/inbound.ulaw
  inside cmp /root/call/outbound.pcm /root/got/outbound.pcm
}

# A disk that is mounted while the daemon runs is writable for it at once.
late_disk() {
  inside mount -t tmpfs -o size=16m vault /mnt/vault
  inside nsenter -t "$(main_pid)" -m -- sh -c ': >/mnt/vault/tried && rm /mnt/vault/tried'
  inside umount /mnt/vault
}

reload() {
  local pid
  pid=$(main_pid)
  inside sh -c "printf '[links]\nlink_life = \"5min\"\n[http]\nlisten_port = 8481\n' >>$config"
  inside systemctl reload holdfastd || return 1
  until_true journal_has 'in force now: links.link_life; takes effect at the next start: http.listen_port'
  until_true is_active
  show StatusText | grep -q 'links.link_life'
  # A wrong file: the reload fails and says where; the daemon goes on.
  inside sh -c "cp $config /root/right.toml; echo 'link_lief = 1' >>$config"
  inside systemctl reload holdfastd 2>/dev/null && return 1
  until_true journal_has "$config:"
  until_true journal_has 'http.link_lief: unknown key'
  # The same without systemd's check before it: ready again, with nothing changed.
  inside sh -c "kill -HUP $pid"
  until_true journal_has 'the configuration stays as it was'
  until_true is_active
  [ "$(main_pid)" = "$pid" ]
  inside sh -c "cp /root/right.toml $config"
  inside systemctl reload holdfastd
  until_true is_active
  get_back
}

# The journal has fields of the daemon's own; status and doctor see the machine as it is.
seen() {
  inside journalctl --no-pager -o cat -u holdfastd HOLDFAST_EVENT=daemon.ready | grep -qx ready
  inside journalctl --no-pager -o cat -u holdfastd HOLDFAST_EVENT=config.refused | grep -q 'stays as it was'
  inside holdfast status | grep -q '^Holdfast '
  # The sandbox takes away nothing that the daemon needs, such as for its first backup.
  if journal_has 'Operation not permitted'; then return 1; fi
  inside holdfast doctor --user holdfast --json >"$work/doctor" || true
  local check
  for check in configuration systemd archive.state_dir archive.admin_group; do
    grep -q "\"check\":\"$check\",\"health\":\"ok\"" "$work/doctor" || { cat "$work/doctor"; return 1; }
  done
}

watchdog() {
  local pid
  pid=$(main_pid)
  inside mkdir -p /run/systemd/system/holdfastd.service.d
  printf '[Service]\nWatchdogSec=2s\nRestartSec=100ms\nWatchdogSignal=SIGKILL\n' |
    write_inside /run/systemd/system/holdfastd.service.d/soon.conf
  inside systemctl daemon-reload
  inside systemctl restart holdfastd
  pid=$(main_pid)
  sleep 3 # longer than the limit: a daemon that lives is let alone
  [ "$(main_pid)" = "$pid" ] && is_active
  inside sh -c "kill -STOP $pid"
  # shellcheck disable=SC2317 # until_true calls it
  restarted() { [ "$(show NRestarts)" -ge 1 ] && is_active && [ "$(main_pid)" != "$pid" ]; }
  until_true restarted
  until_true journal_has 'Watchdog timeout'
  inside rm /run/systemd/system/holdfastd.service.d/soon.conf
  inside systemctl daemon-reload
  get_back
}

mount_view() {
  [ ${#fuse[@]} -gt 0 ] || { say "    (skipped: this machine has no /dev/fuse)"; return 0; }
  inside sh -c 'echo user_allow_other >>/etc/fuse.conf'
  inside systemctl start holdfast-mount || return 1
  [ "$(show ActiveState holdfast-mount.service)" = active ]
  local file
  file=$(inside find /srv/holdfast/view -name inbound.ulaw)
  [ -n "$file" ]
  inside cmp /root/call/inbound.ulaw "$file"
  inside systemctl stop holdfast-mount
}

# systemd listens; the first client starts the daemon.
socket() {
  inside systemctl stop holdfastd
  inside systemctl start holdfastd.socket
  # shellcheck disable=SC2317 # until_true calls it
  ask() { inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/8480; printf "GET /readyz HTTP/1.0\r\nHost: a\r\n\r\n" >&3; grep -q :.ready. <&3'; }
  until_true ask
  until_true is_active  # systemd hears of it a moment later
  journal_has 'sockets that were passed'
  inside systemctl stop holdfastd.socket holdfastd
  inside systemctl start holdfastd
  get_back
}

stop_and_start() {
  inside systemctl stop holdfastd
  [ "$(show Result)" = success ]
  [ "$(show ExecMainStatus)" = 0 ]
  inside systemctl start holdfastd
  get_back
}

upgrade() {
  dpkg-deb -R "$package" "$work/next"
  sed -i 's/^Version: .*/Version: 99.0/' "$work/next/DEBIAN/control"
  dpkg-deb -b -Znone "$work/next" "$work/next.deb" >/dev/null
  rm -rf "$work/next"
  local pid
  pid=$(main_pid)
  inside dpkg -i /mnt/packages/next.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; return 1; }
  grep -q 'it does not run yet' "$work/dpkg" && return 1
  is_active
  [ "$(main_pid)" != "$pid" ]
  inside grep -q link_life $config
  get_back
}

remove() {
  inside dpkg -r holdfast >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; return 1; }
  inside test ! -e /usr/sbin/holdfastd
  inside sh -c 'cat /proc/[0-9]*/comm' | grep -qx holdfastd && return 1
  inside test -e $config
  kept
}
kept() {
  inside test -s /var/lib/holdfast/index.db
  inside test -d /home/archive/mirror/decisions || inside find /home/archive/mirror -type f | grep -q .
  inside find /mnt/ssd/standard -name inbound.ulaw | grep -q .
}

purge() {
  inside dpkg -P holdfast >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; return 1; }
  grep -q 'was not touched' "$work/dpkg"
  inside test ! -e $config
  kept
}

# Installed again, the archive is there.
install_again() {
  inside dpkg -i /mnt/packages/holdfast.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; return 1; }
  inside sh -c "cp /root/right.toml $config"
  inside systemctl daemon-reload
  inside systemctl start holdfastd || return 1
  get_back
}

step "the package installs, is enabled, and does not start by itself" install_it
step "--init makes the archive and gives it to the daemon's user" initialise
step "the daemon starts, and says so" start
step "it has no capability, and writes only to the archive" sandbox
step "a call goes in and comes back" put_and_get
step "a disk that is mounted later is writable" late_disk
step "a right configuration is taken, a wrong one changes nothing" reload
step "journal, status and doctor tell what there is" seen
step "a daemon that hangs is killed and started anew" watchdog
step "the mount shows the files" mount_view
step "a socket that systemd opened is taken" socket
step "it stops in order" stop_and_start
step "an upgrade restarts it and keeps everything" upgrade
step "removal keeps the archive and the configuration" remove
step "purge keeps the archive" purge
step "and installed again it serves" install_again
say "Every step held ($(elapsed_since "$started"))."
