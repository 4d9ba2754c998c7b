// One call as a recorder has it: two channels and metadata.json, made from numbers, on disk and
// in memory. For tests that ingest through the daemon's doors.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/time_text.h"
#include "client/http_client.h"
#include "tests/support/seeded_random.h"

namespace holdfast::testing {

struct CallFiles {
  std::string workspace;
  std::string call_sid;
  std::string directory;                        // where the files lie
  std::map<std::string, std::string> contents;  // by file name
};

struct CallShape {
  UnixMillis ended_at;         // the age of a recording counts from here
  size_t audio_bytes = 16000;  // of inbound.ulaw; outbound.pcm has as many
};

inline std::string new_call_sid(SeededRandom& random) {
  std::array<std::byte, 16> bytes{};
  random.fill(bytes);
  return "CA" + to_hex(bytes);
}

inline std::string call_metadata(const CallFiles& call, const CallShape& shape) {
  const auto length = Millis(static_cast<int64_t>(shape.audio_bytes / 8));
  const json::object metadata{{"call_sid", call.call_sid},
                              {"workspace_id", call.workspace},
                              {"direction", "inbound"},
                              {"duration_seconds", static_cast<double>(length.count) / 1000},
                              {"inbound_format", "mulaw"},
                              {"inbound_sample_rate", 8000},
                              {"outbound_format", "pcm16"},
                              {"outbound_sample_rate", 4000},
                              {"inbound_size_bytes", shape.audio_bytes},
                              {"outbound_size_bytes", shape.audio_bytes},
                              {"tts_provider", "none"},
                              {"call_start_iso", to_iso(shape.ended_at - length)},
                              {"call_end_iso", to_iso(shape.ended_at)},
                              {"media_start_epoch_ms", (shape.ended_at - length).count},
                              {"campaign", "spring"}};
  return canonical(metadata);
}

// Writes the call's files to `parent`/<call_sid>/.
inline CallFiles make_call(const std::string& parent, const std::string& workspace,
                           const CallShape& shape, SeededRandom& random) {
  CallFiles call;
  call.workspace = workspace;
  call.call_sid = new_call_sid(random);
  call.directory = parent + "/" + call.call_sid;
  call.contents["inbound.ulaw"] = random.bytes(shape.audio_bytes);
  call.contents["outbound.pcm"] = random.bytes(shape.audio_bytes / 2 * 2);
  call.contents["metadata.json"] = call_metadata(call, shape);
  std::filesystem::create_directories(call.directory);
  for (const auto& [name, bytes] : call.contents)
    std::ofstream(call.directory + "/" + name, std::ios::binary) << bytes;
  return call;
}

inline HttpRequest upload_of(const CallFiles& call) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/" + call.workspace + "/recordings";
  for (const auto& [name, bytes] : call.contents)
    request.form_files.push_back({"file", name, call.directory + "/" + name});
  return request;
}

inline std::string path_of_call(const CallFiles& call, const std::string& rest = "") {
  return "/v1/" + call.workspace + "/recordings/" + call.call_sid + rest;
}

}  // namespace holdfast::testing
