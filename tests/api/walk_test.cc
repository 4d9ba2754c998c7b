// Walks /openapi.json: the document is valid, says every route of the table and nothing else; and
// every route, called with valid, missing, wrong-typed and out-of-range values of each of its
// parameters and fields in turn, answers a status, a content type and a body that the document
// names.
//
// Routes come from the document and values from specimens.h, so that a new route is walked without
// an edit here.
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <set>

#include "base/limits.h"
#include "daemon/api/api.h"
#include "daemon/http/signed_link.h"
#include "tests/api/specimens.h"

namespace holdfast::testing {
namespace {

const Document& document() {
  static const Document kDocument(rig().stranger().get("/openapi.json").body);
  return kDocument;
}

Specimens& specimens() {
  static Specimens instance(rig(), document());
  return instance;
}

// Valid calls whose answer in a young archive is not 2xx, and why.
bool is_good(const Operation& operation, int status) {
  static const std::map<std::string, std::set<int>> kOthers = {
      {"retryMove", {409}},        // no try of the move has failed
      {"releaseRecovery", {404}},  // nothing was lost
  };
  if (status >= 200 && status < 300) return true;
  const auto others = kOthers.find(operation.id);
  return others != kOthers.end() && others->second.count(status) > 0;
}

int calls = 0;

const std::string& operator_key() {
  static const std::string kKey = [] {
    const json::value& scopes = document().schemas().at("Scope").at("enum");
    return member(rig().admin().post("/v1/operator/api-keys", json::object{{"scopes", scopes}}),
                  "api_key");
  }();
  return kKey;
}

// Sends, and checks that the document names the answer.
HttpResponse ask(TestClient& client, const Operation& operation, const HttpRequest& request,
                 const std::string& what) {
  ++calls;
  const HttpResponse answer = client.send(request);
  const Complaints complaints =
      document().judge(operation, answer, request.method == std::string("HEAD"));
  BOOST_TEST(complaints.empty(), operation.method << " " << operation.path << ", " << what << ": "
                                                  << answer.status << ": " << text_of(complaints));
  BOOST_TEST(answer.status != 500, operation.id << ", " << what << ": " << answer.body);
  return answer;
}

void ask_valid(const Operation& operation, const HttpRequest& request, const std::string& what) {
  const HttpResponse answer = operation.is_stream ? head_of_stream(rig(), request, operator_key())
                                                  : ask(rig().admin(), operation, request, what);
  if (operation.is_stream)
    BOOST_TEST(document().judge(operation, answer).empty(),
               operation.id << ": " << text_of(document().judge(operation, answer)));
  BOOST_TEST(is_good(operation, answer.status),
             operation.method << " " << operation.path << " cannot be called validly, " << what
                              << ": " << answer.status << " " << answer.body.substr(0, 300)
                              << "; add what it needs to tests/api/specimens.cc (path_value(), "
                                 "query_value(), field_value() or body_of()), or the status, with "
                                 "its reason, to is_good() here");
}

void refused(const Operation& operation, const HttpRequest& request, int status,
             const std::string& what) {
  const HttpResponse answer = ask(rig().admin(), operation, request, what);
  BOOST_TEST(answer.status == status,
             operation.method << " " << operation.path << ", " << what << ": expected " << status
                              << ", got " << answer.status << " " << answer.body.substr(0, 300));
}

std::vector<std::string> wrong_texts(const json::object& schema) {
  const std::vector<std::string> types = types_of(schema);
  const std::string type = types.empty() ? "string" : types.front();
  if (type == "boolean") return {"maybe", "1", ""};
  if (type == "integer") {
    std::vector<std::string> wrong = {"x", "", "1.5", "99999999999999999999"};
    const json::value* least = schema.if_contains("minimum");
    const json::value* most = schema.if_contains("maximum");
    if (least != nullptr) wrong.push_back(std::to_string(least->to_number<int64_t>() - 1));
    if (most != nullptr && most->to_number<int64_t>() < INT64_MAX)
      wrong.push_back(std::to_string(most->to_number<int64_t>() + 1));
    return wrong;
  }
  if (schema.contains("enum")) return {"nonesuch", ""};
  if (schema.contains("format")) return {"nonesuch", ""};
  if (schema.contains("pattern")) return {"no such", "\xFF\xFE"};
  return {};
}

// Values of every kind, of which those count that a schema refuses.
const json::array& pool() {
  static const json::array kPool = [] {
    const std::string long_text(limits::kReasonBytesMax + 1, 'x');
    return json::array{nullptr,
                       true,
                       false,
                       0,
                       -1,
                       1.5,
                       1e300,
                       int64_t{1} << 62,
                       "",
                       "nonesuch",
                       "/x",
                       json::string(long_text),
                       json::array(),
                       json::array{7},
                       json::array{"nonesuch"},
                       json::object(),
                       json::object{{"a", 1}}};
  }();
  return kPool;
}

BOOST_AUTO_TEST_CASE(the_document_is_openapi_3_1) {
  for (const std::string& complaint : document().check_structure()) BOOST_ERROR(complaint);
}

BOOST_AUTO_TEST_CASE(the_document_is_the_table) {
  std::map<std::string, std::string> in_table;
  for (const api::Route& route : api::all_routes())
    if (route.access != api::Access::kMount)
      in_table.emplace(std::string(http::to_word(route.method)) + " " + std::string(route.path),
                       route.id);
  std::map<std::string, std::string> in_document;
  for (const Operation& operation : document().operations())
    in_document.emplace(operation.method + " " + operation.path, operation.id);
  BOOST_TEST((in_table == in_document));
  for (const auto& [place, id] : in_table)
    BOOST_TEST(in_document.count(place) == 1, place << " is not in the document");
  for (const auto& [place, id] : in_document)
    BOOST_TEST(in_table.count(place) == 1, place << " is in the document alone");
}

BOOST_AUTO_TEST_CASE(valid_calls_are_answered_as_the_document_says) {
  for (const Operation& operation : document().operations()) {
    ask_valid(operation, specimens().valid(operation), "with what is required");
    for (const DocumentedParameter& parameter : operation.parameters) {
      if (parameter.in != "query") continue;
      HttpRequest request = specimens().valid(operation);
      const Values path{{"workspace_id", kWorkspace}};
      const auto value = specimens().query_value(operation, parameter, path);
      if (!value) continue;  // a cursor of a page that has none after it
      request.query.emplace_back(parameter.name, *value);
      for (const auto& [name, companion] : specimens().beside(parameter.name, path))
        request.query.emplace_back(name, companion);
      ask_valid(operation, request, "with " + parameter.name + "=" + *value);
    }
    if (operation.method == "GET" && !operation.is_stream) {
      HttpRequest request = specimens().valid(operation);
      request.method = "HEAD";
      (void)ask(rig().admin(), operation, request, "as HEAD");
    }
    if (operation.body_schema.empty()) continue;
    const json::object& schema = document().schemas().at(operation.body_schema).get_object();
    for (const auto& [field, unused] : schema.at("properties").get_object()) {
      HttpRequest request = specimens().valid(operation);
      const Values path = specimens().path_values(operation);
      request.path = Specimens::fill(operation.path, path);
      request.body = canonical(specimens().body_of(operation, path, std::string(field)));
      ask_valid(operation, request, "with " + std::string(field));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_archived_recording_is_answered_as_the_document_says) {
  const CallFiles call = rig().on_tier("warm");
  for (const Operation& operation : document().operations()) {
    if (operation.method != "GET" || !operation.has("call_sid") ||
        operation.path.find("{call_sid}") == std::string::npos || operation.is_stream)
      continue;
    Values path{{"workspace_id", kWorkspace}, {"call_sid", call.call_sid}};
    path["filename"] = "inbound.ulaw";
    HttpRequest request;
    request.path = Specimens::fill(operation.path, path);
    if (request.path.find('{') != std::string::npos) continue;
    request.method = "HEAD";
    (void)ask(rig().admin(), operation, request, "as HEAD, archived");
    request.method = "GET";
    (void)ask(rig().admin(), operation, request, "archived");
  }
}

BOOST_AUTO_TEST_CASE(wrong_values_in_the_path_are_refused) {
  for (const Operation& operation : document().operations()) {
    for (const DocumentedParameter& parameter : operation.parameters) {
      if (parameter.in != "path") continue;
      const HttpRequest valid = specimens().valid(operation);
      Values path = specimens().path_values(operation);
      for (const std::string& wrong : wrong_texts(*parameter.schema)) {
        if (wrong.empty()) continue;  // another path
        HttpRequest request = valid;
        path[parameter.name] = http::percent_encode(wrong);
        request.path = Specimens::fill(operation.path, path);
        refused(operation, request, parameter.name == "filename" ? 400 : 422,
                parameter.name + "=" + wrong);
      }
      // Well-formed, and of nothing that exists.
      Values unknown = specimens().path_values(operation);
      if (parameter.name == "workspace_id")
        unknown[parameter.name] = "00000000-0000-4000-8000-000000000001";
      else if (parameter.name == "call_sid")
        unknown[parameter.name] = kUnknownSid;
      else if (parameter.name == "filename")
        unknown[parameter.name] = "no-such.wav";
      else if (parameter.schema->contains("pattern"))
        unknown[parameter.name] = rig().random().id<KeyId>().text();
      else
        unknown[parameter.name] = "1000000007";
      HttpRequest request = valid;
      request.path = Specimens::fill(operation.path, unknown);
      if (operation.id == "createKey") continue;  // the operator's first key makes the workspace
      // A link need not be listed to be revoked.
      if (operation.id == "revokeLink" && parameter.name == "jti") continue;
      refused(operation, request, 404, "an unknown " + parameter.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(wrong_values_in_the_query_are_refused) {
  for (const Operation& operation : document().operations()) {
    for (const DocumentedParameter& parameter : operation.parameters) {
      if (parameter.in != "query") continue;
      const HttpRequest valid = specimens().valid(operation);
      for (const std::string& wrong : wrong_texts(*parameter.schema)) {
        HttpRequest request = valid;
        std::erase_if(request.query,
                      [&](const NameValue& one) { return one.first == parameter.name; });
        if (parameter.required) refused(operation, request, 422, "without " + parameter.name);
        request.query.emplace_back(parameter.name, wrong);
        refused(operation, request, 422, parameter.name + "=" + wrong);
      }
      HttpRequest twice = valid;
      const std::string value = parameter.schema->contains("enum")
                                    ? parameter.schema->at("enum").at(0).get_string().c_str()
                                    : "1";
      twice.query.emplace_back(parameter.name, value);
      twice.query.emplace_back(parameter.name, value);
      refused(operation, twice, 422, parameter.name + " twice");
      // Bytes that are no text, and more than anybody means: whatever they are, they are named.
      for (const std::string& odd : {std::string("\xFF\xFE"), std::string(3000, 'x')}) {
        HttpRequest request = valid;
        request.query.emplace_back(parameter.name, odd);
        (void)ask(rig().admin(), operation, request, "an odd " + parameter.name);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(wrong_bodies_are_refused) {
  for (const Operation& operation : document().operations()) {
    if (operation.body_schema.empty()) continue;
    const json::object& schema = document().schemas().at(operation.body_schema).get_object();
    const HttpRequest valid = specimens().valid(operation);
    const json::object body = parse_json(valid.body)->get_object();
    const auto send = [&](const std::string& text, int status, const std::string& what) {
      HttpRequest request = valid;
      request.body = text;
      refused(operation, request, status, what);
    };
    for (const char* text : {"{", "[]", "7", "\"text\"", "{\"a\":1,\"a\":2}", "\xFF"})
      send(text, 422, std::string("the body ") + text);
    send("{\"a\":\"" + std::string(limits::kJsonBodyBytesMax, 'x') + "\"}", 413,
         "a body too large");
    if (const json::value* required = schema.if_contains("required"))
      for (const json::value& name : required->get_array()) {
        json::object less = body;
        less.erase(name.get_string());
        send(canonical(less), 422, std::string("without ") + name.get_string().c_str());
        less[name.get_string()] = nullptr;
        send(canonical(less), 422, std::string("a null ") + name.get_string().c_str());
      }
    const Values path = specimens().path_values(operation);
    for (const auto& [field, of_field] : schema.at("properties").get_object()) {
      const json::object around = specimens().body_of(operation, path, std::string(field));
      for (const json::value& value : pool()) {
        if (value.is_null() || document().checker().check(of_field, value).empty()) continue;
        json::object wrong = around;
        wrong[field] = value;
        send(canonical(wrong), 422, std::string(field) + ": " + canonical(value).substr(0, 40));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(wrong_uploads_are_refused) {
  for (const Operation& operation : document().operations()) {
    if (!operation.is_multipart) continue;
    const HttpRequest valid = specimens().valid(operation);
    HttpRequest request = valid;
    request.form_files.clear();
    refused(operation, request, 422, "without a form");
    request.body = "{}";
    refused(operation, request, 422, "JSON for a form");
    request = valid;
    std::erase_if(request.form_files,
                  [](const FormFile& file) { return file.file_name == "metadata.json"; });
    refused(operation, request, 422, "without call_sid");
    for (const std::string& name :
         {std::string("recording.json"), std::string(".hidden"), std::string("a b.wav"),
          std::string("a.head"), std::string(limits::kFileNameBytesMax + 1, 'x')}) {
      request = valid;
      request.form_files.front().file_name = name;
      refused(operation, request, 422, "a file named " + name);
    }
    ask_valid(operation, valid, "first");
    ask_valid(operation, valid, "again");
  }
}

BOOST_AUTO_TEST_CASE(strangers_and_the_scopeless_are_answered_as_the_document_says) {
  TestClient stranger = rig().stranger();
  for (const Operation& operation : document().operations()) {
    if (!operation.needs_credential) continue;
    const HttpRequest request = specimens().valid(operation);
    BOOST_TEST(ask(stranger, operation, request, "without a credential").status == 401);
    if (!operation.scope) continue;
    const char* other = *operation.scope == "export" ? "audit:read" : "export";
    static std::map<std::string, std::string> keys;
    std::string& key = keys[other];
    if (key.empty()) key = rig().make_key({other}).text;
    TestClient lacking = rig().with_key(key);
    BOOST_TEST(ask(lacking, operation, request, "without the scope").status == 403);
  }
}

BOOST_AUTO_TEST_CASE(how_much_was_walked) {
  std::cout << document().operations().size() << " operations, " << calls << " calls\n";
  BOOST_TEST(static_cast<size_t>(calls) > 10 * document().operations().size());
}

}  // namespace
}  // namespace holdfast::testing
