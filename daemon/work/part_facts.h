// What ingest notices about the files of one part: what each is to the call, what is known of its
// sound, and the flags of all.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audio/sample_form.h"
#include "base/result.h"
#include "tiers/disk/recording_json.h"

namespace holdfast {

// The channel that a file's name says it holds.
Channel channel_of(std::string_view file_name);

// Up to so many bytes of a file from an offset on; fewer only at its end.
using ReadOf = std::function<Result<std::string>(const RecordedFile&, int64_t offset, size_t most)>;

// Sets channel, format, rate, tracks and duration of each file; gives the mask of Flag. The claimed
// duration is that of all the part's segments together, the claimed sizes those of the only one.
Result<int32_t> notice_files(std::vector<RecordedFile>& files, const AudioClaims& claims,
                             const ReadOf& read);

// How long the files sound: of each segment its longest channel, added up. Nothing when a
// segment's length is not known, or when there is no audio.
std::optional<Millis> sounding_time(const std::vector<RecordedFile>& files);

}  // namespace holdfast
