// recording.json and the places of parts, as they stand on media.
#include "tiers/disk/recording_json.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "base/limits.h"
#include "io/digest.h"
#include "tests/support/seeded_random.h"
#include "tiers/read/place.h"

using namespace holdfast;

namespace {

std::string golden_text() {
  std::ifstream file("tests/tiers/golden/recording.json", std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

RecordingDescription description() {
  SeededRandom random(7);
  RecordingDescription out;
  out.archive = random.id<ArchiveId>();
  out.recording = random.id<RecordingId>();
  out.number = RecordingNo(4711);
  out.workspace = WorkspaceId::from_text("0191e1f0-7b1a-7cc3-8f00-1234567890ab").value();
  out.call_sid = "CA9f8e7d6c5b4a39281706f5e4d3c2b1a0";
  out.part = 1;
  out.day = CalendarDay{2026, 11, 21};
  out.received_at = UnixMillis(1'795'232'160'123);
  out.started_at = UnixMillis(1'795'232'000'000);
  out.flags =
      static_cast<int32_t>(Flag::kUnfinishedWav) | static_cast<int32_t>(Flag::kDurationMismatch);
  out.files = {{"inbound.ulaw", Bytes(160'000), sha256("inbound"), Channel::kInbound},
               {"metadata.json", Bytes(612), sha256("metadata"), Channel::kNone},
               {"outbound.wav", Bytes(0), sha256(""), Channel::kOutbound}};
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_golden_recording_json_reads_and_writes_the_same) {
  const std::string text = golden_text();
  const auto parsed = parse_recording_json(text);
  BOOST_REQUIRE(parsed.ok());
  BOOST_TEST((*parsed == description()));
  BOOST_TEST(recording_json(*parsed) == text);
  BOOST_TEST(!parsed->ended_at.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_known_of_a_files_sound_is_kept) {
  RecordingDescription out = description();
  out.files[0].format = "mulaw";
  out.files[0].sample_rate = 8000;
  out.files[0].tracks = 1;
  out.files[0].duration = Millis(20'000);
  const std::string text = recording_json(out);
  BOOST_TEST(text.find("{\"channel\":\"inbound\",\"duration_ms\":20000,\"format\":\"mulaw\","
                       "\"name\":\"inbound.ulaw\",\"sample_rate\":8000,") != std::string::npos);
  BOOST_TEST((parse_recording_json(text).value() == out));
  for (const char* bad : {"-1", "4294967296", "\"8000\""}) {
    std::string wrong = text;
    wrong.replace(wrong.find("\"sample_rate\":8000") + 14, 4, bad);
    BOOST_TEST((parse_recording_json(wrong).error().code == Code::kCorrupt), bad);
  }
  for (const char* bad : {"\"duration_ms\":-1", "\"duration_ms\":\"2\""}) {
    std::string wrong = text;
    wrong.replace(wrong.find("\"duration_ms\":20000"), 19, bad);
    BOOST_TEST((parse_recording_json(wrong).error().code == Code::kCorrupt));
  }
}

BOOST_AUTO_TEST_CASE(more_files_than_a_part_may_have_are_corrupt) {
  std::string text = golden_text();
  const size_t at = text.find("\"files\":[") + 9;
  std::string zeros;
  for (int i = 0; i <= limits::kFilesPerPartMax; ++i) zeros += "0,";
  text.insert(at, zeros);
  const auto parsed = parse_recording_json(text);
  BOOST_REQUIRE((!parsed.ok() && parsed.error().code == Code::kCorrupt));
  BOOST_TEST(parsed.error().message.find("elements") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(files_are_sorted_whatever_order_they_came_in) {
  RecordingDescription shuffled = description();
  std::swap(shuffled.files[0], shuffled.files[2]);
  BOOST_TEST(recording_json(shuffled) == recording_json(description()));
}

BOOST_AUTO_TEST_CASE(a_later_versions_keys_and_flags_are_left_out) {
  std::string text = golden_text();
  text.insert(1, "\"added_later\":[1],");
  text.replace(text.find("\"unfinished-wav\""), 16, "\"odd-sound-here\"");
  const auto parsed = parse_recording_json(text);
  BOOST_REQUIRE(parsed.ok());
  BOOST_TEST(parsed->flags == static_cast<int32_t>(Flag::kDurationMismatch));
}

// Each value of each key in turn is replaced by one of another type or out of its range.
BOOST_AUTO_TEST_CASE(what_is_wrong_is_corrupt_and_names_its_key) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"\"format\":1", "\"format\":2"},
      {"\"part\":1", "\"part\":0"},
      {"\"part\":1", "\"part\":1001"},
      {"\"recording_no\":4711", "\"recording_no\":\"4711\""},
      {"\"recording_no\":4711", "\"recording_no\":0"},
      {"\"day\":\"2026-11-21\"", "\"day\":\"2026-13-21\""},
      {"CA9f8e", "CA/9f8e"},
      {"\"size\":160000", "\"size\":-1"},
      {"\"size\":160000", "\"size\":1.5"},
      {"inbound.ulaw", "../etc"},
      {"inbound.ulaw", "recording.json"},
      {"inbound.ulaw", "metadata.json"},  // twice
      {"\"channel\":\"inbound\"", "\"channel\":\"left\""},
      {"\"received_at\":\"", "\"received_at\":\"x"},
      {"\"flags\":[", "\"flags\":[3,"},
      {"\"flags\":[", "\"flags\":{},\"x\":["},
      {"\"files\":[", "\"files\":7,\"x\":["},
      {"\"archive\":\"", "\"archive\":\"A"},
  };
  for (const auto& [from, to] : wrong) {
    std::string text = golden_text();
    const size_t at = text.find(from);
    BOOST_REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    const auto parsed = parse_recording_json(text);
    BOOST_TEST(!parsed.ok(), to);
    if (!parsed.ok()) BOOST_TEST((parsed.error().code == Code::kCorrupt), to);
  }
}

BOOST_AUTO_TEST_CASE(a_shortened_recording_json_is_never_taken_for_a_whole_one) {
  const std::string text = golden_text();
  for (size_t length = 0; length + 1 < text.size(); ++length)
    BOOST_TEST(!parse_recording_json(std::string_view(text).substr(0, length)).ok());
}

BOOST_AUTO_TEST_CASE(places_have_one_spelling) {
  Place place = description().place();
  BOOST_TEST(place.directory() ==
             "standard/0191e1f0-7b1a-7cc3-8f00-1234567890ab/2026/11/21/"
             "CA9f8e7d6c5b4a39281706f5e4d3c2b1a0");
  BOOST_TEST((Place::from_directory(place.directory()).value() == place));
  place.part = 12;
  BOOST_TEST(place.directory().ends_with("/+12"));
  BOOST_TEST((Place::from_directory(place.directory()).value() == place));

  const std::string base = "standard/0191e1f0-7b1a-7cc3-8f00-1234567890ab/2026/11/21/CA1";
  BOOST_TEST(Place::from_directory(base).ok());
  for (const std::string& wrong :
       {std::string(), std::string("standard"), base + "/", base + "/+1", base + "/+02",
        base + "/+1001", base + "/x", base + "/+2/y", "/" + base,
        std::string("standard/0191E1F0-7B1A-7CC3-8F00-1234567890AB/2026/11/21/CA1"),
        std::string("standard/0191e1f0-7b1a-7cc3-8f00-1234567890ab/2026/11/21/.."),
        std::string("standard/0191e1f0-7b1a-7cc3-8f00-1234567890ab/26/11/21/CA1"),
        std::string("standard/0191e1f0-7b1a-7cc3-8f00-1234567890ab/2026/13/21/CA1")})
    BOOST_TEST(!Place::from_directory(wrong).ok(), wrong);
}

BOOST_AUTO_TEST_CASE(part_ids_have_one_spelling) {
  const PartId part = description().part_id();
  BOOST_TEST((PartId::from_text(part.text()).value() == part));
  const std::string id = part.recording.text();
  for (const std::string& wrong : {std::string(), id, id + ".", id + ".0", id + ".01", id + ".1001",
                                   id + ".-1", id + ".x", id + ".1.1", std::string(".1")})
    BOOST_TEST(!PartId::from_text(wrong).ok(), wrong);
}
