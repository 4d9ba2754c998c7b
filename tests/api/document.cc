#include "tests/api/document.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace holdfast::testing {
namespace {

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

Operation operation_of(std::string_view path, std::string_view method, const json::object& spec) {
  Operation operation;
  operation.method = upper(std::string(method));
  operation.path = path;
  operation.id = text_at(spec, "operationId");
  operation.spec = &spec;
  if (const json::value* parameters = spec.if_contains("parameters"))
    for (const json::value& one : parameters->get_array()) {
      const json::object& object = one.get_object();
      const json::value* required = object.if_contains("required");
      operation.parameters.push_back({text_at(object, "name"), text_at(object, "in"),
                                      required != nullptr && required->get_bool(),
                                      object_at(object, "schema")});
    }
  if (const json::object* body = object_at(spec, "requestBody")) {
    const json::object& content = *object_at(*body, "content");
    operation.is_multipart = content.contains("multipart/form-data");
    if (const json::object* as_json = object_at(content, "application/json")) {
      const std::string reference = text_at(as_json->at("schema").get_object(), "$ref");
      operation.body_schema = reference.substr(reference.rfind('/') + 1);
    }
  }
  const json::object* ok = object_at(*object_at(spec, "responses"), "200");
  const json::object* content = ok == nullptr ? nullptr : object_at(*ok, "content");
  operation.is_stream = content != nullptr && content->contains("text/event-stream");
  const json::value* security = spec.if_contains("security");
  operation.needs_credential = security == nullptr || !security->get_array().empty();
  if (spec.contains("x-scope")) operation.scope = text_at(spec, "x-scope");
  return operation;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1))
    names.push_back(path.substr(open + 1, path.find('}', open) - open - 1));
  return names;
}

// The entry of `content` that a content type falls under.
const json::object* media_of(const json::object& content, const std::string& type) {
  const std::string essence = type.substr(0, type.find(';'));
  if (const json::object* exact = object_at(content, essence)) return exact;
  return object_at(content, "*/*");
}

void each_reference(const json::value& value, std::set<std::string>& names) {
  if (value.is_array())
    for (const json::value& one : value.get_array()) each_reference(one, names);
  if (!value.is_object()) return;
  for (const auto& [key, one] : value.get_object()) {
    if (key == "$ref") names.emplace(one.get_string().c_str());
    each_reference(one, names);
  }
}

}  // namespace

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? value->get_string().c_str() : "";
}

bool Operation::has(std::string_view parameter) const {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const DocumentedParameter& one) { return one.name == parameter; });
}

Document::Document(const std::string& text)
    : root_(*parse_json(text)),
      schemas_(&root_.at("components").at("schemas").get_object()),
      checker_(*schemas_) {
  for (const auto& [path, methods] : root_.at("paths").get_object())
    for (const auto& [method, spec] : methods.get_object())
      operations_.push_back(operation_of(path, method, spec.get_object()));
}

Complaints Document::judge(const Operation& operation, const HttpResponse& answer,
                           bool of_head) const {
  const json::object& responses = operation.spec->at("responses").get_object();
  const json::object* response = object_at(responses, std::to_string(answer.status));
  if (response == nullptr)
    return {"the document does not name status " + std::to_string(answer.status) + ": " +
            answer.body.substr(0, 300)};
  if (of_head)
    return answer.body.empty() ? Complaints() : Complaints{"an answer to HEAD has a body"};
  const json::object* content = object_at(*response, "content");
  if (content == nullptr)
    return answer.body.empty() ? Complaints() : Complaints{"a body where none is named"};
  const std::string type = answer.header("content-type").value_or("");
  const json::object* media = media_of(*content, type);
  if (media == nullptr)
    return {"the document does not name the content type \"" + type + "\" of status " +
            std::to_string(answer.status)};
  const json::value* schema = media->if_contains("schema");
  if (schema == nullptr) return {};
  const auto body = answer.parsed();
  if (!body.ok()) return {body.error().message};
  return checker_.check(*schema, *body);
}

