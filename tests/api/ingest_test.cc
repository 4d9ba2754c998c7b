// Uploads: acknowledged, repeated, contradicted, slow, and left half-way.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "io/digest.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

size_t entries_in_incoming() {
  namespace fs = std::filesystem;
  const std::string path = rig().daemon().directory() + "/standard/standard/.incoming";
  return static_cast<size_t>(std::distance(fs::directory_iterator(path), {}));
}

std::string part(const std::string& name, const std::string& bytes) {
  return "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
         "\"\r\n\r\n" + bytes + "\r\n";
}

std::string head(size_t length) {
  return "POST /v1/" + std::string(kWorkspace) +
         "/recordings HTTP/1.1\r\nHost: archive\r\nConnection: close\r\nAuthorization: Bearer " +
         rig().owner_key() + "\r\nContent-Type: multipart/form-data; boundary=cut\r\n" +
         "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string body_of(const CallFiles& call) {
  std::string body;
  for (const auto& [name, bytes] : call.contents) body += part(name, bytes);
  return body + "--cut--\r\n";
}

BOOST_AUTO_TEST_CASE(an_upload_is_acknowledged_with_its_digests) {
  const CallFiles call = rig().write_call();
  const HttpResponse answer = rig().owner().send(upload_of(call));
  BOOST_TEST(answer.status == 201);
  BOOST_TEST(member(answer, "call_sid") == call.call_sid);
  BOOST_TEST(member(answer, "status") == "stored");
  const json::value body = *answer.parsed();
  BOOST_TEST(body.at("files").get_array().size() == call.contents.size());
  for (const json::value& file : body.at("files").get_array())
    BOOST_TEST(file.at("sha256").get_string() ==
               sha256(call.contents.at(file.at("name").get_string().c_str())).hex());
  const HttpResponse again = rig().owner().send(upload_of(call));
  BOOST_TEST(again.status == 200);
  BOOST_TEST(member(again, "status") == "unchanged");
  BOOST_TEST(member(again, "recording_id") == member(answer, "recording_id"));
}

BOOST_AUTO_TEST_CASE(other_bytes_under_a_known_name_are_a_conflict) {
  CallFiles call = rig().stored();
  std::ofstream(call.directory + "/inbound.ulaw") << "other bytes";
  const HttpResponse answer = rig().owner().send(upload_of(call));
  BOOST_TEST(answer.status == 409);
  const HttpResponse kept = rig().owner().get(path_of_call(call, "/download/inbound.ulaw"));
  BOOST_TEST((kept.body == call.contents.at("inbound.ulaw")));
}

BOOST_AUTO_TEST_CASE(names_outside_the_grammar_are_refused) {
  for (const char* name : {"recording.json", "inbound.ulaw.head", "..", ".hidden", "a/b.wav",
                           "stereo.wav", "name with space.wav"}) {
    CallFiles call = rig().write_call();
    HttpRequest request = upload_of(call);
    request.form_files.front().file_name = name;
    BOOST_TEST(rig().owner().send(request).status == 422, name);
    BOOST_TEST(rig().owner().get(path_of_call(call)).status == 404);
  }
  HttpRequest empty;
  empty.method = "POST";
  empty.path = "/v1/" + std::string(kWorkspace) + "/recordings";
  empty.form_fields.emplace_back("call_sid", "CA1");
  BOOST_TEST(rig().owner().send(empty).status == 422);
  BOOST_TEST(eventually([] { return entries_in_incoming() == 0; }));
}

