// Uploads: acknowledged, repeated, contradicted, slow, and left half-way.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "io/digest.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

ApiRig& rig() { return ApiRig::instance(); }

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

}  // namespace
}  // namespace holdfast::testing
