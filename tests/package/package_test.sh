#!/usr/bin/env bash
# The Debian package: made, complete, and without an error of lintian, mandoc, man, bash or zsh.
#
#   package_test.sh BUILD-DIRECTORY
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
build=$(realpath "$1")
command -v dpkg-deb >/dev/null || { say "skipped: this machine has no dpkg-deb"; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --build "$build" --target package_files >/dev/null
rm -rf "$build/package"
(cd "$build" && cpack -G DEB >package.log 2>&1) || { cat "$build/package.log"; die "cpack failed"; }
package=$(echo "$build"/package/*.deb)
dpkg-deb -x "$package" "$place/files"
dpkg-deb -e "$package" "$place/control"

# What must be there, with its mode.
while read -r mode path; do
  [ -e "$place/files$path" ] || die "the package has no $path"
  [ "$(stat -c %a "$place/files$path")" = "$mode" ] ||
    die "$path has the mode $(stat -c %a "$place/files$path"), not $mode"
done <<'LIST'
755 /usr/sbin/holdfastd
755 /usr/bin/holdfast
755 /usr/bin/holdfast-fuse
644 /lib/systemd/system/holdfastd.service
644 /lib/systemd/system/holdfastd.socket
644 /lib/systemd/system/holdfast-mount.service
755 /lib/systemd/system-generators/holdfast-media-generator
644 /usr/lib/sysusers.d/holdfast.conf
644 /usr/lib/tmpfiles.d/holdfast.conf
644 /etc/holdfast/holdfast.toml
700 /etc/holdfast/credentials
644 /usr/share/bash-completion/completions/holdfast
644 /usr/share/zsh/vendor-completions/_holdfast
644 /usr/share/man/man1/holdfast.1.gz
644 /usr/share/man/man1/holdfast-medium-init.1.gz
644 /usr/share/man/man5/holdfast.toml.5.gz
644 /usr/share/man/man8/holdfastd.8.gz
644 /usr/share/man/man8/holdfast-fuse.8.gz
644 /usr/share/doc/holdfast/copyright
644 /usr/share/doc/holdfast/changelog.gz
644 /usr/share/doc/holdfast/install.md
644 /usr/share/doc/holdfast/configuration.md
644 /usr/share/doc/holdfast/examples/grafana-dashboard.json
644 /usr/share/doc/holdfast/examples/holdfast-alerts.yml
644 /usr/share/doc/holdfast/examples/one-machine.toml
644 /usr/share/doc/holdfast/examples/three-tiers.toml
LIST
grep -qx /etc/holdfast/holdfast.toml "$place/control/conffiles" || die "the configuration is no conffile"
dpkg-deb -f "$package" Depends | grep -q libsqlite3-0 || die "the libraries are not among the dependencies"
# Stripped: no section with debugging information.
readelf -S "$place/files/usr/sbin/holdfastd" | grep -q '\.debug_info' && die "holdfastd is not stripped"

# Every command has its page, and every page is sound.
daemon=$place/files/usr/sbin/holdfastd
while read -r command; do
  [ -e "$place/files/usr/share/man/man1/holdfast-${command// /-}.1.gz" ] ||
    die "there is no page of the manual for holdfast $command"
done < <(sed -n 's/^## holdfast //p' "$root/docs/cli.md")
for page in "$place"/files/usr/share/man/man?/*.gz; do
  plain=$place/$(basename "$page" .gz)
  gzip -dc "$page" >"$plain"
  if command -v mandoc >/dev/null; then
    found=$(mandoc -T lint -W warning "$plain" | grep -v 'missing date' || true)
    [ -z "$found" ] || { printf '%s\n' "$found"; die "mandoc complains of ${page##*/}"; }
  fi
  if command -v man >/dev/null; then
    found=$(MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$plain" 2>&1 >/dev/null || true)
    [ -z "$found" ] || { printf '%s\n' "$found"; die "man complains of ${page##*/}"; }
  fi
done

# The examples are right, and the default is.
for example in "$place"/files/usr/share/doc/holdfast/examples/*.toml "$place/files/etc/holdfast/holdfast.toml"; do
  "$daemon" --check-config --config "$example" >/dev/null || die "${example##*/} is not right"
done

# Maintainer scripts are plain sh.
for script in postinst prerm postrm; do
  sh -n "$place/control/$script"
done

# bash completes from what the program takes.
complete_in_bash() {
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf "%s\n" "${COMPREPLY[@]}"' \
    complete "$place/files/usr/share/bash-completion/completions/holdfast" "$@"
}
expect() {
  local want=$1
  shift
  # To its end: a grep that has seen enough would break the pipe.
  complete_in_bash "$@" | grep -x -- "$want" >/dev/null ||
    die "bash does not complete \"$*\" with $want: $(complete_in_bash "$@" | tr '\n' ' ')"
}
expect restore holdfast re
expect init holdfast medium in
expect warm holdfast ls --tier w
expect warm holdfast ls --tier = w
expect --tier holdfast ls --ti
expect --socket holdfast --workspace medium --so
expect --json holdfast key create --js
mkdir "$place/a-directory"
(cd "$place" && expect a-directory holdfast put a-d)
[ -z "$(complete_in_bash holdfast ls --from 2)" ] || die "bash completes a time"
if command -v zsh >/dev/null; then
  zsh -n "$place/files/usr/share/zsh/vendor-completions/_holdfast"
  # The functions are defined, each command's by its name.
  zsh -fc 'autoload -U compinit; compinit -D -u -d "$2"; compdef() { :; }; _arguments() { :; }
    source "$1"; (( $+functions[_holdfast_medium_init] && $+functions[_holdfast_ls] ))' \
    zsh "$place/files/usr/share/zsh/vendor-completions/_holdfast" "$place/dump" ||
    die "zsh cannot read the completion"
fi

if command -v lintian >/dev/null; then
  lintian --fail-on error --tag-display-limit 0 --allow-root "$package" || die "lintian refuses the package"
else
  say "without lintian, which is not installed"
fi
say "${package##*/}: $(stat -c %s "$package") bytes"
