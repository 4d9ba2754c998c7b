#!/bin/sh
# Promise P10: a pack is read by its own README.txt with stock tools, and is a bag by RFC 8493.
# Nothing of ours is run except to make the pack.
#
# usage: unpack_with_stock_tools.sh MAKE_SAMPLE_PACK   makes a pack, compares with the originals
#        unpack_with_stock_tools.sh PACK.tar           compares with the digests in recording.json
set -eu
export LC_ALL=C

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
for tool in tar flac metaflac zstd sha256sum sed tr cat cmp find gzip od; do
  command -v "$tool" > /dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-unpack.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
case $1 in
  *.tar) pack=$(realpath "$1") ;;
  *)
    speech=$(find /usr/share/asterisk/sounds/en_US_f_Allison -maxdepth 1 -name 'vm-*.wav' \
      2> /dev/null | sort | head -n 5)
    [ -n "$speech" ] || echo "no speech: package asterisk-core-sounds-en-wav is not installed"
    "$1" "$work/made" $speech
    pack=$work/made/pack.tar
    ;;
esac

echo "- the end of the tar: a trailer at its fixed place"
size=$(stat -c %s "$pack")
[ $((size % 262144)) -eq 0 ] || fail "$size bytes are no multiple of 256 KiB"
tail -c 1536 "$pack" | head -c 512 > "$work/trailer"
tail -c 1024 "$pack" | tr -d '\000' | cmp - /dev/null
field() { sed -n "s/^$1 //p" "$work/trailer"; }
[ "$(head -n 1 "$work/trailer")" = "holdfast-pack 1" ] || fail "no trailer"
[ "$(field size)" -eq "$(printf '%020d' "$size")" ] || fail "the trailer's size"
before=$(head -c -1536 "$pack" | sha256sum | cut -d ' ' -f 1)
[ "$(field before)" = "$before" ] || fail "the digest of all before the trailer"
crc=$(head -c 497 "$work/trailer" | gzip -c | tail -c 8 | head -c 4 | od -An -tx1 |
  sed 's/ \(..\) \(..\) \(..\) \(..\)/\4\3\2\1/')
[ "$(field crc32)" = "$crc" ] || fail "the trailer's CRC-32: $crc"

echo "- two ranges are enough for a rebuild"
decimal() { echo "$1" | sed 's/^0*\(.\)/\1/'; }
range() { tail -c "+$(($1 + 1))" "$pack" | head -c "$2"; }
set -- $(field metadata)
range "$(decimal "$1")" "$(decimal "$2")" > "$work/metadata.tar"
echo "$3  $work/metadata.tar" | sha256sum -c --quiet
tar -tf "$work/metadata.tar" | sed 's|.*/||' | sort -u > "$work/metadata-names"
grep -qx recording.json "$work/metadata-names" || fail "no recording.json among the metadata"
grep -vx -e recording.json -e metadata.json -e metadata.json.zst "$work/metadata-names" &&
  fail "more than metadata in the metadata region"
set -- $(field contents)
range "$(decimal "$1")" "$(decimal "$2")" > "$work/contents.jsonl"
echo "$3  $work/contents.jsonl" | sha256sum -c --quiet

echo "- tar -xf gives one directory, named after the pack"
mkdir "$work/out"
tar -xf "$pack" -C "$work/out"
top=$(ls "$work/out")
[ "$top" = "$(field pack)" ] || fail "the top directory is $top"
cd "$work/out/$top"
cmp "$work/contents.jsonl" holdfast/contents.jsonl
cmp "$work/trailer" holdfast/trailer

echo "- RFC 8493: declaration, payload, manifests"
printf 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n' | cmp - bagit.txt
[ -z "$(find . ! -type f ! -type d)" ] || fail "something that is neither file nor directory"
find data -type f | sort > "$work/payload"
sed 's/^[0-9a-f]\{64\}  //' manifest-sha256.txt | sort > "$work/listed"
cmp "$work/payload" "$work/listed"        # each exactly once, none missing, none besides
[ -z "$(uniq -d "$work/listed")" ] || fail "a file is listed twice"
sha256sum -c --strict --quiet manifest-sha256.txt
sha256sum -c --strict --quiet tagmanifest-sha256.txt
sed 's/^[0-9a-f]\{64\}  //' tagmanifest-sha256.txt | sort > "$work/tags"
grep -e '^data/' -e '^tagmanifest' "$work/tags" && fail "the tagmanifest lists what it must not"
for file in bagit.txt bag-info.txt manifest-sha256.txt; do
  grep -qx "$file" "$work/tags" || fail "$file is not in the tagmanifest"
done
grep -v '^[A-Za-z0-9-]*: [^ ]' bag-info.txt && fail "a line of bag-info.txt has no label"
grep -qx 'Bagging-Date: [0-9]\{4\}-[0-9][0-9]-[0-9][0-9]' bag-info.txt || fail "Bagging-Date"
octets=$(find data -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }')
[ "$(sed -n 's/^Payload-Oxum: //p' bag-info.txt)" = "$octets.$(wc -l < "$work/payload")" ] ||
  fail "Payload-Oxum"

echo "- contents.jsonl: every file is one range of the tar"
sed 's/.*"length":\([0-9]*\).*"offset":\([0-9]*\).*"path":"\([^"]*\)".*"sha256":"\([0-9a-f]*\)".*/\1 \2 \3 \4/' \
  holdfast/contents.jsonl > "$work/ranges"
cut -d ' ' -f 3 "$work/ranges" | sort | cmp - "$work/payload"
while read -r length offset path sum; do
  [ "$(range "$offset" "$length" | sha256sum)" = "$sum  -" ] || fail "the range of $path"
done < "$work/ranges"

echo "- every FLAC stream passes flac -t"
# A file that recording.json names is an original, whatever its ending.
find data -name '*.flac' | while read -r stream; do
  grep -q "\"name\":\"${stream##*/}\"" "${stream%/*}/recording.json" || flac -t -s "$stream" ||
    fail "$stream"
done

echo "- unpack.sh out of README.txt gives every original byte back"
sed -n '/^--- begin of unpack.sh ---$/,/^--- end of unpack.sh ---$/p' holdfast/README.txt |
  sed -e '1d' -e '$d' -e 's/^    //' > "$work/unpack.sh"
parts=0
for part in data/*; do
  sh "$work/unpack.sh" "$part" "$work/originals/${part##*/}" > "$work/unpack.log" ||
    { cat "$work/unpack.log"; fail "unpack.sh $part"; }
  rm "$work/originals/${part##*/}/SHA256SUMS"
  parts=$((parts + 1))
done
if [ -d "$work/made/originals" ]; then
  diff -r "$work/made/originals" "$work/originals" || fail "an original is not the same"
fi
echo "$parts parts, $(wc -l < "$work/payload") stored files: all originals are back"
