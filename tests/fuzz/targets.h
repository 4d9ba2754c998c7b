// The fuzz targets: each takes any bytes and says what must hold for them.
//
// A target ends the process where a property does not hold (expect below), as a sanitizer does
// where memory is misused. It keeps nothing from one call to the next that changes what it does.
// The source of each is named like it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/types.h"

namespace holdfast::fuzz {

void compressed_audio(ByteSpan bytes);
void configuration(ByteSpan bytes);
void file_range(ByteSpan bytes);
void flac_stream(ByteSpan bytes);
void ledger_line(ByteSpan bytes);
void metadata_json(ByteSpan bytes);
void multipart(ByteSpan bytes);
void pack_contents(ByteSpan bytes);
void pack_trailer(ByteSpan bytes);
void recording_json(ByteSpan bytes);
void request_body(ByteSpan bytes);
void request_head(ByteSpan bytes);
void signed_link(ByteSpan bytes);
void spool_entry(ByteSpan bytes);
void tar_walk(ByteSpan bytes);
void wav_header(ByteSpan bytes);

// Ends the process unless `holds`; `property` says what was expected of the product.
inline void expect(bool holds, std::string_view property, std::string_view detail = "") {
  if (holds) return;
  std::fprintf(stderr, "fuzz: it does not hold that %.*s%s%.*s\n",
               static_cast<int>(property.size()), property.data(), detail.empty() ? "" : ": ",
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

}  // namespace holdfast::fuzz
