// The shapes of bodies, as JSON Schema, by the names that the route table uses.
#pragma once

#include "base/json.h"

namespace holdfast::api {

json::object schemas();

}  // namespace holdfast::api
