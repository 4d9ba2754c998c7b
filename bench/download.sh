#!/usr/bin/env bash
# Signed downloads over loopback beside nginx's secure_link: the same files, the same load (wrk), in
# one run and by turns. The server has one core, the load generator the other; nginx has one worker,
# sendfile and its usual access log, the archive its ledger: a line is durable before the first byte.
#
#   bench/download.sh [--tls] [--tiny] [--programs DIR] [--seconds N] [--rounds N]
#                     [--sizes "8000 480000 …"] [--connections "1 16 …"]
#
# A line for each size and number of connections: requests a second, processor time a request and
# resident memory of both, and the ratios; medians of the rounds. --tiny says nothing of speed: it
# shows that everything is answered. Needs wrk, nginx and openssl; 77 where they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

seconds=5 rounds=3 tls='' tiny=''
sizes="8000 480000 2400000 20000000"
connections="1 16 64 256"
while [ $# -gt 0 ]; do
  case $1 in
    --tls) tls=yes ;;
    --tiny) tiny=yes seconds=1 rounds=1 sizes="8000 480000" connections="2" ;;
    --programs) bin=$(realpath "$2") && shift ;;
    --seconds) seconds=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --sizes) sizes=$2 && shift ;;
    --connections) connections=$2 && shift ;;
    *) die "unknown option \"$1\"" ;;
  esac
  shift
done
# shellcheck source=bench/peers.sh
. "$root/bench/peers.sh"
fetch_peer nginx nginx
for tool in wrk nginx openssl jq curl taskset; do
  command -v "$tool" >/dev/null || { say "skipped: no $tool"; exit 77; }
done
[ -n "$tiny" ] || [ "$(nproc)" -ge 2 ] || say "one core: the server and the load share it" >&2

place=$(mktemp -d "${TMPDIR:-/var/tmp}/holdfast-bench-XXXXXX")
nginx_pid=
on_exit() {
  local status=$?
  if [ -n "$nginx_pid" ]; then
    kill "$nginx_pid" 2>/dev/null || true
    wait "$nginx_pid" || true
  fi
  stop_daemon || status=1
  rm -rf "$place"
  exit "$status"
}
trap on_exit EXIT
use_archive "$place/archive"
served=0
load=$(($(nproc) - 1))

scheme=http
if [ -n "$tls" ]; then
  scheme=https
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$place/key.pem" -out "$place/cert.pem" 2>/dev/null
  chmod 600 "$place/key.pem"
fi

# --- The files: as many of each size as 32 MB hold, 4 at least and 64 at most.

count_of_size() {
  local count=$((32000000 / $1))
  [ "$count" -ge 4 ] || count=4
  [ "$count" -le 64 ] || count=64
  [ -z "$tiny" ] || count=4
  printf '%s' "$count"
}
call_of() { printf 'CA%010dx%03d' "$1" "$2"; }

make_files() {
  local size n call
  for size in $sizes; do
    for n in $(seq "$(count_of_size "$size")"); do
      call=$(call_of "$size" "$n")
      mkdir -p "$place/calls/$call"
      head -c "$size" /dev/urandom >"$place/calls/$call/inbound.ulaw"
      printf '{"call_sid":"%s","workspace_id":"%s","direction":"inbound"}' "$call" "$sample_workspace" \
        >"$place/calls/$call/metadata.json"
    done
  done
}

# --- Ours

# Where it listens with TLS the certificate is our own.
export HOLDFAST_CACERT=$place/cert.pem
[ -n "$tls" ] || unset HOLDFAST_CACERT
daemon_is_ready() {
  [ -s "$archive/run/http.port" ] &&
    curl -kfsS -o /dev/null --max-time 2 "$scheme://127.0.0.1:$(cat "$archive/run/http.port")/readyz"
}