Complaints Document::check_structure() const {
  Complaints out;
  if (!text_at(root(), "openapi").starts_with("3.1.")) out.push_back("openapi is not 3.1");
  const json::object* info = object_at(root(), "info");
  if (info == nullptr || text_at(*info, "title").empty() || text_at(*info, "version").empty())
    out.push_back("info has no title and version");
  std::set<std::string> ids;
  for (const Operation& operation : operations_) {
    if (!ids.insert(operation.id).second) out.push_back("two operations are " + operation.id);
    check_operation(operation, out);
  }
  for (const auto& [name, schema] : schemas())
    for (const std::string& complaint : checker_.check_schema(schema))
      out.push_back("schema " + std::string(name) + complaint);
  std::set<std::string> used;
  each_reference(root_, used);
  for (const auto& [name, schema] : schemas())
    if (used.count("#/components/schemas/" + std::string(name)) == 0)
      out.push_back("nothing uses the schema " + std::string(name));
  for (const std::string& reference : used)
    if (!schemas().contains(reference.substr(reference.rfind('/') + 1)))
      out.push_back(reference + " names nothing");
  return out;
}

void Document::check_operation(const Operation& operation, Complaints& out) const {
  const std::string at = operation.method + " " + operation.path + ": ";
  if (!operation.path.starts_with('/')) out.push_back(at + "the path is not absolute");
  if (operation.id.empty()) out.push_back(at + "it has no operationId");
  std::set<std::string> in_path;
  std::set<std::string> all;
  for (const DocumentedParameter& parameter : operation.parameters) {
    if (!all.insert(parameter.in + " " + parameter.name).second)
      out.push_back(at + "two parameters are " + parameter.name);
    if (parameter.in != "path" && parameter.in != "query")
      out.push_back(at + parameter.name + " is nowhere");
    if (parameter.schema == nullptr) {
      out.push_back(at + parameter.name + " has no schema");
      continue;
    }
    for (const std::string& complaint : checker_.check_schema(*parameter.schema))
      out.push_back(at + parameter.name + complaint);
    if (parameter.in != "path") continue;
    in_path.insert(parameter.name);
    if (!parameter.required) out.push_back(at + parameter.name + " in the path is not required");
  }
  const std::vector<std::string> named = names_in(operation.path);
  if (std::set<std::string>(named.begin(), named.end()) != in_path)
    out.push_back(at + "its path and its parameters disagree");
  check_responses(operation, out);
  const json::value* security = operation.spec->if_contains("security");
  const json::object& schemes = root().at("components").at("securitySchemes").get_object();
  if (security != nullptr)
    for (const json::value& choice : security->get_array())
      for (const auto& [name, scopes] : choice.get_object())
        if (!schemes.contains(name)) out.push_back(at + "no security scheme " + std::string(name));
}

void Document::check_responses(const Operation& operation, Complaints& out) const {
  const std::string at = operation.method + " " + operation.path + ": ";
  const json::object* responses = object_at(*operation.spec, "responses");
  if (responses == nullptr || responses->empty()) return out.push_back(at + "it has no responses");
  bool any_good = false;
  for (const auto& [status, response] : *responses) {
    const int number = std::stoi(std::string(status));
    if (number < 200 || number > 599) out.push_back(at + "no status: " + std::string(status));
    any_good = any_good || number < 300;
    if (text_at(response.get_object(), "description").empty())
      out.push_back(at + std::string(status) + " has no description");
    const json::object* content = object_at(response.get_object(), "content");
    if (content == nullptr) continue;
    for (const auto& [type, media] : *content)
      if (std::string_view(type).find('/') == std::string_view::npos)
        out.push_back(at + std::string(type) + " is no media type");
      else if (const json::value* schema = media.get_object().if_contains("schema"))
        for (const std::string& complaint : checker_.check_schema(*schema))
          out.push_back(at + std::string(status) + complaint);
  }
  if (!any_good) out.push_back(at + "no answer says that all is well");
}

}  // namespace holdfast::testing
