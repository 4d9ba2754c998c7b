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

json::object content_of(std::string_view schema, int status) {
  const std::string_view type =
      status >= 400 && schema == "Problem" ? "application/problem+json" : "application/json";
  return {{type, json::object{{"schema", reference(schema)}}}};
}

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
  problem(401, "No credential, or one that is not known.");
  problem(403, "The credential may not do this.");
  problem(404, "There is no such thing, or it is another workspace's.");
  if (!responses.contains("422"))
    responses["422"] = json::object{{"description", "A value is malformed."},
                                    {"content", content_of("ValidationError", 422)}};
  return responses;
}

json::object operation_of(const Route& route) {
  json::object operation{
      {"operationId", route.id}, {"summary", route.summary}, {"responses", responses_of(route)}};
  json::array parameters;
  std::string_view path = route.path;
  while (true) {
    const size_t open = path.find('{');
    if (open == std::string_view::npos) break;
    const size_t close = path.find('}', open);
    const std::string_view name = path.substr(open + 1, close - open - 1);
    parameters.push_back(
        parameter_of({name, path_parameter_type(name), "", true, 0, 0, {}}, "path"));
    path.remove_prefix(close + 1);
  }
  for (const Parameter& parameter : route.query)
    parameters.push_back(parameter_of(parameter, "query"));
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (!route.request_schema.empty())
    operation["requestBody"] = json::object{{"content", content_of(route.request_schema, 200)}};
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
  json::object paths;
  for (const Route& route : *call->services.routes) {
    if (route.access == Access::kMount) continue;
    json::object operations = lower(route.method, operation_of(route));
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
      json::object{{"schemas", schemas()}, {"securitySchemes", std::move(schemes)}};
  call->answer(200, document);
}

}  // namespace holdfast::api