start_ours() {
  write_config port=0 standard_copy=300d standard_release=301d warm_copy=400d warm_release=401d
  if [ -n "$tls" ]; then
    sed -i "s|^\[http\]|[http]\ntls_certificate = \"$place/cert.pem\"\ntls_key = \"$place/key.pem\"|" "$config"
  fi
  start_daemon
  taskset -apc "$served" "$daemon_pid" >/dev/null
  address=$scheme://127.0.0.1:$(cat "$archive/run/http.port")
  make_key
  "$bin/holdfast" put "$place"/calls/* >/dev/null
}

# The signed links of a size, one a line, as paths.
ours_paths() {
  local size=$1 n
  for n in $(seq "$(count_of_size "$size")"); do
    curl -kfsS -H "Authorization: Bearer $key" \
      "$address/v1/$sample_workspace/recordings/$(call_of "$size" "$n")/urls" |
      jq -r '.inbound_url | sub("^https?://[^/]*"; "")'
  done
}

# --- The peer

start_nginx() {
  local listen=127.0.0.1:$nginx_port certificate=
  [ -z "$tls" ] || certificate="ssl_certificate $place/cert.pem; ssl_certificate_key $place/key.pem;"
  [ -z "$tls" ] || listen="$listen ssl"
  mkdir -p "$place/nginx"
  cat >"$place/nginx/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $place/nginx/pid;
error_log $place/nginx/error.log;
$([ "$(id -u)" -ne 0 ] || echo "user root;")
events { worker_connections 2048; }
http {
  access_log $place/nginx/access.log;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path $place/nginx/body;
  proxy_temp_path $place/nginx/proxy;
  fastcgi_temp_path $place/nginx/fastcgi;
  uwsgi_temp_path $place/nginx/uwsgi;
  scgi_temp_path $place/nginx/scgi;
  server {
    listen $listen;
    $certificate
    ssl_protocols TLSv1.3;
    location / {
      root $place/calls;
      secure_link \$arg_md5,\$arg_expires;
      secure_link_md5 "\$secure_link_expires\$uri bench";
      if (\$secure_link = "") { return 403; }
      if (\$secure_link = "0") { return 410; }
    }
  }
}
CONF
  taskset -c "$served" nginx -p "$place/nginx" -c "$place/nginx/nginx.conf" \
    </dev/null >>"$place/nginx/error.log" 2>&1 &
  nginx_pid=$!
  wait_until 15 "$nginx_pid" curl -ks -o /dev/null "$scheme://127.0.0.1:$nginx_port/" ||
    { tail -n 5 "$place/nginx/error.log" >&2; die "nginx did not start"; }
}

nginx_paths() {
  local size=$1 n uri expires md5
  expires=$(($(date +%s) + 3600))
  for n in $(seq "$(count_of_size "$size")"); do
    uri=/$(call_of "$size" "$n")/inbound.ulaw
    md5=$(printf '%s%s bench' "$expires" "$uri" | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =)
    printf '%s?md5=%s&expires=%s\n' "$uri" "$md5" "$expires"
  done
}

free_port() {
  local port
  for port in $(shuf -i 20000-32000 -n 50); do
    if port_is_free "$port"; then printf '%s' "$port" && return; fi
  done
  die "no free port"
}

# --- The load

cat >"$place/load.lua" <<'LUA'
local paths, at = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
LUA

# Of the process and, for nginx, of its worker.
processes_of() { printf '%s\n' "$1"; pgrep -P "$1" || true; }
clock_ticks() {
  local pid sum=0 ticks
  for pid in $(processes_of "$1"); do
    ticks=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    sum=$((sum + ticks))
  done
  printf '%s' "$sum"
}
resident_kib() {
  local pid
  for pid in $(processes_of "$1"); do awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; done |
    awk '{ s += $1 } END { print s }'
}

# press PID BASE PATHS CONNECTIONS: sets $requests a second, $cpu in us a request, $memory in KiB.
press() {
  local pid=$1 base=$2 paths=$3 open=$4 before after answered
  before=$(clock_ticks "$pid")
  BENCH_PATHS=$paths taskset -c "$load" wrk -t1 -c"$open" -d"${seconds}s" --timeout 30s \
    -s "$place/load.lua" "$base" >"$place/wrk"
  after=$(clock_ticks "$pid")
  memory=$(resident_kib "$pid")
  if grep -qE 'Non-2xx|Socket errors' "$place/wrk"; then
    cat "$place/wrk" >&2
    die "$base: not every request was answered"
  fi
  requests=$(awk '/^Requests\/sec/ { print $2 }' "$place/wrk")
  answered=$(awk '/requests in/ { print $1 }' "$place/wrk")
  [ "$answered" -gt 0 ] || die "$base: nothing was answered"
  cpu=$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v n="$answered" \
    'BEGIN { printf "%.1f", t / hz * 1e6 / n }')
}

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

compare() {
  local size=$1 open=$2
  rm -f "$place"/m.*
  for _ in $(seq "$rounds"); do
    press "$daemon_pid" "$address" "$place/ours.$size" "$open"
    echo "$requests" >>"$place/m.ours" && echo "$cpu" >>"$place/m.ours.cpu"
    ours_memory=$memory
    press "$nginx_pid" "$scheme://127.0.0.1:$nginx_port" "$place/nginx.$size" "$open"
    echo "$requests" >>"$place/m.nginx" && echo "$cpu" >>"$place/m.nginx.cpu"
  done
  awk -v size="$size" -v open="$open" \
    -v a="$(median <"$place/m.ours")" -v b="$(median <"$place/m.nginx")" \
    -v ca="$(median <"$place/m.ours.cpu")" -v cb="$(median <"$place/m.nginx.cpu")" \
    -v ma="$ours_memory" -v mb="$memory" 'BEGIN {
      printf("%9d %5d %9.0f %9.0f %6.2f %9.1f %9.1f %6.2f %8.1f %8.1f\n",
        size, open, a, b, a / b, ca, cb, (cb > 0 ? ca / cb : 0), ma / 1024, mb / 1024) }'
}

make_files
start_ours
nginx_port=$(free_port)
start_nginx
say "signed downloads, $scheme, $rounds rounds of $seconds s; $(nginx -v 2>&1 | sed 's/.*: //'); $(nproc) cores"
say "            requests a second          us of processor a request   resident MiB"
say "    bytes  conn      ours     nginx  ratio      ours     nginx  ratio     ours    nginx"
for size in $sizes; do
  ours_paths "$size" >"$place/ours.$size"
  nginx_paths "$size" >"$place/nginx.$size"
  for open in $connections; do compare "$size" "$open"; done
done
say "ledger: $(cat "$archive"/state/ledger/access/*.jsonl | wc -l) lines of access"
