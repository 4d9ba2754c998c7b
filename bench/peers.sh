# Sourced: fetches what a benchmark or a test is made beside, without installing it (an nginx that is
# installed would be started as a service). It lies in build/peers; where it cannot be fetched, and is
# not installed either, who needs it says that it is skipped.
#
#   fetch_peer nginx nginx     # package, program
# shellcheck shell=bash disable=SC2154 # set by lib.sh

peers=$root/build/peers
export PATH=$PATH:/usr/sbin:$peers/usr/sbin:$peers/usr/bin

# One at a time: tests that run side by side want the same ones.
fetch_peer() {
  local package=$1 program=$2
  command -v "$program" >/dev/null && return
  command -v apt-get >/dev/null || return 0
  mkdir -p "$peers/packages"
  (
    flock 9
    command -v "$program" >/dev/null && exit
    cd "$peers/packages"
    timeout 60 apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=20 download "$package" 2>/dev/null
    # Whole or not at all.
    rm -rf "$peers/unpacked" && dpkg-deb -x "$package"_*.deb "$peers/unpacked" && cp -a "$peers/unpacked/." "$peers/"
  ) </dev/null 9>"$peers/lock" || true
}
