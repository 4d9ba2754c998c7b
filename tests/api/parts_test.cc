// Recordings of several parts through the API: further segments, mono files, and +n/ names.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/api/api_rig.h"
#include "tests/support/synthetic_audio.h"

namespace holdfast::testing {
namespace {

// A directory of its own, as a recorder sends it for a known or a new call.
CallFiles files_of(const std::string& call_sid, std::map<std::string, std::string> contents) {
  CallFiles files = rig().write_call();
  files.call_sid = call_sid;
  files.contents = std::move(contents);
  for (const auto& [name, bytes] : files.contents)
    std::ofstream(files.directory + "/" + name, std::ios::binary) << bytes;
  return files;
}

HttpRequest upload_under(const CallFiles& files) {
  HttpRequest request = upload_of(files);
  request.form_fields.emplace_back("call_sid", files.call_sid);
  return request;
}

HttpResponse add(const CallFiles& call, std::map<std::string, std::string> contents) {
  return rig().owner().send(upload_under(files_of(call.call_sid, std::move(contents))));
}

std::string wav(size_t bytes, uint32_t seed) { return wav_bytes(noise_bytes(bytes, seed), {}); }

BOOST_AUTO_TEST_CASE(a_later_segment_is_the_next_part_of_the_same_recording) {
  const CallFiles call = rig().stored();
  const std::string second = wav(8000, 2);
  const HttpResponse answer = add(call, {{"recording.2.wav", second}, {"inbound.2.ulaw", "sound"}});
  BOOST_TEST(answer.status == 201);
  BOOST_TEST(answer.parsed()->at("part").as_int64() == 2);
  BOOST_TEST(member(answer, "recording_id") == rig().recording_id(call));
  BOOST_TEST(add(call, {{"recording.2.wav", second}}).status == 200);

  for (const char* name : {"/download/recording.2.wav", "/download/+2/recording.2.wav",
                           "/download/%2B2/recording.2.wav"}) {
    const HttpResponse file = rig().owner().get(path_of_call(call, name));
    BOOST_TEST(file.status == 200, name);
    BOOST_TEST((file.body == second), name);
  }
  BOOST_TEST(rig()
                 .owner()
                 .get(path_of_call(call, "/download/+2/recording.2.wav"), {{"Range", "bytes=0-3"}})
                 .body == "RIFF");
  for (const char* name : {"/download/+3/recording.2.wav", "/download/+2/inbound.ulaw"})
    BOOST_TEST(rig().owner().get(path_of_call(call, name)).status == 404, name);
  for (const char* name :
       {"/download/+1/inbound.ulaw", "/download/+02/recording.2.wav", "/download/+/recording.2.wav",
        "/download/+2/", "/download/+2/a/b", "/download/+2/.hidden", "/download/2/recording.2.wav",
        "/download/+99999/recording.2.wav", "/download/+2%2F..%2Finbound.ulaw"})
    BOOST_TEST(rig().owner().get(path_of_call(call, name)).status == 400, name);

  // A single link speaks of the first segment; every file has one, and those of later parts work.
  const json::object urls = rig().owner().get_object(path_of_call(call, "/urls"));
  TestClient browser = rig().stranger();
  BOOST_TEST((browser.get(target_of(std::string(urls.at("inbound_url").get_string()))).body ==
              call.contents.at("inbound.ulaw")));
  BOOST_TEST(urls.at("files").get_array().size() == 5U);
  for (const json::value& file : urls.at("files").get_array())
    BOOST_TEST(browser.get(target_of(std::string(file.at("url").get_string()))).status == 200);
  const json::object metadata = rig().owner().get_object(path_of_call(call, "/metadata"));
  BOOST_TEST(metadata.at("inbound_size_bytes").as_int64() ==
             static_cast<int64_t>(call.contents.at("inbound.ulaw").size()));
}

BOOST_AUTO_TEST_CASE(show_tells_the_segments_and_their_gap) {
  const CallFiles call = rig().stored(minutes(5), 16000);
  const json::object before = rig().owner().get_object(path_of_call(call));
  BOOST_TEST(before.at("segments").get_array().size() == 1U);
  BOOST_TEST(before.at("stereo").as_bool());
  const UnixMillis end = from_iso(std::string(before.at("ended_at").get_string())).value();
  const json::object metadata{{"call_sid", call.call_sid},
                              {"call_start_iso", to_iso(end + seconds(30))},
                              {"call_end_iso", to_iso(end + seconds(31))}};
  BOOST_TEST(
      add(call, {{"recording.2.wav", wav(16'000, 3)}, {"metadata.2.json", canonical(metadata)}})
          .status == 201);
  const json::object view = rig().owner().get_object(path_of_call(call));
  BOOST_TEST(view.at("parts").as_int64() == 2);
  BOOST_TEST(view.at("flags").get_array().size() == before.at("flags").get_array().size());
  const json::array& segments = view.at("segments").get_array();
  BOOST_TEST_REQUIRE(segments.size() == 2U);
  BOOST_TEST(segments[0].at("gap_seconds").is_null());
  BOOST_TEST(segments[1].at("gap_seconds").as_double() == 30.0);
  BOOST_TEST(segments[1].at("duration_seconds").as_double() == 1.0);
  BOOST_TEST(segments[1].at("part").as_int64() == 2);
  // One row in the listing, with both parts.
  int rows = 0;
  const json::object page =
      rig().owner().get_object("/v1/" + std::string(kWorkspace) + "/recordings?q=" + call.call_sid);
  for (const json::value& row : page.at("items").get_array())
    rows += row.at("parts").as_int64() == 2;
  BOOST_TEST(rows == 1);
}

BOOST_AUTO_TEST_CASE(a_mono_file_is_the_whole_call) {
  for (const char* name : {"recording.wav", "recording.mp3", "recording.mp4"}) {
    const bool is_wav = std::string_view(name).ends_with("wav");
    const std::string bytes = is_wav ? wav(16'000, 4) : noise_bytes(3000, 4);
    const CallFiles call = files_of(new_call_sid(rig().random()), {{name, bytes}});
    BOOST_TEST(rig().owner().send(upload_under(call)).status == 201);
    const json::object urls = rig().owner().get_object(path_of_call(call, "/urls"));
    for (const char* url : {"inbound_url", "outbound_url", "metadata_url"})
      BOOST_TEST(urls.at(url).is_null(), url);
    BOOST_TEST(urls.at("files").get_array().size() == 1U);
    const json::object metadata = rig().owner().get_object(path_of_call(call, "/metadata"));
    for (const char* side : {"inbound", "outbound"}) {
      BOOST_TEST(metadata.at(std::string(side) + "_format").get_string() == "");
      BOOST_TEST(metadata.at(std::string(side) + "_sample_rate").as_int64() == 0);
      BOOST_TEST(metadata.at(std::string(side) + "_size_bytes").as_int64() == 0);
    }
    BOOST_TEST(metadata.at("duration_seconds").to_number<double>() == (is_wav ? 1.0 : 0.0));
    const json::object view = rig().owner().get_object(path_of_call(call));
    BOOST_TEST(!view.at("stereo").as_bool());
    BOOST_TEST(view.at("duration_seconds").is_null() == !is_wav);
    BOOST_TEST(view.at("bytes").as_int64() == static_cast<int64_t>(bytes.size()));
    const HttpResponse file =
        rig().owner().get(path_of_call(call, "/download/" + std::string(name)));
    BOOST_TEST((file.body == bytes));
  }
}

BOOST_AUTO_TEST_CASE(a_correction_under_an_old_name_is_told_what_would_be_right) {
  const CallFiles call = rig().stored();
  const HttpResponse refused = add(call, {{"metadata.json", "{\"tags\":[\"other\"]}"}});
  BOOST_TEST(refused.status == 409);
  BOOST_TEST(problem_of(refused) == "conflict");
  BOOST_TEST(member(refused, "detail").find("such as metadata.2.json") != std::string::npos);
  BOOST_TEST(add(call, {{"metadata.2.json", "{\"tags\":[\"other\"]}"}}).status == 201);
}

BOOST_AUTO_TEST_CASE(a_part_of_a_call_on_its_way_out_is_erased) {
  const CallFiles call = rig().stored();
  BOOST_TEST(rig().owner().remove(path_of_call(call)).status == 202);
  const HttpResponse refused = add(call, {{"recording.2.wav", wav(800, 5)}});
  BOOST_TEST(refused.status == 409);
  BOOST_TEST(problem_of(refused) == "erased");
}

BOOST_AUTO_TEST_CASE(all_parts_of_an_archived_call_come_back_together) {
  const CallFiles call = rig().on_tier("warm");
  const std::string second = wav(8000, 6);
  BOOST_TEST(add(call, {{"recording.2.wav", second}}).status == 201);
  // What came now can be had now; what is archived has to be asked for.
  BOOST_TEST(rig().owner().get(path_of_call(call, "/download/+2/recording.2.wav")).status == 200);
  TestClient restorer = rig().with_key(
      rig().make_key({"calls:read", "recordings:download", "recordings:restore"}).text);
  BOOST_TEST(restorer.get(path_of_call(call, "/urls")).status == 202);
  BOOST_TEST(eventually([&] { return restorer.get(path_of_call(call, "/urls")).status == 200; }));
  const json::object urls = restorer.get_object(path_of_call(call, "/urls"));
  TestClient browser = rig().stranger();
  for (const json::value& file : urls.at("files").get_array())
    BOOST_TEST(browser.get(target_of(std::string(file.at("url").get_string()))).status == 200);
}

}  // namespace
}  // namespace holdfast::testing
