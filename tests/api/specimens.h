// Valid requests for any route, made by its row in the document: a value for each parameter by its
// type, and from a table where a name means more than its type (a call_sid must be of a stored
// recording, a hold_id of a hold on it). What a valid call consumes is made anew for each request.
//
// A new route whose parameters and body have plain types needs nothing here. One that wants more is
// told by the walk, which says what to add: to path_value(), query_value(), field_value() or
// body_of().
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/api/api_rig.h"
#include "tests/api/document.h"

namespace holdfast::testing {

using Values = std::map<std::string, std::string>;

class Specimens {
 public:
  Specimens(ApiRig& rig, const Document& document) : rig_(rig), document_(document) {}

  // Values for all parameters of the path. Throws when one cannot be made.
  Values path_values(const Operation& operation, const std::string& workspace = kWorkspace);
  // A valid value of a query parameter; nothing: there is none in this archive now.
  std::optional<std::string> query_value(const Operation& operation,
                                         const DocumentedParameter& parameter, const Values& path);
  // Parameters that must stand beside a query parameter.
  Values beside(const std::string& parameter, const Values& path);
  // A valid JSON body with all that is required, and `also` when it is not empty.
  json::object body_of(const Operation& operation, const Values& path,
                       const std::string& also = "");
  // The whole request: path, required query parameters, body. Consumes what it names.
  HttpRequest valid(const Operation& operation, const std::string& workspace = kWorkspace);

  static std::string fill(const std::string& path, const Values& values);

 private:
  std::string path_value(const Operation& operation, const std::string& name, const Values& before);
  json::value field_value(const std::string& schema_name, const std::string& field,
                          const json::object& schema, const Values& path);
  json::value value_by_type(const json::object& schema);
  std::string workspace_of(const Values& path) const;
  std::string recording_id_in(const std::string& workspace);
  std::string pack_id_in(const std::string& workspace);
  std::string restore_in(const std::string& workspace);
  std::string new_directory();
  CallFiles stored_in(const std::string& workspace);

  ApiRig& rig_;
  const Document& document_;
  std::map<std::string, std::string> restores_;  // by workspace: one is enough
  TemporaryDirectory directory_;
  int directories_ = 0;
};

// The head of an answer that does not end, such as text/event-stream: read on a connection of its
// own, as the owner of `key`.
HttpResponse head_of_stream(ApiRig& rig, const HttpRequest& request, const std::string& key);

}  // namespace holdfast::testing
