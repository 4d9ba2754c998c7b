// What walk_test.cc does not see: the mount's own routes, and that the chains are whole.
#include <boost/test/unit_test.hpp>

#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

BOOST_AUTO_TEST_CASE(the_mounts_routes_are_on_its_socket_alone) {
  BOOST_TEST(rig().stranger().get("/mount/changes").status == 404);
  BOOST_TEST(rig().admin().get("/mount/changes").status == 404);
  TestClient mount(by_socket(rig().daemon().mount_socket()));
  BOOST_TEST(mount.get("/v1/status").status == 404);
  BOOST_TEST(mount.get("/mount/changes?wait=31").status == 422);
}

// Numbers begin anew with each start of the daemon, so an answer says of which start they are.
BOOST_AUTO_TEST_CASE(changes_name_the_daemons_run) {
  TestClient mount(by_socket(rig().daemon().mount_socket()));
  const std::string run(mount.get_object("/mount/changes?wait=0").at("run").get_string());
  BOOST_TEST(run.size() == 32U, run);
  BOOST_TEST(mount.get_object("/mount/changes?wait=0").at("run").get_string() == run);
}

BOOST_AUTO_TEST_CASE(both_chains_are_whole) {
  const json::object report = rig().admin().get_object("/v1/audit/check");
  for (const json::value& chain : report.at("chains").get_array())
    BOOST_TEST(chain.at("ok").get_bool(), canonical(chain));
}

}  // namespace
}  // namespace holdfast::testing
