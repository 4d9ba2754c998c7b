#include "tests/api/specimens.h"

#include <algorithm>
#include <stdexcept>

#include "base/clock.h"

namespace holdfast::testing {
namespace {

// Where a medium lies that a path names: kept beside the path's own values.
constexpr char kMediumPath[] = "(medium path)";

std::string created(const HttpResponse& answer, std::string_view what, std::string_view name) {
  if (answer.status != 201 && answer.status != 202)
    throw std::runtime_error("make a " + std::string(what) + ": " + std::to_string(answer.status) +
                             " " + answer.body);
  return member(answer, name);
}

double number_at(const json::object& schema, std::string_view key, double otherwise) {
  const json::value* value = schema.if_contains(key);
  return value == nullptr ? otherwise : value->to_number<double>();
}

}  // namespace

std::string Specimens::fill(const std::string& path, const Values& values) {
  std::string filled = path;
  for (const auto& [name, value] : values)
    if (const size_t at = filled.find("{" + name + "}"); at != std::string::npos)
      filled.replace(at, name.size() + 2, value);
  return filled;
}

std::string Specimens::workspace_of(const Values& path) const {
  const auto found = path.find("workspace_id");
  return found == path.end() ? kWorkspace : found->second;
}

std::string Specimens::new_directory() {
  const std::string path = directory_ / ("d" + std::to_string(++directories_));
  std::filesystem::create_directories(path);
  return path;
}

CallFiles Specimens::stored_in(const std::string& workspace) {
  const CallFiles call =
      make_call(directory_ / "calls", workspace, {SystemClock().now(), 800}, rig_.random());
  (void)created(rig_.admin().send(upload_of(call)), "recording", "recording_id");
  return call;
}

std::string Specimens::recording_id_in(const std::string& workspace) {
  const CallFiles call =
      make_call(directory_ / "calls", workspace, {SystemClock().now(), 800}, rig_.random());
  return created(rig_.admin().send(upload_of(call)), "recording", "recording_id");
}

// Of a recording that went to warm before.
std::string Specimens::pack_id_in(const std::string& workspace) {
  const CallFiles call = make_call(directory_ / "calls", workspace,
                                   {SystemClock().now() - days(1), 800}, rig_.random());
  (void)created(rig_.admin().send(upload_of(call)), "recording", "recording_id");
  std::string pack;
  const bool packed = eventually([&] {
    const json::object shown = rig_.admin().get_object(path_of_call(call));
    if (shown.at("tier").get_string() != "warm") return false;
    for (const json::value& copy : shown.at("copies").get_array())
      if (copy.at("pack_id").is_string()) pack = copy.at("pack_id").get_string().c_str();
    return !pack.empty();
  });
  if (!packed) throw std::runtime_error("no pack on warm" + rig_.daemon().log_tail());
  return pack;
}

// A restore that was asked for; its recording went to warm before.
std::string Specimens::restore_in(const std::string& workspace) {
  std::string& known = restores_[workspace];
  if (!known.empty()) return known;
  const CallFiles call = make_call(directory_ / "calls", workspace,
                                   {SystemClock().now() - days(1), 800}, rig_.random());
  (void)created(rig_.admin().send(upload_of(call)), "recording", "recording_id");
  const bool archived = eventually([&] {
    return rig_.admin().get_object(path_of_call(call)).at("tier").get_string() == "warm";
  });
  if (!archived) throw std::runtime_error("no move to warm" + rig_.daemon().log_tail());
  const HttpResponse asked =
      rig_.admin().post(path_of_call(call, "/restore"), json::object{{"keep_hours", 100}});
  return known = created(asked, "restore", "restore_id");
}

std::string Specimens::path_value(const Operation& operation, const std::string& name,
                                  const Values& before) {
  const std::string workspace = workspace_of(before);
  if (name == "call_sid") return stored_in(workspace).call_sid;
  if (name == "filename") return "inbound.ulaw";
  if (name == "restore_id") return restore_in(workspace);
  if (name == "import_id")
    return created(rig_.admin().post("/v1/" + workspace + "/imports", json::object{}), "import",
                   "import_id");
  if (name == "verification_id")
    return created(rig_.admin().post("/v1/verifications",
                                     json::object{{"recording_id", recording_id_in(workspace)}}),
                   "verification", "verification_id");
  if (name == "move_no") {
    (void)restore_in(workspace);  // whatever was archived has moved
    return "1";
  }
  if (name == "hold_id") {
    const std::string call = "/v1/" + workspace + "/recordings/" + before.at("call_sid");
    return created(rig_.admin().post(call + "/holds", json::object{{"matter", "A v. B"}}), "hold",
                   "hold_id");
  }
  if (name == "key_id") {
    const std::string owner =
        operation.path.starts_with("/v1/operator/") ? std::string("operator") : workspace;
    return created(rig_.admin().post("/v1/" + owner + "/api-keys",
                                     json::object{{"scopes", json::array{"calls:read"}}}),
                   "key", "id");
  }
  for (const DocumentedParameter& parameter : operation.parameters)
    if (parameter.in == "path" && parameter.name == name) {
      const json::value value = value_by_type(*parameter.schema);
      return value.is_string() ? value.get_string().c_str() : canonical(value);
    }
  throw std::runtime_error(operation.id + ": its path has {" + name +
                           "}, its parameters do not: the table and the document disagree");
}

Values Specimens::path_values(const Operation& operation, const std::string& workspace) {
  Values values;
  for (size_t open = operation.path.find('{'); open != std::string::npos;
       open = operation.path.find('{', open + 1)) {
    const std::string name =
        operation.path.substr(open + 1, operation.path.find('}', open) - open - 1);
    if (name == "workspace_id") {
      values[name] = workspace;
    } else if (name == "medium_id") {
      const std::string path = new_directory();
      values[kMediumPath] = path;
      const json::object wish{{"kind", "vault"},
                              {"tier", "cold"},
                              {"name", "medium-" + std::to_string(directories_)},
                              {"path", path}};
      values[name] = created(rig_.admin().post("/v1/media", wish), "medium", "medium_id");
    } else {
      values[name] = path_value(operation, name, values);
    }
  }
  return values;
}

Values Specimens::beside(const std::string& parameter, const Values& path) {
  if (parameter == "call_sid") return {{"workspace", workspace_of(path)}};
  return {};
}

std::optional<std::string> Specimens::query_value(const Operation& operation,
                                                  const DocumentedParameter& parameter,
                                                  const Values& path) {
  const std::string workspace = workspace_of(path);
  if (parameter.name == "cursor") {
    const HttpResponse page = rig_.admin().get(fill(operation.path, path) + "?limit=1");
    const std::string next = member(page, "next_cursor");
    return next.empty() ? std::nullopt : std::optional(next);
  }
  if (parameter.name == "workspace") return workspace;
  if (parameter.name == "call_sid") return stored_in(workspace).call_sid;
  if (parameter.name == "matter") {
    const CallFiles call = stored_in(workspace);
    (void)created(
        rig_.admin().post(path_of_call(call, "/holds"), json::object{{"matter", "A v. B"}}), "hold",
        "hold_id");
    return "A v. B";
  }
  const json::value value = value_by_type(*parameter.schema);
  return value.is_string() ? value.get_string().c_str() : canonical(value);
}

json::value Specimens::value_by_type(const json::object& given) {
  const json::object& schema = document_.checker().resolve(given);
  if (const json::value* choices = schema.if_contains("anyOf"))
    return value_by_type(choices->get_array().front().get_object());
  if (const json::value* allowed = schema.if_contains("enum")) return allowed->get_array().front();
  const std::vector<std::string> types = types_of(schema);
  const std::string type = types.empty() ? "string" : types.front();
  if (type == "boolean") return true;
  if (type == "integer" || type == "number") {
    const double least = number_at(schema, "minimum", 1);
    const auto value =
        static_cast<int64_t>(std::min(std::max(1.0, least), number_at(schema, "maximum", 1e9)));
    return value;
  }
  if (type == "array") {
    json::array items;
    if (const json::value* item = schema.if_contains("items"))
      items.push_back(value_by_type(item->get_object()));
    return items;
  }
  if (type == "object") {
    json::object object;
    if (const json::value* required = schema.if_contains("required"))
      for (const json::value& name : required->get_array())
        object[name.get_string()] =
            value_by_type(schema.at("properties").at(name.get_string()).get_object());
    return object;
  }
  const std::string format = text_at(schema, "format");
  if (format == "uuid") {
    std::array<std::byte, 16> bytes{};
    rig_.random().fill(bytes);
    std::string hex = to_hex(bytes);
    for (size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, 1, '-');
    return json::string(hex);
  }
  if (format == "date-time") return json::string(to_iso(SystemClock().now() + days(1)));
  if (format == "uri") return "https://archive.example/hook";
  const std::string pattern = text_at(schema, "pattern");
  if (pattern == "^[a-z2-7]{26}$") return json::string(rig_.random().id<KeyId>().text());
  if (pattern == "^/") return json::string(new_directory());
  return "text";
}

// A field that means more than its type.
json::value Specimens::field_value(const std::string& schema_name, const std::string& field,
                                   const json::object& schema, const Values& path) {
  if (schema_name == "PlaceRequest" && field == "path") return json::string(path.at(kMediumPath));
  if (schema_name == "MediumRequest" && field == "kind") return "vault";
  if (schema_name == "MediumRequest" && field == "tier") return "cold";
  if (schema_name == "RetentionClassRequest" && field == "keep") return "30d";
  // A class that locks nothing: what is retained could not be deleted by the requests that follow.
  if (field == "class" && schema_name.starts_with("Retention"))
    return json::string(created(
        rig_.admin().post("/v1/retention-classes",
                          json::object{{"name", "walk"}, {"keep", "0d"}, {"mode", "governance"}}),
        "retention class", "name"));
  if (schema_name == "VerificationRequest" && field == "recording_id")
    return json::string(recording_id_in(workspace_of(path)));
  if (schema_name == "VerificationRequest" && field == "pack_id")
    return json::string(pack_id_in(workspace_of(path)));
  if (schema_name == "VerificationRequest" && field == "medium_id")
    return rig_.admin().get_object("/v1/media").at("items").at(0).at("medium_id");
  // A recording is moved to a workspace that is there.
  if (schema_name == "RelabelRequest" && field == "workspace_id") return kNeighbour;
  if (field == "cursor") {
    const std::string listing = "/v1/" + workspace_of(path) + "/recordings?limit=1";
    (void)stored_in(workspace_of(path));
    (void)stored_in(workspace_of(path));
    return json::string(member(rig_.admin().get(listing), "next_cursor"));
  }
  if (field == "key_id") {
    const json::object wish{{"scopes", json::array{"calls:read"}}};
    return json::string(
        created(rig_.admin().post("/v1/" + workspace_of(path) + "/api-keys", wish), "key", "id"));
  }
  return value_by_type(schema);
}

json::object Specimens::body_of(const Operation& operation, const Values& path,
                                const std::string& also) {
  const json::object& schema = document_.schemas().at(operation.body_schema).get_object();
  const json::object& properties = schema.at("properties").get_object();
  json::object body;
  const auto add = [&](const std::string& name) {
    if (!body.contains(name))
      body[name] = field_value(operation.body_schema, name, properties.at(name).get_object(), path);
  };
  const auto add_all = [&](const json::value* names) {
    if (names == nullptr) return;
    for (const json::value& name : names->get_array()) add(name.get_string().c_str());
  };
  add_all(schema.if_contains("required"));
  if (!also.empty()) add(also);
  if (const json::value* dependent = schema.if_contains("dependentRequired"))
    add_all(dependent->get_object().if_contains(also));
  const json::value* choices = schema.if_contains("oneOf");
  if (choices == nullptr) choices = schema.if_contains("anyOf");
  if (choices == nullptr) return body;
  for (const json::value& choice : choices->get_array())
    if (document_.checker().check(choice, body).empty()) return body;
  add_all(choices->get_array().front().get_object().if_contains("required"));
  return body;
}

HttpRequest Specimens::valid(const Operation& operation, const std::string& workspace) {
  HttpRequest request;
  const Values path = path_values(operation, workspace);
  if (operation.is_multipart)
    request = upload_of(
        make_call(directory_ / "calls", workspace, {SystemClock().now(), 800}, rig_.random()));
  request.method = operation.method;
  request.path = fill(operation.path, path);
  if (!operation.body_schema.empty()) request.body = canonical(body_of(operation, path));
  for (const DocumentedParameter& parameter : operation.parameters) {
    if (parameter.in != "query" || !parameter.required) continue;
    const auto value = query_value(operation, parameter, path);
    if (!value) throw std::runtime_error(operation.id + " needs a value for " + parameter.name);
    request.query.emplace_back(parameter.name, *value);
  }
  return request;
}

HttpResponse head_of_stream(ApiRig& rig, const HttpRequest& request, const std::string& key) {
  std::string target = request.path;
  for (const auto& [name, value] : request.query)
    target += (target.find('?') == std::string::npos ? "?" : "&") + name + "=" + value;
  RawConnection connection(rig.daemon().port());
  connection.write("GET " + target + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key +
                   "\r\n\r\n");
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    const std::string some = connection.read_some();
    if (some.empty()) throw std::runtime_error(target + ": the stream ended in its head");
    head += some;
  }
  HttpResponse response;
  response.status = std::stoi(head.substr(head.find(' ') + 1));
  constexpr std::string_view kType = "content-type: ";
  for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const size_t at = head.find(kType); at != std::string::npos)
    response.headers.emplace_back(
        "content-type", head.substr(at + kType.size(), head.find('\r', at) - at - kType.size()));
  return response;
}

}  // namespace holdfast::testing
