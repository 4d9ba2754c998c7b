// /openapi.json as a test reads it: its operations, and whether an answer is one that it names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/http_client.h"
#include "tests/support/json_schema.h"

namespace holdfast::testing {

// A member that is a string; empty when there is none, or it is another thing.
std::string text_at(const json::object& object, std::string_view key);

struct DocumentedParameter {
  std::string name;
  std::string in;  // "path" or "query"
  bool required = false;
  const json::object* schema = nullptr;
};

struct Operation {
  std::string method;  // "GET"
  std::string path;    // "/v1/{workspace_id}/recordings"
  std::string id;
  std::vector<DocumentedParameter> parameters;
  std::string body_schema;  // name in components/schemas; empty: no JSON body
  bool is_multipart = false;
  bool is_stream = false;  // its 200 is text/event-stream, and does not end
  bool needs_credential = true;
  std::optional<std::string> scope;
  const json::object* spec = nullptr;

  bool has(std::string_view parameter) const;
};

class Document {
 public:
  // `text` is the body of GET /openapi.json.
  explicit Document(const std::string& text);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  const std::vector<Operation>& operations() const { return operations_; }
  const json::object& root() const { return root_.get_object(); }
  const json::object& schemas() const { return *schemas_; }
  const SchemaChecker& checker() const { return checker_; }

  // What is wrong with the answer by the document: its status, its content type, its body.
  Complaints judge(const Operation& operation, const HttpResponse& answer,
                   bool of_head = false) const;
  // What is wrong with the document itself, as OpenAPI 3.1.
  Complaints check_structure() const;

 private:
  void check_operation(const Operation& operation, Complaints& out) const;
  void check_responses(const Operation& operation, Complaints& out) const;

  json::value root_;
  const json::object* schemas_;
  SchemaChecker checker_;
  std::vector<Operation> operations_;
};

}  // namespace holdfast::testing
