// What the name of a recording's file says (contracts, "File names"):
//
//   name    = channel [ "." segment ] "." ext
//   segment = 2 … 9999, without a leading zero; the first one needs no number
//
// "inbound.ulaw" is of segment 1, "recording.2.wav" and "transcript.2.txt" are of segment 2.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace holdfast {

// Which segment of its call a file is of, 1 and up; 1 for every name without a number.
int segment_of(std::string_view file_name);

// Metadata of a later part: "metadata.<k>.json". metadata.json itself is none.
bool is_later_metadata(std::string_view file_name);

// The first name with a segment's number that is not taken, such as "metadata.2.json" for
// "metadata.json": what a correction may be called.
std::string next_free_name(std::string_view file_name,
                           const std::function<bool(std::string_view)>& is_taken);

}  // namespace holdfast
