#include "tiers/pack/readme.h"

#include <fmt/format.h>

#include "audio/g711.h"

namespace holdfast::pack {
namespace {

constexpr std::string_view kBeforeTables =
    R"README(HOLDFAST PACK, FORMAT 1: HOW TO READ IT WITHOUT HOLDFAST

This directory is a bag (BagIt 1.0, RFC 8493) that came out of a tar file. It holds
recorded calls. Standard tools are enough to get every original byte back: tar, flac (with
metaflac), zstd, sha256sum, and a POSIX shell with sed, grep, tr and cat.

1. Unpack and check what is stored

    tar -xf PACK.tar
    cd PACK_DIRECTORY
    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt

2. What is where

    data/ID.PART/            one part of one recording
    data/ID.PART/recording.json
                             which call this is, and name, size and SHA-256 of every original file
    data/ID.PART/...         the stored files
    holdfast/contents.jsonl  offset, length, codec and SHA-256 of every stored file in the tar
    holdfast/trailer         where the metadata and contents.jsonl are in the tar; "before" is the
                             SHA-256 of all bytes of the tar before the trailer's, the CRC-32 (as in
                             gzip) covers the trailer's first 497 bytes. Also without unpacking:
                             tail -c 1536 PACK.tar | head -c 512
    holdfast/pad             zeros that fill the tar up to a multiple of 256 KiB

3. From a stored file to the original X

    X        if recording.json names it: the original as it was
    X.zst    zstd -d X.zst
    X.flac   the audio samples of X; X.head and X.tail, where they exist, are the bytes of X before
             and after the samples: X is X.head, samples, X.tail
             The form of the samples is told by
               metaflac --show-tag=HOLDFAST_FORM X.flac
      s16le, s24le   flac -d --force-raw-format --endian=little --sign=signed X.flac
      u8             flac -d --force-raw-format --endian=little --sign=unsigned X.flac
      mulaw, alaw    as u8, then each byte (the rank of a G.711 code, sorted by amplitude, the most
                     negative first) is replaced by the code that stands at its place in the table
                     below (ITU-T G.711), for example with tr
             flac warns that it cannot check an MD5: none is stored. The SHA-256 of X in
             recording.json is what proves the samples.

4. A script that does all this for one part and compares the result with recording.json.
   Copy the lines between the two marks into a file unpack.sh, without the four blanks, then

    sh unpack.sh data/ID.PART OUTPUT_DIRECTORY

--- begin of unpack.sh ---
    set -eu
    export LC_ALL=C
    part=$1
    out=$2
)README";

constexpr std::string_view kAfterTables = R"README(    samples() {
      form=$(metaflac --show-tag=HOLDFAST_FORM "$1")
      raw="flac -d -s -c --force-raw-format --endian=little"
      case ${form#*=} in
        s16le|s24le) $raw --sign=signed "$1" ;;
        u8) $raw --sign=unsigned "$1" ;;
        mulaw) $raw --sign=unsigned "$1" | tr '\000-\377' "$mulaw" ;;
        alaw) $raw --sign=unsigned "$1" | tr '\000-\377' "$alaw" ;;
        *) echo "$1: unknown form $form" >&2; exit 1 ;;
      esac
    }
    # A stored file that recording.json names is itself an original.
    encoded() {
      [ -f "$part/$1" ] && ! grep -qF "\"name\":\"$1\"" "$part/recording.json"
    }
    mkdir -p "$out"
    cp "$part/recording.json" "$out/recording.json"
    sed 's/{/\n{/g' "$part/recording.json" |
      sed -n 's/.*"name":"\([^"]*\)".*"sha256":"\([0-9a-f]*\)".*/\2  \1/p' > "$out/SHA256SUMS"
    while read -r sum name; do
      if [ -f "$part/$name" ]; then
        cp "$part/$name" "$out/$name"
      elif encoded "$name.zst"; then
        zstd -q -d -c "$part/$name.zst" > "$out/$name"
      else
        : > "$out/$name"
        if [ -f "$part/$name.head" ]; then cat "$part/$name.head" >> "$out/$name"; fi
        samples "$part/$name.flac" >> "$out/$name"
        if [ -f "$part/$name.tail" ]; then cat "$part/$name.tail" >> "$out/$name"; fi
      fi
    done < "$out/SHA256SUMS"
    cd "$out"
    sha256sum -c SHA256SUMS
--- end of unpack.sh ---
)README";

// The codes in the order of their ranks, octal as tr takes them, 16 a line.
std::string table(std::string_view name, SampleForm law) {
  std::string text = fmt::format("    {}=\"", name);
  const G711Table& codes = g711_code_of_rank(law);
  for (size_t rank = 0; rank < codes.size(); ++rank) {
    if (rank % 16 == 0) text += "\\\n    ";
    text += fmt::format("\\{:03o}", codes[rank]);
  }
  return text + "\"\n";
}

}  // namespace

std::string readme_txt() {
  std::string text(kBeforeTables);
  text += table("mulaw", SampleForm::kMulaw);
  text += table("alaw", SampleForm::kAlaw);
  text += kAfterTables;
  return text;
}

}  // namespace holdfast::pack