BOOST_AUTO_TEST_CASE(a_slow_upload_holds_nothing_up) {
  const CallFiles slow = rig().write_call();
  const std::string body = body_of(slow);
  RawConnection connection(rig().daemon().port());
  connection.write(head(body.size()) + body.substr(0, body.size() / 2));
  for (int i = 0; i < 4; ++i) {
    const CallFiles quick = rig().stored();
    BOOST_TEST(rig().owner().get(path_of_call(quick, "/download/inbound.ulaw")).status == 200);
  }
  BOOST_TEST(rig().owner().get(path_of_call(slow)).status == 404);
  connection.write(body.substr(body.size() / 2));
  BOOST_TEST(connection.read_all().starts_with("HTTP/1.1 201"));
  BOOST_TEST(rig().owner().get(path_of_call(slow)).status == 200);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_half_way_leaves_nothing) {
  const CallFiles call = rig().write_call(Millis(0), 300'000);
  const std::string body = body_of(call);
  {
    RawConnection connection(rig().daemon().port());
    connection.write(head(body.size()) + body.substr(0, body.size() * 2 / 3));
    BOOST_TEST(eventually([] { return entries_in_incoming() > 0; }));
  }
  BOOST_TEST(eventually([] { return entries_in_incoming() == 0; }));
  BOOST_TEST(rig().owner().get(path_of_call(call)).status == 404);
  BOOST_TEST(rig().owner().send(upload_of(call)).status == 201);
}

// A platform whose upload broke sends the call again: what is there is known, the rest is taken.
BOOST_AUTO_TEST_CASE(an_upload_is_resumed_by_sending_the_call_again) {
  const CallFiles call = rig().write_call();
  HttpRequest some = upload_of(call);
  std::erase_if(some.form_files,
                [](const FormFile& file) { return file.file_name == "outbound.pcm"; });
  BOOST_TEST(rig().owner().send(some).status == 201);
  BOOST_TEST(rig().owner().send(some).status == 200);
  const HttpResponse rest = rig().owner().send(upload_of(call));
  BOOST_TEST(rest.status == 201, rest.body);
  const json::value taken = *rest.parsed();
  BOOST_TEST(taken.at("part").get_int64() == 2);
  int in_second = 0;  // the answer names every file that was offered
  for (const json::value& file : taken.at("files").get_array())
    in_second += file.at("part").get_int64() == 2;
  BOOST_TEST(in_second == 1);
  const HttpResponse again = rig().owner().send(upload_of(call));
  BOOST_TEST(again.status == 200, again.body);
  const json::object recording = rig().owner().get_object(path_of_call(call));
  BOOST_TEST(recording.at("files").get_array().size() == call.contents.size());
  const HttpResponse outbound = rig().owner().get(path_of_call(call, "/download/outbound.pcm"));
  BOOST_TEST((outbound.body == call.contents.at("outbound.pcm")));
  BOOST_TEST(eventually([] { return entries_in_incoming() == 0; }));
}

std::string spool_entry(const std::string& call_sid) {
  return rig().daemon().directory() + "/spool/" + kWorkspace + "/" + call_sid;
}

// As recorders do: metadata.json is renamed in last.
void put_in_spool(const CallFiles& call) {
  namespace fs = std::filesystem;
  const std::string entry = spool_entry(call.call_sid);
  fs::create_directories(entry);
  for (const auto& [name, bytes] : call.contents)
    if (name != "metadata.json") fs::copy_file(call.directory + "/" + name, entry + "/" + name);
  fs::copy_file(call.directory + "/metadata.json", call.directory + "/ready");
  fs::rename(call.directory + "/ready", entry + "/metadata.json");
}

BOOST_AUTO_TEST_CASE(a_call_that_comes_through_two_doors_at_once_is_one) {
  namespace fs = std::filesystem;
  for (int i = 0; i < 20; ++i) {
    const CallFiles call = rig().write_call();
    put_in_spool(call);
    const HttpResponse answer = rig().owner().send(upload_of(call));
    BOOST_TEST((answer.status == 200 || answer.status == 201), answer.body);
    BOOST_TEST(eventually([&] { return !fs::exists(spool_entry(call.call_sid)); }));
    const json::object recording = rig().owner().get_object(path_of_call(call));
    BOOST_TEST(recording.at("files").get_array().size() == call.contents.size());
    BOOST_TEST(recording.at("parts").get_int64() == 1);
  }
  BOOST_TEST(!fs::exists(rig().daemon().directory() + "/spool/rejected"));
  BOOST_TEST(eventually([] { return entries_in_incoming() == 0; }));
}

// The most memory that the daemon has ever had, in bytes.
int64_t peak_memory() {
  std::ifstream status("/proc/" + std::to_string(rig().daemon().pid()) + "/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      int64_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
  return 0;
}

BOOST_AUTO_TEST_CASE(a_call_of_four_hours_takes_no_more_memory) {
  namespace fs = std::filesystem;
  constexpr uintmax_t kBytes = uintmax_t{4} * 3600 * 8000;
  const CallFiles call = rig().write_call();
  fs::resize_file(call.directory + "/inbound.ulaw", kBytes);  // sparse
  const int64_t before = peak_memory();
  put_in_spool(call);
  BOOST_TEST(eventually([&] { return !fs::exists(spool_entry(call.call_sid)); }));
  const HttpResponse again = rig().owner().send(upload_of(call));
  BOOST_TEST(again.status == 200, again.body);
  const int64_t grown = peak_memory() - before;
  BOOST_TEST_MESSAGE("peak memory grew by " << grown / 1024 << " KiB");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
  BOOST_TEST(grown < 64 * 1024 * 1024);
#endif
  BOOST_TEST(rig().admin().remove(path_of_call(call)).status == 202);
}

}  // namespace
}  // namespace holdfast::testing
