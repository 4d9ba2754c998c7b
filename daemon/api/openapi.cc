// /openapi.json: written from the route table, so that it cannot say anything
// else than what the router does.
#include "daemon/api/api.h"
#include "daemon/api/handlers.h"
#include "daemon/api/schemas.h"

namespace holdfast::api {
namespace {

json::object schema_of(const Parameter& parameter) {
  json::object schema{{"type", word(parameter.type)}};
  if (parameter.type == ParameterType::kInteger) {
    schema["minimum"] = parameter.minimum;
    schema["maximum"] = parameter.maximum;
  }
  if (parameter.type == ParameterType::kWorkspace) schema["format"] = "uuid";
  if (parameter.type == ParameterType::kTime) schema["format"] = "date-time";
  if (parameter.type == ParameterType::kCallSid) schema["pattern"] = "^[A-Za-z0-9._:-]{1,128}$";
  if (parameter.type == ParameterType::kFileName)
    schema["pattern"] = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$";
  if (parameter.type == ParameterType::kId) schema["pattern"] = "^[a-z2-7]{26}$";
  if (!parameter.allowed.empty()) {
    json::array allowed;
    for (std::string_view one : parameter.allowed) allowed.emplace_back(one);
    schema["enum"] = std::move(allowed);
  }
  return schema;
}

json::object parameter_of(const Parameter& parameter, std::string_view in) {
  json::object out{{"name", parameter.name},
                   {"in", in},
                   {"required", parameter.required || in == "path"},
                   {"schema", schema_of(parameter)}};
  if (!parameter.about.empty()) out["description"] = parameter.about;
  return out;
}

json::object reference(std::string_view schema) {
  return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

// `schema` is a name in components/schemas, or a media type whose bodies no schema describes.
json::object content_of(std::string_view schema, int status) {
  if (schema.find('/') != std::string_view::npos) return {{schema, json::object()}};
  const std::string_view type =
      status >= 400 && schema == "Problem" ? "application/problem+json" : "application/json";
  return {{type, json::object{{"schema", reference(schema)}}}};
}

bool has_body(const Route& route) {
  return !route.request_schema.empty() || route.id == "ingestRecording";
}

// Malformed ids, parameters and JSON are told in the platform's shape, what a field's value means
// in that of RFC 9457.
json::object malformed() {
  json::object content = content_of("ValidationError", 422);
  for (const json::key_value_pair& one : content_of("Problem", 422))
    content.insert_or_assign(one.key(), one.value());
  return {{"description", "A value is malformed."}, {"content", std::move(content)}};
}

// What a route's row of the table says, and what follows from its access, path and body for every
// route alike.
json::object responses_of(const Route& route) {
  json::object responses;
  for (const Answer& answer : route.answers) {
    json::object response{{"description", answer.about}};
    if (!answer.schema.empty()) response["content"] = content_of(answer.schema, answer.status);
    responses[std::to_string(answer.status)] = std::move(response);
  }
  const auto problem = [&](int status, std::string_view about) {
    if (!responses.contains(std::to_string(status)))
      responses[std::to_string(status)] =
          json::object{{"description", about}, {"content", content_of("Problem", status)}};
  };
  if (route.access == Access::kOpen) return responses;
  const auto in_path = [&](std::string_view part) {
    return route.path.find(part) != std::string_view::npos;
  };
  problem(400, "Two credentials, or a request that is not valid HTTP.");
  problem(401, "No credential, or one that is not known.");
  problem(403, "The credential may not do this.");
  if (in_path("{")) problem(404, "There is no such thing, or it is another workspace's.");
  if (in_path("{call_sid}")) problem(409, "The call is coming in: ask again.");
  if (has_body(route)) problem(413, "The body is over its limit.");
  if ((in_path("{") || !route.query.empty() || has_body(route)) && !responses.contains("422"))
    responses["422"] = malformed();
  problem(500, "The archive could not do this.");
  problem(503, "Starting, or not available now: try again.");
  return responses;
}

// Without a field that must stand there, an absent body is an empty object.
bool needs_body(const json::object& all, std::string_view schema) {
  const json::value* required = all.at(schema).get_object().if_contains("required");
  return required != nullptr && !required->get_array().empty();
}

json::object operation_of(const Route& route, const json::object& all_schemas) {
  json::object operation{
      {"operationId", route.id}, {"summary", route.summary}, {"responses", responses_of(route)}};
  json::array parameters;
  std::string_view path = route.path;
  while (true) {
    const size_t open = path.find('{');
    if (open == std::string_view::npos) break;
    const size_t close = path.find('}', open);
    const std::string_view name = path.substr(open + 1, close - open - 1);
    parameters.push_back(parameter_of(path_parameter(name), "path"));
    path.remove_prefix(close + 1);
  }
  for (const Parameter& parameter : route.query)
    parameters.push_back(parameter_of(parameter, "query"));
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (!route.request_schema.empty())
    operation["requestBody"] =
        json::object{{"required", needs_body(all_schemas, route.request_schema)},
                     {"content", content_of(route.request_schema, 200)}};
  if (route.id == "ingestRecording")
    operation["requestBody"] = json::object{
        {"required", true},
        {"content", json::object{{"multipart/form-data",
                                  json::object{{"schema", json::object{{"type", "object"}}}}}}}};
  json::array security;
  if (route.access != Access::kOpen) security.push_back(json::object{{"apiKey", json::array()}});
  if (route.access == Access::kKeyOrLink)
    security.push_back(json::object{{"signedLink", json::array()}});
  operation["security"] = std::move(security);
  if (route.scope) operation["x-scope"] = holdfast::word(*route.scope);
  return operation;
}

json::object lower(http::Method method, json::object operation) {
  std::string name(http::to_word(method));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  json::object out;
  out[name] = std::move(operation);
  return out;
}

}  // namespace

void openapi_document(CallPtr call) {
  json::object all_schemas = schemas();
  json::object paths;
  for (const Route& route : *call->services.routes) {
    if (route.access == Access::kMount) continue;
    json::object operations = lower(route.method, operation_of(route, all_schemas));
    json::value& path = paths[route.path];
    if (!path.is_object()) path.emplace_object();
    for (json::key_value_pair& operation : operations)
      path.get_object().insert_or_assign(operation.key(), std::move(operation.value()));
  }
  json::object schemes;
  schemes["apiKey"] = json::object{{"type", "http"}, {"scheme", "bearer"}};
  schemes["signedLink"] = json::object{{"type", "apiKey"}, {"in", "query"}, {"name", "sig"}};
  json::object document;
  document["openapi"] = "3.1.0";
  document["info"] = json::object{{"title", "Holdfast"}, {"version", HOLDFAST_VERSION}};
  document["paths"] = std::move(paths);
  document["components"] =
      json::object{{"schemas", std::move(all_schemas)}, {"securitySchemes", std::move(schemes)}};
  call->answer(200, document);
}

}  // namespace holdfast::api
