// metadata.json and JSON of any kind: what is parsed has one canonical text, which parses to the
// same; what is told of a call can be told again.
//
//   input = JSON
#include "audio/sample_form.h"
#include "base/time_text.h"
#include "daemon/work/metadata.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

void expect_fixed_point(const json::value& value) {
  const std::string text = canonical(value);
  const auto again = parse_json(text);
  expect(again.ok(), "canonical JSON can be parsed", text);
  const std::string text_again = canonical(*again);
  expect(text == text_again, "canonical JSON is written as it was read", text + " / " + text_again);
}

void expect_told(const CallMetadata& metadata) {
  constexpr UnixMillis kReceived{1'795'000'000'000};
  const EventTimes times = event_times(metadata, kReceived);
  const UnixMillis latest = kReceived + hours(1);
  expect(times.started_at <= latest && times.ended_at <= latest, "no call is of the future");
  expect(times.started_at.count >= 0 && times.ended_at.count >= 0, "no call is before 1970");
  for (UnixMillis time : {times.started_at, times.ended_at}) {
    const auto again = from_iso(to_iso(time));
    expect(again.ok() && *again == time, "a time's text is the same time", to_iso(time));
  }
  expect(!metadata.duration_seconds || *metadata.duration_seconds >= 0, "no call is negative");
  expect(metadata.call_sid.empty() || is_call_sid(metadata.call_sid), "a call_sid is one");

  const WorkspaceId workspace =
      WorkspaceId::from_text("3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e").value();
  const std::string told = canonical(describe(metadata, workspace));
  const auto again = parse_json(told);
  expect(again.ok(), "what is told of a call is JSON", told);
  expect_fixed_point(*again);
  const auto as_metadata = parse_metadata(told);
  // Absent fields are told as 0, "" and null, of which "" is no call_sid.
  expect(as_metadata.ok() || metadata.call_sid.empty(), "what is told of a call is metadata", told);
}

}  // namespace

void metadata_json(ByteSpan bytes) {
  const std::string text(as_text(bytes));
  // Whatever it is, it claims something or nothing.
  const AudioClaims claims = read_audio_claims(text);
  expect(!claims.duration_seconds || *claims.duration_seconds >= 0, "no claim is negative");
  const auto value = parse_json(text);
  const auto metadata = parse_metadata(text);
  expect(value.ok() || !metadata.ok(), "metadata are JSON");
  if (!value.ok()) {
    expect(!value.error().message.empty(), "a refusal says why");
    return;
  }
  expect_fixed_point(*value);
  if (metadata.ok()) expect_told(*metadata);
}

}  // namespace holdfast::fuzz
