// Which recordings: the filters that `ls` lists by and `restore` asks back by.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/command.h"
#include "client/http_client.h"

namespace holdfast::cli {

struct RecordingQuery {
  std::string words;  // between blanks, all of which must be there
  std::string from_number;
  std::string to_number;
  std::string tag;
  std::string consent;
  std::string agent;
  std::string tier;
  std::string from;
  std::string to;
  std::string held;  // "yes", "no"
  std::string direction;
  bool flagged = false;

  // The options, without the words: each command takes those in its own way.
  void declare(Arguments& arguments);

  // The filters that were given, by the API's names.
  std::vector<NameValue> given() const;
  // The same as the `query` of a bulk request.
  json::object as_json() const;
};

}  // namespace holdfast::cli
