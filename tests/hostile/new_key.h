// A key of a workspace in an archive that has neither yet, for clients of the real daemon.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/daemon_process.h"

namespace holdfast::hostile {

inline constexpr char kWorkspace[] = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";

// It may read, download, upload and place holds.
inline std::string new_key(const testing::DaemonProcess& daemon) {
  testing::TestClient admin(testing::by_socket(daemon.admin_socket()));
  BOOST_REQUIRE_EQUAL(
      admin.post("/v1/workspaces", json::object{{"workspace_id", kWorkspace}}).status, 201);
  const json::array scopes{"calls:read", "recordings:download", "recordings:write", "holds:place"};
  const auto key = admin.post("/v1/" + std::string(kWorkspace) + "/api-keys",
                              json::object{{"name", "hostile"}, {"scopes", scopes}});
  BOOST_REQUIRE_EQUAL(key.status, 201);
  return std::string(key.parsed()->at("api_key").get_string());
}

}  // namespace holdfast::hostile
